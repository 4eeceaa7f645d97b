/* Stop points: the list, and what each kind is compared with. What is met is noted, and the request
 * to leave (EXIT_STOP) makes every engine go back to the run loop behind the instruction. */
#include "cpu/sys/stop.h"
#include "devices/core/err.h"

#include <stdlib.h>

struct entry {
    struct stop stop;
    bool gone;  /* taken away since the last cpu_run: may come back before the next */
    bool known; /* translators know of it */
};

struct stops {
    struct entry e[STOPS_MAX];
    u32 n;
    bool changed;
    struct stop_hit hit;
    struct mmu_watch watch[STOPS_MAX];
    u64 offsets[PAGE_SIZE / 64];
    u32 mode; /* as it was last seen */
    /* The code point that was reported last: what runs there next has been. */
    bool passed, shut;
    u64 passed_la, passed_at;
    u64 shut_at;
};

/* ---- the list ---- */

static bool same(const struct stop *a, const struct stop *b)
{
    return a->kind == b->kind && a->owner == b->owner && a->addr == b->addr && a->len == b->len;
}

static bool sane(const struct stop *s, struct err *err)
{
    switch (s->kind) {
    case STOP_CODE:
    case STOP_PHYS:
    case STOP_MSR: return true;
    case STOP_WRITE:
    case STOP_READ:
    case STOP_ACCESS:
        return (s->len && s->addr + s->len - 1 >= s->addr) ||
               err_set(err, "A watched range has 1 byte or more and ends below 2^64.");
    case STOP_IO:
        return (s->len && s->addr <= 0xffff && s->len <= 0x10000 - s->addr) ||
               err_set(err, "Ports are 0 to 0xffff.");
    case STOP_INTR: return s->addr <= 0xff || err_set(err, "Interrupts are 0 to 0xff.");
    case STOP_EXC: return s->addr < 32 || err_set(err, "Exceptions are 0 to 31.");
    case STOP_MODE:
        return (s->addr && !(s->addr & ~(u64)STOP_MODE_ALL)) ||
               err_set(err, "There is no such mode.");
    default: return err_set(err, "There is no such kind of breakpoint.");
    }
}

bool stop_add(struct cpu *cpu, const struct stop *stop, struct err *err)
{
    struct stops *s = cpu->stops;
    if (!sane(stop, err))
        return false;
    if (!s && !(s = cpu->stops = calloc(1, sizeof(*s))))
        return err_set(err, "There is no memory for a breakpoint.");
    for (u32 i = 0; i < s->n; i++)
        if (same(&s->e[i].stop, stop)) {
            s->changed |= s->e[i].gone;
            s->e[i].gone = false;
            s->e[i].stop.id = stop->id;
            return true;
        }
    if (s->n == STOPS_MAX)
        return err_set(err, "There are %d breakpoints at most.", STOPS_MAX);
    s->e[s->n++] = (struct entry){.stop = *stop};
    s->changed = true;
    return true;
}

bool stop_remove(struct cpu *cpu, const struct stop *stop)
{
    struct stops *s = cpu->stops;
    for (u32 i = 0; s && i < s->n; i++)
        if (!s->e[i].gone && same(&s->e[i].stop, stop)) {
            s->e[i].gone = s->changed = true;
            return true;
        }
    return false;
}

void stop_clear(struct cpu *cpu, enum stop_owner owner)
{
    struct stops *s = cpu->stops;
    for (u32 i = 0; s && i < s->n; i++)
        if (s->e[i].stop.owner == owner)
            s->e[i].gone = s->changed = true;
}

const struct stop *stop_at(const struct cpu *cpu, unsigned i)
{
    const struct stops *s = cpu->stops;
    for (u32 k = 0; s && k < s->n; k++)
        if (!s->e[k].gone && !i--)
            return &s->e[k].stop;
    return NULL;
}

const struct stop_hit *stop_last(const struct cpu *cpu)
{
    static const struct stop_hit none;
    return cpu->stops ? &cpu->stops->hit : &none;
}

void stop_report(struct cpu *cpu, const struct stop_hit *hit)
{
    if (cpu->stops)
        cpu->stops->hit = hit ? *hit : (struct stop_hit){0};
}

void stop_anew(struct cpu *cpu)
{
    if (cpu->stops)
        cpu->stops->passed = cpu->stops->shut = false;
}

void stop_free(struct cpu *cpu)
{
    free(cpu->stops);
    cpu->stops = NULL;
}

/* ---- noting ---- */

/* Linear address of the instruction at cpu->rip. */
static u64 here(const struct cpu *cpu)
{
    return cpu->code_bits == 64 ? cpu->rip : (u32)(cpu->seg[SEG_CS].base + cpu->rip);
}

static struct stop_hit *note(struct cpu *cpu, const struct stop *stop, u64 addr)
{
    struct stops *s = cpu->stops;
    if (s->hit.stop.kind)
        return NULL;
    s->hit = (struct stop_hit){.stop = *stop, .addr = addr, .at = here(cpu)};
    cpu->stop_noted = true;
    __atomic_fetch_or(&cpu->exit_request, EXIT_STOP, __ATOMIC_RELEASE);
    return &s->hit;
}

static void forget(struct cpu *cpu)
{
    cpu->stops->hit.stop.kind = STOP_NONE;
    cpu->stop_noted = false;
    __atomic_fetch_and(&cpu->exit_request, ~(u32)EXIT_STOP, __ATOMIC_RELEASE);
}

static u32 mode_bits(const struct cpu *cpu)
{
    u32 v = 0;
    v |= cpu->cr0 & CR0_PE ? STOP_MODE_PE : 0;
    v |= cpu->eflags & FL_VM ? STOP_MODE_VM : 0;
    v |= cpu->cr0 & CR0_PG ? STOP_MODE_PG : 0;
    v |= cpu->efer & EFER_LMA ? STOP_MODE_LM : 0;
    v |= cpu->in_smm ? STOP_MODE_SMM : 0;
    return v | (u32)cpu->code_bits << 8 | (u32)cpu->cpl << 16;
}

/* Which STOP_MODE_* differ between two values of mode_bits()? */
static u32 mode_diff(u32 a, u32 b)
{
    u32 d = a ^ b;
    return (d & 0x1f) | (d & 0xff00 ? STOP_MODE_BITS : 0) | (d & 0xff0000 ? STOP_MODE_CPL : 0);
}

void stop_undone(struct cpu *cpu)
{
    if (cpu->stop_noted)
        forget(cpu);
    cpu->stops->mode = mode_bits(cpu);
}

/* ---- what is compared ---- */

static void seen(void *arg, u64 la, unsigned size, bool write)
{
    struct cpu *cpu = arg;
    const struct stops *s = cpu->stops;
    for (u32 i = 0; i < s->n; i++) {
        const struct stop *p = &s->e[i].stop;
        struct stop_hit *hit;
        if (p->kind != STOP_ACCESS && p->kind != (write ? STOP_WRITE : STOP_READ))
            continue;
        if (la > p->addr + (p->len - 1) || la + (size - 1) < p->addr)
            continue;
        hit = note(cpu, p, MAX(la, p->addr));
        if (hit)
            hit->write = write;
        return;
    }
}

void stop_within(struct cpu *cpu)
{
    cpu->stops->hit.within = true;
}

void stop_io(struct cpu *cpu, u16 port, unsigned size, bool write)
{
    const struct stops *s = cpu->stops;
    for (u32 i = 0; i < s->n; i++) {
        const struct stop *p = &s->e[i].stop;
        struct stop_hit *hit;
        if (p->kind != STOP_IO || port >= p->addr + p->len || port + size <= p->addr)
            continue;
        hit = note(cpu, p, MAX((u64)port, p->addr));
        if (hit)
            hit->write = write;
        return;
    }
}

/* The first point of this kind and address. */
static const struct stop *find(const struct stops *s, enum stop_kind kind, u64 addr)
{
    for (u32 i = 0; i < s->n; i++)
        if (s->e[i].stop.kind == kind && s->e[i].stop.addr == addr)
            return &s->e[i].stop;
    return NULL;
}

void stop_vector(struct cpu *cpu, unsigned vector, bool exception, u32 error)
{
    const struct stop *p = find(cpu->stops, exception ? STOP_EXC : STOP_INTR, vector);
    struct stop_hit *hit = p ? note(cpu, p, vector) : NULL;
    if (hit)
        hit->error = error;
}

bool stop_shutdown(struct cpu *cpu)
{
    struct stops *s = cpu->stops;
    u64 now = cpu_icount(cpu);
    if (!s || s->hit.stop.kind != STOP_EXC || (s->shut && s->shut_at == now))
        return false;
    s->shut = true;
    s->shut_at = now;
    return true;
}

void stop_mode(struct cpu *cpu)
{
    struct stops *s = cpu->stops;
    u32 now = mode_bits(cpu), diff = mode_diff(now, s->mode);
    s->mode = now;
    for (u32 i = 0; diff && i < s->n; i++)
        if (s->e[i].stop.kind == STOP_MODE && (s->e[i].stop.addr & diff)) {
            note(cpu, &s->e[i].stop, s->e[i].stop.addr & diff);
            return;
        }
}

void stop_msr(struct cpu *cpu, u32 n, bool write)
{
    const struct stop *p = find(cpu->stops, STOP_MSR, n);
    struct stop_hit *hit = p ? note(cpu, p, n) : NULL;
    if (hit)
        hit->write = write;
}

/* ---- code ---- */

static bool offset_has(const struct stops *s, u64 la)
{
    return s->offsets[(la & PAGE_MASK) >> 6] >> (la & 63) & 1;
}

/* Physical address of code at la: as it is mapped now, else as the page tables say. */
static u64 code_phys(struct cpu *cpu, u64 la)
{
    unsigned i = tlb_index(la);
    const struct tlb_entry *e = &cpu->mmu.tlb[cpu->mmu_mode].e[i];
    if ((e->ex & PAGE_MASK) != TLB_INVALID && !((e->ex ^ la) & ~(u64)PAGE_MASK))
        return cpu->mmu.tlb[cpu->mmu_mode].cold[i].phys | (la & PAGE_MASK);
    return mmu_translate(&cpu->mmu, la);
}

bool stop_code(struct cpu *cpu)
{
    struct stops *s = cpu->stops;
    const struct stop *hit = NULL;
    u64 la = here(cpu), now, phys;
    if (!offset_has(s, la))
        return false;
    /* A page that is not there faults first; its handler comes back here. */
    phys = code_phys(cpu, la);
    if (phys == ~(u64)0)
        return false;
    for (u32 i = 0; i < s->n && !hit; i++) {
        const struct stop *p = &s->e[i].stop;
        if ((p->kind == STOP_CODE && p->addr == la) || (p->kind == STOP_PHYS && p->addr == phys))
            hit = p;
    }
    if (!hit)
        return false;
    /* It was reported and nothing ran since, or a string instruction is between two of its runs. */
    now = cpu_icount(cpu);
    if (s->passed && s->passed_la == la &&
        (s->passed_at == now || (s->passed_at + 1 == now && (cpu->eflags & FL_RF)))) {
        s->passed_at = now;
        return false;
    }
    s->passed = true;
    s->passed_la = la;
    s->passed_at = now;
    note(cpu, hit, la);
    return true;
}

bool stop_place(const struct cpu *cpu, bool exact, u64 la)
{
    const struct stops *s = cpu->stops;
    if (!offset_has(s, la))
        return false;
    for (u32 i = 0; i < s->n; i++) {
        const struct stop *p = &s->e[i].stop;
        if (exact && p->kind == STOP_CODE
                ? p->addr == la
                : (p->kind == STOP_CODE || p->kind == STOP_PHYS) && !((p->addr ^ la) & PAGE_MASK))
            return true;
    }
    return false;
}

const u64 *stop_offsets(const struct cpu *cpu)
{
    return cpu->stops->offsets;
}

bool stop_news(struct cpu *cpu)
{
    struct stops *s = cpu->stops;
    bool news = false;
    for (u32 i = 0; i < s->n; i++) {
        const struct stop *p = &s->e[i].stop;
        news |= !s->e[i].known && (p->kind == STOP_CODE || p->kind == STOP_PHYS);
        s->e[i].known = true;
    }
    return news;
}

/* ---- a run begins ---- */

static u8 on_bit(enum stop_kind kind)
{
    switch (kind) {
    case STOP_CODE:
    case STOP_PHYS: return STOP_ON_CODE;
    case STOP_IO: return STOP_ON_IO;
    case STOP_INTR:
    case STOP_EXC: return STOP_ON_VECTOR;
    case STOP_MODE: return STOP_ON_MODE;
    case STOP_MSR: return STOP_ON_MSR;
    default: return 0; /* the MMU's */
    }
}

/* Drop what is gone, and derive everything else from the list. */
static void settle(struct cpu *cpu)
{
    struct stops *s = cpu->stops;
    u32 n = 0, nwatch = 0;
    cpu->stop_on = 0;
    memset(s->offsets, 0, sizeof(s->offsets));
    for (u32 i = 0; i < s->n; i++)
        if (!s->e[i].gone)
            s->e[n++] = s->e[i];
    s->n = n;
    for (u32 i = 0; i < n; i++) {
        const struct stop *p = &s->e[i].stop;
        cpu->stop_on |= on_bit(p->kind);
        if (on_bit(p->kind) == STOP_ON_CODE)
            s->offsets[(p->addr & PAGE_MASK) >> 6] |= BIT64(p->addr & 63);
        if (p->kind == STOP_WRITE || p->kind == STOP_READ || p->kind == STOP_ACCESS)
            s->watch[nwatch++] = (struct mmu_watch){
                .first = p->addr,
                .last = p->addr + (p->len - 1),
                .what = (u8)((p->kind != STOP_WRITE ? WATCH_READ : 0) |
                             (p->kind != STOP_READ ? WATCH_WRITE : 0)),
            };
    }
    mmu_watch(&cpu->mmu, s->watch, nwatch, seen, cpu);
    s->changed = false;
}

void stop_begin(struct cpu *cpu)
{
    forget(cpu);
    if (cpu->stops->changed)
        settle(cpu);
    cpu->stops->mode = mode_bits(cpu);
}
