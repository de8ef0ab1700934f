#include "tools/publish/responder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/publish/author.h"
#include "tools/publish/say.h"
#include "tools/publish/when.h"

#define UNIT_MAX 8192

/* The line in the CA's folder that says where its responder is. */
#define POINTER "responder"

static int pointer_read(const struct ca *ca, char ret[FILES_PATH_SIZE])
{
	char path[FILES_PATH_SIZE];
	struct buf text;
	int err = path_format(path, "%s/" POINTER, ca->folder);

	ret[0] = '\0';
	if (err || !file_exists(path))
		return err;
	buf_init(&text, FILES_PATH_SIZE - 1);
	err = file_read(path, &text);
	while (text.len && text.at[text.len - 1] == '\n')
		text.len--;
	if (!err && text.len) {
		memcpy(ret, text.at, text.len);
		ret[text.len] = '\0';
	}
	buf_done(&text);
	return err;
}

static int pointer_write(const struct ca *ca, const char *folder)
{
	char path[FILES_PATH_SIZE], whole[FILES_PATH_SIZE];
	int err = path_format(path, "%s/" POINTER, ca->folder);

	if (err)
		return err;
	if (!realpath(folder, whole))
		return complain(-errno, folder, NULL, "cannot be resolved: %s",
			strerror(errno));
	return file_write(path, bytes_of_text(whole), 0644);
}

int responder_refresh(const struct ca *ca, uint64_t now)
{
	char folder[FILES_PATH_SIZE], path[FILES_PATH_SIZE];
	int err = pointer_read(ca, folder);

	if (err || !folder[0])
		return err;
	if (!file_exists(folder)) {
		warn(folder, NULL, "the responder's folder is not there: its"
			" index is not written");
		return 0;
	}
	err = path_format(path, "%s/index.txt", folder);
	return err ? err : ca_index_write(ca, path, now);
}

/* The certificate lives shortly, and renewing it is cheap. */
static int certificate_make(struct ca *ca, const struct responder_plan *plan,
	const char *folder)
{
	char key_path[FILES_PATH_SIZE], path[FILES_PATH_SIZE];
	char common_name[64];
	struct key key = {0};
	struct pki_request request = {
		.use = PKI_OCSP,
		.common_name = common_name,
		.not_before = plan->now - CERT_CLOCK_SLACK_S,
		.not_after = plan->now + plan->days * WHEN_DAY,
		.subject_key = &key,
	};
	struct bytes cert;
	struct buf der;
	int err = path_format(key_path, "%s/responder.key.pem", folder);

	snprintf(common_name, sizeof(common_name), "OCSP responder %s",
		ca->name);
	if (!err)
		err = path_format(path, "%s/responder.pem", folder);
	if (!err)
		err = file_exists(key_path) ? key_open(key_path, &key) :
				key_make(key_path, ca->key.public.curve, &key);
	buf_init(&der, PKI_CERT_MAX);
	if (!err)
		err = ca_issue(ca, &request, &der);
	cert = buf_bytes(&der);
	if (!err)
		err = pki_write(path, &cert, 1);
	buf_done(&der);
	key_done(&key);
	return err;
}

static void put_command(struct buf *b, const struct responder_plan *plan,
	const char *key)
{
	buf_printf(b, "openssl ocsp -port %u -index index.txt -CA ca.pem"
		" -rsigner responder.pem -rkey %s -rmd sha256 -nmin %llu"
		" -ignore_err", plan->port, key,
		(unsigned long long)(plan->answers_s / 60));
}

/* The responder talks to strangers: a user of its own that can read nothing but
 * the folder, and the key as a credential. */
static int unit_write(const struct ca *ca, const struct responder_plan *plan,
	const char *folder)
{
	char path[FILES_PATH_SIZE], whole[FILES_PATH_SIZE];
	struct buf b;
	int err = path_format(path, "%s/ferry-ocsp.service", folder);

	if (!err && !realpath(folder, whole))
		err = complain(-errno, folder, NULL, "cannot be resolved");
	if (err)
		return err;
	buf_init(&b, UNIT_MAX);
	buf_printf(&b, "# The OCSP responder of CA %s. Written by ferry-publish"
		" pki ocsp.\n# Copy the folder to where it answers, to a place"
		" that every user may enter, and\n# change both paths.\n"
		"[Unit]\nDescription=OCSP responder of %s\n"
		"After=network.target\n\n[Service]\nWorkingDirectory=%s\n"
		"LoadCredential=key:%s/responder.key.pem\nExecStart=/usr/bin/",
		ca->name, ca->name, whole, whole);
	put_command(&b, plan, "${CREDENTIALS_DIRECTORY}/key");
	buf_add_text(&b, "\nRestart=always\nDynamicUser=yes\n"
		"ProtectHome=yes\nPrivateDevices=yes\n"
		"RestrictAddressFamilies=AF_INET AF_INET6\n"
		"CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"
		"AmbientCapabilities=CAP_NET_BIND_SERVICE\n\n[Install]\n"
		"WantedBy=multi-user.target\n");
	err = b.err ? complain(b.err, path, NULL, "too large") :
			file_write(path, buf_bytes(&b), 0644);
	buf_done(&b);
	return err;
}

static int command_print(const char *folder, const struct responder_plan *plan)
{
	struct buf b;

	buf_init(&b, UNIT_MAX);
	put_command(&b, plan, "responder.key.pem");
	if (!b.err)
		printf("(cd %s && %.*s)\n", folder, (int)b.len,
			(const char *)b.at);
	buf_done(&b);
	return 0;
}

int responder_make(struct ca *ca, const struct responder_plan *plan)
{
	char folder[FILES_PATH_SIZE], path[FILES_PATH_SIZE];
	int err = ca_need_key(ca);

	if (!err)
		err = plan->folder ? path_format(folder, "%s", plan->folder) :
				path_format(folder, "%s/ocsp", ca->folder);
	if (!err)
		err = folder_make(folder, 0755);
	if (!err)
		err = path_format(path, "%s/ca.pem", folder);
	if (!err)
		err = pki_write(path, &ca->cert.certs[0], 1);
	if (!err)
		err = certificate_make(ca, plan, folder);
	if (!err)
		err = pointer_write(ca, folder);
	if (!err)
		err = responder_refresh(ca, plan->now);
	if (!err)
		err = unit_write(ca, plan, folder);
	return err ? err : command_print(folder, plan);
}
