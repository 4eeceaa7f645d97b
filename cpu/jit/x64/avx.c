/* x86-64 code for vector operations with VEX prefixes (SDM vol. 2 section 2.3): guest YMM registers
 * are the host's, as XMM registers are (vec.c), once cpu->vec_live says that the upper halves came,
 * too. An operation is encoded again as the guest had it, with the host's address for memory. */
#include "cpu/isa/enc.h"
#include "cpu/jit/x64/em.h"

/* What reads or writes more than its operands, or whose results differ between processors. */
static bool left_to_exec(unsigned op)
{
    switch (op) {
    case OP_VMASKMOVDQU:
    case OP_VMASKMOVPS:
    case OP_VMASKMOVPD:
    case OP_VPMASKMOVD:
    case OP_VPMASKMOVQ:
    case OP_VLDMXCSR:
    case OP_VSTMXCSR:
    case OP_VRCPPS:
    case OP_VRCPSS:
    case OP_VRSQRTPS:
    case OP_VRSQRTSS:
    case OP_VPCMPESTRI:
    case OP_VPCMPESTRM:
    case OP_VPCMPISTRI:
    case OP_VPCMPISTRM:
    case OP_VPGATHERDD:
    case OP_VPGATHERDQ:
    case OP_VPGATHERQD:
    case OP_VPGATHERQQ:
    case OP_VGATHERDPS:
    case OP_VGATHERDPD:
    case OP_VGATHERQPS:
    case OP_VGATHERQPD: return true;
    default: return false;
    }
}

bool em_host_avx(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
}

void em_avx_ops(u8 mask[(OP__COUNT + 7) / 8])
{
    if (!em_host_avx())
        return;
    for (unsigned op = 0; op < OP__COUNT; op++)
        if ((op_info[op].attrs & OPA_AVX) && op_info[op].feat != FEAT_F16C && !left_to_exec(op))
            mask[op / 8] |= (u8)BIT(op & 7);
}

/* An encoding being put together: C4, two bytes of prefix, opcode, ModRM, and perhaps a byte. */
struct vex {
    unsigned reg, rm, vvvv, map, pp, opcode;
    bool w, l, has_rm, has_imm;
    u8 imm;
};

/* The row that the decoder used. */
static const struct enc_vex *row_of(const struct insn *insn, bool memory)
{
    unsigned vex = insn->vex;
    const struct enc_vex *row = &enc_vex[vex >> 8 & 3][vex >> 10 & 3][vex >> 12 & 1][vex & 0xff];
    if (row->kind == ENC_GROUP)
        row = &enc_vex_group[row->op][!memory][vex >> 13];
    return row;
}

static void head(struct as *a, const struct vex *v, unsigned index, unsigned base)
{
    as8(a, 0xc4);
    as8(a, (u8)((v->reg & 8 ? 0 : 0x80) | (index & 8 ? 0 : 0x40) | (base & 8 ? 0 : 0x20) |
                v->map));
    as8(a, (u8)(v->w << 7 | (~v->vvvv & 15) << 3 | v->l << 2 | v->pp));
    as8(a, (u8)v->opcode);
}

/* With memory at m, or NULL: in register v->rm. */
static void encode(struct as *a, const struct vex *v, const struct mem *m)
{
    head(a, v, m && m->index != NOREG ? m->index : 0, m ? m->base : v->rm);
    if (m)
        as_modrm(a, v->reg, *m);
    else if (v->has_rm)
        as8(a, (u8)(0xc0 | (v->reg & 7) << 3 | (v->rm & 7)));
    if (v->has_imm)
        as8(a, v->imm);
}

/* Everything but addresses: each operand to the place that the row says. A general register is in
 * `gpr`. */
static void place(const struct insn *insn, bool memory, unsigned gpr, struct vex *v)
{
    const struct enc_vex *row = row_of(insn, memory);
    bool general = false;
    *v = (struct vex){.reg = insn->vex >> 13,
                      .map = (insn->vex >> 8 & 3) + 1u,
                      .pp = insn->vex >> 10 & 3,
                      .opcode = insn->vex & 0xff,
                      .w = insn->vex >> 12 & 1,
                      .l = insn->vl == 32};
    for (unsigned n = 0; n < insn->nopnd; n++) {
        const struct opnd *o = &insn->o[n];
        switch (am_info[row->a[n]].cls) {
        case AMC_XMMREG: v->reg = o->reg; break;
        case AMC_REG:
            v->reg = gpr;
            general = true;
            break;
        case AMC_VVVV: v->vvvv = o->reg; break;
        case AMC_RM:
            general = true;
            v->rm = gpr;
            v->has_rm = true;
            break;
        case AMC_IMM:
            v->has_imm = true;
            v->imm = (u8)insn->imm;
            break;
        case AMC_IS4: /* its highest bit does not count outside of 64-bit code */
            v->has_imm = true;
            v->imm = (u8)(o->reg << 4 | (insn->imm & 15));
            break;
        default:
            v->rm = o->reg;
            v->has_rm = true;
            break;
        }
    }
    if (general) /* W is the size, which 32-bit code cannot say */
        v->w = insn->osz == 8;
}

/* To 32 bytes; what the probe finds comes behind that. */
static void bail_unless_aligned(struct em *e, const struct ir_ins *i)
{
    unsigned r;
    em_flags_spoil(e, true);
    r = em_use(e, i->a, 8, ADDR);
    as_lea(&e->a, 8, ADDR, MEM(r, (s32)i->imm));
    em_bail_unless_aligned(e, i, ADDR, 32);
}

/* The probe is for 16 bytes; 32 must not reach the next page, or exec does it: before the probe, whose
 * fault may be another than that of the whole. */
static void bail_unless_inside(struct em *e, const struct ir_ins *i)
{
    unsigned r = em_use(e, i->a, 8, ADDR);
    em_flags_spoil(e, true);
    as_lea(&e->a, 4, SCR2, MEM(r, (s32)i->imm));
    as_alu_ri(&e->a, 4, 4, SCR2, PAGE_MASK);
    as_alu_ri(&e->a, 7, 4, SCR2, (s32)PAGE_SIZE - 32);
    em_cold(e, COLD_BAIL, i, as_jcc(&e->a, CC_A), NULL, 0);
}

static void memory(struct em *e, const struct ir_ins *i, const struct insn *insn, u8 live)
{
    unsigned size = 0, la;
    struct vex v;
    struct mem m;
    for (unsigned n = 0; n < insn->nopnd; n++)
        if (insn->o[n].kind == OPND_MEM)
            size = insn->o[n].size;
    place(insn, true, 0, &v);
    if (size == 32 && i->b == IR_ACCESS_ALIGNED)
        bail_unless_aligned(e, i);
    else if (size == 32)
        bail_unless_inside(e, i);
    la = em_probe(e, i, (s32)i->imm, i->op == IR_VECS, i->b);
    m = MEMX(SCR, la, 0, 0);
    encode(&e->a, &v, &m);
    if (i->op == IR_VECLF && (live & i->flags_out))
        e->flags = FLAGS_HOST;
}

void em_avx_op(struct em *e, const struct ir_ins *i, u8 live)
{
    const struct insn *insn = &e->in->insns[i->at];
    struct vex v;
    switch (i->op) {
    case IR_VEC:
    case IR_VECF:
        place(insn, false, 0, &v);
        encode(&e->a, &v, NULL);
        break;
    case IR_VECG:
        place(insn, false, em_use(e, i->a, ir_bytes(i->type), SCR), &v);
        encode(&e->a, &v, NULL);
        break;
    case IR_VECD: {
        struct loc d = em_loc(e, i->dst);
        place(insn, false, d.reg ? d.r : SCR, &v);
        encode(&e->a, &v, NULL);
        if (!d.reg)
            as_store(&e->a, 8, SCR, MEM(STATE, d.disp));
        break;
    }
    default: memory(e, i, insn, live); break;
    }
}

void em_avx_enter(struct em *e)
{
    u8 *there;
    as_alu_mi(&e->a, 7, 1, ST(vec_live), 3);
    there = as_jcc(&e->a, CC_E);
    em_call_stub(e, e->stubs->vec_load[2]);
    if (!e->a.full)
        as_patch(there, e->a.p);
}

/* ---- stubs ---- */
/* VINSERTF128 and VEXTRACTF128 of upper halves, from and to struct cpu. */
static void upper_halves(struct as *a, unsigned opcode)
{
    for (unsigned r = 0; r < 16; r++) {
        struct mem m = MEM(STATE, ST_OFF(ymmh) + (s32)(16 * r));
        struct vex v = {.reg = r, .vvvv = opcode == 0x18 ? r : 0, .map = 3, .pp = 1,
                        .opcode = opcode, .l = true, .has_imm = true, .imm = 1};
        encode(a, &v, &m);
    }
}

void em_avx_load(struct as *a)
{
    upper_halves(a, 0x18);
}

/* VZEROUPPER behind it: code that is not the guest's uses SSE. */
void em_avx_spill(struct as *a)
{
    upper_halves(a, 0x19);
    as8(a, 0xc5);
    as8(a, 0xf8);
    as8(a, 0x77);
}
