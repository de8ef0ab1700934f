#include "gateway/daemon/job_priv.h"
#include "tests/unit/gateway/radio_rig.h"

/* Jobs and readings of devices that share a radio. */

#define ONE "0000000000000001"

static struct job job;

static void setup(void)
{
	rig_setup();
	memset(&job, 0, sizeof(job));
	job.gateway = &rig.gateway;
	snprintf(job.row.class_name, sizeof(job.row.class_name), "lamp");
}

static void teardown(void)
{
	free(job.gates);
	rig_teardown();
}

/* ---- which jobs they are ---- */

static const struct {
	const char *class_name;
	bool is_member;
} classes[] = {
	{"lamp", true},
	{"other", false}, /* of an engine for one device */
	{"nothing", false},
};

START_TEST(job_is_member_by_the_engine_of_its_class)
{
	snprintf(job.row.class_name, sizeof(job.row.class_name), "%s",
		classes[_i].class_name);
	ck_assert_msg(job_is_member(&job) == classes[_i].is_member, "%s",
		classes[_i].class_name);
}
END_TEST

/* ---- why they do not move ---- */

static const struct {
	enum engine_wait wait;
	int gate; /* -1 none */
} waits[] = {
	{ENGINE_WAIT_NONE, -1},
	{ENGINE_WAIT_WAKE, GATE_WAKE},
	{ENGINE_WAIT_TURN, GATE_TURN},
	{ENGINE_WAIT_AIRTIME, GATE_AIRTIME},
	{ENGINE_WAIT_DEVICE, GATE_DEVICE},
};

#define WAITS (sizeof(waits) / sizeof(waits[0]))

/* Any session will do: it is only asked whether there is one. */
static void open_session(void)
{
	job.session = (struct session *)(void *)&job;
}

START_TEST(wait_of_the_engine_is_the_gate_that_people_see)
{
	open_session();
	job_take_wait(&job, waits[_i].wait, ENGINE_NEVER);
	for (int gate = 0; gate < GATE_COUNT; gate++)
		ck_assert_msg(gate == waits[_i].gate ? job.gates &&
			gates_is_waiting(job.gates, (enum gate)gate) :
			!job.gates || !gates_is_waiting(job.gates,
			(enum gate)gate), "%s: gate %d",
			engine_wait_name(waits[_i].wait), gate);
}
END_TEST

START_TEST(wait_that_follows_opens_the_gate_before_it)
{
	open_session();
	for (unsigned i = 0; i < WAITS; i++) {
		job_take_wait(&job, waits[i].wait, ENGINE_NEVER);
		job_take_wait(&job, ENGINE_WAIT_NONE, ENGINE_NEVER);
		ck_assert_ptr_null(job.gates);
	}
}
END_TEST

/* Gates of policies are not the engine's. */
START_TEST(wait_leaves_the_other_gates)
{
	struct gates approval = {0};

	open_session();
	gates_wait(&approval, GATE_APPROVAL, 0, "nobody approved");
	job_keep_gates(&job, &approval);
	job_take_wait(&job, ENGINE_WAIT_TURN, ENGINE_NEVER);
	ck_assert(gates_is_waiting(job.gates, GATE_APPROVAL));
	ck_assert(gates_is_waiting(job.gates, GATE_TURN));
	job_take_wait(&job, ENGINE_WAIT_NONE, ENGINE_NEVER);
	ck_assert(gates_is_waiting(job.gates, GATE_APPROVAL));
	ck_assert(!gates_is_waiting(job.gates, GATE_TURN));
}
END_TEST

START_TEST(wait_until_a_time_is_told_by_the_wall_clock)
{
	uint64_t in_100_s = (uint64_t)gateway_wall_ms() / 1000 + 100;

	open_session();
	job_take_wait(&job, ENGINE_WAIT_TURN, (int64_t)uv_now(&rig.loop) +
		100000);
	ck_assert_uint_ge(job.gates->until[GATE_TURN], in_100_s - 1);
	ck_assert_uint_le(job.gates->until[GATE_TURN], in_100_s + 60);
	job_take_wait(&job, ENGINE_WAIT_TURN, ENGINE_NEVER);
	ck_assert_uint_eq(job.gates->until[GATE_TURN], 0);
	/* What is past is any moment now. */
	job_take_wait(&job, ENGINE_WAIT_TURN, 0);
	ck_assert_uint_eq(job.gates->until[GATE_TURN], 0);
}
END_TEST

START_TEST(wait_without_a_session_is_none)
{
	struct gates gates = {0};

	job.wait = ENGINE_WAIT_WAKE;
	job_add_wait(&job, &gates);
	ck_assert(gates_are_open(&gates));
}
END_TEST

/* ---- reading what they run ---- */

static unsigned offers(void)
{
	unsigned count = 0;

	inventory_read_due(&rig.gateway);
	rig_turn();
	for (const char *at = strstr(script.log, "offer:"); at;
			at = strstr(at + 1, "offer:"))
		count++;
	script.log[0] = '\0';
	return count;
}

START_TEST(router_is_read_by_the_engine_of_its_radio)
{
	struct device *d;

	rig_report(ONE, 0, NULL);
	d = rig_enrol(ONE, "plug");
	ck_assert_uint_eq(offers(), 1);
	ck_assert_uint_eq(rig.gateway.inventories, 1);
	script_result(script.offers[0], ENGINE_DONE);
	rig_pass();
	ck_assert_str_eq(d->version, script_facts.version);
	while (rig.gateway.inventories)
		uv_run(&rig.loop, UV_RUN_ONCE);
	ck_assert_uint_eq(offers(), 0);
}
END_TEST

/* Its version is known, by what it said before; it is read all the same. */
START_TEST(router_that_was_heard_before_it_was_enrolled_is_read)
{
	rig_report(ONE, 0, NULL);
	rig_says_version(ONE, "0x00000007");
	rig_pass();
	ck_assert_str_eq(rig_enrol(ONE, "plug")->version, "0x00000007");
	ck_assert_uint_eq(offers(), 1);
}
END_TEST

START_TEST(sleeper_is_read_when_it_tells)
{
	struct device *d;

	rig_report(ONE, FERRY_PEER_SLEEPY, NULL);
	d = rig_enrol(ONE, "plug");
	ck_assert_uint_eq(offers(), 0);
	rig_says_version(ONE, "0x00000007");
	rig_pass();
	ck_assert_str_eq(d->version, "0x00000007");
}
END_TEST

START_TEST(device_that_left_is_not_read)
{
	rig_report(ONE, 0, NULL);
	rig_enrol(ONE, "plug");
	rig_report(ONE, FERRY_PEER_GONE, NULL);
	ck_assert_uint_eq(offers(), 0);
}
END_TEST

START_TEST(offer_of_another_engine_than_that_of_the_radio_is_refused)
{
	struct session_setup wanted = {.engine = engine_find("zigbee-ota")};
	struct session *s = NULL;

	rig_report(ONE, 0, NULL);
	ck_assert_int_eq(radio_offer(&rig.gateway, rig_enrol(ONE, "plug"),
		&wanted, &s), ERR_JOB_NO_LINK);
	ck_assert_ptr_null(s);
}
END_TEST

START_TEST(offer_of_a_line_without_a_radio_is_refused)
{
	struct device elsewhere = {.link = "elsewhere"};
	struct session_setup wanted = {.engine = &script_network};
	struct session *s = NULL;

	ck_assert_int_eq(radio_offer(&rig.gateway, &elsewhere, &wanted, &s),
		ERR_JOB_NO_LINK);
	ck_assert_ptr_null(s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("job_member");
	TCase *c = tcase_create("waits");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, job_is_member_by_the_engine_of_its_class, 0,
		sizeof(classes) / sizeof(classes[0]));
	tcase_add_loop_test(c,
		wait_of_the_engine_is_the_gate_that_people_see, 0, WAITS);
	tcase_add_test(c, wait_that_follows_opens_the_gate_before_it);
	tcase_add_test(c, wait_leaves_the_other_gates);
	tcase_add_test(c, wait_until_a_time_is_told_by_the_wall_clock);
	tcase_add_test(c, wait_without_a_session_is_none);
	suite_add_tcase(suite, c);
	c = tcase_create("readings");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, router_is_read_by_the_engine_of_its_radio);
	tcase_add_test(c,
		router_that_was_heard_before_it_was_enrolled_is_read);
	tcase_add_test(c, sleeper_is_read_when_it_tells);
	tcase_add_test(c, device_that_left_is_not_read);
	tcase_add_test(c,
		offer_of_another_engine_than_that_of_the_radio_is_refused);
	tcase_add_test(c, offer_of_a_line_without_a_radio_is_refused);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
