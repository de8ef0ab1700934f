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
#define ERR_MAP_ADMIN(X) \
	X(ADMIN_REQUEST, -5901, PERMANENT, "the HTTP request is malformed") \
	X(ADMIN_HEAD_SIZE, -5902, PERMANENT, "request line and header fields are larger than allowed") \
	X(ADMIN_BODY_SIZE, -5903, PERMANENT, "the request body is larger than allowed") \
	X(ADMIN_NOT_FOUND, -5904, PERMANENT, "there is no such resource") \
	X(ADMIN_METHOD, -5905, PERMANENT, "this resource does not know this method") \
	X(ADMIN_ROLE, -5906, PERMANENT, "the caller's role does not allow this") \
	X(ADMIN_MEDIA_TYPE, -5907, PERMANENT, "the request body must be application/json") \
	X(ADMIN_JSON, -5908, PERMANENT, "the request body is not one JSON object") \
	X(ADMIN_FIELD, -5909, PERMANENT, "a field of the request breaks a rule") \
	X(ADMIN_TIMEOUT, -5910, TRANSIENT, "the request took too long") \
	X(ADMIN_BUSY, -5911, TRANSIENT, "too many connections") \
	X(ADMIN_STOPPING, -5912, TRANSIENT, "ferryd is stopping") \
	X(ADMIN_SOCKET_LIVE, -5913, PERMANENT, "another process answers on the admin socket") \
	X(ADMIN_SOCKET_TAKEN, -5914, PERMANENT, "a file that is no socket is in the place of the admin socket") \
	X(ADMIN_STATE, -5915, PERMANENT, "this action does not fit the present state")

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
