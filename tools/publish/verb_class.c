#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/trust/component.h"
#include "tools/publish/say.h"
#include "tools/publish/uuid.h"
#include "tools/publish/verbs.h"

static const struct cli_option add_options[] = {
	VERB_OPTION_DIR,
	{"class-id", "UUID", false, "class-id (default: version 5 of vendor-id"
		" and NAME)"},
	{"model", "TEXT", false, "name of the model, for people"},
	{"component", "ID", true, "component that releases are for (default"
		" app)"},
	{"end-of-support", "TIME", false, "end of support of its releases that"
		" say none"},
	{0},
};

static int components_take(const struct cli *cli, struct class_conf *conf)
{
	static const char *const fallback[] = {"app"};
	const char *const *names;
	size_t count = cli_all(cli, "component", &names);

	if (count == 0) {
		names = fallback;
		count = 1;
	}
	if (count > CONF_COMPONENTS_MAX)
		return complain(-EINVAL, "class add", NULL,
			"at most %d components", CONF_COMPONENTS_MAX);
	for (size_t i = 0; i < count; i++) {
		uint8_t id[COMPONENT_LEN_MAX];
		size_t len;

		if (strlen(names[i]) >= sizeof(conf->components[i]) ||
				component_from_text(names[i], id, &len))
			return complain(-EINVAL, "class add", NULL,
				"--component must be names joined by '/', such"
				" as app or net/0x01, not \"%s\"", names[i]);
		strcpy(conf->components[i], names[i]);
	}
	conf->components_count = (unsigned)count;
	return 0;
}

static int class_take(const struct cli *cli, const struct publisher *p,
	struct class_conf *conf)
{
	const char *id = cli_get(cli, "class-id");
	const char *model = cli_get(cli, "model");
	int err = conf_name_check("class", cli->args[0]);

	if (err)
		return err;
	strcpy(conf->name, cli->args[0]);
	if (model && strlen(model) >= sizeof(conf->model))
		return complain(-EINVAL, "class add", NULL,
			"--model is too long");
	strcpy(conf->model, model ? model : "");
	if (id && uuid_parse(id, conf->class_id))
		return complain(-EINVAL, "class add", NULL,
			"--class-id must be a UUID, not \"%s\"", id);
	if (!id)
		err = uuid_of_name(p->vendor.vendor_id, conf->name,
			conf->class_id);
	if (!err)
		err = verb_time(cli, "end-of-support", p->now,
			&conf->end_of_support);
	return err ? err : components_take(cli, conf);
}

static int run_add(const struct cli *cli)
{
	char path[FILES_PATH_SIZE], uuid[UUID_TEXT_SIZE];
	struct class_conf conf = {0};
	struct publisher p;
	int err = verb_open(cli, &p);

	if (err)
		return verb_exit(err);
	err = class_take(cli, &p, &conf);
	if (err) {
		publisher_close(&p);
		return EXIT_USAGE;
	}
	err = publisher_path(&p, path, "classes/%s.conf", conf.name);
	if (!err)
		err = class_conf_write(path, &conf);
	if (!err)
		printf("class %s: class-id %s\n", conf.name,
			uuid_format(conf.class_id, uuid));
	publisher_close(&p);
	return verb_exit(err);
}

const struct cli_verb verb_class_add = {
	.name = "class add",
	.args = "NAME",
	.args_min = 1,
	.args_max = 1,
	.summary = "Describe a kind of device",
	.detail = "Writes classes/NAME.conf, which may be edited afterwards.",
	.options = add_options,
	.run = run_add,
};

static const struct cli_option list_options[] = {VERB_OPTION_DIR, {0}};

static void class_print(const struct class_conf *conf)
{
	char uuid[UUID_TEXT_SIZE];

	printf("%-20s %s ", conf->name, uuid_format(conf->class_id, uuid));
	for (unsigned i = 0; i < conf->components_count; i++)
		printf("%s%s", i ? "," : "", conf->components[i]);
	printf("%s%s\n", conf->model[0] ? "  " : "", conf->model);
}

static int run_list(const struct cli *cli)
{
	char path[FILES_PATH_SIZE];
	struct dirent **entries;
	struct publisher p;
	int err = verb_open(cli, &p);
	int count = 0;

	if (err)
		return verb_exit(err);
	err = publisher_path(&p, path, "classes");
	if (!err) {
		count = scandir(path, &entries, NULL, alphasort);
		if (count < 0)
			err = complain(-errno, path, NULL, "cannot open: %s",
				strerror(errno));
	}
	for (int i = 0; i < count; i++) {
		char *dot = strrchr(entries[i]->d_name, '.');
		struct class_conf conf;

		if (!err && dot && strcmp(dot, ".conf") == 0) {
			*dot = '\0';
			err = publisher_class(&p, entries[i]->d_name, &conf);
			if (!err)
				class_print(&conf);
		}
		free(entries[i]);
	}
	if (count >= 0 && !err)
		fflush(stdout);
	if (count > 0)
		free(entries);
	publisher_close(&p);
	return verb_exit(err);
}

const struct cli_verb verb_class_list = {
	.name = "class list",
	.args = "",
	.summary = "List the classes",
	.options = list_options,
	.run = run_list,
};
