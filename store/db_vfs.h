/* The file layer between SQLite and the system's own: it counts and announces
 * every write (store/disk.h) and keeps a checksum in the last 8 bytes of every
 * page of a database file, so that a bit which changed on disk is an error
 * (SQLITE_IOERR_DATA) and not another value.
 *
 * Databases opened with it have pages of DB_PAGE_LEN bytes with DB_PAGE_RESERVE
 * reserved; WAL frames have SQLite's own checksums. It offers no shared memory
 * and no memory maps: use locking_mode=EXCLUSIVE before WAL. Any thread. */
#ifndef FERRY_STORE_DB_VFS_H
#define FERRY_STORE_DB_VFS_H

#define DB_PAGE_LEN 4096
#define DB_PAGE_RESERVE 8

/* Registers the layer, once a process; returns its name or NULL. */
const char *db_vfs(void);

#endif
