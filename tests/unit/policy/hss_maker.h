/* Makes HSS keys and signatures of any parameter set in milliseconds, for tests
 * and benchmarks: every tree has one real leaf, and its path is made up first,
 * so that a tree of height 25 costs no more than one of height 5. Aborts when
 * it cannot. Knows nothing that a signer must keep secret. */
#ifndef FERRY_TESTS_UNIT_POLICY_HSS_MAKER_H
#define FERRY_TESTS_UNIT_POLICY_HSS_MAKER_H

#include "base/buf.h"
#include "policy/trust/hss.h"

struct hss_maker {
	unsigned levels;
	uint32_t tree_types[HSS_LEVELS_MAX];
	uint32_t ots_types[HSS_LEVELS_MAX];
	uint32_t leaf; /* of every level */
};

/* All levels alike. */
struct hss_maker hss_maker_of(
	unsigned levels, uint32_t tree_type, uint32_t ots_type);

/* Appends the signature to `ret_signature`. */
void hss_maker_sign(const struct hss_maker *maker, struct bytes message,
	uint8_t ret_pub[HSS_PUBLIC_LEN], struct buf *ret_signature);

#endif
