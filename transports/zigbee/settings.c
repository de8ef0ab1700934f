/* The settings of start() and of connect(). */
#include "transports/zigbee/radio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "transports/zigbee/stacks.h"

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
	struct zb_radio *r, const struct ferry_kv *kv, struct zb_start *s)
{
	unsigned long n = 0;
	int err = 0;

	if (!strcmp(kv->key, "stack")) {
		s->ops = zb_stack_find(kv->value);
		return s->ops ? 0 : -EINVAL;
	} else if (!strcmp(kv->key, "port")) {
		err = take_port(&r->line, kv->value);
	} else if (!strcmp(kv->key, "baud")) {
		err = take_number(kv->value, 0, SERIAL_BAUD_MAX, &n);
		r->line.settings.baud = (uint32_t)n;
	} else if (!strcmp(kv->key, "flow")) {
		err = serial_settings_take(
			      &r->line.settings, kv->key, kv->value) > 0
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
static int take_line(struct zb_radio *r, struct zb_start *s)
{
	struct zb_line *line = &r->line;
	struct serial_port want;
	bool path = line->target[0] == '/';

	if (s->ops->packets)
		line->kind = LINE_PACKETS;
	else
		line->kind = strncmp(line->target, "tcp://", 6) ? LINE_TTY
								: LINE_TCP;
	s->config.tcp = line->kind == LINE_TCP;
	if (s->ops->packets)
		return path && strlen(line->target) <= 107 ? 0 : -EINVAL;
	if (!line->settings.baud)
		line->settings.baud = s->ops->baud;
	if (line->kind == LINE_TCP || path)
		return 0;
	return serial_port_parse_usb(line->target, &want);
}

static int make_key(struct zb_config *c)
{
	static const uint8_t none[16];

	if (!c->form || memcmp(c->network_key, none, 16) != 0)
		return 0;
	return getrandom(c->network_key, 16, 0) == 16 ? 0 : -EIO;
}

int zb_take_settings(struct zb_radio *r, const struct ferry_kv *kv,
	uint32_t count, struct zb_start *ret, const char **ret_key)
{
	uint32_t i;
	int err;

	r->line.settings =
		(struct serial_settings){.data_bits = 8, .stop_bits = 1};
	*ret = (struct zb_start){.config = {.channel = 15, .pan = 0xffff}};
	for (i = 0; i < count; i++) {
		*ret_key = kv[i].key;
		err = take_setting(r, &kv[i], ret);
		if (err)
			return err;
	}
	*ret_key = "stack";
	if (!ret->ops)
		return -EINVAL;
	*ret_key = "port";
	if (take_line(r, ret) || !r->line.target[0])
		return -EINVAL;
	*ret_key = "network_key";
	return make_key(&ret->config);
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
