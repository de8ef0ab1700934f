/* The options of the SMP engine, read from the text of a class file; their
 * meaning stands in devices/smp/smp.h. Plain data. */
#ifndef FERRY_DEVICES_SMP_OPTIONS_H
#define FERRY_DEVICES_SMP_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>

struct smp_options {
	int raw;       /* framing=raw */
	int recovery;  /* server=recovery */
	int image;     /* -1: the class's slot */
	int max_message; /* 0: what the device says */
	int window;      /* 0: what the device bears */
	int align;
	int line_pause_ms;
	int reassembly; /* 0 probe, 1 yes, 2 no */
	int permanent;  /* activate=permanent */
	int force_reset;
	int confirm_running;
	int upgrade_only;
	int answer_ms;
	int erase_ms;
	int last_ms;
	int boot_ms;
	int return_ms; /* 0: what the class says */
};

/* Fills `ret` with presets and what `text` says ("key=value key=value", may be
 * NULL). Returns 0, or ERR_ENGINE_OPTION with the key and the rule. */
int smp_options_read(const char *text, struct smp_options *ret,
	struct fault *f);

#endif
