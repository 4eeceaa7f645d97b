/* Fuzz target: bytes as a client of the machine protocol, to a machine that stands still. The first
 * byte chooses: the rest as it comes; or the next byte chooses a command and the rest is its
 * arguments. Files are only read. */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include "config.h"

#ifdef CONFIG_JANSSON
#include "frontend/qmp/qmp_int.h"
#include "tests/unit/vm_fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>

static bool inside;

/* Commands that write to files find a host that lets them not; the fuzzer's own files are written
 * outside of them. */
FILE *fopen(const char *path, const char *mode)
{
    static FILE *(*real)(const char *, const char *);

    if (inside && mode[0] != 'r') {
        errno = EACCES;
        return NULL;
    }
    if (!real)
        real = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");
    return real(path, mode);
}

/* Answers are JSON. */
static void check(void *arg, const char *text, size_t n)
{
    json_error_t why;
    json_t *v = json_loadb(text, n, 0, &why);

    if (!v || n < 2 || text[n - 1] != '\n') {
        fprintf(stderr, "no JSON: %s\n", text);
        abort();
    }
    json_decref(v);
}

static void tell(void *arg, enum vm_event_id id, const struct event_field *fields)
{
    qmp_tell(arg, id, fields);
}

static struct qmp_session session;

static void build(void)
{
    static struct vm_fixture fixture;
    static struct event_sink sink = {tell, &session, NULL};
    struct err err = {""};

    if (!fixture_open(&fixture, (char *[]){"-chardev", "ringbuf,id=r", "-device",
                                           "isa-parallel,id=p,chardev=r", "-device",
                                           "virtio-balloon-pci,id=b", "-monitor", "none", NULL},
                      true, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        abort();
    }
    unlink(fixture.bios);
    session = (struct qmp_session){.vm = fixture.vm, .send = check, .new_fd = -1};
    vm_listen(fixture.vm, &sink);
}

static void feed(const char *text, size_t n)
{
    while (n--)
        qmp_byte(&session, (u8)*text++);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    static const char hello[] = "{\"execute\":\"qmp_capabilities\"}";
    unsigned rows = 0;
    char head[128];
    int k;

    if (!session.vm)
        build();
    if (n < 2)
        return 0;
    inside = true;
    qmp_restart(&session);
    if (!(data[0] & 2))
        feed(hello, sizeof(hello) - 1);
    if (data[0] & 1) {
        feed((const char *)data + 1, n - 1);
    } else {
        while (qmp_rows[rows].name)
            rows++;
        k = snprintf(head, sizeof(head), "{\"execute\":\"%s\",\"arguments\":",
                     qmp_rows[data[1] % rows].name);
        feed(head, (size_t)k);
        feed((const char *)data + 2, n - 2);
        feed("}\n", 2);
    }
    inside = false;
    return 0;
}

#else

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    return 0;
}

#endif
