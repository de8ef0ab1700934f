#include "tests/unit/unit.h"
#include "tools/sim/switches.h"

static const struct {
	const char *text;
	int ok;
	enum switch_id id;
	bool on;
	uint64_t value;
	uint32_t every, times;
} rows[] = {
	{"v1-only", 1, SW_V1_ONLY, true, 1, 1, 0},
	{"v1-only=on", 1, SW_V1_ONLY, true, 1, 1, 0},
	{"v1-only=off", 1, SW_V1_ONLY, false, 1, 1, 0},
	{"busy", 1, SW_BUSY, true, 3, 3, 0},
	{"busy=5", 1, SW_BUSY, true, 5, 5, 0},
	{"busy=1:4", 1, SW_BUSY, true, 1, 1, 4},
	{"busy:4", 1, SW_BUSY, true, 3, 3, 4},
	{"slow-erase=1500ms", 1, SW_SLOW_ERASE, true, 1500000, 1, 0},
	{"slow-erase=40s", 1, SW_SLOW_ERASE, true, 40000000, 1, 0},
	{"late=3s/10:2", 1, SW_LATE, true, 3000000, 10, 2},
	{"restart=7:0", 1, SW_RESTART, true, 7, 7, 0},
	{"restart=7", 1, SW_RESTART, true, 7, 7, 1},
	{"cbor", 1, SW_CBOR, true, 15, 1, 0},
	{"cbor=shuffled+rc0", 1, SW_CBOR, true, 10, 1, 0},
	{"finished=over", 1, SW_FINISHED, true, 0, 1, 0},
	{"finished=match", 1, SW_FINISHED, true, 1, 1, 0},
	{"image-errors=erase.13", 1, SW_IMAGE_ERRORS, true, 13, 1, 1},
	{"image-errors=27:9", 1, SW_IMAGE_ERRORS, true, 27, 1, 9},
	{"tiny-buffer=128", 1, SW_TINY_BUFFER, true, 128, 1, 0},
	{"buzy", 0, SW_COUNT, false, 0, 0, 0},
	{"busy=0", 0, SW_COUNT, false, 0, 0, 0},
	{"busy=x", 0, SW_COUNT, false, 0, 0, 0},
	{"busy=3/0", 0, SW_COUNT, false, 0, 0, 0},
	{"v1-only=1", 0, SW_COUNT, false, 0, 0, 0},
	{"cbor=fancy", 0, SW_COUNT, false, 0, 0, 0},
	{"slow-erase=1m", 0, SW_COUNT, false, 0, 0, 0},
	{"slow-erase=99999999s", 0, SW_COUNT, false, 0, 0, 0},
	{"tiny-buffer=99999999999", 0, SW_COUNT, false, 0, 0, 0},
	{"", 0, SW_COUNT, false, 0, 0, 0},
};

START_TEST(set_by_text)
{
	struct fault fault = {0};
	struct switches s;
	enum switch_id id = SW_COUNT;
	int err;

	switches_init(&s);
	err = switches_set(&s, rows[_i].text, &id, &fault);
	ck_assert_msg((err == 0) == rows[_i].ok, "%s: %d", rows[_i].text, err);
	ck_assert_msg((fault.code != 0) == !rows[_i].ok, "%s", rows[_i].text);
	if (err)
		return;
	ck_assert_msg(id == rows[_i].id && s.s[id].on == rows[_i].on &&
			      s.s[id].value == rows[_i].value &&
			      s.s[id].every == rows[_i].every &&
			      s.s[id].times == rows[_i].times,
		"%s", rows[_i].text);
}
END_TEST

START_TEST(fires_every_nth_so_many_times)
{
	struct switches s;
	char got[11] = {0};

	switches_init(&s);
	ck_assert(!switch_fires(&s, SW_BUSY));
	ck_assert_int_eq(switches_set(&s, "busy=3:2", NULL, NULL), 0);
	for (int i = 0; i < 10; i++)
		got[i] = switch_fires(&s, SW_BUSY) ? 'x' : '.';
	ck_assert_str_eq(got, "..x..x....");
}
END_TEST

START_TEST(names_are_unique)
{
	for (int i = 0; i < SW_COUNT; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(switch_name((enum switch_id)i),
				switch_name((enum switch_id)j));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools.sim_switches");
	TCase *c = tcase_create("switches");

	tcase_add_loop_test(
		c, set_by_text, 0, (int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(c, fires_every_nth_so_many_times);
	tcase_add_test(c, names_are_unique);
	suite_add_tcase(s, c);
	return unit_run(s);
}
