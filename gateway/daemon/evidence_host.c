/* Whom the URIs of certificates may lead to, and how a responder is asked. */
#include "gateway/daemon/evidence_priv.h"

#include <errno.h>
#include <stdio.h>

#include "gateway/http/hosts.h"
#include "policy/trust/ocsp.h"

static bool root_names(const struct root *root, const struct url *url)
{
	for (unsigned i = 0; root && i < root->host_count; i++) {
		char text[URL_HOST_MAX + 8];
		struct http_host host;

		snprintf(text, sizeof(text), "%.*s", (int)root->hosts[i].len,
			(const char *)root->hosts[i].at);
		if (!http_host_parse(text, &host) &&
				http_host_is_of(&host, url))
			return true;
	}
	return false;
}

bool evidence_uri_allowed(const struct evidence *e, const char *uri)
{
	const struct config_vendor *config = e->set.config;
	struct http_host host;
	struct url url;

	/* What comes back is signed; https would need a CA of its own. */
	if (url_parse(uri, &url) || url.tls)
		return false;
	for (unsigned i = 0; i < config->evidence_host_count; i++)
		if (!http_host_parse(config->evidence_hosts[i], &host) &&
				http_host_is_of(&host, &url))
			return true;
	return root_names(e->set.root(e->set.arg), &url);
}

/* A name of the list leads to public addresses only, whoever wrote it there;
 * others must be listed by the vendor's file themselves. */
bool evidence_address_allowed(void *arg, const struct sockaddr *address)
{
	const struct evidence *e = arg;
	const struct config_vendor *config = e->set.config;
	struct http_host host;

	if (http_address_is_public(address))
		return true;
	for (unsigned i = 0; i < config->evidence_host_count; i++)
		if (!http_host_parse(config->evidence_hosts[i], &host) &&
				http_host_is_address(&host, address))
			return true;
	return false;
}

static void put_sextet(struct buf *b, unsigned value)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789";

	if (value < 62)
		buf_add(b, &digits[value], 1);
	else
		buf_add_text(b, value == 62 ? "%2B" : "%2F");
}

static void put_base64(struct buf *b, struct bytes in)
{
	for (size_t i = 0; i < in.len; i += 3) {
		size_t n = in.len - i < 3 ? in.len - i : 3;
		uint32_t group = (uint32_t)in.at[i] << 16;

		if (n > 1)
			group |= (uint32_t)in.at[i + 1] << 8;
		if (n > 2)
			group |= in.at[i + 2];
		for (unsigned k = 0; k < 4; k++)
			if (k <= n)
				put_sextet(b, group >> (18 - 6 * k) & 63);
			else
				buf_add_text(b, "%3D");
	}
}

int evidence_ocsp_path(const char *uri, struct bytes request, struct buf *ret)
{
	size_t before = ret->len;
	size_t len = strlen(uri);

	if (strchr(uri, '?'))
		return -EMSGSIZE;
	buf_add_text(ret, uri);
	if (len == 0 || uri[len - 1] != '/')
		buf_add_text(ret, "/");
	put_base64(ret, request);
	if (ret->err)
		return ret->err;
	return ret->len - before <= OCSP_REQUEST_GET_MAX ? 0 : -EMSGSIZE;
}
