/* The inside of the OTA Upgrade server: peers, offers, and what goes out when.
 * Shared by server.c (events, commands), server_peers.c (who is there),
 * server_timers.c (when to look again), server_queue.c (turns, window, airtime),
 * server_serve.c (requests and their answers), server_offer.c (stages, checks,
 * results), server_suits.c (which image is for which device),
 * server_turns.c (places, notifies), server_learn.c (attributes, check-ins) and
 * server_prove.c (what the device runs); nobody else includes it.
 *
 * Phases of an offer, left to right; any may end in OVER:
 *
 *   HEADER (reads the head of the file) OPEN (until the device asks and has a
 *   place) -> GO(transfer) TRANSFER -> Upgrade End: FINISH, GO(staged, activate,
 *   restart) -> End Response: PROVE -> OVER
 *
 * Invariants: no byte of an image leaves before GO(transfer), no End Response
 * that lets a device restart before GO(restart). What is answered to a request
 * for a block follows from the request and the open offer; the phase decides
 * only whether now. A peer waits for at most one answer: its newest request
 * replaces the one before. Nothing is allocated between an offer and its
 * result. */
#ifndef FERRY_DEVICES_ZIGBEE_OTA_SERVER_H
#define FERRY_DEVICES_ZIGBEE_OTA_SERVER_H

#include "base/keep.h"
#include "devices/engine.h"
#include "devices/zigbee_ota/file.h"
#include "devices/zigbee_ota/quirks.h"
#include "devices/zigbee_ota/server_options.h"
#include "devices/zigbee_ota/zigbee_ota.h"

#define SERVER_PEERS_MAX 4096
/* So many peers are kept before strangers. */
#define SERVER_PROVEN_MAX (SERVER_PEERS_MAX / 4 * 3)
#define SERVER_BUCKETS 4096 /* a power of two */
#define SERVER_REFUSED_MAX 4096 /* as many offers as a network has at a time */
#define SERVER_KEY_SIZE 24
#define SERVER_REPLY_MAX 32
#define SERVER_TEXT_SIZE 33
#define SERVER_OTHERS_MAX 3
#define SERVER_WINDOW_MAX 64
#define SERVER_BLOCK_MAX 64 /* bytes of data in a block */
#define SERVER_VENDORS_MAX 16
#define SERVER_SOURCE_SIZE 64
/* A device that is silent for so long makes room for another. */
#define SERVER_PLACE_IDLE_MS 30000

/* Frames that a peer has coming, the most urgent first. */
enum server_want {
	WANT_ANSWER = 1,
	WANT_END = 2, /* an End Response that was not asked for */
	WANT_CHECK_IN = 4,
	WANT_STOP = 8,
	WANT_NOTIFY = 16,
	WANT_READ = 32, /* attributes of its OTA cluster */
	WANT_PAGE = 64, /* the next block of a page */
	WANT_BASIC = 128,
};

#define WANTS_QUICK (WANT_END | WANT_CHECK_IN | WANT_STOP | WANT_NOTIFY | \
	WANT_READ)

/* Who comes first. */
enum server_lane {
	LANE_LOADED, /* blocks whose bytes are there, whose airtime is kept */
	LANE_QUICK, /* all that is not a block */
	LANE_ROUTER,
	LANE_SLEEPY,
	LANE_SLOW, /* what can wait */
	LANES,
};

enum server_ask_state {
	ASK_NONE,
	ASK_HELD,   /* not decided: waits for a header or for GO */
	ASK_READY,  /* decided, waits for its turn */
	ASK_SENT,   /* the answer is on its way */
	ASK_OVER,   /* the answer has left: a repetition is answered again */
};

enum server_answer {
	ANSWER_QUERY,    /* with `status` */
	ANSWER_BLOCK,
	ANSWER_WAIT,     /* for `seconds` */
	ANSWER_STATUS,   /* a block response of `status` */
	ANSWER_DEFAULT,  /* a default response of `status` */
	ANSWER_END,      /* `seconds` until the upgrade */
	ANSWER_SPECIFIC, /* `status` */
};

/* The newest request of a peer. */
struct server_ask {
	enum server_ask_state state;
	enum server_answer answer;
	uint8_t status;
	uint8_t tsn;
	uint8_t retries;
	bool late; /* it waited for as long as it may */
	uint8_t reply_len;
	uint8_t reply[SERVER_REPLY_MAX];
	uint32_t seconds;
	struct ota_request r;
	int64_t at_ms; /* when it came */
	uint64_t tx;   /* SENT: its frame */
};

struct server_peer;

struct server_list {
	struct server_peer *first, *last;
};

struct server_hook {
	struct server_peer *prev, *next;
	bool in;
};

struct server_peer {
	char key[SERVER_KEY_SIZE];
	struct server_peer *in_bucket;
	struct server_hook lane_hook, report_hook;
	struct keep_hook keep;
	size_t heap_at; /* 0: in no heap */
	int64_t wake_ms;

	bool known; /* to the driver, which says when it goes */
	bool proven; /* it took a frame, or answered a question: it is real */
	bool read_out; /* it was asked for attributes, by `read_tsn` */
	uint8_t read_tsn;
	bool sleepy;
	bool heard;
	int64_t heard_ms;
	uint16_t exchanges; /* frames heard since its restart */

	/* What it told. */
	bool has_key, has_version, has_hw;
	struct ota_key key_told; /* manufacturer, type, running version */
	/* A device may have several images and ask for each in turn. */
	struct ota_key others[SERVER_OTHERS_MAX]; /* the newest first */
	unsigned other_count;
	unsigned other_streak; /* queries since it asked for `key_told` */
	uint16_t hw;
	char model[SERVER_TEXT_SIZE];
	char maker[SERVER_TEXT_SIZE];
	char build[SERVER_TEXT_SIZE];
	int64_t facts_ms; /* told to the host last */
	bool tell_peer, tell_facts;
	int64_t report_ms; /* when the host may be told of it again */

	struct quirks quirks;
	struct server_offer *offer; /* open, not over; NULL none */
	unsigned offers; /* that point here, over ones as well */
	struct server_ask ask;

	unsigned wants;
	enum server_lane lane;
	int64_t lane_ms;       /* since when it waits there */
	int64_t not_before_ms; /* next block */

	/* Reading its attributes. */
	unsigned basic_tries;
	int64_t basic_ms;
	uint8_t check_in_tsn, check_in_len;
	uint8_t check_in_reply[SERVER_REPLY_MAX];
	bool fast_poll;

	unsigned tokens; /* thousandths of a request */
	int64_t tokens_ms;
	int64_t paced_ms; /* of its quick answers: see server_queue.c */
	uint16_t air_percent; /* what its frames cost against the estimate */
};

enum server_phase {
	PHASE_HEADER,
	PHASE_OPEN,
	PHASE_TRANSFER,
	PHASE_FINISH,
	PHASE_PROVE,
	PHASE_OVER,
};

struct server_page {
	bool on;
	uint8_t tsn, max_data, reply_len;
	uint8_t reply[SERVER_REPLY_MAX];
	uint16_t spacing_ms;
	struct ota_key key;
	uint32_t offset, end;
};

/* A block on its way from the host's image into a frame. */
struct server_load {
	bool asked;   /* NEED_IMAGE is out */
	bool ready;   /* the frame is complete */
	bool page;
	uint32_t offset;
	uint8_t len, got;
	uint8_t data[SERVER_BLOCK_MAX];
	uint32_t reserved_us;
};

struct server_offer {
	struct server_offer *prev, *next; /* by age, the oldest first */
	struct server_offer *in_bucket, *next_report, *next_need, *next_place;
	struct server_peer *peer;
	uint64_t job;
	enum engine_goal goal;
	enum server_phase phase;
	int reached;
	unsigned failed; /* attempts that came to nothing, of earlier runs too */
	unsigned granted; /* bit of each stage that was given GO */
	bool stage_open;  /* announced, no GO yet */
	enum engine_stage stage;
	bool allow_downgrade;
	uint64_t image_len;
	bool suits; /* it is for this device as far as that has told */
	unsigned misses; /* queries for another type since one for its own */
	int64_t asked_ms; /* its version, for that */
	unsigned asked_count;
	bool has_expect;
	uint32_t expect;
	uint32_t return_ms; /* of the class; 0: by quirk */
	struct server_class_options options;
	struct ota_file file;
	uint8_t *head; /* HEADER: the prefix of the file */
	size_t head_len, head_got;
	bool head_asked;

	/* Places and notifies. */
	uint64_t age;
	bool has_place, place_sleepy;
	bool called; /* the place is held for a device that is being notified */
	bool ending; /* it will soon be free */
	bool parked; /* sent away since it had no place */
	bool asked;  /* the device has asked for something */
	bool unheard; /* and for nothing since GO(transfer), which came late */
	int64_t call_until_ms, parked_until_ms, notify_ms, broadcast_ms;
	unsigned notifies, broadcasts, parks;

	/* The transfer. */
	bool served;
	int64_t first_ms; /* of its blocks */
	uint32_t first_offset;
	bool has_all; /* the last block went out */
	int64_t heard_ms; /* last request, or the end of a wait */
	uint32_t told_progress;
	int64_t progress_ms;
	unsigned failures; /* of the radio, in a row */
	bool fallback;
	struct server_load load;
	struct server_page page;

	/* End and proof. */
	bool told_to_wait;
	bool has_before;
	uint32_t before; /* the version that it ran */
	bool announced; /* it restarted, or speaks as after a restart */
	bool has_seen;
	uint32_t seen; /* a version that is not the wanted one */
	int64_t seen_ms, end_ms, return_at_ms, read_ms;
	unsigned reads, ends;

	enum engine_wait wait, told_wait;
	int64_t wait_until_ms;
	uint64_t progress;
	bool tell_facts, tell_progress, tell_stage, tell_wait, tell_result;
	bool in_reports, in_needs;
	enum engine_outcome outcome;
	struct engine_failure failure;
};

struct server_tx {
	uint64_t id; /* 0: free */
	struct server_peer *peer; /* NULL: forgotten, or a broadcast */
	unsigned want;
	bool block; /* with data */
	uint32_t estimate_us;
};

struct server_table {
	char source[SERVER_SOURCE_SIZE];
	struct quirk_table *table;
};

struct server {
	struct server_options options;
	bool up;
	size_t max_payload; /* 0: no limit known */
	int64_t up_ms;
	uint8_t tsn;
	char group[SERVER_KEY_SIZE]; /* "" none */

	struct server_peer *buckets[SERVER_BUCKETS];
	size_t peer_count;
	struct keep keep; /* who is forgotten when there is no room */
	struct server_peer **heap; /* from 1 on */
	size_t heap_count;

	struct server_offer *first, *last;
	struct server_offer *job_buckets[SERVER_BUCKETS];
	size_t offer_count;
	uint64_t offers_made;
	size_t places, sleepy_places; /* in use */
	size_t ending; /* of `places` */
	size_t parked; /* offers */
	struct server_offer *placed; /* who has one, in no order */
	bool look;       /* places or offers changed: who is next? */
	int64_t look_ms; /* the same, later */
	struct server_offer *first_need, *last_need; /* of image bytes */
	uint64_t refused[SERVER_REFUSED_MAX]; /* jobs that found no room */
	size_t refused_count;

	struct server_list lanes[LANES];
	struct server_list peer_reports;
	struct server_offer *first_report, *last_report;
	bool broadcast_due;
	uint8_t broadcast_jitter;
	struct ota_key broadcast_key;

	bool limited; /* airtime */
	uint32_t left_us, reserved_us;
	uint32_t wanted_us; /* that must be left for what is held; 0: nothing */
	int64_t aged_ms; /* a sleepy child had its turn last */
	bool quick_last; /* and the last turn was none of a block */
	struct server_tx tx[SERVER_WINDOW_MAX];
	unsigned tx_open;
	uint64_t tx_count;

	struct quirk_table *built_in, *local;
	struct server_table vendors[SERVER_VENDORS_MAX];
	size_t vendor_count;

	struct zigbee_ota_counts counts;
	uint8_t scratch[ZCL_ASDU_MAX];
	struct engine_facts facts;
	char numbers[4][12]; /* numbers of the PEER command */
	struct engine_attribute attributes[ENGINE_PEER_ATTRIBUTES];
	struct server_offer *shown; /* its result was taken; freed next time */
};

/* ---- server_timers.c: a heap of peers by the time they are looked at ---- */

/* Room for every peer: 0 or -ENOMEM. */
int server_timers_init(struct server *s);
void server_timers_done(struct server *s);
/* Looks at the peer at `at_ms` or earlier. */
void server_wake(struct server *s, struct server_peer *p, int64_t at_ms);
void server_wake_drop(struct server *s, struct server_peer *p);
/* Takes the next peer whose time has come; NULL when there is none. */
struct server_peer *server_wake_next(struct server *s, int64_t now_ms);
int64_t server_wake_first(const struct server *s);

/* ---- server_peers.c ---- */

/* NULL: the key is no key, there is no room, or (`make` false) not known. */
struct server_peer *server_peer(struct server *s, struct bytes key, bool make);
void server_peers_done(struct server *s);
/* An event of the driver. */
void server_peer_event(struct server *s, const struct engine_event *e,
	int64_t now_ms);
void server_peer_heard(struct server *s, struct server_peer *p,
	int64_t now_ms);
/* How much is it worth? To be called when its offers or `known` changed, and
 * when it was heard. */
void server_peer_settle(struct server *s, struct server_peer *p);
/* It is no made-up address. */
void server_peer_proven(struct server *s, struct server_peer *p,
	int64_t now_ms);
/* Applies the tables anew: what it told, or a table, changed. */
void server_peer_quirks(struct server *s, struct server_peer *p);
void server_quirks_event(struct server *s, const struct engine_event *e);
/* News of a peer, told to the host now or, where it has just been told some,
 * in a few seconds. */
void server_tell_peer(struct server *s, struct server_peer *p, int64_t now_ms);
void server_tell_facts(struct server *s, struct server_peer *p,
	int64_t now_ms);
int64_t server_report_due(const struct server_peer *p);
void server_report_tick(struct server *s, struct server_peer *p,
	int64_t now_ms);
bool server_next_peer_report(struct server *s, int64_t now_ms,
	struct engine_command *ret);
void server_fill_facts(const struct server_peer *p, struct engine_facts *ret);

/* At the end. */
void server_list_add(struct server_list *l, struct server_peer *p,
	size_t hook);
void server_list_remove(struct server_list *l, struct server_peer *p,
	size_t hook);
#define HOOK(name) offsetof(struct server_peer, name)

/* ---- server_queue.c ---- */

/* Puts the peer into the lane of its most urgent want, or out of all. */
void server_queue(struct server *s, struct server_peer *p, int64_t now_ms);
/* WANT_* bits that are sent to the peer in its turn, or are not any more. */
void server_want(struct server *s, struct server_peer *p, unsigned wants,
	int64_t now_ms);
void server_unwant(struct server *s, struct server_peer *p, unsigned wants,
	int64_t now_ms);
/* The next frame that window and airtime let go; false: none now. What it would
 * need, where airtime is short, is in `wanted_us` then. */
bool server_next_tx(struct server *s, int64_t now_ms,
	struct engine_command *ret);
/* When the answer that the peer has coming may go. */
int64_t server_answer_due(const struct server_peer *p);
/* ENGINE_SENT, ENGINE_BUDGET and ENGINE_DOWN. */
void server_sent(struct server *s, const struct engine_event *e,
	int64_t now_ms);
void server_budget(struct server *s, const struct engine_event *e);
void server_queue_down(struct server *s);
/* The reserve of a block that will not be sent. */
void server_unload(struct server *s, struct server_offer *o);
/* Frames of a forgotten peer are nobody's. */
void server_queue_forget(struct server *s, const struct server_peer *p);

/* ---- server_serve.c ---- */

/* A command of the OTA Upgrade cluster from a client: answered now, or held until
 * it can be (ZCL revision 8, chapter 11). */
void server_take_ota(struct server *s, struct server_peer *p,
	const struct zcl_header *h, struct bytes payload, struct bytes reply,
	int64_t now_ms);
/* It was told to wait with its upgrade while nobody knew with which, and has
 * asked for nothing since: it goes on from there. */
void server_take_up_end(struct server *s, struct server_offer *o,
	int64_t now_ms);
/* The device ends a transfer that came to nothing, for the reason `status`. */
void server_gave_up(struct server *s, struct server_offer *o, uint8_t status,
	int64_t now_ms);
/* Decides about the request that is held, if it can be decided. */
void server_judge(struct server *s, struct server_peer *p, int64_t now_ms);
/* A frame that is no request of the cluster: default response, unsupported. */
void server_refuse(struct server *s, struct server_peer *p,
	const struct zcl_header *h, struct bytes reply, int64_t now_ms);
/* When a request that is held, or waits for airtime, is looked at again, and
 * that look. ENGINE_NEVER: not by the clock. */
int64_t server_ask_due(const struct server *s, const struct server_peer *p);
void server_ask_tick(struct server *s, struct server_peer *p, int64_t now_ms);
/* The next block of a page follows. */
void server_page_next(struct server *s, struct server_peer *p,
	int64_t now_ms);
/* Most bytes of data in a block for this request. */
uint8_t server_block_len(const struct server *s, const struct server_peer *p,
	uint32_t offset, uint8_t max_data, uint32_t end);
/* The answer that the peer has coming, into ZCL_ASDU_MAX bytes; its length. */
size_t server_write_answer(struct server *s, struct server_peer *p,
	uint8_t *at);
/* These bytes of its image went to the device. */
void server_block_sent(struct server *s, struct server_peer *p,
	uint32_t offset, uint8_t len, int64_t now_ms);

/* ---- server_offer.c ---- */

/* ENGINE_OFFER: a fresh run of its job, whatever went before. One that nothing
 * can be kept of is told of as refused. */
void server_offer(struct server *s, const struct engine_event *e,
	int64_t now_ms);
void server_offers_done(struct server *s);
/* NULL: there is none, or its result was taken. */
struct server_offer *server_offer_of(struct server *s, uint64_t job);
/* ENGINE_IMAGE, ENGINE_GO and ENGINE_WITHDRAW. */
void server_image(struct server *s, const struct engine_event *e,
	int64_t now_ms);
void server_go(struct server *s, const struct engine_event *e, int64_t now_ms);
void server_withdraw(struct server *s, const struct engine_event *e,
	int64_t now_ms);
/* Announces the stage unless it was granted; true: it was. */
bool server_stage(struct server *s, struct server_offer *o,
	enum engine_stage stage);
/* The outcome of the offer, once; its peer is free for the next at once. */
void server_end(struct server *s, struct server_offer *o,
	enum engine_outcome outcome, int64_t now_ms);
/* The same as ENGINE_FAILED, with a code, the name of the step and a hint. */
void server_fail(struct server *s, struct server_offer *o, int code,
	const char *step, int64_t now_ms, const char *hint, ...)
	__attribute__((format(printf, 6, 7)));
/* The device has the image up to `offset`; told as often as people can see. */
void server_progress(struct server *s, struct server_offer *o,
	uint32_t offset, int64_t now_ms);
/* What it waits for, and until when; ENGINE_NEVER: nobody knows. */
void server_set_wait(struct server *s, struct server_offer *o,
	enum engine_wait wait, int64_t until_ms);
/* The offer has something to tell (its tell_*), and what is told next; false:
 * nothing. */
void server_report(struct server *s, struct server_offer *o);
bool server_next_offer_report(struct server *s, struct engine_command *ret);
/* The result was taken: frees the offer. */
void server_offer_over(struct server *s, struct server_offer *o);
/* When a call, a place or a silence ends, and that end. */
int64_t server_offer_due(const struct server *s, const struct server_offer *o);
void server_offer_tick(struct server *s, struct server_offer *o,
	int64_t now_ms);
/* The next ENGINE_CMD_NEED_IMAGE; false: no more bytes are needed now. */
bool server_next_need(struct server *s, struct engine_command *ret);

/* ---- server_suits.c ---- */

enum server_suit {
	SUIT_YES,
	SUIT_NO,      /* the offer has ended */
	SUIT_UNKNOWN, /* the device is being asked what it runs */
	SUIT_SILENT,  /* it does not say: it shall query */
};

/* Does the image suit what the device said in a query? False: the offer has
 * ended. */
bool server_suits(struct server *s, struct server_offer *o, int64_t now_ms);
/* The same of a device that did not query: what is known of it counts. */
enum server_suit server_suits_unasked(struct server *s,
	struct server_offer *o, int64_t now_ms);
/* Manufacturer and type are those of the image. */
bool server_fits_type(const struct server_offer *o, const struct ota_key *key);
/* The device told this key: false when that is of an image other than the one
 * that it is known by, which the offer is for. */
bool server_takes_key(struct server_peer *p, const struct ota_key *key);
/* Its last query was for such an image. */
bool server_is_other_image(const struct server_peer *p,
	const struct ota_key *key);
/* It asked for an image, which counts for the open offer. */
void server_note_query(struct server_peer *p, const struct ota_key *key);
/* It is known by an image of the same maker and another type, and may have the
 * one of the offer beside it: what it told says nothing about the job. */
bool server_may_have_both(const struct server_peer *p);
/* The offer knows its file: which of the device's images is it for? True when
 * the device is known by another one from now on. */
bool server_choose_key(struct server_peer *p);

/* ---- server_turns.c ---- */

/* Takes a place for a device that asks now; false: all are taken. */
bool server_admit(struct server *s, struct server_offer *o, int64_t now_ms);
/* How long, by the pace so far, until one of the downloads is through;
 * ENGINE_NEVER: nobody can tell. */
int64_t server_place_in(const struct server *s, int64_t now_ms);
/* Gives its place on. */
void server_release(struct server *s, struct server_offer *o);
/* The device is sent away for lack of a place, or is not any more. */
void server_park(struct server *s, struct server_offer *o, bool parked);
/* A block went out: the next one may be called when few are left. */
void server_place_moved(struct server *s, struct server_offer *o,
	int64_t now_ms);
/* Calls who is next, when there are places. */
void server_look(struct server *s, int64_t now_ms);
/* The device was lost and is back: notify it soon, and often at first. */
void server_call_again(struct server *s, struct server_offer *o,
	int64_t now_ms);
/* An Image Notify went to it alone. */
void server_notify_sent(struct server *s, struct server_offer *o,
	int64_t now_ms);
/* One to all, into ZCL_ASDU_MAX bytes; its length. */
size_t server_write_broadcast(struct server *s, uint8_t *at);

/* ---- server_learn.c ---- */

/* A command that all clusters have, of a channel of ours: what the device reads
 * to us of itself, and what it refuses (ZCL revision 8, chapter 2). */
void server_take_foundation(struct server *s, struct server_peer *p,
	unsigned channel, const struct zcl_header *h, struct bytes payload,
	struct bytes reply, int64_t now_ms);
/* A frame of Poll Control: of those only Check-in is for us. */
void server_take_poll(struct server *s, struct server_peer *p,
	const struct zcl_header *h, struct bytes reply, int64_t now_ms);
/* A Query: the running version of the device. */
void server_learn_query(struct server *s, struct server_peer *p,
	const struct ota_request *r, int64_t now_ms);
/* It is asked for its Basic attributes at this time, unless they are known or
 * it was asked in vain; and that question. */
void server_learn_later(struct server *s, struct server_peer *p,
	int64_t at_ms);
void server_learn_tick(struct server *s, struct server_peer *p,
	int64_t now_ms);
/* Read Attributes of Basic (WANT_BASIC) or of OTA Upgrade, into ZCL_ASDU_MAX
 * bytes; its length. */
size_t server_write_read(struct server *s, unsigned want, uint8_t *at);

/* ---- server_prove.c ---- */

/* The End Response that lets the device restart has gone out. */
void server_prove_begin(struct server *s, struct server_offer *o,
	int64_t now_ms);
/* The device told which version it runs. `itself`: by a Query of its own. */
void server_prove_version(struct server *s, struct server_offer *o,
	uint32_t version, bool itself, int64_t now_ms);
/* It joined anew: it may have restarted. */
void server_prove_announced(struct server *s, struct server_offer *o,
	int64_t now_ms);
/* The device may have the image, and is not heard any more. */
void server_prove_silent(struct server *s, struct server_offer *o,
	int64_t now_ms);
/* When it is asked again, or given up, and that. */
int64_t server_prove_due(const struct server_offer *o);
void server_prove_tick(struct server *s, struct server_offer *o,
	int64_t now_ms);
/* A device that does not tell its attributes will tell its version by a Query:
 * no need to read again. */
void server_read_refused(struct server_offer *o, int64_t now_ms);
/* The way to the device is gone. An inventory ends, for it is repeated by who
 * wants it; other offers stand. */
void server_inventory_lost(struct server *s, struct server_offer *o,
	int64_t now_ms);
/* A read of its version went out. */
void server_read_sent(struct server *s, struct server_offer *o,
	int64_t now_ms);

/* ---- server.c ---- */

/* The device, or nobody, could be heard for a while: clocks that count silence
 * begin anew, and what got lost meanwhile is sent again. */
void server_resume(struct server *s, struct server_offer *o, int64_t now_ms);
/* Looks when the peer has to be looked at next. */
void server_rearm(struct server *s, struct server_peer *p, int64_t now_ms);

static inline bool server_is_update(const struct server_offer *o)
{
	return o && o->goal == ENGINE_GOAL_UPDATE && o->phase != PHASE_OVER;
}

/* A sleepy child listens for a moment after it has spoken. */
#define SERVER_AWAKE_MS 3000

static inline bool server_is_awake(const struct server_peer *p,
	int64_t now_ms)
{
	return !p->sleepy || (p->heard &&
		now_ms - p->heard_ms <= SERVER_AWAKE_MS);
}

static inline int64_t server_sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

#endif
