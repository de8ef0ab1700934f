/* ferryd's life: start in order, run, reload, stop.
 *
 *   configuration, store, cache, devices, jobs, links, vendors, admin socket
 *
 * and back in the opposite order. SIGTERM and SIGINT stop within 5 s, SIGHUP
 * reads the configuration again: a bad one changes nothing. */
#ifndef FERRY_GATEWAY_DAEMON_DAEMON_H
#define FERRY_GATEWAY_DAEMON_DAEMON_H

/* Runs until it is told to stop. Returns the exit status. */
int daemon_run(const char *config_folder);

/* Only reads and checks the configuration, drivers' settings included, and says
 * what is wrong on standard error. Returns the exit status. */
int daemon_check(const char *config_folder);

#endif
