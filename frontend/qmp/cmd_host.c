/* Commands about host ends: ring buffers, and descriptors that come over the monitor's socket. */
#include "frontend/qmp/qmp_int.h"

#ifdef CONFIG_JANSSON
#include "frontend/qmp/base64.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RING_READ_MAX = 65536 };

/* ---- ring buffers ---- */

static struct chardev *ring(struct qmp_session *s, json_t *args)
{
    const char *id = qmp_string(args, "device");

    for (unsigned i = 0; i < s->vm->nchardevs; i++) {
        struct chardev *c = s->vm->chardevs[i];

        if (!strcmp(c->id, id) && c->ring)
            return c;
    }
    qmp_fail_as(s, "DeviceNotFound", "There is no ringbuf '%.80s'.", id);
    return NULL;
}

static bool is_base64(json_t *args)
{
    const char *format = qmp_string(args, "format");

    return format && !strcmp(format, "base64");
}

json_t *qmp_RINGBUF_WRITE(struct qmp_session *s, json_t *args)
{
    const char *data = qmp_string(args, "data");
    struct chardev *c = ring(s, args);
    size_t n = strlen(data);
    u8 *raw;
    bool ok;

    if (!c)
        return NULL;
    if (!is_base64(args))
        return qmp_done(s, chardev_ring_write(c, (const u8 *)data, n));
    raw = malloc(n + 1);
    ok = raw && base64_decode(data, raw, &n);
    if (ok)
        chardev_ring_write(c, raw, n);
    else
        qmp_fail(s, "Parameter 'data' is not base64");
    free(raw);
    return qmp_done(s, ok);
}

json_t *qmp_RINGBUF_READ(struct qmp_session *s, json_t *args)
{
    s64 size = qmp_number(args, "size", 0);
    struct chardev *c = ring(s, args);
    json_t *v = NULL;
    char *text;
    u8 *raw;
    size_t n;

    if (!c)
        return NULL;
    if (size <= 0)
        return qmp_fail(s, "Parameter 'size' is a number of bytes above 0");
    n = (size_t)MIN(size, (s64)RING_READ_MAX);
    raw = malloc(n);
    text = malloc(BASE64_ROOM(n));
    if (raw && text) {
        n = chardev_ring_read(c, raw, n);
        if (is_base64(args))
            base64_encode(raw, n, text);
        v = is_base64(args) ? json_string(text) : qmp_bytes((const char *)raw, n);
    }
    free(raw);
    free(text);
    return v;
}

/* ---- descriptors ---- */

static int find_fd(const struct vm *vm, const char *name)
{
    for (int i = 0; *name && i < VM_FDS; i++) {
        if (!strcmp(vm->fds[i].name, name))
            return i;
    }
    return -1;
}

int qmp_fd(const struct vm *vm, const char *name)
{
    int i = find_fd(vm, name);

    return i < 0 ? -1 : vm->fds[i].fd;
}

json_t *qmp_GETFD(struct qmp_session *s, json_t *args)
{
    const char *name = qmp_string(args, "fdname");
    int i = find_fd(s->vm, name);

    if (s->new_fd < 0)
        return qmp_fail(s, "No file descriptor supplied via SCM_RIGHTS");
    if (!name[0] || strlen(name) >= sizeof(s->vm->fds[0].name) ||
        (name[0] >= '0' && name[0] <= '9'))
        return qmp_fail(s,
                        "Parameter 'fdname' is a name that does not begin with a digit, of at most "
                        "%zu bytes",
                        sizeof(s->vm->fds[0].name) - 1);
    if (i >= 0)
        close(s->vm->fds[i].fd); /* the new one takes its place */
    for (int k = 0; i < 0 && k < VM_FDS; k++) {
        if (!s->vm->fds[k].name[0])
            i = k;
    }
    if (i < 0)
        return qmp_fail(s, "There are %d descriptors already; closefd makes room.", VM_FDS);
    memcpy(s->vm->fds[i].name, name, strlen(name) + 1);
    s->vm->fds[i].fd = s->new_fd;
    s->new_fd = -1;
    return json_object();
}

json_t *qmp_CLOSEFD(struct qmp_session *s, json_t *args)
{
    int i = find_fd(s->vm, qmp_string(args, "fdname"));

    if (i < 0)
        return qmp_fail(s, "File descriptor named '%.60s' not found", qmp_string(args, "fdname"));
    close(s->vm->fds[i].fd);
    s->vm->fds[i].name[0] = 0;
    return json_object();
}
#endif
