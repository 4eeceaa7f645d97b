/* Running translated code: find or make the block, enter it, link exits, and the helpers that code
 * calls. */
#include "cpu/jit/jit.h"
#include "cpu/exec/exec.h"
#include "cpu/exec/step.h"
#include "cpu/ir/eval.h"
#include "cpu/jit/block.h"
#include "cpu/jit/flatmem.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/stop.h"
#include "devices/core/err.h"
#include "devices/core/huge.h"

#include <stdlib.h>

#ifdef CONFIG_TORTURE
enum { CODE_SIZE = 128 * 1024 };
#else
enum { CODE_SIZE = 256 * 1024 * 1024 };
#endif

/* ---- what code calls ---- */
/* The guest instruction of `site` is about to fault, to be left, or to look at time: put EIP and
 * the count right. */
static struct block *at_site(struct cpu *cpu, u32 site)
{
    struct jit *jit = cpu->jit;
    struct block *b = jit_block(jit, SITE_BLOCK(site));
    unsigned at = SITE_AT(site);
    cpu->rip = b->rip + b->insn_off[at];
    cpu->ahead = jit->config.counted ? b->nguest - (s32)at : 0;
    return b;
}

/* An instruction is done in the middle or at the end of a block: straight on to the block at
 * cpu->rip when there is one and nothing else comes first, else back to jit_run(). */
NORETURN static void go_on(struct cpu *cpu)
{
    struct jit *jit = cpu->jit;
    const void *host = NULL;
    bool on = cpu_straight(cpu) && cpu->budget > 0;
    if (UNLIKELY(!on)) {
        /* Behind STI, as the run loop does: one instruction before anything else may happen. */
        if (cpu->shadow && !cpu->db_pending && cpu->budget > 0 && !cpu_attention(cpu)) {
            jit_x87_spill(cpu);
            exec_run(cpu, 1, false);
        }
        on = !cpu_attention(cpu) && cpu->budget > 0 && !cpu_needs_exec(cpu);
    }
    if (on) {
        jc_refresh(jit);
        host = jc_probe(jit);
    }
    jit->stats.resumes += host != NULL;
    jit->stubs.resume(cpu, host ? host : jit->stubs.leave);
    __builtin_unreachable();
}

/* The instruction of `site` is for exec; nothing of it is committed. */
NORETURN static void help_bail(struct cpu *cpu, u32 site)
{
    at_site(cpu, site);
    cpu->jit->stats.exits_bail++;
    cpu_unwound(cpu);
    exec_run(cpu, 1, false);
    go_on(cpu);
}

/* Have block b made anew, with a mark at its place. */
static void remake(struct jit *jit, struct block *b, u8 marks[HOT_SIZE / 8])
{
    u32 place = jit_place(b->page0, b->off);
    if (b->dead || jit_marked(marks, b->page0, b->off))
        return;
    marks[place / 8] |= (u8)(1u << (place & 7));
    block_retire(jit, b);
}

/* An access at this site is not aligned. Every so often that has its block made anew with probes
 * that do not mind: the more such accesses a block has the sooner it is met. */
static void not_aligned(struct cpu *cpu, u32 site)
{
    enum { EVERY = 256 };
    struct jit *jit = cpu->jit;
    if (cpu->loose_left-- > 0)
        return;
    cpu->loose_left = EVERY;
    remake(jit, jit_block(jit, SITE_BLOCK(site)), jit->loose);
}

/* Many guesses were wrong. When that did not take long, the block where it happens is better off
 * without: the more it has of them the sooner it is met. */
static u64 help_guess(struct cpu *cpu, u64 addend, const void *from)
{
    enum { EVERY = 512, NS_EACH = 160 };
    struct jit *jit = cpu->jit;
    u64 now = jit_now();
    struct block *b = region_block_at(jit, from);
    cpu->guess_left = EVERY;
    if (b && now - jit->guess_seen < EVERY * NS_EACH)
        remake(jit, b, jit->unsteady);
    jit->guess_seen = now;
    return addend;
}

static void help_hot(struct cpu *cpu, u64 unused, const void *from)
{
    struct jit *jit = cpu->jit;
    struct block *b = region_block_at(jit, from);
    if (!b)
        return;
    cpu->heat[b->id % CPU_HEATS] = (s32)jit->config.heat;
    remake(jit, b, jit->busy);
}

static u64 help_prepare(struct cpu *cpu, u64 la, u32 size_write, u32 site)
{
    unsigned size = size_write & 0xff;
    int access = size_write >> 8 ? TLB_WR : TLB_RD;
    struct mmu_fault fault;
    /* What is not canonical is for exec, which knows the exception. */
    enum mmu_place place = cpu_canonical(la) && cpu_canonical(la + size - 1)
                               ? mmu_prepare(&cpu->mmu, cpu->mmu_mode, la, size, access, &fault)
                               : MMU_SPECIAL;
    /* Accesses across pages have no single addend. */
    if (LIKELY(place == MMU_PLAIN && (la & PAGE_MASK) + size <= PAGE_SIZE)) {
        if (la & (size - 1) && !cpu_long(cpu))
            not_aligned(cpu, site);
        return cpu->mmu.tlb[cpu->mmu_mode].e[tlb_index(la)].addend;
    }
    if (place == MMU_FAULT) {
        at_site(cpu, site);
        cpu_raise_pf(cpu, &fault);
    }
    help_bail(cpu, site);
}

static u64 help_group(struct cpu *cpu, u64 la, u32 what, u32 site)
{
    const struct tlb *tlb = &cpu->mmu.tlb[cpu->mmu_mode];
    const struct tlb_entry *e = &tlb->e[tlb_index(la)];
    const u64 *tag = what & BE_GROUP_WRITE ? &e->wr : &e->rd;
    unsigned span = what & BE_GROUP_SPAN;
    /* The first access may fault, or need exec; what the others would do is not known yet. */
    if (tlb_hit(*tag, la, span))
        not_aligned(cpu, site);
    else
        help_prepare(cpu, la + (what >> 16),
                     (1u << (what >> 12 & 15)) | (what & BE_GROUP_LEAD_WRITE ? 0x100 : 0), site);
    if (tlb_hit(*tag, la, span))
        return la + e->addend;
    /* Beside translated code stores are plain as long as they do not touch it. */
    return tag == &e->wr && tlb_hit(*tag & ~(u64)TLB_CODE, la, span) &&
                   !ram_code_at(cpu->mmu.space, tlb->cold[tlb_index(la)].page,
                                (u32)la & PAGE_MASK, span)
               ? la + e->addend
               : 0;
}

static void help_seg(struct cpu *cpu, u64 off, u32 what, u32 site)
{
    at_site(cpu, site);
    seg_check(cpu, what >> 16, off, what & 0xff, what >> 8 & 1);
    cpu->ahead = 0;
}

void jit_x87_place(struct cpu *cpu)
{
    struct jit *jit = cpu->jit;
    u32 site = cpu->x87_site - 1;
    const struct block *b;
    if (!cpu->x87_site)
        return;
    cpu->x87_site = 0;
    b = jit_block(jit, SITE_BLOCK(site));
    cpu->fpu.fip = b->rip + b->insn_off[SITE_AT(site)];
    cpu->fpu.fcs = cpu->seg[SEG_CS].sel;
}

void jit_x87_spill(struct cpu *cpu)
{
    jit_x87_place(cpu);
    be_x87_spill(cpu);
}

/* Does exec look at the x87 unit for this operation? */
static bool touches_x87(const struct insn *insn)
{
    unsigned op = insn->op;
    return insn_units(insn) & UNIT_X87 || op == OP_XSAVE || op == OP_XSAVEOPT ||
           op == OP_XSAVEC || op == OP_XRSTOR || op == OP_XGETBV; /* of XINUSE */
}

void jit_leave_behind(struct cpu *cpu, const struct be_exec *x)
{
    if (x->ahead)
        cpu->budget += x->ahead - 1;
    cpu->ahead = 0;
    if (debug_end(cpu, x->insn.op, false)) /* SYSCALL and SYSRET may leave a trap */
        debug_trap(cpu);
    go_on(cpu);
}

static void help_exec(struct cpu *cpu, const struct be_exec *x)
{
    u32 gen = cpu->mmu.gen;
    if (UNLIKELY(cpu->x87_site))
        jit_x87_place(cpu); /* it may load CS */
    if (UNLIKELY(cpu->x87_live) && touches_x87(&x->insn))
        be_x87_spill(cpu);
    cpu->rip = x->rip;
    cpu->next_rip = x->next;
    cpu->ahead = x->ahead;
    cpu->jit->stats.exec_ops[x->insn.op]++;
    x->fn(cpu, &x->insn);
    cpu->rip = cpu->next_rip;
    if (LIKELY(cpu->rip == x->next && !*x->dead && cpu->mode_key == x->mode_key &&
               cpu->mmu.gen == gen && jit_goes_on(cpu)))
        cpu->ahead = 0;
    else
        jit_leave_behind(cpu, x);
}

/* ---- finding blocks ---- */
struct cold_place {
    bool is;
    struct cold *c; /* NULL: not kept decoded */
    const u8 *code;
};

/* The place at cpu->rip is not worth translating yet: what is to be run there. Returns what
 * JIT_COLD says, or JIT_AGAIN when that is done. */
static enum jit_left run_cold(struct jit *jit, const struct cold_place *place)
{
    return place->c && cold_run(jit, place->c, place->code) ? JIT_AGAIN : JIT_COLD;
}

/* Is byte `off` of `page` cold? Then that is in *cold. */
static bool is_cold(struct jit *jit, u32 page, u32 off, const u8 *code, struct cold_place *cold)
{
    u32 at = jit_place(page, off);
    *cold = (struct cold_place){true, NULL, code};
    if (jit->cold && !log_on(jit->cpu->log, LOGA_EXEC) && !log_on(jit->cpu->log, LOGA_CPU) &&
        (cold->c = cold_at(jit, page, off, code)) != NULL)
        return !cold_is_hot(jit, cold->c);
    /* Code that is rewritten all the time is better run by exec for longer each time. */
    if (jit->hot[at] >= MIN(jit->config.hot << jit->kills[at], 0xffu))
        return false;
    jit->hot[at]++;
    return true;
}

/* May a block on two pages be entered by a link? Without paging, or where it asks the table. */
static bool linkable(const struct block *to)
{
    return to->page1 == RAM_NO_PAGE || !(to->mode_key & MK_PG) || to->checked;
}

/* Is there translated code on the line? Otherwise a search is in vain. */
static bool may_have(const struct jit *jit, u32 page, u32 off)
{
    return jit->cpu->mmu.space->code_lines[page] >> (off >> 6) & 1;
}

/* The blocks that b's direct exits on the same page go to, as far as they are warm: what translates is
 * in the host's caches now, and would not be when each of them gets hot. */
static void translate_near(struct jit *jit, struct block *b, const u8 *code)
{
    struct cpu *cpu = jit->cpu;
    u64 drops = jit->drops, rip = cpu->rip;
    for (u32 k = 0; k < b->nlinks; k++) {
        const struct link *x = &b->links[k];
        s64 off = (s64)b->off + (s64)(x->rip - b->rip);
        struct block *to;
        if (x->twin || !x->rel || off < 0 || off >= (s64)PAGE_SIZE || x->target)
            continue;
        to = may_have(jit, b->page0, (u32)off)
                 ? block_find(jit, b->page0, (u32)off, x->rip, cpu->mode_key)
                 : NULL;
        if (!to && cold_is_warm(jit, b->page0, (u32)off)) {
            cpu->rip = x->rip;
            to = block_translate(jit, b->page0, (u32)off, code + (off - b->off), false, false);
            cpu->rip = rip;
            if (drops != jit->drops)
                return;
            if (to)
                jit->stats.near_made++;
        }
        if (to && !to->retired && linkable(to))
            block_link(jit, b, &b->links[k], to);
    }
}

/* The block at cpu->rip; NULL: run exec, or what `*cold` says when the place is not worth
 * translating yet. */
static struct block *find(struct jit *jit, bool eval, bool plain, struct cold_place *cold)
{
    struct cpu *cpu = jit->cpu;
    u64 la = jit_la(cpu, cpu->rip);
    struct mmu_fault fault;
    u32 len, page, off = (u32)la & PAGE_MASK;
    const u8 *code =
        cpu_canonical(la) ? mmu_fetch(&cpu->mmu, cpu->mmu_mode, la, &len, &page, &fault) : NULL;
    struct block *b = NULL;
    u32 gen = cpu->mmu.gen;
    jit->stats.lookups++;
    cold->is = false;
    if (!code || page >= jit->npages)
        return NULL;
    if (UNLIKELY(cpu->stop_on & STOP_ON_CODE) && jit_stop_at(cpu, la))
        return NULL;
    if (may_have(jit, page, off))
        b = block_find(jit, page, off, cpu->rip, cpu->mode_key | (plain ? MK_PLAIN : 0));
    /* What is as it was before need not get warm again. */
    if (!b && (jit->config.eager || plain || jit->kills[jit_place(page, off)]))
        b = grave_revive(jit, page, off, code, cpu->mode_key | (plain ? MK_PLAIN : 0));
    if (!b && !jit->config.eager && !plain && is_cold(jit, page, off, code, cold))
        return NULL;
    cold->is = false;
    if (b && b->retired) {
        block_kill(jit, b);
        b = NULL;
    }
    if (!b)
        b = grave_revive(jit, page, off, code, cpu->mode_key | (plain ? MK_PLAIN : 0));
    if (!b && !jit->config.eager && !plain && rewrite_too_often(jit, page, off)) {
        *cold = (struct cold_place){true, NULL, code};
        return NULL;
    }
    if (!b) {
        jit->stats.creations++;
        b = block_translate(jit, page, off, code, eval, plain);
        if (b && jit->cold && !eval && !plain && !jit->config.no_chain && cpu->mmu.gen == gen) {
            u64 drops = jit->drops;
            translate_near(jit, b, code);
            if (drops != jit->drops)
                b = NULL; /* it may be gone, too */
        }
        jc_refresh(jit); /* a flush on the way voids nothing that this would not set anew */
    }
    if (b && UNLIKELY(b->page1 != RAM_NO_PAGE)) {
        /* The second page may be mapped elsewhere by now. */
        u32 page1;
        u64 la1 = jit_la_next(cpu, la);
        if (!mmu_fetch(&cpu->mmu, cpu->mmu_mode, la1, &len, &page1, &fault))
            return NULL;
        if (page1 != b->page1) {
            block_kill(jit, b);
            return NULL;
        }
    }
    return b;
}

/* Where instruction i of b is. */
static u64 block_rip(const struct cpu *cpu, const struct block *b, u32 i)
{
    u64 rip = b->rip + (u64)(s64)b->insn_off[i];
    return cpu_long(cpu) ? rip : (u32)rip;
}

static enum jit_left run_eval(struct jit *jit)
{
    struct cpu *cpu = jit->cpu;
    const struct insn *insns[IR_MAX_GUEST];
    struct block *b;
    struct ir_run run;
    enum ir_left left;
    struct cold_place cold;
    u64 mode = cpu->mode_key;
    for (;;) {
        if (cpu_attention(cpu) || cpu->budget <= 0 || cpu->mode_key != mode ||
            (cpu->eflags & (FL_TF | FL_RF)))
            return JIT_AGAIN;
        b = find(jit, true, false, &cold);
        if (!b && cold.is) {
            return run_cold(jit, &cold);
        }
        if (!b || cpu->budget < b->nguest)
            return JIT_EXEC;
        /* A block stays in memory until a translation needs its room. */
        for (u32 i = 0; i < b->ir->nguest; i++)
            insns[i] = &b->ir_insns[i];
        if (exec_logged(cpu))
            exec_log(cpu, "block");
        cpu->idle[jit_idle_at(b->id)] = 0;
        run = (struct ir_run){.stop = &b->dead};
        left = ir_eval(cpu, b->ir, insns, &run);
        cpu->budget -= (s32)run.done;
        cpu->ahead = 0;
        if (left == LEFT_BAIL)
            return JIT_EXEC;
        if (cpu->mode_key != b->mode_key || cpu->shadow || cpu->db_pending)
            return JIT_AGAIN;
    }
}

/* The blocks' instructions in exec, each told to the probe. */
static enum jit_left run_seen(struct jit *jit)
{
    struct cpu *cpu = jit->cpu;
    const struct probe_hooks *probe = log_probe(cpu->log);
    struct cold_place cold;
    for (;;) {
        struct block *b;
        u32 gen, i = 0;
        if (cpu_attention(cpu) || cpu->budget <= 0 || cpu_needs_exec(cpu))
            return JIT_AGAIN;
        b = find(jit, !jit->stubs.enter, false, &cold);
        if (!b)
            return JIT_EXEC;
        if (probe && probe->block_run)
            probe->block_run(probe->arg, b->id);
        gen = cpu->mmu.gen;
        do {
            u64 rip = cpu->rip;
            exec_run(cpu, 1, false);
            /* RF and the same place: a string instruction that goes on. */
            i += !((cpu->eflags & FL_RF) && cpu->rip == rip);
        } while (i < b->nguest && !b->dead && cpu->rip == block_rip(cpu, b, i) &&
                 cpu->mode_key == b->mode_key && cpu->mmu.gen == gen && !cpu_attention(cpu) &&
                 cpu->budget > 0 && !cpu_needs_exec(cpu));
    }
}

/* Behind exit `site` of a block: the next block, linked when that is allowed. */
static struct block *follow(struct jit *jit, u32 site, struct cold_place *cold)
{
    struct block *from = jit_block(jit, SITE_BLOCK(site)), *to;
    struct link *l = &from->links[SITE_AT(site)];
    u64 drops = jit->drops;
    to = find(jit, false, l->twin, cold);
    /* A translation may have freed `from`. */
    if (to && drops == jit->drops && !from->dead && linkable(to))
        block_link(jit, from, l, to);
    return to;
}

enum jit_left jit_run(struct cpu *cpu, bool eval)
{
    struct jit *jit = cpu->jit;
    u64 r = BE_LEAVE;
    if (UNLIKELY(jit->config.seen))
        return run_seen(jit);
    if (eval || !jit->stubs.enter) /* no back end */
        return run_eval(jit);
    codebuf_thread(&jit->buf);
    for (;;) {
        const void *host;
        if (cpu_attention(cpu) || cpu->budget <= 0 || cpu_needs_exec(cpu))
            return JIT_AGAIN;
        jc_refresh(jit);
        host = r & BE_LINK ? NULL : jc_probe(jit);
        if (!host) {
            struct cold_place cold;
            struct block *b =
                r & BE_LINK ? follow(jit, (u32)r, &cold) : find(jit, false, false, &cold);
            if (!b && (!cold.is || run_cold(jit, &cold) == JIT_COLD))
                return cold.is ? JIT_COLD : JIT_EXEC;
            r = BE_LEAVE;
            if (!b)
                continue;
            if (!jit->config.no_chain && !(b->mode_key & MK_PLAIN))
                jc_put(jit, b);
            host = b->host;
        }
        if (exec_logged(cpu))
            exec_log(cpu, "block");
        jit->stats.enters++;
        r = jit->stubs.enter(cpu, host);
        jit_x87_spill(cpu);
        if (r & BE_LINK) {
            cpu->rip = jit_block(jit, SITE_BLOCK((u32)r))->links[SITE_AT((u32)r)].rip;
            jit->stats.exits_link++;
        } else if (r & BE_ENTRY) {
            const struct block *b = jit_block(jit, SITE_BLOCK((u32)r));
            cpu->rip = b->rip + b->insn_off[SITE_AT((u32)r)];
            jit->stats.exits_entry++;
            /* The block is longer than what is left to run. */
            if (jit->config.counted && cpu->budget > 0 && !cpu_attention(cpu))
                return JIT_EXEC;
        } else {
            jit->stats.exits_indirect++;
        }
    }
}

/* ---- life ---- */
static bool size_pages(struct jit *jit)
{
    u32 n = jit->cpu->mmu.space->npages;
    jit->pages = calloc(n ? n : 1, sizeof(*jit->pages));
    jit->npages = n;
    return jit->pages != NULL;
}

static bool code_memory(struct jit *jit, struct err *err)
{
    size_t size = jit->config.code_size ? jit->config.code_size : CODE_SIZE;
    enum codebuf_way tries[CODEBUF_TRIES];
    unsigned n = codebuf_tries(jit->config.map, tries);
    if (!be_reach()) /* the evaluator alone */
        return true;
    for (unsigned i = 0; i < n; i++) {
        if (!codebuf_init(&jit->buf, MIN(size, be_reach()), tries[i], err))
            continue;
        if (be_works(&jit->buf))
            return true;
        codebuf_free(&jit->buf);
        err_set(err, "the host runs code that was written anew as it was before; guests run in the "
                     "interpreter");
    }
    return false;
}

void jit_frame(const struct cpu *cpu, struct jit_frame *frame)
{
    const struct jit *jit = cpu->jit;
    *frame = (struct jit_frame){0};
    if (!jit || !jit->buf.rx)
        return;
    frame->stubs = (uintptr_t)jit->buf.rx;
    frame->stubs_size = jit->stubs_size;
    be_frame(frame);
}

bool jit_new(struct cpu *cpu, const struct jit_config *config, struct err *err)
{
    static const struct be_helpers helpers = {help_prepare, help_group,  help_guess, help_hot,   help_bail,
                                              be_x87_load,  help_seg,    help_exec,  jit_help_rep, jit_help_vec};
    struct jit *jit = huge_get(sizeof(*jit));
    if (!jit)
        return err_set(err, "no memory for the translator");
    jit->cpu = cpu;
    jit->config = *config;
    be_vector_ops(jit->vec);
    jit->config.tr.vec = jit->vec;
    jit->config.tr.follow = !(jit->config.off & JIT_OFF(TRACES));
    if (config->seen) {
        jit->config.eager = jit->config.no_chain = true;
        jit->config.tr.follow = false;
        jit->config.off |= JIT_OFF(LOOPS) | JIT_OFF(CLONES) | JIT_OFF(SOFT);
    }
    if (!jit->config.heat)
        jit->config.heat = HEAT;
    if (!jit->config.hot)
        jit->config.hot = HOT_AFTER;
    for (u32 i = 0; i < CPU_HEATS; i++)
        cpu->heat[i] = (s32)jit->config.heat;
    if (jit->config.ran)
        memset(cpu->idle, 0xff, sizeof(cpu->idle));
    cpu->host_mxcsr = 0x1f80;
    for (u32 i = 0; i < CPU_GUESSES; i++)
        cpu->guess[i] = 1; /* no addend */
    if (!size_pages(jit) || !code_memory(jit, err)) {
        free(jit->pages);
        huge_free(jit, sizeof(*jit));
        return false;
    }
    if (!(config->off & JIT_OFF(DECODED)) && !jit->config.eager)
        jit->cold = cold_new(); /* without it exec does that, too */
    jit->code_p = jit->buf.rw;
    if (!(config->off & JIT_OFF(FLAT)) && flatmem_new(&cpu->mmu.flat, cpu)) {
        jit->stubs.flat = (s64)((uintptr_t)cpu->mmu.flat.base - (uintptr_t)cpu);
        mmu_flush(&cpu->mmu, true); /* from here on in step */
    }
    codebuf_begin(&jit->buf);
    codebuf_write(&jit->buf, jit->buf.rw, jit->buf.size);
    be_emit_stubs(&jit->buf, &jit->code_p, &helpers, &jit->stubs);
    codebuf_end(&jit->buf);
    jit->stubs_size = (size_t)(jit->code_p - jit->buf.rw);
    jit->code_p += -(uintptr_t)jit->code_p & 63;
    regions_init(jit);
    jit->gen_seen[0] = ~cpu->mmu.gen;
    jit->gen_seen[1] = ~cpu->mmu.gen_global;
    jit->sup_global = true;
    jit->a20_seen = cpu->mmu.a20_mask;
    jit->jc_gen[0] = jit->jc_gen[1] = 1;
    cpu->jit = jit;
    jc_forget_modes(jit);
    soft_init(jit);
    jc_wipe(cpu);
    return true;
}

void jit_free(struct cpu *cpu)
{
    struct jit *jit = cpu->jit;
    if (!jit)
        return;
    jit_flush(cpu);
    regions_free(jit);
    free(jit->pages);
    codebuf_free(&jit->buf);
    flatmem_free(&cpu->mmu.flat);
    cold_free(jit->cold);
    huge_free(jit, sizeof(*jit));
    cpu->jit = NULL;
}

const struct jit_stats *jit_stats(const struct cpu *cpu)
{
    struct jit_stats *s;
    if (!cpu->jit)
        return NULL;
    s = &cpu->jit->stats;
    s->exits_exec = 0;
    for (unsigned op = 0; op < OP__COUNT; op++)
        s->exits_exec += s->exec_ops[op];
    return s;
}

void jit_exits(const struct cpu *cpu, struct jit_exits *x)
{
    const struct jit_stats *s = jit_stats(cpu);
    const u64 *tally = cpu->tally;
    u64 others;
    *x = (struct jit_exits){.insns = tally[TALLY_INSNS],
                            .table = tally[TALLY_TABLE],
                            .paired = tally[TALLY_PAIRED],
                            .unpaired = tally[TALLY_UNPAIRED],
                            .unlinked = s->exits_link,
                            .missed = s->exits_indirect,
                            .polls = s->exits_entry,
                            .exec = s->resumes + s->exits_bail,
                            .in_exec = s->exits_exec};
    for (unsigned v = 0; v < ARRAY_LEN(cpu->stat_exc); v++)
        x->faults += cpu->stat_exc[v];
    /* Each entry of a block that nothing else accounts for came by a link; behind a paired return,
     * too, the caller goes on by one. */
    others = s->enters + s->resumes + x->table + x->paired;
    x->linked = tally[TALLY_BLOCKS] > others ? tally[TALLY_BLOCKS] - others : 0;
}
