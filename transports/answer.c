#include "transports/answer.h"

#include <stdio.h>

void answer_once(const struct ferry_host *host, struct ferry_owner *owner,
	uint64_t *token, int status, const char *key, const char *text)
{
	const struct ferry_result result = {
		.size = sizeof(result),
		.status = status,
		.token = *token,
		.key = key,
		.text = text,
	};

	if (!*token)
		return;
	*token = 0;
	host->complete(owner, &result);
}

void answer_over(const struct ferry_host *host, struct ferry_owner *owner,
	uint64_t *start_token, int status, const char *key, const char *text)
{
	const struct ferry_link_event down = {
		.size = sizeof(down),
		.event = FERRY_LINK_DOWN,
		.status = status,
		.text = text,
	};

	if (*start_token)
		answer_once(host, owner, start_token, status, key, text);
	else
		host->on_link(owner, &down);
}

void answer_log(const struct ferry_host *host, struct ferry_owner *owner,
	uint32_t level, const char *format, va_list args)
{
	char text[FERRY_TEXT_MAX + 1];

	vsnprintf(text, sizeof(text), format, args);
	host->log(owner, level, text);
}
