/* A library for LD_PRELOAD: time runs TIMELAPSE times as fast for a process that
 * waits in epoll, as libuv does. For looking at a quiet day in minutes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>

#define CLOCKS 12

int (*true_clock)(clockid_t, struct timespec *);
int (*true_wait)(int, struct epoll_event *, int, int, const sigset_t *);
static struct timespec origin[CLOCKS];
static long speed = 1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin(void)
{
	const char *text = getenv("TIMELAPSE");
	long n = text ? atol(text) : 1;

	*(void **)&true_clock = dlsym(RTLD_NEXT, "clock_gettime");
	*(void **)&true_wait = dlsym(RTLD_NEXT, "epoll_pwait");
	for (int i = 0; i < CLOCKS; i++)
		true_clock(i, &origin[i]);
	speed = n > 0 ? n : 1;
}

int clock_gettime(clockid_t id, struct timespec *at)
{
	long long ns;
	int err;

	pthread_once(&once, begin);
	err = true_clock(id, at);
	if (err || id < 0 || id >= CLOCKS || id == CLOCK_PROCESS_CPUTIME_ID ||
			id == CLOCK_THREAD_CPUTIME_ID)
		return err;
	ns = (at->tv_sec - origin[id].tv_sec) * 1000000000ll + at->tv_nsec -
		origin[id].tv_nsec;
	ns = ns * speed + origin[id].tv_nsec;
	at->tv_sec = origin[id].tv_sec + ns / 1000000000;
	at->tv_nsec = ns % 1000000000;
	return 0;
}

int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout_ms,
	const sigset_t *mask)
{
	pthread_once(&once, begin);
	if (timeout_ms > 0)
		timeout_ms = (int)(timeout_ms / speed) + 1;
	return true_wait(fd, events, max, timeout_ms, mask);
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
	return epoll_pwait(fd, events, max, timeout_ms, NULL);
}
