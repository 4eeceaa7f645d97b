/* Waiting for the host. Devices run on the machine's thread only: the helper thread here does
 * nothing but ppoll and set the CPU's exit flag, so that a long run of guest code is left when a
 * key, a byte or a deadline arrives. */
#define _GNU_SOURCE
#include "frontend/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <time.h>
#include <unistd.h>

/* A kick can be lost between the loop's last look and the CPU's first poll; it is repeated after
 * this long. */
#define REKICK_NS 1000000ull

u64 host_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (u64)ts.tv_sec * 1000000000ull + (u64)ts.tv_nsec;
}

static int poll_until(struct pollfd *fds, nfds_t n, u64 deadline)
{
    struct timespec ts, *pts = NULL;

    if (deadline != LOOP_NEVER) {
        u64 now = host_now(), ns = deadline > now ? deadline - now : 0;

        ts.tv_sec = (time_t)(ns / 1000000000ull);
        ts.tv_nsec = (long)(ns % 1000000000ull);
        pts = &ts;
    }
    return ppoll(fds, n, pts, NULL);
}

/* ---- the helper thread ---- */

static void wake(struct loop_kicker *k)
{
    u64 one = 1;

    if (write(k->wake_fd, &one, sizeof(one)) != sizeof(one))
        return; /* the counter is full: the thread is awake anyway */
}

static void drain(struct loop_kicker *k)
{
    u64 count;

    if (read(k->wake_fd, &count, sizeof(count)) != sizeof(count))
        return;
}

static bool any_ready(const struct pollfd *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (fds[i].revents)
            return true;
    }
    return false;
}

static void *kicker_main(void *arg)
{
    struct loop *loop = arg;
    struct loop_kicker *k = &loop->kicker;
    struct pollfd fds[LOOP_MAX_FDS + 1];
    bool kicked = false;
    u32 kicked_gen = 0;

    pthread_mutex_lock(&k->lock);
    while (!k->quit) {
        unsigned n = 1;
        u64 until = LOOP_NEVER;
        bool fd_ready;

        fds[0] = (struct pollfd){k->wake_fd, POLLIN, 0};
        if (kicked && k->armed && k->generation == kicked_gen) {
            until = host_now() + REKICK_NS;
            k->watching = false;
        } else if (k->armed) {
            memcpy(fds + 1, k->fds, k->nfds * sizeof(fds[0]));
            n += k->nfds;
            until = k->deadline;
            k->watching = true;
        } else {
            k->watching = false;
        }
        k->sleeping_until = until;
        pthread_mutex_unlock(&k->lock);
        if (poll_until(fds, n, until) < 0)
            memset(fds, 0, sizeof(fds));
        if (fds[0].revents)
            drain(k);
        fd_ready = any_ready(fds + 1, n - 1);
        pthread_mutex_lock(&k->lock);
        if (fd_ready)
            __atomic_store_n(&loop->fd_event, 1, __ATOMIC_RELEASE);
        if (k->armed &&
            (fd_ready || (kicked && k->generation == kicked_gen) || host_now() >= k->deadline)) {
            k->kick(k->arg);
            kicked = true;
            kicked_gen = k->generation;
        }
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* Linux wakes who sleeps up to 50 us late unless told otherwise, which a guest sees in each of its
 * timers: of an adapter's 250 us between interrupts it is a fifth. The helper thread inherits this.
 */
static void sleep_exactly(void)
{
#ifdef PR_SET_TIMERSLACK
    prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
#endif
}

bool loop_init(struct loop *loop, void (*kick)(void *arg), void *arg, struct err *err)
{
    struct loop_kicker *k = &loop->kicker;
    sigset_t all, old;
    int rc;

    sleep_exactly();
    memset(loop, 0, sizeof(*loop));
    loop->last_job = &loop->jobs;
    k->kick = kick;
    k->arg = arg;
    k->deadline = k->sleeping_until = LOOP_NEVER;
    k->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (k->wake_fd < 0)
        return err_set(err, "Cannot make an event descriptor: %s.", strerror(errno));
    pthread_mutex_init(&k->lock, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&k->thread, NULL, kicker_main, loop);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc) {
        close(k->wake_fd);
        return err_set(err, "Cannot start a thread: %s.", strerror(rc));
    }
    k->started = true;
    return true;
}

void loop_free(struct loop *loop)
{
    struct loop_kicker *k = &loop->kicker;

    if (!k->started)
        return;
    pthread_mutex_lock(&k->lock);
    k->quit = true;
    pthread_mutex_unlock(&k->lock);
    wake(k);
    pthread_join(k->thread, NULL);
    pthread_mutex_destroy(&k->lock);
    close(k->wake_fd);
    k->started = false;
}

static u64 earliest(const struct loop *loop, u64 deadline)
{
    for (const struct loop_timer *t = loop->timers; t; t = t->next)
        deadline = MIN(deadline, t->when);
    return deadline;
}

void loop_arm(struct loop *loop, u64 deadline)
{
    struct loop_kicker *k = &loop->kicker;
    bool must_wake;

    deadline = earliest(loop, deadline);
    pthread_mutex_lock(&k->lock);
    must_wake = !k->watching || deadline < k->sleeping_until;
    if (loop->fds_changed) {
        k->nfds = 0;
        for (unsigned i = 0; i < loop->n; i++) {
            if (loop->srcs[i]->events)
                k->fds[k->nfds++] = (struct pollfd){loop->srcs[i]->fd, loop->srcs[i]->events, 0};
        }
        loop->fds_changed = false;
        must_wake = true;
    }
    k->deadline = deadline;
    k->armed = true;
    k->generation++;
    pthread_mutex_unlock(&k->lock);
    if (must_wake)
        wake(k);
}

void loop_sooner(struct loop *loop, u64 deadline)
{
    struct loop_kicker *k = &loop->kicker;
    bool must_wake = false;

    pthread_mutex_lock(&k->lock);
    if (k->armed && deadline < k->deadline) {
        k->deadline = deadline;
        must_wake = deadline < k->sleeping_until;
    }
    pthread_mutex_unlock(&k->lock);
    if (must_wake)
        wake(k);
}

void loop_disarm(struct loop *loop)
{
    struct loop_kicker *k = &loop->kicker;

    pthread_mutex_lock(&k->lock);
    k->armed = false;
    pthread_mutex_unlock(&k->lock);
}

/* ---- the machine's thread ---- */

void loop_add(struct loop *loop, struct loop_src *src)
{
    if (loop->n >= LOOP_MAX_FDS)
        BUG("more than %d descriptors", LOOP_MAX_FDS);
    loop->srcs[loop->n++] = src;
    loop->fds_changed = true;
}

void loop_remove(struct loop *loop, struct loop_src *src)
{
    for (unsigned i = 0; i < loop->n; i++) {
        if (loop->srcs[i] != src)
            continue;
        memmove(&loop->srcs[i], &loop->srcs[i + 1], (loop->n - i - 1) * sizeof(loop->srcs[0]));
        loop->n--;
        loop->fds_changed = true;
        return;
    }
}

void loop_events(struct loop *loop, struct loop_src *src, short events)
{
    if (src->events == events)
        return;
    src->events = events;
    loop->fds_changed = true;
}

void loop_timer_add(struct loop *loop, struct loop_timer *timer)
{
    timer->next = loop->timers;
    loop->timers = timer;
}

void loop_timer_remove(struct loop *loop, struct loop_timer *timer)
{
    for (struct loop_timer **p = &loop->timers; *p; p = &(*p)->next) {
        if (*p == timer) {
            *p = timer->next;
            return;
        }
    }
}

void loop_post(struct loop *loop, struct loop_job *job)
{
    if (job->posted)
        return;
    job->posted = true;
    job->next = NULL;
    *loop->last_job = job;
    loop->last_job = &job->next;
    loop->kicker.kick(loop->kicker.arg);
}

void loop_unpost(struct loop *loop, struct loop_job *job)
{
    struct loop_job **p = &loop->jobs;

    if (!job->posted)
        return;
    while (*p != job)
        p = &(*p)->next;
    *p = job->next;
    if (!*p)
        loop->last_job = p;
    job->posted = false;
}

/* As many as are posted now; what they post waits for the next call. */
static void run_jobs(struct loop *loop)
{
    unsigned n = 0;

    for (struct loop_job *job = loop->jobs; job; job = job->next)
        n++;
    while (n-- && loop->jobs) {
        struct loop_job *job = loop->jobs;

        loop_unpost(loop, job);
        job->run(job->arg);
    }
}

static void run_timers(struct loop *loop)
{
    u64 now = 0;

    for (struct loop_timer *t = loop->timers, *next; t; t = next) {
        next = t->next;
        if (t->when == LOOP_NEVER)
            continue;
        if (!now)
            now = host_now();
        if (t->when <= now) {
            t->when = LOOP_NEVER;
            t->fire(t->arg);
        }
    }
}

static bool still_there(const struct loop *loop, const struct loop_src *src)
{
    for (unsigned i = 0; i < loop->n; i++) {
        if (loop->srcs[i] == src)
            return true;
    }
    return false;
}

static void poll_fds(struct loop *loop, u64 deadline)
{
    struct pollfd fds[LOOP_MAX_FDS];
    struct loop_src *srcs[LOOP_MAX_FDS];
    unsigned n = 0;

    __atomic_store_n(&loop->fd_event, 0, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < loop->n; i++) {
        if (!loop->srcs[i]->events)
            continue;
        srcs[n] = loop->srcs[i];
        fds[n] = (struct pollfd){srcs[n]->fd, srcs[n]->events, 0};
        n++;
    }
    if (poll_until(fds, n, deadline) <= 0)
        return;
    for (unsigned i = 0; i < n; i++) {
        /* an earlier handler may have removed this one */
        if (fds[i].revents && still_there(loop, srcs[i]))
            srcs[i]->ready(srcs[i]->arg, fds[i].revents);
    }
}

void loop_dispatch(struct loop *loop)
{
    if (__atomic_load_n(&loop->fd_event, __ATOMIC_ACQUIRE))
        poll_fds(loop, 0);
    run_timers(loop);
    run_jobs(loop);
}

void loop_wait(struct loop *loop, u64 deadline)
{
    poll_fds(loop, loop->jobs ? 0 : earliest(loop, deadline));
    run_timers(loop);
    run_jobs(loop);
}
