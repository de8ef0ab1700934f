/* Which tables of drivers are admitted, and with what. */
#include "tests/unit/unit.h"

#include "tests/unit/transports/fake.h"

START_TEST(admit_of_an_older_table_offers_less)
{
	struct {
		struct ferry_driver table;
		uint8_t canary[64];
	} older = {.table = *fake_table()};
	struct transport_driver *d;
	const struct ferry_driver *t;

	older.table.size = offsetof(struct ferry_driver, set);
	older.table.set = (int (*)(void *, uint64_t, uint64_t,
		const struct ferry_kv *, uint32_t))(uintptr_t)1;
	ck_assert_int_eq(transport_driver_admit(&older.table, &d, NULL), 0);
	t = transport_driver_table(d);
	ck_assert_ptr_nonnull((const void *)(uintptr_t)t->send);
	ck_assert_ptr_null((const void *)(uintptr_t)t->set);
	ck_assert_ptr_null((const void *)(uintptr_t)t->on_wake);
	transport_driver_free(d);
}
END_TEST

START_TEST(admit_of_a_newer_table_takes_what_it_knows)
{
	struct {
		struct ferry_driver table;
		uint8_t more[64];
	} newer = {.table = *fake_table()};
	struct transport_driver *d;

	newer.table.size = sizeof(newer);
	newer.table.abi = FERRY_ABI + 7;
	ck_assert_int_eq(transport_driver_admit(&newer.table, &d, NULL), 0);
	transport_driver_free(d);
}
END_TEST

START_TEST(admit_names_what_is_wrong)
{
	struct ferry_driver t[8];
	static const struct {
		const char *field;
		int code;
	} want[8] = {
		{"size", ERR_TRANSPORT_ABI},
		{"abi", ERR_TRANSPORT_ABI},
		{"name", ERR_TRANSPORT_ABI},
		{"caps", ERR_TRANSPORT_ABI},
		{"params", ERR_TRANSPORT_ABI},
		{"stop", ERR_TRANSPORT_OPERATION},
		{"send", ERR_TRANSPORT_OPERATION},
		{"cancel_bound_ms", ERR_TRANSPORT_ABI},
	};
	struct transport_driver *d;
	struct fault fault;
	unsigned i;

	for (i = 0; i < 8; i++)
		t[i] = *fake_table();
	t[0].size = 64;
	t[1].abi = 2u << 16;
	t[2].name = "Fake!";
	t[3].caps = FERRY_CAP_PEERS;
	t[4].param_count = 1;
	t[5].stop = NULL;
	t[6].send = NULL;
	t[7].cancel_bound_ms = 100000;
	for (i = 0; i < 8; i++) {
		memset(&fault, 0, sizeof(fault));
		ck_assert_int_eq(transport_driver_admit(&t[i], &d, &fault),
			want[i].code);
		ck_assert_str_eq(fault.field, want[i].field);
	}
	ck_assert_int_eq(
		transport_driver_admit(NULL, &d, NULL), ERR_TRANSPORT_ABI);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("transports.host_admit");
	TCase *c = tcase_create("admit");

	tcase_add_test(c, admit_of_an_older_table_offers_less);
	tcase_add_test(c, admit_of_a_newer_table_takes_what_it_knows);
	tcase_add_test(c, admit_names_what_is_wrong);
	suite_add_tcase(s, c);
	return unit_run(s);
}
