/* A conversation in the machine protocol: greeting, negotiation, requests checked by the table,
 * answers, errors, events. */
#include "frontend/qmp/qmp_int.h"

#ifdef CONFIG_JANSSON
#include "frontend/replay/replay.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

const struct qmp_row qmp_rows[] = {
#define QMP(id, name, args, machine) {name, args, machine, qmp_##id},
#include "frontend/qmp/commands.def"
#undef QMP
    {NULL, NULL, false, NULL},
};

/* ---- out ---- */

/* Send and forget `message`. */
static void say(struct qmp_session *s, json_t *message)
{
    char *text = message ? json_dumps(message, s->pretty ? JSON_INDENT(4) : 0) : NULL;
    size_t n = text ? strlen(text) : 0;
    char *line = text ? realloc(text, n + 3) : NULL;

    json_decref(message);
    if (!line) {
        free(text);
        return;
    }
    memcpy(line + n, "\r\n", 3);
    s->send(s->arg, line, n + 2);
    free(line);
}

static json_t *version(void)
{
    return json_pack("{s:{s:i,s:i,s:i},s:s}", "qemu", "major", QMP_MAJOR, "minor", QMP_MINOR,
                     "micro", QMP_MICRO, "package", "dragoman " DRAGOMAN_VERSION);
}

void qmp_greet(struct qmp_session *s)
{
    say(s, json_pack("{s:{s:o,s:[]}}", "QMP", "version", version(), "capabilities"));
}

static void answer(struct qmp_session *s, json_t *id, json_t *value)
{
    json_t *m = json_pack("{s:o}", "return", value);

    if (id)
        json_object_set(m, "id", id);
    say(s, m);
}

static void answer_error(struct qmp_session *s, json_t *id)
{
    json_t *m = json_pack("{s:{s:s,s:o}}", "error", "class", s->class ? s->class : "GenericError",
                          "desc", qmp_text(s->err.msg[0] ? s->err.msg : "It did not work."));

    if (id)
        json_object_set(m, "id", id);
    say(s, m);
}

/* ---- for commands ---- */

static void fail(struct qmp_session *s, const char *class, const char *fmt, va_list ap)
{
    s->class = class;
    vsnprintf(s->err.msg, sizeof(s->err.msg), fmt, ap);
}

json_t *qmp_fail(struct qmp_session *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail(s, "GenericError", fmt, ap);
    va_end(ap);
    return NULL;
}

json_t *qmp_fail_as(struct qmp_session *s, const char *class, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail(s, class, fmt, ap);
    va_end(ap);
    return NULL;
}

json_t *qmp_done(struct qmp_session *s, bool ok)
{
    return ok ? json_object() : NULL;
}

bool qmp_recorded(struct qmp_session *s, json_t **out, const char *fmt, ...)
{
    char line[OPT_PATH + 128], name[32];
    va_list ap;
    int n;

    if (!s->vm->replay)
        return false;
    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (n < 0 || n >= (int)sizeof(line)) {
        *out = qmp_fail(s, "No line of the monitor, which a log keeps, is as long as this");
        return true;
    }
    snprintf(name, sizeof(name), "%.*s", (int)MIN(strcspn(line, " "), sizeof(name) - 1), line);
    s->err.msg[0] = 0;
    if (!replay_command(s->vm, name, line, &s->err))
        return false;
    *out = qmp_done(s, !s->err.msg[0]);
    return true;
}

/* How many bytes the UTF-8 character at p[0..n) has (RFC 3629); 0: it is none. */
static size_t utf8_len(const u8 *p, size_t n)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    u8 low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    u8 high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;

    if (p[0] > 0xf4 || !len || len > n)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (p[i] < (i == 1 ? low : 0x80) || p[i] > (i == 1 ? high : 0xbf))
            return 0;
    }
    return len;
}

json_t *qmp_bytes(const char *text, size_t n)
{
    const u8 *p = (const u8 *)text;
    char *out = malloc(3 * n + 1);
    size_t at = 0;
    json_t *v;

    if (!out)
        return NULL;
    for (size_t i = 0, len; i < n; i += MAX(len, (size_t)1)) {
        len = utf8_len(p + i, n - i);
        memcpy(out + at, len ? text + i : "\xef\xbf\xbd", len ? len : 3);
        at += len ? len : 3;
    }
    v = json_stringn(out, at);
    free(out);
    return v;
}

json_t *qmp_text(const char *text)
{
    return qmp_bytes(text, strlen(text));
}

const char *qmp_string(json_t *args, const char *name)
{
    return json_string_value(json_object_get(args, name));
}

s64 qmp_number(json_t *args, const char *name, s64 other)
{
    json_t *v = json_object_get(args, name);

    return v ? (s64)json_integer_value(v) : other;
}

bool qmp_bool(json_t *args, const char *name, bool other)
{
    json_t *v = json_object_get(args, name);

    return v ? json_is_true(v) : other;
}

json_t *qmp_QUERY_VERSION(struct qmp_session *s, json_t *args)
{
    return version();
}

json_t *qmp_CAPABILITIES(struct qmp_session *s, json_t *args)
{
    json_t *list = json_object_get(args, "enable");

    if (json_array_size(list))
        return qmp_fail(s, "None of these capabilities is offered.");
    s->ready = true;
    return json_object();
}

/* ---- arguments ---- */

bool qmp_arg(const char **p, struct qmp_arg *a)
{
    size_t n = strcspn(*p, ":?"), k;

    if (!**p)
        return false;
    snprintf(a->name, sizeof(a->name), "%.*s", (int)n, *p);
    a->optional = (*p)[n] == '?';
    *p += n + 1 + a->optional;
    k = strcspn(*p, ",");
    snprintf(a->type, sizeof(a->type), "%.*s", (int)k, *p);
    *p += k + ((*p)[k] == ',');
    return true;
}

static bool find_arg(const char *args, const char *name, struct qmp_arg *a)
{
    while (qmp_arg(&args, a)) {
        if (!strcmp(a->name, name))
            return true;
    }
    return false;
}

static const char *type_name(const char *type)
{
    static const struct {
        char letter;
        const char *name;
    } names[] = {
        {'s', "string"}, {'i', "integer"}, {'b', "boolean"}, {'o', "object"}, {'a', "array"}};

    for (unsigned i = 0; i < ARRAY_LEN(names) && !type[1]; i++) {
        if (type[0] == names[i].letter)
            return names[i].name;
    }
    return type;
}

static bool one_of(const char *words, const char *word)
{
    size_t n = strlen(word);

    for (;; words++) {
        size_t k = strcspn(words, "|");

        if (k == n && !memcmp(words, word, n))
            return true;
        words += k;
        if (!*words)
            return false;
    }
}

static bool fits(const char *type, const json_t *v)
{
    if (type[1])
        return json_is_string(v) && one_of(type, json_string_value(v));
    switch (type[0]) {
    case 's': return json_is_string(v);
    case 'i': return json_is_integer(v);
    case 'b': return json_is_boolean(v);
    case 'o': return json_is_object(v);
    case 'a': return json_is_array(v);
    }
    return true;
}

static bool check_args(struct qmp_session *s, const struct qmp_row *row, json_t *args)
{
    const char *p = row->args, *name;
    struct qmp_arg a;
    json_t *v;

    json_object_foreach(args, name, v)
    {
        if (!find_arg(row->args, name, &a))
            return qmp_fail(s, "Parameter '%.80s' is unexpected", name);
        if (!fits(a.type, v))
            return qmp_fail(s, "Invalid parameter type for '%s', expected: %s", a.name,
                            type_name(a.type));
    }
    while (qmp_arg(&p, &a)) {
        if (!a.optional && !json_object_get(args, a.name))
            return qmp_fail(s, "Parameter '%s' is missing", a.name);
    }
    return true;
}

/* ---- requests ---- */

static const struct qmp_row *find_row(const char *name)
{
    for (const struct qmp_row *r = qmp_rows; r->name; r++) {
        if (!strcmp(r->name, name))
            return r;
    }
    return NULL;
}

/* The command of a request, when it has nothing else but what it may have. */
static bool command(struct qmp_session *s, json_t *request, const struct qmp_row **row)
{
    json_t *name = json_object_get(request, "execute");
    json_t *args = json_object_get(request, "arguments");
    const char *key;
    json_t *v;

    json_object_foreach(request, key, v)
    {
        if (strcmp(key, "execute") && strcmp(key, "arguments") && strcmp(key, "id"))
            return qmp_fail(s, "QMP input member '%.80s' is unexpected", key);
    }
    if (!name)
        return qmp_fail(s, "QMP input lacks member 'execute'");
    if (!json_is_string(name))
        return qmp_fail(s, "QMP input member 'execute' must be a string");
    if (args && !json_is_object(args))
        return qmp_fail(s, "QMP input member 'arguments' must be an object");
    *row = find_row(json_string_value(name));
    if (!*row)
        return qmp_fail_as(s, "CommandNotFound", "The command %.80s has not been found",
                           json_string_value(name));
    if (!s->ready && (*row)->fn != qmp_CAPABILITIES)
        return qmp_fail_as(s, "CommandNotFound",
                           "Expecting capabilities negotiation with 'qmp_capabilities'");
    if (s->ready && (*row)->fn == qmp_CAPABILITIES)
        return qmp_fail_as(s, "CommandNotFound",
                           "Capabilities negotiation is already complete, command ignored");
    return true;
}

static void execute(struct qmp_session *s, json_t *request)
{
    json_t *id = json_object_get(request, "id"), *args, *value = NULL, *none = json_object();
    const struct qmp_row *row = NULL;
    bool known = command(s, request, &row);

    args = json_object_get(request, "arguments");
    args = args ? args : none;
    if (known && row->machine && !s->vm->pc)
        qmp_fail(s, "There is no machine (-machine none).");
    else if (known && check_args(s, row, args))
        value = row->fn(s, args);
    if (value)
        answer(s, id, value);
    else
        answer_error(s, id);
    json_decref(none);
}

static void request(struct qmp_session *s)
{
    json_error_t why;
    json_t *v = json_loadb(s->frame.text, s->frame.len, JSON_REJECT_DUPLICATES, &why);

    if (!v)
        qmp_fail(s, "JSON parse error: %s", why.text);
    else if (!json_is_object(v))
        qmp_fail(s, "QMP input must be a JSON object");
    if (json_is_object(v))
        execute(s, v);
    else
        answer_error(s, NULL);
    json_decref(v);
}

void qmp_byte(struct qmp_session *s, u8 c)
{
    s->err.msg[0] = 0;
    s->class = NULL;
    switch (frame_byte(&s->frame, c)) {
    case FRAME_MORE: return;
    case FRAME_WHOLE: request(s); return;
    case FRAME_JUNK: qmp_fail(s, "JSON parse error: a request is an object"); break;
    case FRAME_TOO_LONG:
        qmp_fail(s, "JSON parse error: a request has at most %d bytes", FRAME_MAX);
        break;
    case FRAME_TOO_DEEP: qmp_fail(s, "JSON parse error: nested deeper than %d", FRAME_DEPTH); break;
    case FRAME_NO_MEMORY: qmp_fail(s, "Out of memory."); break;
    }
    answer_error(s, NULL);
}

void qmp_restart(struct qmp_session *s)
{
    frame_reset(&s->frame);
    s->ready = false;
    if (s->new_fd >= 0)
        close(s->new_fd);
    s->new_fd = -1;
}

void qmp_end(struct qmp_session *s)
{
    qmp_restart(s);
    frame_free(&s->frame);
}

/* ---- events ---- */

static json_t *field_value(const struct event_field *f)
{
    switch (f->type) {
    case EVENT_INT: return json_integer(f->i);
    case EVENT_BOOL: return json_boolean(f->i != 0);
    case EVENT_STR: break;
    }
    return qmp_text(f->s ? f->s : "");
}

void qmp_tell(struct qmp_session *s, enum vm_event_id id, const struct event_field *fields)
{
    json_t *data, *part;
    struct timeval t;
    char name[32];

    if (!s->ready)
        return;
    data = json_object();
    for (; fields->key; fields++) {
        const char *dot = strchr(fields->key, '.');

        if (!dot) {
            json_object_set_new(data, fields->key, field_value(fields));
            continue;
        }
        snprintf(name, sizeof(name), "%.*s", (int)(dot - fields->key), fields->key);
        part = json_object_get(data, name);
        if (!part)
            json_object_set_new(data, name, part = json_object());
        json_object_set_new(part, dot + 1, field_value(fields));
    }
    gettimeofday(&t, NULL);
    part = json_pack("{s:s,s:{s:I,s:I}}", "event", event_rows[id].name, "timestamp", "seconds",
                     (json_int_t)t.tv_sec, "microseconds", (json_int_t)t.tv_usec);
    if (json_object_size(data))
        json_object_set(part, "data", data);
    json_decref(data);
    say(s, part);
}
#endif
