/* Permutations across and within halves, halves as operands (SDM vol. 2 ch. 5, VPERM*, VINSERT*,
 * VEXTRACT*). */
#include "cpu/exec/avx.h"

/* ---- halves ---- */
static void insert_half(struct cpu *cpu, const struct insn *insn)
{
    union ymm d, s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 2);
    d = ymm_get(cpu, insn->o[1].reg);
    d.h[insn->imm & 1] = s.h[0];
    avx_write(cpu, insn, &d);
}

void exec_VINSERTF128(struct cpu *cpu, const struct insn *insn)
{
    insert_half(cpu, insn);
}

void exec_VINSERTI128(struct cpu *cpu, const struct insn *insn)
{
    insert_half(cpu, insn);
}

static void extract_half(struct cpu *cpu, const struct insn *insn)
{
    union xmm v;
    avx_begin(cpu);
    v = ymm_get(cpu, insn->o[1].reg).h[insn->imm & 1];
    if (insn->o[0].kind == OPND_MEM)
        vec_store(cpu, insn->seg, ea(cpu, insn), v);
    else
        xmm_set(cpu, insn->o[0].reg, v);
}

void exec_VEXTRACTF128(struct cpu *cpu, const struct insn *insn)
{
    extract_half(cpu, insn);
}

void exec_VEXTRACTI128(struct cpu *cpu, const struct insn *insn)
{
    extract_half(cpu, insn);
}

/* Four bits of the immediate for each half: which of the four halves, or zero. */
static void permute_halves(struct cpu *cpu, const struct insn *insn)
{
    union ymm s[2], d;
    avx_begin(cpu);
    s[1] = avx_read(cpu, insn, 2);
    s[0] = ymm_get(cpu, insn->o[1].reg);
    for (unsigned i = 0; i < 2; i++) {
        unsigned control = insn->imm >> 4 * i & 15;
        d.h[i] = control & 8 ? (union xmm){.q = {0, 0}} : s[control >> 1 & 1].h[control & 1];
    }
    avx_write(cpu, insn, &d);
}

void exec_VPERM2F128(struct cpu *cpu, const struct insn *insn)
{
    permute_halves(cpu, insn);
}

void exec_VPERM2I128(struct cpu *cpu, const struct insn *insn)
{
    permute_halves(cpu, insn);
}

/* ---- the whole register ---- */
/* Doubleword i is that of the second source which the first names. */
static void permute_dwords(struct cpu *cpu, const struct insn *insn)
{
    union ymm index, s, d;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 2);
    index = ymm_get(cpu, insn->o[1].reg);
    for (unsigned i = 0; i < 8; i++)
        d.d[i] = s.d[index.d[i] & 7];
    avx_write(cpu, insn, &d);
}

void exec_VPERMD(struct cpu *cpu, const struct insn *insn)
{
    permute_dwords(cpu, insn);
}

void exec_VPERMPS(struct cpu *cpu, const struct insn *insn)
{
    permute_dwords(cpu, insn);
}

static void permute_qwords(struct cpu *cpu, const struct insn *insn)
{
    union ymm s, d;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 1);
    for (unsigned i = 0; i < 4; i++)
        d.q[i] = s.q[insn->imm >> 2 * i & 3];
    avx_write(cpu, insn, &d);
}

void exec_VPERMQ(struct cpu *cpu, const struct insn *insn)
{
    permute_qwords(cpu, insn);
}

void exec_VPERMPD(struct cpu *cpu, const struct insn *insn)
{
    permute_qwords(cpu, insn);
}

/* ---- within halves: by an immediate, or by a vector of selectors ---- */
void exec_VPERMILPS(struct cpu *cpu, const struct insn *insn)
{
    bool by_imm = insn->o[2].kind == OPND_IMM;
    union ymm s, control, d;
    avx_begin(cpu);
    control = avx_read(cpu, insn, by_imm ? 1 : 2);
    s = by_imm ? control : ymm_get(cpu, insn->o[1].reg);
    for (unsigned i = 0; i < 8; i++)
        d.d[i] = s.d[(i & 4) + ((by_imm ? (u32)insn->imm >> 2 * (i & 3) : control.d[i]) & 3)];
    avx_write(cpu, insn, &d);
}

/* One bit of the immediate for each element; of a vector bit 1. */
void exec_VPERMILPD(struct cpu *cpu, const struct insn *insn)
{
    bool by_imm = insn->o[2].kind == OPND_IMM;
    union ymm s, control, d;
    avx_begin(cpu);
    control = avx_read(cpu, insn, by_imm ? 1 : 2);
    s = by_imm ? control : ymm_get(cpu, insn->o[1].reg);
    for (unsigned i = 0; i < 4; i++)
        d.q[i] = s.q[(i & 2) + ((by_imm ? insn->imm >> i : control.q[i] >> 1) & 1)];
    avx_write(cpu, insn, &d);
}
