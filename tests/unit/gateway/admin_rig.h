/* A rig for tests of the admin socket: a server with a backend whose answers
 * the test decides, and raw clients, all on one loop that runs only while the
 * test waits for something. */
#ifndef FERRY_TESTS_ADMIN_RIG_H
#define FERRY_TESTS_ADMIN_RIG_H

#include "base/buf.h"
#include "gateway/admin/server.h"

#define RIG_WAIT_MS 10000

struct rig {
	uv_loop_t loop;
	struct admin_server *server;
	struct admin_backend backend;
	struct admin_config config;
	char dir[64];
	char path[96];
	bool closed;
	/* The last request that reached the backend. */
	bool holds; /* do not answer at once */
	uint64_t token;
	unsigned asked;
	struct admin_query query;
	struct admin_call call;
	json_t *answer; /* what every request gets, if not NULL */
	bool itemwise;  /* `answer` is an array, given as a long list */
	bool one_a_turn; /* of these items */
	int fails;       /* how that list ends, if not 0 */
	size_t given;    /* items of the list that was asked last */
	unsigned turns;
	unsigned lists_ended;
	bool chunked; /* the answer that rig_ask() read last */
};

void rig_init(struct rig *r);
void rig_open(struct rig *r);
void rig_close(struct rig *r); /* the server */
void rig_done(struct rig *r);  /* everything */

/* Answers the last request with the items of `answer`. */
void rig_give_items(struct rig *r);

/* A connected client; as another user when `uid` is not 0 (needs root). */
int rig_connect(struct rig *r);
int rig_connect_as(struct rig *r, uid_t uid, gid_t gid, gid_t group);

void rig_send(int fd, const char *text);

/* Runs the loop once, until something happens at `fd` or in the loop. */
void rig_turn(struct rig *r, int fd);

/* Collects what `fd` receives until `text` is in it, or until the server hangs
 * up (`text` NULL). Fails the test after RIG_WAIT_MS. */
void rig_expect(struct rig *r, int fd, struct buf *got, const char *text);

/* Sends, reads one whole answer, returns its status; `ret_body` (may be NULL)
 * gets the parsed body. */
int rig_ask(struct rig *r, int fd, const char *request, json_t **ret_body);

/* A client that asked for events and was greeted; the caller ends `got`. */
int rig_watch(struct rig *r, const char *request, struct buf *got);

#endif
