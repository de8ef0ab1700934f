/* A live path to a vendor's service: list offers, fetch bytes, report state.
 *
 * The daemon core speaks to every vendor through this interface alone; what is
 * behind it (`https`: static files on any web server; others later) is chosen
 * when the link is opened. A link judges nothing that it carries: objects are
 * bytes for policy/trust, payloads bytes for the store. It does hold every
 * object to the length limits below and to the length the caller expects.
 *
 * Everything happens on the loop thread. A request is known by an id, never
 * reused within a link, and ends in exactly one callback, which is never called
 * inside the start. After vendor_link_close() the requests that were open end
 * with -ECANCELED before on_closed.
 *
 * Errors that a caller treats apart:
 *   ERR_VENDOR_HTTP_ABSENT   the vendor has no such object (root N+1: no news)
 *   ERR_VENDOR_HTTP_BUSY     come back after answer->retry_after_s
 *   class SECURITY           the server is not to be trusted; nothing was sent
 * For all others err_class() says whether a retry is sensible. */
#ifndef FERRY_GATEWAY_VENDOR_LINK_H
#define FERRY_GATEWAY_VENDOR_LINK_H

#include "base/bytes.h"
#include "base/err.h"

/* As docs/formats.md says. */
#define VENDOR_ROOT_MAX ((size_t)64 * 1024)
#define VENDOR_CATALOG_MAX ((size_t)4 * 1024 * 1024)
#define VENDOR_ENVELOPE_MAX ((size_t)64 * 1024)
#define VENDOR_EVIDENCE_MAX ((size_t)8 * 1024 * 1024)
#define VENDOR_REPORT_MAX ((size_t)256 * 1024)
#define VENDOR_ETAG_MAX 128

struct vendor_link;

/* What came back; borrowed for the call. */
struct vendor_answer {
	struct bytes content;      /* of an object; empty otherwise */
	bool unchanged;            /* the catalog is the one of `etag` */
	const char *etag;          /* "" when there is none */
	uint32_t retry_after_s;    /* 0: the server named no time */
	int http_status;           /* 0 when no head arrived */
	const struct fault *fault; /* what went wrong, never NULL */
};

typedef void vendor_answer_fn(void *arg, int status,
	const struct vendor_answer *answer);

/* A payload on its way into the store. */
struct vendor_payload_spec {
	uint8_t sha256[32]; /* names p/SHA256 when there is no `uri` */
	const char *uri;    /* resolved inside the origin; copied; may be NULL */
	uint64_t size;      /* of the whole payload; another size is an error */
	uint64_t from;      /* bytes that the caller already has */
	const char *etag;   /* of those bytes; NULL or "": not known */

	/* Bytes from `from` on follow. 0 although more was there: what the
	 * caller had is of another version or the server knows no ranges; begin
	 * anew. Called again when the link resumes after a break, then with the
	 * offset that was reached, or 0. `etag` is to be stored beside the bytes
	 * and given back after a restart. Anything but 0 ends the request. */
	int (*on_start)(void *arg, uint64_t from, const char *etag);

	/* Bytes in order, 16 KiB or less. Anything but 0 ends the request with
	 * it. vendor_link_pause() may be called here. */
	int (*on_bytes)(void *arg, struct bytes part);

	/* 0: exactly `size` bytes have been delivered. */
	vendor_answer_fn *on_done;
	void *arg;
};

/* What a kind of link fills in; the functions below call it. The contracts
 * stand at those. */
struct vendor_link_ops {
	const char *kind;
	int (*root)(struct vendor_link *link, uint64_t version,
		vendor_answer_fn *on_done, void *arg, uint64_t *ret_id);
	int (*catalog)(struct vendor_link *link, const char *etag,
		vendor_answer_fn *on_done, void *arg, uint64_t *ret_id);
	int (*envelope)(struct vendor_link *link, const uint8_t *sha256,
		uint64_t size, vendor_answer_fn *on_done, void *arg,
		uint64_t *ret_id);
	int (*evidence)(struct vendor_link *link, const uint8_t *sha256,
		uint64_t size, vendor_answer_fn *on_done, void *arg,
		uint64_t *ret_id);
	int (*payload)(struct vendor_link *link,
		const struct vendor_payload_spec *spec, uint64_t *ret_id);
	int (*report)(struct vendor_link *link, struct bytes report,
		vendor_answer_fn *on_done, void *arg, uint64_t *ret_id);
	void (*cancel)(struct vendor_link *link, uint64_t id);
	void (*pause)(struct vendor_link *link, uint64_t id, bool paused);
	void (*close)(struct vendor_link *link, void (*on_closed)(void *arg),
		void *arg);
};

/* The head of every kind of link. */
struct vendor_link {
	const struct vendor_link_ops *ops;
};

/* Fetches root number `version`; ERR_VENDOR_HTTP_ABSENT is the normal answer
 * to a version that is not published yet. */
int vendor_link_root(struct vendor_link *link, uint64_t version,
	vendor_answer_fn *on_done, void *arg, uint64_t *ret_id);

/* Fetches the catalog. With `etag` (of the last catalog that was accepted; NULL
 * or "": none) the answer may be `unchanged`, status 0, without content. */
int vendor_link_catalog(struct vendor_link *link, const char *etag,
	vendor_answer_fn *on_done, void *arg, uint64_t *ret_id);

/* Fetches the envelope with this digest; `size` is the catalog's word, at most
 * VENDOR_ENVELOPE_MAX; another length is ERR_VENDOR_SIZE. The digest is not
 * checked here. */
int vendor_link_envelope(struct vendor_link *link, const uint8_t *sha256,
	uint64_t size, vendor_answer_fn *on_done, void *arg, uint64_t *ret_id);

/* The same for a CRL or OCSP response that the catalog ships; at most
 * VENDOR_EVIDENCE_MAX. */
int vendor_link_evidence(struct vendor_link *link, const uint8_t *sha256,
	uint64_t size, vendor_answer_fn *on_done, void *arg, uint64_t *ret_id);

/* Streams a payload. A connection that breaks is resumed by the link itself, a
 * few times and with growing pauses, as long as bytes keep coming; then the
 * request ends with the last error. `spec` is copied. */
int vendor_link_payload(struct vendor_link *link,
	const struct vendor_payload_spec *spec, uint64_t *ret_id);

/* Sends one report; 0: the service has taken it. ERR_VENDOR_NO_REPORTS is
 * returned at once where no address for reports is configured. The report is
 * copied, at most VENDOR_REPORT_MAX. It may arrive twice: when the answer is
 * lost, the caller sends it again. */
int vendor_link_report(struct vendor_link *link, struct bytes report,
	vendor_answer_fn *on_done, void *arg, uint64_t *ret_id);

/* The callback follows with -ECANCELED. An id that has ended is ignored. */
void vendor_link_cancel(struct vendor_link *link, uint64_t id);

/* Back-pressure for a payload. At most 16 KiB more arrive after a pause. An id
 * that has ended is ignored. */
void vendor_link_pause(struct vendor_link *link, uint64_t id);
void vendor_link_resume(struct vendor_link *link, uint64_t id);

/* NULL link: calls `on_closed` at once. */
void vendor_link_close(struct vendor_link *link, void (*on_closed)(void *arg),
	void *arg);

#endif
