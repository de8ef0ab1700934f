/* All authors that sign a release at once: the first by --key and --chain, more
 * by --cosign and --cosign-chain.
 *
 * author_set_open() to author_set_done(); the set must not move meanwhile.
 * Functions that fail have said why. */
#ifndef FERRY_PUBLISH_AUTHOR_SET_H
#define FERRY_PUBLISH_AUTHOR_SET_H

#include "tools/publish/author.h"
#include "tools/publish/cli.h"

#define AUTHOR_SET_MAX 8

#define AUTHOR_OPTIONS \
	{"key", "FILE", false, "author's key (default keys/author/key.pem)"}, \
	{"chain", "FILE", false, "its certificates (default" \
		" keys/author/chain.pem)"}, \
	{"cosign", "FILE", true, "key of one more author that signs"}, \
	{"cosign-chain", "FILE", true, "certificates of a key of --cosign;" \
		" without, it signs as a bare key"}

struct author_set {
	struct author of[AUTHOR_SET_MAX];
	struct cose_signing by[AUTHOR_SET_MAX];
	unsigned count;
	uint64_t until; /* the earliest end of a chain; 0: bare keys only */
};

int author_set_open(const struct publisher *p, const struct cli *cli,
	struct author_set *ret);
void author_set_done(struct author_set *set);

/* The earlier of two ends, where 0 is none. */
uint64_t author_until(uint64_t a, uint64_t b);

#endif
