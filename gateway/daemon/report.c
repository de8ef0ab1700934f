#include "gateway/daemon/report.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cbor_out.h"
#include "base/log.h"
#include "policy/trust/crypto.h"

#define REPORT_ROWS 24
#define PSEUDONYM_LEN 16

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
		memcpy(ret, outer, PSEUDONYM_LEN);
	return err;
}

static struct bytes name_of(const struct vendor *v, const char *text,
	uint8_t *space)
{
	if (v->config->plain_device_ids || pseudonym(v, text, space))
		return bytes_of_text(v->config->plain_device_ids ? text : "");
	return bytes_of(space, PSEUDONYM_LEN);
}

static unsigned step_count(const struct job *j)
{
	unsigned count = 0;

	for (unsigned i = 1; i <= STEP_COUNT; i++)
		count += j->steps[i].outcome != 0;
	return count;
}

static const char *outcome_text(char letter)
{
	return letter == 'o' ? "ok" : letter == 'd' ? "declared" :
		letter == 'u' ? "unverified" : letter == 's' ? "skipped" :
		"failed";
}

static void encode_steps(struct buf *b, const struct job *j)
{
	if (step_count(j) == 0)
		return;
	cbor_put_uint(b, 9);
	cbor_put_array(b, step_count(j));
	for (unsigned i = 1; i <= STEP_COUNT; i++) {
		if (!j->steps[i].outcome)
			continue;
		cbor_put_array(b, 3);
		cbor_put_uint(b, i);
		cbor_put_int(b, j->steps[i].tier);
		cbor_put_tstr(b, outcome_text(j->steps[i].outcome));
	}
}

/* A record without its outbox number, which is given by the store: the map's
 * head is written when it is sent. */
static void encode(struct buf *b, const struct vendor *v, const struct job *j,
	enum job_state state, const uint8_t class_id[16])
{
	uint8_t name[PSEUDONYM_LEN];

	cbor_put_uint(b, 2);
	cbor_put_bstr(b, name_of(v, j->row.device, name));
	cbor_put_uint(b, 3);
	cbor_put_bstr(b, bytes_of(class_id, 16));
	cbor_put_uint(b, 4);
	cbor_put_bstr(b, bytes_of(j->row.manifest_digest, 32));
	cbor_put_uint(b, 5);
	cbor_put_tstr(b, job_state_name(state));
	cbor_put_uint(b, 6);
	cbor_put_uint(b, (uint64_t)gateway_wall_ms() / 1000);
	if (j->row.failure.code) {
		cbor_put_uint(b, 7);
		cbor_put_map(b, 3);
		cbor_put_uint(b, 1);
		cbor_put_int(b, j->row.failure.code);
		cbor_put_uint(b, 2);
		cbor_put_tstr(b, err_name(j->row.failure.code));
		cbor_put_uint(b, 3);
		cbor_put_tstr(b, step_name((unsigned)j->row.failure.step));
	}
	if (j->facts_known && j->facts.version[0]) {
		cbor_put_uint(b, 8);
		cbor_put_tstr(b, j->facts.version);
	}
	encode_steps(b, j);
}

static unsigned pair_count(const struct job *j)
{
	return 6 + (j->row.failure.code != 0) +
		(j->facts_known && j->facts.version[0]) + (step_count(j) > 0);
}

void report_put(struct store_commit *c, const struct job *j,
	enum job_state state)
{
	const struct vendor *v = vendor_find(j->gateway, j->row.vendor);
	const struct config_class *klass = gateway_class(j->gateway,
		j->row.class_name);
	struct outbox_row row = {.at_ms = gateway_wall_ms()};
	struct buf b;

	if (!v || !klass || !v->config->link.reports[0])
		return;
	memcpy(row.vendor, v->name, strlen(v->name) + 1);
	buf_init(&b, sizeof(row.body) - 1);
	encode(&b, v, j, state, klass->device.class_id);
	if (!b.err) {
		row.body[0] = (uint8_t)pair_count(j);
		memcpy(row.body + 1, b.at, b.len);
		row.body_len = (uint16_t)(b.len + 1);
		store_commit_outbox(c, &row);
		j->gateway->outbox_count++;
	}
	buf_done(&b);
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
		vendor_report(v);
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
	uint8_t name[PSEUDONYM_LEN];
	uint64_t id;
	struct buf b;
	int err;

	buf_init(&b, VENDOR_REPORT_MAX);
	cbor_put_map(&b, 3);
	cbor_put_uint(&b, 1);
	cbor_put_uint(&b, 1);
	cbor_put_uint(&b, 2);
	cbor_put_bstr(&b, name_of(v, "gateway", name));
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

void vendor_report(struct vendor *v)
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
