#include "transports/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "tcp://";

bool target_is_tcp(const char *text)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (text[digits])
		return !digits && !strpbrk(text, " /:[]");
	return digits > 0 && digits <= 5 && strtoul(text, NULL, 10) >= 1 &&
	       strtoul(text, NULL, 10) <= 65535;
}

int target_tcp_read(const char *text, char ret_host[TARGET_HOST_SIZE],
	const char **ret_port)
{
	const char *colon;
	size_t len;

	if (!target_is_tcp(text))
		return -EINVAL;
	text += strlen(prefix);
	colon = strrchr(text, ':');
	if (!colon || colon == text || !is_port(colon + 1))
		return -EINVAL;
	len = (size_t)(colon - text);
	if (text[0] == '[' && colon[-1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= TARGET_HOST_SIZE || !len || memchr(text, '/', len) ||
		memchr(text, ' ', len))
		return -EINVAL;
	memcpy(ret_host, text, len);
	ret_host[len] = 0;
	*ret_port = colon + 1;
	return 0;
}
