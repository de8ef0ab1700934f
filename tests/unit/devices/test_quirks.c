#include "tests/unit/unit.h"

#include "base/cbor_out.h"
#include "devices/zigbee_ota/quirks.h"

static struct quirk_table *table_of(const char *text)
{
	struct quirk_table *t = NULL;
	struct fault f = {0};
	int err = quirk_table_read(bytes_of_text(text), &t, &f);

	ck_assert_msg(err == 0, "%s: %s %s", err_name(err), f.field, f.rule);
	return t;
}

/* ---- what is refused ---- */

static const struct {
	const char *name;
	const char *text;
	int err;
	const char *field;
} readings[] = {
	{"nothing", "", 0, NULL},
	{"blank lines and comments", "\n  \n# a : b\n\t# c\r\n", 0, NULL},
	{"no newline at the end", "type=1 : pages=no", 0, NULL},
	{"carriage returns", "type=1 : pages=no\r\ntype=2 : pages=no\r\n", 0,
		NULL},
	{"every device", "* : block_max=48", 0, NULL},
	{"no blanks around the colon", "type=1:pages=no", 0, NULL},
	{"a comment behind", "type=1 : pages=no# so", 0, NULL},
	{"a comment of bytes", "# \xff\xfe\n", 0, NULL},
	{"quoted # and : and |", "model=\"a#b:c|d\" : pages=no", 0, NULL},
	{"all matches", "manufacturer=0x1021 type=0..0xbf version=1..4294967295"
		" model=\"x y\"|z* manufacturer_name=W : idle_s=10", 0, NULL},
	{"16 alternatives", "type=1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16"
		" : pages=no", 0, NULL},

	{"no colon", "type=1 pages=no", ERR_QUIRKS_WORD, "pages"},
	{"a match alone", "type=1", ERR_QUIRKS_FORM, "type=1"},
	{"no match", ": pages=no", ERR_QUIRKS_FORM, ":"},
	{"no setting", "type=1 :", ERR_QUIRKS_FORM, ":"},
	{"two colons", "type=1 : : pages=no", ERR_QUIRKS_FORM, ":"},
	{"a colon behind", "type=1 : pages=no :", ERR_QUIRKS_FORM,
		":"},
	{"a word alone", "legrand : pages=no", ERR_QUIRKS_FORM,
		"legrand"},
	{"a setting alone", "type=1 : pages", ERR_QUIRKS_FORM,
		"pages"},
	{"no value", "type= : pages=no", ERR_QUIRKS_FORM, "type="},
	{"no name", "=1 : pages=no", ERR_QUIRKS_WORD, ""},
	{"an open quote", "model=\"TRV : pages=no", ERR_QUIRKS_FORM,
		"model=\"TRV : pages=no"},
	{"a match twice", "type=1 type=2 : pages=no", ERR_QUIRKS_FORM,
		"type"},
	{"a setting twice", "type=1 : pages=no pages=yes", ERR_QUIRKS_FORM,
		"pages"},
	{"17 alternatives", "type=1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17"
		" : pages=no", ERR_QUIRKS_FORM, "type"},
	{"a control character", "type=1 : pages=no\x01", ERR_QUIRKS_FORM,
		"type=1 : pages=n"},
	{"in the third line", "\n# x\ntype=1 : page=no", ERR_QUIRKS_WORD,
		"page"},

	{"an unknown match", "vendor=1 : pages=no", ERR_QUIRKS_WORD,
		"vendor"},
	{"an unknown setting", "type=1 : block_size=40", ERR_QUIRKS_WORD,
		"block_size"},
	{"an unknown setting with bytes", "type=1 : bl\xfc=40",
		ERR_QUIRKS_WORD, "bl\\xfc"},

	{"a manufacturer of 17 bits", "manufacturer=0x10000 : pages=no",
		ERR_QUIRKS_VALUE, "manufacturer=0x10000"},
	{"the unknown manufacturer", "manufacturer=0xffff : pages=no",
		ERR_QUIRKS_VALUE, "manufacturer=0xffff"},
	{"a manufacturer by name", "manufacturer=Hue : pages=no",
		ERR_QUIRKS_VALUE, "manufacturer=Hue"},
	{"a range turned round", "type=5..4 : pages=no", ERR_QUIRKS_VALUE,
		"type=5..4"},
	{"a range without end", "type=5.. : pages=no", ERR_QUIRKS_VALUE,
		"type=5.."},
	{"a range without start", "type=..5 : pages=no", ERR_QUIRKS_VALUE,
		"type=..5"},
	{"an empty alternative", "type=1| : pages=no", ERR_QUIRKS_VALUE,
		"type=1|"},
	{"an empty text", "model=\"\" : pages=no", ERR_QUIRKS_VALUE,
		"model=\"\""},
	{"text behind a quote", "model=\"a\"b : pages=no", ERR_QUIRKS_VALUE,
		"model=\"a\"b"},
	{"a version of 33 bits", "version=4294967296 : pages=no",
		ERR_QUIRKS_VALUE, "version=4294967296"},
	{"a long number", "type=00000000001 : pages=no", ERR_QUIRKS_VALUE,
		"type=00000000001"},
	{"true for yes", "type=1 : pages=true", ERR_QUIRKS_VALUE,
		"pages=true"},
	{"a number for yes", "type=1 : pages=1", ERR_QUIRKS_VALUE,
		"pages=1"},
	{"blocks of 65", "type=1 : block_max=65", ERR_QUIRKS_VALUE,
		"block_max=65"},
	{"blocks of 7", "type=1 : block_max=7", ERR_QUIRKS_VALUE,
		"block_max=7"},
	{"idle for three days", "type=1 : idle_s=259200", ERR_QUIRKS_VALUE,
		"idle_s=259200"},
	{"a negative number", "type=1 : idle_s=-1", ERR_QUIRKS_VALUE,
		"idle_s=-1"},
	{"no attempts", "type=1 : attempts_max=0", ERR_QUIRKS_VALUE,
		"attempts_max=0"},
};

START_TEST(read_by_row)
{
	/* On the heap, so that reading on is seen. */
	size_t len = strlen(readings[_i].text);
	char *text = malloc(len ? len : 1);
	struct quirk_table *t = NULL;
	struct fault f = {0};
	int err;

	ck_assert_ptr_nonnull(text);
	memcpy(text, readings[_i].text, len);
	err = quirk_table_read(bytes_of(text, len), &t, &f);
	free(text);
	ck_assert_msg(err == readings[_i].err, "%s: %s: %s %s",
		readings[_i].name, err_name(err), f.field, f.rule);
	ck_assert_msg((t != NULL) == (err == 0), "%s: table", readings[_i].name);
	if (err)
		ck_assert_msg(strcmp(f.field, readings[_i].field) == 0,
			"%s: names \"%s\"", readings[_i].name, f.field);
	quirk_table_free(t);
}
END_TEST

START_TEST(read_value_out_of_range_names_the_range)
{
	struct quirk_table *t;
	struct fault f = {0};

	ck_assert_int_eq(quirk_table_read(bytes_of_text(
		"type=1 : block_max=255"), &t, &f), ERR_QUIRKS_VALUE);
	ck_assert_str_eq(f.rule, "must be 8 to 64");
}
END_TEST

/* ---- limits ---- */

static char *repeated(const char *line, size_t times)
{
	size_t len = strlen(line);
	char *text = malloc(len * times + 1);

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < times; i++)
		memcpy(text + i * len, line, len);
	text[len * times] = '\0';
	return text;
}

START_TEST(read_rows_up_to_the_limit)
{
	char *text = repeated("type=1 : pages=no\n", QUIRKS_ROWS_MAX);
	struct quirk_table *t = table_of(text);

	ck_assert_uint_eq(quirk_table_rows(t), QUIRKS_ROWS_MAX);
	quirk_table_free(t);
	free(text);
	text = repeated("type=1 : pages=no\n", QUIRKS_ROWS_MAX + 1);
	ck_assert_int_eq(quirk_table_read(bytes_of_text(text), &t, NULL),
		ERR_TOO_LARGE);
	free(text);
}
END_TEST

START_TEST(read_text_up_to_the_limit)
{
	char *text = repeated("#\n", QUIRKS_TEXT_MAX / 2);
	struct quirk_table *t = table_of(text);

	ck_assert_uint_eq(quirk_table_rows(t), 0);
	quirk_table_free(t);
	free(text);
	text = repeated("#\n", QUIRKS_TEXT_MAX / 2 + 1);
	ck_assert_int_eq(quirk_table_read(bytes_of_text(text), &t, NULL),
		ERR_TOO_LARGE);
	free(text);
}
END_TEST

START_TEST(read_line_up_to_the_limit)
{
	char line[QUIRKS_LINE_MAX + 2];
	struct quirk_table *t;

	memset(line, ' ', sizeof(line));
	memcpy(line, "type=1 : pages=no", 17);
	ck_assert_int_eq(quirk_table_read(bytes_of(line, QUIRKS_LINE_MAX), &t,
		NULL), 0);
	quirk_table_free(t);
	ck_assert_int_eq(quirk_table_read(bytes_of(line, QUIRKS_LINE_MAX + 1),
		&t, NULL), ERR_QUIRKS_FORM);
}
END_TEST

/* ---- what fits ---- */

static const struct {
	const char *match;
	struct quirk_subject subject;
	bool fits;
} fits[] = {
	{"*", {.manufacturer = 0xffff, .type = 0xffff}, true},
	{"manufacturer=0x1021", {.manufacturer = 0x1021}, true},
	{"manufacturer=4129", {.manufacturer = 0x1021}, true},
	{"manufacturer=0x1021", {.manufacturer = 0x1022}, false},
	{"manufacturer=0x117a|0x1135", {.manufacturer = 0x1135}, true},
	{"manufacturer=0x117a|0x1135", {.manufacturer = 0x1136}, false},
	{"manufacturer=0..0xfffe", {.manufacturer = 0xffff}, false},
	{"manufacturer=0..0xfffe", {.manufacturer = 0}, true},
	{"type=0x2000..0x20ff", {.type = 0x2000}, true},
	{"type=0x2000..0x20ff", {.type = 0x20ff}, true},
	{"type=0x2000..0x20ff", {.type = 0x2100}, false},
	{"type=1|5..7", {.type = 6}, true},
	{"type=1|5..7", {.type = 4}, false},
	{"version=0..4294967295", {.version = 5}, false},
	{"version=5", {.has_version = true, .version = 5}, true},
	{"version=6..9", {.has_version = true, .version = 5}, false},
	{"manufacturer=1 type=2", {.manufacturer = 1, .type = 2}, true},
	{"manufacturer=1 type=2", {.manufacturer = 1, .type = 3}, false},
	{"manufacturer=1 type=2", {.manufacturer = 2, .type = 2}, false},
	{"model=TRV", {.model = "TRV"}, true},
	{"model=TRV", {.model = "TRV2"}, false},
	{"model=TRV", {.model = "trv"}, false},
	{"model=TRV*", {.model = "TRV"}, true},
	{"model=TRV*", {.model = "TRV2"}, true},
	{"model=TRV*", {.model = "eTRV2"}, false},
	{"model=*TRV*", {.model = "eTRV2"}, true},
	{"model=*a*b*c", {.model = "xxaxbxbcxc"}, true},
	{"model=*a*b*c", {.model = "xxaxbxbcxd"}, false},
	{"model=a**b", {.model = "ab"}, true},
	{"model=\"a b\"|\"c d\"", {.model = "c d"}, true},
	{"model=a|b*", {.model = "bulb"}, true},
	{"model=\"x|y\"", {.model = "x|y"}, true},
	{"model=*", {.model = ""}, true},
	{"model=\"*\"", {.model = "any"}, true},
	{"model=**", {.model = ""}, false},
	{"model=x*", {.model = ""}, false},
	{"manufacturer_name=IKEA*", {.manufacturer_name = "IKEA of Sweden"},
		true},
	{"manufacturer_name=IKEA*", {.model = "IKEA of Sweden"}, false},
	{"model=0123456789012345678901234567890123",
		{.model = "01234567890123456789012345678901"}, false},
};

START_TEST(apply_where_the_row_fits)
{
	char text[160];
	struct quirk_table *t;
	struct quirks q;

	snprintf(text, sizeof(text), "%s : block_max=33", fits[_i].match);
	t = table_of(text);
	quirks_init(&q);
	quirk_table_apply(t, &fits[_i].subject, &q);
	ck_assert_msg((q.block_max == 33) == fits[_i].fits, "%s",
		fits[_i].match);
	quirk_table_free(t);
}
END_TEST

START_TEST(apply_model_without_end)
{
	struct quirk_table *t = table_of("model=a* : block_max=33");
	struct quirk_subject s;
	struct quirks q;

	memset(&s, 'a', sizeof(s));
	quirks_init(&q);
	quirk_table_apply(t, &s, &q);
	ck_assert_uint_eq(q.block_max, 33);
	quirk_table_free(t);
}
END_TEST

START_TEST(apply_every_setting)
{
	struct quirk_table *t = table_of("* : block_max=64 block_min=48 "
		"block_fallback=32 block_delay_ms=60000 ack_blocks=yes "
		"pages=no honours_wait=no wait_s=3600 idle_s=172800 "
		"finish_s=0x100 return_s=11 no_end=yes ignore_malformed=no "
		"any_key=yes restarts_at_zero=yes upgrade_now=yes "
		"attempts_max=9 refuses_downgrade=yes "
		"lower_is_newer=yes broadcast=no\n");
	struct quirk_subject s = {.manufacturer = 0xffff};
	struct quirks q;

	quirks_init(&q);
	quirk_table_apply(t, &s, &q);
	ck_assert_uint_eq(q.block_max, 64);
	ck_assert_uint_eq(q.block_min, 48);
	ck_assert_uint_eq(q.block_fallback, 32);
	ck_assert_uint_eq(q.block_delay_ms, 60000);
	ck_assert(q.ack_blocks && !q.pages && !q.honours_wait);
	ck_assert_uint_eq(q.wait_s, 3600);
	ck_assert_uint_eq(q.idle_s, 172800);
	ck_assert_uint_eq(q.finish_s, 256);
	ck_assert_uint_eq(q.return_s, 11);
	ck_assert(q.no_end && !q.ignore_malformed && q.any_key);
	ck_assert(q.restarts_at_zero && q.upgrade_now);
	ck_assert_uint_eq(q.attempts_max, 9);
	ck_assert(q.refuses_downgrade && q.lower_is_newer && !q.broadcast);
	quirk_table_free(t);
}
END_TEST

START_TEST(apply_later_row_wins_setting_by_setting)
{
	struct quirk_table *t = table_of("* : block_max=33 idle_s=99\n"
		"type=7 : block_max=34\ntype=8 : block_max=35\n");
	struct quirk_subject s = {.type = 7};
	struct quirks q;

	quirks_init(&q);
	quirk_table_apply(t, &s, &q);
	ck_assert_uint_eq(q.block_max, 34);
	ck_assert_uint_eq(q.idle_s, 99);
	quirk_table_free(t);
}
END_TEST

START_TEST(apply_no_table_changes_nothing)
{
	struct quirk_subject s = {0};
	struct quirks q;

	quirks_init(&q);
	quirk_table_apply(NULL, &s, &q);
	ck_assert_uint_eq(q.block_max, 50);
	ck_assert_uint_eq(q.finish_s, 3600);
	ck_assert_uint_eq(quirk_table_rows(NULL), 0);
}
END_TEST

/* ---- built in ---- */

static struct quirks built_in_for(uint16_t manufacturer, uint16_t type)
{
	struct quirk_table *t = table_of(quirks_built_in());
	struct quirk_subject s = {.manufacturer = manufacturer, .type = type};
	struct quirks q;

	quirks_init(&q);
	quirk_table_apply(t, &s, &q);
	quirk_table_free(t);
	return q;
}

START_TEST(built_in_leaves_others_alone)
{
	struct quirks got = built_in_for(0x1234, 0x0102), want;

	quirks_init(&want);
	ck_assert_uint_eq(got.block_max, want.block_max);
	ck_assert_uint_eq(got.block_min, want.block_min);
	ck_assert_uint_eq(got.idle_s, want.idle_s);
	ck_assert_uint_eq(got.finish_s, want.finish_s);
	ck_assert_uint_eq(got.attempts_max, want.attempts_max);
	ck_assert(got.pages && got.honours_wait && got.ignore_malformed);
	ck_assert(!got.no_end && !got.any_key && !got.ack_blocks);
	ck_assert(!got.restarts_at_zero);
	ck_assert(!got.refuses_downgrade && !got.lower_is_newer);
}
END_TEST

START_TEST(built_in_legrand)
{
	struct quirks q = built_in_for(0x1021, 0x000f);

	ck_assert_uint_eq(q.block_max, 64);
	ck_assert_uint_eq(q.finish_s, 1800);
	ck_assert_uint_eq(q.idle_s, 1800);
	ck_assert(q.no_end);
}
END_TEST

START_TEST(built_in_insta_and_kin_get_40)
{
	static const uint16_t codes[] = {0x117a, 0x1135, 0x112e};

	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(built_in_for(codes[i], 1).block_max, 40);
}
END_TEST

START_TEST(built_in_telink_never_below_48)
{
	static const uint16_t codes[] = {0x1141, 0x1286};

	for (size_t i = 0; i < 2; i++)
		ck_assert_uint_eq(built_in_for(codes[i], 1).block_min, 48);
}
END_TEST

START_TEST(built_in_slow_ones)
{
	ck_assert_uint_eq(built_in_for(0x1209, 0x3007).idle_s, 3600);
	ck_assert_uint_eq(built_in_for(0x1286, 0x2007).idle_s, 3600);
	ck_assert_uint_eq(built_in_for(0x1286, 0x2007).finish_s, 3600);
	ck_assert_uint_eq(built_in_for(0x1286, 0x0815).idle_s, 300);
}
END_TEST

START_TEST(built_in_downgrades)
{
	ck_assert(built_in_for(0x100b, 1).refuses_downgrade);
	ck_assert(built_in_for(0x117c, 1).refuses_downgrade);
	ck_assert(built_in_for(0x115f, 1).lower_is_newer);
}
END_TEST

START_TEST(built_in_others)
{
	ck_assert(built_in_for(0x100b, 1).ignore_malformed);
	ck_assert_uint_eq(built_in_for(0x117c, 1).attempts_max, 2);
	ck_assert_uint_eq(built_in_for(0x1246, 1).attempts_max, 2);
	ck_assert(built_in_for(0x1233, 1).pages);
	ck_assert(built_in_for(0x131b, 1).restarts_at_zero);
	ck_assert(!built_in_for(0x101e, 1).honours_wait);
	ck_assert_uint_eq(built_in_for(0x101e, 1).block_max, 48);
	ck_assert(built_in_for(0x1141, 0x0203).any_key);
	ck_assert(!built_in_for(0x1141, 0x0204).any_key);
	ck_assert(built_in_for(0xdb15, 0xffff).any_key);
}
END_TEST

/* ---- in the catalog ---- */

static const struct {
	const char *name;
	const char *hex;
	int err;
	const char *rows;
} catalogs[] = {
	{"ours alone", "a16a7a69676265652d6f7461" "63" "613a62", 0, "a:b"},
	{"an empty map", "a0", 0, ""},
	{"of other engines", "a2" "01f6" "626e6f" "8102", 0, ""},
	{"ours behind others", "a3" "0001" "626e6f40"
		"6a7a69676265652d6f7461" "6178", 0, "x"},
	{"no map", "80", ERR_CBOR_TYPE, NULL},
	{"nothing", "", ERR_CBOR_TRUNCATED, NULL},
	{"plain text", "747970653d31", ERR_CBOR_TYPE, NULL},
	{"bytes for text", "a16a7a69676265652d6f7461" "4178", ERR_CBOR_TYPE,
		NULL},
	{"cut", "a16a7a69676265652d6f7461" "6378", ERR_CBOR_TRUNCATED, NULL},
	{"trailing", "a000", ERR_CBOR_TRAILING, NULL},
	{"twice", "a26a7a69676265652d6f746160" "6a7a69676265652d6f746160",
		ERR_CBOR_KEY_TWICE, NULL},
};

START_TEST(catalog_by_row)
{
	size_t len = strlen(catalogs[_i].hex) / 2;
	uint8_t *raw = malloc(len ? len : 1);
	struct bytes rows = {0};
	struct fault f = {0};
	int err;

	ck_assert_ptr_nonnull(raw);
	ck_assert_int_eq(bytes_from_hex(catalogs[_i].hex, raw, len), 0);
	err = quirks_of_catalog(bytes_of(raw, len), &rows, &f);
	ck_assert_msg(err == catalogs[_i].err, "%s: %s", catalogs[_i].name,
		err_name(err));
	if (!err)
		ck_assert_msg(bytes_is_text(rows, catalogs[_i].rows), "%s",
			catalogs[_i].name);
	else
		ck_assert_int_eq(f.code, err);
	free(raw);
}
END_TEST

START_TEST(catalog_rows_too_long_are_refused)
{
	char *text = repeated("#", QUIRKS_TEXT_MAX + 1);
	struct bytes rows;
	struct buf out;

	buf_init(&out, QUIRKS_TEXT_MAX + 64);
	cbor_put_map(&out, 1);
	cbor_put_tstr(&out, "zigbee-ota");
	cbor_put_tstr(&out, text);
	ck_assert_int_eq(out.err, 0);
	ck_assert_int_eq(quirks_of_catalog(buf_bytes(&out), &rows, NULL),
		ERR_TOO_LARGE);
	buf_done(&out);
	free(text);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

int main(void)
{
	Suite *suite = suite_create("quirks");
	TCase *tc = tcase_create("quirks");

	tcase_add_loop_test(tc, read_by_row, 0, COUNT(readings));
	tcase_add_test(tc, read_value_out_of_range_names_the_range);
	tcase_add_test(tc, read_rows_up_to_the_limit);
	tcase_add_test(tc, read_text_up_to_the_limit);
	tcase_add_test(tc, read_line_up_to_the_limit);
	tcase_add_loop_test(tc, apply_where_the_row_fits, 0, COUNT(fits));
	tcase_add_test(tc, apply_model_without_end);
	tcase_add_test(tc, apply_every_setting);
	tcase_add_test(tc, apply_later_row_wins_setting_by_setting);
	tcase_add_test(tc, apply_no_table_changes_nothing);
	tcase_add_test(tc, built_in_leaves_others_alone);
	tcase_add_test(tc, built_in_legrand);
	tcase_add_test(tc, built_in_insta_and_kin_get_40);
	tcase_add_test(tc, built_in_telink_never_below_48);
	tcase_add_test(tc, built_in_slow_ones);
	tcase_add_test(tc, built_in_downgrades);
	tcase_add_test(tc, built_in_others);
	tcase_add_loop_test(tc, catalog_by_row, 0, COUNT(catalogs));
	tcase_add_test(tc, catalog_rows_too_long_are_refused);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
