/* A simulated device under a virtual clock, for tests: send a request, let
 * time pass until the answer is out, look at its CBOR. */
#ifndef FERRY_TESTS_SIM_RIG_H
#define FERRY_TESTS_SIM_RIG_H

#include "base/cbor.h"
#include "base/cbor_out.h"
#include "tests/unit/unit.h"
#include "tools/sim/device.h"
#include "tools/sim/sha.h"

#define RIG_MS UINT64_C(1000000)
#define RIG_S UINT64_C(1000000000)

/* The image of 104 bytes that smp-and-ble.md 2.2 publishes. */
#define RIG_IMAGE_HEX                                                          \
	"3db8f39600000000200000002000000000000000010203000400000000000000"     \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"     \
	"076928001000200006245178f907abd61c77aa4f4d5653b55287ea6177ddde9a"     \
	"96d7e6a5c6496d77"

struct rig {
	struct device d;
	struct device_setup setup;
	struct switches sw;
	uint64_t now;
	uint8_t seq;
	uint8_t version;
	uint8_t raw[2048]; /* the last answer */
	size_t len;
	struct buf body; /* of the next request */
};

/* Datagram framing and no think time: the message and nothing else. */
static inline void rig_prepare(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	device_setup_init(&r->setup);
	switches_init(&r->sw);
	strcpy(r->setup.name, "rig");
	r->setup.framing = FRAMING_DATAGRAM;
	r->setup.payload = 4096;
	r->setup.think_us = 0;
	r->setup.slot_size = 64 << 10;
	r->setup.image.payload_len = 5000;
	r->version = 1;
	r->now = RIG_S;
	buf_init(&r->body, 4096);
}

static inline void rig_switch(struct rig *r, const char *text)
{
	struct fault fault = {0};

	ck_assert_msg(switches_set(&r->sw, text, NULL, &fault) == 0,
		"%s: %s %s", text, fault.field, fault.rule);
}

static inline void rig_advance(struct rig *r, uint64_t ns)
{
	r->now += ns;
	device_advance(&r->d, r->now);
}

static inline void rig_open(struct rig *r)
{
	struct fault fault = {0};

	ck_assert_msg(
		device_open(&r->d, &r->setup, &r->sw, r->now, &fault) == 0,
		"%s: %s", fault.field, fault.rule);
	rig_advance(r, RIG_S);
}

static inline void rig_new(struct rig *r)
{
	rig_prepare(r);
	rig_open(r);
}

static inline void rig_done(struct rig *r)
{
	device_close(&r->d);
	buf_done(&r->body);
}

/* Sets a switch of the device that runs. */
static inline void rig_set(struct rig *r, const char *text)
{
	struct fault fault = {0};

	ck_assert_msg(device_switch(&r->d, text, &fault) == 0, "%s: %s",
		fault.field, fault.rule);
}

static inline void rig_send(
	struct rig *r, uint8_t op, uint16_t group, uint8_t id)
{
	uint8_t message[4096];

	if (r->body.len == 0)
		cbor_put_map(&r->body, 0);
	ck_assert_int_eq(r->body.err, 0);
	message[0] = (uint8_t)(r->version << 3 | op);
	message[1] = 0;
	put_be16(message + 2, (uint16_t)r->body.len);
	put_be16(message + 4, group);
	message[6] = ++r->seq;
	message[7] = id;
	memcpy(message + 8, r->body.at, r->body.len);
	device_rx(&r->d, r->now, bytes_of(message, 8 + r->body.len));
	buf_reset(&r->body);
}

/* Lets time pass until bytes come out, at most `limit` ns. False: silence. */
static inline bool rig_receive(struct rig *r, uint64_t limit)
{
	uint64_t end = r->now + limit;

	for (;;) {
		struct bytes out = device_tx(&r->d, r->now);
		uint64_t due;

		if (out.len > 0) {
			ck_assert_uint_le(out.len, sizeof(r->raw));
			memcpy(r->raw, out.at, out.len);
			r->len = out.len;
			device_tx_done(&r->d);
			return true;
		}
		due = device_deadline(&r->d);
		if (due > end) {
			r->now = end;
			return false;
		}
		if (due > r->now)
			r->now = due;
		device_advance(&r->d, r->now);
	}
}

static inline void rig_call(
	struct rig *r, uint8_t op, uint16_t group, uint8_t id)
{
	rig_send(r, op, group, id);
	ck_assert_msg(
		rig_receive(r, 60 * RIG_S), "no answer to %u/%u", group, id);
}

/* The value of `key` in the map at `in`; empty when it is not there. */
static inline struct bytes rig_find(struct bytes in, const char *key)
{
	struct bytes found = {0}, name, value;
	struct cbor_list list;
	struct cbor c;

	cbor_init(&c, in, CBOR_WIRE);
	ck_assert_int_eq(cbor_map(&c, &list), 0);
	while (cbor_next(&c, &list)) {
		ck_assert_int_eq(cbor_tstr(&c, &name), 0);
		ck_assert_int_eq(cbor_skip(&c, &value), 0);
		if (bytes_is_text(name, key))
			found = value;
	}
	ck_assert_int_eq(cbor_done(&c), 0);
	return found;
}

static inline struct bytes rig_body(const struct rig *r)
{
	return bytes_of(r->raw + 8, r->len - 8);
}

/* An unsigned or boolean value; -1 when it is not there. */
static inline int64_t rig_number(struct bytes in, const char *key)
{
	struct bytes value = rig_find(in, key);
	uint64_t n = 0;
	bool yes = false;
	struct cbor c;

	if (value.len == 0)
		return -1;
	cbor_init(&c, value, CBOR_WIRE);
	if (cbor_peek(&c) == CBOR_BOOL) {
		ck_assert_int_eq(cbor_bool(&c, &yes), 0);
		return yes;
	}
	ck_assert_int_eq(cbor_uint(&c, &n), 0);
	return (int64_t)n;
}

static inline int64_t rig_off(const struct rig *r)
{
	return rig_number(rig_body(r), "off");
}

/* The flat `rc`, or -1. */
static inline int64_t rig_rc(const struct rig *r)
{
	return rig_number(rig_body(r), "rc");
}

/* The code of `err` for the image group, or -1. */
static inline int64_t rig_err(const struct rig *r)
{
	struct bytes err = rig_find(rig_body(r), "err");

	return err.len ? rig_number(err, "rc") : -1;
}

/* Entry number `i` of the state list; empty past the end. */
static inline struct bytes rig_entry(const struct rig *r, unsigned i)
{
	struct bytes span = {0};
	struct cbor_list list;
	struct cbor c;

	cbor_init(&c, rig_find(rig_body(r), "images"), CBOR_WIRE);
	ck_assert_int_eq(cbor_array(&c, &list), 0);
	for (unsigned at = 0; cbor_next(&c, &list); at++) {
		struct bytes item;

		ck_assert_int_eq(cbor_skip(&c, &item), 0);
		if (at == i)
			span = item;
	}
	return span;
}

/* "a" active, "c" confirmed, "p" pending, "P" permanent, of one entry; "-" when
 * it is not in the list. `text` holds 8 bytes. */
static inline const char *rig_flags(const struct rig *r, unsigned i, char *text)
{
	struct bytes entry = rig_entry(r, i);
	char *at = text;

	if (entry.len == 0)
		return "-";
	if (rig_number(entry, "active") == 1)
		*at++ = 'a';
	if (rig_number(entry, "confirmed") == 1)
		*at++ = 'c';
	if (rig_number(entry, "pending") == 1)
		*at++ = 'p';
	if (rig_number(entry, "permanent") == 1)
		*at++ = 'P';
	*at = '\0';
	return text;
}

/* Asks for the state and checks both slots. */
#define rig_assert_state(r, want0, want1)                                      \
	do {                                                                   \
		char f0_[8], f1_[8];                                           \
		rig_call(r, SMP_READ, SMP_GROUP_IMAGE, 0);                     \
		ck_assert_str_eq(rig_flags(r, 0, f0_), want0);                 \
		ck_assert_str_eq(rig_flags(r, 1, f1_), want1);                 \
	} while (0)

/* A made image in memory. */
struct rig_image {
	uint8_t at[40000];
	size_t len;
	uint8_t hash[32];
	uint8_t sha[32];
};

static inline int rig_image_sink(void *arg, const void *at, size_t len)
{
	struct rig_image *image = arg;

	ck_assert_uint_le(image->len + len, sizeof(image->at));
	memcpy(image->at + image->len, at, len);
	image->len += len;
	return 0;
}

static inline void rig_make(struct rig_image *image, const struct mkimage *m)
{
	struct sha sha;

	image->len = 0;
	ck_assert_int_eq(
		mkimage_write(m, rig_image_sink, image, image->hash), 0);
	sha_init(&sha);
	sha_add(&sha, image->at, image->len);
	ck_assert(sha_end(&sha, image->sha));
}

static inline void rig_make_version(struct rig_image *image, uint8_t major)
{
	rig_make(image, &(struct mkimage){.version = {major, 0, 0, 0},
				.payload_len = 9000,
				.seed = major});
}

/* One upload request: the first one with all its keys when off is 0. */
static inline void rig_chunk(
	struct rig *r, const struct rig_image *image, size_t off, size_t len)
{
	if (len > image->len - off)
		len = image->len - off;
	cbor_put_map(&r->body, off ? 2 : 4);
	cbor_put_tstr(&r->body, "off");
	cbor_put_uint(&r->body, off);
	cbor_put_tstr(&r->body, "data");
	cbor_put_bstr(&r->body, bytes_of(image->at + off, len));
	if (off == 0) {
		cbor_put_tstr(&r->body, "len");
		cbor_put_uint(&r->body, image->len);
		cbor_put_tstr(&r->body, "sha");
		cbor_put_bstr(&r->body, bytes_of(image->sha, 32));
	}
	rig_call(r, SMP_WRITE, SMP_GROUP_IMAGE, 1);
}

/* Sends what the device asks for until it has all. */
static inline void rig_upload(struct rig *r, const struct rig_image *image)
{
	size_t off = 0;

	for (int i = 0; i < 500 && off < image->len; i++) {
		rig_chunk(r, image, off, 700);
		ck_assert_int_ge(rig_off(r), 0);
		off = (size_t)rig_off(r);
	}
	ck_assert_uint_eq(off, image->len);
}

/* State write. `hash` may be NULL. */
static inline void rig_set_state(
	struct rig *r, const uint8_t *hash, bool confirm)
{
	cbor_put_map(&r->body, hash ? 2 : 1);
	if (hash) {
		cbor_put_tstr(&r->body, "hash");
		cbor_put_bstr(&r->body, bytes_of(hash, 32));
	}
	cbor_put_tstr(&r->body, "confirm");
	cbor_put_bool(&r->body, confirm);
	rig_call(r, SMP_WRITE, SMP_GROUP_IMAGE, 0);
}

/* Reset by request, and all that follows. */
static inline void rig_reset(struct rig *r)
{
	rig_call(r, SMP_WRITE, SMP_GROUP_OS, 5);
	ck_assert_int_eq(rig_rc(r), -1);
	rig_advance(r, 2 * RIG_S);
}

#endif
