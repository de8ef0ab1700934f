/* Writes CBOR (RFC 8949) into a bounded buffer: definite lengths, shortest
 * heads. The caller writes map keys in deterministic order itself; tests hold
 * every writer against the strict reader. Errors stick in the buffer: check
 * b->err once at the end. */
#ifndef FERRY_BASE_CBOR_OUT_H
#define FERRY_BASE_CBOR_OUT_H

#include "base/buf.h"

void cbor_put_uint(struct buf *b, uint64_t value);
void cbor_put_int(struct buf *b, int64_t value);
void cbor_put_bstr(struct buf *b, struct bytes value);
void cbor_put_tstr(struct buf *b, const char *value);
void cbor_put_tstr_bytes(struct buf *b, struct bytes value);
void cbor_put_array(struct buf *b, uint64_t count);
void cbor_put_map(struct buf *b, uint64_t pairs);
void cbor_put_tag(struct buf *b, uint64_t tag);
void cbor_put_bool(struct buf *b, bool value);
void cbor_put_null(struct buf *b);

/* The head of a byte string whose `len` content bytes the caller adds next;
 * for wrapping and for hashing a bstr-wrapped span. */
void cbor_put_bstr_head(struct buf *b, uint64_t len);

/* Writes only a head of major type `major` (0..7) to `at` (9 bytes or more);
 * returns its length, 1..9. */
size_t cbor_head(uint8_t *at, unsigned major, uint64_t value);

#endif
