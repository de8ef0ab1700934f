/* Files of the publisher: whole reads with a limit, writes that are either
 * there completely or not at all, and the lock of a publisher's folder.
 *
 * Every function that fails has said why. No state; one thread. */
#ifndef FERRY_PUBLISH_FILES_H
#define FERRY_PUBLISH_FILES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "policy/trust/crypto.h"

#define FILES_PATH_SIZE 4096

/* "DIR/NAME" from a format; -ENAMETOOLONG when it does not fit. */
int path_format(char ret[FILES_PATH_SIZE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends the whole file to `ret`, whose maximum bounds it. A path "-" is
 * standard input. */
int file_read(const char *path, struct buf *ret);

bool file_exists(const char *path);

/* Writes beside `path`, flushes, renames over it, flushes the folder. */
int file_write(const char *path, struct bytes content, mode_t mode);

/* As file_write(), but refuses to replace a file. */
int file_write_new(const char *path, struct bytes content, mode_t mode);

/* Takes a file away; that there is none is no failure. */
int file_remove(const char *path);

/* Hashes `from` while it copies to a new file in `folder` whose name is the
 * SHA-256 in hexadecimal. An equal file that is there already is left alone.
 * More than `max` bytes, or a file that changes meanwhile, is refused. */
int file_copy_by_digest(const char *from, const char *folder, uint64_t max,
	uint8_t ret_digest[32], uint64_t *ret_len);

/* Changes bytes on their way. `out` holds in.len + 64 bytes, and 64 when it
 * finishes. 0 or a negative code. */
struct file_filter {
	int (*update)(void *arg, struct bytes in, uint8_t *out,
		size_t *ret_len);
	int (*finish)(void *arg, uint8_t *out, size_t *ret_len);
	void *arg;
};

/* As file_copy_by_digest(), but what is written and hashed is what the filter
 * makes of the file. */
int file_filter_by_digest(const char *from, const char *folder, uint64_t max,
	const struct file_filter *filter, uint8_t ret_digest[32],
	uint64_t *ret_len);

/* Digest (crypto_hash_len() bytes) and length of a file. */
int file_digest(const char *path, enum crypto_hash algorithm, uint64_t max,
	uint8_t *ret_digest, uint64_t *ret_len);

/* Takes away what a killed run left half-written in a folder. */
void folder_sweep(const char *path);

/* Makes the folder where it is not there yet. */
int folder_make(const char *path, mode_t mode);

/* Takes the lock of a folder (file `.lock`) or says who is in the way. The
 * lock ends with folder_unlock() or with the process. */
int folder_lock(const char *path, int *ret_fd);
void folder_unlock(int fd);

#endif
