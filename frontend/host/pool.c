/* Threads that take work from one queue. */
#include "frontend/host/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct pool_job *first, **last;
    pthread_t *thread;
    unsigned n, max, idle;
    bool quit;
};

struct pool *pool_new(unsigned threads)
{
    struct pool *p = calloc(1, sizeof(*p));

    if (!p || !(p->thread = calloc(threads, sizeof(*p->thread)))) {
        free(p);
        return NULL;
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    p->last = &p->first;
    p->max = threads;
    return p;
}

static void *worker(void *arg)
{
    struct pool *p = arg;

    pthread_mutex_lock(&p->lock);
    while (!p->quit) {
        struct pool_job *job = p->first;

        if (!job) {
            p->idle++;
            pthread_cond_wait(&p->work, &p->lock);
            p->idle--;
            continue;
        }
        p->first = job->next;
        if (!p->first)
            p->last = &p->first;
        pthread_mutex_unlock(&p->lock);
        job->run(job->arg);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* One more; signals are the machine's thread's. */
static void start(struct pool *p)
{
    sigset_t all, old;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    if (!pthread_create(&p->thread[p->n], NULL, worker, p))
        p->n++;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

bool pool_add(struct pool *p, struct pool_job *job)
{
    bool ok;

    pthread_mutex_lock(&p->lock);
    if (!p->idle && p->n < p->max)
        start(p);
    ok = p->n > 0;
    if (ok) {
        job->next = NULL;
        *p->last = job;
        p->last = &job->next;
        pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->lock);
    return ok;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n; i++)
        pthread_join(p->thread[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p->thread);
    free(p);
}
