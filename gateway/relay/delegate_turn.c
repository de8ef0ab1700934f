/* Which sessions ask now: a house of three hundred lamps that all get a release
 * must not be asked in one breath. */
#include "gateway/relay/delegate_priv.h"

bool delegate_is_sleepy(const struct delegate *d, const char *peer)
{
	const struct delegate_node *n = delegate_node(d, peer);

	return n && n->device.sleepy;
}

bool delegate_session_is_sleepy(const struct delegate_session *s)
{
	return delegate_is_sleepy(s->delegate, s->key);
}

/* A sleeper takes the whole minute that zigbee2mqtt waits: they must not keep
 * the others from being asked. */
bool delegate_may_ask(const struct delegate *d, bool sleepy)
{
	unsigned asking = 0;

	for (const struct delegate_session *s = d->sessions; s; s = s->next)
		asking += s->phase == DELEGATE_ASKING &&
			delegate_session_is_sleepy(s) == sleepy;
	return asking < (sleepy ? DELEGATE_SLEEPY_ASKS_MAX :
		DELEGATE_ASKS_MAX);
}

static struct delegate_session *first_queued(struct delegate *d, bool sleepy)
{
	struct delegate_session *first = NULL;

	for (struct delegate_session *s = d->sessions; s; s = s->next)
		if (s->phase == DELEGATE_QUEUEING && !s->session.closing &&
				delegate_session_is_sleepy(s) == sleepy &&
				(!first || s->queued < first->queued))
			first = s;
	return first;
}

void delegate_let_next_ask(struct delegate *d)
{
	for (int sleepy = 0; sleepy < 2; sleepy++) {
		struct delegate_session *s = first_queued(d, sleepy);

		if (s && delegate_may_ask(d, sleepy))
			delegate_session_wake(s);
	}
}
