#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/trust/catalog.h"
#include "policy/trust/evidence.h"
#include "policy/trust/suit.h"
#include "tools/publish/evidence.h"
#include "tools/publish/record.h"
#include "tools/publish/root_file.h"
#include "tools/publish/say.h"
#include "tools/publish/show.h"
#include "tools/publish/uuid.h"
#include "tools/publish/verbs.h"
#include "tools/publish/when.h"

/* A CRL as PEM, or a ZigBee OTA file in its container. */
#define SHOW_FILE_MAX (2 * (size_t)OTA_FILE_IMAGE_MAX)
_Static_assert(SHOW_FILE_MAX >= 2 * EVIDENCE_CRL_MAX, "room for either");

static const struct cli_option show_options[] = {{0}};

static int run_show(const struct cli *cli)
{
	struct buf file;
	int err = keys_start();

	buf_init(&file, SHOW_FILE_MAX);
	if (!err)
		err = file_read(cli->args[0], &file);
	if (err) {
		buf_done(&file);
		return EXIT_USAGE;
	}
	err = show_file(buf_bytes(&file), cli->args[0]);
	buf_done(&file);
	return verb_exit(err);
}

const struct cli_verb verb_show = {
	.name = "show",
	.args = "FILE",
	.args_min = 1,
	.args_max = 1,
	.summary = "Print an envelope, root, catalog, certificate, CRL, OCSP"
		" response or ZigBee OTA file in words",
	.detail = "Says what stands there, not whether it is to be trusted"
		" (ferry-publish verify).",
	.options = show_options,
	.run = run_show,
};

static const struct cli_option status_options[] = {VERB_OPTION_DIR, {0}};

static void put_end(const char *what, uint64_t at, uint64_t now)
{
	char text[WHEN_TEXT_SIZE];

	printf("%s until %s%s\n", what, when_format(at, text),
		at <= now ? " (ENDED)" : at - now < 7 * WHEN_DAY ?
		" (ends within 7 days)" : "");
}

static int catalog_status(const struct publisher *p)
{
	char path[FILES_PATH_SIZE], what[64];
	struct catalog *catalog = NULL;
	struct fault fault = {0};
	struct buf file;
	int err = publisher_path(p, path, "www/catalog.cose");

	if (err)
		return err;
	if (!file_exists(path)) {
		puts("catalog   none yet (ferry-publish catalog)");
		return 0;
	}
	buf_init(&file, CATALOG_FILE_MAX);
	err = file_read(path, &file);
	if (!err) {
		err = catalog_parse(buf_bytes(&file), &catalog, &fault);
		if (err)
			complain_fault(path, err, &fault);
	}
	if (!err) {
		snprintf(what, sizeof(what), "catalog   sequence %llu,",
			(unsigned long long)catalog->sequence);
		put_end(what, catalog->expires, p->now);
	}
	catalog_free(catalog);
	buf_done(&file);
	return err;
}

static void releases_status(const struct publisher *p,
	const struct release_list *list)
{
	char hex[17], text[WHEN_TEXT_SIZE];

	for (size_t i = 0; i < list->count; i++) {
		const struct release *r = &list->at[i];

		printf("release   %s  %s/%s  sequence %llu  %s%s",
			bytes_to_hex(bytes_of(r->manifest_digest, 8), hex,
			sizeof(hex)), r->class_name, r->component,
			(unsigned long long)r->sequence,
			r->version[0] ? r->version : "-",
			r->withdrawn ? "  withdrawn" : "");
		if (r->signed_until)
			printf("  signed until %s%s",
				when_format(r->signed_until, text),
				r->signed_until <= p->now ? " (ENDED)" : "");
		putchar('\n');
	}
}

static void evidence_put(const struct evidence_file *file, uint64_t now)
{
	char what[80], hex[17];

	snprintf(what, sizeof(what), "evidence  %s  %s",
		bytes_to_hex(bytes_of(file->sha256, 8), hex, sizeof(hex)),
		file->kind == EVIDENCE_CRL ? "CRL," : "OCSP response,");
	put_end(what, file->next_update, now);
}

/* What the next catalog would ship. */
static int evidence_status(const struct publisher *p)
{
	struct evidence_list *list = calloc(1, sizeof(*list));
	int err = list ? evidence_list(p, list) :
			complain(-ENOMEM, NULL, NULL, "no memory");

	for (unsigned i = 0; !err && i < list->count; i++)
		evidence_put(&list->of[i], p->now);
	if (!err && !list->count)
		puts("evidence  none: gateways that require revocation"
			" evidence refuse (ferry-publish pki crl)");
	free(list);
	return err;
}

static int run_status(const struct cli *cli)
{
	struct release_list list = {0};
	struct root *root = NULL;
	char uuid[UUID_TEXT_SIZE];
	struct publisher p;
	int err = verb_open(cli, &p);

	if (err)
		return verb_exit(err);
	printf("vendor    %s, vendor-id %s\n", p.vendor.name,
		uuid_format(p.vendor.vendor_id, uuid));
	err = root_file_current(&p, &root);
	if (!err) {
		char what[64];

		snprintf(what, sizeof(what), "root      version %llu, epoch"
			" %llu,", (unsigned long long)root->version,
			(unsigned long long)root->epoch);
		put_end(what, root->expires, p.now);
		err = catalog_status(&p);
	}
	if (!err)
		err = evidence_status(&p);
	if (!err)
		err = release_list_load(&p, &list);
	if (!err)
		releases_status(&p, &list);
	if (!err)
		err = keys_status(&p);
	release_list_free(&list);
	root_free(root);
	publisher_close(&p);
	return verb_exit(err);
}

const struct cli_verb verb_status = {
	.name = "status",
	.args = "",
	.summary = "Say what is published and until when it is valid",
	.options = status_options,
	.run = run_status,
};
