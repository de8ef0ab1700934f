#include "devices/smp/flow.h"

const struct smp_slot *smp_flow_active(const struct smp_view *v)
{
	const struct smp_slot *first = NULL;

	for (size_t i = 0; i < v->slot_count; i++) {
		const struct smp_slot *s = &v->slots[i];

		if (s->image != v->image)
			continue;
		if (s->active)
			return s;
		if (s->slot == 0)
			first = s;
	}
	return first;
}

const struct smp_slot *smp_flow_other(const struct smp_view *v)
{
	const struct smp_slot *active = smp_flow_active(v);

	for (size_t i = 0; i < v->slot_count; i++) {
		const struct smp_slot *s = &v->slots[i];

		if (s->image == v->image && s != active)
			return s;
	}
	return NULL;
}

bool smp_flow_holds(const struct smp_slot *slot,
	const struct engine_image *want, bool by_version)
{
	if (!slot || !want)
		return false;
	if (slot->hash_len && want->hash_len)
		return bytes_equal(bytes_of(slot->hash, slot->hash_len),
			bytes_of(want->hash, want->hash_len));
	return by_version && want->version[0] &&
		!strcmp(slot->version, want->version);
}

static bool same_slot_content(const struct smp_slot *a,
	const struct smp_slot *b)
{
	if (a->hash_len || b->hash_len)
		return bytes_equal(bytes_of(a->hash, a->hash_len),
			bytes_of(b->hash, b->hash_len));
	return !strcmp(a->version, b->version);
}

static enum smp_plan plan_after_restart(const struct smp_view *v,
	const struct smp_slot *active, const struct smp_slot *other)
{
	if (smp_flow_holds(other, v->want, true)) {
		if (other->pending)
			return SMP_PLAN_WAIT;
		return v->marked ? SMP_PLAN_REVERTED : SMP_PLAN_NOT_TAKEN;
	}
	if (!active || !v->before || same_slot_content(active, v->before))
		return SMP_PLAN_NOT_TAKEN;
	return SMP_PLAN_OTHER;
}

enum smp_plan smp_flow_plan(const struct smp_view *v)
{
	const struct smp_slot *active = smp_flow_active(v);
	const struct smp_slot *other = smp_flow_other(v);

	if (smp_flow_holds(active, v->want, v->restarted))
		return active->confirmed || !active->active ? SMP_PLAN_DONE :
			SMP_PLAN_CONFIRM;
	if (v->restarted)
		return plan_after_restart(v, active, other);
	if (smp_flow_holds(other, v->want, false))
		return other->pending ? SMP_PLAN_RESTART : SMP_PLAN_MARK;
	return SMP_PLAN_UPLOAD;
}

static void copy_slot(const struct smp_slot *slot, char version[40],
	uint8_t hash[64], uint8_t *hash_len)
{
	version[0] = '\0';
	*hash_len = 0;
	if (!slot)
		return;
	memcpy(version, slot->version, sizeof(slot->version));
	memcpy(hash, slot->hash, slot->hash_len);
	*hash_len = slot->hash_len;
}

void smp_flow_facts(const struct smp_view *v, struct engine_facts *facts)
{
	const struct smp_slot *active = smp_flow_active(v);
	const struct smp_slot *other = smp_flow_other(v);

	copy_slot(active, facts->version, facts->hash, &facts->hash_len);
	copy_slot(other, facts->other_version, facts->other_hash,
		&facts->other_hash_len);
	facts->confirmed = active && active->active ? active->confirmed : -1;
	facts->pending = other ? other->pending : 0;
	facts->can_prove = active && active->hash_len;
}

struct mode {
	const char *name;
	int8_t reverts;
};

static const struct mode modes[] = {
	{"single-slot", 0},
	{"swap-scratch", 1},
	{"overwrite-only", 0},
	{"swap-move", 1},
	{"direct-xip", 0},
	{"direct-xip-revert", 1},
	{"ram-load", 0},
	{"firmware-loader", 0},
	{"single-slot-ram-load", 0},
	{"swap-offset", 1},
};

#define MODES ((int64_t)(sizeof(modes) / sizeof(modes[0])))

const char *smp_mode_name(int64_t mode)
{
	return mode >= 0 && mode < MODES ? modes[mode].name : "";
}

int8_t smp_mode_reverts(int64_t mode)
{
	return mode >= 0 && mode < MODES ? modes[mode].reverts : -1;
}
