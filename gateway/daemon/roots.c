#include "gateway/daemon/roots.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* Transfers that the roots of a vendor name: the class, and the SHA-256 of the
 * heir's first root. */
struct roots_seen {
	unsigned count;
	struct {
		uint8_t class_id[16];
		uint8_t heir[32];
	} of[ROOTS_SEEN_MAX];
};

/* A walk that is under way. One page of roots is copied, judged on the pool, and
 * then the next is asked for. */
struct roots_walk {
	uv_work_t req;
	struct vendor *vendor;
	roots_cb cb;
	struct trust_clock clock;
	bool file_is_known; /* as the first root, or the newest one */
	bool has_kept;	    /* trust.db knows the vendor */
	uint8_t *roots[STORE_ROOTS_PAGE];
	size_t lens[STORE_ROOTS_PAGE];
	uint64_t versions[STORE_ROOTS_PAGE];
	size_t count;
	bool last_page;
	int status; /* of the page */
	struct fault fault;
};

static int read_file(const char *path, uint8_t **ret, size_t *ret_len,
	struct fault *fault)
{
	FILE *file = fopen(path, "re");
	uint8_t *at = malloc(ROOT_FILE_MAX + 1);
	size_t len;

	if (!file || !at) {
		int err = file ? -ENOMEM : -errno;

		if (file)
			fclose(file);
		free(at);
		return fault_set(fault, err, 0, "root", "%.100s: %s", path,
			err_text(err));
	}
	len = fread(at, 1, ROOT_FILE_MAX + 1, file);
	fclose(file);
	if (len > ROOT_FILE_MAX) {
		free(at);
		return fault_set(fault, ERR_TOO_LARGE, 0, "root",
			"%.100s: more than %u bytes", path, ROOT_FILE_MAX);
	}
	*ret = at;
	*ret_len = len;
	return 0;
}

int roots_file_digest(const struct vendor *v, uint8_t ret[32])
{
	uint8_t *file = NULL;
	size_t len = 0;
	int err = read_file(v->config->root, &file, &len, NULL);

	if (!err)
		err = crypto_sha256(bytes_of(file, len), ret);
	free(file);
	return err;
}

/* ---- what trust.db knows ---- */

struct kept {
	struct trust_floor floor;
	uint64_t time;
	const struct root_row *root;
};

static void find_kept(const struct vendor *v,
	const struct store_loaded *loaded, struct kept *k)
{
	for (size_t i = 0; i < loaded->catalog_floor_count; i++) {
		const struct catalog_floor_row *row =
			&loaded->catalog_floors[i];

		if (strcmp(row->vendor, v->name))
			continue;
		k->floor.catalog.set = true;
		k->floor.catalog.epoch = row->epoch;
		k->floor.catalog.sequence = row->sequence;
		memcpy(k->floor.catalog.sha256, row->digest, 32);
	}
	for (size_t i = 0; i < loaded->time_bound_count; i++)
		if (!strcmp(loaded->time_bounds[i].vendor, v->name))
			k->time = (uint64_t)loaded->time_bounds[i].time_ms /
				1000;
	for (size_t i = 0; i < loaded->root_count; i++) {
		if (strcmp(loaded->roots[i].vendor, v->name))
			continue;
		k->root = &loaded->roots[i];
		k->floor.root_version = k->root->version;
		memcpy(k->floor.root_sha256, k->root->digest, 32);
		/* A root of an epoch without a catalog yet. */
		if (k->floor.catalog.epoch < k->root->epoch)
			k->floor.catalog = (struct catalog_floor){
				.epoch = k->root->epoch};
	}
}

static void remember_first(struct vendor *v)
{
	struct store_commit *c = store_commit_new();

	roots_store(v, c);
	vendor_put_time(v, c);
	gateway_history(c, "vendor-added", v->name, NULL, 0, NULL, NULL);
	gateway_commit(v->gateway, c, NULL, NULL);
}

/* The vendor's file begins later than it did: what lies before is not walked any
 * more. */
static void forget_earlier(const struct vendor *v, uint64_t version)
{
	struct store_commit *c = store_commit_new();

	store_commit_root_prune(c, v->name, version);
	gateway_commit(v->gateway, c, NULL, NULL);
}

bool roots_are_behind(const struct vendor *v)
{
	return v->trust.root->version < v->trust.floor.root_version ||
		v->trust.root->epoch < v->trust.floor.catalog.epoch;
}

void roots_store(const struct vendor *v, struct store_commit *c)
{
	const struct root *root = v->trust.root;
	struct bytes file = bytes_of(root->file, root->file_len);
	struct root_row row = {.version = root->version, .epoch = root->epoch};

	if (root->version < v->trust.floor.root_version) {
		store_commit_root_kept(c, v->name, root->version, file);
		return;
	}
	snprintf(row.vendor, sizeof(row.vendor), "%s", v->name);
	memcpy(row.digest, root->sha256, 32);
	memcpy(row.first_digest, v->first_root_sha256, 32);
	store_commit_root(c, &row, file);
}

/* ---- the walk ---- */

static void free_page(struct roots_walk *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->roots[i]);
	w->count = 0;
}

static void end_walk(struct roots_walk *w, int status)
{
	struct vendor *v = w->vendor;
	struct fault fault = w->fault;
	bool is_new = !w->has_kept;
	roots_cb cb = w->cb;

	free_page(w);
	free(w);
	vendor_hold(v, -1);
	if (status || v->closing)
		trust_close(&v->trust);
	if (v->closing) {
		vendor_release(v);
		return;
	}
	v->trust_is_open = !status;
	if (!status && is_new)
		remember_first(v);
	if (!status && v->chain_fault.code)
		log_warn("roots", "the chain of roots that was kept is broken",
			"vendor=%s root=%llu code=%s rule=\"%s\"", v->name,
			(unsigned long long)v->trust.root->version,
			err_name(v->chain_fault.code), v->chain_fault.rule);
	cb(v, status, &fault);
}

static bool file_is(const struct roots_walk *w, size_t i)
{
	const struct root *root = w->vendor->trust.root;

	return w->versions[i] == root->version && bytes_equal(
		bytes_of(w->roots[i], w->lens[i]),
		bytes_of(root->file, root->file_len));
}

static void judge_page(uv_work_t *req)
{
	struct roots_walk *w = req->data;
	struct vendor *v = w->vendor;

	for (size_t i = 0; i < w->count && !w->status; i++) {
		if (w->versions[i] <= v->trust.root->version)
			continue;
		w->status = trust_add_root(&v->trust, bytes_of(w->roots[i],
			w->lens[i]), &w->clock, &w->fault);
		if (!w->status)
			roots_note(v, v->trust.root);
	}
}

static void ask_page(struct roots_walk *w);

static void on_page_judged(uv_work_t *req, int status)
{
	struct roots_walk *w = req->data;

	free_page(w);
	if (status)
		w->status = status;
	if (w->status) {
		w->vendor->chain_fault = w->fault;
		w->vendor->chain_fault.code = w->status;
		w->fault = (struct fault){0};
	}
	if (w->status || w->last_page || w->vendor->closing)
		end_walk(w, 0);
	else
		ask_page(w);
}

static int copy_page(struct roots_walk *w, const struct store_root *roots,
	size_t count)
{
	for (size_t i = 0; i < count; i++) {
		w->roots[i] = malloc(roots[i].file.len);
		if (!w->roots[i])
			return -ENOMEM;
		memcpy(w->roots[i], roots[i].file.at, roots[i].file.len);
		w->lens[i] = roots[i].file.len;
		w->versions[i] = roots[i].version;
		w->count++;
		if (!w->file_is_known && file_is(w, i)) {
			w->file_is_known = true;
			forget_earlier(w->vendor, w->versions[i]);
		}
	}
	return 0;
}

static void on_page(void *arg, int status, const struct store_root *roots,
	size_t count)
{
	struct roots_walk *w = arg;

	if (!status)
		status = copy_page(w, roots, count);
	if (!status && !w->file_is_known)
		status = fault_set(&w->fault, ERR_TRUST_ROOT_BEHIND, 0, "root",
			"is not the root that this vendor began with, and none "
			"that grew from it");
	if (status || w->vendor->closing) {
		end_walk(w, status);
		return;
	}
	w->last_page = count < STORE_ROOTS_PAGE;
	uv_queue_work(w->vendor->gateway->loop, &w->req, judge_page,
		on_page_judged);
}

static void ask_page(struct roots_walk *w)
{
	const struct vendor *v = w->vendor;
	uint64_t from = v->trust.root->version + (w->file_is_known ? 1 : 0);
	int err = store_roots(v->gateway->store, v->name, from, on_page, w);

	if (err)
		end_walk(w, err);
}

/* The root of the vendor's file, as the beginning of the chain. */
static int open_first(struct roots_walk *w, const struct kept *k,
	struct fault *fault)
{
	struct vendor *v = w->vendor;
	uint8_t *file = NULL;
	size_t len = 0;
	int err = read_file(v->config->root, &file, &len, fault);

	if (!err)
		err = crypto_sha256(bytes_of(file, len), v->file_root_sha256);
	if (!err)
		err = trust_open(&v->trust, bytes_of(file, len), &k->floor,
			k->time, &w->clock, fault);
	free(file);
	if (err)
		return err;
	vendor_evidence_prepare(v);
	memcpy(v->first_root_sha256, k->root ? k->root->first_digest :
		v->file_root_sha256, 32);
	w->has_kept = k->root != NULL;
	w->file_is_known = !k->root ||
		!memcmp(k->root->first_digest, v->file_root_sha256, 32) ||
		!memcmp(k->root->digest, v->file_root_sha256, 32);
	roots_note(v, v->trust.root);
	return 0;
}

int roots_open(struct vendor *v, const struct store_loaded *loaded,
	roots_cb cb, struct fault *fault)
{
	struct roots_walk *w = calloc(1, sizeof(*w));
	struct kept kept = {.time = 0};
	int err;

	if (!w)
		return -ENOMEM;
	w->req.data = w;
	w->vendor = v;
	w->cb = cb;
	w->clock = gateway_clock(v->gateway);
	find_kept(v, loaded, &kept);
	err = open_first(w, &kept, fault);
	if (err) {
		free(w);
		return err;
	}
	err = store_roots(v->gateway->store, v->name, v->trust.root->version +
		(w->file_is_known ? 1 : 0), on_page, w);
	if (err) {
		trust_close(&v->trust);
		free(w);
		return err;
	}
	vendor_hold(v, 1);
	return 0;
}

/* ---- transfers ---- */

void roots_note(struct vendor *v, const struct root *root)
{
	struct roots_seen *seen = v->seen;

	if (root->transfer_count == 0)
		return;
	if (!seen)
		seen = v->seen = calloc(1, sizeof(*seen));
	for (unsigned i = 0; seen && i < root->transfer_count; i++) {
		const struct root_transfer *t = &root->transfers[i];

		for (unsigned k = 0; k < t->class_count &&
				seen->count < ROOTS_SEEN_MAX; k++) {
			unsigned n = 0;

			while (n < seen->count && (memcmp(seen->of[n].class_id,
					t->classes[k].at, 16) ||
					memcmp(seen->of[n].heir, t->heir.at,
					32)))
				n++;
			if (n < seen->count)
				continue;
			memcpy(seen->of[n].class_id, t->classes[k].at, 16);
			memcpy(seen->of[n].heir, t->heir.at, 32);
			seen->count++;
		}
	}
}

bool roots_named(const struct vendor *v, const uint8_t class_id[16],
	const uint8_t heir[32])
{
	for (unsigned i = 0; v->seen && i < v->seen->count; i++)
		if (!memcmp(v->seen->of[i].class_id, class_id, 16) &&
				!memcmp(v->seen->of[i].heir, heir, 32))
			return true;
	return false;
}
