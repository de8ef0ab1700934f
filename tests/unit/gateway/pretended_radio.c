#include "tests/unit/gateway/pretended_radio.h"

#include <errno.h>

struct pretended_radio radio;

static void radio_record(struct ferry_link *record,
	struct ferry_channel *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		list[i] = (struct ferry_channel){
			.size = sizeof(list[i]),
			.max_payload = 82,
			.window = RADIO_WINDOW,
			.level = FERRY_DELIVERED,
		};
	*record = (struct ferry_link){
		.size = sizeof(*record),
		.security = FERRY_SECURITY_NETWORK,
		.caps = FERRY_CAP_DATAGRAM | FERRY_CAP_ANY_PEER |
			FERRY_CAP_CHANNELS | FERRY_CAP_REPLY |
			FERRY_CAP_AIRTIME,
		.channels = list,
		.channel_count = count,
		.channel_stride = sizeof(list[0]),
		.text = "pretended",
	};
}

static void radio_end(uint64_t token, int status, uint32_t airtime_us,
	unsigned record_channels)
{
	struct ferry_channel list[FERRY_CHANNELS_MAX];
	struct ferry_link record;
	struct ferry_result r = {
		.size = sizeof(r),
		.token = token,
		.status = status,
		.airtime_us = airtime_us,
		.level = FERRY_SENT,
	};

	radio_record(&record, list, record_channels);
	if (record_channels)
		r.record = &record;
	radio.host->complete(radio.owner, &r);
}

static int radio_create(const struct ferry_host *host,
	struct ferry_owner *owner, void **ret)
{
	radio.host = host;
	radio.owner = owner;
	*ret = &radio;
	return 0;
}

static void radio_destroy(void *self)
{
	(void)self;
	radio.link = 0;
}

static int radio_start(void *self, uint64_t token, const struct ferry_kv *kv,
	uint32_t count)
{
	(void)self;
	(void)kv;
	(void)count;
	radio_end(token, 0, 0, 1);
	return 0;
}

void radio_finish(int status, uint32_t airtime_us)
{
	while (radio.ended < radio.taken)
		radio_end(radio.tokens[radio.ended++], status, airtime_us, 0);
}

static int radio_stop(void *self, uint64_t token)
{
	(void)self;
	radio_finish(-ECANCELED, 0);
	radio_end(token, 0, 0, 0);
	return 0;
}

static void radio_cancel(void *self, uint64_t token)
{
	(void)self;
	(void)token;
}

static int radio_connect(void *self, uint64_t token,
	const struct ferry_connect *c)
{
	(void)self;
	radio.connects++;
	ck_assert_ptr_null(c->peer);
	radio.spec[0] = '\0';
	for (unsigned i = 0; i < c->channel_count; i++)
		for (unsigned k = 0; k < c->channels[i].count; k++)
			snprintf(radio.spec + strlen(radio.spec),
				sizeof(radio.spec) - strlen(radio.spec),
				"%u:%s=%s ", i, c->channels[i].kv[k].key,
				c->channels[i].kv[k].value);
	if (radio.refuse)
		return -EBUSY;
	radio.link = c->link;
	radio_end(token, 0, 0, c->channel_count);
	return 0;
}

static int radio_disconnect(void *self, uint64_t token, uint64_t link)
{
	(void)self;
	(void)link;
	radio_end(token, 0, 0, 0);
	return 0;
}

static int radio_send(void *self, uint64_t token, const struct ferry_send *s)
{
	(void)self;
	ck_assert_uint_lt(radio.taken, RADIO_SENDS_MAX);
	snprintf(radio.to[radio.taken], sizeof(radio.to[0]), "%s",
		s->to ? s->to : "(reply)");
	radio.tokens[radio.taken++] = token;
	return 0;
}

static const struct ferry_param radio_params[] = {
	{.scope = FERRY_SCOPE_CHANNEL, .type = FERRY_TYPE_TEXT,
		.name = "cluster", .help = "Number of the cluster."},
	{.scope = FERRY_SCOPE_CHANNEL, .type = FERRY_TYPE_TEXT, .name = "role",
		.help = "Side of the cluster."},
};

const struct ferry_driver radio_driver = {
	.size = sizeof(radio_driver),
	.abi = FERRY_ABI,
	.caps = FERRY_CAP_DATAGRAM | FERRY_CAP_ANY_PEER | FERRY_CAP_CHANNELS |
		FERRY_CAP_REPLY | FERRY_CAP_AIRTIME,
	.name = "pretended",
	.version = "1",
	.params = radio_params,
	.param_count = 2,
	.param_stride = sizeof(radio_params[0]),
	.create = radio_create,
	.destroy = radio_destroy,
	.start = radio_start,
	.stop = radio_stop,
	.cancel = radio_cancel,
	.connect = radio_connect,
	.disconnect = radio_disconnect,
	.send = radio_send,
};

void radio_hears(const char *peer, const char *text, uint32_t airtime_us)
{
	struct ferry_message m = {
		.size = sizeof(m),
		.channel = 1,
		.link = radio.link,
		.peer = peer,
		.reply = (const uint8_t *)"re",
		.reply_len = 2,
		.airtime_us = airtime_us,
		.data = (const uint8_t *)text,
		.len = (uint32_t)strlen(text),
	};

	radio.host->on_message(radio.owner, &m);
}

void radio_loses(uint64_t link)
{
	struct ferry_link_event e = {
		.size = sizeof(e),
		.event = FERRY_LINK_DOWN,
		.link = link,
		.status = -ENODEV,
	};

	radio_finish(-ENODEV, 0);
	radio.host->on_link(radio.owner, &e);
}
