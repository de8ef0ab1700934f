/* An engine that does what the test says and notes what it is told: events
 * become words of a log, commands come from a queue that the test fills. For one
 * device (`script_engine`) and for a network (`script_network`). One instance of
 * it at a time; one thread. */
#ifndef FERRY_TESTS_SCRIPT_ENGINE_H
#define FERRY_TESTS_SCRIPT_ENGINE_H

#include "devices/engine.h"

#define SCRIPT_QUEUE_MAX 1024
#define SCRIPT_OFFERS_MAX 8

struct script {
	struct engine_command queue[SCRIPT_QUEUE_MAX];
	unsigned head, tail;
	char log[4096];
	/* What to do at an event; may push commands. */
	void (*react)(const struct engine_event *event);
	uint64_t offers[SCRIPT_OFFERS_MAX]; /* numbers, in their order */
	unsigned offer_count;
	size_t max_payload; /* of the link that came up last */
	uint32_t left_us;   /* of the last budget */
	unsigned budgets;
	uint32_t wants_us; /* airtime that it waits for */
	int64_t deadline;
	unsigned alive; /* created and not destroyed */
};

extern struct script script;
extern const struct engine_ops script_engine, script_network;
/* What it says of every device. */
extern const struct engine_facts script_facts;

/* Forgets all; the start of each test. */
void script_begin(void);

/* Commands, in the order in which the engine gives them. */
void script_push(struct engine_command command);
/* Sends "frame". */
void script_tx(uint64_t id, const char *peer, uint32_t airtime_us);
void script_stage(uint64_t job, enum engine_stage stage);
void script_result(uint64_t job, enum engine_outcome outcome);
void script_need_image(uint64_t job, uint64_t offset, size_t len);

#endif
