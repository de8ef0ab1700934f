/* What is kept of a peer's attributes, and where a device does not meet the
 * `match` of its class. */
#include "tests/unit/unit.h"

#include "devices/registry.h"

static struct registry *r;
static struct device_class bulb, any;
static const struct device_class *const classes[] = {&bulb, &any};
static struct fault fault;

static void set_rule(struct class_match *m, const char *name, const char *glob)
{
	snprintf(m->name, sizeof(m->name), "%s", name);
	snprintf(m->glob, sizeof(m->glob), "%s", glob);
}

static void setup(void)
{
	fault = (struct fault){0};
	class_init(&bulb);
	class_init(&any);
	snprintf(bulb.name, sizeof(bulb.name), "bulb");
	snprintf(any.name, sizeof(any.name), "any");
	set_rule(&bulb.match[0], "driver", "zigbee");
	set_rule(&bulb.match[1], "model", "LCT*");
	bulb.match_count = 2;
	r = registry_new();
	ck_assert_ptr_nonnull(r);
	registry_set_classes(r, classes, 2);
}

static void teardown(void)
{
	registry_free(r);
}

/* `model` NULL: it has not told. */
static struct device *see(const char *model)
{
	const struct peer_attribute attributes[] = {
		{"kind", "router"}, {"model", model},
	};
	const struct peer_sight s = {
		.driver = "zigbee",
		.link = "hub",
		.key = "00124b0000000001",
		.id_kind = PEER_ID_HARDWARE,
		.attributes = attributes,
		.attribute_count = model ? 2 : 1,
	};
	struct device *d = NULL;

	ck_assert_int_ge(registry_see(r, &s, 1, &d, &fault), 0);
	return d;
}

static struct device *enrol(const char *class_name)
{
	struct device *d = NULL;

	ck_assert_int_eq(registry_enrol(r, NULL, "00124b0000000001", class_name,
		NULL, 2, &d, &fault), 0);
	return d;
}

START_TEST(mismatch_of_a_device_that_fits_is_none)
{
	const char *value = "";

	see("LCT015");
	ck_assert_ptr_null(registry_mismatch(r, enrol("bulb"), &value));
}
END_TEST

START_TEST(mismatch_names_the_rule_and_what_there_is)
{
	const struct class_match *rule;
	const char *value = NULL;

	see("SP120");
	rule = registry_mismatch(r, enrol("bulb"), &value);
	ck_assert_ptr_nonnull(rule);
	ck_assert_str_eq(rule->name, "model");
	ck_assert_str_eq(rule->glob, "LCT*");
	ck_assert_str_eq(value, "SP120");
}
END_TEST

START_TEST(mismatch_by_what_is_not_known_has_no_value)
{
	const struct class_match *rule;
	const char *value = "";

	see(NULL);
	rule = registry_mismatch(r, enrol("bulb"), &value);
	ck_assert_ptr_nonnull(rule);
	ck_assert_str_eq(rule->name, "model");
	ck_assert_ptr_null(value);
}
END_TEST

START_TEST(mismatch_goes_when_the_device_tells)
{
	const char *value = "";
	struct device *d;

	see(NULL);
	d = enrol("bulb");
	ck_assert_ptr_nonnull(registry_mismatch(r, d, &value));
	see("LCT015");
	ck_assert_ptr_null(registry_mismatch(r, d, &value));
}
END_TEST

START_TEST(mismatch_without_rules_or_class_is_none)
{
	const char *value = "";
	struct device *d;

	see("SP120");
	d = enrol("any");
	ck_assert_ptr_null(registry_mismatch(r, d, &value));
	registry_set_classes(r, classes, 0);
	ck_assert_ptr_null(registry_mismatch(r, d, &value));
}
END_TEST

START_TEST(mismatch_of_a_device_not_seen_yet_is_none)
{
	struct device record = {.id = "bulb-1", .class_name = "bulb",
		.link = "hub", .key = "00124b0000000001"};
	const char *value = "";

	ck_assert_int_eq(registry_load(r, &record, &fault), 0);
	ck_assert_ptr_null(registry_mismatch(r, registry_device(r, "bulb-1"),
		&value));
}
END_TEST

START_TEST(mismatch_follows_classify)
{
	const char *value = NULL;
	struct device *d;

	see("SP120");
	d = enrol("any");
	ck_assert_int_eq(registry_classify(r, d->id, "bulb", &d, &fault), 0);
	ck_assert_ptr_nonnull(registry_mismatch(r, d, &value));
	ck_assert_str_eq(value, "SP120");
}
END_TEST

START_TEST(classify_takes_hardware_from_what_is_known)
{
	struct device *d;

	any.hw_source = CLASS_HW_ATTRIBUTE;
	snprintf(any.hw_value, sizeof(any.hw_value), "model");
	see("SP120");
	d = enrol("bulb");
	ck_assert_str_eq(d->hw_revision, "");
	ck_assert_int_eq(registry_classify(r, d->id, "any", &d, &fault), 0);
	ck_assert_str_eq(d->hw_revision, "SP120");
}
END_TEST

START_TEST(forget_leaves_a_candidate_with_its_attributes)
{
	struct peer_attribute list[ATTRIBUTES_MAX];
	const struct candidate *c;

	see("LCT015");
	ck_assert_int_eq(registry_forget(r, enrol("any")->id, 3, &fault), 0);
	c = registry_candidate(r, "hub", "00124b0000000001");
	ck_assert_ptr_nonnull(c);
	ck_assert_uint_eq(attributes_list(&c->attributes, list), 2);
	ck_assert_str_eq(list[1].name, "model");
	ck_assert_str_eq(list[1].value, "LCT015");
	ck_assert_str_eq(c->suggested_class, "bulb");
}
END_TEST

START_TEST(keep_leaves_out_what_does_not_fit)
{
	struct peer_attribute into[ATTRIBUTES_MAX];
	struct attributes kept;
	char big[sizeof(kept.at) + 1];
	struct peer_attribute list[ATTRIBUTES_MAX + 2] = {{"a", "1"},
		{"big", big}, {"b", "2"}};

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	attributes_keep(&kept, list, 3);
	ck_assert_uint_eq(attributes_list(&kept, into), 2);
	ck_assert_str_eq(into[1].name, "b");
	for (size_t i = 0; i < ATTRIBUTES_MAX + 2; i++)
		list[i] = (struct peer_attribute){"n", "v"};
	attributes_keep(&kept, list, ATTRIBUTES_MAX + 2);
	ck_assert_uint_eq(attributes_list(&kept, into), ATTRIBUTES_MAX);
	attributes_keep(&kept, NULL, 0);
	ck_assert_uint_eq(attributes_list(&kept, into), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("match");
	TCase *c = tcase_create("match");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, mismatch_of_a_device_that_fits_is_none);
	tcase_add_test(c, mismatch_names_the_rule_and_what_there_is);
	tcase_add_test(c, mismatch_by_what_is_not_known_has_no_value);
	tcase_add_test(c, mismatch_goes_when_the_device_tells);
	tcase_add_test(c, mismatch_without_rules_or_class_is_none);
	tcase_add_test(c, mismatch_of_a_device_not_seen_yet_is_none);
	tcase_add_test(c, mismatch_follows_classify);
	tcase_add_test(c, classify_takes_hardware_from_what_is_known);
	tcase_add_test(c, forget_leaves_a_candidate_with_its_attributes);
	tcase_add_test(c, keep_leaves_out_what_does_not_fit);
	suite_add_tcase(s, c);
	return unit_run(s);
}
