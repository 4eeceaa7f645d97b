/* Which template each x87 operation has (SDM vol. 1 section 8.3): on doubles, or with 64 bits of
 * precision. What neither knows is left to exec. */
#include "cpu/jit/a64/x87_wide.h"

void em_x87_op(struct em *e, const struct ir_ins *i)
{
    const struct insn *insn = &e->in->insns[i->at];
    const struct x87_op op = {e, &e->a, i, insn}, *o = &op;
    const struct x87_way *way = e->in->x87_wide ? &em_x87_wide : &em_x87_doubles;
    struct x87_does does;
    if (insn->op == OP_WAIT)
        return;
    if (!x87_does(insn, &does)) {
        em_x87_bail(e, i, as_b(&e->a));
        em_x87_forget(e);
        return;
    }
    if (!em_x87_begin(e, i, &does))
        return;
    switch (insn->op) {
    case OP_FADD: way->arith(o, WIDE_ADD, false, 0); break;
    case OP_FSUB: way->arith(o, WIDE_SUB, false, 0); break;
    case OP_FSUBR: way->arith(o, WIDE_SUBR, false, 0); break;
    case OP_FMUL: way->arith(o, WIDE_MUL, false, 0); break;
    case OP_FDIV: way->arith(o, WIDE_DIV, false, 0); break;
    case OP_FDIVR: way->arith(o, WIDE_DIVR, false, 0); break;
    case OP_FADDP: way->arith(o, WIDE_ADD, false, 1); break;
    case OP_FSUBP: way->arith(o, WIDE_SUB, false, 1); break;
    case OP_FSUBRP: way->arith(o, WIDE_SUBR, false, 1); break;
    case OP_FMULP: way->arith(o, WIDE_MUL, false, 1); break;
    case OP_FDIVP: way->arith(o, WIDE_DIV, false, 1); break;
    case OP_FDIVRP: way->arith(o, WIDE_DIVR, false, 1); break;
    case OP_FIADD: way->arith(o, WIDE_ADD, true, 0); break;
    case OP_FISUB: way->arith(o, WIDE_SUB, true, 0); break;
    case OP_FISUBR: way->arith(o, WIDE_SUBR, true, 0); break;
    case OP_FIMUL: way->arith(o, WIDE_MUL, true, 0); break;
    case OP_FIDIV: way->arith(o, WIDE_DIV, true, 0); break;
    case OP_FIDIVR: way->arith(o, WIDE_DIVR, true, 0); break;
    case OP_FSQRT: way->root(o); break;
    case OP_FCHS: way->sign(o, false); break;
    case OP_FABS: way->sign(o, true); break;
    case OP_FXCH: way->exchange(o); break;
    case OP_FCOM:
    case OP_FUCOM: way->order(o, insn->o[0].reg, false, false, 0); break;
    case OP_FCOMP:
    case OP_FUCOMP: way->order(o, insn->o[0].reg, false, false, 1); break;
    case OP_FCOMPP:
    case OP_FUCOMPP: way->order(o, 1, false, false, 2); break;
    case OP_FICOM: way->order(o, 0, true, false, 0); break;
    case OP_FICOMP: way->order(o, 0, true, false, 1); break;
    case OP_FTST: way->order(o, 0, false, true, 0); break;
    case OP_FCOMI:
    case OP_FUCOMI: way->order_flags(o, 0); break;
    case OP_FCOMIP:
    case OP_FUCOMIP: way->order_flags(o, 1); break;
    case OP_FLD: way->load(o, false); break;
    case OP_FILD: way->load(o, true); break;
    case OP_FLD1: way->constant(o, true); break;
    case OP_FLDZ: way->constant(o, false); break;
    case OP_FST: way->store(o, 0); break;
    case OP_FSTP: way->store(o, 1); break;
    case OP_FIST: way->store_int(o, false, 0); break;
    case OP_FISTP: way->store_int(o, false, 1); break;
    case OP_FISTTP: way->store_int(o, true, 1); break;
    case OP_FNSTCW: em_x87_store_word(o, ST(fpu.cw)); break;
    case OP_FNSTSW: em_x87_status(o); break;
    case OP_FLDCW: em_x87_load_control(o); break;
    }
}
