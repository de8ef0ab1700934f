/* Long lists: given in bounded turns, written as fast as the client reads.
 *
 * A connection that is LISTING either waits in the server's queue for its turn,
 * or for what its source asked of others, or for its client to read. Only what
 * goes out next stands in memory. The loop's idle handle serves the queue, all
 * of it for at most TURN_NS, and only then looks at everything else again.
 *
 * A list that is ready before its first part is full goes out like any other
 * answer. Longer ones are chunked (RFC 9112, section 7.1): the last chunk is
 * there when the list is whole. Clients of HTTP/1.0 get them up to the end of
 * the connection. */
#include "gateway/admin/conn.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"

#define TURN_NS 1000000
/* Of a list. One item more may stand behind it, or what its source took from
 * elsewhere in one go. */
#define PART_SIZE 65536

bool admin_turn_is_over(const struct admin_turn *turn)
{
	return turn->out->to->len >= PART_SIZE || uv_hrtime() >= turn->until_ns;
}

static void on_idle(uv_idle_t *idle);

static void queue(struct conn *c)
{
	struct admin_server *server = c->server;

	if (c->queued)
		return;
	c->queued = true;
	c->next_in_queue = NULL;
	*server->queue_end = c;
	server->queue_end = &c->next_in_queue;
	uv_idle_start(&server->turner, on_idle);
}

static void unqueue(struct conn *c)
{
	struct conn **at = &c->server->queue;

	if (!c->queued)
		return;
	while (*at != c)
		at = &(*at)->next_in_queue;
	*at = c->next_in_queue;
	if (!*at)
		c->server->queue_end = at;
	c->queued = false;
}

/* The source is not asked any more. */
static void end_source(struct conn *c)
{
	struct admin_source source = c->source;

	c->source = (struct admin_source){0};
	if (source.end)
		source.end(source.arg);
}

void list_drop(struct conn *c)
{
	unqueue(c);
	end_source(c);
}

void list_start(struct conn *c, const struct admin_source *source)
{
	c->source = *source;
	c->state = CONN_LISTING;
	c->list_begun = false;
	c->list_whole = false;
	c->list_waits = false;
	buf_reset(&c->body);
	json_out_init(&c->items, &c->body);
	json_out_object(&c->items, NULL);
	json_out_array(&c->items, "items");
	queue(c);
}

/* Says why, while that can still be said; later only the missing end tells. */
static void fail(struct conn *c, int err)
{
	const struct admin_refusal why = {.code = err};

	list_drop(c);
	log_error("admin", "list ended early", "what=\"%s\" code=%s", c->what,
		err_name(err));
	if (c->list_begun)
		conn_close(c);
	else
		conn_refuse(c, 0, &why, NULL);
}

static void on_part_written(uv_write_t *write, int status)
{
	struct conn *c = (struct conn *)write->data;

	c->writing = false;
	if (c->state == CONN_CLOSING)
		return;
	if (status < 0) {
		conn_close(c);
		return;
	}
	buf_reset(&c->body);
	if (c->list_whole) {
		conn_answered(c);
		return;
	}
	conn_set_timer(c, c->server->limits.answer_ms);
	queue(c);
}

/* Writes what stands in the body as the next part, and the end behind it when
 * the list is whole. */
static void send_part(struct conn *c)
{
	static char line_end[] = "\r\n", last[] = "\r\n0\r\n\r\n";
	uv_buf_t parts[3];
	unsigned count = 2;

	buf_reset(&c->head);
	if (!c->list_begun)
		conn_put_head(c, 200, "application/json", NULL,
			c->is_old ? CONN_UNTIL_CLOSE : CONN_CHUNKED);
	c->list_begun = true;
	if (!c->is_old) {
		buf_printf(&c->head, "%zx\r\n", c->body.len);
		parts[2] = c->list_whole ?
			uv_buf_init(last, sizeof(last) - 1) :
			uv_buf_init(line_end, sizeof(line_end) - 1);
		count = 3;
	}
	if (c->head.err || c->body.err) {
		fail(c, -ENOMEM);
		return;
	}
	parts[0] = uv_buf_init((char *)c->head.at, (unsigned)c->head.len);
	parts[1] = uv_buf_init((char *)c->body.at, (unsigned)c->body.len);
	if (c->list_whole)
		conn_log_read(c);
	conn_write(c, parts, count, on_part_written);
}

static void finish(struct conn *c)
{
	json_out_end_array(&c->items);
	if (c->source.tail)
		c->source.tail(c->source.arg, &c->items);
	json_out_end_object(&c->items);
	buf_add_text(&c->body, "\n");
	end_source(c);
	c->list_whole = true;
	if (c->body.err)
		fail(c, c->body.err);
	else if (c->list_begun)
		send_part(c);
	else
		conn_send_list(c);
}

static void take_turn(struct conn *c, uint64_t until_ns)
{
	const struct admin_turn turn = {.out = &c->items, .until_ns = until_ns};
	int got;

	/* What came later filled it. */
	if (!c->body.err && c->body.len >= PART_SIZE) {
		send_part(c);
		return;
	}
	got = c->source.next(c->source.arg, &turn);
	if (got < 0 || c->body.err)
		fail(c, got < 0 ? got : c->body.err);
	else if (got == ADMIN_LIST_WHOLE)
		finish(c);
	else if (got == ADMIN_LIST_LATER)
		c->list_waits = true;
	else if (c->body.len >= PART_SIZE)
		send_part(c);
	else
		queue(c);
}

/* Whoever is still there after the time is up is first in the next turn. */
static void on_idle(uv_idle_t *idle)
{
	struct admin_server *server = (struct admin_server *)idle->data;
	uint64_t until_ns = uv_hrtime() + TURN_NS;
	struct conn *c;

	while ((c = server->queue) != NULL) {
		unqueue(c);
		take_turn(c, until_ns);
		if (uv_hrtime() >= until_ns)
			break;
	}
	if (!server->queue)
		uv_idle_stop(idle);
}

void list_on_timer(struct conn *c)
{
	if (c->writing) {
		conn_on_write_slow(c);
		return;
	}
	list_drop(c);
	if (c->list_begun)
		conn_close(c);
	else
		conn_refuse_late(c);
}

/* The connection whose list waits for what its source asked of others. */
static struct conn *waiting(struct admin_server *server, uint64_t token)
{
	struct conn *c = server ? conn_by_token(server, token) : NULL;

	return c && c->state == CONN_LISTING && c->list_waits ? c : NULL;
}

struct json_out *admin_list_out(struct admin_server *server, uint64_t token)
{
	struct conn *c = waiting(server, token);

	return c ? &c->items : NULL;
}

void admin_list_go_on(struct admin_server *server, uint64_t token)
{
	struct conn *c = waiting(server, token);

	if (!c)
		return;
	c->list_waits = false;
	queue(c);
}

void admin_answer_list(struct admin_server *server, uint64_t token,
	const struct admin_source *take_source)
{
	struct conn *c = conn_asked(server, token);

	if (c)
		list_start(c, take_source);
	else if (take_source->end)
		take_source->end(take_source->arg);
}
