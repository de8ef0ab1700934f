/* Every code that a failure can have is in the list of what helps, once and in the
 * order of the codes, and what a person is offered does help. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/err.h"
#include "gateway/admin/remedies.h"
#include "gateway/admin/remedy.h"

static const int codes[] = {
#define CODE(name, number, klass, text) number,
	ERR_MAP(CODE)
#undef CODE
};

static const int listed[] = {
#define CODE(name, remedy) ERR_##name,
	REMEDY_CODES(CODE)
#undef CODE
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

START_TEST(remedies_list_every_code_in_its_order)
{
	for (size_t i = 0; i < COUNT(codes) && i < COUNT(listed); i++)
		ck_assert_msg(codes[i] == listed[i], "remedies.h: %s is where "
			"%s should be", err_name(listed[i]),
			err_name(codes[i]));
	ck_assert_uint_eq(COUNT(codes), COUNT(listed));
}
END_TEST

static const char *const texts[] = {
#define TEXT(name, act, text) text,
	REMEDY_MAP(TEXT)
#undef TEXT
};

START_TEST(remedies_are_sentences_that_fit)
{
	const char *text = texts[_i];
	size_t len = strlen(text);

	ck_assert_msg(len >= 10 && len < 200, "%s", text);
	ck_assert_msg(text[len - 1] != '.' && text[len - 1] != ' ', "%s", text);
	for (size_t i = 0; i < len; i++)
		ck_assert_msg(text[i] >= ' ' && text[i] <= '~', "%s", text);
}
END_TEST

/* What this person can do, and what would only fail again. */
static const struct {
	int code;
	enum remedy_act act;
	const char *says;
} rows[] = {
	{ERR_ZIGBEE_NOT_FOR, REMEDY_ACT_CLASSIFY, "class"},
	{ERR_ZIGBEE_DOWNGRADE, REMEDY_ACT_DOWNGRADE, "admin"},
	{ERR_ZIGBEE_REFUSED, REMEDY_ACT_NOTHING, "vendor"},
	{ERR_ZIGBEE_OLD_VERSION, REMEDY_ACT_RETRY, "battery"},
	{ERR_ZIGBEE_SILENT, REMEDY_ACT_RETRY, "power"},
	{ERR_OTA_FILE_SIZE, REMEDY_ACT_NOTHING, "OTA file"},
	{ERR_TRUST_REVOKED, REMEDY_ACT_NOTHING, "another key"},
	{ERR_TRUST_SUIT_SEQUENCE, REMEDY_ACT_DOWNGRADE, "admin"},
	{ERR_TRUST_OFFER_WITHDRAWN, REMEDY_ACT_NOTHING, "next release"},
	{ERR_TRUST_OFFER_PAYLOAD_DIGEST, REMEDY_ACT_NOTHING, "CDN"},
	{ERR_TRUST_SUIT_CLASS, REMEDY_ACT_CLASSIFY, "class"},
	{ERR_JOB_TIER, REMEDY_ACT_RETRY, "tiers"},
	{ERR_JOB_TRANSFER_LIMIT, REMEDY_ACT_RETRY, "transfer_limit_s"},
	{ERR_SMP_TIMEOUT, REMEDY_ACT_RETRY, "framing"},
	{ERR_SMP_REVERTED, REMEDY_ACT_RETRY, "vendor"},
	{ERR_SMP_BOOT_REFUSED, REMEDY_ACT_NOTHING, "bootloader"},
	{ERR_SMP_DOWNGRADE, REMEDY_ACT_NOTHING, "newer"},
	{ERR_DELEGATE_CHANGED, REMEDY_ACT_NOTHING, "who"},
	{-ENOSPC, REMEDY_ACT_RETRY, "state_dir"},
	{-EACCES, REMEDY_ACT_RETRY, "right"},
	{-ENODEV, REMEDY_ACT_RETRY, "plug"},
	{-EXDEV, REMEDY_ACT_RETRY, "log"},
	{0, REMEDY_ACT_NOTHING, "nothing"},
};

START_TEST(remedy_of_a_code_is_what_helps)
{
	const struct remedy *r = remedy_of(rows[_i].code);

	ck_assert_msg(r->act == rows[_i].act, "%s: %d", err_name(rows[_i].code),
		(int)r->act);
	ck_assert_msg(strstr(r->text, rows[_i].says), "%s: %s",
		err_name(rows[_i].code), r->text);
}
END_TEST

START_TEST(remedy_of_nothing_to_do_here_does_not_name_retry)
{
	const struct remedy *r = remedy_of(codes[_i]);

	if (r->act == REMEDY_ACT_NOTHING)
		ck_assert_msg(!strstr(r->text, "then ferryctl retry") &&
			!strstr(r->text, "Then ferryctl retry"), "%s: %s",
			err_name(codes[_i]), r->text);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("remedy");
	TCase *c = tcase_create("remedy");

	tcase_add_test(c, remedies_list_every_code_in_its_order);
	tcase_add_loop_test(c, remedies_are_sentences_that_fit, 0,
		(int)COUNT(texts));
	tcase_add_loop_test(c, remedy_of_a_code_is_what_helps, 0,
		(int)COUNT(rows));
	tcase_add_loop_test(c, remedy_of_nothing_to_do_here_does_not_name_retry,
		0, (int)COUNT(codes));
	suite_add_tcase(s, c);
	return unit_run(s);
}
