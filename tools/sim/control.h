/* The control socket: a client (test, demo, person) sends a line, gets one line
 * of JSON back. docs/simulator.md lists the commands. Loop thread. */
#ifndef FERRY_SIM_CONTROL_H
#define FERRY_SIM_CONTROL_H

#include <jansson.h>

#include "tools/sim/world.h"

#define CONTROL_LINE_MAX 1024
#define CONTROL_CLIENTS_MAX 16

struct control;

/* Listens at `path`. 0 or -errno. */
int control_open(struct world *w, const char *path, struct control **ret);
void control_close(struct control *c);

/* What the socket does with one line, without the newline: the answer, to be
 * freed by json_decref(). Never NULL but without memory. */
json_t *control_command(struct world *w, char *line);

#endif
