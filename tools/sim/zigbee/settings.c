#include "tools/sim/zigbee/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const struct ncp_ops *ncp_find(const char *name)
{
	static const struct ncp_ops *const all[] = {
		&ncp_znp, &ncp_ezsp, &ncp_deconz, &ncp_zcl_socket};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}

void zigbee_settings_init(struct zigbee_settings *z)
{
	memset(z, 0, sizeof(*z));
	strcpy(z->coordinator, "coordinator");
	mesh_setup_init(&z->mesh);
	z->mesh.network.buffers = 0; /* the coordinator's own */
	node_setup_init(&z->node);
}

enum kind {
	TEXT,
	WORD,
	U8,
	U16,
	U32,
	U64_HEX,
	BOOL,
	DURATION_NS,
	DURATION_MS,
	CHANCE,
	PRESET,
};

static const char *const ports[] = {"pty", "tcp", NULL};
static const char *const airs[] = {"ideal", "radio", NULL};
static const char *const confirms[] = {"at-once", "coalesced", "late", NULL};

#define AT(field) offsetof(struct zigbee_settings, field)
#define OF_NODE(field) offsetof(struct zigbee_settings, node.field)
#define OF_MESH(field) offsetof(struct zigbee_settings, mesh.field)

static const struct setting {
	const char *key;
	enum kind kind;
	size_t at;
	uint64_t max; /* of a number; size of a text */
	const char *const *words;
	bool any_time;
} settings[] = {
	{"coordinator", TEXT, AT(coordinator), NODE_NAME_SIZE, NULL, false},
	{"options", TEXT, AT(options), ZIGBEE_OPTIONS_SIZE, NULL, false},
	{"link_port", WORD, AT(port), 0, ports, false},
	{"line_flip", U32, AT(line_flip), UINT32_MAX, NULL, true},
	{"line_loss", U32, AT(line_loss), UINT32_MAX, NULL, true},
	{"air", WORD, OF_MESH(air.radio), 0, airs, true},
	{"loss", CHANCE, 0, 0, NULL, true},
	{"duplicate", U32, OF_MESH(air.duplicate_every), UINT32_MAX, NULL,
		true},
	{"delay", DURATION_NS, OF_MESH(air.delay_ns), 0, NULL, true},
	{"retries", U32, OF_MESH(air.retries), 100, NULL, true},
	{"retry", DURATION_NS, OF_MESH(air.retry_ns), 0, NULL, true},
	{"confirms", WORD, OF_MESH(confirms), 0, confirms, true},
	{"buffers", U32, OF_MESH(network.buffers), 4096, NULL, false},
	{"pan", U16, OF_MESH(network.pan), 0xfffe, NULL, false},
	{"channel", U8, OF_MESH(network.channel), 26, NULL, false},
	{"ext_pan", U64_HEX, OF_MESH(network.ext_pan), 0, NULL, false},
	{"coordinator_eui64", U64_HEX, OF_MESH(network.eui64), 0, NULL, false},
	{"formed", BOOL, OF_MESH(network.formed), 0, NULL, false},
	{"device", PRESET, 0, 0, NULL, false},
	{"eui64", U64_HEX, OF_NODE(eui64), 0, NULL, false},
	{"endpoint", U8, OF_NODE(endpoint), 240, NULL, false},
	{"hops", U32, OF_NODE(hops), 30, NULL, false},
	{"manufacturer", U16, OF_NODE(manufacturer), 0xffff, NULL, false},
	{"image_type", U16, OF_NODE(image_type), 0xffff, NULL, false},
	{"file_version", U32, OF_NODE(file_version), UINT32_MAX, NULL, false},
	{"hw_version", U16, OF_NODE(hw), 0xffff, NULL, false},
	{"model", TEXT, OF_NODE(model), NODE_TEXT_SIZE, NULL, false},
	{"maker", TEXT, OF_NODE(maker), NODE_TEXT_SIZE, NULL, false},
	{"sw_build", TEXT, OF_NODE(sw_build), NODE_TEXT_SIZE, NULL, false},
	{"block", U8, OF_NODE(timers.block), 255, NULL, false},
	{"answer", DURATION_MS, OF_NODE(timers.answer_ms), 0, NULL, false},
	{"backoff", DURATION_MS, OF_NODE(timers.backoff_ms), 0, NULL, false},
	{"errors", U32, OF_NODE(timers.errors), 1000000, NULL, false},
	{"interval", DURATION_MS, OF_NODE(timers.interval_ms), 0, NULL, false},
	{"activate", DURATION_MS, OF_NODE(timers.restart_ms), 0, NULL, false},
	{"spacing", DURATION_MS, OF_NODE(timers.spacing_ms), 0, NULL, false},
	{"poll", DURATION_NS, OF_NODE(poll_ns), 0, NULL, false},
	{"fast_poll", DURATION_NS, OF_NODE(fast_poll_ns), 0, NULL, false},
	{"check_in", DURATION_NS, OF_NODE(check_in_ns), 0, NULL, false},
};

static int set_word(
	const struct setting *s, struct zigbee_settings *z, const char *value)
{
	unsigned i = 0;

	while (s->words[i] && strcmp(s->words[i], value) != 0)
		i++;
	if (!s->words[i])
		return -EINVAL;
	if (s->words == airs)
		z->mesh.air.radio = i;
	else if (s->words == ports)
		z->port = (enum zigbee_port)i;
	else
		z->mesh.confirms = (enum mesh_confirms)i;
	return 0;
}

static int set_number(const struct setting *s, void *at, const char *value)
{
	uint64_t n;
	uint8_t n8;
	uint16_t n16;
	uint32_t n32;

	if (word_parse(value, &n) < 0 || n > s->max)
		return -EINVAL;
	n8 = (uint8_t)n;
	n16 = (uint16_t)n;
	n32 = (uint32_t)n;
	if (s->kind == U8)
		memcpy(at, &n8, sizeof(n8));
	else if (s->kind == U16)
		memcpy(at, &n16, sizeof(n16));
	else
		memcpy(at, &n32, sizeof(n32));
	return 0;
}

static int set_eui64(void *at, const char *value)
{
	uint8_t raw[8];
	uint64_t n = 0;

	if (bytes_from_hex(value, raw, sizeof(raw)) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(raw); i++)
		n = n << 8 | raw[i];
	memcpy(at, &n, sizeof(n));
	return 0;
}

static int set_duration(const struct setting *s, void *at, const char *value)
{
	uint64_t us, ns;
	uint32_t ms;

	if (duration_parse(value, &us) < 0)
		return -EINVAL;
	ns = us * 1000;
	ms = (uint32_t)(us / 1000);
	if (s->kind == DURATION_NS)
		memcpy(at, &ns, sizeof(ns));
	else
		memcpy(at, &ms, sizeof(ms));
	return 0;
}

/* "2%", "0.5%": by chance; "1/50": every 50th; "0": none. */
static int set_loss(struct air_setup *air, const char *value)
{
	uint32_t every = 0;
	double percent = 0;
	char *end;

	if (strncmp(value, "1/", 2) == 0) {
		uint64_t n;

		if (number_parse(value + 2, UINT32_MAX, &n) < 0 || n < 2)
			return -EINVAL;
		every = (uint32_t)n;
	} else if (strcmp(value, "0") != 0) {
		percent = strtod(value, &end);
		if (end == value || strcmp(end, "%") != 0 ||
			!(percent >= 0 && percent <= 100))
			return -EINVAL;
	}
	air->loss_every = every;
	air->loss_ppm = (uint32_t)(percent * 10000);
	return 0;
}

static int set_value(
	const struct setting *s, struct zigbee_settings *z, const char *value)
{
	void *at = (char *)z + s->at;
	bool yes;

	switch (s->kind) {
	case TEXT:
		if (strlen(value) >= s->max)
			return -EINVAL;
		strcpy(at, value);
		return 0;
	case WORD:
		return set_word(s, z, value);
	case U8:
	case U16:
	case U32:
		z->node.has_hw |= s->at == OF_NODE(hw);
		return set_number(s, at, value);
	case U64_HEX:
		return set_eui64(at, value);
	case BOOL:
		yes = strcmp(value, "true") == 0;
		memcpy(at, &yes, sizeof(yes));
		return yes || strcmp(value, "false") == 0 ? 0 : -EINVAL;
	case DURATION_NS:
	case DURATION_MS:
		return set_duration(s, at, value);
	case CHANCE:
		return set_loss(&z->mesh.air, value);
	case PRESET:
		return timers_preset(
			value, &z->node.timers, &z->node.traits);
	}
	return -EINVAL;
}

static int apply(struct zigbee_settings *z, const char *key, const char *value,
	bool running, struct fault *fault)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const struct setting *s = &settings[i];

		if (strcmp(s->key, key) != 0 || (running && !s->any_time))
			continue;
		if (set_value(s, z, value) < 0)
			return fault_set(fault, -EINVAL, 0, key,
				"value %s is not of its form", value);
		return 1;
	}
	return 0;
}

int zigbee_setting(struct zigbee_settings *z, const char *key,
	const char *value, struct fault *fault)
{
	if (strcmp(key, "switch") == 0 && trait_is_known(value)) {
		z->odd = true;
		return traits_set(&z->node.traits, value, fault) < 0 ? -EINVAL
								     : 1;
	}
	return apply(z, key, value, false, fault);
}

int zigbee_change(struct zigbee_settings *z, const char *key,
	const char *value, struct fault *fault)
{
	int err = apply(z, key, value, true, fault);

	if (err == 0)
		return fault_set(fault, -EINVAL, 0, key,
			"is no setting of a running coordinator");
	return err < 0 ? err : 0;
}
