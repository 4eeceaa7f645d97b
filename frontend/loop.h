/* What the machine's one thread waits for: host file descriptors and host-time timers, and a helper
 * thread that makes a running CPU return when one of them has something. */
#ifndef FRONTEND_LOOP_H
#define FRONTEND_LOOP_H

#include "devices/core/types.h"
#include "devices/core/err.h"

#include <poll.h>
#include <pthread.h>

enum { LOOP_MAX_FDS = 64 };
#define LOOP_NEVER (~0ull)

/* A file descriptor to watch. Owned by the caller; must stay in place until removed. `events` may
 * be changed any time with loop_events; 0: not watched. */
struct loop_src {
    int fd;
    short events;
    void (*ready)(void *arg, short revents);
    void *arg;
};

/* Something to do at a time of the host's monotonic clock. */
struct loop_timer {
    u64 when; /* ns, LOOP_NEVER: not set */
    void (*fire)(void *arg);
    void *arg;
    struct loop_timer *next;
};

/* Something to do between instructions, soon: for what a device's handler must not do itself. */
struct loop_job {
    void (*run)(void *arg);
    void *arg;
    struct loop_job *next;
    bool posted;
};

/* Shared with the helper thread under `lock`. */
struct loop_kicker {
    pthread_t thread;
    pthread_mutex_t lock;
    int wake_fd;
    bool started, quit, armed;
    bool watching;      /* the thread sleeps on the descriptors too */
    u64 sleeping_until; /* what the thread sleeps until */
    u64 deadline;
    u32 generation;
    struct pollfd fds[LOOP_MAX_FDS];
    unsigned nfds;
    void (*kick)(void *arg); /* called in the helper thread */
    void *arg;
};

struct loop {
    struct loop_src *srcs[LOOP_MAX_FDS];
    unsigned n;
    bool fds_changed;
    u32 fd_event; /* set by the helper thread: a descriptor is ready */
    struct loop_timer *timers;
    struct loop_job *jobs, **last_job;
    struct loop_kicker kicker;
};

/* The host's monotonic clock in ns. */
u64 host_now(void);

/* `kick` is called in the helper thread and must only set an atomic flag. False when the host has
 * no thread to give. */
bool loop_init(struct loop *loop, void (*kick)(void *arg), void *arg, struct err *err);
void loop_free(struct loop *loop);

void loop_add(struct loop *loop, struct loop_src *src);
void loop_remove(struct loop *loop, struct loop_src *src); /* no-op when not added */
void loop_events(struct loop *loop, struct loop_src *src, short events);
void loop_timer_add(struct loop *loop, struct loop_timer *timer);
void loop_timer_remove(struct loop *loop, struct loop_timer *timer);
/* Run the job in the next loop_dispatch or loop_wait, and make the CPU return for it; once, however
 * often it is posted. From the machine's thread only. */
void loop_post(struct loop *loop, struct loop_job *job);
void loop_unpost(struct loop *loop, struct loop_job *job); /* no-op when not posted */

/* From now on `kick` is called when a descriptor is ready or host time `deadline` (or a timer's)
 * has come, again and again until loop_disarm. */
void loop_arm(struct loop *loop, u64 deadline);
/* Make the deadline of an armed loop earlier. */
void loop_sooner(struct loop *loop, u64 deadline);
void loop_disarm(struct loop *loop);

/* Fire timers that are due, and call the handlers of ready descriptors if there may be any. Never
 * waits. */
void loop_dispatch(struct loop *loop);
/* Wait until a descriptor is ready, a timer is due or host time `deadline` has come; then as
 * loop_dispatch. */
void loop_wait(struct loop *loop, u64 deadline);

#endif
