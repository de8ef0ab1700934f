/* One connection to a server: resolve, connect, TLS, gate; then bytes.
 *
 * Tries each address of the host in turn. Nothing of the owner is sent before
 * the server is verified and the gate has answered. Loop thread; no callback
 * comes from inside http_conn_open(), _write(), _pause() or _close(). */
#ifndef FERRY_GATEWAY_HTTP_CONN_H
#define FERRY_GATEWAY_HTTP_CONN_H

#include "gateway/http/client.h"

#define HTTP_CONN_ADDRESSES_MAX 8
#define HTTP_CONN_PIECE ((size_t)16 * 1024)

struct http_conn_settings {
	uv_loop_t *loop;
	const char *host;        /* copied */
	uint16_t port;
	struct tls_trust *trust; /* NULL: plain TCP */
	uint32_t address_ms;
	uint32_t setup_ms;

	/* As in struct http_client_settings, with `hook_arg`. */
	void (*peer_verified)(void *arg, struct http_gate *gate,
		const struct bytes *chain, size_t count);
	void (*on_gate_gone)(void *arg, struct http_gate *gate);
	bool (*address_allowed)(void *arg, const struct sockaddr *address);
	void *hook_arg;

	/* Bytes may be written now. */
	void (*on_ready)(void *arg);

	/* Received bytes, HTTP_CONN_PIECE or less. */
	void (*on_bytes)(void *arg, struct bytes in);

	/* No more bytes will come: 0 for an orderly end, else why. Once, also
	 * when the connection never got ready. The owner then closes. */
	void (*on_end)(void *arg, int status);
	void *arg;
};

struct http_conn;

int http_conn_open(const struct http_conn_settings *settings,
	struct http_conn **ret_conn);

/* Copies `out`. An error of the connection itself comes by on_end. */
int http_conn_write(struct http_conn *conn, struct bytes out);

/* Stops on_bytes; what has been read already stays here meanwhile. */
void http_conn_pause(struct http_conn *conn, bool paused);

/* Says goodbye in TLS where that can be done at once. Only `on_closed` comes
 * after this; then `conn` is gone. */
void http_conn_close(struct http_conn *conn, void (*on_closed)(void *arg),
	void *arg);

/* NULL before the handshake and for plain TCP. */
const char *http_conn_tls_version(const struct http_conn *conn);
const char *http_conn_tls_suite(const struct http_conn *conn);

#endif
