/* What a command of a manifest does for one component. */
#include "policy/trust/suit_machine.h"

#include "policy/trust/encrypt.h"

int suit_refuse(
	struct suit_machine *m, int code, const char *field, const char *rule)
{
	return fault_set(m->fault, code, 0, field, "%s", rule);
}

static int unmet(struct suit_machine *m, int code, const char *text)
{
	m->unmet_code = code;
	m->unmet_text = text;
	return SUIT_UNMET;
}

static uint64_t param_uint(const struct suit_machine *m, unsigned component,
	enum suit_parameter number, uint64_t otherwise)
{
	struct bytes raw = m->params[component][number];
	uint64_t value;
	struct cbor r;

	cbor_init(&r, raw, CBOR_STRICT);
	return raw.at && cbor_uint(&r, &value) == 0 ? value : otherwise;
}

/* The content of a byte or text string; .at NULL if it is not set. */
static struct bytes param_string(const struct suit_machine *m,
	unsigned component, enum suit_parameter number)
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
	const struct suit_machine *m, unsigned component)
{
	for (unsigned i = 0; i < m->facts->slot_count; i++)
		if (bytes_equal(m->facts->slots[i].component,
			    m->manifest->components[component]))
			return &m->facts->slots[i];
	return NULL;
}

static struct suit_fetch *fetch_of(
	const struct suit_machine *m, unsigned component)
{
	for (unsigned i = 0; i < m->out->fetch_count; i++)
		if (m->out->fetches[i].component == component)
			return &m->out->fetches[i];
	return NULL;
}

unsigned suit_fetches_made(const struct suit_machine *m)
{
	return m->out->fetch_count + m->decrypted;
}

/* The image whose ciphertext the component holds. */
static const struct suit_fetch *sealed_in(
	const struct suit_machine *m, unsigned component)
{
	for (unsigned i = 0; i < m->out->fetch_count; i++)
		if (m->out->fetches[i].encryption.at &&
			m->out->fetches[i].source == component)
			return &m->out->fetches[i];
	return NULL;
}

static int vendor(struct suit_machine *m, unsigned c)
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

static int klass(struct suit_machine *m, unsigned c)
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

static int device(struct suit_machine *m, unsigned c)
{
	struct bytes wanted = param_string(m, c, SUIT_PARAM_DEVICE);

	if (!m->facts->device_id.at)
		return suit_refuse(m, ERR_TRUST_SUIT_CONDITION_UNKNOWN,
			"manifest.condition-device-identifier",
			"the device's identifier is not known");
	if (!bytes_equal(wanted, m->facts->device_id))
		return unmet(m, ERR_TRUST_SUIT_DEVICE,
			"the device-identifier is another");
	return 0;
}

static int slot(struct suit_machine *m, unsigned c)
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

static int use_before(struct suit_machine *m, unsigned c)
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
static int image_match(struct suit_machine *m, unsigned c)
{
	struct bytes wanted = param_string(m, c, SUIT_PARAM_DIGEST);
	const struct suit_fetch *fetch = fetch_of(m, c);
	const struct suit_fetch *sealed = fetch ? NULL : sealed_in(m, c);
	const struct suit_digest *fetched;
	struct suit_digest digest;

	if (m->produced & 1u << c)
		return 0;
	if (!fetch && !sealed)
		return suit_refuse(m, ERR_TRUST_SUIT_CONDITION_UNKNOWN,
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

static int battery(struct suit_machine *m, unsigned c)
{
	uint64_t minimum = param_uint(m, c, SUIT_PARAM_BATTERY, 0);

	m->out->has_battery = true;
	if (minimum > m->out->battery_mwh)
		m->out->battery_mwh = minimum;
	return 0;
}

static int unknown_condition(struct suit_machine *m, int64_t command)
{
	return fault_set(m->fault, ERR_TRUST_SUIT_CONDITION_UNKNOWN, 0,
		"manifest.command", "%s cannot be judged by a gateway",
		suit_command_name(command));
}

/* Digest, length and priority of what ends up in component `c`. */
static int image_fill(
	struct suit_machine *m, unsigned c, struct suit_fetch *ret)
{
	struct bytes digest = param_string(m, c, SUIT_PARAM_DIGEST);
	int64_t priority;
	struct cbor r;

	if (!digest.at || suit_digest_parse(digest, &ret->digest))
		return suit_refuse(m, ERR_TRUST_SUIT_NO_DIGEST,
			"manifest.fetch", "the component has no image-digest");
	if (!ret->digest.known)
		return suit_refuse(m, ERR_TRUST_SUIT_DIGEST_ALG,
			"manifest.fetch",
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
static int pending_code(const struct suit_machine *m, unsigned c)
{
	if (m->facts->slots && !slot_of(m, c))
		return ERR_TRUST_SUIT_NO_SLOT;
	return m->params[c][SUIT_PARAM_DIGEST].at ? 0
						  : ERR_TRUST_SUIT_NO_DIGEST;
}

int suit_refuse_pending(struct suit_machine *m)
{
	const char *rule;

	for (unsigned i = 0; i < m->out->fetch_count; i++) {
		if (!m->pending[i])
			continue;
		rule = m->pending[i] == ERR_TRUST_SUIT_NO_SLOT ?
			"the component is no slot of the class" :
			"the component has no image-digest";
		return suit_refuse(m, m->pending[i], "manifest.fetch", rule);
	}
	return 0;
}

/* The encryption-info of component `c`, if there is one. */
static int encryption_fill(
	struct suit_machine *m, unsigned c, struct suit_fetch *ret)
{
	struct bytes content = param_string(m, c, SUIT_PARAM_ENCRYPTION);
	struct encrypt_info info;
	int err;

	if (!content.at)
		return 0;
	if (!m->facts->takes_encrypted)
		return suit_refuse(m, ERR_TRUST_SUIT_ENCRYPTED,
			"manifest.fetch", "the component has encryption-info");
	err = encrypt_info_parse(content, &info, m->fault);
	if (!err)
		ret->encryption = content;
	return err;
}

static int fetch_fill(struct suit_machine *m, unsigned c,
	struct suit_fetch *ret, int *ret_pending)
{
	const struct suit_slot *here = slot_of(m, c);
	int err;

	*ret = (struct suit_fetch){.component = c,
		.source = SUIT_COMPONENTS_MAX,
		.slot = here ? here->slot : 0,
		.uri = param_string(m, c, SUIT_PARAM_URI)};
	if (ret->uri.len && ret->uri.at[0] == '#')
		return suit_refuse(m, ERR_TRUST_SUIT_INTEGRATED,
			"manifest.fetch", "the payload is inside the envelope");
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

static int fetch(struct suit_machine *m, unsigned c)
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
			       : suit_refuse(m, ERR_TRUST_SUIT_FORM,
					 "manifest.fetch",
					 "one component is fetched twice");
	m->pending[m->out->fetch_count] = pending;
	m->out->fetches[m->out->fetch_count++] = one;
	return 0;
}

/* The fetch that a copy with encryption-info decrypts; NULL if there is none
 * that is not an image of its own. */
static struct suit_fetch *source_of(struct suit_machine *m, unsigned c)
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
static int decrypt(struct suit_machine *m, unsigned c, struct suit_fetch *fetch)
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
		return suit_refuse(m, ERR_TRUST_SUIT_NO_SLOT, "manifest.copy",
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

static int passed_over(struct suit_machine *m, unsigned c, int64_t command)
{
	int err;

	m->out->not_executed++;
	m->produced |= 1u << c;
	if (!slot_of(m, c))
		return 0;
	err = suit_refuse_pending(m);
	if (!err)
		err = fault_set(m->fault, ERR_TRUST_SUIT_NOT_EXECUTED, 0,
			"manifest.command",
			"%s would fill a slot of the class, but is never "
			"executed",
			suit_command_name(command));
	return err;
}

static int copy(struct suit_machine *m, unsigned c)
{
	struct suit_fetch *source = source_of(m, c);
	const struct suit_fetch *fetch = fetch_of(m, c);

	if (source)
		return decrypt(m, c, source);
	/* A section runs the shared sequence again, and it may repeat itself.
	 */
	if (fetch && fetch->source ==
			     param_uint(m, c, SUIT_PARAM_SOURCE, UINT64_MAX))
		return 0;
	return passed_over(m, c, SUIT_COPY);
}

static int wait_event(struct suit_machine *m, unsigned c)
{
	m->out->wait = param_string(m, c, SUIT_PARAM_WAIT);
	return 0;
}

/* One command for one component. */
int suit_run_command(struct suit_machine *m, int64_t command, unsigned c)
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
