/* Options of simulated coordinators: "NAME=VALUE" with blanks or commas between,
 * as the settings file has them (docs/simulator.md). Pure. */
#ifndef FERRY_SIM_NCP_OPTIONS_H
#define FERRY_SIM_NCP_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* A number of `min` to `max`, decimal or with 0x, or, where `word` is not NULL,
 * this word and no other: then `at` becomes 1. */
struct ncp_option {
	const char *name;
	uint32_t min, max;
	uint32_t *at; /* left alone where the option does not stand */
	const char *word;
};

/* 0, or -EINVAL: another name, or another value; some may have been read.
 * `text` NULL: none. */
int ncp_options_read(const char *text, const struct ncp_option *options,
	size_t count);

#endif
