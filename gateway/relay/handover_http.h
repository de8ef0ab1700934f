/* One verified image, and an empty index, by HTTP on 127.0.0.1 for a program on
 * the same machine that fetches what it is to install.
 *
 * A server is made for one job, on a port of the system's choice, and closed
 * after it; its paths begin with a token of 128 random bits, and nothing else is
 * answered with more than 404. Bytes come from the cache, checked leaf by leaf
 * as they are sent. At most HANDOVER_CONNS_MAX connections, each answered once; one
 * that has not asked within HANDOVER_HEAD_S, or takes nothing for HANDOVER_CONN_S,
 * is given up. When all are taken, the oldest that has not asked makes room: other
 * users of the machine cannot keep the program out. Loop thread. */
#ifndef FERRY_GATEWAY_RELAY_HANDOVER_HTTP_H
#define FERRY_GATEWAY_RELAY_HANDOVER_HTTP_H

#include "store/cache.h"

#define HANDOVER_CONNS_MAX 4
#define HANDOVER_HEAD_MAX 4096 /* bytes of a request */
#define HANDOVER_HEAD_S 10
#define HANDOVER_CONN_S 60
#define HANDOVER_URL_SIZE 96

struct handover_http;

/* `cache` NULL: there is no image. 0 or an error of the system. */
int handover_http_open(uv_loop_t *loop, struct cache *cache,
	const uint8_t digest[32], uint64_t len, struct handover_http **ret);
void handover_http_close(struct handover_http *h,
	void (*on_closed)(void *arg), void *arg);

const char *handover_http_image(const struct handover_http *h);
const char *handover_http_index(const struct handover_http *h);

/* What a request asks for, for the tests too: 1 the image, 2 the index, 0 it is
 * not whole yet, or an error: -ENOENT (answer 404), -EINVAL (answer 400). */
int handover_http_route(struct bytes request, const char *token);

#endif
