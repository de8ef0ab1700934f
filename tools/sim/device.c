#include "tools/sim/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RESET_DELAY_NS 250000000u

enum event {
	EVENT_NONE,
	EVENT_ARRIVAL,
	EVENT_REQUEST,
	EVENT_ANSWER,
	EVENT_RESTART,
	EVENT_PHASE,
	EVENT_WATCHDOG,
	EVENT_POWER_ON,
	EVENT_REPLUG,
};

void device_setup_init(struct device_setup *s)
{
	*s = (struct device_setup){
		.framing = FRAMING_CONSOLE,
		.mode = BOOT_SWAP,
		.images = 1,
		.slot_size = 256 << 10,
		.think_us = 2000,
		.boot_us = 100000,
		.swap_us = 200000,
		.unplug_us = 500000,
		.buf_size = 1024,
		.buf_count = 4,
		.alignment = 4,
		.payload = 244,
		.image = {.version = {1, 0, 0, 0},
			.payload_len = 32768,
			.seed = 1},
	};
}

/* Where the first image goes, front to back. */
struct flasher {
	const struct flash *flash;
	unsigned slot;
	uint32_t at;
};

static int flash_sink(void *arg, const void *at, size_t len)
{
	struct flasher *to = arg;
	int err = flash_write(to->flash, to->slot, to->at, at, len);

	to->at += (uint32_t)len;
	return err;
}

static int copy_file(const char *path, struct flasher *to)
{
	FILE *file = fopen(path, "rb");
	uint8_t chunk[4096];
	int err = 0;
	size_t n;

	if (!file)
		return -errno;
	while (!err && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		err = flash_sink(to, chunk, n);
	if (!err && ferror(file))
		err = -EIO;
	fclose(file);
	return err;
}

static int write_first_images(
	struct device *d, const struct device_setup *setup)
{
	int err = 0;

	for (unsigned i = 0; i < d->mcu.flash.images && !err; i++) {
		struct flasher to = {.flash = &d->mcu.flash, .slot = i * 2};
		struct mkimage image = setup->image;

		image.seed += i;
		err = setup->image_path && i == 0
			      ? copy_file(setup->image_path, &to)
			      : mkimage_write(&image, flash_sink, &to, NULL);
	}
	return err ? err : flash_seal(&d->mcu.flash);
}

/* Switches of the build change what the setup says. */
static void apply_build(struct device_setup *s, const struct switches *sw)
{
	if (switch_is_on(sw, SW_RECOVERY)) {
		s->mode = BOOT_RECOVERY;
		s->alignment = (uint32_t)switch_value(sw, SW_RECOVERY);
	}
	if (switch_is_on(sw, SW_NO_REVERT))
		s->mode = BOOT_OVERWRITE;
	if (switch_is_on(sw, SW_DIRECT_XIP))
		s->mode = BOOT_DIRECT_XIP;
	if (switch_is_on(sw, SW_TWO_IMAGES))
		s->images = 2;
	if (switch_is_on(sw, SW_RAW_UART) && s->framing == FRAMING_CONSOLE)
		s->framing = FRAMING_RAW;
}

static int check_setup(const struct device_setup *s, struct fault *fault)
{
	if (s->buf_size < 64 || s->buf_size > DEVICE_BUF_SIZE_MAX)
		return fault_set(fault, -EINVAL, 0, "buf_size",
			"must be 64 to %d", DEVICE_BUF_SIZE_MAX);
	if (s->buf_count < 1 || s->buf_count > DEVICE_REQUESTS_MAX)
		return fault_set(fault, -EINVAL, 0, "buf_count",
			"must be 1 to %d", DEVICE_REQUESTS_MAX);
	if (s->alignment < 1 || s->alignment > 32)
		return fault_set(
			fault, -EINVAL, 0, "alignment", "must be 1 to 32");
	if (s->payload < 20 || s->payload > 4096)
		return fault_set(
			fault, -EINVAL, 0, "payload", "must be 20 to 4096");
	if (s->suit && s->mode != BOOT_SWAP && s->mode != BOOT_OVERWRITE)
		return fault_set(fault, -EINVAL, 0, "device_keys",
			"needs mode swap or overwrite-only");
	if ((s->suit || s->unseal.on) && suit_start())
		return fault_set(fault, -EIO, 0, "device_keys",
			"no cryptography");
	return 0;
}

static void take_setup(struct device *d, const struct device_setup *s,
	const struct switches *sw)
{
	struct mcu *m = &d->mcu;

	snprintf(d->name, sizeof(d->name), "%s", s->name);
	d->framing = s->framing;
	d->serial_recovery = s->serial_recovery || s->mode == BOOT_RECOVERY;
	d->baud = s->baud;
	d->payload = s->payload;
	d->think_ns = s->think_us * 1000;
	d->boot_ns = s->boot_us * 1000;
	d->swap_ns = s->swap_us * 1000;
	d->unplug_ns = s->unplug_us * 1000;
	m->sw = *sw;
	m->buf_size = s->buf_size;
	m->buf_count = s->buf_count;
	m->message_max =
		s->framing == FRAMING_CONSOLE ? s->buf_size - 4 : s->buf_size;
	m->alignment = s->alignment;
	m->random = 0x2545f491;
	m->name = d->name;
	boot_init(&m->boot, &m->flash, s->mode);
	m->boot.hw = s->hw;
	m->unseal = s->unseal;
	if (s->suit) {
		memcpy(d->suit_key, s->suit_key, sizeof(d->suit_key));
		m->boot.suit_key = d->suit_key;
	}
}

/* What a switch does at the moment when it is set. */
static int apply_switch(struct device *d, enum switch_id id)
{
	struct switches *sw = &d->mcu.sw;

	if (!switch_is_on(sw, id))
		return 0;
	if (id == SW_SAME_HASH)
		return mcu_copy_running(&d->mcu);
	if (id == SW_NO_FREE_SLOT)
		return mcu_make_unconfirmed(&d->mcu);
	if (id == SW_TEST_CONFIRM)
		d->swap_ns = switch_value(sw, SW_TEST_CONFIRM) * 1000;
	return 0;
}

/* What is in flash stays as it was when ferry-sim starts again. */
static int apply_switches(struct device *d, bool fresh)
{
	int err = 0;

	for (int i = 0; i < SW_COUNT && !err; i++)
		if (fresh || (i != SW_SAME_HASH && i != SW_NO_FREE_SLOT))
			err = apply_switch(d, (enum switch_id)i);
	return err;
}

int device_open(struct device *d, const struct device_setup *setup,
	const struct switches *sw, uint64_t now, struct fault *fault)
{
	struct device_setup s = *setup;
	bool fresh;
	int err;

	memset(d, 0, sizeof(*d));
	d->mcu.flash.fd = -1;
	d->plugged = true;
	d->replug_at = d->power_on_at = DEVICE_NEVER;
	apply_build(&s, sw);
	err = check_setup(&s, fault);
	if (err)
		return err;
	err = flash_open(&d->mcu.flash, s.flash_path, s.slot_size, s.images);
	if (err)
		return fault_set(fault, err, 0, "flash", "%s: %s",
			s.flash_path ? s.flash_path : "memory",
			err == -EINVAL ? "other slot size or images"
				       : err_text(err));
	take_setup(d, &s, sw);
	device_line_init(d);
	fresh = d->mcu.flash.fresh;
	if (fresh) {
		err = write_first_images(d, &s);
		if (err) {
			fault_set(fault, err, 0, "image", "%s", err_text(err));
			goto fail;
		}
	}
	device_power_on(d, now);
	err = apply_switches(d, fresh);
	if (err) {
		fault_set(fault, err, 0, "switch", "%s", err_text(err));
		goto fail;
	}
	return 0;
fail:
	device_close(d);
	return err;
}

void device_close(struct device *d)
{
	device_line_done(d);
	flash_close(&d->mcu.flash);
}

int device_switch(struct device *d, const char *text, struct fault *fault)
{
	struct switches next = d->mcu.sw;
	enum switch_id id;
	int err = switches_set(&next, text, &id, fault);

	if (err)
		return err;
	if (switch_when(id) == SWITCH_AT_START)
		return fault_set(fault, -EBUSY, 0, switch_name(id),
			"counts only when the device is made");
	d->mcu.sw = next;
	err = apply_switch(d, id);
	if (err)
		return fault_set(
			fault, err, 0, switch_name(id), "%s", err_text(err));
	return 0;
}

static unsigned buffers_used(const struct device *d)
{
	unsigned used = 0;

	while (used < d->request_count && d->requests[used].arrived)
		used++;
	return used;
}

static void drop_request(struct device *d, unsigned i)
{
	free(d->requests[i].bytes);
	d->request_count--;
	memmove(d->requests + i, d->requests + i + 1,
		(d->request_count - i) * sizeof(d->requests[0]));
}

/* Datagrams are lost one by one, on the air: see hub.c. */
bool device_loses(struct device *d)
{
	return d->framing != FRAMING_DATAGRAM &&
	       switch_fires(&d->mcu.sw, SW_LOSS);
}

/* The last byte of a request is in. */
static void request_arrives(struct device *d)
{
	unsigned used = buffers_used(d);
	struct mcu *m = &d->mcu;

	if (device_loses(d) || used >= mcu_buffers(m)) {
		m->counts.requests_dropped++;
		drop_request(d, used);
		return;
	}
	d->requests[used].arrived = true;
	used += 1 + d->answer_count;
	if (used > m->counts.max_outstanding)
		m->counts.max_outstanding = used;
}

/* No buffer is left for an answer. Recovery has one of its own. */
static bool is_crowded(const struct device *d)
{
	const struct mcu *m = &d->mcu;
	uint64_t limit = m->buf_count < 2 ? 2 : m->buf_count;

	if (switch_is_on(&m->sw, SW_WINDOW_LIMIT) &&
		switch_value(&m->sw, SW_WINDOW_LIMIT) > 0)
		limit = switch_value(&m->sw, SW_WINDOW_LIMIT);
	return !m->in_recovery && buffers_used(d) >= limit;
}

static void serve_request(struct device *d, uint64_t now)
{
	struct device_request *r = &d->requests[0];
	struct smp_effect effect;
	uint64_t at;

	server_handle(&d->mcu, bytes_of(r->bytes, r->len), is_crowded(d),
		&d->answer, &effect);
	drop_request(d, 0);
	d->cpu_free_at = at = now + effect.delay_us * 1000;
	if (effect.reset) {
		d->restart_at = at + RESET_DELAY_NS;
		d->restart_to_recovery = effect.to_recovery;
		effect.answered &= !switch_is_on(&d->mcu.sw, SW_RESET_SILENT);
	}
	if (switch_fires(&d->mcu.sw, SW_LATE))
		at += switch_value(&d->mcu.sw, SW_LATE) * 1000;
	if (effect.answered)
		device_put_answer(d, at, buf_bytes(&d->answer));
	if (effect.unplug)
		device_unplug(d, now, d->unplug_ns);
}

static void watchdog_bites(struct device *d, uint64_t now)
{
	d->watchdog_at = DEVICE_NEVER;
	if (d->state == DEVICE_SILENT || mcu_runs_unconfirmed(&d->mcu, 0))
		device_restart(d, now);
}

static void consider(
	uint64_t at, enum event event, uint64_t *best, enum event *ret)
{
	if (at < *best) {
		*best = at;
		*ret = event;
	}
}

static uint64_t request_due(const struct device *d)
{
	uint64_t at = d->requests[0].at;

	return (at > d->cpu_free_at ? at : d->cpu_free_at) + d->think_ns;
}

static enum event next_event(const struct device *d, uint64_t *ret_at)
{
	unsigned arrived = buffers_used(d);
	enum event event = EVENT_NONE;

	*ret_at = DEVICE_NEVER;
	consider(d->power_on_at, EVENT_POWER_ON, ret_at, &event);
	consider(d->replug_at, EVENT_REPLUG, ret_at, &event);
	consider(d->phase_at, EVENT_PHASE, ret_at, &event);
	if (d->answer_count > 0)
		consider(d->answers[0].at, EVENT_ANSWER, ret_at, &event);
	consider(d->restart_at, EVENT_RESTART, ret_at, &event);
	consider(d->watchdog_at, EVENT_WATCHDOG, ret_at, &event);
	if (arrived < d->request_count)
		consider(
			d->requests[arrived].at, EVENT_ARRIVAL, ret_at, &event);
	if (arrived > 0)
		consider(request_due(d), EVENT_REQUEST, ret_at, &event);
	return event;
}

void device_advance(struct device *d, uint64_t now)
{
	enum event event;
	uint64_t at;

	while ((event = next_event(d, &at)) != EVENT_NONE && at <= now) {
		switch (event) {
		case EVENT_NONE:
			return;
		case EVENT_ARRIVAL:
			request_arrives(d);
			break;
		case EVENT_REQUEST:
			serve_request(d, at);
			break;
		case EVENT_ANSWER:
			device_send_answer(d);
			break;
		case EVENT_RESTART:
			device_restart(d, at);
			break;
		case EVENT_PHASE:
			device_phase_ends(d, at);
			break;
		case EVENT_WATCHDOG:
			watchdog_bites(d, at);
			break;
		case EVENT_POWER_ON:
			device_power_on(d, at);
			break;
		case EVENT_REPLUG:
			device_replug(d);
			break;
		}
	}
}

uint64_t device_deadline(const struct device *d)
{
	uint64_t at;

	next_event(d, &at);
	if (d->wire_count > 0 && d->wire[0].at < at)
		at = d->wire[0].at;
	return at;
}
