/* Drives the HTTP client and the vendor link from the tests of tests/e2e: one
 * job a run, what happened as JSON lines on stdout.
 *
 *   http_probe [OPTIONS] fetch ORIGIN PATH...
 *   http_probe [OPTIONS] link BASE (root N | catalog [ETAG] |
 *           envelope SHA256 SIZE | payload SHA256 SIZE | report TEXT)
 *
 * Names and codes are those of err_name(). The loop's own clock is real, all
 * limits can be set in milliseconds. Exit 0 when the job ran, whatever came of
 * it; 2 for wrong usage. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "gateway/vendor/https.h"
#include "gateway/vendor/link.h"

struct probe {
	uv_loop_t loop;
	struct vendor_https_settings link_set;
	struct http_client_settings client_set;
	struct http_fetch_spec fetch_spec;
	struct vendor_payload_spec payload_spec;
	int64_t now;              /* for judge_time; 0: the real time */
	const char *gate;         /* "ok", "refuse", "never" or NULL */
	const char *out_path;
	FILE *out;
	uint64_t bytes;
	uint64_t pause_ms;
	uint64_t bytes_in_pause;
	uint64_t cancel_at;
	uint64_t close_ms;
	uv_timer_t resume_timer;
	uv_timer_t close_timer;
	struct http_client *client;
	struct http_fetch *fetch;
	struct vendor_link *link;
	uint64_t id;
	char **paths;
	unsigned starts;
	unsigned long long pause_at; /* pause once there, for pause_ms */
	int body_error;
	unsigned running;         /* fetches not yet done */
	int path_count;
	bool no_loopback;
	bool was_paused;
	bool is_paused;
	bool cancel;
	bool parallel;
	bool will_close;
	bool only_cancel;
	struct tls_pin pin;
};

static void print_text(const char *key, const char *text)
{
	printf(", \"%s\": \"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
			printf("\\u%04x", (unsigned char)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static int judge_time(void *arg, int64_t not_before, int64_t not_after)
{
	struct probe *probe = arg;
	int64_t now = probe->now ? probe->now : (int64_t)time(NULL);

	if (now < not_before)
		return ERR_VENDOR_TLS_NOT_YET;
	return now > not_after ? ERR_VENDOR_TLS_EXPIRED : 0;
}

static void on_peer_verified(void *arg, struct http_gate *gate,
	const struct bytes *chain, size_t count)
{
	struct probe *probe = arg;

	printf("{\"event\": \"gate\", \"chain\": %zu, \"leaf_bytes\": %zu}\n",
		count, count ? chain[0].len : 0);
	if (!strcmp(probe->gate, "ok"))
		http_gate_answer(gate, 0);
	else if (!strcmp(probe->gate, "refuse"))
		http_gate_answer(gate, -EKEYREVOKED);
}

static void on_gate_gone(void *arg, struct http_gate *gate)
{
	(void)arg;
	(void)gate;
	printf("{\"event\": \"gate-gone\"}\n");
}

static bool address_allowed(void *arg, const struct sockaddr *address)
{
	(void)arg;
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in =
			(const struct sockaddr_in *)(const void *)address;

		return ntohl(in->sin_addr.s_addr) >> 24 != 127;
	}
	return false;
}

static void on_closed(void *arg)
{
	(void)arg;
	printf("{\"event\": \"closed\"}\n");
}

static void on_timer_closed(uv_handle_t *handle)
{
	(void)handle;
}

static void probe_stop(struct probe *probe)
{
	if (!uv_is_closing((uv_handle_t *)&probe->resume_timer)) {
		uv_close((uv_handle_t *)&probe->resume_timer, on_timer_closed);
		uv_close((uv_handle_t *)&probe->close_timer, on_timer_closed);
	}
	if (probe->link)
		vendor_link_close(probe->link, on_closed, NULL);
	if (probe->client)
		http_client_close(probe->client, on_closed, NULL);
}

static void on_close_due(uv_timer_t *timer)
{
	struct probe *probe = timer->data;

	if (probe->only_cancel)
		vendor_link_cancel(probe->link, probe->id);
	else
		probe_stop(probe);
}

static void print_tls(const struct http_client_stats *stats)
{
	if (stats->tls_version)
		print_text("tls", stats->tls_version);
	printf(", \"connections\": %llu",
		(unsigned long long)stats->connections);
}

static void on_resume(uv_timer_t *timer)
{
	struct probe *probe = timer->data;

	probe->is_paused = false;
	printf("{\"event\": \"resume\", \"bytes_in_pause\": %llu}\n",
		(unsigned long long)probe->bytes_in_pause);
	if (probe->link)
		vendor_link_resume(probe->link, probe->id);
	else
		http_fetch_resume(probe->fetch);
}

static void pause_maybe(struct probe *probe, size_t len)
{
	if (probe->is_paused)
		probe->bytes_in_pause += len;
	if (!probe->pause_at || probe->was_paused ||
			probe->bytes < probe->pause_at)
		return;
	probe->was_paused = true;
	probe->is_paused = true;
	if (probe->link)
		vendor_link_pause(probe->link, probe->id);
	else
		http_fetch_pause(probe->fetch);
	uv_timer_start(&probe->resume_timer, on_resume, probe->pause_ms, 0);
}

static int take_bytes(struct probe *probe, struct bytes part)
{
	if (probe->out && fwrite(part.at, 1, part.len, probe->out) != part.len)
		return -EIO;
	probe->bytes += part.len;
	pause_maybe(probe, part.len);
	if (probe->cancel_at && probe->bytes >= probe->cancel_at) {
		probe->cancel_at = 0;
		if (probe->link)
			vendor_link_cancel(probe->link, probe->id);
		else
			http_fetch_cancel(probe->fetch);
	}
	return probe->body_error;
}

/* The client alone. */

static void fetch_next(struct probe *probe);

static int on_head(void *arg, const struct http_head *head)
{
	struct probe *probe = arg;

	printf("{\"event\": \"head\", \"status\": %d, \"length\": %lld",
		head->status, (long long)head->length);
	print_text("etag", head->etag);
	printf(", \"retry_after\": %u, \"range\": %s, \"from\": %llu, "
		"\"end\": %llu, \"total\": %lld}\n",
		(unsigned)head->retry_after_s, head->is_range ? "true" : "false",
		(unsigned long long)head->range_from,
		(unsigned long long)head->range_end, (long long)head->total);
	(void)probe;
	return 0;
}

static int on_body(void *arg, struct bytes part)
{
	return take_bytes(arg, part);
}

static void on_fetched(void *arg, int status, const struct http_head *head,
	const struct fault *fault)
{
	struct probe *probe = arg;
	struct http_client_stats stats = http_client_stats(probe->client);

	printf("{\"event\": \"done\"");
	print_text("code", err_name(status));
	print_text("field", fault->field);
	print_text("rule", fault->rule);
	printf(", \"http\": %d, \"bytes\": %llu", head ? head->status : 0,
		(unsigned long long)probe->bytes);
	print_tls(&stats);
	printf("}\n");
	probe->bytes = 0;
	probe->running--;
	if (!probe->parallel)
		fetch_next(probe);
	else if (probe->running == 0)
		probe_stop(probe);
}

static void fetch_next(struct probe *probe)
{
	int e;

	if (probe->path_count == 0) {
		probe_stop(probe);
		return;
	}
	probe->fetch_spec.path = *probe->paths++;
	probe->path_count--;
	e = http_fetch_start(probe->client, &probe->fetch_spec, &probe->fetch);
	if (e == 0)
		probe->running++;
	if (e == 0 && probe->cancel)
		http_fetch_cancel(probe->fetch);
	if (e == 0)
		return;
	printf("{\"event\": \"refused\"");
	print_text("code", err_name(e));
	printf("}\n");
	if (probe->running == 0)
		probe_stop(probe);
}

static int run_fetch(struct probe *probe, int argc, char **argv)
{
	struct fault fault = {0};
	int e = 0;

	if (argc < 2)
		return 2;
	probe->client_set.origin = argv[0];
	probe->client_set.limits = probe->link_set.limits;
	probe->client_set.peer_verified = probe->link_set.peer_verified;
	probe->client_set.on_gate_gone = probe->link_set.on_gate_gone;
	if (probe->no_loopback)
		probe->client_set.address_allowed = address_allowed;
	probe->client_set.arg = probe;
	if (probe->link_set.tls.ca_path)
		e = tls_trust_new(&probe->link_set.tls, &fault,
			&probe->client_set.trust);
	if (e == 0)
		e = http_client_open(&probe->loop, &probe->client_set, &fault,
			&probe->client);
	tls_trust_unref(probe->client_set.trust);
	if (e) {
		printf("{\"event\": \"open\"");
		print_text("code", err_name(e));
		print_text("field", fault.field);
		print_text("rule", fault.rule);
		printf("}\n");
		probe_stop(probe);
		return 0;
	}
	probe->fetch_spec.on_head = on_head;
	probe->fetch_spec.on_body = on_body;
	probe->fetch_spec.on_done = on_fetched;
	probe->fetch_spec.arg = probe;
	probe->paths = argv + 1;
	probe->path_count = argc - 1;
	do {
		fetch_next(probe);
	} while (probe->parallel && probe->path_count);
	return 0;
}

/* The vendor link. */

static void on_answer(void *arg, int status, const struct vendor_answer *answer)
{
	struct probe *probe = arg;
	struct vendor_https_state state = vendor_https_state(probe->link);

	if (answer->content.len && probe->out)
		fwrite(answer->content.at, 1, answer->content.len, probe->out);
	printf("{\"event\": \"done\"");
	print_text("code", err_name(status));
	print_text("rule", answer->fault->rule);
	print_text("etag", answer->etag);
	printf(", \"unchanged\": %s, \"retry_after\": %u, \"http\": %d, "
		"\"content\": %zu, \"bytes\": %llu, \"starts\": %u",
		answer->unchanged ? "true" : "false",
		(unsigned)answer->retry_after_s, answer->http_status,
		answer->content.len, (unsigned long long)probe->bytes,
		probe->starts);
	print_tls(&state.stats);
	printf("}\n");
	probe_stop(probe);
}

static int on_start(void *arg, uint64_t from, const char *etag)
{
	struct probe *probe = arg;

	probe->starts++;
	printf("{\"event\": \"start\", \"from\": %llu",
		(unsigned long long)from);
	print_text("etag", etag);
	printf("}\n");
	if (probe->out && (fflush(probe->out) ||
			fseek(probe->out, (long)from, SEEK_SET)))
		return -EIO;
	probe->bytes = from;
	return 0;
}

static int link_job(struct probe *probe, int argc, char **argv)
{
	const char *what = argc > 0 ? argv[0] : "";
	const char *arg = argc > 1 ? argv[1] : "";
	uint8_t sha256[32];

	if (!strcmp(what, "root"))
		return vendor_link_root(probe->link, strtoull(arg, NULL, 10),
			on_answer, probe, &probe->id);
	if (!strcmp(what, "catalog"))
		return vendor_link_catalog(probe->link, arg, on_answer, probe,
			&probe->id);
	if (!strcmp(what, "report"))
		return vendor_link_report(probe->link, bytes_of_text(arg),
			on_answer, probe, &probe->id);
	if (argc < 3 || bytes_from_hex(arg, sha256, 32))
		return -EINVAL;
	if (!strcmp(what, "envelope"))
		return vendor_link_envelope(probe->link, sha256,
			strtoull(argv[2], NULL, 10), on_answer, probe,
			&probe->id);
	memcpy(probe->payload_spec.sha256, sha256, 32);
	probe->payload_spec.size = strtoull(argv[2], NULL, 10);
	probe->payload_spec.on_start = on_start;
	probe->payload_spec.on_bytes = on_body;
	probe->payload_spec.on_done = on_answer;
	probe->payload_spec.arg = probe;
	return vendor_link_payload(probe->link, &probe->payload_spec,
		&probe->id);
}

static int run_link(struct probe *probe, int argc, char **argv)
{
	struct fault fault = {0};
	int e;

	if (argc < 2)
		return 2;
	probe->link_set.base_url = argv[0];
	probe->link_set.gate_arg = probe;
	e = vendor_https_open(&probe->loop, &probe->link_set, &fault,
		&probe->link);
	if (e == 0)
		e = link_job(probe, argc - 1, argv + 1);
	if (e == 0 && probe->cancel)
		vendor_link_cancel(probe->link, probe->id);
	if (e) {
		printf("{\"event\": \"open\"");
		print_text("code", err_name(e));
		print_text("field", fault.field);
		print_text("rule", fault.rule);
		printf("}\n");
		probe_stop(probe);
	}
	return 0;
}

enum {
	OPT_CA = 256, OPT_CERT, OPT_KEY, OPT_TLS12, OPT_PIN, OPT_NOW, OPT_GATE,
	OPT_PLAIN, OPT_OUT, OPT_FROM, OPT_END, OPT_ETAG, OPT_IF_NONE, OPT_MAX,
	OPT_SETUP_MS, OPT_ADDRESS_MS, OPT_HEAD_MS, OPT_IDLE_MS, OPT_TOTAL_MS,
	OPT_KEEP_MS, OPT_PAUSE_AT, OPT_PAUSE_MS, OPT_CANCEL, OPT_CANCEL_AT,
	OPT_REPORTS, OPT_RESUME_MS, OPT_NO_LOOPBACK, OPT_POST, OPT_URI,
	OPT_BODY_ERROR, OPT_RATE, OPT_PARALLEL, OPT_CLOSE_MS,
	OPT_CANCEL_MS,
};

static const struct option options[] = {
	{"ca", 1, NULL, OPT_CA},
	{"cert", 1, NULL, OPT_CERT},
	{"key", 1, NULL, OPT_KEY},
	{"tls12", 0, NULL, OPT_TLS12},
	{"pin", 1, NULL, OPT_PIN},
	{"now", 1, NULL, OPT_NOW},
	{"gate", 1, NULL, OPT_GATE},
	{"plain", 0, NULL, OPT_PLAIN},
	{"out", 1, NULL, OPT_OUT},
	{"from", 1, NULL, OPT_FROM},
	{"end", 1, NULL, OPT_END},
	{"etag", 1, NULL, OPT_ETAG},
	{"if-none-match", 1, NULL, OPT_IF_NONE},
	{"max", 1, NULL, OPT_MAX},
	{"setup-ms", 1, NULL, OPT_SETUP_MS},
	{"address-ms", 1, NULL, OPT_ADDRESS_MS},
	{"head-ms", 1, NULL, OPT_HEAD_MS},
	{"idle-ms", 1, NULL, OPT_IDLE_MS},
	{"total-ms", 1, NULL, OPT_TOTAL_MS},
	{"keep-ms", 1, NULL, OPT_KEEP_MS},
	{"pause-at", 1, NULL, OPT_PAUSE_AT},
	{"pause-ms", 1, NULL, OPT_PAUSE_MS},
	{"cancel", 0, NULL, OPT_CANCEL},
	{"cancel-at", 1, NULL, OPT_CANCEL_AT},
	{"reports", 1, NULL, OPT_REPORTS},
	{"resume-ms", 1, NULL, OPT_RESUME_MS},
	{"no-loopback", 0, NULL, OPT_NO_LOOPBACK},
	{"post", 1, NULL, OPT_POST},
	{"uri", 1, NULL, OPT_URI},
	{"body-error", 0, NULL, OPT_BODY_ERROR},
	{"rate", 1, NULL, OPT_RATE},
	{"parallel", 0, NULL, OPT_PARALLEL},
	{"close-ms", 1, NULL, OPT_CLOSE_MS},
	{"cancel-ms", 1, NULL, OPT_CANCEL_MS},
	{NULL, 0, NULL, 0},
};

static bool option_tls(struct probe *probe, int option, char *value)
{
	struct tls_settings *tls = &probe->link_set.tls;

	if (option == OPT_CA)
		tls->ca_path = value;
	else if (option == OPT_CERT)
		tls->cert_path = value;
	else if (option == OPT_KEY)
		tls->key_path = value;
	else if (option == OPT_TLS12)
		tls->min_version = TLS_VERSION_1_2;
	else if (option == OPT_NOW)
		probe->now = strtoll(value, NULL, 10);
	else if (option == OPT_PIN && !bytes_from_hex(value,
			probe->pin.sha256, 32))
		tls->pin_count = 1;
	else
		return false;
	tls->pins = &probe->pin;
	return true;
}

static bool option_limit(struct probe *probe, int option, const char *value)
{
	struct http_limits *limits = &probe->link_set.limits;
	uint32_t number = value ? (uint32_t)strtoul(value, NULL, 10) : 0;

	if (option == OPT_SETUP_MS)
		limits->setup_ms = number;
	else if (option == OPT_ADDRESS_MS)
		limits->address_ms = number;
	else if (option == OPT_HEAD_MS)
		limits->head_ms = number;
	else if (option == OPT_IDLE_MS)
		limits->idle_ms = number;
	else if (option == OPT_KEEP_MS)
		limits->keep_ms = number;
	else if (option == OPT_RATE)
		limits->rate_floor_bps = number;
	else if (option == OPT_TOTAL_MS)
		probe->fetch_spec.total_ms = probe->link_set.object_ms = number;
	else if (option == OPT_RESUME_MS)
		probe->link_set.resume_ms = number;
	else if (option == OPT_PAUSE_MS)
		probe->pause_ms = number;
	else if (option == OPT_PAUSE_AT)
		probe->pause_at = number;
	else if (option == OPT_CANCEL_AT)
		probe->cancel_at = number;
	else
		return false;
	return true;
}

static bool option_request(struct probe *probe, int option, char *value)
{
	struct http_fetch_spec *spec = &probe->fetch_spec;

	if (option == OPT_FROM) {
		spec->ranged = true;
		spec->range_from = probe->payload_spec.from =
			strtoull(value, NULL, 10);
	} else if (option == OPT_END) {
		spec->range_end = strtoull(value, NULL, 10);
	} else if (option == OPT_ETAG) {
		spec->if_range = probe->payload_spec.etag = value;
	} else if (option == OPT_IF_NONE) {
		spec->if_none_match = value;
	} else if (option == OPT_MAX) {
		spec->body_max = strtoull(value, NULL, 10);
	} else if (option == OPT_POST) {
		spec->method = HTTP_METHOD_POST;
		spec->content_type = "text/plain";
		spec->body = bytes_of_text(value);
	} else if (option == OPT_URI) {
		probe->payload_spec.uri = value;
	} else {
		return false;
	}
	return true;
}

static bool option_other(struct probe *probe, int option, char *value)
{
	if (option == OPT_GATE) {
		probe->gate = value;
		probe->link_set.peer_verified = on_peer_verified;
		probe->link_set.on_gate_gone = on_gate_gone;
	} else if (option == OPT_PLAIN) {
		probe->client_set.allow_plain = true;
	} else if (option == OPT_OUT) {
		probe->out_path = value;
	} else if (option == OPT_CANCEL) {
		probe->cancel = true;
	} else if (option == OPT_REPORTS) {
		probe->link_set.reports = value;
	} else if (option == OPT_NO_LOOPBACK) {
		probe->no_loopback = true;
	} else if (option == OPT_PARALLEL) {
		probe->parallel = true;
	} else if (option == OPT_CLOSE_MS || option == OPT_CANCEL_MS) {
		probe->will_close = true;
		probe->only_cancel = option == OPT_CANCEL_MS;
		probe->close_ms = strtoull(value, NULL, 10);
	} else if (option == OPT_BODY_ERROR) {
		probe->body_error = -ENOSPC;
	} else {
		return false;
	}
	return true;
}

static int options_read(struct probe *probe, int argc, char **argv)
{
	int option;

	probe->link_set.tls.min_version = TLS_VERSION_1_3;
	probe->link_set.tls.judge_time = judge_time;
	probe->link_set.tls.judge_arg = probe;
	probe->fetch_spec.body_max = 1 << 20;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread. */
	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1)
		if (option < OPT_CA || (!option_tls(probe, option, optarg) &&
				!option_limit(probe, option, optarg) &&
				!option_request(probe, option, optarg) &&
				!option_other(probe, option, optarg)))
			return 2;
	if (!probe->out_path)
		return 0;
	/* Kept when it is there: a part file to be continued. */
	probe->out = fopen(probe->out_path, "r+b");
	if (!probe->out)
		probe->out = fopen(probe->out_path, "w+b");
	return probe->out ? 0 : 2;
}

int main(int argc, char **argv)
{
	static struct probe probe;
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	uv_loop_init(&probe.loop);
	uv_timer_init(&probe.loop, &probe.resume_timer);
	probe.resume_timer.data = &probe;
	uv_timer_init(&probe.loop, &probe.close_timer);
	probe.close_timer.data = &probe;
	status = options_read(&probe, argc, argv);
	if (status || optind >= argc) {
		fprintf(stderr, "usage: see the head of http_probe.c\n");
		return 2;
	}
	if (!strcmp(argv[optind], "fetch"))
		status = run_fetch(&probe, argc - optind - 1,
			argv + optind + 1);
	else if (!strcmp(argv[optind], "link"))
		status = run_link(&probe, argc - optind - 1, argv + optind + 1);
	else
		status = 2;
	if (status == 0 && probe.will_close)
		uv_timer_start(&probe.close_timer, on_close_due,
			probe.close_ms, 0);
	if (status == 0)
		uv_run(&probe.loop, UV_RUN_DEFAULT);
	if (probe.out)
		fclose(probe.out);
	if (status == 0 && uv_loop_close(&probe.loop))
		return 3;
	return status;
}
