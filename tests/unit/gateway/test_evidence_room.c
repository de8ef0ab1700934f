#include <ftw.h>

#include "gateway/daemon/evidence.h"
#include "gateway/daemon/gateway.h"
#include "policy/trust/x509.h"
#include "tests/unit/policy/maker.h"
#include "tests/unit/unit.h"

#define SETTLED_MANY 40
#define CERTIFICATES (REVOCATION_NEEDS_MAX + 1)

/* One that looks after certificates which nobody can be asked about. Whenever
 * it has settled, each of them is judged once more, as releases are. */
struct rig {
	uv_loop_t loop;
	struct gateway gateway;
	struct config_vendor config;
	struct evidence *evidence;
	struct maker_cert issuer, leaf;
	unsigned settled;
	bool cache_is_open;
	bool closed;
};

static int remove_one(const char *path, const struct stat *st, int type,
	struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

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

static void judge_all(struct rig *rig)
{
	for (unsigned i = 0; i < CERTIFICATES; i++) {
		struct revocation_needs needs = {.count = 1};
		struct revocation_need *need = &needs.of[0];

		need->certificate = maker_cert_der(&rig->leaf);
		need->issuer = maker_cert_der(&rig->issuer);
		ck_assert_int_eq(cert_id_of(need->certificate, need->issuer,
			&need->id), 0);
		need->id.serial[0] = (uint8_t)(i + 1);
		evidence_want(rig->evidence, &needs);
	}
}

static void on_settled(void *arg, bool revoked)
{
	struct rig *rig = arg;

	(void)revoked;
	if (++rig->settled < SETTLED_MANY)
		judge_all(rig);
}

static void on_cache(void *arg, int status)
{
	struct rig *rig = arg;

	ck_assert_int_eq(status, 0);
	rig->cache_is_open = !rig->cache_is_open;
}

static void on_closed(void *arg)
{
	struct rig *rig = arg;

	rig->closed = true;
}

static void make_certs(struct rig *rig)
{
	maker_init();
	rig->issuer = (struct maker_cert){.subject = "CN=ca",
		.key = maker_key("ca"), .ca = true};
	maker_cert_make(&rig->issuer);
	rig->leaf = (struct maker_cert){.subject = "CN=leaf",
		.key = maker_key("leaf"), .issuer = &rig->issuer};
	maker_cert_make(&rig->leaf);
}

START_TEST(evidence_want_one_more_than_there_is_room_for_waits)
{
	const struct cache_options options = {.quota = 1 << 20};
	const struct store_loaded nothing = {0};
	static struct rig rig;
	struct evidence_setup setup = {
		.gateway = &rig.gateway,
		.config = &rig.config,
		.policy = REVOCATION_REQUIRE,
		.root = no_root,
		.now = no_time,
		.on_settled = on_settled,
		.arg = &rig,
	};
	char folder[] = "/tmp/evidence-room-XXXXXX";
	uint64_t end;

	make_certs(&rig);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(uv_loop_init(&rig.loop), 0);
	rig.gateway.loop = &rig.loop;
	ck_assert_int_eq(cache_open(&rig.loop, folder, &options, on_cache,
		&rig, &rig.gateway.cache), 0);
	while (!rig.cache_is_open)
		uv_run(&rig.loop, UV_RUN_ONCE);
	ck_assert_int_eq(evidence_open(&setup, &nothing, &rig.evidence), 0);
	judge_all(&rig);
	end = uv_now(&rig.loop) + 2000;
	while (rig.settled < SETTLED_MANY && uv_now(&rig.loop) < end)
		uv_run(&rig.loop, UV_RUN_NOWAIT);
	ck_assert_uint_ge(rig.settled, 1);
	ck_assert_uint_lt(rig.settled, SETTLED_MANY);
	rig.settled = SETTLED_MANY;
	evidence_close(rig.evidence, on_closed, &rig);
	while (!rig.closed)
		uv_run(&rig.loop, UV_RUN_ONCE);
	cache_close(rig.gateway.cache, on_cache, &rig);
	while (rig.cache_is_open)
		uv_run(&rig.loop, UV_RUN_ONCE);
	ck_assert_int_eq(uv_loop_close(&rig.loop), 0);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("evidence_room");
	TCase *tc = tcase_create("room");

	tcase_add_test(tc,
		evidence_want_one_more_than_there_is_room_for_waits);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
