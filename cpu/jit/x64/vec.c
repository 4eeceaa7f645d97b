/* x86-64 code for vector operations: guest XMM registers are host XMM registers of the same number,
 * and MXCSR is the host's, from the first vector operation until something calls C code
 * (cpu->vec_live); each operation is then the host's like (SDM vol. 2 ch. 2, 4). */
#include "cpu/jit/x64/group.h"

static const struct vec_row rows[OP__COUNT] = {
#define VEC(feat, op, l, s) [OP_##op] = {l, s, HOST_##feat},
#include "cpu/jit/x64/vec.def"
#undef VEC
};
static const u16 listed[] = {
#define VEC(feat, op, l, s) OP_##op,
#include "cpu/jit/x64/vec.def"
#undef VEC
};

/* x87 operations with one result on all processors: not the transcendental ones. */
static const u16 x87_listed[] = {
    OP_FADD,   OP_FMUL,   OP_FSUB,   OP_FSUBR,  OP_FDIV,    OP_FDIVR,  OP_FADDP,   OP_FMULP,
    OP_FSUBP,  OP_FSUBRP, OP_FDIVP,  OP_FDIVRP, OP_FIADD,   OP_FIMUL,  OP_FISUB,   OP_FISUBR,
    OP_FIDIV,  OP_FIDIVR, OP_FCOM,   OP_FCOMP,  OP_FCOMPP,  OP_FUCOM,  OP_FUCOMP,  OP_FUCOMPP,
    OP_FICOM,  OP_FICOMP, OP_FCOMI,  OP_FCOMIP, OP_FUCOMI,  OP_FUCOMIP, OP_FLD,    OP_FILD,
    OP_FST,    OP_FSTP,   OP_FIST,   OP_FISTP,  OP_FISTTP,  OP_FXCH,   OP_FFREE,   OP_FINCSTP,
    OP_FDECSTP, OP_FCHS,  OP_FABS,   OP_FTST,   OP_FXAM,    OP_FLD1,   OP_FLDZ,    OP_FSQRT,
    OP_FRNDINT, OP_FLDCW, OP_FNSTCW, OP_FNSTSW, OP_FNOP,  OP_WAIT,
};

bool em_host_has(unsigned feature)
{
    switch (feature) {
    case HOST_SSE2: return true;
    case HOST_SSE3: return __builtin_cpu_supports("sse3");
    case HOST_SSSE3: return __builtin_cpu_supports("ssse3");
    case HOST_SSE41: return __builtin_cpu_supports("sse4.1");
    case HOST_SSE42: return __builtin_cpu_supports("sse4.2");
    case HOST_AES: return __builtin_cpu_supports("aes");
    default: return __builtin_cpu_supports("pclmul");
    }
}

void em_list_ops(u8 *mask, const u16 *ops, unsigned n, const struct vec_row *of)
{
    for (unsigned i = 0; i < n; i++)
        if (em_host_has(of[ops[i]].feature))
            mask[ops[i] / 8] |= (u8)BIT(ops[i] & 7);
}

void be_vector_ops(u8 mask[(OP__COUNT + 7) / 8])
{
    memset(mask, 0, (OP__COUNT + 7) / 8);
    em_list_ops(mask, listed, ARRAY_LEN(listed), rows);
    em_mmx_ops(mask);
    em_avx_ops(mask);
    for (unsigned i = 0; i < ARRAY_LEN(x87_listed); i++)
        mask[x87_listed[i] / 8] |= (u8)BIT(x87_listed[i] & 7);
}

/* Shifts of whole registers by an immediate: 66 0F 71..73 /n, for MMX registers without 66. */
static bool shift_row(const struct insn *insn, u32 *code, unsigned *n)
{
    static const struct {
        u16 op;
        u8 opc, n;
    } shifts[] = {
        {OP_PSRLW, 0x71, 2}, {OP_PSRAW, 0x71, 4}, {OP_PSLLW, 0x71, 6},  {OP_PSRLD, 0x72, 2},
        {OP_PSRAD, 0x72, 4}, {OP_PSLLD, 0x72, 6}, {OP_PSRLQ, 0x73, 2},  {OP_PSRLDQ, 0x73, 3},
        {OP_PSLLQ, 0x73, 6}, {OP_PSLLDQ, 0x73, 7},
    };
    for (unsigned i = 0; i < ARRAY_LEN(shifts); i++)
        if (shifts[i].op == insn->op) {
            *code = (insn->o[0].kind == OPND_MMX ? 0x100u : 0x660100u) | shifts[i].opc;
            *n = shifts[i].n;
            return true;
        }
    return false;
}

/* Operand sizes of 8 that are REX.W's: general registers, and memory where these could stand. */
static bool wide(const struct insn *insn)
{
    for (unsigned n = 0; n < 2; n++) {
        if (insn->o[n].size != 8)
            continue;
        if (insn->o[n].kind == OPND_GPR)
            return true;
        if (insn->o[n].kind == OPND_MEM &&
            (insn->op == OP_MOVD || insn->op == OP_CVTSI2SS || insn->op == OP_CVTSI2SD ||
             insn->op == OP_PINSRQ || insn->op == OP_PEXTRQ))
            return true;
    }
    return false;
}

static void put_imm8(struct em *e, const struct insn *insn)
{
    for (unsigned n = 0; n < insn->nopnd; n++)
        if (insn->o[n].kind == OPND_IMM) {
            as8(&e->a, (u8)insn->imm);
            return;
        }
}

static unsigned reg(const struct opnd *o)
{
    return o->reg & 15;
}

/* The row of `op` for the registers of insn. */
static const struct vec_row *row_of(const struct insn *insn, unsigned op)
{
    return insn_units(insn) & UNIT_X87 ? em_mmx_row(op) : &rows[op];
}

/* Registers only. */
static void registers(struct em *e, const struct insn *insn)
{
    u32 code = row_of(insn, insn->op)->load;
    unsigned n;
    if (insn->op == OP_EMMS) {
        as8(&e->a, 0x0f);
        as8(&e->a, (u8)code);
        return;
    }
    if (insn->o[1].kind == OPND_IMM && shift_row(insn, &code, &n)) {
        as_vec_rr(&e->a, code, false, n, reg(&insn->o[0]));
        put_imm8(e, insn);
        return;
    }
    as_vec_rr(&e->a, code, false, reg(&insn->o[0]), reg(&insn->o[1]));
    put_imm8(e, insn);
}

/* With a general register MOVQ is MOVD's encoding with REX.W. */
static const struct vec_row *general_row(const struct insn *insn)
{
    return row_of(insn, insn->op == OP_MOVQ ? OP_MOVD : insn->op);
}

/* To a general register: either half of ModRM may hold it. */
static void to_general(struct em *e, const struct ir_ins *i, const struct insn *insn)
{
    const struct vec_row *row = general_row(insn);
    struct loc d = em_loc(e, i->dst);
    unsigned r = d.reg ? d.r : SCR;
    if (row->store && insn->op != OP_PEXTRW)
        as_vec_rr(&e->a, row->store, wide(insn), reg(&insn->o[1]), r);
    else
        as_vec_rr(&e->a, row->load, wide(insn), r, reg(&insn->o[1]));
    put_imm8(e, insn);
    if (!d.reg)
        as_store(&e->a, 8, SCR, MEM(STATE, d.disp));
}

static void memory(struct em *e, const struct ir_ins *i, const struct insn *insn, u8 live)
{
    const struct vec_row *row = row_of(insn, insn->op);
    bool store = i->op == IR_VECS;
    struct mem m = em_access(e, i, store);
    as_vec_rm(&e->a, store ? row->store : row->load, wide(insn), reg(&insn->o[store ? 1 : 0]), m);
    put_imm8(e, insn);
    if (i->op == IR_VECLF && (live & i->flags_out))
        e->flags = FLAGS_HOST;
}

void em_vector_op(struct em *e, const struct ir_ins *i, u8 live)
{
    const struct insn *insn = &e->in->insns[i->at];
    if (op_info[insn->op].attrs & OPA_X87) {
        em_x87_op(e, i, live);
        return;
    }
    if (insn->vl) {
        em_avx_op(e, i, live);
        return;
    }
    switch (i->op) {
    case IR_VEC:
    case IR_VECF: registers(e, insn); break;
    case IR_VECG:
        as_vec_rr(&e->a, general_row(insn)->load, i->type == I64, reg(&insn->o[0]),
                  em_use(e, i->a, ir_bytes(i->type), SCR));
        put_imm8(e, insn);
        break;
    case IR_VECD: to_general(e, i, insn); break;
    default: memory(e, i, insn, live); break;
    }
}

/* Bring the registers into the host's unless they are there. The flags are in memory here. */
void em_vector_enter(struct em *e)
{
    u8 *there;
    if (e->avx) {
        em_avx_enter(e);
        return;
    }
    as_alu_mi(&e->a, 7, 1, ST(vec_live), 0);
    there = as_jcc(&e->a, CC_NE);
    em_call_stub(e, e->stubs->vec_load[e->in->ir->long_mode]);
    if (!e->a.full)
        as_patch(there, e->a.p);
}

/* ---- stubs ---- */
enum { MOVUPS_LOAD = 0x000110, MOVUPS_STORE = 0x000111 };

static void all_xmm(struct as *a, u32 code, unsigned from, unsigned to)
{
    for (unsigned r = from; r < to; r++)
        as_vec_rm(a, code, false, r, MEM(STATE, ST_OFF(xmm) + (s32)(16 * r)));
}

static void mxcsr(struct as *a, unsigned n, struct mem m) /* 2: load, 3: store */
{
    as_rm(a, 0x1ae, 4, n, m);
}

/* vec_load[2]: all of all registers, whatever is there already. */
static void load_all(struct codebuf *buf, struct as *a, struct be_stubs *stubs)
{
    u8 *upper, *some;
    stubs->vec_load[2] = codebuf_rx(buf, a->p);
    as_alu_mi(a, 7, 1, ST(vec_live), 1);
    upper = as_jcc(a, CC_A);
    some = as_jcc(a, CC_E);
    mxcsr(a, 2, ST(mxcsr));
    all_xmm(a, MOVUPS_LOAD, 0, 8);
    as_patch(some, a->p);
    all_xmm(a, MOVUPS_LOAD, 8, 16);
    as_patch(upper, a->p);
    em_avx_load(a);
    as_mov_mi(a, 1, ST(vec_live), 3);
    as8(a, 0xc3);
}

/* vec_load[all]: eight registers or all sixteen; changes nothing else. vec_spill: the way back. */
void em_vector_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs)
{
    u8 *eight, *half;
    stubs->vec_load[2] = NULL;
    if (em_host_avx())
        load_all(buf, a, stubs);
    for (unsigned all = 0; all < 2; all++) {
        stubs->vec_load[all] = codebuf_rx(buf, a->p);
        mxcsr(a, 2, ST(mxcsr));
        all_xmm(a, MOVUPS_LOAD, 0, all ? 16 : 8);
        as_mov_mi(a, 1, ST(vec_live), 1 + (s32)all);
        as8(a, 0xc3);
    }
    stubs->vec_spill = codebuf_rx(buf, a->p);
    mxcsr(a, 3, ST(mxcsr));
    mxcsr(a, 2, ST(host_mxcsr));
    all_xmm(a, MOVUPS_STORE, 0, 8);
    as_alu_mi(a, 7, 1, ST(vec_live), 1);
    eight = as_jcc(a, CC_E);
    all_xmm(a, MOVUPS_STORE, 8, 16);
    if (em_host_avx()) {
        as_alu_mi(a, 7, 1, ST(vec_live), 3);
        half = as_jcc(a, CC_NE);
        em_avx_spill(a);
        as_patch(half, a->p);
    }
    as_patch(eight, a->p);
    as_mov_mi(a, 1, ST(vec_live), 0);
    as8(a, 0xc3);
}
