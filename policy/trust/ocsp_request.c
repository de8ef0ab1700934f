#include "policy/trust/ocsp.h"

#include <errno.h>

#include <mbedtls/asn1write.h>

#include "policy/trust/der.h"

#define REQUEST_SIZE 512 /* the longest serial and nonce need 330 */

/* Written from its end to its start, as Mbed TLS does. */
struct writer {
	uint8_t room[REQUEST_SIZE];
	uint8_t *at;
	bool failed;
};

static void put(struct writer *w, struct bytes raw)
{
	if (!w->failed && mbedtls_asn1_write_raw_buffer(
				  &w->at, w->room, raw.at, raw.len) < 0)
		w->failed = true;
}

/* Tag and length of everything from here to `end`. */
static void wrap(struct writer *w, int tag, const uint8_t *end)
{
	if (!w->failed && (mbedtls_asn1_write_len(&w->at, w->room,
				   (size_t)(end - w->at)) < 0 ||
				  mbedtls_asn1_write_tag(
					  &w->at, w->room, (uint8_t)tag) < 0))
		w->failed = true;
}

static void put_element(struct writer *w, int tag, struct bytes content)
{
	const uint8_t *end = w->at;

	put(w, content);
	wrap(w, tag, end);
}

/* RFC 9654 section 2.1: an OCTET STRING in the extension's OCTET STRING. */
static void put_nonce(struct writer *w, struct bytes nonce)
{
	const uint8_t *end = w->at;

	put_element(w, DER_OCTET_STRING, nonce);
	wrap(w, DER_OCTET_STRING, end);
	put_element(w, DER_OID, der_oid(OID_OCSP_NONCE));
	wrap(w, DER_SEQUENCE, end);
	wrap(w, DER_SEQUENCE, end);
	wrap(w, DER_IN(2), end);
}

/* RFC 6960 section 4.1.1: requestList with the one CertID. */
static void put_list(struct writer *w, const struct cert_id *id)
{
	const uint8_t *end = w->at;
	const uint8_t *alg_end;

	put_element(w, DER_INTEGER, bytes_of(id->serial, id->serial_len));
	put_element(w, DER_OCTET_STRING,
		bytes_of(id->issuer_key, sizeof(id->issuer_key)));
	put_element(w, DER_OCTET_STRING,
		bytes_of(id->issuer_name, sizeof(id->issuer_name)));
	alg_end = w->at;
	put_element(w, DER_NULL, bytes_of("", 0));
	put_element(w, DER_OID, der_oid(OID_SHA256));
	wrap(w, DER_SEQUENCE, alg_end);
	wrap(w, DER_SEQUENCE, end);
	wrap(w, DER_SEQUENCE, end);
	wrap(w, DER_SEQUENCE, end);
}

int ocsp_request(const struct cert_id *id, struct bytes nonce, struct buf *b)
{
	struct writer w = {.failed = false};
	const uint8_t *end = w.room + sizeof(w.room);

	if (id->serial_len == 0 || id->serial_len > CERT_SERIAL_MAX)
		return -EINVAL;
	if (nonce.len &&
		(nonce.len < OCSP_NONCE_MIN || nonce.len > OCSP_NONCE_MAX))
		return -EINVAL;
	w.at = w.room + sizeof(w.room);
	if (nonce.len)
		put_nonce(&w, nonce);
	put_list(&w, id);
	wrap(&w, DER_SEQUENCE, end);
	wrap(&w, DER_SEQUENCE, end);
	if (w.failed)
		return -EMSGSIZE;
	return buf_add(b, w.at, (size_t)(end - w.at));
}
