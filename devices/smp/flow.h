/* What the image state of a device means for a job: pure decisions.
 *
 * No state; any thread. */
#ifndef FERRY_DEVICES_SMP_FLOW_H
#define FERRY_DEVICES_SMP_FLOW_H

#include "devices/engine.h"
#include "devices/smp/codec.h"

/* What is known when a state answer is judged. */
struct smp_view {
	const struct smp_slot *slots;
	size_t slot_count;
	uint32_t image;                  /* number of the image looked at */
	const struct engine_image *want; /* NULL: nothing is to be installed */
	bool restarted; /* the device was restarted to run the image */
	bool marked;    /* it took the mark for the next boot before that */
	const struct smp_slot *before; /* active slot before; NULL unknown */
};

enum smp_plan {
	SMP_PLAN_UPLOAD,
	SMP_PLAN_MARK,      /* the image is there: mark it, then restart */
	SMP_PLAN_RESTART,   /* it is there and marked */
	SMP_PLAN_CONFIRM,   /* it runs, unconfirmed */
	SMP_PLAN_DONE,      /* it runs and will stay */
	SMP_PLAN_WAIT,      /* the restart has not happened yet */
	SMP_PLAN_REVERTED,  /* the old image runs, ours lies in the other slot */
	SMP_PLAN_NOT_TAKEN, /* ours is gone, the old image runs */
	SMP_PLAN_OTHER,     /* a third image runs */
};

/* The running slot of the image: the active one, or, where none is shown as
 * active (recovery), slot 0. NULL when it is not listed. */
const struct smp_slot *smp_flow_active(const struct smp_view *v);

/* The other slot of the image, NULL when it is not listed. */
const struct smp_slot *smp_flow_other(const struct smp_view *v);

/* True when the slot holds the wanted image. By hash where both sides have one;
 * otherwise, and only with `by_version`, by version. */
bool smp_flow_holds(const struct smp_slot *slot,
	const struct engine_image *want, bool by_version);

/* Nothing that is not in the list counts. Before a restart only a hash proves
 * that the image is there already: same version is not same image. */
enum smp_plan smp_flow_plan(const struct smp_view *v);

/* Fills the fields that a state answer tells: versions, hashes, flags. */
void smp_flow_facts(const struct smp_view *v, struct engine_facts *facts);

/* Name and promise of a bootloader mode (os group, id 8, "mode"). */
const char *smp_mode_name(int64_t mode);
int8_t smp_mode_reverts(int64_t mode); /* 1, 0; -1 unknown */

#endif
