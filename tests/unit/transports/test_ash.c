/* The host's end of an ASH line, alone and with a coprocessor at the other.
 * Frames are in test_ash_frame.c. */
#include "ash_wire.h"

#include <errno.h>

#include "ash_peer.h"
#include "transports/zigbee/ash.h"

/* ---- the host's end alone ---- */

static struct ash ash;
static uint8_t wire[65536];
static size_t wire_len;
static unsigned ups, downs, frames;
static enum ash_down down_why;
static uint8_t down_code, up_reason, last[ASH_DATA_MAX];
static size_t last_len;
static const char *reply_hex; /* sent from inside of on_data */

static void host_write(void *arg, struct bytes data)
{
	(void)arg;
	ck_assert_uint_le(wire_len + data.len, sizeof(wire));
	memcpy(wire + wire_len, data.at, data.len);
	wire_len += data.len;
}

static void host_data(void *arg, struct bytes data)
{
	uint8_t at[64];

	(void)arg;
	frames++;
	memcpy(last, data.at, data.len);
	last_len = data.len;
	if (reply_hex)
		ck_assert_int_eq(ash_send(&ash, ash.now, bytes_of(at,
			unit_unhex(reply_hex, at, sizeof(at)))), 0);
}

static void host_up(void *arg, uint8_t reason)
{
	(void)arg;
	ups++;
	up_reason = reason;
}

static void host_down(void *arg, enum ash_down why, uint8_t code)
{
	(void)arg;
	downs++;
	down_why = why;
	down_code = code;
}

static const struct ash_host host = {
	host_write, host_data, host_up, host_down};

static void feed(int64_t now, const char *hex)
{
	uint8_t at[2048];

	ash_input(&ash, now,
		bytes_of(at, unit_unhex(hex, at, sizeof(at))));
}

static void feed_frame(int64_t now, struct ash_frame f, const char *data)
{
	uint8_t plain[ASH_DATA_MAX], at[ASH_WIRE_MAX];

	f.data = bytes_of(plain, unit_unhex(data, plain, sizeof(plain)));
	ash_input(&ash, now, bytes_of(at, ash_frame_put(at, &f)));
}

/* What was written since, as one hexadecimal line. */
static void assert_written(const char *hex)
{
	assert_wire(bytes_of(wire, wire_len), hex, "written");
	wire_len = 0;
}

/* The frames that were written since, in short: "D0/0+" is DATA number 0, ack 0,
 * sent again. */
static const char *written(void)
{
	static char text[256];
	struct ash_decoder d;
	struct ash_frame f;
	size_t i, len = 0;

	ash_decoder_init(&d);
	text[0] = 0;
	for (i = 0; i < wire_len; i++) {
		if (ash_decode(&d, wire[i], &f) != ASH_FRAME)
			continue;
		if (f.type == ASH_DATA)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"%sD%u/%u%s", len ? " " : "", f.number, f.ack,
				f.again ? "+" : "");
		else
			len += (size_t)snprintf(text + len, sizeof(text) - len,
				"%s%c%u", len ? " " : "", "?AN???"[f.type],
				f.ack);
	}
	wire_len = 0;
	return text;
}

static void setup(void)
{
	ash_init(&ash, &host, NULL, ASH_WINDOW_PRESET);
	wire_len = ups = downs = frames = 0;
	reply_hex = NULL;
}

static void setup_connected(void)
{
	setup();
	ash_reset(&ash, 0);
	feed(10, "C1 02 02 9B 7B 7E");
	ck_assert_uint_eq(ups, 1);
	wire_len = 0;
}

static int send_hex(int64_t now, const char *hex)
{
	uint8_t at[512];

	return ash_send(&ash, now,
		bytes_of(at, unit_unhex(hex, at, sizeof(at))));
}

START_TEST(ash_reset_writes_cancel_and_rst)
{
	setup();
	ash_reset(&ash, 100);
	assert_written("1A C0 38 BC 7E");
	ck_assert_int_eq(ash_deadline(&ash), 100 + ASH_RSTACK_MS);
}
END_TEST

START_TEST(ash_reset_without_rstack_goes_down_silent)
{
	setup();
	ash_reset(&ash, 0);
	ash_time(&ash, ASH_RSTACK_MS - 1);
	ck_assert_uint_eq(downs, 0);
	ash_time(&ash, ASH_RSTACK_MS);
	ck_assert_uint_eq(downs, 1);
	ck_assert_int_eq(down_why, ASH_DOWN_SILENT);
	ck_assert_int_eq(ash_deadline(&ash), INT64_MAX);
}
END_TEST

START_TEST(ash_input_rstack_of_other_version_goes_down)
{
	setup();
	ash_reset(&ash, 0);
	feed_frame(1, (struct ash_frame){.type = ASH_RSTACK, .version = 3}, "");
	ck_assert_uint_eq(ups, 0);
	ck_assert_int_eq(down_why, ASH_DOWN_VERSION);
	ck_assert_uint_eq(down_code, 3);
}
END_TEST

START_TEST(ash_input_before_reset_means_nothing)
{
	setup();
	feed(1, "C1 02 02 9B 7B 7E 25 42 21 A8 56 A6 09 7E");
	ck_assert_uint_eq(ups + downs + frames, 0);
	ck_assert_uint_eq(wire_len, 0);
}
END_TEST

START_TEST(ash_send_not_connected_is_enotconn)
{
	setup();
	ck_assert_int_eq(send_hex(0, "000000"), -ENOTCONN);
	ash_reset(&ash, 0);
	ck_assert_int_eq(send_hex(0, "000000"), -ENOTCONN);
}
END_TEST

START_TEST(ash_send_length_out_of_bounds_is_emsgsize)
{
	uint8_t at[ASH_DATA_MAX + 1] = {0};

	setup_connected();
	ck_assert_int_eq(ash_send(&ash, 10, bytes_of(at, 2)), -EMSGSIZE);
	ck_assert_int_eq(ash_send(&ash, 10, bytes_of(at, sizeof(at))),
		-EMSGSIZE);
}
END_TEST

START_TEST(ash_send_window_full_waits_for_acknowledgement)
{
	unsigned i;

	setup_connected();
	for (i = 0; i < 7; i++)
		ck_assert_int_eq(send_hex(20, "000000"), 0);
	ck_assert_int_eq(send_hex(20, "000000"), -EBUSY);
	ck_assert_str_eq(written(), "D0/0 D1/0 D2/0");
	feed_frame(30, (struct ash_frame){.type = ASH_ACK, .ack = 2}, "");
	ck_assert_str_eq(written(), "D3/0 D4/0");
	ck_assert_uint_eq(ash_queued(&ash), 5);
}
END_TEST

START_TEST(ash_input_data_is_acknowledged_at_once)
{
	setup_connected();
	feed_frame(20, (struct ash_frame){.type = ASH_DATA}, "008000");
	assert_written("81 60 59 7E");
	ck_assert_uint_eq(frames, 1);
	ck_assert(bytes_equal(bytes_of(last, last_len),
		bytes_of("\x00\x80\x00", 3)));
}
END_TEST

START_TEST(ash_send_inside_callback_carries_acknowledgement)
{
	setup_connected();
	reply_hex = "010203";
	feed_frame(20, (struct ash_frame){.type = ASH_DATA}, "008000");
	ck_assert_str_eq(written(), "D0/1");
}
END_TEST

START_TEST(ash_input_out_of_turn_is_refused_once)
{
	setup_connected();
	feed_frame(20, (struct ash_frame){.type = ASH_DATA, .number = 1}, "000000");
	ck_assert_str_eq(written(), "N0");
	feed_frame(21, (struct ash_frame){.type = ASH_DATA, .number = 2}, "000000");
	ck_assert_str_eq(written(), "");
	feed_frame(22, (struct ash_frame){.type = ASH_DATA, .number = 0}, "000000");
	ck_assert_str_eq(written(), "A1");
	feed_frame(23, (struct ash_frame){.type = ASH_DATA, .number = 2}, "000000");
	ck_assert_str_eq(written(), "N1");
	ck_assert_uint_eq(frames, 1);
}
END_TEST

START_TEST(ash_input_repeated_frame_is_only_acknowledged)
{
	struct ash_frame f = {.type = ASH_DATA, .again = true};

	setup_connected();
	feed_frame(20, f, "000000");
	ck_assert_str_eq(written(), "A1");
	feed_frame(21, f, "000000");
	ck_assert_str_eq(written(), "A1");
	ck_assert_uint_eq(frames, 1);
}
END_TEST

START_TEST(ash_input_damaged_data_is_refused_damaged_ack_is_not)
{
	setup_connected();
	feed(20, "80 60 59 7E");
	ck_assert_str_eq(written(), "");
	feed(21, "25 42 21 A8 56 A6 0A 7E");
	ck_assert_str_eq(written(), "N0");
	ck_assert_uint_eq(ash.stats.damaged, 2);
}
END_TEST

START_TEST(ash_input_acknowledgement_of_unsent_is_refused)
{
	setup_connected();
	feed_frame(20, (struct ash_frame){.type = ASH_DATA, .ack = 1}, "000000");
	ck_assert_uint_eq(frames, 0);
	ck_assert_str_eq(written(), "N0");
	ck_assert_int_eq(send_hex(21, "000000"), 0);
	written();
	feed_frame(22, (struct ash_frame){.type = ASH_ACK, .ack = 3}, "");
	ck_assert_uint_eq(ash_queued(&ash), 1);
}
END_TEST

START_TEST(ash_input_nak_sends_again_once)
{
	setup_connected();
	send_hex(20, "000000");
	send_hex(20, "000000");
	written();
	feed_frame(21, (struct ash_frame){.type = ASH_NAK, .ack = 0}, "");
	ck_assert_str_eq(written(), "D0/0+ D1/0+");
	feed_frame(22, (struct ash_frame){.type = ASH_NAK, .ack = 0}, "");
	ck_assert_str_eq(written(), "");
	feed_frame(23, (struct ash_frame){.type = ASH_NAK, .ack = 1}, "");
	ck_assert_str_eq(written(), "D1/0+");
}
END_TEST

START_TEST(ash_time_unacknowledged_five_times_goes_down)
{
	static const int64_t waits[] = {1600, 3200, 3200, 3200, 3200};
	int64_t now = 10;
	unsigned i;

	setup_connected();
	send_hex(now, "000000");
	written();
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(ash_deadline(&ash), now + waits[i]);
		now += waits[i];
		ash_time(&ash, now - 1);
		ck_assert_str_eq(written(), "");
		ash_time(&ash, now);
		ck_assert_str_eq(written(), i < 4 ? "D0/0+" : "");
	}
	ck_assert_uint_eq(downs, 1);
	ck_assert_int_eq(down_why, ASH_DOWN_TIMEOUT);
	ck_assert_int_eq(send_hex(now, "000000"), -ENOTCONN);
}
END_TEST

START_TEST(ash_time_sends_again_behind_cancel)
{
	setup_connected();
	send_hex(10, "000002");
	wire_len = 0;
	ash_time(&ash, 1610);
	ck_assert_uint_eq(wire[0], ASH_CANCEL);
	ck_assert_str_eq(written(), "D0/0+");
}
END_TEST

START_TEST(ash_input_quick_acknowledgements_shorten_timeout)
{
	int64_t now = 10;
	unsigned i;

	setup_connected();
	for (i = 0; i < 40; i++) {
		send_hex(now, "000000");
		now += 5;
		feed_frame(now, (struct ash_frame){.type = ASH_ACK,
			.ack = (uint8_t)((i + 1) & 7)}, "");
	}
	send_hex(now, "000000");
	ck_assert_int_eq(ash_deadline(&ash), now + ASH_ACK_MS_MIN);
}
END_TEST

START_TEST(ash_input_not_ready_holds_data_back)
{
	setup_connected();
	feed_frame(20, (struct ash_frame){.type = ASH_ACK, .not_ready = true}, "");
	send_hex(21, "000000");
	ck_assert_str_eq(written(), "");
	ck_assert_int_eq(ash_deadline(&ash), 20 + ASH_HOLD_MS);
	feed_frame(22, (struct ash_frame){.type = ASH_ACK}, "");
	ck_assert_str_eq(written(), "D0/0");
}
END_TEST

START_TEST(ash_time_not_ready_is_not_believed_for_ever)
{
	setup_connected();
	feed_frame(20, (struct ash_frame){.type = ASH_ACK, .not_ready = true}, "");
	send_hex(21, "000000");
	ash_time(&ash, 20 + ASH_HOLD_MS);
	ck_assert_str_eq(written(), "D0/0");
	ck_assert_int_gt(ash_deadline(&ash), 20 + ASH_HOLD_MS);
}
END_TEST

START_TEST(ash_input_error_goes_down)
{
	setup_connected();
	feed_frame(20, (struct ash_frame){.type = ASH_ERROR, .version = 2,
		.code = 0x51}, "");
	ck_assert_int_eq(down_why, ASH_DOWN_ERROR);
	ck_assert_uint_eq(down_code, 0x51);
}
END_TEST

START_TEST(ash_input_unasked_rstack_starts_afresh)
{
	setup_connected();
	feed_frame(20, (struct ash_frame){.type = ASH_DATA}, "000000");
	send_hex(21, "000000");
	written();
	feed_frame(22, (struct ash_frame){.type = ASH_RSTACK, .version = 2,
		.code = 0x03}, "");
	ck_assert_uint_eq(ups, 2);
	ck_assert_uint_eq(up_reason, 3);
	ck_assert_uint_eq(ash_queued(&ash), 0);
	send_hex(23, "000000");
	ck_assert_str_eq(written(), "D0/0");
	feed_frame(24, (struct ash_frame){.type = ASH_DATA, .ack = 1}, "000000");
	ck_assert_uint_eq(frames, 2);
}
END_TEST

/* ---- both ends over a bad line ---- */

#define MESSAGES 200

struct line {
	struct {
		int64_t at;
		uint8_t data[ASH_WIRE_MAX + 8];
		size_t len;
	} chunks[4096];
	unsigned head, tail;
};

static struct line to_peer, to_host;
static struct ash_peer peer;
static int64_t clock_ms;
static uint64_t seed;
static unsigned peer_got, host_got, fault_percent;

static unsigned dice(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static void push(struct line *l, struct bytes b)
{
	ck_assert_uint_lt(l->tail, 4096);
	l->chunks[l->tail].at = clock_ms + 1 + dice(3);
	if (l->tail > l->head && l->chunks[l->tail].at <
			l->chunks[l->tail - 1].at)
		l->chunks[l->tail].at = l->chunks[l->tail - 1].at;
	memcpy(l->chunks[l->tail].data, b.at, b.len);
	l->chunks[l->tail].len = b.len;
	l->tail++;
}

/* One write is one frame or more; faults hit parts of it. */
static void spoil(struct line *l, struct bytes b)
{
	uint8_t copy[sizeof(l->chunks[0].data)];

	while (b.len) {
		struct bytes part = bytes_slice(b, 0, 100);

		b = bytes_slice(b, 100, b.len);
		memcpy(copy, part.at, part.len);
		if (dice(100) < fault_percent)
			copy[dice((unsigned)part.len)] ^=
				(uint8_t)(1u << dice(8));
		if (dice(100) < fault_percent)
			part.len -= dice((unsigned)part.len);
		if (dice(100) < fault_percent)
			push(l, bytes_of(copy, part.len));
		if (dice(100) >= fault_percent)
			push(l, bytes_of(copy, part.len));
	}
}

static void bad_host_write(void *arg, struct bytes data)
{
	(void)arg;
	spoil(&to_peer, data);
}

static void bad_peer_write(void *arg, struct bytes data)
{
	(void)arg;
	spoil(&to_host, data);
}

static void check_message(struct bytes data, unsigned *count)
{
	ck_assert_uint_eq(data.len, 4 + *count % 60);
	ck_assert_uint_eq(get_le32(data.at), *count);
	(*count)++;
}

static void peer_data(void *arg, struct bytes data)
{
	(void)arg;
	check_message(data, &peer_got);
}

static void bad_host_data(void *arg, struct bytes data)
{
	(void)arg;
	check_message(data, &host_got);
}

static const struct ash_host bad_host = {
	bad_host_write, bad_host_data, host_up, host_down};

static struct bytes message(unsigned n, uint8_t *at)
{
	memset(at, (int)(n * 7), 64);
	put_le32(at, n);
	return bytes_of(at, 4 + n % 60);
}

static void deliver(struct line *l, bool host_side)
{
	while (l->head < l->tail && l->chunks[l->head].at <= clock_ms) {
		struct bytes b = bytes_of(l->chunks[l->head].data,
			l->chunks[l->head].len);

		l->head++;
		if (host_side)
			ash_input(&ash, clock_ms, b);
		else
			ash_peer_input(&peer, clock_ms, b);
	}
	if (l->head == l->tail)
		l->head = l->tail = 0;
}

static int64_t next_event(void)
{
	int64_t at = ash_deadline(&ash);

	if (peer.due < at)
		at = peer.due;
	if (to_peer.head < to_peer.tail &&
			to_peer.chunks[to_peer.head].at < at)
		at = to_peer.chunks[to_peer.head].at;
	if (to_host.head < to_host.tail &&
			to_host.chunks[to_host.head].at < at)
		at = to_host.chunks[to_host.head].at;
	return at > clock_ms ? at : clock_ms + 1;
}

static void connect_ends(unsigned window)
{
	ash_init(&ash, &bad_host, NULL, window);
	ash_peer_init(&peer);
	peer.write = bad_peer_write;
	peer.on_data = peer_data;
	memset(&to_peer, 0, sizeof(to_peer));
	memset(&to_host, 0, sizeof(to_host));
	ups = downs = peer_got = host_got = 0;
	clock_ms = 0;
	fault_percent = 0;
	ash_reset(&ash, 0);
	for (; clock_ms < 50; clock_ms++) {
		deliver(&to_peer, false);
		deliver(&to_host, true);
	}
	ck_assert_uint_eq(ups, 1);
}

START_TEST(ash_both_ends_bad_line_delivers_once_in_order)
{
	unsigned to_send = 0, from_peer = 0;
	uint8_t at[64];

	seed = (uint64_t)_i + 1;
	connect_ends(1 + (unsigned)_i % ASH_WINDOW_MAX);
	fault_percent = 1 + (unsigned)_i % 4;
	for (; clock_ms < 3600 * 1000 && (peer_got < MESSAGES ||
			host_got < MESSAGES); clock_ms = next_event()) {
		if (to_send < MESSAGES && !ash_send(&ash, clock_ms,
				message(to_send, at)))
			to_send++;
		if (from_peer < MESSAGES && peer.count < ASH_PEER_QUEUE)
			ash_peer_send(&peer, clock_ms,
				message(from_peer++, at));
		deliver(&to_peer, false);
		deliver(&to_host, true);
		if (clock_ms >= ash_deadline(&ash))
			ash_time(&ash, clock_ms);
		ash_peer_time(&peer, clock_ms);
		ck_assert_msg(!downs, "seed %d: down, why %d", _i,
			(int)down_why);
	}
	ck_assert_msg(peer_got == MESSAGES && host_got == MESSAGES,
		"seed %d: %u and %u", _i, peer_got, host_got);
	ck_assert_uint_gt(ash.stats.resent + peer.again, 0);
}
END_TEST

START_TEST(ash_input_noise_never_outgrows_or_stalls)
{
	uint8_t at[64];
	unsigned round, i;

	seed = (uint64_t)_i + 77;
	setup_connected();
	for (round = 0; round < 5000; round++) {
		for (i = 0; i < sizeof(at); i++)
			at[i] = dice(4) ? (uint8_t)dice(256) : 0x7e;
		ash_input(&ash, round, bytes_of(at, dice(64)));
		wire_len = 0;
	}
	ck_assert_uint_eq(downs, 0);
	feed(5001, "1A C1 02 02 9B 7B 7E");
	ck_assert_int_eq(ash.state, ASH_STATE_CONNECTED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ash");
	TCase *c = tcase_create("host");

	tcase_add_test(c, ash_reset_writes_cancel_and_rst);
	tcase_add_test(c, ash_reset_without_rstack_goes_down_silent);
	tcase_add_test(c, ash_input_rstack_of_other_version_goes_down);
	tcase_add_test(c, ash_input_before_reset_means_nothing);
	tcase_add_test(c, ash_send_not_connected_is_enotconn);
	tcase_add_test(c, ash_send_length_out_of_bounds_is_emsgsize);
	tcase_add_test(c, ash_send_window_full_waits_for_acknowledgement);
	tcase_add_test(c, ash_input_data_is_acknowledged_at_once);
	tcase_add_test(c, ash_send_inside_callback_carries_acknowledgement);
	tcase_add_test(c, ash_input_out_of_turn_is_refused_once);
	tcase_add_test(c, ash_input_repeated_frame_is_only_acknowledged);
	tcase_add_test(c, ash_input_damaged_data_is_refused_damaged_ack_is_not);
	tcase_add_test(c, ash_input_acknowledgement_of_unsent_is_refused);
	tcase_add_test(c, ash_input_nak_sends_again_once);
	tcase_add_test(c, ash_time_unacknowledged_five_times_goes_down);
	tcase_add_test(c, ash_time_sends_again_behind_cancel);
	tcase_add_test(c, ash_input_quick_acknowledgements_shorten_timeout);
	tcase_add_test(c, ash_input_not_ready_holds_data_back);
	tcase_add_test(c, ash_time_not_ready_is_not_believed_for_ever);
	tcase_add_test(c, ash_input_error_goes_down);
	tcase_add_test(c, ash_input_unasked_rstack_starts_afresh);
	suite_add_tcase(suite, c);

	c = tcase_create("both ends");
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, ash_both_ends_bad_line_delivers_once_in_order,
		0, 28);
	tcase_add_loop_test(c, ash_input_noise_never_outgrows_or_stalls, 0, 4);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
