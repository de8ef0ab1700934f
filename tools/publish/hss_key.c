#include "tools/publish/hss_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cbor.h"
#include "base/cbor_out.h"
#include "policy/trust/crypto_secret.h"
#include "tools/publish/hss_record.h"
#include "tools/publish/hss_tree.h"
#include "tools/publish/pem.h"
#include "tools/publish/say.h"

#define FILE_MAX 4096
#define FORMAT 1

/* Trees of more hashes than this are worth a word before they are grown. */
#define GROW_HASHES_TOLD 3000000

/* What the file says. */
struct state {
	struct hss_set set;
	uint8_t seed[HSS_SEED_LEN];
	uint64_t next;
	uint8_t public[HSS_PUBLIC_LEN];
};

static void body_put(struct buf *b, const struct state *state)
{
	cbor_put_array(b, 5);
	cbor_put_uint(b, FORMAT);
	cbor_put_array(b, state->set.levels);
	for (unsigned i = 0; i < state->set.levels; i++) {
		cbor_put_array(b, 2);
		cbor_put_uint(b, state->set.tree_types[i]);
		cbor_put_uint(b, state->set.ots_types[i]);
	}
	cbor_put_bstr(b, bytes_of(state->seed, sizeof(state->seed)));
	cbor_put_uint(b, state->next);
	cbor_put_bstr(b, bytes_of(state->public, sizeof(state->public)));
}

/* All of it at once: a buffer that grows leaves copies behind. */
static void secret_init(struct buf *b)
{
	buf_init(b, FILE_MAX);
	buf_room(b, FILE_MAX);
}

static void wiped(struct buf *b)
{
	if (b->at)
		crypto_wipe(b->at, b->size);
	buf_done(b);
}

static int state_encode(const struct state *state, struct buf *ret)
{
	uint8_t digest[32];
	struct buf body, der;
	int err;

	secret_init(&body);
	secret_init(&der);
	body_put(&body, state);
	err = body.err ? body.err : crypto_sha256(buf_bytes(&body), digest);
	cbor_put_array(&der, 2);
	cbor_put_bstr(&der, buf_bytes(&body));
	cbor_put_bstr(&der, bytes_of(digest, sizeof(digest)));
	if (!err)
		err = der.err ? der.err : pem_write(HSS_KEY_LABEL,
			buf_bytes(&der), ret);
	wiped(&der);
	wiped(&body);
	return err;
}

static void set_take(struct cbor *r, struct hss_set *set)
{
	struct cbor_list list, pair;
	uint64_t type[2];

	cbor_array(r, &list);
	while (cbor_next(r, &list)) {
		unsigned count = 0;

		cbor_array(r, &pair);
		while (cbor_next(r, &pair)) {
			if (count == 2 || set->levels == HSS_LEVELS_MAX)
				cbor_fail(r, ERR_TOO_LARGE);
			else
				cbor_uint(r, &type[count++]);
		}
		if (r->err)
			return;
		if (count != 2 || type[0] > UINT8_MAX || type[1] > UINT8_MAX) {
			cbor_fail(r, ERR_CBOR_RANGE);
			return;
		}
		set->tree_types[set->levels] = (uint32_t)type[0];
		set->ots_types[set->levels++] = (uint32_t)type[1];
	}
}

static void exact_take(struct cbor *r, uint8_t *ret, size_t len)
{
	struct bytes value;

	if (cbor_bstr(r, &value))
		return;
	if (value.len != len)
		cbor_fail(r, ERR_CBOR_RANGE);
	else
		memcpy(ret, value.at, len);
}

static int body_take(struct bytes body, struct state *ret)
{
	struct state state = {.next = UINT64_MAX};
	uint64_t format = 0;
	struct cbor_list list;
	struct cbor r;
	unsigned i = 0;

	cbor_init(&r, body, CBOR_STRICT);
	cbor_array(&r, &list);
	while (cbor_next(&r, &list))
		switch (i++) {
		case 0:
			cbor_uint(&r, &format);
			if (format != FORMAT)
				cbor_fail(&r, ERR_CBOR_RANGE);
			break;
		case 1:
			set_take(&r, &state.set);
			break;
		case 2:
			exact_take(&r, state.seed, sizeof(state.seed));
			break;
		case 3:
			cbor_uint(&r, &state.next);
			break;
		case 4:
			exact_take(&r, state.public, sizeof(state.public));
			break;
		default:
			cbor_fail(&r, ERR_TOO_LARGE);
		}
	if (!cbor_done(&r) && (i != 5 || hss_set_check(&state.set) ||
			state.next > hss_set_total(&state.set)))
		cbor_fail(&r, ERR_CBOR_RANGE);
	if (!r.err)
		*ret = state;
	crypto_wipe(&state, sizeof(state));
	return r.err;
}

/* The digest is no secret and no proof; it finds a file that is damaged, whose
 * number might have become a lower one. */
static int der_take(struct bytes der, struct state *ret)
{
	struct bytes part[2] = {{0}};
	uint8_t digest[32];
	struct cbor_list list;
	struct cbor r;
	unsigned i = 0;

	cbor_init(&r, der, CBOR_STRICT);
	cbor_array(&r, &list);
	while (cbor_next(&r, &list)) {
		if (i == 2)
			return -EINVAL;
		cbor_bstr(&r, &part[i++]);
	}
	if (cbor_done(&r) || i != 2 || crypto_sha256(part[0], digest) ||
			!bytes_equal(part[1], bytes_of(digest, 32)))
		return -EINVAL;
	return body_take(part[0], ret);
}

static int state_decode(const char *path, struct bytes text, struct state *ret)
{
	struct buf der;
	int err;

	secret_init(&der);
	err = pem_read(text, HSS_KEY_LABEL, &der);
	if (!err)
		err = der_take(buf_bytes(&der), ret);
	wiped(&der);
	return err ? complain(-EINVAL, path, "HSS key", "is damaged: do not"
		" repair it, take the newest copy or another key") : 0;
}

static int state_read(const char *path, struct state *ret)
{
	struct buf text;
	int err;

	secret_init(&text);
	err = file_read(path, &text);
	if (!err)
		err = state_decode(path, buf_bytes(&text), ret);
	wiped(&text);
	return err;
}

static int state_write(const char *path, const struct state *state, bool is_new)
{
	struct buf text;
	int err;

	secret_init(&text);
	err = state_encode(state, &text);
	if (err)
		complain(err, path, "HSS key", "%s", err_text(err));
	else if (is_new)
		err = file_write_new(path, buf_bytes(&text), 0600);
	else
		err = file_write(path, buf_bytes(&text), 0600);
	wiped(&text);
	return err;
}

static int trees_path(const char *path, char ret[FILES_PATH_SIZE])
{
	return path_format(ret, "%s.trees", path);
}

/* Not being able to keep them costs time only. */
static void trees_keep(const char *path, const struct hss_trees *trees)
{
	char name[FILES_PATH_SIZE];
	struct buf file;

	buf_init(&file, hss_trees_file_max(&trees->set));
	if (hss_trees_save(trees, &file) == 0 && trees_path(path, name) == 0)
		file_write(name, buf_bytes(&file), 0600);
	buf_done(&file);
}

static void trees_fetch(const char *path, struct hss_trees *trees)
{
	char name[FILES_PATH_SIZE];
	struct buf file;

	buf_init(&file, hss_trees_file_max(&trees->set));
	if (trees_path(path, name) == 0 && file_exists(name) &&
			file_read(name, &file) == 0)
		hss_trees_load(trees, buf_bytes(&file));
	buf_done(&file);
}

void hss_key_moved(const char *from, const char *to)
{
	char old[FILES_PATH_SIZE], new[FILES_PATH_SIZE];

	if (trees_path(from, old) == 0 && trees_path(to, new) == 0 &&
			file_exists(old) && rename(old, new))
		unlink(old);
	if (path_format(old, "%s.lock", from) == 0)
		unlink(old);
}

static void growth_tell(const char *path, uint64_t hashes)
{
	if (hashes > GROW_HASHES_TOLD)
		fprintf(stderr, "ferry-publish: %s: growing a tree of %llu"
			" million hashes, once\n", path,
			(unsigned long long)(hashes / 1000000));
}

static int key_new(const char *path, const struct state *state,
	struct hss_key **ret)
{
	struct hss_key *key = calloc(1, sizeof(*key));
	int err = key ? path_format(key->path, "%s", path) :
			complain(-ENOMEM, path, NULL, "no memory");

	if (err) {
		free(key);
		return err;
	}
	key->set = state->set;
	key->next = state->next;
	memcpy(key->public, state->public, sizeof(key->public));
	*ret = key;
	return 0;
}

int hss_key_make(const char *path, const struct hss_set *set,
	struct hss_key **ret)
{
	struct state state = {.set = *set};
	struct hss_trees trees;
	int err = crypto_random(state.seed, sizeof(state.seed));

	if (file_exists(path))
		return complain(-EEXIST, path, NULL, "is there already");
	hss_trees_init(&trees, set, state.seed);
	growth_tell(path, hss_trees_missing(&trees, 1, 0));
	if (!err)
		err = hss_trees_public(&trees, state.public);
	if (err)
		complain(err, path, "new key", "%s", err_text(err));
	if (!err)
		err = state_write(path, &state, true);
	if (!err) {
		trees_keep(path, &trees);
		err = key_new(path, &state, ret);
	}
	hss_trees_done(&trees);
	crypto_wipe(&state, sizeof(state));
	return err;
}

int hss_key_open(const char *path, struct bytes text, struct hss_key **ret)
{
	struct state state;
	int err = state_decode(path, text, &state);

	if (!err) {
		err = key_new(path, &state, ret);
		crypto_wipe(&state, sizeof(state));
	}
	return err;
}

void hss_key_free(struct hss_key *key)
{
	free(key);
}

uint64_t hss_key_left(const struct hss_key *key)
{
	uint64_t total = hss_set_total(&key->set);

	return key->next < total ? total - key->next : 0;
}

char *hss_key_left_text(const struct hss_key *key, char text[64])
{
	snprintf(text, 64, "%llu of %llu signatures left",
		(unsigned long long)hss_key_left(key),
		(unsigned long long)hss_set_total(&key->set));
	return text;
}

bool hss_key_is_behind(const struct hss_key *key)
{
	return key->next < key->floor;
}

bool hss_key_is_low(const struct hss_key *key)
{
	return hss_key_left(key) <= hss_set_total(&key->set) / 10;
}

static int complain_behind(const struct hss_key *key, uint64_t next,
	uint64_t floor)
{
	return complain(-ESTALE, key->path, "HSS key", "is older than what it"
		" has signed: it would use leaf %llu, but all below %llu are"
		" used. Put the newest copy back, or take another key",
		(unsigned long long)next, (unsigned long long)floor);
}

int hss_key_attend(struct hss_key *key, const char *dir)
{
	uint64_t floor = 0;
	int err = hss_record_open(key, dir, &floor);

	if (err)
		return err;
	key->floor = floor;
	return 0;
}

/* An open file description lock: it belongs to this descriptor alone, and ends
 * with it. */
static int lock_take(const struct hss_key *key, int *ret_fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char name[FILES_PATH_SIZE];
	int err = path_format(name, "%s.lock", key->path);
	int fd;

	if (err)
		return err;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return complain(-errno, name, NULL, "cannot open: %s",
			strerror(errno));
	if (fcntl(fd, F_OFD_SETLK, &lock)) {
		err = errno == EAGAIN || errno == EACCES ?
			complain(-EBUSY, key->path, "HSS key",
				"another process signs with it") :
			complain(-errno, name, NULL, "cannot lock: %s",
				strerror(errno));
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/* Under the lock: reads the file anew, and writes it and the record with the
 * leaf after the one that it gives away. */
static int leaf_reserve(struct hss_key *key, struct state *state,
	uint64_t *ret_leaf)
{
	uint64_t floor = 0, leaf;
	int err = state_read(key->path, state);

	if (!err)
		err = hss_record_read(key, &floor);
	if (err)
		return err;
	if (floor < key->floor)
		floor = key->floor;
	if (memcmp(state->public, key->public, sizeof(key->public)) != 0)
		return complain(-EINVAL, key->path, "HSS key",
			"was replaced by another meanwhile");
	leaf = state->next;
	if (leaf < floor)
		return complain_behind(key, leaf, floor);
	if (leaf >= hss_set_total(&state->set))
		return complain(-ENOSPC, key->path, "HSS key", "is used up: all"
			" %llu signatures are made (ferry-publish root rotate"
			" brings the next key)",
			(unsigned long long)hss_set_total(&state->set));
	state->next++;
	err = state_write(key->path, state, false);
	if (!err)
		err = hss_record_write(key, state->next);
	if (err)
		return err;
	key->next = state->next;
	*ret_leaf = leaf;
	return 0;
}

static int signature_make(const struct hss_key *key, const struct state *state,
	uint64_t leaf, struct bytes message, struct buf *ret)
{
	struct hss_trees trees;
	int err;

	hss_trees_init(&trees, &state->set, state->seed);
	trees_fetch(key->path, &trees);
	growth_tell(key->path, hss_trees_missing(&trees, state->set.levels,
		leaf));
	err = hss_trees_sign(&trees, leaf, message, ret);
	if (!err)
		err = hss_verify(bytes_of(key->public, sizeof(key->public)),
			&message, 1, buf_bytes(ret));
	if (err)
		complain(err, key->path, "HSS key", "cannot sign: %s",
			err_text(err));
	else if (trees.has_grown)
		trees_keep(key->path, &trees);
	hss_trees_done(&trees);
	return err;
}

static int sign_locked(struct hss_key *key, struct bytes message,
	uint8_t *ret_signature, size_t len)
{
	struct state state;
	struct buf signature;
	uint64_t leaf = 0;
	int err = leaf_reserve(key, &state, &leaf);

	buf_init(&signature, len);
	if (!err)
		err = signature_make(key, &state, leaf, message, &signature);
	if (!err && signature.len != len)
		err = complain(-EINVAL, key->path, "HSS key",
			"a signature has %zu bytes, not %zu", signature.len,
			len);
	if (!err)
		memcpy(ret_signature, signature.at, len);
	buf_done(&signature);
	crypto_wipe(&state, sizeof(state));
	return err;
}

int hss_key_sign(struct hss_key *key, struct bytes message,
	uint8_t *ret_signature, size_t len)
{
	char left[64];
	int fd, err;

	if (!key->record[0])
		return complain(-EINVAL, key->path, "HSS key",
			"signs in a publisher's folder only");
	err = lock_take(key, &fd);
	if (err)
		return err;
	err = sign_locked(key, message, ret_signature, len);
	close(fd);
	if (!err && hss_key_is_low(key))
		warn(key->path, "HSS key", "%s",
			hss_key_left_text(key, left));
	return err;
}
