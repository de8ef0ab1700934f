#include <stdio.h>

#include "base/cbor.h"
#include "policy/trust/component.h"
#include "policy/trust/encrypt.h"
#include "policy/trust/suit.h"
#include "policy/trust/x509.h"
#include "tools/publish/say.h"
#include "tools/publish/show.h"

static const struct {
	enum suit_key key;
	const char *name;
} sequences[] = {
	{SUIT_DEPENDENCY_RESOLUTION, "dependency-resolution"},
	{SUIT_PAYLOAD_FETCH, "payload-fetch"},
	{SUIT_CANDIDATE_VERIFICATION, "candidate-verification"},
	{SUIT_INSTALL, "install"},
	{SUIT_VALIDATE, "validate"},
	{SUIT_LOAD, "load"},
	{SUIT_INVOKE, "invoke"},
	{SUIT_UNINSTALL, "uninstall"},
};

static const char *digest_name(int64_t alg)
{
	switch (alg) {
	case -16:
		return "SHA-256";
	case -43:
		return "SHA-384";
	case -44:
		return "SHA-512";
	case -18:
		return "SHAKE128";
	case -45:
		return "SHAKE256";
	default:
		return "unknown digest";
	}
}

static void put_digest(const char *name, const struct suit_digest *digest)
{
	printf("%s%s ", name, digest_name(digest->alg));
	show_hex("", digest->value);
}

/* Any item on one line: numbers, texts and bytes as such, the rest as its
 * encoding. */
static void put_item(struct bytes raw)
{
	struct bytes value;
	struct cbor r;
	int64_t number;
	bool flag;

	cbor_init(&r, raw, CBOR_COSE);
	switch (cbor_peek(&r)) {
	case CBOR_UINT:
	case CBOR_NINT:
		if (cbor_int(&r, &number) == 0)
			printf("%lld\n", (long long)number);
		else
			show_hex("", raw);
		return;
	case CBOR_TSTR:
		if (cbor_tstr(&r, &value) == 0)
			show_text("", value);
		return;
	case CBOR_BSTR:
		if (cbor_bstr(&r, &value) == 0)
			show_hex("", value);
		return;
	case CBOR_BOOL:
		if (cbor_bool(&r, &flag) == 0)
			puts(flag ? "true" : "false");
		return;
	case CBOR_NULL:
		puts("nil");
		return;
	case CBOR_ARRAY:
	case CBOR_MAP:
	case CBOR_TAG:
	case CBOR_UNDEFINED:
	case CBOR_OTHER:
	case CBOR_END:
		show_hex("cbor ", raw);
		return;
	}
}

static void put_encryption(struct bytes raw, struct bytes content)
{
	struct encrypt_info info;
	char text[96];

	if (encrypt_info_parse(content, &info, NULL)) {
		put_item(raw);
		return;
	}
	encrypt_describe(&info, text, sizeof(text));
	puts(text);
}

static void put_parameter(int64_t parameter, struct bytes raw)
{
	struct suit_digest digest;
	struct bytes value;
	struct cbor r;
	uint64_t number;

	cbor_init(&r, raw, CBOR_COSE);
	switch (parameter) {
	case SUIT_PARAM_VENDOR:
	case SUIT_PARAM_CLASS:
	case SUIT_PARAM_DEVICE:
		if (cbor_bstr(&r, &value) == 0)
			show_uuid("", value);
		else
			put_item(raw);
		return;
	case SUIT_PARAM_DIGEST:
		if (cbor_bstr(&r, &value) == 0 &&
				suit_digest_parse(value, &digest) == 0)
			put_digest("", &digest);
		else
			put_item(raw);
		return;
	case SUIT_PARAM_ENCRYPTION:
		if (cbor_bstr(&r, &value) == 0)
			put_encryption(raw, value);
		else
			put_item(raw);
		return;
	case SUIT_PARAM_USE_BEFORE:
		if (cbor_uint(&r, &number) == 0)
			show_time("", number);
		else
			put_item(raw);
		return;
	default:
		put_item(raw);
	}
}

static void put_parameters(struct bytes raw, unsigned indent)
{
	struct cbor_list map;
	struct cbor r;

	cbor_init(&r, raw, CBOR_COSE);
	if (cbor_map(&r, &map)) {
		put_item(raw);
		return;
	}
	putchar('\n');
	while (cbor_next(&r, &map)) {
		const char *name;
		struct bytes value;
		int64_t key;

		if (cbor_int(&r, &key) || cbor_skip(&r, &value))
			break;
		name = suit_parameter_name(key);
		if (name)
			printf("%*s%-20s ", (int)indent, "", name);
		else
			printf("%*sparameter %-10lld ", (int)indent, "",
				(long long)key);
		put_parameter(key, value);
	}
}

static void put_sequence(const char *name, struct bytes sequence,
	const char *path)
{
	struct suit_walk walk;
	struct suit_step step;

	printf("%s\n", name);
	suit_walk_init(&walk, sequence);
	while (suit_walk_next(&walk, &step)) {
		unsigned indent = 2 + 2 * step.depth;
		const char *command = suit_command_name(step.command);

		if (step.begins_choice) {
			printf("%*sor try\n", (int)indent, "");
			continue;
		}
		printf("%*s", (int)indent, "");
		if (command)
			printf("%-29s ", command);
		else
			printf("command %-21lld ", (long long)step.command);
		if (step.command == SUIT_OVERRIDE_PARAMETERS ||
				step.command == SUIT_SET_PARAMETERS)
			put_parameters(step.argument, indent + 4);
		else if (step.command == SUIT_TRY_EACH ||
				step.command == SUIT_RUN_SEQUENCE)
			putchar('\n');
		else
			put_item(step.argument);
	}
	if (walk.err)
		warn(path, name, "cannot be read further: %s",
			err_text(walk.err));
}

static void put_chain(const struct cose_header *header)
{
	struct bytes certs[COSE_CERTS_MAX];
	unsigned count = 0;

	if (!header->x5chain.at || cose_x5chain(header, certs, &count))
		return;
	for (unsigned i = 0; i < count; i++) {
		struct x509_facts facts;

		if (x509_read(certs[i], &facts)) {
			puts("    certificate       cannot be read");
			continue;
		}
		printf("    certificate       %s\n", facts.subject);
		show_time("      until           ", facts.not_after);
	}
}

static void put_header(const struct cose_header *header)
{
	const struct cose_alg_facts *facts = header->alg_is_int ?
			cose_alg_find(header->alg) : NULL;

	if (!header->has_alg)
		puts("    algorithm         none");
	else if (facts)
		printf("    algorithm         %s (%lld)%s\n", facts->name,
			(long long)header->alg,
			header->alg_protected ? "" : ", not protected");
	else
		printf("    algorithm         not known%s\n",
			header->alg_is_int ? "" : " (a text)");
	if (header->kid.at)
		show_hex("    key id            ", header->kid);
	put_chain(header);
}

static void put_block(unsigned i, struct bytes block, const char *path)
{
	struct fault fault = {0};
	struct cose_msg msg;
	int err = cose_parse(block, COSE_NONE, &msg, &fault);

	printf("  block %u\n", i + 1);
	if (err) {
		warn(path, "authentication", "block %u: %s", i + 1,
			fault.rule[0] ? fault.rule : err_text(err));
		return;
	}
	printf("    kind              %s\n", msg.kind == COSE_MAC0 ?
		"COSE_Mac0" : msg.kind == COSE_SIGN1 ? "COSE_Sign1" :
		"COSE_Sign");
	if (msg.kind == COSE_MAC0)
		put_header(&msg.header);
	for (unsigned k = 0; k < msg.signer_count; k++) {
		struct cose_signer signer;

		if (cose_signer_at(&msg, k, &signer) == 0)
			put_header(&signer.header);
	}
}

static void put_text_members(struct cbor *r, struct cbor_list *map,
	const char *const *names, size_t count)
{
	while (cbor_next(r, map)) {
		struct bytes value;
		uint64_t key;
		char name[32];

		if (cbor_peek(r) != CBOR_UINT || cbor_uint(r, &key) ||
				cbor_skip(r, &value))
			break;
		snprintf(name, sizeof(name), "      %-16s", key < count ?
			names[key] : "other");
		fputs(name, stdout);
		put_item(value);
	}
}

/* The members of one language: texts by number, and a map a component. */
static void put_language(struct cbor *r)
{
	static const char *const names[] = {"", "description", "update",
		"json", "yaml"};
	static const char *const component_names[] = {"", "vendor", "model",
		"domain", "model info", "description", "version", "requires",
		"current"};
	struct cbor_list map, members;

	if (cbor_map(r, &map))
		return;
	while (cbor_next(r, &map)) {
		char component[128];
		struct bytes key, value;
		uint64_t number;

		if (cbor_peek(r) == CBOR_UINT) {
			if (cbor_uint(r, &number) || cbor_skip(r, &value))
				return;
			printf("    %-18s", number < 5 ? names[number] :
				"other");
			put_item(value);
			continue;
		}
		if (cbor_skip(r, &key))
			return;
		printf("    component %s\n", component_to_text(key, component,
			sizeof(component)));
		if (cbor_map(r, &members))
			return;
		put_text_members(r, &members, component_names, 9);
	}
}

static void put_text_map(struct bytes text, const char *path)
{
	struct cbor_list map;
	struct cbor r;

	puts("text");
	cbor_init(&r, text, CBOR_COSE);
	if (cbor_map(&r, &map) == 0) {
		while (cbor_next(&r, &map)) {
			struct bytes language;

			if (cbor_tstr(&r, &language))
				break;
			show_text("  language ", language);
			put_language(&r);
		}
	}
	if (r.err)
		warn(path, "text", "cannot be read further: %s",
			err_text(r.err));
}

static void put_member(const char *name, const struct suit_member *member,
	const char *path)
{
	switch (member->presence) {
	case SUIT_ABSENT:
		return;
	case SUIT_INLINE:
	case SUIT_SEVERED:
		put_sequence(name, member->content, path);
		return;
	case SUIT_SEVERED_AWAY:
		printf("%s\n  severed, not in this envelope\n", name);
		return;
	case SUIT_SEVERED_BAD:
		printf("%s\n  severed, and not what was signed\n", name);
		return;
	}
}

static void put_manifest(const struct suit_manifest *manifest,
	const char *path)
{
	const struct suit_member *text = &manifest->members[SUIT_TEXT];

	printf("manifest\n  sequence          %llu\n",
		(unsigned long long)manifest->sequence);
	if (manifest->reference_uri.at)
		show_text("  reference         ", manifest->reference_uri);
	for (unsigned i = 0; i < manifest->component_count; i++) {
		char component[128];

		printf("  component %u       %s\n", i, component_to_text(
			manifest->components[i], component,
			sizeof(component)));
	}
	if (manifest->has_dependencies)
		puts("  dependencies      yes");
	if (manifest->shared.at)
		put_sequence("shared sequence", manifest->shared, path);
	for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++)
		put_member(sequences[i].name,
			&manifest->members[sequences[i].key], path);
	if (text->presence == SUIT_INLINE || text->presence == SUIT_SEVERED)
		put_text_map(text->content, path);
	else
		put_member("text", text, path);
}

int show_envelope(struct bytes file, const char *path)
{
	struct suit_envelope envelope;
	struct suit_manifest manifest;
	struct fault fault = {0};
	uint8_t release[32];
	int err = suit_envelope_parse(file, &envelope, &fault);

	if (err)
		return complain_fault(path, err, &fault);
	printf("SUIT envelope, %zu bytes%s\n", file.len,
		envelope.tagged ? "" : ", without tag 107");
	if (suit_envelope_release(&envelope, release) == 0)
		show_hex("  release           ", bytes_of(release, 32));
	put_digest("  signed digest     ", &envelope.digest);
	printf("  matches manifest  %s\n",
		suit_envelope_check_digest(&envelope) ? "no" : "yes");
	printf("authentication, %u block%s (not judged here)\n",
		envelope.block_count, envelope.block_count == 1 ? "" : "s");
	for (unsigned i = 0; i < envelope.block_count; i++)
		put_block(i, envelope.blocks[i], path);
	for (unsigned i = 0; i < envelope.integrated_count; i++)
		show_text("integrated payload  ", envelope.integrated[i].name);
	err = suit_manifest_parse(&envelope, &manifest, &fault);
	if (err)
		return complain_fault(path, err, &fault);
	put_manifest(&manifest, path);
	return 0;
}
