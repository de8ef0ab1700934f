#include "policy/trust/suit_machine.h"

enum result { RUNNING, SUCCEEDED, FAILED };

static uint32_t all_components(const struct suit_machine *m)
{
	return (1u << m->manifest->component_count) - 1;
}

static int set_index(struct suit_machine *m, struct bytes argument)
{
	struct cbor_list list;
	uint32_t mask = 0;
	uint64_t index;
	struct cbor r;

	cbor_init(&r, argument, CBOR_STRICT);
	if (cbor_peek(&r) == CBOR_BOOL) {
		m->selected = all_components(m);
		return 0;
	}
	if (cbor_peek(&r) == CBOR_UINT) {
		cbor_uint(&r, &index);
		mask = 1u << index;
	} else {
		cbor_array(&r, &list);
		while (cbor_next(&r, &list) && cbor_uint(&r, &index) == 0)
			mask |= 1u << index;
	}
	m->selected = mask;
	return r.err;
}

/* Reads a parameter map at the cursor into the components of `mask`. */
static int override_with(struct suit_machine *m, struct cbor *r, uint32_t mask,
	struct suit_frame *frame)
{
	struct bytes raw = {0};
	struct cbor_list map;
	int64_t number = 0;

	cbor_map(r, &map);
	while (cbor_next(r, &map)) {
		cbor_int(r, &number);
		if (cbor_skip(r, &raw))
			break;
		if (number == SUIT_PARAM_SOFT_FAILURE) {
			if (m->depth == 1)
				return suit_refuse(m, ERR_TRUST_SUIT_FORM,
					"manifest.soft-failure",
					"may not be set outside of a block");
			frame->soft = raw.at[0] == 0xf5;
		}
		for (unsigned c = 0; c < SUIT_COMPONENTS_MAX; c++)
			if (mask & 1u << c)
				m->params[c][number] = raw;
	}
	return r->err;
}

static int override_multiple(
	struct suit_machine *m, struct bytes argument, struct suit_frame *frame)
{
	struct cbor_list map;
	uint64_t index = 0;
	struct cbor r;
	int err = 0;

	cbor_init(&r, argument, CBOR_STRICT);
	cbor_map(&r, &map);
	while (!err && cbor_next(&r, &map) && cbor_uint(&r, &index) == 0)
		err = override_with(m, &r, 1u << index, frame);
	return err ? err : r.err;
}

static int copy_params(struct suit_machine *m, struct bytes argument)
{
	struct cbor_list map;
	struct cbor_list list;
	uint64_t from = 0;
	int64_t number = 0;
	struct cbor r;

	cbor_init(&r, argument, CBOR_STRICT);
	cbor_map(&r, &map);
	while (cbor_next(&r, &map) && cbor_uint(&r, &from) == 0) {
		cbor_array(&r, &list);
		while (cbor_next(&r, &list) && cbor_int(&r, &number) == 0)
			for (unsigned c = 0; c < SUIT_COMPONENTS_MAX; c++)
				if (m->selected & 1u << c)
					m->params[c][number] =
						m->params[from][number];
	}
	return r.err;
}

static int push(struct suit_machine *m, struct suit_frame frame)
{
	if (m->depth == SUIT_FRAMES_MAX)
		return suit_refuse(m, ERR_CBOR_DEPTH, "manifest.sequence",
			"nests deeper than allowed");
	m->frames[m->depth++] = frame;
	return 0;
}

static int push_sequence(
	struct suit_machine *m, struct bytes sequence, bool soft)
{
	struct suit_frame frame = {
		.kind = FRAME_SEQUENCE,
		.soft = soft,
		.fetches = suit_fetches_made(m),
	};

	cbor_init(&frame.reader, sequence, CBOR_STRICT);
	cbor_array(&frame.reader, &frame.list);
	return push(m, frame);
}

static int push_block(
	struct suit_machine *m, int64_t command, struct bytes argument)
{
	return push(m, (struct suit_frame){
			       .kind = command == SUIT_TRY_EACH ? FRAME_TRY
								: FRAME_RUN,
			       .source = argument,
			       .todo = m->selected,
			       .selected = m->selected,
		       });
}

static int command_run(struct suit_machine *m, struct suit_frame *frame,
	int64_t command, struct bytes argument)
{
	struct cbor r;
	int err = 0;

	switch (command) {
	case SUIT_SET_INDEX:
		return set_index(m, argument);
	case SUIT_OVERRIDE_PARAMETERS:
		cbor_init(&r, argument, CBOR_STRICT);
		return override_with(m, &r, m->selected, frame);
	case SUIT_OVERRIDE_MULTIPLE:
		return override_multiple(m, argument, frame);
	case SUIT_COPY_PARAMS:
		return copy_params(m, argument);
	case SUIT_TRY_EACH:
	case SUIT_RUN_SEQUENCE:
		return push_block(m, command, argument);
	default:
		break;
	}
	for (unsigned c = 0; !err && c < SUIT_COMPONENTS_MAX; c++)
		if (m->selected & 1u << c)
			err = suit_run_command(m, command, c);
	return err;
}

/* Ends the topmost sequence. A branch that fails after it fetched has changed
 * the device in a way that is not planned for here. */
static int end_sequence(
	struct suit_machine *m, enum result how, enum result *ret)
{
	const struct suit_frame *frame = &m->frames[m->depth - 1];

	if (how == FAILED && frame->fetches != suit_fetches_made(m) &&
		m->depth > 1)
		return suit_refuse(m, ERR_TRUST_SUIT_CONDITION_UNKNOWN,
			"manifest.sequence",
			"an alternative fetches and fails");
	m->child_soft = frame->soft;
	m->depth--;
	*ret = how;
	return 0;
}

static int step_sequence(
	struct suit_machine *m, struct suit_frame *frame, enum result *result)
{
	struct bytes argument = {0};
	int64_t command = 0;
	int err;

	if (*result == FAILED)
		return end_sequence(m, FAILED, result);
	*result = RUNNING;
	if (!cbor_next(&frame->reader, &frame->list))
		return frame->reader.err ? frame->reader.err
					 : end_sequence(m, SUCCEEDED, result);
	cbor_int(&frame->reader, &command);
	cbor_next(&frame->reader, &frame->list);
	if (cbor_skip(&frame->reader, &argument))
		return frame->reader.err;
	err = command_run(m, frame, command, argument);
	if (err == SUIT_UNMET)
		return end_sequence(m, FAILED, result);
	return err;
}

static void end_block(struct suit_machine *m, enum result how, enum result *ret)
{
	m->selected = m->frames[m->depth - 1].selected;
	m->depth--;
	*ret = how;
}

/* Selects the next component that a block is to run for. False: no more. */
static bool next_component(struct suit_machine *m, struct suit_frame *block)
{
	uint32_t lowest = block->todo & ~(block->todo - 1);

	if (!lowest)
		return false;
	block->todo &= ~lowest;
	m->selected = lowest;
	cbor_init(&block->reader, block->source, CBOR_STRICT);
	if (block->kind == FRAME_TRY)
		cbor_array(&block->reader, &block->list);
	return true;
}

/* Begins the next alternative of a try-each; nil succeeds. */
static int next_choice(
	struct suit_machine *m, struct suit_frame *block, enum result *result)
{
	struct bytes sequence = {0};

	if (!cbor_next(&block->reader, &block->list)) {
		end_block(m, FAILED, result);
		return 0;
	}
	if (cbor_peek(&block->reader) == CBOR_NULL) {
		*result = SUCCEEDED;
		return 0;
	}
	cbor_bstr(&block->reader, &sequence);
	*result = RUNNING;
	return push_sequence(m, sequence, true);
}

static int step_block(
	struct suit_machine *m, struct suit_frame *block, enum result *result)
{
	bool is_try = block->kind == FRAME_TRY;
	struct bytes sequence = {0};

	if (*result == FAILED && !m->child_soft) {
		end_block(m, FAILED, result);
		return 0;
	}
	if (*result == FAILED && is_try)
		return next_choice(m, block, result);
	if (!next_component(m, block)) {
		end_block(m, SUCCEEDED, result);
		return 0;
	}
	if (is_try)
		return next_choice(m, block, result);
	cbor_bstr(&block->reader, &sequence);
	*result = RUNNING;
	return push_sequence(m, sequence, false);
}

static int run(struct suit_machine *m, struct bytes sequence)
{
	enum result result = RUNNING;
	int err;

	m->depth = 0;
	m->selected = 1;
	err = push_sequence(m, sequence, false);
	while (!err && m->depth > 0) {
		struct suit_frame *frame = &m->frames[m->depth - 1];

		if (++m->steps > SUIT_STEPS_MAX)
			return suit_refuse(m, ERR_TOO_LARGE,
				"manifest.sequence",
				"takes more steps than the limit");
		if (frame->kind == FRAME_SEQUENCE)
			err = step_sequence(m, frame, &result);
		else
			err = step_block(m, frame, &result);
	}
	if (!err && result == FAILED)
		err = suit_refuse(
			m, m->unmet_code, "manifest.condition", m->unmet_text);
	return err;
}

static int run_shared(struct suit_machine *m)
{
	int err;

	if (!m->manifest->shared.at)
		return suit_refuse(m, ERR_TRUST_SUIT_NO_VENDOR,
			"manifest.shared-sequence", "is missing");
	m->shared = true;
	err = run(m, m->manifest->shared);
	m->shared = false;
	if (err)
		return err;
	if (!m->out->vendor_checked)
		return suit_refuse(m, ERR_TRUST_SUIT_NO_VENDOR,
			"manifest.shared-sequence",
			"must check the vendor-identifier");
	if (!m->out->class_checked)
		return suit_refuse(m, ERR_TRUST_SUIT_NO_CLASS,
			"manifest.shared-sequence",
			"must check the class-identifier");
	return 0;
}

static int run_section(struct suit_machine *m, enum suit_key key)
{
	const struct suit_member *member = &m->manifest->members[key];
	int err;

	switch (member->presence) {
	case SUIT_ABSENT:
		return 0;
	case SUIT_SEVERED_AWAY:
		return suit_refuse(m, ERR_TRUST_SUIT_SEVERED_ABSENT,
			"manifest.section", "only its digest is there");
	case SUIT_SEVERED_BAD:
		return suit_refuse(m, ERR_TRUST_SUIT_SEVERED,
			"manifest.section", "its digest is another");
	case SUIT_INLINE:
	case SUIT_SEVERED:
		break;
	}
	/* The shared sequence runs before every section. */
	err = run_shared(m);
	return err ? err : run(m, member->content);
}

int suit_evaluate(const struct suit_manifest *manifest,
	const struct suit_facts *facts, struct suit_outcome *ret,
	struct fault *fault)
{
	struct suit_machine m = {
		.manifest = manifest,
		.facts = facts,
		.out = ret,
		.fault = fault,
	};
	int err;

	*ret = (struct suit_outcome){0};
	if (manifest->has_dependencies)
		return suit_refuse(&m, ERR_TRUST_SUIT_DEPENDENCY,
			"manifest.dependencies", "are not supported");
	if (manifest->component_count == 0)
		return suit_refuse(&m, ERR_TRUST_SUIT_NOTHING,
			"manifest.components", "are missing");
	err = run_shared(&m);
	if (!err)
		err = run_section(&m, SUIT_PAYLOAD_FETCH);
	if (!err)
		err = run_section(&m, SUIT_INSTALL);
	if (!err)
		err = suit_refuse_pending(&m);
	if (!err && ret->fetch_count == 0)
		err = suit_refuse(&m, ERR_TRUST_SUIT_NOTHING,
			"manifest.install", "fetches nothing");
	return err;
}
