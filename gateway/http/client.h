/* An HTTP/1.1 client for one origin, bounded in everything.
 *
 * A client keeps a few connections to one scheme, host and port, and carries
 * fetches over them in the order they were started. Nothing is ever sent to
 * another origin: redirects are followed inside it, all others are errors.
 * An answer whose length is unknown, differs from what was promised or is
 * coded in a way nobody asked for is an error, so a fetch that ends with 0 was
 * whole.
 *
 * Everything happens on the loop thread. A fetch that was started ends in
 * exactly one on_done; never inside http_fetch_start() or http_fetch_cancel().
 * After on_done the fetch is gone. */
#ifndef FERRY_GATEWAY_HTTP_CLIENT_H
#define FERRY_GATEWAY_HTTP_CLIENT_H

#include <sys/socket.h>
#include <uv.h>

#include "base/bytes.h"
#include "base/err.h"
#include "gateway/http/tls.h"

#define HTTP_ETAG_MAX 128
#define HTTP_BODY_OUT_MAX ((size_t)256 * 1024)

/* Zero in a field means the default in brackets. */
struct http_limits {
	unsigned connections;    /* at once, 1..4 [2] */
	unsigned waiting;        /* fetches that wait for one [32] */
	unsigned redirects;      /* followed for one fetch [3] */
	unsigned head_count;     /* headers of one answer [64] */
	size_t head_bytes;       /* all of its head [16 KiB] */
	uint32_t address_ms;     /* one attempt to connect [5 s] */
	uint32_t setup_ms;       /* resolve, connect, TLS, gate [30 s] */
	uint32_t head_ms;        /* request sent to head complete [30 s] */
	uint32_t idle_ms;        /* window in which the rate is judged [30 s] */
	uint32_t rate_floor_bps; /* bytes a second over that window [64] */
	uint32_t keep_ms;        /* an unused connection is kept [60 s] */
};

/* Answers the question of `peer_verified`. */
struct http_gate;
void http_gate_answer(struct http_gate *gate, int status);

struct http_client_settings {
	const char *origin;      /* "https://host[:port]"; a path is ignored */
	struct tls_trust *trust; /* a reference is taken; NULL for http */
	bool allow_plain;        /* "http://" is refused without it */
	const char *user_agent;  /* NULL: "ferryd" */
	struct http_limits limits;

	/* Asked after the server's chain was verified and before any request
	 * byte goes out; for revocation. `chain` is leaf first, anchor last, and
	 * lives until the answer. Answer once with http_gate_answer(), here or
	 * later: 0 goes on, an error ends the connection and its fetch with it.
	 * `setup_ms` runs meanwhile; when it has run out or the client closes,
	 * on_gate_gone is called and the gate may not be answered any more. NULL:
	 * goes on at once. */
	void (*peer_verified)(void *arg, struct http_gate *gate,
		const struct bytes *chain, size_t count);
	void (*on_gate_gone)(void *arg, struct http_gate *gate);

	/* May this address be contacted? NULL: all. */
	bool (*address_allowed)(void *arg, const struct sockaddr *address);
	void *arg;
};

struct http_client;

/* Opens no connection yet. */
int http_client_open(uv_loop_t *loop,
	const struct http_client_settings *settings, struct fault *fault,
	struct http_client **ret_client);

/* Ends every fetch with -ECANCELED, then calls `on_closed` when all handles are
 * gone; `client` is freed after that. NULL client: calls it at once. */
void http_client_close(struct http_client *client,
	void (*on_closed)(void *arg), void *arg);

enum http_method { HTTP_METHOD_GET, HTTP_METHOD_POST };

/* The head of the final answer, redirects and 1xx passed over. */
struct http_head {
	int status;
	int64_t length;          /* of this body; -1: chunked */
	char etag[HTTP_ETAG_MAX]; /* quoted; "": none or too long */
	uint32_t retry_after_s;  /* 0: none; at most a week */
	bool is_range;           /* 206; then: */
	uint64_t range_from;
	uint64_t range_end;      /* one past the last byte */
	int64_t total;           /* whole object; -1: not said */
};

struct http_fetch_spec {
	enum http_method method;
	const char *path;          /* starts with '/', with query; copied */
	bool ranged;               /* ask for from..end; GET only */
	uint64_t range_from;
	uint64_t range_end;        /* one past the last; 0: to the end */
	const char *if_range;      /* strong ETag for ranged; NULL or "": none */
	const char *if_none_match; /* ETag; NULL or "": none */
	const char *accept;        /* NULL: no Accept header */
	const char *content_type;  /* of body; POST only */
	struct bytes body;         /* copied; at most HTTP_BODY_OUT_MAX */
	uint64_t body_max;         /* of the answer's body */
	uint32_t total_ms;         /* from start to on_done; 0: no limit */

	/* Once, before any body byte. Anything but 0 ends the fetch with it. May
	 * be NULL. */
	int (*on_head)(void *arg, const struct http_head *head);

	/* Body bytes in order, whatever the status. Anything but 0 ends the
	 * fetch with it. NULL: the body is dropped. */
	int (*on_body)(void *arg, struct bytes part);

	/* 0: the answer, whatever its status, arrived whole. `head` is NULL when
	 * none arrived; borrowed for the call. `fault` says what was wrong. */
	void (*on_done)(void *arg, int status, const struct http_head *head,
		const struct fault *fault);
	void *arg;
};

struct http_fetch;

/* ERR_VENDOR_QUEUE when too many wait; -EINVAL for a spec that breaks its own
 * rules, which an odd ETag or path from outside may cause. */
int http_fetch_start(struct http_client *client,
	const struct http_fetch_spec *spec, struct http_fetch **ret_fetch);

/* on_done follows with -ECANCELED from the loop; no other callback does. */
void http_fetch_cancel(struct http_fetch *fetch);

/* Stops reading until resumed; at most 16 KiB more of body arrive after a
 * pause. Time limits but `total_ms` stand still meanwhile. */
void http_fetch_pause(struct http_fetch *fetch);
void http_fetch_resume(struct http_fetch *fetch);

/* For `status`: connections opened and fetches ended so far. */
struct http_client_stats {
	uint64_t connections;
	uint64_t fetches;
	uint64_t bytes_in;  /* body bytes */
	const char *tls_version; /* of the last connection; NULL none */
	const char *tls_suite;
};
struct http_client_stats http_client_stats(const struct http_client *client);

#endif
