#include "tools/sim/exchange.h"

#define OS_RC_INVALID_FORMAT 2
#define OS_RC_NO_ANSWER 3

static void serve_echo(struct exchange *x)
{
	struct bytes key, text = {0};
	struct cbor_list list;
	struct cbor r;

	if (exchange_body(x, &r, &list))
		return;
	while (exchange_key(&r, &list, &key)) {
		if (bytes_is_text(key, "d"))
			cbor_tstr(&r, &text);
		else
			cbor_skip(&r, NULL);
	}
	if (r.err) {
		x->rc = RC_INVALID;
		return;
	}
	reply_text(&x->map, "r", text);
}

static void serve_reset(struct exchange *x)
{
	const struct switches *sw = &x->m->sw;
	uint64_t boot_mode = 0;
	bool force = false;
	struct cbor_list list;
	struct bytes key;
	struct cbor r;

	if (exchange_body(x, &r, &list))
		return;
	while (exchange_key(&r, &list, &key)) {
		/* The server takes a boolean and passes over anything else. */
		if (bytes_is_text(key, "force") && cbor_peek(&r) == CBOR_BOOL)
			cbor_bool(&r, &force);
		else if (bytes_is_text(key, "boot_mode"))
			cbor_uint(&r, &boot_mode);
		else
			cbor_skip(&r, NULL);
	}
	if (r.err) {
		x->rc = RC_INVALID;
		return;
	}
	if (switch_is_on(sw, SW_RESET_REFUSED) && !force) {
		x->rc = RC_BUSY;
		return;
	}
	x->m->counts.resets++;
	x->effect->reset = true;
	x->effect->to_recovery = boot_mode == 1;
}

static void serve_params(struct exchange *x)
{
	if (switch_is_on(&x->m->sw, SW_NO_PARAMS)) {
		x->rc = RC_NOT_SUPPORTED;
		return;
	}
	reply_uint(&x->map, "buf_size", mcu_buffer_size(x->m));
	reply_uint(&x->map, "buf_count", mcu_buffers(x->m));
}

static const char *info_of(char letter, const struct mcu *m)
{
	switch (letter) {
	case 's':
	case 'o':
		return "Zephyr";
	case 'n':
		return m->name ? m->name : "sim";
	case 'r':
		return "4.2.0";
	case 'v':
		return "v4.2.0";
	case 'b':
		return "Sat Nov  1 12:00:00 2026";
	case 'm':
		return "arm";
	case 'p':
		return "cortex-m4";
	case 'i':
		return "ferry_sim";
	default:
		return NULL;
	}
}

static void serve_info(struct exchange *x)
{
	struct bytes key, format = bytes_of_text("s");
	struct cbor_list list;
	struct buf text;
	struct cbor r;

	if (exchange_body(x, &r, &list))
		return;
	while (exchange_key(&r, &list, &key)) {
		if (bytes_is_text(key, "format"))
			cbor_tstr(&r, &format);
		else
			cbor_skip(&r, NULL);
	}
	if (r.err) {
		x->rc = RC_INVALID;
		return;
	}
	if (bytes_is_text(format, "a"))
		format = bytes_of_text("snrvbmpio");
	if (format.len > 16) {
		x->group_rc = OS_RC_INVALID_FORMAT;
		return;
	}
	buf_init(&text, 512);
	for (size_t i = 0; i < format.len; i++) {
		const char *part = info_of((char)format.at[i], x->m);

		if (!part) {
			x->group_rc = OS_RC_INVALID_FORMAT;
			break;
		}
		buf_printf(&text, "%s%s", i ? " " : "", part);
	}
	reply_text(&x->map, "output", buf_bytes(&text));
	buf_done(&text);
}

static int mode_number(const struct mcu *m)
{
	switch (m->boot.mode) {
	case BOOT_SWAP:
		return 3;
	case BOOT_OVERWRITE:
		return 2;
	case BOOT_DIRECT_XIP:
		return 4;
	case BOOT_RECOVERY:
		return 0;
	}
	return -1;
}

static void serve_bootloader(struct exchange *x)
{
	struct bytes key, query = {0};
	struct cbor_list list;
	struct cbor r;

	if (switch_is_on(&x->m->sw, SW_NO_BOOTLOADER_INFO)) {
		x->rc = RC_NOT_SUPPORTED;
		return;
	}
	if (exchange_body(x, &r, &list))
		return;
	while (exchange_key(&r, &list, &key)) {
		if (bytes_is_text(key, "query"))
			cbor_tstr(&r, &query);
		else
			cbor_skip(&r, NULL);
	}
	if (r.err) {
		x->rc = RC_INVALID;
	} else if (query.len == 0) {
		reply_text(&x->map, "bootloader", bytes_of_text("MCUboot"));
	} else if (bytes_is_text(query, "mode")) {
		reply_int(&x->map, "mode", mode_number(x->m));
		if (x->m->boot.no_downgrade)
			reply_bool(&x->map, "no-downgrade", true);
	} else {
		x->group_rc = OS_RC_NO_ANSWER;
	}
}

void serve_os(struct exchange *x)
{
	bool read = x->op == SMP_READ;

	if (x->id == 0 && !switch_is_on(&x->m->sw, SW_NO_ECHO))
		serve_echo(x);
	else if (x->id == 1 && !read && x->m->in_recovery)
		return; /* console echo control: rc 0 */
	else if (x->id == 5 && !read)
		serve_reset(x);
	else if (x->id == 6 && read)
		serve_params(x);
	else if (x->id == 7 && read && !x->m->in_recovery)
		serve_info(x);
	else if (x->id == 8 && read && !x->m->in_recovery)
		serve_bootloader(x);
	else
		x->rc = RC_NOT_SUPPORTED;
}
