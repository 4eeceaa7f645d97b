/* Monitor commands that set, delete and list stop points, and the word when one is met. */
#include "frontend/monitor/monitor.h"

#include "cpu/sys/stop.h"

#include <string.h>

static const struct {
    const char *prefix;
    enum stop_kind kind;
    bool ranged; /* +n may follow */
} forms[] = {
    {"phys:", STOP_PHYS, false},    {"write:", STOP_WRITE, true}, {"read:", STOP_READ, true},
    {"access:", STOP_ACCESS, true}, {"io:", STOP_IO, true},       {"int:", STOP_INTR, false},
    {"exc:", STOP_EXC, false},      {"msr:", STOP_MSR, false},
};

/* "pe,pg" behind "mode:"; nothing: all but code size and level, which change all the time. */
static bool parse_modes(const char *p, u64 *mask, struct err *err)
{
    *mask = 0;
    if (!*p)
        *mask = STOP_MODE_PE | STOP_MODE_VM | STOP_MODE_PG | STOP_MODE_LM | STOP_MODE_SMM;
    while (*p) {
        size_t n = strcspn(p, ",");
        unsigned i = 0;

        while (stop_modes[i] && (strlen(stop_modes[i]) != n || strncmp(p, stop_modes[i], n)))
            i++;
        if (!stop_modes[i])
            return err_set(err, "A mode is pe, vm, pg, lm, smm, bits or cpl, not '%.40s'.", p);
        *mask |= 1u << i;
        p += n + (p[n] == ',');
    }
    return true;
}

static bool end_of(const char *p, struct err *err)
{
    return !p[strspn(p, " \t")] || err_set(err, "'%.40s' is too much for a breakpoint.", p);
}

static bool parse(struct monitor *m, const char *p, struct stop *s)
{
    p += strspn(p, " \t");
    *s = (struct stop){.kind = STOP_CODE, .owner = STOP_OF_MONITOR};
    if (!*p)
        return err_set(&m->err,
                       "Give the place: an address, or phys:, write:, read:, access:, io:, "
                       "int:, exc:, msr: and a number, or mode.");
    if (!strncmp(p, "mode", 4) && (!p[4] || p[4] == ':')) {
        s->kind = STOP_MODE;
        return parse_modes(p + 4 + (p[4] == ':'), &s->addr, &m->err);
    }
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        size_t n = strlen(forms[i].prefix);

        if (strncmp(p, forms[i].prefix, n))
            continue;
        p += n;
        s->kind = forms[i].kind;
        if (!forms[i].ranged)
            break;
        s->len = 1;
        /* "a+n" is a range here, not a sum: blanks or parentheses make sums. */
        n = strcspn(p, "+");
        if (p[n] && !memchr(p, '(', n)) {
            char first[64];
            const char *q = first, *len = p + n + 1;

            if (n >= sizeof(first))
                return err_set(&m->err, "The address is too long.");
            memcpy(first, p, n);
            first[n] = 0;
            return mon_number(m, &q, &s->addr) && end_of(q, &m->err) &&
                   mon_number(m, &len, &s->len) && end_of(len, &m->err);
        }
        break;
    }
    return mon_number(m, &p, &s->addr) && end_of(p, &m->err);
}

bool cmd_BREAK(struct monitor *m, const char *args)
{
    struct cpu *cpu = vm_cpu(m->vm);
    struct stop s;
    char name[128];

    if (!parse(m, args, &s))
        return false;
    s.id = ++m->vm->stop_ids;
    if (!stop_add(cpu, &s, &m->err))
        return false;
    mon_printf(m, "breakpoint %u: %s\n", s.id, stop_name(&s, name, sizeof(name)));
    return true;
}

/* The monitor's stop point with this number; 0: the first. */
static const struct stop *by_id(const struct cpu *cpu, u64 id)
{
    const struct stop *s;

    for (unsigned i = 0; (s = stop_at(cpu, i)); i++)
        if (s->owner == STOP_OF_MONITOR && (!id || s->id == id))
            return s;
    return NULL;
}

bool cmd_DELETE(struct monitor *m, const char *args)
{
    struct cpu *cpu = vm_cpu(m->vm);
    const struct stop *s;
    struct stop copy;
    u64 id;

    args += strspn(args, " \t");
    if (!*args || !strcmp(args, "all")) {
        stop_clear(cpu, STOP_OF_MONITOR);
        return true;
    }
    if (!mon_number(m, &args, &id))
        return false;
    s = id ? by_id(cpu, id) : NULL;
    if (!s)
        return err_set(&m->err, "There is no breakpoint %llu; 'info breakpoints' lists them.",
                       (unsigned long long)id);
    copy = *s;
    return stop_remove(cpu, &copy);
}

bool info_BREAKPOINTS(struct monitor *m, const char *args)
{
    const struct cpu *cpu = vm_cpu(m->vm);
    const struct stop *s;
    char name[128];
    unsigned i;

    for (i = 0; (s = stop_at(cpu, i)); i++) {
        stop_name(s, name, sizeof(name));
        if (s->owner == STOP_OF_GDB)
            mon_printf(m, "gdb  %s\n", name);
        else
            mon_printf(m, "%-4u %s\n", s->id, name);
    }
    if (!i)
        mon_printf(m, "no breakpoints\n");
    return true;
}

void monitor_tell(struct vm *vm, const char *line)
{
    for (unsigned i = 0; i < vm->nmonitors; i++)
        if (vm->monitors[i]->greeted)
            mon_printf(vm->monitors[i], "\n%s\n(dragoman) ", line);
}

void monitor_notice(struct vm *vm, const struct stop_hit *hit)
{
    char text[256];

    if (!hit->stop.kind || hit->stop.owner != STOP_OF_MONITOR)
        return;
    for (unsigned i = 0; i < vm->nmonitors; i++)
        if (vm->monitors[i]->greeted)
            mon_printf(vm->monitors[i], "\nbreakpoint %u: %s\n(dragoman) ", hit->stop.id,
                       stop_text(hit, text, sizeof(text)));
}
