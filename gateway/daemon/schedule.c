#include "gateway/daemon/schedule.h"

#include "gateway/daemon/child.h"
#include "gateway/daemon/plan.h"
#include "gateway/daemon/radio.h"
#include "gateway/daemon/recall.h"

void schedule_turn(struct gateway *g, bool replan)
{
	if (replan) {
		radio_review_all(g);
		plan_apply(g);
		recall_judge(g);
	}
	child_read_due(g);
	job_schedule(g);
}
