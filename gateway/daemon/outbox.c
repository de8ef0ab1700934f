#include "gateway/daemon/outbox.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cbor_out.h"
#include "base/log.h"
#include "policy/trust/crypto.h"

#define REPORT_ROWS 24

/* The same text always has the same pseudonym for one vendor, and two vendors
 * cannot compare theirs: a keyed hash, hashed twice, cut. */
static int pseudonym(const struct vendor *v, const char *text, uint8_t *ret)
{
	uint8_t inner[32], outer[32];
	struct bytes parts[2] = {bytes_of(v->pseudonym_key, 32),
		bytes_of_text(text)};
	int err = crypto_digest(CRYPTO_SHA256, parts, 2, inner);

	parts[1] = bytes_of(inner, sizeof(inner));
	if (!err)
		err = crypto_digest(CRYPTO_SHA256, parts, 2, outer);
	if (!err)
		memcpy(ret, outer, OUTBOX_NAME_LEN);
	return err;
}

struct bytes outbox_name(const struct vendor *v, const char *text,
	uint8_t space[OUTBOX_NAME_LEN])
{
	if (v->config->plain_device_ids || pseudonym(v, text, space))
		return bytes_of_text(v->config->plain_device_ids ? text : "");
	return bytes_of(space, OUTBOX_NAME_LEN);
}

/* ---- sending ---- */

struct sending {
	struct vendor *vendor;
	uint64_t seqs[REPORT_ROWS];
	unsigned count;
};

static void end_sending(struct sending *s, bool more)
{
	struct vendor *v = s->vendor;

	v->reporting = false;
	free(s);
	if (v->closing)
		vendor_release(v);
	else if (more)
		outbox_send(v);
}

static void on_dropped(void *arg, int status)
{
	struct sending *s = arg;
	struct gateway *g = s->vendor->gateway;

	vendor_hold(s->vendor, -1);
	if (!status)
		g->outbox_count -= g->outbox_count < s->count ?
			g->outbox_count : s->count;
	end_sending(s, !status && s->count == REPORT_ROWS);
}

static void on_reported(void *arg, int status,
	const struct vendor_answer *answer)
{
	struct sending *s = arg;
	struct vendor *v = s->vendor;
	struct store_commit *c;

	(void)answer;
	if (status) {
		if (!v->closing)
			log_warn("report", "reports stay in the outbox",
				"vendor=%s code=%s", v->name,
				err_name(status));
		vendor_hold(v, -1);
		end_sending(s, false);
		return;
	}
	c = store_commit_new();
	for (unsigned i = 0; i < s->count; i++)
		store_commit_outbox_drop(c, s->seqs[i]);
	/* What cannot be dropped is sent again with the next round, not now. */
	if (gateway_commit(v->gateway, c, on_dropped, s)) {
		vendor_hold(v, -1);
		end_sending(s, false);
	}
}

static void put_record(struct buf *b, const struct outbox_row *row)
{
	cbor_put_map(b, row->body[0]);
	cbor_put_uint(b, 1);
	cbor_put_uint(b, row->seq);
	buf_add(b, row->body + 1, row->body_len - 1u);
}

static int send_rows(struct sending *s, const struct outbox_row *rows,
	size_t count)
{
	struct vendor *v = s->vendor;
	uint8_t name[OUTBOX_NAME_LEN];
	uint64_t id;
	struct buf b;
	int err;

	buf_init(&b, VENDOR_REPORT_MAX);
	cbor_put_map(&b, 3);
	cbor_put_uint(&b, 1);
	cbor_put_uint(&b, 1);
	cbor_put_uint(&b, 2);
	cbor_put_bstr(&b, outbox_name(v, "gateway", name));
	cbor_put_uint(&b, 3);
	cbor_put_array(&b, count);
	for (size_t i = 0; i < count; i++) {
		put_record(&b, &rows[i]);
		s->seqs[s->count++] = rows[i].seq;
	}
	err = b.err ? b.err : vendor_link_report(v->link, buf_bytes(&b),
		on_reported, s, &id);
	buf_done(&b);
	return err;
}

static void on_outbox(void *arg, int status, const struct outbox_row *rows,
	size_t count)
{
	struct sending *s = arg;
	struct vendor *v = s->vendor;

	if (v->closing)
		status = -ECANCELED;
	else if (!status && count == 0)
		status = -ENOENT;
	if (!status)
		status = send_rows(s, rows, count);
	if (!status)
		return; /* held until on_reported() */
	vendor_hold(v, -1);
	end_sending(s, false);
}

void outbox_send(struct vendor *v)
{
	struct sending *s;

	if (v->reporting || v->closing || !v->link ||
			!v->config->link.reports[0])
		return;
	s = calloc(1, sizeof(*s));
	if (!s)
		return;
	s->vendor = v;
	if (store_outbox_next(v->gateway->store, v->name, REPORT_ROWS,
			on_outbox, s)) {
		free(s);
		return;
	}
	v->reporting = true;
	vendor_hold(v, 1);
}
