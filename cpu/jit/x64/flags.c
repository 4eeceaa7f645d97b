/* Where the guest's arithmetic flags are while a block is emitted: made by the host's own
 * instructions, they stay in the host's flags and are saved as late as possible (translator.md
 * 5.4). */
#include "cpu/jit/x64/em.h"
#include "cpu/ir/shape.h"

enum { X_MOVZX16 = 0x1b7, X_SETCC = 0x190 };

/* LAHF and SETO give both bytes of struct aflags; the way back makes OF by an addition that
 * overflows. */
static void save_host(struct em *e)
{
    if (e->mend == MEND_INC) { /* bt word [af], 8: CF is the one in memory, the others stay */
        as_rm(&e->a, 0x1ba, 2, 4, ST(af));
        as8(&e->a, 8);
    }
    if (e->mend != MEND_MUL)
        as8(&e->a, 0x9f); /* lahf */
    as_rr8(&e->a, X_SETCC + CC_O, 1, 0, RAX);
    switch (e->mend) {
    case MEND_NONE:
    case MEND_INC: break;
    case MEND_SHIFT: /* or ah, AF */
        as8(&e->a, 0x80);
        as8(&e->a, 0xcc);
        as8(&e->a, F_A);
        break;
    case MEND_MUL: /* mov ah, al */
        as8(&e->a, 0x88);
        as8(&e->a, 0xc4);
        break;
    }
    as_store(&e->a, 2, RAX, ST(af));
}

void em_flags_save(struct em *e)
{
    if (e->flags == FLAGS_RECIPE)
        em_recipe_emit(e);
    if (e->flags != FLAGS_HOST)
        return;
    save_host(e);
    e->flags = e->mend && e->mend != MEND_INC ? FLAGS_MEM : FLAGS_BOTH;
    e->mend = MEND_NONE;
}

void em_flags_load(struct em *e)
{
    if (e->flags == FLAGS_RECIPE)
        em_recipe_emit(e);
    if (e->flags != FLAGS_MEM)
        return;
    as_rm(&e->a, X_MOVZX16, 4, RAX, ST(af));
    as_alu_ri(&e->a, 0, 1, RAX, 0x7f); /* add al, 0x7f */
    as8(&e->a, 0x9e);                  /* sahf */
    e->flags = FLAGS_BOTH;
}

void em_flags_commit(struct em *e)
{
    em_flags_save(e);
    e->flags = FLAGS_MEM;
    e->mend = MEND_NONE;
}

void em_flags_spoil(struct em *e, bool wanted)
{
    if (wanted && e->flags == FLAGS_RECIPE)
        return;
    if (wanted && e->flags == FLAGS_HOST && e->now <= e->recipe.until) {
        e->flags = FLAGS_RECIPE;
        e->mend = MEND_NONE;
        return;
    }
    if (wanted)
        em_flags_save(e);
    e->flags = FLAGS_MEM;
    e->mend = MEND_NONE;
}

/* The host's flags must hold these. */
void em_flags_want(struct em *e, u8 reads)
{
    if ((e->mend == MEND_MUL && (reads & ~(IRF_C | IRF_O))) ||
        (e->mend == MEND_INC && (reads & IRF_C)))
        em_flags_commit(e);
    em_flags_load(e);
    /* A recipe may have brought the same back. */
    if (e->mend == MEND_INC && (reads & IRF_C)) {
        em_flags_commit(e);
        em_flags_load(e);
    }
}

/* ---- around one operation ---- */
/* Operations whose host instruction takes the host's flags. */
static u8 reads_host_flags(const struct ir_ins *i)
{
    switch (i->op) {
    case IR_ADC:
    case IR_SBB:
    case IR_RCL1:
    case IR_RCR1:
    case IR_CMC: return IRF_C;
    case IR_SETCC:
    case IR_CMOV: return ir_cc_flags(i->b);
    default: return 0;
    }
}

/* Does the host instruction of i write the host's flags? */
static bool writes_host_flags(const struct ir_ins *i)
{
    return ir_op_info[i->op].fout && !(ir_op_info[i->op].attrs & (IRA_MEM | IRA_EXIT)) &&
           i->op != IR_SETF;
}

/* INC and DEC leave CF to memory when it is there already. */
static bool leaves_carry(const struct em *e, const struct ir_ins *i)
{
    return (i->op == IR_INC || i->op == IR_DEC) &&
           (e->flags == FLAGS_MEM || (e->flags == FLAGS_HOST && e->mend == MEND_INC));
}

void em_flags_before(struct em *e, const struct ir_ins *i, u8 live)
{
    u8 reads = reads_host_flags(i);
    bool writes = writes_host_flags(i);
    u8 kept = writes ? live & (u8)~i->flags_out : 0, row = ir_op_info[i->op].fout;
    if (e->mend == MEND_MUL && kept)
        em_flags_spoil(e, true);
    if (e->mend == MEND_INC && (kept & IRF_C) && (live & i->flags_out) && !leaves_carry(e, i))
        em_flags_commit(e);
    if (kept & row) /* of no use to anybody, but the host instruction destroys it */
        em_flags_spoil(e, true);
    if (reads)
        em_flags_want(e, reads);
    else if (kept & ~row && live & i->flags_out && !leaves_carry(e, i))
        em_flags_load(e);
}

void em_flags_behind(struct em *e, const struct ir_ins *i, u8 live)
{
    u8 kept = live & (u8)~i->flags_out;
    bool carry = leaves_carry(e, i) && (kept & IRF_C);
    if (!writes_host_flags(i))
        return;
    if (!(live & i->flags_out)) {
        /* A row that writes less than all leaves the others where they are. */
        if (!kept) {
            e->flags = FLAGS_MEM;
            e->mend = MEND_NONE;
        }
        return;
    }
    e->flags = FLAGS_HOST;
    if (i->op == IR_IMUL || i->op == IR_MULU || i->op == IR_MULS)
        e->mend = MEND_MUL;
    else if (i->op == IR_SHL || i->op == IR_SHR || i->op == IR_SAR || i->op == IR_SHLD ||
             i->op == IR_SHRD)
        e->mend = MEND_SHIFT;
    else if (carry)
        e->mend = MEND_INC;
    else if ((i->flags_out & IRF_A) || e->mend == MEND_MUL ||
             (e->mend == MEND_INC && (i->flags_out & IRF_C)))
        e->mend = MEND_NONE; /* what IMUL left is not wanted, or was saved above */
    em_recipe_note(e, i);
}
