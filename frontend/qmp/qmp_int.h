/* Inside the machine protocol: sessions, the command table, and what commands share. */
#ifndef FRONTEND_QMP_QMP_INT_H
#define FRONTEND_QMP_QMP_INT_H

#include "frontend/qmp/frame.h"
#include "frontend/qmp/qmp.h"
#include "frontend/vm.h"

#ifdef CONFIG_JANSSON
#include <jansson.h>

/* The level of the protocol that clients are told; they ask for a least one. */
enum { QMP_MAJOR = 7, QMP_MINOR = 2, QMP_MICRO = 0 };
#define QMP_MACHINE "pc-i440fx-1"

/* One conversation, whatever carries it. */
struct qmp_session {
    struct vm *vm;
    void (*send)(void *arg, const char *text,
                 size_t n); /* whole messages, each with its line end */
    void *arg;
    bool pretty;
    bool ready; /* capabilities are negotiated: commands work, events are sent */
    struct frame frame;
    const char *class; /* of the error of the command that runs */
    struct err err;
    int new_fd; /* came over the socket and has no name yet; -1: none */
};

void qmp_greet(struct qmp_session *s);
/* Take a byte; answers what it completes. */
void qmp_byte(struct qmp_session *s, u8 c);
/* A new peer. */
void qmp_restart(struct qmp_session *s);
void qmp_end(struct qmp_session *s);
/* Tell the peer, when it listens. */
void qmp_tell(struct qmp_session *s, enum vm_event_id id, const struct event_field *fields);

/* A command: its arguments fit the table. Returns a new value, or NULL after qmp_fail. */
typedef json_t *qmp_fn(struct qmp_session *s, json_t *args);
struct qmp_row {
    const char *name, *args;
    bool machine; /* needs one: not there with -machine none */
    qmp_fn *fn;
};
extern const struct qmp_row qmp_rows[]; /* end with a NULL name */

/* One argument of a row, as `next` of qmp_arg finds it in the text. */
struct qmp_arg {
    char name[32], type[96];
    bool optional;
};
/* The next argument at *p; false at the end. */
bool qmp_arg(const char **p, struct qmp_arg *a);

/* The command fails: GenericError, or of a class. Always NULL. */
json_t *qmp_fail(struct qmp_session *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
json_t *qmp_fail_as(struct qmp_session *s, const char *class, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* {} when it went well, else the error in s->err. */
json_t *qmp_done(struct qmp_session *s, bool ok);
/* A machine that is recorded or replayed has the monitor's commands (`fmt`: a line) instead of what
 * a client asks for, and when they have their turn. True: it is seen to, or refused; *out is the
 * answer. */
bool qmp_recorded(struct qmp_session *s, json_t **out, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A string of any bytes: what is not UTF-8 becomes U+FFFD. */
json_t *qmp_text(const char *text);
json_t *qmp_bytes(const char *text, size_t n);
/* Arguments; `other` when it was not given. */
const char *qmp_string(json_t *args, const char *name);
s64 qmp_number(json_t *args, const char *name, s64 other);
bool qmp_bool(json_t *args, const char *name, bool other);

/* schema.c: what a client finds out about commands and events. */
json_t *qmp_schema(void);

/* The descriptor that a client gave a name, -1: there is none. It stays whose it is. */
int qmp_fd(const struct vm *vm, const char *name);

#define QMP(id, name, args, machine) qmp_fn qmp_##id;
#include "frontend/qmp/commands.def"
#undef QMP

#endif /* CONFIG_JANSSON: without it the commands are left out */
#endif
