/* The commands of the control socket. */
#include "tools/sim/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/sim/radio_command.h"
#include "tools/sim/report.h"

static json_t *answer_ok(void)
{
	return json_pack("{s:b}", "ok", 1);
}

static json_t *answer_error(const char *rule, const char *what)
{
	json_t *o = json_object();

	json_object_set_new(o, "ok", json_false());
	json_object_set_new(o, "error", json_sprintf("%s: %s", what, rule));
	return o;
}

/* One device at a time; `*` as the name means all of them. */
typedef int (*action)(
	struct station *s, const char *argument, struct fault *fault);

static int parse_duration(const char *text, uint64_t otherwise,
	uint64_t *ret_ns, struct fault *fault)
{
	uint64_t us;

	*ret_ns = otherwise;
	if (text[0] == '\0')
		return 0;
	if (strcmp(text, "forever") == 0) {
		*ret_ns = DEVICE_NEVER;
		return 0;
	}
	if (duration_parse(text, &us) < 0)
		return fault_set(
			fault, -EINVAL, 0, "time", "%s is no duration", text);
	*ret_ns = us * 1000;
	return 0;
}

static int do_switch(struct station *s, const char *text, struct fault *fault)
{
	return device_switch(&s->device, text, fault);
}

static int do_power_cut(
	struct station *s, const char *text, struct fault *fault)
{
	uint64_t off_ns;
	int err = parse_duration(text, 100000000u, &off_ns, fault);

	if (!err)
		device_power_cut(&s->device, uv_hrtime(), off_ns);
	return err;
}

static int do_power_on(struct station *s, const char *text, struct fault *fault)
{
	(void)text;
	(void)fault;
	if (s->device.state == DEVICE_OFF)
		device_power_cut(&s->device, uv_hrtime(), 0);
	return 0;
}

static int do_unplug(struct station *s, const char *text, struct fault *fault)
{
	uint64_t off_ns;
	int err = parse_duration(text, DEVICE_NEVER, &off_ns, fault);

	if (!err)
		device_unplug(&s->device, uv_hrtime(), off_ns);
	return err;
}

static int do_replug(struct station *s, const char *text, struct fault *fault)
{
	(void)text;
	(void)fault;
	device_replug(&s->device);
	return 0;
}

static int do_restart(struct station *s, const char *text, struct fault *fault)
{
	(void)text;
	(void)fault;
	device_restart(&s->device, uv_hrtime());
	return 0;
}

static int do_payload(struct station *s, const char *text, struct fault *fault)
{
	uint64_t n;

	if (s->transport != TRANSPORT_SIM)
		return fault_set(fault, -EINVAL, 0, "payload",
			"%s is no datagram peer", s->device.name);
	if (number_parse(text, 4096, &n) < 0 || n < 20)
		return fault_set(
			fault, -EINVAL, 0, "payload", "must be 20 to 4096");
	s->device.payload = (uint32_t)n;
	hub_payload_changed(s);
	return 0;
}

/* SLOT FILE: the whole slot, as it is. */
static int do_dump(struct station *s, const char *text, struct fault *fault)
{
	const struct flash *f = &s->device.mcu.flash;
	unsigned slot = (unsigned)atoi(text);
	uint8_t sector[FLASH_SECTOR];
	FILE *file;
	int err = 0;

	if (text[0] < '0' || text[0] > '3' || text[1] != ' ')
		return fault_set(fault, -EINVAL, 0, "dump", "wants SLOT FILE");
	file = fopen(text + 2, "wb");
	if (!file)
		return fault_set(fault, -errno, 0, "file", "%s: %s", text + 2,
			err_text(-errno));
	for (uint32_t at = 0; at < f->slot_size && !err; at += FLASH_SECTOR) {
		err = flash_read(f, slot, at, sector, sizeof(sector));
		if (!err && fwrite(sector, 1, sizeof(sector), file) !=
				    sizeof(sector))
			err = -EIO;
	}
	if (fclose(file) != 0 && !err)
		err = -EIO;
	return err ? fault_set(fault, err, 0, "dump", "%s", err_text(err)) : 0;
}

static const struct {
	const char *verb;
	action act;
} actions[] = {
	{"switch", do_switch},
	{"power-cut", do_power_cut},
	{"power-on", do_power_on},
	{"unplug", do_unplug},
	{"replug", do_replug},
	{"restart", do_restart},
	{"payload", do_payload},
	{"dump", do_dump},
};

static int act_on(struct station *s, action act, const char *argument,
	struct fault *fault)
{
	int err = act(s, argument, fault);

	station_service(s, uv_hrtime());
	return err;
}

static json_t *run_action(
	struct world *w, action act, const char *name, const char *argument)
{
	struct fault fault = {0};
	int err = 0;

	if (strcmp(name, "*") == 0) {
		for (size_t i = 0; i < world_count(w) && !err; i++)
			err = act_on(
				world_station(w, i), act, argument, &fault);
	} else {
		struct station *s = world_find(w, name);

		if (!s)
			return answer_error("no such device", name);
		err = act_on(s, act, argument, &fault);
	}
	if (err)
		return answer_error(fault.rule, fault.field);
	return answer_ok();
}

static json_t *list_names(struct world *w)
{
	json_t *list = json_array();

	for (size_t i = 0; i < world_count(w); i++)
		json_array_append_new(
			list, json_string(world_station(w, i)->device.name));
	radio_names(w, list);
	return json_pack("{s:b, s:o}", "ok", 1, "devices", list);
}

/* Cuts the next word off `*at`. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " ");
	size_t len = strcspn(word, " ");

	*at = word + len;
	if (**at != '\0')
		*(*at)++ = '\0';
	return word;
}

json_t *control_command(struct world *w, char *line)
{
	char *verb, *name, *argument = line;
	struct fault fault = {0};

	line[strcspn(line, "\r")] = '\0';
	verb = next_word(&argument);
	name = next_word(&argument);
	argument += strspn(argument, " ");
	if (strcmp(verb, "list") == 0)
		return list_names(w);
	if (strcmp(verb, "stats") == 0)
		return report_world(w);
	if (strcmp(verb, "quit") == 0) {
		world_stop(w);
		return answer_ok();
	}
	if (strcmp(verb, "state") == 0) {
		struct station *s = world_find(w, name);
		json_t *radio = s ? NULL : radio_state(w, name);

		return s       ? report_device(s)
		       : radio ? radio
			       : answer_error("no such device", name);
	}
	if (radio_command(w, verb, name, argument, &fault))
		return fault.code ? answer_error(fault.rule, fault.field)
				  : answer_ok();
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].verb, verb) == 0)
			return run_action(w, actions[i].act, name, argument);
	return answer_error("no such command", verb);
}
