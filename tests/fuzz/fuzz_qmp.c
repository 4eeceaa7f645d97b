/* Fuzz target: bytes as a client of the machine protocol, to a machine that stands still. The first
 * byte chooses: the rest as it comes; or the rest chooses commands and values for their arguments
 * by the table. Files are only read. */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include "config.h"

#ifdef CONFIG_JANSSON
#include "frontend/monitor/monitor.h"
#include "frontend/qmp/qmp_int.h"
#include "tests/unit/vm_fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>

static bool inside;

/* The machine stays until the end. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

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
    if (getenv("FUZZ_QMP_SHOW")) /* to see what an input does */
        fwrite(text, 1, n, stderr);
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

    if (!fixture_open(&fixture,
                      (char *[]){"-chardev", "ringbuf,id=r", "-device",
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

/* ---- commands by the table ---- */

struct bytes {
    const u8 *p;
    size_t n;
};

static u8 take(struct bytes *b)
{
    if (!b->n)
        return 0;
    b->n--;
    return *b->p++;
}

/* Up to 31 bytes that need no escape. */
static json_t *any_text(struct bytes *b)
{
    char text[32];
    unsigned n = take(b) & 31;

    for (unsigned i = 0; i < n; i++) {
        u8 c = take(b);

        text[i] = (char)(c >= 0x20 && c < 0x7f ? c : 0x20 + c % 0x5f);
    }
    return json_stringn(text, n);
}

/* A command line of the human monitor. */
static json_t *any_line(struct bytes *b)
{
    const struct mon_row *rows = take(b) & 1 ? mon_infos : mon_commands;
    unsigned n = 0, row;
    json_t *rest, *line;

    while (rows[n].names)
        n++;
    row = take(b) % n;
    rest = any_text(b);
    line =
        json_sprintf("%s%.*s %s", rows == mon_infos ? "info " : "",
                     (int)strcspn(rows[row].names, "|"), rows[row].names, json_string_value(rest));
    json_decref(rest);
    return line;
}

static json_t *any_word(struct bytes *b)
{
    static const char *const words[] = {"r",
                                        "p",
                                        "b",
                                        "vnc",
                                        "floppy0",
                                        "ide1-cd0",
                                        "/",
                                        "/machine",
                                        "/machine/rtc",
                                        "type",
                                        "/machine/peripheral",
                                        "/machine/unattached",
                                        "/machine/peripheral/p",
                                        "index",
                                        "cmos",
                                        "isa-parallel",
                                        "e1000",
                                        "device",
                                        "object",
                                        "accel",
                                        "cpu",
                                        "+5",
                                        "now",
                                        "never",
                                        "smp",
                                        "/nonexistent/x",
                                        "/dev/null",
                                        "QUJD",
                                        "x"};
    u8 c = take(b);

    return c < ARRAY_LEN(words) ? json_string(words[c]) : c & 1 ? any_line(b) : any_text(b);
}

static json_t *any_number(struct bytes *b)
{
    static const s64 numbers[] = {0, 1, -1, 4096, 65536, 1 << 24, INT64_MAX, INT64_MIN};
    u8 c = take(b);

    return json_integer(c & 1 ? numbers[c >> 1 & 7] : (json_int_t)take(b) << (c >> 1 & 31));
}

static json_t *any_value(struct bytes *b, const char *type, unsigned depth);

/* Of send-key and input-send-event, among others. */
static json_t *any_object(struct bytes *b, unsigned depth)
{
    static const char *const keys[] = {"type", "data", "down", "key", "button", "axis", "value"};
    static const char *const words[] = {"qcode", "number",   "key", "btn", "rel", "abs",
                                        "left",  "wheel-up", "x",   "y",   "a",   "ctrl"};
    json_t *o = json_object();

    for (unsigned i = 0, n = take(b) & 3; i <= n; i++) {
        const char *key = keys[take(b) % ARRAY_LEN(keys)];
        u8 c = take(b);

        json_object_set_new(o, key,
                            c < 64      ? json_string(words[c % ARRAY_LEN(words)])
                            : depth < 4 ? any_value(b,
                                                    c & 1   ? "o"
                                                    : c & 2 ? "b"
                                                            : "i",
                                                    depth + 1)
                                        : json_null());
    }
    return o;
}

static json_t *any_value(struct bytes *b, const char *type, unsigned depth)
{
    json_t *list;

    if (type[1])
        return json_stringn(type, strcspn(type, "|"));
    switch (type[0]) {
    case 's': return any_word(b);
    case 'i': return any_number(b);
    case 'b': return json_boolean(take(b) & 1);
    case 'a':
        list = json_array();
        for (unsigned i = 0, n = take(b) & 7; i < n; i++)
            json_array_append_new(list, any_object(b, depth));
        return list;
    }
    return any_object(b, depth);
}

static void any_command(struct bytes *b)
{
    const struct qmp_row *row;
    unsigned n = 0;
    struct qmp_arg a;
    json_t *args = json_object(), *request;
    const char *p;
    char *text;

    while (qmp_rows[n].name)
        n++;
    row = &qmp_rows[take(b) % n];
    for (p = row->args; qmp_arg(&p, &a);) {
        u8 c = take(b);

        if ((a.optional && c & 1) || c == 2)
            continue;
        json_object_set_new(args, a.name, any_value(b, c == 4 ? "i" : c == 6 ? "s" : a.type, 0));
    }
    request = json_pack("{s:s,s:o,s:i}", "execute", row->name, "arguments", args, "id", 1);
    text = json_dumps(request, 0);
    feed(text, strlen(text));
    json_decref(request);
    free(text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    struct bytes b = {data + 1, n - 1};
    static const char hello[] = "{\"execute\":\"qmp_capabilities\"}";
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
        for (unsigned i = 0; b.n && i < 16; i++)
            any_command(&b);
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
