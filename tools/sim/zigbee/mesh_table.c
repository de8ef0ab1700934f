/* Addresses, endpoints, descriptors. */
#include "tools/sim/zigbee/mesh_inside.h"

#include <errno.h>

#define DEVICE_LIGHT 0x0100u
#define FIRST_NWK 0x1000u
#define LAST_NWK 0xfff0u

static size_t hash_of(uint64_t eui64)
{
	return (size_t)((eui64 * UINT64_C(0x9e3779b97f4a7c15)) >> 50) &
	       (MESH_HASH_SIZE - 1);
}

struct node *mesh_by_nwk(const struct mesh *m, uint16_t nwk)
{
	uint16_t at = m->by_nwk[nwk];

	return at && m->nodes[at - 1]->joined ? m->nodes[at - 1] : NULL;
}

struct node *mesh_by_eui64(const struct mesh *m, uint64_t eui64)
{
	for (size_t at = hash_of(eui64); m->by_eui64[at];
		at = (at + 1) & (MESH_HASH_SIZE - 1)) {
		struct node *n = m->nodes[m->by_eui64[at] - 1];

		if (n->setup.eui64 == eui64)
			return n;
	}
	return NULL;
}

int mesh_enter_eui64(struct mesh *m, const struct node *n)
{
	size_t at = hash_of(n->setup.eui64);

	if (mesh_by_eui64(m, n->setup.eui64))
		return -EEXIST;
	while (m->by_eui64[at])
		at = (at + 1) & (MESH_HASH_SIZE - 1);
	m->by_eui64[at] = (uint16_t)(n->index + 1);
	return 0;
}

void mesh_readdress(struct mesh *m, struct node *n)
{
	if (n->nwk != 0 && m->by_nwk[n->nwk] == n->index + 1)
		m->by_nwk[n->nwk] = 0;
	do {
		if (m->next_nwk < FIRST_NWK || m->next_nwk >= LAST_NWK)
			m->next_nwk = FIRST_NWK;
		n->nwk = m->next_nwk++;
	} while (m->by_nwk[n->nwk]);
	m->by_nwk[n->nwk] = (uint16_t)(n->index + 1);
	n->listed_nwk = n->nwk;
}

void mesh_exchange(struct mesh *m, struct node *a, struct node *b)
{
	uint16_t nwk = a->nwk;

	a->nwk = b->nwk;
	b->nwk = nwk;
	m->by_nwk[a->nwk] = (uint16_t)(a->index + 1);
	m->by_nwk[b->nwk] = (uint16_t)(b->index + 1);
}

bool mesh_find_nwk(const struct mesh *m, uint16_t nwk, uint64_t *ret_eui64)
{
	if (nwk == 0) {
		*ret_eui64 = m->setup.network.eui64;
		return true;
	}
	for (size_t i = 0; i < m->count; i++) {
		const struct node *n = m->nodes[i];

		if (n->listed_nwk != nwk || !n->joined)
			continue;
		*ret_eui64 = n->setup.eui64;
		return true;
	}
	return false;
}

bool mesh_find_eui64(const struct mesh *m, uint64_t eui64, uint16_t *ret_nwk)
{
	const struct node *n = mesh_by_eui64(m, eui64);

	if (eui64 == m->setup.network.eui64) {
		*ret_nwk = 0;
		return true;
	}
	if (!n || !n->joined)
		return false;
	*ret_nwk = n->nwk;
	return true;
}

bool mesh_describe(
	const struct mesh *m, uint16_t nwk, struct mesh_descriptor *ret)
{
	const struct node *n = mesh_by_nwk(m, nwk);

	if (!n)
		return false;
	*ret = (struct mesh_descriptor){
		.endpoint = n->setup.endpoint,
		.profile = NODE_PROFILE_HA,
		.device = DEVICE_LIGHT,
		.in = {NODE_CLUSTER_BASIC},
		.in_count = 1,
		.out = {NODE_CLUSTER_OTA},
		.out_count = 1,
		.manufacturer = n->own.manufacturer,
		.sleepy = node_is_sleepy(n),
	};
	if (n->setup.check_in_ns &&
		!trait_is_on(&n->setup.traits, TRAIT_NO_POLL_CONTROL))
		ret->in[ret->in_count++] = NODE_CLUSTER_POLL;
	return true;
}

void mesh_register(struct mesh *m, uint8_t endpoint, uint16_t profile,
	const uint16_t *in, size_t in_count, const uint16_t *out,
	size_t out_count)
{
	struct endpoint *e = m->endpoints;

	(void)out;
	(void)out_count;
	while (e < m->endpoints + m->endpoint_count && e->endpoint != endpoint)
		e++;
	if (e == m->endpoints + MESH_ENDPOINTS_MAX)
		return;
	if (e == m->endpoints + m->endpoint_count)
		m->endpoint_count++;
	*e = (struct endpoint){.endpoint = endpoint, .profile = profile};
	if (in_count > MESH_CLUSTERS_MAX)
		in_count = MESH_CLUSTERS_MAX;
	if (in_count)
		memcpy(e->in, in, in_count * sizeof(*in));
	e->in_count = in_count;
}

bool mesh_has_endpoint(const struct mesh *m, uint8_t endpoint)
{
	for (size_t i = 0; i < m->endpoint_count; i++)
		if (m->endpoints[i].endpoint == endpoint ||
			m->endpoints[i].endpoint == NCP_ANY_ENDPOINT)
			return true;
	return false;
}

uint16_t mesh_profile(const struct mesh *m, uint8_t endpoint)
{
	for (size_t i = 0; i < m->endpoint_count; i++)
		if (m->endpoints[i].endpoint == endpoint)
			return m->endpoints[i].profile;
	return NODE_PROFILE_HA;
}

bool mesh_match(const struct mesh *m, uint16_t profile, uint16_t cluster,
	uint8_t *ret_endpoint)
{
	for (size_t i = 0; i < m->endpoint_count; i++) {
		const struct endpoint *e = &m->endpoints[i];

		if (e->profile != profile)
			continue;
		for (size_t c = 0; c < e->in_count; c++) {
			if (e->in[c] != cluster)
				continue;
			*ret_endpoint =
				e->endpoint == NCP_ANY_ENDPOINT ? 1
								: e->endpoint;
			return true;
		}
	}
	return false;
}
