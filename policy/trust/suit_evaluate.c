#include "policy/trust/encrypt.h"
#include "policy/trust/suit.h"

#define PARAMS (SUIT_PARAM_METADATA + 1)
#define BLOCKS_MAX (2 * SUIT_NEST_MAX + 1)

enum { UNMET = 1 }; /* a condition is not met; errors are negative */

enum frame_kind {
	FRAME_SEQUENCE,
	FRAME_RUN, /* a run-sequence; its child is the sequence */
	FRAME_TRY, /* a try-each; its children are the alternatives in turn */
};

struct frame {
	enum frame_kind kind;
	struct cbor reader; /* of SEQUENCE and TRY */
	struct cbor_list list;
	struct bytes source; /* of RUN and TRY: the argument */
	uint32_t todo;	     /* components it is still to run for */
	uint32_t selected;   /* what to restore */
	bool soft;	     /* of SEQUENCE: soft-failure */
	unsigned fetches;    /* of SEQUENCE: see fetches_made(), at its begin */
};

enum result { RUNNING, SUCCEEDED, FAILED };

/* The abstract machine of the draft's section 6.4. Parameters are raw items of
 * which suit_manifest_parse() has checked the types. */
struct machine {
	const struct suit_manifest *manifest;
	const struct suit_facts *facts;
	struct suit_outcome *out;
	struct fault *fault;
	struct bytes params[SUIT_COMPONENTS_MAX][PARAMS];
	uint32_t selected;
	uint32_t produced; /* by a command that we do not execute */
	/* Why a fetch is not good as it stands; it may still turn out to be the
	 * ciphertext of an image. By the index of the fetch. */
	int pending[SUIT_COMPONENTS_MAX];
	unsigned decrypted; /* fetches that became images of other components */
	bool shared;
	struct frame frames[BLOCKS_MAX];
	unsigned depth;
	unsigned steps;
	bool child_soft; /* of the sequence that ended last */
	int unmet_code;
	const char *unmet_text;
};

static int refuse(
	struct machine *m, int code, const char *field, const char *rule)
{
	return fault_set(m->fault, code, 0, field, "%s", rule);
}

static int unmet(struct machine *m, int code, const char *text)
{
	m->unmet_code = code;
	m->unmet_text = text;
	return UNMET;
}

static uint64_t param_uint(const struct machine *m, unsigned component,
	enum suit_parameter number, uint64_t otherwise)
{
	struct bytes raw = m->params[component][number];
	uint64_t value;
	struct cbor r;

	cbor_init(&r, raw, CBOR_STRICT);
	return raw.at && cbor_uint(&r, &value) == 0 ? value : otherwise;
}

/* The content of a byte or text string; .at NULL if it is not set. */
static struct bytes param_string(
	const struct machine *m, unsigned component, enum suit_parameter number)
{
	struct bytes raw = m->params[component][number];
	struct bytes value = {0};
	struct cbor r;

	if (!raw.at)
		return value;
	cbor_init(&r, raw, CBOR_STRICT);
	if (cbor_peek(&r) == CBOR_TSTR)
		cbor_tstr(&r, &value);
	else
		cbor_bstr(&r, &value);
	return value;
}

static const struct suit_slot *slot_of(
	const struct machine *m, unsigned component)
{
	for (unsigned i = 0; i < m->facts->slot_count; i++)
		if (bytes_equal(m->facts->slots[i].component,
			    m->manifest->components[component]))
			return &m->facts->slots[i];
	return NULL;
}

static struct suit_fetch *fetch_of(const struct machine *m, unsigned component)
{
	for (unsigned i = 0; i < m->out->fetch_count; i++)
		if (m->out->fetches[i].component == component)
			return &m->out->fetches[i];
	return NULL;
}

static unsigned fetches_made(const struct machine *m)
{
	return m->out->fetch_count + m->decrypted;
}

/* The image whose ciphertext the component holds. */
static const struct suit_fetch *sealed_in(
	const struct machine *m, unsigned component)
{
	for (unsigned i = 0; i < m->out->fetch_count; i++)
		if (m->out->fetches[i].encryption.at &&
			m->out->fetches[i].source == component)
			return &m->out->fetches[i];
	return NULL;
}

static int vendor(struct machine *m, unsigned c)
{
	struct bytes wanted = param_string(m, c, SUIT_PARAM_VENDOR);

	if (!m->params[c][SUIT_PARAM_VENDOR].at)
		return unmet(m, ERR_TRUST_SUIT_NO_VENDOR,
			"the vendor-identifier is not set");
	if (m->facts->vendor_id.at && !bytes_equal(wanted, m->facts->vendor_id))
		return unmet(m, ERR_TRUST_SUIT_VENDOR,
			"the vendor-identifier is another");
	m->out->vendor_checked |= m->shared;
	return 0;
}

static int klass(struct machine *m, unsigned c)
{
	struct bytes wanted = param_string(m, c, SUIT_PARAM_CLASS);

	if (!wanted.at)
		return unmet(m, ERR_TRUST_SUIT_NO_CLASS,
			"the class-identifier is not set");
	if (m->facts->class_id.at && !bytes_equal(wanted, m->facts->class_id))
		return unmet(m, ERR_TRUST_SUIT_CLASS,
			"the class-identifier is another");
	m->out->class_checked |= m->shared;
	return 0;
}

static int device(struct machine *m, unsigned c)
{
	struct bytes wanted = param_string(m, c, SUIT_PARAM_DEVICE);

	if (!m->facts->device_id.at)
		return refuse(m, ERR_TRUST_SUIT_CONDITION_UNKNOWN,
			"manifest.condition-device-identifier",
			"the device's identifier is not known");
	if (!bytes_equal(wanted, m->facts->device_id))
		return unmet(m, ERR_TRUST_SUIT_DEVICE,
			"the device-identifier is another");
	return 0;
}

static int slot(struct machine *m, unsigned c)
{
	const struct suit_slot *here;

	if (!m->params[c][SUIT_PARAM_SLOT].at)
		return unmet(m, ERR_TRUST_SUIT_CONDITION,
			"the component-slot is not set");
	if (!m->facts->slots)
		return 0;
	here = slot_of(m, c);
	if (!here || here->slot != param_uint(m, c, SUIT_PARAM_SLOT, 0))
		return unmet(m, ERR_TRUST_SUIT_CONDITION,
			"no alternative is for the slot of the class");
	return 0;
}

static int use_before(struct machine *m, unsigned c)
{
	uint64_t until = param_uint(m, c, SUIT_PARAM_USE_BEFORE, 0);

	m->out->use_before_seen = true;
	if (m->facts->now_known && trust_now_expired(m->facts->now, until))
		return unmet(m, ERR_TRUST_SUIT_USE_BEFORE,
			"the use-before time has passed");
	if (!m->out->use_before || until < m->out->use_before)
		m->out->use_before = until;
	return 0;
}

/* Of an image that was fetched just now the store checks the digest; of one
 * that the device makes itself it is the device's business. */
static int image_match(struct machine *m, unsigned c)
{
	struct bytes wanted = param_string(m, c, SUIT_PARAM_DIGEST);
	const struct suit_fetch *fetch = fetch_of(m, c);
	const struct suit_fetch *sealed = fetch ? NULL : sealed_in(m, c);
	const struct suit_digest *fetched;
	struct suit_digest digest;

	if (m->produced & 1u << c)
		return 0;
	if (!fetch && !sealed)
		return refuse(m, ERR_TRUST_SUIT_CONDITION_UNKNOWN,
			"manifest.condition-image-match",
			"the device's present image is not known here");
	fetched = fetch ? &fetch->digest : &sealed->sealed_digest;
	if (!wanted.at || suit_digest_parse(wanted, &digest) ||
		digest.alg != fetched->alg ||
		!bytes_equal(digest.value, fetched->value))
		return unmet(m, ERR_TRUST_SUIT_CONDITION,
			"the image-digest changed after the fetch");
	return 0;
}

static int battery(struct machine *m, unsigned c)
{
	uint64_t minimum = param_uint(m, c, SUIT_PARAM_BATTERY, 0);

	m->out->has_battery = true;
	if (minimum > m->out->battery_mwh)
		m->out->battery_mwh = minimum;
	return 0;
}

static int unknown_condition(struct machine *m, int64_t command)
{
	return fault_set(m->fault, ERR_TRUST_SUIT_CONDITION_UNKNOWN, 0,
		"manifest.command", "%s cannot be judged by a gateway",
		suit_command_name(command));
}

/* Digest, length and priority of what ends up in component `c`. */
static int image_fill(struct machine *m, unsigned c, struct suit_fetch *ret)
{
	struct bytes digest = param_string(m, c, SUIT_PARAM_DIGEST);
	int64_t priority;
	struct cbor r;

	if (!digest.at || suit_digest_parse(digest, &ret->digest))
		return refuse(m, ERR_TRUST_SUIT_NO_DIGEST, "manifest.fetch",
			"the component has no image-digest");
	if (!ret->digest.known)
		return refuse(m, ERR_TRUST_SUIT_DIGEST_ALG, "manifest.fetch",
			"the algorithm of the image-digest is not supported");
	ret->has_len = m->params[c][SUIT_PARAM_SIZE].at != NULL;
	ret->len = param_uint(m, c, SUIT_PARAM_SIZE, 0);
	cbor_init(&r, m->params[c][SUIT_PARAM_PRIORITY], CBOR_STRICT);
	if (m->params[c][SUIT_PARAM_PRIORITY].at &&
		cbor_int(&r, &priority) == 0 &&
		(!m->out->has_priority || priority < m->out->priority)) {
		m->out->has_priority = true;
		m->out->priority = priority;
	}
	return 0;
}

/* What a component that is no slot, or has no digest, is refused for unless it
 * is copied with encryption-info later. */
static int pending_code(const struct machine *m, unsigned c)
{
	if (m->facts->slots && !slot_of(m, c))
		return ERR_TRUST_SUIT_NO_SLOT;
	return m->params[c][SUIT_PARAM_DIGEST].at ? 0
						  : ERR_TRUST_SUIT_NO_DIGEST;
}

static int refuse_pending(struct machine *m)
{
	for (unsigned i = 0; i < m->out->fetch_count; i++)
		if (m->pending[i])
			return refuse(m, m->pending[i], "manifest.fetch",
				m->pending[i] == ERR_TRUST_SUIT_NO_SLOT
					? "the component is no slot of the class"
					: "the component has no image-digest");
	return 0;
}

/* The encryption-info of component `c`, if there is one. */
static int encryption_fill(
	struct machine *m, unsigned c, struct suit_fetch *ret)
{
	struct bytes content = param_string(m, c, SUIT_PARAM_ENCRYPTION);
	struct encrypt_info info;
	int err;

	if (!content.at)
		return 0;
	if (!m->facts->takes_encrypted)
		return refuse(m, ERR_TRUST_SUIT_ENCRYPTED, "manifest.fetch",
			"the component has encryption-info");
	err = encrypt_info_parse(content, &info, m->fault);
	if (!err)
		ret->encryption = content;
	return err;
}

static int fetch_fill(struct machine *m, unsigned c, struct suit_fetch *ret,
	int *ret_pending)
{
	const struct suit_slot *here = slot_of(m, c);
	int err;

	*ret = (struct suit_fetch){.component = c,
		.source = SUIT_COMPONENTS_MAX,
		.slot = here ? here->slot : 0,
		.uri = param_string(m, c, SUIT_PARAM_URI)};
	if (ret->uri.len && ret->uri.at[0] == '#')
		return refuse(m, ERR_TRUST_SUIT_INTEGRATED, "manifest.fetch",
			"the payload is inside the envelope");
	*ret_pending = pending_code(m, c);
	if (*ret_pending != ERR_TRUST_SUIT_NO_SLOT) {
		err = encryption_fill(m, c, ret);
		if (err)
			return err;
	}
	if (m->params[c][SUIT_PARAM_DIGEST].at)
		return image_fill(m, c, ret);
	ret->has_len = m->params[c][SUIT_PARAM_SIZE].at != NULL;
	ret->len = param_uint(m, c, SUIT_PARAM_SIZE, 0);
	return 0;
}

static int fetch(struct machine *m, unsigned c)
{
	const struct suit_fetch *before = fetch_of(m, c);
	struct suit_fetch one;
	int pending = 0;
	int err = fetch_fill(m, c, &one, &pending);

	if (err)
		return err;
	if (before)
		return bytes_equal(before->digest.value, one.digest.value)
			       ? 0
			       : refuse(m, ERR_TRUST_SUIT_FORM,
					 "manifest.fetch",
					 "one component is fetched twice");
	m->pending[m->out->fetch_count] = pending;
	m->out->fetches[m->out->fetch_count++] = one;
	return 0;
}

/* The fetch that a copy with encryption-info decrypts; NULL if there is none
 * that is not an image of its own. */
static struct suit_fetch *source_of(struct machine *m, unsigned c)
{
	uint64_t from =
		param_uint(m, c, SUIT_PARAM_SOURCE, SUIT_COMPONENTS_MAX);

	if (!m->params[c][SUIT_PARAM_ENCRYPTION].at || from == c ||
		from >= m->manifest->component_count ||
		slot_of(m, (unsigned)from) || fetch_of(m, c))
		return NULL;
	return fetch_of(m, (unsigned)from);
}

/* What was fetched is the ciphertext, and component `c` is the image. */
static int decrypt(struct machine *m, unsigned c, struct suit_fetch *fetch)
{
	const struct suit_slot *here = slot_of(m, c);
	struct suit_fetch image = {
		.component = c,
		.slot = here ? here->slot : 0,
		.uri = fetch->uri,
		.source = fetch->component,
		.has_sealed_digest = fetch->digest.known,
		.sealed_digest = fetch->digest,
		.has_sealed_len = fetch->has_len,
		.sealed_len = fetch->len,
	};
	int err;

	if (m->facts->slots && !here)
		return refuse(m, ERR_TRUST_SUIT_NO_SLOT, "manifest.copy",
			"the component is no slot of the class");
	err = encryption_fill(m, c, &image);
	if (!err)
		err = image_fill(m, c, &image);
	if (err)
		return err;
	m->pending[fetch - m->out->fetches] = 0;
	m->decrypted++;
	*fetch = image;
	return 0;
}

static int passed_over(struct machine *m, unsigned c, int64_t command)
{
	int err;

	m->out->not_executed++;
	m->produced |= 1u << c;
	if (!slot_of(m, c))
		return 0;
	err = refuse_pending(m);
	if (!err)
		err = fault_set(m->fault, ERR_TRUST_SUIT_NOT_EXECUTED, 0,
			"manifest.command",
			"%s would fill a slot of the class, but is never "
			"executed",
			suit_command_name(command));
	return err;
}

static int copy(struct machine *m, unsigned c)
{
	struct suit_fetch *source = source_of(m, c);
	const struct suit_fetch *fetch = fetch_of(m, c);

	if (source)
		return decrypt(m, c, source);
	/* A section runs the shared sequence again, and it may repeat itself. */
	if (fetch && fetch->source ==
			param_uint(m, c, SUIT_PARAM_SOURCE, UINT64_MAX))
		return 0;
	return passed_over(m, c, SUIT_COPY);
}

static int wait_event(struct machine *m, unsigned c)
{
	m->out->wait = param_string(m, c, SUIT_PARAM_WAIT);
	return 0;
}

/* One command for one component. */
static int command_for(struct machine *m, int64_t command, unsigned c)
{
	switch (command) {
	case SUIT_COND_VENDOR:
		return vendor(m, c);
	case SUIT_COND_CLASS:
		return klass(m, c);
	case SUIT_COND_DEVICE:
		return device(m, c);
	case SUIT_COND_SLOT:
		return slot(m, c);
	case SUIT_COND_USE_BEFORE:
		return use_before(m, c);
	case SUIT_COND_IMAGE_MATCH:
		return image_match(m, c);
	case SUIT_COND_BATTERY:
		return battery(m, c);
	case SUIT_COND_AUTHORIZED:
		m->out->needs_authorization = true;
		return 0;
	case SUIT_COND_ABORT:
		return unmet(m, ERR_TRUST_SUIT_CONDITION, "abort");
	case SUIT_FETCH:
		return fetch(m, c);
	case SUIT_COPY:
		return copy(m, c);
	case SUIT_WRITE:
	case SUIT_SWAP:
		return passed_over(m, c, command);
	case SUIT_INVOKE_NOW:
		m->out->not_executed++;
		return 0;
	case SUIT_WAIT:
		return wait_event(m, c);
	default:
		return unknown_condition(m, command);
	}
}

static uint32_t all_components(const struct machine *m)
{
	return (1u << m->manifest->component_count) - 1;
}

static int set_index(struct machine *m, struct bytes argument)
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
static int override_with(
	struct machine *m, struct cbor *r, uint32_t mask, struct frame *frame)
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
				return refuse(m, ERR_TRUST_SUIT_FORM,
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
	struct machine *m, struct bytes argument, struct frame *frame)
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

static int copy_params(struct machine *m, struct bytes argument)
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

static int push(struct machine *m, struct frame frame)
{
	if (m->depth == BLOCKS_MAX)
		return refuse(m, ERR_CBOR_DEPTH, "manifest.sequence",
			"nests deeper than allowed");
	m->frames[m->depth++] = frame;
	return 0;
}

static int push_sequence(struct machine *m, struct bytes sequence, bool soft)
{
	struct frame frame = {
		.kind = FRAME_SEQUENCE,
		.soft = soft,
		.fetches = fetches_made(m),
	};

	cbor_init(&frame.reader, sequence, CBOR_STRICT);
	cbor_array(&frame.reader, &frame.list);
	return push(m, frame);
}

static int push_block(struct machine *m, int64_t command, struct bytes argument)
{
	return push(m, (struct frame){
			       .kind = command == SUIT_TRY_EACH ? FRAME_TRY
								: FRAME_RUN,
			       .source = argument,
			       .todo = m->selected,
			       .selected = m->selected,
		       });
}

static int command_run(struct machine *m, struct frame *frame, int64_t command,
	struct bytes argument)
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
			err = command_for(m, command, c);
	return err;
}

/* Ends the topmost sequence. A branch that fails after it fetched has changed
 * the device in a way that is not planned for here. */
static int end_sequence(struct machine *m, enum result how, enum result *ret)
{
	const struct frame *frame = &m->frames[m->depth - 1];

	if (how == FAILED && frame->fetches != fetches_made(m) &&
		m->depth > 1)
		return refuse(m, ERR_TRUST_SUIT_CONDITION_UNKNOWN,
			"manifest.sequence",
			"an alternative fetches and fails");
	m->child_soft = frame->soft;
	m->depth--;
	*ret = how;
	return 0;
}

static int step_sequence(
	struct machine *m, struct frame *frame, enum result *result)
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
	if (err == UNMET)
		return end_sequence(m, FAILED, result);
	return err;
}

static void end_block(struct machine *m, enum result how, enum result *ret)
{
	m->selected = m->frames[m->depth - 1].selected;
	m->depth--;
	*ret = how;
}

/* Selects the next component that a block is to run for. False: no more. */
static bool next_component(struct machine *m, struct frame *block)
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
	struct machine *m, struct frame *block, enum result *result)
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
	struct machine *m, struct frame *block, enum result *result)
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

static int run(struct machine *m, struct bytes sequence)
{
	enum result result = RUNNING;
	int err;

	m->depth = 0;
	m->selected = 1;
	err = push_sequence(m, sequence, false);
	while (!err && m->depth > 0) {
		struct frame *frame = &m->frames[m->depth - 1];

		if (++m->steps > SUIT_STEPS_MAX)
			return refuse(m, ERR_TOO_LARGE, "manifest.sequence",
				"takes more steps than the limit");
		if (frame->kind == FRAME_SEQUENCE)
			err = step_sequence(m, frame, &result);
		else
			err = step_block(m, frame, &result);
	}
	if (!err && result == FAILED)
		err = refuse(
			m, m->unmet_code, "manifest.condition", m->unmet_text);
	return err;
}

static int run_shared(struct machine *m)
{
	int err;

	if (!m->manifest->shared.at)
		return refuse(m, ERR_TRUST_SUIT_NO_VENDOR,
			"manifest.shared-sequence", "is missing");
	m->shared = true;
	err = run(m, m->manifest->shared);
	m->shared = false;
	if (err)
		return err;
	if (!m->out->vendor_checked)
		return refuse(m, ERR_TRUST_SUIT_NO_VENDOR,
			"manifest.shared-sequence",
			"must check the vendor-identifier");
	if (!m->out->class_checked)
		return refuse(m, ERR_TRUST_SUIT_NO_CLASS,
			"manifest.shared-sequence",
			"must check the class-identifier");
	return 0;
}

static int run_section(struct machine *m, enum suit_key key)
{
	const struct suit_member *member = &m->manifest->members[key];
	int err;

	switch (member->presence) {
	case SUIT_ABSENT:
		return 0;
	case SUIT_SEVERED_AWAY:
		return refuse(m, ERR_TRUST_SUIT_SEVERED_ABSENT,
			"manifest.section", "only its digest is there");
	case SUIT_SEVERED_BAD:
		return refuse(m, ERR_TRUST_SUIT_SEVERED, "manifest.section",
			"its digest is another");
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
	struct machine m = {
		.manifest = manifest,
		.facts = facts,
		.out = ret,
		.fault = fault,
	};
	int err;

	*ret = (struct suit_outcome){0};
	if (manifest->has_dependencies)
		return refuse(&m, ERR_TRUST_SUIT_DEPENDENCY,
			"manifest.dependencies", "are not supported");
	if (manifest->component_count == 0)
		return refuse(&m, ERR_TRUST_SUIT_NOTHING, "manifest.components",
			"are missing");
	err = run_shared(&m);
	if (!err)
		err = run_section(&m, SUIT_PAYLOAD_FETCH);
	if (!err)
		err = run_section(&m, SUIT_INSTALL);
	if (!err)
		err = refuse_pending(&m);
	if (!err && ret->fetch_count == 0)
		err = refuse(&m, ERR_TRUST_SUIT_NOTHING, "manifest.install",
			"fetches nothing");
	return err;
}
