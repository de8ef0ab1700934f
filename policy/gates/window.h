/* Update windows: ranges of the day, on some days of the week.
 *
 * Written "02:00-05:00", "22:00-04:30 mon-fri", "mon,sat 10:00-12:00"; several
 * with ";" between. A range that wraps midnight belongs to the day it begins
 * on. No window: always open. Local time is UTC plus an offset that the caller
 * knows. Pure. */
#ifndef FERRY_POLICY_GATES_WINDOW_H
#define FERRY_POLICY_GATES_WINDOW_H

#include "policy/gates/gates.h"

#define WINDOW_RANGES_MAX 8

struct window_range {
	uint32_t from_s; /* of the day, 0 .. 86399 */
	uint32_t len_s;	 /* 1 .. 86400 */
	uint8_t days;	 /* bit 0 Monday .. bit 6 Sunday, of the beginning */
};

struct window {
	unsigned count; /* 0: always open */
	struct window_range ranges[WINDOW_RANGES_MAX];
};

/* ERR_GATE_WINDOW with the place in `fault`. "" and "always" are always open.
 */
int window_parse(const char *text, struct window *ret, struct fault *fault);

bool window_is_open(const struct window *w, uint64_t now_s, int32_t offset_s);

/* When it opens next (now, if it is open). */
uint64_t window_opens(const struct window *w, uint64_t now_s, int32_t offset_s);

/* When the open window closes; UINT64_MAX if never, now if it is shut. */
uint64_t window_closes(
	const struct window *w, uint64_t now_s, int32_t offset_s);

/* Opens or closes GATE_WINDOW. */
void window_judge(const struct window *w, uint64_t now_s, int32_t offset_s,
	struct gates *gates);

#endif
