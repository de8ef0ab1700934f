#include "gateway/daemon/inventory.h"

#include <errno.h>

#include "base/log.h"
#include "gateway/daemon/delegated.h"
#include "gateway/daemon/job.h"
#include "gateway/daemon/radio.h"

#define INVENTORIES_MAX 16
#define READ_RETRY_MS 15000
#define READ_RETRY_MAX_MS (3600 * 1000)
#define READ_SLEEPY_MAX_MS (120 * 1000) /* it is not awake for long */

static int locate(void *arg, struct transport **ret_transport, char *ret_peer,
	size_t size)
{
	return child_locate(arg, ret_transport, ret_peer, size, NULL);
}

static uint32_t interval_s(const struct child *c, const struct device *d)
{
	const struct config_class *klass = gateway_class(c->gateway,
		d->class_name);

	if (klass && klass->device.inventory_interval_s)
		return klass->device.inventory_interval_s;
	return (uint32_t)c->gateway->config->relay.inventory_interval_s;
}

static void on_reading_closed(void *arg)
{
	struct gateway *g = arg;

	g->inventories--;
	gateway_wake(g);
}

static void end_reading(struct child *c)
{
	struct session *s = c->inventory;

	c->inventory = NULL;
	line_forget(c->gateway, s);
	session_close(s, on_reading_closed, c->gateway);
}

static void on_read(struct child *c, struct device *d,
	const struct engine_facts *facts)
{
	bool news = registry_take_facts(d, facts, gateway_wall_ms() / 1000);

	c->read_this_run = true;
	c->read_failures = 0;
	c->read_status = 0;
	c->next_read_ms = gateway_wall_ms() +
		(int64_t)interval_s(c, d) * 1000;
	/* When it was read is not worth a write to flash by itself. */
	if (news)
		child_save(c, NULL, NULL);
}

void inventory_take_facts(struct child *child, const struct engine_facts *facts)
{
	struct device *d = child_device(child);

	if (!d)
		return;
	on_read(child, d, facts);
	news_device(&child->gateway->news, d);
	gateway_replan(child->gateway);
}

static void on_result(void *arg, const struct session_result *result)
{
	struct child *c = arg;
	struct device *d = child_device(c);
	uint64_t wait = READ_RETRY_MS, longest;

	end_reading(c);
	if (!d)
		return;
	longest = delegated_is_sleepy(line_find(c->gateway, d->link), d->key) ?
		READ_SLEEPY_MAX_MS : READ_RETRY_MAX_MS;
	if (result->outcome == ENGINE_DONE ||
			result->outcome == ENGINE_UNVERIFIED) {
		on_read(c, d, result->facts);
	} else {
		for (unsigned i = 0; i < c->read_failures &&
				wait < longest; i++)
			wait *= 2;
		c->read_failures++;
		c->read_status = result->failure ? result->failure->code :
			-EIO;
		c->next_read_ms = gateway_wall_ms() + (int64_t)wait;
		d->health = DEVICE_HEALTH_SILENT;
		log_warn("child", "device could not be read, will be repeated",
			"device=%s code=%s wait_ms=%llu", c->id,
			err_name(c->read_status), (unsigned long long)wait);
	}
	news_device(&c->gateway->news, d);
	gateway_replan(c->gateway);
}

static const struct session_events events = {
	.on_result = on_result,
	.locate = locate,
};

static int start_reading(struct child *c, const struct device *d,
	const struct config_class *klass)
{
	struct ferry_kv kv[8];
	struct session_setup setup = {
		.loop = c->gateway->loop,
		.engine = engine_find(klass->device.engine),
		.options = klass->device.options,
		.channel = kv,
		.channel_count = child_channel(klass, kv),
		.connect_ms = klass->device.connect_limit_s * 1000,
		.lost_ms = klass->device.connect_limit_s * 1000,
		.goal = ENGINE_GOAL_INVENTORY,
		.reached = ENGINE_STAGE_NONE,
		.events = &events,
		.arg = c,
	};
	struct line *l = line_find(c->gateway, d->link);
	int err;

	if (!setup.engine || !l || !line_serves(l, setup.engine))
		return -ENOENT;
	err = setup.engine->network ? radio_offer(c->gateway, d, &setup,
		&c->inventory) : session_open(&setup, &c->inventory, NULL);
	if (!err && !setup.engine->network)
		err = line_attach(l, c->inventory);
	if (err) {
		session_close(c->inventory, NULL, NULL);
		c->inventory = NULL;
		return err;
	}
	c->gateway->inventories++;
	return 0;
}

/* A sleeper of a radio tells its version when it wakes; one with a job is read
 * by that. */
static bool is_read_otherwise(const struct child *c, const struct device *d,
	const struct config_class *klass)
{
	const struct engine_ops *engine = engine_find(klass->device.engine);
	const struct line *l;

	if (klass->device.battery || !engine || !engine->network)
		return klass->device.battery;
	l = line_find(c->gateway, d->link);
	if (l && l->delegate)
		return c->job != NULL;
	return l && l->radio && (c->job || radio_is_sleepy(l->radio, d->key));
}

/* Battery devices are read only while they are awake for another reason. */
static bool is_due(struct child *c, const struct device *d, int64_t now)
{
	int64_t interval = (int64_t)interval_s(c, d) * 1000;
	int64_t longest = now + (interval > READ_RETRY_MAX_MS ? interval :
		READ_RETRY_MAX_MS);

	/* A clock that was set back must not make the wait endless. */
	if (c->next_read_ms > longest)
		c->next_read_ms = longest;
	if (c->inventory || !d->present || (c->job && (c->job->session ||
			c->job->committing)))
		return false;
	return (!c->read_this_run && !c->read_failures) ||
		now >= c->next_read_ms;
}

void inventory_read_due(struct gateway *g)
{
	int64_t now = gateway_wall_ms();
	int64_t next = INT64_MAX;

	for (struct child *c = g->children; c; c = c->next) {
		const struct device *d = child_device(c);
		const struct config_class *klass = d ?
			gateway_class(g, d->class_name) : NULL;

		child_save_due(c);
		if (!klass || is_read_otherwise(c, d, klass))
			continue;
		if (is_due(c, d, now)) {
			if (g->inventories >= INVENTORIES_MAX)
				return;
			if (start_reading(c, d, klass))
				c->next_read_ms = now + READ_RETRY_MS;
		}
		if (!c->inventory && d->present && c->next_read_ms > now &&
				c->next_read_ms < next)
			next = c->next_read_ms;
	}
	if (next != INT64_MAX)
		gateway_wake_at(g, (uint64_t)(next - now));
}

void inventory_stop(struct child *c)
{
	if (c->inventory)
		end_reading(c);
}

void inventory_stop_all(struct gateway *g)
{
	for (struct child *c = g->children; c; c = c->next)
		inventory_stop(c);
}

void inventory_forget(struct child *c)
{
	inventory_stop(c);
	child_forget(c);
}
