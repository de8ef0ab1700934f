#include "tools/publish/pki.h"

#include <arpa/inet.h>
#include <errno.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>

#include "policy/trust/crypto_secret.h"
#include "tools/publish/files.h"
#include "tools/publish/hash.h"
#include "tools/publish/say.h"
#include "tools/publish/when.h"

#define CERT_BEGIN "-----BEGIN CERTIFICATE-----\n"
#define CERT_END "-----END CERTIFICATE-----\n"
#define NAME_TEXT_SIZE 1024

#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define CONTEXT_0 (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED)
#define OID_OCSP "\x2b\x06\x01\x05\x05\x07\x30\x01"
#define OID_NOCHECK OID_OCSP "\x05"
#define OID_AUTHORITY_INFO "\x2b\x06\x01\x05\x05\x07\x01\x01"

static int complain_mbedtls(const char *file, const char *what, int status)
{
	char text[128];

	mbedtls_strerror(status, text, sizeof(text));
	return complain(-EINVAL, file, what, "%s (-0x%04x)", text,
		(unsigned)-status);
}

/* Appends ",KEY=value" with everything that could be syntax as \XX. */
static int name_add(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, "%s%s=", b->len ? "," : "", key);
	for (const char *at = value; *at; at++) {
		unsigned char c = (unsigned char)*at;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || c == '-' || c == '.')
			buf_add(b, at, 1);
		else
			buf_printf(b, "\\%02X", c);
	}
	return b->err;
}

static int subject_set(mbedtls_x509write_cert *cert,
	const struct pki_request *request)
{
	struct buf name;
	int status;

	buf_init(&name, NAME_TEXT_SIZE);
	name_add(&name, "CN", request->common_name);
	if (request->organization)
		name_add(&name, "O", request->organization);
	if (buf_add(&name, "", 1)) {
		buf_done(&name);
		return complain(-EINVAL, request->common_name, "subject",
			"name is too long");
	}
	status = mbedtls_x509write_crt_set_subject_name(cert,
		(const char *)name.at);
	if (!status && request->issuer.len == 0)
		status = mbedtls_x509write_crt_set_issuer_name(cert,
			(const char *)name.at);
	buf_done(&name);
	return status ? complain_mbedtls(request->common_name, "subject",
		status) : 0;
}

static int issuer_set(mbedtls_x509write_cert *cert,
	const struct pki_request *request)
{
	char name[NAME_TEXT_SIZE];
	mbedtls_x509_crt issuer;
	int status;

	if (request->issuer.len == 0)
		return 0;
	mbedtls_x509_crt_init(&issuer);
	status = mbedtls_x509_crt_parse_der(&issuer, request->issuer.at,
		request->issuer.len);
	if (!status)
		status = mbedtls_x509_dn_gets(name, sizeof(name),
			&issuer.subject);
	if (status >= 0)
		status = mbedtls_x509write_crt_set_issuer_name(cert, name);
	mbedtls_x509_crt_free(&issuer);
	return status ? complain_mbedtls(request->common_name, "issuer",
		status) : 0;
}

/* Puts tag and length before the `len` bytes at `*at`; the new length. */
static int wrap_write(unsigned char **at, unsigned char *start, int len,
	int tag)
{
	int n = mbedtls_asn1_write_len(at, start, (size_t)len);
	int m = n < 0 ? n : mbedtls_asn1_write_tag(at, start,
		(unsigned char)tag);

	return m < 0 ? m : len + n + m;
}

static void time_format(uint64_t at, char text[32])
{
	char iso[WHEN_TEXT_SIZE];
	size_t n = 0;

	when_format(at, iso);
	for (size_t i = 0; iso[i] && n < 14; i++)
		if (iso[i] >= '0' && iso[i] <= '9')
			text[n++] = iso[i];
	text[n] = '\0';
}

static int validity_set(mbedtls_x509write_cert *cert,
	const struct pki_request *request)
{
	char from[32], to[32];

	time_format(request->not_before, from);
	time_format(request->not_after, to);
	return mbedtls_x509write_crt_set_validity(cert, from, to);
}

int pki_serial_make(uint8_t ret[PKI_SERIAL_LEN])
{
	int err = random_bytes(ret, PKI_SERIAL_LEN);

	/* Positive, and without leading zero bytes. */
	if (!err)
		ret[0] = (uint8_t)((ret[0] & 0x7f) | 0x40);
	return err;
}

static int serial_set(mbedtls_x509write_cert *cert, struct bytes given)
{
	uint8_t serial[CERT_SERIAL_MAX];
	size_t len = PKI_SERIAL_LEN;
	int err = 0;

	if (given.len > sizeof(serial))
		return MBEDTLS_ERR_X509_BAD_INPUT_DATA;
	if (given.len) {
		len = given.len;
		memcpy(serial, given.at, len);
	} else {
		err = pki_serial_make(serial);
	}
	return err ? MBEDTLS_ERR_X509_BAD_INPUT_DATA :
			mbedtls_x509write_crt_set_serial_raw(cert, serial,
			len);
}

/* A general name [6] with a URI, written towards the start of a buffer. */
static int uri_write(unsigned char **at, unsigned char *start, const char *uri)
{
	int n = mbedtls_asn1_write_raw_buffer(at, start,
		(const unsigned char *)uri, strlen(uri));

	if (n < 0)
		return n;
	return wrap_write(at, start, n, MBEDTLS_ASN1_CONTEXT_SPECIFIC | 6);
}

/* CRLDistributionPoints (RFC 5280 section 4.2.1.13) with one full name. */
static int crl_url_set(mbedtls_x509write_cert *cert, const char *url)
{
	static const int tags[] = {CONTEXT_0, CONTEXT_0, SEQUENCE, SEQUENCE};
	unsigned char value[PKI_URL_SIZE + 64], *at = value + sizeof(value);
	int n = uri_write(&at, value, url);

	for (size_t i = 0; n >= 0 && i < sizeof(tags) / sizeof(tags[0]); i++)
		n = wrap_write(&at, value, n, tags[i]);
	return n < 0 ? n : mbedtls_x509write_crt_set_extension(cert,
		MBEDTLS_OID_CRL_DISTRIBUTION_POINTS,
		MBEDTLS_OID_SIZE(MBEDTLS_OID_CRL_DISTRIBUTION_POINTS), 0, at,
		(size_t)n);
}

/* AuthorityInfoAccess (RFC 5280 section 4.2.2.1) with one OCSP responder. */
static int ocsp_url_set(mbedtls_x509write_cert *cert, const char *url)
{
	unsigned char value[PKI_URL_SIZE + 64], *at = value + sizeof(value);
	int n = uri_write(&at, value, url);
	int oid = n < 0 ? n : mbedtls_asn1_write_oid(&at, value, OID_OCSP,
		MBEDTLS_OID_SIZE(OID_OCSP));

	n = oid < 0 ? oid : wrap_write(&at, value, n + oid, SEQUENCE);
	if (n >= 0)
		n = wrap_write(&at, value, n, SEQUENCE);
	return n < 0 ? n : mbedtls_x509write_crt_set_extension(cert,
		OID_AUTHORITY_INFO, MBEDTLS_OID_SIZE(OID_AUTHORITY_INFO), 0,
		at, (size_t)n);
}

/* id-pkix-ocsp-nocheck (RFC 6960 section 4.2.2.2.1): the responder's own
 * certificate lives shortly instead of being asked about. */
static int nocheck_set(mbedtls_x509write_cert *cert)
{
	static const unsigned char null[] = {0x05, 0x00};

	return mbedtls_x509write_crt_set_extension(cert, OID_NOCHECK,
		MBEDTLS_OID_SIZE(OID_NOCHECK), 0, null, sizeof(null));
}

static int evidence_set(mbedtls_x509write_cert *cert,
	const struct pki_request *request)
{
	int status = 0;

	if (request->crl_url)
		status = crl_url_set(cert, request->crl_url);
	if (!status && request->ocsp_url)
		status = ocsp_url_set(cert, request->ocsp_url);
	if (!status && request->use == PKI_OCSP)
		status = nocheck_set(cert);
	return status;
}

static int usage_set(mbedtls_x509write_cert *cert,
	const struct pki_request *request)
{
	bool is_ca = request->use == PKI_CA;
	unsigned flags = MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
	mbedtls_asn1_sequence oid = {
		.buf = {.tag = MBEDTLS_ASN1_OID},
	};
	const char *text = NULL;
	int status;

	switch (request->use) {
	case PKI_CA:
		flags = MBEDTLS_X509_KU_KEY_CERT_SIGN |
				MBEDTLS_X509_KU_CRL_SIGN;
		break;
	case PKI_SIGNING:
		text = MBEDTLS_OID_CODE_SIGNING;
		break;
	case PKI_SERVER:
		text = MBEDTLS_OID_SERVER_AUTH;
		break;
	case PKI_CLIENT:
		text = MBEDTLS_OID_CLIENT_AUTH;
		break;
	case PKI_OCSP:
		text = MBEDTLS_OID_OCSP_SIGNING;
		break;
	}
	status = mbedtls_x509write_crt_set_basic_constraints(cert,
		is_ca, is_ca ? (int)request->path_length : -1);
	if (!status)
		status = mbedtls_x509write_crt_set_key_usage(cert, flags);
	if (status || !text)
		return status;
	/* The library's type has no const; it only reads. */
	memcpy(&oid.buf.p, &text, sizeof(text));
	oid.buf.len = strlen(text);
	return mbedtls_x509write_crt_set_ext_key_usage(cert, &oid);
}

static int names_set(mbedtls_x509write_cert *cert,
	const struct pki_request *request)
{
	mbedtls_x509_san_list list[PKI_NAMES_MAX] = {0};
	uint8_t addresses[PKI_NAMES_MAX][16];

	if (request->names_count == 0)
		return 0;
	if (request->names_count > PKI_NAMES_MAX)
		return MBEDTLS_ERR_X509_BAD_INPUT_DATA;
	for (size_t i = 0; i < request->names_count; i++) {
		mbedtls_x509_subject_alternative_name *node = &list[i].node;
		mbedtls_x509_buf *value = &node->san.unstructured_name;
		const char *name = request->names[i];
		size_t len = 0;

		if (inet_pton(AF_INET, name, addresses[i]) == 1)
			len = 4;
		else if (inet_pton(AF_INET6, name, addresses[i]) == 1)
			len = 16;
		node->type = len ? MBEDTLS_X509_SAN_IP_ADDRESS :
				MBEDTLS_X509_SAN_DNS_NAME;
		if (len)
			value->p = addresses[i];
		else
			memcpy(&value->p, &name, sizeof(name));
		value->len = len ? len : strlen(name);
		list[i].next = i + 1 < request->names_count ? &list[i + 1] :
				NULL;
	}
	return mbedtls_x509write_crt_set_subject_alternative_name(cert, list);
}

static int sign(mbedtls_x509write_cert *cert, const char *name, struct buf *ret)
{
	uint8_t der[PKI_CERT_MAX];
	int n;

	/* The library writes to the end of the buffer. */
	n = mbedtls_x509write_crt_der(cert, der, sizeof(der),
		mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
	if (n < 0)
		return complain_mbedtls(name, "certificate", n);
	if (buf_add(ret, der + sizeof(der) - n, (size_t)n))
		return complain(ret->err, name, "certificate", "too large");
	return 0;
}

/* Evidence is found by the issuer's name in DER, so that the certificate must
 * repeat the bytes of its CA, which the library writes anew from a text. */
static int issuer_check(const struct pki_request *request, struct bytes der)
{
	mbedtls_x509_crt cert, issuer;
	int err = 0;

	if (request->issuer.len == 0)
		return 0;
	mbedtls_x509_crt_init(&cert);
	mbedtls_x509_crt_init(&issuer);
	if (mbedtls_x509_crt_parse_der(&cert, der.at, der.len) ||
			mbedtls_x509_crt_parse_der(&issuer,
			request->issuer.at, request->issuer.len) ||
			!bytes_equal(bytes_of(cert.issuer_raw.p,
			cert.issuer_raw.len), bytes_of(issuer.subject_raw.p,
			issuer.subject_raw.len)))
		err = complain(-EINVAL, request->common_name, "issuer",
			"the name of this CA cannot be repeated byte for byte;"
			" use a CA that ferry-publish made");
	mbedtls_x509_crt_free(&issuer);
	mbedtls_x509_crt_free(&cert);
	return err;
}

/* All members but the names of subject and issuer. */
static int members_set(mbedtls_x509write_cert *cert,
	const struct pki_request *request)
{
	int status = validity_set(cert, request);

	if (!status)
		status = serial_set(cert, request->serial);
	if (!status)
		status = usage_set(cert, request);
	if (!status)
		status = names_set(cert, request);
	if (!status)
		status = evidence_set(cert, request);
	if (!status)
		status = mbedtls_x509write_crt_set_subject_key_identifier(cert);
	if (!status)
		status = mbedtls_x509write_crt_set_authority_key_identifier(
			cert);
	return status;
}

int pki_issue(const struct pki_request *request, struct buf *ret)
{
	size_t before = ret->len;
	mbedtls_pk_context subject, issuer;
	mbedtls_x509write_cert cert;
	uint32_t public_id;
	int status;
	int err = key_need_ec(request->subject_key, NULL);

	if (!err)
		err = key_need_ec(request->issuer_key, NULL);
	if (!err && request->issuer_key->token)
		err = complain(-EINVAL, request->common_name, "key",
			"a CA's key must be in a file, not in a token");
	if (!err)
		err = key_public_import(request->subject_key, &public_id);
	if (err)
		return err;
	mbedtls_pk_init(&subject);
	mbedtls_pk_init(&issuer);
	mbedtls_x509write_crt_init(&cert);
	mbedtls_x509write_crt_set_version(&cert, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&cert,
		request->issuer_key->public.curve == CRYPTO_P256 ?
		MBEDTLS_MD_SHA256 : MBEDTLS_MD_SHA384);
	status = mbedtls_pk_copy_public_from_psa(public_id, &subject);
	crypto_pair_destroy(public_id);
	if (!status)
		status = mbedtls_pk_copy_from_psa(request->issuer_key->id,
			&issuer);
	if (!status) {
		mbedtls_x509write_crt_set_subject_key(&cert, &subject);
		mbedtls_x509write_crt_set_issuer_key(&cert, &issuer);
		status = members_set(&cert, request);
	}
	if (status)
		err = complain_mbedtls(request->common_name, "certificate",
			status);
	if (!err)
		err = subject_set(&cert, request);
	if (!err)
		err = issuer_set(&cert, request);
	if (!err)
		err = sign(&cert, request->common_name, ret);
	if (!err)
		err = issuer_check(request, bytes_slice(buf_bytes(ret), before,
			SIZE_MAX));
	mbedtls_x509write_crt_free(&cert);
	mbedtls_pk_free(&issuer);
	mbedtls_pk_free(&subject);
	return err;
}

int pki_write(const char *path, const struct bytes *certs, size_t count)
{
	unsigned char pem[2 * PKI_CERT_MAX];
	struct buf all;
	int status, err;

	buf_init(&all, sizeof(pem) * PKI_CHAIN_MAX);
	for (size_t i = 0; i < count; i++) {
		size_t len;

		status = mbedtls_pem_write_buffer(CERT_BEGIN, CERT_END,
			certs[i].at, certs[i].len, pem, sizeof(pem), &len);
		if (status) {
			buf_done(&all);
			return complain_mbedtls(path, "certificate", status);
		}
		buf_add_text(&all, (const char *)pem);
	}
	err = all.err ? complain(all.err, path, NULL, "too large") :
			file_write(path, buf_bytes(&all), 0644);
	buf_done(&all);
	return err;
}

/* Copies the raw certificates out of the library's list. */
static int chain_copy(const mbedtls_x509_crt *first, const char *path,
	struct pki_chain *chain)
{
	size_t offsets[PKI_CHAIN_MAX];

	for (const mbedtls_x509_crt *c = first; c; c = c->next) {
		if (chain->count == PKI_CHAIN_MAX)
			return complain(-E2BIG, path, NULL,
				"holds more than %d certificates",
				PKI_CHAIN_MAX);
		offsets[chain->count] = chain->der.len;
		chain->certs[chain->count].len = c->raw.len;
		if (buf_add(&chain->der, c->raw.p, c->raw.len))
			return complain(chain->der.err, path, NULL,
				"certificates are too large");
		chain->count++;
	}
	for (size_t i = 0; i < chain->count; i++)
		chain->certs[i].at = chain->der.at + offsets[i];
	return 0;
}

int pki_chain_read(const char *path, struct pki_chain *ret)
{
	struct pki_chain chain = {0};
	mbedtls_x509_crt list;
	struct buf text;
	int status, err;

	buf_init(&text, 2 * PKI_CERT_MAX * PKI_CHAIN_MAX);
	buf_init(&chain.der, PKI_CERT_MAX * PKI_CHAIN_MAX);
	mbedtls_x509_crt_init(&list);
	err = file_read(path, &text);
	if (!err && text.len && text.at[0] != 0x30)
		err = buf_add(&text, "", 1);
	if (!err) {
		status = mbedtls_x509_crt_parse(&list, text.at, text.len);
		if (status > 0)
			err = complain(-EINVAL, path, NULL,
				"%d certificates cannot be read", status);
		else if (status)
			err = complain_mbedtls(path, "certificate", status);
	}
	if (!err)
		err = chain_copy(&list, path, &chain);
	mbedtls_x509_crt_free(&list);
	buf_done(&text);
	if (err) {
		pki_chain_done(&chain);
		return err;
	}
	*ret = chain;
	return 0;
}

void pki_chain_done(struct pki_chain *chain)
{
	buf_done(&chain->der);
	chain->count = 0;
}

int pki_look(struct bytes der, const char *path, struct x509_facts *ret)
{
	int err = x509_read(der, ret);

	return err ? complain(err, path, "certificate", "%s", err_text(err)) :
			0;
}

bool pki_is_issued_by(struct bytes der, struct bytes issuer)
{
	mbedtls_x509_crt cert, ca;
	bool is_so = false;

	mbedtls_x509_crt_init(&cert);
	mbedtls_x509_crt_init(&ca);
	if (!mbedtls_x509_crt_parse_der(&cert, der.at, der.len) &&
			!mbedtls_x509_crt_parse_der(&ca, issuer.at,
			issuer.len)) {
		const mbedtls_x509_buf *id =
				&cert.authority_key_id.keyIdentifier;

		is_so = bytes_equal(bytes_of(cert.issuer_raw.p,
				cert.issuer_raw.len), bytes_of(
				ca.subject_raw.p, ca.subject_raw.len)) &&
				(!id->len || !ca.subject_key_id.len ||
				bytes_equal(bytes_of(id->p, id->len), bytes_of(
				ca.subject_key_id.p, ca.subject_key_id.len)));
	}
	mbedtls_x509_crt_free(&ca);
	mbedtls_x509_crt_free(&cert);
	return is_so;
}

bool pki_is_self_signed(struct bytes der)
{
	mbedtls_x509_crt cert;
	bool is_so;

	mbedtls_x509_crt_init(&cert);
	is_so = !mbedtls_x509_crt_parse_der(&cert, der.at, der.len) &&
			bytes_equal(bytes_of(cert.issuer_raw.p,
			cert.issuer_raw.len), bytes_of(cert.subject_raw.p,
			cert.subject_raw.len));
	mbedtls_x509_crt_free(&cert);
	return is_so;
}

int pki_match(struct bytes der, const char *path, const struct key *key)
{
	struct x509_facts facts;
	int err = pki_look(der, path, &facts);

	if (!err && (!facts.has_key ||
			!cose_key_equal(&facts.key, &key->public)))
		err = complain(-EINVAL, path, "public key",
			"does not belong to the signing key");
	return err;
}

int pki_chain_end(const struct pki_chain *chain, const char *path,
	uint64_t *ret)
{
	uint64_t end = UINT64_MAX;

	for (size_t i = 0; i < chain->count; i++) {
		struct x509_facts facts;
		int err = pki_look(chain->certs[i], path, &facts);

		if (err)
			return err;
		if (facts.not_after < end)
			end = facts.not_after;
	}
	*ret = end;
	return 0;
}
