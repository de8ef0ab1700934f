/* Any bytes as a connection to the admin socket: read as requests, pipelined
 * ones too, and turned into operations for each role. The first byte says how
 * the rest is cut into reads. What a lower role may do a higher one may too, and
 * a whole request reads the same however it is cut. */
#include "gateway/admin/request.h"
#include "gateway/admin/route.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void judge(const struct request *q)
{
	int before = ERR_ADMIN_ROLE;

	for (int role = ADMIN_ROLE_NONE; role <= ADMIN_ROLE_ADMIN; role++) {
		const struct admin_peer who = {.role = (enum admin_role)role};
		struct op_refusal refusal;
		struct op op;
		int got = op_read(&op, q->method, q->target, q->body, &who,
			&refusal);

		if ((got == 0) != (refusal.rule[0] == '\0'))
			abort();
		if (got == 0 && role == ADMIN_ROLE_NONE)
			abort();
		if (before == 0 && got != 0)
			abort();
		before = got;
		op_done(&op);
	}
}

static int run(struct bytes in, size_t step, size_t *ret_requests)
{
	struct request_reader *r = request_reader_new(8192, 65536);
	size_t at = 0, used = 0;
	struct request q;
	int got = 0;

	*ret_requests = 0;
	if (!r)
		return 0;
	while (got >= 0 && at < in.len) {
		got = request_feed(r, bytes_slice(in, at, step), &used);
		at += used;
		if (used == 0 && got == 0)
			abort();
		if (got != 1)
			continue;
		++*ret_requests;
		request_get(r, &q);
		judge(&q);
		request_next(r);
	}
	request_reader_free(r);
	return got < 0 ? got : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_slice(bytes_of(data, len), 1, len);
	size_t whole = 0, cut = 0;
	int a, b;

	if (len < 2)
		return 0;
	a = run(in, in.len, &whole);
	b = run(in, 1 + data[0] % 64, &cut);
	if (a != b || whole != cut)
		abort();
	return 0;
}
