/* Which string instructions with REP the stubs of back ends may try (SDM vol. 2 "REP"). */
#include "cpu/jit/backend.h"

static unsigned kind_of(const struct insn *insn)
{
    switch (insn->op) {
    case OP_MOVS: return BE_MOVS;
    case OP_STOS: return BE_STOS;
    case OP_SCAS: return insn->rep == REP_E ? BE_SCAS_E : BE_SCAS_NE;
    case OP_CMPS: return insn->rep == REP_E ? BE_CMPS_E : BE_CMPS_NE;
    default: return BE_REPS;
    }
}

/* Flat segments, addresses as wide as registers. */
static bool served(const struct insn *insn, bool wide, u64 mode_key)
{
    if (!insn->rep || insn->asz != (wide ? 8 : 4))
        return false;
    if (!wide && !(mode_key & MK_FLAT(SEG_ES)))
        return false;
    if (insn->op == OP_STOS || insn->op == OP_SCAS)
        return true;
    return wide ? insn->seg != SEG_FS && insn->seg != SEG_GS
                : (mode_key & MK_FLAT(insn->seg)) != 0;
}

const u8 *be_rep_stub(const struct be_stubs *stubs, const struct be_in *in, const struct insn *insn,
                      u64 mode_key)
{
    bool wide = in->ir->long_mode;
    unsigned kind = kind_of(insn);
    return kind != BE_REPS && served(insn, wide, mode_key)
               ? stubs->rep_short[kind][in->user][wide][__builtin_ctz(insn->o[0].size) & 3]
               : NULL;
}
