/* A power cut at the n-th change to the disk (store/disk.h), with what a disk
 * may do to changes that were never synced.
 *
 * Every change is noted with what was there before; a sync of the file or of
 * its folder forgets the notes that it makes durable. At the cut the notes that
 * are left are undone as the mode says, and the process ends. One change at a
 * time: the scenario must wait for each step. */
#ifndef FERRY_TESTS_POWER_H
#define FERRY_TESTS_POWER_H

#include <stdbool.h>

enum power_mode {
	POWER_KEPT,  /* only the process ends: everything reached the disk */
	POWER_LOST,  /* nothing that was not synced reached it */
	POWER_MIXED, /* some of it did, by chance but repeatable */
	POWER_TORN,  /* as LOST, and a write under way leaves rubbish behind */
	POWER_MODES,
};

#define POWER_EXIT 42

/* From now on changes count; the n-th (from 1) is not made. `grave` is an empty
 * folder on the same disk. */
void power_arm(unsigned n, enum power_mode mode, const char *grave);

/* How many changes there were since arming. */
unsigned power_count(void);

#endif
