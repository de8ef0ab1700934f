/* The vendor link over HTTPS: static files below a base URL.
 *
 *   BASE/root/N.cose     root number N
 *   BASE/catalog.cose    the current catalog
 *   BASE/e/SHA256.suit   envelopes, lower-case hexadecimal
 *   BASE/p/SHA256        payloads
 *   BASE/r/SHA256        evidence of revocation
 *   BASE/REPORTS         takes reports by POST, only where configured
 *
 * Any web server or CDN will do. See gateway/vendor/link.h for the calls. */
#ifndef FERRY_GATEWAY_VENDOR_HTTPS_H
#define FERRY_GATEWAY_VENDOR_HTTPS_H

#include <uv.h>

#include "gateway/http/client.h"
#include "gateway/vendor/link.h"

struct vendor_https_settings {
	const char *base_url;     /* "https://host[:port]/path/" */
	const char *reports;      /* relative to base_url; NULL: no reports */
	struct tls_settings tls;  /* files are read while opening */
	struct http_limits limits; /* zero fields: defaults */
	uint32_t object_ms;       /* limit for a small object [60 s] */
	unsigned resumes;         /* breaks without a byte in between [5] */
	uint32_t resume_ms;       /* first pause, doubled up to 64 times [1 s] */

	/* See struct http_client_settings. */
	void (*peer_verified)(void *arg, struct http_gate *gate,
		const struct bytes *chain, size_t count);
	void (*on_gate_gone)(void *arg, struct http_gate *gate);
	void *gate_arg;
};

/* Opens no connection yet. Strings and pins are copied. To use renewed
 * certificates (SIGHUP), open a new link and close the old one. */
int vendor_https_open(uv_loop_t *loop,
	const struct vendor_https_settings *settings, struct fault *fault,
	struct vendor_link **ret_link);

/* For `status` and the ledger: the TLS that was really used, and the end of
 * validity of our certificate (seconds since 1970, 0: none). */
struct vendor_https_state {
	struct http_client_stats stats;
	int64_t cert_not_after;
};
struct vendor_https_state vendor_https_state(const struct vendor_link *link);

#endif
