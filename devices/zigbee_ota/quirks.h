/* What is known about how particular devices misbehave, as data.
 *
 * A table is text, one row a line: `match... : setting...`, for example
 *
 *   manufacturer=0x1021 : block_max=64 finish_s=1800
 *   manufacturer=0x117a|0x1135|0x112e : block_max=40
 *   model="TRV*" type=0x2000..0x20ff : last_block_s=3600
 *
 * with # for comments. All of a row's matches must hold; `|` separates what one
 * may be; texts may have `*` in any place, and "*" alone also takes what is not
 * known. docs/zigbee.md lists every word. Three tables count, the later wins
 * setting by setting: what is built in, the operator's local file, the one
 * signed with a vendor's catalog. A table is parsed once, is then read-only, and
 * may be shared by threads. */
#ifndef FERRY_DEVICES_ZIGBEE_OTA_QUIRKS_H
#define FERRY_DEVICES_ZIGBEE_OTA_QUIRKS_H

#include "devices/zigbee_ota/zcl.h"

#define QUIRKS_TEXT_MAX (64u << 10)
#define QUIRKS_ROWS_MAX 512
#define QUIRKS_LINE_MAX 512
#define QUIRKS_ALTERNATIVES_MAX 16 /* of one row, all its matches together */

/* What rows are matched against; 0xffff and "" are unknown. */
struct quirk_subject {
	uint16_t manufacturer;
	uint16_t type;
	bool has_version;
	uint32_t version;
	char model[33];             /* Basic, ModelIdentifier */
	char manufacturer_name[33]; /* Basic, ManufacturerName */
};

/* How the server behaves towards a device. All times in ms unless they say
 * otherwise. */
struct quirks {
	uint8_t block_max;        /* most data bytes in a block response: 50 */
	uint8_t block_min;        /* never fewer where the image has more: 1 */
	uint8_t block_fallback;   /* after repeated failures of the radio: 40 */
	uint16_t block_delay_ms;  /* between two answers to this device: 0 */
	bool ack_blocks;          /* ask for the APS acknowledgement: no */
	bool pages;               /* page requests are served: yes */
	bool honours_wait;        /* WAIT_FOR_DATA is obeyed: yes */
	uint16_t wait_s;          /* how long it is sent away for: 60 */
	uint32_t idle_s;          /* silence in mid-transfer before the attempt
				   * is given up: 300 */
	uint32_t finish_s;        /* silence after the last block, until
				   * Upgrade End or the restart: 3600 */
	uint32_t return_s;        /* restart until it is heard again: 600 */
	bool no_end;              /* sends no Upgrade End: version tells: no */
	bool ignore_malformed;    /* goes on after a Default Response 0x80:
				   * yes, for everybody */
	bool any_key;             /* asks with another manufacturer, type or
				   * version than the image has: no */
	bool restarts_at_zero;    /* loses its place after one lost answer:
				   * blocks are acknowledged and repeated for
				   * longer: no */
	bool upgrade_now;         /* End Response says 0 instead of 1 s: no */
	uint8_t attempts_max;     /* transfers that end without the version,
				   * before the job fails: 3 */
	bool refuses_downgrade;   /* lower versions are useless: no */
	bool lower_is_newer;      /* numbers do not rise: no */
	bool broadcast;           /* may be notified by broadcast: yes */
};

void quirks_init(struct quirks *q);

struct quirk_table;

/* Parses a table. 0, or ERR_QUIRKS_FORM, ERR_QUIRKS_WORD, ERR_QUIRKS_VALUE,
 * ERR_TOO_LARGE, -ENOMEM; the fault's field is the word at fault, its offset the
 * byte where that line begins. An empty text is an empty table. */
int quirk_table_read(struct bytes text, struct quirk_table **ret,
	struct fault *f);
/* The number of the line that such a fault is about; 0: about the whole. */
unsigned quirk_table_line(struct bytes text, const struct fault *f);
void quirk_table_free(struct quirk_table *t);
size_t quirk_table_rows(const struct quirk_table *t);

/* The table that is built in. */
const char *quirks_built_in(void);

/* The rows in the `quirks` of a catalog, which are a CBOR map from the name of an
 * engine to what that one reads: here text, behind "zigbee-ota". `ret_rows` is a
 * view into `quirks`, empty when the map has none of ours; it is not parsed.
 * 0, or ERR_CBOR_*, ERR_TOO_LARGE. */
int quirks_of_catalog(struct bytes quirks, struct bytes *ret_rows,
	struct fault *f);

/* Applies every row of `t` (NULL: none) that fits, in their order. */
void quirk_table_apply(const struct quirk_table *t,
	const struct quirk_subject *subject, struct quirks *q);

#endif
