/* The monitor's line editor and the way from a line to a command. */
#include "frontend/monitor/monitor.h"
#include "frontend/replay/replay.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char prompt[] = "(dragoman) ";

/* ---- output ---- */

/* Output that is kept. */
struct mon_capture {
    char *text;
    size_t len, cap;
};

/* What does not fit is left out. */
static void keep(void *arg, const char *text, size_t n)
{
    struct mon_capture *c = arg;

    n = MIN(n, MON_CAPTURE - c->len);
    if (c->len + n >= c->cap) {
        size_t cap = MAX(c->cap * 2, c->len + n + 256);
        char *p = realloc(c->text, cap);

        if (!p)
            return;
        c->text = p;
        c->cap = cap;
    }
    memcpy(c->text + c->len, text, n);
    c->len += n;
    c->text[c->len] = 0;
}

void mon_write(struct monitor *m, const char *text, size_t n)
{
    size_t start = 0;

    if (m->out) {
        m->out(m->out_arg, text, n);
        return;
    }
    if (!m->user.dev)
        return;
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '\n' || !m->echo)
            continue;
        chardev_send(m->user.dev, (const u8 *)text + start, i - start);
        chardev_send(m->user.dev, (const u8 *)"\r\n", 2);
        start = i + 1;
    }
    chardev_send(m->user.dev, (const u8 *)text + start, n - start);
}

void mon_printf(struct monitor *m, const char *fmt, ...)
{
    char small[1024], *big;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(small, sizeof(small), fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n < sizeof(small)) {
        mon_write(m, small, (size_t)n);
        return;
    }
    big = malloc((size_t)n + 1);
    if (!big)
        return;
    va_start(ap, fmt);
    vsnprintf(big, (size_t)n + 1, fmt, ap);
    va_end(ap);
    mon_write(m, big, (size_t)n);
    free(big);
}

/* ---- lines ---- */

static void show_prompt(struct monitor *m)
{
    mon_printf(m, "%s", prompt);
}

static void greet(struct monitor *m)
{
    if (m->greeted)
        return;
    m->greeted = true;
    mon_printf(m, "dragoman %s monitor - type 'help' for more information\n", DRAGOMAN_VERSION);
    show_prompt(m);
}

static void redraw(struct monitor *m)
{
    mon_printf(m, "\r\033[K%s%.*s", prompt, (int)m->len, m->line);
}

static void remember(struct monitor *m)
{
    if (!m->len || (m->nhistory && !strcmp(m->history[m->nhistory - 1], m->line)))
        return;
    if (m->nhistory == MON_HISTORY) {
        memmove(m->history[0], m->history[1], sizeof(m->history[0]) * (MON_HISTORY - 1));
        m->nhistory--;
    }
    memcpy(m->history[m->nhistory++], m->line, m->len + 1);
}

static void recall(struct monitor *m, int step)
{
    int to = (int)m->at + step;

    if (to < 0 || to > (int)m->nhistory)
        return;
    m->at = (unsigned)to;
    m->len = 0;
    if (m->at < m->nhistory) {
        m->len = (unsigned)strlen(m->history[m->at]);
        memcpy(m->line, m->history[m->at], m->len);
    }
    redraw(m);
}

/* Tab: finish the command's name when one fits, list those that do otherwise. */
static void complete(struct monitor *m)
{
    const char *found = NULL;
    unsigned n = 0;
    size_t flen = 0;

    m->line[m->len] = 0;
    if (strchr(m->line, ' '))
        return;
    for (const struct mon_row *r = mon_commands; r->names; r++) {
        if (!strncmp(r->names, m->line, m->len)) {
            found = r->names;
            flen = strcspn(r->names, "|");
            n++;
        }
    }
    if (n == 1 && flen + 2 < MON_LINE) {
        memcpy(m->line, found, flen);
        m->line[flen] = ' ';
        m->len = (unsigned)flen + 1;
    } else if (n > 1) {
        mon_printf(m, "\n");
        for (const struct mon_row *r = mon_commands; r->names; r++) {
            if (!strncmp(r->names, m->line, m->len))
                mon_printf(m, "%.*s  ", (int)strcspn(r->names, "|"), r->names);
        }
        mon_printf(m, "\n");
    }
    redraw(m);
}

static void end_of_line(struct monitor *m)
{
    char line[MON_LINE];

    m->line[m->len] = 0;
    if (m->echo)
        mon_printf(m, "\n");
    remember(m);
    m->at = m->nhistory;
    memcpy(line, m->line, m->len + 1);
    m->len = 0;
    monitor_command(m, line);
    if (!m->vm->quit)
        show_prompt(m);
}

static void escape_key(struct monitor *m, char c)
{
    if (m->escape == '\033') {
        m->escape = c == '[' || c == 'O' ? '[' : 0;
        return;
    }
    m->escape = 0;
    if (c == 'A')
        recall(m, -1);
    else if (c == 'B')
        recall(m, 1);
}

static void key(struct monitor *m, char c)
{
    if (m->escape) {
        escape_key(m, c);
        return;
    }
    switch (c) {
    case '\r':
    case '\n': end_of_line(m); return;
    case '\033': m->escape = c; return;
    case '\t': complete(m); return;
    case 0x7f:
    case '\b':
        if (m->len) {
            m->len--;
            if (m->echo)
                mon_printf(m, "\b \b");
        }
        return;
    case 0x03: /* Ctrl-C and Ctrl-U drop the line */
    case 0x15:
        m->len = 0;
        redraw(m);
        return;
    case 0x10: recall(m, -1); return;
    case 0x0e: recall(m, 1); return;
    }
    if ((u8)c < 0x20 || m->len + 1 >= MON_LINE)
        return;
    m->line[m->len++] = c;
    if (m->echo)
        mon_write(m, &c, 1);
}

/* ---- the device ---- */

static void input(void *arg, const u8 *data, size_t n)
{
    struct monitor *m = arg;

    greet(m);
    for (size_t i = 0; i < n; i++) {
        if (!m->echo && data[i] == '\r')
            continue;
        key(m, (char)data[i]);
    }
}

static size_t room(void *arg)
{
    return 1;
}

static void event(void *arg, int what)
{
    struct monitor *m = arg;

    if (what != CHR_OPENED)
        return;
    if (m->user.dev->want_mux) {
        mon_printf(m, "\n");
        if (m->greeted)
            show_prompt(m);
    } else {
        m->greeted = false; /* a new person */
        m->len = 0;
    }
    greet(m);
}

struct monitor *monitor_new(struct vm *vm, struct chardev *dev, struct err *err)
{
    struct monitor *m = calloc(1, sizeof(*m));

    if (!m) {
        err_set(err, "Out of memory for a monitor.");
        return NULL;
    }
    m->vm = vm;
    m->user = (struct chardev_user){.room = room, .input = input, .event = event, .arg = m};
    m->echo = dev->is_tty || dev->is_socket || dev->want_mux ||
              (dev->in_fd >= 0 && dev->in_fd == dev->out_fd);
    if (!chardev_attach(dev, &m->user)) {
        err_set(err, "Character device '%s' is used twice; give it mux=on to share it.", dev->id);
        free(m);
        return NULL;
    }
    if (!dev->want_mux && dev->out_fd >= 0)
        greet(m);
    return m;
}

void monitor_free(struct monitor *m)
{
    free(m);
}

/* ---- commands ---- */

const struct mon_row mon_commands[] = {
#define CMD(id, names, args, help) {names, args, help, cmd_##id},
#include "frontend/monitor/commands.def"
#undef CMD
    {NULL, NULL, NULL, NULL},
};

const struct mon_row mon_infos[] = {
#define INFO(id, name, help) {name, "", help, info_##id},
#include "frontend/monitor/info.def"
#undef INFO
    {NULL, NULL, NULL, NULL},
};

const struct mon_row *mon_find(const struct mon_row *rows, const char *name, size_t len)
{
    for (; rows->names; rows++) {
        for (const char *p = rows->names;; p++) {
            size_t n = strcspn(p, "|");

            if (n == len && !memcmp(p, name, n))
                return rows;
            p += n;
            if (!*p)
                break;
        }
    }
    return NULL;
}

bool mon_word(const char **args, char *buf, size_t size)
{
    const char *p = *args;
    size_t n = 0;
    bool quoted = false;

    while (isspace((u8)*p))
        p++;
    if (!*p)
        return false;
    for (; *p && (quoted || !isspace((u8)*p)); p++) {
        if (*p == '"') {
            quoted = !quoted;
            continue;
        }
        if (n + 1 >= size)
            return false;
        buf[n++] = *p;
    }
    buf[n] = 0;
    *args = p;
    return true;
}

bool mon_number(struct monitor *m, const char **args, u64 *v)
{
    return expr_eval(args, false, mon_register, m, v, &m->err);
}

static void suggest(struct monitor *m, const char *word)
{
    const char *names[64];
    char text[64][32];
    const char *near;
    unsigned n = 0;

    for (const struct mon_row *r = mon_commands; r->names && n < ARRAY_LEN(text); r++) {
        snprintf(text[n], sizeof(text[n]), "%.*s", (int)strcspn(r->names, "|"), r->names);
        names[n] = text[n];
        n++;
    }
    names[MIN(n, ARRAY_LEN(names) - 1)] = NULL;
    near = opts_nearest(word, names);
    if (near)
        mon_printf(m, "unknown command: '%s'; the nearest is '%s'\n", word, near);
    else
        mon_printf(m, "unknown command: '%s'; 'help' lists those that are\n", word);
}

/* A command that is recorded runs again, without anybody who reads what it says. */
void monitor_repeat(struct vm *vm, const char *line)
{
    struct monitor m = {.vm = vm};
    size_t n = strcspn(line, " \t/");
    const struct mon_row *row = mon_find(mon_commands, line, n);

    if (row && !row->fn(&m, line + n))
        fprintf(stderr, "dragoman: %s: %s\n", line, m.err.msg);
}

void monitor_command(struct monitor *m, const char *line)
{
    const struct mon_row *row;
    char word[64];
    size_t n;

    while (isspace((u8)*line))
        line++;
    if (!*line || *line == '#')
        return;
    n = strcspn(line, " \t/");
    row = mon_find(mon_commands, line, n);
    if (!row) {
        snprintf(word, sizeof(word), "%.*s", (int)MIN(n, sizeof(word) - 1), line);
        suggest(m, word);
        return;
    }
    if (!m->vm->pc && row->fn != cmd_HELP && row->fn != cmd_QUIT && row->fn != cmd_INFO) {
        mon_printf(m, "There is no machine (-machine none).\n");
        return;
    }
    m->err.msg[0] = 0;
    snprintf(word, sizeof(word), "%.*s", (int)MIN(n, sizeof(word) - 1), line);
    if (replay_command(m->vm, word, line, &m->err)) {
        if (m->err.msg[0])
            mon_printf(m, "%s\n", m->err.msg);
        return;
    }
    if (!row->fn(m, line + n))
        mon_printf(m, "%s\n", m->err.msg[0] ? m->err.msg : "It did not work.");
}

void monitor_run(struct vm *vm, const char *line,
                 void (*out)(void *arg, const char *text, size_t n), void *out_arg)
{
    struct monitor *m = calloc(1, sizeof(*m));

    if (!m)
        return;
    m->vm = vm;
    m->out = out;
    m->out_arg = out_arg;
    monitor_command(m, line);
    free(m);
}

char *monitor_capture(struct vm *vm, const char *line, size_t *len)
{
    struct mon_capture c = {NULL, 0, 0};

    keep(&c, "", 0);
    monitor_run(vm, line, keep, &c);
    *len = c.len;
    return c.text;
}
