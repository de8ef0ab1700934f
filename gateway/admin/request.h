/* Reads HTTP/1.1 requests from bytes, bounded: the head and the body have a
 * maximum, bodies need a Content-Length, nothing is upgraded or chunked. Without
 * any I/O, so that a fuzzer drives it through the same entry as a socket does.
 *
 * _new to _free. One request at a time: after a whole one the reader stops in
 * front of the next (a pipelined one) until request_next(). Not
 * thread-safe. */
#ifndef FERRY_GATEWAY_ADMIN_REQUEST_H
#define FERRY_GATEWAY_ADMIN_REQUEST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct request_reader;

/* Views live until the next call of the reader. */
struct request {
	const char *method;  /* "GET" */
	struct bytes target; /* as sent: path and query, not decoded */
	struct bytes body;
	bool keep_alive;
	bool is_old; /* HTTP/1.0 */
};

struct request_reader *request_reader_new(size_t head_max, size_t body_max);
void request_reader_free(struct request_reader *r);

/* Takes bytes and says in `ret_used` how many. Returns 1 when a request is
 * whole (bytes behind it are left to the caller), 0 when it needs more, or an
 * error that sticks: -ENOMEM, ERR_ADMIN_REQUEST, ERR_ADMIN_HEAD_SIZE,
 * ERR_ADMIN_BODY_SIZE or ERR_ADMIN_MEDIA_TYPE. request_status() and
 * request_rule() say more about it. */
int request_feed(struct request_reader *r, struct bytes in, size_t *ret_used);

/* True once, after the head of a request that waits for "100 Continue". */
bool request_wants_continue(struct request_reader *r);

/* The request that request_feed() completed. */
void request_get(struct request_reader *r, struct request *ret);

/* Forgets the completed request and gets ready for the next one. */
void request_next(struct request_reader *r);

/* True when a part of a request has been read. */
bool request_has_begun(const struct request_reader *r);

/* HTTP status that fits the error, and which rule was broken (static text). */
unsigned request_status(const struct request_reader *r);
const char *request_rule(const struct request_reader *r);

#endif
