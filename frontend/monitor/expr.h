/* Integer expressions of the monitor, and the /fmt of its memory commands. */
#ifndef FRONTEND_MONITOR_EXPR_H
#define FRONTEND_MONITOR_EXPR_H

#include "devices/core/err.h"

/* Value of register `name` (without the $); false when there is none. */
typedef bool expr_reg_fn(void *arg, const char *name, u64 *v);

/* Evaluate the expression at *text (| ^ & + - * / % unary - ~ and parentheses, C precedence;
 * decimal, 0x, 0 octal, 'c', $register) and move *text behind it. An operator is looked for behind
 * blanks only when `spaces`: "x 4 -1" is two arguments otherwise. False with *err. Nesting is
 * limited. */
bool expr_eval(const char **text, bool spaces, expr_reg_fn *reg, void *arg, u64 *v,
               struct err *err);

/* /20xw: count, format letter (x d u o c i), unit size in bytes. */
struct fmt {
    u32 count;
    char format;
    u32 size;
};
/* Read "/fmt" at *text if it is there, else leave *fmt alone. */
bool fmt_parse(const char **text, struct fmt *fmt, struct err *err);

/* One value in a format, into buf; returns buf. Widths are those that make columns. */
char *fmt_value(char *buf, size_t n, u64 v, const struct fmt *fmt);

#endif
