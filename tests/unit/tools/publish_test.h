/* A folder to publish into, for the tests of what ferry-publish writes. */
#ifndef FERRY_TESTS_PUBLISH_TEST_H
#define FERRY_TESTS_PUBLISH_TEST_H

#include "tests/unit/scratch.h"

static char dir[256];
static char path[sizeof(dir) + 100]; /* what at() said last */

/* The path of a file in it. */
static inline const char *at(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static inline void make_dir(void)
{
	scratch_make(dir, sizeof(dir), "ferry-publish");
}

static inline void drop_dir(void)
{
	scratch_drop(dir);
}

#endif
