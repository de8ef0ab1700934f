#include "tests/unit/unit.h"

#include "base/nearest.h"

static const struct row {
	const char *word;
	const char *known[8];
	const char *text;
} rows[] = {
	{"modell", {"manufacturer", "kind", "model"},
		"; did you mean 'model'?"},
	{"mdoel", {"manufacturer", "kind", "model"},
		"; did you mean 'model'?"},
	{"Model", {"manufacturer", "kind", "model"},
		"; did you mean 'model'?"},
	{"odel", {"manufacturer", "kind", "model"},
		"; did you mean 'model'?"},
	{"block_most", {"block_max", "block_min", "wait_s"},
		"; did you mean 'block_max' or 'block_min'?"},
	{"vid", {"path", "usb_vid", "usb_pid", "usb_serial"},
		"; did you mean 'usb_vid'?"},
	{"version", {"file_version", "hw_version", "kind"},
		"; did you mean 'file_version' or 'hw_version'?"},
	/* One that is right but for a letter is not named beside far ones. */
	{"erase_m", {"answer_ms", "erase_ms", "last_ms"},
		"; did you mean 'erase_ms'?"},
	{"aab", {"aaa", "aac", "aad", "aae"},
		"; did you mean 'aaa', 'aac' or 'aad'?"},
	{"colour", {"port", "baud"}, "; known are port, baud"},
	{"colour", {"port", "baud", "port"}, "; known are port, baud"},
	{"", {"port", "baud"}, "; known are port, baud"},
	{"colour", {NULL}, ""},
	{"\xff\xfe\xfd", {"port"}, "; known are port"},
};

START_TEST(text_by_row)
{
	const struct row *row = &rows[_i];
	struct nearest n;

	nearest_init(&n, bytes_of_text(row->word));
	for (int i = 0; i < 8 && row->known[i]; i++)
		nearest_offer(&n, row->known[i]);
	ck_assert_msg(!strcmp(nearest_text(&n), row->text), "%s: \"%s\"",
		row->word, nearest_text(&n));
}
END_TEST

START_TEST(text_of_long_words_is_cut)
{
	char word[100], known[3][100];
	struct nearest n;

	memset(word, 'a', sizeof(word));
	nearest_init(&n, bytes_of(word, sizeof(word)));
	for (int i = 0; i < 3; i++) {
		memset(known[i], 'a', sizeof(known[i]) - 1);
		known[i][0] = (char)('b' + i);
		known[i][99] = '\0';
		nearest_offer(&n, known[i]);
	}
	ck_assert_uint_lt(strlen(nearest_text(&n)), NEAREST_TEXT_SIZE);
	ck_assert_ptr_nonnull(strstr(nearest_text(&n), "caa"));
	ck_assert_int_eq(nearest_text(&n)[strlen(nearest_text(&n)) - 1], '?');
}
END_TEST

START_TEST(text_lists_as_many_as_fit)
{
	char known[40][12];
	struct nearest n;

	nearest_init(&n, bytes_of_text("zzzzzzzz"));
	for (int i = 0; i < 40; i++) {
		snprintf(known[i], sizeof(known[i]), "setting%02d", i);
		nearest_offer(&n, known[i]);
	}
	ck_assert_uint_lt(strlen(nearest_text(&n)), NEAREST_TEXT_SIZE);
	ck_assert_str_eq(nearest_text(&n), "; known are setting00, setting01, "
		"setting02, setting03, setting04, setting05, setting06, "
		"setting07, setting08, ...");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base.nearest");
	TCase *c = tcase_create("nearest");

	tcase_add_loop_test(c, text_by_row, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(c, text_of_long_words_is_cut);
	tcase_add_test(c, text_lists_as_many_as_fit);
	suite_add_tcase(s, c);
	return unit_run(s);
}
