#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/trust/component.h"
#include "policy/trust/suit.h"
#include "tools/publish/author_set.h"
#include "tools/publish/catalog_file.h"
#include "tools/publish/envelope.h"
#include "tools/publish/expect.h"
#include "tools/publish/say.h"
#include "tools/publish/sealing.h"
#include "tools/publish/verbs.h"
#include "tools/publish/when.h"

#define FIRMWARE_MAX ((uint64_t)1 << 32)

static const struct cli_option release_options[] = {
	VERB_OPTION_DIR,
	{"class", "NAME", false, "class of the devices (required)"},
	{"component", "ID", false, "component of the class (default: its only"
		" one)"},
	{"firmware", "FILE", false, "the image that devices get (required)"},
	{"version", "TEXT", false, "version for people (default: the image's)"},
	{"sequence", "N", false, "sequence number (default: the highest + 1)"},
	{"notes", "TEXT", false, "release notes"},
	{"notes-file", "FILE", false, "release notes from a file"},
	{"security", NULL, false, "mark as a security fix"},
	{"hw", "MIN[..MAX]", false, "only for these hardware revisions"},
	{"precursor", "SHA256", true, "image that this delta applies to"},
	{"set", "NAME", false, "set of releases that belong together"},
	{"expires", "TIME", false, "not installed from then on (SUIT"
		" use-before)"},
	{"end-of-support", "TIME", false, "end of support of this release"},
	{"expect-version", "TEXT", false, "version that devices report"},
	{"expect-digest", "HEX", false, "digest that devices report"},
	{"strict-elements", NULL, false, "refuse a ZigBee OTA file with"
		" sub-elements out of the ordinary"},
	SEALING_OPTIONS,
	{"no-text", NULL, false, "leave names and notes out of the envelope"},
	{"no-catalog", NULL, false, "do not renew the catalog"},
	AUTHOR_OPTIONS,
	{0},
};

static int take_text(const struct cli *cli, const char *name, char *ret,
	size_t size)
{
	const char *text = cli_get(cli, name);

	if (!text)
		return 0;
	if (!text[0] || strlen(text) >= size)
		return complain(-EINVAL, "release", NULL,
			"--%s must have 1 to %zu bytes", name, size - 1);
	strcpy(ret, text);
	return 0;
}

static int take_notes(const struct cli *cli, struct release *r)
{
	const char *path = cli_get(cli, "notes-file");
	struct buf text;
	int err;

	if (!path)
		return take_text(cli, "notes", r->notes, sizeof(r->notes));
	if (cli_has(cli, "notes"))
		return complain(-EINVAL, "release", NULL,
			"--notes and --notes-file exclude each other");
	buf_init(&text, sizeof(r->notes) - 1);
	err = file_read(path, &text);
	if (!err && text.len && memchr(text.at, '\0', text.len))
		err = complain(-EINVAL, path, NULL, "holds a zero byte");
	if (!err && text.len)
		memcpy(r->notes, text.at, text.len);
	buf_done(&text);
	return err;
}

static int take_hardware(const struct cli *cli, struct release *r)
{
	const char *text = cli_get(cli, "hw");
	unsigned long long min, max;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	min = max = strtoull(text, &end, 10);
	if (end != text && strncmp(end, "..", 2) == 0) {
		text = end + 2;
		max = strtoull(text, &end, 10);
	}
	if (errno || end == text || *end || text[0] < '0' || text[0] > '9' ||
			max < min || max > INT64_MAX)
		return complain(-EINVAL, "release", NULL,
			"--hw must be N or MIN..MAX, not \"%s\"",
			cli_get(cli, "hw"));
	r->has_hardware = true;
	r->hardware_min = min;
	r->hardware_max = max;
	return 0;
}

static int take_digests(const struct cli *cli, struct release *r)
{
	const char *expect = cli_get(cli, "expect-digest");
	const char *const *precursors;
	size_t count = cli_all(cli, "precursor", &precursors);

	for (size_t i = 0; i < count; i++)
		if (bytes_from_hex(precursors[i], r->precursors[i], 32))
			return complain(-EINVAL, "release", NULL, "--precursor"
				" must be a SHA-256 in hexadecimal, not \"%s\"",
				precursors[i]);
	r->precursors_count = count;
	if (!expect)
		return 0;
	r->expect_digest_len = strlen(expect) / 2;
	if (r->expect_digest_len < 1 || r->expect_digest_len >
			sizeof(r->expect_digest) || bytes_from_hex(expect,
			r->expect_digest, r->expect_digest_len))
		return complain(-EINVAL, "release", NULL,
			"--expect-digest must be 1 to 64 bytes in hexadecimal");
	return 0;
}

static int take_options(const struct cli *cli, const struct publisher *p,
	struct release *r, uint64_t *ret_use_before)
{
	if (!cli_has(cli, "class") || !cli_has(cli, "firmware"))
		return complain(-EINVAL, "release", NULL,
			"needs --class NAME and --firmware FILE");
	if (take_text(cli, "version", r->version, sizeof(r->version)) ||
			take_text(cli, "set", r->set, sizeof(r->set)) ||
			take_text(cli, "expect-version", r->expect_version,
				sizeof(r->expect_version)) ||
			take_hardware(cli, r) || take_digests(cli, r) ||
			verb_time(cli, "expires", p->now, ret_use_before) ||
			verb_time(cli, "end-of-support", p->now,
				&r->end_of_support))
		return -EINVAL;
	if (*ret_use_before && *ret_use_before <= p->now)
		return complain(-EINVAL, "release", NULL,
			"--expires must be later than now");
	r->security = cli_has(cli, "security");
	r->created = p->now;
	memcpy(r->vendor_id, p->vendor.vendor_id, 16);
	return take_notes(cli, r);
}

static int take_target(const struct cli *cli, const struct class_conf *class,
	struct release *r)
{
	const char *component = cli_get(cli, "component");

	strcpy(r->class_name, class->name);
	memcpy(r->class_id, class->class_id, 16);
	if (!component && class->components_count > 1)
		return complain(-EINVAL, "release", NULL, "class %s has several"
			" components: say which by --component", class->name);
	if (!component)
		component = class->components[0];
	for (unsigned i = 0; i < class->components_count; i++) {
		if (strcmp(class->components[i], component) != 0)
			continue;
		strcpy(r->component, component);
		return 0;
	}
	return complain(-EINVAL, "release", NULL,
		"class %s has no component \"%s\"", class->name, component);
}

static int take_sequence(const struct cli *cli, const struct release_list *list,
	struct release *r)
{
	uint64_t top = release_list_top(list, r);
	unsigned long long sequence = top + 1;

	if (r->precursors_count && !cli_has(cli, "sequence"))
		return complain(-EINVAL, "release", NULL, "--precursor needs"
			" --sequence: a delta shares the number of the full"
			" image (the highest is %llu)",
			(unsigned long long)top);
	if (cli_number(cli, "sequence", 1, INT64_MAX, &sequence))
		return -EINVAL;
	r->sequence = sequence;
	if (sequence < top)
		return complain(-EINVAL, "release", "sequence", "must not fall:"
			" %llu after %llu", sequence, (unsigned long long)top);
	for (size_t i = 0; i < list->count; i++)
		if (release_collides(&list->at[i], r))
			return complain(-EEXIST, "release", "sequence", "%llu"
				" is taken by a release for the same devices",
				sequence);
	return 0;
}

static void take_mcuboot(const char *path, const struct mcuboot_image *image,
	struct release *r)
{
	if (!r->version[0])
		strcpy(r->version, image->version);
	else if (strcmp(r->version, image->version) != 0)
		warn(path, "version", "the image says %s, --version says %s",
			image->version, r->version);
	if (!r->expect_version[0])
		strcpy(r->expect_version, image->version);
	if (!r->expect_digest_len) {
		memcpy(r->expect_digest, image->hash, image->hash_len);
		r->expect_digest_len = image->hash_len;
	}
	if (!image->hash_checked)
		warn(path, "hash", "could not be recomputed (the image is"
			" encrypted or compressed); taken as it is");
	if (!image->is_signed)
		warn(path, "signature", "the image has none; a bootloader that"
			" asks for one refuses it");
}

/* What people call the version of a ZigBee image is hardly ever the number in
 * its header: that one is only what devices report. */
static void take_ota(const char *path, const struct ota_file *ota,
	struct release *r)
{
	char version[11];
	uint32_t told;

	ota_version_text(ota->key.version, version, sizeof(version));
	if (!r->version[0])
		strcpy(r->version, version);
	if (!r->expect_version[0])
		strcpy(r->expect_version, version);
	else if (ota_version_read(r->expect_version, &told) ||
			told != ota->key.version)
		warn(path, "file_version", "the header says %s,"
			" --expect-version says %s", version,
			r->expect_version);
}

/* Fills what the image says of itself where the command line says nothing. */
static int take_expect(const struct cli *cli, struct release *r)
{
	const char *path = cli_get(cli, "firmware");
	struct expect expect;
	int err = expect_read(path, &expect);

	if (!err && cli_has(cli, "strict-elements"))
		err = expect_check_strict(path, &expect);
	if (err)
		return err;
	if (expect.is_mcuboot)
		take_mcuboot(path, &expect.image, r);
	if (expect.is_ota)
		take_ota(path, &expect.ota, r);
	if (!r->expect_version[0] && !r->expect_digest_len)
		warn(path, "expect", "nothing is known that a device could"
			" report: its updates will end unverified"
			" (--expect-version)");
	if (!r->version[0])
		warn(path, "version", "no version for people (--version)");
	return 0;
}

static int payload_store(const struct publisher *p, const char *firmware,
	struct sealing *sealing, struct release *r)
{
	char path[FILES_PATH_SIZE];
	int err = publisher_path(p, path, "www/p");

	if (!err && sealing->count)
		return sealing_payload(sealing, firmware, path, FIRMWARE_MAX,
			r->payload_digest, &r->payload_len);
	if (!err)
		err = file_copy_by_digest(firmware, path, FIRMWARE_MAX,
			r->payload_digest, &r->payload_len);
	if (!err && r->payload_len == 0)
		err = complain(-EINVAL, firmware, NULL, "is empty");
	return err;
}

static int envelope_make(const struct publisher *p, const struct cli *cli,
	const struct envelope_plan *plan, struct release *r)
{
	struct envelope_parts parts;
	struct author_set authors;
	struct buf envelope;
	int err = author_set_open(p, cli, &authors);

	if (err)
		return err;
	envelope_parts_init(&parts);
	buf_init(&envelope, SUIT_ENVELOPE_MAX);
	err = envelope_plan_write(plan, &parts);
	if (!err)
		err = envelope_manifest_digest(buf_bytes(&parts.manifest),
			r->manifest_digest);
	if (!err) {
		const struct envelope_content content = {
			.manifest = buf_bytes(&parts.manifest),
			.severed[SUIT_TEXT] = buf_bytes(&parts.text),
		};

		err = envelope_sign(&content, authors.by, authors.count,
			&envelope);
	}
	if (!err) {
		r->signed_until = authors.until;
		err = release_envelope_store(p, buf_bytes(&envelope),
			r);
	}
	buf_done(&envelope);
	envelope_parts_done(&parts);
	author_set_done(&authors);
	return err;
}

static int list_put(struct release_list *list, const struct release *r)
{
	struct release *at;

	at = reallocarray(list->at, list->count + 1, sizeof(*at));
	if (!at)
		return complain(-ENOMEM, NULL, NULL, "no memory");
	list->at = at;
	at[list->count++] = *r;
	return 0;
}

static void release_print(const struct publisher *p, const struct release *r)
{
	char hex[65];

	printf("release   %s\n", bytes_to_hex(bytes_of(r->manifest_digest, 32),
		hex, sizeof(hex)));
	printf("for       class %s, component %s\n", r->class_name,
		r->component);
	printf("sequence  %llu\n", (unsigned long long)r->sequence);
	if (r->version[0])
		printf("version   %s\n", r->version);
	printf("envelope  %s/www/e/%s.suit (%llu bytes)\n", p->dir,
		bytes_to_hex(bytes_of(r->envelope_digest, 32), hex,
		sizeof(hex)), (unsigned long long)r->envelope_len);
	printf("payload   %s/www/p/%s (%llu bytes)\n", p->dir, bytes_to_hex(
		bytes_of(r->payload_digest, 32), hex, sizeof(hex)),
		(unsigned long long)r->payload_len);
	if (r->expect_version[0] || r->expect_digest_len)
		printf("expect    %s %s\n", r->expect_version, bytes_to_hex(
			bytes_of(r->expect_digest, r->expect_digest_len > 32 ?
			32 : r->expect_digest_len), hex, sizeof(hex)));
}

/* A release that the check before the catalog refuses leaves no record. */
static int release_publish(struct publisher *p, const struct cli *cli,
	const struct release *r, struct release_list *list)
{
	const struct catalog_options options = {0};
	uint64_t expires = 0;
	int err = list_put(list, r);

	if (!err)
		err = release_write(p, r);
	if (!err)
		release_print(p, r);
	if (err || cli_has(cli, "no-catalog"))
		return err;
	err = catalog_publish(p, list, &options, &expires);
	if (!err)
		catalog_print(p, expires);
	else
		release_forget(p, r);
	return err;
}

static int release_make(struct publisher *p, const struct cli *cli,
	struct sealing *sealing, struct release *r, struct release_list *list)
{
	struct class_conf class;
	uint64_t use_before = 0;
	struct envelope_plan plan = {
		.release = r,
		.vendor = &p->vendor,
		.class = &class,
		.with_text = !cli_has(cli, "no-text"),
		.sealing = sealing->count ? sealing : NULL,
	};
	int err = take_options(cli, p, r, &use_before);

	if (!err)
		err = publisher_class(p, cli_get(cli, "class"), &class);
	if (!err)
		err = take_target(cli, &class, r);
	if (!err)
		err = take_sequence(cli, list, r);
	if (!err)
		err = take_expect(cli, r);
	if (!err)
		err = publisher_clock_check(p);
	if (!err)
		err = payload_store(p, cli_get(cli, "firmware"), sealing, r);
	plan.use_before = use_before;
	if (!err)
		err = envelope_make(p, cli, &plan, r);
	return err ? err : release_publish(p, cli, r, list);
}

static int run_release(const struct cli *cli)
{
	struct release_list list = {0};
	struct sealing sealing;
	struct release *r;
	struct publisher p;
	int err = verb_open(cli, &p);

	if (err)
		return verb_exit(err);
	r = calloc(1, sizeof(*r));
	err = sealing_open(cli, &sealing);
	if (!err)
		err = r ? release_list_load(&p, &list) :
				complain(-ENOMEM, NULL, NULL, "no memory");
	if (!err)
		err = release_make(&p, cli, &sealing, r, &list);
	sealing_done(&sealing);
	release_list_free(&list);
	free(r);
	publisher_close(&p);
	return verb_exit(err);
}

const struct cli_verb verb_release = {
	.name = "release",
	.args = "",
	.summary = "Sign a firmware file and offer it in the catalog",
	.detail = "Copies the image to www/p/, writes and signs its envelope in"
		" www/e/, remembers it\nin releases/ and renews the catalog."
		" What a device will report afterwards is read\nfrom the image"
		" where that is one of MCUboot or a ZigBee OTA file.",
	.options = release_options,
	.run = run_release,
};

static const struct cli_option catalog_options_table[] = {
	VERB_OPTION_DIR,
	{"expires", "TIME", false, "end of the catalog, or a span such as 24h"},
	{"key", "FILE", true, "catalog key (default keys/catalog/key.pem)"},
	{"evidence", "FILE", true, "ship this CRL or OCSP response, in later"
		" catalogs too until it runs out"},
	{"short-evidence", NULL, false, "evidence may run out before the"
		" catalog"},
	{"quirks", "FILE", false, "ship this data for engines, in later"
		" catalogs too"},
	{"no-quirks", NULL, false, "ship none any more"},
	{0},
};

/* What this and later catalogs ship besides releases. */
static int extras_take(const struct cli *cli, const struct publisher *p)
{
	const char *const *files;
	size_t count = cli_all(cli, "evidence", &files);
	int err = 0;

	if (cli_has(cli, "quirks") && cli_has(cli, "no-quirks"))
		return complain(-EINVAL, "catalog", NULL,
			"--quirks and --no-quirks exclude each other");
	for (size_t i = 0; !err && i < count; i++)
		err = evidence_keep(p, files[i]);
	if (!err && (cli_has(cli, "quirks") || cli_has(cli, "no-quirks")))
		err = catalog_quirks_keep(p, cli_get(cli, "quirks"));
	return err;
}

static int run_catalog(const struct cli *cli)
{
	struct catalog_options options = {0};
	struct release_list list = {0};
	struct publisher p;
	uint64_t expires = 0;
	int err = verb_open(cli, &p);

	if (err)
		return verb_exit(err);
	options.keys_count = cli_all(cli, "key", &options.keys);
	if (verb_time(cli, "expires", p.now, &options.expires)) {
		publisher_close(&p);
		return EXIT_USAGE;
	}
	options.allow_short_evidence = cli_has(cli, "short-evidence");
	err = extras_take(cli, &p);
	if (!err)
		err = release_list_load(&p, &list);
	if (!err)
		err = catalog_publish(&p, &list, &options, &expires);
	if (!err)
		catalog_print(&p, expires);
	release_list_free(&list);
	publisher_close(&p);
	return verb_exit(err);
}

const struct cli_verb verb_catalog = {
	.name = "catalog",
	.args = "",
	.summary = "Renew and sign the catalog",
	.detail = "Writes www/catalog.cose with the next sequence number. Run"
		" it regularly: gateways\nstart no transfer under an expired"
		" catalog.",
	.options = catalog_options_table,
	.run = run_catalog,
};
