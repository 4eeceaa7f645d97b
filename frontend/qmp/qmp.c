/* Monitors of the machine protocol on character devices: what a client does not read in time is
 * not piled up, and what it sends too early waits. */
#include "frontend/qmp/qmp.h"

#ifdef CONFIG_JANSSON
#include "frontend/qmp/qmp_int.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* While so much waits to be read by the client, its requests wait and events are not sent; an
 * answer may be so long. Together they are below what a character device keeps. */
enum { OUT_BUSY = 128 * 1024, ANSWER_MAX = 800 * 1024, IN_ROOM = 8192 };

struct qmp {
    struct qmp_session session;
    struct chardev_user user;
    struct event_sink sink;
    u8 in[IN_ROOM];
    u32 n; /* bytes that wait */
    bool busy;
};

static bool client_lags(const struct qmp *q)
{
    return q->user.dev && q->user.dev->olen > OUT_BUSY;
}

static void send_text(void *arg, const char *text, size_t n)
{
    struct qmp *q = arg;
    static const char too_long[] = "{\"error\": {\"class\": \"GenericError\", \"desc\": "
                                   "\"The answer is too long.\"}}\r\n";

    if (n > ANSWER_MAX) {
        text = too_long;
        n = sizeof(too_long) - 1;
    }
    chardev_send(q->user.dev, (const u8 *)text, n);
}

static void serve(struct qmp *q)
{
    u32 at = 0;

    if (q->busy)
        return;
    q->busy = true;
    while (at < q->n && !client_lags(q))
        qmp_byte(&q->session, q->in[at++]);
    q->n -= at;
    memmove(q->in, q->in + at, q->n);
    q->busy = false;
}

static void input(void *arg, const u8 *data, size_t n)
{
    struct qmp *q = arg;

    n = MIN(n, sizeof(q->in) - q->n);
    memcpy(q->in + q->n, data, n);
    q->n += (u32)n;
    serve(q);
}

static size_t room(void *arg)
{
    const struct qmp *q = arg;

    return sizeof(q->in) - q->n;
}

static void drained(void *arg)
{
    struct qmp *q = arg;

    serve(q);
    chardev_pull(q->user.dev);
}

static void event(void *arg, int what)
{
    struct qmp *q = arg;

    if (what != CHR_OPENED && what != CHR_CLOSED)
        return;
    qmp_restart(&q->session);
    q->n = 0;
    if (what == CHR_OPENED)
        qmp_greet(&q->session);
}

static void take_fd(void *arg, int fd)
{
    struct qmp *q = arg;

    if (q->session.new_fd >= 0)
        close(q->session.new_fd);
    q->session.new_fd = fd;
}

static void tell(void *arg, enum vm_event_id id, const struct event_field *fields)
{
    struct qmp *q = arg;

    if (!client_lags(q))
        qmp_tell(&q->session, id, fields);
}

struct qmp *qmp_new(struct vm *vm, struct chardev *dev, bool pretty, struct err *err)
{
    struct qmp *q = calloc(1, sizeof(*q));

    if (!q) {
        err_set(err, "Out of memory for a monitor.");
        return NULL;
    }
    q->session =
        (struct qmp_session){.vm = vm, .send = send_text, .arg = q, .pretty = pretty, .new_fd = -1};
    q->user = (struct chardev_user){.room = room,
                                    .input = input,
                                    .event = event,
                                    .arg = q,
                                    .drained = drained,
                                    .take_fd = take_fd};
    q->sink = (struct event_sink){tell, q, NULL};
    if (dev->want_mux || !chardev_attach(dev, &q->user)) {
        err_set(err, "Character device '%s' is used by somebody else, and -qmp cannot share it.",
                dev->id);
        free(q);
        return NULL;
    }
    vm_listen(vm, &q->sink);
    if (dev->out_fd >= 0)
        qmp_greet(&q->session);
    return q;
}

void qmp_free(struct qmp *q)
{
    if (!q)
        return;
    vm_unlisten(q->session.vm, &q->sink);
    qmp_end(&q->session);
    free(q);
}

#else

struct qmp *qmp_new(struct vm *vm, struct chardev *dev, bool pretty, struct err *err)
{
    err_set(err, "This build has no machine protocol; install libjansson-dev and configure again.");
    return NULL;
}

void qmp_free(struct qmp *q) {}

#endif
