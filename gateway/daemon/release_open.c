#include "gateway/daemon/release_open.h"

enum offer_encrypted release_encrypted(const struct release *r)
{
	static const enum offer_encrypted words[] = {
		[CONFIG_ENCRYPTED_REFUSE] = OFFER_ENCRYPTED_REFUSE,
		[CONFIG_ENCRYPTED_SEALED] = OFFER_ENCRYPTED_SEALED,
		[CONFIG_ENCRYPTED_OPEN] = OFFER_ENCRYPTED_OPEN,
	};
	const struct config_class *c = gateway_class(r->gateway,
		r->class_name);

	return c ? words[c->encrypted] : OFFER_ENCRYPTED_REFUSE;
}

bool release_has_to_open(const struct release *r, const struct verdict *verdict,
	const struct offer_plan *plan)
{
	const struct check *sealed = verdict_find(verdict, "sealed-digest");

	return !r->opened && plan->image_count == 1 &&
		plan->images[0].encryption.at &&
		release_encrypted(r) == OFFER_ENCRYPTED_OPEN &&
		sealed && sealed->outcome == CHECK_PASS &&
		verdict_accepts(verdict, false);
}

int release_open(struct release *r, const struct config_vendor *vendor,
	const struct offer_image *image,
	void (*on_done)(void *arg, int status, const struct fault *fault))
{
	struct opening_spec spec = {
		.loop = r->gateway->loop,
		.cache = r->gateway->cache,
		.vendor = vendor,
		.image = image,
		.sealed_len = r->payload_len,
		.on_done = on_done,
		.arg = r,
	};
	int err;

	memcpy(spec.sealed, r->payload, 32);
	r->fault = (struct fault){0};
	err = opening_start(&spec, &r->opening, &r->fault);
	if (err)
		return err;
	memcpy(r->image, image->digest.value.at, 32);
	r->image_len = image->len;
	return 0;
}

int release_keep_opened(struct release *r)
{
	int err = cache_pin(r->gateway->cache, r->image);

	r->opened = err == 0;
	return err;
}

void release_forget_opened(struct release *r)
{
	if (!r->opened)
		return;
	r->opened = false;
	cache_unpin(r->gateway->cache, r->image);
	cache_drop(r->gateway->cache, r->image, NULL, NULL);
	if (r->state == RELEASE_VERIFIED)
		r->state = RELEASE_LISTED;
}

void release_forget_all_opened(struct gateway *g)
{
	for (struct release *r = g->releases; r; r = r->next)
		release_forget_opened(r);
}
