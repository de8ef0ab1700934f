#include "gateway/daemon/vendor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

bool vendor_evidence_may_come(int code)
{
	return code == ERR_TRUST_REVOCATION_NONE ||
		code == ERR_TRUST_REVOCATION_MISSING ||
		code == ERR_TRUST_REVOCATION_STALE ||
		code == ERR_TRUST_REVOCATION_NOT_YET ||
		code == ERR_TRUST_REVOCATION_UNKNOWN;
}

void vendor_evidence_explain(int code, struct fault *fault)
{
	if (code != ERR_VENDOR_TLS_REVOCATION)
		return;
	*fault = (struct fault){0};
	fault_set(fault, code, 0, "revocation_tls", "the server's certificates "
		"name no source of evidence; give them one, or set "
		"revocation_tls");
}

/* ---- the catalog ---- */

void vendor_evidence_prepare(struct vendor *v)
{
	v->evidence.needs.count = 0;
	v->evidence.needs.overflowed = false;
	v->trust.revocation = evidence_view(v->evidence.signers);
	v->trust.needs = &v->evidence.needs;
}

static int keep_waiting(struct vendor *v, struct bytes file)
{
	struct vendor_evidence *e = &v->evidence;
	uint8_t *copy = malloc(file.len);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, file.at, file.len);
	free(e->waiting);
	e->waiting = copy;
	e->waiting_len = file.len;
	return -EINPROGRESS;
}

struct bytes vendor_evidence_waiting(struct vendor *v)
{
	struct bytes file = bytes_of(v->evidence.waiting,
		v->evidence.waiting_len);

	v->evidence.waiting = NULL;
	v->evidence.waiting_len = 0;
	return file;
}

int vendor_add_catalog(struct vendor *v, struct bytes file,
	struct fault *fault)
{
	struct trust_clock clock = gateway_clock(v->gateway);
	struct catalog_shipped shipped = {0};
	int err;

	vendor_evidence_prepare(v);
	err = trust_add_catalog(&v->trust, file, &clock, &shipped, fault);
	if (!err || !vendor_evidence_may_come(err))
		return err;
	evidence_ship(v->evidence.signers, &shipped);
	if (evidence_want(v->evidence.signers, &v->evidence.needs))
		return keep_waiting(v, file);
	return err;
}

/* What evidence has taught is known after a power cut. */
static void keep_time(struct vendor *v)
{
	struct store_commit *c;

	if (!v->trust.changed)
		return;
	c = store_commit_new();
	vendor_put_time(v, c);
	gateway_commit(v->gateway, c, NULL, NULL);
}

/* The signers of the catalog in force, by what is known now. Not while a pool
 * thread reads it: then when that has ended. */
static void judge_catalog(struct vendor *v)
{
	struct trust_clock clock = gateway_clock(v->gateway);
	int before = v->evidence.state;
	struct fault fault = {0};

	v->evidence.due = v->judging > 0;
	if (v->evidence.due || !v->trust_is_open)
		return;
	vendor_evidence_prepare(v);
	if (trust_judge_again(&v->trust, &clock, &fault) &&
			v->trust.catalog_code != before)
		log_warn("vendor", "the signer of the catalog does not count "
			"any more", "vendor=%s code=%s rule=\"%s\"", v->name,
			err_name(v->trust.catalog_code), fault.rule);
	keep_time(v);
	evidence_want(v->evidence.signers, &v->evidence.needs);
	v->evidence.state = v->trust.catalog_code;
	/* Also one whose evidence had run out may be in force again. */
	gateway_replan(v->gateway);
}

void vendor_evidence_judged(struct vendor *v)
{
	struct trust_clock clock = gateway_clock(v->gateway);

	if (v->judging || !v->trust_is_open || !v->evidence.signers)
		return;
	trust_learn(&v->trust, &clock);
	keep_time(v);
	if (v->evidence.due)
		judge_catalog(v);
}

static void ship(struct vendor *v)
{
	const struct catalog *c = v->trust.catalog;
	struct catalog_shipped shipped = {0};

	for (; c && shipped.count < c->evidence_count; shipped.count++) {
		const struct catalog_evidence *one =
			&c->evidence[shipped.count];

		shipped.of[shipped.count].kind = (enum evidence_kind)one->kind;
		memcpy(shipped.of[shipped.count].sha256, one->sha256.at, 32);
		shipped.of[shipped.count].len = one->len;
	}
	evidence_ship(v->evidence.signers, &shipped);
}

void vendor_evidence_accepted(struct vendor *v)
{
	ship(v);
	judge_catalog(v);
}

bool vendor_evidence_want(struct vendor *v,
	const struct revocation_needs *needs)
{
	struct evidence *e = v->evidence.signers;

	return e && evidence_want(e, needs);
}

bool vendor_evidence_settled_since(const struct vendor *v, uint64_t generation)
{
	const struct evidence *e = v->evidence.signers;

	return e && evidence_generation(e) != generation;
}

/* ---- the server ---- */

/* For the TLS chain of the vendor's server. Here only the root keys tell the
 * time: a thief of the catalog key could otherwise push it so far ahead that the
 * root which repairs it is never fetched. */
struct trust_now vendor_root_now(const struct vendor *v)
{
	struct trust_clock clock = gateway_clock(v->gateway);
	struct trust_time time = {0};

	trust_time_start(&time, v->trust_is_open ? v->trust.root->issued : 0,
		&clock);
	return trust_now(&time, &clock);
}

int vendor_judge_tls_time(void *arg, int64_t not_before, int64_t not_after)
{
	struct trust_now now = vendor_root_now(arg);

	if (not_after >= 0 && trust_now_expired(now, (uint64_t)not_after))
		return ERR_VENDOR_TLS_EXPIRED;
	if (not_before > 0 && trust_now_too_early(now, (uint64_t)not_before))
		return ERR_VENDOR_TLS_NOT_YET;
	return 0;
}

static struct trust_now server_now(void *arg)
{
	return vendor_root_now(arg);
}

static bool names_source(const struct revocation_needs *needs)
{
	struct evidence_uris uris;

	for (unsigned i = 0; i < needs->count; i++)
		if (!evidence_uris(needs->of[i].certificate, &uris) &&
				(uris.crl_count || uris.ocsp_count))
			return true;
	return false;
}

/* 0, -EINPROGRESS, or why no byte may be sent. */
static int judge_server(struct vendor *v, const struct bytes *chain,
	size_t count)
{
	struct evidence *e = v->evidence.server;
	struct revocation_needs needs = {0};
	struct revocation_result result = {0};
	int code = revocation_judge(evidence_view(e), chain, (unsigned)count,
		false, vendor_root_now(v), &needs, &result);
	bool pending = evidence_want(e, &needs);

	if (!vendor_evidence_may_come(code))
		return code;
	if (pending)
		return -EINPROGRESS;
	log_warn("vendor", "certificates of the server are not proved good",
		"vendor=%s code=%s evidence=\"%s\"", v->name, err_name(code),
		result.evidence);
	return names_source(&needs) ? code : ERR_VENDOR_TLS_REVOCATION;
}

void vendor_peer_verified(void *arg, struct http_gate *gate,
	const struct bytes *chain, size_t count)
{
	struct vendor *v = arg;
	struct vendor_evidence *e = &v->evidence;
	int code = v->closing ? -ECANCELED : judge_server(v, chain, count);

	if (code != -EINPROGRESS) {
		http_gate_answer(gate, code);
		return;
	}
	if (e->gate_count == VENDOR_GATES_MAX)
		http_gate_answer(gate, ERR_VENDOR_TLS_REVOCATION);
	else
		e->gates[e->gate_count++] = (struct vendor_gate){gate, chain,
			count};
}

void vendor_gate_gone(void *arg, struct http_gate *gate)
{
	struct vendor *v = arg;
	struct vendor_evidence *e = &v->evidence;

	for (unsigned i = 0; i < e->gate_count; i++)
		if (e->gates[i].gate == gate) {
			e->gates[i] = e->gates[--e->gate_count];
			return;
		}
}

static void on_server_settled(void *arg, bool revoked)
{
	struct vendor *v = arg;
	struct vendor_evidence *e = &v->evidence;

	(void)revoked;
	for (unsigned i = e->gate_count; i-- > 0;) {
		struct vendor_gate gate = e->gates[i];
		int code = judge_server(v, gate.chain, gate.count);

		if (code == -EINPROGRESS)
			continue;
		e->gates[i] = e->gates[--e->gate_count];
		http_gate_answer(gate.gate, code);
	}
	news_vendor(&v->gateway->news, v);
}

/* ---- both ---- */

static void on_signers_settled(void *arg, bool revoked)
{
	struct vendor *v = arg;

	judge_catalog(v);
	if (v->stage == VENDOR_EVIDENCE || v->evidence.waiting)
		vendor_catalog_again(v);
	v->events->on_evidence(v, revoked);
	news_vendor(&v->gateway->news, v);
}

static const struct root *root_of(void *arg)
{
	const struct vendor *v = arg;

	return v->trust_is_open ? v->trust.root : NULL;
}

static struct vendor_link *link_of(void *arg)
{
	const struct vendor *v = arg;

	return v->link;
}

static struct trust_now signers_now(void *arg)
{
	const struct vendor *v = arg;
	struct trust_clock clock = gateway_clock(v->gateway);

	return trust_now(&v->trust.time, &clock);
}

static void off_code(const struct vendor *v, char *code, size_t size)
{
	snprintf(code, size, "revocation-off:%s", v->name);
}

static void say_off(const struct vendor *v)
{
	bool signers = v->config->signers == REVOCATION_OFF;
	char code[ALARM_CODE_SIZE];

	off_code(v, code, sizeof(code));
	log_warn("vendor", "revocation is off", "vendor=%s of=%s", v->name,
		signers ? "signers" : "server");
	gateway_alarm(v->gateway, code, signers ? "set revocation" :
		"set revocation_tls", "a revoked certificate of %s vendor %s "
		"would be accepted", signers ? "a signer of" :
		"the server of", v->name);
}

int vendor_evidence_open(struct vendor *v, const struct store_loaded *loaded)
{
	struct evidence_setup setup = {
		.gateway = v->gateway,
		.config = v->config,
		.policy = v->config->signers,
		.root = root_of,
		.link = link_of,
		.now = signers_now,
		.on_settled = on_signers_settled,
		.arg = v,
	};
	int err = evidence_open(&setup, loaded, &v->evidence.signers);

	if (v->config->signers == REVOCATION_OFF ||
			v->config->server == REVOCATION_OFF)
		say_off(v);
	setup.policy = v->config->server;
	setup.of_server = true;
	setup.link = NULL;
	setup.now = server_now;
	setup.on_settled = on_server_settled;
	if (!err)
		err = evidence_open(&setup, loaded, &v->evidence.server);
	return err;
}

static void on_evidence_closed(void *arg)
{
	struct vendor *v = arg;

	vendor_hold(v, -1);
	vendor_release(v);
}

void vendor_evidence_close(struct vendor *v)
{
	struct vendor_evidence *e = &v->evidence;
	struct evidence *signers = e->signers, *server = e->server;
	char code[ALARM_CODE_SIZE];

	off_code(v, code, sizeof(code));
	gateway_alarm_clear(v->gateway, code);
	free(e->waiting);
	e->waiting = NULL;
	e->signers = NULL;
	e->server = NULL;
	if (signers) {
		vendor_hold(v, 1);
		evidence_close(signers, on_evidence_closed, v);
	}
	if (server) {
		vendor_hold(v, 1);
		evidence_close(server, on_evidence_closed, v);
	}
}
