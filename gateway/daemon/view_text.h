/* Values and small texts as JSON, as the whole admin API writes them. Knows
 * nothing of the daemon's objects. Any thread. */
#ifndef FERRY_GATEWAY_DAEMON_VIEW_TEXT_H
#define FERRY_GATEWAY_DAEMON_VIEW_TEXT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_out.h"

/* Each makes a new value; NULL when memory ran out. */
json_t *view_time_ms(int64_t at_ms); /* RFC 3339, null for 0 */
json_t *view_hex(const uint8_t *at, size_t len); /* null for 0 bytes */
json_t *view_text(const char *text); /* also what is not UTF-8 */

/* Text of one object; view_read() ends it and gives the object, NULL when memory
 * ran out. */
struct view_text_of_one {
	struct buf text;
	struct json_out out;
};

#define VIEW_ONE_MAX (1UL << 20)

void view_begin(struct view_text_of_one *one);
json_t *view_read(struct view_text_of_one *one);

/* Members, or items with `key` NULL, of what is open. */
void view_put_time(struct json_out *out, const char *key, int64_t at_ms);
void view_put_id(struct json_out *out, const char *key, uint64_t id); /* null for 0 */
void view_put_json(struct json_out *out, const char *key, json_t *take_json);

/* A small JSON object as text, by the format of json_pack(); "{}" when it does
 * not fit. For evidence and history. */
void view_detail(char *text, size_t size, const char *format, ...);

#endif
