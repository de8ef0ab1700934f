#include "gateway/daemon/bundle.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/trust/component.h"
#include "policy/trust/crypto_secret.h"
#include "store/hash.h"

struct bundle {
	struct cache *cache;
	uv_loop_t *loop;
	struct device_class klass;
	uint8_t image[32];
	uint64_t image_len;
	struct lasthop_hub hub;
	uint8_t key[LASTHOP_KEY_LEN];
	void (*on_ready)(void *arg, int status, const struct fault *fault);
	void *arg;

	struct buf prefix;
	struct store_hash *hash;
	uint64_t hashed; /* bytes of the image */
	uint8_t sha256[32];
	uv_work_t work;
	struct buf piece; /* what the pool hashes */
	bool busy;        /* a callback must still come */
	bool closed;
	bool ready;
};

static void bundle_free(struct bundle *b)
{
	crypto_wipe(b->key, sizeof(b->key));
	store_hash_free(b->hash);
	buf_done(&b->piece);
	buf_done(&b->prefix);
	free(b);
}

/* True when nobody waits any more. */
static bool is_over(struct bundle *b)
{
	bool over = b->closed;

	b->busy = false;
	if (over)
		bundle_free(b);
	return over;
}

static void finish(struct bundle *b, int status, const struct fault *fault)
{
	static const struct fault none;

	/* Only the prefix is kept while the transfer runs. */
	buf_done(&b->piece);
	store_hash_free(b->hash);
	b->hash = NULL;
	b->ready = status == 0;
	b->on_ready(b->arg, status, fault ? fault : &none);
}

/* ---- the digest of the whole ---- */

static void hash_next(struct bundle *b);

static void hash_piece(uv_work_t *work)
{
	struct bundle *b = work->data;

	store_hash_add(b->hash, buf_bytes(&b->piece));
}

static void on_hashed(uv_work_t *work, int status)
{
	struct bundle *b = work->data;

	if (is_over(b))
		return;
	if (status) {
		finish(b, status, NULL);
		return;
	}
	b->hashed += b->piece.len;
	hash_next(b);
}

static void on_piece(void *arg, int status, struct bytes bytes)
{
	struct bundle *b = arg;

	if (is_over(b))
		return;
	if (!status) {
		buf_reset(&b->piece);
		status = buf_add_bytes(&b->piece, bytes);
	}
	if (!status)
		status = uv_queue_work(b->loop, &b->work, hash_piece,
			on_hashed);
	if (status)
		finish(b, status, NULL);
	else
		b->busy = true;
}

static void hash_next(struct bundle *b)
{
	uint64_t left = b->image_len - b->hashed;
	int err;

	if (left == 0) {
		err = store_hash_end(b->hash, b->sha256);
		finish(b, err, NULL);
		return;
	}
	err = cache_read(b->cache, b->image, b->hashed, left < CACHE_READ_MAX ?
		(size_t)left : CACHE_READ_MAX, on_piece, b);
	if (err)
		finish(b, err, NULL);
	else
		b->busy = true;
}

/* ---- the prefix ---- */

struct child_facts {
	struct suit_facts facts;
	uint8_t components[CLASS_COMPONENTS_MAX][COMPONENT_LEN_MAX];
	struct suit_slot slots[CLASS_COMPONENTS_MAX];
};

/* What the release was judged by. */
static void fill_facts(const struct device_class *klass, struct child_facts *f)
{
	*f = (struct child_facts){
		.facts = {
			.vendor_id = bytes_of(klass->vendor_id, 16),
			.class_id = bytes_of(klass->class_id, 16),
		},
	};
	f->facts.slots = f->slots;
	for (size_t i = 0; i < klass->component_count; i++) {
		unsigned n = f->facts.slot_count;
		size_t len = 0;

		if (component_from_text(klass->components[i].id,
				f->components[n], &len))
			continue;
		f->slots[n] = (struct suit_slot){
			bytes_of(f->components[n], len),
			klass->components[i].slot};
		f->facts.slot_count++;
	}
}

static int make_prefix(struct bundle *b, struct bytes file, struct fault *fault)
{
	struct lasthop_request request = {
		.envelope = file,
		.image_len = b->image_len,
		.hub = &b->hub,
		.key = bytes_of(b->key, sizeof(b->key)),
		.strip_signatures = b->klass.strip_signatures,
	};
	struct suit_envelope envelope;
	struct child_facts facts;
	int err = suit_envelope_parse(file, &envelope, fault);

	fill_facts(&b->klass, &facts);
	if (!err)
		err = lasthop_image_uri(&envelope, &facts.facts, b->image,
			b->image_len, &request.uri, fault);
	if (!err)
		err = lasthop_prefix(&request, &b->prefix, fault);
	crypto_wipe(b->key, sizeof(b->key));
	return err;
}

static void on_envelope(void *arg, int status, struct bytes bytes)
{
	struct bundle *b = arg;
	struct fault fault = {0};

	if (is_over(b))
		return;
	if (!status)
		status = make_prefix(b, bytes, &fault);
	if (status) {
		finish(b, status, &fault);
		return;
	}
	store_hash_add(b->hash, buf_bytes(&b->prefix));
	hash_next(b);
}

/* ---- life ---- */

int bundle_open(const struct bundle_setup *setup, struct bundle **ret)
{
	struct bundle *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->cache = setup->cache;
	b->loop = setup->loop;
	b->klass = *setup->klass;
	b->image_len = setup->image_len;
	b->hub = *setup->hub;
	b->on_ready = setup->on_ready;
	b->arg = setup->arg;
	b->work.data = b;
	memcpy(b->image, setup->image, sizeof(b->image));
	if (setup->key.len == sizeof(b->key))
		memcpy(b->key, setup->key.at, sizeof(b->key));
	buf_init(&b->prefix, LASTHOP_PREFIX_MAX);
	buf_init(&b->piece, CACHE_READ_MAX);
	b->hash = store_hash_new();
	err = b->hash ? cache_load(b->cache, setup->envelope,
		SUIT_ENVELOPE_MAX, on_envelope, b) : -ENOMEM;
	if (err) {
		bundle_free(b);
		return err;
	}
	b->busy = true;
	*ret = b;
	return 0;
}

void bundle_close(struct bundle *b)
{
	if (!b)
		return;
	b->closed = true;
	if (!b->busy)
		bundle_free(b);
}

bool bundle_is_ready(const struct bundle *b)
{
	return b->ready;
}

struct bytes bundle_prefix(const struct bundle *b)
{
	return buf_bytes(&b->prefix);
}

const uint8_t *bundle_sha256(const struct bundle *b)
{
	return b->sha256;
}

const struct lasthop_hub *bundle_hub(const struct bundle *b)
{
	return &b->hub;
}
