/* Any bytes as a SUIT envelope, through the whole verdict, and as if its
 * signature had verified: parsed, walked and evaluated. */
#include <stdlib.h>

#include "policy/trust/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct revocation_view revocation_off = {
	.policy = REVOCATION_OFF,
};

static const uint8_t app[] = {0x81, 0x43, 'a', 'p', 'p'};
static const struct suit_slot slots[] = {{{app, sizeof(app)}, 0}};

static void evaluate(const struct suit_manifest *m, bool with_slots)
{
	struct suit_facts facts = {
		.slots = with_slots ? slots : NULL,
		.slot_count = with_slots ? 1 : 0,
		.now = trust_now_at(1800000000),
		.now_known = true,
	};
	struct suit_outcome outcome;
	struct fault fault = {0};
	int err = suit_evaluate(m, &facts, &outcome, &fault);

	if (outcome.fetch_count > SUIT_COMPONENTS_MAX)
		abort();
	if (err == 0 && (outcome.fetch_count == 0 || !outcome.vendor_checked ||
				!outcome.class_checked))
		abort();
	if (err > 0)
		abort();
}

static void walk_all(const struct suit_manifest *m)
{
	struct suit_walk walk;
	struct suit_step step;

	if (m->members[SUIT_INSTALL].presence != SUIT_INLINE)
		return;
	suit_walk_init(&walk, m->members[SUIT_INSTALL].content);
	while (suit_walk_next(&walk, &step))
		if (!step.begins_choice && !suit_command_name(step.command))
			abort();
	if (walk.err)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct cose_key key = {.kty = COSE_KTY_EC2,
		.curve = CRYPTO_P256};
	struct offer_anchor anchor = {.key = key};
	struct offer_request request = {
		.envelope = bytes_of(data, len),
		.anchors = &anchor,
		.anchor_count = 1,
		.now = trust_now_at(1800000000),
		.now_known = true,
		.revocation = &revocation_off,
	};
	struct suit_envelope envelope;
	struct suit_manifest manifest;
	struct verdict verdict;
	static int ready;

	if (!ready && crypto_init())
		abort();
	ready = 1;
	if (offer_judge(&request, &verdict, NULL) == 0)
		abort();
	if (suit_envelope_parse(request.envelope, &envelope, NULL) ||
		suit_manifest_parse(&envelope, &manifest, NULL))
		return 0;
	walk_all(&manifest);
	evaluate(&manifest, false);
	evaluate(&manifest, true);
	return 0;
}
