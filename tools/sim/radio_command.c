#include "tools/sim/radio_command.h"

#include <errno.h>

void radio_names(struct world *w, json_t *list)
{
	for (size_t i = 0; i < world_radio_count(w); i++) {
		const struct radio *r = world_radio(w, i);

		json_array_append_new(list, json_string(r->name));
		for (size_t k = 0; k < mesh_count(r->mesh); k++)
			json_array_append_new(list,
				json_string(
					mesh_node(r->mesh, k)->setup.name));
	}
}

json_t *radio_state(struct world *w, const char *name)
{
	struct radio *r = world_find_radio(w, name);
	struct node *n;

	if (r)
		return report_radio(r, false);
	n = world_find_node(w, name, &r);
	return n ? report_node(n) : NULL;
}

/* ---- nodes ---- */

typedef int (*node_action)(
	struct node *n, uint64_t now, const char *text, struct fault *fault);

static int do_switch(
	struct node *n, uint64_t now, const char *text, struct fault *fault)
{
	return node_switch(n, now, text, fault);
}

static int do_announce(
	struct node *n, uint64_t now, const char *text, struct fault *fault)
{
	(void)text;
	(void)fault;
	node_announce(n, now);
	return 0;
}

static int do_query(
	struct node *n, uint64_t now, const char *text, struct fault *fault)
{
	(void)text;
	(void)fault;
	node_query(n, now);
	return 0;
}

static int do_restart(
	struct node *n, uint64_t now, const char *text, struct fault *fault)
{
	(void)text;
	(void)fault;
	node_restart(n, now);
	return 0;
}

static int do_leave(
	struct node *n, uint64_t now, const char *text, struct fault *fault)
{
	(void)text;
	(void)fault;
	node_leave(n, now);
	return 0;
}

static int do_join(
	struct node *n, uint64_t now, const char *text, struct fault *fault)
{
	if (text[0] && strcmp(text, "new") != 0)
		return fault_set(fault, -EINVAL, 0, "join",
			"%s is neither nothing nor new", text);
	node_join(n, now, text[0] != '\0');
	return 0;
}

static int do_exchange(
	struct node *n, uint64_t now, const char *text, struct fault *fault)
{
	struct node *other = mesh_find_name(n->mesh, text);

	(void)now;
	if (!other || !other->joined || !n->joined)
		return fault_set(fault, -EINVAL, 0, "exchange",
			"%s is no node that has joined the same network", text);
	mesh_exchange(n->mesh, n, other);
	return 0;
}

static const struct {
	const char *verb;
	node_action act;
} node_actions[] = {
	{"switch", do_switch},
	{"announce", do_announce},
	{"query", do_query},
	{"restart", do_restart},
	{"leave", do_leave},
	{"join", do_join},
	{"exchange", do_exchange},
};

static void act_on_all(struct world *w, node_action act, uint64_t now,
	const char *text, struct fault *fault)
{
	for (size_t i = 0; i < world_radio_count(w); i++) {
		struct radio *r = world_radio(w, i);

		for (size_t k = 0; k < mesh_count(r->mesh); k++)
			if (act(mesh_node(r->mesh, k), now, text, fault) < 0)
				return;
		radio_service(r, now);
	}
}

/* Of the verbs that other devices know too, those are for nodes that name one,
 * or that name everything where everything is nodes. */
static bool node_command(struct world *w, const char *verb, const char *name,
	const char *text, struct fault *fault)
{
	bool all = strcmp(name, "*") == 0 && world_count(w) == 0 &&
		   world_radio_count(w) > 0;
	uint64_t now = uv_hrtime();
	struct radio *r = NULL;
	struct node *n = world_find_node(w, name, &r);

	if (!n && !all)
		return false;
	for (size_t i = 0; i < sizeof(node_actions) / sizeof(node_actions[0]);
		i++) {
		if (strcmp(node_actions[i].verb, verb) != 0)
			continue;
		if (all) {
			act_on_all(w, node_actions[i].act, now, text, fault);
		} else {
			node_actions[i].act(n, now, text, fault);
			radio_service(r, now);
		}
		return true;
	}
	return false;
}

/* ---- coordinators ---- */

static int do_unplug(struct radio *r, const char *text, struct fault *fault)
{
	uint64_t us = 0, ns = NCP_NEVER;

	if (text[0] && strcmp(text, "forever") != 0) {
		if (duration_parse(text, &us) < 0)
			return fault_set(fault, -EINVAL, 0, "time",
				"%s is no duration", text);
		ns = us * 1000;
	}
	radio_unplug(r, uv_hrtime(), ns);
	return 0;
}

bool radio_command(struct world *w, const char *verb, const char *name,
	const char *argument, struct fault *fault)
{
	struct radio *r = world_find_radio(w, name);

	if (!r)
		return node_command(w, verb, name, argument, fault);
	if (strcmp(verb, "reset") == 0)
		radio_reset(r, uv_hrtime());
	else if (strcmp(verb, "unplug") == 0)
		do_unplug(r, argument, fault);
	else if (strcmp(verb, "replug") == 0)
		radio_replug(r, uv_hrtime());
	else if (strcmp(verb, "drop") == 0)
		radio_drop(r);
	else if (strcmp(verb, "set") == 0)
		radio_set(r, argument, fault);
	else
		return false;
	return true;
}
