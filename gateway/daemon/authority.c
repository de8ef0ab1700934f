#include "gateway/daemon/authority.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/log.h"
#include "gateway/daemon/roots.h"
#include "gateway/daemon/view_text.h"

#define DEVICES_A_COMMIT 512

/* How it stands with a class of the configuration, at the same place as there. */
struct standing {
	bool shared; /* claimed by several, or handed over once */
	bool moving; /* a commit is under way */
	int state;   /* see authority_state() */
};

struct authority {
	struct authority_row *rows;
	size_t count;
	struct standing of[CONFIG_CLASSES_MAX];
	authority_given on_given;
};

/* ---- what is recorded ---- */

/* The row of the class with the highest place, or NULL. */
static struct authority_row *row_in_force(const struct gateway *g,
	const uint8_t class_id[16])
{
	struct authority_row *best = NULL;

	for (size_t i = 0; i < g->authority->count; i++) {
		struct authority_row *row = &g->authority->rows[i];

		if (!memcmp(row->class_id, class_id, 16) &&
				(!best || row->place > best->place))
			best = row;
	}
	return best;
}

static int take_row(struct gateway *g, const struct authority_row *row)
{
	struct authority *a = g->authority;
	struct authority_row *more;

	for (size_t i = 0; i < a->count; i++)
		if (!memcmp(a->rows[i].class_id, row->class_id, 16) &&
				a->rows[i].place == row->place) {
			a->rows[i] = *row;
			return 0;
		}
	more = realloc(a->rows, (a->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	a->rows = more;
	a->rows[a->count++] = *row;
	return 0;
}

static const struct config_vendor *claimant(const struct gateway *g,
	const struct config_class *c, const char *name)
{
	const struct config_vendor *v = config_vendor_find(g->config, name);

	return v && config_vendor_may_name(v, c->device.vendor_id,
		c->device.class_id) ? v : NULL;
}

static unsigned claimant_count(const struct gateway *g,
	const struct config_class *c)
{
	unsigned count = 0;

	for (unsigned i = 0; i < g->config->vendor_count; i++)
		count += config_vendor_may_name(&g->config->vendors[i],
			c->device.vendor_id, c->device.class_id);
	return count;
}

void authority_apply(struct gateway *g)
{
	for (unsigned i = 0; i < g->config->class_count; i++) {
		struct config_class *c = &g->config->classes[i];
		const struct authority_row *row = row_in_force(g,
			c->device.class_id);
		const struct config_vendor *first = config_class_first(
			g->config, c);
		const char *name = row ? row->vendor : first ? first->name : "";

		snprintf(c->vendor, sizeof(c->vendor), "%.63s", name);
		snprintf(c->device.vendor, sizeof(c->device.vendor), "%.63s",
			name);
		g->authority->of[i] = (struct standing){
			.shared = row || claimant_count(g, c) > 1,
		};
		if (g->authority->of[i].shared)
			g->authority->of[i].state = -EAGAIN;
	}
}

int authority_open(struct gateway *g, const struct store_loaded *loaded,
	authority_given on_given)
{
	if (!g->authority)
		g->authority = calloc(1, sizeof(*g->authority));
	if (!g->authority)
		return -ENOMEM;
	g->authority->on_given = on_given;
	g->authority->count = 0;
	for (size_t i = 0; i < loaded->authority_count; i++)
		if (take_row(g, &loaded->authorities[i]))
			return -ENOMEM;
	authority_apply(g);
	return 0;
}

void authority_close(struct gateway *g)
{
	if (g->authority)
		free(g->authority->rows);
	free(g->authority);
	g->authority = NULL;
}

int authority_state(const struct gateway *g, const struct config_class *c)
{
	return g->authority->of[c - g->config->classes].state;
}

/* ---- proof ---- */

static bool is_starting(const struct vendor *v)
{
	return v && !v->trust_is_open && v->stage == VENDOR_STARTING;
}

/* One row is borne out: a root of the vendor before it names the root that this
 * vendor's file begins with. */
static int prove_row(const struct gateway *g, const struct authority_row *row)
{
	const struct vendor *giver = vendor_find(g, row->by);
	const struct vendor *heir = vendor_find(g, row->vendor);

	if (is_starting(giver) || is_starting(heir))
		return -EAGAIN;
	if (!giver || !giver->trust_is_open || !heir || !heir->trust_is_open)
		return ERR_AUTHORITY_UNPROVED;
	if (memcmp(heir->file_root_sha256, row->first_digest, 32))
		return ERR_AUTHORITY_LOST;
	if (roots_named(giver, row->class_id, row->first_digest))
		return 0;
	return roots_are_behind(giver) ? -EAGAIN : ERR_AUTHORITY_UNPROVED;
}

/* The one who held the class before this row. */
static const struct authority_row *row_before(const struct gateway *g,
	const struct authority_row *row)
{
	const struct authority_row *best = NULL;

	for (size_t i = 0; i < g->authority->count; i++) {
		const struct authority_row *r = &g->authority->rows[i];

		if (!memcmp(r->class_id, row->class_id, 16) &&
				r->place < row->place &&
				(!best || r->place > best->place))
			best = r;
	}
	return best;
}

/* The record leads from who had the class at first to who holds it. A single
 * claimant needs no proof: the configuration, which is root's, says it. */
static int prove(const struct gateway *g, const struct config_class *c,
	const struct authority_row *row)
{
	const struct vendor *holder = vendor_find(g, row->vendor);
	const struct config_vendor *first = config_class_first(g->config, c);

	if (!claimant(g, c, row->vendor))
		return ERR_AUTHORITY_LOST;
	if (is_starting(holder))
		return -EAGAIN;
	if (!holder || !holder->trust_is_open)
		return -EAGAIN; /* the vendor's own alarm says why */
	if (claimant_count(g, c) == 1)
		return 0;
	while (row->place > 0) {
		const struct authority_row *before = row_before(g, row);
		int err = prove_row(g, row);

		if (err)
			return err;
		if (!before || strcmp(before->vendor, row->by))
			return ERR_AUTHORITY_UNPROVED;
		row = before;
	}
	return first && !strcmp(first->name, row->vendor) ? 0 :
		ERR_AUTHORITY_UNPROVED;
}

/* ---- handing over ---- */

struct moving {
	struct gateway *gateway;
	struct authority_row first; /* of who had it at first; or empty */
	struct authority_row row;
};

static bool ever_gave(const struct gateway *g, const uint8_t class_id[16],
	const char *vendor)
{
	for (size_t i = 0; i < g->authority->count; i++) {
		const struct authority_row *row = &g->authority->rows[i];

		if (!memcmp(row->class_id, class_id, 16) &&
				!strcmp(row->by, vendor))
			return true;
	}
	return false;
}

/* Devices whose floors go along: those of the class, and those that nobody knows
 * any more. */
struct of_class {
	const struct gateway *gateway;
	const uint8_t *class_id;
};

static bool goes_along(void *arg, const char *id)
{
	const struct of_class *o = arg;
	const struct gateway *g = o->gateway;
	const struct device *d = registry_device(g->registry, id);
	const struct config_class *c = d ? gateway_class(g, d->class_name) :
		NULL;

	return !c || !memcmp(c->device.class_id, o->class_id, 16);
}

static void put_history(const struct gateway *g, struct store_commit *c,
	const struct authority_row *row, const char *class_name)
{
	size_t devices = registry_device_count(g->registry);
	char detail[ROW_EVIDENCE_SIZE];
	unsigned count = 0;

	view_detail(detail, sizeof(detail), "{s:s,s:s,s:s,s:I}", "class",
		class_name, "from", row->by, "to", row->vendor, "root_version",
		(json_int_t)row->by_version);
	gateway_history(c, "class-handed-over", row->vendor, NULL, 0, NULL,
		detail);
	for (size_t i = 0; i < devices && count < DEVICES_A_COMMIT; i++) {
		const struct device *d = registry_device_at(g->registry, i);

		if (strcmp(d->class_name, class_name))
			continue;
		count++;
		gateway_history(c, "device-handed-over", row->vendor, d->id, 0,
			NULL, detail);
	}
}

static void set_moving(struct gateway *g, const uint8_t class_id[16], bool is)
{
	for (unsigned i = 0; i < g->config->class_count; i++)
		if (!memcmp(g->config->classes[i].device.class_id, class_id,
				16))
			g->authority->of[i].moving = is;
}

static void on_moved(void *arg, int status)
{
	struct moving *m = arg;
	struct gateway *g = m->gateway;
	struct authority_row row = m->row, first = m->first;
	const struct vendor *from = vendor_find(g, row.by);
	const struct vendor *to = vendor_find(g, row.vendor);

	free(m);
	if (!g->authority)
		return;
	set_moving(g, row.class_id, false);
	if (!status && first.vendor[0])
		status = take_row(g, &first);
	if (!status)
		status = take_row(g, &row);
	if (status) {
		log_error("authority", "transfer could not be recorded, will "
			"be repeated", "to=%s code=%s", row.vendor,
			err_name(status));
		return;
	}
	log_info("authority", "class was handed over", "from=%s to=%s "
		"root=%llu", row.by, row.vendor,
		(unsigned long long)row.by_version);
	floors_hand_over(&g->floors, row.by, row.vendor, row.class_id,
		goes_along, &(struct of_class){g, row.class_id});
	if (from && to && from->evidence.signers && to->evidence.signers)
		evidence_inherit(to->evidence.signers, from->evidence.signers);
	authority_apply(g);
	g->authority->on_given(g, row.class_id, row.vendor);
	authority_review(g);
	gateway_replan(g);
}

static int begin_move(struct gateway *g, const struct config_class *c,
	const struct vendor *from, const struct vendor *to)
{
	const struct authority_row *held = row_in_force(g, c->device.class_id);
	struct moving *m = calloc(1, sizeof(*m));
	struct store_commit *commit = store_commit_new();
	struct buf devices;
	int err;

	if (!m || !commit) {
		free(m);
		store_commit_free(commit);
		return -ENOMEM;
	}
	m->gateway = g;
	m->row = (struct authority_row){
		.place = held ? held->place + 1 : 1,
		.by_version = from->trust.root->version,
		.cleared = !root_transfer_of(to->trust.root,
			bytes_of(c->device.class_id, 16)),
		.at_ms = gateway_wall_ms(),
	};
	memcpy(m->row.class_id, c->device.class_id, 16);
	snprintf(m->row.vendor, sizeof(m->row.vendor), "%s", to->name);
	snprintf(m->row.by, sizeof(m->row.by), "%s", from->name);
	memcpy(m->row.first_digest, to->file_root_sha256, 32);
	if (!held) {
		m->first = (struct authority_row){.at_ms = m->row.at_ms};
		memcpy(m->first.class_id, c->device.class_id, 16);
		snprintf(m->first.vendor, sizeof(m->first.vendor), "%s",
			from->name);
		memcpy(m->first.first_digest, from->file_root_sha256, 32);
		store_commit_authority(commit, &m->first);
	}
	buf_init(&devices, STORE_DEVICES_MAX * ROW_NAME_SIZE);
	floors_list_devices(&g->floors, m->row.by, goes_along,
		&(struct of_class){g, m->row.class_id}, &devices);
	store_commit_authority(commit, &m->row);
	store_commit_authority_move(commit, &m->row, buf_bytes(&devices));
	put_history(g, commit, &m->row, c->device.name);
	err = devices.err;
	buf_done(&devices);
	if (err) {
		store_commit_free(commit);
		free(m);
		return err;
	}
	set_moving(g, c->device.class_id, true);
	err = gateway_commit(g, commit, on_moved, m);
	if (err) {
		set_moving(g, c->device.class_id, false);
		free(m);
	}
	return err;
}

/* The claimant whose file begins with the root that a transfer names. */
static const struct vendor *heir_of(const struct gateway *g,
	const struct config_class *c, const struct vendor *holder,
	const struct root_transfer *t, bool *ret_starting)
{
	*ret_starting = false;
	for (const struct vendor *v = g->vendors; v; v = v->next) {
		if (v == holder || !claimant(g, c, v->name))
			continue;
		*ret_starting = *ret_starting || is_starting(v);
		if (v->trust_is_open && bytes_equal(t->heir,
				bytes_of(v->file_root_sha256, 32)))
			return v;
	}
	return NULL;
}

static void note_cleared(struct gateway *g, struct authority_row *row)
{
	struct store_commit *c = store_commit_new();

	row->cleared = true;
	store_commit_authority(c, row);
	gateway_commit(g, c, NULL, NULL);
}

/* What the newest root of the holder says about the class. */
static int judge_transfer(struct gateway *g, const struct config_class *c,
	const struct vendor *holder)
{
	struct authority_row *row = row_in_force(g, c->device.class_id);
	const struct root_transfer *t = root_transfer_of(holder->trust.root,
		bytes_of(c->device.class_id, 16));
	const struct vendor *heir;
	bool starting;
	int err;

	if (roots_are_behind(holder))
		return -EAGAIN;
	if (!t) {
		if (row && !row->cleared)
			note_cleared(g, row);
		return 0;
	}
	if (row && !row->cleared && ever_gave(g, c->device.class_id,
			holder->name))
		return ERR_AUTHORITY_NOT_TAKEN;
	heir = heir_of(g, c, holder, t, &starting);
	if (!heir)
		return starting ? -EAGAIN : ERR_AUTHORITY_HEIR;
	/* What it was not accepted by yet is not begun with. */
	if (roots_are_behind(heir))
		return -EAGAIN;
	err = begin_move(g, c, holder, heir);
	if (err)
		log_error("authority", "transfer could not be recorded, will "
			"be repeated", "to=%s code=%s", heir->name,
			err_name(err));
	return -EAGAIN;
}

static void tell(struct gateway *g, const struct config_class *c, int state)
{
	char code[ALARM_CODE_SIZE];

	snprintf(code, sizeof(code), "authority:%.63s", c->device.name);
	if (!state)
		gateway_alarm_clear(g, code);
	else if (state != -EAGAIN)
		gateway_alarm(g, code, state == ERR_AUTHORITY_HEIR ?
			"put the heir's file into vendors.d, with its first "
			"root and heir_of" : state == ERR_AUTHORITY_NOT_TAKEN ?
			"the vendor must publish a root without the transfer" :
			"name the vendor in the class file and take the class "
			"out of the other vendors' class_ids",
			"class %s is served by nobody: %s", c->device.name,
			err_text(state));
}

/* A root without transfers, one claimant, no record: nothing to do. */
static int judge_plain(struct gateway *g, const struct config_class *c)
{
	const struct vendor *v = vendor_find(g, c->vendor);

	if (!v || !v->trust_is_open || v->trust.root->transfer_count == 0)
		return 0;
	return root_transfer_of(v->trust.root, bytes_of(c->device.class_id,
		16)) ? ERR_AUTHORITY_HEIR : 0;
}

static int judge_shared(struct gateway *g, const struct config_class *c)
{
	const struct authority_row *row = row_in_force(g, c->device.class_id);
	const struct vendor *holder = vendor_find(g, c->vendor);
	int err = row ? prove(g, c, row) : 0;

	if (err)
		return err;
	if (!holder || !holder->trust_is_open)
		return -EAGAIN;
	return judge_transfer(g, c, holder);
}

void authority_review(struct gateway *g)
{
	if (!g->authority || g->stopping)
		return;
	for (unsigned i = 0; i < g->config->class_count; i++) {
		const struct config_class *c = &g->config->classes[i];
		struct standing *s = &g->authority->of[i];
		int before = s->state;

		if (s->moving)
			continue;
		s->state = s->shared ? judge_shared(g, c) : judge_plain(g, c);
		if (s->moving || s->state == before)
			continue;
		tell(g, c, s->state);
		gateway_replan(g);
	}
}

/* ---- views ---- */

static const char *state_text(int state)
{
	return !state ? "held" : state == -EAGAIN ? "waiting" : "refused";
}

json_t *authority_view(const struct gateway *g, const struct config_class *c)
{
	const struct standing *s = &g->authority->of[c - g->config->classes];
	const struct authority_row *row = row_in_force(g, c->device.class_id);

	if (!s->shared && !s->state)
		return json_null();
	return json_pack("{s:o,s:o,s:o,s:s,s:s,s:s}", "vendor",
		view_text(c->vendor), "by", row && row->by[0] ?
		view_text(row->by) : json_null(), "since", view_time_ms(
			row ? row->at_ms : 0), "state", state_text(s->state),
		"code", s->state && s->state != -EAGAIN ? err_name(s->state) :
		"", "text", s->state && s->state != -EAGAIN ?
		err_text(s->state) : "");
}

json_t *authority_of_vendor(const struct vendor *v)
{
	const struct gateway *g = v->gateway;
	json_t *list = json_array();

	for (unsigned i = 0; i < g->config->class_count; i++) {
		const struct config_class *c = &g->config->classes[i];
		bool holds = !strcmp(c->vendor, v->name);

		if (!g->authority->of[i].shared || !claimant(g, c, v->name))
			continue;
		json_array_append_new(list, json_pack("{s:o,s:s,s:o}", "class",
			view_text(c->device.name), "state", holds ? "holds" :
			ever_gave(g, c->device.class_id, v->name) ? "gave" :
			"waiting", "vendor", view_text(c->vendor)));
	}
	return list;
}
