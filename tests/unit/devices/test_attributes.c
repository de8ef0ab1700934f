#include "devices/attributes.h"

#include "tests/unit/unit.h"

/* How the values of attributes are written, as far as their names tell. */

static const struct {
	const char *name;
	const char *glob;
	const char *form; /* NULL: it may fit */
} rows[] = {
	{"manufacturer", "0x117c", NULL},
	{"manufacturer", "0x117C", "0x####"},
	{"manufacturer", "4476", "0x####"},
	{"manufacturer", "117c", "0x####"},
	{"manufacturer", "0x117", "0x####"},
	{"manufacturer", "0x0117c", "0x####"},
	{"manufacturer", "", "0x####"},
	{"manufacturer", "*", NULL},
	{"manufacturer", "0x11*", NULL},
	{"manufacturer", "0x11??", NULL},
	{"manufacturer", "0x11???", "0x####"},
	{"manufacturer", "*7c", NULL},
	{"manufacturer", "*7C", "0x####"},
	{"manufacturer", "#*", "0x####"},
	{"image_type", "0x0102", NULL},
	{"image_type", "258", "0x####"},
	{"file_version", "0x0a0b0c0d", NULL},
	{"file_version", "0x0a0b", "0x########"},
	{"eui64", "00124b0000000001", NULL},
	{"eui64", "00124b*", NULL},
	{"eui64", "0x00124b0000000001", "################"},
	{"eui64", "00:12:4b:*", "################"},
	{"nwk", "0x1A2B", "0x####"},
	{"kind", "router", NULL},
	{"kind", "s*", NULL},
	{"kind", "end-device", "router or sleepy or unknown"},
	{"usb_vid", "10c4", NULL},
	{"usb_vid", "10C4", "####"},
	{"model", "0X", NULL}, /* anything */
	{"usb_serial", "", NULL},
};

START_TEST(attribute_may_fit_what_can_be_written)
{
	char form[64] = "";
	bool fits = attribute_may_fit(rows[_i].name, rows[_i].glob, form,
		sizeof(form));

	ck_assert_msg(fits == !rows[_i].form, "%s = %s", rows[_i].name,
		rows[_i].glob);
	if (!fits)
		ck_assert_str_eq(form, rows[_i].form);
}
END_TEST

/* Work is bounded by the product of both lengths. */
START_TEST(attribute_may_fit_with_many_stars_ends)
{
	char form[64];

	ck_assert(!attribute_may_fit("eui64",
		"*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0*0", form, sizeof(form)));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("attributes");
	TCase *c = tcase_create("forms");

	tcase_add_loop_test(c, attribute_may_fit_what_can_be_written, 0,
		sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(c, attribute_may_fit_with_many_stars_ends);
	suite_add_tcase(s, c);
	return unit_run(s);
}
