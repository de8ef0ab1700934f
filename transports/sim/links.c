/* The links and sends of an instance, by their numbers. */
#include "transports/sim/sim_radio.h"

#include <errno.h>
#include <stdlib.h>

struct sim_link *sim_link_by_number(struct sim *s, uint32_t number)
{
	struct sim_link *l = s->links[number & SIM_SLOT_MASK];

	return number && l && l->number == number ? l : NULL;
}

struct sim_link *sim_link_by_id(struct sim *s, uint64_t id)
{
	uint32_t i;

	for (i = 0; i < SIM_LINKS_MAX; i++)
		if (s->links[i] && s->links[i]->id == id &&
			s->links[i]->state != SIM_LINK_FORGOTTEN)
			return s->links[i];
	return NULL;
}

static uint32_t number_new(struct sim *s, uint32_t slot)
{
	s->serial = (s->serial + 1) & (UINT32_MAX >> SIM_SLOT_BITS);
	if (!s->serial)
		s->serial = 1;
	return s->serial << SIM_SLOT_BITS | slot;
}

int sim_link_new(struct sim *s, struct sim_link **ret)
{
	struct sim_link *l;
	uint32_t slot;

	for (slot = 0; slot < SIM_LINKS_MAX; slot++)
		if (!s->links[slot])
			break;
	if (slot == SIM_LINKS_MAX)
		return -ENOBUFS;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->number = number_new(s, slot);
	s->links[slot] = l;
	*ret = l;
	return 0;
}

void sim_link_free(struct sim *s, struct sim_link *l)
{
	s->links[l->number & SIM_SLOT_MASK] = NULL;
	free(l);
}

int sim_send_new(struct sim *s, uint64_t token, struct sim_send **ret)
{
	struct sim_send *send;
	uint32_t slot;

	for (slot = 0; slot < SIM_SENDS_MAX; slot++)
		if (!s->sends[slot])
			break;
	if (slot == SIM_SENDS_MAX)
		return -ENOBUFS;
	send = calloc(1, sizeof(*send));
	if (!send)
		return -ENOMEM;
	send->token = token;
	send->id = number_new(s, slot);
	s->sends[slot] = send;
	*ret = send;
	return 0;
}

struct sim_send *sim_send_by_id(struct sim *s, uint32_t id)
{
	struct sim_send *send = s->sends[id & SIM_SLOT_MASK];

	return id && send && send->id == id ? send : NULL;
}

struct sim_send *sim_send_by_token(struct sim *s, uint64_t token)
{
	uint32_t i;

	for (i = 0; i < SIM_SENDS_MAX; i++)
		if (s->sends[i] && s->sends[i]->token == token)
			return s->sends[i];
	return NULL;
}

void sim_send_end(
	struct sim *s, struct sim_send *send, const struct ferry_result *result)
{
	struct sim_link *l = sim_link_by_number(s, send->link);
	struct ferry_result r = *result;

	r.size = sizeof(r);
	r.token = send->token;
	if (!send->is_set) {
		s->in_flight--;
		if (l)
			l->in_flight--;
	}
	s->answers_due--;
	s->sends[send->id & SIM_SLOT_MASK] = NULL;
	free(send);
	s->host->complete(s->owner, &r);
}

void sim_link_settle(struct sim *s, struct sim_link *l, int status)
{
	const struct ferry_result r = {.status = status};
	uint32_t i;

	for (i = 0; i < SIM_SENDS_MAX; i++) {
		if (!s->sends[i] || s->sends[i]->link != l->number)
			continue;
		sim_take_back(s, s->sends[i]->id);
		sim_send_end(s, s->sends[i], &r);
	}
}
