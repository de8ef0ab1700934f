#include "tests/unit/unit.h"

#include "policy/trust/component.h"
#include "tests/unit/policy/maker.h"

/* Sequences are written command by command and wrapped into an array at the
 * end. */
struct seq {
	struct buf body;
	struct buf whole;
	unsigned items;
};

static struct seq install, shared, inner, inner_2;
static struct buf envelope_file;
static struct maker_envelope maker;
static struct suit_facts facts;
static struct suit_slot slots[2];
static uint8_t ids[2][COMPONENT_LEN_MAX];
static struct suit_envelope envelope;
static struct suit_manifest manifest;
static struct suit_outcome outcome;

static void seq_init(struct seq *s)
{
	buf_init(&s->body, 8192);
	buf_init(&s->whole, 8192);
	s->items = 0;
}

static void seq_done(struct seq *s)
{
	buf_done(&s->body);
	buf_done(&s->whole);
}

static struct bytes seq_bytes(struct seq *s)
{
	buf_reset(&s->whole);
	cbor_put_array(&s->whole, s->items);
	buf_add_bytes(&s->whole, buf_bytes(&s->body));
	return buf_bytes(&s->whole);
}

/* A command whose argument the caller writes next into s->body. */
static void put(struct seq *s, int64_t command)
{
	cbor_put_int(&s->body, command);
	s->items += 2;
}

static void put_uint(struct seq *s, int64_t command, uint64_t argument)
{
	put(s, command);
	cbor_put_uint(&s->body, argument);
}

/* override-parameters with one unsigned value. */
static void put_param(struct seq *s, unsigned number, uint64_t value)
{
	put(s, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(&s->body, 1);
	cbor_put_uint(&s->body, number);
	cbor_put_uint(&s->body, value);
}

static void put_soft(struct seq *s, bool soft)
{
	put(s, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(&s->body, 1);
	cbor_put_uint(&s->body, SUIT_PARAM_SOFT_FAILURE);
	cbor_put_bool(&s->body, soft);
}

static void put_digest(struct seq *s, uint8_t fill)
{
	uint8_t digest[32];

	memset(digest, fill, 32);
	put(s, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(&s->body, 1);
	cbor_put_uint(&s->body, SUIT_PARAM_DIGEST);
	maker_put_digest(&s->body, -16, bytes_of(digest, 32));
}

static void put_uri(struct seq *s, const char *uri)
{
	put(s, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(&s->body, 1);
	cbor_put_uint(&s->body, SUIT_PARAM_URI);
	cbor_put_tstr(&s->body, uri);
}

static void put_run(struct seq *s, struct seq *of)
{
	put(s, SUIT_RUN_SEQUENCE);
	cbor_put_bstr(&s->body, seq_bytes(of));
}

/* A try-each of `a` and `b`; NULL is nil. */
static void put_try(struct seq *s, struct seq *a, struct seq *b)
{
	put(s, SUIT_TRY_EACH);
	cbor_put_array(&s->body, b ? 2 : 3);
	cbor_put_bstr(&s->body, seq_bytes(a));
	cbor_put_bstr(&s->body, seq_bytes(b ? b : a));
	if (!b)
		cbor_put_null(&s->body);
}

static void slot_set(unsigned i, const char *text, uint32_t slot)
{
	size_t len = 0;

	component_from_text(text, ids[i], &len);
	slots[i] = (struct suit_slot){bytes_of(ids[i], len), slot};
}

static void setup(void)
{
	seq_init(&install);
	seq_init(&shared);
	seq_init(&inner);
	seq_init(&inner_2);
	buf_init(&envelope_file, SUIT_ENVELOPE_MAX);
	maker = (struct maker_envelope){.sequence = 1, .size = 100};
	slot_set(0, "app", 0);
	slot_set(1, "net", 1);
	facts = (struct suit_facts){
		.vendor_id = bytes_of(maker_vendor_id, 16),
		.class_id = bytes_of(maker_class_id, 16),
		.slots = slots,
		.slot_count = 2,
		.now = trust_now_at(MAKER_NOW),
		.now_known = true,
	};
}

static void teardown(void)
{
	seq_done(&install);
	seq_done(&shared);
	seq_done(&inner);
	seq_done(&inner_2);
	buf_done(&envelope_file);
}

/* Builds the manifest from what was written and evaluates it. */
static int evaluated(void)
{
	int err;

	if (install.items)
		maker.install = seq_bytes(&install);
	if (shared.items)
		maker.shared = seq_bytes(&shared);
	maker_envelope_file(&maker, &envelope_file);
	err = suit_envelope_parse(buf_bytes(&envelope_file), &envelope, NULL);
	if (!err)
		err = suit_envelope_check_digest(&envelope);
	if (!err)
		err = suit_manifest_parse(&envelope, &manifest, NULL);
	return err ? err : suit_evaluate(&manifest, &facts, &outcome, NULL);
}

static int fetches(void)
{
	put_uint(&install, SUIT_FETCH, 2);
	return 0;
}

static int unknown_command(void)
{
	put_uint(&install, 99, 0);
	return ERR_TRUST_SUIT_COMMAND;
}

static int custom_command(void)
{
	put_uint(&install, -1, 0);
	return ERR_TRUST_SUIT_CUSTOM;
}

static int unknown_command_in_a_branch_not_taken(void)
{
	put_uint(&inner, SUIT_COND_ABORT, 0);
	put_uint(&inner_2, 99, 0);
	put_try(&install, &inner, &inner_2);
	return ERR_TRUST_SUIT_COMMAND;
}

static int unknown_parameter(void)
{
	put_param(&install, 99, 0);
	return ERR_TRUST_SUIT_PARAMETER;
}

static int custom_parameter(void)
{
	put(&install, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(&install.body, 1);
	cbor_put_int(&install.body, -5);
	cbor_put_uint(&install.body, 0);
	return ERR_TRUST_SUIT_CUSTOM;
}

static int parameter_of_another_type(void)
{
	put_param(&install, SUIT_PARAM_URI, 1);
	return ERR_CBOR_TYPE;
}

static int empty_parameters(void)
{
	put(&install, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(&install.body, 0);
	return ERR_TRUST_SUIT_FORM;
}

static int report_of_five_bits(void)
{
	put_uint(&install, SUIT_FETCH, 16);
	return ERR_TRUST_SUIT_FORM;
}

static int index_out_of_range(void)
{
	put_uint(&install, SUIT_SET_INDEX, 1);
	return ERR_TRUST_SUIT_COMPONENT;
}

static int two_components_without_index(void)
{
	maker.components[0] = "app";
	maker.components[1] = "net";
	return fetches() + ERR_TRUST_SUIT_COMPONENT;
}

static int fetch_in_the_shared_sequence(void)
{
	put_uint(&shared, SUIT_FETCH, 2);
	return ERR_TRUST_SUIT_FORM;
}

static int soft_failure_outside_of_a_block(void)
{
	put_soft(&install, true);
	return ERR_TRUST_SUIT_FORM;
}

static int dependency_command(void)
{
	put_uint(&install, SUIT_PROCESS_DEPENDENCY, 0);
	return ERR_TRUST_SUIT_DEPENDENCY;
}

static int dependencies_in_common(void)
{
	maker.dependencies = true;
	return ERR_TRUST_SUIT_DEPENDENCY;
}

static int manifest_version_two(void)
{
	maker.version = 2;
	return ERR_TRUST_SUIT_VERSION;
}

static int no_shared_sequence(void)
{
	maker.no_shared = true;
	return ERR_TRUST_SUIT_NO_VENDOR;
}

static void shared_params(bool vendor, bool klass)
{
	put(&shared, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(&shared.body, 2);
	cbor_put_uint(&shared.body, SUIT_PARAM_VENDOR);
	cbor_put_bstr(&shared.body, bytes_of(maker_vendor_id, 16));
	cbor_put_uint(&shared.body, SUIT_PARAM_CLASS);
	cbor_put_bstr(&shared.body, bytes_of(maker_class_id, 16));
	put_digest(&shared, 1);
	if (vendor)
		put_uint(&shared, SUIT_COND_VENDOR, 15);
	if (klass)
		put_uint(&shared, SUIT_COND_CLASS, 15);
}

static int vendor_not_checked(void)
{
	shared_params(false, true);
	return ERR_TRUST_SUIT_NO_VENDOR;
}

static int class_not_checked(void)
{
	shared_params(true, false);
	return ERR_TRUST_SUIT_NO_CLASS;
}

static int vendor_checked_only_in_install(void)
{
	shared_params(false, true);
	put_uint(&install, SUIT_COND_VENDOR, 15);
	return fetches() + ERR_TRUST_SUIT_NO_VENDOR;
}

static int vendor_checked_without_parameter(void)
{
	put_uint(&shared, SUIT_COND_VENDOR, 15);
	return ERR_TRUST_SUIT_NO_VENDOR;
}

static int install_missing(void)
{
	maker.no_install = true;
	return ERR_TRUST_SUIT_NOTHING;
}

static int install_fetches_nothing(void)
{
	put_uint(&install, SUIT_INVOKE_NOW, 0);
	return ERR_TRUST_SUIT_NOTHING;
}

static int nil_after_failures(void)
{
	put_uint(&inner, SUIT_COND_ABORT, 0);
	put_try(&install, &inner, NULL);
	return fetches();
}

static int no_alternative_fits(void)
{
	put_uint(&inner, SUIT_COND_ABORT, 0);
	put_try(&install, &inner, &inner);
	return fetches() + ERR_TRUST_SUIT_CONDITION;
}

static int hard_failure_in_an_alternative(void)
{
	put_soft(&inner, false);
	put_uint(&inner, SUIT_COND_ABORT, 0);
	put_uint(&inner_2, SUIT_FETCH, 2);
	put_try(&install, &inner, &inner_2);
	return ERR_TRUST_SUIT_CONDITION;
}

static int run_sequence_that_fails(void)
{
	put_uint(&inner, SUIT_COND_ABORT, 0);
	put_run(&install, &inner);
	return fetches() + ERR_TRUST_SUIT_CONDITION;
}

static int run_sequence_that_fails_softly(void)
{
	put_soft(&inner, true);
	put_uint(&inner, SUIT_COND_ABORT, 0);
	put_uint(&inner, SUIT_COPY, 0);
	put_run(&install, &inner);
	return fetches();
}

static int fetch_in_a_run_sequence(void)
{
	put_uint(&inner, SUIT_FETCH, 2);
	put_run(&install, &inner);
	return 0;
}

static int alternative_fetches_and_fails(void)
{
	put_uint(&inner, SUIT_FETCH, 2);
	put_uint(&inner, SUIT_COND_ABORT, 0);
	put_uint(&inner_2, SUIT_COND_VENDOR, 0);
	put_try(&install, &inner, &inner_2);
	return ERR_TRUST_SUIT_CONDITION_UNKNOWN;
}

static int abort_at_the_top(void)
{
	put_uint(&install, SUIT_COND_ABORT, 0);
	return fetches() + ERR_TRUST_SUIT_CONDITION;
}

static int image_match_before_the_fetch(void)
{
	put_uint(&install, SUIT_COND_IMAGE_MATCH, 0);
	return fetches() + ERR_TRUST_SUIT_CONDITION_UNKNOWN;
}

static int digest_changed_after_the_fetch(void)
{
	fetches();
	put_digest(&install, 9);
	put_uint(&install, SUIT_COND_IMAGE_MATCH, 0);
	return ERR_TRUST_SUIT_CONDITION;
}

static int fetched_twice_with_other_digests(void)
{
	fetches();
	put_digest(&install, 9);
	return fetches() + ERR_TRUST_SUIT_FORM;
}

static int version_condition(void)
{
	put_uint(&install, SUIT_COND_VERSION, 0);
	return fetches() + ERR_TRUST_SUIT_CONDITION_UNKNOWN;
}

static int device_condition_without_the_fact(void)
{
	put_uint(&install, SUIT_COND_DEVICE, 0);
	return fetches() + ERR_TRUST_SUIT_CONDITION_UNKNOWN;
}

static int use_before_reached(void)
{
	put_param(&install, SUIT_PARAM_USE_BEFORE, MAKER_NOW);
	put_uint(&install, SUIT_COND_USE_BEFORE, 0);
	return fetches() + ERR_TRUST_SUIT_USE_BEFORE;
}

static int use_before_to_come(void)
{
	put_param(&install, SUIT_PARAM_USE_BEFORE, MAKER_NOW + 1);
	put_uint(&install, SUIT_COND_USE_BEFORE, 0);
	return fetches();
}

static int encryption_info(void)
{
	put(&install, SUIT_OVERRIDE_PARAMETERS);
	cbor_put_map(&install.body, 1);
	cbor_put_uint(&install.body, SUIT_PARAM_ENCRYPTION);
	cbor_put_bstr(&install.body, bytes_of("x", 1));
	return fetches() + ERR_TRUST_SUIT_ENCRYPTED;
}

static int payload_inside_the_envelope(void)
{
	put_uri(&install, "#fw");
	return fetches() + ERR_TRUST_SUIT_INTEGRATED;
}

static int copy_into_a_slot(void)
{
	put_param(&install, SUIT_PARAM_SOURCE, 0);
	put_uint(&install, SUIT_COPY, 0);
	return ERR_TRUST_SUIT_NOT_EXECUTED;
}

static int copy_into_no_slot(void)
{
	maker.components[0] = "app";
	maker.components[1] = "ram";
	put_uint(&install, SUIT_SET_INDEX, 0);
	fetches();
	put_uint(&install, SUIT_SET_INDEX, 1);
	put_uint(&install, SUIT_COPY, 0);
	put_uint(&install, SUIT_COND_IMAGE_MATCH, 0);
	return 0;
}

static int fetch_without_digest(void)
{
	maker.components[0] = "app";
	maker.components[1] = "net";
	put_uint(&install, SUIT_SET_INDEX, 1);
	return fetches() + ERR_TRUST_SUIT_NO_DIGEST;
}

static int digest_of_an_unknown_algorithm(void)
{
	maker.digest_alg = -18;
	return fetches() + ERR_TRUST_SUIT_DIGEST_ALG;
}

static int slot_of_another(void)
{
	put_param(&install, SUIT_PARAM_SLOT, 5);
	put_uint(&install, SUIT_COND_SLOT, 0);
	return fetches() + ERR_TRUST_SUIT_CONDITION;
}

static int slot_of_ours(void)
{
	put_param(&install, SUIT_PARAM_SLOT, 0);
	put_uint(&install, SUIT_COND_SLOT, 0);
	return fetches();
}

static int odd_number_of_items(void)
{
	fetches();
	cbor_put_uint(&install.body, 3);
	install.items++;
	return ERR_TRUST_SUIT_FORM;
}

static int parameters_by_override_multiple(void)
{
	put(&install, SUIT_OVERRIDE_MULTIPLE);
	cbor_put_map(&install.body, 1);
	cbor_put_uint(&install.body, 0);
	cbor_put_map(&install.body, 1);
	cbor_put_uint(&install.body, SUIT_PARAM_SIZE);
	cbor_put_uint(&install.body, 5);
	return fetches();
}

struct row {
	const char *name;
	int (*write)(void);
};

#define ROW(f)                                                                 \
	{                                                                      \
#f, f                                                          \
	}

static const struct row rows[] = {
	ROW(fetches),
	ROW(unknown_command),
	ROW(custom_command),
	ROW(unknown_command_in_a_branch_not_taken),
	ROW(unknown_parameter),
	ROW(custom_parameter),
	ROW(parameter_of_another_type),
	ROW(empty_parameters),
	ROW(report_of_five_bits),
	ROW(index_out_of_range),
	ROW(two_components_without_index),
	ROW(fetch_in_the_shared_sequence),
	ROW(soft_failure_outside_of_a_block),
	ROW(dependency_command),
	ROW(dependencies_in_common),
	ROW(manifest_version_two),
	ROW(no_shared_sequence),
	ROW(vendor_not_checked),
	ROW(class_not_checked),
	ROW(vendor_checked_only_in_install),
	ROW(vendor_checked_without_parameter),
	ROW(install_missing),
	ROW(install_fetches_nothing),
	ROW(nil_after_failures),
	ROW(no_alternative_fits),
	ROW(hard_failure_in_an_alternative),
	ROW(run_sequence_that_fails),
	ROW(run_sequence_that_fails_softly),
	ROW(fetch_in_a_run_sequence),
	ROW(alternative_fetches_and_fails),
	ROW(abort_at_the_top),
	ROW(image_match_before_the_fetch),
	ROW(digest_changed_after_the_fetch),
	ROW(fetched_twice_with_other_digests),
	ROW(version_condition),
	ROW(device_condition_without_the_fact),
	ROW(use_before_reached),
	ROW(use_before_to_come),
	ROW(encryption_info),
	ROW(payload_inside_the_envelope),
	ROW(copy_into_a_slot),
	ROW(copy_into_no_slot),
	ROW(fetch_without_digest),
	ROW(digest_of_an_unknown_algorithm),
	ROW(slot_of_another),
	ROW(slot_of_ours),
	ROW(odd_number_of_items),
	ROW(parameters_by_override_multiple),
};

START_TEST(suit_evaluate_row_gives_its_code)
{
	int expected = rows[_i].write();
	int code = evaluated();

	ck_assert_msg(code == expected, "%s: %s, expected %s", rows[_i].name,
		err_name(code), err_name(expected));
	if (!expected)
		ck_assert_msg(outcome.fetch_count > 0, "%s", rows[_i].name);
}
END_TEST

/* component-index true and lists run a command for each component. */
START_TEST(suit_evaluate_index_true_fetches_every_component)
{
	maker.components[0] = "app";
	maker.components[1] = "net";
	put(&install, SUIT_SET_INDEX);
	cbor_put_bool(&install.body, true);
	put_digest(&install, 1);
	fetches();
	ck_assert_int_eq(evaluated(), 0);
	ck_assert_uint_eq(outcome.fetch_count, 2);
	ck_assert_uint_eq(outcome.fetches[1].slot, 1);
}
END_TEST

START_TEST(suit_evaluate_index_list_runs_blocks_for_each_component)
{
	maker.components[0] = "app";
	maker.components[1] = "net";
	put_param(&inner, SUIT_PARAM_SLOT, 1);
	put_uint(&inner, SUIT_COND_SLOT, 0);
	put_param(&inner, SUIT_PARAM_SIZE, 11);
	put_param(&inner_2, SUIT_PARAM_SIZE, 22);
	put(&install, SUIT_SET_INDEX);
	cbor_put_array(&install.body, 2);
	cbor_put_uint(&install.body, 0);
	cbor_put_uint(&install.body, 1);
	put_digest(&install, 1);
	put_try(&install, &inner, &inner_2);
	fetches();
	ck_assert_int_eq(evaluated(), 0);
	ck_assert_uint_eq(outcome.fetch_count, 2);
	ck_assert_uint_eq(outcome.fetches[0].len, 22);
	ck_assert_uint_eq(outcome.fetches[1].len, 11);
}
END_TEST

START_TEST(suit_evaluate_wishes_of_the_manifest_are_reported)
{
	put_param(&install, SUIT_PARAM_BATTERY, 500);
	put_uint(&install, SUIT_COND_BATTERY, 0);
	put_uint(&install, SUIT_COND_AUTHORIZED, 0);
	put_param(&install, SUIT_PARAM_PRIORITY, 3);
	put_param(&install, SUIT_PARAM_USE_BEFORE, MAKER_NOW + 5);
	put_uint(&install, SUIT_COND_USE_BEFORE, 0);
	fetches();
	ck_assert_int_eq(evaluated(), 0);
	ck_assert(outcome.has_battery);
	ck_assert_uint_eq(outcome.battery_mwh, 500);
	ck_assert(outcome.needs_authorization);
	ck_assert(outcome.has_priority);
	ck_assert_int_eq(outcome.priority, 3);
	ck_assert_uint_eq(outcome.use_before, MAKER_NOW + 5);
}
END_TEST

START_TEST(suit_evaluate_copy_params_takes_them_from_another)
{
	maker.components[0] = "app";
	maker.components[1] = "net";
	put_uint(&install, SUIT_SET_INDEX, 1);
	put(&install, SUIT_COPY_PARAMS);
	cbor_put_map(&install.body, 1);
	cbor_put_uint(&install.body, 0);
	cbor_put_array(&install.body, 2);
	cbor_put_uint(&install.body, SUIT_PARAM_DIGEST);
	cbor_put_uint(&install.body, SUIT_PARAM_SIZE);
	fetches();
	ck_assert_int_eq(evaluated(), 0);
	ck_assert_uint_eq(outcome.fetches[0].component, 1);
	ck_assert_uint_eq(outcome.fetches[0].len, 100);
}
END_TEST

START_TEST(suit_evaluate_payload_fetch_counts_as_install)
{
	fetches();
	maker.fetch = seq_bytes(&install);
	install.items = 0;
	maker.no_install = true;
	ck_assert_int_eq(evaluated(), 0);
	ck_assert_uint_eq(outcome.fetch_count, 1);
}
END_TEST

START_TEST(suit_manifest_parse_nesting_without_end_is_refused)
{
	struct buf copy;

	buf_init(&copy, 8192);
	put_uint(&inner, SUIT_FETCH, 0);
	for (unsigned i = 0; i < 3 * SUIT_NEST_MAX; i++) {
		buf_reset(&copy);
		buf_add_bytes(&copy, seq_bytes(&inner));
		buf_reset(&inner.body);
		inner.items = 0;
		put(&inner, SUIT_RUN_SEQUENCE);
		cbor_put_bstr(&inner.body, buf_bytes(&copy));
	}
	put_run(&install, &inner);
	ck_assert_int_eq(evaluated(), ERR_CBOR_DEPTH);
	buf_done(&copy);
}
END_TEST

START_TEST(suit_manifest_parse_commands_without_end_are_refused)
{
	for (unsigned i = 0; i <= SUIT_COMMANDS_MAX; i++)
		put_uint(&install, SUIT_COND_VENDOR, 0);
	ck_assert_int_eq(evaluated(), ERR_TOO_LARGE);
}
END_TEST

/* Blocks that run for many components multiply: the steps are limited. */
START_TEST(suit_evaluate_steps_without_end_are_refused)
{
	struct buf copy;

	maker.components[0] = "app";
	maker.components[1] = "net";
	maker.components[2] = "a";
	maker.components[3] = "b";
	buf_init(&copy, 8192);
	put(&inner, SUIT_SET_INDEX);
	cbor_put_bool(&inner.body, true);
	for (unsigned i = 0; i < SUIT_NEST_MAX - 1; i++) {
		buf_reset(&copy);
		buf_add_bytes(&copy, seq_bytes(&inner));
		buf_reset(&inner.body);
		inner.items = 0;
		for (unsigned k = 0; k < 2; k++) {
			put(&inner, SUIT_SET_INDEX);
			cbor_put_bool(&inner.body, true);
			put(&inner, SUIT_RUN_SEQUENCE);
			cbor_put_bstr(&inner.body, buf_bytes(&copy));
		}
	}
	put(&install, SUIT_SET_INDEX);
	cbor_put_bool(&install.body, true);
	put_run(&install, &inner);
	ck_assert_int_eq(evaluated(), ERR_TOO_LARGE);
	buf_done(&copy);
}
END_TEST

START_TEST(suit_walk_next_shows_nested_commands_in_order)
{
	static const int64_t expected[] = {SUIT_TRY_EACH, -99, SUIT_COND_SLOT,
		-99, SUIT_COND_ABORT, SUIT_FETCH};
	struct suit_walk walk;
	struct suit_step step;
	unsigned i = 0;

	put_uint(&inner, SUIT_COND_SLOT, 0);
	put_uint(&inner_2, SUIT_COND_ABORT, 0);
	put_try(&install, &inner, &inner_2);
	fetches();
	suit_walk_init(&walk, seq_bytes(&install));
	for (; suit_walk_next(&walk, &step); i++) {
		ck_assert_uint_lt(i, 6);
		ck_assert_int_eq(
			step.begins_choice ? -99 : step.command, expected[i]);
	}
	ck_assert_int_eq(walk.err, 0);
	ck_assert_uint_eq(i, 6);
}
END_TEST

START_TEST(suit_digest_check_every_algorithm)
{
	static const struct {
		int64_t alg;
		enum crypto_hash hash;
	} algs[] = {{-16, CRYPTO_SHA256}, {-43, CRYPTO_SHA384},
		{-44, CRYPTO_SHA512}};
	struct bytes in = bytes_of("abc", 3);

	for (size_t i = 0; i < 3; i++) {
		struct suit_digest digest;
		uint8_t value[64];
		struct buf b;

		buf_init(&b, 128);
		crypto_digest(algs[i].hash, &in, 1, value);
		cbor_put_array(&b, 2);
		cbor_put_int(&b, algs[i].alg);
		cbor_put_bstr(
			&b, bytes_of(value, crypto_hash_len(algs[i].hash)));
		ck_assert_int_eq(suit_digest_parse(buf_bytes(&b), &digest), 0);
		ck_assert_int_eq(suit_digest_check(&digest, in), 0);
		ck_assert_int_eq(suit_digest_check(&digest, bytes_of("abd", 3)),
			ERR_TRUST_SUIT_DIGEST);
		buf_done(&b);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("suit");
	TCase *tc = tcase_create("suit");

	maker_init();
	maker_key("author");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, suit_evaluate_row_gives_its_code, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tc, suit_evaluate_index_true_fetches_every_component);
	tcase_add_test(
		tc, suit_evaluate_index_list_runs_blocks_for_each_component);
	tcase_add_test(tc, suit_evaluate_wishes_of_the_manifest_are_reported);
	tcase_add_test(tc, suit_evaluate_copy_params_takes_them_from_another);
	tcase_add_test(tc, suit_evaluate_payload_fetch_counts_as_install);
	tcase_add_test(tc, suit_manifest_parse_nesting_without_end_is_refused);
	tcase_add_test(
		tc, suit_manifest_parse_commands_without_end_are_refused);
	tcase_add_test(tc, suit_evaluate_steps_without_end_are_refused);
	tcase_add_test(tc, suit_walk_next_shows_nested_commands_in_order);
	tcase_add_test(tc, suit_digest_check_every_algorithm);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
