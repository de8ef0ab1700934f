#include "tests/unit/gateway/radio_rig.h"

#include "gateway/daemon/drivers.h"
#include "store/db.h"
#include "tests/unit/scratch.h"

#define TEXTS 64 /* that commands borrow until they are carried out */

struct radio_rig rig;

static struct transport_driver *driver;
static struct {
	char key[20];
	struct engine_attribute model;
	struct engine_facts facts;
} texts[TEXTS];
static unsigned text_count;

/* ---- in place of what the daemon has built in ---- */

const struct engine_ops *__wrap_engine_find(const char *name);
const struct engine_ops *__real_engine_find(const char *name);
int __wrap_drivers_get(const struct config *config, const char *name,
	struct transport_driver **ret, struct fault *fault);
void __wrap_drivers_put(struct transport_driver *put);

const struct engine_ops *__wrap_engine_find(const char *name)
{
	return name && !strcmp(name, script_network.name) ? &script_network :
		__real_engine_find(name);
}

int __wrap_drivers_get(const struct config *config, const char *name,
	struct transport_driver **ret, struct fault *fault)
{
	(void)config;
	(void)name;
	(void)fault;
	*ret = driver;
	return 0;
}

void __wrap_drivers_put(struct transport_driver *put)
{
	(void)put;
}

/* ---- the world ---- */

static void on_opened(void *arg, int status, const struct fault *fault)
{
	(void)arg;
	(void)fault;
	ck_assert_int_eq(status, 0);
	rig.store_changed = true;
}

static void on_store_closed(void *arg, int status)
{
	(void)arg;
	ck_assert_int_eq(status, 0);
	rig.store_changed = true;
}

static void wait_for_store(void)
{
	while (!rig.store_changed)
		uv_run(&rig.loop, UV_RUN_ONCE);
	rig.store_changed = false;
}

static void make_class(unsigned i, const char *name, const char *model,
	bool auto_enrol, const char *engine)
{
	struct device_class *c = &rig.classes[i].device;

	class_init(c);
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->vendor, sizeof(c->vendor), "acme");
	snprintf(c->engine, sizeof(c->engine), "%s", engine);
	snprintf(c->match[0].name, sizeof(c->match[0].name), "model");
	snprintf(c->match[0].glob, sizeof(c->match[0].glob), "%s", model);
	c->match_count = 1;
	c->auto_enrol = auto_enrol;
	rig.gateway.class_list[i] = c;
}

static void make_config(void)
{
	make_class(0, "lamp", "Lamp*", true, script_network.name);
	make_class(1, "plug", "Plug*", false, script_network.name);
	make_class(2, "other", "Other*", false, "smp");
	rig.config.classes = rig.classes;
	rig.config.class_count = RIG_CLASSES;
	rig.config.relay.inventory_interval_s = 3600;
	snprintf(rig.network.engine, sizeof(rig.network.engine), "%s",
		script_network.name);
	snprintf(rig.link.name, sizeof(rig.link.name), "hub");
	snprintf(rig.link.driver, sizeof(rig.link.driver), "pretended");
	rig.link.network = &rig.network;
}

static void on_beat(uv_timer_t *timer)
{
	(void)timer;
}

static void on_loaded(void *arg, int status, const struct store_loaded *loaded)
{
	struct gateway *g = arg;

	ck_assert_int_eq(status, 0);
	for (size_t i = 0; i < loaded->device_count; i++)
		child_load(g, &loaded->devices[i]);
	rig.store_changed = true;
}

/* What ferryd does at its start. */
static void begin(void)
{
	struct gateway *g = &rig.gateway;

	g->registry = registry_new();
	registry_set_classes(g->registry, g->class_list, RIG_CLASSES);
	ck_assert_int_eq(store_open(&rig.loop, rig.folder, on_opened, NULL,
		&g->store), 0);
	wait_for_store();
	ck_assert_int_eq(store_load_all(g->store, on_loaded, g), 0);
	wait_for_store();
	ck_assert_int_eq(line_add(g, &rig.link, &lines_events), 0);
	rig.line = line_find(g, "hub");
	ck_assert(!rig.line->failed);
	rig_until("up ");
}

void rig_setup(void)
{
	struct gateway *g = &rig.gateway;

	memset(&rig, 0, sizeof(rig));
	memset(&radio, 0, sizeof(radio));
	script_begin();
	text_count = 0;
	scratch_make(rig.folder, sizeof(rig.folder), "radio-rig");
	ck_assert_int_eq(uv_loop_init(&rig.loop), 0);
	uv_timer_init(&rig.loop, &rig.beat);
	uv_timer_start(&rig.beat, on_beat, 5, 5);
	make_config();
	g->loop = &rig.loop;
	g->config = &rig.config;
	uv_timer_init(&rig.loop, &g->wake_timer);
	ck_assert_int_eq(transport_driver_admit(&radio_driver, &driver, NULL),
		0);
	begin();
}

static void on_closed(void *arg)
{
	(void)arg;
	rig.closed = true;
}

/* And at its end. */
static void end(void)
{
	struct gateway *g = &rig.gateway;

	while (g->children)
		inventory_forget(g->children);
	while (g->inventories)
		uv_run(&rig.loop, UV_RUN_ONCE);
	rig.closed = false;
	line_close(rig.line, on_closed, NULL);
	while (!rig.closed)
		uv_run(&rig.loop, UV_RUN_ONCE);
	ck_assert_uint_eq(script.alive, 0);
	store_close(g->store, on_store_closed, NULL);
	wait_for_store();
	registry_free(g->registry);
}

void rig_restart(bool killed)
{
	if (!killed)
		child_save_all(&rig.gateway);
	end();
	script.log[0] = '\0';
	begin();
}

void rig_teardown(void)
{
	struct gateway *g = &rig.gateway;

	end();
	transport_driver_free(driver);
	uv_close((uv_handle_t *)&g->wake_timer, NULL);
	uv_close((uv_handle_t *)&rig.beat, NULL);
	uv_run(&rig.loop, UV_RUN_DEFAULT);
	ck_assert_int_eq(uv_loop_close(&rig.loop), 0);
	scratch_drop(rig.folder);
}

void rig_until(const char *words)
{
	while (!strstr(script.log, words))
		uv_run(&rig.loop, UV_RUN_ONCE);
	script.log[0] = '\0';
}

void rig_turn(void)
{
	for (int i = 0; i < 8; i++)
		uv_run(&rig.loop, UV_RUN_NOWAIT);
}

/* ---- who says what ---- */

void rig_report(const char *key, uint32_t flags, const char *joined)
{
	const struct ferry_kv attributes[] = {
		{"kind", flags & FERRY_PEER_SLEEPY ? "sleepy" : "router"},
		{"joined", joined}};
	const struct ferry_peer peer = {
		.size = sizeof(peer),
		.flags = flags,
		.id_kind = FERRY_ID_HARDWARE,
		.key = key,
		.address = "0x1234",
		.attributes = attributes,
		.attribute_count = joined ? 2 : 1,
	};

	radio.host->on_peer(radio.owner, &peer);
	rig_turn();
}

static unsigned text_slot(const char *key)
{
	unsigned slot = text_count++ % TEXTS;

	snprintf(texts[slot].key, sizeof(texts[slot].key), "%s", key);
	return slot;
}

void rig_says(const char *key, const char *model, bool proven, bool untold)
{
	unsigned slot = text_slot(key);

	texts[slot].model = (struct engine_attribute){"model", model};
	script_push((struct engine_command){.type = ENGINE_CMD_PEER,
		.peer = {
			.key = texts[slot].key,
			.attributes = &texts[slot].model,
			.attribute_count = model ? 1 : 0,
			.proven = proven,
			.untold = untold,
		}});
}

void rig_says_version(const char *key, const char *version)
{
	unsigned slot = text_slot(key);
	struct engine_facts *f = &texts[slot].facts;

	*f = (struct engine_facts){.confirmed = -1, .pending = -1};
	snprintf(f->version, sizeof(f->version), "%s", version);
	script_push((struct engine_command){.type = ENGINE_CMD_FACTS,
		.facts = {.facts = f, .peer = texts[slot].key}});
}

/* Anything that the engine is told makes it look for commands. */
void rig_pass(void)
{
	network_quirks(rig.line->radio->network, "pass", bytes_of(NULL, 0));
	while (script.head != script.tail)
		uv_run(&rig.loop, UV_RUN_ONCE);
	script.head = 0;
	script.tail = 0;
	rig_turn();
}

/* ---- what came of it ---- */

const char *rig_attributes(const char *key)
{
	static char text[sizeof(((struct attributes *)0)->at) + 1];
	const struct candidate *c = registry_candidate(rig.gateway.registry,
		"hub", key);

	if (!c)
		return NULL;
	memcpy(text, c->attributes.at, c->attributes.len);
	text[c->attributes.len] = '\0';
	for (size_t i = 0, ends = 0; i < c->attributes.len; i++)
		if (!text[i])
			text[i] = ends++ % 2 ? ' ' : '=';
	return text;
}

struct device *rig_device(const char *key)
{
	return registry_device_of_peer(rig.gateway.registry, "hub", key);
}

struct device *rig_enrol(const char *key, const char *class_name)
{
	struct device *d = NULL;

	ck_assert_int_eq(registry_enrol(rig.gateway.registry, "hub", key,
		class_name, NULL, 100, &d, NULL), 0);
	ck_assert_ptr_nonnull(child_of(&rig.gateway, d->id));
	radio_review_peer(&rig.gateway, "hub", key);
	return d;
}
