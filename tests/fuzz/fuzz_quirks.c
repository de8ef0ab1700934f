/* Any bytes as a table of quirks and as the quirks of a catalog; what a table
 * sets stays in range. */
#include "devices/zigbee_ota/quirks.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void apply(const struct quirk_table *t, const struct quirk_subject *s)
{
	struct quirks q;

	quirks_init(&q);
	quirk_table_apply(t, s, &q);
	if (q.block_max < 8 || q.block_max > 64 || q.block_min < 1 ||
			q.block_min > 64 || q.block_fallback < 8 ||
			q.wait_s < 1 || q.idle_s < 10 || q.finish_s < 10 ||
			q.return_s < 10 || q.attempts_max < 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct quirk_subject unknown = {.manufacturer = 0xffff,
		.type = 0xffff};
	struct quirk_subject known = {.manufacturer = 0x1021, .type = 0x000f,
		.has_version = true, .version = 0x0a0b0c0d,
		.model = "TRV aab", .manufacturer_name = "Acme"};
	struct bytes in = bytes_of(data, len), rows = in;
	struct quirk_table *table = NULL;
	struct fault f = {0};
	int err;

	if (quirks_of_catalog(in, &rows, NULL) == 0 && rows.len &&
			(rows.at < in.at || rows.at + rows.len > in.at + in.len))
		abort();
	err = quirk_table_read(rows, &table, &f);
	if (err != f.code || !table != !!err)
		abort();
	if (err && (f.offset > rows.len || (f.offset > 0 &&
			rows.at[f.offset - 1] != '\n')))
		abort();
	if (err && quirk_table_line(rows, &f) > rows.len + 1)
		abort();
	if (quirk_table_rows(table) > QUIRKS_ROWS_MAX)
		abort();
	apply(table, &unknown);
	apply(table, &known);
	quirk_table_free(table);
	return 0;
}
