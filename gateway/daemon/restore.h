/* Putting a backup back, as `ferryd --restore` does it: a program of its own
 * that runs instead of the daemon, never beside it (the databases are locked).
 *
 * Devices, jobs and history become those of the copy. Floors against rollback
 * are only raised by it; see store_restore(). */
#ifndef FERRY_GATEWAY_DAEMON_RESTORE_H
#define FERRY_GATEWAY_DAEMON_RESTORE_H

/* Restores the backup in the folder `from` into the state folder that the
 * configuration names. Started by root it goes on as the owner of the state
 * folder, so that the daemon can read what it finds. Says what was done, or
 * what is wrong on standard error. Returns the exit status. */
int restore_run(const char *config_folder, const char *from);

#endif
