/* Fails the n-th allocation of host and driver, for every n, until a run gets
 * through: nothing crashes or leaks, and what was accepted ends once. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include "tools/driver-check/rig.h"
#include "transports/serial/serial.h"

#define SENDS 14u

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);

static unsigned countdown; /* 0: never */
static bool failed;

static bool fails(void)
{
	if (!countdown || --countdown)
		return false;
	failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
	return fails() ? NULL : __real_realloc(at, size);
}

static struct rig rig;
static struct rig_request link_q, sends[SENDS];
static bool asked[SENDS];

static void use_link(int master)
{
	static uint8_t block[4096];
	uint64_t id = link_q.result.link;
	unsigned i;

	for (i = 0; i < SENDS; i++)
		asked[i] = rig_send(&rig, id, bytes_of(block, sizeof(block)),
				   FERRY_SENT, &sends[i]) == 0;
	if (write(master, "news", 4) != 4)
		abort();
	rig_settle(&rig);
}

static void run(const struct ferry_kv *kv, int master)
{
	struct transport_driver *d;
	unsigned i;

	memset(asked, 0, sizeof(asked));
	memset(&link_q, 0, sizeof(link_q));
	if (transport_driver_admit(serial_driver(), &d, NULL))
		return;
	if (rig_open(&rig, d, kv, 1, NULL) == 0) {
		RIG_UNTIL(&rig, 200, rig.ups || rig.instance_downs);
		if (rig.ups && rig_connect(&rig, "port", &link_q) == 0)
			use_link(master);
		countdown = 0;
		ck_assert(rig_close(&rig));
	}
	for (i = 0; i < SENDS; i++)
		ck_assert_uint_eq(sends[i].count, asked[i]);
	transport_driver_free(d);
}

static int open_pty(char *path, int *ret_slave)
{
	struct termios raw;
	int master;

	ck_assert_int_eq(openpty(&master, ret_slave, path, NULL, NULL), 0);
	tcgetattr(*ret_slave, &raw);
	cfmakeraw(&raw);
	tcsetattr(*ret_slave, TCSANOW, &raw);
	fcntl(master, F_SETFL, O_NONBLOCK);
	return master;
}

START_TEST(every_allocation_may_fail)
{
	unsigned n;
	int slave;
	char path[64];
	int master = open_pty(path, &slave);
	const struct ferry_kv kv = {"port", path};

	for (n = 1; n < 1000; n++) {
		memset(sends, 0, sizeof(sends));
		ck_assert_int_eq(rig_init(&rig), 0);
		failed = false;
		countdown = n;
		run(&kv, master);
		countdown = 0;
		rig_done(&rig);
		tcflush(slave, TCIOFLUSH);
		if (!failed)
			break;
	}
	ck_assert(!failed);
	ck_assert_uint_gt(n, 20);
	close(master);
	close(slave);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.memory");
	TCase *c = tcase_create("memory");

	tcase_add_test(c, every_allocation_may_fail);
	suite_add_tcase(s, c);
	return unit_run(s);
}
