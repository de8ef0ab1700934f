#include "tests/unit/unit.h"

#include "devices/registry.h"

static struct registry *r;
static struct device_class sensor, lock;
static const struct device_class *const classes[] = {&sensor, &lock};
static struct fault fault;

static struct device_class make_class(const char *name, const char *glob)
{
	struct device_class c;

	class_init(&c);
	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.vendor, sizeof(c.vendor), "acme");
	snprintf(c.engine, sizeof(c.engine), "smp");
	c.vendor_id[0] = c.class_id[0] = 1;
	c.match_count = 1;
	c.match[0] = (struct class_match){"product", ""};
	snprintf(c.match[0].glob, sizeof(c.match[0].glob), "%s", glob);
	c.component_count = 1;
	snprintf(c.components[0].id, sizeof(c.components[0].id), "app");
	return c;
}

static void setup(void)
{
	fault = (struct fault){0};
	sensor = make_class("sensor", "Acme Sensor*");
	lock = make_class("lock", "Acme Lock");
	lock.auto_enrol = true;
	lock.hw_source = CLASS_HW_ATTRIBUTE;
	snprintf(lock.hw_value, sizeof(lock.hw_value), "board");
	r = registry_new();
	ck_assert_ptr_nonnull(r);
	registry_set_classes(r, classes, 2);
}

static void teardown(void)
{
	registry_free(r);
}

static int see(const char *link, const char *key, const char *product,
	const char *serial, int64_t now_s, struct device **ret)
{
	const struct peer_attribute attributes[] = {
		{"product", product}, {"usb_serial", serial}, {"board", "B2"},
	};
	struct peer_sight s = {
		.driver = "serial",
		.link = link,
		.key = key,
		.id_kind = PEER_ID_HARDWARE,
		.attributes = attributes,
		.attribute_count = 3,
	};

	return registry_see(r, &s, now_s, ret, &fault);
}

START_TEST(see_unknown_peer_is_candidate_with_suggestion)
{
	const struct candidate *c;
	struct device *d;

	ck_assert_int_eq(see("usb", "k1", "Acme Sensor 3", "S1", 10, &d),
		REGISTRY_SIGHT_CANDIDATE);
	ck_assert_ptr_null(d);
	c = registry_candidate(r, "usb", "k1");
	ck_assert_ptr_nonnull(c);
	ck_assert_str_eq(c->suggested_class, "sensor");
	ck_assert_int_eq(c->first_seen_s, 10);
	ck_assert_uint_eq(registry_device_count(r), 0);
}
END_TEST

START_TEST(see_auto_enrol_class_makes_a_device)
{
	struct device *d;

	ck_assert_int_eq(see("usb", "k1", "Acme Lock", "S1", 10, &d),
		REGISTRY_SIGHT_ENROLLED);
	ck_assert_str_eq(d->id, "lock-1");
	ck_assert_str_eq(d->vendor, "acme");
	ck_assert_str_eq(d->hw_revision, "B2");
	ck_assert(d->present);
	ck_assert_uint_eq(registry_candidate_count(r), 0);
	ck_assert_int_eq(see("usb", "k1", "Acme Lock", "S1", 11, &d),
		REGISTRY_SIGHT_DEVICE);
	ck_assert_int_eq(d->seen_s, 11);
}
END_TEST

START_TEST(enrol_of_a_place_takes_the_name_of_its_link)
{
	struct peer_sight s = {.driver = "serial", .link = "hall-lamp",
		.key = "port", .id_kind = PEER_ID_PLACE};
	struct device *d = NULL;

	ck_assert_int_eq(registry_see(r, &s, 1, &d, &fault),
		REGISTRY_SIGHT_CANDIDATE);
	ck_assert_int_eq(registry_enrol(r, NULL, "port", "sensor", NULL, 2, &d,
		&fault), 0);
	ck_assert_str_eq(d->id, "hall-lamp");
	/* The name is taken: class and number again. */
	s.key = "other";
	ck_assert_int_eq(registry_see(r, &s, 3, &d, &fault),
		REGISTRY_SIGHT_CANDIDATE);
	ck_assert_int_eq(registry_enrol(r, NULL, "other", "sensor", NULL, 4, &d,
		&fault), 0);
	ck_assert_str_eq(d->id, "sensor-1");
}
END_TEST

START_TEST(see_bad_key_is_refused)
{
	struct device *d;

	ck_assert_int_eq(see("usb", "k 1", "x", "", 1, &d), ERR_REGISTRY_SIGHT);
	ck_assert_str_eq(fault.field, "key");
	ck_assert_int_eq(see("usb", "", "x", "", 1, &d), ERR_REGISTRY_SIGHT);
	ck_assert_uint_eq(registry_candidate_count(r), 0);
}
END_TEST

START_TEST(see_changed_key_with_was_stays_the_same_device)
{
	struct peer_sight s = {.driver = "ble", .link = "hci0", .key = "bond-1",
		.was = "aa:bb", .id_kind = PEER_ID_BONDED};
	struct device *d;

	see("hci0", "aa:bb", "Acme Lock", "", 1, &d);
	ck_assert_int_eq(registry_see(r, &s, 2, &d, NULL),
		REGISTRY_SIGHT_CHANGED);
	ck_assert_str_eq(d->id, "lock-1");
	ck_assert_str_eq(d->key, "bond-1");
}
END_TEST

START_TEST(candidates_beyond_the_limit_drop_the_oldest)
{
	struct device *d;
	char key[16];

	for (int i = 0; i < REGISTRY_CANDIDATES_MAX + 10; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		ck_assert_int_eq(see("usb", key, "x", "", i, &d),
			REGISTRY_SIGHT_CANDIDATE);
	}
	ck_assert_uint_eq(registry_candidate_count(r), REGISTRY_CANDIDATES_MAX);
	ck_assert_ptr_null(registry_candidate(r, "usb", "k9"));
	ck_assert_ptr_nonnull(registry_candidate(r, "usb", "k10"));
}
END_TEST

START_TEST(devices_beyond_the_limit_stay_candidates)
{
	struct device record = {.class_name = "lock", .link = "l"};
	struct device *d;

	for (int i = 0; i < REGISTRY_DEVICES_MAX; i++) {
		snprintf(record.id, sizeof(record.id), "d%d", i);
		snprintf(record.key, sizeof(record.key), "k%d", i);
		ck_assert_int_eq(registry_load(r, &record, NULL), 0);
	}
	ck_assert_int_eq(see("usb", "new", "Acme Lock", "", 1, &d),
		REGISTRY_SIGHT_CANDIDATE);
	ck_assert_int_eq(registry_enrol(r, NULL, "new", NULL, NULL, 1, &d,
		&fault), ERR_REGISTRY_FULL);
}
END_TEST

START_TEST(enrol_takes_class_and_id)
{
	struct device *d;

	see("usb", "k1", "Acme Sensor 3", "S1", 10, &d);
	ck_assert_int_eq(registry_enrol(r, "usb", "k1", NULL, "kitchen", 20,
		&d, &fault), 0);
	ck_assert_str_eq(d->id, "kitchen");
	ck_assert_str_eq(d->class_name, "sensor");
	ck_assert_str_eq(d->usb_serial, "S1");
	ck_assert_int_eq(d->confirmed, -1);
	ck_assert_int_eq(d->enrolled_s, 20);
	ck_assert_ptr_eq(registry_device_of_peer(r, "usb", "k1"), d);
}
END_TEST

struct enrol_row {
	const char *name;
	const char *link, *key, *class_name, *id;
	int rc;
	const char *field;
};

static const struct enrol_row enrols[] = {
	{"no such key", NULL, "k9", NULL, NULL, ERR_REGISTRY_NO_PEER, "key"},
	{"other link", "ble", "k1", NULL, NULL, ERR_REGISTRY_NO_PEER, "key"},
	{"key on two links", NULL, "k2", NULL, NULL, ERR_REGISTRY_MANY_PEERS,
		"key"},
	{"no such class", NULL, "k1", "lamp", NULL, ERR_REGISTRY_NO_CLASS,
		"class"},
	{"nothing suggested", NULL, "k3", NULL, NULL, ERR_REGISTRY_NO_CLASS,
		"class"},
	{"id with a slash", NULL, "k1", NULL, "a/b", ERR_REGISTRY_ID, "id"},
	{"id that starts with a dot", NULL, "k1", NULL, ".a", ERR_REGISTRY_ID,
		"id"},
	{"empty id", NULL, "k1", NULL, "", ERR_REGISTRY_ID, "id"},
	{"id in use", NULL, "k1", NULL, "lock-1", ERR_REGISTRY_ID_TAKEN, "id"},
};

START_TEST(enrol_refusals_by_row)
{
	const struct enrol_row *row = &enrols[_i];
	struct device *d;
	int rc;

	see("usb", "k1", "Acme Sensor", "", 1, &d);
	see("usb", "k2", "Acme Sensor", "", 1, &d);
	see("ble", "k2", "Acme Sensor", "", 1, &d);
	see("usb", "k3", "Other", "", 1, &d);
	see("usb", "k4", "Acme Lock", "", 1, &d);
	rc = registry_enrol(r, row->link, row->key, row->class_name, row->id,
		2, &d, &fault);
	ck_assert_msg(rc == row->rc, "%s: %s", row->name, err_name(rc));
	ck_assert_msg(!strcmp(fault.field, row->field), "%s: %s", row->name,
		fault.field);
	ck_assert_uint_eq(registry_device_count(r), 1);
}
END_TEST

START_TEST(classify_forgets_what_was_read)
{
	struct engine_facts facts = {.version = "1.0.0", .hash = {1},
		.hash_len = 32, .confirmed = 1};
	struct device *d;

	see("usb", "k1", "Acme Lock", "", 1, &d);
	ck_assert(registry_take_facts(d, &facts, 5));
	ck_assert(!registry_take_facts(d, &facts, 6));
	ck_assert_int_eq(d->read_s, 6);
	ck_assert_int_eq(registry_classify(r, "lock-1", "sensor", &d, NULL), 0);
	ck_assert_str_eq(d->class_name, "sensor");
	ck_assert_str_eq(d->version, "");
	ck_assert_uint_eq(d->hash_len, 0);
	ck_assert_int_eq(registry_classify(r, "nobody", "sensor", &d, NULL),
		ERR_REGISTRY_NO_DEVICE);
}
END_TEST

START_TEST(replace_keeps_id_and_takes_the_peer)
{
	struct device *d;

	see("usb", "k1", "Acme Lock", "", 1, &d);
	see("usb", "k2", "Acme Sensor", "S2", 2, &d);
	ck_assert_int_eq(registry_replace(r, "lock-1", NULL, "k2", 3, &d,
		&fault), 0);
	ck_assert_str_eq(d->id, "lock-1");
	ck_assert_str_eq(d->class_name, "lock");
	ck_assert_str_eq(d->key, "k2");
	ck_assert_str_eq(d->usb_serial, "S2");
	ck_assert_uint_eq(registry_candidate_count(r), 0);
}
END_TEST

START_TEST(forget_makes_a_present_device_a_candidate)
{
	struct device *d;

	see("usb", "k1", "Acme Lock", "", 1, &d);
	ck_assert_int_eq(registry_forget(r, "lock-1", 2, &fault), 0);
	ck_assert_uint_eq(registry_device_count(r), 0);
	ck_assert_ptr_nonnull(registry_candidate(r, "usb", "k1"));
	ck_assert_int_eq(registry_forget(r, "lock-1", 2, &fault),
		ERR_REGISTRY_NO_DEVICE);
}
END_TEST

START_TEST(lose_link_makes_its_devices_absent)
{
	struct device *d;

	see("usb", "k1", "Acme Lock", "", 1, &d);
	see("ble", "k2", "Acme Lock", "", 1, &d);
	registry_lose(r, "usb", NULL);
	ck_assert_int_eq(registry_device(r, "lock-1")->health,
		DEVICE_HEALTH_ABSENT);
	ck_assert(registry_device(r, "lock-2")->present);
	see("usb", "k1", "Acme Lock", "", 2, &d);
	ck_assert(d->present);
	ck_assert_int_eq(d->health, DEVICE_HEALTH_UNKNOWN);
}
END_TEST

START_TEST(set_classes_suggests_anew_and_enrols_nobody)
{
	struct device *d;

	registry_set_classes(r, NULL, 0);
	see("usb", "k1", "Acme Lock", "", 1, &d);
	ck_assert_str_eq(registry_candidate(r, "usb", "k1")->suggested_class,
		"");
	registry_set_classes(r, classes, 2);
	ck_assert_str_eq(registry_candidate(r, "usb", "k1")->suggested_class,
		"lock");
	ck_assert_uint_eq(registry_device_count(r), 0);
}
END_TEST

START_TEST(load_same_peer_twice_is_refused)
{
	struct device record = {.id = "a", .link = "l", .key = "k"};

	ck_assert_int_eq(registry_load(r, &record, NULL), 0);
	snprintf(record.id, sizeof(record.id), "b");
	ck_assert_int_eq(registry_load(r, &record, &fault),
		ERR_REGISTRY_PEER_TAKEN);
}
END_TEST

struct reappear_row {
	const char *name;
	enum class_reappear rule;
	const char *driver, *link, *key, *address, *serial;
	bool is;
};

static const struct reappear_row reappears[] = {
	{"same key", CLASS_REAPPEAR_SAME_KEY, "serial", "usb", "k1", NULL, "",
		true},
	{"other key", CLASS_REAPPEAR_SAME_KEY, "serial", "usb", "k2", NULL,
		"S1", false},
	{"same key, other link", CLASS_REAPPEAR_SAME_KEY, "serial", "usb2",
		"k1", NULL, "S1", false},
	{"same link, other key", CLASS_REAPPEAR_SAME_LINK, "serial", "usb",
		"k2", NULL, "", true},
	{"usb serial, other port", CLASS_REAPPEAR_USB_SERIAL, "serial", "usb2",
		"k2", NULL, "S1", true},
	{"usb serial of another", CLASS_REAPPEAR_USB_SERIAL, "serial", "usb2",
		"k2", NULL, "S2", false},
	{"usb serial, other driver", CLASS_REAPPEAR_USB_SERIAL, "ble", "usb2",
		"k2", NULL, "S1", false},
	{"address + 1", CLASS_REAPPEAR_ADDRESS_PLUS_1, "serial", "usb", "k2",
		"aa:bb:cc:dd:ee:00", "", true},
	{"address + 2", CLASS_REAPPEAR_ADDRESS_PLUS_1, "serial", "usb", "k2",
		"aa:bb:cc:dd:ee:01", "", false},
	{"same address", CLASS_REAPPEAR_ADDRESS_PLUS_1, "serial", "usb", "k2",
		"AA:BB:CC:DD:EE:FF", "", true},
	{"other address", CLASS_REAPPEAR_ADDRESS_PLUS_1, "serial", "usb", "k2",
		"aa:bb:cc:dd:ef:00", "", false},
};

START_TEST(reappears_by_row)
{
	const struct reappear_row *row = &reappears[_i];
	const struct peer_attribute serial = {"usb_serial", row->serial};
	struct device d = {.driver = "serial", .link = "usb", .key = "k1",
		.address = "aa:bb:cc:dd:ee:ff", .usb_serial = "S1"};
	struct peer_sight s = {.driver = row->driver, .link = row->link,
		.key = row->key, .address = row->address,
		.attributes = &serial, .attribute_count = 1};
	struct device_class c = {.reappear = row->rule};

	ck_assert_msg(registry_reappears(&d, &c, &s) == row->is, "%s",
		row->name);
}
END_TEST

START_TEST(class_check_good_class_passes)
{
	struct device_class c = make_class("a", "b");
	int rc = class_check(&c, &fault);

	ck_assert_msg(rc == 0, "%s %s", fault.field, fault.rule);
}
END_TEST

static void break_engine(struct device_class *c)
{
	memcpy(c->engine, "xmodem", 7);
}

static void break_options(struct device_class *c)
{
	memcpy(c->options, "speed=9", 8);
}

static void break_vendor_id(struct device_class *c)
{
	c->vendor_id[0] = 0;
}

static void break_confirm(struct device_class *c)
{
	c->confirm = CLASS_CONFIRM_AFTER;
}

static void break_auto(struct device_class *c)
{
	c->auto_enrol = true;
	c->match_count = 0;
}

static void break_hw(struct device_class *c)
{
	c->hw_source = CLASS_HW_FIXED;
}

static void break_components(struct device_class *c)
{
	c->components[1] = c->components[0];
	c->component_count = 2;
}

static void break_tiers(struct device_class *c)
{
	c->tiers[13] = 5;
}

struct class_row {
	void (*spoil)(struct device_class *);
	int rc;
	const char *field;
};

static const struct class_row class_rows[] = {
	{break_engine, ERR_ENGINE_UNKNOWN, "engine"},
	{break_options, ERR_ENGINE_OPTION, "options.speed"},
	{break_vendor_id, ERR_CLASS_INVALID, "vendor_id"},
	{break_confirm, ERR_CLASS_INVALID, "confirm"},
	{break_auto, ERR_CLASS_INVALID, "auto_enrol"},
	{break_hw, ERR_CLASS_INVALID, "hw_value"},
	{break_components, ERR_CLASS_INVALID, "components"},
	{break_tiers, ERR_CLASS_INVALID, "tiers"},
};

START_TEST(class_check_by_row)
{
	const struct class_row *row = &class_rows[_i];
	struct device_class c = make_class("a", "b");
	int rc;

	row->spoil(&c);
	rc = class_check(&c, &fault);
	ck_assert_msg(rc == row->rc && !strcmp(fault.field, row->field),
		"%s: %s, %s", row->field, err_name(rc), fault.field);
}
END_TEST

START_TEST(glob_fits_by_pattern)
{
	ck_assert(class_glob_fits("*", ""));
	ck_assert(class_glob_fits("a*c?e", "abbbcde"));
	ck_assert(class_glob_fits("*.*", "a.b"));
	ck_assert(class_glob_fits("a*b*c", "axxbyybc"));
	ck_assert(!class_glob_fits("a?c", "ac"));
	ck_assert(!class_glob_fits("a*b", "acbd"));
	ck_assert(!class_glob_fits("", "a"));
}
END_TEST

START_TEST(names_read_back)
{
	enum class_confirm confirm;
	enum class_reappear reappear;
	enum class_hw_source source;

	for (int i = CLASS_CONFIRM_ON_VERSION; i <= CLASS_CONFIRM_NEVER; i++) {
		ck_assert_int_eq(class_confirm_read(class_confirm_name(
			(enum class_confirm)i), &confirm), 0);
		ck_assert_int_eq(confirm, i);
	}
	for (int i = 0; i <= CLASS_REAPPEAR_ADDRESS_PLUS_1; i++) {
		ck_assert_int_eq(class_reappear_read(class_reappear_name(
			(enum class_reappear)i), &reappear), 0);
		ck_assert_int_eq(reappear, i);
	}
	for (int i = 0; i <= CLASS_HW_ENGINE; i++) {
		ck_assert_int_eq(class_hw_source_read(class_hw_source_name(
			(enum class_hw_source)i), &source), 0);
		ck_assert_int_eq(source, i);
	}
	ck_assert_int_lt(class_confirm_read("maybe", &confirm), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("registry");
	TCase *t = tcase_create("registry");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, see_unknown_peer_is_candidate_with_suggestion);
	tcase_add_test(t, see_auto_enrol_class_makes_a_device);
	tcase_add_test(t, enrol_of_a_place_takes_the_name_of_its_link);
	tcase_add_test(t, see_bad_key_is_refused);
	tcase_add_test(t, see_changed_key_with_was_stays_the_same_device);
	tcase_add_test(t, candidates_beyond_the_limit_drop_the_oldest);
	tcase_add_test(t, devices_beyond_the_limit_stay_candidates);
	tcase_add_test(t, enrol_takes_class_and_id);
	tcase_add_loop_test(t, enrol_refusals_by_row, 0,
		sizeof(enrols) / sizeof(enrols[0]));
	tcase_add_test(t, classify_forgets_what_was_read);
	tcase_add_test(t, replace_keeps_id_and_takes_the_peer);
	tcase_add_test(t, forget_makes_a_present_device_a_candidate);
	tcase_add_test(t, lose_link_makes_its_devices_absent);
	tcase_add_test(t, set_classes_suggests_anew_and_enrols_nobody);
	tcase_add_test(t, load_same_peer_twice_is_refused);
	tcase_add_loop_test(t, reappears_by_row, 0,
		sizeof(reappears) / sizeof(reappears[0]));
	tcase_add_test(t, class_check_good_class_passes);
	tcase_add_loop_test(t, class_check_by_row, 0,
		sizeof(class_rows) / sizeof(class_rows[0]));
	tcase_add_test(t, glob_fits_by_pattern);
	tcase_add_test(t, names_read_back);
	suite_add_tcase(suite, t);
	return unit_run(suite);
}
