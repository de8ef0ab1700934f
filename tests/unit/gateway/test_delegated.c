#include "gateway/daemon/delegated.h"

#include <errno.h>

#include "gateway/daemon/lines.h"
#include "gateway/daemon/radio.h"
#include "tests/unit/unit.h"

/* A line whose radio belongs to another program. The delegate is the test: it
 * notes what it is asked and says what the program would. */

#define KEY "0000000000000001"

static struct {
	int open_status;
	const struct delegate_events *events;
	void *arg;
	unsigned params;
	char offered[32];
	int offer_status;
} delegate;

/* Opaque to its users. */
static struct delegate *const handle = (struct delegate *)(void *)&delegate;

int __wrap_delegate_open(const struct delegate_setup *setup,
	struct delegate **ret, struct fault *fault);
void __wrap_delegate_close(struct delegate *d, void (*on_closed)(void *arg),
	void *arg);
int __wrap_delegate_offer(struct delegate *d, const char *peer,
	const struct session_setup *setup, struct session **ret);

int __wrap_delegate_open(const struct delegate_setup *setup,
	struct delegate **ret, struct fault *fault)
{
	if (delegate.open_status)
		return fault_set(fault, delegate.open_status, 0, "url",
			"must lead somewhere");
	delegate.events = setup->events;
	delegate.arg = setup->arg;
	delegate.params = (unsigned)setup->param_count;
	*ret = handle;
	return 0;
}

void __wrap_delegate_close(struct delegate *d, void (*on_closed)(void *arg),
	void *arg)
{
	ck_assert_ptr_eq(d, handle);
	delegate.events = NULL;
	on_closed(arg);
}

int __wrap_delegate_offer(struct delegate *d, const char *peer,
	const struct session_setup *setup, struct session **ret)
{
	(void)setup;
	(void)ret;
	ck_assert_ptr_eq(d, handle);
	snprintf(delegate.offered, sizeof(delegate.offered), "%s", peer);
	return delegate.offer_status;
}

/* ---- the world ---- */

static struct gateway gateway;
static struct config config;
static struct config_param param = {.key = "url", .value = "mqtt://x"};
static struct config_link link_config;
static struct device_class plug;
static const struct device_class *const classes[] = {&plug};
static struct line *line;
static bool closed;

static void setup(void)
{
	gateway = (struct gateway){.config = &config};
	memset(&delegate, 0, sizeof(delegate));
	closed = false;
	link_config = (struct config_link){.is_delegate = true,
		.params = &param, .param_count = 1};
	snprintf(link_config.name, sizeof(link_config.name), "z2m");
	snprintf(link_config.driver, sizeof(link_config.driver),
		"zigbee2mqtt");
	class_init(&plug);
	snprintf(plug.name, sizeof(plug.name), "plug");
	plug.match[0] = (struct class_match){"model", "Plug*"};
	plug.match_count = 1;
	gateway.registry = registry_new();
	registry_set_classes(gateway.registry, classes, 1);
}

static void on_closed(void *arg)
{
	(void)arg;
	closed = true;
}

static void teardown(void)
{
	if (line)
		line_close(line, on_closed, NULL);
	ck_assert(closed == (line != NULL));
	line = NULL;
	registry_free(gateway.registry);
}

static void open_line(void)
{
	ck_assert_int_eq(line_add(&gateway, &link_config,
		&lines_events), 0);
	line = line_find(&gateway, "z2m");
	ck_assert_ptr_nonnull(line);
}

static void see_peer(const char *model)
{
	const struct peer_attribute attribute = {"model", model};
	const struct delegate_peer peer = {.key = KEY, .address = "kitchen",
		.attributes = &attribute, .attribute_count = 1};

	delegate.events->on_peer(delegate.arg, &peer);
}

static const struct candidate *candidate(void)
{
	return registry_candidate(gateway.registry, "z2m", KEY);
}

/* ---- tests ---- */

START_TEST(line_opens_its_delegate_with_its_parameters)
{
	open_line();
	ck_assert(!line->failed);
	ck_assert_uint_eq(delegate.params, 1);
	ck_assert_str_eq(line_state_name(line), "starting");
}
END_TEST

START_TEST(line_whose_delegate_cannot_be_opened_is_failed_and_says_why)
{
	delegate.open_status = -EINVAL;
	open_line();
	ck_assert_str_eq(line_state_name(line), "failed");
	ck_assert_str_eq(line->text, "url: must lead somewhere");
}
END_TEST

START_TEST(up_shows_program_and_version)
{
	open_line();
	delegate.events->on_up(delegate.arg, "zigbee2mqtt 2.1.0");
	ck_assert_str_eq(line_state_name(line), "up");
	ck_assert_str_eq(line->address, "zigbee2mqtt 2.1.0");
}
END_TEST

START_TEST(peer_is_a_candidate_under_the_name_that_it_has_there)
{
	open_line();
	delegate.events->on_up(delegate.arg, "zigbee2mqtt 2.1.0");
	see_peer("Plug 1");
	see_peer("Plug 1");
	ck_assert_str_eq(candidate()->address, "kitchen");
	ck_assert_str_eq(candidate()->suggested_class, "plug");
	ck_assert(!candidate()->doubtful);
	ck_assert_uint_eq(line->peers, 1);
}
END_TEST

START_TEST(peer_that_is_gone_is_not_there_any_more)
{
	open_line();
	delegate.events->on_up(delegate.arg, "zigbee2mqtt 2.1.0");
	see_peer("Plug 1");
	delegate.events->on_peer_gone(delegate.arg, KEY);
	ck_assert(!candidate()->present);
	ck_assert_uint_eq(line->peers, 0);
	delegate.events->on_peer_gone(delegate.arg, KEY);
	ck_assert_uint_eq(line->peers, 0);
}
END_TEST

START_TEST(down_loses_all_peers_until_it_is_up_again)
{
	open_line();
	delegate.events->on_up(delegate.arg, "zigbee2mqtt 2.1.0");
	see_peer("Plug 1");
	delegate.events->on_down(delegate.arg, -ECONNREFUSED, "no\tbroker");
	ck_assert_str_eq(line_state_name(line), "down");
	ck_assert_ptr_null(strchr(line->text, '\t'));
	ck_assert(!candidate()->present);
	ck_assert_uint_eq(line->peers, 0);
	delegate.events->on_up(delegate.arg, "zigbee2mqtt 2.1.0");
	see_peer("Plug 1");
	ck_assert(candidate()->present);
	ck_assert_uint_eq(line->peers, 1);
	ck_assert_str_eq(line->text, "");
}
END_TEST

START_TEST(offer_goes_to_the_delegate_of_the_line)
{
	struct device d = {.link = "z2m", .key = KEY};
	struct session_setup wanted = {
		.engine = engine_find("zigbee2mqtt")};
	struct session *s = NULL;

	open_line();
	delegate.offer_status = -EBUSY;
	ck_assert_int_eq(radio_offer(&gateway, &d, &wanted, &s), -EBUSY);
	ck_assert_str_eq(delegate.offered, KEY);
}
END_TEST

START_TEST(offer_without_a_delegate_is_refused)
{
	struct device d = {.link = "z2m", .key = KEY};
	struct session_setup wanted = {
		.engine = engine_find("zigbee2mqtt")};
	struct session *s = NULL;

	ck_assert_int_eq(delegated_offer(NULL, &d, &wanted, &s),
		ERR_JOB_NO_LINK);
	delegate.open_status = -EINVAL;
	open_line();
	ck_assert_int_eq(radio_offer(&gateway, &d, &wanted, &s),
		ERR_JOB_NO_LINK);
	ck_assert_str_eq(delegate.offered, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("delegated");
	TCase *c = tcase_create("delegated");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, line_opens_its_delegate_with_its_parameters);
	tcase_add_test(c,
		line_whose_delegate_cannot_be_opened_is_failed_and_says_why);
	tcase_add_test(c, up_shows_program_and_version);
	tcase_add_test(c, peer_is_a_candidate_under_the_name_that_it_has_there);
	tcase_add_test(c, peer_that_is_gone_is_not_there_any_more);
	tcase_add_test(c, down_loses_all_peers_until_it_is_up_again);
	tcase_add_test(c, offer_goes_to_the_delegate_of_the_line);
	tcase_add_test(c, offer_without_a_delegate_is_refused);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
