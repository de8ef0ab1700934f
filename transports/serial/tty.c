#include "transports/serial/tty.h"

#include <errno.h>
#include <linux/serial.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "transports/serial/lines.h"

#define ASYNC_LOW_LATENCY_FLAG 0x2000

static void ask_low_latency(int fd)
{
	struct serial_struct line;

	/* What has no such timer says ENOTTY or takes it: both are fine. */
	if (ioctl(fd, TIOCGSERIAL, &line))
		return;
	line.flags |= ASYNC_LOW_LATENCY_FLAG;
	ioctl(fd, TIOCSSERIAL, &line);
}

static int lock(int fd, const char **ret_text)
{
	if (!isatty(fd)) {
		if (errno == EIO)
			return -ENODEV; /* kept, and pulled meanwhile */
		*ret_text = "is not a serial line";
		return -EINVAL;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		*ret_text = "another program has locked it; fuser -v shows which";
		return -EBUSY;
	}
	/* The mark stays on a PTY that its other end keeps open, and would lock
	 * out the next of us after a kill; flock dies with the process. */
	if (serial_lines_exist(fd))
		ioctl(fd, TIOCEXCL);
	return 0;
}

int serial_tty_take(int fd, const struct serial_settings *settings,
	bool low_latency, struct serial_saved *saved, const char **ret_warning,
	const char **ret_text)
{
	int err = lock(fd, ret_text);

	*ret_warning = NULL;
	if (err)
		return err;
	if (saved && !saved->there)
		serial_settings_save(fd, saved);
	err = serial_settings_apply(fd, settings, ret_warning);
	if (err) {
		*ret_text = "does not take these line settings";
		return err;
	}
	if (low_latency)
		ask_low_latency(fd);
	ioctl(fd, TCFLSH, 2);
	return 0;
}

void serial_tty_drop(int fd)
{
	/* Without this close() may wait for bytes that nobody takes. */
	ioctl(fd, TCFLSH, 2);
	ioctl(fd, TIOCNXCL);
	/* A duplicate may live on in a descriptor store. */
	flock(fd, LOCK_UN);
}
