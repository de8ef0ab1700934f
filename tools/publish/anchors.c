#include "tools/publish/anchors.h"

#include <errno.h>

#include "tools/publish/files.h"
#include "tools/publish/public_key.h"
#include "tools/publish/say.h"

#define ANCHOR_FILE_MAX 16384

static int anchor_take(struct anchors *anchors, const char *path,
	struct bytes file)
{
	struct offer_anchor *anchor = &anchors->of[anchors->count];
	struct buf *der = &anchors->der[anchors->count];
	struct x509_facts facts;

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
	if (public_key_of(file, &anchor->key))
		return complain(-EINVAL, path, "anchor", "must be a certificate"
			" or public key (PEM, DER, COSE_Key or raw)");
	anchors->count++;
	return 0;
}

int anchors_add(struct anchors *anchors, const char *path)
{
	struct buf file;
	int err;

	if (anchors->count == OFFER_ANCHORS_MAX)
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
