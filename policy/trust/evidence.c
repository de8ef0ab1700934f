#include "policy/trust/evidence.h"

#include <strings.h>

#include <mbedtls/base64.h>

#include "policy/trust/cert_view.h"
#include "policy/trust/crypto.h"

int evidence_kind_of(struct bytes der)
{
	struct bytes outer, tbs, version;

	if (!der_take(&der, DER_SEQUENCE, &outer))
		return 0;
	if (der_next_is(outer, DER_ENUMERATED))
		return EVIDENCE_OCSP;
	if (!der_take(&outer, DER_SEQUENCE, &tbs))
		return 0;
	/* Algorithm and issuer come before the dates, in a certificate behind
	 * its serial number and with the dates in a SEQUENCE. */
	if (der_next_is(tbs, DER_INTEGER) &&
		!der_take(&tbs, DER_INTEGER, &version))
		return 0;
	if (!der_skip(&tbs) || !der_skip(&tbs))
		return 0;
	return der_next_is(tbs, DER_UTC_TIME) ||
			       der_next_is(tbs, DER_GENERALIZED_TIME)
		       ? EVIDENCE_CRL
		       : 0;
}

int cert_id_of(
	struct bytes certificate, struct bytes issuer, struct cert_id *ret)
{
	struct cert_view cert, above;
	struct cert_id id = {.serial_len = 0};
	int err = cert_view_read(certificate, &cert);

	if (!err)
		err = cert_view_read(issuer, &above);
	if (err)
		return err;
	if (!bytes_equal(cert.issuer, above.subject) ||
		cert.serial.len > CERT_SERIAL_MAX)
		return ERR_TRUST_CERT_FORM;
	memcpy(id.serial, cert.serial.at, cert.serial.len);
	id.serial_len = (uint8_t)cert.serial.len;
	err = crypto_sha256(above.subject, id.issuer_name);
	if (!err)
		err = crypto_sha256(above.key, id.issuer_key);
	if (!err)
		*ret = id;
	return err;
}

static struct bytes serial_of(const struct cert_id *id)
{
	return bytes_of(id->serial, id->serial_len);
}

bool cert_id_equal(const struct cert_id *a, const struct cert_id *b)
{
	return !memcmp(a->issuer_name, b->issuer_name,
		       sizeof(a->issuer_name)) &&
	       !memcmp(a->issuer_key, b->issuer_key, sizeof(a->issuer_key)) &&
	       bytes_equal(serial_of(a), serial_of(b));
}

static int digest_of(
	const struct cert_id *id, struct bytes serial, uint8_t *ret)
{
	struct bytes parts[] = {
		bytes_of(id->issuer_name, sizeof(id->issuer_name)),
		bytes_of(id->issuer_key, sizeof(id->issuer_key)),
		serial,
	};

	return crypto_digest(CRYPTO_SHA256, parts, 3, ret);
}

int cert_id_digest(const struct cert_id *id, uint8_t ret[CERT_ID_LEN])
{
	return digest_of(id, serial_of(id), ret);
}

int cert_issuer_digest(const struct cert_id *id, uint8_t ret[CERT_ID_LEN])
{
	return digest_of(id, bytes_of(NULL, 0), ret);
}

static bool starts_with(struct bytes uri, const char *scheme)
{
	size_t len = strlen(scheme);

	return uri.len > len && !strncasecmp((const char *)uri.at, scheme, len);
}

static bool is_usable(struct bytes uri)
{
	if (uri.len >= EVIDENCE_URI_SIZE)
		return false;
	for (size_t i = 0; i < uri.len; i++)
		if (uri.at[i] <= ' ' || uri.at[i] > '~')
			return false;
	return starts_with(uri, "http://") || starts_with(uri, "https://");
}

static void note_uri(
	struct bytes uri, char (*list)[EVIDENCE_URI_SIZE], unsigned *count)
{
	if (*count == EVIDENCE_URIS_MAX || !is_usable(uri))
		return;
	memcpy(list[*count], uri.at, uri.len);
	list[*count][uri.len] = 0;
	++*count;
}

/* GeneralNames: those of the kind uniformResourceIdentifier. */
static bool note_names(struct bytes names, struct evidence_uris *uris)
{
	struct bytes uri;

	while (names.len) {
		if (der_take(&names, DER_AS(6), &uri))
			note_uri(uri, uris->crl, &uris->crl_count);
		else if (!der_skip(&names))
			return false;
	}
	return true;
}

/* RFC 5280 section 4.2.1.13. A point for some reasons only, or of another
 * issuer, leads to lists that are refused; it is passed over. */
static bool note_point(struct bytes point, struct evidence_uris *uris)
{
	struct bytes name, full;

	if (!der_next_is(point, DER_IN(0)))
		return true;
	if (!der_take(&point, DER_IN(0), &name))
		return false;
	if (point.len || !der_next_is(name, DER_IN(0)))
		return true;
	return der_take(&name, DER_IN(0), &full) && name.len == 0 &&
	       note_names(full, uris);
}

static bool note_points(struct bytes value, struct evidence_uris *uris)
{
	struct bytes list, point;

	if (!der_take(&value, DER_SEQUENCE, &list) || value.len)
		return false;
	while (list.len)
		if (!der_take(&list, DER_SEQUENCE, &point) ||
			!note_point(point, uris))
			return false;
	return true;
}

/* RFC 5280 section 4.2.2.1. */
static bool note_access(struct bytes value, struct evidence_uris *uris)
{
	struct bytes list, one, method, uri;

	if (!der_take(&value, DER_SEQUENCE, &list) || value.len)
		return false;
	while (list.len) {
		if (!der_take(&list, DER_SEQUENCE, &one) ||
			!der_take(&one, DER_OID, &method))
			return false;
		if (der_is_oid(method, OID_OCSP) &&
			der_take(&one, DER_AS(6), &uri) && one.len == 0)
			note_uri(uri, uris->ocsp, &uris->ocsp_count);
	}
	return true;
}

int evidence_uris(struct bytes certificate, struct evidence_uris *ret)
{
	struct evidence_uris uris = {0};
	struct der_extension ext;
	struct cert_view cert;
	int err = cert_view_read(certificate, &cert);

	if (err)
		return err;
	if (der_find_extension(
		    cert.extensions, der_oid(OID_CRL_POINTS), &ext) &&
		!note_points(ext.value, &uris))
		return ERR_TRUST_CERT_FORM;
	if (der_find_extension(
		    cert.extensions, der_oid(OID_AUTHORITY_ACCESS), &ext) &&
		!note_access(ext.value, &uris))
		return ERR_TRUST_CERT_FORM;
	*ret = uris;
	return 0;
}

/* What stands behind the first `mark`; empty if there is none. */
static struct bytes behind(struct bytes in, const char *mark)
{
	size_t len = strlen(mark);
	const uint8_t *at = in.len ? memmem(in.at, in.len, mark, len) : NULL;

	if (!at)
		return bytes_of(NULL, 0);
	return bytes_slice(in, (size_t)(at - in.at) + len, in.len);
}

int evidence_to_der(struct bytes in, struct buf *b)
{
	static const char begin[] = "-----BEGIN X509 CRL-----";
	static const char end[] = "-----END X509 CRL-----";
	struct bytes text = behind(in, begin);
	struct bytes rest = behind(text, end);
	size_t text_len, room, len;
	uint8_t *der;

	if (!text.at)
		return buf_add_bytes(b, in);
	if (!rest.at || behind(rest, begin).at)
		return ERR_TRUST_CRL_FORM;
	text_len = (size_t)(rest.at - text.at) - (sizeof(end) - 1);
	room = text_len / 4 * 3 + 3;
	der = buf_room(b, room);
	if (!der)
		return b->err;
	if (mbedtls_base64_decode(der, room, &len, text.at, text_len))
		return ERR_TRUST_CRL_FORM;
	buf_grow(b, len);
	return 0;
}
