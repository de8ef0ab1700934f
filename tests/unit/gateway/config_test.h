/* A folder of configuration and what became of reading it, for the tests of the
 * configuration. */
#ifndef FERRY_TESTS_CONFIG_TEST_H
#define FERRY_TESTS_CONFIG_TEST_H

#include "gateway/config/config.h"
#include "tests/unit/scratch.h"

static char folder[256];
static struct config *config;
static struct conf_problem problem;

static inline void put(const char *name, const char *text)
{
	scratch_put(folder, name, text);
}

/* With the folders of a configuration, and an empty ferryd.conf. */
static inline void config_setup(void)
{
	static const char *const folders[] = {"vendors.d", "classes.d",
		"links.d"};
	char path[512];

	scratch_make(folder, sizeof(folder), "ferry-config");
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	put("ferryd.conf", "");
	config = NULL;
	problem = (struct conf_problem){0};
}

static inline void config_teardown(void)
{
	config_free(config);
	scratch_drop(folder);
}

#endif
