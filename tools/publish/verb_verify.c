#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "policy/trust/component.h"
#include "policy/trust/offer.h"
#include "tools/publish/anchors.h"
#include "tools/publish/hop.h"
#include "tools/publish/opening.h"
#include "tools/publish/say.h"
#include "tools/publish/uuid.h"
#include "tools/publish/verbs.h"
#include "tools/publish/verify_evidence.h"
#include "tools/publish/when.h"

#define PAYLOAD_MAX ((uint64_t)1 << 40)

static const struct cli_option options[] = {
	{"anchor", "FILE", true, "author anchor: a certificate, or a public key"
		" as PEM, DER, COSE_Key or raw"},
	{"root", "FILE", false, "root, trusted as given; its author entries are"
		" the anchors"},
	{"catalog", "FILE", false, "catalog that must list the envelope; its"
		" signers are judged like authors"},
	{"at", "TIME", false, "judge everything, evidence too, at this time"
		" (RFC 3339; default now)"},
	{"floor", "N", false, "highest sequence that the device has seen"},
	{"vendor-id", "UUID", false, "vendor-id of the device"},
	{"class-id", "UUID", false, "class-id of the device"},
	{"component", "ID", true, "component of the class; the first is slot 0,"
		" and so on"},
	{"hw", "N", false, "hardware revision of the device"},
	VERIFY_EVIDENCE_OPTIONS,
	{"require-signatures", "LIST", false, "algorithms that authors must"
		" have signed by, such as es256,hss (also ed25519)"},
	{"require-roles", "LIST", false, "who must have signed besides the"
		" author: operator, regulator, catalog"},
	OPENING_OPTIONS,
	{"device-key", "FILE", false, "secrets of devices: ENVELOPE is a bundle"
		" of the last hop, judged as a device does"},
	{"epoch", "N", false, "highest epoch that the device has seen"},
	{"strict", NULL, false, "refuse while a check is not evaluated"},
	{"json", NULL, false, "answer as JSON"},
	{0},
};

/* Everything that the request points into. */
struct question {
	struct buf envelope;
	struct buf catalog_file;
	struct anchors anchors;
	struct root *root;
	struct catalog *catalog;
	bool has_catalog;
	int catalog_err; /* why it is no catalog under the root; 1: no root */
	struct fault catalog_fault;
	int root_err;
	struct fault root_fault;
	uint8_t vendor_id[16];
	uint8_t class_id[16];
	uint8_t components[SUIT_COMPONENTS_MAX][COMPONENT_LEN_MAX];
	struct suit_slot slots[SUIT_COMPONENTS_MAX];
	struct offer_payload payload;
	uint8_t sha384[48];
	uint8_t sha512[64];
	struct opening opening;
	const char *payload_path; /* NULL: none */
	struct offer_request request;
	struct verify_evidence evidence;
	struct signer_demand demand;
	struct lasthop_keys *device_keys; /* NULL: no bundle */
	struct hop_bundle bundle;
	struct hop_floors hop_floors;
	bool device_only; /* nothing is known that speaks for the author */
	struct verdict verdict;
	struct offer_plan plan;
};

static struct question *question_new(void)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	/* One byte more than the limit, so that too large is judged, and not
	 * unreadable. */
	buf_init(&q->envelope, (size_t)SUIT_ENVELOPE_MAX + 1);
	buf_init(&q->catalog_file, (size_t)CATALOG_FILE_MAX + 1);
	hop_init(&q->bundle);
	verify_evidence_init(&q->evidence);
	return q;
}

static void question_free(struct question *q)
{
	if (!q)
		return;
	catalog_free(q->catalog);
	root_free(q->root);
	opening_done(&q->opening);
	anchors_done(&q->anchors);
	verify_evidence_done(&q->evidence);
	hop_done(&q->bundle);
	lasthop_keys_free(q->device_keys);
	buf_done(&q->catalog_file);
	buf_done(&q->envelope);
	free(q);
}

/* A file of more than the buffer holds is cut: the judge refuses it by size. */
static int file_read_cut(const char *path, struct buf *ret)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	uint8_t chunk[4096];
	size_t n;
	int err = 0;

	if (!file)
		return complain(-errno, path, NULL, "cannot open: %s",
			strerror(errno));
	while (ret->len < ret->max &&
			(n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		if (n > ret->max - ret->len)
			n = ret->max - ret->len;
		err = buf_add(ret, chunk, n);
		if (err)
			break;
	}
	if (!err && ferror(file))
		err = complain(-EIO, path, NULL, "cannot read");
	if (file != stdin)
		fclose(file);
	return err;
}

static int take_uuid(const struct cli *cli, const char *name, uint8_t at[16],
	struct bytes *ret)
{
	const char *text = cli_get(cli, name);

	if (!text)
		return 0;
	if (uuid_parse(text, at))
		return complain(-EINVAL, "verify", NULL,
			"--%s must be a UUID, not \"%s\"", name, text);
	*ret = bytes_of(at, 16);
	return 0;
}

static int take_slots(const struct cli *cli, struct question *q)
{
	const char *const *names;
	size_t count = cli_all(cli, "component", &names);

	if (count > SUIT_COMPONENTS_MAX)
		return complain(-EINVAL, "verify", NULL,
			"at most %d components", SUIT_COMPONENTS_MAX);
	for (size_t i = 0; i < count; i++) {
		size_t len;

		if (component_from_text(names[i], q->components[i], &len))
			return complain(-EINVAL, "verify", NULL, "--component"
				" must be names joined by '/', such as app or"
				" net/0x01, not \"%s\"", names[i]);
		q->slots[i].component = bytes_of(q->components[i], len);
		q->slots[i].slot = (uint32_t)i;
	}
	if (count) {
		q->request.facts.slots = q->slots;
		q->request.facts.slot_count = (unsigned)count;
	}
	return 0;
}

static int take_numbers(const struct cli *cli, struct offer_request *request)
{
	unsigned long long floor = 0, hardware = 0;

	if (cli_number(cli, "floor", 0, UINT64_MAX, &floor) ||
			cli_number(cli, "hw", 0, UINT64_MAX, &hardware))
		return -EINVAL;
	request->floor_known = cli_has(cli, "floor");
	request->floor = floor;
	request->hardware_known = cli_has(cli, "hw");
	request->hardware = hardware;
	return 0;
}

static int take_time(const struct cli *cli, struct offer_request *request)
{
	const char *text = cli_get(cli, "at");
	uint64_t at = when_now();

	if (text && when_parse(text, &at))
		return complain(-EINVAL, "verify", NULL, "--at must be a time"
			" such as 2030-01-31T12:00:00Z, not \"%s\"", text);
	request->now = trust_now_at(at);
	request->now_known = true;
	return 0;
}

static int take_evidence(const struct cli *cli, struct question *q)
{
	int err = verify_evidence_take(cli, &q->evidence);

	q->request.revocation = &q->evidence.view;
	q->request.needs = &q->evidence.needs;
	q->request.issuers = q->evidence.issuers;
	q->request.issuer_count = q->evidence.issuer_count;
	return err;
}

/* The bits of a list of names that are joined by commas. */
static int take_list(const struct cli *cli, const char *option,
	unsigned (*bit_of)(struct bytes name), unsigned *ret)
{
	const char *text = cli_get(cli, option);

	while (text) {
		const char *end = strchrnul(text, ',');
		unsigned bit = bit_of(bytes_of(text, (size_t)(end - text)));

		if (!bit)
			return complain(-EINVAL, "verify", NULL,
				"--%s does not know \"%.*s\"", option,
				(int)(end - text), text);
		*ret |= bit;
		text = *end ? end + 1 : NULL;
	}
	return 0;
}

static int take_demand(const struct cli *cli, struct question *q)
{
	int err = take_list(cli, "require-signatures", signer_alg_bit,
		&q->demand.algs);

	if (!err)
		err = take_list(cli, "require-roles", signer_role_bit,
			&q->demand.roles);
	if (!err && q->demand.roles & (SIGNER_OPERATOR | SIGNER_REGULATOR) &&
			!cli_has(cli, "root"))
		err = complain(-EINVAL, "verify", NULL, "--require-roles needs"
			" --root, which lists the keys of the roles");
	if (!err && q->demand.roles & SIGNER_CATALOG &&
			!cli_has(cli, "catalog"))
		err = complain(-EINVAL, "verify", NULL,
			"--require-roles catalog needs --catalog");
	if (q->demand.algs || q->demand.roles)
		q->request.demand = &q->demand;
	return err;
}

static int take_anchors(const struct cli *cli, struct question *q)
{
	const char *const *paths;
	size_t count = cli_all(cli, "anchor", &paths);
	int err = 0;

	if (count && cli_has(cli, "root"))
		return complain(-EINVAL, "verify", NULL,
			"--anchor and --root exclude each other");
	for (size_t i = 0; !err && i < count; i++)
		err = anchors_add(&q->anchors, paths[i]);
	q->request.anchors = q->anchors.of;
	q->request.anchor_count = q->anchors.count;
	return err;
}

static int take_root(const struct cli *cli, struct question *q)
{
	const char *path = cli_get(cli, "root");
	struct buf file;
	int err;

	if (!path)
		return 0;
	buf_init(&file, (size_t)ROOT_FILE_MAX + 1);
	err = file_read_cut(path, &file);
	if (!err) {
		q->root_err = root_first(buf_bytes(&file), &q->root,
			&q->root_fault);
		q->request.root = q->root;
	}
	buf_done(&file);
	return err;
}

static int take_catalog(const struct cli *cli, struct question *q)
{
	const char *path = cli_get(cli, "catalog");

	q->has_catalog = path != NULL;
	return path ? file_read_cut(path, &q->catalog_file) : 0;
}

static int take_payload(const struct cli *cli, struct question *q)
{
	const char *path = cli->args_count > 1 ? cli->args[1] : NULL;
	int err;

	if (!path)
		return 0;
	err = file_digest(path, CRYPTO_SHA256, PAYLOAD_MAX, q->payload.sha256,
		&q->payload.len);
	if (!err)
		err = file_digest(path, CRYPTO_SHA384, PAYLOAD_MAX, q->sha384,
			&q->payload.len);
	if (!err)
		err = file_digest(path, CRYPTO_SHA512, PAYLOAD_MAX, q->sha512,
			&q->payload.len);
	q->payload_path = path;
	q->payload.sha384 = q->sha384;
	q->payload.sha512 = q->sha512;
	q->request.payloads = &q->payload;
	q->request.payload_count = 1;
	return err;
}

/* A bundle brings its image along, and no catalog lists it. */
static int take_bundle(const struct cli *cli, struct question *q)
{
	unsigned long long epoch = 0;
	int err;

	if (cli->args_count > 1 || cli_has(cli, "catalog"))
		return complain(-EINVAL, "verify", NULL, "--device-key judges a"
			" bundle, without PAYLOAD and --catalog");
	if (cli_number(cli, "epoch", 0, INT64_MAX, &epoch))
		return -EINVAL;
	q->hop_floors = (struct hop_floors){
		.sequence_known = q->request.floor_known,
		.sequence = q->request.floor,
		.epoch_known = cli_has(cli, "epoch"),
		.epoch = epoch,
	};
	q->device_only = !cli_has(cli, "root") && !cli_has(cli, "anchor");
	err = hop_keys_read(cli_get(cli, "device-key"), LASTHOP_DEVICE_KEYS,
		&q->device_keys);
	if (!err)
		err = hop_read(cli->args[0], &q->bundle);
	if (err || q->bundle.err)
		return err;
	memcpy(q->payload.sha256, q->bundle.sha256, 32);
	q->payload.sha384 = q->bundle.sha384;
	q->payload.sha512 = q->bundle.sha512;
	q->payload.len = q->bundle.at.image_len;
	q->request.payloads = &q->payload;
	q->request.payload_count = 1;
	q->request.envelope = buf_bytes(&q->bundle.envelope);
	return 0;
}

static int question_take(const struct cli *cli, struct question *q)
{
	struct suit_facts *facts = &q->request.facts;
	int err = take_numbers(cli, &q->request);

	if (!err)
		err = take_time(cli, &q->request);
	if (!err)
		err = take_evidence(cli, q);
	if (!err)
		err = take_demand(cli, q);
	if (!err)
		err = take_uuid(cli, "vendor-id", q->vendor_id,
			&facts->vendor_id);
	if (!err)
		err = take_uuid(cli, "class-id", q->class_id,
			&facts->class_id);
	if (!err)
		err = take_slots(cli, q);
	if (!err)
		err = take_anchors(cli, q);
	if (!err)
		err = take_root(cli, q);
	if (!err)
		err = take_catalog(cli, q);
	if (!err && cli_has(cli, "device-key"))
		return take_bundle(cli, q);
	if (!err)
		err = file_read_cut(cli->args[0], &q->envelope);
	if (!err)
		err = take_payload(cli, q);
	if (!err)
		err = opening_open(cli, &q->opening);
	q->request.encrypted = OFFER_ENCRYPTED_OPEN;
	q->request.envelope = buf_bytes(&q->envelope);
	return err;
}

/* A root or catalog that cannot be read at all is not in the request, and has
 * no row of the gateway's code. */
static void judge_files(struct question *q)
{
	if (q->root_err)
		verdict_add_code(&q->verdict, "root-signature", q->root_err, 0,
			&q->root_fault, "%s", "");
	if (q->catalog_err < 0 && !q->catalog)
		verdict_add_code(&q->verdict, "catalog-form", q->catalog_err,
			0, &q->catalog_fault, "%s", "");
}

/* Under the root, by what is known of revocation now. */
static void judge_catalog(struct question *q)
{
	const struct offer_request *r = &q->request;
	const struct chain_rules rules = {
		.now = r->now,
		.revocation = r->revocation,
		.needs = r->needs,
		.issuers = r->issuers,
		.issuer_count = r->issuer_count,
	};
	struct bytes file = buf_bytes(&q->catalog_file);
	int err;

	if (!q->has_catalog)
		return;
	catalog_free(q->catalog);
	q->catalog = NULL;
	q->catalog_err = 0;
	q->catalog_fault = (struct fault){0};
	if (q->root)
		q->catalog_err = catalog_accept(q->root, file, NULL, &rules,
			&q->catalog, NULL, &q->catalog_fault);
	if (!q->catalog) {
		/* Its entries are looked at all the same. */
		err = catalog_parse(file, &q->catalog,
			q->root ? NULL : &q->catalog_fault);
		if (!q->root)
			q->catalog_err = err ? err : 1;
	}
	q->request.catalog = q->catalog;
	q->request.catalog_code = q->catalog_err;
}

/* Judging shows which certificates evidence is needed for; reading it may show
 * more of them. */
static void judge_offer(struct question *q)
{
	for (unsigned i = 0; i <= REVOCATION_NEEDS_MAX; i++) {
		q->evidence.needs = (struct revocation_needs){0};
		judge_catalog(q);
		offer_judge(&q->request, &q->verdict, &q->plan);
		if (!verify_evidence_answer(&q->evidence, q->request.now))
			break;
	}
}

/* With a key an encrypted payload is opened, and judged again with what is
 * inside. */
static void judge_opened(struct question *q)
{
	const struct offer_image *image = q->plan.images;
	struct fault fault = {0};
	int err;

	if (!q->opening.count || !q->payload_path || q->device_only)
		return;
	if (q->plan.image_count != 1 || !image->encryption.at) {
		verdict_add(&q->verdict, "decryption", CHECK_NOT_EVALUATED, 0,
			STEP_CHECK, "no encrypted image");
		return;
	}
	err = opening_payload(&q->opening, image->encryption, q->payload_path,
		&fault);
	if (!err) {
		q->request.opened = &q->opening.image;
		q->request.opened_count = 1;
		offer_judge(&q->request, &q->verdict, &q->plan);
	}
	verdict_add_code(&q->verdict, "decryption", err, STEP_CHECK, &fault,
		"%llu bytes", (unsigned long long)q->opening.image.len);
}

/* Rows about what was given beside the envelope follow the gateway's own. */
static void question_judge(struct question *q)
{
	if (q->device_only)
		verdict_init(&q->verdict);
	else
		judge_offer(q);
	judge_opened(q);
	verify_evidence_row(&q->evidence, &q->verdict);
	if (q->device_keys)
		hop_judge(&q->bundle, q->device_keys, &q->hop_floors,
			&q->verdict);
	judge_files(q);
}

static void print_row(const struct check *row)
{
	printf("%-22s %-13s %s%s%s%s\n", row->name,
		check_outcome_name(row->outcome), row->evidence,
		row->code ? " [" : "", row->code ? err_name(row->code) : "",
		row->code ? "]" : "");
}

static void print_text(const struct question *q, bool accepted)
{
	const struct verdict *v = &q->verdict;
	bool off = false;
	int code = verdict_code(v);

	for (unsigned i = 0; i < v->count; i++) {
		print_row(&v->rows[i]);
		off = off || v->rows[i].outcome == CHECK_OFF;
	}
	if (off)
		puts("\nWARNING: a check is switched off.");
	if (accepted)
		puts("\naccepted");
	else
		printf("\nrefused: %s [%s]\n", code ? err_text(code) :
			"a check was not evaluated",
			code ? err_name(code) : "strict");
}

static json_t *row_json(const struct check *row)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(row->name));
	json_object_set_new(o, "outcome",
		json_string(check_outcome_name(row->outcome)));
	json_object_set_new(o, "code", row->code ?
		json_string(err_name(row->code)) : json_null());
	json_object_set_new(o, "number", json_integer(row->code));
	json_object_set_new(o, "step", row->step ?
		json_string(step_name(row->step)) : json_null());
	json_object_set_new(o, "evidence", json_string(row->evidence));
	return o;
}

static json_t *images_json(const struct offer_plan *plan)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < plan->image_count; i++) {
		const struct offer_image *image = &plan->images[i];
		char component[128], hex[129];
		json_t *o = json_object();

		json_object_set_new(o, "component", json_string(
			component_to_text(image->component_id, component,
			sizeof(component))));
		json_object_set_new(o, "slot", json_integer(image->slot));
		json_object_set_new(o, "length",
			json_integer((json_int_t)image->len));
		json_object_set_new(o, "digest", json_string(bytes_to_hex(
			image->digest.value, hex, sizeof(hex))));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *evidence_json(const struct verify_evidence *e)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < e->count; i++) {
		const struct verify_object *object = &e->of[i];
		json_t *o = json_object();

		json_object_set_new(o, "file", json_string(object->path));
		json_object_set_new(o, "kind",
			json_string(verify_object_kind(object)));
		json_object_set_new(o, "outcome",
			json_string(verify_object_word(object)));
		json_object_set_new(o, "code", object->code ?
			json_string(err_name(object->code)) : json_null());
		json_array_append_new(list, o);
	}
	return list;
}

static int print_json(const struct question *q, bool accepted)
{
	const struct verdict *v = &q->verdict;
	int code = verdict_code(v);
	json_t *o = json_object(), *checks = json_array();
	json_t *tiers = json_object();
	char hex[65];
	int failed;

	json_object_set_new(o, "accepted", json_boolean(accepted));
	json_object_set_new(o, "code", accepted ? json_null() :
		json_string(code ? err_name(code) : "strict"));
	json_object_set_new(o, "release", json_string(bytes_to_hex(
		bytes_of(q->plan.release, 32), hex, sizeof(hex))));
	json_object_set_new(o, "sequence",
		json_integer((json_int_t)q->plan.sequence));
	json_object_set_new(o, "images", images_json(&q->plan));
	for (unsigned i = 0; i < v->count; i++)
		json_array_append_new(checks, row_json(&v->rows[i]));
	json_object_set_new(o, "checks", checks);
	json_object_set_new(o, "evidence", evidence_json(&q->evidence));
	for (unsigned i = 1; i <= STEP_COUNT; i++)
		if (v->tiers.of[i] != TIER_NONE)
			json_object_set_new(tiers, step_name(i),
				json_string(tier_name(v->tiers.of[i])));
	json_object_set_new(o, "tiers", tiers);
	failed = json_dumpf(o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	json_decref(o);
	putchar('\n');
	return failed ? complain(-EIO, NULL, NULL, "cannot write JSON") : 0;
}

static int run(const struct cli *cli)
{
	struct question *q;
	bool accepted;
	int code = EXIT_USAGE;

	if (keys_start())
		return EXIT_REFUSED;
	q = question_new();
	if (!q || question_take(cli, q)) {
		question_free(q);
		return EXIT_USAGE;
	}
	question_judge(q);
	accepted = verdict_accepts(&q->verdict, cli_has(cli, "strict"));
	if (cli_has(cli, "json") && print_json(q, accepted))
		accepted = false;
	if (!cli_has(cli, "json"))
		print_text(q, accepted);
	code = accepted ? EXIT_DONE : EXIT_REFUSED;
	question_free(q);
	return code;
}

const struct cli_verb verb_verify = {
	.name = "verify",
	.args = "ENVELOPE [PAYLOAD]",
	.args_min = 1,
	.args_max = 2,
	.summary = "Judge an envelope as a gateway would",
	.detail = "Uses the gateway's own code. A check whose argument is"
		" missing is listed as\nnot-evaluated, never as passed; missing"
		" revocation evidence refuses. Exit codes:\n0 accepted, 1"
		" refused, 2 usage or unreadable file.",
	.options = options,
	.run = run,
};
