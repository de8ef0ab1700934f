/* The port and its link: found, opened, set up, lost, found again. */
#include "transports/serial/serial_port.h"

#include "base/err.h"
#include "transports/serial/blame.h"
#include "transports/serial/tty.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool wants_open(const struct serial *s)
{
	return !s->borrow || s->state != SERIAL_NONE_YET;
}

static void tell_peer(struct serial *s, uint32_t flags)
{
	struct serial_port found = {0};
	char vid[8], pid[8];
	struct ferry_kv attributes[6];
	struct ferry_peer peer = {
		.size = sizeof(peer),
		.flags = flags,
		.id_kind = s->kind == PORT_USB && s->want->serial[0]
				   ? FERRY_ID_HARDWARE
				   : FERRY_ID_PLACE,
		.key = s->key,
		.address = s->path,
		.attributes = attributes,
	};
	uint32_t n = 0;

	if (s->kind != PORT_TCP && !serial_port_describe(s->path, &found) &&
		found.usb) {
		snprintf(vid, sizeof(vid), "%04x", found.vid);
		snprintf(pid, sizeof(pid), "%04x", found.pid);
		attributes[n++] = (struct ferry_kv){"usb_vid", vid};
		attributes[n++] = (struct ferry_kv){"usb_pid", pid};
		if (found.serial[0])
			attributes[n++] =
				(struct ferry_kv){"usb_serial", found.serial};
		if (found.product[0])
			peer.name = found.product;
	}
	attributes[n++] = (struct ferry_kv){"path", s->path};
	peer.attribute_count = n;
	s->announced = !(flags & FERRY_PEER_GONE);
	s->host->on_peer(s->owner, &peer);
}

void serial_announce(struct serial *s)
{
	tell_peer(s, 0);
}

/* The record of link 0, as the result of start() or as news. `text`: where the
 * port is, or why it is not there. */
static void tell_record(struct serial *s, const char *text)
{
	const struct ferry_channel channel = {
		.size = sizeof(channel),
		.max_payload = SERIAL_PAYLOAD,
		.window = SERIAL_WINDOW,
		.level = FERRY_SENT,
	};
	struct ferry_link record = {
		.size = sizeof(record),
		.caps = serial_driver()->caps,
		.channels = &channel,
		.channel_count = 1,
		.channel_stride = sizeof(channel),
		.text = text,
	};
	const struct ferry_result r = {
		.size = sizeof(r),
		.token = s->start_token,
		.record = &record,
	};
	const struct ferry_link_event e = {
		.size = sizeof(e),
		.event = FERRY_LINK_CHANGED,
		.record = &record,
	};

	if (s->kind == PORT_TCP)
		record.caps &=
			~(FERRY_CAP_SET | FERRY_CAP_LINES | FERRY_CAP_RATE);
	if (!s->start_token) {
		s->host->on_link(s->owner, &e);
		return;
	}
	s->start_token = 0;
	s->host->complete(s->owner, &r);
}

/* The port is there: said once, at the start and when it came back. */
static void present(struct serial *s)
{
	if (s->start_token || s->absence_told)
		tell_record(s, s->target);
	s->absence_told = false;
}

static bool may_come_yet(int error)
{
	return error == -ENOENT || error == -ENODEV || error == -ENXIO ||
	       error == -ECONNREFUSED || error == -EHOSTUNREACH ||
	       error == -ETIMEDOUT || error == -EIO || error == -ENETUNREACH ||
	       error == -ECONNRESET;
}

/* Not there, or not to be had. A borrowed port that somebody else holds is an
 * answer for who wants it now; everything else is waited for. */
static void absent(struct serial *s, int error, const char *why)
{
	bool found = s->kind == PORT_USB && s->port != PORT_LOOK;
	char text[FERRY_TEXT_MAX + 1];

	serial_blame(found ? s->path : s->target, error, why, text,
		sizeof(text));
	serial_close_port(s);
	s->port = PORT_ABSENT;
	if (s->start_token &&
		(!s->hotplug || error == -EINVAL || error == -EEXIST)) {
		serial_complete(s, &s->start_token, error, "port", text);
		return;
	}
	if (!s->absence_told) {
		tell_record(s, text);
		serial_log(s, FERRY_LOG_WARN, "port %s", text);
	}
	s->absence_told = true;
	if (s->connect_token && (!s->hotplug || !may_come_yet(error))) {
		serial_complete(s, &s->connect_token, error, NULL, text);
		s->state = SERIAL_NONE_YET;
	} else if (s->state == SERIAL_JOINING) {
		s->state = SERIAL_WANTED;
	}
	if (s->announced)
		tell_peer(s, FERRY_PEER_GONE);
	serial_timer(s, TIMER_PHASE, s->retry_ms);
	s->retry_ms *= 2;
	if (s->retry_ms > RETRY_MAX_MS)
		s->retry_ms = RETRY_MAX_MS;
}

static int locate(struct serial *s)
{
	struct serial_port found;
	int err;

	if (s->kind != PORT_USB) {
		snprintf(s->path, sizeof(s->path), "%s", s->target);
		if (s->kind == PORT_PATH && access(s->target, F_OK))
			return -ENODEV;
		return 0;
	}
	err = serial_port_find(s->want, &found);
	if (!err)
		memcpy(s->path, found.path, sizeof(s->path));
	return err;
}

static void look(struct serial *s)
{
	int err = locate(s);

	if (!err && !wants_open(s)) {
		s->port = PORT_IDLE;
		s->retry_ms = RETRY_MIN_MS;
		if (!s->announced)
			tell_peer(s, 0);
		present(s);
		if (s->hotplug && s->kind != PORT_TCP)
			serial_timer(s, TIMER_PHASE, RETRY_MAX_MS);
		return;
	}
	if (!err) {
		s->port = PORT_OPENING;
		serial_timer(s, TIMER_PHASE, -1);
		err = s->host->open_device(s->owner, ++s->open_request,
			s->borrow ? 0 : FERRY_OPEN_KEEP,
			s->kind == PORT_USB ? s->path : s->target);
	}
	if (err)
		absent(s, err, NULL);
}

static int set_up_tty(struct serial *s, const char **ret_text)
{
	const char *warning;
	int err = serial_tty_take(s->fd, &s->base, s->low_latency, &s->saved,
		&warning, ret_text);

	if (err)
		return err;
	if (warning && !s->frame_warned)
		serial_log(
			s, FERRY_LOG_WARN, "port %s: %s", s->target, warning);
	s->frame_warned = s->frame_warned || warning;
	return 0;
}

static void ready(struct serial *s)
{
	s->port = PORT_READY;
	s->retry_ms = RETRY_MIN_MS;
	present(s);
	if (!s->announced)
		tell_peer(s, 0);
}

/* Takes the descriptor that the host opened, or had kept open. */
static void opened(struct serial *s, int fd, bool kept)
{
	const char *text = NULL;
	int err = 0;

	s->fd = fd;
	s->now = s->base;
	s->written = 0;
	if (s->kind != PORT_TCP)
		err = set_up_tty(s, &text);
	if (!err) {
		s->watch = s->host->watch(s->owner, fd, FERRY_READ, 0);
		if (s->watch < 0) {
			err = s->watch;
			s->watch = 0;
		}
	}
	if (err) {
		absent(s, err, text);
		return;
	}
	s->opens += !kept;
	if (kept)
		ready(s);
	else
		s->port = PORT_FRESH;
}

void serial_opened(struct serial *s, uint64_t request, int result, int fd)
{
	if (request != s->open_request || s->port != PORT_OPENING) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (result < 0)
		absent(s, result, NULL);
	else
		opened(s, fd, result == FERRY_OPEN_KEPT);
	serial_advance(s);
}

void serial_close_port(struct serial *s)
{
	s->run = NULL;
	s->pausing = false;
	serial_timer(s, TIMER_PHASE, -1);
	serial_timer(s, TIMER_DRAIN, -1);
	if (s->port == PORT_OPENING)
		s->host->open_cancel(s->owner, s->open_request);
	if (s->watch)
		s->host->unwatch(s->owner, s->watch);
	s->watch = 0;
	if (s->fd < 0)
		return;
	if (s->kind != PORT_TCP) {
		if (s->borrow)
			serial_settings_restore(s->fd, &s->saved);
		serial_tty_drop(s->fd);
	}
	close(s->fd);
	s->fd = -1;
}

static void tell_down(struct serial *s, uint64_t link, int status)
{
	char text[FERRY_TEXT_MAX + 1];
	const struct ferry_link_event e = {
		.size = sizeof(e),
		.event = FERRY_LINK_DOWN,
		.link = link,
		.status = status,
		.text = text,
	};

	serial_blame(s->kind == PORT_USB ? s->path : s->target, status,
		s->kind == PORT_TCP ? "the serial server hung up"
				    : "the port is gone",
		text, sizeof(text));
	s->host->on_link(s->owner, &e);
}

void serial_lose(struct serial *s, int status)
{
	enum serial_link was = s->state;

	s->losses++;
	serial_close_port(s);
	serial_out_end(s, status);
	serial_complete(s, &s->set_token, status, NULL, NULL);
	serial_complete(s, &s->disconnect_token, 0, NULL, NULL);
	s->set_running = false;
	if (was == SERIAL_UP)
		tell_down(s, s->link, status);
	s->state = SERIAL_NONE_YET;
	if (s->connect_token && s->hotplug)
		s->state = SERIAL_WANTED;
	else
		serial_complete(s, &s->connect_token, status, NULL, NULL);
	s->retry_ms = RETRY_MIN_MS;
	if (s->hotplug || s->start_token) {
		absent(s, status, NULL);
		return;
	}
	s->port = PORT_ABSENT;
	if (s->announced)
		tell_peer(s, FERRY_PEER_GONE);
	serial_complete(s, &s->scan_token, status, NULL, NULL);
	tell_down(s, 0, status);
}

static void run_start(struct serial *s, const struct lines *lines)
{
	s->run = lines;
	s->run_at = 0;
}

static bool step_run(struct serial *s)
{
	const struct lines_step *step;
	int err;

	if (s->pausing)
		return false;
	if (s->run_at == s->run->count) {
		s->run = NULL;
		return true;
	}
	step = &s->run->steps[s->run_at++];
	err = serial_lines_apply(s->fd, step);
	if (err && !s->lines_warned) {
		serial_log(s, FERRY_LOG_WARN,
			"port %s: DTR, RTS or break cannot be set: %s",
			s->target, err_text(err));
		s->lines_warned = true;
	}
	if (step->pause_ms) {
		s->pausing = true;
		serial_timer(s, TIMER_PHASE, step->pause_ms);
	}
	return true;
}

static void complete_connect(struct serial *s)
{
	char text[128], frame[40];
	const struct ferry_channel channel = {
		.size = sizeof(channel),
		.max_payload = SERIAL_PAYLOAD,
		.window = SERIAL_WINDOW,
		.level = FERRY_SENT,
	};
	struct ferry_link record = {
		.size = sizeof(record),
		.caps = FERRY_CAP_STREAM | FERRY_CAP_SENT,
		.channels = &channel,
		.channel_count = 1,
		.channel_stride = sizeof(channel),
		.text = text,
	};
	struct ferry_result r = {
		.size = sizeof(r),
		.token = s->connect_token,
		.record = &record,
	};

	serial_settings_text(&s->now, frame, sizeof(frame));
	snprintf(text, sizeof(text), "%s%s%s", s->path,
		s->kind == PORT_TCP ? "" : ", ",
		s->kind == PORT_TCP ? "" : frame);
	if (s->kind != PORT_TCP)
		record.caps |= FERRY_CAP_SET | FERRY_CAP_RATE;
	if (serial_lines_exist(s->fd))
		record.caps |= FERRY_CAP_LINES;
	s->state = SERIAL_UP;
	s->connect_token = 0;
	s->host->complete(s->owner, &r);
}

static int apply(struct serial *s, const struct serial_settings *settings)
{
	const char *warning;
	int err;

	if (s->kind == PORT_TCP)
		return 0;
	err = serial_settings_apply(s->fd, settings, &warning);
	if (!err)
		s->now = *settings;
	return err;
}

static bool step_join(struct serial *s)
{
	int err;

	if (s->state == SERIAL_JOINING) {
		complete_connect(s);
		return true;
	}
	err = apply(s, &s->link_settings);
	if (err) {
		s->state = SERIAL_NONE_YET;
		serial_complete(s, &s->connect_token, -EINVAL, "channel",
			"the port does not take these line settings");
		return true;
	}
	run_start(s, &s->connect_lines);
	s->state = SERIAL_JOINING;
	return true;
}

/* Settings change only when the last byte under the old ones is out. */
static bool step_set(struct serial *s)
{
	int err;

	if (s->set_running) {
		s->set_running = false;
		serial_complete(s, &s->set_token, 0, NULL, NULL);
		serial_out_release(s);
		return true;
	}
	if (!serial_out_is_empty(s)) {
		serial_timer(s, TIMER_DRAIN, 2);
		return false;
	}
	err = apply(s, &s->set_settings);
	if (err) {
		serial_complete(s, &s->set_token, -EINVAL, NULL,
			"the port does not take these line settings");
		serial_out_release(s);
		return true;
	}
	s->set_running = true;
	run_start(s, &s->set_lines);
	return true;
}

void serial_end_link(struct serial *s)
{
	s->state = SERIAL_NONE_YET;
	s->link = 0;
	if (!s->borrow)
		return;
	serial_close_port(s);
	s->port = PORT_LOOK;
}

static bool step_leave(struct serial *s)
{
	if (s->state == SERIAL_LEAVING) {
		if (!serial_out_is_empty(s) &&
			s->host->now_us(s->owner) < s->leave_by_us) {
			serial_timer(s, TIMER_DRAIN, 2);
			return false;
		}
		run_start(s, &s->leave_lines);
		s->state = SERIAL_PARTING;
		return true;
	}
	apply(s, &s->base);
	serial_end_link(s);
	serial_complete(s, &s->disconnect_token, 0, NULL, NULL);
	return true;
}

static bool step_link(struct serial *s)
{
	switch (s->state) {
	case SERIAL_NONE_YET:
		if (!s->borrow)
			return false;
		serial_end_link(s);
		return true;
	case SERIAL_WANTED:
	case SERIAL_JOINING:
		return step_join(s);
	case SERIAL_UP:
		return s->set_token ? step_set(s) : false;
	case SERIAL_LEAVING:
	case SERIAL_PARTING:
		return step_leave(s);
	}
	return false;
}

/* One step; false when something has to be waited for. */
static bool step(struct serial *s)
{
	if (s->run)
		return step_run(s);
	switch (s->port) {
	case PORT_ABSENT:
	case PORT_OPENING:
	case PORT_BOOTING:
		return false;
	case PORT_IDLE:
		if (!wants_open(s))
			return false;
		s->port = PORT_LOOK;
		return true;
	case PORT_LOOK:
		look(s);
		return true;
	case PORT_FRESH:
		run_start(s, &s->open_lines);
		s->port = PORT_LINED;
		return true;
	case PORT_LINED:
		if (s->boot_wait_ms) {
			s->port = PORT_BOOTING;
			serial_timer(s, TIMER_PHASE, s->boot_wait_ms);
			return false;
		}
		ready(s);
		return true;
	case PORT_READY:
		return step_link(s);
	}
	return false;
}

void serial_advance(struct serial *s)
{
	while (step(s))
		;
}

void serial_phase_over(struct serial *s)
{
	s->pausing = false;
	if (s->run)
		return;
	if (s->port == PORT_BOOTING)
		ready(s);
	else if (s->port == PORT_ABSENT || s->port == PORT_IDLE)
		s->port = PORT_LOOK;
}

static void deliver(struct serial *s, const uint8_t *data, size_t len)
{
	const struct ferry_message m = {
		.size = sizeof(m),
		.link = s->link,
		.at_us = s->host->now_us(s->owner),
		.data = data,
		.len = (uint32_t)len,
	};

	s->bytes_in += len;
	if (s->state == SERIAL_UP)
		s->host->on_message(s->owner, &m);
	else
		s->bytes_discarded += len;
}

/* A line that is gone reads as 0 bytes for ever; only its settings tell. */
static bool is_gone(struct serial *s, bool hangup)
{
	struct serial_saved now;

	return hangup || s->kind == PORT_TCP ||
	       serial_settings_save(s->fd, &now) == -EIO;
}

void serial_read(struct serial *s, bool hangup)
{
	uint8_t data[4096];
	unsigned rounds = hangup ? 64 : 4;
	ssize_t n;

	while (rounds--) {
		n = read(s->fd, data, sizeof(data));
		if (n > 0) {
			deliver(s, data, (size_t)n);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && !hangup)
			return;
		if (n < 0 || is_gone(s, hangup)) {
			serial_lose(s, -ENODEV);
			serial_advance(s);
		}
		return;
	}
	if (hangup) {
		serial_lose(s, -ENODEV);
		serial_advance(s);
	}
}
