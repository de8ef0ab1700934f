/* Verifies signatures of one parameter set for a second of processor time:
 *
 *     hss-bench HEIGHT-TYPE OTS-TYPE LEVELS
 *     hss-bench ecdsa
 *
 * prints how many a second, and how many bytes one has. ECDSA is what stands
 * beside it: P-256, a signature that does not verify, which costs the same. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "policy/trust/crypto.h"
#include "tests/unit/policy/hss_maker.h"

#define MESSAGES 32

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The chains of a signature are as long as its message says, so that one alone
 * would say little. */
static int bench_hss(const struct hss_maker *maker)
{
	uint8_t pub[HSS_PUBLIC_LEN];
	struct buf sigs[MESSAGES];
	uint8_t n[MESSAGES];
	unsigned count = 0;
	double start, took;

	for (unsigned i = 0; i < MESSAGES; i++) {
		n[i] = (uint8_t)i;
		buf_init(&sigs[i], HSS_SIGNATURE_MAX);
		hss_maker_sign(maker, bytes_of(&n[i], 1), pub, &sigs[i]);
	}
	start = cpu_s();
	do {
		struct bytes message = bytes_of(&n[count % MESSAGES], 1);

		if (hss_verify(bytes_of(pub, sizeof(pub)), &message, 1,
			    buf_bytes(&sigs[count % MESSAGES])))
			return EXIT_FAILURE;
		took = cpu_s() - start;
	} while (++count % MESSAGES || took < 1);
	printf("%.1f %zu\n", count / took, sigs[0].len);
	for (unsigned i = 0; i < MESSAGES; i++)
		buf_done(&sigs[i]);
	return EXIT_SUCCESS;
}

/* The generator of P-256 (SEC 2 section 2.4.2) is a public key, too. */
static int bench_ecdsa(void)
{
	static const char point_hex[] =
		"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2"
		"964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf"
		"51f5";
	uint8_t signature[64] = {1, [32] = 1};
	uint8_t digest[32] = {3};
	uint8_t point[64];
	unsigned count = 0;
	double start, took;

	bytes_from_hex(point_hex, point, sizeof(point));
	start = cpu_s();
	do {
		if (crypto_ecdsa_verify(CRYPTO_P256,
			    bytes_of(point, sizeof(point)), CRYPTO_SHA256,
			    bytes_of(digest, sizeof(digest)),
			    bytes_of(signature, sizeof(signature))) !=
			ERR_TRUST_COSE_SIGNATURE)
			return EXIT_FAILURE;
		count++;
		took = cpu_s() - start;
	} while (took < 1);
	printf("%.1f %zu\n", count / took, sizeof(signature));
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct hss_maker maker;

	if (crypto_init())
		return EXIT_FAILURE;
	if (argc == 2 && strcmp(argv[1], "ecdsa") == 0)
		return bench_ecdsa();
	if (argc != 4)
		return 2;
	maker = hss_maker_of((unsigned)atoi(argv[3]), (uint32_t)atoi(argv[1]),
		(uint32_t)atoi(argv[2]));
	return bench_hss(&maker);
}
