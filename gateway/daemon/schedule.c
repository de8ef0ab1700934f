#include "gateway/daemon/schedule.h"

#include "gateway/daemon/inventory.h"
#include "gateway/daemon/plan.h"
#include "gateway/daemon/quirks.h"
#include "gateway/daemon/recall.h"

void schedule_turn(struct gateway *g, bool replan)
{
	if (replan) {
		quirks_review(g);
		plan_apply(g);
		recall_judge(g);
	}
	inventory_read_due(g);
	job_schedule(g);
}
