/* The client side of TLS, without sockets: bytes in, bytes out.
 *
 * A `tls_trust` holds what one vendor's connections share: the CA, our own
 * certificate and key, pins and the judge of time. It is counted, so that a
 * reload can replace it while old connections end. A `tls` is one connection;
 * its owner (gateway/http/conn.c) carries its bytes and keeps its deadlines.
 *
 * There is no way to leave a peer unchecked: the CA is the configured one only
 * (never the system's), the host name is always checked, the chain must lead
 * to the CA. Validity times are not judged by the clock of the system but by
 * `judge_time`. Sessions are not resumed: every connection is verified whole.
 *
 * All calls on the loop thread. Codes are ERR_VENDOR_TLS_* unless said
 * otherwise. */
#ifndef FERRY_GATEWAY_HTTP_TLS_H
#define FERRY_GATEWAY_HTTP_TLS_H

#include "base/bytes.h"
#include "base/err.h"

/* Certificates in a verified path, leaf and anchor included. */
#define TLS_CHAIN_MAX 10
#define TLS_PINS_MAX 4
/* Certificate and key files are refused when longer. */
#define TLS_FILE_MAX ((size_t)64 * 1024)

enum tls_version { TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* SHA-256 of the DER SubjectPublicKeyInfo of the server's own certificate. */
struct tls_pin {
	uint8_t sha256[32];
};

struct tls_settings {
	const char *ca_path;   /* PEM or DER; the only anchors */
	const char *cert_path; /* PEM, own certificate first; NULL: none */
	const char *key_path;  /* PEM or DER, unencrypted; with cert_path */
	enum tls_version min_version;
	const struct tls_pin *pins; /* one of them must match; may be NULL */
	size_t pin_count;

	/* Says whether a certificate of the path may be used now. Both are in
	 * seconds since 1970, UTC. Returns 0, ERR_VENDOR_TLS_EXPIRED or
	 * ERR_VENDOR_TLS_NOT_YET. Called once for each certificate of the path,
	 * inside tls_handshake(). Must not be NULL. */
	int (*judge_time)(void *arg, int64_t not_before, int64_t not_after);
	void *judge_arg;
};

struct tls_trust;

/* Reads and checks all files at once; strings and pins are copied. The key
 * file must be a regular file of ours or root's without any right for group
 * and others (a systemd credential may be readable by group, as its access
 * list shows there). The caller owns one reference. */
int tls_trust_new(const struct tls_settings *settings, struct fault *fault,
	struct tls_trust **ret_trust);
struct tls_trust *tls_trust_ref(struct tls_trust *trust);
void tls_trust_unref(struct tls_trust *trust);

/* True when a client certificate is there to be sent. */
bool tls_trust_has_cert(const struct tls_trust *trust);

/* The end of validity of our own certificate, seconds since 1970; 0 without
 * one. For `status` and renewals. */
int64_t tls_trust_cert_not_after(const struct tls_trust *trust);

struct tls;

/* `host` is the name or address literal that the certificate must carry. */
int tls_new(struct tls_trust *trust, const char *host, struct tls **ret_tls);
void tls_free(struct tls *tls);

/* Hands over received bytes; all are taken. -EMSGSIZE when more than 64 KiB
 * wait unread: read before feeding again. */
int tls_feed(struct tls *tls, struct bytes in);

/* The transport has ended: what is not decided by the bytes fed so far fails
 * with ERR_VENDOR_CLOSED. */
void tls_feed_end(struct tls *tls);

/* What has to be sent, until tls_sent() says that it was. */
struct bytes tls_to_send(const struct tls *tls);
void tls_sent(struct tls *tls, size_t len);

/* Goes on with the handshake. 0 when it is complete and the server is who it
 * should be, -EAGAIN when bytes are missing. After an error an alert may wait
 * in tls_to_send(). */
int tls_handshake(struct tls *tls);

/* The verified path in DER, leaf first, the anchor last; views that live until
 * tls_drop_chain() or tls_free(). Only after a complete handshake. */
size_t tls_chain(const struct tls *tls, const struct bytes **ret_certs);
void tls_drop_chain(struct tls *tls);

/* "TLSv1.3" and the cipher suite's name; after the handshake. */
const char *tls_version_name(const struct tls *tls);
const char *tls_suite_name(const struct tls *tls);

/* Bytes read (> 0), 0 after the peer's close_notify, -EAGAIN when none are
 * there, or an error. ERR_VENDOR_CLOSED: the transport ended without
 * close_notify, so whatever was read may be cut short. */
int tls_read(struct tls *tls, uint8_t *at, size_t len);

/* Encrypts all of `out` into tls_to_send(). At most 512 KiB may wait there:
 * -EMSGSIZE then. */
int tls_write(struct tls *tls, struct bytes out);

/* Puts a close_notify into tls_to_send(). */
void tls_end(struct tls *tls);

#endif
