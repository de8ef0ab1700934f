/* The settings of start() and of connect(). */
#include "transports/zigbee/radio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "transports/zigbee/stacks.h"

#define SOCKET_PATH_MAX 107u

/* "0x1a2b" or decimal. */
static int take_number(const char *text, unsigned long low, unsigned long high,
	unsigned long *ret)
{
	bool hex = text[0] == '0' && text[1] == 'x';
	const char *digits = hex ? text + 2 : text;
	unsigned long value;
	char *end;

	if (!strchr("0123456789abcdefABCDEF", digits[0]) || !digits[0])
		return -EINVAL;
	errno = 0;
	value = strtoul(digits, &end, hex ? 16 : 10);
	if (errno || *end || value < low || value > high)
		return -EINVAL;
	*ret = value;
	return 0;
}

static int take_port(struct zb_line *line, const char *value)
{
	if (!value[0] || strlen(value) >= sizeof(line->target))
		return -EINVAL;
	snprintf(line->target, sizeof(line->target), "%s", value);
	return 0;
}

static int take_key(struct zb_config *c, const char *value)
{
	static const uint8_t none[16];

	if (strlen(value) != 32 || bytes_from_hex(value, c->network_key, 16) ||
		!memcmp(c->network_key, none, 16))
		return -EINVAL;
	return 0;
}

static int take_setting(
	struct zb_line *line, const struct ferry_kv *kv, struct zb_start *s)
{
	unsigned long n = 0;
	int err = 0;

	if (!strcmp(kv->key, "stack")) {
		s->ops = zb_stack_find(kv->value);
		return s->ops ? 0 : -EINVAL;
	} else if (!strcmp(kv->key, "port")) {
		err = take_port(line, kv->value);
	} else if (!strcmp(kv->key, "baud")) {
		err = take_number(kv->value, 0, SERIAL_BAUD_MAX, &n);
		if (n > 0 && n < SERIAL_BAUD_MIN)
			err = -EINVAL;
		line->settings.baud = (uint32_t)n;
	} else if (!strcmp(kv->key, "flow")) {
		err = serial_settings_take(
			      &line->settings, kv->key, kv->value) > 0
			      ? 0
			      : -EINVAL;
	} else if (!strcmp(kv->key, "channel")) {
		err = take_number(kv->value, 11, 26, &n);
		s->config.channel = (uint8_t)n;
	} else if (!strcmp(kv->key, "pan")) {
		err = take_number(kv->value, 0, 0xffff, &n);
		s->config.pan = (uint16_t)n;
	} else if (!strcmp(kv->key, "form")) {
		s->config.form = !strcmp(kv->value, "yes");
	} else if (!strcmp(kv->key, "network_key")) {
		err = take_key(&s->config, kv->value);
	} else if (!strcmp(kv->key, "window")) {
		err = take_number(kv->value, 0, ZB_SENDS_MAX, &n);
		s->config.window = (unsigned)n;
	} else {
		err = -EINVAL;
	}
	return err;
}

/* What a port has to look like depends on the stack. */
static int take_line(struct zb_line *line, struct zb_start *s)
{
	enum serial_place place;

	if (s->ops->packets) {
		line->kind = LINE_PACKETS;
		return line->target[0] == '/' &&
				       strlen(line->target) <= SOCKET_PATH_MAX
			       ? 0
			       : -EINVAL;
	}
	if (serial_place_read(line->target, &place))
		return -EINVAL;
	line->kind = place == SERIAL_PLACE_TCP ? LINE_TCP : LINE_TTY;
	s->config.tcp = line->kind == LINE_TCP;
	if (!line->settings.baud)
		line->settings.baud = s->ops->baud;
	return 0;
}

int zb_make_key(struct zb_config *c)
{
	static const uint8_t none[16];

	if (!c->form || memcmp(c->network_key, none, 16) != 0)
		return 0;
	return getrandom(c->network_key, 16, 0) == 16 ? 0 : -EIO;
}

int zb_take_settings(struct zb_line *line, const struct ferry_kv *kv,
	uint32_t count, struct zb_start *ret, const char **ret_key)
{
	uint32_t i;
	int err;

	line->settings =
		(struct serial_settings){.data_bits = 8, .stop_bits = 1};
	*ret = (struct zb_start){.config = {.channel = 15, .pan = 0xffff}};
	for (i = 0; i < count; i++) {
		*ret_key = kv[i].key;
		err = take_setting(line, &kv[i], ret);
		if (err)
			return err;
	}
	*ret_key = "stack";
	if (!ret->ops)
		return -EINVAL;
	*ret_key = "port";
	return take_line(line, ret);
}

const char *zb_setting_rule(const struct zb_start *s, const char *key)
{
	if (!strcmp(key, "port"))
		return s->ops && s->ops->packets
			       ? "must be the absolute path of the stack's "
				 "socket, at most 107 bytes"
			       : SERIAL_PLACE_RULE;
	if (!strcmp(key, "baud"))
		return "must be 0 or a number of 50 to 12000000";
	if (!strcmp(key, "pan"))
		return "must be a number of 0 to 0xffff";
	if (!strcmp(key, "network_key"))
		return "must be 32 hexadecimal digits, not all 0";
	if (!strcmp(key, "cluster"))
		return "must be a number of 0 to 0xffff";
	if (!strcmp(key, "profile"))
		return "must be a number of 1 to 0xffff";
	return "is missing or not valid";
}

static int take_channel_setting(
	struct zb_channel *c, const struct ferry_kv *kv, bool *ret_cluster)
{
	unsigned long n = 0;
	int err = 0;

	if (!strcmp(kv->key, "profile")) {
		err = take_number(kv->value, 1, 0xffff, &n);
		c->profile = (uint16_t)n;
	} else if (!strcmp(kv->key, "cluster")) {
		err = take_number(kv->value, 0, 0xffff, &n);
		c->cluster = (uint16_t)n;
		*ret_cluster = true;
	} else if (!strcmp(kv->key, "endpoint")) {
		err = take_number(kv->value, 1, 240, &n);
		c->endpoint = (uint8_t)n;
	} else if (!strcmp(kv->key, "role")) {
		c->server = !strcmp(kv->value, "server");
		err = c->server || !strcmp(kv->value, "client") ? 0 : -EINVAL;
	} else {
		err = -EINVAL;
	}
	return err;
}

static int take_channel(const struct ferry_channel_spec *spec,
	struct zb_channel *ret, const char **ret_key)
{
	bool cluster = false;
	uint32_t i;

	*ret = (struct zb_channel){.profile = ZB_PROFILE_HA, .endpoint = 1};
	for (i = 0; i < spec->count; i++) {
		*ret_key = spec->kv[i].key;
		if (take_channel_setting(ret, &spec->kv[i], &cluster))
			return -EINVAL;
	}
	*ret_key = "cluster";
	return cluster ? 0 : -EINVAL;
}

int zb_take_channels(const struct ferry_connect *c, struct zb_channel *ret,
	const char **ret_key)
{
	uint32_t i, k;

	for (i = 0; i < c->channel_count; i++) {
		if (take_channel(&c->channels[i], &ret[i], ret_key))
			return -EINVAL;
		for (k = 0; k < i; k++)
			if (ret[k].cluster == ret[i].cluster)
				return -EINVAL;
	}
	return 0;
}

int zb_check_settings(uint32_t scope, const struct ferry_kv *kv, uint32_t count,
	const char **ret_key, char *text)
{
	const struct ferry_channel_spec spec = {kv, count, 0};
	struct zb_line line = {.fd = -1};
	struct zb_channel channel;
	struct zb_start s = {0};
	int err = 0;

	if (scope == FERRY_SCOPE_INSTANCE)
		err = zb_take_settings(&line, kv, count, &s, ret_key);
	else if (scope == FERRY_SCOPE_CHANNEL)
		err = take_channel(&spec, &channel, ret_key);
	if (err == -EINVAL)
		snprintf(text, FERRY_TEXT_MAX + 1, "%s",
			zb_setting_rule(&s, *ret_key));
	explicit_bzero(&s, sizeof(s));
	return err;
}
