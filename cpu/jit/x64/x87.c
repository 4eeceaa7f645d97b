/* x86-64 code for x87 operations: the guest's whole x87 state is the host's, TOP and words too,
 * from the first x87 operation until exec touches the unit or translated code is left
 * (cpu->x87_live); each operation is then the host's own with the same bytes (SDM vol. 1 ch. 8).
 * C code in between does not mind: only long double would use the unit. */
#include "cpu/jit/x64/group.h"

/* FNSAVE's image in 32-bit protected mode form, which 64-bit code uses, too. */
struct image {
    u32 cw, sw, tag, fip, fcs_fop, fdp, fds;
    u8 st[8][10];
} __attribute__((packed));

void be_x87_load(struct cpu *cpu)
{
    struct fpu *f = &cpu->fpu;
    struct image m = {.cw = 0xffff0000u | f->cw, .sw = 0xffff0000u | f->sw | (u32)f->top << 11};
    for (unsigned i = 0; i < 8; i++) {
        const struct f80 *st = &f->st[(f->top + i) & 7];
        st64(m.st[i], st->frac);
        st16(m.st[i] + 8, st->se);
        m.tag |= (f->empty >> i & 1 ? 3u : 0u) << (2 * i);
    }
    m.tag |= 0xffff0000u;
    __asm__ volatile("frstor %0" : : "m"(m) : "memory");
    cpu->x87_live = 1;
}

static void from_host(struct cpu *cpu)
{
    struct fpu *f = &cpu->fpu;
    struct image m;
    __asm__ volatile("fnsave %0" : "=m"(m) : : "memory");
    f->cw = (u16)m.cw;
    f->sw = (u16)(m.sw & ~SW_TOP);
    f->top = m.sw >> 11 & 7;
    f->empty = 0;
    for (unsigned i = 0; i < 8; i++) {
        struct f80 *st = &f->st[(f->top + i) & 7];
        st->frac = ld64(m.st[i]);
        st->se = ld16(m.st[i] + 8);
        f->empty |= (u8)((m.tag >> (2 * i) & 3) == 3) << i;
    }
    cpu->x87_live = 0;
}

void be_x87_spill(struct cpu *cpu)
{
    if (cpu->x87_live)
        from_host(cpu);
}

/* ---- operations ---- */
static void put_bytes(struct em *e, const struct insn *insn)
{
    as8(&e->a, (u8)(0xd8 | insn->imm2 >> 8));
    as8(&e->a, (u8)insn->imm2);
}

bool em_x87_control(unsigned op)
{
    return op == OP_FLDCW || op == OP_FNSTCW || op == OP_FNSTSW;
}

/* Where the unit's instruction pointer is: the site says it, to be looked up when somebody asks. */
static void note(struct em *e, const struct ir_ins *i, const struct insn *insn)
{
    if (!em_x87_control(insn->op)) {
        as_mov_mi(&e->a, 4, ST(x87_site), (s32)(SITE(e->in->block_id, i->at) + 1));
        em_fix(e, BE_FIX_SITE, 4);
    }
}

/* A control word that unmasks something is for exec, which then changes the mode. */
static void load_control(struct em *e, const struct ir_ins *i, struct mem m)
{
    as_rm(&e->a, 0x1b6, 4, SCR2, m);
    as_rr(&e->a, 0xf7, 4, 2, SCR2); /* not */
    as_rr(&e->a, 0xf6, 1, 0, SCR2); /* test */
    as8(&e->a, FP_ALL);
    em_cold(e, COLD_BAIL, i, as_jcc(&e->a, CC_NE), NULL, 0);
    as_rm(&e->a, 0xd9, 4, 5, m);
}

static void memory(struct em *e, const struct ir_ins *i, const struct insn *insn)
{
    bool grouped = e->group[e->now];
    struct mem m = em_access(e, i, i->op == IR_VECS);
    unsigned la = grouped ? 0 : m.index;
    if (insn->op == OP_FLDCW) {
        load_control(e, i, m);
        return;
    }
    as_rm(&e->a, 0xd8 | insn->imm2 >> 8, 4, insn->imm2 >> 3 & 7, m);
    if (!em_x87_control(insn->op)) {
        if (grouped || m.disp)
            la = em_address(e, i, (s32)i->imm);
        as_store(&e->a, 8, la, ST(fpu.fdp));
        as_rm(&e->a, 0x1b7, 4, SCR, ST(seg[insn->seg].sel));
        as_store(&e->a, 2, SCR, ST(fpu.fds));
        note(e, i, insn);
    }
}

void em_x87_op(struct em *e, const struct ir_ins *i, u8 live)
{
    const struct insn *insn = &e->in->insns[i->at];
    switch (i->op) {
    case IR_VECL:
    case IR_VECS: memory(e, i, insn); break;
    case IR_VECD: { /* FNSTSW AX: SCR is the host's AX */
        struct loc d = em_loc(e, i->dst);
        as8(&e->a, 0xdf);
        as8(&e->a, 0xe0);
        as_mov_rr(&e->a, 2, d.r, SCR);
        break;
    }
    default:
        put_bytes(e, insn);
        note(e, i, insn);
        break;
    }
}

void em_x87_enter(struct em *e)
{
    u8 *there;
    as_alu_mi(&e->a, 7, 1, ST(x87_live), 0);
    there = as_jcc(&e->a, CC_NE);
    em_call_stub(e, e->stubs->x87_load);
    if (!e->a.full)
        as_patch(there, e->a.p);
}
