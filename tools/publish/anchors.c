#include "tools/publish/anchors.h"

#include <errno.h>

#include "tools/publish/files.h"
#include "tools/publish/say.h"

#define ANCHOR_FILE_MAX 16384

/* SubjectPublicKeyInfo of Ed25519 (RFC 8410): this head, then 32 bytes. */
static const uint8_t ed25519_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
	0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

#define ED25519_PEM "MCowBQYDK2VwAyEA" /* the same head in base64 */

static bool has_part(struct bytes file, const char *part)
{
	return file.len && memmem(file.at, file.len, part, strlen(part));
}

const char *anchors_other_kind(struct bytes file)
{
	if (file.len == 60) {
		uint32_t levels = get_be32(file.at);
		uint32_t lms = get_be32(file.at + 4);
		uint32_t ots = get_be32(file.at + 8);

		if (levels >= 1 && levels <= 8 && lms >= 5 && lms <= 9 &&
				ots >= 1 && ots <= 4)
			return "HSS-LMS";
	}
	if (file.len == 32 || has_part(file, ED25519_PEM) ||
			(file.len == 44 && !memcmp(file.at, ed25519_head,
			sizeof(ed25519_head))))
		return "Ed25519";
	return NULL;
}

static bool key_read(struct bytes file, struct cose_key *ret)
{
	return x509_public_key(file, ret) == 0 ||
			cose_key_parse(file, ret, NULL) == 0 ||
			cose_key_from_point(file, ret) == 0;
}

static int anchor_take(struct anchors *anchors, const char *path,
	struct bytes file)
{
	struct offer_anchor *anchor = &anchors->of[anchors->count];
	struct buf *der = &anchors->der[anchors->count];
	struct x509_facts facts;
	const char *other = anchors_other_kind(file);

	if (other) {
		anchors->unjudged[anchors->unjudged_count++] = other;
		return 0;
	}
	buf_init(der, ANCHOR_FILE_MAX);
	if (x509_to_der(file, der) == 0 &&
			x509_read(buf_bytes(der), &facts) == 0) {
		anchor->is_certificate = true;
		anchor->certificate = buf_bytes(der);
		anchor->key = facts.key;
		anchors->count++;
		return 0;
	}
	buf_done(der);
	if (!key_read(file, &anchor->key))
		return complain(-EINVAL, path, "anchor", "must be a certificate"
			" or public key (PEM, DER, COSE_Key or raw)");
	anchors->count++;
	return 0;
}

int anchors_add(struct anchors *anchors, const char *path)
{
	struct buf file;
	int err;

	if (anchors->count + anchors->unjudged_count == OFFER_ANCHORS_MAX)
		return complain(-E2BIG, path, "anchor", "more than %d",
			OFFER_ANCHORS_MAX);
	buf_init(&file, ANCHOR_FILE_MAX);
	err = file_read(path, &file);
	if (!err)
		err = anchor_take(anchors, path, buf_bytes(&file));
	buf_done(&file);
	return err;
}

void anchors_done(struct anchors *anchors)
{
	for (unsigned i = 0; i < anchors->count; i++)
		if (anchors->of[i].is_certificate)
			buf_done(&anchors->der[i]);
	anchors->count = 0;
}
