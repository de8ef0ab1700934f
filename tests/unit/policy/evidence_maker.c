#include "tests/unit/policy/evidence_maker.h"

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#define must(x)                                                                \
	do {                                                                   \
		if (!(x)) {                                                    \
			fprintf(stderr, "evidence_maker: %s:%d: %s\n",         \
				__FILE__, __LINE__, #x);                       \
			abort();                                               \
		}                                                              \
	} while (0)

static struct {
	char name[24];
	struct maker_key key;
} more_keys[4];

static mbedtls_pk_context *more_key(const char *name, struct maker_key **ret)
{
	unsigned i = 0;

	while (more_keys[i].name[0] && strcmp(more_keys[i].name, name))
		must(++i < sizeof(more_keys) / sizeof(more_keys[0]));
	*ret = &more_keys[i].key;
	if (more_keys[i].name[0])
		return NULL;
	snprintf(more_keys[i].name, sizeof(more_keys[i].name), "%s", name);
	more_keys[i].key.pk = calloc(1, sizeof(mbedtls_pk_context));
	must(more_keys[i].key.pk);
	mbedtls_pk_init(more_keys[i].key.pk);
	return more_keys[i].key.pk;
}

const struct maker_key *em_rsa_key(const char *name, unsigned bits)
{
	struct maker_key *key;
	mbedtls_pk_context *pk = more_key(name, &key);

	if (pk) {
		must(!mbedtls_pk_setup(
			pk, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA)));
		must(!mbedtls_rsa_gen_key(mbedtls_pk_rsa(*pk),
			mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE, bits,
			65537));
	}
	return key;
}

const struct maker_key *em_brainpool_key(void)
{
	struct maker_key *key;
	mbedtls_pk_context *pk = more_key("brainpool", &key);

	if (pk) {
		must(!mbedtls_pk_setup(
			pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)));
		must(!mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_BP256R1,
			mbedtls_pk_ec(*pk), mbedtls_psa_get_random,
			MBEDTLS_PSA_RANDOM_STATE));
	}
	return key;
}

static size_t put_header(uint8_t *at, int tag, size_t len)
{
	size_t n = 0;

	at[n++] = (uint8_t)tag;
	if (len >= 0x10000) {
		at[n++] = 0x83;
		at[n++] = (uint8_t)(len >> 16);
		at[n++] = (uint8_t)(len >> 8);
	} else if (len >= 0x100) {
		at[n++] = 0x82;
		at[n++] = (uint8_t)(len >> 8);
	} else if (len >= 0x80) {
		at[n++] = 0x81;
	}
	at[n++] = (uint8_t)len;
	return n;
}

void em_wrap(struct buf *b, size_t from, int tag)
{
	uint8_t header[5];
	size_t len = b->len - from;
	size_t n = put_header(header, tag, len);

	must(!buf_add(b, header, n));
	memmove(b->at + from + n, b->at + from, len);
	memcpy(b->at + from, header, n);
}

void em_put(struct buf *b, int tag, struct bytes content)
{
	size_t from = b->len;

	must(!buf_add_bytes(b, content));
	em_wrap(b, from, tag);
}

void em_name(struct buf *b, const char *common_name)
{
	size_t from = b->len;

	em_put(b, DER_OID, bytes_of("\x55\x04\x03", 3));
	em_put(b, 0x0c, bytes_of_text(common_name));
	em_wrap(b, from, DER_SEQUENCE);
	em_wrap(b, from, 0x31);
	em_wrap(b, from, DER_SEQUENCE);
}

static void put_time(struct buf *b, const char *text)
{
	em_put(b, strlen(text) == 13 ? DER_UTC_TIME : (int)DER_GENERALIZED_TIME,
		bytes_of_text(text));
}

static void put_ext(struct buf *b, const struct em_ext *ext)
{
	size_t from = b->len;

	em_put(b, DER_OID, ext->oid);
	if (ext->critical)
		em_put(b, DER_BOOLEAN, bytes_of("\xff", 1));
	em_put(b, DER_OCTET_STRING, ext->value);
	em_wrap(b, from, DER_SEQUENCE);
}

static void put_exts(struct buf *b, const struct em_ext *exts, unsigned max)
{
	for (unsigned i = 0; i < max && exts[i].oid.at; i++)
		put_ext(b, &exts[i]);
}

static const struct alg_row {
	struct bytes oid;
	struct bytes params;
	mbedtls_md_type_t md;
	bool pss;
} alg_rows[] = {
	[EM_ECDSA_SHA256] = {EM(OID_ECDSA_SHA256), EM(""), MBEDTLS_MD_SHA256,
		false},
	[EM_ECDSA_SHA384] = {EM(OID_ECDSA_SHA384), EM(""), MBEDTLS_MD_SHA384,
		false},
	[EM_ECDSA_SHA512] = {EM(OID_ECDSA_SHA512), EM(""), MBEDTLS_MD_SHA512,
		false},
	[EM_ECDSA_SHA1] = {EM("\x2a\x86\x48\xce\x3d\x04\x01"), EM(""),
		MBEDTLS_MD_SHA1, false},
	[EM_RSA_SHA256] = {EM(OID_RSA_SHA256), EM("\x05\x00"),
		MBEDTLS_MD_SHA256, false},
	[EM_RSA_SHA512] = {EM(OID_RSA_SHA512), EM("\x05\x00"),
		MBEDTLS_MD_SHA512, false},
	[EM_PSS_SHA256] = {EM(OID_RSA_PSS),
		EM("\x30\x34"
		   "\xa0\x0f\x30\x0d\x06\x09" OID_SHA256 "\x05\x00"
		   "\xa1\x1c\x30\x1a\x06\x09" OID_MGF1
		   "\x30\x0d\x06\x09" OID_SHA256 "\x05\x00"
		   "\xa2\x03\x02\x01\x20"),
		MBEDTLS_MD_SHA256, true},
	[EM_PSS_SHA384] = {EM(OID_RSA_PSS),
		EM("\x30\x39"
		   "\xa0\x0f\x30\x0d\x06\x09" OID_SHA384 "\x05\x00"
		   "\xa1\x1c\x30\x1a\x06\x09" OID_MGF1
		   "\x30\x0d\x06\x09" OID_SHA384 "\x05\x00"
		   "\xa2\x03\x02\x01\x30\xa3\x03\x02\x01\x01"),
		MBEDTLS_MD_SHA384, true},
	[EM_PSS_TRAILER] = {EM(OID_RSA_PSS),
		EM("\x30\x39"
		   "\xa0\x0f\x30\x0d\x06\x09" OID_SHA256 "\x05\x00"
		   "\xa1\x1c\x30\x1a\x06\x09" OID_MGF1
		   "\x30\x0d\x06\x09" OID_SHA256 "\x05\x00"
		   "\xa2\x03\x02\x01\x20\xa3\x03\x02\x01\x02"),
		MBEDTLS_MD_SHA256, true},
	[EM_PSS_NOBODYS] = {EM(OID_RSA_PSS),
		EM("\x30\x34"
		   "\xa0\x0f\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"
		   "\x04\x05\x00"
		   "\xa1\x1c\x30\x1a\x06\x09" OID_MGF1
		   "\x30\x0d\x06\x09" OID_SHA256 "\x05\x00"
		   "\xa2\x03\x02\x01\x20"),
		MBEDTLS_MD_SHA256, true},
	[EM_PSS_MIXED] = {EM(OID_RSA_PSS),
		EM("\x30\x34"
		   "\xa0\x0f\x30\x0d\x06\x09" OID_SHA256 "\x05\x00"
		   "\xa1\x1c\x30\x1a\x06\x09" OID_MGF1
		   "\x30\x0d\x06\x09" OID_SHA512 "\x05\x00"
		   "\xa2\x03\x02\x01\x20"),
		MBEDTLS_MD_SHA256, true},
	[EM_PSS_DEFAULTS] = {EM(OID_RSA_PSS), EM("\x30\x00"), MBEDTLS_MD_SHA256,
		true},
	[EM_NOBODYS] = {EM("\x2a\x03\x04"), EM(""), MBEDTLS_MD_SHA256, false},
};

static void put_alg(struct buf *b, enum em_alg alg)
{
	size_t from = b->len;

	em_put(b, DER_OID, alg_rows[alg].oid);
	must(!buf_add_bytes(b, alg_rows[alg].params));
	em_wrap(b, from, DER_SEQUENCE);
}

static size_t signature_of(const struct alg_row *row,
	const struct maker_key *key, struct bytes tbs, uint8_t *out,
	size_t size)
{
	mbedtls_pk_type_t type = MBEDTLS_PK_RSASSA_PSS;
	uint8_t digest[64];
	size_t len;

	must(!mbedtls_md(
		mbedtls_md_info_from_type(row->md), tbs.at, tbs.len, digest));
	if (!row->pss)
		type = mbedtls_pk_get_type(key->pk) == MBEDTLS_PK_RSA
			       ? MBEDTLS_PK_RSA
			       : MBEDTLS_PK_ECDSA;
	must(!mbedtls_pk_sign_ext(type, key->pk, row->md, digest,
		mbedtls_md_get_size(mbedtls_md_info_from_type(row->md)), out,
		size, &len, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE));
	return len;
}

void em_sign(struct buf *b, size_t from, enum em_alg alg, enum em_alg outer,
	const struct maker_key *key, bool spoil)
{
	uint8_t bits[1 + 1024] = {0};
	size_t len = signature_of(&alg_rows[alg], key,
		bytes_of(b->at + from, b->len - from), bits + 1,
		sizeof(bits) - 1);

	if (spoil)
		bits[len] ^= 1;
	put_alg(b, outer);
	em_put(b, DER_BIT_STRING, bytes_of(bits, 1 + len));
}

static void put_spki(struct buf *b, const struct maker_key *key)
{
	uint8_t der[1024];
	int len = mbedtls_pk_write_pubkey_der(key->pk, der, sizeof(der));

	must(len > 0);
	must(!buf_add(b, der + sizeof(der) - len, (size_t)len));
}

static void put_cert_exts(struct buf *b, const struct em_cert *cert)
{
	unsigned usage = cert->usage ? cert->usage : cert->ca ? 0x06 : 0x80;
	uint8_t bits[4] = {DER_BIT_STRING, 2, 0, (uint8_t)usage};
	size_t from = b->len;

	if (!cert->no_basic)
		put_ext(b,
			&(struct em_ext){EM(OID_BASIC_CONSTRAINTS),
				cert->ca ? bytes_of("\x30\x03\x01\x01\xff", 5)
					 : bytes_of("\x30\x00", 2),
				true});
	if (usage != EM_NO_USAGE)
		put_ext(b, &(struct em_ext){
				   EM(OID_KEY_USAGE), bytes_of(bits, 4), true});
	if (cert->key_id.at) {
		struct buf value;

		buf_init(&value, 64);
		em_put(&value, DER_OCTET_STRING, cert->key_id);
		put_ext(b, &(struct em_ext){EM(OID_SUBJECT_KEY_ID),
				   buf_bytes(&value), false});
		buf_done(&value);
	}
	put_exts(b, cert->exts, 6);
	if (b->len == from)
		return;
	em_wrap(b, from, DER_SEQUENCE);
	em_wrap(b, from, DER_IN(3));
}

void em_cert_make(struct em_cert *cert)
{
	const struct em_cert *issuer = cert->issuer ? cert->issuer : cert;
	const char *above = issuer->subject ? issuer->subject : "ca";
	struct buf b;
	size_t from;

	buf_init(&b, sizeof(cert->der));
	em_put(&b, DER_INTEGER, bytes_of("\x02", 1));
	em_wrap(&b, 0, DER_IN(0));
	em_put(&b, DER_INTEGER,
		cert->serial.at ? cert->serial : bytes_of("\x01", 1));
	put_alg(&b, cert->alg);
	em_name(&b, cert->issuer_name ? cert->issuer_name : above);
	from = b.len;
	put_time(&b, cert->not_before ? cert->not_before : "20200101000000Z");
	put_time(&b, cert->not_after ? cert->not_after : "20991231235959Z");
	em_wrap(&b, from, DER_SEQUENCE);
	em_name(&b, cert->subject ? cert->subject : "ca");
	put_spki(&b, cert->key);
	put_cert_exts(&b, cert);
	em_wrap(&b, 0, DER_SEQUENCE);
	em_sign(&b, 0, cert->alg, cert->alg,
		cert->signer ? cert->signer : issuer->key, false);
	em_wrap(&b, 0, DER_SEQUENCE);
	must(!b.err);
	memcpy(cert->der, b.at, b.len);
	cert->len = b.len;
	buf_done(&b);
}

struct bytes em_cert_der(const struct em_cert *cert)
{
	return bytes_of(cert->der, cert->len);
}

void em_id(const struct em_cert *cert, const struct em_cert *issuer,
	struct cert_id *ret)
{
	must(!cert_id_of(em_cert_der(cert), em_cert_der(issuer), ret));
}

static void put_entry(struct buf *b, const struct em_entry *entry)
{
	size_t from = b->len;
	size_t exts;

	em_put(b, DER_INTEGER, entry->serial);
	put_time(b, entry->date ? entry->date : EM_BEGIN);
	exts = b->len;
	put_exts(b, entry->exts, 3);
	if (b->len > exts || entry->empty_exts)
		em_wrap(b, exts, DER_SEQUENCE);
	must(!buf_add_bytes(b, entry->behind));
	em_wrap(b, from, DER_SEQUENCE);
}

/* Written without em_wrap(), whose moves would be quadratic. */
static void put_many(struct buf *b, unsigned count)
{
	uint8_t one[] = "\x30\x15\x02\x04xxxx\x17\x0d"
			"260101000000Z";

	for (unsigned i = 1; i <= count; i++) {
		put_be32(one + 4, i | 0x40000000);
		must(!buf_add(b, one, sizeof(one) - 1));
	}
}

static void put_entries(struct buf *b, const struct em_crl *crl)
{
	static const struct em_entry usual = {.serial = EM("\x55")};
	size_t from = b->len;

	if (crl->no_entries)
		return;
	if (crl->many)
		put_many(b, crl->many);
	else if (!crl->empty_entries && !crl->entries[0].serial.at)
		put_entry(b, &usual);
	for (unsigned i = 0; i < 6 && crl->entries[i].serial.at; i++)
		put_entry(b, &crl->entries[i]);
	must(!buf_add_bytes(b, crl->behind_entries));
	em_wrap(b, from, DER_SEQUENCE);
}

static void put_authority_key_id(struct buf *b, const struct em_crl *crl)
{
	struct buf value;

	buf_init(&value, 256);
	if (crl->authority_key_id.at) {
		must(!buf_add_bytes(&value, crl->authority_key_id));
	} else if (crl->issuer->key_id.at) {
		em_put(&value, DER_AS(0), crl->issuer->key_id);
		em_wrap(&value, 0, DER_SEQUENCE);
	}
	if (value.len)
		put_ext(b, &(struct em_ext){EM(OID_AUTHORITY_KEY_ID),
				   buf_bytes(&value), false});
	buf_done(&value);
}

static void put_crl_exts(struct buf *b, const struct em_crl *crl)
{
	struct bytes number =
		crl->number.at ? crl->number : bytes_of("\x02\x01\x07", 3);
	size_t from = b->len;

	if (crl->no_exts)
		return;
	if (!crl->no_authority_key_id)
		put_authority_key_id(b, crl);
	if (!crl->no_number)
		put_ext(b, &(struct em_ext){EM(OID_CRL_NUMBER), number, false});
	put_exts(b, crl->exts, 6);
	em_wrap(b, from, DER_SEQUENCE);
	em_wrap(b, from, DER_IN(0));
}

static void put_date(struct buf *b, const char *text, const char *usual)
{
	if (!text)
		put_time(b, usual);
	else if (*text)
		put_time(b, text);
}

void em_crl_make(const struct em_crl *crl, struct buf *out)
{
	const struct em_cert *issuer = crl->issuer;
	const char *name = issuer->subject ? issuer->subject : "ca";
	enum em_alg outer = crl->alg;
	uint8_t *p;

	buf_reset(out);
	must(!buf_add_bytes(out,
		crl->version.at ? crl->version : bytes_of("\x02\x01\x01", 3)));
	put_alg(out, crl->alg);
	em_name(out, crl->issuer_name ? crl->issuer_name : name);
	put_date(out, crl->this_update, EM_BEGIN);
	put_date(out, crl->next_update, EM_END);
	put_entries(out, crl);
	put_crl_exts(out, crl);
	must(!buf_add_bytes(out, crl->behind_tbs));
	em_wrap(out, 0, DER_SEQUENCE);
	if (crl->other_outer)
		outer = EM_ECDSA_SHA512;
	em_sign(out, 0, crl->alg, outer,
		crl->signer ? crl->signer : issuer->key, crl->spoil_signature);
	em_wrap(out, 0, DER_SEQUENCE);
	if (crl->unused_bits) {
		/* The last element is the BIT STRING of an ECDSA signature. */
		p = out->at + out->len - 1;
		while (!(p[0] == DER_BIT_STRING && p[2] == 0 &&
			 p[3] == DER_SEQUENCE))
			p--;
		p[2] = 1;
	}
	if (crl->long_length) {
		must(out->at[1] >= 0x81 && !buf_add(out, "", 1));
		memmove(out->at + 3, out->at + 2, out->len - 3);
		out->at[1]++;
		out->at[2] = 0;
	}
	must(!buf_add_bytes(out, crl->behind));
	must(!out->err);
}

static void put_cert_id(
	struct buf *b, const struct cert_id *id, const struct em_answer *answer)
{
	size_t from = b->len;
	uint8_t name[32], key[32];

	memcpy(name, id->issuer_name, 32);
	memcpy(key, id->issuer_key, 32);
	name[0] ^= answer->other_name;
	key[0] ^= answer->other_key;
	em_put(b, DER_OID,
		answer->hash.at ? answer->hash : der_oid(OID_SHA256));
	em_put(b, DER_NULL, bytes_of("", 0));
	em_wrap(b, from, DER_SEQUENCE);
	em_put(b, DER_OCTET_STRING, bytes_of(name, 32));
	em_put(b, DER_OCTET_STRING, bytes_of(key, 32));
	em_put(b, DER_INTEGER,
		answer->serial.at ? answer->serial
				  : bytes_of(id->serial, id->serial_len));
	em_wrap(b, from, DER_SEQUENCE);
}

static void put_answer(
	struct buf *b, const struct cert_id *id, const struct em_answer *answer)
{
	size_t from = b->len;
	size_t inner;

	put_cert_id(b, id, answer);
	must(!buf_add_bytes(b,
		answer->status.at ? answer->status : bytes_of("\x80\x00", 2)));
	put_date(b, answer->this_update, EM_OCSP_BEGIN);
	inner = b->len;
	put_date(b, answer->next_update, EM_OCSP_END);
	if (b->len > inner)
		em_wrap(b, inner, DER_IN(0));
	inner = b->len;
	put_exts(b, answer->exts, 2);
	if (b->len > inner) {
		em_wrap(b, inner, DER_SEQUENCE);
		em_wrap(b, inner, DER_IN(1));
	}
	em_wrap(b, from, DER_SEQUENCE);
}

static void put_responder(
	struct buf *b, const struct em_ocsp *ocsp, const struct em_cert *named)
{
	uint8_t digest[CRYPTO_SHA1_LEN];
	size_t from = b->len;
	struct bytes spki, body, alg, key;
	struct buf raw;

	if (ocsp->responder.at) {
		must(!buf_add_bytes(b, ocsp->responder));
		return;
	}
	if (!ocsp->by_key) {
		em_name(b, named->subject ? named->subject : "ca");
		em_wrap(b, from, DER_IN(1));
		return;
	}
	buf_init(&raw, 1024);
	put_spki(&raw, named->key);
	spki = buf_bytes(&raw);
	must(der_take(&spki, DER_SEQUENCE, &body) &&
		der_take(&body, DER_SEQUENCE, &alg) &&
		der_take_bits(&body, &key));
	must(!crypto_sha1(key, digest));
	buf_done(&raw);
	em_put(b, DER_OCTET_STRING, bytes_of(digest, sizeof(digest)));
	em_wrap(b, from, DER_IN(2));
}

static void put_answers(struct buf *b, const struct em_ocsp *ocsp)
{
	static const struct em_answer usual;
	size_t from = b->len;

	if (!ocsp->no_answers && !ocsp->answers[0].used)
		put_answer(b, ocsp->id, &usual);
	for (unsigned i = 0; i < 3 && ocsp->answers[i].used; i++)
		put_answer(b, ocsp->id, &ocsp->answers[i]);
	must(!buf_add_bytes(b, ocsp->behind_answers));
	em_wrap(b, from, DER_SEQUENCE);
}

static void put_ocsp_exts(struct buf *b, const struct em_ocsp *ocsp)
{
	size_t from = b->len;

	if (ocsp->nonce.at)
		put_ext(b, &(struct em_ext){
				   EM(OID_OCSP_NONCE), ocsp->nonce, false});
	put_exts(b, ocsp->exts, 3);
	if (b->len > from) {
		em_wrap(b, from, DER_SEQUENCE);
		em_wrap(b, from, DER_IN(1));
	}
}

static void put_certs(struct buf *b, const struct em_ocsp *ocsp)
{
	size_t from = b->len;

	if (!ocsp->certs[0])
		return;
	for (unsigned i = 0; i < 6 && ocsp->certs[i]; i++)
		must(!buf_add_bytes(b, em_cert_der(ocsp->certs[i])));
	em_wrap(b, from, DER_SEQUENCE);
	em_wrap(b, from, DER_IN(0));
}

static void put_basic(struct buf *b, const struct em_ocsp *ocsp)
{
	const struct em_cert *signer =
		ocsp->signer ? ocsp->signer : ocsp->issuer;
	size_t from = b->len;

	must(!buf_add_bytes(b, ocsp->version));
	put_responder(b, ocsp, ocsp->named ? ocsp->named : signer);
	put_date(b, ocsp->produced, EM_OCSP_BEGIN);
	put_answers(b, ocsp);
	put_ocsp_exts(b, ocsp);
	must(!buf_add_bytes(b, ocsp->behind_tbs));
	em_wrap(b, from, DER_SEQUENCE);
	em_sign(b, from, ocsp->alg, ocsp->alg,
		ocsp->key ? ocsp->key : signer->key, ocsp->spoil_signature);
	put_certs(b, ocsp);
	em_wrap(b, from, DER_SEQUENCE);
}

void em_ocsp_make(const struct em_ocsp *ocsp, struct buf *out)
{
	uint8_t status = (uint8_t)ocsp->status;
	size_t from, basic;

	buf_reset(out);
	em_put(out, DER_ENUMERATED, bytes_of(&status, 1));
	from = out->len;
	if (!ocsp->no_bytes) {
		em_put(out, DER_OID,
			ocsp->type.at ? ocsp->type : der_oid(OID_OCSP_BASIC));
		basic = out->len;
		put_basic(out, ocsp);
		em_wrap(out, basic, DER_OCTET_STRING);
		em_wrap(out, from, DER_SEQUENCE);
		em_wrap(out, from, DER_IN(0));
	}
	em_wrap(out, 0, DER_SEQUENCE);
	must(!buf_add_bytes(out, ocsp->behind));
	must(!out->err);
}
