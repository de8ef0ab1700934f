#include "gateway/relay/mqtt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/relay/mosquitto_library.h"

#define KEEPALIVE_S 30
#define TICK_MS 500 /* keep-alive, and time-outs of the library */
#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000
#define PACKETS_MAX 16 /* per turn of the loop */
#define QUALITY 1
#define REFUSED 0x80 /* in an answer to a subscription */
#define WHY_SIZE 96

static const struct mosquitto_library *mosq;

struct mqtt {
	uv_loop_t *loop;
	struct mosquitto *library;
	const struct mqtt_events *events;
	void *arg;
	char host[256];
	uint16_t port;

	uv_poll_t *poll;   /* NULL: no socket */
	int polled;        /* the socket of it */
	uv_timer_t timer;
	uv_work_t work;
	bool connecting;   /* the library belongs to the pool */
	int code, number;  /* what came of it; the errno, if it has one */
	uint64_t again_ms; /* when to connect; of the loop's clock */
	uint64_t wait_ms;
	bool up;
	bool went;         /* on_down is owed */
	bool came;         /* on_up is owed */
	bool refused;      /* on_refused is owed */
	bool anonymous;    /* TLS without a certificate of ours */
	bool closing;
	char why[WHY_SIZE];
	char said[WHY_SIZE]; /* the library's last word of an error */
	void (*on_closed)(void *arg);
	void *close_arg;
};

/* ---- the socket ---- */

static void free_poll(uv_handle_t *handle)
{
	free(handle);
}

static void drop_poll(struct mqtt *m)
{
	if (!m->poll)
		return;
	uv_poll_stop(m->poll);
	uv_close((uv_handle_t *)m->poll, free_poll);
	m->poll = NULL;
	m->polled = -1;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static int take_poll(struct mqtt *m, int fd)
{
	uv_poll_t *poll = malloc(sizeof(*poll));
	int err;

	if (!poll)
		return -ENOMEM;
	err = uv_poll_init(m->loop, poll, fd);
	if (err) {
		free(poll);
		return err;
	}
	poll->data = m;
	m->poll = poll;
	m->polled = fd;
	return 0;
}

static void lose(struct mqtt *m, const char *why)
{
	snprintf(m->why, sizeof(m->why), "%s", why);
	m->up = false;
	m->came = false;
	m->went = true;
	m->again_ms = uv_now(m->loop) + m->wait_ms;
	m->wait_ms = 2 * m->wait_ms < AGAIN_MAX_MS ? 2 * m->wait_ms :
		AGAIN_MAX_MS;
}

/* After every call of the library: it may have closed its socket or opened
 * another, and may have something to write. The loop must never be left with a
 * descriptor that is gone, and a loss never without another try, also when the
 * library did not tell of it. */
static void follow_socket(struct mqtt *m)
{
	int fd;

	if (m->connecting)
		return;
	fd = mosq->socket(m->library);
	if (m->poll && fd != m->polled)
		drop_poll(m);
	if (m->closing)
		return;
	if (fd < 0) {
		if (!m->again_ms)
			lose(m, m->said[0] ? m->said :
				"the connection was lost");
		return;
	}
	if (!m->poll && take_poll(m, fd))
		return;
	uv_poll_start(m->poll, UV_READABLE |
		(mosq->want_write(m->library) ? UV_WRITABLE : 0), on_poll);
}

/* What the library said inside a call is passed on after it. */
static void pass_on(struct mqtt *m)
{
	if (m->closing)
		return;
	if (m->came) {
		m->came = false;
		m->events->on_up(m->arg);
	}
	if (m->refused && !m->closing) {
		m->refused = false;
		m->events->on_refused(m->arg);
	}
	if (m->went && !m->closing) {
		m->went = false;
		m->events->on_down(m->arg, m->why);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct mqtt *m = poll->data;

	if (status < 0 || (events & UV_READABLE))
		mosq->loop_read(m->library, PACKETS_MAX);
	if (!m->closing && (events & UV_WRITABLE) &&
			mosq->socket(m->library) >= 0)
		mosq->loop_write(m->library, PACKETS_MAX);
	follow_socket(m);
	pass_on(m);
}

/* ---- what the library says ---- */

static void on_connect(struct mosquitto *library, void *arg, int code)
{
	struct mqtt *m = arg;

	(void)library;
	if (code) {
		snprintf(m->why, sizeof(m->why), "refused: %s",
			mosq->connack_string(code));
		return; /* on_disconnect() follows */
	}
	m->up = true;
	m->came = true;
	m->said[0] = '\0';
	m->wait_ms = AGAIN_MIN_MS;
}

static void on_disconnect(struct mosquitto *library, void *arg, int code)
{
	struct mqtt *m = arg;
	char why[WHY_SIZE];

	(void)library;
	if (m->closing)
		return;
	if (!m->up && m->why[0] && !m->went)
		snprintf(why, sizeof(why), "%s", m->why);
	else if (m->said[0])
		snprintf(why, sizeof(why), "%s", m->said);
	else
		snprintf(why, sizeof(why), "%s%s", mosq->strerror(code),
			m->anonymous && !m->up ? "; does the broker want "
			"cert and key?" : "");
	lose(m, why);
}

/* What is wrong with a certificate is said nowhere else. */
static void on_log(struct mosquitto *library, void *arg, int level,
	const char *text)
{
	struct mqtt *m = arg;

	(void)library;
	/* The first word is about the cause. */
	if (level == MOSQ_LOG_ERR && !m->said[0])
		snprintf(m->said, sizeof(m->said), "%s", text);
}

static void on_subscribed(struct mosquitto *library, void *arg, int id,
	int count, const int *granted)
{
	struct mqtt *m = arg;

	(void)library;
	(void)id;
	for (int i = 0; i < count; i++)
		m->refused |= granted[i] >= REFUSED;
}

static void on_message(struct mosquitto *library, void *arg,
	const struct mosquitto_message *message)
{
	struct mqtt *m = arg;

	(void)library;
	if (m->closing || message->payloadlen < 0 ||
			(size_t)message->payloadlen > MQTT_MESSAGE_MAX)
		return;
	m->events->on_message(m->arg, message->topic, bytes_of(
		message->payload, (size_t)message->payloadlen),
		message->retain);
}

/* ---- connecting ---- */

/* On the pool: looking a name up may take as long as a dead name server lets
 * it. Nobody else touches the library meanwhile. */
static void on_connecting(uv_work_t *work)
{
	struct mqtt *m = work->data;

	errno = 0;
	m->code = mosq->connect_async(m->library, m->host, m->port,
		KEEPALIVE_S);
	m->number = errno;
}

static void finish_close(struct mqtt *m);

static void on_connect_tried(uv_work_t *work, int status)
{
	struct mqtt *m = work->data;

	m->connecting = false;
	if (m->closing) {
		finish_close(m);
		return;
	}
	if (status)
		lose(m, "out of resources");
	else if (m->code && m->said[0])
		lose(m, m->said);
	else if (m->code == MOSQ_ERR_ERRNO)
		lose(m, m->number ? err_text(-m->number) :
			"no way to the broker");
	else if (m->code)
		lose(m, mosq->strerror(m->code));
	follow_socket(m);
	pass_on(m);
}

static void connect_now(struct mqtt *m)
{
	m->why[0] = '\0';
	m->said[0] = '\0';
	m->again_ms = 0;
	m->work.data = m;
	m->connecting = !uv_queue_work(m->loop, &m->work, on_connecting,
		on_connect_tried);
	if (!m->connecting)
		lose(m, "out of resources");
}

static void on_tick(uv_timer_t *timer)
{
	struct mqtt *m = timer->data;

	if (m->connecting)
		return;
	if (m->again_ms && uv_now(m->loop) >= m->again_ms)
		connect_now(m);
	else if (mosq->socket(m->library) >= 0)
		mosq->loop_misc(m->library);
	follow_socket(m);
	pass_on(m);
}

/* Nobody is there to type one. */
static int no_passphrase(char *text, int size, int writing, void *arg)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)arg;
	return 0;
}

static int set_up_tls(const struct mqtt_setup *setup, struct mqtt *m,
	struct fault *fault)
{
	int code;

	if (!setup->tls)
		return 0;
	code = mosq->tls_set(m->library, setup->ca,
		setup->ca ? NULL : "/etc/ssl/certs", setup->certificate,
		setup->key, no_passphrase);
	if (!code)
		code = mosq->tls_opts_set(m->library, 1, "tlsv1.2", NULL);
	return code ? fault_set(fault, -EINVAL, 0, "ca",
		"ca, cert and key must be files that can be read: %s",
		mosq->strerror(code)) : 0;
}

static int set_up(const struct mqtt_setup *setup, struct mqtt *m,
	struct fault *fault)
{
	int err = set_up_tls(setup, m, fault);

	if (err)
		return err;
	if (setup->user && mosq->username_pw_set(m->library, setup->user,
			setup->password))
		return -ENOMEM;
	mosq->connect_callback_set(m->library, on_connect);
	mosq->disconnect_callback_set(m->library, on_disconnect);
	mosq->log_callback_set(m->library, on_log);
	mosq->subscribe_callback_set(m->library, on_subscribed);
	mosq->message_callback_set(m->library, on_message);
	return 0;
}

int mqtt_open(const struct mqtt_setup *setup, struct mqtt **ret,
	struct fault *fault)
{
	struct mqtt *m;
	int err;

	mosq = mosquitto_library_get(fault);
	if (!mosq)
		return -ENOSYS;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	mosq->lib_init();
	m->loop = setup->loop;
	m->events = setup->events;
	m->arg = setup->arg;
	m->port = setup->port;
	m->anonymous = setup->tls && !setup->certificate;
	m->polled = -1;
	m->wait_ms = AGAIN_MIN_MS;
	snprintf(m->host, sizeof(m->host), "%s", setup->host);
	m->library = mosq->new(NULL, true, m);
	err = m->library ? set_up(setup, m, fault) : -ENOMEM;
	if (err) {
		mosq->destroy(m->library);
		mosq->lib_cleanup();
		free(m);
		return err;
	}
	uv_timer_init(m->loop, &m->timer);
	m->timer.data = m;
	m->again_ms = 1; /* at the first tick */
	uv_timer_start(&m->timer, on_tick, 0, TICK_MS);
	*ret = m;
	return 0;
}

static void free_mqtt(uv_handle_t *handle)
{
	struct mqtt *m = handle->data;
	void (*on_closed)(void *arg) = m->on_closed;
	void *arg = m->close_arg;

	free(m);
	on_closed(arg);
}

static void finish_close(struct mqtt *m)
{
	mosq->disconnect(m->library);
	drop_poll(m);
	mosq->destroy(m->library);
	mosq->lib_cleanup();
	uv_close((uv_handle_t *)&m->timer, free_mqtt);
}

void mqtt_close(struct mqtt *m, void (*on_closed)(void *arg), void *arg)
{
	if (!m) {
		on_closed(arg);
		return;
	}
	m->closing = true;
	m->on_closed = on_closed;
	m->close_arg = arg;
	uv_timer_stop(&m->timer);
	if (!m->connecting)
		finish_close(m);
}

/* ---- what it is for ---- */

static int status_of(int code)
{
	if (code == MOSQ_ERR_SUCCESS)
		return 0;
	return code == MOSQ_ERR_NO_CONN ? -ENOTCONN : -EIO;
}

int mqtt_subscribe(struct mqtt *m, const char *topic)
{
	int code;

	if (!m->up)
		return -ENOTCONN;
	code = mosq->subscribe(m->library, NULL, topic, QUALITY);
	follow_socket(m);
	return status_of(code);
}

void mqtt_unsubscribe(struct mqtt *m, const char *topic)
{
	if (!m->up)
		return;
	mosq->unsubscribe(m->library, NULL, topic);
	follow_socket(m);
}

int mqtt_publish(struct mqtt *m, const char *topic, struct bytes payload)
{
	int code;

	if (!m->up)
		return -ENOTCONN;
	code = mosq->publish(m->library, NULL, topic, (int)payload.len,
		payload.at, QUALITY, false);
	follow_socket(m);
	return status_of(code);
}
