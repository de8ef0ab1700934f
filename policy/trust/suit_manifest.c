#include "policy/trust/component.h"
#include "policy/trust/fields.h"
#include "policy/trust/suit.h"

#define URI_MAX 512
#define REPORT_MAX 15

static bool is_dependency_command(int64_t command)
{
	return command == SUIT_COND_DEPENDENCY_INTEGRITY ||
	       command == SUIT_COND_IS_DEPENDENCY ||
	       command == SUIT_PROCESS_DEPENDENCY ||
	       command == SUIT_SET_PARAMETERS || command == SUIT_UNLINK;
}

/* Commands of the shared sequence (SUIT_Shared_Commands) beside conditions. */
static bool may_be_shared(int64_t command)
{
	switch (command) {
	case SUIT_SET_INDEX:
	case SUIT_RUN_SEQUENCE:
	case SUIT_TRY_EACH:
	case SUIT_OVERRIDE_PARAMETERS:
	case SUIT_SET_PARAMETERS:
	case SUIT_OVERRIDE_MULTIPLE:
	case SUIT_COPY_PARAMS:
		return true;
	case SUIT_WRITE:
	case SUIT_FETCH:
	case SUIT_COPY:
	case SUIT_INVOKE_NOW:
	case SUIT_SWAP:
	case SUIT_WAIT:
	case SUIT_UNLINK:
	case SUIT_PROCESS_DEPENDENCY:
		return false;
	default:
		return true;
	}
}

static void index_check(
	struct fields *f, const struct suit_manifest *m, uint64_t index)
{
	if (!f->r.err && !m->has_dependencies && index >= m->component_count)
		field_fail(f, ERR_TRUST_SUIT_COMPONENT, "index",
			"is not in the list of components");
}

static void index_read(struct fields *f, const struct suit_manifest *m)
{
	struct cbor_list list;

	if (cbor_peek(&f->r) == CBOR_UINT) {
		index_check(f, m, field_uint(f, "index"));
		return;
	}
	if (cbor_peek(&f->r) == CBOR_BOOL) {
		if (!field_bool(f, "index"))
			field_fail(f, ERR_TRUST_SUIT_FORM, "index",
				"false is no index");
		return;
	}
	field_array(f, "index", 1, SUIT_COMPONENTS_MAX, &list);
	while (cbor_next(&f->r, &list))
		index_check(f, m, field_uint(f, "index"));
	field_check(f, "index");
}

static void vendor_read(struct fields *f)
{
	uint64_t tag = 0;

	if (cbor_peek(&f->r) == CBOR_TAG) {
		cbor_tag(&f->r, &tag);
		if (!f->r.err && tag != 112)
			field_fail(f, ERR_TRUST_SUIT_FORM, "vendor-identifier",
				"tag must be 112");
		field_bstr(f, "vendor-identifier", 1, 64);
		return;
	}
	field_bstr(f, "vendor-identifier", 16, 16);
}

static void digest_read(struct fields *f)
{
	struct bytes content = field_bstr(f, "image-digest", 1, 256);
	struct suit_digest digest;
	int err = f->r.err ? 0 : suit_digest_parse(content, &digest);

	if (err)
		field_fail(f, err, "image-digest", err_text(err));
}

static void parameter_read(struct fields *f, int64_t number)
{
	int64_t priority;

	switch (number) {
	case SUIT_PARAM_VENDOR:
		vendor_read(f);
		return;
	case SUIT_PARAM_CLASS:
	case SUIT_PARAM_DEVICE:
		field_bstr(f, "identifier", 16, 16);
		return;
	case SUIT_PARAM_DIGEST:
		digest_read(f);
		return;
	case SUIT_PARAM_USE_BEFORE:
	case SUIT_PARAM_SLOT:
	case SUIT_PARAM_SIZE:
	case SUIT_PARAM_SOURCE:
	case SUIT_PARAM_BATTERY:
		field_uint(f, "parameter");
		return;
	case SUIT_PARAM_PRIORITY:
		cbor_int(&f->r, &priority);
		field_check(f, "update-priority");
		return;
	case SUIT_PARAM_STRICT_ORDER:
	case SUIT_PARAM_SOFT_FAILURE:
		field_bool(f, "parameter");
		return;
	case SUIT_PARAM_URI:
		field_tstr(f, "uri", URI_MAX);
		return;
	case SUIT_PARAM_CONTENT:
	case SUIT_PARAM_ENCRYPTION:
	case SUIT_PARAM_INVOKE_ARGS:
	case SUIT_PARAM_FETCH_ARGS:
	case SUIT_PARAM_VERSION:
	case SUIT_PARAM_WAIT:
	case SUIT_PARAM_METADATA:
		field_bstr(f, "parameter", 0, SUIT_ENVELOPE_MAX);
		return;
	default:
		field_fail(f,
			number < 0 ? ERR_TRUST_SUIT_CUSTOM
				   : ERR_TRUST_SUIT_PARAMETER,
			"parameter", "number is not known");
	}
}

static void parameters_read(struct fields *f)
{
	struct cbor_list map;
	int64_t number = 0;

	field_map(f, "parameters", &map);
	if (!f->r.err && map.left == 0)
		field_fail(f, ERR_TRUST_SUIT_FORM, "parameters", "are empty");
	while (cbor_next(&f->r, &map)) {
		if (cbor_int(&f->r, &number) == 0)
			parameter_read(f, number);
	}
	field_check(f, "parameters");
}

static void multiple_read(
	struct fields *f, const struct suit_manifest *m, bool copies)
{
	struct cbor_list map;
	struct cbor_list list;
	int64_t number;

	field_map(f, "multiple", &map);
	while (cbor_next(&f->r, &map)) {
		index_check(f, m, field_uint(f, "multiple"));
		if (!copies) {
			parameters_read(f);
			continue;
		}
		field_array(f, "copy", 1, 32, &list);
		while (cbor_next(&f->r, &list))
			if (cbor_int(&f->r, &number) == 0 &&
				!suit_parameter_name(number))
				field_fail(f, ERR_TRUST_SUIT_PARAMETER, "copy",
					"number is not known");
	}
	field_check(f, "multiple");
}

static void argument_read(struct fields *f, const struct suit_manifest *m,
	const struct suit_step *step)
{
	switch (step->command) {
	case SUIT_SET_INDEX:
		index_read(f, m);
		return;
	case SUIT_SET_PARAMETERS:
	case SUIT_OVERRIDE_PARAMETERS:
		parameters_read(f);
		return;
	case SUIT_OVERRIDE_MULTIPLE:
		multiple_read(f, m, false);
		return;
	case SUIT_COPY_PARAMS:
		multiple_read(f, m, true);
		return;
	case SUIT_TRY_EACH:
	case SUIT_RUN_SEQUENCE:
		return; /* the walk reads it */
	default:
		if (field_uint(f, "report") > REPORT_MAX)
			field_fail(f, ERR_TRUST_SUIT_FORM, "report",
				"reporting policy has four bits");
	}
}

static int step_check(struct suit_manifest *m, const struct suit_step *step,
	bool shared, struct fault *fault)
{
	struct fields f = {.fault = fault, .map = "manifest.command"};

	if (step->begins_choice)
		return 0;
	if (step->command < 0)
		return fault_set(fault, ERR_TRUST_SUIT_CUSTOM, 0, f.map,
			"%lld is a custom command", (long long)step->command);
	if (!suit_command_name(step->command))
		return fault_set(fault, ERR_TRUST_SUIT_COMMAND, 0, f.map,
			"%lld is not known", (long long)step->command);
	if (shared && !may_be_shared(step->command))
		return fault_set(fault, ERR_TRUST_SUIT_FORM, 0, f.map,
			"%s may not stand in the shared sequence",
			suit_command_name(step->command));
	if (is_dependency_command(step->command))
		m->has_dependencies = true;
	cbor_init(&f.r, step->argument, CBOR_STRICT);
	argument_read(&f, m, step);
	return f.r.err;
}

static int sequence_check(struct suit_manifest *m, struct bytes sequence,
	bool shared, struct fault *fault)
{
	struct suit_walk walk;
	struct suit_step step;
	bool first = true;
	int err = 0;

	suit_walk_init(&walk, sequence);
	while (!err && suit_walk_next(&walk, &step)) {
		if (first && m->component_count > 1 &&
			step.command != SUIT_SET_INDEX)
			return fault_set(fault, ERR_TRUST_SUIT_COMPONENT, 0,
				"manifest.sequence",
				"must begin with "
				"set-component-index");
		first = false;
		err = step_check(m, &step, shared, fault);
	}
	if (!err && walk.err)
		err = fault_set(fault, walk.err, 0, "manifest.sequence", "%s",
			err_text(walk.err));
	return err;
}

static void components_read(struct fields *f, struct suit_manifest *m)
{
	struct cbor_list list;

	field_array(f, "components", 1, SUIT_COMPONENTS_MAX, &list);
	while (cbor_next(&f->r, &list))
		m->components[m->component_count++] =
			field_component(f, "component");
	field_check(f, "components");
}

static void common_read(struct fields *f, struct suit_manifest *m)
{
	struct bytes content = field_bstr(f, "common", 1, SUIT_ENVELOPE_MAX);
	struct fields in = {.fault = f->fault, .map = "manifest.common"};
	struct cbor_list map;
	int64_t key = 0;

	cbor_init(&in.r, content, CBOR_STRICT);
	if (f->r.err)
		return;
	field_map(&in, "", &map);
	while (cbor_next(&in.r, &map) && cbor_int(&in.r, &key) == 0) {
		if (key == 1) {
			m->has_dependencies = true;
			field_skip(&in, "dependencies");
		} else if (key == 2) {
			components_read(&in, m);
		} else if (key == 4) {
			m->shared = field_bstr(
				&in, "shared-sequence", 1, SUIT_ENVELOPE_MAX);
		} else {
			field_fail(
				&in, ERR_TRUST_SUIT_FORM, "", "unknown member");
		}
	}
	cbor_done(&in.r);
	if (field_check(&in, ""))
		cbor_fail(&f->r, in.r.err);
}

static void severed_read(struct fields *f, const struct suit_envelope *e,
	int64_t key, struct suit_member *ret)
{
	const struct suit_span *there = &e->members[key];
	struct suit_digest digest;
	int err = suit_digest_parse(field_skip(f, "severed"), &digest);

	if (err) {
		field_fail(f, err, "severed", err_text(err));
		return;
	}
	if (!there->wrapped.at) {
		ret->presence = SUIT_SEVERED_AWAY;
	} else if (suit_digest_check(&digest, there->wrapped)) {
		ret->presence = SUIT_SEVERED_BAD;
	} else {
		ret->presence = SUIT_SEVERED;
		ret->content = there->content;
	}
}

static void section_read(struct fields *f, const struct suit_envelope *e,
	int64_t key, struct suit_manifest *m)
{
	struct suit_member *member = &m->members[key];
	bool severable = key != SUIT_VALIDATE && key != SUIT_LOAD &&
			 key != SUIT_INVOKE && key != SUIT_UNINSTALL;

	if (severable && cbor_peek(&f->r) == CBOR_ARRAY) {
		severed_read(f, e, key, member);
		return;
	}
	member->content = field_bstr(f, "section", 1, SUIT_ENVELOPE_MAX);
	member->presence = SUIT_INLINE;
}

static void manifest_member(struct fields *f, const struct suit_envelope *e,
	int64_t key, struct suit_manifest *m)
{
	switch (key) {
	case 1:
		if (field_uint(f, "version") != 1)
			field_fail(f, ERR_TRUST_SUIT_VERSION, "version",
				"must be 1");
		return;
	case 2:
		m->sequence = field_uint(f, "sequence-number");
		return;
	case 3:
		common_read(f, m);
		return;
	case 4:
		m->reference_uri = field_tstr(f, "reference-uri", URI_MAX);
		return;
	case 5:
		m->component_id = field_component(f, "component-id");
		return;
	case 6:
		m->set_version = field_bstr(f, "set-version", 1, 256);
		return;
	case SUIT_DEPENDENCY_RESOLUTION:
		m->has_dependencies = true;
		section_read(f, e, key, m);
		return;
	case SUIT_VALIDATE:
	case SUIT_LOAD:
	case SUIT_INVOKE:
	case SUIT_COSWID:
	case SUIT_PAYLOAD_FETCH:
	case SUIT_CANDIDATE_VERIFICATION:
	case SUIT_INSTALL:
	case SUIT_TEXT:
	case SUIT_UNINSTALL:
		section_read(f, e, key, m);
		return;
	default:
		field_fail(f, ERR_TRUST_SUIT_FORM, "", "unknown member");
	}
}

/* A member of the envelope for which the manifest has no digest was never
 * signed. */
static void unsigned_members(
	const struct suit_envelope *e, struct suit_manifest *m)
{
	for (int key = 0; key <= SUIT_UNINSTALL; key++)
		if (e->members[key].wrapped.at &&
			(m->members[key].presence == SUIT_ABSENT ||
				m->members[key].presence == SUIT_INLINE))
			m->members[key].presence = SUIT_SEVERED_BAD;
}

static int sequences_check(struct suit_manifest *m, struct fault *fault)
{
	int err = m->shared.at ? sequence_check(m, m->shared, true, fault) : 0;

	for (int key = SUIT_VALIDATE; !err && key <= SUIT_UNINSTALL; key++) {
		const struct suit_member *member = &m->members[key];

		if (key == SUIT_COSWID || key == SUIT_TEXT ||
			(member->presence != SUIT_INLINE &&
				member->presence != SUIT_SEVERED))
			continue;
		err = sequence_check(m, member->content, false, fault);
	}
	return err;
}

int suit_manifest_parse(const struct suit_envelope *envelope,
	struct suit_manifest *ret, struct fault *fault)
{
	struct fields f = {.fault = fault, .map = "manifest"};
	struct suit_manifest m = {0};
	struct cbor_list map;
	uint64_t seen = 0;
	int64_t key = 0;
	int err;

	cbor_init(&f.r, envelope->manifest.content, CBOR_STRICT);
	field_map(&f, "", &map);
	while (cbor_next(&f.r, &map) && cbor_int(&f.r, &key) == 0) {
		field_saw(&seen, key);
		manifest_member(&f, envelope, key, &m);
	}
	cbor_done(&f.r);
	field_check(&f, "");
	field_require(&f, seen, 0xe);
	if (f.r.err)
		return f.r.err;
	unsigned_members(envelope, &m);
	err = sequences_check(&m, fault);
	if (err)
		return err;
	*ret = m;
	return 0;
}
