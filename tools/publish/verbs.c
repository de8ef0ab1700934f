#include "tools/publish/verbs.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/publish/say.h"
#include "tools/publish/when.h"

const struct cli_verb *const verbs_all[] = {
	&verb_init, &verb_class_add, &verb_class_list, &verb_release,
	&verb_catalog, &verb_withdraw, &verb_resign, &verb_countersign,
	&verb_status,
	&verb_key_new,
	&verb_root_renew, &verb_root_rotate, &verb_root_add, &verb_root_remove,
	&verb_root_set, &verb_root_transfer, &verb_root_sign, &verb_pki_author,
	&verb_pki_tls, &verb_pki_crl, &verb_pki_revoke, &verb_pki_ocsp,
	&verb_show, &verb_verify, &verb_device_keys, &verb_hub_keys,
	&verb_bundle, NULL,
};

int verb_open(const struct cli *cli, struct publisher *ret)
{
	const char *dir = cli_get(cli, "dir");
	int err;

	if (!dir)
		dir = getenv("FERRY_PUBLISH_DIR");
	err = keys_start();
	return err ? err : publisher_open(dir && *dir ? dir : ".", ret);
}

int verb_time(const struct cli *cli, const char *name, uint64_t now,
	uint64_t *ret)
{
	const char *text = cli_get(cli, name);

	if (!text)
		return 0;
	if (when_parse_from(text, now, ret))
		return complain(-EINVAL, cli->verb->name, NULL, "--%s must be"
			" a time such as 2030-01-31T12:00:00Z or a span such"
			" as 90d, not \"%s\"", name, text);
	return 0;
}

int verb_exit(int err)
{
	if (err == 0)
		return EXIT_DONE;
	return err == -ENOENT || err == -EACCES || err == -EISDIR ?
			EXIT_USAGE : EXIT_REFUSED;
}
