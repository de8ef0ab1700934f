#include "gateway/config/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/nearest.h"
#include "devices/engine.h"
#include "devices/zigbee_ota/quirks.h"

#define BUDGET_PRESET_PCT 35

bool network_engine(const char *name)
{
	const struct engine_ops *engine = engine_find(name);

	return engine && engine->network;
}

/* "35" to 35, "off" to 0. */
static int read_budget(const char *text, size_t len, unsigned *ret)
{
	unsigned value = 0;

	if (len == 3 && !memcmp(text, "off", 3)) {
		*ret = 0;
		return 0;
	}
	if (len < 1 || len > 3)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = 10 * value + (unsigned)(text[i] - '0');
	}
	if (value < 1 || value > 100)
		return -EINVAL;
	*ret = value;
	return 0;
}

/* The budget is the relay's; the other words are the engine's. */
static int split_options(const char *text, struct config_network *n)
{
	size_t used = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (len >= 7 && !memcmp(text, "budget=", 7)) {
			if (read_budget(text + 7, len - 7, &n->budget_pct))
				return -EINVAL;
		} else if (len) {
			used += (size_t)snprintf(n->options + used,
				sizeof(n->options) - used, "%s%.*s",
				used ? " " : "", (int)len, text);
		}
		text += len;
		text += strspn(text, " ");
	}
	return 0;
}

static int read_whole(int fd, char *text, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t n = read(fd, text + used, size - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* it shrank */
		used += (size_t)n;
	}
	return 0;
}

static int read_file(const char *path, struct config_network *n)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (st.st_size > (off_t)QUIRKS_TEXT_MAX)
		err = ERR_TOO_LARGE;
	if (!err) {
		n->quirks_len = (size_t)st.st_size;
		n->quirks = malloc(n->quirks_len + 1);
		err = n->quirks ? read_whole(fd, n->quirks, n->quirks_len) :
			-ENOMEM;
	}
	close(fd);
	return err;
}

static int read_quirks(const char *path, const struct config_link_file *f,
	struct config_network *n, struct conf_problem *p)
{
	struct quirk_table *table = NULL;
	struct fault fault = {0};
	int err = read_file(f->network.quirks, n);

	if (err)
		return conf_problem_set(p, err, path, 0,
			"network.quirks", "%s cannot be read: %s",
			f->network.quirks, err_text(err));
	err = quirk_table_read(bytes_of(n->quirks, n->quirks_len), &table,
		&fault);
	quirk_table_free(table);
	return err ? conf_problem_set(p, err, f->network.quirks,
		(int)quirk_table_line(bytes_of(n->quirks, n->quirks_len),
			&fault), fault.field, "%s", fault.rule) : 0;
}

static int refuse_engine(const char *path, const char *name,
	struct conf_problem *p)
{
	const struct engine_ops *engine;
	struct nearest near;

	nearest_init(&near, bytes_of_text(name));
	for (size_t i = 0; (engine = engine_at(i)); i++)
		if (engine->network && !engine->delegate)
			nearest_offer(&near, engine->name);
	return conf_problem_set(p, ERR_ENGINE_UNKNOWN, path, 0,
		"network.engine", "'%s' is none that serves a network%s", name,
		nearest_text(&near));
}

static int fill(const char *path, const struct config_link_file *f,
	struct config_network *n, struct conf_problem *p)
{
	const struct engine_ops *engine;
	struct fault fault = {0};
	int err;

	snprintf(n->engine, sizeof(n->engine), "%s", f->network.engine[0] ?
		f->network.engine : "zigbee-ota");
	n->budget_pct = BUDGET_PRESET_PCT;
	engine = engine_find(n->engine);
	if (!engine || !engine->network || engine->delegate)
		return refuse_engine(path, n->engine, p);
	if (split_options(f->network.options, n))
		return conf_problem_set(p, ERR_CONFIG_VALUE, path, 0,
			"network.options", "budget must be 1 to 100 or off");
	err = engine->create(n->options, NULL, &fault);
	if (err)
		return conf_problem_set(p, err, path, 0,
			"network.options", "%s %s", fault.field, fault.rule);
	return f->network.quirks[0] ? read_quirks(path, f, n, p) : 0;
}

int network_convert(const char *path, const struct config_link_file *f,
	struct config_network **ret, struct conf_problem *p)
{
	bool has = f->network.engine[0] || f->network.options[0] ||
		f->network.quirks[0];
	struct config_network *n;
	int err;

	*ret = NULL;
	if (strcmp(f->driver, "zigbee") && !has)
		return 0;
	if (strcmp(f->driver, "zigbee") && !f->network.engine[0])
		return conf_problem_set(p, ERR_CONFIG_MISSING, path, 0,
			"network.engine", "must be set");
	n = calloc(1, sizeof(*n));
	if (!n)
		return conf_problem_set(p, -ENOMEM, path, 0, "network",
			"finds no memory");
	err = fill(path, f, n, p);
	if (err)
		network_free(n);
	else
		*ret = n;
	return err;
}

void network_free(struct config_network *network)
{
	if (!network)
		return;
	free(network->quirks);
	free(network);
}

bool network_differs(const struct config_network *a,
	const struct config_network *b)
{
	if (!a || !b)
		return a != b;
	return strcmp(a->engine, b->engine) || strcmp(a->options, b->options) ||
		a->budget_pct != b->budget_pct;
}
