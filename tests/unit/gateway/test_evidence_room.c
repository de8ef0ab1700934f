#include "gateway/daemon/evidence.h"
#include "gateway/daemon/gateway.h"
#include "policy/trust/x509.h"
#include "tests/unit/scratch.h"
#include "tests/unit/policy/maker.h"

#define SETTLED_MANY 40
#define CERTIFICATES (REVOCATION_NEEDS_MAX + 1)

/* One that looks after certificates which nobody can be asked about. Whenever
 * it has settled, `again` of them are judged once more, as releases are. */
struct rig {
	uv_loop_t loop;
	uv_check_t check;
	struct gateway gateway;
	struct config_vendor config;
	struct evidence *evidence;
	struct maker_cert issuer, leaf;
	char folder[256];
	unsigned again;
	unsigned settled;
	unsigned wanted_late;
	bool cache_is_open;
	bool closed;
};

static struct rig rig;

static const struct root *no_root(void *arg)
{
	(void)arg;
	return NULL;
}

static struct trust_now no_time(void *arg)
{
	(void)arg;
	return (struct trust_now){.lower = MAKER_NOW};
}

/* A certificate that is known by its serial number. */
static bool want(unsigned serial)
{
	struct revocation_needs needs = {.count = 1};
	struct revocation_need *need = &needs.of[0];

	need->certificate = maker_cert_der(&rig.leaf);
	need->issuer = maker_cert_der(&rig.issuer);
	ck_assert_int_eq(cert_id_of(need->certificate, need->issuer,
		&need->id), 0);
	need->id.serial[0] = (uint8_t)serial;
	return evidence_want(rig.evidence, &needs);
}

static void on_settled(void *arg, bool revoked)
{
	(void)arg;
	(void)revoked;
	rig.settled++;
	for (unsigned i = 0; i < rig.again && rig.settled < SETTLED_MANY; i++)
		want(i + 1);
}

static void on_cache(void *arg, int status)
{
	(void)arg;
	ck_assert_int_eq(status, 0);
	rig.cache_is_open = !rig.cache_is_open;
}

static void on_closed(void *arg)
{
	(void)arg;
	rig.closed = true;
}

static void make_certs(void)
{
	maker_init();
	rig.issuer = (struct maker_cert){.subject = "CN=ca",
		.key = maker_key("ca"), .ca = true};
	maker_cert_make(&rig.issuer);
	rig.leaf = (struct maker_cert){.subject = "CN=leaf",
		.key = maker_key("leaf"), .issuer = &rig.issuer};
	maker_cert_make(&rig.leaf);
}

static void setup(void)
{
	const struct cache_options options = {.quota = 1 << 20};
	const struct store_loaded nothing = {0};
	struct evidence_setup settings = {
		.gateway = &rig.gateway,
		.config = &rig.config,
		.policy = REVOCATION_REQUIRE,
		.root = no_root,
		.now = no_time,
		.on_settled = on_settled,
	};

	rig = (struct rig){0};
	make_certs();
	scratch_make(rig.folder, sizeof(rig.folder), "evidence-room");
	ck_assert_int_eq(uv_loop_init(&rig.loop), 0);
	uv_check_init(&rig.loop, &rig.check);
	rig.gateway.loop = &rig.loop;
	ck_assert_int_eq(cache_open(&rig.loop, rig.folder, &options, on_cache,
		NULL, &rig.gateway.cache), 0);
	while (!rig.cache_is_open)
		uv_run(&rig.loop, UV_RUN_ONCE);
	ck_assert_int_eq(evidence_open(&settings, &nothing, &rig.evidence), 0);
}

static void teardown(void)
{
	rig.again = 0;
	uv_close((uv_handle_t *)&rig.check, NULL);
	evidence_close(rig.evidence, on_closed, NULL);
	while (!rig.closed)
		uv_run(&rig.loop, UV_RUN_ONCE);
	cache_close(rig.gateway.cache, on_cache, NULL);
	while (rig.cache_is_open)
		uv_run(&rig.loop, UV_RUN_ONCE);
	uv_run(&rig.loop, UV_RUN_NOWAIT);
	ck_assert_int_eq(uv_loop_close(&rig.loop), 0);
	scratch_drop(rig.folder);
}

START_TEST(evidence_want_one_more_than_there_is_room_for_waits)
{
	uint64_t end;

	rig.again = CERTIFICATES;
	for (unsigned i = 0; i < CERTIFICATES; i++)
		want(i + 1);
	end = uv_now(&rig.loop) + 2000;
	while (rig.settled < SETTLED_MANY && uv_now(&rig.loop) < end)
		uv_run(&rig.loop, UV_RUN_NOWAIT);
	ck_assert_uint_ge(rig.settled, 1);
	ck_assert_uint_lt(rig.settled, SETTLED_MANY);
}
END_TEST

/* Right behind the end of one thing, before its turn. */
static void want_again(uv_check_t *check)
{
	(void)check;
	if (rig.settled || evidence_is_busy(rig.evidence))
		return;
	rig.wanted_late++;
	ck_assert(want(1));
}

START_TEST(evidence_want_before_the_word_of_what_ended_is_told)
{
	ck_assert(want(1));
	uv_check_start(&rig.check, want_again);
	while (!rig.settled)
		uv_run(&rig.loop, UV_RUN_ONCE);
	uv_check_stop(&rig.check);
	ck_assert_uint_ge(rig.wanted_late, 1);
	ck_assert_uint_eq(rig.settled, 1);
	ck_assert(!want(1));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence_room");
	TCase *tc = tcase_create("room");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc,
		evidence_want_one_more_than_there_is_room_for_waits);
	tcase_add_test(tc, evidence_want_before_the_word_of_what_ended_is_told);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
