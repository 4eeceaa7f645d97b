/* A few threads for work that may block: disks, so that the machine's thread never waits for them. */
#ifndef FRONTEND_HOST_POOL_H
#define FRONTEND_HOST_POOL_H

#include "devices/core/err.h"

struct pool;
/* Work to be done once. Owned by the caller; must stay in place until run has returned. */
struct pool_job {
    void (*run)(void *arg); /* in a thread of the pool */
    void *arg;
    struct pool_job *next;
};

/* The threads start with the first job. NULL without memory. */
struct pool *pool_new(unsigned threads);
/* All jobs must have ended. NULL is fine. */
void pool_free(struct pool *pool);
/* False when the host has no thread to give: then run it yourself. */
bool pool_add(struct pool *pool, struct pool_job *job);

#endif
