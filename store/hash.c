#include "store/hash.h"

#include <errno.h>
#include <stdlib.h>

#include <psa/crypto.h>

struct store_hash {
	psa_hash_operation_t op;
	bool running;
	bool failed;
};

int store_hash_setup(void)
{
	return psa_crypto_init() == PSA_SUCCESS ? 0 : -EIO;
}

struct store_hash *store_hash_new(void)
{
	return calloc(1, sizeof(struct store_hash));
}

void store_hash_free(struct store_hash *h)
{
	if (!h)
		return;
	psa_hash_abort(&h->op);
	free(h);
}

static void begin(struct store_hash *h)
{
	if (h->running || h->failed)
		return;
	h->op = psa_hash_operation_init();
	h->failed = psa_hash_setup(&h->op, PSA_ALG_SHA_256) != PSA_SUCCESS;
	h->running = !h->failed;
}

void store_hash_add(struct store_hash *h, struct bytes bytes)
{
	begin(h);
	if (h->failed || bytes.len == 0)
		return;
	if (psa_hash_update(&h->op, bytes.at, bytes.len) != PSA_SUCCESS)
		h->failed = true;
}

int store_hash_end(struct store_hash *h, uint8_t ret_digest[STORE_HASH_LEN])
{
	uint8_t digest[STORE_HASH_LEN];
	size_t len = 0;
	bool good;

	begin(h);
	good = !h->failed && psa_hash_finish(&h->op, digest, sizeof(digest),
				     &len) == PSA_SUCCESS;
	psa_hash_abort(&h->op);
	h->running = false;
	h->failed = false;
	if (!good || len != sizeof(digest))
		return -EIO;
	memcpy(ret_digest, digest, sizeof(digest));
	return 0;
}

int store_hash_once(struct bytes bytes, uint8_t ret_digest[STORE_HASH_LEN])
{
	size_t len = 0;

	if (psa_hash_compute(PSA_ALG_SHA_256, bytes.at, bytes.len, ret_digest,
		    STORE_HASH_LEN, &len) != PSA_SUCCESS ||
		len != STORE_HASH_LEN)
		return -EIO;
	return 0;
}
