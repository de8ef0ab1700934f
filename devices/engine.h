/* The seam between an update protocol and everything else: a sans-I/O engine.
 *
 * An engine turns events (what came over the link, what the relay decided, what
 * time it is) into commands (what to send, which bytes of the image it needs,
 * what it wants to do next). It owns no loop, no clock, no disk, no socket: the
 * host feeds one event with ops->event(), then takes commands with ops->next()
 * until it returns 0, then arms one timer for ops->deadline() and delivers
 * ENGINE_TIME when it fires.
 *
 * Protocol time-outs, retries, windows and device quirks live in the engine.
 * Deadlines of requests to a driver, airtime and NOT_NOW live in the relay.
 *
 * Steps that change a device are announced, not taken: the engine emits
 * ENGINE_CMD_STAGE and goes on only after ENGINE_GO for that stage. Between the
 * two the host commits the new job state, repeats its checks and waits for its
 * gates (a window, an approval, the confirm rule).
 *
 * An engine of scope `network` is bound to a whole radio for the life of a link
 * and answers every peer, also those that no job is about. There an OFFER names
 * its peer, several offers are open at a time (one a peer), each known by its
 * `job`, and what is learned about a peer comes as ENGINE_CMD_FACTS with that
 * peer whether or not a job asked. It keeps within ENGINE_BUDGET by itself: it
 * subtracts the airtime that it states with each TX from what it was told last.
 *
 * All pointers in events and commands are borrowed: of an event until
 * event() returns, of a command until the next call on the engine. Times are
 * monotonic milliseconds. One thread. */
#ifndef FERRY_DEVICES_ENGINE_H
#define FERRY_DEVICES_ENGINE_H

#include "base/bytes.h"
#include "base/err.h"

struct engine; /* opaque; the ops below know what it is */
struct device_class; /* devices/class.h */

enum engine_goal {
	ENGINE_GOAL_INVENTORY, /* read identity, versions, state; write nothing */
	ENGINE_GOAL_UPDATE,    /* bring the image on, as far as GO allows */
};

/* What an engine finds out about a device. Text is NUL-terminated printable
 * ASCII; "" is unknown. */
struct engine_facts {
	char version[40];       /* of the running image */
	uint8_t hash[64];       /* the device's own digest of the running image */
	uint8_t hash_len;       /* 0: the device does not tell */
	char other_version[40]; /* of the other slot */
	uint8_t other_hash[64];
	uint8_t other_hash_len;
	int8_t confirmed;       /* 1, 0; -1 unknown */
	int8_t pending;         /* other slot is tried at next boot; -1 unknown */
	int8_t can_revert;      /* 1, 0; -1 unknown */
	int8_t can_resume;
	int8_t can_prove;
	char mode[24];          /* bootloader mode: "swap", "overwrite-only" */
	char hw_revision[24];
	uint16_t exchanges;     /* successful ones since the last restart seen */
};

/* The image to install. Bytes come by ENGINE_CMD_NEED_IMAGE. */
struct engine_image {
	uint64_t len;
	uint8_t sha256[32]; /* of the whole file, already verified */
	char version[40];   /* expected after the update; "" unknown */
	uint8_t hash[64];   /* `expect`: what the device will report */
	uint8_t hash_len;   /* 0: no digest to expect */
	uint32_t slot;      /* of the class: image number or component slot */
};

enum engine_stage {
	ENGINE_STAGE_TRANSFER, /* first write */
	ENGINE_STAGE_STAGED,   /* all bytes there and checked by the device */
	ENGINE_STAGE_ACTIVATE, /* about to mark the image for the next boot */
	ENGINE_STAGE_RESTART,  /* marked; about to restart the device, once */
	ENGINE_STAGE_CONFIRM,  /* new image runs, is healthy; about to confirm */
};

/* Stages come in this order, but an engine leaves out those that the device is
 * past already. RESTART stands apart from ACTIVATE because marking may be
 * repeated and restarting may not: a job that had RESTART committed and finds
 * its image unmarked in the other slot was reverted. */
#define ENGINE_STAGE_NONE (-1)

/* Why an open job does not move, as people see it. Not persisted. */
enum engine_wait {
	ENGINE_WAIT_NONE,
	ENGINE_WAIT_WAKE,    /* the device sleeps: until it speaks */
	ENGINE_WAIT_TURN,    /* others are being served: admission */
	ENGINE_WAIT_AIRTIME, /* the radio's budget is used up */
	ENGINE_WAIT_DEVICE,  /* has all, is known to take its time */
};

/* What a network engine found out about a peer by what it said; complete, the
 * last one counts. It is offered to `match` of classes beside what the driver
 * reports; names must not be those of the driver. */
#define ENGINE_PEER_ATTRIBUTES 12

struct engine_attribute {
	const char *name;
	const char *value; /* printable ASCII */
};

struct engine_peer {
	const char *key;
	const struct engine_attribute *attributes;
	size_t attribute_count; /* at most ENGINE_PEER_ATTRIBUTES */
	/* It answered a question or took a frame: no made-up address, which
	 * anybody on the air can speak under. */
	bool proven;
	/* No ENGINE_PEER told of it, or the engine had no room to remember: it
	 * wants to be told (again) if the host knows the peer. */
	bool untold;
};

enum engine_outcome {
	ENGINE_DONE,       /* read back: version and, where possible, digest */
	ENGINE_UNVERIFIED, /* went well, but no read-back proves it */
	ENGINE_FAILED,     /* see `failure` */
	ENGINE_WITHDRAWN,  /* stopped at a safe point: by ENGINE_WITHDRAW, or
			    * since nothing had begun; no attempt */
};

/* Why something failed, or what is being waited for. */
struct engine_failure {
	int code;               /* ERR_* or -errno; its class tells of retry */
	const char *step;       /* static text: "upload", "test", "read-back" */
	uint64_t offset;        /* device's offset, 0 if it makes no sense */
	char device_status[64]; /* the device's own words: "rc=6 bad state" */
	char hint[128];         /* what a person can do */
};

enum engine_event_type {
	ENGINE_UP,       /* link is there: payload size, security */
	ENGINE_DOWN,     /* link is gone; the engine keeps its job */
	ENGINE_OFFER,    /* start a job: goal, image */
	ENGINE_WITHDRAW, /* stop the job at the next safe point; answer RESULT */
	ENGINE_RX,       /* bytes or a datagram arrived */
	ENGINE_SENT,     /* a TX ended: status, level */
	ENGINE_IMAGE,    /* bytes of the image asked for, or an error */
	ENGINE_GO,       /* the announced stage may be done now */
	ENGINE_BUDGET,   /* airtime that may be used from now on */
	ENGINE_TIME,     /* the deadline has come */
	ENGINE_PEER,     /* network scope: a peer came, changed or went */
	ENGINE_QUIRKS,   /* network scope: a table of device quirks */
};

struct engine_event {
	enum engine_event_type type;
	union {
		struct {
			size_t max_payload; /* bytes of a datagram; stream: 0 */
			int security;       /* FERRY_SECURITY_* of transport.h */
		} up;
		struct {
			uint64_t job;
			enum engine_goal goal;
			const struct engine_image *image; /* NULL: inventory */
			/* The last stage that an earlier run of this job was
			 * given GO for, as committed; ENGINE_STAGE_NONE (-1)
			 * in a job's first run. */
			int reached;
			/* Runs of this job that came to nothing so far. */
			unsigned failed;
			/* How long the device may stay away after a restart,
			 * by its class; 0: the engine's own preset. An option
			 * of the engine is more particular and wins. */
			uint32_t return_ms;
			/* Words of the line that restart the device (LINE);
			 * "" or NULL: the protocol's own way. Lives as long
			 * as the engine. */
			const char *reset_line;
			/* Network scope only, else NULL or false. The job of
			 * an inventory is a number of its own there. */
			const char *peer;    /* key of the peer */
			const char *options; /* of its class, checked */
			bool allow_downgrade; /* a person ordered it */
		} offer;
		struct {
			uint64_t job;
		} withdraw;
		struct {
			struct bytes peer;  /* empty on a link with one peer */
			uint32_t channel;
			struct bytes reply; /* opaque, handed back in TX */
			int security;
			int64_t at_us;
			struct bytes data;
		} rx;
		struct {
			uint64_t id;
			int status; /* 0 or an error of the transport */
			int level;  /* FERRY_LEVEL_* reached */
			int64_t at_us;
			uint32_t airtime_us;
			uint32_t retry_after_ms;
		} sent;
		struct {
			uint64_t job;
			uint64_t offset;
			int status;        /* 0 or why the bytes cannot be had */
			struct bytes data; /* maybe less than asked for, never empty */
		} image;
		struct {
			uint64_t job;
			enum engine_stage stage;
			/* CONFIRM only: do not confirm (the rule says never),
			 * read back once more and end. */
			bool skip;
		} go;
		struct {
			/* Replaces what was left. UINT32_MAX: no limit. */
			uint32_t airtime_us;
		} budget;
		struct {
			const char *key;
			bool gone;
			bool sleepy; /* listens only now and then */
			bool group;  /* many devices: broadcast */
			bool joined; /* it has just announced itself: it may
				      * have restarted */
		} peer;
		struct {
			/* "" the local file, else a vendor. Replaces what came
			 * from there; rows of vendors win over local ones, and
			 * these over what is built in. */
			const char *source;
			struct bytes rows; /* the engine's own format */
		} quirks;
	};
};

enum engine_command_type {
	ENGINE_CMD_TX,         /* send */
	ENGINE_CMD_NEED_IMAGE, /* answer with ENGINE_IMAGE */
	ENGINE_CMD_LINE,       /* set the line: key=value text for transport set */
	ENGINE_CMD_RECONNECT,  /* the device restarts: follow it by class rule */
	ENGINE_CMD_PROGRESS,   /* the device holds `offset` bytes */
	ENGINE_CMD_FACTS,      /* something was learned about the device */
	ENGINE_CMD_STAGE,      /* wants to do `stage`; goes on at ENGINE_GO */
	ENGINE_CMD_RESULT,     /* the job is over; the engine is idle again */
	ENGINE_CMD_PEER,       /* network scope: what a peer is */
	ENGINE_CMD_WAIT,       /* network scope: why a job does not move */
};

struct engine_command {
	enum engine_command_type type;
	union {
		struct {
			struct bytes peer;
			uint32_t channel;
			struct bytes reply;
			uint64_t id; /* unique per engine, never 0 */
			int until;   /* FERRY_LEVEL_* wanted */
			struct bytes data;
			/* What it will cost, 0: not known. The relay charges it
			 * until `sent` tells the truth. */
			uint32_t airtime_us;
		} tx;
		struct {
			uint64_t job;
			uint64_t offset;
			size_t len;
		} need_image;
		struct {
			const char *text; /* "dtr=1 rts=0" */
		} line;
		struct {
			uint32_t within_ms; /* give up after this long */
			bool expect_down;   /* false: a link that stays is fine */
		} reconnect;
		struct {
			uint64_t job;
			uint64_t offset;
			uint64_t total;
		} progress;
		struct {
			uint64_t job;
			const struct engine_facts *facts;
			const char *peer; /* network scope: whose; job may be 0 */
		} facts;
		struct {
			uint64_t job;
			enum engine_stage stage;
			const struct engine_facts *facts;
		} stage;
		struct {
			uint64_t job;
			enum engine_outcome outcome;
			const struct engine_facts *facts;
			/* NULL unless FAILED or UNVERIFIED */
			const struct engine_failure *failure;
		} result;
		struct engine_peer peer;
		struct {
			uint64_t job;
			enum engine_wait wait;
			int64_t until_ms; /* ENGINE_NEVER: not known */
		} wait;
	};
};

#define ENGINE_NEVER INT64_MAX

/* One update protocol. Tables are static and live for ever. */
struct engine_ops {
	const char *name; /* "smp" */
	bool network;     /* scope: false device (bound by a job), true network */
	/* Another program carries it out (delegate.h of the relay): scope network,
	 * and nothing but what concerns classes is there. */
	bool delegate;

	/* Network scope: the channels that its link needs, in their order, as
	 * "key=value key=value" for connect() of the driver. */
	const char *const *channels;
	size_t channel_count;

	/* `options` is "key=value key=value" of the class file, checked here: an
	 * unknown key or bad value fails with a fault that names it. `ret` may
	 * be NULL to check options only. Network scope: these are the options of
	 * the link; those of a class come with its offers and are checked by
	 * class_options(). */
	int (*create)(const char *options, struct engine **ret,
		struct fault *f);
	int (*class_options)(const char *options, struct fault *f);
	/* (optional) What else a class says, beside the options: what makes no
	 * sense with this protocol is refused, with the setting as the fault's
	 * field. */
	int (*class_check)(const struct device_class *c, struct fault *f);
	/* Network scope: the names of the attributes that ENGINE_CMD_PEER may
	 * give (a delegate: all those of its devices), ending with NULL. A class
	 * whose `match` names others is refused. */
	const char *const *attributes;
	void (*destroy)(struct engine *e);

	void (*event)(struct engine *e, int64_t now_ms,
		const struct engine_event *event);

	/* Takes the next command; 1, or 0 when there is none. */
	int (*next)(struct engine *e, int64_t now_ms,
		struct engine_command *ret);

	/* When ENGINE_TIME is wanted; ENGINE_NEVER if not. */
	int64_t (*deadline)(const struct engine *e);

	/* Network scope: how much airtime, in microseconds, must be left for the
	 * next TX, as next() found when it gave no command; 0: it waits for
	 * none, and is told of its budget only where something else happens. */
	uint32_t (*wants_airtime)(const struct engine *e);
};

/* NULL when there is no engine of that name. */
const struct engine_ops *engine_find(const char *name);
/* Each of them, counted from 0; NULL behind the last. */
const struct engine_ops *engine_at(size_t i);

const char *engine_stage_name(enum engine_stage stage);
const char *engine_wait_name(enum engine_wait wait);
const char *engine_outcome_name(enum engine_outcome outcome);

#endif
