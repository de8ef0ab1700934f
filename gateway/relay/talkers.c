#include "gateway/relay/talkers.h"

#include <stdio.h>

static uint32_t hash_of(const char *key)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*key)
		hash = (hash ^ (uint8_t)*key++) * 16777619u;
	return hash;
}

static uint32_t sure_us(const struct talker *k)
{
	return k->us - k->over_us;
}

static const struct talker *loudest(const struct talkers *t)
{
	const struct talker *most = &t->last;

	for (unsigned i = 0; i < t->count; i++)
		if (sure_us(&t->at[i]) > sure_us(most))
			most = &t->at[i];
	return most;
}

/* A period of which nothing was heard leaves nobody. */
static void turn_to(struct talkers *t, int64_t now_ms)
{
	int64_t past_ms = now_ms - t->since_ms;

	if (past_ms < AIRTIME_WINDOW_MS)
		return;
	t->last = (struct talker){0};
	if (past_ms < 2 * AIRTIME_WINDOW_MS)
		t->last = *loudest(t);
	t->count = 0;
	t->since_ms = now_ms - past_ms % AIRTIME_WINDOW_MS;
}

void talkers_init(struct talkers *t, int64_t now_ms)
{
	*t = (struct talkers){.since_ms = now_ms};
}

static struct talker *find(struct talkers *t, const char *key, uint32_t hash)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->at[i].hash == hash && !strcmp(t->at[i].key, key))
			return &t->at[i];
	return NULL;
}

static struct talker *add(struct talkers *t, const char *key, uint32_t hash)
{
	struct talker *k = &t->at[0];
	uint32_t over_us = 0;

	if (t->count < TALKERS_MAX) {
		k = &t->at[t->count++];
	} else {
		for (unsigned i = 1; i < TALKERS_MAX; i++)
			if (t->at[i].us < k->us)
				k = &t->at[i];
		over_us = k->us;
	}
	*k = (struct talker){.hash = hash, .us = over_us, .over_us = over_us};
	snprintf(k->key, sizeof(k->key), "%s", key);
	return k;
}

void talkers_heard(struct talkers *t, int64_t now_ms, const char *key,
	uint32_t us)
{
	uint32_t hash = hash_of(key);
	struct talker *k;

	turn_to(t, now_ms);
	k = find(t, key, hash);
	if (!k)
		k = add(t, key, hash);
	k->us = us < UINT32_MAX - k->us ? k->us + us : UINT32_MAX;
}

void talkers_loudest(struct talkers *t, int64_t now_ms,
	struct talker_use *ret)
{
	const struct talker *most;

	turn_to(t, now_ms);
	most = loudest(t);
	*ret = (struct talker_use){
		.bp = sure_us(most) / (AIRTIME_WINDOW_MS / 10),
	};
	if (ret->bp)
		memcpy(ret->key, most->key, sizeof(ret->key));
}
