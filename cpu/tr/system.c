/* The interrupt flag and EFLAGS as a whole, as far as translated code may change them (SDM vol. 2
 * "CLI", "STI", "POPF"). What opens the door to interrupts leaves to exec when one waits: INTR is
 * up, which translated code finds only with IF clear. */
#include "cpu/tr/build.h"

static u8 state(struct tr *t, enum ir_type type, size_t off)
{
    u8 v = tr_temp(t);
    tr_emit(t, IR_LDS, type, v, IR_NONE, IR_NONE, (s64)off);
    return v;
}

static void bail_if(struct tr *t, u8 v, u32 mask)
{
    tr_emit(t, IR_BAIL, I32, IR_NONE, v, IR_NONE, (s64)mask);
}

static bool level0(const struct tr *t)
{
    return !tr_mode(t, MK_CPL3 | MK_RING12 | MK_VM);
}

/* At level 0 no IOPL forbids it. */
bool tr_CLI(struct tr *t, const struct insn *insn)
{
    if (!level0(t))
        return false;
    tr_emit(t, IR_ANDS, I32, IR_NONE, IR_NONE, IR_NONE,
            (s64)((u64)(u32)~FL_IF << 32 | offsetof(struct cpu, eflags)));
    return true;
}

/* The instruction behind it belongs to the same block, so nothing can come in between and the
 * shadow needs no mark. */
bool tr_STI(struct tr *t, const struct insn *insn)
{
    if (!level0(t))
        return false;
    bail_if(t, state(t, I8, offsetof(struct cpu, intr)), 0xff);
    tr_emit(t, IR_ORS, I32, IR_NONE, IR_NONE, IR_NONE,
            (s64)((u64)FL_IF << 32 | offsetof(struct cpu, eflags)));
    t->shadow = true;
    return true;
}

/* Levels 1 and 2 and V86 mode have rules of their own; so has level 3 unless IOPL is 0. TF changes
 * the mode, and so does AC at level 3. */
bool tr_POPF(struct tr *t, const struct insn *insn)
{
    u32 mask = FL_DF | FL_NT | FL_AC | FL_ID;
    bool user = tr_mode(t, MK_CPL3);
    struct tr_addr ad;
    u8 v, w, old;
    if (tr_mode(t, MK_RING12 | MK_VM))
        return false;
    v = tr_temp(t);
    ad = tr_top(t, 0, insn->osz);
    tr_emit(t, insn->osz == 2 ? IR_LDZ : IR_LD, tr_type(insn->osz), v, ad.a, IR_NONE, ad.imm);
    bail_if(t, v, FL_TF);
    old = state(t, I32, offsetof(struct cpu, eflags));
    if (user) {
        bail_if(t, old, FL_IOPL);
        w = tr_temp(t);
        tr_emit(t, IR_XOR, I32, w, old, v, 0)->flags_out = 0;
        if (insn->osz != 2)
            bail_if(t, w, FL_AC);
    } else {
        bail_if(t, state(t, I8, offsetof(struct cpu, intr)), 0xff);
        mask |= FL_IF | FL_IOPL;
    }
    if (insn->osz == 2)
        mask &= 0xffff;
    tr_pop_commit(t, insn->osz);
    w = tr_temp(t);
    tr_emit(t, IR_AND, I32, old, old, IR_NONE, (s64)(s32)~(mask | FL_RF))->flags_out = 0;
    tr_emit(t, IR_AND, I32, w, v, IR_NONE, (s64)mask)->flags_out = 0;
    tr_emit(t, IR_OR, I32, w, w, old, 0)->flags_out = 0;
    tr_emit(t, IR_STS, I32, IR_NONE, w, IR_NONE, (s64)offsetof(struct cpu, eflags));
    tr_emit(t, IR_SETF, I32, IR_NONE, v, IR_NONE, 0);
    return true;
}
