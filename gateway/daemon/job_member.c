/* What is particular to a job whose session is a member of a network. */
#include "gateway/daemon/job_priv.h"
#include "gateway/daemon/radio.h"

static const struct engine_ops *engine_of(const struct gateway *g,
	const char *class_name)
{
	const struct config_class *c = gateway_class(g, class_name);

	return c ? engine_find(c->device.engine) : NULL;
}

bool job_is_member(const struct job *j)
{
	const struct engine_ops *engine = engine_of(j->gateway,
		j->row.class_name);

	return engine && engine->network;
}

const char *job_class_delegate(const struct gateway *g, const char *name)
{
	const struct engine_ops *engine = engine_of(g, name);

	return engine && engine->delegate ? engine->name : NULL;
}

const char *job_delegate(const struct job *j)
{
	return job_class_delegate(j->gateway, j->row.class_name);
}

/* ---- why it does not move ---- */

/* Why nothing can come over the link of its device. False when it can. */
static bool is_cut_off(const struct job *j, struct gates *gates)
{
	const struct device *d = j->child ? child_device(j->child) : NULL;
	const struct line *l = d && job_is_member(j) ?
		line_find(j->gateway, d->link) : NULL;
	const char *by = job_delegate(j);

	if (l && !l->up)
		gates_wait(gates, GATE_LINK, 0, "link is %s%s%s",
			line_state_name(l), l->text[0] ? ": " : "", l->text);
	else if (l && by && !d->present)
		gates_wait(gates, GATE_LINK, 0, "%s does not list the device: "
			"was it removed or disabled there?", by);
	return gates_is_waiting(gates, GATE_LINK);
}

static void add_airtime(const struct job *j, struct gates *gates,
	uint64_t until)
{
	const struct device *d = j->child ? child_device(j->child) : NULL;
	const struct line *l = d ? line_find(j->gateway, d->link) : NULL;
	char text[128];
	bool filled = l && radio_is_filled(l->radio, text, sizeof(text));

	gates_wait(gates, GATE_AIRTIME, until, "%s%s", filled ?
		"budget used up: " : "the radio's budget is used up", filled ?
		text : "");
}

void job_add_wait(const struct job *j, struct gates *gates)
{
	int64_t in_ms = j->wait_until_ms - (int64_t)uv_now(j->gateway->loop);
	uint64_t until = j->wait_until_ms == ENGINE_NEVER || in_ms <= 0 ? 0 :
		(uint64_t)(gateway_wall_ms() + in_ms) / 1000;
	const char *by = job_delegate(j);

	if (!j->session || is_cut_off(j, gates))
		return;
	switch (j->wait) {
	case ENGINE_WAIT_NONE:
		return;
	case ENGINE_WAIT_WAKE:
		gates_wait(gates, GATE_WAKE, until, "%s%s", by ? by : "", by ?
			" asks it again and again, and when it says something" :
			"nothing heard from it");
		return;
	case ENGINE_WAIT_TURN:
		gates_wait(gates, GATE_TURN, until, "%s%s", by ? by : "", by ?
			" is at work on it or on others" :
			"others are served first");
		return;
	case ENGINE_WAIT_AIRTIME:
		add_airtime(j, gates, until);
		return;
	case ENGINE_WAIT_DEVICE:
		gates_wait(gates, GATE_DEVICE, until, "%s%s", by ? by : "",
			by ? " asks it what it runs" :
			"it has all and is at work");
		return;
	}
}

void job_take_wait(void *arg, enum engine_wait wait, int64_t until_ms)
{
	struct job *j = arg;
	struct gates gates = {0};

	j->wait = wait;
	j->wait_until_ms = until_ms;
	if (j->gates)
		gates = *j->gates;
	gates_open(&gates, GATE_LINK);
	gates_open(&gates, GATE_WAKE);
	gates_open(&gates, GATE_TURN);
	gates_open(&gates, GATE_AIRTIME);
	gates_open(&gates, GATE_DEVICE);
	job_add_wait(j, &gates);
	job_keep_gates(j, &gates);
}

void job_device_is_back(struct job *j)
{
	job_take_wait(j, j->wait, j->wait_until_ms);
}

void job_line_changed(struct gateway *g, const struct line *l)
{
	for (struct job *j = g->jobs; j; j = j->next) {
		const struct device *d = j->session ? child_device(j->child) :
			NULL;

		if (d && !strcmp(d->link, l->name) && job_is_member(j))
			job_take_wait(j, j->wait, j->wait_until_ms);
	}
}
