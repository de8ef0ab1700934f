#include "tests/unit/transports/znp_rig.h"

#include <stdio.h>

#define EUI64 "7bc5f20900 4b1200" /* 00124b0009f2c57b, as it is on the wire */

/* ---- the driver's side ---- */

static void on_write(void *arg, struct bytes data)
{
	struct rig *r = arg;
	struct znp_frame f;
	struct bytes in = data;
	bool any = false;

	while (znp_parser_take(&r->parser, &in, &f)) {
		struct rig_frame *to = &r->out[r->out_count++];

		ck_assert_uint_le(r->out_count, RIG_MAX);
		to->command = f.command;
		to->len = f.data.len;
		to->at = r->now;
		if (f.data.len)
			memcpy(to->data, f.data.at, f.data.len);
		any = true;
	}
	if (any)
		return;
	ck_assert_uint_le(r->raw_len + data.len, sizeof(r->raw));
	memcpy(r->raw + r->raw_len, data.at, data.len);
	r->raw_len += data.len;
}

static void on_up(void *arg, const struct zb_network *network)
{
	struct rig *r = arg;

	r->ups++;
	r->network = *network;
}

static void on_lost(void *arg, const char *text)
{
	struct rig *r = arg;

	r->losts++;
	snprintf(r->lost_text, sizeof(r->lost_text), "%s", text);
}

static void on_fail(void *arg, int status, const char *text)
{
	struct rig *r = arg;

	r->fails++;
	r->fail_status = status;
	snprintf(r->fail_text, sizeof(r->fail_text), "%s", text);
}

static void on_line(void *arg, const char *text)
{
	struct rig *r = arg;
	size_t len = strlen(r->line_text);

	r->lines++;
	snprintf(r->line_text + len, sizeof(r->line_text) - len, "%s%s",
		len ? ", " : "", text);
}

static void on_heard(void *arg, const struct zb_indication *i)
{
	struct rig *r = arg;
	struct rig_heard *to = &r->heard[r->heard_count++];

	ck_assert_uint_le(r->heard_count, RIG_MAX);
	ck_assert_uint_le(i->asdu.len, sizeof(to->asdu));
	to->i = *i;
	memcpy(to->asdu, i->asdu.at, i->asdu.len);
	to->i.asdu = bytes_of(to->asdu, i->asdu.len);
}

static void on_confirm(void *arg, const struct zb_confirm *c)
{
	struct rig *r = arg;

	ck_assert_uint_lt(r->confirm_count, RIG_MAX);
	r->confirms[r->confirm_count++] = *c;
}

static void on_node(void *arg, uint64_t eui64, uint16_t nwk, int sleepy,
	bool joined, bool gone)
{
	struct rig *r = arg;
	struct rig_node n = {eui64, nwk, sleepy, joined, gone};

	ck_assert_uint_lt(r->node_count, RIG_MAX);
	r->nodes[r->node_count++] = n;
}

static void on_known(void *arg, uint64_t eui64, uint16_t nwk)
{
	struct rig *r = arg;

	ck_assert_uint_lt(r->told_count, RIG_MAX);
	r->told[r->told_count++] = (struct rig_node){.eui64 = eui64, .nwk = nwk};
}

static void on_log(void *arg, uint32_t level, const char *text)
{
	(void)arg;
	ck_assert_msg(level != FERRY_LOG_ERROR, "logged: %s", text);
}

static const struct zb_host host = {
	.write = on_write,
	.up = on_up,
	.lost = on_lost,
	.fail = on_fail,
	.line = on_line,
	.heard = on_heard,
	.confirm = on_confirm,
	.node = on_node,
	.log = on_log,
	.known = on_known,
};

/* ---- the coordinator's side ---- */

void rig_feed(struct rig *r, struct bytes data)
{
	zb_znp_stack.input(r->s, r->now, data);
}

void rig_feed_hex(struct rig *r, const char *hex)
{
	uint8_t raw[512];

	rig_feed(r, bytes_of(raw, unit_unhex(hex, raw, sizeof(raw))));
}

void rig_say(struct rig *r, uint16_t command, const char *hex)
{
	uint8_t data[ZNP_DATA_MAX], frame[ZNP_FRAME_MAX];
	size_t len = unit_unhex(hex, data, sizeof(data));

	len = znp_frame_put(frame, command, bytes_of(data, len));
	rig_feed(r, bytes_of(frame, len));
}

static void say_version(struct rig *r)
{
	char text[64];

	snprintf(text, sizeof(text), "02 %02x 02 07 01 %s", r->product,
		"e7b13401"); /* 20230631 */
	rig_say(r, 0x6102, text);
}

static void say_info(struct rig *r)
{
	char text[64];

	snprintf(text, sizeof(text), "00 " EUI64 " 0000 07 %02x 00", r->state);
	rig_say(r, 0x6700, text);
}

static void say_item(struct rig *r, const struct rig_frame *f)
{
	uint8_t raw[256];
	char text[600];

	if (get_le16(f->data) == 0x21 && r->nib_status) {
		snprintf(text, sizeof(text), "%02x 00", r->nib_status);
		rig_say(r, 0x6108, text);
	} else if (get_le16(f->data) == 0x21 && r->nib) {
		snprintf(text, sizeof(text), "00 %02zx %s",
			unit_unhex(r->nib, raw, sizeof(raw)), r->nib);
		rig_say(r, 0x6108, text);
	} else if (get_le16(f->data) == 0x8f && r->direct_cb >= 0) {
		snprintf(text, sizeof(text), "00 01 %02x",
			(unsigned)r->direct_cb);
		rig_say(r, 0x6108, text);
	} else {
		rig_say(r, 0x6108, "02 00");
	}
}

static void say_state(struct rig *r)
{
	char text[8];

	r->state = r->state_after;
	snprintf(text, sizeof(text), "%02x", r->state);
	if (r->tells_state)
		rig_say(r, 0x45c0, text);
}

static void say_endpoints(struct rig *r)
{
	uint8_t raw[64];
	char text[128];

	rig_say(r, 0x6505, "00");
	snprintf(text, sizeof(text), "0000 00 0000 %02zx %s",
		unit_unhex(r->registered, raw, sizeof(raw)), r->registered);
	rig_say(r, 0x4585, text);
}

static void say_data(struct rig *r, uint16_t command)
{
	char text[8];

	snprintf(text, sizeof(text), "%02x", r->data_status);
	rig_say(r, (uint16_t)(command + 0x4000), text);
}

static void answer(struct rig *r, const struct rig_frame *f)
{
	switch (f->command) {
	case 0x2101:
		if (!r->silent_to_pings)
			rig_say(r, 0x6101, "7907");
		break;
	case 0x2102:
		say_version(r);
		break;
	case 0x2107:
		rig_say(r, 0x6107, "09");
		break;
	case 0x2108:
		say_item(r, f);
		break;
	case 0x4100:
		r->resets++;
		rig_say(r, 0x4180, "00 02 01 02 07 01");
		break;
	case 0x2401:
	case 0x2402:
		say_data(r, f->command);
		break;
	case 0x2505:
		say_endpoints(r);
		break;
	case 0x2540:
	case 0x2f05:
		rig_say(r, (uint16_t)(f->command + 0x4000), "00");
		say_state(r);
		break;
	case 0x2550:
		rig_say(r, 0x6550,
			"0000 09 621a 0000 dddddddddddddddd "
			"0000000000000000 0b");
		break;
	case 0x2700:
		say_info(r);
		break;
	case 0x2741:
		rig_say(r, 0x6741, r->known);
		break;
	default:
		rig_say(r, (uint16_t)(f->command + 0x4000), "00");
		break;
	}
}

bool rig_answer(struct rig *r)
{
	bool any = false;

	while (r->answered < r->out_count) {
		struct rig_frame f = r->out[r->answered++];
		char text[16];

		if (r->silent || f.command == r->holds)
			continue;
		any = true;
		if (f.command != r->refuses) {
			answer(r, &f);
			continue;
		}
		snprintf(text, sizeof(text), "02 %04x", f.command);
		rig_say(r, 0x6000, text);
	}
	return any;
}

void rig_pass(struct rig *r, int64_t ms)
{
	int64_t end = r->now + ms, at;

	rig_answer(r);
	for (;;) {
		at = zb_znp_stack.deadline(r->s);
		if (at > end)
			break;
		if (at > r->now)
			r->now = at;
		zb_znp_stack.time(r->s, r->now);
		rig_answer(r);
	}
	r->now = end;
}

/* ---- */

void rig_init(struct rig *r, const struct zb_config *config)
{
	static const struct zb_config none;

	memset(r, 0, sizeof(*r));
	r->now = RIG_START;
	r->product = 1;
	r->state = 9;
	r->state_after = 9;
	r->tells_state = true;
	r->direct_cb = 1;
	r->registered = "";
	r->known = "0000000000000000";
	ck_assert_int_eq(
		zb_znp_stack.create(config ? config : &none, &host, r, &r->s),
		0);
}

void rig_done(struct rig *r)
{
	zb_znp_stack.destroy(r->s);
}

void rig_start(struct rig *r)
{
	zb_znp_stack.start(r->s, r->now);
	rig_answer(r);
}

size_t rig_wrote(const struct rig *r, uint16_t command)
{
	size_t i, count = 0;

	for (i = 0; i < r->out_count; i++)
		count += r->out[i].command == command;
	return count;
}

const struct rig_frame *rig_nth(const struct rig *r, uint16_t command, size_t n)
{
	size_t i;

	for (i = 0; i < r->out_count; i++)
		if (r->out[i].command == command && n-- == 0)
			return &r->out[i];
	ck_abort_msg("command %04x was not written so often", command);
	return NULL;
}

const struct rig_frame *rig_last(const struct rig *r, uint16_t command)
{
	size_t count = rig_wrote(r, command);

	ck_assert_msg(count > 0, "command %04x was not written", command);
	return rig_nth(r, command, count - 1);
}

void rig_expect(const struct rig_frame *f, const char *hex)
{
	uint8_t want[ZNP_DATA_MAX];
	size_t len = unit_unhex(hex, want, sizeof(want));
	char is[2 * ZNP_DATA_MAX + 1];

	bytes_to_hex(bytes_of(f->data, f->len), is, sizeof(is));
	ck_assert_msg(
		bytes_equal(bytes_of(f->data, f->len), bytes_of(want, len)),
		"command %04x: %s instead of %s", f->command, is, hex);
}

int rig_send_request(struct rig *r, const struct zb_request *request)
{
	return zb_znp_stack.send(r->s, r->now, request);
}

int rig_send(struct rig *r, uint32_t id)
{
	static const uint8_t asdu[] = {0x19, 0x42, 0x00, 0x00, 0x64};
	struct zb_request request = {
		.id = id,
		.nwk = 0x1000,
		.profile = ZB_PROFILE_HA,
		.cluster = 0x0019,
		.src_ep = 1,
		.dst_ep = 1,
		.asdu = bytes_of(asdu, sizeof(asdu)),
	};

	return rig_send_request(r, &request);
}
