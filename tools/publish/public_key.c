#include "tools/publish/public_key.h"

#include <errno.h>

#include "policy/trust/x509.h"
#include "tools/publish/files.h"
#include "tools/publish/say.h"

#define PUBLIC_KEY_FILE_MAX 8192
#define ED25519_LEN 32

/* SubjectPublicKeyInfo of Ed25519 (RFC 8410): this head, then the key. */
static const uint8_t ed25519_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
	0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

#define ED25519_DER_LEN (sizeof(ed25519_head) + ED25519_LEN)
#define PEM_BEGIN "-----BEGIN PUBLIC KEY-----"

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The first bytes of a PEM body; the library here has no Ed25519. */
static size_t pem_decode(struct bytes file, uint8_t *ret, size_t size)
{
	const uint8_t *begin = memmem(file.at, file.len, PEM_BEGIN,
		sizeof(PEM_BEGIN) - 1);
	const uint8_t *end = file.at + file.len;
	unsigned bits = 0, held = 0;
	size_t n = 0;

	if (!begin)
		return 0;
	for (begin += sizeof(PEM_BEGIN) - 1; begin < end && n < size; begin++) {
		int digit = base64_digit(*begin);

		if (*begin == '-' || *begin == '=')
			break;
		if (digit < 0)
			continue;
		held = (held << 6 | (unsigned)digit) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		ret[n++] = (uint8_t)(held >> bits);
	}
	return n;
}

static bool ed25519_of(struct bytes file, struct cose_key *ret)
{
	uint8_t der[ED25519_DER_LEN + 1];
	size_t len;

	if (file.len == ED25519_LEN)
		return cose_key_from_ed25519(file, ret) == 0;
	len = pem_decode(file, der, sizeof(der));
	if (!len && file.len == ED25519_DER_LEN) {
		memcpy(der, file.at, file.len);
		len = file.len;
	}
	return len == ED25519_DER_LEN &&
			!memcmp(der, ed25519_head, sizeof(ed25519_head)) &&
			cose_key_from_ed25519(bytes_of(der +
			sizeof(ed25519_head), ED25519_LEN), ret) == 0;
}

int public_key_of(struct bytes file, struct cose_key *ret)
{
	if (file.len && (cose_key_from_hss(file, ret) == 0 ||
			ed25519_of(file, ret) ||
			x509_public_key(file, ret) == 0 ||
			cose_key_parse(file, ret, NULL) == 0 ||
			cose_key_from_point(file, ret) == 0))
		return 0;
	return ERR_TRUST_COSE_KEY;
}

int public_key_read(const char *path, struct cose_key *ret)
{
	struct buf file;
	int err;

	buf_init(&file, PUBLIC_KEY_FILE_MAX);
	err = file_read(path, &file);
	if (!err && public_key_of(buf_bytes(&file), ret))
		err = complain(-EINVAL, path, "public key", "must be PEM, DER,"
			" COSE_Key or raw, of P-256, P-384, P-521, Ed25519 or"
			" HSS-LMS");
	buf_done(&file);
	return err;
}
