#include "tests/unit/gateway/cached_image.h"

#include "gateway/daemon/bundle.h"

static uint8_t blob[4096];

/* What on_ready said last. */
static struct {
	int calls;
	int status;
	char field[sizeof(((struct fault *)0)->field)];
} said;

static void on_ready(void *arg, int status, const struct fault *fault)
{
	ck_assert_ptr_eq(arg, &said);
	said.calls++;
	said.status = status;
	memcpy(said.field, fault->field, sizeof(said.field));
}

/* Of a file in the cache that is no envelope. */
static struct bundle *open_bundle(void)
{
	static const uint8_t key[32];
	static const struct device_class klass;
	static const struct lasthop_hub hub;
	struct bundle_setup setup = {
		.cache = cache,
		.loop = &test_loop,
		.klass = &klass,
		.envelope = digest,
		.image = digest,
		.image_len = sizeof(blob),
		.hub = &hub,
		.key = bytes_of(key, sizeof(key)),
		.on_ready = on_ready,
		.arg = &said,
	};
	struct bundle *b = NULL;

	ck_assert_int_eq(bundle_open(&setup, &b), 0);
	return b;
}

static void setup(void)
{
	cached_image_setup(blob, sizeof(blob));
	memset(&said, 0, sizeof(said));
}

START_TEST(test_bundle_close_while_the_envelope_is_read_says_nothing)
{
	bundle_close(open_bundle());
	uv_run(&test_loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(said.calls, 0);
}
END_TEST

START_TEST(test_bundle_open_of_no_envelope_names_the_field)
{
	struct bundle *b = open_bundle();

	uv_run(&test_loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(said.calls, 1);
	ck_assert_int_lt(said.status, 0);
	ck_assert_str_ne(said.field, "");
	ck_assert(!bundle_is_ready(b));
	bundle_close(b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bundle");
	TCase *c = tcase_create("life");

	tcase_add_checked_fixture(c, setup, cached_image_teardown);
	tcase_add_test(c,
		test_bundle_close_while_the_envelope_is_read_says_nothing);
	tcase_add_test(c, test_bundle_open_of_no_envelope_names_the_field);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
