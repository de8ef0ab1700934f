#include "gateway/daemon/release.h"
#include "tests/unit/scratch.h"
#include "tests/unit/policy/maker.h"

#define Y2099 UINT64_C(4070908800)

/* A gateway that requires evidence about an author whom nobody can be asked
 * about, and one release of his. */
struct rig {
	uv_loop_t loop;
	struct config config;
	struct config_vendor of_vendor;
	struct config_class of_class;
	struct gateway gateway;
	struct vendor vendor;
	struct evidence *other;
	struct release *release;
	char folder[256];
	unsigned pending; /* callbacks that are awaited */
};

static struct rig rig;
static struct maker_cert ca, leaf;
static struct buf envelope;

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

/* As the vendor's does. */
static void on_settled(void *arg, bool revoked)
{
	(void)arg;
	release_evidence(&rig.vendor, revoked);
}

static void nobody_settled(void *arg, bool revoked)
{
	(void)arg;
	(void)revoked;
}

static void on_cache(void *arg, int status)
{
	(void)arg;
	ck_assert_int_eq(status, 0);
	rig.pending--;
}

static void on_closed(void *arg)
{
	(void)arg;
	rig.pending--;
}

static void await_all(void)
{
	while (rig.pending)
		uv_run(&rig.loop, UV_RUN_ONCE);
}

static struct maker_offer make_offer(void)
{
	struct maker_envelope maker = {.sequence = 7, .size = 5};
	struct maker_offer offer = {.sequence = 7, .payload_len = 5};

	ck_assert_int_eq(crypto_sha256(bytes_of("image", 5), maker.digest), 0);
	memcpy(offer.payload_sha256, maker.digest, 32);
	maker.signers[0] = leaf.key;
	maker.chain[0] = &leaf;
	buf_init(&envelope, SUIT_ENVELOPE_MAX);
	maker_envelope_file(&maker, &envelope);
	offer.envelope = buf_bytes(&envelope);
	return offer;
}

static void open_trust(void)
{
	struct trust_clock clock = gateway_clock(&rig.gateway);
	struct maker_catalog catalog = maker_catalog_default();
	struct maker_root root = maker_root_default();
	struct trust_vendor *trust = &rig.vendor.trust;
	struct buf file;

	ca = (struct maker_cert){.subject = "CN=ca", .key = maker_key("ca"),
		.ca = true};
	maker_cert_make(&ca);
	leaf = (struct maker_cert){.subject = "CN=author",
		.key = maker_key("leaf"), .issuer = &ca};
	maker_cert_make(&leaf);
	root.roles[1].entries[0].root_only = true;
	root.roles[2].entries[0] = (struct maker_entry){.cert = &ca};
	root.expires = catalog.expires = Y2099;
	catalog.offers[0] = make_offer();
	catalog.offer_count = 1;
	buf_init(&file, CATALOG_FILE_MAX);
	maker_root_file(&root, &file);
	ck_assert_int_eq(trust_open(trust, buf_bytes(&file), NULL, 0, &clock,
		NULL), 0);
	buf_reset(&file);
	maker_catalog_file(&catalog, &file);
	trust->revocation = &maker_revocation_off;
	ck_assert_int_eq(trust_add_catalog(trust, buf_bytes(&file), &clock,
		NULL, NULL), 0);
	buf_done(&file);
}

static void open_evidence(void)
{
	const struct store_loaded nothing = {0};
	struct evidence_setup set = {
		.gateway = &rig.gateway,
		.config = &rig.of_vendor,
		.policy = REVOCATION_REQUIRE,
		.root = no_root,
		.now = no_time,
		.on_settled = on_settled,
	};

	ck_assert_int_eq(evidence_open(&set, &nothing,
		&rig.vendor.evidence.signers), 0);
	set.on_settled = nobody_settled;
	ck_assert_int_eq(evidence_open(&set, &nothing, &rig.other), 0);
}

static void open_gateway(void)
{
	const struct cache_options options = {.quota = 1 << 20};
	struct device_class *klass = &rig.of_class.device;

	strcpy(rig.of_vendor.name, "acme");
	strcpy(rig.of_class.vendor, "acme");
	strcpy(klass->name, "lamp");
	memcpy(klass->vendor_id, maker_vendor_id, 16);
	memcpy(klass->class_id, maker_class_id, 16);
	strcpy(klass->components[0].id, "app");
	klass->component_count = 1;
	rig.config.clock = CONFIG_CLOCK_UNTRUSTED;
	rig.config.classes = &rig.of_class;
	rig.config.class_count = 1;
	rig.gateway.loop = &rig.loop;
	rig.gateway.config = &rig.config;
	rig.gateway.vendors = &rig.vendor;
	strcpy(rig.vendor.name, "acme");
	rig.vendor.gateway = &rig.gateway;
	rig.vendor.config = &rig.of_vendor;
	rig.vendor.stage = VENDOR_IDLE;
	rig.pending = 1;
	ck_assert_int_eq(cache_open(&rig.loop, rig.folder, &options, on_cache,
		NULL, &rig.gateway.cache), 0);
	await_all();
}

static void setup(void)
{
	const struct catalog_entry *entry;

	rig = (struct rig){0};
	maker_init();
	scratch_make(rig.folder, sizeof(rig.folder), "release-evidence");
	ck_assert_int_eq(uv_loop_init(&rig.loop), 0);
	open_gateway();
	open_trust();
	rig.vendor.trust_is_open = true;
	open_evidence();
	entry = &rig.vendor.trust.catalog->entries[0];
	rig.pending = 1;
	ck_assert_int_eq(cache_put(rig.gateway.cache, entry->envelope_digest.at,
		buf_bytes(&envelope), on_cache, NULL), 0);
	await_all();
	rig.release = release_of(&rig.vendor, &rig.of_class.device, entry);
	ck_assert_ptr_nonnull(rig.release);
	release_use(rig.release);
}

static void teardown(void)
{
	rig.pending = 2;
	evidence_close(rig.vendor.evidence.signers, on_closed, NULL);
	evidence_close(rig.other, on_closed, NULL);
	await_all();
	rig.pending = 1;
	cache_close(rig.gateway.cache, on_cache, NULL);
	await_all();
	ck_assert_int_eq(uv_loop_close(&rig.loop), 0);
	trust_close(&rig.vendor.trust);
	free(rig.release);
	buf_done(&envelope);
	scratch_drop(rig.folder);
}

static void run_until(enum release_state state)
{
	release_advance(rig.release);
	while (rig.release->state != state)
		uv_run(&rig.loop, UV_RUN_ONCE);
}

static void run_out_of(enum release_state state)
{
	while (rig.release->state == state)
		uv_run(&rig.loop, UV_RUN_ONCE);
}

/* Until nothing is under way; whoever was woken stays so. */
static void run_dry(void)
{
	while (evidence_is_busy(rig.vendor.evidence.signers) ||
			uv_loop_alive(&rig.loop))
		uv_run(&rig.loop, UV_RUN_ONCE);
}

START_TEST(release_evidence_without_any_waits)
{
	run_until(RELEASE_JUDGING);
	run_out_of(RELEASE_JUDGING);
	ck_assert_int_eq(rig.release->state, RELEASE_UNPROVED);
	ck_assert_int_eq(rig.release->code, ERR_TRUST_REVOCATION_NONE);
}
END_TEST

START_TEST(release_evidence_settled_later_wakes_it_once)
{
	run_until(RELEASE_JUDGING);
	run_out_of(RELEASE_JUDGING);
	run_dry();
	ck_assert_int_eq(rig.release->state, RELEASE_LISTED);
	run_until(RELEASE_JUDGING);
	run_out_of(RELEASE_JUDGING);
	run_dry();
	ck_assert_int_eq(rig.release->state, RELEASE_UNPROVED);
}
END_TEST

/* Its certificate is looked after already, so that nothing more follows. */
START_TEST(release_evidence_settled_in_mid_judgement_is_judged_again)
{
	run_until(RELEASE_JUDGING);
	run_out_of(RELEASE_JUDGING);
	run_dry();
	run_until(RELEASE_JUDGING);
	evidence_inherit(rig.vendor.evidence.signers, rig.other);
	release_evidence(&rig.vendor, false);
	ck_assert_int_eq(rig.release->state, RELEASE_JUDGING);
	run_out_of(RELEASE_JUDGING);
	ck_assert_int_eq(rig.release->state, RELEASE_LISTED);
	run_until(RELEASE_JUDGING);
	run_out_of(RELEASE_JUDGING);
	run_dry();
	ck_assert_int_eq(rig.release->state, RELEASE_UNPROVED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("release_evidence");
	TCase *tc = tcase_create("judging");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, release_evidence_without_any_waits);
	tcase_add_test(tc, release_evidence_settled_later_wakes_it_once);
	tcase_add_test(tc,
		release_evidence_settled_in_mid_judgement_is_judged_again);
	tcase_set_timeout(tc, 30);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
