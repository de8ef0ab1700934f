#include "gateway/http/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>

#include <mbedtls/platform_util.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "base/buf.h"

#define IN_MAX ((size_t)64 * 1024)
#define OUT_MAX ((size_t)512 * 1024)
/* Record header, nonce, tag and padding of one record; generously. */
#define RECORD_EXTRA 128
#define CHAIN_BYTES_MAX ((size_t)128 * 1024)

#define TIME_FLAGS (MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE)

struct tls_trust {
	unsigned refs;
	mbedtls_x509_crt ca;
	mbedtls_x509_crt cert;
	mbedtls_pk_context key;
	mbedtls_ssl_config config;
	bool has_cert;
	struct tls_pin pins[TLS_PINS_MAX];
	size_t pin_count;
	int (*judge_time)(void *arg, int64_t not_before, int64_t not_after);
	void *judge_arg;
};

struct tls {
	struct tls_trust *trust;
	mbedtls_ssl_context ssl;
	struct buf in;
	size_t in_at;
	struct buf out;
	bool in_ended;
	bool is_ready;     /* the handshake is complete */
	bool has_read;     /* application data has come */
	int err;

	/* What the verification callback saw, the anchor first. */
	uint32_t flags;
	int judged;
	bool pin_matches;
	bool saw_leaf;
	struct buf der;
	size_t der_end[TLS_CHAIN_MAX];
	size_t chain_count;
	struct bytes chain[TLS_CHAIN_MAX]; /* leaf first */
};

/* The random source as Mbed TLS 3.6 wants it; version 4 drops the arguments.
 * These three helpers are all that has to change then. */
static void config_random(mbedtls_ssl_config *config)
{
	mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random,
		MBEDTLS_PSA_RANDOM_STATE);
}

static int key_parse(mbedtls_pk_context *key, const uint8_t *at, size_t len)
{
	return mbedtls_pk_parse_key(key, at, len, NULL, 0,
		mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
}

static int key_belongs(mbedtls_pk_context *public_key, mbedtls_pk_context *key)
{
	return mbedtls_pk_check_pair(public_key, key, mbedtls_psa_get_random,
		MBEDTLS_PSA_RANDOM_STATE);
}

static bool is_credential(const char *path)
{
	const char *dir = secure_getenv("CREDENTIALS_DIRECTORY");
	size_t len = dir ? strlen(dir) : 0;

	return len > 1 && !strncmp(path, dir, len) && path[len] == '/';
}

static int file_check(const char *path, const struct stat *st, bool is_key,
	struct fault *fault)
{
	const char *field = is_key ? "tls.key" : "tls.certificate";
	mode_t closed = is_credential(path) ? 037 : 077;

	if (!S_ISREG(st->st_mode) || st->st_size <= 0 ||
			st->st_size > (off_t)TLS_FILE_MAX)
		return fault_set(fault, ERR_VENDOR_TLS_FILE, 0, field,
			"%s: must be a file of 1 to 65536 bytes", path);
	if (!is_key)
		return 0;
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return fault_set(fault, ERR_VENDOR_TLS_KEY_MODE, 0, field,
			"%s: belongs to another user", path);
	if (st->st_mode & closed)
		return fault_set(fault, ERR_VENDOR_TLS_KEY_MODE, 0, field,
			"%s: mode must be 0600 or less", path);
	return 0;
}

static int read_whole(int fd, uint8_t *at, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = read(fd, at + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		got += (size_t)n;
	}
	return 0;
}

/* Reads the file with a NUL behind it, as the PEM parser wants it; `ret_len`
 * counts the NUL only for PEM. Free with file_free(). */
static int file_read(const char *path, bool is_key, struct fault *fault,
	uint8_t **ret_at, size_t *ret_len)
{
	const char *field = is_key ? "tls.key" : "tls.certificate";
	uint8_t *at = NULL;
	struct stat st;
	size_t len;
	int fd, e;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st)) {
		e = fault_set(fault, ERR_VENDOR_TLS_FILE, 0, field, "%s: %s",
			path, err_text(-errno));
		goto out;
	}
	e = file_check(path, &st, is_key, fault);
	if (e)
		goto out;
	len = (size_t)st.st_size;
	at = calloc(1, len + 1);
	e = at ? read_whole(fd, at, len) : -ENOMEM;
	if (e) {
		e = fault_set(fault, e == -ENOMEM ? e : ERR_VENDOR_TLS_FILE, 0,
			field, "%s: %s", path, err_text(e));
		goto out;
	}
	*ret_len = strstr((char *)at, "-----BEGIN ") ? len + 1 : len;
	*ret_at = at;
	at = NULL;
out:
	if (at)
		mbedtls_platform_zeroize(at, (size_t)st.st_size);
	free(at);
	if (fd >= 0)
		close(fd);
	return e;
}

static void file_free(uint8_t *at, size_t len)
{
	if (at)
		mbedtls_platform_zeroize(at, len);
	free(at);
}

static int certs_load(const char *path, mbedtls_x509_crt *certs,
	struct fault *fault)
{
	uint8_t *at = NULL;
	size_t len = 0;
	int e, r;

	e = file_read(path, false, fault, &at, &len);
	if (e)
		return e;
	r = mbedtls_x509_crt_parse(certs, at, len);
	file_free(at, len);
	if (r == 0)
		return 0;
	return fault_set(fault, ERR_VENDOR_TLS_FILE, 0, "tls.certificate",
		r > 0 ? "%s: %d certificates cannot be read"
		      : "%s: no certificate can be read (%d)", path, r);
}

static int key_load(const char *path, struct tls_trust *trust,
	struct fault *fault)
{
	uint8_t *at = NULL;
	size_t len = 0;
	int e, r;

	e = file_read(path, true, fault, &at, &len);
	if (e)
		return e;
	r = key_parse(&trust->key, at, len);
	file_free(at, len);
	if (r)
		return fault_set(fault, ERR_VENDOR_TLS_FILE, 0, "tls.key",
			"%s: not an unencrypted private key (-0x%04x)", path,
			(unsigned)-r);
	if (key_belongs(&trust->cert.pk, &trust->key))
		return fault_set(fault, ERR_VENDOR_TLS_KEY_PAIR, 0, "tls.key",
			"%s: belongs to another certificate", path);
	return 0;
}

static int identity_load(const struct tls_settings *settings,
	struct tls_trust *trust, struct fault *fault)
{
	int e;

	if (!settings->cert_path && !settings->key_path)
		return 0;
	if (!settings->cert_path || !settings->key_path)
		return fault_set(fault, ERR_VENDOR_TLS_FILE, 0, "tls.key",
			"certificate and key must be given together");
	e = certs_load(settings->cert_path, &trust->cert, fault);
	if (e == 0)
		e = key_load(settings->key_path, trust, fault);
	if (e)
		return e;
	if (mbedtls_ssl_conf_own_cert(&trust->config, &trust->cert,
			&trust->key))
		return -ENOMEM;
	trust->has_cert = true;
	return 0;
}

/* With 1.2 only forward secrecy and authenticated ciphers are left. */
static const int suites[] = {
	MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
	MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	0,
};

static int config_set(struct tls_trust *trust,
	const struct tls_settings *settings)
{
	static const char *protocols[] = {"http/1.1", NULL};
	mbedtls_ssl_config *config = &trust->config;

	if (mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
			MBEDTLS_SSL_TRANSPORT_STREAM,
			MBEDTLS_SSL_PRESET_DEFAULT))
		return -ENOMEM;
	config_random(config);
	mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(config, &trust->ca, NULL);
	mbedtls_ssl_conf_min_tls_version(config,
		settings->min_version == TLS_VERSION_1_2
			? MBEDTLS_SSL_VERSION_TLS1_2
			: MBEDTLS_SSL_VERSION_TLS1_3);
	mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
	mbedtls_ssl_conf_ciphersuites(config, suites);
	mbedtls_ssl_conf_tls13_key_exchange_modes(config,
		MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
	mbedtls_ssl_conf_session_tickets(config,
		MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
	return mbedtls_ssl_conf_alpn_protocols(config, protocols) ? -ENOMEM : 0;
}

int tls_trust_new(const struct tls_settings *settings, struct fault *fault,
	struct tls_trust **ret_trust)
{
	struct tls_trust *trust;
	int e;

	if (!settings->ca_path || !settings->judge_time)
		return fault_set(fault, ERR_VENDOR_TLS_FILE, 0, "tls.ca",
			"a CA and a judge of time are required");
	if (settings->pin_count > TLS_PINS_MAX)
		return fault_set(fault, ERR_TOO_LARGE, 0, "tls.pins",
			"at most %d", TLS_PINS_MAX);
	if (psa_crypto_init() != PSA_SUCCESS)
		return -ENOMEM;
	trust = calloc(1, sizeof(*trust));
	if (!trust)
		return -ENOMEM;
	trust->refs = 1;
	trust->judge_time = settings->judge_time;
	trust->judge_arg = settings->judge_arg;
	trust->pin_count = settings->pin_count;
	for (size_t i = 0; i < settings->pin_count; i++)
		trust->pins[i] = settings->pins[i];
	mbedtls_x509_crt_init(&trust->ca);
	mbedtls_x509_crt_init(&trust->cert);
	mbedtls_pk_init(&trust->key);
	mbedtls_ssl_config_init(&trust->config);
	e = certs_load(settings->ca_path, &trust->ca, fault);
	if (e == 0)
		e = config_set(trust, settings);
	if (e == 0)
		e = identity_load(settings, trust, fault);
	if (e) {
		tls_trust_unref(trust);
		return e;
	}
	*ret_trust = trust;
	return 0;
}

struct tls_trust *tls_trust_ref(struct tls_trust *trust)
{
	if (trust)
		trust->refs++;
	return trust;
}

void tls_trust_unref(struct tls_trust *trust)
{
	if (!trust || --trust->refs)
		return;
	mbedtls_ssl_config_free(&trust->config);
	mbedtls_pk_free(&trust->key);
	mbedtls_x509_crt_free(&trust->cert);
	mbedtls_x509_crt_free(&trust->ca);
	free(trust);
}

bool tls_trust_has_cert(const struct tls_trust *trust)
{
	return trust->has_cert;
}

static int64_t seconds_of(const mbedtls_x509_time *t)
{
	struct tm tm = {
		.tm_year = t->year - 1900,
		.tm_mon = t->mon - 1,
		.tm_mday = t->day,
		.tm_hour = t->hour,
		.tm_min = t->min,
		.tm_sec = t->sec,
	};

	return timegm(&tm);
}

int64_t tls_trust_cert_not_after(const struct tls_trust *trust)
{
	return trust->has_cert ? seconds_of(&trust->cert.valid_to) : 0;
}

static int on_send(void *arg, const unsigned char *at, size_t len)
{
	struct tls *tls = arg;

	if (len > INT32_MAX || buf_add(&tls->out, at, len))
		return MBEDTLS_ERR_SSL_ALLOC_FAILED;
	return (int)len;
}

static int on_recv(void *arg, unsigned char *at, size_t len)
{
	struct tls *tls = arg;
	size_t left = tls->in.len - tls->in_at;

	if (left == 0)
		return tls->in_ended ? MBEDTLS_ERR_SSL_CONN_EOF
				     : MBEDTLS_ERR_SSL_WANT_READ;
	if (len > left)
		len = left;
	memcpy(at, tls->in.at + tls->in_at, len);
	tls->in_at += len;
	if (tls->in_at == tls->in.len) {
		buf_reset(&tls->in);
		tls->in_at = 0;
	}
	return (int)len;
}

static bool key_is_pinned(const struct tls_trust *trust,
	const mbedtls_x509_crt *cert)
{
	uint8_t digest[32];
	size_t len;

	if (psa_hash_compute(PSA_ALG_SHA_256, cert->pk_raw.p, cert->pk_raw.len,
			digest, sizeof(digest), &len) != PSA_SUCCESS)
		return false;
	for (size_t i = 0; i < trust->pin_count; i++)
		if (!memcmp(trust->pins[i].sha256, digest, sizeof(digest)))
			return true;
	return false;
}

/* Called for the anchor first, for the server's own certificate (depth 0) last.
 * Only judges and remembers; tls_handshake() reports. */
static int on_verify(void *arg, mbedtls_x509_crt *cert, int depth,
	uint32_t *flags)
{
	struct tls *tls = arg;
	struct tls_trust *trust = tls->trust;
	int judged;

	if (tls->chain_count == TLS_CHAIN_MAX ||
			buf_add(&tls->der, cert->raw.p, cert->raw.len))
		return MBEDTLS_ERR_X509_FATAL_ERROR;
	tls->der_end[tls->chain_count++] = tls->der.len;
	*flags &= ~(uint32_t)TIME_FLAGS;
	judged = trust->judge_time(trust->judge_arg,
		seconds_of(&cert->valid_from), seconds_of(&cert->valid_to));
	if (judged) {
		*flags |= MBEDTLS_X509_BADCERT_OTHER;
		if (tls->judged == 0)
			tls->judged = judged;
	}
	if (depth == 0) {
		tls->saw_leaf = true;
		tls->pin_matches = !trust->pin_count ||
			key_is_pinned(trust, cert);
		if (!tls->pin_matches)
			*flags |= MBEDTLS_X509_BADCERT_OTHER;
	}
	tls->flags |= *flags;
	return 0;
}

int tls_new(struct tls_trust *trust, const char *host, struct tls **ret_tls)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return -ENOMEM;
	tls->trust = tls_trust_ref(trust);
	buf_init(&tls->in, IN_MAX);
	buf_init(&tls->out, OUT_MAX);
	buf_init(&tls->der, CHAIN_BYTES_MAX);
	mbedtls_ssl_init(&tls->ssl);
	if (mbedtls_ssl_setup(&tls->ssl, &trust->config) ||
			mbedtls_ssl_set_hostname(&tls->ssl, host)) {
		tls_free(tls);
		return -ENOMEM;
	}
	mbedtls_ssl_set_bio(&tls->ssl, tls, on_send, on_recv, NULL);
	mbedtls_ssl_set_verify(&tls->ssl, on_verify, tls);
	*ret_tls = tls;
	return 0;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	mbedtls_ssl_free(&tls->ssl);
	buf_done(&tls->in);
	buf_done(&tls->out);
	buf_done(&tls->der);
	tls_trust_unref(tls->trust);
	free(tls);
}

int tls_feed(struct tls *tls, struct bytes in)
{
	if (tls->in_at) {
		buf_eat(&tls->in, tls->in_at);
		tls->in_at = 0;
	}
	return buf_add_bytes(&tls->in, in);
}

void tls_feed_end(struct tls *tls)
{
	tls->in_ended = true;
}

struct bytes tls_to_send(const struct tls *tls)
{
	return buf_bytes(&tls->out);
}

void tls_sent(struct tls *tls, size_t len)
{
	buf_eat(&tls->out, len);
}

static int verify_error(const struct tls *tls)
{
	uint32_t late = mbedtls_ssl_get_verify_result(&tls->ssl);
	uint32_t flags = tls->flags;

	/* Key usage is judged after the callback. All ones: not verified. */
	if (late != UINT32_MAX)
		flags |= late & ~(uint32_t)TIME_FLAGS;
	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		return ERR_VENDOR_TLS_UNTRUSTED;
	if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
		return ERR_VENDOR_TLS_NAME;
	if (tls->judged)
		return tls->judged;
	if (tls->saw_leaf && !tls->pin_matches)
		return ERR_VENDOR_TLS_PIN;
	if (flags & (MBEDTLS_X509_BADCERT_KEY_USAGE |
			MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
			MBEDTLS_X509_BADCERT_NS_CERT_TYPE))
		return ERR_VENDOR_TLS_USAGE;
	if (flags & (MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK |
			MBEDTLS_X509_BADCERT_BAD_KEY))
		return ERR_VENDOR_TLS_WEAK;
	return ERR_VENDOR_TLS_UNTRUSTED;
}

/* What a fatal alert means depends on how far we came: once the server has
 * shown its certificate, ours is all that it still judges. */
static int alert_error(const struct tls *tls)
{
	if (tls->has_read)
		return ERR_VENDOR_CLOSED;
	return tls->saw_leaf ? ERR_VENDOR_TLS_CLIENT_CERT
			     : ERR_VENDOR_TLS_REFUSED;
}

static int map_error(const struct tls *tls, int r)
{
	switch (r) {
	case MBEDTLS_ERR_SSL_WANT_READ:
	case MBEDTLS_ERR_SSL_WANT_WRITE:
	case MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET:
		return -EAGAIN;
	case MBEDTLS_ERR_SSL_ALLOC_FAILED:
	case MBEDTLS_ERR_X509_ALLOC_FAILED:
		return -ENOMEM;
	case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED:
	case MBEDTLS_ERR_SSL_BAD_CERTIFICATE:
		return verify_error(tls);
	case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
		return alert_error(tls);
	case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
		return ERR_VENDOR_TLS_VERSION;
	case MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE:
		return ERR_VENDOR_TLS_REFUSED;
	case MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED:
		return ERR_VENDOR_TLS_UNTRUSTED;
	case MBEDTLS_ERR_SSL_CONN_EOF:
		return ERR_VENDOR_CLOSED;
	case MBEDTLS_ERR_SSL_INVALID_MAC:
		return ERR_VENDOR_TLS_RECORD;
	default:
		break;
	}
	/* A certificate that cannot be parsed comes as an error of the X.509
	 * module, with one of the ASN.1 module (less than 0x80) added. */
	if (r <= MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE &&
			r > MBEDTLS_ERR_X509_FATAL_ERROR - 0x80)
		return ERR_VENDOR_TLS_UNTRUSTED;
	return ERR_VENDOR_TLS_PROTOCOL;
}

static int stick(struct tls *tls, int e)
{
	if (e < 0 && e != -EAGAIN)
		tls->err = e;
	return e;
}

/* The callback saw the anchor first; everybody else wants the leaf first. */
static void chain_set(struct tls *tls)
{
	for (size_t i = 0; i < tls->chain_count; i++) {
		size_t from = i ? tls->der_end[i - 1] : 0;

		tls->chain[tls->chain_count - 1 - i] = bytes_of(
			tls->der.at + from, tls->der_end[i] - from);
	}
}

int tls_handshake(struct tls *tls)
{
	int r;

	if (tls->err || tls->is_ready)
		return tls->err;
	r = mbedtls_ssl_handshake(&tls->ssl);
	if (r)
		return stick(tls, map_error(tls, r));
	/* Said twice, as all depends on it. */
	if (!tls->saw_leaf || tls->flags ||
			mbedtls_ssl_get_verify_result(&tls->ssl) != 0)
		return stick(tls, verify_error(tls));
	tls->is_ready = true;
	chain_set(tls);
	return 0;
}

size_t tls_chain(const struct tls *tls, const struct bytes **ret_certs)
{
	*ret_certs = tls->chain;
	return tls->is_ready ? tls->chain_count : 0;
}

void tls_drop_chain(struct tls *tls)
{
	tls->chain_count = 0;
	buf_done(&tls->der);
	buf_init(&tls->der, CHAIN_BYTES_MAX);
}

const char *tls_version_name(const struct tls *tls)
{
	return mbedtls_ssl_get_version(&tls->ssl);
}

const char *tls_suite_name(const struct tls *tls)
{
	return mbedtls_ssl_get_ciphersuite(&tls->ssl);
}

int tls_read(struct tls *tls, uint8_t *at, size_t len)
{
	int r;

	if (tls->err)
		return tls->err;
	if (!tls->is_ready)
		return -EAGAIN;
	do {
		r = mbedtls_ssl_read(&tls->ssl, at, len);
	} while (r == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
	if (r > 0) {
		tls->has_read = true;
		return r;
	}
	if (r == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return 0;
	/* Zero is an end of the transport without close_notify. */
	return stick(tls, r == 0 ? ERR_VENDOR_CLOSED : map_error(tls, r));
}

int tls_write(struct tls *tls, struct bytes out)
{
	size_t records = out.len / 1024 + 1;
	size_t done = 0;
	int r;

	if (tls->err || !tls->is_ready)
		return tls->err ? tls->err : -EAGAIN;
	if (out.len > OUT_MAX || tls->out.len + out.len +
			records * RECORD_EXTRA > OUT_MAX)
		return -EMSGSIZE;
	while (done < out.len) {
		r = mbedtls_ssl_write(&tls->ssl, out.at + done, out.len - done);
		if (r <= 0)
			return stick(tls, r ? map_error(tls, r) : -EIO);
		done += (size_t)r;
	}
	return 0;
}

void tls_end(struct tls *tls)
{
	if (tls->is_ready && !tls->err)
		mbedtls_ssl_close_notify(&tls->ssl);
}
