/* The thread that reads what the guest may not have touched yet. It works with a reader of its own;
 * only a byte in a pipe goes to the machine's thread. */
#define _GNU_SOURCE
#include "frontend/state/verify.h"

#include "devices/core/bits.h"
#include "frontend/state/format.h"
#include "frontend/vm.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct verify {
    struct vm *vm;
    struct state_file file;
    pthread_t thread;
    int pipe[2];
    struct loop_src done;
    struct err err;
    bool ok, stop;
};

static bool check_section(struct sf_reader *r, const struct sf_section *s, u8 *buf,
                          const bool *stop, struct err *err)
{
    u8 size[8];
    struct sf_pages p;
    bool ok;

    if (s->length < sizeof(size) || r->io->read(r->io, s->at, size, sizeof(size)))
        return err_set(err, "Cannot read the snapshot '%.300s'.", r->io->name);
    if (ld64(size) > s->length)
        return err_set(err, "The snapshot '%.300s' is damaged: the size of memory.", r->io->name);
    ok = sf_pages_open(&p, r, s, ld64(size), err);
    for (u32 i = 0; ok && i < p.n; i++)
        if (sf_pages_there(&p, i))
            ok = !__atomic_load_n(stop, __ATOMIC_RELAXED) && sf_pages_read(&p, r, i, buf, err);
    sf_pages_close(&p);
    return ok;
}

bool verify_all(struct state_io *io, const bool *stop, struct err *err)
{
    u8 *buf = malloc(SF_PAGES_CHUNK);
    struct sf_reader r;
    bool ok = buf ? sf_open(&r, io, err) : err_set(err, "No memory for a snapshot.");

    if (ok) {
        for (u32 i = 0; ok && i < r.n; i++)
            if (r.section[i].flags == SF_PAGES)
                ok = check_section(&r, &r.section[i], buf, stop, err);
        sf_close(&r);
    }
    free(buf);
    return ok;
}

static void *work(void *arg)
{
    struct verify *v = arg;

    v->ok = verify_all(&v->file.io, &v->stop, &v->err);
    while (write(v->pipe[1], "", 1) < 0)
        ;
    return NULL;
}

static void on_done(void *arg, short revents)
{
    struct verify *v = arg;
    struct vm *vm = v->vm;
    struct err err;
    bool ok;

    pthread_join(v->thread, NULL);
    ok = v->ok;
    err = v->err;
    v->stop = true;
    verify_end(vm);
    if (ok)
        return;
    fprintf(stderr, "dragoman: %s The machine that goes on from it ends.\n", err.msg);
    vm_quit(vm, 1);
}

bool verify_start(struct vm *vm, struct state_file *file, struct err *err)
{
    struct verify *v = calloc(1, sizeof(*v));
    sigset_t all, old;
    int rc;

    verify_end(vm);
    if (!v)
        return err_set(err, "No memory for a snapshot.");
    if (pipe2(v->pipe, O_CLOEXEC)) {
        free(v);
        return err_set(err, "The host has no descriptors left.");
    }
    v->vm = vm;
    v->file = *file;
    v->done = (struct loop_src){v->pipe[0], POLLIN, on_done, v};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&v->thread, NULL, work, v);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc) {
        close(v->pipe[0]);
        close(v->pipe[1]);
        free(v);
        return err_set(err, "The host has no thread to check the snapshot with.");
    }
    loop_add(&vm->loop, &v->done);
    vm->verify = v;
    return true;
}

void verify_end(struct vm *vm)
{
    struct verify *v = vm->verify;

    if (!v)
        return;
    vm->verify = NULL;
    if (!v->stop) {
        __atomic_store_n(&v->stop, true, __ATOMIC_RELAXED);
        pthread_join(v->thread, NULL);
    }
    loop_remove(&vm->loop, &v->done);
    close(v->pipe[0]);
    close(v->pipe[1]);
    state_file_close(&v->file);
    free(v);
}
