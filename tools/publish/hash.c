#include "tools/publish/hash.h"

#include <errno.h>
#include <stdlib.h>

#include <psa/crypto.h>

#include "tools/publish/say.h"

struct hash {
	enum crypto_hash algorithm;
	psa_hash_operation_t operation;
};

static int check(psa_status_t status, const char *what)
{
	if (status == PSA_SUCCESS)
		return 0;
	return complain(-EIO, NULL, what, "the crypto library answers %d",
		(int)status);
}

struct hash *hash_new(enum crypto_hash algorithm)
{
	static const psa_algorithm_t algorithms[] = {
		[CRYPTO_SHA256] = PSA_ALG_SHA_256,
		[CRYPTO_SHA384] = PSA_ALG_SHA_384,
		[CRYPTO_SHA512] = PSA_ALG_SHA_512,
	};
	struct hash *hash = calloc(1, sizeof(*hash));

	if (!hash)
		return NULL;
	hash->algorithm = algorithm;
	hash->operation = psa_hash_operation_init();
	if (check(psa_hash_setup(&hash->operation, algorithms[algorithm]),
			"SHA-2")) {
		free(hash);
		return NULL;
	}
	return hash;
}

int hash_add(struct hash *hash, struct bytes piece)
{
	return check(psa_hash_update(&hash->operation, piece.at, piece.len),
		"SHA-2");
}

int hash_finish(struct hash *hash, uint8_t *ret)
{
	size_t len;

	return check(psa_hash_finish(&hash->operation, ret,
		crypto_hash_len(hash->algorithm), &len),
		"SHA-2");
}

void hash_free(struct hash *hash)
{
	if (!hash)
		return;
	psa_hash_abort(&hash->operation);
	free(hash);
}

int hash_sha1(struct bytes first, struct bytes second, uint8_t ret[20])
{
	psa_hash_operation_t operation = psa_hash_operation_init();
	size_t len;
	psa_status_t status = psa_hash_setup(&operation, PSA_ALG_SHA_1);

	if (status == PSA_SUCCESS)
		status = psa_hash_update(&operation, first.at, first.len);
	if (status == PSA_SUCCESS)
		status = psa_hash_update(&operation, second.at, second.len);
	if (status == PSA_SUCCESS)
		status = psa_hash_finish(&operation, ret, 20, &len);
	psa_hash_abort(&operation);
	return check(status, "SHA-1");
}

int random_bytes(uint8_t *at, size_t len)
{
	return check(psa_generate_random(at, len), "random");
}
