/* Trusted time: what a gateway may believe about the date.
 *
 * A hub may have no battery-backed clock. The time that expiry is judged by is
 * a lower bound per vendor: the greatest signed time accepted from that vendor
 * or the build time, plus what the boot clock counted since; a later system
 * clock counts too, when it is declared synchronised. "Not yet valid" is judged
 * by a synchronised clock only. Unsigned time is never persisted.
 *
 * Pure functions over small structs of the caller; seconds since 1970. */
#ifndef FERRY_POLICY_TRUST_TIME_H
#define FERRY_POLICY_TRUST_TIME_H

#include "base/bytes.h"

/* How far in the future a signed time may lie of a synchronised clock. */
#define TRUST_SKEW_S 300

/* What the host's clocks say at one moment. */
struct trust_clock {
	uint64_t build;	   /* when this program was built */
	uint64_t boot;	   /* seconds since boot, sleep included */
	uint64_t system;   /* the system's date */
	bool synchronised; /* `system` is declared right */
};

/* The bound of one vendor. */
struct trust_time {
	uint64_t bound; /* at the moment `boot` */
	uint64_t boot;
};

/* The moment that a verdict is about. */
struct trust_now {
	uint64_t lower;	   /* it is at least this late */
	bool synchronised; /* `system` may be believed */
	uint64_t system;
};

/* Begins with the value that trust_time_value() gave before the restart, or 0.
 */
void trust_time_start(struct trust_time *t, uint64_t persisted,
	const struct trust_clock *clock);

/* What to persist, hourly and after trust_time_learn(): bound and boot clock.
 */
uint64_t trust_time_value(
	const struct trust_time *t, const struct trust_clock *clock);

/* Raises the bound to a signed time. True if it rose. */
bool trust_time_learn(struct trust_time *t, const struct trust_clock *clock,
	uint64_t signed_time);

/* A higher epoch: the bound becomes the later of build time and `issued`,
 * also when that is earlier than it was. */
void trust_time_reset(
	struct trust_time *t, const struct trust_clock *clock, uint64_t issued);

struct trust_now trust_now(
	const struct trust_time *t, const struct trust_clock *clock);

/* Exactly this moment, believed in both directions (`verify --at`). */
struct trust_now trust_now_at(uint64_t at);

/* The latest moment that may be believed. */
uint64_t trust_now_latest(struct trust_now now);

/* now >= expires */
bool trust_now_expired(struct trust_now now, uint64_t expires);

/* `from` is still to come, by a synchronised clock, more than the skew away. */
bool trust_now_too_early(struct trust_now now, uint64_t from);

#endif
