#include "tools/publish/hop.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "policy/trust/crypto_secret.h"
#include "tools/publish/files.h"
#include "tools/publish/hash.h"
#include "tools/publish/say.h"

#define CHUNK 16384

int hop_keys_read(const char *path, enum lasthop_keys_kind kind,
	struct lasthop_keys **ret)
{
	struct fault fault = {0};
	struct buf file;
	struct stat st;
	int err;

	if (stat(path, &st) == 0 && st.st_mode & 077)
		return complain(ERR_LASTHOP_MODE, path, NULL,
			"mode must be 0600 or less: the keys are secret");
	buf_init(&file, LASTHOP_KEYS_FILE_MAX);
	/* At once: a buffer that grows leaves keys behind it in the heap. */
	buf_room(&file, LASTHOP_KEYS_FILE_MAX);
	err = file_read(path, &file);
	if (!err) {
		err = lasthop_keys_parse(buf_bytes(&file), kind, ret, &fault);
		if (err)
			complain_fault(path, err, &fault);
		crypto_wipe(file.at, file.len);
	}
	buf_done(&file);
	return err;
}

void hop_init(struct hop_bundle *b)
{
	*b = (struct hop_bundle){0};
	buf_init(&b->head, LASTHOP_PREFIX_MAX);
	buf_init(&b->envelope, SUIT_ENVELOPE_MAX);
}

void hop_done(struct hop_bundle *b)
{
	buf_done(&b->head);
	buf_done(&b->envelope);
}

/* The rest of the file from where it stands. */
static int image_hash(FILE *file, const char *path, enum crypto_hash algorithm,
	uint8_t *ret)
{
	struct hash *hash = hash_new(algorithm);
	uint8_t chunk[CHUNK];
	int err = hash ? 0 : -ENOMEM;
	size_t n;

	while (!err && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
		err = hash_add(hash, bytes_of(chunk, n));
	if (!err && ferror(file))
		err = complain(-EIO, path, NULL, "cannot read");
	if (!err)
		err = hash_finish(hash, ret);
	hash_free(hash);
	return err;
}

static int image_hash_all(FILE *file, const char *path, struct hop_bundle *b)
{
	const struct {
		enum crypto_hash algorithm;
		uint8_t *ret;
	} all[] = {
		{CRYPTO_SHA256, b->sha256},
		{CRYPTO_SHA384, b->sha384},
		{CRYPTO_SHA512, b->sha512},
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(all) / sizeof(all[0]); i++) {
		if (fseeko(file, (off_t)b->at.image_at, SEEK_SET))
			return complain(-errno, path, NULL, "cannot seek: %s",
				strerror(errno));
		err = image_hash(file, path, all[i].algorithm, all[i].ret);
	}
	return err;
}

static int head_read(FILE *file, const char *path, struct hop_bundle *b)
{
	uint8_t *at = buf_room(&b->head, LASTHOP_PREFIX_MAX);

	if (!at)
		return complain(b->head.err, path, NULL, "no memory");
	buf_grow(&b->head, fread(at, 1, LASTHOP_PREFIX_MAX, file));
	return ferror(file) ? complain(-EIO, path, NULL, "cannot read") : 0;
}

int hop_read(const char *path, struct hop_bundle *b)
{
	FILE *file = fopen(path, "rbe");
	off_t total;
	int err;

	if (!file)
		return complain(-errno, path, NULL, "cannot open: %s",
			strerror(errno));
	err = head_read(file, path, b);
	if (!err && fseeko(file, 0, SEEK_END))
		err = complain(-errno, path, NULL, "cannot seek: %s",
			strerror(errno));
	total = ftello(file);
	if (!err && total >= 0) {
		b->err = lasthop_bundle_parse(buf_bytes(&b->head),
			(uint64_t)total, &b->envelope, &b->at, &b->fault);
		if (!b->err)
			err = image_hash_all(file, path, b);
	}
	fclose(file);
	return err;
}

/* ---- judging ---- */

static const struct lasthop_device *mac_find(const struct hop_bundle *b,
	const struct lasthop_keys *keys, struct lasthop_hub *ret_hub,
	int *ret_err)
{
	*ret_err = ERR_LASTHOP_NO_MAC;
	for (size_t i = 0; i < lasthop_keys_count(keys); i++) {
		const struct lasthop_device *d = lasthop_keys_at(keys, i);

		*ret_err = lasthop_verify(&b->at.envelope,
			bytes_of(d->key, sizeof(d->key)), ret_hub);
		if (*ret_err == 0)
			return d;
	}
	return NULL;
}

static void judge_mac(const struct hop_bundle *b,
	const struct lasthop_keys *keys, const struct hop_floors *floors,
	struct verdict *v)
{
	struct lasthop_hub hub = {0};
	int err;
	const struct lasthop_device *d = mac_find(b, keys, &hub, &err);

	if (!d) {
		verdict_add_code(v, "last-hop-mac", err, STEP_PROCESS, NULL,
			"%s", err_text(err));
		return;
	}
	verdict_add_code(v, "last-hop-mac", 0, STEP_PROCESS, NULL,
		"HMAC 256/256 for %s by hub %s", d->name, hub.id);
	if (!floors->epoch_known)
		verdict_add(v, "last-hop-epoch", CHECK_NOT_EVALUATED, 0,
			STEP_PROCESS, "epoch %llu; no --epoch",
			(unsigned long long)hub.epoch);
	else
		verdict_add_code(v, "last-hop-epoch", hub.epoch < floors->epoch
			? ERR_LASTHOP_EPOCH : 0, STEP_PROCESS, NULL,
			"epoch %llu, floor %llu", (unsigned long long)hub.epoch,
			(unsigned long long)floors->epoch);
}

static void judge_image(const struct hop_bundle *b,
	const struct hop_floors *floors, struct verdict *v)
{
	struct suit_facts facts = {0};
	struct fault fault = {0};
	uint64_t sequence = 0;
	int err = lasthop_image_check(&b->at.envelope, &facts, b->at.uri,
		b->sha256, b->at.image_len, &sequence, &fault);

	verdict_add_code(v, "last-hop-image", err, STEP_PROCESS, &fault,
		"%llu bytes, SHA-256", (unsigned long long)b->at.image_len);
	if (err)
		return;
	if (!floors->sequence_known)
		verdict_add(v, "last-hop-sequence", CHECK_NOT_EVALUATED, 0,
			STEP_PROCESS, "sequence %llu; no --floor",
			(unsigned long long)sequence);
	else
		verdict_add_code(v, "last-hop-sequence", sequence <
			floors->sequence ? ERR_TRUST_SUIT_SEQUENCE : 0,
			STEP_PROCESS, NULL, "sequence %llu, floor %llu",
			(unsigned long long)sequence,
			(unsigned long long)floors->sequence);
}

void hop_judge(const struct hop_bundle *b, const struct lasthop_keys *keys,
	const struct hop_floors *floors, struct verdict *v)
{
	verdict_add_code(v, "last-hop-form", b->err, STEP_PROCESS, &b->fault,
		"%zu blocks, prefix of %llu bytes",
		(size_t)b->at.envelope.block_count,
		(unsigned long long)b->at.image_at);
	if (b->err)
		return;
	judge_mac(b, keys, floors, v);
	judge_image(b, floors, v);
}
