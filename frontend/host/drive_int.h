/* The inside of a drive, for the files that are one: drive.c and drive_state.c. */
#ifndef FRONTEND_HOST_DRIVE_INT_H
#define FRONTEND_HOST_DRIVE_INT_H

#include "frontend/host/drive_state.h"
#include "frontend/loop.h"

#include <pthread.h>

struct job {
    struct blk_req *req;
    u8 *bounce; /* what is read stays here until the guest may see it */
    u64 due;
    int status;
    bool host_failed; /* status is an error of the host, not of the request */
    int error;        /* the same, when it is ignored */
    bool done;
    struct job *next;
};

/* When the next request of a limited drive may end, by one measure. */
struct bucket {
    u64 rate, until;
};

/* A request that was under way when the state was saved: what was known of its end. */
struct kept_job {
    enum blk_op op;
    u64 off, len, due;
    int status;
    bool done, taken;
    u8 *data; /* what was read; NULL: nothing yet */
};

struct drive {
    struct blk blk;
    struct drive_options opt;
    struct image *im;
    char *path;
    struct timer timer;
    struct bucket ops, bytes;
    struct job *first, **last; /* the machine's thread changes the list, under the lock */
    struct loop_src wake;

    pthread_mutex_t lock;
    pthread_cond_t idle;
    struct job *next;  /* to be run */
    struct job *busy;  /* runs */
    bool posted;       /* a thread of the pool has been asked for */
    bool late;         /* the first job is due: say when it is done */
    bool halted;       /* an error stops the machine; the first job is the one that failed */
    bool told;         /* and it is stopped */
    struct pool_job pool_job;
    struct kept_job *kept; /* of a loaded state, until devices ask for them again */
    u32 nkept;
    drive_tap_fn *tap; /* see drive_tap */
    void *tap_arg;
};

static inline struct drive *drive_of(struct blk *blk)
{
    return container_of(blk, struct drive, blk);
}

/* Nothing runs and nothing waits to be run, unless an error holds it. */
void drive_drain(struct drive *d);
/* The request is one of d->kept: its job ends as that did. */
void drive_take_kept(struct drive *d, struct job *job);
void drive_forget_kept(struct drive *d);
/* Let the medium go; 0, or the errno of the last writes. */
int drive_medium_out(struct drive *d);

#endif
