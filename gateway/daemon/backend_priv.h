/* What the files of the backend share: ending a request, and questions
 * whose answer comes from the database thread. Loop thread. */
#ifndef FERRY_GATEWAY_DAEMON_BACKEND_PRIV_H
#define FERRY_GATEWAY_DAEMON_BACKEND_PRIV_H

#include "gateway/daemon/backend.h"
#include "gateway/daemon/job.h"
#include "gateway/daemon/view.h"

void backend_answer(struct gateway *g, uint64_t token, json_t *take_json);
void backend_refuse(struct gateway *g, uint64_t token, int code,
	const char *field, const char *rule, const char *hint);
void backend_answer_list(struct gateway *g, uint64_t token, json_t *take_list);
void backend_no_device(struct gateway *g, uint64_t token);

/* A question whose answer comes from the database thread. */
struct question {
	struct gateway *gateway;
	uint64_t token;
	unsigned limit;
	char id[ADMIN_ID_MAX + 1];
	char state[ADMIN_ID_MAX + 1];
	uint64_t before;
	uint64_t job;
	json_t *json; /* what the ledger is added to */
	char klass[CLASS_NAME_SIZE]; /* a reload may take the class away */
	char who[ROW_NAME_SIZE];
	enum admin_act act;
};

/* NULL: no memory, and the request has been refused. */
struct question *question_new(struct gateway *g, uint64_t token);

/* Frees it; refuses its request first when `status` is an error. */
void question_end(struct question *q, int status);

/* Says that there is no such job. */
void question_refuse_job(const struct question *q);

/* Lists that may be long, given turn by turn. */
void backend_list_devices(struct gateway *g, uint64_t token);
void backend_list_candidates(struct gateway *g, uint64_t token);
void backend_list_lines(struct gateway *g, uint64_t token);
void backend_list_plan(struct gateway *g, uint64_t token);
void backend_list_jobs(struct gateway *g, uint64_t token,
	const struct admin_query *query);

/* admin_backend.act; its `arg` is the gateway. */
void backend_act(void *arg, uint64_t token, const struct admin_call *call);

#endif
