#include "gateway/admin/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* Removes a file that a dead process left behind. */
static int remove_stale(const struct sockaddr_un *address, struct fault *fault)
{
	struct stat st;
	int fd, err;

	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return fault_set(fault, ERR_ADMIN_SOCKET_TAKEN, 0, "admin.socket",
			"%s is not a socket", address->sun_path);
	fd = new_socket();
	if (fd < 0)
		return fd;
	err = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	err = err < 0 ? -errno : 0;
	close(fd);
	if (err == -ECONNREFUSED)
		return unlink(address->sun_path) < 0 && errno != ENOENT ?
			-errno : 0;
	if (err == 0 || err == -EAGAIN)
		return fault_set(fault, ERR_ADMIN_SOCKET_LIVE, 0, "admin.socket",
			"somebody answers at %s", address->sun_path);
	return err;
}

static int bind_to(int fd, const struct sockaddr_un *address,
	struct fault *fault)
{
	const struct sockaddr *any = (const struct sockaddr *)address;
	int err;

	/* Linux gives the file the mode of the unbound socket. */
	if (fchmod(fd, S_IRUSR | S_IWUSR) < 0)
		return -errno;
	if (bind(fd, any, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	err = remove_stale(address, fault);
	if (err)
		return err;
	return bind(fd, any, sizeof(*address)) < 0 ? -errno : 0;
}

static int set_access(const struct admin_config *config,
	struct socket_file *file)
{
	struct stat st;

	if (lstat(file->path, &st) < 0)
		return -errno;
	file->device = st.st_dev;
	file->inode = st.st_ino;
	if (config->has_group &&
			lchown(file->path, (uid_t)-1, config->group) < 0)
		return -errno;
	if (chmod(file->path, config->mode ? config->mode & 0777 : 0660) < 0)
		return -errno;
	return 0;
}

int socket_file_open(const struct admin_config *config,
	struct socket_file *ret_file, struct fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct socket_file file = {0};
	size_t len = config->path ? strlen(config->path) : 0;
	int fd, err;

	if (len == 0 || len >= sizeof(address.sun_path))
		return fault_set(fault, -ENAMETOOLONG, 0, "admin.socket",
			"must have 1 to %zu bytes",
			sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, config->path, len + 1);
	memcpy(file.path, config->path, len + 1);
	fd = new_socket();
	if (fd < 0)
		return fault_set(fault, fd, 0, "admin.socket",
			"cannot make a socket: %s", err_text(fd));
	err = bind_to(fd, &address, fault);
	if (err) {
		close(fd);
		return fault_set(fault, err, 0, "admin.socket",
			"cannot bind %s: %s", file.path, err_text(err));
	}
	err = set_access(config, &file);
	if (!err && listen(fd, BACKLOG) < 0)
		err = -errno;
	if (err) {
		socket_file_remove(&file);
		close(fd);
		return fault_set(fault, err, 0, "admin.socket",
			"cannot open %s to its users: %s", file.path,
			err_text(err));
	}
	*ret_file = file;
	return fd;
}

void socket_file_remove(const struct socket_file *file)
{
	struct stat st;

	if (file->inode && lstat(file->path, &st) == 0 &&
			st.st_dev == file->device && st.st_ino == file->inode)
		unlink(file->path);
}
