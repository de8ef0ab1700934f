#include "tools/publish/crl_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/error.h>
#include <mbedtls/oid.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/x509_crt.h>

#include "tools/publish/say.h"
#include "tools/publish/when.h"

#define ENTRY_SIZE_MAX 64 /* serial, date, reason with their heads */
#define REST_SIZE_MAX 4096 /* issuer, dates, extensions, signature */
#define UTC_TIME_END 2524608000u /* 2050-01-01, RFC 5280 section 4.1.2.5 */

#define OID_AKI "\x55\x1d\x23"
#define OID_CRL_NUMBER "\x55\x1d\x14"
#define OID_REASON "\x55\x1d\x15"
#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define CONTEXT_0 (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 0)

/* Writes from the end of its buffer towards the start, as DER wants. The first
 * failure sticks in `err`, and all later calls do nothing. */
struct der {
	uint8_t *start;
	uint8_t *at;
	int err;
};

static size_t took(struct der *d, int n)
{
	if (n < 0 && !d->err)
		d->err = n;
	return n < 0 ? 0 : (size_t)n;
}

static size_t put_raw(struct der *d, struct bytes raw)
{
	return d->err ? 0 : took(d, mbedtls_asn1_write_raw_buffer(&d->at,
		d->start, raw.at, raw.len));
}

/* Puts length and tag before `len` bytes of content. */
static size_t put_head(struct der *d, size_t len, int tag)
{
	size_t head;

	if (d->err)
		return 0;
	head = took(d, mbedtls_asn1_write_len(&d->at, d->start, len));
	if (!d->err)
		head += took(d, mbedtls_asn1_write_tag(&d->at, d->start,
			(unsigned char)tag));
	return len + head;
}

static size_t put_number(struct der *d, uint64_t value)
{
	uint8_t bytes[9] = {0};
	size_t skip = 0;

	for (int i = 0; i < 8; i++)
		bytes[8 - i] = (uint8_t)(value >> (8 * i));
	while (skip < 8 && bytes[skip] == 0 && bytes[skip + 1] < 0x80)
		skip++;
	return put_head(d, put_raw(d, bytes_of(bytes + skip, 9 - skip)),
		MBEDTLS_ASN1_INTEGER);
}

static size_t put_time(struct der *d, uint64_t at)
{
	char iso[WHEN_TEXT_SIZE], digits[WHEN_TEXT_SIZE];
	bool is_utc = at < UTC_TIME_END;
	size_t n = 0;

	when_format(at, iso);
	for (size_t i = is_utc ? 2 : 0; iso[i]; i++)
		if (iso[i] == 'Z' || (iso[i] >= '0' && iso[i] <= '9'))
			digits[n++] = iso[i];
	return put_head(d, put_raw(d, bytes_of(digits, n)), is_utc ?
		MBEDTLS_ASN1_UTC_TIME : MBEDTLS_ASN1_GENERALIZED_TIME);
}

/* A whole extension, not critical, around `len` bytes of its value. */
static size_t put_extension(struct der *d, const char *oid, size_t len)
{
	size_t n = put_head(d, len, MBEDTLS_ASN1_OCTET_STRING);

	n += put_head(d, put_raw(d, bytes_of(oid, strlen(oid))),
		MBEDTLS_ASN1_OID);
	return put_head(d, n, SEQUENCE);
}

static size_t put_reason(struct der *d, unsigned reason)
{
	uint8_t value = (uint8_t)reason;
	size_t n = put_head(d, put_raw(d, bytes_of(&value, 1)),
		MBEDTLS_ASN1_ENUMERATED);

	return put_head(d, put_extension(d, OID_REASON, n), SEQUENCE);
}

static size_t put_entry(struct der *d, const struct crl_line *entry)
{
	size_t n = entry->reason ? put_reason(d, entry->reason) : 0;

	n += put_time(d, entry->at);
	n += put_head(d, put_raw(d, entry->serial), MBEDTLS_ASN1_INTEGER);
	return put_head(d, n, SEQUENCE);
}

static size_t put_extensions(struct der *d, const struct crl_plan *plan,
	struct bytes key_id)
{
	size_t n = put_extension(d, OID_CRL_NUMBER,
		put_number(d, plan->number));
	size_t aki;

	if (key_id.len) {
		aki = put_head(d, put_raw(d, key_id), CONTEXT_0);
		n += put_extension(d, OID_AKI, put_head(d, aki, SEQUENCE));
	}
	return put_head(d, put_head(d, n, SEQUENCE),
		MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 0);
}

static size_t put_algorithm(struct der *d, const struct key *key)
{
	const char *oid = key->public.curve == CRYPTO_P256 ?
			MBEDTLS_OID_ECDSA_SHA256 : MBEDTLS_OID_ECDSA_SHA384;

	return d->err ? 0 : took(d,
		mbedtls_asn1_write_algorithm_identifier_ext(&d->at, d->start,
			oid, strlen(oid), 0, 0));
}

static void put_tbs(struct der *d, const struct crl_plan *plan,
	const mbedtls_x509_crt *issuer)
{
	size_t n = put_extensions(d, plan, bytes_of(issuer->subject_key_id.p,
		issuer->subject_key_id.len));
	size_t entries = 0;

	for (size_t i = plan->count; i-- > 0;)
		entries += put_entry(d, &plan->entries[i]);
	if (plan->count)
		n += put_head(d, entries, SEQUENCE);
	n += put_time(d, plan->next_update);
	n += put_time(d, plan->this_update);
	n += put_raw(d, bytes_of(issuer->subject_raw.p,
		issuer->subject_raw.len));
	n += put_algorithm(d, plan->key);
	n += put_number(d, 1); /* version 2 */
	put_head(d, n, SEQUENCE);
}

static int tbs_sign(struct key *key, struct bytes tbs, struct buf *ret)
{
	enum cose_alg alg = cose_key_alg(&key->public);
	const struct cose_alg_facts *facts = cose_alg_find(alg);
	uint8_t digest[CRYPTO_HASH_MAX], raw[2 * CRYPTO_POINT_MAX], der[160];
	size_t half = key->public.curve == CRYPTO_P256 ? 32 : 48;
	size_t len;
	int err = crypto_digest(facts->hash, &tbs, 1, digest);

	if (err)
		return complain(err, NULL, "CRL", "%s", err_text(err));
	err = key_sign(key, alg, bytes_of(digest,
		crypto_hash_len(facts->hash)), raw, 2 * half);
	if (err)
		return err;
	if (mbedtls_ecdsa_raw_to_der(8 * half, raw, 2 * half, der, sizeof(der),
			&len))
		return complain(-EIO, NULL, "CRL", "cannot write the"
			" signature");
	return buf_add(ret, der, len);
}

/* tbsCertList, signatureAlgorithm and signatureValue in their sequence. */
static int list_join(const struct crl_plan *plan, struct bytes tbs,
	struct bytes signature, struct buf *ret)
{
	uint8_t tail[256], head[8], zero = 0;
	struct der t = {tail, tail + sizeof(tail), 0};
	struct der h = {head, head + sizeof(head), 0};
	size_t n = put_raw(&t, signature);

	n = put_head(&t, n + put_raw(&t, bytes_of(&zero, 1)),
		MBEDTLS_ASN1_BIT_STRING);
	n += put_algorithm(&t, plan->key);
	put_head(&h, tbs.len + n, SEQUENCE);
	if (t.err || h.err)
		return complain(-EMSGSIZE, NULL, "CRL", "too large");
	buf_add(ret, h.at, (size_t)(head + sizeof(head) - h.at));
	buf_add_bytes(ret, tbs);
	buf_add(ret, t.at, n);
	return ret->err ? complain(ret->err, NULL, "CRL",
		"larger than %zu bytes", ret->max) : 0;
}

static int list_write(const struct crl_plan *plan,
	const mbedtls_x509_crt *issuer, struct buf *ret)
{
	size_t size = REST_SIZE_MAX + plan->count * ENTRY_SIZE_MAX;
	uint8_t *room = malloc(size);
	struct der d = {room, room + size, 0};
	struct buf signature;
	struct bytes tbs;
	int err;

	if (!room)
		return complain(-ENOMEM, NULL, NULL, "no memory");
	buf_init(&signature, 256);
	put_tbs(&d, plan, issuer);
	tbs = bytes_of(d.at, (size_t)(room + size - d.at));
	err = d.err ? complain(-EMSGSIZE, NULL, "CRL", "too large") :
			tbs_sign(plan->key, tbs, &signature);
	if (!err)
		err = list_join(plan, tbs, buf_bytes(&signature), ret);
	buf_done(&signature);
	free(room);
	return err;
}

int crl_write(const struct crl_plan *plan, struct buf *ret)
{
	mbedtls_x509_crt issuer;
	int err;

	mbedtls_x509_crt_init(&issuer);
	if (mbedtls_x509_crt_parse_der(&issuer, plan->issuer.at,
			plan->issuer.len))
		err = complain(-EINVAL, NULL, "CRL",
			"the CA's certificate cannot be read");
	else
		err = list_write(plan, &issuer, ret);
	mbedtls_x509_crt_free(&issuer);
	return err;
}

static const struct {
	unsigned number;
	const char *text;
	const char *openssl;
} reasons[] = {
#define REASON_ROW(number, text, openssl) {number, text, openssl},
	CRL_REASON_MAP(REASON_ROW)
#undef REASON_ROW
};

#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

const char *crl_reason_text(unsigned reason)
{
	return reasons[reason < REASONS ? reason : 0].text;
}

const char *crl_reason_openssl(unsigned reason)
{
	return reasons[reason < REASONS ? reason : 0].openssl;
}

int crl_reason_parse(const char *text, unsigned *ret)
{
	char all[160] = "";

	for (size_t i = 0; i < REASONS; i++) {
		size_t len = strlen(all);

		if (strcmp(reasons[i].text, text) == 0) {
			*ret = reasons[i].number;
			return 0;
		}
		snprintf(all + len, sizeof(all) - len, "%s%s", i ? ", " : "",
			reasons[i].text);
	}
	return complain(-EINVAL, NULL, "--reason", "must be one of %s, not"
		" \"%s\"", all, text);
}
