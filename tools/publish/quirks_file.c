#include "tools/publish/quirks_file.h"

#include <errno.h>

#include "base/cbor_out.h"
#include "devices/zigbee_ota/quirks.h"
#include "tools/publish/catalog_file.h"
#include "tools/publish/files.h"
#include "tools/publish/say.h"

#define ENGINE_KEY "zigbee-ota"
#define CBOR_MAJOR 0xe0
#define CBOR_MAP 0xa0

static int check_rows(const char *path, struct bytes rows)
{
	struct quirk_table *table = NULL;
	struct fault fault = {0};
	int err = quirk_table_read(rows, &table, &fault);

	quirk_table_free(table);
	if (err && quirk_table_line(rows, &fault))
		fault_within(&fault, "line %u: ",
			quirk_table_line(rows, &fault));
	return err ? complain_fault(path, err, &fault) : 0;
}

static int take_map(const char *path, struct bytes map, struct buf *ret)
{
	struct fault fault = {0};
	struct bytes rows;
	int err = quirks_of_catalog(map, &rows, &fault);

	if (err)
		return complain_fault(path, err, &fault);
	err = check_rows(path, rows);
	return err ? err : buf_add_bytes(ret, map);
}

static int take_rows(const char *path, struct bytes rows, struct buf *ret)
{
	int err = check_rows(path, rows);

	if (err)
		return err;
	cbor_put_map(ret, 1);
	cbor_put_tstr(ret, ENGINE_KEY);
	cbor_put_tstr_bytes(ret, rows);
	return ret->err ? complain(ret->err, path, NULL, "no memory") : 0;
}

int quirks_file_read(const char *path, struct buf *ret)
{
	struct buf file;
	int err;

	buf_init(&file, CATALOG_QUIRKS_MAX);
	err = file_read(path, &file);
	if (!err && file.len == 0)
		err = complain(-EINVAL, path, "quirks", "is empty");
	if (!err && (file.at[0] & CBOR_MAJOR) == CBOR_MAP)
		err = take_map(path, buf_bytes(&file), ret);
	else if (!err)
		err = take_rows(path, buf_bytes(&file), ret);
	buf_done(&file);
	return err;
}
