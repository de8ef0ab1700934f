#include "tools/publish/public_key.h"

#include <errno.h>

#include "policy/trust/x509.h"
#include "tools/publish/files.h"
#include "tools/publish/pem.h"
#include "tools/publish/say.h"

#define PUBLIC_KEY_FILE_MAX 8192
#define ED25519_LEN 32

/* SubjectPublicKeyInfo of Ed25519 (RFC 8410): this head, then the key. */
static const uint8_t ed25519_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
	0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

#define ED25519_DER_LEN (sizeof(ed25519_head) + ED25519_LEN)

/* The library here has no Ed25519. */
static bool ed25519_of(struct bytes file, struct cose_key *ret)
{
	struct bytes der = file;
	struct buf pem;
	bool is_so;

	if (file.len == ED25519_LEN)
		return cose_key_from_ed25519(file, ret) == 0;
	buf_init(&pem, PUBLIC_KEY_FILE_MAX);
	if (pem_read(file, "PUBLIC KEY", &pem) == 0)
		der = buf_bytes(&pem);
	is_so = der.len == ED25519_DER_LEN &&
			!memcmp(der.at, ed25519_head, sizeof(ed25519_head)) &&
			cose_key_from_ed25519(bytes_slice(der,
			sizeof(ed25519_head), ED25519_LEN), ret) == 0;
	buf_done(&pem);
	return is_so;
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
