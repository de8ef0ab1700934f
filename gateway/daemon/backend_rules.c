#include "gateway/daemon/backend.h"

#include <errno.h>

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
			return conf_problem_set(problem, err, config->folder, 0,
				admin_role_name(role), "'%s': %s", names[i],
				fault.rule[0] ? fault.rule : err_text(err));
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
