#include "gateway/daemon/check_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/engine.h"
#include "gateway/daemon/backend_rules.h"
#include "gateway/daemon/drivers.h"
#include "gateway/http/hosts.h"
#include "gateway/relay/delegate.h"
#include "gateway/relay/network.h"
#include "policy/gates/window.h"
#include "policy/trust/component.h"

/* ---- rooms without drivers ---- */

static int check_window(const struct config_check *c, const char *file,
	const char *text)
{
	struct window window;
	struct fault fault = {0};
	int err = window_parse(text, &window, &fault);

	return err ? conf_problem_set(c->problem, err, file, 0, "window", "%s",
		fault.rule) : 0;
}

static int check_components(const struct config_check *c,
	const struct config_class *class)
{
	uint8_t id[COMPONENT_LEN_MAX];
	size_t len;

	for (size_t i = 0; i < class->device.component_count; i++)
		if (component_from_text(class->device.components[i].id, id,
				&len))
			return conf_problem_set(c->problem, ERR_CONFIG_VALUE,
				class->file, 0, "components",
				"'%s' is no component identifier",
				class->device.components[i].id);
	return 0;
}

static int check_hosts(const struct config_check *c,
	const struct config_vendor *v)
{
	struct http_host host;

	for (unsigned i = 0; i < v->evidence_host_count; i++)
		if (http_host_parse(v->evidence_hosts[i], &host))
			return conf_problem_set(c->problem, ERR_CONFIG_VALUE,
				v->file, 0, "evidence_hosts", "'%s' is no host "
				"or host:port", v->evidence_hosts[i]);
	return 0;
}

static int check_main(const struct config_check *c)
{
	struct admin_rule rules[ADMIN_RULES_MAX];
	char path[CONFIG_PATH_SIZE + 16];
	size_t count;
	int err;

	snprintf(path, sizeof(path), "%s/ferryd.conf", c->config->folder);
	err = check_window(c, path, c->config->window);
	return err ? err : backend_rules(c->config, rules, ADMIN_RULES_MAX,
		&count, c->problem);
}

/* ---- drivers ---- */

const struct check_driver *check_driver_find(const struct config_check *c,
	const char *name)
{
	for (unsigned i = 0; i < c->driver_count; i++)
		if (!strcmp(c->drivers[i].name, name))
			return &c->drivers[i];
	return NULL;
}

/* `name` lives as long as the check. */
static int take_driver(struct config_check *c, const char *name,
	struct transport_driver **ret, struct fault *fault)
{
	const struct check_driver *known = check_driver_find(c, name);
	int err;

	if (known) {
		*ret = known->driver;
		return 0;
	}
	err = drivers_get(c->config, name, ret, fault);
	if (!err)
		c->drivers[c->driver_count++] = (struct check_driver){name,
			*ret};
	return err;
}

static int drivers_open(struct config_check *c)
{
	struct transport_driver *driver;
	struct fault fault = {0};
	const char *name;
	unsigned count = 0;
	int err = 0;

	while (drivers_built_in(count))
		count++;
	c->drivers = calloc(count + c->config->link_count,
		sizeof(c->drivers[0]));
	if (!c->drivers)
		err = -ENOMEM;
	for (unsigned i = 0; !err && (name = drivers_built_in(i)); i++)
		err = take_driver(c, name, &driver, &fault);
	return err ? conf_problem_set(c->problem, err, c->config->folder, 0,
		"drivers", "%s", fault.rule[0] ? fault.rule : err_text(err)) :
		0;
}

static void drivers_close(struct config_check *c)
{
	while (c->driver_count > 0)
		drivers_put(c->drivers[--c->driver_count].driver);
	free(c->drivers);
}

/* ---- links ---- */

static int refuse_link(const struct config_check *c,
	const struct config_link *link,
	int err, const struct fault *fault)
{
	int line = link->line;

	for (unsigned i = 0; i < link->param_count; i++)
		if (!strcmp(link->params[i].key, fault->field))
			line = link->params[i].line;
	if (!strcmp(fault->field, "network"))
		line = 0; /* it is looked for */
	return conf_problem_set(c->problem, err, link->file, line,
		fault->field[0] ? fault->field : "driver", "%s",
		fault->rule[0] ? fault->rule : err_text(err));
}

static int check_link(struct config_check *c, const struct config_link *link)
{
	struct ferry_kv kv[CONFIG_PAIRS_MAX];
	struct transport_driver *driver = NULL;
	struct fault fault = {0};
	int err;

	for (unsigned i = 0; i < link->param_count; i++)
		kv[i] = (struct ferry_kv){link->params[i].key,
			link->params[i].value};
	if (link->is_delegate) {
		err = delegate_params_check(kv, link->param_count, &fault);
		return err ? refuse_link(c, link, err, &fault) : 0;
	}
	err = take_driver(c, link->driver, &driver, &fault);
	if (!err)
		err = transport_params_check(driver, FERRY_SCOPE_INSTANCE, kv,
			link->param_count, &fault);
	if (!err && link->network)
		err = network_check(engine_find(link->network->engine), driver,
			&fault);
	return err ? refuse_link(c, link, err, &fault) : 0;
}

/* ---- the whole ---- */

static int check_all(struct config_check *c)
{
	const struct config *config = c->config;
	int err = check_main(c);

	for (unsigned i = 0; i < config->vendor_count && !err; i++)
		err = check_hosts(c, &config->vendors[i]);
	for (unsigned i = 0; i < config->class_count && !err; i++) {
		err = check_window(c, config->classes[i].file,
			config->classes[i].window);
		if (!err)
			err = check_components(c, &config->classes[i]);
	}
	if (!err)
		err = drivers_open(c);
	for (unsigned i = 0; i < config->link_count && !err; i++)
		err = check_link(c, &config->links[i]);
	for (unsigned i = 0; i < config->class_count && !err; i++)
		err = check_class(c, &config->classes[i]);
	drivers_close(c);
	return err;
}

int check_load(const char *folder, struct config **ret,
	struct conf_problem *p)
{
	struct config *config = NULL;
	struct config_check c = {.problem = p};
	int err = config_load(folder, &config, p);

	if (err)
		return err;
	c.config = config;
	err = check_all(&c);
	if (err) {
		conf_locate(p);
		config_free(config);
		return err;
	}
	*ret = config;
	return 0;
}
