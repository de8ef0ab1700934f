/* What helps against a failure, for people and programs. The list is in
 * remedies.h; codes that are not in it are answered by their class. Pure
 * functions; any thread. */
#ifndef FERRY_GATEWAY_ADMIN_REMEDY_H
#define FERRY_GATEWAY_ADMIN_REMEDY_H

/* What a person can do with the job that failed so. */
enum remedy_act {
	REMEDY_ACT_NOTHING,   /* it would fail again: others must act */
	REMEDY_ACT_RETRY,     /* at once, or when that was done what `text` says */
	REMEDY_ACT_CLASSIFY,  /* the device needs another class */
	REMEDY_ACT_DOWNGRADE, /* an admin must order it */
};

struct remedy {
	enum remedy_act act;
	const char *text; /* a sentence or two without the last full stop */
};

/* Never NULL; static. 0 and above: nothing is to be done. */
const struct remedy *remedy_of(int code);

#endif
