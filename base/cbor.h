/* A bounded pull reader for CBOR (RFC 8949), for input that nobody trusts.
 *
 * The reader is a cursor over bytes of the caller: it allocates nothing, and
 * strings come back as views into the input (digests and signatures are over
 * raw spans). Errors are sticky: after the first one every call returns it, so
 * a parser may read a whole structure and look once. No recursion.
 *
 * Three profiles:
 *   CBOR_STRICT  definite lengths, shortest heads, map keys unique and in the
 *                bytewise order of RFC 8949 section 4.2.1 (root, catalog, SUIT)
 *   CBOR_COSE    as strict, but map keys in any order
 *   CBOR_WIRE    as cose, and maps and arrays of indefinite length and heads of
 *                any length too (SMP servers send both)
 * In all of them: duplicate keys, indefinite strings, reserved values, invalid
 * UTF-8 in text and more than CBOR_DEPTH_MAX levels are refused. Floats and
 * simple values other than false, true, null and undefined are refused but in
 * WIRE, where cbor_skip() passes over them.
 *
 * Embedded in its owner, no resources, not thread-safe. */
#ifndef FERRY_BASE_CBOR_H
#define FERRY_BASE_CBOR_H

#include "base/bytes.h"
#include "base/err.h"

#define CBOR_DEPTH_MAX 16

enum cbor_profile { CBOR_STRICT, CBOR_COSE, CBOR_WIRE };

enum cbor_type {
	CBOR_UINT,
	CBOR_NINT,
	CBOR_BSTR,
	CBOR_TSTR,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,
	CBOR_BOOL,
	CBOR_NULL,
	CBOR_UNDEFINED,
	CBOR_OTHER, /* float or simple; only in CBOR_WIRE */
	CBOR_END,   /* end of input, or an error */
};

struct cbor {
	const uint8_t *start;
	const uint8_t *at;
	const uint8_t *end;
	enum cbor_profile profile;
	unsigned depth;
	int err;
};

/* An array or map being read. `left` counts items (pairs in a map). */
struct cbor_list {
	uint64_t left;
	bool is_map;
	bool indefinite;
	struct bytes first_key; /* from here on earlier keys are found again */
	struct bytes last_key;
	uint64_t seen;
};

void cbor_init(struct cbor *r, struct bytes in, enum cbor_profile profile);

/* The type of the next item; CBOR_END where there is none. Never moves. */
enum cbor_type cbor_peek(struct cbor *r);

/* Offset of the cursor in the input, for fault_set(). */
size_t cbor_offset(const struct cbor *r);

/* Each reads one item and moves past it. 0, or an ERR_CBOR_* that sticks. */
int cbor_uint(struct cbor *r, uint64_t *ret);
int cbor_int(struct cbor *r, int64_t *ret); /* either sign, range of int64 */
int cbor_bstr(struct cbor *r, struct bytes *ret);
int cbor_tstr(struct cbor *r, struct bytes *ret);
int cbor_bool(struct cbor *r, bool *ret);
int cbor_null(struct cbor *r);
int cbor_tag(struct cbor *r, uint64_t *ret); /* the tagged item comes next */

/* Enters an array or map. Read the content with cbor_next() until it returns
 * false; that leaves the container. A container must be read to its end (or
 * its items skipped): there is no way out in the middle. Counts larger than
 * the bytes that are left are refused here. */
int cbor_array(struct cbor *r, struct cbor_list *ret);
int cbor_map(struct cbor *r, struct cbor_list *ret);

/* True while another item (in a map: another key) comes next. False at the
 * end and after an error: look at r->err. In a map it has checked that the
 * key which comes next is in order and new. The caller then reads the key and
 * the value. */
bool cbor_next(struct cbor *r, struct cbor_list *list);

/* Passes over one item, whatever it is, with all its content checked by the
 * rules of the profile. `ret_span`, if not NULL, gets its raw bytes. */
int cbor_skip(struct cbor *r, struct bytes *ret_span);

/* 0 when the whole input has been read, ERR_CBOR_TRAILING otherwise. */
int cbor_done(struct cbor *r);

/* Marks the input as bad with an error of the caller; sticks. */
int cbor_fail(struct cbor *r, int code);

/* Checks one whole item in `in`, nothing left behind it. */
int cbor_check(struct bytes in, enum cbor_profile profile);

#endif
