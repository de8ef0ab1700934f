/* Any bytes as a server's answer, through the client's own parser. The first
 * byte chooses whether a range was asked for and how the rest is cut up. What
 * must hold: an answer is the same however it is cut; nothing beyond the limits
 * comes out; a complete 206 is as long as it says. */
#include "gateway/http/response.h"

#include <stdlib.h>

#define BODY_MAX 512

struct seen {
	struct http_head head;
	unsigned heads;
	uint64_t body;
	uint32_t sum;
};

static int on_head(void *arg, const struct http_head *head,
	const char *location)
{
	struct seen *seen = arg;

	if (seen->heads++ || strlen(location) > HTTP_LOCATION_MAX ||
			strlen(head->etag) >= HTTP_ETAG_MAX ||
			head->retry_after_s > 7 * 24 * 3600)
		abort();
	seen->head = *head;
	return 0;
}

static int on_body(void *arg, struct bytes part)
{
	struct seen *seen = arg;
	uint64_t max = seen->head.status == 200 || seen->head.status == 206
		? BODY_MAX : HTTP_ERROR_BODY_MAX;

	seen->body += part.len;
	if (!seen->heads || seen->body > max)
		abort();
	for (size_t i = 0; i < part.len; i++)
		seen->sum = seen->sum * 31 + part.at[i];
	return 0;
}

static int run(struct http_response *response, bool ranged, struct bytes in,
	size_t step, struct seen *seen)
{
	const struct http_response_rules rules = {512, 8, BODY_MAX, ranged, 5,
		ranged ? 20 : 0};
	const struct http_response_sink sink = {on_head, on_body, seen};
	int e = 0;

	*seen = (struct seen){0};
	http_response_begin(response, &rules, &sink);
	for (size_t at = 0; e == 0 && at < in.len; at += step)
		e = http_response_feed(response, bytes_slice(in, at, step));
	return e ? e : http_response_end(response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct http_response *response;
	struct seen whole, cut;
	bool ranged;
	size_t step;
	struct bytes in;
	int e, f;

	if (!response && http_response_new(&response))
		abort();
	if (len < 1)
		return 0;
	ranged = data[0] & 1;
	step = data[0] / 2 + 1;
	in = bytes_of(data + 1, len - 1);
	e = run(response, ranged, in, len, &whole);
	f = run(response, ranged, in, step, &cut);
	if (e == 0 && (whole.body != cut.body || whole.sum != cut.sum || f))
		abort();
	if (e == 0 && whole.head.status == 206 && (!ranged ||
			whole.head.range_from != 5 ||
			whole.head.range_end > 20 ||
			whole.body != whole.head.range_end - 5))
		abort();
	if (e == 0 && whole.head.length >= 0 && whole.head.status != 204 &&
			whole.head.status != 304 &&
			whole.body != (uint64_t)whole.head.length)
		abort();
	return 0;
}
