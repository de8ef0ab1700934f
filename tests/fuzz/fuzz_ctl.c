/* Any bytes as what a hostile ferryd says to ferryctl. The first byte chooses
 * the command (or the event stream), the second what the terminal can do, the
 * rest comes over the socket. Whatever is printed must not steer the terminal
 * and must be whole lines. */
#include "gateway/ctl/board.h"
#include "gateway/ctl/client.h"
#include "gateway/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct client *client_of(const uint8_t *data, size_t len, int *ret_peer)
{
	struct client *client = NULL;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return NULL;
	if (send(ends[1], data, len, MSG_NOSIGNAL) != (ssize_t)len)
		abort();
	shutdown(ends[1], SHUT_WR);
	if (client_take(ends[0], &client))
		client = NULL;
	*ret_peer = ends[1];
	return client;
}

static void run_events(struct client *client, struct term *term)
{
	struct board board;
	struct event event;
	unsigned status = 0;
	json_t *answer = NULL;

	board_init(&board, term);
	if (client_watch(client, "/v1/events", &status, &answer) == 0 &&
			status == 200)
		while (client_event(client, -1, &event) == 1) {
			board_put_job(&board, event.data);
			board_put_progress(&board, event.data);
			board_draw(&board);
			json_decref(event.data);
		}
	json_decref(answer);
	board_clear(&board);
	board_done(&board);
	client_close(client);
}

static void run_verb(struct client *client, const struct verb *verb,
	const struct term *term, unsigned how)
{
	static const char *const words[] = {"1", "2"};
	struct ctl c = {
		.socket = "/nonexistent/ferry",
		.json = how & 4,
		.term = *term,
		.client = client,
	};

	c.args.words = (const char **)(uintptr_t)words;
	c.args.count = verb->words_min;
	if (how & 8 && verb->options & OPTION_BIT(TREE))
		c.args.value[OPTION_TREE] = "";
	if (verb->options & OPTION_BIT(ALL) || verb->run == act_retry)
		c.args.count = 1;
	verb->run(&c);
	client_close(c.client);
}

static void check_text(const char *text, size_t len, bool utf8)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char at = (unsigned char)text[i];

		if (at == '\n' || (at >= 0x20 && at < 0x7f))
			continue;
		if (at < 0x80 || !utf8)
			abort();
	}
	if (len && text[len - 1] != '\n')
		abort();
}

/* What would start another program or wait for another ferryd. */
static bool is_left_out(const struct verb *verb)
{
	return verb->run == act_restore || verb->run == watch_run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct verb *verb = ctl_verbs;
	struct term term = {0};
	FILE *real = stderr;
	struct client *client;
	char *text = NULL;
	size_t size = 0;
	int peer = -1;

	if (len < 2 || len > ANSWER_MAX)
		return 0;
	for (unsigned n = data[0]; n && verb->name; n--)
		verb++;
	term.out = open_memstream(&text, &size);
	term.width = data[1] & 1 ? 40 : 0;
	term.utf8 = data[1] & 2;
	client = client_of(data + 2, len - 2, &peer);
	if (!term.out || !client)
		abort();
	stderr = term.out;
	if (!verb->name)
		run_events(client, &term);
	else if (is_left_out(verb))
		client_close(client);
	else
		run_verb(client, verb, &term, data[1]);
	stderr = real;
	fclose(term.out);
	close(peer);
	/* As JSON people get it as it came, but what is below blank is escaped
	 * there. */
	check_text(text, size, term.utf8 || data[1] & 4);
	free(text);
	return 0;
}
