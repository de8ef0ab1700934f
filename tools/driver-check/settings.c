/* Checks of check(): settings are judged without an instance, and as start()
 * judges them. */
#include "tools/driver-check/check.h"

#include <dirent.h>
#include <errno.h>

#define NONSENSE "\x7f nothing of the kind"

static unsigned open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	while (folder && readdir(folder)) /* NOLINT(concurrency-mt-unsafe) */
		count++;
	if (folder)
		closedir(folder);
	return count;
}

static enum outcome good_settings(struct scene *s)
{
	const struct bench *b = s->bench;
	unsigned before = open_descriptors();

	APPLIES(transport_driver_table(s->driver)->check);
	NEED(s, transport_params_check(s->driver, FERRY_SCOPE_INSTANCE, b->kv,
			b->kv_count, NULL) == 0);
	NEED(s, transport_params_check(s->driver, FERRY_SCOPE_CHANNEL,
			b->channel, b->channel_count, NULL) == 0);
	NEED(s, open_descriptors() == before);
	return CHECK_OK;
}

/* The bench's settings with another value for one of them. */
static size_t spoil(const struct bench *b, const char *name,
	struct ferry_kv kv[BENCH_SETTINGS_MAX + 1])
{
	size_t i, n = b->kv_count;

	memcpy(kv, b->kv, n * sizeof(kv[0]));
	for (i = 0; i < n; i++)
		if (!strcmp(kv[i].key, name))
			break;
	kv[i] = (struct ferry_kv){name, NONSENSE};
	return i == n ? n + 1 : n;
}

/* How start() takes settings that the host has not looked at. */
static int start_status(struct scene *s, const struct ferry_kv *kv, size_t n)
{
	const struct rig_options raw = {.raw = true};
	int status = -ETIMEDOUT;

	s->rig.ups = 0;
	s->rig.instance_downs = 0;
	if (rig_open(&s->rig, s->driver, kv, n, &raw))
		return -ENOMEM;
	RIG_UNTIL(&s->rig, 2000, s->rig.ups || s->rig.instance_downs);
	if (s->rig.instance_downs)
		status = s->rig.down_status;
	else if (s->rig.ups)
		status = 0;
	rig_close(&s->rig);
	return status;
}

static enum outcome same_as_start(struct scene *s)
{
	const struct ferry_driver *t = transport_driver_table(s->driver);
	struct ferry_kv kv[BENCH_SETTINGS_MAX + 1];
	uint32_t i;

	APPLIES(t->check);
	for (i = 0; i < t->param_count; i++) {
		const struct ferry_param *p = &t->params[i];
		struct fault fault = {0};
		size_t n;
		int err, status;

		if (!(p->scope & FERRY_SCOPE_INSTANCE) ||
			(p->type != FERRY_TYPE_TEXT &&
				p->type != FERRY_TYPE_SECRET))
			continue;
		n = spoil(s->bench, p->name, kv);
		err = transport_params_check(
			s->driver, FERRY_SCOPE_INSTANCE, kv, n, &fault);
		NEED(s, err == 0 || err == ERR_TRANSPORT_PARAMETER);
		NEED(s, !err || (fault.field[0] && fault.rule[0]));
		status = start_status(s, kv, n);
		NEED(s, (err != 0) == (status == -EINVAL));
	}
	return CHECK_OK;
}

const struct check checks_of_settings[] = {
	{72, "settings are checked without an instance", good_settings},
	{73, "check refuses what start refuses, and nothing else",
		same_as_start},
	{0, NULL, NULL},
};
