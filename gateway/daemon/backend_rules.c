#include "gateway/daemon/backend_rules.h"

#include <errno.h>
#include <stdio.h>

static int refuse(const struct config *config, enum admin_role role,
	const char *name, struct conf_problem *problem, int err,
	const char *rule)
{
	char path[CONFIG_PATH_SIZE + 16], field[32];

	snprintf(path, sizeof(path), "%s/ferryd.conf", config->folder);
	snprintf(field, sizeof(field), "admin.%ss", admin_role_name(role));
	return conf_problem_set(problem, err, path, 0, field, "'%s': %s", name,
		rule[0] ? rule : err_text(err));
}

static int add_rules(const struct config *config,
	const char (*names)[CONFIG_NAME_SIZE], unsigned count,
	enum admin_role role, struct admin_rule *ret, size_t max,
	size_t *ret_count, struct conf_problem *problem)
{
	for (unsigned i = 0; i < count; i++) {
		struct fault fault = {0};
		int err = *ret_count < max ? admin_rule_parse(names[i], role,
			&ret[*ret_count], &fault) : -E2BIG;

		if (err)
			return refuse(config, role, names[i], problem, err,
				fault.rule);
		(*ret_count)++;
	}
	return 0;
}

int backend_rules(const struct config *config, struct admin_rule *ret,
	size_t max, size_t *ret_count, struct conf_problem *problem)
{
	int err;

	*ret_count = 0;
	err = add_rules(config, config->admin.viewers,
		config->admin.viewer_count, ADMIN_ROLE_VIEWER, ret, max,
		ret_count, problem);
	if (!err)
		err = add_rules(config, config->admin.operators,
			config->admin.operator_count, ADMIN_ROLE_OPERATOR, ret,
			max, ret_count, problem);
	if (!err)
		err = add_rules(config, config->admin.admins,
			config->admin.admin_count, ADMIN_ROLE_ADMIN, ret, max,
			ret_count, problem);
	return err;
}
