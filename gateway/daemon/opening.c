#include "gateway/daemon/opening.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/hash.h"
#include "store/keys/keys.h"

enum phase {
	PHASE_KEYS,  /* the content key */
	PHASE_CHECK, /* decrypting without writing */
	PHASE_STORE, /* decrypting into the cache */
};

/* As the vendor's file names them; a reload may replace that meanwhile. */
struct key_names {
	char of[CONFIG_DECRYPTION_KEYS_MAX][CONFIG_KEY_SIZE];
	unsigned count;
};

struct opening {
	uv_work_t req;
	struct opening_spec spec;
	struct key_names keys;
	enum phase phase;
	uint8_t encryption[ENCRYPT_INFO_MAX];
	struct encrypt_info info; /* of `encryption` */
	uint8_t image[32];
	uint64_t image_len; /* 0: the manifest does not say it */
	struct encrypt_cek cek;
	struct encrypt_stream *stream;
	struct store_hash *hash;
	struct cache_part *part;
	uint64_t at;   /* in the ciphertext */
	uint64_t made; /* bytes of the image */
	uint8_t in[CACHE_READ_MAX];
	size_t in_len;
	uint8_t out[CACHE_READ_MAX + 2 * CRYPTO_CIPHER_SLACK];
	size_t out_len;
	bool cancelled;
	int status;
	struct fault fault;
};

/* ---- keys ---- */

static void names_take(struct key_names *names, const struct config_vendor *v)
{
	memcpy(names->of, v->decryption_keys, sizeof(names->of));
	names->count = v->decryption_key_count;
}

static int keys_open(const struct key_names *names, struct secret_key **keys,
	struct encrypt_key *opens, unsigned *ret_count, struct fault *fault)
{
	struct fault first = {0};
	int err = 0;

	*ret_count = 0;
	for (unsigned i = 0; i < names->count; i++) {
		struct fault why = {0};
		struct secret_key *key = NULL;
		int code = secret_key_open(names->of[i], NULL, &key,
			&why);

		if (!code) {
			code = secret_key_opens(key, &opens[*ret_count]);
			if (code)
				fault_set(&why, code, 0, "key",
					"is on another curve than P-256");
		}
		if (!code)
			keys[(*ret_count)++] = key;
		else
			secret_key_close(key);
		if (code && !err) {
			char field[32];

			err = code;
			snprintf(field, sizeof(field), "decryption_keys[%u]",
				i);
			fault_set(&first, code, 0, field, "%s: %s", why.field,
				why.rule);
		}
	}
	if (err && fault && !fault->code)
		*fault = first;
	return err;
}

static void keys_close(struct secret_key **keys, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		secret_key_close(keys[i]);
}

struct key_trial {
	uv_work_t req;
	char vendor[CONFIG_NAME_SIZE];
	struct key_names names;
	int status;
	struct fault fault;
	opening_tried *on_done;
	void *arg;
};

static void try_keys(uv_work_t *req)
{
	struct secret_key *keys[CONFIG_DECRYPTION_KEYS_MAX];
	struct encrypt_key opens[CONFIG_DECRYPTION_KEYS_MAX];
	struct key_trial *t = req->data;
	unsigned count;

	t->status = keys_open(&t->names, keys, opens, &count, &t->fault);
	keys_close(keys, count);
}

static void on_tried(uv_work_t *req, int status)
{
	struct key_trial *t = req->data;

	t->on_done(t->arg, t->vendor, status ? status : t->status, &t->fault);
	free(t);
}

int opening_try_keys(uv_loop_t *loop, const struct config_vendor *vendor,
	opening_tried *on_done, void *arg)
{
	struct key_trial *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->req.data = t;
	snprintf(t->vendor, sizeof(t->vendor), "%s", vendor->name);
	names_take(&t->names, vendor);
	t->on_done = on_done;
	t->arg = arg;
	err = uv_queue_work(loop, &t->req, try_keys, on_tried);
	if (err)
		free(t);
	return err;
}

/* A key that cannot be had counts only when no other one opens the image. */
static int content_key(struct opening *o)
{
	struct secret_key *keys[CONFIG_DECRYPTION_KEYS_MAX];
	struct encrypt_key opens[CONFIG_DECRYPTION_KEYS_MAX];
	struct fault why = {0};
	unsigned count;
	int missing = keys_open(&o->keys, keys, opens, &count, &why);
	int err = encrypt_open_key(&o->info, opens, count, &o->cek, &o->fault);

	keys_close(keys, count);
	if (err == ERR_TRUST_ENCRYPT_NO_KEY && missing) {
		o->fault = why;
		err = missing;
	}
	return err;
}

/* ---- on the pool ---- */

static int stream_begin(struct opening *o)
{
	encrypt_stream_free(o->stream);
	o->stream = NULL;
	o->at = 0;
	o->made = 0;
	return encrypt_stream_new(
		&o->info, &o->cek, o->spec.sealed_len, &o->stream);
}

/* What came out last: it must be the image. */
static int image_check(struct opening *o)
{
	uint8_t digest[STORE_HASH_LEN];
	int err = store_hash_end(o->hash, digest);

	if (err)
		return err;
	if (o->image_len && o->made != o->image_len)
		return ERR_TRUST_ENCRYPT_LENGTH;
	return memcmp(digest, o->image, sizeof(digest)) ? ERR_TRUST_ENCRYPT_PLAIN
							: 0;
}

static int decrypt_some(struct opening *o)
{
	size_t more;
	int err = encrypt_stream_update(o->stream, bytes_of(o->in, o->in_len),
		o->out, &o->out_len);

	if (err)
		return err;
	o->at += o->in_len;
	if (o->at == o->spec.sealed_len) {
		err = encrypt_stream_finish(
			o->stream, o->out + o->out_len, &more);
		if (err)
			return err;
		o->out_len += more;
	}
	o->made += o->out_len;
	if (o->phase != PHASE_CHECK)
		return 0;
	store_hash_add(o->hash, bytes_of(o->out, o->out_len));
	return o->at == o->spec.sealed_len ? image_check(o) : 0;
}

static void work(uv_work_t *req)
{
	struct opening *o = req->data;

	if (o->phase != PHASE_KEYS) {
		o->status = decrypt_some(o);
		return;
	}
	o->status = content_key(o);
	if (!o->status)
		o->status = stream_begin(o);
}

/* ---- on the loop ---- */

static void finish(struct opening *o, int status)
{
	void (*on_done)(void *, int, const struct fault *) = o->spec.on_done;
	void *arg = o->spec.arg;
	struct fault fault = o->fault;

	if (o->part)
		cache_part_close(o->part);
	encrypt_stream_free(o->stream);
	store_hash_free(o->hash);
	crypto_wipe(o, sizeof(*o));
	free(o);
	if (status && !fault.code)
		fault_set(&fault, status, 0, "image", "%s", err_text(status));
	on_done(arg, status, &fault);
}

static void next(struct opening *o);

static void on_sealed(void *arg, int status)
{
	struct opening *o = arg;

	o->part = NULL;
	finish(o, o->cancelled ? -ECANCELED : status);
}

static void on_drained(void *arg, int status)
{
	struct opening *o = arg;

	if (o->cancelled || status)
		finish(o, o->cancelled ? -ECANCELED : status);
	else
		next(o);
}

/* Hands on what was decrypted, and goes on. */
static void store_some(struct opening *o)
{
	int err = cache_part_append(o->part, bytes_of(o->out, o->out_len));

	crypto_wipe(o->out, o->out_len);
	if (err < 0) {
		finish(o, err);
	} else if (o->at == o->spec.sealed_len) {
		struct cache_part *part = o->part;

		o->part = NULL;
		cache_part_seal(part, on_sealed, o);
	} else if (err == 1) {
		cache_part_on_drain(o->part, on_drained, o);
	} else {
		next(o);
	}
}

static void on_part(void *arg, int status, struct cache_part *part)
{
	struct opening *o = arg;

	if (!status)
		o->part = part;
	if (o->cancelled)
		status = -ECANCELED;
	if (!status) {
		/* What an earlier run left is made again: it was checked then,
		 * by a process that is gone. */
		cache_part_restart(part);
		status = stream_begin(o);
	}
	if (status)
		finish(o, status);
	else
		next(o);
}

/* The image is right. It may be in the cache from an earlier run. */
static void store_begin(struct opening *o)
{
	int err = 0;

	o->phase = PHASE_STORE;
	switch (cache_find(o->spec.cache, o->image, NULL)) {
	case CACHE_READY:
		finish(o, 0);
		return;
	case CACHE_UNVERIFIED:
		err = cache_verify(o->spec.cache, o->image, on_sealed, o);
		break;
	case CACHE_LOADING:
		err = -EBUSY;
		break;
	case CACHE_ABSENT:
		err = cache_part_open(
			o->spec.cache, o->image, o->made, on_part, o);
		break;
	}
	if (err)
		finish(o, err);
}

static void on_worked(uv_work_t *req, int status)
{
	struct opening *o = req->data;

	if (!status)
		status = o->status;
	if (o->cancelled)
		status = -ECANCELED;
	if (status) {
		finish(o, status);
	} else if (o->phase == PHASE_KEYS) {
		o->phase = PHASE_CHECK;
		next(o);
	} else if (o->phase == PHASE_STORE) {
		store_some(o);
	} else if (o->at == o->spec.sealed_len) {
		crypto_wipe(o->out, o->out_len);
		store_begin(o);
	} else {
		next(o);
	}
}

static void on_read(void *arg, int status, struct bytes bytes)
{
	struct opening *o = arg;

	if (o->cancelled)
		status = -ECANCELED;
	if (!status) {
		memcpy(o->in, bytes.at, bytes.len);
		o->in_len = bytes.len;
		status = uv_queue_work(o->spec.loop, &o->req, work, on_worked);
	}
	if (status)
		finish(o, status);
}

static void next(struct opening *o)
{
	uint64_t left = o->spec.sealed_len - o->at;
	size_t len = left < CACHE_READ_MAX ? (size_t)left : CACHE_READ_MAX;
	int err = cache_read(o->spec.cache, o->spec.sealed, o->at, len,
		on_read, o);

	if (err)
		finish(o, err);
}

static int take_image(struct opening *o, const struct offer_image *image,
	struct fault *fault)
{
	if (image->encryption.len > sizeof(o->encryption))
		return fault_set(fault, ERR_TOO_LARGE, 0, "encryption",
			"is too long");
	if (image->digest.hash != CRYPTO_SHA256 || !image->digest.known)
		return fault_set(fault, ERR_TRUST_SUIT_DIGEST_ALG, 0,
			"image-digest", "must be SHA-256 to be opened here");
	memcpy(o->encryption, image->encryption.at, image->encryption.len);
	memcpy(o->image, image->digest.value.at, sizeof(o->image));
	o->image_len = image->len;
	return encrypt_info_parse(
		bytes_of(o->encryption, image->encryption.len), &o->info,
		fault);
}

int opening_start(const struct opening_spec *spec, struct opening **ret,
	struct fault *fault)
{
	struct opening *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return -ENOMEM;
	o->spec = *spec;
	names_take(&o->keys, spec->vendor);
	o->req.data = o;
	o->hash = store_hash_new();
	err = o->hash ? take_image(o, spec->image, fault) : -ENOMEM;
	if (!err)
		err = uv_queue_work(spec->loop, &o->req, work, on_worked);
	if (err) {
		store_hash_free(o->hash);
		free(o);
		return err;
	}
	*ret = o;
	return 0;
}

void opening_cancel(struct opening *opening)
{
	opening->cancelled = true;
}
