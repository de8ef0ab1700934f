/* The simulated coprocessors of Silicon Labs and of dresden elektronik: framing by
 * the published vectors, what a lossy line does to it, and what their commands
 * do to the network. */
#include "tests/unit/unit.h"

#include "tools/sim/zigbee/mesh.h"
#include "tools/sim/zigbee/ncp_ash.h"
#include "tools/sim/zigbee/ncp_wire.h"

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

/* ---- ASH alone ---- */

struct line {
	struct ash ash;
	uint8_t got[64][ASH_DATA_MAX];
	size_t got_len[64];
	unsigned heard;
	unsigned resets;
	uint8_t to_send[8][ASH_DATA_MAX];
	size_t to_send_len[8];
	unsigned asked, ready;
};

static void line_reset(void *owner, uint64_t now)
{
	(void)now;
	((struct line *)owner)->resets++;
}

static void line_data(void *owner, uint64_t now, const uint8_t *at, size_t len)
{
	struct line *l = (struct line *)owner;

	(void)now;
	memcpy(l->got[l->heard], at, len);
	l->got_len[l->heard++] = len;
}

static size_t line_next(void *owner, uint8_t *at, bool hushed)
{
	struct line *l = (struct line *)owner;

	if (hushed || l->asked == l->ready)
		return 0;
	memcpy(at, l->to_send[l->asked], l->to_send_len[l->asked]);
	return l->to_send_len[l->asked++];
}

static const struct ash_ops line_ops = {line_reset, line_data, line_next};

static void line_open(struct line *l)
{
	memset(l, 0, sizeof(*l));
	ash_init(&l->ash, &line_ops, l);
}

static void line_say(struct line *l, uint64_t now, const char *hex)
{
	uint8_t at[512];
	size_t len = unit_unhex(hex, at, sizeof(at));

	ash_input(&l->ash, now, at, len);
}

static void line_send(struct line *l, const char *hex)
{
	l->to_send_len[l->ready] =
		unit_unhex(hex, l->to_send[l->ready], ASH_DATA_MAX);
	l->ready++;
}

static void line_expect(struct line *l, uint64_t now, const char *hex)
{
	uint8_t want[512], got[512];
	char want_text[1025], got_text[1025];
	size_t len = unit_unhex(hex, want, sizeof(want));
	size_t got_len = ash_output(&l->ash, now, got, sizeof(got));

	bytes_to_hex(bytes_of(want, len), want_text, sizeof(want_text));
	bytes_to_hex(bytes_of(got, got_len), got_text, sizeof(got_text));
	ck_assert_str_eq(got_text, want_text);
}

START_TEST(ash_input_reset_answers_software_reset)
{
	struct line l;

	line_open(&l);
	line_say(&l, 0, "1a c038bc7e");
	ck_assert_uint_eq(l.resets, 1);
	line_expect(&l, 0, "c1020b0a527e");
}
END_TEST

START_TEST(ash_restart_published_rstack)
{
	struct line l;

	line_open(&l);
	ash_restart(&l.ash, 0x02);
	line_expect(&l, 0, "c102029b7b7e");
}
END_TEST

START_TEST(ash_input_published_data_arrives_plain)
{
	static const uint8_t plain[] = {0x00, 0x00, 0x00, 0x02};
	struct line l;

	line_open(&l);
	l.ash.expected = 2;
	l.ash.first = l.ash.sent = l.ash.again = 5;
	line_say(&l, 0, "25 42 21 a8 56 a6 09 7e");
	ck_assert_uint_eq(l.heard, 1);
	ck_assert_uint_eq(l.got_len[0], sizeof(plain));
	ck_assert_mem_eq(l.got[0], plain, sizeof(plain));
	line_send(&l, "00 80 00 02 02 11 30");
	line_expect(&l, 0, "53 42 a1 a8 56 28 04 82 03 2a 7e");
}
END_TEST

START_TEST(ash_input_without_answer_is_acknowledged)
{
	struct line l;

	line_open(&l);
	line_say(&l, 0, "00 42 21 a8 56 8dea 7e");
	ck_assert_uint_eq(l.heard, 1);
	line_expect(&l, 0, "81 60 59 7e");
}
END_TEST

static const struct {
	const char *name, *hex;
} damaged[] = {
	{"damaged CRC", "25 42 21 a8 56 a6 0a 7e"},
	{"substitute in it", "25 42 18 a8 56 a6 09 7e"},
	{"cut in an escape", "25 42 21 a8 56 a6 7d 7e"},
	{"too short", "25 42 7e"},
};

START_TEST(ash_input_damaged_frame_is_rejected_once)
{
	struct line l;
	char text[64];
	uint8_t got[64];
	size_t len;

	line_open(&l);
	l.ash.expected = 2;
	l.ash.first = l.ash.sent = l.ash.again = 5;
	line_say(&l, 0, damaged[_i].hex);
	line_say(&l, 0, damaged[_i].hex);
	len = ash_output(&l.ash, 0, got, sizeof(got));
	bytes_to_hex(bytes_of(got, len), text, sizeof(text));
	ck_assert_msg(len == 4 && got[0] == 0xa2 && l.heard == 0,
		"%s: %s", damaged[_i].name, text);
	line_say(&l, 0, "25 42 21 a8 56 a6 09 7e");
	ck_assert_msg(l.heard == 1, "%s", damaged[_i].name);
}
END_TEST

START_TEST(ash_input_cancel_forgets_what_came)
{
	struct line l;

	line_open(&l);
	l.ash.expected = 2;
	l.ash.first = l.ash.sent = l.ash.again = 5;
	line_say(&l, 0, "ff ff 7d 18 1a 11 25 42 13 21 a8 56 a6 09 7e");
	ck_assert_uint_eq(l.heard, 1);
}
END_TEST

START_TEST(ash_time_unacknowledged_frame_is_sent_again)
{
	struct line l;
	uint8_t got[64];

	line_open(&l);
	line_send(&l, "00 80 00 02 02 11 30");
	ck_assert_uint_gt(ash_output(&l.ash, 0, got, sizeof(got)), 0);
	ck_assert_uint_eq(got[0], 0x00);
	ck_assert_uint_eq(ash_output(&l.ash, 0, got, sizeof(got)), 0);
	ash_time(&l.ash, ash_due(&l.ash));
	ck_assert_uint_gt(ash_output(&l.ash, 2 * S, got, sizeof(got)), 0);
	ck_assert_uint_eq(got[0], 0x08);
	line_say(&l, 2 * S, "81 60 59 7e");
	ck_assert_uint_eq(ash_due(&l.ash), UINT64_MAX);
}
END_TEST

START_TEST(ash_time_silent_host_ends_in_error)
{
	struct line l;
	uint8_t got[64];
	uint64_t now = 0;

	line_open(&l);
	line_send(&l, "00 80 00 02 02 11 30");
	for (int i = 0; i < 3; i++) {
		ash_output(&l.ash, now, got, sizeof(got));
		now = ash_due(&l.ash);
		ash_time(&l.ash, now);
	}
	ck_assert_uint_gt(ash_output(&l.ash, now, got, sizeof(got)), 0);
	ck_assert_uint_eq(got[0], 0xc2);
	ck_assert_uint_eq(got[2], ASH_ERROR_ACK_TIMEOUTS);
	/* Only a reset leads out. */
	line_say(&l, now, "81 60 59 7e");
	ck_assert_uint_gt(ash_output(&l.ash, now, got, sizeof(got)), 0);
	ck_assert_uint_eq(got[0], 0xc2);
	line_say(&l, now, "1a c038bc7e");
	ck_assert_uint_gt(ash_output(&l.ash, now, got, sizeof(got)), 0);
	ck_assert_uint_eq(got[0], 0xc1);
}
END_TEST

START_TEST(ash_output_host_not_ready_holds_callbacks)
{
	struct line l;
	uint8_t got[64];

	line_open(&l);
	l.ash.first = l.ash.sent = l.ash.again = 6;
	line_say(&l, 0, "8e 91 b6 7e");
	line_send(&l, "00 90 01 19 00 90");
	ck_assert_uint_eq(ash_output(&l.ash, 10 * MS, got, sizeof(got)), 0);
	ck_assert_uint_eq(ash_due(&l.ash), 1 * S);
	ash_time(&l.ash, 1 * S);
	ck_assert_uint_gt(ash_output(&l.ash, 1 * S, got, sizeof(got)), 0);
}
END_TEST

START_TEST(ash_output_window_is_bounded)
{
	struct line l;
	uint8_t got[512];

	line_open(&l);
	for (int i = 0; i < 8; i++)
		line_send(&l, "00 90 01 19 00 90");
	ash_output(&l.ash, 0, got, sizeof(got));
	ck_assert_uint_eq(l.asked, ASH_WINDOW);
}
END_TEST

/* ---- with a network ---- */

struct rig {
	struct mesh *mesh;
	const struct ncp_ops *ops;
	struct ncp *ncp;
	struct node *node;
	uint64_t now;
	uint8_t out[4096];
	size_t out_len;
	unsigned next;     /* number of the host's next frame, and of theirs */
	unsigned expected;
	uint8_t plain[64][256];
	size_t plain_len[64];
	unsigned plain_count;
};

static void rig_open(
	struct rig *r, const struct ncp_ops *ops, const char *options)
{
	struct mesh_setup mesh;
	struct node_setup node;

	memset(r, 0, sizeof(*r));
	mesh_setup_init(&mesh);
	node_setup_init(&node);
	node.timers.interval_ms = 0;
	ck_assert_int_eq(mesh_new(&mesh, &r->mesh), 0);
	r->ops = ops;
	ck_assert_int_eq(ops->create(r->mesh, options, &r->ncp), 0);
	mesh_attach(r->mesh, ops, r->ncp);
	ck_assert_int_eq(mesh_add(r->mesh, &node, 0, NULL, &r->node), 0);
}

static void rig_close(struct rig *r)
{
	r->ops->destroy(r->ncp);
	mesh_free(r->mesh);
}

static void rig_advance(struct rig *r, uint64_t ns)
{
	r->now += ns;
	mesh_time(r->mesh, r->now);
	r->ops->time(r->ncp, r->now);
}

static uint16_t ash_crc(const uint8_t *at, size_t len)
{
	uint32_t crc = 0xffff;

	for (size_t i = 0; i < 8 * len; i++) {
		uint32_t bit = at[i / 8] >> (7 - i % 8) & 1;

		crc = (crc << 1) ^ ((crc >> 15 & 1) ^ bit ? 0x1021 : 0);
		crc &= 0xffff;
	}
	return (uint16_t)crc;
}

static void ash_mask(uint8_t *at, size_t len)
{
	static const uint8_t start[] = {0x42, 0x21, 0xa8, 0x54, 0x2a, 0x15,
		0xb2, 0x59, 0x94, 0x4a, 0x25, 0xaa, 0x55, 0x92, 0x49, 0x9c};
	uint8_t r = 0;

	for (size_t i = 0; i < len; i++) {
		r = i < sizeof(start)
			    ? start[i]
			    : (uint8_t)((r >> 1) ^ (r & 1 ? 0xb8 : 0));
		at[i] ^= r;
	}
}

/* A host that never loses a byte: one frame there, all frames back. */
static void ezsp_say(struct rig *r, const char *hex)
{
	uint8_t frame[256], stuffed[512];
	size_t len = 1 + unit_unhex(hex, frame + 1, 220), n = 0;
	uint16_t crc;

	frame[0] = (uint8_t)(r->next << 4 | r->expected);
	r->next = (r->next + 1) & 7;
	ash_mask(frame + 1, len - 1);
	crc = ash_crc(frame, len);
	frame[len++] = (uint8_t)(crc >> 8);
	frame[len++] = (uint8_t)crc;
	for (size_t i = 0; i < len; i++) {
		if (strchr("\x7e\x7d\x11\x13\x18\x1a", frame[i]) && frame[i]) {
			stuffed[n++] = 0x7d;
			stuffed[n++] = frame[i] ^ 0x20;
		} else {
			stuffed[n++] = frame[i];
		}
	}
	stuffed[n++] = 0x7e;
	r->ops->input(r->ncp, r->now, stuffed, n);
}

/* Data frames in plain, from `plain_count` on; each is acknowledged. */
static void ezsp_listen(struct rig *r)
{
	uint8_t byte, frame[512], ack[4];
	size_t len = 0;
	bool escaped = false;
	uint16_t crc;

	while (r->ops->output(r->ncp, r->now, &byte, 1) == 1) {
		if (byte == 0x7d) {
			escaped = true;
			continue;
		}
		if (byte != 0x7e) {
			frame[len++] = escaped ? byte ^ 0x20 : byte;
			escaped = false;
			continue;
		}
		ck_assert_uint_gt(len, 2);
		len -= 2;
		crc = ash_crc(frame, len);
		ck_assert_uint_eq(frame[len], crc >> 8);
		ck_assert_uint_eq(frame[len + 1], crc & 0xff);
		if (!(frame[0] & 0x80)) {
			unsigned at = r->plain_count++ % 64;

			ck_assert_uint_eq(frame[0] >> 4, r->expected);
			r->expected = (r->expected + 1) & 7;
			ash_mask(frame + 1, len - 1);
			memcpy(r->plain[at], frame + 1, len - 1);
			r->plain_len[at] = len - 1;
			ack[0] = (uint8_t)(0x80 | r->expected);
			crc = ash_crc(ack, 1);
			ack[1] = (uint8_t)(crc >> 8);
			ack[2] = (uint8_t)crc;
			ack[3] = 0x7e;
			r->ops->input(r->ncp, r->now, ack, 4);
		}
		len = 0;
	}
}

static void ezsp_start(struct rig *r, const char *options, unsigned version)
{
	char text[64];
	uint8_t reset[] = {0x1a, 0xc0, 0x38, 0xbc, 0x7e};

	rig_open(r, &ncp_ezsp, options);
	r->ops->input(r->ncp, 0, reset, sizeof(reset));
	ezsp_listen(r);
	snprintf(text, sizeof(text), "00 00 00 %02x", version);
	ezsp_say(r, text);
	ezsp_listen(r);
	ck_assert_uint_eq(r->plain_count, 1);
}

static void ezsp_expect(struct rig *r, const char *what, const char *hex)
{
	uint8_t want[256];
	char text[513];
	unsigned at = (r->plain_count - 1) % 64;
	size_t len = unit_unhex(hex, want, sizeof(want));

	bytes_to_hex(bytes_of(r->plain[at], r->plain_len[at]), text,
		sizeof(text));
	ck_assert_msg(r->plain_len[at] == len &&
			      !memcmp(r->plain[at], want, len),
		"%s: %s", what, text);
}

START_TEST(ezsp_version_legacy_then_extended)
{
	struct rig r;

	ezsp_start(&r, "version=13", 19);
	ezsp_expect(&r, "another version", "00 80 00 0d 02 00 75");
	ezsp_say(&r, "01 00 01 26 00");
	ezsp_listen(&r);
	ezsp_expect(&r, "too early", "01 80 01 58 00 30");
	ezsp_say(&r, "02 00 01 00 00 0d");
	ezsp_listen(&r);
	ezsp_expect(&r, "ours", "02 80 01 00 00 0d 02 00 75");
	ezsp_say(&r, "03 00 01 26 00");
	ezsp_listen(&r);
	ezsp_expect(&r, "EUI-64", "03 80 01 26 00 779fd609004b1200");
	rig_close(&r);
}
END_TEST

static const struct {
	const char *name, *options;
	unsigned version;
	const char *send, *answer;
} layouts[] = {
	{"8 unknown command", "version=8", 8, "01 00 01 ff 01",
		"01 80 01 58 00 31"},
	{"8 cut short", "version=8", 8, "01 00 01 61 00 00",
		"01 80 01 58 00 36"},
	{"8 state without network", "version=8", 8, "01 00 01 18 00",
		"01 80 01 18 00 00"},
	{"8 sends before the network is up", "version=8", 8,
		"01 00 01 34 00 00 0010 0401 1900 01 01 4000 0000 00 07 01 aa",
		"01 80 01 34 00 70 00"},
	{"14 sends before the network is up", "version=14", 14,
		"01 00 01 34 00 00 0010 0401 1900 01 01 4000 0000 00 0700 01 "
		"aa",
		"01 80 01 34 00 02000000 00"},
	{"8 lookup", "version=8", 8, "01 00 01 61 00 0010",
		"01 80 01 61 00 00 01000000004b1200"},
	{"14 lookup", "version=14", 14, "01 00 01 61 00 0010",
		"01 80 01 61 00 00000000 01000000004b1200"},
	{"14 lookup of nobody", "version=14", 14, "01 00 01 61 00 0020",
		"01 80 01 61 00 21000000 0000000000000000"},
	{"8 no security manager", "version=8", 8, "01 00 01 16 01",
		"01 80 01 58 00 31"},
	{"19 forms without security", "version=19", 19,
		"01 00 01 1e 00 dddddddddddddddd 621a 08 0b 00 0000 00 "
		"00f8ff07",
		"01 80 01 1e 00 21000000"},
	{"19 takes the endpoint", "", 19,
		"01 00 01 02 00 01 0401 0500 00 03 00 0000 0a00 1900",
		"01 80 01 02 00 00000000"},
	{"13 endpoint with too many clusters", "version=13", 13,
		"01 00 01 02 00 01 0401 0500 00 ff 00 0000",
		"01 80 01 58 00 36"},
};

START_TEST(ezsp_command_answers_in_its_layout)
{
	struct rig r;

	ezsp_start(&r, layouts[_i].options, layouts[_i].version);
	ezsp_say(&r, layouts[_i].send);
	ezsp_listen(&r);
	ezsp_expect(&r, layouts[_i].name, layouts[_i].answer);
	rig_close(&r);
}
END_TEST

static void ezsp_up(struct rig *r, const char *options, unsigned version)
{
	ezsp_start(r, options, version);
	ezsp_say(r, "01 00 01 02 00 01 0401 0500 00 03 00 0000 0a00 1900");
	ezsp_say(r, "02 00 01 17 00 0000");
	ezsp_listen(r);
}

START_TEST(ezsp_network_init_comes_up)
{
	struct rig r;

	ezsp_up(&r, "version=13", 13);
	ezsp_expect(&r, "old", "02 90 01 19 00 90");
	rig_close(&r);
	ezsp_up(&r, "version=14", 14);
	ezsp_expect(&r, "wide", "02 90 01 19 00 15000000");
	rig_close(&r);
}
END_TEST

START_TEST(ezsp_notify_reaches_the_node_and_its_query_the_host)
{
	struct rig r;

	ezsp_up(&r, "version=14", 14);
	ezsp_say(&r, "03 00 01 34 00 00 0010 0401 1900 01 01 4000 0000 00 "
		     "0700 05 1942000064");
	for (int i = 0; i < 20; i++) {
		rig_advance(&r, 5 * MS);
		ezsp_listen(&r);
	}
	ck_assert_uint_eq(r.node->counts.notifies, 1);
	ck_assert_uint_eq(r.node->counts.queries, 1);
	/* ... the frame of the query comes after status, answer and confirm. */
	ezsp_expect(&r, "query",
		"03 90 01 45 00 00 0401 1900 01 01 4000 0000 02 0010 "
		"01000000004b1200 ff ff 78 c4 00000000 0c "
		"0100010034120201 01000000");
	rig_close(&r);
}
END_TEST

START_TEST(ezsp_send_more_than_the_buffers_is_refused)
{
	struct rig r;
	char taken[32];

	ezsp_up(&r, "version=13", 13);
	for (unsigned i = 0; i < 8; i++) {
		ezsp_say(&r, "03 00 01 34 00 00 0010 0401 1900 01 01 0000 0000 "
			     "00 07 05 1942000064");
		ezsp_listen(&r);
		snprintf(taken, sizeof(taken), "03 80 01 34 00 00 %02x", i + 1);
		ezsp_expect(&r, "taken", taken);
	}
	ezsp_say(&r, "03 00 01 34 00 00 0010 0401 1900 01 01 0000 0000 00 07 "
		     "05 1942000064");
	ezsp_listen(&r);
	ezsp_expect(&r, "refused", "03 80 01 34 00 72 00");
	rig_close(&r);
}
END_TEST

START_TEST(ezsp_coordinator_answers_its_descriptors)
{
	struct rig r;

	ezsp_up(&r, "version=13", 13);
	ezsp_say(&r, "03 00 01 34 00 00 0000 0000 0500 00 00 4000 0000 00 07 "
		     "03 05 0000");
	ezsp_listen(&r);
	ezsp_expect(&r, "active endpoints",
		"03 90 01 45 00 00 0000 0580 00 00 0000 0000 02 ff 00 0000 ff "
		"ff 06 05 00 0000 01 01");
	rig_close(&r);
}
END_TEST

START_TEST(ezsp_full_queue_is_told_with_the_next_answer)
{
	struct rig r;

	ezsp_up(&r, "version=13,queue=1", 13);
	ncp_ezsp.announced(r.ncp, r.now, 0x11, 0x2000, false);
	ezsp_listen(&r);
	ezsp_say(&r, "04 00 01 05 00");
	ezsp_listen(&r);
	ezsp_expect(&r, "overflow", "04 81 01 05 00");
	ezsp_say(&r, "05 00 01 05 00");
	ezsp_listen(&r);
	ezsp_expect(&r, "told once", "05 80 01 05 00");
	rig_close(&r);
}
END_TEST

static const char *const bad_options[] = {"version=7", "version=20", "version=",
	"version=13x", "queue=0", "queue=99999", "colour=red"};

START_TEST(ezsp_create_wrong_option_is_refused)
{
	struct mesh_setup setup;
	struct mesh *mesh;
	struct ncp *ncp;

	mesh_setup_init(&setup);
	ck_assert_int_eq(mesh_new(&setup, &mesh), 0);
	ck_assert_msg(ncp_ezsp.create(mesh, bad_options[_i], &ncp) < 0, "%s",
		bad_options[_i]);
	mesh_free(mesh);
}
END_TEST

/* ---- deCONZ ---- */

static void deconz_say(struct rig *r, const char *hex)
{
	uint8_t at[512];
	size_t len = unit_unhex(hex, at, sizeof(at));

	r->ops->input(r->ncp, r->now, at, len);
	r->out_len = r->ops->output(r->ncp, r->now, r->out, sizeof(r->out));
}

static void deconz_expect(struct rig *r, const char *what, const char *hex)
{
	uint8_t want[256];
	char text[1025];
	size_t len = unit_unhex(hex, want, sizeof(want));

	bytes_to_hex(bytes_of(r->out, r->out_len), text, sizeof(text));
	ck_assert_msg(r->out_len == len && !memcmp(r->out, want, len),
		"%s: %s", what, text);
}

static const struct {
	const char *name, *send, *answer;
} exchanges[] = {
	{"firmware version", "c0 0d01000900 00000000 e9ff c0",
		"c0 0d01000900 00077826 44ff c0"},
	{"device state", "c0 0702000800 000000 efff c0",
		"c0 0702000800 220000 cdff c0"},
	{"nothing to confirm", "c0 0403000700 0000 f2ff c0",
		"c0 0403010800 0100 22 cdff c0"},
	{"nothing heard", "c0 1704000800 0100 01 dbddff c0",
		"c0 1704010800 0100 22 b9ff c0"},
	{"wrong check", "c0 0702000800 000000 eeff c0", ""},
	{"wrong length", "c0 0702000900 000000 eeff c0", ""},
	{"bad escape", "c0 07db000800 000000 efff c0", ""},
	{"PAN", "c0 0a05000800 0100 05 e3ff c0",
		"c0 0a05000a00 0300 05 621a 63ff c0"},
	{"unknown parameter", "c0 0a05000800 0100 77 71ff c0",
		"c0 0a05040800 0100 77 6dff c0"},
	{"key without index", "c0 0a05000800 0100 18 d0ff c0",
		"c0 0a05070800 0100 18 c9ff c0"},
};

START_TEST(deconz_input_exchange)
{
	struct rig r;

	rig_open(&r, &ncp_deconz, "");
	deconz_say(&r, exchanges[_i].send);
	deconz_expect(&r, exchanges[_i].name, exchanges[_i].answer);
	rig_close(&r);
}
END_TEST

START_TEST(deconz_notify_published_request_is_confirmed)
{
	struct rig r;

	rig_open(&r, &ncp_deconz, "");
	deconz_say(&r, "c0 1205001b00 1400 07 00 02 0010 01 0401 1900 01 0500 "
		       "1942000064 00 1e 9ffe c0");
	deconz_expect(&r, "taken", "c0 1205000900 0200 22 07 b5ff c0");
	rig_advance(&r, 5 * MS);
	r.out_len = ncp_deconz.output(r.ncp, r.now, r.out, sizeof(r.out));
	ck_assert_uint_eq(r.out[1], 0x0e);
	ck_assert_uint_eq(r.out[6], 0x2e);
	deconz_say(&r, "c0 0406000700 0000 efff c0");
	deconz_expect(&r, "confirmed",
		"c0 0406001300 0c00 2a 07 02 0010 01 01 00 00000000 92ff c0");
	deconz_say(&r, "c0 1707000800 0100 01 d8ff c0");
	ck_assert_uint_eq(r.out[6 + 2], 0x22);
	ck_assert_uint_eq(r.node->counts.queries, 1);
	rig_close(&r);
}
END_TEST

START_TEST(deconz_write_changes_the_network_at_connecting)
{
	struct rig r;

	rig_open(&r, &ncp_deconz, "");
	deconz_say(&r, "c0 0b01000a00 0300 05 3412 9cff c0");
	deconz_expect(&r, "PAN", "c0 0b01000800 0100 05 e6ff c0");
	ck_assert_uint_eq(mesh_network(r.mesh)->pan, 0x1a62);
	deconz_say(&r, "c0 0802000600 00 f0ff c0");
	deconz_say(&r, "c0 0803000600 02 edff c0");
	ck_assert_uint_eq(mesh_network(r.mesh)->pan, 0x1234);
	ck_assert(!r.node->joined);
	rig_close(&r);
}
END_TEST

START_TEST(deconz_send_without_network_is_refused)
{
	struct rig r;

	rig_open(&r, &ncp_deconz, "");
	deconz_say(&r, "c0 0802000600 00 f0ff c0");
	deconz_say(&r, "c0 1205001b00 1400 07 00 02 0010 01 0401 1900 01 0500 "
		       "1942000064 00 1e 9ffe c0");
	ck_assert_uint_eq(r.out[3], 6);
	rig_close(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_ncp");
	TCase *t = tcase_create("ash");

	tcase_add_test(t, ash_input_reset_answers_software_reset);
	tcase_add_test(t, ash_restart_published_rstack);
	tcase_add_test(t, ash_input_published_data_arrives_plain);
	tcase_add_test(t, ash_input_without_answer_is_acknowledged);
	tcase_add_loop_test(t, ash_input_damaged_frame_is_rejected_once, 0,
		(int)(sizeof(damaged) / sizeof(*damaged)));
	tcase_add_test(t, ash_input_cancel_forgets_what_came);
	tcase_add_test(t, ash_time_unacknowledged_frame_is_sent_again);
	tcase_add_test(t, ash_time_silent_host_ends_in_error);
	tcase_add_test(t, ash_output_host_not_ready_holds_callbacks);
	tcase_add_test(t, ash_output_window_is_bounded);
	suite_add_tcase(s, t);

	t = tcase_create("ezsp");
	tcase_add_test(t, ezsp_version_legacy_then_extended);
	tcase_add_loop_test(t, ezsp_command_answers_in_its_layout, 0,
		(int)(sizeof(layouts) / sizeof(*layouts)));
	tcase_add_test(t, ezsp_network_init_comes_up);
	tcase_add_test(
		t, ezsp_notify_reaches_the_node_and_its_query_the_host);
	tcase_add_test(t, ezsp_send_more_than_the_buffers_is_refused);
	tcase_add_test(t, ezsp_coordinator_answers_its_descriptors);
	tcase_add_test(t, ezsp_full_queue_is_told_with_the_next_answer);
	tcase_add_loop_test(t, ezsp_create_wrong_option_is_refused, 0,
		(int)(sizeof(bad_options) / sizeof(*bad_options)));
	suite_add_tcase(s, t);

	t = tcase_create("deconz");
	tcase_add_loop_test(t, deconz_input_exchange, 0,
		(int)(sizeof(exchanges) / sizeof(*exchanges)));
	tcase_add_test(t, deconz_notify_published_request_is_confirmed);
	tcase_add_test(t, deconz_write_changes_the_network_at_connecting);
	tcase_add_test(t, deconz_send_without_network_is_refused);
	suite_add_tcase(s, t);
	return unit_run(s);
}
