#include "devices/zigbee_ota/server.h"

#include <stdio.h>

#define ASK_AGAIN_MS 3000
#define ASKS_MAX 3
#define STREAK 3 /* queries for another image before that is what it has */

/* ---- does it suit? ---- */

static bool is_other(uint16_t told, uint16_t of_file, uint16_t any,
	int overruled)
{
	return of_file != any && told != of_file && told != any &&
		(overruled < 0 || told != overruled);
}

static const char *misfit(const struct server_offer *o, char *text,
	size_t size)
{
	const struct server_peer *p = o->peer;
	const struct ota_file *f = &o->file;
	const struct ota_key *told = &p->key_told;

	if (!p->quirks.any_key && is_other(told->manufacturer,
				f->key.manufacturer, OTA_ANY_MANUFACTURER,
				o->options.manufacturer))
		snprintf(text, size, "manufacturer 0x%04x, image is for 0x%04x",
			told->manufacturer, f->key.manufacturer);
	else if (!p->quirks.any_key && is_other(told->type, f->key.type,
				OTA_ANY_TYPE, o->options.type))
		snprintf(text, size, "image type 0x%04x, image is for 0x%04x",
			told->type, f->key.type);
	else if (f->has_hw && p->has_hw && (p->hw < f->hw_min ||
				p->hw > f->hw_max))
		snprintf(text, size, "hardware 0x%04x, image is for 0x%04x "
			"to 0x%04x", p->hw, f->hw_min, f->hw_max);
	else if (o->options.has_from && (told->version < o->options.from_low ||
				told->version > o->options.from_high))
		snprintf(text, size, "runs 0x%08x, image follows 0x%08x to "
			"0x%08x", told->version, o->options.from_low,
			o->options.from_high);
	else
		return NULL;
	return text;
}

bool server_fits_type(const struct server_offer *o, const struct ota_key *key)
{
	const struct ota_key *of = &o->file.key;

	return !is_other(key->manufacturer, of->manufacturer,
			OTA_ANY_MANUFACTURER, o->options.manufacturer) &&
		!is_other(key->type, of->type, OTA_ANY_TYPE, o->options.type);
}

static bool is_downgrade(const struct server_offer *o)
{
	return o->file.key.version < o->peer->key_told.version &&
		!o->peer->quirks.lower_is_newer;
}

bool server_suits(struct server *s, struct server_offer *o, int64_t now_ms)
{
	struct server_peer *p = o->peer;
	char text[96];
	const char *why = misfit(o, text, sizeof(text));

	o->suits = false;
	if (p->key_told.version == o->expect) {
		server_end(s, o, ENGINE_DONE, now_ms);
	} else if (why) {
		server_fail(s, o, ERR_ZIGBEE_NOT_FOR, "query", now_ms,
			"the device says: %s", why);
	} else if (is_downgrade(o) && p->quirks.refuses_downgrade) {
		server_fail(s, o, ERR_ZIGBEE_DOWNGRADE, "query", now_ms,
			"it runs 0x%08x; devices of this make refuse lower "
			"versions", p->key_told.version);
	} else if (is_downgrade(o) && (!o->allow_downgrade ||
				!o->options.downgrade)) {
		server_fail(s, o, ERR_ZIGBEE_DOWNGRADE, "query", now_ms,
			"it runs 0x%08x, the image is 0x%08x; %s",
			p->key_told.version, o->file.key.version,
			o->options.downgrade ? "an admin may order it "
			"(--allow-downgrade)" : "the class says downgrade=no");
	} else {
		o->suits = true;
	}
	return o->suits;
}

/* What it runs decides nothing: whatever it is, the image may follow it. */
static bool follows_all(const struct server_offer *o)
{
	return o->allow_downgrade && o->options.downgrade &&
		!o->options.has_from && !o->peer->quirks.refuses_downgrade;
}

enum server_suit server_suits_unasked(struct server *s,
	struct server_offer *o, int64_t now_ms)
{
	struct server_peer *p = o->peer;

	/* An earlier run of the job has looked. */
	if (o->suits || o->reached >= ENGINE_STAGE_TRANSFER || o->served)
		return SUIT_YES;
	if (p->has_version && !server_may_have_both(p))
		return server_suits(s, o, now_ms) ? SUIT_YES : SUIT_NO;
	if (follows_all(o))
		return SUIT_YES;
	if (now_ms < o->asked_ms)
		return SUIT_UNKNOWN;
	if (o->asked_count == ASKS_MAX)
		return SUIT_SILENT;
	o->asked_count++;
	o->asked_ms = now_ms + ASK_AGAIN_MS;
	server_want(s, p, WANT_READ, now_ms);
	return SUIT_UNKNOWN;
}

/* ---- devices with several images ---- */

static bool is_same_image(const struct ota_key *a, const struct ota_key *b)
{
	return a->manufacturer == b->manufacturer && a->type == b->type;
}

/* Where the key stands among the others; their number: nowhere. */
static unsigned other_at(const struct server_peer *p, const struct ota_key *key)
{
	unsigned i = 0;

	while (i < p->other_count && !is_same_image(&p->others[i], key))
		i++;
	return i;
}

static void forget_other(struct server_peer *p, unsigned at)
{
	if (at == p->other_count)
		return;
	p->other_count--;
	memmove(p->others + at, p->others + at + 1,
		(p->other_count - at) * sizeof(p->others[0]));
}

static void note_other(struct server_peer *p, const struct ota_key *key)
{
	unsigned at = other_at(p, key);

	forget_other(p, at < SERVER_OTHERS_MAX ? at : SERVER_OTHERS_MAX - 1);
	memmove(p->others + 1, p->others,
		p->other_count * sizeof(p->others[0]));
	p->others[0] = *key;
	p->other_count++;
}

/* The device is known by `key` from now on; its version is still to be told. */
static void change_key(struct server_peer *p, const struct ota_key *key)
{
	struct ota_key before = p->key_told;

	p->key_told.manufacturer = key->manufacturer;
	p->key_told.type = key->type;
	forget_other(p, other_at(p, key));
	note_other(p, &before);
	p->other_streak = 0;
}

/* With an open offer the image counts. Manufacturer and type may change with the
 * update: then the device says something that it never said before. */
static bool is_for_other(const struct server_peer *p, const struct ota_key *key)
{
	const struct server_offer *o = p->offer;

	if (!server_is_update(o) || o->phase == PHASE_HEADER)
		return p->other_streak < STREAK;
	if (p->quirks.any_key || server_fits_type(o, key) ||
			!server_fits_type(o, &p->key_told))
		return false;
	return o->phase != PHASE_PROVE || other_at(p, key) < p->other_count;
}

bool server_takes_key(struct server_peer *p, const struct ota_key *key)
{
	if (!p->has_key || is_same_image(&p->key_told, key)) {
		p->other_streak = 0;
		return true;
	}
	p->other_streak++;
	if (is_for_other(p, key)) {
		note_other(p, key);
		return false;
	}
	change_key(p, key);
	return true;
}

bool server_is_other_image(const struct server_peer *p,
	const struct ota_key *key)
{
	return p->has_key && !is_same_image(&p->key_told, key) &&
		other_at(p, key) < p->other_count;
}

void server_note_query(struct server_peer *p, const struct ota_key *key)
{
	struct server_offer *o = p->offer;

	if (server_is_update(o) && o->phase != PHASE_HEADER)
		o->misses = server_fits_type(o, key) ? 0 : o->misses + 1;
}

/* It asked for the offer's type itself: another one now is news of the update. */
static bool has_told_type(const struct server_peer *p)
{
	for (unsigned i = 0; i < p->other_count; i++)
		if (server_fits_type(p->offer, &p->others[i]))
			return true;
	return false;
}

bool server_may_have_both(const struct server_peer *p)
{
	const struct server_offer *o = p->offer;

	if (!server_is_update(o) || o->phase == PHASE_HEADER || !p->has_key ||
			p->quirks.any_key || o->misses >= STREAK)
		return false;
	if (o->phase != PHASE_OPEN && has_told_type(p))
		return false;
	return !is_other(p->key_told.manufacturer, o->file.key.manufacturer,
			OTA_ANY_MANUFACTURER, o->options.manufacturer) &&
		is_other(p->key_told.type, o->file.key.type, OTA_ANY_TYPE,
			o->options.type);
}

bool server_choose_key(struct server_peer *p)
{
	struct ota_key key;
	unsigned i = 0;

	if (!p->has_key || server_fits_type(p->offer, &p->key_told))
		return false;
	while (i < p->other_count &&
			!server_fits_type(p->offer, &p->others[i]))
		i++;
	if (i == p->other_count)
		return false;
	key = p->others[i];
	change_key(p, &key);
	p->key_told.version = key.version;
	return true;
}
