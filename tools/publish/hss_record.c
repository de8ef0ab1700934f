#include "tools/publish/hss_record.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/trust/catalog.h"
#include "policy/trust/cose.h"
#include "policy/trust/root.h"
#include "policy/trust/suit.h"
#include "tools/publish/say.h"

#define RECORD_MAX 32

/* What is being looked for in published files. */
struct search {
	const struct hss_key *key;
	uint8_t kid[COSE_KID_LEN];
	uint64_t next; /* above every leaf that was found */
};

static void message_look(struct search *s, struct bytes in)
{
	struct cose_signer signer;
	struct cose_msg msg;
	uint64_t leaf;

	if (cose_parse(in, COSE_NONE, &msg, NULL))
		return;
	for (unsigned i = 0; i < msg.signer_count; i++) {
		if (cose_signer_at(&msg, i, &signer) ||
				signer.header.alg != COSE_HSS_LMS ||
				!bytes_equal(signer.header.kid,
				bytes_of(s->kid, COSE_KID_LEN)))
			continue;
		if (hss_set_leaf_read(&s->key->set, signer.signature,
				&leaf) == 0 && leaf >= s->next)
			s->next = leaf + 1;
	}
}

static void envelope_look(struct search *s, struct bytes in)
{
	struct suit_envelope envelope;

	if (suit_envelope_parse(in, &envelope, NULL))
		return;
	for (unsigned i = 0; i < envelope.block_count; i++)
		message_look(s, envelope.blocks[i]);
}

static bool has_ending(const char *name, const char *ending)
{
	size_t len = strlen(name), end = strlen(ending);

	return len > end && strcmp(name + len - end, ending) == 0;
}

static int file_look(struct search *s, const char *path)
{
	struct buf file;
	int err;

	buf_init(&file, CATALOG_FILE_MAX);
	err = file_read(path, &file);
	if (!err && has_ending(path, ".suit"))
		envelope_look(s, buf_bytes(&file));
	else if (!err)
		message_look(s, buf_bytes(&file));
	buf_done(&file);
	return err;
}

/* Files of a folder with this ending; a folder that is not here has none. */
static int folder_look(struct search *s, const char *dir, const char *name,
	const char *ending)
{
	char path[FILES_PATH_SIZE];
	struct dirent *entry;
	DIR *folder;
	int err = path_format(path, "%s/%s", dir, name);

	if (err)
		return err;
	folder = opendir(path);
	if (!folder)
		return errno == ENOENT ? 0 : complain(-errno, path, NULL,
			"cannot open: %s", strerror(errno));
	while (!err && (entry = readdir(folder)) != NULL) {
		if (!has_ending(entry->d_name, ending))
			continue;
		err = path_format(path, "%s/%s/%s", dir, name, entry->d_name);
		if (!err)
			err = file_look(s, path);
	}
	closedir(folder);
	return err;
}

static int published_look(struct search *s, const char *dir)
{
	int err = folder_look(s, dir, ".", ".draft.cose");

	if (!err)
		err = folder_look(s, dir, "www/root", ".cose");
	if (!err)
		err = folder_look(s, dir, "www", ".cose");
	return err ? err : folder_look(s, dir, "www/e", ".suit");
}

/* What a process has looked at stays as it was but for its own signatures,
 * which are in the record: it holds the folder's lock. */
#define LOOKED_MAX 8

static struct {
	char record[FILES_PATH_SIZE];
	uint64_t next;
} looked[LOOKED_MAX];
static unsigned looked_count;

static int published_next(struct search *s, const char *dir, const char *record)
{
	unsigned i;
	int err;

	for (i = 0; i < looked_count; i++)
		if (strcmp(looked[i].record, record) == 0) {
			s->next = looked[i].next;
			return 0;
		}
	err = published_look(s, dir);
	if (!err && looked_count < LOOKED_MAX) {
		strcpy(looked[looked_count].record, record);
		looked[looked_count++].next = s->next;
	}
	return err;
}

int hss_record_open(struct hss_key *key, const char *dir, uint64_t *ret)
{
	struct search s = {.key = key};
	struct cose_key public;
	char folder[FILES_PATH_SIZE], hex[2 * COSE_KID_LEN + 1];
	uint64_t next = 0;
	int err = cose_key_from_hss(bytes_of(key->public, HSS_PUBLIC_LEN),
		&public);

	if (!err)
		err = cose_key_thumbprint(&public, s.kid);
	if (err)
		return complain(err, key->path, "public key", "%s",
			err_text(err));
	err = path_format(folder, "%s/hss", dir);
	if (!err)
		err = path_format(key->record, "%s/%s", folder, bytes_to_hex(
			bytes_of(s.kid, COSE_KID_LEN), hex, sizeof(hex)));
	if (!err)
		err = hss_record_read(key, &next);
	if (!err)
		err = published_next(&s, dir, key->record);
	if (err)
		key->record[0] = '\0';
	else
		*ret = next > s.next ? next : s.next;
	return err;
}

int hss_record_read(const struct hss_key *key, uint64_t *ret)
{
	struct buf text;
	char *end;
	int err;

	*ret = 0;
	if (!file_exists(key->record))
		return 0;
	buf_init(&text, RECORD_MAX);
	err = file_read(key->record, &text);
	if (!err)
		err = buf_add(&text, "", 1);
	if (!err) {
		const char *at = (const char *)text.at;

		errno = 0;
		*ret = strtoull(at, &end, 10);
		if (errno || end == at || *end != '\n' || at[0] < '0' ||
				at[0] > '9')
			err = complain(-EINVAL, key->record, "next leaf",
				"must be a number");
	}
	buf_done(&text);
	return err;
}

int hss_record_write(const struct hss_key *key, uint64_t next)
{
	char text[RECORD_MAX], folder[FILES_PATH_SIZE];
	const char *slash = strrchr(key->record, '/');
	int err = path_format(folder, "%.*s", (int)(slash - key->record),
		key->record);

	if (!err)
		err = folder_make(folder, 0755);
	if (err)
		return err;
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)next);
	return file_write(key->record, bytes_of_text(text), 0644);
}
