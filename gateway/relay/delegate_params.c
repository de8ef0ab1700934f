#include "gateway/relay/delegate_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"
#include "base/rights.h"

#define PORT_PLAIN 1883
#define PORT_TLS 8883
#define CREDENTIALS "/run/credentials/"

/* ---- each of them ---- */

static int read_port(const char *text, uint16_t *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || n < 1 || n > 65535)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

/* "mqtt://127.0.0.1:1883", "mqtts://broker", "mqtt://[::1]:1883" */
static int read_url(const char *text, struct delegate_params *p)
{
	const char *host, *end;
	size_t len;

	p->tls = !strncmp(text, "mqtts://", 8);
	if (!p->tls && strncmp(text, "mqtt://", 7) != 0)
		return -EINVAL;
	host = text + (p->tls ? 8 : 7);
	p->port = p->tls ? PORT_TLS : PORT_PLAIN;
	if (host[0] == '[') {
		host++;
		len = strcspn(host, "]");
		end = host + len + (host[len] == ']');
	} else {
		len = strcspn(host, ":/?#@");
		end = host + len;
	}
	if (len == 0 || len >= sizeof(p->host))
		return -EINVAL;
	snprintf(p->host, sizeof(p->host), "%.*s", (int)len, host);
	return *end == '\0' ? 0 : *end == ':' ? read_port(end + 1, &p->port) :
		-EINVAL;
}

static bool is_topic(const char *text)
{
	size_t len = strlen(text);

	return len && text[0] != '/' && text[0] != '$' &&
		text[len - 1] != '/' && !strpbrk(text, "+# ");
}

static const struct {
	const char *key;
	size_t at, size;
} fields[] = {
#define FIELD(name) {#name, offsetof(struct delegate_params, name), \
	sizeof(((struct delegate_params *)0)->name)}
	FIELD(topic), FIELD(folder), FIELD(ca), FIELD(cert), FIELD(key),
	FIELD(credentials),
#undef FIELD
};

static char *field_of(struct delegate_params *p, const char *key,
	size_t *ret_size)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!strcmp(key, fields[i].key)) {
			*ret_size = fields[i].size;
			return (char *)p + fields[i].at;
		}
	return NULL;
}

static int refuse_unknown(const char *key, struct fault *f)
{
	struct nearest near;

	nearest_init(&near, bytes_of_text(key));
	nearest_offer(&near, "url");
	nearest_offer(&near, "hand_over");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		nearest_offer(&near, fields[i].key);
	return fault_set(f, ERR_CONFIG_UNKNOWN, 0, key,
		"is no parameter of zigbee2mqtt%s", nearest_text(&near));
}

static int read_param(const struct ferry_kv *kv, struct delegate_params *p,
	struct fault *f)
{
	size_t size = 0;
	char *field = field_of(p, kv->key, &size);

	if (field && strlen(kv->value) < size) {
		memcpy(field, kv->value, strlen(kv->value) + 1);
		return 0;
	}
	if (field)
		return fault_set(f, ERR_CONFIG_VALUE, 0, kv->key,
			"is too long");
	if (!strcmp(kv->key, "url"))
		return read_url(kv->value, p) ? fault_set(f, ERR_CONFIG_VALUE,
			0, "url", "must be mqtt://HOST[:PORT] or "
			"mqtts://HOST[:PORT]") : 0;
	if (strcmp(kv->key, "hand_over") != 0)
		return refuse_unknown(kv->key, f);
	p->by_url = !strcmp(kv->value, "url");
	return p->by_url || !strcmp(kv->value, "file") ? 0 : fault_set(f,
		ERR_CONFIG_VALUE, 0, "hand_over", "must be file or url");
}

static int check_folder(const struct delegate_params *p, struct fault *f)
{
	struct stat st;

	if (p->by_url && p->folder[0])
		return fault_set(f, ERR_CONFIG_VALUE, 0, "folder",
			"makes sense with hand_over = \"file\" only");
	if (p->by_url)
		return 0;
	if (p->folder[0] != '/')
		return fault_set(f, p->folder[0] ? ERR_CONFIG_VALUE :
			ERR_CONFIG_MISSING, 0, "folder",
			"must be set to an absolute path");
	if (stat(p->folder, &st) || !S_ISDIR(st.st_mode) ||
			access(p->folder, W_OK | X_OK))
		return fault_set(f, ERR_CONFIG_VALUE, 0, "folder",
			"must be a folder that ferryd may write to");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fault_set(f, ERR_CONFIG_VALUE, 0, "folder",
			"must belong to the user of ferryd, or to root");
	/* Who can write to it can put another file in place of the copy. */
	if (st.st_mode & (S_IWOTH | S_IWGRP))
		return fault_set(f, ERR_CONFIG_VALUE, 0, "folder",
			"must be writable for ferryd only");
	/* And who can write to one above it, another folder in its place. */
	return rights_check_way(p->folder, ERR_CONFIG_VALUE, "folder", f);
}

/* ---- secrets ---- */

static int check_secret(int fd, mode_t refused, const char *field,
	struct fault *f)
{
	struct stat st;

	if (fd < 0)
		return fault_set(f, ERR_CONFIG_VALUE, 0, field,
			"cannot be read: %s", err_text(-errno));
	if (fstat(fd, &st))
		return fault_set(f, ERR_CONFIG_VALUE, 0, field,
			"cannot be read: %s", err_text(-errno));
	return rights_check_secret(&st, refused, field, f);
}

/* Not to hang on a FIFO before it is known to be one. */
static int open_secret(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

int delegate_credentials_read(const char *path,
	char text[DELEGATE_CREDENTIALS_SIZE], const char **ret_password,
	struct fault *f)
{
	int fd = open_secret(path);
	int err = check_secret(fd, S_IRWXO | S_IWGRP, "credentials", f);
	ssize_t len = err ? 0 : read(fd, text, DELEGATE_CREDENTIALS_SIZE - 1);
	size_t user, password;

	if (fd >= 0)
		close(fd);
	if (err)
		return err;
	text[len > 0 ? len : 0] = '\0';
	user = strcspn(text, "\r\n");
	if (len <= 0 || user == 0 || strlen(text) != (size_t)len)
		return fault_set(f, ERR_CONFIG_VALUE, 0, "credentials",
			"must be a file with a user and a password on two "
			"lines");
	*ret_password = text + user + strspn(text + user, "\r\n");
	password = strcspn(*ret_password, "\r\n");
	text[*ret_password - text + (ptrdiff_t)password] = '\0';
	text[user] = '\0';
	if (!password)
		*ret_password = NULL;
	return 0;
}

/* A credential of the unit is there only while the unit runs. */
static bool is_of_unit(const char *path)
{
	return !strncmp(path, CREDENTIALS, strlen(CREDENTIALS)) &&
		!secure_getenv("CREDENTIALS_DIRECTORY");
}

static int check_key(const char *path, struct fault *f)
{
	int fd, err;

	if (!path[0] || is_of_unit(path))
		return 0;
	fd = open_secret(path);
	err = check_secret(fd, rights_refused_for_key(path), "key", f);
	if (fd >= 0)
		close(fd);
	return err;
}

static int check_credentials(const char *path, struct fault *f)
{
	char text[DELEGATE_CREDENTIALS_SIZE];
	const char *password;
	int err;

	if (!path[0] || is_of_unit(path))
		return 0;
	err = delegate_credentials_read(path, text, &password, f);
	explicit_bzero(text, sizeof(text));
	return err;
}

/* ---- all ---- */

int delegate_params_read(const struct ferry_kv *params, size_t count,
	struct delegate_params *ret, struct fault *f)
{
	struct delegate_params p = {.topic = "zigbee2mqtt"};
	int err = 0;

	for (size_t i = 0; !err && i < count; i++)
		err = read_param(&params[i], &p, f);
	if (err)
		return err;
	if (!p.host[0])
		return fault_set(f, ERR_CONFIG_MISSING, 0, "url",
			"must be set");
	if (!is_topic(p.topic))
		return fault_set(f, ERR_CONFIG_VALUE, 0, "topic",
			"must be the base topic of zigbee2mqtt");
	if (!p.tls && (p.ca[0] || p.cert[0]))
		return fault_set(f, ERR_CONFIG_VALUE, 0, p.ca[0] ? "ca" :
			"cert", "makes sense with mqtts:// only");
	if (!p.cert[0] != !p.key[0])
		return fault_set(f, ERR_CONFIG_MISSING, 0, p.cert[0] ? "key" :
			"cert", "must be set, as the other of the two is");
	err = check_folder(&p, f);
	if (!err)
		err = check_key(p.key, f);
	if (!err)
		err = check_credentials(p.credentials, f);
	if (!err)
		*ret = p;
	return err;
}

int delegate_params_check(const struct ferry_kv *params, size_t count,
	struct fault *fault)
{
	struct delegate_params p;

	return delegate_params_read(params, count, &p, fault);
}
