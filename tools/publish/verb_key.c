#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/publish/hss_key.h"
#include "tools/publish/key_kind.h"
#include "tools/publish/say.h"
#include "tools/publish/verbs.h"

static const struct cli_option new_options[] = {
	{"kind", KEY_KIND_HELP, false, "kind of key (default p256); hss is"
		" hss:" HSS_SET_DEFAULT},
	{"out", "FILE", false, "file of the private key (required)"},
	{"public", "FILE", false, "file of the public key (default: FILE.pub)"},
	{0},
};

static void told(const struct key *key, const char *private_path,
	const char *public_path)
{
	char set[HSS_SET_TEXT_SIZE], hex[2 * COSE_KID_LEN + 1];
	uint8_t kid[COSE_KID_LEN];

	if (cose_key_thumbprint(&key->public, kid) == 0)
		printf("key       %s\n", bytes_to_hex(bytes_of(kid,
			sizeof(kid)), hex, sizeof(hex)));
	printf("kind      %s\n", cose_key_kind(&key->public));
	if (key->hss)
		printf("set       %s: %llu signatures of %zu bytes\n",
			hss_set_format(&key->hss->set, set),
			(unsigned long long)hss_key_left(key->hss),
			hss_set_signature_len(&key->hss->set));
	printf("private   %s\npublic    %s\n", private_path, public_path);
	if (key->hss)
		puts("\nThe private file changes with every signature: keep one"
			" file in one place, and\nnever put an older copy"
			" back.");
}

static int run_new(const struct cli *cli)
{
	const char *kind_text = cli_get(cli, "kind");
	const char *public = cli_get(cli, "public");
	const char *out = cli_get(cli, "out");
	struct key_kind kind = {.kty = COSE_KTY_EC2, .curve = CRYPTO_P256};
	char path[FILES_PATH_SIZE];
	struct key key;
	int err;

	if (!out) {
		complain(-EINVAL, "key new", NULL, "needs --out FILE");
		return EXIT_USAGE;
	}
	if ((kind_text && key_kind_parse(kind_text, &kind)) ||
			(!public && path_format(path, "%s.pub", out)))
		return EXIT_USAGE;
	if (keys_start())
		return EXIT_REFUSED;
	err = key_kind_make(out, &kind, &key);
	if (err)
		return verb_exit(err);
	err = key_write_public(&key, public ? public : path);
	if (!err)
		told(&key, out, public ? public : path);
	key_done(&key);
	return verb_exit(err);
}

const struct cli_verb verb_key_new = {
	.name = "key new",
	.args = "",
	.summary = "Make a signing key of any kind",
	.detail = "Writes the private key (mode 600) and beside it the public"
		" one, which root add and\nroot rotate take: PEM, or a COSE_Key"
		" of an hss key. SET are the trees of an hss key\nfrom the top"
		" down, of h5, h10, h15 (32, 1024, 32768 signatures each) and"
		" w1, w2, w4,\nw8 (longer and faster, or shorter and slower"
		" signatures).",
	.options = new_options,
	.run = run_new,
};

static int key_print(const struct publisher *p, const char *path)
{
	char left[64], set[HSS_SET_TEXT_SIZE];
	struct key key;
	int err = publisher_key_open(p, path, &key);

	if (err)
		return err;
	if (key.hss)
		printf("hss key   %s  %s  %s%s\n", path + strlen(p->dir) + 1,
			hss_set_format(&key.hss->set, set),
			hss_key_left_text(key.hss, left),
			hss_key_is_behind(key.hss) ?
			" (OLDER than what it signed: refused)" :
			hss_key_left(key.hss) == 0 ? " (USED UP)" :
			hss_key_is_low(key.hss) ? " (make the next one)" : "");
	key_done(&key);
	return 0;
}

static bool has_pem_ending(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcmp(name + len - 4, ".pem") == 0;
}

/* Only a file that says so is opened: others hold certificates, or keys that
 * need no count. */
static bool is_hss_file(const char *path)
{
	char line[64] = "";
	FILE *file = fopen(path, "re");
	bool is = file && fgets(line, sizeof(line), file) &&
			strncmp(line, "-----BEGIN " HSS_KEY_LABEL, strlen(
			"-----BEGIN " HSS_KEY_LABEL)) == 0;

	if (file)
		fclose(file);
	return is;
}

static int folder_print(const struct publisher *p, const char *name)
{
	char path[FILES_PATH_SIZE];
	struct dirent *entry;
	DIR *folder;
	int err = publisher_path(p, path, "keys/%s", name);

	if (err)
		return err;
	folder = opendir(path);
	if (!folder)
		return 0;
	while (!err && (entry = readdir(folder)) != NULL) {
		if (!has_pem_ending(entry->d_name))
			continue;
		err = publisher_path(p, path, "keys/%s/%s", name,
			entry->d_name);
		if (!err && is_hss_file(path))
			err = key_print(p, path);
	}
	closedir(folder);
	return err;
}

int keys_status(const struct publisher *p)
{
	static const char *const folders[] = {"root", "catalog", "author",
		"operator", "regulator"};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(folders) / sizeof(*folders); i++)
		err = folder_print(p, folders[i]);
	return err;
}
