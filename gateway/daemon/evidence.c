/* want added -> kept file? -> shipped files? -> sources that are due -> settled */
#include "gateway/daemon/evidence_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "policy/trust/x509.h"

#define NEVER UINT64_MAX
/* For so long a certificate that was asked about keeps its place: those for
 * which there is no room must not have everything fetched again and again. */
#define PLACE_MS 30000u

const enum evidence_kind source_kind[SOURCE_COUNT] = {
	[SOURCE_CRL] = EVIDENCE_CRL,
	[SOURCE_OCSP] = EVIDENCE_OCSP,
};

static void on_timer(uv_timer_t *timer);

static void kick(struct evidence *e)
{
	if (!e->closing && !e->working)
		uv_timer_start(&e->timer, on_timer, 0, 0);
}

void evidence_hold(struct evidence *e, int by)
{
	e->holds += (unsigned)by;
}

void evidence_release(struct evidence *e)
{
	void (*on_closed)(void *arg) = e->on_closed;
	void *arg = e->close_arg;

	e->holds--;
	if (!e->closing || e->holds)
		return;
	for (unsigned i = 0; i < e->want_count; i++) {
		free(e->wants[i]->der);
		free(e->wants[i]);
	}
	free(e->revoked);
	free(e->floors);
	free(e);
	if (on_closed)
		on_closed(arg);
}

/* ---- what is remembered ---- */

bool *evidence_revoked_find(
	struct evidence *e, const uint8_t digest[CERT_ID_LEN])
{
	for (unsigned i = 0; i < e->revoked_count; i++)
		if (!memcmp(e->revoked[i], digest, CERT_ID_LEN))
			return &e->revoked_saved[i];
	return NULL;
}

int evidence_note_revoked(struct evidence *e, const uint8_t digest[CERT_ID_LEN])
{
	uint8_t(*more)[CERT_ID_LEN];

	e->revokes = true;
	more = e->revoked_count == EVIDENCE_REVOKED_MAX ? NULL :
		realloc(e->revoked, (e->revoked_count + 1) * sizeof(*more));
	if (!more) {
		e->revoked_lost++;
		return e->revoked_count == EVIDENCE_REVOKED_MAX ?
			ERR_STORE_FULL : -ENOMEM;
	}
	e->revoked = more;
	e->revoked_saved[e->revoked_count] = false;
	memcpy(more[e->revoked_count++], digest, CERT_ID_LEN);
	return 0;
}

void evidence_inherit(struct evidence *to, const struct evidence *from)
{
	for (unsigned i = 0; i < from->revoked_count; i++)
		if (!evidence_revoked_find(to, from->revoked[i]))
			evidence_note_revoked(to, from->revoked[i]);
	to->revoked_lost += from->revoked_lost;
	to->generation++;
}

struct evidence_floor *evidence_floor_find(struct evidence *e,
	enum evidence_kind kind, const uint8_t id[CERT_ID_LEN])
{
	for (unsigned i = 0; i < e->floor_count; i++)
		if (e->floors[i].kind == kind &&
				!memcmp(e->floors[i].id, id, CERT_ID_LEN))
			return &e->floors[i];
	return NULL;
}

int evidence_floor_raise(struct evidence *e, enum evidence_kind kind,
	const uint8_t id[CERT_ID_LEN],
	const uint8_t number[EVIDENCE_NUMBER_LEN])
{
	struct evidence_floor *floor = evidence_floor_find(e, kind, id);
	struct evidence_floor *more;

	if (!floor && e->floor_count == EVIDENCE_FLOORS_MAX)
		return ERR_STORE_FULL;
	if (!floor) {
		more = realloc(e->floors, (e->floor_count + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		e->floors = more;
		floor = &more[e->floor_count++];
		*floor = (struct evidence_floor){.kind = kind};
		memcpy(floor->id, id, CERT_ID_LEN);
	}
	if (memcmp(number, floor->number, EVIDENCE_NUMBER_LEN) > 0) {
		memcpy(floor->number, number, EVIDENCE_NUMBER_LEN);
		floor->saved = false;
	}
	return 0;
}

static int load_known(struct evidence *e, const struct store_loaded *loaded)
{
	const char *vendor = e->set.config->name;
	int err = 0;

	for (size_t i = 0; i < loaded->revocation_count && !err; i++) {
		const struct revocation_row *row = &loaded->revocations[i];

		if (!strcmp(row->vendor, vendor) &&
				!strcmp(row->what, "certificate") &&
				row->id_len == CERT_ID_LEN &&
				!evidence_revoked_find(e, row->id)) {
			err = evidence_note_revoked(e, row->id);
			if (!err)
				e->revoked_saved[e->revoked_count - 1] = true;
		}
	}
	for (size_t i = 0; i < loaded->evidence_floor_count && !err; i++) {
		const struct evidence_floor_row *row =
			&loaded->evidence_floors[i];

		if (!strcmp(row->vendor, vendor))
			err = evidence_floor_raise(e, strcmp(row->what, "crl") ?
				EVIDENCE_OCSP : EVIDENCE_CRL, row->id,
				row->number);
	}
	for (unsigned i = 0; i < e->floor_count; i++)
		e->floors[i].saved = true;
	e->revokes = false;
	return err;
}

void evidence_object_name(const struct evidence *e,
	const struct evidence_want *want, enum evidence_source source,
	char *name, size_t size)
{
	char hex[17];

	bytes_to_hex(bytes_of(source == SOURCE_CRL ? want->issuer_digest :
		want->digest, 8), hex, sizeof(hex));
	snprintf(name, size, "evidence.%.60s.%c%c%s", e->set.config->name,
		e->set.of_server ? 't' : 's', source == SOURCE_CRL ? 'c' : 'o',
		hex);
}

/* ---- what is known about a want ---- */

const struct statement *evidence_statement_of(const struct evidence *e,
	const struct evidence_want *want, enum evidence_source source)
{
	for (unsigned i = 0; i < e->table.count; i++)
		if (e->table.of[i].kind == source_kind[source] &&
				cert_id_equal(&e->table.of[i].id, &want->id))
			return &e->table.of[i];
	return NULL;
}

static bool has_current(const struct evidence *e,
	const struct evidence_want *want)
{
	struct trust_now now = e->set.now(e->set.arg);

	for (int k = 0; k < SOURCE_COUNT; k++) {
		const struct statement *s = evidence_statement_of(e, want,
			(enum evidence_source)k);

		if (s && s->status == STATEMENT_GOOD &&
				!trust_now_expired(now, s->next_update))
			return true;
	}
	return false;
}

unsigned evidence_uri_count(const struct evidence_want *want,
	enum evidence_source source)
{
	return source == SOURCE_CRL ? want->uris.crl_count :
		want->uris.ocsp_count;
}

const char *evidence_uri(const struct evidence_want *want,
	enum evidence_source source, unsigned i)
{
	if (i >= evidence_uri_count(want, source))
		return "";
	return source == SOURCE_CRL ? want->uris.crl[i] : want->uris.ocsp[i];
}

/* The first URI from `from` on that may be asked; the count if there is none. */
unsigned evidence_allowed_from(const struct evidence *e,
	const struct evidence_want *want, enum evidence_source source,
	unsigned from)
{
	while (from < evidence_uri_count(want, source) && !evidence_uri_allowed(e,
			evidence_uri(want, source, from)))
		from++;
	return from;
}

static bool is_usable(const struct evidence *e,
	const struct evidence_want *want, enum evidence_source source)
{
	return evidence_allowed_from(e, want, source, 0) < evidence_uri_count(want, source);
}

/* Nobody of those who may be asked about it could be reached. */
static bool is_unreachable(const struct evidence *e,
	const struct evidence_want *want)
{
	bool any = false;

	for (int k = 0; k < SOURCE_COUNT; k++) {
		const struct evidence_try *t = &want->tries[k];

		if (!is_usable(e, want, (enum evidence_source)k))
			continue;
		if (!t->asked || !t->unreachable)
			return false;
		any = true;
	}
	return any;
}

/* ---- views ---- */

const struct revocation_view *evidence_view(struct evidence *e)
{
	unsigned count = 0;

	for (unsigned i = 0; i < e->want_count; i++)
		if (is_unreachable(e, e->wants[i]))
			memcpy(e->unreachable[count++], e->wants[i]->digest,
				CERT_ID_LEN);
	e->view = (struct revocation_view){
		.policy = e->set.policy,
		.max_age_s = (uint64_t)e->set.config->revocation_max_age_s,
		.statements = e->table.of,
		.statement_count = e->table.count,
		.revoked = (const uint8_t(*)[CERT_ID_LEN])e->revoked,
		.revoked_count = e->revoked_count,
		.unreachable = (const uint8_t(*)[CERT_ID_LEN])e->unreachable,
		.unreachable_count = count,
	};
	if (e->revoked_lost) {
		/* Who was revoked is not known: nobody counts. */
		e->view.policy = REVOCATION_REQUIRE;
		e->view.statement_count = 0;
	}
	return &e->view;
}

struct snapshot {
	struct revocation_view view;
	struct statement_table table;
	uint8_t unreachable[REVOCATION_NEEDS_MAX][CERT_ID_LEN];
	uint8_t revoked[][CERT_ID_LEN];
};

struct revocation_view *evidence_snapshot(struct evidence *e)
{
	struct snapshot *s = calloc(1, sizeof(*s) +
		e->revoked_count * sizeof(s->revoked[0]));

	if (!s)
		return NULL;
	s->view = *evidence_view(e);
	s->table = e->table;
	memcpy(s->unreachable, e->unreachable, sizeof(s->unreachable));
	if (e->revoked_count)
		memcpy(s->revoked, e->revoked,
			e->revoked_count * sizeof(s->revoked[0]));
	s->view.statements = s->table.of;
	s->view.unreachable = (const uint8_t(*)[CERT_ID_LEN])s->unreachable;
	s->view.revoked = (const uint8_t(*)[CERT_ID_LEN])s->revoked;
	return &s->view;
}

void evidence_snapshot_free(struct revocation_view *snapshot)
{
	free(snapshot);
}

uint64_t evidence_generation(const struct evidence *e)
{
	return e->generation;
}

unsigned evidence_revoked_count(const struct evidence *e)
{
	return e->revoked_count + e->revoked_lost;
}

bool evidence_is_busy(const struct evidence *e)
{
	return e->working;
}

/* ---- what to do next ---- */

bool evidence_next_kept(const struct evidence *e, struct evidence_want **ret,
	enum evidence_source *ret_source)
{
	for (unsigned i = 0; i < e->want_count; i++)
		for (int k = 0; k < SOURCE_COUNT; k++) {
			if (e->wants[i]->kept_tried[k])
				continue;
			*ret = e->wants[i];
			*ret_source = (enum evidence_source)k;
			return true;
		}
	return false;
}

struct evidence_shipped *evidence_next_shipped(struct evidence *e)
{
	if (!e->want_count || !e->set.link || !e->set.link(e->set.arg))
		return NULL;
	for (unsigned i = 0; i < e->shipped_count; i++)
		if (!e->shipped[i].tried)
			return &e->shipped[i];
	return NULL;
}

uint64_t evidence_next_due(const struct evidence *e, struct evidence_want **ret,
	enum evidence_source *ret_source)
{
	uint64_t due = NEVER;

	for (unsigned i = 0; i < e->want_count; i++)
		for (int k = 0; k < SOURCE_COUNT; k++) {
			struct evidence_want *want = e->wants[i];

			if (want->tries[k].due_ms >= due || !is_usable(e, want,
					(enum evidence_source)k))
				continue;
			due = want->tries[k].due_ms;
			*ret = want;
			*ret_source = (enum evidence_source)k;
		}
	return due;
}

static bool has_work(struct evidence *e)
{
	struct evidence_want *want;
	enum evidence_source source;

	return evidence_next_kept(e, &want, &source) || evidence_next_shipped(e) ||
		evidence_next_due(e, &want, &source) <= uv_now(e->set.gateway->loop);
}

/* One thing has ended. */
void evidence_go_on(struct evidence *e)
{
	e->working = false;
	e->worked = true;
	kick(e);
}

/* ---- turns ---- */

static void arm(struct evidence *e)
{
	uint64_t now = uv_now(e->set.gateway->loop);
	struct evidence_want *want;
	enum evidence_source source;
	uint64_t due = evidence_next_due(e, &want, &source);

	if (e->crowded_ms && e->crowded_ms < due)
		due = e->crowded_ms;
	if (due == NEVER)
		uv_timer_stop(&e->timer);
	else
		uv_timer_start(&e->timer, on_timer, due > now ? due - now : 0,
			0);
}

static void tell(struct evidence *e)
{
	bool revokes = e->revokes;

	e->worked = false;
	e->revokes = false;
	e->generation++;
	e->set.on_settled(e->set.arg, revokes);
}

static void on_timer(uv_timer_t *timer)
{
	struct evidence *e = timer->data;

	if (e->closing || e->working)
		return;
	if (e->crowded_ms && e->crowded_ms <= uv_now(timer->loop)) {
		e->crowded_ms = 0;
		e->worked = true;
	}
	/* That somebody was revoked does not wait for slow sources. */
	if (e->revokes) {
		tell(e);
		e->worked = true;
	}
	e->want = NULL;
	e->working = true;
	if (evidence_load_kept(e) || evidence_fetch_shipped(e) ||
			evidence_ask_source(e))
		return;
	e->working = false;
	arm(e);
	if (e->worked)
		tell(e);
}

/* ---- wants ---- */

static struct evidence_want *want_find(const struct evidence *e,
	const struct cert_id *id)
{
	for (unsigned i = 0; i < e->want_count; i++)
		if (cert_id_equal(&e->wants[i]->id, id))
			return e->wants[i];
	return NULL;
}

/* What nobody asks about any more: its statements, and the answer that was
 * kept. */
static void want_drop(struct evidence *e, unsigned i)
{
	struct evidence_want *want = e->wants[i];
	char name[CACHE_OBJECT_NAME_MAX + 1];
	unsigned kept = 0;

	for (unsigned k = 0; k < e->table.count; k++)
		if (!cert_id_equal(&e->table.of[k].id, &want->id))
			e->table.of[kept++] = e->table.of[k];
	e->table.count = kept;
	evidence_object_name(e, want, SOURCE_OCSP, name, sizeof(name));
	cache_object_drop(e->set.gateway->cache, name, NULL, NULL);
	free(want->der);
	free(want);
	e->wants[i] = e->wants[--e->want_count];
}

static bool make_room(struct evidence *e)
{
	uint64_t free_ms;
	unsigned oldest = 0;

	if (e->want_count < REVOCATION_NEEDS_MAX)
		return true;
	/* What is under way points at them. */
	if (e->working)
		return false;
	for (unsigned i = 1; i < e->want_count; i++)
		if (e->wants[i]->wanted < e->wants[oldest]->wanted)
			oldest = i;
	if (e->wants[oldest]->wanted == e->judgements)
		return false;
	free_ms = e->wants[oldest]->wanted_ms + PLACE_MS;
	if (free_ms > uv_now(e->set.gateway->loop)) {
		e->crowded_ms = free_ms;
		return false;
	}
	want_drop(e, oldest);
	return true;
}

static int want_fill(struct evidence_want *want,
	const struct revocation_need *need)
{
	struct x509_facts facts;
	int err = cert_id_digest(&need->id, want->digest);

	want->id = need->id;
	if (!err)
		err = cert_issuer_digest(&need->id, want->issuer_digest);
	if (!err)
		err = evidence_uris(need->certificate, &want->uris);
	if (!err)
		err = x509_read(need->certificate, &facts);
	if (err)
		return err;
	snprintf(want->subject, sizeof(want->subject), "%s%.100s",
		need->is_delegate ? "OCSP responder for " : "", facts.subject);
	/* Nobody vouches for a responder but the list. */
	if (need->is_delegate)
		want->uris.ocsp_count = 0;
	want->der = malloc(need->certificate.len + need->issuer.len);
	if (!want->der)
		return -ENOMEM;
	memcpy(want->der, need->certificate.at, need->certificate.len);
	memcpy(want->der + need->certificate.len, need->issuer.at,
		need->issuer.len);
	want->certificate = bytes_of(want->der, need->certificate.len);
	want->issuer = bytes_of(want->der + need->certificate.len,
		need->issuer.len);
	return 0;
}

static void want_add(struct evidence *e, const struct revocation_need *need)
{
	struct evidence_want *want = want_find(e, &need->id);
	int err;

	if (want) {
		want->wanted = e->judgements;
		want->wanted_ms = uv_now(e->set.gateway->loop);
		return;
	}
	err = make_room(e) ? 0 : ERR_TRUST_REVOCATION_NEEDS;
	want = err ? NULL : calloc(1, sizeof(*want));
	if (!err)
		err = want ? want_fill(want, need) : -ENOMEM;
	if (err) {
		log_warn("evidence", "a certificate cannot be looked after",
			"vendor=%s code=%s", e->set.config->name,
			err_name(err));
		free(want);
		return;
	}
	want->wanted = e->judgements;
	want->wanted_ms = uv_now(e->set.gateway->loop);
	e->wants[e->want_count++] = want;
	/* They may be about this one. */
	for (unsigned i = 0; i < e->shipped_count; i++)
		e->shipped[i].tried = e->shipped[i].taken = false;
}

bool evidence_want(struct evidence *e, const struct revocation_needs *needs)
{
	if (e->closing || e->set.policy == REVOCATION_OFF)
		return false;
	e->judgements++;
	for (unsigned i = 0; i < needs->count; i++)
		want_add(e, &needs->of[i]);
	/* What has ended but was not told yet has a turn that must stay. */
	if (!e->working && !e->worked && !has_work(e)) {
		arm(e);
		return e->crowded_ms != 0;
	}
	/* Whoever waits is told, also if it ends where it began. */
	e->worked = true;
	kick(e);
	return true;
}

void evidence_ship(struct evidence *e, const struct catalog_shipped *shipped)
{
	struct evidence_shipped old[CATALOG_EVIDENCE_MAX];
	unsigned old_count = e->shipped_count;

	memcpy(old, e->shipped, sizeof(old));
	e->shipped_count = 0;
	for (unsigned i = 0; i < shipped->count; i++) {
		struct evidence_shipped *s = &e->shipped[e->shipped_count++];

		*s = (struct evidence_shipped){shipped->of[i].kind, {0},
			shipped->of[i].len, false, false};
		memcpy(s->sha256, shipped->of[i].sha256, 32);
		for (unsigned k = 0; k < old_count; k++)
			if (!memcmp(old[k].sha256, s->sha256, 32))
				*s = old[k];
	}
	if (has_work(e))
		kick(e);
}

void evidence_refresh(struct evidence *e)
{
	if (e->set.policy == REVOCATION_OFF)
		return;
	for (unsigned i = 0; i < e->want_count; i++)
		for (int k = 0; k < SOURCE_COUNT; k++)
			e->wants[i]->tries[k].due_ms = 0;
	/* What could not be fetched; what was taken is not fetched again. */
	for (unsigned i = 0; i < e->shipped_count; i++)
		e->shipped[i].tried = e->shipped[i].taken;
	if (has_work(e))
		kick(e);
}

/* ---- for people ---- */

static int first_failure(const struct evidence *e,
	const struct evidence_want *want, const char **ret_uri)
{
	for (int k = 0; k < SOURCE_COUNT; k++) {
		if (!evidence_uri_count(want, (enum evidence_source)k))
			continue;
		*ret_uri = evidence_uri(want, (enum evidence_source)k, 0);
		if (!is_usable(e, want, (enum evidence_source)k))
			return ERR_VENDOR_HOST;
		if (want->tries[k].status)
			return want->tries[k].status;
	}
	return 0;
}

const char *evidence_reason(struct evidence *e, char *text, size_t size)
{
	text[0] = '\0';
	for (unsigned i = 0; i < e->want_count; i++) {
		const struct evidence_want *want = e->wants[i];
		const char *uri = "";
		int code;

		if (has_current(e, want))
			continue;
		code = first_failure(e, want, &uri);
		if (code)
			snprintf(text, size, "%s: %s %s", want->subject,
				err_name(code), uri);
		else
			snprintf(text, size, "%s: %s", want->subject, *uri ?
				"is being asked about" :
				"names no source of evidence");
		break;
	}
	return text;
}

void evidence_list(const struct evidence *e,
	void (*on_row)(void *arg, const struct evidence_row *row), void *arg)
{
	for (unsigned i = 0; i < e->want_count; i++)
		for (int k = 0; k < SOURCE_COUNT; k++) {
			const struct evidence_want *want = e->wants[i];
			struct evidence_row row = {
				.subject = want->subject,
				.statement = evidence_statement_of(e, want,
					(enum evidence_source)k),
				.kind = source_kind[k],
				.uri = evidence_uri(want, (enum evidence_source)k,
					want->tries[k].uri),
				.last = &want->tries[k],
			};

			if (row.statement || row.uri[0])
				on_row(arg, &row);
		}
}

/* ---- life ---- */

int evidence_open(const struct evidence_setup *setup,
	const struct store_loaded *loaded, struct evidence **ret)
{
	struct evidence *e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->set = *setup;
	err = load_known(e, loaded);
	if (err) {
		free(e->revoked);
		free(e->floors);
		free(e);
		return err;
	}
	uv_timer_init(setup->gateway->loop, &e->timer);
	e->timer.data = e;
	e->holds = 1;
	*ret = e;
	return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
	evidence_release(handle->data);
}

void evidence_close(struct evidence *e, void (*on_closed)(void *arg),
	void *arg)
{
	e->closing = true;
	e->on_closed = on_closed;
	e->close_arg = arg;
	if (e->once)
		http_once_cancel(e->once);
	uv_close((uv_handle_t *)&e->timer, on_timer_closed);
}
