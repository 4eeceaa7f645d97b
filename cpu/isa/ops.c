/* What is known of each operation, expanded from ops.def, and the registers that an instruction works
 * on. */
#include "cpu/isa/isa.h"

const struct op_info op_info[OP__COUNT] = {
#define OP(id, text, reads, writes, undef, attrs, feat)                                            \
    [OP_##id] = {text, reads, writes, undef, attrs, FEAT_##feat},
#include "cpu/isa/ops.def"
#undef OP
};

unsigned insn_units(const struct insn *insn)
{
    u16 attrs = op_info[insn->op].attrs;
    bool mmx = !(attrs & OPA_SSE);
    if (attrs & OPA_X87)
        return UNIT_X87;
    if (!(attrs & OPA_MMX))
        return attrs & (OPA_SSE | OPA_AVX) ? UNIT_VEC : 0;
    for (unsigned n = 0; n < insn->nopnd; n++)
        mmx |= insn->o[n].kind == OPND_MMX;
    switch (insn->op) {
    case OP_CVTPI2PS:
    case OP_CVTPI2PD:
    case OP_CVTPS2PI:
    case OP_CVTTPS2PI:
    case OP_CVTPD2PI:
    case OP_CVTTPD2PI:
    case OP_MOVDQ2Q:
    case OP_MOVQ2DQ: return mmx ? UNIT_X87 | UNIT_VEC : UNIT_VEC;
    default: return mmx ? UNIT_X87 : UNIT_VEC;
    }
}
