/* One instance of the serial driver, for its own files.
 *
 *   port   ABSENT -> LOOK -> OPENING -> FRESH -> LINED -> BOOTING -> READY
 *            ^---------------------------(lost, or not there)-----------'
 *          a borrowed port rests in IDLE instead of READY while no link wants it
 *   link   NONE -> WANTED -> JOINING -> UP -> LEAVING -> PARTING -> NONE
 *
 * Every entry point changes what it must and then calls serial_advance(), which
 * takes steps until something has to be waited for. Host functions only record,
 * so all of this may complete requests wherever it is. */
#ifndef FERRY_SERIAL_PORT_H
#define FERRY_SERIAL_PORT_H

#include "transports/serial/lines.h"
#include "transports/serial/ports.h"
#include "transports/serial/serial.h"
#include "transports/serial/settings.h"

#define SERIAL_WINDOW 8u
#define SERIAL_PAYLOAD 32768u /* a whole request of any engine */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000
#define LEAVE_DRAIN_MS 500

enum port_kind { PORT_PATH, PORT_USB, PORT_TCP };

enum port_state {
	PORT_ABSENT, /* looked for again when the phase timer runs out */
	PORT_LOOK,
	PORT_OPENING, /* the host was asked */
	PORT_FRESH,   /* open and set up */
	PORT_LINED,   /* its lines have been moved */
	PORT_BOOTING, /* the board behind it has its time */
	PORT_READY,
	PORT_IDLE, /* borrow: there, and not opened */
};

enum serial_link {
	SERIAL_NONE_YET,
	SERIAL_WANTED,
	SERIAL_JOINING,
	SERIAL_UP,
	SERIAL_LEAVING,
	SERIAL_PARTING,
};

enum serial_timer { TIMER_PHASE = 1, TIMER_DRAIN, TIMER_SCAN, TIMER_COUNT };

struct out {
	uint64_t token;
	uint64_t end; /* of its last byte, in all bytes ever written */
	uint8_t *rest; /* what has not been written; NULL when all has */
	uint32_t rest_len;
	uint32_t rest_at;
	uint32_t done;
	uint32_t until;
	bool held; /* came after a set that has not been done */
};

struct serial {
	const struct ferry_host *host;
	struct ferry_owner *owner;

	char *target; /* the setting `port` */
	enum port_kind kind;
	struct serial_port *want; /* PORT_USB, else NULL */
	char key[FERRY_KEY_MAX + 1];
	struct serial_settings base;
	struct serial_settings now;
	struct lines open_lines, connect_lines, leave_lines, set_lines;
	uint32_t boot_wait_ms;
	bool borrow, hotplug, low_latency;

	enum port_state port;
	enum serial_link state;
	int fd;
	int watch;
	int timers[TIMER_COUNT];
	uint64_t open_request; /* counts; the last one asked for */
	char path[256];	       /* where it was found */
	struct serial_saved saved;
	uint32_t retry_ms;
	bool announced, absence_told, lines_warned, frame_warned;

	const struct lines *run; /* being carried out */
	uint32_t run_at;
	bool pausing;

	uint64_t start_token, scan_token, connect_token, disconnect_token;
	uint64_t set_token;
	bool set_running;
	struct serial_settings set_settings;
	uint64_t link;
	struct serial_settings link_settings;
	uint64_t leave_by_us;

	struct out out[SERIAL_WINDOW];
	uint32_t out_count;
	uint64_t written; /* bytes ever given to this descriptor */

	uint64_t bytes_in, bytes_out, bytes_discarded, opens, losses;
};

/* serial.c */
void serial_complete(struct serial *s, uint64_t *token, int status,
	const char *key, const char *text);
void serial_log(struct serial *s, uint32_t level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void serial_timer(struct serial *s, enum serial_timer timer, int64_t ms);

/* port.c */
void serial_advance(struct serial *s);
void serial_lose(struct serial *s, int status);
void serial_close_port(struct serial *s);
void serial_end_link(struct serial *s);
void serial_announce(struct serial *s);
void serial_opened(struct serial *s, uint64_t request, int result, int fd);
void serial_phase_over(struct serial *s);
void serial_read(struct serial *s, bool hangup);

/* out.c */
void serial_out_write(struct serial *s);
/* Completes what has got as far as it was asked to. */
void serial_out_check(struct serial *s);
/* Nothing is on its way but what waits for a set. */
bool serial_out_is_empty(struct serial *s);
/* Lets go what waited for a set. */
void serial_out_release(struct serial *s);
int serial_out_add(struct serial *s, uint64_t token, const struct ferry_send *send);
void serial_out_cancel(struct serial *s, uint64_t token);
void serial_out_end(struct serial *s, int status);

#endif
