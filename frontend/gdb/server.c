/* What the gdb stub does to a machine: stop, go on, step, monitor commands, the end. */
#include "frontend/gdb/server.h"

#include "frontend/gdb/stub.h"
#include "frontend/monitor/monitor.h"
#include "frontend/reverse/reverse.h"

#include <stdlib.h>
#include <string.h>

struct gdb_server {
    struct vm *vm;
    struct gdb gdb;
    struct chardev_user user;
    struct loop_job later;
};

/* ---- what the stub asks for ---- */

static void send_bytes(void *arg, const u8 *data, size_t n)
{
    chardev_send(((struct gdb_server *)arg)->user.dev, data, n);
}

static bool running(void *arg)
{
    return ((struct gdb_server *)arg)->vm->running;
}

/* The machine cannot go on: gdb is told why, and that it has stopped. */
static bool refused(struct gdb_server *s)
{
    struct err err;

    if (!reverse_lost(s->vm, &err))
        return false;
    gdb_server_say(s, err.msg);
    gdb_stopped(&s->gdb, false);
    return true;
}

static void resume(void *arg)
{
    struct gdb_server *s = arg;

    if (!refused(s))
        vm_cont(s->vm);
}

static void halt(void *arg)
{
    struct gdb_server *s = arg;

    if (s->vm->running)
        vm_stop(s->vm, "paused (debug)");
    else
        gdb_stopped(&s->gdb, false);
}

static void step(void *arg, bool irqs, bool timers)
{
    struct gdb_server *s = arg;

    if (!refused(s))
        vm_step(s->vm, irqs, timers);
}

static void step_on(void *arg)
{
    gdb_step_on(&((struct gdb_server *)arg)->gdb);
}

static void later(void *arg)
{
    struct gdb_server *s = arg;

    loop_post(&s->vm->loop, &s->later);
}

static void command(void *arg, const char *line, gdb_text_fn *out, void *out_arg)
{
    monitor_run(((struct gdb_server *)arg)->vm, line, out, out_arg);
}

static bool reverse(void *arg, bool one, struct err *err)
{
    struct vm *vm = ((struct gdb_server *)arg)->vm;

    return one ? reverse_step(vm, err) : reverse_continue(vm, err);
}

static const char *log_end(void *arg)
{
    return reverse_log_end(((struct gdb_server *)arg)->vm);
}

static bool change(void *arg)
{
    return reverse_change(((struct gdb_server *)arg)->vm, "a debugger's change", NULL);
}

static void end(void *arg)
{
    vm_quit(((struct gdb_server *)arg)->vm, 0);
}

/* ---- the connection ---- */

static size_t room(void *arg)
{
    return GDB_PACKET;
}

static void input(void *arg, const u8 *data, size_t n)
{
    gdb_input(&((struct gdb_server *)arg)->gdb, data, n);
}

static void event(void *arg, int what)
{
    struct gdb_server *s = arg;

    if (what == CHR_OPENED)
        gdb_attach(&s->gdb);
    else if (what == CHR_CLOSED)
        gdb_detach(&s->gdb);
}

struct gdb_server *gdb_server_new(struct vm *vm, struct chardev *dev, struct err *err)
{
    struct gdb_server *s = calloc(1, sizeof(*s));
    struct gdb_host host = {s,    send_bytes, running, resume, halt,
                            step, command,    end,     reverse_wanted(vm->opt) ? reverse : NULL,
                            log_end, change,  later};
    struct cpu *cpu = vm_cpu(vm);
    bool wide = vm->opt->gdb_arch == GDB_ARCH_CPU ? cpu_has(cpu, FEAT_LM)
                                                  : vm->opt->gdb_arch == GDB_ARCH_X86_64;

    if (!s) {
        err_set(err, "Out of memory for the gdb stub.");
        return NULL;
    }
    s->vm = vm;
    s->later = (struct loop_job){.run = step_on, .arg = s};
    s->user = (struct chardev_user){room, input, event, s, NULL};
    gdb_init(&s->gdb, cpu, &host, wide, vm->opt->gdb_linear);
    dev->busy = "+$E.Another debugger is connected to this machine.#76";
    if (chardev_attach(dev, &s->user))
        return s;
    err_set(err, "Character device '%s' is used twice; the gdb stub needs one of its own.",
            dev->id);
    free(s);
    return NULL;
}

void gdb_server_free(struct gdb_server *s)
{
    if (!s)
        return;
    loop_unpost(&s->vm->loop, &s->later);
    gdb_free(&s->gdb);
    free(s);
}

void gdb_server_stopped(struct gdb_server *s, bool debug)
{
    if (s)
        gdb_stopped(&s->gdb, debug);
}

bool gdb_server_attached(const struct gdb_server *s)
{
    return s && s->gdb.attached;
}

void gdb_server_say(struct gdb_server *s, const char *line)
{
    if (!s || !s->gdb.attached || !s->gdb.waiting)
        return;
    gdb_console(&s->gdb, line, strlen(line));
    gdb_console(&s->gdb, "\n", 1);
}

void gdb_server_exited(struct gdb_server *s, int status)
{
    if (s)
        gdb_exited(&s->gdb, status);
}
