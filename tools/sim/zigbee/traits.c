#include "tools/sim/zigbee/traits.h"

#include <errno.h>

static const struct switch_row rows[TRAIT_COUNT] = {
#define TRAIT_ROW(id, name, kind, value, times)                                \
	[TRAIT_##id] = {name, SWITCH_##kind, value, times, SWITCH_ANY_TIME},
	TRAIT_MAP(TRAIT_ROW)
#undef TRAIT_ROW
};

const char *trait_name(enum trait id)
{
	return rows[id].name;
}

bool trait_is_known(const char *text)
{
	size_t len = strcspn(text, "=:");

	for (int i = 0; i < TRAIT_COUNT; i++)
		if (strlen(rows[i].name) == len &&
			memcmp(rows[i].name, text, len) == 0)
			return true;
	return false;
}

int traits_set(struct traits *t, const char *text, struct fault *fault)
{
	struct switch_state next;
	int id, err = switch_read(rows, TRAIT_COUNT, text, &id, &next, fault);

	if (!err)
		t->s[id] = next;
	return err;
}

bool trait_fires(struct traits *t, enum trait id)
{
	return switch_state_fires(&t->s[id]);
}

static const struct {
	const char *name;
	struct node_timers timers;
	const char *switches[2];
} presets[] = {
	{"ember",
		{.block = 63,
			.answer_ms = 3000,
			.backoff_ms = 2000,
			.errors = 10,
			.interval_ms = 300000,
			.end_tries = 10,
			.restart_ms = 3000,
			.spacing_ms = 50},
		{NULL}},
	{"ti",
		{.block = 32,
			.answer_ms = 5000,
			.backoff_ms = 0,
			.errors = 10,
			.interval_ms = 300000,
			.end_tries = 2,
			.restart_ms = 100,
			.spacing_ms = 50},
		{"ignores-wait", NULL}},
	{"telink",
		{.block = 48,
			.answer_ms = 5000,
			.backoff_ms = 0,
			.errors = 10,
			.interval_ms = 300000,
			.end_tries = 3,
			.restart_ms = 100,
			.spacing_ms = 50},
		{NULL}},
	{"esp",
		{.block = 64,
			.answer_ms = 5000,
			.backoff_ms = 0,
			.errors = 10,
			.interval_ms = 300000,
			.end_tries = 3,
			.restart_ms = 1000,
			.spacing_ms = 50},
		{"restart-at-0", "no-tsn-check"}},
	{"hue",
		{.block = 50,
			.answer_ms = 3000,
			.backoff_ms = 2000,
			.errors = 10,
			.interval_ms = 300000,
			.end_tries = 10,
			.restart_ms = 3000,
			.spacing_ms = 50},
		{"malformed=50", "downgrade-refused"}},
};

int timers_preset(
	const char *name, struct node_timers *ret, struct traits *traits)
{
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (strcmp(presets[i].name, name) != 0)
			continue;
		*ret = presets[i].timers;
		for (int s = 0; traits && s < 2 && presets[i].switches[s]; s++)
			traits_set(traits, presets[i].switches[s], NULL);
		return 0;
	}
	return -EINVAL;
}
