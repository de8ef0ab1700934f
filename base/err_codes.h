/* The one list of our error codes; see base/err.h. docs/errors.md is made from
 * it by scripts/errors. */
#ifndef FERRY_BASE_ERR_CODES_H
#define FERRY_BASE_ERR_CODES_H

/* X(name, number, class, text) */
#define ERR_MAP_BASE(X) \
	X(CBOR_TRUNCATED, -5001, PERMANENT, "CBOR item runs past the end of the input") \
	X(CBOR_TYPE, -5002, PERMANENT, "CBOR item is of another type than the format says") \
	X(CBOR_NOT_SHORTEST, -5003, PERMANENT, "CBOR head is not in its shortest form") \
	X(CBOR_INDEFINITE, -5004, PERMANENT, "CBOR indefinite length is not allowed here") \
	X(CBOR_DEPTH, -5005, PERMANENT, "CBOR nests deeper than allowed") \
	X(CBOR_COUNT, -5006, PERMANENT, "CBOR count is more than the input can hold") \
	X(CBOR_KEY_ORDER, -5007, PERMANENT, "CBOR map keys are not in deterministic order") \
	X(CBOR_KEY_TWICE, -5008, PERMANENT, "CBOR map has the same key twice") \
	X(CBOR_TRAILING, -5009, PERMANENT, "bytes follow the end of the CBOR item") \
	X(CBOR_SIMPLE, -5010, PERMANENT, "CBOR simple value or float is not allowed here") \
	X(CBOR_UTF8, -5011, PERMANENT, "CBOR text is not valid UTF-8") \
	X(CBOR_RANGE, -5012, PERMANENT, "CBOR number is out of range") \
	X(CBOR_RESERVED, -5013, PERMANENT, "CBOR head uses a reserved value") \
	X(TOO_LARGE, -5020, PERMANENT, "larger than the limit of this field")

/* Each room keeps its own codes in its own block. */
#define ERR_MAP_TRUST(X)
#define ERR_MAP_GATES(X)
#define ERR_MAP_STORE(X)
#define ERR_MAP_VENDOR(X)
#define ERR_MAP_TRANSPORT(X)
#define ERR_MAP_DEVICES(X)
#define ERR_MAP_RELAY(X)
#define ERR_MAP_CONFIG(X)
#define ERR_MAP_ADMIN(X)

#define ERR_MAP(X) \
	ERR_MAP_BASE(X) \
	ERR_MAP_TRUST(X) \
	ERR_MAP_GATES(X) \
	ERR_MAP_STORE(X) \
	ERR_MAP_VENDOR(X) \
	ERR_MAP_TRANSPORT(X) \
	ERR_MAP_DEVICES(X) \
	ERR_MAP_RELAY(X) \
	ERR_MAP_CONFIG(X) \
	ERR_MAP_ADMIN(X)

#endif
