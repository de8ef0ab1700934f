/* The serial driver, hosted, on PTYs and loopback TCP. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pty.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "tools/driver-check/rig.h"
#include "transports/serial/serial.h"

static struct rig rig;
static struct transport_driver *driver;
static int master = -1;
static int slave = -1; /* held, so that the PTY lives between links */
static char path[64];
static char folder[] = "/tmp/ferry-serial-XXXXXX";
static char link_path[80];

static void open_pty(void)
{
	struct termios raw;

	ck_assert_int_eq(openpty(&master, &slave, path, NULL, NULL), 0);
	tcgetattr(slave, &raw);
	cfmakeraw(&raw);
	tcsetattr(slave, TCSANOW, &raw);
	fcntl(master, F_SETFL, O_NONBLOCK);
}

static void setup(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(link_path, sizeof(link_path), "%s/port", folder);
	ck_assert_int_eq(rig_init(&rig), 0);
	ck_assert_int_eq(
		transport_driver_admit(serial_driver(), &driver, NULL), 0);
	open_pty();
}

static void teardown(void)
{
	rig_done(&rig);
	transport_driver_free(driver);
	if (master >= 0)
		close(master);
	if (slave >= 0)
		close(slave);
	master = slave = -1;
	unlink(link_path);
	rmdir(folder);
}

static int open_with(const struct ferry_kv *more, size_t count,
	const struct rig_options *options)
{
	struct ferry_kv kv[8] = {{"port", path}};

	if (count)
		memcpy(kv + 1, more, count * sizeof(*more));
	return rig_open(&rig, driver, kv, count + 1, options);
}

static void up(void)
{
	ck_assert_int_eq(open_with(NULL, 0, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.ups && rig.peer_count);
	ck_assert_uint_eq(rig.ups, 1);
	ck_assert_uint_eq(rig.peer_count, 1);
}

static uint64_t link_up(void)
{
	struct rig_request q;

	ck_assert_int_eq(rig_connect(&rig, "port", &q), 0);
	ck_assert_uint_eq(q.payload, 32768);
	ck_assert_uint_ge(q.window, 1);
	return q.result.link;
}

START_TEST(start_announces_the_port_as_peer)
{
	up();
	ck_assert_str_eq(rig.peers[0].key, "port");
	ck_assert_uint_eq(rig.peers[0].id_kind, FERRY_ID_PLACE);
	ck_assert_str_eq(rig.peers[0].address, path);
	ck_assert_uint_eq(rig.opened, 1);
}
END_TEST

START_TEST(start_without_hotplug_fails_when_the_port_is_absent)
{
	const struct ferry_kv kv[] = {
		{"port", "/dev/ferry-absent"}, {"hotplug", "no"}};

	ck_assert_int_eq(rig_open(&rig, driver, kv, 2, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_uint_eq(rig.instance_downs, 1);
	ck_assert_int_eq(rig.down_status, -ENODEV);
	ck_assert_ptr_nonnull(strstr(rig.down_text, "port"));
	ck_assert_int_eq(rig.restart_ms, -1);
}
END_TEST

#define LINES_RULE \
	"must be words such as dtr=0, rts=1 and break=0, and pauses such as " \
	"100ms: at most 24 steps and 60 s"

START_TEST(open_names_a_bad_setting)
{
	static const struct {
		struct ferry_kv kv;
		const char *want;
	} rows[] = {
		{{"baud", "fast"}, "baud: must be a number of 50..12000000"},
		{{"parity", "mark"}, "parity: must be one of none|even|odd"},
		{{"colour", "red"},
			"colour: is not known to driver serial; known are port, "
			"baud, data, parity, stop, flow, mode, hotplug, "
			"low_latency, boot_wait, open_lines, ..."},
		{{"buad", "9600"},
			"buad: is not known to driver serial; did you mean "
			"'baud'?"},
		{{"hotplug", "maybe"}, "hotplug: must be yes or no"},
		{{"port", "/dev/x"}, "port: is given twice"},
		{{"open_lines", "dtr=2"}, "open_lines: " LINES_RULE},
		{{"connect_lines", "dtr=0 dtr=1"},
			"connect_lines: " LINES_RULE},
		{{"disconnect_lines", "60001ms"},
			"disconnect_lines: " LINES_RULE},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(open_with(&rows[i].kv, 1, NULL),
			ERR_TRANSPORT_PARAMETER);
		ck_assert_str_eq(rig.down_text, rows[i].want);
	}
	ck_assert_int_eq(
		rig_open(&rig, driver, NULL, 0, NULL), ERR_TRANSPORT_PARAMETER);
	ck_assert_str_eq(rig.down_text, "port: is missing");
}
END_TEST

START_TEST(start_names_a_bad_line_sequence)
{
	const struct ferry_kv kv = {"open_lines", "dtr=2"};

	const struct rig_options raw = {.raw = true};

	ck_assert_int_eq(open_with(&kv, 1, &raw), 0);
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_int_eq(rig.down_status, -EINVAL);
	ck_assert_str_eq(rig.down_text, "open_lines: " LINES_RULE);
}
END_TEST

START_TEST(start_of_a_file_that_is_no_line_fails)
{
	const struct ferry_kv kv[] = {{"port", link_path}};
	int fd = open(link_path, O_CREAT | O_RDWR, 0600);

	close(fd);
	ck_assert_int_eq(rig_open(&rig, driver, kv, 1, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_int_eq(rig.down_status, -EINVAL);
	ck_assert_ptr_nonnull(strstr(rig.down_text, link_path));
	ck_assert_ptr_nonnull(strstr(rig.down_text, ": is not a serial line"));
}
END_TEST

START_TEST(connect_refuses_what_cannot_be)
{
	const struct ferry_channel_spec channels[2] = {{0}};
	struct transport_connect c = {
		.peer = "other", .channels = channels, .channel_count = 1};
	struct rig_request q;
	uint64_t id;

	up();
	ck_assert_int_eq(rig_connect(&rig, "other", &q), -EHOSTUNREACH);
	ck_assert_int_eq(rig_connect(&rig, NULL, &q), -EOPNOTSUPP);
	c.peer = "port";
	c.min_security = FERRY_SECURITY_NETWORK;
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_connect(rig.t, &c, rig_on_done, &q, NULL), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, ERR_TRANSPORT_SECURITY);
	c.min_security = 0;
	c.needs = FERRY_CAP_LINES;
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_connect(rig.t, &c, rig_on_done, &q, NULL), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, ERR_TRANSPORT_NEEDS);
	rig_settle(&rig);
	id = link_up();
	ck_assert_int_eq(rig_connect(&rig, "port", &q), -EBUSY);
	ck_assert_ptr_nonnull(transport_link(rig.t, id));
}
END_TEST

START_TEST(connect_sets_the_line_as_the_channel_says)
{
	const struct ferry_kv kv[] = {{"baud", "57600"}, {"stop", "2"}};
	const struct ferry_channel_spec channel = {.kv = kv, .count = 2};
	const struct transport_connect c = {
		.peer = "port", .channels = &channel, .channel_count = 1};
	struct termios now;
	struct rig_request q;

	up();
	tcgetattr(master, &now);
	ck_assert_uint_eq(cfgetospeed(&now), B115200);
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_connect(rig.t, &c, rig_on_done, &q, NULL), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
	tcgetattr(master, &now);
	ck_assert_uint_eq(cfgetospeed(&now), B57600);
	ck_assert(now.c_cflag & CSTOPB);
	ck_assert(!(now.c_cflag & HUPCL));
}
END_TEST

START_TEST(bytes_travel_both_ways)
{
	struct rig_request q;
	uint64_t id;
	char got[8] = {0};

	up();
	id = link_up();
	ck_assert_int_eq(
		rig_send(&rig, id, bytes_of_text("hello"), FERRY_SENT, &q), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
	ck_assert_uint_eq(q.result.level, FERRY_SENT);
	ck_assert_uint_eq(q.result.done, 5);
	ck_assert_int_eq(read(master, got, sizeof(got)), 5);
	ck_assert_str_eq(got, "hello");
	ck_assert_int_eq(write(master, "a\0\r\n\x11\x13\xff", 7), 7);
	RIG_UNTIL(&rig, 5000, rig.in.len >= 7);
	ck_assert(bytes_equal(
		buf_bytes(&rig.in), bytes_of("a\0\r\n\x11\x13\xff", 7)));
}
END_TEST

/* Reads the master dry; what was read in all. */
static size_t drain_master(void)
{
	uint8_t raw[4096];
	size_t all = 0;
	ssize_t n;

	while ((n = read(master, raw, sizeof(raw))) > 0)
		all += (size_t)n;
	return all;
}

START_TEST(sends_past_the_window_wait_and_go_in_order)
{
	static uint8_t block[4096];
	struct rig_request q[24];
	size_t got = 0, i;
	uint64_t id;

	up();
	id = link_up();
	for (i = 0; i < 24; i++) {
		memset(block, (int)i, sizeof(block));
		ck_assert_int_eq(
			rig_send(&rig, id, bytes_of(block, sizeof(block)),
				FERRY_TAKEN, &q[i]),
			0);
	}
	ck_assert_uint_eq(transport_room(rig.t, id, 0), 0);
	rig_settle(&rig);
	ck_assert(!q[23].done);
	rig_limit(&rig, 5000);
	do
		got += drain_master();
	while (got < sizeof(block) * 24 && rig_turn(&rig));
	ck_assert_uint_eq(got, sizeof(block) * 24);
	RIG_UNTIL(&rig, 5000, q[23].done);
	for (i = 0; i < 24; i++) {
		ck_assert_int_eq(q[i].result.status, 0);
		ck_assert_uint_eq(q[i].count, 1);
		ck_assert_uint_eq(q[i].result.done, sizeof(block));
		if (i)
			ck_assert_uint_gt(q[i].order, q[i - 1].order);
	}
	ck_assert_uint_eq(transport_room(rig.t, id, 0), 8);
}
END_TEST

START_TEST(send_refuses_what_does_not_fit)
{
	static uint8_t block[32769];
	struct rig_request q;
	uint64_t id;

	up();
	id = link_up();
	ck_assert_int_eq(
		rig_send(&rig, id, bytes_of(block, 32769), 1, &q), -EMSGSIZE);
	ck_assert_int_eq(
		rig_send(&rig, id, bytes_of(block, 0), 1, &q), -EINVAL);
	ck_assert_int_eq(
		rig_send(&rig, id + 1, bytes_of(block, 1), 1, &q), -ENOTCONN);
}
END_TEST

START_TEST(cancel_counts_what_had_gone)
{
	static uint8_t block[4096];
	struct transport_send s = {
		.until = FERRY_TAKEN, .data = {block, sizeof(block)}};
	struct rig_request q[8];
	size_t i, got, gone = 0, parts = 0;
	uint64_t token[8];

	up();
	s.link = link_up();
	for (i = 0; i < 8; i++) {
		rig_request_init(&q[i], &rig);
		ck_assert_int_eq(transport_send(rig.t, &s, rig_on_done, &q[i],
					 &token[i]),
			0);
	}
	for (i = 8; i--;)
		transport_cancel(rig.t, token[i]);
	transport_cancel(rig.t, 0);
	transport_cancel(rig.t, 12345);
	RIG_UNTIL(&rig, 5000, q[0].done);
	for (i = 0; i < 8; i++) {
		ck_assert_uint_eq(q[i].count, 1);
		gone += q[i].result.done;
		if (q[i].result.done < 4096)
			ck_assert_int_eq(q[i].result.status, -ECANCELED);
		parts += q[i].result.done > 0 && q[i].result.done < 4096;
	}
	ck_assert_uint_eq(q[0].result.done, 4096);
	ck_assert_uint_eq(q[7].result.done, 0);
	ck_assert_uint_eq(parts, 1);
	got = drain_master();
	rig_settle(&rig);
	got += drain_master();
	ck_assert_uint_eq(got, gone);
}
END_TEST

START_TEST(deadline_of_a_stuck_send_times_out)
{
	static uint8_t block[4096];
	struct transport_send s = {.until = FERRY_TAKEN,
		.deadline_ms = 20,
		.data = {block, sizeof(block)}};
	struct transport_counters counters;
	struct rig_request q[6];
	size_t i;

	up();
	s.link = link_up();
	for (i = 0; i < 6; i++) {
		rig_request_init(&q[i], &rig);
		ck_assert_int_eq(
			transport_send(rig.t, &s, rig_on_done, &q[i], NULL), 0);
	}
	RIG_UNTIL(&rig, 5000, q[5].done);
	ck_assert_int_eq(q[0].result.status, 0);
	ck_assert_int_eq(q[5].result.status, -ETIMEDOUT);
	transport_counters(rig.t, &counters);
	ck_assert_uint_ge(counters.deadlines, 1);
	ck_assert_uint_eq(counters.breaches, 0);
}
END_TEST

START_TEST(unplug_ends_sends_then_link_and_peer)
{
	static uint8_t block[4096];
	struct rig_request q[20];
	struct rig_event *last;
	uint64_t id;
	size_t i;

	up();
	id = link_up();
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(
			rig_send(&rig, id, bytes_of(block, 4096), 1, &q[i]), 0);
	close(slave);
	close(master);
	master = slave = -1;
	RIG_UNTIL(&rig, 5000,
		rig.downs && (rig.peers[0].flags & FERRY_PEER_GONE));
	ck_assert_uint_eq(rig.downs, 1);
	ck_assert_uint_eq(rig.instance_downs, 0);
	ck_assert_uint_eq(rig.down_link, id);
	ck_assert_int_eq(rig.down_status, -ENODEV);
	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(q[i].count, 1);
	ck_assert_int_eq(q[19].result.status, -ENOTCONN);
	last = &rig.events[rig.event_count - 1];
	ck_assert(last->kind == RIG_PEER || last->kind == RIG_LOG);
	ck_assert_int_eq(
		rig_send(&rig, id, bytes_of(block, 1), 1, &q[0]), -ENOTCONN);
}
END_TEST

START_TEST(replug_under_another_name_is_found_again)
{
	struct rig_request q;
	uint64_t first;

	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_int_eq(
		rig_open(&rig, driver, &(struct ferry_kv){"port", link_path}, 1,
			NULL),
		0);
	RIG_UNTIL(&rig, 5000, rig.peer_count);
	first = link_up();
	unlink(link_path);
	close(slave);
	close(master);
	RIG_UNTIL(&rig, 5000, rig.downs);
	open_pty();
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_int_eq(rig_connect(&rig, "port", &q), 0);
	ck_assert_uint_ne(q.result.link, first);
	ck_assert_uint_eq(rig.peers[0].flags & FERRY_PEER_GONE, 0);
	ck_assert_int_eq(write(master, "x", 1), 1);
	RIG_UNTIL(&rig, 5000, rig.messages);
	ck_assert_uint_eq(rig.last_link, q.result.link);
}
END_TEST

START_TEST(unplug_without_hotplug_ends_the_instance)
{
	const struct ferry_kv kv = {"hotplug", "no"};

	ck_assert_int_eq(open_with(&kv, 1, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.ups && rig.peer_count);
	link_up();
	close(slave);
	close(master);
	master = slave = -1;
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_uint_eq(rig.downs, 1);
	ck_assert_int_eq(rig.down_status, -ENODEV);
	ck_assert_int_eq(transport_state(rig.t), TRANSPORT_DOWN);
}
END_TEST

START_TEST(own_port_stays_open_between_links)
{
	struct rig_request q;
	int other;

	up();
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_disconnect(rig.t, link_up(), rig_on_done, &q), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
	link_up();
	ck_assert_uint_eq(rig.opened, 1);
	other = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (geteuid())
		ck_assert_int_lt(other, 0);
	if (other >= 0)
		close(other);
}
END_TEST

START_TEST(adopted_port_is_not_opened_or_reset_again)
{
	const struct ferry_kv kv[] = {
		{"boot_wait", "60000"}, {"open_lines", "dtr=0 60000ms"}};

	rig.adopt_fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	ck_assert_int_eq(open_with(kv, 2, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.ups && rig.peer_count);
	ck_assert_uint_eq(rig.opened, 0);
	ck_assert_int_eq(rig.adopt_fd, -1);
	link_up();
	ck_assert_uint_eq(rig.logs, 0);
}
END_TEST

START_TEST(adopted_port_that_is_gone_is_looked_for)
{
	rig.adopt_fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	close(slave);
	close(master);
	open_pty();
	ck_assert_int_eq(symlink(path, link_path), 0);
	ck_assert_int_eq(
		rig_open(&rig, driver, &(struct ferry_kv){"port", link_path}, 1,
			NULL),
		0);
	RIG_UNTIL(&rig, 5000, rig.peer_count);
	ck_assert_uint_eq(rig.peer_count, 1);
	ck_assert_uint_eq(rig.opened, 1);
	ck_assert_uint_eq(rig.instance_downs, 0);
}
END_TEST

START_TEST(closed_own_port_is_free_though_a_duplicate_lives)
{
	rig.keep = true;
	up();
	ck_assert_int_ge(rig.kept_fd, 0);
	ck_assert(rig_close(&rig));
	rig.ups = 0;
	rig.peer_count = 0;
	up();
	ck_assert_uint_eq(rig.opened, 2);
}
END_TEST

START_TEST(own_port_that_is_locked_is_waited_for)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);

	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(open_with(NULL, 0, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.logs);
	ck_assert_ptr_nonnull(strstr(rig.last_log, "locked"));
	ck_assert_uint_eq(rig.peer_count, 0);
	close(fd);
	RIG_UNTIL(&rig, 5000, rig.peer_count);
	ck_assert_uint_eq(rig.peer_count, 1);
}
END_TEST

START_TEST(open_pty_is_not_marked_exclusive)
{
	int fd, exclusive = -1;

	up();
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ioctl(fd, TIOCGEXCL, &exclusive), 0);
	ck_assert_int_eq(exclusive, 0);
	close(fd);
}
END_TEST

START_TEST(borrowed_port_is_open_only_while_linked)
{
	const struct ferry_kv kv = {"mode", "borrow"};
	struct rig_request q;
	int fd;

	ck_assert_int_eq(open_with(&kv, 1, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.ups && rig.peer_count);
	ck_assert_uint_eq(rig.opened, 0);
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(rig_connect(&rig, "port", &q), -EBUSY);
	ck_assert_uint_eq(rig.opened, 0);
	close(fd);
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_disconnect(rig.t, link_up(), rig_on_done, &q), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
}
END_TEST

START_TEST(connect_pends_until_the_port_comes_and_can_be_cancelled)
{
	const struct ferry_channel_spec channel = {0};
	struct transport_connect c = {.peer = "port",
		.channels = &channel,
		.channel_count = 1,
		.deadline_ms = 30};
	struct rig_request q;
	uint64_t token;

	ck_assert_int_eq(
		rig_open(&rig, driver, &(struct ferry_kv){"port", link_path}, 1,
			NULL),
		0);
	RIG_UNTIL(&rig, 5000, rig.ups);
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_connect(rig.t, &c, rig_on_done, &q, NULL), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, -ETIMEDOUT);
	c.deadline_ms = 0;
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_connect(rig.t, &c, rig_on_done, &q, &token), 0);
	transport_cancel(rig.t, token);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, -ECANCELED);
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_connect(rig.t, &c, rig_on_done, &q, NULL), 0);
	rig_settle(&rig);
	ck_assert(!q.done);
	ck_assert_int_eq(symlink(path, link_path), 0);
	RIG_UNTIL(&rig, 8000, q.done);
	ck_assert_int_eq(q.result.status, 0);
}
END_TEST

START_TEST(boot_wait_holds_the_first_link_back)
{
	const struct ferry_kv kv[] = {
		{"boot_wait", "60"}, {"open_lines", "dtr=1 rts=1 20ms dtr=0"}};
	uint64_t before = uv_hrtime();
	struct rig_request q;

	ck_assert_int_eq(open_with(kv, 2, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.ups);
	ck_assert_int_eq(rig_connect(&rig, "port", &q), 0);
	ck_assert_uint_ge((uv_hrtime() - before) / 1000000, 78);
	/* A PTY has no such lines: said once, and carried on. */
	ck_assert_uint_eq(rig.logs, 1);
}
END_TEST

START_TEST(set_changes_the_line_after_what_was_sent)
{
	const struct ferry_kv kv[] = {{"baud", "9600"}, {"dtr", "1"},
		{"rts", "0"}, {"lines", "5ms dtr=0"}};
	const struct ferry_kv wrong = {"lines", "dtr=1 dtr=0"};
	const struct ferry_kv unknown = {"colour", "red"};
	struct rig_request sent, set, later;
	struct termios now;
	uint64_t id;

	up();
	id = link_up();
	ck_assert_int_eq(transport_set(rig.t, id, &unknown, 1, 0, rig_on_done,
				 &set, NULL),
		ERR_TRANSPORT_PARAMETER);
	ck_assert_int_eq(
		transport_set(rig.t, id, &wrong, 1, 0, rig_on_done, &set, NULL),
		ERR_TRANSPORT_PARAMETER);
	ck_assert_int_eq(rig_send(&rig, id, bytes_of_text("ab"), 1, &sent), 0);
	rig_request_init(&set, &rig);
	ck_assert_int_eq(
		transport_set(rig.t, id, kv, 4, 0, rig_on_done, &set, NULL), 0);
	ck_assert_int_eq(rig_send(&rig, id, bytes_of_text("cd"), 1, &later), 0);
	RIG_UNTIL(&rig, 5000, later.done);
	ck_assert_int_eq(set.result.status, 0);
	ck_assert_uint_lt(sent.order, set.order);
	ck_assert_uint_lt(set.order, later.order);
	tcgetattr(master, &now);
	ck_assert_uint_eq(cfgetospeed(&now), B9600);
}
END_TEST

START_TEST(close_with_everything_outstanding_ends_all_once)
{
	static uint8_t block[4096];
	struct rig_request q[20], scan, set;
	const struct ferry_kv kv = {"baud", "9600"};
	uint64_t id;
	size_t i;

	up();
	id = link_up();
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(rig_send(&rig, id, bytes_of(block, 4096),
					 FERRY_SENT, &q[i]),
			0);
	rig_request_init(&scan, &rig);
	ck_assert_int_eq(
		transport_scan(rig.t, 60000, NULL, 0, rig_on_done, &scan, NULL),
		0);
	rig_request_init(&set, &rig);
	ck_assert_int_eq(
		transport_set(rig.t, id, &kv, 1, 0, rig_on_done, &set, NULL),
		0);
	ck_assert(rig_close(&rig));
	for (i = 0; i < 20; i++)
		ck_assert_uint_eq(q[i].count, 1);
	ck_assert_int_eq(q[19].result.status, -ECANCELED);
	ck_assert_int_eq(scan.result.status, -ECANCELED);
	ck_assert_int_eq(set.result.status, -ECANCELED);
	ck_assert_uint_eq(rig.downs + rig.instance_downs, 0);
}
END_TEST

START_TEST(scan_announces_ends_and_is_one_at_a_time)
{
	struct rig_request q, twice;

	up();
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_scan(rig.t, 20, NULL, 0, rig_on_done, &q, NULL), 0);
	ck_assert_int_eq(
		transport_scan(rig.t, 20, NULL, 0, rig_on_done, &twice, NULL),
		-EBUSY);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
	ck_assert_uint_eq(rig.peers[0].count, 2);
}
END_TEST

START_TEST(stats_count_bytes)
{
	struct rig_request q;

	up();
	link_up();
	ck_assert_int_eq(write(master, "12345", 5), 5);
	RIG_UNTIL(&rig, 5000, rig.in.len == 5);
	rig_request_init(&q, &rig);
	ck_assert_int_eq(transport_stats(rig.t, rig_on_done, &q), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_str_eq(q.counter_name, "bytes_in");
	ck_assert_uint_eq(q.counter, 5);
}
END_TEST

static int listen_tcp(char *target, size_t size)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(listen(fd, 4), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(target, size, "tcp://localhost:%u", ntohs(at.sin_port));
	return fd;
}

START_TEST(tcp_server_is_a_port_that_can_hang_up)
{
	char target[64];
	int server = listen_tcp(target, sizeof(target)), peer;
	const struct ferry_kv kv = {"port", target};
	struct rig_request q;
	char got[4] = {0};
	uint64_t id;

	ck_assert_int_eq(rig_open(&rig, driver, &kv, 1, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.peer_count);
	ck_assert_uint_eq(rig.peer_count, 1);
	peer = accept(server, NULL, NULL);
	id = link_up();
	ck_assert_uint_eq(transport_link(rig.t, id)->caps & FERRY_CAP_SET, 0);
	ck_assert_int_eq(
		rig_send(&rig, id, bytes_of_text("abc"), FERRY_SENT, &q), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_uint_eq(q.result.level, FERRY_SENT);
	ck_assert_int_eq(read(peer, got, sizeof(got)), 3);
	ck_assert_int_eq(write(peer, "xyz", 3), 3);
	RIG_UNTIL(&rig, 5000, rig.in.len == 3);
	ck_assert_int_eq(write(peer, "bye", 3), 3);
	close(peer);
	RIG_UNTIL(&rig, 5000, rig.downs);
	ck_assert_uint_eq(rig.downs, 1);
	ck_assert(bytes_is_text(buf_bytes(&rig.in), "xyzbye"));
	ck_assert_int_eq(rig_connect(&rig, "port", &q), 0);
	close(server);
}
END_TEST

START_TEST(tcp_server_that_refuses_fails_the_start_without_hotplug)
{
	char target[64];
	int server = listen_tcp(target, sizeof(target));
	const struct ferry_kv kv[] = {{"port", target}, {"hotplug", "no"}};

	close(server);
	ck_assert_int_eq(rig_open(&rig, driver, kv, 2, NULL), 0);
	RIG_UNTIL(&rig, 8000, rig.instance_downs);
	ck_assert_int_eq(rig.down_status, -ECONNREFUSED);
}
END_TEST

START_TEST(close_while_a_name_is_looked_up_is_clean)
{
	const struct ferry_kv kv = {"port", "tcp://localhost:1"};

	ck_assert_int_eq(rig_open(&rig, driver, &kv, 1, NULL), 0);
	ck_assert(rig_close(&rig));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.serial");
	TCase *c = tcase_create("serial");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, start_announces_the_port_as_peer);
	tcase_add_test(c, start_without_hotplug_fails_when_the_port_is_absent);
	tcase_add_test(c, open_names_a_bad_setting);
	tcase_add_test(c, start_names_a_bad_line_sequence);
	tcase_add_test(c, start_of_a_file_that_is_no_line_fails);
	tcase_add_test(c, connect_refuses_what_cannot_be);
	tcase_add_test(c, connect_sets_the_line_as_the_channel_says);
	tcase_add_test(c, bytes_travel_both_ways);
	tcase_add_test(c, sends_past_the_window_wait_and_go_in_order);
	tcase_add_test(c, send_refuses_what_does_not_fit);
	tcase_add_test(c, cancel_counts_what_had_gone);
	tcase_add_test(c, deadline_of_a_stuck_send_times_out);
	tcase_add_test(c, unplug_ends_sends_then_link_and_peer);
	tcase_add_test(c, replug_under_another_name_is_found_again);
	tcase_add_test(c, unplug_without_hotplug_ends_the_instance);
	tcase_add_test(c, own_port_stays_open_between_links);
	tcase_add_test(c, adopted_port_is_not_opened_or_reset_again);
	tcase_add_test(c, adopted_port_that_is_gone_is_looked_for);
	tcase_add_test(c, closed_own_port_is_free_though_a_duplicate_lives);
	tcase_add_test(c, own_port_that_is_locked_is_waited_for);
	tcase_add_test(c, open_pty_is_not_marked_exclusive);
	tcase_add_test(c, borrowed_port_is_open_only_while_linked);
	tcase_add_test(
		c, connect_pends_until_the_port_comes_and_can_be_cancelled);
	tcase_add_test(c, boot_wait_holds_the_first_link_back);
	tcase_add_test(c, set_changes_the_line_after_what_was_sent);
	tcase_add_test(c, close_with_everything_outstanding_ends_all_once);
	tcase_add_test(c, scan_announces_ends_and_is_one_at_a_time);
	tcase_add_test(c, stats_count_bytes);
	tcase_add_test(c, tcp_server_is_a_port_that_can_hang_up);
	tcase_add_test(
		c, tcp_server_that_refuses_fails_the_start_without_hotplug);
	tcase_add_test(c, close_while_a_name_is_looked_up_is_clean);
	suite_add_tcase(s, c);
	return unit_run(s);
}
