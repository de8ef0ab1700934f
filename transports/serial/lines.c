#include "transports/serial/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static const struct {
	const char *name;
	uint8_t line;
} names[] = {
	{"dtr=", LINES_DTR},
	{"rts=", LINES_RTS},
	{"break=", LINES_BREAK},
};

static int parse_line(const char *word, size_t len, struct lines_step *step)
{
	size_t i, name;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		name = strlen(names[i].name);
		if (len != name + 1 || memcmp(word, names[i].name, name) != 0)
			continue;
		if (word[name] != '0' && word[name] != '1')
			return -EINVAL;
		if (step->mask & names[i].line)
			return -EINVAL; /* twice without a pause */
		step->mask |= names[i].line;
		if (word[name] == '1')
			step->on |= names[i].line;
		return 0;
	}
	return -EINVAL;
}

static int parse_pause(const char *word, size_t len, uint32_t *ret)
{
	unsigned long ms;
	char *end;

	if (len < 3 || len > 8)
		return -EINVAL;
	ms = strtoul(word, &end, 10);
	if (end != word + len - 2 || end[0] != 'm' || end[1] != 's' ||
		ms > LINES_PAUSE_MAX_MS)
		return -EINVAL;
	*ret = (uint32_t)ms;
	return 0;
}

int serial_lines_parse(const char *text, struct lines *ret)
{
	struct lines out = {0};
	uint32_t total = 0, pause;
	bool open = false; /* the last step may take more lines */
	size_t len;
	int err;

	for (text = text ? text : ""; *text; text += len) {
		len = *text == ' ' ? 1 : strcspn(text, " ");
		if (*text == ' ')
			continue;
		if (!open) {
			if (out.count == LINES_STEPS_MAX)
				return -EINVAL;
			out.count++;
			open = true;
		}
		if (*text >= '0' && *text <= '9') {
			err = parse_pause(text, len, &pause);
			total += err ? 0 : pause;
			if (err || total > LINES_PAUSE_MAX_MS)
				return -EINVAL;
			out.steps[out.count - 1].pause_ms = (uint16_t)pause;
			open = false;
		} else {
			err = parse_line(text, len, &out.steps[out.count - 1]);
			if (err)
				return err;
		}
	}
	*ret = out;
	return 0;
}

bool serial_lines_exist(int fd)
{
	int now;

	return ioctl(fd, TIOCMGET, &now) == 0;
}

static int apply_modem(int fd, const struct lines_step *step)
{
	int now;

	if (ioctl(fd, TIOCMGET, &now))
		return errno == EINVAL ? -ENOTTY : -errno;
	if (step->mask & LINES_DTR)
		now = step->on & LINES_DTR ? now | TIOCM_DTR : now & ~TIOCM_DTR;
	if (step->mask & LINES_RTS)
		now = step->on & LINES_RTS ? now | TIOCM_RTS : now & ~TIOCM_RTS;
	return ioctl(fd, TIOCMSET, &now) ? -errno : 0;
}

int serial_lines_apply(int fd, const struct lines_step *step)
{
	int err = 0;

	if (step->mask & (LINES_DTR | LINES_RTS))
		err = apply_modem(fd, step);
	if (!err && (step->mask & LINES_BREAK) &&
		ioctl(fd, step->on & LINES_BREAK ? TIOCSBRK : TIOCCBRK))
		err = -errno;
	return err;
}
