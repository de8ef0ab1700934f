#include "tools/sim/sha.h"

void sha_init(struct sha *s)
{
	*s = (struct sha){.op = psa_hash_operation_init()};
	s->failed = psa_crypto_init() != PSA_SUCCESS ||
		    psa_hash_setup(&s->op, PSA_ALG_SHA_256) != PSA_SUCCESS;
}

static void hash(struct sha *s, const void *at, size_t len)
{
	if (!s->failed && len > 0)
		s->failed = psa_hash_update(&s->op, at, len) != PSA_SUCCESS;
}

void sha_add(struct sha *s, const void *at, size_t len)
{
	if (len > sizeof(s->gathered) - s->gathered_len) {
		hash(s, s->gathered, s->gathered_len);
		s->gathered_len = 0;
	}
	if (len > sizeof(s->gathered)) {
		hash(s, at, len);
	} else if (len > 0) {
		memcpy(s->gathered + s->gathered_len, at, len);
		s->gathered_len += len;
	}
}

bool sha_end(struct sha *s, uint8_t ret_digest[SHA_LEN])
{
	size_t len = 0;

	hash(s, s->gathered, s->gathered_len);
	s->gathered_len = 0;
	if (s->failed || psa_hash_finish(&s->op, ret_digest, SHA_LEN, &len) !=
				 PSA_SUCCESS) {
		psa_hash_abort(&s->op);
		return false;
	}
	return len == SHA_LEN;
}
