#include "tools/publish/author_set.h"

#include <errno.h>

#include "tools/publish/say.h"

uint64_t author_until(uint64_t a, uint64_t b)
{
	if (!a || !b)
		return a ? a : b;
	return a < b ? a : b;
}

static int set_add(const struct publisher *p, const char *key,
	const char *chain, struct author_set *set)
{
	struct author *author = &set->of[set->count];
	int err;

	if (set->count == AUTHOR_SET_MAX)
		return complain(-E2BIG, key, "--cosign",
			"at most %d authors sign a release", AUTHOR_SET_MAX);
	err = author_open(p, key, chain, author);
	if (err)
		return err;
	for (unsigned i = 0; i < set->count; i++)
		if (cose_key_equal(&set->of[i].key.public,
				&author->key.public)) {
			author_done(author);
			return complain(-EEXIST, key, "--cosign",
				"this key signs already");
		}
	/* The certificates of author_open() point into the struct itself. */
	set->by[set->count++] = author->signing;
	set->until = author_until(set->until, author->until);
	return 0;
}

/* The chain among `chains` whose leaf has the key of the file `path`. */
static int chain_find(const char *path, const char *const *chains,
	size_t count, const char **ret)
{
	struct key key;
	int err = count ? key_open(path, &key) : 0;

	*ret = NULL;
	if (err || !count)
		return err;
	for (size_t i = 0; !err && !*ret && i < count; i++) {
		struct pki_chain chain;
		struct x509_facts facts;

		err = pki_chain_read(chains[i], &chain);
		if (err)
			break;
		if (chain.count && x509_read(chain.certs[0], &facts) == 0 &&
				facts.has_key &&
				cose_key_equal(&facts.key, &key.public))
			*ret = chains[i];
		pki_chain_done(&chain);
	}
	key_done(&key);
	return err;
}

int author_set_open(const struct publisher *p, const struct cli *cli,
	struct author_set *ret)
{
	const char *const *keys, *const *chains;
	size_t count = cli_all(cli, "cosign", &keys);
	size_t chain_count = cli_all(cli, "cosign-chain", &chains);
	size_t used = 0;
	int err;

	*ret = (struct author_set){0};
	err = set_add(p, cli_get(cli, "key"), cli_get(cli, "chain"), ret);
	for (size_t i = 0; !err && i < count; i++) {
		const char *chain;

		err = chain_find(keys[i], chains, chain_count, &chain);
		used += chain != NULL;
		if (!err)
			err = set_add(p, keys[i], chain, ret);
	}
	if (!err && used < chain_count)
		err = complain(-EINVAL, cli->verb->name, "--cosign-chain",
			"belongs to no key of --cosign");
	if (err)
		author_set_done(ret);
	return err;
}

void author_set_done(struct author_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		author_done(&set->of[i]);
	*set = (struct author_set){0};
}
