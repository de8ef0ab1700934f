/* In place of mqtt.c where libmosquitto was not there at build time. */
#include "gateway/relay/mqtt.h"

#include <errno.h>

int mqtt_open(const struct mqtt_setup *setup, struct mqtt **ret,
	struct fault *fault)
{
	(void)setup;
	(void)ret;
	return fault_set(fault, -ENOSYS, 0, "delegate",
		"this ferryd was built without libmosquitto");
}

void mqtt_close(struct mqtt *m, void (*on_closed)(void *arg), void *arg)
{
	(void)m;
	on_closed(arg);
}

int mqtt_subscribe(struct mqtt *m, const char *topic)
{
	(void)m;
	(void)topic;
	return -ENOTCONN;
}

void mqtt_unsubscribe(struct mqtt *m, const char *topic)
{
	(void)m;
	(void)topic;
}

int mqtt_publish(struct mqtt *m, const char *topic, struct bytes payload)
{
	(void)m;
	(void)topic;
	(void)payload;
	return -ENOTCONN;
}
