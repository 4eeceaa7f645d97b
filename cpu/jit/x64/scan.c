/* One walk over a block from its end, behind the planning of groups: flags wanted behind each
 * operation, last uses of temporaries, where the vector and x87 units are used last, and sums that
 * nobody asks for since an access behind a check takes another way. */
#include "cpu/jit/x64/group.h"
#include "cpu/ir/shape.h"

static inline void note_use(struct em *e, u8 v, u32 n)
{
    if (v >= IR_T0 && v < IR_MAX_VALUE && !e->last[v])
        e->last[v] = (u16)n;
}

static void note_units(struct em *e, const struct ir_ins *i, u32 n)
{
    const struct insn *insn = &e->in->insns[i->at];
    unsigned units = insn_units(insn);
    e->avx |= insn->vl != 0;
    if (units & UNIT_X87 && !e->last_x87)
        e->last_x87 = n + 1;
    if (units != UNIT_X87 && !e->last_vec)
        e->last_vec = n + 1;
}

void em_scan_uses(struct em *e)
{
    const struct ir_block *b = e->in->ir;
    u8 live = IRF_ALL;
    for (u32 n = b->n; n-- > 0;) {
        const struct ir_ins *i = &b->ins[n];
        u8 use = ir_op_info[i->op].use;
        bool follows = e->follows[n];
        e->live[n] = live;
        if (e->drop && i->op == IR_LEA && ir_is_temp(i->dst) && !e->last[i->dst]) {
            e->skip[n] = true;
            continue;
        }
        if (!follows)
            live = ir_flags_before(i, live);
        if (i->op >= IR_VEC && i->op <= IR_VECS) {
            note_units(e, i, n);
            follows = false;
        }
        note_use(e, i->dst, n);
        if (!follows)
            note_use(e, i->a, n);
        if (use & IRU_VALUE_B)
            note_use(e, i->b, n);
    }
    e->live_in = live;
}
