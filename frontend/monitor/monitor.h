/* The human monitor: commands typed by a person or a script on a character device. */
#ifndef FRONTEND_MONITOR_MONITOR_H
#define FRONTEND_MONITOR_MONITOR_H

#include "frontend/monitor/expr.h"
#include "frontend/vm.h"

enum { MON_LINE = 1024, MON_HISTORY = 32, MON_CAPTURE = 512 * 1024 };

struct monitor {
    struct vm *vm;
    struct chardev_user user;
    bool echo; /* a person types: edit the line and echo it */
    bool greeted;
    char line[MON_LINE];
    unsigned len;
    char escape; /* state of an escape sequence: 0, ESC or '[' */
    char history[MON_HISTORY][MON_LINE];
    unsigned nhistory, at;                              /* at: which one is shown */
    void (*out)(void *arg, const char *text, size_t n); /* NULL: to the user's device */
    void *out_arg;
    struct err err;
};

/* A monitor on `dev`. NULL with *err when the device is taken. */
struct monitor *monitor_new(struct vm *vm, struct chardev *dev, struct err *err);
void monitor_free(struct monitor *m);

/* Text to whoever types; "\n" becomes what the device needs. */
void mon_printf(struct monitor *m, const char *fmt, ...) PRINTF_LIKE(2, 3);
void mon_write(struct monitor *m, const char *text, size_t n);

/* Run one command line; errors are printed. */
void monitor_command(struct monitor *m, const char *line);

/* Run a line for somebody without a device: what it prints goes to `out`. */
void monitor_run(struct vm *vm, const char *line,
                 void (*out)(void *arg, const char *text, size_t n), void *out_arg);
/* The same into memory: what it prints, ended by 0, to be freed; at most MON_CAPTURE bytes, of
 * which *len are there. NULL: no memory. */
char *monitor_capture(struct vm *vm, const char *line, size_t *len);
/* Tell the machine's monitors of a stop point of theirs that was met. */
struct stop_hit;
/* A line for every monitor at which somebody sits. */
void monitor_tell(struct vm *vm, const char *line);
void monitor_notice(struct vm *vm, const struct stop_hit *hit);
/* A line that was recorded, for nobody to see; errors go to standard error. */
void monitor_repeat(struct vm *vm, const char *line);

/* One row of the command table, and of the table of `info`. A command gets the text behind its
 * name. False: m->err is printed. */
typedef bool mon_fn(struct monitor *m, const char *args);
struct mon_row {
    const char *names, *args, *help;
    mon_fn *fn;
};
extern const struct mon_row mon_commands[], mon_infos[]; /* end with a NULL name */
/* The row that has `name[0..len)` among its names, or NULL. */
const struct mon_row *mon_find(const struct mon_row *rows, const char *name, size_t len);

/* The next blank-separated word of *args into buf ("..." may hold blanks); false when there is none
 * or it does not fit. */
bool mon_word(const char **args, char *buf, size_t size);
/* A number: one expression. */
bool mon_number(struct monitor *m, const char **args, u64 *v);
bool mon_register(void *arg, const char *name, u64 *v);

#define CMD(id, names, args, help) mon_fn cmd_##id;
#include "frontend/monitor/commands.def"
#undef CMD
#define INFO(id, name, help) mon_fn info_##id;
#include "frontend/monitor/info.def"
#undef INFO

#endif
