/* The configuration as ferryd takes it: read, and held against all that its
 * files talk about in other rooms, drivers and engines too, by the functions that
 * these use themselves. ferryd --check, the start and every reload come through
 * here, so that none of them takes what another one refuses. Nothing is opened
 * and nothing is begun; drivers that are shared objects are loaded. Loop thread;
 * blocking. */
#ifndef FERRY_GATEWAY_DAEMON_CHECK_H
#define FERRY_GATEWAY_DAEMON_CHECK_H

#include "gateway/config/config.h"

/* On success *ret is the caller's. 0, or an error with *p filled: the file, the
 * line as far as one can be named, the setting and its rule. */
int check_load(const char *folder, struct config **ret,
	struct conf_problem *p);

#endif
