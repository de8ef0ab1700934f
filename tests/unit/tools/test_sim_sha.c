#include "tests/unit/unit.h"
#include "tools/sim/sha.h"

#define ALL 2000u

static uint8_t data[ALL];

static void hash_in_pieces(size_t piece, uint8_t ret_digest[SHA_LEN])
{
	struct sha s;

	sha_init(&s);
	for (size_t at = 0; at < ALL; at += piece)
		sha_add(&s, data + at, ALL - at < piece ? ALL - at : piece);
	ck_assert(sha_end(&s, ret_digest));
}

/* Around the 512 bytes that are gathered, and blocks as devices ask for them. */
static const size_t pieces[] = {1, 50, 63, 255, 256, 257, 511, 512, 513, 1999};

START_TEST(sha_add_in_pieces_hashes_the_same)
{
	uint8_t whole[SHA_LEN], parts[SHA_LEN];

	for (size_t i = 0; i < ALL; i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8));
	hash_in_pieces(ALL, whole);
	hash_in_pieces(pieces[_i], parts);
	ck_assert_mem_eq(parts, whole, SHA_LEN);
}
END_TEST

/* FIPS 180-2, B.1. */
START_TEST(sha_end_after_a_short_text_is_its_digest)
{
	static const uint8_t want[SHA_LEN] = {0xba, 0x78, 0x16, 0xbf, 0x8f,
		0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22,
		0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4,
		0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	uint8_t digest[SHA_LEN];
	struct sha s;

	sha_init(&s);
	sha_add(&s, "ab", 2);
	sha_add(&s, "", 0);
	sha_add(&s, "c", 1);
	ck_assert(sha_end(&s, digest));
	ck_assert_mem_eq(digest, want, SHA_LEN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tools.sim_sha");
	TCase *c = tcase_create("sha");

	tcase_add_loop_test(c, sha_add_in_pieces_hashes_the_same, 0,
		(int)(sizeof(pieces) / sizeof(pieces[0])));
	tcase_add_test(c, sha_end_after_a_short_text_is_its_digest);
	suite_add_tcase(s, c);
	return unit_run(s);
}
