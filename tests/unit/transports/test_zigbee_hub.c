/* The example of a hub's stack, a process of its own, behind the driver: a lamp
 * gets a whole image. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/driver-check/rig.h"
#include "transports/zigbee/zigbee.h"

#define LAMP_KEY "00124b0000000001"
#define IMAGE_SIZE 1234u
#define IMAGE_VERSION 2u

extern char **environ;

static struct rig rig;
static struct transport_driver *driver;
static char folder[32];
static char path[64];
static pid_t hub;
static int hub_says = -1;
static uint64_t link_id;

static void start_hub(void)
{
	char program[] = FERRY_BUILD_DIR "/bin/hub_stack";
	char *const argv[] = {program, path, NULL};
	posix_spawn_file_actions_t actions;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	ck_assert_int_eq(
		posix_spawn(&hub, program, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	hub_says = ends[0];
}

/* Reads lines of the hub until one begins with `text`; the rest of that line.
 */
static const char *hub_line(const char *text)
{
	static char line[256];
	size_t len = 0;

	while (read(hub_says, line + len, 1) == 1 && len < sizeof(line) - 1) {
		if (line[len++] != '\n')
			continue;
		line[len - 1] = 0;
		len = 0;
		if (!strncmp(line, text, strlen(text)))
			return line + strlen(text);
	}
	ck_abort_msg("the hub does not say: %s", text);
	return NULL;
}

static void end_hub(void)
{
	if (!hub)
		return;
	kill(hub, SIGTERM);
	waitpid(hub, NULL, 0);
	close(hub_says);
	hub = 0;
}

static void setup(void)
{
	strcpy(folder, "/tmp/ferry-hub-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/radio", folder);
	ck_assert_int_eq(rig_init(&rig), 0);
	ck_assert_int_eq(
		transport_driver_admit(zigbee_driver(), &driver, NULL), 0);
	start_hub();
	hub_line("listening");
}

static void teardown(void)
{
	rig_done(&rig);
	transport_driver_free(driver);
	end_hub();
	unlink(path);
	rmdir(folder);
}

static void connect_link(void)
{
	const struct ferry_kv settings[] = {
		{"stack", "zcl-socket"}, {"port", path}};
	const struct ferry_kv kv[] = {
		{"cluster", "0x0019"}, {"role", "server"}};
	const struct ferry_channel_spec channel = {kv, 2, 0};
	const struct transport_connect c = {
		.channels = &channel, .channel_count = 1};
	static struct rig_request q;

	ck_assert_int_eq(rig_open(&rig, driver, settings, 2, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.ups && rig_peer(&rig, LAMP_KEY));
	ck_assert_ptr_nonnull(rig_peer(&rig, LAMP_KEY));
	ck_assert_ptr_nonnull(rig_peer(&rig, "all-awake"));
	rig_request_init(&q, &rig);
	ck_assert_int_eq(
		transport_connect(rig.t, &c, rig_on_done, &q, NULL), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
	link_id = q.result.link;
}

static uint8_t image_byte(uint32_t at)
{
	return (uint8_t)(at * 7 + at / 256);
}

static size_t put_key(uint8_t *at, uint32_t version)
{
	put_le16(at, 0x1234);
	put_le16(at + 2, 0x0102);
	put_le32(at + 4, version);
	return 8;
}

static size_t write_block(uint8_t *at, uint32_t offset)
{
	uint32_t len = IMAGE_SIZE - offset < 50 ? IMAGE_SIZE - offset : 50;
	uint32_t i;
	size_t n;

	at[0] = 0;
	n = 1 + put_key(at + 1, IMAGE_VERSION);
	put_le32(at + n, offset);
	at[n + 4] = (uint8_t)len;
	for (i = 0; i < len; i++)
		at[n + 5 + i] = image_byte(offset + i);
	return n + 5 + len;
}

/* An OTA server of few lines: answers what came last. */
static void serve(void)
{
	const uint8_t *in = rig.in.at;
	uint8_t out[128] = {0x19, in[1]};
	size_t len = 4;
	static struct rig_request q;
	struct transport_send s = {.link = link_id,
		.until = FERRY_SENT,
		.reply = bytes_of(rig.last_reply, rig.last_reply_len)};

	ck_assert_str_eq(rig.last_peer, LAMP_KEY);
	out[2] = in[2] == 0x01 ? 0x02 : in[2] == 0x03 ? 0x05 : 0x07;
	out[3] = 0x98;
	if (in[2] == 0x01 && get_le32(in + 8) < IMAGE_VERSION) {
		out[3] = 0;
		len += put_key(out + 4, IMAGE_VERSION);
		put_le32(out + len, IMAGE_SIZE);
		len += 4;
	} else if (in[2] == 0x03) {
		len = 3 + write_block(out + 3, get_le32(in + 12));
	} else if (in[2] == 0x06) {
		len = 3 + put_key(out + 3, IMAGE_VERSION);
		memset(out + len, 0, 8);
		len += 8;
	}
	buf_reset(&rig.in);
	rig.messages = 0;
	s.data = bytes_of(out, len);
	rig_request_init(&q, &rig);
	ck_assert_int_eq(transport_send(rig.t, &s, rig_on_done, &q, NULL), 0);
	RIG_UNTIL(&rig, 5000, q.done);
	ck_assert_int_eq(q.result.status, 0);
	ck_assert_uint_gt(q.result.airtime_us, 0);
}

START_TEST(hub_lamp_gets_a_whole_image)
{
	unsigned turns = IMAGE_SIZE / 50 + 4;
	uint32_t i, sum = 0;
	char want[64];

	connect_link();
	/* Query, blocks, end; then it asks with its new version. */
	while (turns--) {
		RIG_UNTIL(&rig, 5000, rig.messages);
		ck_assert_uint_gt(rig.messages, 0);
		serve();
	}
	for (i = 0; i < IMAGE_SIZE; i++)
		sum = sum * 31 + image_byte(i);
	snprintf(want, sizeof(want), "%08x, sum %08x", IMAGE_VERSION, sum);
	ck_assert_str_eq(hub_line("lamp runs version "), want);
	ck_assert_uint_ge(rig_peer(&rig, LAMP_KEY)->count, 2);
}
END_TEST

START_TEST(hub_that_ends_takes_the_instance_down)
{
	connect_link();
	end_hub();
	RIG_UNTIL(&rig, 5000, rig.instance_downs);
	ck_assert_int_eq(rig.down_status, -ENODEV);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transports.zigbee_hub");
	TCase *c = tcase_create("hub");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, hub_lamp_gets_a_whole_image);
	tcase_add_test(c, hub_that_ends_takes_the_instance_down);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
