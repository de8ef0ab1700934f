#include "gateway/daemon/lines.h"

#include <stdio.h>

#include "base/log.h"
#include "gateway/config/network.h"
#include "gateway/daemon/inventory.h"
#include "gateway/daemon/job.h"
#include "gateway/daemon/radio.h"

/* ---- what one of them sees ---- */

/* A device in mid-job may come back as another peer, by the rule of its class. */
static bool follow(struct line *l, const struct peer_sight *sight)
{
	struct gateway *g = l->gateway;

	for (struct job *j = g->jobs; j; j = j->next) {
		struct device *d = j->session ? child_device(j->child) : NULL;
		const struct config_class *c = d ?
			gateway_class(g, d->class_name) : NULL;

		if (!c || d->present || !registry_reappears(d, &c->device,
				sight))
			continue;
		log_info("line", "device came back as another peer",
			"device=%s link=%s peer=%s", d->id, l->name,
			sight->key);
		snprintf(j->child->peer, sizeof(j->child->peer), "%s",
			sight->key);
		snprintf(j->child->peer_link, sizeof(j->child->peer_link), "%s",
			l->name);
		session_poke(j->session);
		return true;
	}
	return false;
}

static void on_candidate(struct line *l, const struct peer_sight *sight)
{
	/* Peers of a radio keep their keys. */
	if (l->radio || l->delegate || !follow(l, sight))
		news_candidate(&l->gateway->news, l->name, sight->key);
}

static void on_device(struct line *l, const struct peer_sight *sight,
	struct device *d, int how, bool is_back)
{
	struct gateway *g = l->gateway;
	struct child *child = child_of(g, d->id);

	if (!child)
		return;
	if (how == REGISTRY_SIGHT_ENROLLED) {
		snprintf(child->enrolled_by, sizeof(child->enrolled_by),
			"class %s", d->class_name);
		log_info("line", "device enrolled by its class",
			"device=%s link=%s peer=%s", d->id, l->name,
			sight->key);
		child_save(child, "device-enrolled", child->enrolled_by);
	} else if (how == REGISTRY_SIGHT_CHANGED) {
		child_save(child, NULL, NULL);
	}
	if (child->job && child->job->session) {
		session_poke(child->job->session);
		if (is_back)
			job_device_is_back(child->job);
	} else if (child->job && is_back &&
			child->job->row.failure.code == ERR_JOB_NO_LINK) {
		job_came_back(child->job);
	}
	news_device(&g->news, d);
	gateway_replan(g);
}

static void on_facts(struct line *l, const struct device *d,
	const struct engine_facts *facts)
{
	struct child *c = child_find(l->gateway, d->id);

	if (c)
		inventory_take_facts(c, facts);
}

static void on_link(struct line *l)
{
	job_line_changed(l->gateway, l);
}

const struct line_events lines_events = {
	.on_link = on_link,
	.on_candidate = on_candidate,
	.on_device = on_device,
	.on_facts = on_facts,
};

/* ---- by the configuration ---- */

static bool same_link(const struct config_link *a, const struct config_link *b)
{
	if (strcmp(a->driver, b->driver) || a->is_delegate != b->is_delegate ||
			a->param_count != b->param_count ||
			network_differs(a->network, b->network))
		return false;
	for (unsigned i = 0; i < a->param_count; i++)
		if (strcmp(a->params[i].key, b->params[i].key) ||
				strcmp(a->params[i].value, b->params[i].value))
			return false;
	return true;
}

void lines_open(struct gateway *g)
{
	for (unsigned i = 0; i < g->config->link_count; i++)
		if (!line_find(g, g->config->links[i].name) &&
				line_add(g, &g->config->links[i], &lines_events))
			gateway_alarm(g, "memory", "", "no memory for link %s",
				g->config->links[i].name);
}

bool lines_take_over(struct line *l, const struct config *config)
{
	const struct config_link *c = config_link_find(config, l->name);

	if (!c || !same_link(c, l->config) || l->failed)
		return false;
	l->config = c;
	if (l->radio)
		radio_reloaded(l->radio);
	return true;
}
