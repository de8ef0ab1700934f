#include "tests/unit/unit.h"

#include "policy/trust/crypto_secret.h"

/* RFC 3394 section 4.1 and 4.6. */
START_TEST(crypto_key_wrap_rfc3394_known_answers)
{
	static const struct {
		const char *kek, *key, *wrapped;
	} rows[] = {
		{"000102030405060708090A0B0C0D0E0F",
			"00112233445566778899AABBCCDDEEFF",
			"1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"},
		{"000102030405060708090A0B0C0D0E0F"
		 "101112131415161718191A1B1C1D1E1F",
			"00112233445566778899AABBCCDDEEFF"
			"000102030405060708090A0B0C0D0E0F",
			"28C9F404C4B810F4CBCCB35CFB87F826"
			"3F5786E2D80ED326CBC7F0E71A99F43B"
			"FB988B9B7A02DD21"},
	};

	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(rows[i].key) / 2;
		uint8_t kek[32], key[32], wrapped[40], out[40];

		bytes_from_hex(rows[i].kek, kek, len);
		bytes_from_hex(rows[i].key, key, len);
		bytes_from_hex(rows[i].wrapped, wrapped, len + 8);
		ck_assert_int_eq(crypto_key_wrap(bytes_of(kek, len),
					 bytes_of(key, len), out),
			0);
		ck_assert_mem_eq(out, wrapped, len + 8);
		ck_assert_int_eq(crypto_key_unwrap(bytes_of(kek, len),
					 bytes_of(wrapped, len + 8), out),
			0);
		ck_assert_mem_eq(out, key, len);
		wrapped[3] ^= 1;
		ck_assert_int_eq(crypto_key_unwrap(bytes_of(kek, len),
					 bytes_of(wrapped, len + 8), out),
			ERR_TRUST_ENCRYPT_UNWRAP);
	}
}
END_TEST

START_TEST(crypto_key_unwrap_odd_length_is_refused)
{
	static const size_t lens[] = {0, 8, 16, 23, 25, 48};
	uint8_t kek[16] = {0}, in[48] = {0}, out[48];

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		ck_assert_int_eq(crypto_key_unwrap(bytes_of(kek, 16),
					 bytes_of(in, lens[i]), out),
			ERR_TRUST_ENCRYPT_UNWRAP);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("key_wrap");
	TCase *tc = tcase_create("key_wrap");

	if (crypto_init())
		return EXIT_FAILURE;
	tcase_add_test(tc, crypto_key_wrap_rfc3394_known_answers);
	tcase_add_test(tc, crypto_key_unwrap_odd_length_is_refused);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
