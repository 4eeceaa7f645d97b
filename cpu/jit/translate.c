/* One block from guest bytes to host code: decode and translate, optimise, emit, enter into the
 * tables. */
#include "cpu/exec/exec.h"
#include "cpu/ir/shape.h"
#include "cpu/jit/block.h"
#include "cpu/jit/x87.h"
#include "cpu/sys/stop.h"
#include "devices/core/err.h"

#include <stdlib.h>
#include <time.h>

/* The evaluator keeps every block's IR, dead ones too: about 2 KiB each. */
enum { EVAL_BLOCKS = (1 << 16) / REGIONS };

u64 jit_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

const u8 *block_following_page(struct jit *jit, u32 off, u32 *page1)
{
    struct cpu *cpu = jit->cpu;
    struct mmu_fault fault;
    u64 la = jit_la(cpu, cpu->rip) + (u64)(PAGE_SIZE - off);
    const struct tlb_entry *e;
    *page1 = RAM_NO_PAGE;
    if (cpu_long(cpu) ? !cpu_canonical(la) : la != (u32)la)
        return NULL;
    /* Only when it is mapped and fetched already: translating ahead must not fault or set A bits
     * (Intel permits neither for instructions that are never reached). */
    e = &cpu->mmu.tlb[cpu->mmu_mode].e[tlb_index(la)];
    if (e->ex == la) {
        u32 len;
        return mmu_fetch(&cpu->mmu, cpu->mmu_mode, la, &len, page1, &fault);
    }
    return NULL;
}

/* The instructions' offsets, and a record for each that exec runs. */
static bool keep_insns(struct jit *jit, struct block *b, const struct tr_result *tr)
{
    const struct ir_block *ir = tr->ir;
    u32 n = 0;
    for (u32 i = 0; i < ir->n; i++)
        n += ir_calls_exec(ir->ins[i].op);
    b->insn_off = arena_get(&jit->region->arena, (ir->nguest + 1) * sizeof(s16));
    b->execs = n ? arena_get(&jit->region->arena, n * sizeof(*b->execs)) : NULL;
    if (!b->insn_off || (n && !b->execs))
        return false;
    memcpy(b->insn_off, ir->off, (ir->nguest + 1) * sizeof(s16));
    for (u32 i = 0; i < ir->n; i++) {
        unsigned at = ir->ins[i].at;
        if (!ir_calls_exec(ir->ins[i].op))
            continue;
        b->execs[b->nexecs++] = (struct be_exec){
            .insn = tr->insns[at],
            .fn = exec_table[tr->insns[at].op],
            .quick = jit->config.off & JIT_OFF(SYSTEM) ? NULL : jit_quick(&tr->insns[at]),
            .same = jit_quick_same(jit, &tr->insns[at]),
            .from = tr->insns[at].o[1].reg,
            .rip = b->rip + ir->off[at],
            .next = ir->long_mode ? b->rip + ir->off[at + 1] : (u32)(b->rip + ir->off[at + 1]),
            .ahead = jit->config.counted ? (s32)(ir->nguest - at) : 0,
            .dead = &b->dead,
    .mode_key = b->mode_key & ~MK_PLAIN,
        };
    }
    return true;
}

static bool keep_holes(struct jit *jit, struct block *b, const struct tr_result *tr)
{
    if (!tr->nholes)
        return true;
    b->holes = arena_get(&jit->region->arena, tr->nholes * sizeof(*b->holes));
    if (!b->holes)
        return false;
    for (u32 k = 0; k < tr->nholes; k++) {
        b->holes[k].lo = (u16)((s32)b->off + tr->holes[k].lo);
        b->holes[k].hi = (u16)((s32)b->off + tr->holes[k].hi);
    }
    b->nholes = (u8)tr->nholes;
    return true;
}

static bool keep_ir(struct block *b, const struct tr_result *tr)
{
    size_t size = offsetof(struct ir_block, ins) + tr->ir->n * sizeof(struct ir_ins),
           insns = tr->ir->nguest * sizeof(struct insn);
    b->ir = malloc(size);
    b->ir_insns = malloc(insns);
    if (!b->ir || !b->ir_insns)
        return false;
    memcpy(b->ir, tr->ir, size);
    memcpy(b->ir_insns, tr->insns, insns);
    return true;
}

/* The place of what is at p, writable alias. */
static u32 place_of(const struct jit *jit, const struct block *b, const u8 *p)
{
    return p ? block_place(b, codebuf_rx(&jit->buf, p)) : 0;
}

static bool keep_links(struct jit *jit, struct block *b, const struct be_out *out)
{
    if (!out->nexits)
        return true;
    b->links = arena_get(&jit->region->arena, out->nexits * sizeof(struct link));
    if (!b->links)
        return false;
    b->nlinks = (u8)out->nexits;
    for (u32 i = 0; i < out->nexits; i++) {
        const struct be_exit *x = &out->exits[i];
        b->links[i] = (struct link){
            .rip = x->rip,
            .rel = place_of(jit, b, x->rel),
            .unlinked = block_place(b, x->unlinked),
            .skip = place_of(jit, b, x->skip),
            .keep = block_place(b, x->keep),
            .poll = block_place(b, x->poll),
            .poll_rel = place_of(jit, b, x->poll_rel),
            .looked = x->looked,
            .polled = x->polled,
            .twin = x->twin,
            .from = b->id,
        };
    }
    return true;
}

/* `what`: which pass was the last. */
static void log_ir(struct jit *jit, enum log_area area, const char *what)
{
    static const u32 room = 128 * 1024;
    char *text;
    if (!log_at(jit->cpu->log, area, jit->cpu->seg[SEG_CS].base + jit->ir.rip) ||
        !(text = malloc(room)))
        return;
    ir_print(&jit->ir, text, room);
    log_line(jit->cpu->log, area, "%s at %08llx:\n%s",
             area == LOGA_OP ? "IR" : what, (unsigned long long)jit->ir.rip, text);
    free(text);
}

static void log_guest(struct jit *jit, const struct tr_result *tr)
{
    char line[128];
    if (!log_at(jit->cpu->log, LOGA_IN_ASM, jit->cpu->seg[SEG_CS].base + tr->ir->rip))
        return;
    for (u32 i = 0; i < tr->ir->nguest; i++) {
        u64 pc = tr->ir->rip + (u64)(s64)tr->ir->off[i];
        log_line(jit->cpu->log, LOGA_IN_ASM, "%04x:%08llx  %s", jit->cpu->seg[SEG_CS].sel,
                 (unsigned long long)pc, disasm(line, sizeof(line), &tr->insns[i], pc));
    }
}

/* Is more effort worth it here? */
static bool is_busy(const struct jit *jit, u32 page, u32 off)
{
    return jit->config.eager || jit->config.off & JIT_OFF(TIERS) ||
           jit_marked(jit->busy, page, off);
}

/* Where code without paging reads: programs of 16 bits below 640 KiB, unless their data lie higher. */
static u8 raw_window(const struct jit *jit, u64 mode_key)
{
    if (mode_key & MK_PG || jit->config.off & JIT_OFF(RAW))
        return 0;
    return 1 + (mode_key & MK_CODE || jit->cpu->seg[SEG_DS].base >= MMU_RAW_HIGH);
}

/* Emit host code for jit->ir. False: code memory is full. */
static bool emit(struct jit *jit, struct block *b, const struct tr_result *tr, struct be_out *out)
{
    struct cpu *cpu = jit->cpu;
    bool effort = is_busy(jit, b->page0, b->off);
    struct be_in in = {
        .ir = &jit->ir,
        .block_id = b->id,
        .insns = tr->insns,
        .cut = tr->cut,
        .execs = b->execs,
        .off = b->off,
        .link_any = !(b->mode_key & MK_PG),
        .base = (u32)cpu->seg[SEG_CS].base,
        .link_none = jit->config.no_chain,
        .counted = jit->config.counted,
        .tally = jit->config.tally,
        .user = cpu->mmu_mode == MMU_USER,
        .loose = jit_marked(jit->loose, b->page0, b->off),
        .ran = jit->config.ran ? (u32)offsetof(struct cpu, idle) + jit_idle_at(b->id) : 0,
        .raw = raw_window(jit, b->mode_key),
        .heats = !effort,
        .guess = effort && !jit_marked(jit->unsteady, b->page0, b->off) &&
                 !(jit->config.off & JIT_OFF(GUESSES)),
        .guess_first = jit->nguesses,
        .groups = !(b->mode_key & MK_PLAIN) && !(jit->config.off & JIT_OFF(GROUPS)),
        .two_pages = b->page1 != RAM_NO_PAGE && (b->mode_key & (MK_PG | MK_PLAIN)) == MK_PG,
        .jc_salt = jc_salt(b->mode_key & ~MK_PLAIN),
        .x87_rounds = !(cpu->fpu.sw & FP_PE) || jit_marked(jit->rounds, b->page0, b->off),
        .x87_wide = jit_x87_wide(cpu),
        .x87_top = cpu->fpu.top & 7,
        .off_techniques = jit->config.off,
    };
    out->code = jit->code_p;
    out->end = codebuf_room(jit->code_p, jit->region->end);
    codebuf_begin(&jit->buf);
    codebuf_write(&jit->buf, out->code, (size_t)(out->end - out->code));
    be_emit_block(&jit->buf, &jit->stubs, &in, out);
    codebuf_end(&jit->buf);
    if (out->full)
        return false;
    b->guess_first = jit->nguesses;
    b->code = codebuf_rx(&jit->buf, out->code);
    b->host = out->entry;
    b->forward = block_place(b, out->entry_forward);
    b->inner = block_place(b, out->entry_inner);
    b->checked = block_place(b, out->entry_checked);
    b->flags_dead = out->flags_dead;
    b->flags_unwanted = out->flags_unwanted;
    b->host_size = (u32)(out->end - out->code);
    jit->nguesses += out->nguesses;
    jit->code_p = out->end + (-(uintptr_t)out->end & 15);
    return true;
}

static void debug_check(struct jit *jit, const char *when)
{
#ifdef CONFIG_DEBUG
    struct err err;
    if (!ir_check(&jit->ir, &err))
        BUG("IR %s: %s", when, err.msg);
#endif
}

struct block *block_new(struct jit *jit, u32 page, u32 off, bool plain, u64 made)
{
    struct block *b = arena_get(&jit->region->arena, sizeof(*b));
    if (!b || !region_add(jit, b))
        return NULL;
    b->page0 = page;
    b->page1 = RAM_NO_PAGE;
    b->off = (u16)off;
    b->rip = jit->cpu->rip;
    b->made = made;
    b->mode_key = jit->cpu->mode_key | (plain ? MK_PLAIN : 0);
    return b;
}

/* The block for what was translated into jit->ir. NULL with *full: code memory is. */
static struct block *build(struct jit *jit, u32 page, u32 off, u32 page1,
                           const struct tr_source *src, const struct tr_result *tr, bool eval,
                           bool plain, u64 made, bool *full)
{
    struct block *b = block_new(jit, page, off, plain, made);
    struct be_out out;
    *full = false;
    if (!b)
        return NULL;
    b->nbytes = (u16)tr->nbytes;
    b->nguest = (u8)jit->ir.nguest;
    b->nparts = (u8)tr->nparts;
    for (u32 k = 0; k < tr->nparts; k++) {
        b->parts[k].lo = (u16)((s32)off + tr->parts[k].lo);
        b->parts[k].hi = (u16)((s32)off + tr->parts[k].hi);
        if (b->parts[k].hi > PAGE_SIZE)
            b->page1 = page1;
    }
    if (!keep_insns(jit, b, tr) || !keep_holes(jit, b, tr))
        return NULL;
    grave_keep(jit, b, src->code, src->more);
    if (!eval && !emit(jit, b, tr, &out)) {
        *full = true;
        return NULL;
    }
    if ((eval && !keep_ir(b, tr)) || (!eval && !keep_links(jit, b, &out))) {
        block_free(b);
        return NULL;
    }
    if (!eval)
        clone_keep(jit, b, &out);
    return b;
}

/* In debugging builds what was copied is translated all the same, at the same place, and
 * compared. */
struct debug_copy {
    struct block *b;
    u8 *code;
    u32 nguesses;
    u64 drops;
};

static bool debug_copy(struct jit *jit, struct block *b, struct debug_copy *copy)
{
#ifdef CONFIG_DEBUG
    u8 *code = codebuf_rw(&jit->buf, b->code);
    if (!(copy->code = malloc(b->host_size)))
        return false;
    memcpy(copy->code, code, b->host_size);
    copy->b = b;
    copy->drops = jit->drops;
    copy->nguesses = jit->nguesses;
    jit->nguesses = b->guess_first;
    jit->code_p = code;
    return true;
#else
    return false;
#endif
}

static void debug_copied(struct jit *jit, struct debug_copy *copy, const struct block *b)
{
#ifdef CONFIG_DEBUG
    if (!copy->b)
        return;
    if (copy->drops == jit->drops)
        clone_check(jit, copy->b, copy->code, b);
    jit->nguesses = MAX(copy->nguesses, jit->nguesses);
    free(copy->code);
#endif
}

/* b is complete: into the tables. */
static void enter(struct jit *jit, struct block *b, bool eval, u64 start)
{
    jit->region->nblocks++;
    block_insert(jit, b);
    if (!eval)
        clone_offer(jit, b);
    jit->stats.blocks++;
    jit->stats.guest_insns += b->nguest;
    jit->stats.guest_bytes += b->nbytes;
    jit->stats.host_bytes += b->host_size;
    jit->stats.translate_ns += jit_now() - start;
    if (!eval && log_at(jit->cpu->log, LOGA_OUT_ASM, jit->cpu->seg[SEG_CS].base + b->rip))
        jit_log_host(jit, b);
}

static void optimise(struct jit *jit)
{
    static const char *const after[IR_PASS__COUNT] = {"IR after fold", "IR after dce"};
    if (LIKELY(!log_on(jit->cpu->log, LOGA_OP_PASS))) {
        ir_optimise(&jit->ir, jit->config.passes);
        return;
    }
    for (unsigned k = 0; k < IR_PASS__COUNT; k++) {
        ir_optimise(&jit->ir, jit->config.passes & BIT(k));
        log_ir(jit, LOGA_OP_PASS, after[k]);
    }
}

struct block *block_translate(struct jit *jit, u32 page, u32 off, const u8 *code, bool eval,
                              bool plain)
{
    struct tr_result tr; /* large: tr_block() sets what it uses */
    struct tr_source src = {.code = code, .len = PAGE_SIZE - off, .before = off};
    struct debug_copy copy = {0};
    struct block *b;
    u32 page1;
    bool full;
    u64 start = jit_now();
    bool stops = UNLIKELY(jit->cpu->stop_on & STOP_ON_CODE);
    u64 la = jit_la(jit->cpu, jit->cpu->rip);
    if (stops && jit_stop_at(jit->cpu, la))
        return NULL;
    tr.ir = &jit->ir;
    if (jit->region->nblocks >= (eval ? (u32)EVAL_BLOCKS : BIT(REGION_ID_BITS) - 1))
        region_next(jit);
    /* What is copied may go over a stop point of the new place. */
    if (!eval && !stops && (b = clone_make(jit, page, off, plain)) != NULL &&
        !debug_copy(jit, b, &copy)) {
        enter(jit, b, eval, start);
        return b;
    }
    src.more = block_following_page(jit, off, &page1);
    /* A page behind itself: blocks have bytes of two pages, or of one in one piece. */
    src.more_len = src.more && page1 != RAM_NO_PAGE && page1 != page ? PAGE_SIZE : 0;
    src.soft = soft_marks(jit, page);
    src.stops = stops ? jit_stop_map(jit, la) : NULL;
    jit->config.tr.loops = 0;
    if (is_busy(jit, page, off) && !(jit->config.off & JIT_OFF(LOOPS)))
        jit->config.tr.loops = jit->stubs.loops;
    jit->config.tr.loop_insns = jit->stubs.loop_insns;
    jit->config.tr.basic = jit->config.seen;
    jit->config.tr.brief = !is_busy(jit, page, off) && !(jit->config.off & JIT_OFF(BRIEF));
    jit->config.tr.no_x87 =
        jit->stubs.x87_double &&
        (plain || !(jit_x87_doubles(jit->cpu) || jit_x87_wide(jit->cpu)));
    jit->config.tr.x87_no_ten = !jit_x87_wide(jit->cpu);
    jit->config.tr.x87_leaves = jit->stubs.x87_double;
    tr_block(jit->cpu, &jit->config.tr, &src, &tr);
    if (tr.exec_only)
        return NULL;
    log_guest(jit, &tr);
    debug_check(jit, "from the translator");
    log_ir(jit, LOGA_OP, NULL);
    optimise(jit);
    debug_check(jit, "after the passes");
    log_ir(jit, LOGA_OP_OPT, "IR after the passes");
    b = build(jit, page, off, page1, &src, &tr, eval, plain, start, &full);
    if (full) {
        region_next(jit); /* a block always fits an empty one */
        b = build(jit, page, off, page1, &src, &tr, eval, plain, start, &full);
    }
    if (!b)
        return NULL;
    debug_copied(jit, &copy, b);
    jit->stats.ir_ops += jit->ir.n;
    enter(jit, b, eval, start);
    return b;
}
