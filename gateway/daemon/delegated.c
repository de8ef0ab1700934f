#include "gateway/daemon/delegated.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"

static void on_up(void *arg, const char *text)
{
	struct line *l = arg;

	l->up = true;
	l->status = 0;
	l->text[0] = '\0';
	snprintf(l->address, sizeof(l->address), "%s", text);
	log_info("line", "link is up", "link=%s address=\"%s\"", l->name,
		l->address);
	l->events->on_link(l);
	line_changed(l);
}

static void on_down(void *arg, int status, const char *text)
{
	struct line *l = arg;

	l->up = false;
	l->status = status;
	bytes_to_printable(bytes_of_text(text), l->text, sizeof(l->text));
	log_warn("line", "link is down, will be tried again",
		"link=%s code=%s text=\"%s\"", l->name, err_name(status),
		l->text);
	registry_lose(l->gateway->registry, l->name, NULL);
	l->peers = 0;
	l->events->on_link(l);
	line_changed(l);
}

static void on_peer(void *arg, const struct delegate_peer *peer)
{
	struct line *l = arg;
	struct peer_sight sight = {
		.driver = l->config->driver,
		.link = l->name,
		.key = peer->key,
		.address = peer->address,
		.id_kind = PEER_ID_HARDWARE,
		.attributes = peer->attributes,
		.attribute_count = peer->attribute_count,
	};

	line_saw(l, &sight);
}

static void on_peer_gone(void *arg, const char *key)
{
	struct line *l = arg;

	registry_lose(l->gateway->registry, l->name, key);
	l->peers -= l->peers > 0;
	l->events->on_link(l);
	line_changed(l);
}

static const struct delegate_events events = {
	.on_up = on_up,
	.on_down = on_down,
	.on_peer = on_peer,
	.on_peer_gone = on_peer_gone,
};

int delegated_open(struct line *l, struct fault *fault)
{
	struct ferry_kv kv[CONFIG_PAIRS_MAX];
	struct delegate_setup setup = {
		.loop = l->gateway->loop,
		.params = kv,
		.param_count = l->config->param_count,
		.events = &events,
		.arg = l,
	};

	for (unsigned i = 0; i < l->config->param_count; i++)
		kv[i] = (struct ferry_kv){l->config->params[i].key,
			l->config->params[i].value};
	return delegate_open(&setup, &l->delegate, fault);
}

int delegated_offer(struct line *l, const struct device *device,
	const struct session_setup *setup, struct session **ret)
{
	if (!l || !l->delegate)
		return ERR_JOB_NO_LINK;
	return delegate_offer(l->delegate, device->key, setup, ret);
}

bool delegated_is_sleepy(const struct line *l, const char *key)
{
	return l && l->delegate && delegate_is_sleepy(l->delegate, key);
}
