/* The gdb stub's connection and its packets of one letter (manual of gdb, appendix E, sections
 * Packets and Stop Reply Packets). */
#include "frontend/gdb/stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

void gdb_ok(struct gdb *g)
{
    gdb_put(&g->out, "OK");
}

void gdb_error(struct gdb *g, unsigned number)
{
    gdb_begin(&g->out);
    if (g->refused)
        gdb_put(&g->out, "E.The machine is in its past, where nothing can be changed.");
    else
        gdb_printf(&g->out, "E%02x", number);
    g->refused = false;
}

void gdb_send(struct gdb *g)
{
    size_t n;
    const u8 *p = gdb_frame(&g->out, &n);
    g->last = n;
    g->host.send(g->host.arg, p, n);
    gdb_begin(&g->out);
}

void gdb_console(void *arg, const char *text, size_t n)
{
    struct gdb *g = arg;
    while (n) {
        size_t k = MIN(n, (size_t)GDB_PACKET / 4);
        gdb_begin(&g->out);
        gdb_put(&g->out, "O");
        gdb_put_hex(&g->out, text, k);
        gdb_send(g);
        text += k, n -= k;
    }
}

/* ---- memory ---- */

u64 gdb_address(const struct gdb *g, u64 addr)
{
    return g->regs.wide ? addr : (u32)addr;
}

static bool peek(struct gdb *g, u64 addr, void *buf, size_t n)
{
    struct mmu *mmu = &g->cpu->mmu;
    return g->physical ? mmu_peek_phys(mmu, addr, buf, n) : mmu_peek(mmu, addr, buf, n);
}

size_t gdb_peek(struct gdb *g, u64 addr, void *buf, size_t n)
{
    size_t done = 0;
    while (done < n) {
        u64 at = gdb_address(g, addr + done);
        size_t k = MIN(n - done, PAGE_SIZE - (at & PAGE_MASK));
        if (!peek(g, at, (u8 *)buf + done, k))
            break;
        done += k;
    }
    return done;
}

static bool may_change(struct gdb *g)
{
    g->refused = g->host.change && !g->host.change(g->host.arg);
    return !g->refused;
}

bool gdb_poke(struct gdb *g, u64 addr, const void *buf, size_t n)
{
    struct mmu *mmu = &g->cpu->mmu;
    u8 old[GDB_PACKET];
    addr = gdb_address(g, addr);
    if (n > sizeof(old) || gdb_peek(g, addr, old, n) != n || !may_change(g))
        return false;
    return g->physical ? mmu_poke_phys(mmu, addr, buf, n) : mmu_poke(mmu, addr, buf, n);
}

static void read_memory(struct gdb *g, const char *p)
{
    u8 buf[GDB_PACKET / 2];
    u64 addr, len;
    size_t n;
    if (!gdb_range(&p, &addr, &len, 0)) {
        gdb_error(g, GDB_EINVAL);
        return;
    }
    n = gdb_peek(g, addr, buf, (size_t)MIN(len, (u64)sizeof(buf)));
    if (!n && len)
        gdb_error(g, GDB_EFAULT);
    else
        gdb_put_hex(&g->out, buf, n);
}

/* M: `data` has digits; X: it is `size` bytes long and has them as they are. */
static void write_memory(struct gdb *g, const char *p, const char *end, bool binary)
{
    u8 buf[GDB_PACKET];
    u64 addr, len;
    const char *data;
    if (!gdb_range(&p, &addr, &len, ':') || len > sizeof(buf)) {
        gdb_error(g, GDB_EINVAL);
        return;
    }
    data = p;
    if (binary ? (u64)(end - p) != len : (u64)(end - p) != 2 * len || !gdb_bytes(&p, buf, len)) {
        gdb_error(g, GDB_EINVAL);
        return;
    }
    if (gdb_poke(g, addr, binary ? (const u8 *)data : buf, (size_t)len))
        gdb_ok(g);
    else
        gdb_error(g, GDB_EFAULT);
}

/* ---- registers ---- */

static void read_all(struct gdb *g)
{
    u8 raw[GDB_REG_BYTES];
    for (unsigned i = 0; i < g->regs.n; i++) {
        gdb_reg_read(&g->regs, g->cpu, &g->regs.r[i], raw);
        gdb_put_hex(&g->out, raw, gdb_reg_size(&g->regs.r[i]));
    }
}

/* Those that are the same are not written: a client sends back what it read. */
static bool write_one(struct gdb *g, const struct gdb_reg *r, const u8 *raw)
{
    u8 old[GDB_REG_BYTES];
    gdb_reg_read(&g->regs, g->cpu, r, old);
    return !memcmp(old, raw, gdb_reg_size(r)) ||
           (may_change(g) && gdb_reg_write(&g->regs, g->cpu, r, raw));
}

static void write_all(struct gdb *g, const char *p)
{
    u8 raw[GDB_REG_BYTES];
    bool ok = true;
    for (unsigned i = 0; i < g->regs.n && *p; i++) {
        if (!gdb_bytes(&p, raw, gdb_reg_size(&g->regs.r[i]))) {
            gdb_error(g, GDB_EINVAL);
            return;
        }
        ok = write_one(g, &g->regs.r[i], raw) && ok;
    }
    if (ok)
        gdb_ok(g);
    else
        gdb_error(g, GDB_EINVAL);
}

static void one_register(struct gdb *g, const char *p, bool write)
{
    u8 raw[GDB_REG_BYTES];
    const struct gdb_reg *r;
    u64 i;
    if (!gdb_number(&p, &i) || i >= g->regs.n || *p != (write ? '=' : 0)) {
        gdb_error(g, GDB_EINVAL);
        return;
    }
    r = &g->regs.r[i];
    if (!write) {
        gdb_reg_read(&g->regs, g->cpu, r, raw);
        gdb_put_hex(&g->out, raw, gdb_reg_size(r));
        return;
    }
    p++;
    if (gdb_bytes(&p, raw, gdb_reg_size(r)) && !*p && write_one(g, r, raw))
        gdb_ok(g);
    else
        gdb_error(g, GDB_EINVAL);
}

/* ---- stop points ---- */

static void point(struct gdb *g, const char *p, bool set)
{
    static const u8 kinds[] = {STOP_CODE, STOP_CODE, STOP_WRITE, STOP_READ, STOP_ACCESS};
    struct stop s = {.owner = STOP_OF_GDB};
    struct err err;
    char type = *p++;
    if (type < '0' || type > '4')
        return; /* unknown: an empty answer */
    /* Conditions and commands may follow; they were not offered. */
    if (*p++ != ',' || !gdb_number(&p, &s.addr) || *p++ != ',' || !gdb_number(&p, &s.len) ||
        (*p && *p != ';')) {
        gdb_error(g, GDB_EINVAL);
        return;
    }
    s.kind = kinds[type - '0'];
    s.addr = gdb_address(g, s.addr);
    s.id = (u32)(type - '0');
    if (s.kind == STOP_CODE) {
        /* Those of software and of hardware at one place are one as long as either is wanted. */
        s.len = s.id;
    }
    if (!set) {
        stop_remove(g->cpu, &s); /* it may have been removed already: as the protocol wants it */
        gdb_ok(g);
    } else if (stop_add(g->cpu, &s, &err)) {
        gdb_ok(g);
    } else {
        gdb_error(g, GDB_EINVAL);
    }
}

/* ---- running and stopping ---- */

static void put_reason(struct gdb *g, const struct stop_hit *hit)
{
    unsigned long long addr = (unsigned long long)hit->addr;
    switch (hit->stop.kind) {
    case STOP_CODE:
    case STOP_PHYS:
        if (hit->stop.owner == STOP_OF_GDB && (hit->stop.id ? g->hwbreak : g->swbreak))
            gdb_printf(&g->out, "%s:;", hit->stop.id ? "hwbreak" : "swbreak");
        break;
    case STOP_WRITE: gdb_printf(&g->out, "watch:%llx;", addr); break;
    case STOP_READ: gdb_printf(&g->out, "rwatch:%llx;", addr); break;
    case STOP_ACCESS: gdb_printf(&g->out, "awatch:%llx;", addr); break;
    default: break;
    }
}

static void stop_reply(struct gdb *g, bool debug)
{
    gdb_begin(&g->out);
    gdb_printf(&g->out, "T%02xthread:01;", (unsigned)g->signal);
    if (debug)
        put_reason(g, stop_last(g->cpu));
    if (debug && g->host.log_end && g->host.log_end(g->host.arg))
        gdb_printf(&g->out, "replaylog:%s;", g->host.log_end(g->host.arg));
}

static void step_once(struct gdb *g)
{
    g->host.step(g->host.arg, !(g->sstep & GDB_STEP_NOIRQ), !(g->sstep & GDB_STEP_NOTIMER));
}

/* Every layout has one. */
static const struct gdb_reg *pc_reg(const struct gdb *g)
{
    const struct gdb_reg *r = g->regs.r;
    while (r->kind != GR_PC)
        r++;
    return r;
}

static u64 program_counter(struct gdb *g)
{
    u8 raw[GDB_REG_BYTES] = {0};
    gdb_reg_read(&g->regs, g->cpu, pc_reg(g), raw);
    return ld64(raw);
}

/* A step that leaves the machine standing is over when it returns; many of them go in a row, but not
 * so many that nobody can interrupt. */
void gdb_step_on(struct gdb *g)
{
    enum { ROW = 2000 };
    for (unsigned i = 0; i < ROW; i++) {
        if (!g->ranging || !g->waiting)
            return;
        g->in_step = true;
        g->stepped = false;
        step_once(g);
        g->in_step = false;
        if (!g->stepped)
            return; /* it runs, and comes back by gdb_stopped; or it is over */
    }
    g->host.later(g->host.arg);
}

/* A step is done within the range, and nothing was met that stops anyway. True: it goes on. */
static bool range_goes_on(struct gdb *g, bool debug)
{
    u64 pc;
    if (!g->ranging || !g->waiting)
        return false;
    pc = program_counter(g);
    g->ranging = debug && !stop_last(g->cpu)->stop.kind && pc >= g->range[0] && pc < g->range[1];
    if (!g->ranging)
        return false;
    g->stepped = true;
    if (!g->in_step) /* the machine is about to stand: it does so first */
        g->host.later(g->host.arg);
    return true;
}

void gdb_stopped(struct gdb *g, bool debug)
{
    const struct stop_hit *hit = stop_last(g->cpu);
    if (range_goes_on(g, debug))
        return;
    g->signal = debug ? GDB_SIGTRAP : GDB_SIGINT;
    if (!g->attached || !g->waiting)
        return;
    g->waiting = false;
    /* A client knows what its own are; the monitor's have to be told. */
    if (debug && hit->stop.kind && hit->stop.owner != STOP_OF_GDB) {
        char text[256];
        int n;
        stop_text(hit, text, sizeof(text) - 1);
        n = (int)strlen(text);
        text[n++] = '\n';
        gdb_console(g, text, (size_t)n);
    }
    stop_reply(g, debug);
    gdb_send(g);
}

void gdb_exited(struct gdb *g, int status)
{
    if (!g->attached || !g->waiting)
        return;
    g->waiting = false;
    gdb_begin(&g->out);
    gdb_printf(&g->out, "W%02x", (unsigned)status & 0xff);
    gdb_send(g);
}

/* Run or step; the answer comes with the stop. `p`: an address to go on at, or nothing. True: an
 * error is the answer. */
static bool go(struct gdb *g, const char *p, bool step)
{
    u64 addr;
    if (*p) {
        u8 raw[8];
        if (!gdb_number(&p, &addr) || *p) {
            gdb_error(g, GDB_EINVAL);
            return true;
        }
        st64(raw, addr);
        if (may_change(g))
            gdb_reg_write(&g->regs, g->cpu, pc_reg(g), raw);
    }
    g->waiting = true;
    if (step && g->sstep & GDB_STEP_ENABLE)
        step_once(g);
    else
        g->host.resume(g->host.arg);
    return false;
}

/* The signal is not for this processor; what may follow is an address. */
static const char *behind_signal(const char *p)
{
    u64 signal;
    gdb_number(&p, &signal);
    return *p == ';' ? p + 1 : p;
}

/* rSTART,END: steps while the program counter is from START to below END; one at least. */
static bool step_range(struct gdb *g, const char *p)
{
    u64 lo, hi;
    if (!gdb_number(&p, &lo) || *p++ != ',' || !gdb_number(&p, &hi) || (*p && !strchr(":;", *p))) {
        gdb_error(g, GDB_EINVAL);
        return true;
    }
    g->range[0] = lo;
    g->range[1] = hi;
    if (!g->host.later || !(g->sstep & GDB_STEP_ENABLE))
        return go(g, "", true);
    g->waiting = g->ranging = true;
    gdb_step_on(g);
    return false;
}

/* vCont;action[:thread]...: the first that is for our thread. */
static bool vcont(struct gdb *g, const char *p)
{
    while (*p == ';') {
        char action = *++p;
        size_t n = strcspn(p, ":;");
        const char *thread = p[n] == ':' ? p + n + 1 : "-1";
        bool ours = !strncmp(thread, "-1", 2) || strtoul(thread, NULL, 16) <= 1 ||
                    (*thread == 'p' && strchr(thread, '.'));
        if (!action || !strchr("cCsSr", action))
            break;
        if (ours && action == 'r')
            return step_range(g, p + 1);
        if (ours)
            return go(g, "", action == 's' || action == 'S');
        p += strcspn(p, ";");
    }
    gdb_error(g, GDB_EINVAL);
    return true;
}

static void kill_machine(struct gdb *g)
{
    stop_clear(g->cpu, STOP_OF_GDB);
    g->host.kill(g->host.arg);
}

static bool verbose(struct gdb *g, const char *p)
{
    if (!strcmp(p, "Cont?")) {
        gdb_put(&g->out, "vCont;c;C;s;S;r");
    } else if (!strncmp(p, "Cont;", 5)) {
        return vcont(g, p + 4);
    } else if (!strncmp(p, "Kill", 4)) {
        gdb_ok(g);
        gdb_send(g);
        kill_machine(g);
        return false;
    }
    return true; /* vMustReplyEmpty, and what nobody knows: an empty answer */
}

static bool reverse(struct gdb *g, const char *p)
{
    struct err err = {"There is no recording to go back in."};
    if ((*p != 'c' && *p != 's') || p[1]) {
        gdb_error(g, GDB_EINVAL);
        return true;
    }
    g->waiting = true;
    if (g->host.reverse && g->host.reverse(g->host.arg, *p == 's', &err))
        return false;
    g->waiting = false;
    gdb_printf(&g->out, "E.%s", err.msg);
    return true;
}

static void thread_known(struct gdb *g, const char *p)
{
    /* -1: all, 0: any */
    if (!strcmp(p, "-1") || (*p && strspn(p, "0") + (p[strspn(p, "0")] == '1') == strlen(p)))
        gdb_ok(g);
    else
        gdb_error(g, GDB_EINVAL);
}

/* One packet; true: there is an answer in g->out now. */
static bool command(struct gdb *g, char *data, size_t n)
{
    const char *p = data + 1;
    switch (data[0]) {
    case '?': stop_reply(g, false); break;
    case 'g': read_all(g); break;
    case 'G': write_all(g, p); break;
    case 'p': one_register(g, p, false); break;
    case 'P': one_register(g, p, true); break;
    case 'm': read_memory(g, p); break;
    case 'M': write_memory(g, p, data + n, false); break;
    case 'X': write_memory(g, p, data + n, true); break;
    case 'c': return go(g, p, false);
    case 's': return go(g, p, true);
    case 'C': return go(g, behind_signal(p), false);
    case 'S': return go(g, behind_signal(p), true);
    case 'b': return reverse(g, p);
    case 'k': kill_machine(g); return false;
    case 'D':
        gdb_ok(g);
        gdb_send(g);
        gdb_detach(g);
        if (!g->host.running(g->host.arg))
            g->host.resume(g->host.arg);
        return false;
    case 'H': thread_known(g, *p ? p + 1 : p); break;
    case 'T': thread_known(g, p); break;
    case 'z':
    case 'Z': point(g, p, data[0] == 'Z'); break;
    case 'v': return verbose(g, p);
    case 'q':
    case 'Q': gdb_query(g, data, n); break;
    default: break; /* unknown: an empty answer */
    }
    return true;
}

/* ---- the connection ---- */

static void on_packet(void *arg, char *data, size_t n)
{
    struct gdb *g = arg;
    if (!g->attached)
        gdb_attach(g);
    /* It runs already, and one answer is owed. */
    if (g->waiting && (strchr("csCSb", data[0]) || !strncmp(data, "vCont;", 6)))
        return;
    gdb_begin(&g->out);
    if (command(g, data, n))
        gdb_send(g);
    if (g->no_ack_next) {
        g->no_ack_next = false;
        g->in.no_ack = true;
    }
}

static void on_interrupt(void *arg)
{
    struct gdb *g = arg;
    if (!g->attached)
        gdb_attach(g);
    g->host.halt(g->host.arg);
}

static void on_ack(void *arg, bool good)
{
    struct gdb *g = arg;
    if (!good && g->last)
        g->host.send(g->host.arg, (const u8 *)g->out.frame, g->last);
}

static void on_reply(void *arg, bool good)
{
    struct gdb *g = arg;
    g->host.send(g->host.arg, (const u8 *)(good ? "+" : "-"), 1);
}

void gdb_input(struct gdb *g, const u8 *data, size_t n)
{
    const struct gdb_handler h = {g, on_packet, on_interrupt, on_ack, on_reply};
    gdb_read(&g->in, data, n, &h);
}

void gdb_attach(struct gdb *g)
{
    g->attached = true;
    g->waiting = g->ranging = g->physical = g->swbreak = g->hwbreak = g->no_ack_next = false;
    g->sstep = GDB_STEP_ENABLE | GDB_STEP_NOIRQ | GDB_STEP_NOTIMER;
    g->last = 0;
    gdb_regs_init(&g->regs, g->cpu, g->wide);
    g->regs.linear_pc = g->linear_pc;
    free(g->target_xml);
    g->target_xml = gdb_target_xml(&g->regs);
    g->host.halt(g->host.arg);
    g->signal = GDB_SIGTRAP;
}

void gdb_detach(struct gdb *g)
{
    g->attached = g->waiting = g->ranging = false;
    g->in.state = GDB_IDLE;
    g->in.no_ack = false;
    stop_clear(g->cpu, STOP_OF_GDB);
}

void gdb_init(struct gdb *g, struct cpu *cpu, const struct gdb_host *host, bool wide,
              bool linear_pc)
{
    memset(g, 0, sizeof(*g));
    g->host = *host;
    g->cpu = cpu;
    g->wide = wide;
    g->linear_pc = linear_pc;
    gdb_regs_init(&g->regs, cpu, wide);
}

void gdb_free(struct gdb *g)
{
    free(g->target_xml);
    g->target_xml = NULL;
}
