/* Drivers as shared objects: who may load what, and the example of the driver
 * guide at work. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/driver-check/check.h"

#define EXAMPLE FERRY_BUILD_DIR "/drivers/example_udp.so"
#define NOT_A_DRIVER FERRY_BUILD_DIR "/drivers/not_a_driver.so"

static char folder[] = "/tmp/ferry-load-XXXXXX";
static char copy[64];
static struct rig rig;

/* A trusted place: a folder of ours below a sticky one, when we are root. */
static void put(const char *from, mode_t mode)
{
	uint8_t block[65536];
	int in = open(from, O_RDONLY), out;
	ssize_t n;

	snprintf(copy, sizeof(copy), "%s/driver.so", folder);
	out = open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(in, 0);
	ck_assert_int_ge(out, 0);
	while ((n = read(in, block, sizeof(block))) > 0)
		ck_assert_int_eq(write(out, block, (size_t)n), n);
	ck_assert_int_eq(fchmod(out, mode), 0);
	close(in);
	close(out);
}

static void setup(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(rig_init(&rig), 0);
}

static void teardown(void)
{
	rig_done(&rig);
	unlink(copy);
	rmdir(folder);
}

static int load(struct transport_driver **ret, struct fault *fault)
{
	memset(fault, 0, sizeof(*fault));
	return transport_driver_load(copy, ret, fault);
}

START_TEST(load_takes_only_what_nobody_else_can_change)
{
	struct transport_driver *d;
	struct fault fault;

	put(EXAMPLE, 0644);
	if (geteuid()) {
		ck_assert_int_eq(load(&d, &fault), ERR_TRANSPORT_UNTRUSTED);
		ck_assert_ptr_nonnull(strstr(fault.rule, "must belong to root"));
		return;
	}
	ck_assert_int_eq(load(&d, &fault), 0);
	ck_assert_str_eq(transport_driver_table(d)->name, "example-udp");
	transport_driver_free(d);
	ck_assert_int_eq(chmod(copy, 0664), 0);
	ck_assert_int_eq(load(&d, &fault), ERR_TRANSPORT_UNTRUSTED);
	ck_assert_ptr_nonnull(strstr(fault.rule, copy));
	ck_assert_int_eq(chmod(copy, 0644), 0);
	ck_assert_int_eq(chmod(folder, 0777), 0);
	ck_assert_int_eq(load(&d, &fault), ERR_TRANSPORT_UNTRUSTED);
	ck_assert_ptr_nonnull(strstr(fault.rule, folder));
	ck_assert_int_eq(chmod(folder, 01777), 0);
	ck_assert_int_eq(load(&d, &fault), ERR_TRANSPORT_UNTRUSTED);
	ck_assert_int_eq(chmod(folder, 0700), 0);
	ck_assert_int_eq(chown(copy, 1, 1), 0);
	ck_assert_int_eq(load(&d, &fault), ERR_TRANSPORT_UNTRUSTED);
}
END_TEST

START_TEST(load_refuses_what_is_no_driver)
{
	struct transport_driver *d;
	struct fault fault;

	if (geteuid())
		return; /* refused before it is looked into */
	put(NOT_A_DRIVER, 0644);
	ck_assert_int_eq(load(&d, &fault), ERR_TRANSPORT_LOAD);
	ck_assert_ptr_nonnull(strstr(fault.rule,
		"has no symbol ferry_driver_v1"));
	put("/proc/self/comm", 0644);
	ck_assert_int_eq(load(&d, &fault), ERR_TRANSPORT_LOAD);
	unlink(copy);
	ck_assert_int_eq(load(&d, &fault), ERR_TRANSPORT_LOAD);
	ck_assert_int_eq(mkdir(copy, 0700), 0);
	ck_assert_int_eq(load(&d, &fault), ERR_TRANSPORT_UNTRUSTED);
	rmdir(copy);
}
END_TEST

static int udp_peer(char *address, size_t size)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(address, size, "127.0.0.1:%u", ntohs(at.sin_port));
	return fd;
}

START_TEST(loaded_driver_works_like_a_static_one)
{
	char address[32];
	int peer = udp_peer(address, sizeof(address));
	const struct ferry_kv kv = {"address", address};
	struct transport_driver *d;
	struct rig_request link, q;
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	struct fault fault;
	char got[8] = {0};
	ssize_t n = -1;

	put(EXAMPLE, 0644);
	if (load(&d, &fault)) {
		close(peer);
		ck_assert_int_ne(geteuid(), 0);
		return;
	}
	ck_assert_int_eq(rig_open(&rig, d, &kv, 1, NULL), 0);
	RIG_UNTIL(&rig, 5000, rig.peer_count);
	ck_assert_int_eq(rig_connect(&rig, "peer", &link), 0);
	ck_assert_int_eq(rig_send(&rig, link.result.link, bytes_of_text("ahoy"),
				 FERRY_TAKEN, &q),
		0);
	RIG_UNTIL(&rig, 5000,
		(n = recvfrom(peer, got, sizeof(got), 0,
			 (struct sockaddr *)&from, &len)) > 0);
	ck_assert_int_eq(n, 4);
	ck_assert_int_eq(
		sendto(peer, "yes", 3, 0, (struct sockaddr *)&from, len), 3);
	RIG_UNTIL(&rig, 5000, rig.messages && q.done);
	ck_assert_int_eq(q.result.status, 0);
	ck_assert(bytes_is_text(buf_bytes(&rig.in), "yes"));
	ck_assert(rig_close(&rig));
	transport_driver_free(d);
	close(peer);
}
END_TEST

START_TEST(loaded_driver_passes_the_checks_that_apply)
{
	const struct check *const lists[] = {
		checks_of_links, checks_of_sends, checks_of_ends,
		checks_of_settings};
	char address[32], why[256];
	int peer = udp_peer(address, sizeof(address));
	struct bench b = {.name = "example",
		.kind = &bench_given,
		.kv = {{"address", address}},
		.kv_count = 1,
		.peer = "peer"};
	struct transport_driver *d;
	const struct check *c;
	unsigned i, passed = 0;
	struct fault fault;
	enum outcome outcome;

	put(EXAMPLE, 0644);
	if (load(&d, &fault)) {
		close(peer);
		ck_assert_int_ne(geteuid(), 0);
		return;
	}
	b.table = transport_driver_table(d);
	for (i = 0; i < 3; i++)
		for (c = lists[i]; c->run; c++) {
			outcome = check_run(c, &b, why, sizeof(why));
			ck_assert_msg(outcome != CHECK_FAILED, "%u %s: %s",
				c->number, c->name, why);
			passed += outcome == CHECK_OK;
		}
	ck_assert_uint_ge(passed, 25);
	transport_driver_free(d);
	close(peer);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.load");
	TCase *c = tcase_create("load");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, load_takes_only_what_nobody_else_can_change);
	tcase_add_test(c, load_refuses_what_is_no_driver);
	tcase_add_test(c, loaded_driver_works_like_a_static_one);
	tcase_add_test(c, loaded_driver_passes_the_checks_that_apply);
	suite_add_tcase(s, c);
	return unit_run(s);
}
