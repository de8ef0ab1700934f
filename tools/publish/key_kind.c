#include "tools/publish/key_kind.h"

#include <errno.h>

#include "tools/publish/ed25519_key.h"
#include "tools/publish/hss_key.h"
#include "tools/publish/say.h"

int key_kind_parse(const char *text, struct key_kind *ret)
{
	struct key_kind kind = {0};
	const char *set = HSS_SET_DEFAULT;

	if (strcmp(text, "ed25519") == 0) {
		kind.kty = COSE_KTY_OKP;
	} else if (strncmp(text, "hss", 3) == 0 &&
			(text[3] == '\0' || text[3] == ':')) {
		kind.kty = COSE_KTY_HSS_LMS;
		if (text[3] == ':')
			set = text + 4;
		if (hss_set_parse(set, &kind.set))
			return complain(-EINVAL, NULL, "hss:SET", "must be one"
				" to eight trees such as h10/w8,h10/w8 of h5,"
				" h10, h15 and w1, w2, w4, w8, all heights"
				" together at most %d; not \"%s\"",
				HSS_SET_LEAVES_BITS_MAX, set);
	} else if (strcmp(text, "p256") == 0 || strcmp(text, "p384") == 0) {
		kind.kty = COSE_KTY_EC2;
		kind.curve = text[1] == '2' ? CRYPTO_P256 : CRYPTO_P384;
	} else {
		return complain(-EINVAL, NULL, "kind of key",
			"must be p256, p384, ed25519 or hss, not \"%s\"", text);
	}
	*ret = kind;
	return 0;
}

static int hss_make(const char *path, const struct hss_set *set,
	struct key *ret)
{
	struct key key = {0};
	int err = hss_key_make(path, set, &key.hss);

	if (!err)
		err = cose_key_from_hss(bytes_of(key.hss->public,
			HSS_PUBLIC_LEN), &key.public);
	if (err)
		key_done(&key);
	else
		*ret = key;
	return err;
}

int key_kind_make(const char *path, const struct key_kind *kind,
	struct key *ret)
{
	switch (kind->kty) {
	case COSE_KTY_OKP:
		return ed25519_key_make(path, ret);
	case COSE_KTY_HSS_LMS:
		return hss_make(path, &kind->set, ret);
	case COSE_KTY_EC2:
		break;
	}
	return key_make(path, kind->curve, ret);
}
