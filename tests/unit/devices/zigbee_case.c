#include "tests/unit/devices/zigbee_case.h"

struct bench *b;

void case_setup(void)
{
	b = calloc(1, sizeof(*b));
	ck_assert_ptr_nonnull(b);
}

void case_teardown(void)
{
	bench_done(b);
	free(b);
}

int case_run(const char *name, void (*add)(TCase *))
{
	Suite *s = suite_create(name);
	TCase *c = tcase_create(name);

	tcase_add_checked_fixture(c, case_setup, case_teardown);
	tcase_set_timeout(c, 60);
	add(c);
	suite_add_tcase(s, c);
	return unit_run(s);
}

struct zigbee_ota_counts case_counts(void)
{
	struct zigbee_ota_counts c;

	zigbee_ota_counts(b->engine, &c);
	return c;
}

void case_expect_sent(unsigned n, const char *hex)
{
	const struct bench_frame *f = bench_log(b, n);
	char text[2 * ZCL_ASDU_MAX + 1];

	bytes_to_hex(bytes_of(f->data, f->len), text, sizeof(text));
	ck_assert_str_eq(text, hex);
}

void case_settle(void)
{
	bench_run_until(b, b->now_ms + 1);
}

void case_begin_transfer(const char *options)
{
	bench_init(b, 1, CASE_LEN, options);
	b->devices[0].stops_at = 500;
	bench_offer(b, 0);
	bench_run_until(b, b->now_ms + 2000);
	ck_assert_uint_eq(b->devices[0].offset, 500);
	ck_assert_uint_eq(bench_job(b, 0)->stages, BIT(TRANSFER));
}
