#include "gateway/daemon/report.h"

#include "base/cbor_out.h"
#include "gateway/daemon/outbox.h"

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
	uint8_t name[OUTBOX_NAME_LEN];

	cbor_put_uint(b, 2);
	cbor_put_bstr(b, outbox_name(v, j->row.device, name));
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
