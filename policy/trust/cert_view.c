#include "policy/trust/cert_view.h"

#include "policy/trust/cose.h"

static bool read_version(struct bytes *tbs, unsigned *ret)
{
	struct bytes inner;

	*ret = 0;
	if (!der_next_is(*tbs, DER_IN(0)))
		return true;
	return der_take(tbs, DER_IN(0), &inner) &&
	       der_take_small(&inner, DER_INTEGER, ret) && inner.len == 0 &&
	       *ret <= 2;
}

static bool read_validity(struct bytes *tbs, struct cert_view *view)
{
	struct bytes dates;

	return der_take(tbs, DER_SEQUENCE, &dates) &&
	       der_take_time(&dates, &view->not_before) &&
	       der_take_time(&dates, &view->not_after) && dates.len == 0;
}

static bool read_key(struct bytes *tbs, struct cert_view *view)
{
	struct bytes alg, inner, from;

	if (!der_take_whole(tbs, DER_SEQUENCE, &view->spki))
		return false;
	from = view->spki;
	return der_take(&from, DER_SEQUENCE, &inner) &&
	       der_take(&inner, DER_SEQUENCE, &alg) &&
	       der_take_bits(&inner, &view->key) && inner.len == 0;
}

/* What follows the key: unique identifiers, which nobody uses, and
 * extensions, which need version 3. */
static bool read_rest(
	struct bytes *tbs, unsigned version, struct cert_view *view)
{
	struct bytes inner;

	view->extensions = bytes_of(NULL, 0);
	if (der_next_is(*tbs, DER_AS(1)) && (version < 1 || !der_skip(tbs)))
		return false;
	if (der_next_is(*tbs, DER_AS(2)) && (version < 1 || !der_skip(tbs)))
		return false;
	if (tbs->len == 0)
		return true;
	return version == 2 && der_take(tbs, DER_IN(3), &inner) &&
	       tbs->len == 0 &&
	       der_take(&inner, DER_SEQUENCE, &view->extensions) &&
	       inner.len == 0 &&
	       der_are_extensions(view->extensions, CERT_EXTENSIONS_MAX);
}

static bool read_tbs(struct bytes tbs, struct cert_view *view)
{
	struct bytes inner_alg;
	unsigned version;

	return read_version(&tbs, &version) &&
	       der_take_integer(&tbs, &view->serial) &&
	       der_take_whole(&tbs, DER_SEQUENCE, &inner_alg) &&
	       bytes_equal(inner_alg, view->alg) &&
	       der_take_whole(&tbs, DER_SEQUENCE, &view->issuer) &&
	       read_validity(&tbs, view) &&
	       der_take_whole(&tbs, DER_SEQUENCE, &view->subject) &&
	       read_key(&tbs, view) && read_rest(&tbs, version, view);
}

int cert_view_read(struct bytes der, struct cert_view *ret)
{
	struct cert_view view;
	struct bytes outer, from, tbs;

	if (der.len > COSE_CERT_LEN_MAX ||
		!der_take(&der, DER_SEQUENCE, &outer) || der.len ||
		!der_take_whole(&outer, DER_SEQUENCE, &view.tbs) ||
		!der_take_whole(&outer, DER_SEQUENCE, &view.alg) ||
		!der_take_bits(&outer, &view.signature) || outer.len)
		return ERR_TRUST_CERT_FORM;
	from = view.tbs;
	if (!der_take(&from, DER_SEQUENCE, &tbs) || !read_tbs(tbs, &view))
		return ERR_TRUST_CERT_FORM;
	*ret = view;
	return 0;
}

bool cert_view_may(const struct cert_view *cert, enum cert_usage usage)
{
	struct der_extension ext;
	struct bytes bits;
	size_t octet = (size_t)usage / 8;

	if (!der_find_extension(
		    cert->extensions, der_oid(OID_KEY_USAGE), &ext) ||
		!der_take(&ext.value, DER_BIT_STRING, &bits) || ext.value.len)
		return false;
	if (bits.len < 2 + octet || bits.at[0] > 7)
		return false;
	return bits.at[1 + octet] & 0x80 >> usage % 8;
}

bool cert_view_is_ca(const struct cert_view *cert)
{
	struct der_extension ext;
	struct bytes body;
	bool ca;

	return der_find_extension(cert->extensions,
		       der_oid(OID_BASIC_CONSTRAINTS), &ext) &&
	       der_take(&ext.value, DER_SEQUENCE, &body) &&
	       ext.value.len == 0 && der_take_boolean(&body, &ca) && ca;
}

bool cert_view_lists(const struct cert_view *cert, struct bytes purpose)
{
	struct der_extension ext;
	struct bytes list, one;

	if (!der_find_extension(
		    cert->extensions, der_oid(OID_EXT_KEY_USAGE), &ext) ||
		!der_take(&ext.value, DER_SEQUENCE, &list) || ext.value.len)
		return false;
	while (der_take(&list, DER_OID, &one))
		if (bytes_equal(one, purpose))
			return true;
	return false;
}

struct bytes cert_view_key_id(const struct cert_view *cert)
{
	struct bytes id = bytes_of(NULL, 0);
	struct der_extension ext;

	if (der_find_extension(
		    cert->extensions, der_oid(OID_SUBJECT_KEY_ID), &ext) &&
		der_take(&ext.value, DER_OCTET_STRING, &id) &&
		ext.value.len == 0)
		return id;
	return bytes_of(NULL, 0);
}

bool cert_authority_key_id(struct bytes value, struct bytes *ret)
{
	struct bytes body;
	struct bytes id = bytes_of(NULL, 0);

	if (!der_take(&value, DER_SEQUENCE, &body) || value.len)
		return false;
	if (der_next_is(body, DER_AS(0)) && !der_take(&body, DER_AS(0), &id))
		return false;
	while (body.len)
		if (!der_skip(&body))
			return false;
	*ret = id;
	return true;
}
