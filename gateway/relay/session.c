#include "gateway/relay/session_kind.h"

void session_go(struct session *s, enum engine_stage stage, bool skip)
{
	s->ops->go(s, stage, skip);
}

void session_withdraw(struct session *s)
{
	s->ops->withdraw(s);
}

void session_close(struct session *s, void (*on_closed)(void *arg), void *arg)
{
	if (!s || s->closing)
		return;
	s->closing = true;
	s->ops->close(s, on_closed, arg);
}

uint32_t session_security(const struct session *s)
{
	return s->ops->security(s);
}

void session_poke(struct session *s)
{
	if (s->ops->poke)
		s->ops->poke(s);
}

bool session_owns(const struct session *s, const struct transport *transport,
	uint64_t link)
{
	return s->ops->owns && s->ops->owns(s, transport, link);
}

void session_message(struct session *s, const struct ferry_message *message)
{
	if (s->ops->on_message)
		s->ops->on_message(s, message);
}

void session_link_down(struct session *s)
{
	if (s->ops->on_link_down)
		s->ops->on_link_down(s);
}

void session_link_changed(struct session *s, const struct ferry_link *record)
{
	if (s->ops->on_link_changed)
		s->ops->on_link_changed(s, record);
}
