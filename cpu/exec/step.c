/* The interpreter's loop, with a cache of decoded instructions that is addressed by place and
 * checked by content: an entry is right when the bytes in memory are the bytes it was decoded from,
 * so writes to code need no notice. */
#include "cpu/exec/step.h"
#include "cpu/exec/exec.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/ran.h"
#include "cpu/sys/stop.h"

#include <stdlib.h>

#ifdef CONFIG_TORTURE
enum { CACHE_BITS = 4 };
#else
enum { CACHE_BITS = 13 };
#endif

struct cached {
    u8 bytes[16]; /* what was decoded, zero behind the instruction */
    u8 len, bits;
    u64 feats;
    struct insn insn;
};
struct cache {
    struct cached e[1 << CACHE_BITS];
    struct insn odd; /* for what is not cached */
};

bool exec_cache_new(struct cpu *cpu)
{
    cpu->icache = calloc(1, sizeof(struct cache));
    return cpu->icache != NULL;
}

void exec_cache_free(struct cpu *cpu)
{
    free(cpu->icache);
    cpu->icache = NULL;
}

static bool same_bytes(const struct cached *c, const u8 *p)
{
    u64 a, b, m;
    /* Two 8-byte halves compared under a mask of the instruction's length. */
    memcpy(&a, p, 8);
    memcpy(&b, c->bytes, 8);
    if (c->len <= 8) {
        m = ~(u64)0 >> (64 - 8 * c->len);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        m = ~(u64)0 << (64 - 8 * c->len);
#endif
        return !((a ^ b) & m);
    }
    return a == b && !memcmp(p + 8, c->bytes + 8, c->len - 8u);
}

/* The slow way: near a page's end, code outside of memory, faults. */
static const struct insn *fetch_odd(struct cpu *cpu, u64 la)
{
    struct cache *cache = cpu->icache;
    struct mmu_fault fault = {0};
    u8 buf[15];
    unsigned n = 0, want = 1;
    /* Byte by byte beyond the page: a fault there counts only if the instruction reaches it. */
    for (;;) {
        /* The limit of CS comes before paging; a limit of 4 GiB is none, EIP goes round. */
        if (cpu->code_bits != 64 && (u32)(cpu->rip + n) > cpu->seg[SEG_CS].limit)
            cpu_raise_err(cpu, EXC_GP, 0);
        if (cpu->code_bits == 64 && !cpu_canonical(la + n))
            cpu_raise_err(cpu, EXC_GP, 0);
        n +=
            mmu_fetch_bytes(&cpu->mmu, cpu->mmu_mode, cpu->code_bits == 64 ? la + n : (u32)(la + n),
                            buf + n, want - n, &fault);
        if (n < want)
            cpu_raise_pf(cpu, &fault);
        switch (decode(&cache->odd, buf, n, cpu->code_bits, cpu->feats)) {
        case DEC_OK: return &cache->odd;
        case DEC_UD: cpu_raise(cpu, EXC_UD);
        case DEC_LONG: cpu_raise_err(cpu, EXC_GP, 0);
        case DEC_SHORT: break;
        }
        if (n >= 15)
            cpu_raise_err(cpu, EXC_GP, 0);
        want = n + 1;
    }
}

const struct insn *exec_fetch(struct cpu *cpu)
{
    struct cache *cache = cpu->icache;
    u64 la = cpu->code_bits == 64 ? cpu->rip : (u32)(cpu->seg[SEG_CS].base + cpu->rip);
    const struct tlb_entry *e = &cpu->mmu.tlb[cpu->mmu_mode].e[tlb_index(la)];
    const u8 *p;
    struct cached *c;
    if (UNLIKELY((e->ex ^ la) & ~(u64)PAGE_MASK || (e->ex & PAGE_MASK) ||
                 (la & PAGE_MASK) > PAGE_SIZE - 16)) {
        struct mmu_fault fault;
        u32 len, page;
        if (cpu->code_bits == 64 && !cpu_canonical(la))
            cpu_raise_err(cpu, EXC_GP, 0); /* ran past the end of the lower half */
        p = mmu_fetch(&cpu->mmu, cpu->mmu_mode, la, &len, &page, &fault);
        if (!p && cpu->code_bits != 64 && cpu->rip > cpu->seg[SEG_CS].limit)
            cpu_raise_err(cpu, EXC_GP, 0); /* the limit comes before paging */
        if (!p)
            cpu_raise_pf(cpu, &fault);
        if (page == RAM_NO_PAGE || len < 16)
            return fetch_odd(cpu, la);
    } else {
        p = (const u8 *)(uintptr_t)(la + e->addend);
    }
    /* Neighbours in memory are neighbours here: loops stay in few host cache lines. */
    c = &cache->e[(la ^ la >> CACHE_BITS) & ((1 << CACHE_BITS) - 1)];
    if (LIKELY(c->bits == cpu->code_bits && c->feats == cpu->feats && same_bytes(c, p)))
        return &c->insn;
    switch (decode(&c->insn, p, 15, cpu->code_bits, cpu->feats)) {
    case DEC_OK: break;
    case DEC_LONG: c->bits = 0; cpu_raise_err(cpu, EXC_GP, 0);
    default: c->bits = 0; cpu_raise(cpu, EXC_UD);
    }
    memset(c->bytes, 0, sizeof(c->bytes));
    memcpy(c->bytes, p, c->insn.len);
    c->len = c->insn.len;
    c->bits = cpu->code_bits;
    c->feats = cpu->feats;
    return &c->insn;
}

void exec_log(struct cpu *cpu, const char *what)
{
    char buf[2048];
    log_line(cpu->log, LOGA_EXEC, "%s %04x:%08llx", what, cpu->seg[SEG_CS].sel,
             (unsigned long long)cpu->rip);
    if (log_on(cpu->log, LOGA_CPU))
        log_line(cpu->log, LOGA_CPU, "%s", cpu_dump(cpu, buf, sizeof(buf)));
}

static void show_probe(struct cpu *cpu, const struct insn *insn)
{
    const struct probe_hooks *probe = cpu->log->probe;
    u64 la = cpu->code_bits == 64 ? cpu->rip : (u32)(cpu->seg[SEG_CS].base + cpu->rip);
    if (probe->insn)
        probe->insn(probe->arg, la, insn->len, insn->op);
}

/* Somebody keeps a record of which code runs. */
static void note_ran(struct cpu *cpu)
{
    u64 la = cpu->code_bits == 64 ? cpu->rip : (u32)(cpu->seg[SEG_CS].base + cpu->rip);
    if (la / RAN_LINE == cpu->ran_line)
        return;
    cpu->ran_line = la / RAN_LINE;
    ran_line(cpu->ran, la);
}

void exec_run(struct cpu *cpu, u32 max, bool until_jump)
{
    while (max--) {
        const struct insn *insn;
        bool tf = cpu->eflags & FL_TF;
        u16 op;
        if (exec_logged(cpu))
            exec_log(cpu, "exec");
        if (UNLIKELY(cpu->stop_on & STOP_ON_CODE) && stop_code(cpu))
            return;
        if (UNLIKELY(cpu->ran != NULL))
            note_ran(cpu);
        debug_begin(cpu);
        insn = exec_fetch(cpu);
        if (log_probe(cpu->log))
            show_probe(cpu, insn);
        cpu->next_rip = cpu->rip + insn->len;
        if (cpu->code_bits != 64) {
            /* No byte lies beyond a limit of 4 GiB: EIP wraps in the middle of an instruction. */
            if (UNLIKELY(cpu->next_rip - 1 > cpu->seg[SEG_CS].limit) &&
                cpu->seg[SEG_CS].limit != 0xffffffffu)
                cpu_raise_err(cpu, EXC_GP, 0);
            cpu->next_rip = (u32)cpu->next_rip;
        }
        op = insn->op;
        if (UNLIKELY(cpu->shadow))
            cpu->shadow = cpu->shadow_ss = false;
        exec_table[op](cpu, insn);
        cpu->rip = cpu->next_rip;
        cpu->budget--;
        if (UNLIKELY(debug_end(cpu, op, tf)))
            debug_trap(cpu);
        if (cpu->budget <= 0 || cpu_attention(cpu) || (cpu->db_pending && !cpu->shadow_ss))
            return;
        if (until_jump && (op_info[op].attrs & (OPA_JUMP | OPA_END)))
            return;
    }
}
