/* The line to the stack: a serial line, a serial server, or a packet socket. */
#include "transports/zigbee/radio.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transports/serial/blame.h"
#include "transports/serial/lines.h"
#include "transports/serial/tty.h"

#define READ_ROUNDS 8u
#define READ_ROUNDS_HANGUP 64u
#define READ_SIZE 4096u
#define PACKET_HEAD 2u
#define TARGET_SIZE (sizeof(((struct zb_line *)NULL)->target) + 16)

static int locate(struct zb_line *line)
{
	struct serial_port want, found;
	int err;

	if (line->target[0] == '/') {
		snprintf(line->path, sizeof(line->path), "%s", line->target);
		return access(line->target, F_OK) ? -ENODEV : 0;
	}
	err = serial_port_parse_usb(line->target, &want);
	if (!err)
		err = serial_port_find(&want, &found);
	if (!err)
		memcpy(line->path, found.path, sizeof(line->path));
	return err;
}

/* What is to be opened: a USB port has a path once it was found. */
static void target_text(const struct zb_line *line, char *text, size_t size)
{
	bool found = line->kind == LINE_TTY && line->path[0];

	snprintf(text, size, "%s%s",
		line->kind == LINE_PACKETS ? "seqpacket:" : "",
		found ? line->path : line->target);
}

void zb_line_blame(const struct zb_radio *r, int error, const char *why,
	char *text, size_t size)
{
	char target[TARGET_SIZE];

	target_text(&r->line, target, sizeof(target));
	serial_blame(target, error, why, text, size);
}

int zb_line_open(struct zb_radio *r)
{
	struct zb_line *line = &r->line;
	char target[TARGET_SIZE];
	int err = line->kind == LINE_TTY ? locate(line) : 0;

	target_text(line, target, sizeof(target));
	if (!err)
		err = r->host->open_device(r->owner, 1,
			line->kind == LINE_TTY ? FERRY_OPEN_KEEP : 0, target);
	return err;
}

int zb_line_opened(struct zb_radio *r, int fd, const char **ret_text)
{
	struct zb_line *line = &r->line;
	const char *warning = NULL;
	int err = 0;

	line->fd = fd;
	if (line->kind == LINE_TTY)
		err = serial_tty_take(
			fd, &line->settings, true, NULL, &warning, ret_text);
	if (err)
		return err;
	if (warning)
		zb_log(r, FERRY_LOG_WARN, "port %s: %s", line->target, warning);
	err = r->host->watch(r->owner, fd, FERRY_READ, 0);
	if (err < 0)
		return err;
	line->watch = err;
	return 0;
}

void zb_line_close(struct zb_radio *r)
{
	struct zb_line *line = &r->line;

	if (line->watch)
		r->host->unwatch(r->owner, line->watch);
	line->watch = 0;
	if (line->fd >= 0) {
		if (line->kind == LINE_TTY)
			serial_tty_drop(line->fd);
		close(line->fd);
	}
	line->fd = -1;
	buf_reset(&line->out);
}

void zb_line_write(struct zb_radio *r, struct bytes data)
{
	struct zb_line *line = &r->line;
	uint8_t head[PACKET_HEAD];
	int err = 0;

	if (line->fd < 0 || !data.len || line->broken)
		return;
	put_le16(head, (uint16_t)data.len);
	if (line->kind == LINE_PACKETS)
		err = buf_add(&line->out, head, sizeof(head));
	if (!err)
		err = buf_add_bytes(&line->out, data);
	if (err)
		line->broken = err == -EMSGSIZE ? -ENOBUFS : err;
}

/* Bytes that went, 0 when the line is full, or -errno. */
static ssize_t put(const struct zb_line *line, const uint8_t *at, size_t len)
{
	ssize_t n;

	do {
		n = line->kind == LINE_TTY
			    ? write(line->fd, at, len)
			    : send(line->fd, at, len,
				      MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	return n;
}

/* How much of what waits has gone; a packet goes whole. */
static ssize_t put_next(const struct zb_line *line, size_t done)
{
	const uint8_t *at = line->out.at + done;
	size_t left = line->out.len - done;
	ssize_t n;

	if (line->kind != LINE_PACKETS)
		return put(line, at, left);
	n = put(line, at + PACKET_HEAD, get_le16(at));
	return n > 0 ? n + (ssize_t)PACKET_HEAD : n;
}

void zb_line_flush(struct zb_radio *r)
{
	struct zb_line *line = &r->line;
	size_t done = 0;
	ssize_t n = 0;
	bool wanted;

	if (line->fd < 0 || !line->watch)
		return;
	while (done < line->out.len && !line->broken) {
		n = put_next(line, done);
		if (n < 0)
			line->broken = (int)n;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done)
		buf_eat(&line->out, done);
	wanted = line->out.len > 0 && !line->broken;
	if (wanted != line->writable_wanted)
		r->host->watch_set(r->owner, line->watch,
			wanted ? FERRY_READ | FERRY_WRITE : FERRY_READ);
	line->writable_wanted = wanted;
}

void zb_line_set(struct zb_radio *r, const char *text)
{
	struct zb_line *line = &r->line;
	struct serial_settings settings = line->settings;
	const char *warning;
	struct lines lines;
	uint32_t i;
	int err = 0;

	if (line->kind != LINE_TTY || line->fd < 0)
		return;
	if (!strncmp(text, "baud=", 5)) {
		if (serial_settings_take(&settings, "baud", text + 5) > 0)
			err = serial_settings_apply(
				line->fd, &settings, &warning);
		if (!err)
			line->settings = settings;
	} else if (serial_lines_exist(line->fd) &&
		   !serial_lines_parse(text, &lines)) {
		for (i = 0; i < lines.count && !err; i++)
			err = serial_lines_apply(line->fd, &lines.steps[i]);
	}
	if (err)
		zb_log(r, FERRY_LOG_WARN, "port %s: %s cannot be set",
			line->target, text);
}

/* A line that is gone reads as 0 bytes for ever; only its settings tell. */
static bool is_gone(const struct zb_line *line, bool hangup)
{
	struct serial_saved now = {.there = false};

	return hangup || line->kind != LINE_TTY ||
	       serial_settings_save(line->fd, &now) == -EIO;
}

/* A stream that gave less than it could has no more now; what comes later makes
 * it ready again. */
static bool is_all(const struct zb_line *line, size_t len)
{
	return line->kind != LINE_PACKETS && len < READ_SIZE;
}

static void read_in(struct zb_radio *r, bool hangup)
{
	struct zb_line *line = &r->line;
	unsigned rounds = hangup ? READ_ROUNDS_HANGUP : READ_ROUNDS;
	uint8_t data[READ_SIZE];
	ssize_t n;

	while (rounds-- && !r->failed) {
		n = read(line->fd, data, sizeof(data));
		if (n > 0) {
			r->ops->input(
				r->stack, r->now_ms, bytes_of(data, (size_t)n));
			/* The coordinator works while we do the rest. */
			zb_line_flush(r);
			if (is_all(line, (size_t)n) && !hangup)
				return;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && !hangup)
			return;
		if (n < 0 || is_gone(line, hangup))
			zb_over(r, -ENODEV,
				line->kind == LINE_TTY ? "the port is gone"
						       : "the far end hung up");
		return;
	}
	if (hangup && !r->failed)
		zb_over(r, -ENODEV, "the port is gone");
}

void zb_line_ready(struct zb_radio *r, uint32_t events)
{
	if (r->line.fd < 0)
		return;
	if (events & FERRY_WRITE)
		zb_line_flush(r);
	if (events & FERRY_READ)
		read_in(r, events & FERRY_HANGUP);
}
