#include "tests/unit/tools/sim_zigbee_rig.h"

#define WAIT_FOR_DATA 0x97

static void answer(struct ncp *r, const struct ncp_frame *f, uint8_t command,
	const uint8_t *payload, size_t len)
{
	uint8_t asdu[NCP_ASDU_MAX] = {
		0x19, (uint8_t)(f->asdu[1] + r->wrong_tsn), command};
	struct ncp_frame out = {.nwk = f->nwk,
		.profile = f->profile,
		.cluster = f->cluster,
		.src_ep = f->dst_ep,
		.dst_ep = f->src_ep,
		.ack = r->ack,
		.asdu = asdu,
		.asdu_len = (uint8_t)(len + 3)};

	memcpy(asdu + 3, payload, len);
	mesh_send(r->mesh, r->now, &out);
}

static void put_image_key(uint8_t *at, const struct ncp *r)
{
	memcpy(at, r->image + 10, 4);
	put_le32(at + 4, r->offer_version);
}

static void answer_query(struct ncp *r, const struct ncp_frame *f)
{
	uint8_t p[13] = {r->query_status};

	put_image_key(p + 1, r);
	put_le32(p + 9, RIG_SIZE);
	answer(r, f, 2, p, r->query_status ? 1 : 13);
}

static void answer_block(
	struct ncp *r, const struct ncp_frame *f, uint32_t offset, unsigned max)
{
	uint8_t p[14 + 64] = {0};

	if (offset >= RIG_SIZE) {
		p[0] = 0x80;
		answer(r, f, 5, p, 1);
		return;
	}
	if (max > r->cap)
		max = r->cap;
	if (max > RIG_SIZE - offset)
		max = RIG_SIZE - offset;
	put_image_key(p + 1, r);
	put_le32(p + 9, offset);
	p[13] = (uint8_t)max;
	memcpy(p + 14, r->image + offset, max);
	p[14] ^= r->corrupt;
	answer(r, f, 5, p, 14 + max);
}

static void answer_wait(struct ncp *r, const struct ncp_frame *f)
{
	uint8_t p[11] = {WAIT_FOR_DATA};

	r->waits--;
	put_le32(p + 5, r->wait_s);
	put_le16(p + 9, r->wait_period);
	answer(r, f, 5, p, r->wait_period ? 11 : 9);
}

static void default_response(
	struct ncp *r, const struct ncp_frame *f, uint8_t status)
{
	uint8_t asdu[5] = {0x18, f->asdu[1], 0x0b, f->asdu[2], status};
	struct ncp_frame out = {.nwk = f->nwk,
		.profile = f->profile,
		.cluster = f->cluster,
		.src_ep = f->dst_ep,
		.dst_ep = f->src_ep,
		.asdu = asdu,
		.asdu_len = sizeof(asdu)};

	mesh_send(r->mesh, r->now, &out);
}

static void serve_page(struct ncp *r, const struct ncp_frame *f)
{
	uint32_t offset = get_le32(f->asdu + 12);
	uint32_t end = offset + get_le16(f->asdu + 17);

	if (!r->pages) {
		default_response(r, f, 0x81);
		return;
	}
	for (; offset < end && offset < RIG_SIZE; offset += r->cap) {
		unsigned max = f->asdu[16];

		if (max > end - offset)
			max = end - offset;
		answer_block(r, f, offset, max);
	}
}

static void serve(struct ncp *r, const struct ncp_frame *f)
{
	uint8_t p[16];

	if (f->asdu_len < 3 || (f->asdu[0] & 0x0f) != 0x01)
		return;
	if (r->silent || r->ignore > 0) {
		r->ignore -= r->ignore > 0;
		return;
	}
	switch (f->asdu[2]) {
	case 1:
		answer_query(r, f);
		return;
	case 3:
		if (f->asdu_len < 17)
			return;
		if (r->waits > 0)
			answer_wait(r, f);
		else
			answer_block(
				r, f, get_le32(f->asdu + 12), f->asdu[16]);
		return;
	case 4:
		if (f->asdu_len >= 21)
			serve_page(r, f);
		return;
	case 6:
		if (f->asdu_len < 12)
			return;
		if (f->asdu[3] != 0) {
			default_response(r, f, 0);
			return;
		}
		memcpy(p, f->asdu + 4, 8);
		put_le32(p + 8, 0);
		put_le32(p + 12, r->upgrade_time);
		answer(r, f, 7, p, sizeof(p));
		return;
	default:
		return;
	}
}

static void on_heard(struct ncp *r, uint64_t now, const struct ncp_frame *f)
{
	struct rig_frame *log = &r->log[r->log_count];

	r->now = now;
	if (r->log_count < RIG_LOG_MAX) {
		log->at = now;
		log->f = *f;
		memcpy(log->asdu, f->asdu, f->asdu_len);
		log->f.asdu = log->asdu;
		r->log_count++;
	}
	if (f->cluster == NODE_CLUSTER_OTA)
		serve(r, f);
}

static void on_ended(struct ncp *r, uint64_t now, uint32_t handle,
	enum ncp_end end, uint32_t airtime_us)
{
	(void)now;
	(void)handle;
	r->ended[end]++;
	r->confirms++;
	r->confirms_at_log = r->log_count;
	r->airtime_us = airtime_us;
}

static void on_announced(
	struct ncp *r, uint64_t now, uint64_t eui64, uint16_t nwk, bool sleepy)
{
	(void)now;
	(void)eui64;
	(void)nwk;
	(void)sleepy;
	r->announces++;
}

static void on_left(
	struct ncp *r, uint64_t now, uint64_t eui64, uint16_t nwk)
{
	(void)now;
	(void)eui64;
	(void)nwk;
	r->lefts++;
}

static const struct ncp_ops rig_ops = {
	.name = "rig",
	.heard = on_heard,
	.ended = on_ended,
	.announced = on_announced,
	.left = on_left,
};

void rig_init(struct ncp *r)
{
	struct mkota make = {.manufacturer = 0x1234,
		.type = 0x0102,
		.version = RIG_VERSION,
		.size = RIG_SIZE,
		.seed = 7};

	memset(r, 0, sizeof(*r));
	mesh_setup_init(&r->setup);
	r->setup.network.buffers = 64;
	node_setup_init(&r->node_setup);
	r->node_setup.timers.interval_ms = 0;
	r->now = RIG_S;
	r->cap = 50;
	r->offer_version = RIG_VERSION;
	ck_assert_int_eq(mkota_write(&make, r->image), 0);
	ck_assert_int_eq(expected_make(bytes_of(r->image, RIG_SIZE),
				 &r->expected, NULL),
		0);
	r->node_setup.expected = r->expected;
}

void rig_switch(struct ncp *r, const char *text)
{
	struct fault fault = {0};

	ck_assert_msg(traits_set(&r->node_setup.traits, text, &fault) == 0,
		"%s: %s %s", text, fault.field, fault.rule);
}

void rig_start(struct ncp *r, unsigned count)
{
	static const uint16_t in[] = {0x0000, 0x000a, 0x0019};

	ck_assert_int_eq(mesh_new(&r->setup, &r->mesh), 0);
	mesh_attach(r->mesh, &rig_ops, r);
	mesh_register(r->mesh, 1, 0x0104, in, 3, NULL, 0);
	for (unsigned i = 0; i < count; i++) {
		struct node *n;

		snprintf(r->node_setup.name, sizeof(r->node_setup.name),
			"node-%u", i);
		ck_assert_int_eq(mesh_add(r->mesh, &r->node_setup, r->now, NULL,
					 &n),
			0);
		r->node_setup.eui64++;
		if (i == 0)
			r->node = n;
	}
}

void rig_done(struct ncp *r)
{
	mesh_free(r->mesh);
	expected_close(r->expected);
}

void rig_run(struct ncp *r, uint64_t ns)
{
	uint64_t end = r->now + ns;

	while (mesh_due(r->mesh) <= end) {
		r->now = mesh_due(r->mesh);
		mesh_time(r->mesh, r->now);
	}
	r->now = end;
}

bool rig_updates(struct ncp *r, uint64_t ns)
{
	uint64_t end = r->now + ns;

	while (mesh_due(r->mesh) <= end &&
		r->node->own.version != r->offer_version) {
		r->now = mesh_due(r->mesh);
		mesh_time(r->mesh, r->now);
	}
	return r->node->own.version == r->offer_version;
}

void rig_send(struct ncp *r, uint16_t nwk, uint16_t profile, uint16_t cluster,
	uint8_t src_ep, uint8_t dst_ep, const char *hex)
{
	uint8_t asdu[NCP_ASDU_MAX];
	size_t len = strlen(hex) / 2;
	struct ncp_frame f = {.nwk = nwk,
		.profile = profile,
		.cluster = cluster,
		.src_ep = src_ep,
		.dst_ep = dst_ep,
		.ack = r->ack,
		.asdu = asdu,
		.asdu_len = (uint8_t)len};

	ck_assert_int_eq(bytes_from_hex(hex, asdu, len), 0);
	mesh_send(r->mesh, r->now, &f);
}

void rig_notify(struct ncp *r)
{
	rig_send(r, r->node->nwk, 0x0104, 0x0019, 1, 1, "1942000064");
}

unsigned rig_commands(const struct ncp *r, uint8_t command)
{
	unsigned n = 0;

	while (rig_command(r, command, n))
		n++;
	return n;
}

const struct rig_frame *rig_command(
	const struct ncp *r, uint8_t command, unsigned nth)
{
	for (size_t i = 0; i < r->log_count; i++) {
		const struct rig_frame *f = &r->log[i];

		if (f->f.cluster == NODE_CLUSTER_OTA && f->f.asdu_len >= 3 &&
			(f->asdu[0] & 3) == 1 && f->asdu[2] == command &&
			nth-- == 0)
			return f;
	}
	return NULL;
}

const struct rig_frame *rig_last(const struct ncp *r, uint16_t cluster)
{
	for (size_t i = r->log_count; i-- > 0;)
		if (r->log[i].f.cluster == cluster)
			return &r->log[i];
	return NULL;
}

void rig_check(const struct rig_frame *f, const char *hex)
{
	char text[2 * NCP_ASDU_MAX + 1];

	ck_assert_ptr_nonnull(f);
	ck_assert_str_eq(bytes_to_hex(bytes_of(f->asdu, f->f.asdu_len), text,
				 sizeof(text)),
		hex);
}
