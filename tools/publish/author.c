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

static struct pki_request request_of(const struct vendor_conf *vendor,
	uint64_t now, uint64_t days)
{
	return (struct pki_request){
		.organization = vendor->name,
		.not_before = now - CERT_CLOCK_SLACK_S,
		.not_after = now + days * WHEN_DAY,
	};
}

int author_certify(const char *path, const struct vendor_conf *vendor,
	const struct key *key, struct ca *ca, uint64_t now, uint64_t days)
{
	char common_name[CONF_TEXT_SIZE + 32];
	char crl_url[PKI_URL_SIZE], ocsp_url[PKI_URL_SIZE];
	struct pki_request request = request_of(vendor, now, days);
	struct bytes certs[1 + PKI_CHAIN_MAX];
	size_t count = 1;
	struct buf der;
	int err;

	snprintf(common_name, sizeof(common_name), "%s author", vendor->name);
	request.use = PKI_SIGNING;
	request.common_name = common_name;
	request.subject_key = key;
	err = ca_crl_url(ca, vendor->crl_url, crl_url, &request.crl_url);
	if (!err)
		err = ca_ocsp_url(ca, vendor->ocsp_url, ocsp_url,
			&request.ocsp_url);
	buf_init(&der, PKI_CERT_MAX);
	if (!err)
		err = ca_issue(ca, &request, &der);
	certs[0] = buf_bytes(&der);
	if (!pki_is_self_signed(ca->cert.certs[0]))
		certs[count++] = ca->cert.certs[0];
	if (!err)
		err = pki_write(path, certs, count);
	buf_done(&der);
	return err;
}

static int leaf_make(const struct author_plan *plan, struct ca *ca)
{
	char path[FILES_PATH_SIZE];
	struct key key;
	int err = path_format(path, "%s/author", plan->folder);

	if (!err)
		err = folder_make(path, 0700);
	if (!err)
		err = path_format(path, "%s/author/key.pem", plan->folder);
	if (!err)
		err = key_make(path, plan->curve, &key);
	if (err)
		return err;
	err = path_format(path, "%s/author/chain.pem", plan->folder);
	if (!err)
		err = author_certify(path, plan->vendor, &key, ca, plan->now,
			AUTHOR_DAYS);
	key_done(&key);
	return err;
}

/* FOLDER/NAME with a new CA in it, opened. */
static int one_ca_make(const struct author_plan *plan, const char *name,
	const char *title, struct pki_request request, struct ca *parent,
	struct ca *ret)
{
	char folder[FILES_PATH_SIZE], common_name[CONF_TEXT_SIZE + 32];
	int err = path_format(folder, "%s/%s", plan->folder, name);

	snprintf(common_name, sizeof(common_name), "%s %s",
		plan->vendor->name, title);
	request.common_name = common_name;
	if (!err)
		err = folder_make(folder, 0700);
	if (!err)
		err = ca_make(folder, true, &request, plan->curve, parent);
	return err ? err : ca_open(folder, NULL, ret);
}

static int issuing_make(const struct author_plan *plan, struct ca *anchor,
	struct ca *ret)
{
	struct pki_request request = request_of(plan->vendor, plan->now,
		AUTHOR_ISSUING_DAYS);
	char crl_url[PKI_URL_SIZE], ocsp_url[PKI_URL_SIZE];
	int err = ca_crl_url(anchor, plan->vendor->crl_url, crl_url,
		&request.crl_url);

	/* Without a place for its name the responder is the issuing CA's. */
	if (!err && strstr(plan->vendor->ocsp_url, "{ca}"))
		err = ca_ocsp_url(anchor, plan->vendor->ocsp_url, ocsp_url,
			&request.ocsp_url);
	return err ? err : one_ca_make(plan, "author-issuing",
		"author issuing CA", request, anchor, ret);
}

int author_ca_make(const struct author_plan *plan, struct buf *ret_anchor)
{
	struct pki_request request = request_of(plan->vendor, plan->now,
		AUTHOR_CA_DAYS);
	struct ca anchor = {0}, issuing = {0};
	int err;

	request.path_length = plan->intermediate ? 1 : 0;
	err = one_ca_make(plan, "author-ca", "author CA", request, NULL,
		&anchor);
	if (!err && plan->intermediate)
		err = issuing_make(plan, &anchor, &issuing);
	if (!err)
		err = leaf_make(plan, plan->intermediate ? &issuing : &anchor);
	if (!err)
		err = buf_add_bytes(ret_anchor, anchor.cert.certs[0]);
	ca_done(&issuing);
	ca_done(&anchor);
	return err;
}

int author_ca_folder(const char *folder, char ret[FILES_PATH_SIZE])
{
	int err = path_format(ret, "%s/author-issuing", folder);

	if (!err && !ca_is_there(ret))
		err = path_format(ret, "%s/author-ca", folder);
	return err;
}
