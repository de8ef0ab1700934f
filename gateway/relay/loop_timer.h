/* A timer of a loop that outlives the object it wakes: the loop lets go of it only
 * when it turns the next time, and the object need not wait for that. The thread
 * of the loop. */
#ifndef FERRY_GATEWAY_RELAY_LOOP_TIMER_H
#define FERRY_GATEWAY_RELAY_LOOP_TIMER_H

#include <uv.h>

/* Not started; its `data` is `object`. NULL: no memory. */
uv_timer_t *loop_timer_new(uv_loop_t *loop, void *object);

/* It does not fire any more; its memory goes in a later turn of the loop. NULL
 * does nothing. */
void loop_timer_free(uv_timer_t *timer);

#endif
