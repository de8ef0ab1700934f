#include <errno.h>
#include <stdlib.h>

#include "store/keys/keys_module.h"

#define SLOTS_MAX 64
#define POINT_MAX (4 + 1 + 2 * CRYPTO_POINT_MAX)

struct token_key {
	struct keys_module *module;
	struct keys_uri uri;
	bool has_session;
	ck_session_handle_t session;
	ck_object_handle_t object;
	enum secret_kind kind;
	struct cose_key public;
	unsigned kek_len;
};

static int token_fail(struct fault *fault, const char *what, ck_rv_t status)
{
	return fault_set(fault, ERR_KEYS_TOKEN, 0, what,
		"the token answers 0x%lx", status);
}

/* ---- finding the token ---- */

/* Texts of a token are padded with blanks. */
static bool padded_is(const unsigned char *at, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (!len)
		return true;
	if (len > size || memcmp(at, text, len))
		return false;
	for (size_t i = len; i < size; i++)
		if (at[i] != ' ' && at[i] != '\0')
			return false;
	return true;
}

static bool token_fits(const struct token_key *k, ck_slot_id_t slot)
{
	const struct keys_uri *uri = &k->uri;
	struct ck_token_info info;

	if (uri->has_slot && uri->slot != slot)
		return false;
	if (k->module->call->C_GetTokenInfo(slot, &info) != CKR_OK ||
		!(info.flags & CKF_TOKEN_INITIALIZED))
		return false;
	return padded_is(info.label, sizeof(info.label), uri->token) &&
	       padded_is(info.manufacturer_id, sizeof(info.manufacturer_id),
		       uri->manufacturer) &&
	       padded_is(info.model, sizeof(info.model), uri->model) &&
	       padded_is(info.serial_number, sizeof(info.serial_number),
		       uri->serial);
}

static int slot_find(
	const struct token_key *k, ck_slot_id_t *ret, struct fault *fault)
{
	ck_slot_id_t slots[SLOTS_MAX];
	unsigned long count = SLOTS_MAX;
	unsigned found = 0;
	ck_rv_t status =
		k->module->call->C_GetSlotList(1, slots, &count);

	if (status != CKR_OK)
		return token_fail(fault, "slots", status);
	for (unsigned long i = 0; i < count && i < SLOTS_MAX; i++) {
		if (!token_fits(k, slots[i]))
			continue;
		*ret = slots[i];
		found++;
	}
	if (found == 1)
		return 0;
	return fault_set(fault, found ? ERR_KEYS_NOT_FOUND : ERR_KEYS_TOKEN, 0,
		"token", "%s",
		found ? "several tokens fit the URI" : "no token fits the URI");
}

/* ---- logging in ---- */

static int pin_read(const char *path, struct buf *ret, struct fault *fault)
{
	const char *place;
	size_t len;
	int err;

	if (!path[0])
		return fault_set(fault, ERR_KEYS_PIN, 0, "pin-source",
			"is missing");
	place = getenv("CREDENTIALS_DIRECTORY");
	len = place ? strlen(place) : 0;
	err = keys_file_read(path,
		len > 1 && !strncmp(path, place, len) && path[len] == '/', ret,
		fault);
	while (!err && ret->len && (ret->at[ret->len - 1] == '\n' ||
					   ret->at[ret->len - 1] == '\r'))
		ret->len--;
	if (!err && !ret->len)
		err = fault_set(fault, ERR_KEYS_PIN, 0, path, "is empty");
	return err;
}

/* Never tried twice by itself: a token locks itself after some wrong PINs. */
static int log_in(struct token_key *k, struct fault *fault)
{
	struct buf pin;
	ck_rv_t status;
	int err;

	buf_init(&pin, KEYS_FILE_SIZE);
	err = pin_read(k->uri.pin_file, &pin, fault);
	if (!err) {
		status = k->module->call->C_Login(
			k->session, CKU_USER, pin.at, pin.len);
		if (status == CKR_PIN_INCORRECT || status == CKR_PIN_LOCKED ||
			status == CKR_PIN_INVALID ||
			status == CKR_PIN_LEN_RANGE ||
			status == CKR_PIN_EXPIRED)
			err = fault_set(fault, ERR_KEYS_PIN, 0, "pin",
				"the token refuses it: 0x%lx", status);
		else if (status != CKR_OK &&
			 status != CKR_USER_ALREADY_LOGGED_IN)
			err = token_fail(fault, "login", status);
	}
	if (pin.at)
		crypto_wipe(pin.at, pin.size);
	buf_done(&pin);
	return err;
}

/* ---- finding the key ---- */

static int object_find(struct token_key *k, ck_object_class_t class,
	struct bytes id, struct bytes label, ck_object_handle_t *ret)
{
	struct ck_function_list *call = k->module->call;
	struct ck_attribute wanted[3] = {
		{CKA_CLASS, &class, sizeof(class)},
	};
	ck_object_handle_t found[2];
	unsigned long count = 0, attributes = 1;
	ck_rv_t status;

	if (id.len)
		wanted[attributes++] = (struct ck_attribute){
			CKA_ID, (void *)(uintptr_t)id.at, id.len};
	if (label.len)
		wanted[attributes++] = (struct ck_attribute){CKA_LABEL,
			(void *)(uintptr_t)label.at, label.len};
	status = call->C_FindObjectsInit(k->session, wanted, attributes);
	if (status != CKR_OK)
		return ERR_KEYS_TOKEN;
	status = call->C_FindObjects(k->session, found, 2, &count);
	call->C_FindObjectsFinal(k->session);
	if (status != CKR_OK)
		return ERR_KEYS_TOKEN;
	if (count != 1)
		return ERR_KEYS_NOT_FOUND;
	*ret = found[0];
	return 0;
}

static struct bytes uri_id(const struct token_key *k)
{
	return bytes_of(k->uri.id, k->uri.id_len);
}

static int key_find(struct token_key *k, struct fault *fault)
{
	struct bytes label = bytes_of_text(k->uri.object);
	int err = ERR_KEYS_NOT_FOUND;

	if (k->uri.type != KEYS_URI_SECRET) {
		k->kind = SECRET_EC;
		err = object_find(
			k, CKO_PRIVATE_KEY, uri_id(k), label, &k->object);
	}
	if (err == ERR_KEYS_NOT_FOUND && k->uri.type != KEYS_URI_PRIVATE) {
		k->kind = SECRET_AES;
		err = object_find(
			k, CKO_SECRET_KEY, uri_id(k), label, &k->object);
	}
	return err ? fault_set(fault, err, 0, "object", "%s", err_text(err))
		   : 0;
}

/* An attribute of at most `size` bytes. */
static int attribute_get(struct token_key *k, ck_object_handle_t object,
	ck_attribute_type_t type, void *ret, size_t size, size_t *ret_len)
{
	struct ck_attribute a = {type, ret, size};
	ck_rv_t status = k->module->call->C_GetAttributeValue(
		k->session, object, &a, 1);

	if (status != CKR_OK || a.value_len > size)
		return ERR_KEYS_TOKEN;
	*ret_len = a.value_len;
	return 0;
}

/* A point is wrapped into an OCTET STRING by the standard, and bare by some
 * tokens. */
static struct bytes point_of(struct bytes in)
{
	if (in.len > 2 && in.at[0] == 4 && in.at[1] == in.len - 2)
		return bytes_slice(in, 2, SIZE_MAX);
	if (in.len > 3 && in.at[0] == 4 && in.at[1] == 0x81 &&
		in.at[2] == in.len - 3)
		return bytes_slice(in, 3, SIZE_MAX);
	return in;
}

/* The public key stands beside the private one under the same id or label. */
static int public_find(struct token_key *k, struct fault *fault)
{
	uint8_t id[64], point[POINT_MAX];
	struct bytes label = {0}, by_id = {0};
	ck_object_handle_t object;
	size_t len = 0;
	int err = attribute_get(
		k, k->object, CKA_ID, id, sizeof(id), &len);

	if (!err && len)
		by_id = bytes_of(id, len);
	else
		label = bytes_of_text(k->uri.object);
	err = object_find(k, CKO_PUBLIC_KEY, by_id, label, &object);
	if (err)
		return fault_set(fault, err, 0, "object",
			"the public key of the same id is not in the token");
	err = attribute_get(
		k, object, CKA_EC_POINT, point, sizeof(point), &len);
	if (!err)
		err = cose_key_from_point(
			point_of(bytes_of(point, len)), &k->public);
	if (err || k->public.curve == CRYPTO_P521)
		return fault_set(fault, ERR_KEYS_KIND, 0, "object",
			"must be a key on P-256 or P-384");
	return 0;
}

static int kek_len_get(struct token_key *k, struct fault *fault)
{
	unsigned long type = 0, bytes = 0;
	size_t len;
	int err = attribute_get(
		k, k->object, CKA_KEY_TYPE, &type, sizeof(type), &len);

	if (!err)
		err = attribute_get(k, k->object, CKA_VALUE_LEN, &bytes,
			sizeof(bytes), &len);
	if (err || type != CKK_AES || (bytes != 16 && bytes != 32))
		return fault_set(fault, ERR_KEYS_KIND, 0, "object",
			"must be an AES key of 16 or 32 bytes");
	k->kek_len = (unsigned)bytes;
	return 0;
}

/* ---- sessions ---- */

static void disconnect(struct token_key *k)
{
	if (k->has_session)
		k->module->call->C_CloseSession(k->session);
	k->has_session = false;
}

static int connect_token(struct token_key *k, struct fault *fault)
{
	ck_slot_id_t slot;
	ck_rv_t status;
	int err = slot_find(k, &slot, fault);

	if (err)
		return err;
	status = k->module->call->C_OpenSession(
		slot, CKF_SERIAL_SESSION, NULL, NULL, &k->session);
	if (status != CKR_OK)
		return token_fail(fault, "session", status);
	k->has_session = true;
	err = log_in(k, fault);
	if (!err)
		err = key_find(k, fault);
	if (!err)
		err = k->kind == SECRET_EC ? public_find(k, fault)
					   : kek_len_get(k, fault);
	if (err)
		disconnect(k);
	return err;
}

int keys_token_open(const struct keys_uri *uri, struct secret_key *ret,
	struct fault *fault)
{
	struct token_key *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return fault_set(fault, -ENOMEM, 0, "key", "no memory");
	k->uri = *uri;
	err = keys_module_get(uri->module, &k->module, fault);
	if (!err) {
		pthread_mutex_lock(&k->module->lock);
		err = connect_token(k, fault);
		pthread_mutex_unlock(&k->module->lock);
	}
	if (err) {
		keys_token_close(k);
		return err;
	}
	ret->kind = k->kind;
	ret->public = k->public;
	ret->kek_len = k->kek_len;
	ret->token = k;
	return 0;
}

void keys_token_close(struct token_key *take_key)
{
	if (!take_key)
		return;
	if (take_key->module) {
		pthread_mutex_lock(&take_key->module->lock);
		disconnect(take_key);
		pthread_mutex_unlock(&take_key->module->lock);
		keys_module_put(take_key->module);
	}
	free(take_key);
}

/* ---- operations ---- */

struct operation {
	struct bytes in;
	uint8_t *out;
	size_t len;
};

typedef ck_rv_t operate(struct token_key *k, struct operation *op);

static bool is_lost(ck_rv_t status)
{
	return status == CKR_SESSION_HANDLE_INVALID ||
	       status == CKR_SESSION_CLOSED || status == CKR_DEVICE_REMOVED ||
	       status == CKR_TOKEN_NOT_PRESENT ||
	       status == CKR_OBJECT_HANDLE_INVALID ||
	       status == CKR_KEY_HANDLE_INVALID ||
	       status == CKR_USER_NOT_LOGGED_IN;
}

/* A token that was away is found again, once. It must hold the same key. */
static int with_token(struct token_key *k, operate *run, struct operation *op,
	ck_rv_t *ret_status)
{
	struct cose_key public = k->public;
	int err = 0;

	pthread_mutex_lock(&k->module->lock);
	*ret_status = k->has_session ? run(k, op) : CKR_SESSION_CLOSED;
	if (is_lost(*ret_status)) {
		disconnect(k);
		err = connect_token(k, NULL);
		if (!err && k->kind == SECRET_EC &&
			!cose_key_equal(&public, &k->public))
			err = ERR_KEYS_NOT_FOUND;
		if (!err)
			*ret_status = run(k, op);
	}
	pthread_mutex_unlock(&k->module->lock);
	return err;
}

static ck_rv_t run_sign(struct token_key *k, struct operation *op)
{
	struct ck_mechanism mechanism = {.mechanism = CKM_ECDSA};
	struct ck_function_list *call = k->module->call;
	unsigned long len = op->len;
	ck_rv_t status = call->C_SignInit(k->session, &mechanism, k->object);

	if (status == CKR_OK)
		status = call->C_Sign(k->session,
			(unsigned char *)(uintptr_t)op->in.at, op->in.len,
			op->out, &len);
	return status == CKR_OK && len != op->len ? CKR_GENERAL_ERROR : status;
}

int keys_token_sign(
	struct token_key *key, struct bytes digest, uint8_t *ret, size_t len)
{
	struct operation op = {digest, ret, len};
	ck_rv_t status;
	int err = with_token(key, run_sign, &op, &status);

	if (err)
		return err;
	return status == CKR_OK ? 0 : ERR_KEYS_TOKEN;
}

/* What comes out is a secret that we have to use ourselves: it may leave. */
static ck_rv_t value_take(
	struct token_key *k, ck_object_handle_t object, struct operation *op)
{
	size_t len = 0;
	int err = attribute_get(
		k, object, CKA_VALUE, op->out, op->len, &len);

	k->module->call->C_DestroyObject(k->session, object);
	return err || len != op->len ? CKR_FUNCTION_FAILED : CKR_OK;
}

static ck_rv_t run_agree(struct token_key *k, struct operation *op)
{
	ck_object_class_t class = CKO_SECRET_KEY;
	ck_key_type_t type = CKK_GENERIC_SECRET;
	unsigned char yes = 1, no = 0;
	unsigned long len = op->len;
	struct ck_attribute wanted[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_KEY_TYPE, &type, sizeof(type)},
		{CKA_TOKEN, &no, 1},
		{CKA_SENSITIVE, &no, 1},
		{CKA_EXTRACTABLE, &yes, 1},
		{CKA_VALUE_LEN, &len, sizeof(len)},
	};
	struct ck_ecdh1_derive_params params = {
		.kdf = CKD_NULL,
		.public_data_len = op->in.len,
		.public_data = (unsigned char *)(uintptr_t)op->in.at,
	};
	struct ck_mechanism mechanism = {
		CKM_ECDH1_DERIVE, &params, sizeof(params)};
	ck_object_handle_t object;
	ck_rv_t status = k->module->call->C_DeriveKey(k->session, &mechanism,
		k->object, wanted, sizeof(wanted) / sizeof(wanted[0]),
		&object);

	return status == CKR_OK ? value_take(k, object, op) : status;
}

int keys_token_agree(
	struct token_key *key, const uint8_t peer[64], uint8_t ret[32])
{
	uint8_t point[65] = {4};
	struct operation op = {bytes_of(point, sizeof(point)), ret, 32};
	ck_rv_t status;
	int err;

	memcpy(point + 1, peer, 64);
	err = with_token(key, run_agree, &op, &status);
	if (err)
		return err;
	if (status == CKR_MECHANISM_PARAM_INVALID ||
		status == CKR_ARGUMENTS_BAD)
		return ERR_TRUST_COSE_KEY;
	return status == CKR_OK ? 0 : ERR_KEYS_TOKEN;
}

static ck_rv_t run_unwrap(struct token_key *k, struct operation *op)
{
	ck_object_class_t class = CKO_SECRET_KEY;
	ck_key_type_t type = CKK_AES;
	unsigned char yes = 1, no = 0;
	struct ck_attribute wanted[] = {
		{CKA_CLASS, &class, sizeof(class)},
		{CKA_KEY_TYPE, &type, sizeof(type)},
		{CKA_TOKEN, &no, 1},
		{CKA_SENSITIVE, &no, 1},
		{CKA_EXTRACTABLE, &yes, 1},
	};
	struct ck_mechanism mechanism = {.mechanism = CKM_AES_KEY_WRAP};
	ck_object_handle_t object;
	ck_rv_t status = k->module->call->C_UnwrapKey(k->session, &mechanism,
		k->object, (unsigned char *)(uintptr_t)op->in.at, op->in.len,
		wanted, sizeof(wanted) / sizeof(wanted[0]), &object);

	return status == CKR_OK ? value_take(k, object, op) : status;
}

int keys_token_unwrap(
	struct token_key *key, struct bytes wrapped, uint8_t *ret)
{
	struct operation op = {wrapped, ret, wrapped.len - CRYPTO_WRAP_GROWTH};
	ck_rv_t status;
	int err;

	if (wrapped.len < 16 + CRYPTO_WRAP_GROWTH)
		return ERR_TRUST_ENCRYPT_UNWRAP;
	err = with_token(key, run_unwrap, &op, &status);
	if (err)
		return err;
	/* SoftHSM has the general error for bytes that do not unwrap. */
	if (status == CKR_WRAPPED_KEY_INVALID ||
		status == CKR_WRAPPED_KEY_LEN_RANGE ||
		status == CKR_ENCRYPTED_DATA_INVALID ||
		status == CKR_GENERAL_ERROR)
		return ERR_TRUST_ENCRYPT_UNWRAP;
	return status == CKR_OK ? 0 : ERR_KEYS_TOKEN;
}
