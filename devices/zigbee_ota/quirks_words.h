/* The words of quirk rows: what devices are matched by, and what can be set, as
 * two tables. For quirks.c, and for classes whose options are settings. No state; any thread. */
#ifndef FERRY_DEVICES_ZIGBEE_OTA_QUIRKS_WORDS_H
#define FERRY_DEVICES_ZIGBEE_OTA_QUIRKS_WORDS_H

#include "devices/zigbee_ota/quirks.h"

enum quirk_match {
	QUIRK_MATCH_MANUFACTURER,
	QUIRK_MATCH_TYPE,
	QUIRK_MATCH_VERSION,
	QUIRK_MATCH_MODEL,
	QUIRK_MATCH_MANUFACTURER_NAME,
};

/* 0 or -ENOENT. */
int quirk_match_find(struct bytes name, enum quirk_match *ret);

/* Reads one alternative: a number or LOW..HIGH, or a text, quoted or not.
 * `ret_text` is a view into `value`. 0 or -EINVAL: quirk_match_rule() says what
 * it should be. */
int quirk_match_read(enum quirk_match match, struct bytes value,
	uint32_t *ret_low, uint32_t *ret_high, struct bytes *ret_text);
const char *quirk_match_rule(enum quirk_match match);

/* Whether the subject is within an alternative. What is not known fits nothing
 * but the text "*". */
bool quirk_match_holds(enum quirk_match match, uint32_t low, uint32_t high,
	struct bytes text, const struct quirk_subject *s);

/* The word with this number, NULL behind the last. */
const char *quirk_match_name(size_t which);

#define QUIRK_SETTING_COUNT 20

const char *quirk_setting_name(size_t which);

/* 0 or -ENOENT. */
int quirk_setting_find(struct bytes name, size_t *ret);
/* 0 or -EINVAL: quirk_setting_rule() says what it should be. */
int quirk_setting_read(size_t which, struct bytes value, uint32_t *ret);
const char *quirk_setting_rule(size_t which, char *text, size_t size);
void quirk_setting_put(size_t which, uint32_t value, struct quirks *q);

#endif
