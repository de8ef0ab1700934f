#include "tools/publish/author.h"

#include <errno.h>
#include <stdio.h>

#include "tools/publish/say.h"
#include "tools/publish/when.h"

static int chain_open(const struct publisher *p, const char *path,
	struct author *author)
{
	char text[WHEN_TEXT_SIZE];
	int err = pki_chain_read(path, &author->chain);

	if (!err && author->chain.count == 0)
		err = complain(-EINVAL, path, NULL, "holds no certificate");
	if (!err)
		err = pki_match(author->chain.certs[0], path, &author->key);
	if (!err)
		err = pki_chain_end(&author->chain, path, &author->until);
	if (!err && author->until <= p->now)
		err = complain(-EINVAL, path, "not after", "ended at %s"
			" (ferry-publish pki author renews it)",
			when_format(author->until, text));
	author->signing.certs = author->chain.certs;
	author->signing.cert_count = (unsigned)author->chain.count;
	return err;
}

int author_open(const struct publisher *p, const char *key, const char *chain,
	struct author *ret)
{
	char path[FILES_PATH_SIZE];
	int err;

	*ret = (struct author){0};
	err = publisher_key(p, "author", key, &ret->key);
	if (!err)
		err = key_signing(&ret->key, p->vendor.unsplit_algorithms,
			ret->kid, &ret->signing);
	if (!err && !chain && !key) {
		err = publisher_path(p, path, "keys/author/chain.pem");
		if (file_exists(path))
			chain = path;
	}
	if (!err && chain)
		err = chain_open(p, chain, ret);
	if (err)
		author_done(ret);
	return err;
}

void author_done(struct author *author)
{
	key_done(&author->key);
	pki_chain_done(&author->chain);
	*author = (struct author){0};
}

int author_certify(const char *path, const struct vendor_conf *vendor,
	const struct key *key, const struct key *ca_key, struct bytes ca,
	uint64_t now, uint64_t days)
{
	char common_name[CONF_TEXT_SIZE + 32];
	struct pki_request request = {
		.use = PKI_SIGNING,
		.common_name = common_name,
		.organization = vendor->name,
		.not_before = now - CERT_CLOCK_SLACK_S,
		.not_after = now + days * WHEN_DAY,
		.subject_key = key,
		.issuer_key = ca_key,
		.issuer = ca,
	};
	struct bytes cert;
	struct buf der;
	int err;

	snprintf(common_name, sizeof(common_name), "%s author", vendor->name);
	buf_init(&der, PKI_CERT_MAX);
	err = pki_issue(&request, &der);
	cert = buf_bytes(&der);
	if (!err)
		err = pki_write(path, &cert, 1);
	buf_done(&der);
	return err;
}

static int leaf_make(const char *folder, const struct vendor_conf *vendor,
	enum crypto_curve curve, uint64_t now, const struct key *ca_key,
	struct bytes ca)
{
	char path[FILES_PATH_SIZE];
	struct key key;
	int err = path_format(path, "%s/author/key.pem", folder);

	if (!err)
		err = key_make(path, curve, &key);
	if (err)
		return err;
	err = path_format(path, "%s/author/chain.pem", folder);
	if (!err)
		err = author_certify(path, vendor, &key, ca_key, ca, now,
			AUTHOR_DAYS);
	key_done(&key);
	return err;
}

int author_ca_make(const char *folder, const struct vendor_conf *vendor,
	enum crypto_curve curve, uint64_t now, struct buf *ret_ca)
{
	char path[FILES_PATH_SIZE], common_name[CONF_TEXT_SIZE + 32];
	struct pki_request request = {
		.use = PKI_CA,
		.common_name = common_name,
		.organization = vendor->name,
		.not_before = now - CERT_CLOCK_SLACK_S,
		.not_after = now + AUTHOR_CA_DAYS * WHEN_DAY,
	};
	struct bytes cert;
	struct key key;
	int err = path_format(path, "%s/author-ca/key.pem", folder);

	if (!err)
		err = key_make(path, curve, &key);
	if (err)
		return err;
	snprintf(common_name, sizeof(common_name), "%s author CA",
		vendor->name);
	request.subject_key = &key;
	request.issuer_key = &key;
	err = pki_issue(&request, ret_ca);
	cert = buf_bytes(ret_ca);
	if (!err)
		err = path_format(path, "%s/author-ca/cert.pem", folder);
	if (!err)
		err = pki_write(path, &cert, 1);
	if (!err)
		err = leaf_make(folder, vendor, curve, now, &key, cert);
	key_done(&key);
	return err;
}
