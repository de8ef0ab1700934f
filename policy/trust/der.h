/* Strict DER (X.690), read off the front of views.
 *
 * A thin layer over Mbed TLS's ASN.1 primitives, which alone take lengths that
 * are not the shortest and booleans of any value. A function that returns
 * false has left its cursor where it was. Nothing is copied or allocated; any
 * thread. */
#ifndef FERRY_POLICY_TRUST_DER_H
#define FERRY_POLICY_TRUST_DER_H

#include "base/bytes.h"

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_SEQUENCE = 0x30,
};

/* Context-specific tags: constructed (explicit, or an implicit SEQUENCE) and
 * primitive. */
#define DER_IN(n) (0xa0 | (n))
#define DER_AS(n) (0x80 | (n))

/* One element with this tag: its content, or all of it with tag and length. */
bool der_take(struct bytes *in, int tag, struct bytes *ret);
bool der_take_whole(struct bytes *in, int tag, struct bytes *ret);

/* One element of any tag that fits in one octet. */
bool der_skip(struct bytes *in);

bool der_next_is(struct bytes in, int tag);

/* An INTEGER in the fewest octets; its content. */
bool der_take_integer(struct bytes *in, struct bytes *ret);

/* An INTEGER or ENUMERATED from 0 to 65535. */
bool der_take_small(struct bytes *in, int tag, unsigned *ret);

/* TRUE is 0xff; an explicit FALSE is taken although it is the default. */
bool der_take_boolean(struct bytes *in, bool *ret);

/* A BIT STRING of whole octets, without the octet of unused bits. */
bool der_take_bits(struct bytes *in, struct bytes *ret);

/* YYYYMMDDHHMMSSZ and nothing else; seconds since 1970, 0 for earlier ones. */
bool der_take_generalized_time(struct bytes *in, uint64_t *ret);

/* That or YYMMDDHHMMSSZ (RFC 5280 section 4.1.2.5.1), each for any year. */
bool der_take_time(struct bytes *in, uint64_t *ret);

/* RFC 5280 section 4.1. */
struct der_extension {
	struct bytes oid;
	struct bytes value; /* content of the OCTET STRING */
	bool critical;
};
bool der_take_extension(struct bytes *in, struct der_extension *ret);

/* The content of Extensions: well-formed, at least one and at most `max`, none
 * twice. */
bool der_are_extensions(struct bytes list, unsigned max);

/* The first with this OID in a well-formed list. */
bool der_find_extension(
	struct bytes list, struct bytes oid, struct der_extension *ret);

/* Contents of OBJECT IDENTIFIERs, RFC 5280, 5912, 6960, 9654, 8017. */
#define OID_SUBJECT_KEY_ID "\x55\x1d\x0e"
#define OID_KEY_USAGE "\x55\x1d\x0f"
#define OID_BASIC_CONSTRAINTS "\x55\x1d\x13"
#define OID_CRL_NUMBER "\x55\x1d\x14"
#define OID_CRL_REASON "\x55\x1d\x15"
#define OID_INVALIDITY_DATE "\x55\x1d\x18"
#define OID_DELTA_CRL "\x55\x1d\x1b"
#define OID_ISSUING_POINT "\x55\x1d\x1c"
#define OID_CERTIFICATE_ISSUER "\x55\x1d\x1d"
#define OID_CRL_POINTS "\x55\x1d\x1f"
#define OID_AUTHORITY_KEY_ID "\x55\x1d\x23"
#define OID_EXT_KEY_USAGE "\x55\x1d\x25"
#define OID_OCSP_SIGNING "\x2b\x06\x01\x05\x05\x07\x03\x09"
#define OID_AUTHORITY_ACCESS "\x2b\x06\x01\x05\x05\x07\x01\x01"
#define OID_OCSP "\x2b\x06\x01\x05\x05\x07\x30\x01"
#define OID_OCSP_BASIC "\x2b\x06\x01\x05\x05\x07\x30\x01\x01"
#define OID_OCSP_NONCE "\x2b\x06\x01\x05\x05\x07\x30\x01\x02"
#define OID_OCSP_NOCHECK "\x2b\x06\x01\x05\x05\x07\x30\x01\x05"
#define OID_SHA256 "\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define OID_SHA384 "\x60\x86\x48\x01\x65\x03\x04\x02\x02"
#define OID_SHA512 "\x60\x86\x48\x01\x65\x03\x04\x02\x03"
#define OID_ECDSA_SHA256 "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define OID_ECDSA_SHA384 "\x2a\x86\x48\xce\x3d\x04\x03\x03"
#define OID_ECDSA_SHA512 "\x2a\x86\x48\xce\x3d\x04\x03\x04"
#define OID_RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define OID_MGF1 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
#define OID_RSA_PSS "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define OID_RSA_SHA256 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"
#define OID_RSA_SHA384 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"
#define OID_RSA_SHA512 "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"
#define OID_EC_KEY "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256 "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384 "\x2b\x81\x04\x00\x22"
#define OID_P521 "\x2b\x81\x04\x00\x23"

/* A view of one of them. */
#define der_oid(text) bytes_of("" text, sizeof(text) - 1)
#define der_is_oid(bytes, text) bytes_equal(bytes, der_oid(text))

#endif
