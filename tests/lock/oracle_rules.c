/* The one table of what may differ between our CPU and the host's, with reasons. */
#include "tests/lock/oracle_rules.h"

#include <string.h>

#define IMAGE_WHY                                                                                  \
    "the kernel's XSAVE64 loses FCS and FDS; AMD: pointers of reported exceptions only, MXCSR "    \
    "bit 17"
#define ORDER_WHY   "which of several faults comes first differs between processors"
#define PARTIAL_WHY "what was moved before the fault: the instruction is restarted anyway"
#define CR2_WHY     "which byte of the image is touched first differs between processors"
static const struct ora_rule rules[] = {
    {OP_SYSCALL, RULE_NOT_RUN, RULE_ALL, 0, "enters the host's kernel"},
    {OP_SYSENTER, RULE_NOT_RUN, RULE_ALL, 0, "enters the host's kernel"},
    {OP_SGDT, RULE_NOT_RUN, RULE_ALL, 0, "UMIP: the host's kernel emulates it"},
    {OP_SIDT, RULE_NOT_RUN, RULE_ALL, 0, "UMIP: the host's kernel emulates it"},
    {OP_SLDT, RULE_NOT_RUN, RULE_ALL, 0, "UMIP: the host's kernel emulates it"},
    {OP_STR, RULE_NOT_RUN, RULE_ALL, 0, "UMIP: the host's kernel emulates it"},
    {OP_SMSW, RULE_NOT_RUN, RULE_ALL, 0, "UMIP: the host's kernel emulates it"},
    {OP_SYSRET, RULE_VENDOR, RULE_AMD, 0, "AMD has it in all modes, Intel in 64-bit mode only"},
    {OP_JCC, RULE_SHORT, RULE_AMD, 0,
     "64-bit code, prefix 66: AMD takes 16 bits, Intel ignores it"},
    {OP_JMP, RULE_SHORT, RULE_AMD, 0,
     "64-bit code, prefix 66: AMD takes 16 bits, Intel ignores it"},
    {OP_CALL, RULE_SHORT, RULE_AMD, 0,
     "64-bit code, prefix 66: AMD takes 16 bits, Intel ignores it"},
    {OP_RET, RULE_SHORT, RULE_AMD, 0,
     "64-bit code, prefix 66: AMD takes 16 bits, Intel ignores it"},
    {OP_MOVSXD, RULE_SHORT, RULE_AMD, 0, "prefix 66: AMD reads 32 bits, Intel 16"},
    {OP_LOOP, RULE_SHORT, RULE_AMD, 0,
     "64-bit code, prefix 66: AMD takes 16 bits, Intel ignores it"},
    {OP_LOOPE, RULE_SHORT, RULE_AMD, 0,
     "64-bit code, prefix 66: AMD takes 16 bits, Intel ignores it"},
    {OP_LOOPNE, RULE_SHORT, RULE_AMD, 0,
     "64-bit code, prefix 66: AMD takes 16 bits, Intel ignores it"},
    {OP_JCXZ, RULE_SHORT, RULE_AMD, 0,
     "64-bit code, prefix 66: AMD takes 16 bits, Intel ignores it"},
    {OP_JMPF, RULE_WIDE, RULE_AMD, 0, "REX.W: AMD takes far pointers of 6 bytes, Intel of 10"},
    {OP_CALLF, RULE_WIDE, RULE_AMD, 0, "REX.W: AMD takes far pointers of 6 bytes, Intel of 10"},
    {OP_LSS, RULE_WIDE, RULE_AMD, 0, "REX.W: AMD takes far pointers of 6 bytes, Intel of 10"},
    {OP_LFS, RULE_WIDE, RULE_AMD, 0, "REX.W: AMD takes far pointers of 6 bytes, Intel of 10"},
    {OP_LGS, RULE_WIDE, RULE_AMD, 0, "REX.W: AMD takes far pointers of 6 bytes, Intel of 10"},
    {OP_LOOPE, RULE_REP, RULE_AMD, 0,
     "F2 or F3 in front: AMD takes the condition from it, Intel ignores it"},
    {OP_LOOPNE, RULE_REP, RULE_AMD, 0,
     "F2 or F3 in front: AMD takes the condition from it, Intel ignores it"},
    {OP_NOP, RULE_NOP0D, RULE_AMD, 0, "0F 0D with a register: AMD rejects it, Intel does nothing"},
    {OP_SHLD, RULE_SHIFT16, RULE_ALL, 0,
     "16 bits, count above 16: undefined (SDM vol. 2); ours as the P6"},
    {OP_SHRD, RULE_SHIFT16, RULE_ALL, 0,
     "16 bits, count above 16: undefined (SDM vol. 2); ours as the P6"},
    {OP_INT1, RULE_VENDOR, RULE_ALL, 0, "hypervisors report the address of INT1 itself"},
    {OP_CALL, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_CALLF, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_RETF, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_IRET, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_CMPS, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_MOVS, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_POPA, RULE_PARTIAL, RULE_ALL, 0, PARTIAL_WHY},
    {OP_PUSHA, RULE_PARTIAL, RULE_ALL, 0, PARTIAL_WHY},
    {OP_OUTS, RULE_COUNT0, RULE_AMD, 0,
     "REP with a count of 0: AMD checks the right to the port all the same"},
    {OP_INS, RULE_COUNT0, RULE_AMD, 0,
     "REP with a count of 0: AMD checks the right to the port all the same"},
    {OP_MASKMOVQ, RULE_PARTIAL, RULE_ALL, 0, PARTIAL_WHY},
    {OP_VMASKMOVPS, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VMASKMOVPD, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VPMASKMOVD, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VPMASKMOVQ, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VGATHERDPS, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VGATHERDPD, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VGATHERQPS, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VGATHERQPD, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VPGATHERDD, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VPGATHERDQ, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VPGATHERQD, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VPGATHERQQ, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_VMASKMOVDQU, RULE_PARTIAL, RULE_ALL, 0, PARTIAL_WHY},
    {OP_MASKMOVDQU, RULE_PARTIAL, RULE_ALL, 0, PARTIAL_WHY},
    {OP_FNSAVE, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_FNSTENV, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_FLDENV, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_FLD, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_FSTP, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_FBLD, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_FBSTP, RULE_ORDER, RULE_ALL, 0, ORDER_WHY},
    {OP_FXRSTOR, RULE_ORDER, RULE_ALL, 0, CR2_WHY},
    {OP_FXSAVE, RULE_ORDER, RULE_ALL, 0, CR2_WHY},
    {OP_XRSTOR, RULE_ORDER, RULE_ALL, 0, CR2_WHY},
    {OP_XSAVE, RULE_ORDER, RULE_ALL, 0, CR2_WHY},
    {OP_XSAVEC, RULE_ORDER, RULE_ALL, 0, CR2_WHY},
    {OP_XSAVEOPT, RULE_ORDER, RULE_ALL, 0, CR2_WHY},
    {OP_FRSTOR, RULE_ORDER, RULE_ALL, 0, CR2_WHY},
    {OP_PUSHSEG, RULE_IMAGE, RULE_AMD, 0,
     "32-bit push of a segment register: AMD extends it by zeros, Intel writes 16 bits"},
    {OP_LAR, RULE_DEST, RULE_AMD, 0xf0000,
     "bits 19..16 are undefined: AMD gives those of the limit"},
    {OP_CPUID, RULE_VALUES, RULE_ALL, 0, "says what processor it is"},
    {OP_RDTSC, RULE_VALUES, RULE_ALL, 0, "reads a clock"},
    {OP_RDTSCP, RULE_VALUES, RULE_ALL, 0, "reads a clock"},
    {OP_XGETBV, RULE_VALUES, RULE_ALL, 0, "the kernel enables other state"},
    {OP_RDRAND, RULE_VALUES, RULE_ALL, 0, "random"},
    {OP_RDSEED, RULE_VALUES, RULE_ALL, 0, "random"},
    {OP_RDPID, RULE_VALUES, RULE_ALL, 0, "reads an MSR of the kernel"},
    {OP_F2XM1, RULE_ULP, RULE_ALL, 0x220, "within one unit in the last place (SDM vol. 1, 8.3.10)"},
    {OP_FYL2X, RULE_ULP, RULE_ALL, 0x220, "within one unit in the last place (SDM vol. 1, 8.3.10)"},
    {OP_FYL2XP1, RULE_ULP, RULE_ALL, 0x220,
     "within one unit in the last place (SDM vol. 1, 8.3.10)"},
    {OP_FPTAN, RULE_ULP, RULE_ALL, 0x220, "within one unit in the last place (SDM vol. 1, 8.3.10)"},
    {OP_FPATAN, RULE_ULP, RULE_ALL, 0x220,
     "within one unit in the last place (SDM vol. 1, 8.3.10)"},
    {OP_FSIN, RULE_ULP, RULE_ALL, 0x220, "within one unit in the last place (SDM vol. 1, 8.3.10)"},
    {OP_FCOS, RULE_ULP, RULE_ALL, 0x220, "within one unit in the last place (SDM vol. 1, 8.3.10)"},
    {OP_FSINCOS, RULE_ULP, RULE_ALL, 0x220,
     "within one unit in the last place (SDM vol. 1, 8.3.10)"},
    {OP_RCPPS, RULE_APPROX, RULE_ALL, 0, "approximation: 1.5 * 2^-12, vendors differ"},
    {OP_RCPSS, RULE_APPROX, RULE_ALL, 0, "approximation: 1.5 * 2^-12, vendors differ"},
    {OP_RSQRTPS, RULE_APPROX, RULE_ALL, 0, "approximation: 1.5 * 2^-12, vendors differ"},
    {OP_RSQRTSS, RULE_APPROX, RULE_ALL, 0, "approximation: 1.5 * 2^-12, vendors differ"},
    {OP_VRCPPS, RULE_APPROX, RULE_ALL, 0, "approximation: 1.5 * 2^-12, vendors differ"},
    {OP_VRCPSS, RULE_APPROX, RULE_ALL, 0, "approximation: 1.5 * 2^-12, vendors differ"},
    {OP_VRSQRTPS, RULE_APPROX, RULE_ALL, 0, "approximation: 1.5 * 2^-12, vendors differ"},
    {OP_VRSQRTSS, RULE_APPROX, RULE_ALL, 0, "approximation: 1.5 * 2^-12, vendors differ"},
    {OP_FNSTENV, RULE_IMAGE, RULE_ALL, 0, IMAGE_WHY},
    {OP_FNSAVE, RULE_IMAGE, RULE_ALL, 0, IMAGE_WHY},
    {OP_FXSAVE, RULE_IMAGE, RULE_ALL, 0, IMAGE_WHY},
    {OP_XSAVE, RULE_IMAGE, RULE_ALL, 0, IMAGE_WHY},
    {OP_XSAVEC, RULE_IMAGE, RULE_ALL, 0, IMAGE_WHY},
    {OP_XSAVEOPT, RULE_IMAGE, RULE_ALL, 0, IMAGE_WHY},
};

static bool applies(const struct ora_rule *r, const struct ora_case *c)
{
    return r->vendor == RULE_ALL || (r->vendor == RULE_AMD) == c->amd;
}

/* Is byte b among the prefixes? */
static bool has(const struct ora_case *c, u8 b)
{
    for (u32 i = 0; i + 1 < c->ncode && i < 15; i++) {
        u8 v = c->code[i];
        if (v == b)
            return true;
        if (!(v == 0x66 || v == 0x67 || v == 0xf2 || v == 0xf3 || v == 0xf0 || v == 0x2e ||
              v == 0x36 || v == 0x3e || v == 0x26 || v == 0x64 || v == 0x65 ||
              (c->mode == 64 && (v & 0xf0) == 0x40)))
            return false;
    }
    return false;
}

/* Does the rule's condition on the encoding and the operands hold? */
static bool meant(const struct ora_rule *r, const struct ora_case *c)
{
    struct insn in;
    if (decode(&in, c->code, MIN((u32)c->ncode, 15u), c->mode, ~0ull) != DEC_OK)
        return false;
    switch (r->kind) {
    case RULE_SHORT: return c->mode == 64 && has(c, 0x66);
    case RULE_COUNT0:
        return in.rep && !(c->in.gpr[REG_CX] & (in.asz == 8 ? ~0ull : BIT64(8 * in.asz) - 1));
    case RULE_WIDE: return in.osz == 8;
    case RULE_REP: return has(c, 0xf2) || has(c, 0xf3);
    case RULE_NOP0D:
        return in.len >= 3 && in.nopnd && in.o[0].kind == OPND_GPR && c->code[in.len - 2] == 0x0d;
    case RULE_SHIFT16:
        return in.osz == 2 && ((in.o[2].kind == OPND_IMM ? in.imm : c->in.gpr[REG_CX]) & 31) > 16;
    default: return true;
    }
}

const struct ora_rule *ora_rule(const struct ora_case *c, const struct ora_out *host)
{
    if (c->op == OP_UD)
        return NULL;
    for (u32 i = 0; i < ARRAY_LEN(rules); i++)
        if (rules[i].op == c->op && rules[i].kind != RULE_ORDER && applies(&rules[i], c) &&
            meant(&rules[i], c))
            return &rules[i];
    return NULL;
}

bool ora_may_run(const struct ora_case *c, const char **why)
{
    const struct ora_rule *r = ora_rule(c, NULL);
    *why = r && r->kind == RULE_NOT_RUN ? r->why : NULL;
    if (!*why &&
        (c->op == OP_XSAVE || c->op == OP_XSAVEC || c->op == OP_XSAVEOPT || c->op == OP_XRSTOR) &&
        (c->in.gpr[REG_AX] & 0xfffffff8))
        *why = "asks for state that only the host's kernel enables";
    return !*why;
}

/* Linear address of the memory operand. */
static u64 operand(const struct ora_case *c, struct insn *in)
{
    u64 off;
    if (decode(in, c->code, MIN((u32)c->ncode, 15u), c->mode, ~0ull) != DEC_OK)
        return 0;
    off = (u64)in->disp;
    if (in->base == REG_IP)
        off += c->in.rip + in->len;
    else if (in->base < 16)
        off += c->in.gpr[in->base];
    if (in->index < 16)
        off += c->in.gpr[in->index] << in->scale;
    if (in->asz < 8)
        off &= BIT64(8 * in->asz) - 1;
    if (c->mode == 64)
        return off + (in->seg == SEG_FS ? c->in.fsbase : in->seg == SEG_GS ? c->in.gsbase : 0);
    return (u32)(off + ora_base(c->in.sel[in->seg]));
}

bool ora_rule_skips(const struct ora_rule *r, const struct ora_case *c, u32 la)
{
    struct insn in;
    u64 off;
    bool amd;
    if (r->kind != RULE_IMAGE)
        return false;
    off = la - operand(c, &in);
    amd = c->amd;
    if (c->op == OP_PUSHSEG)
        return true;
    if (c->op != OP_FNSTENV && c->op != OP_FNSAVE)
        return amd ? (off >= 6 && off < 24) || (off >= 28 && off < 32)
                   : in.osz != 8 && (off == 12 || off == 13 || off == 20 || off == 21);
    if (in.osz == 2)
        return amd ? off >= 6 && off < 14 : off == 8 || off == 9 || off == 12 || off == 13;
    return amd ? off >= 12 && off < 28 : off == 16 || off == 17 || off == 24 || off == 25;
}

bool ora_rule_gpr(const struct ora_rule *r, const struct ora_case *c, const struct insn *in,
                  unsigned reg, const struct ora_out *h, const struct ora_out *g)
{
    if (r->kind == RULE_PARTIAL)
        return h->r.rip == c->in.rip;
    return r->kind == RULE_DEST && in->o[0].kind == OPND_GPR && in->o[0].reg == reg &&
           !((h->r.gpr[reg] ^ g->r.gpr[reg]) & ~(u64)r->mask);
}

bool ora_pointer_excused(const struct ora_case *c, const struct ora_out *h, u64 value,
                         struct ora_verdict *v)
{
    if (!c->amd)
        return false;
    if (ld16(h->r.fx + 2) & 0x80 && c->op != OP_FLDENV && c->op != OP_FRSTOR) {
        /* A switch of processes on the way can lose one of them. */
        if (value)
            return false;
        v->excused = "AMD: an x87 pointer of zero behind a process switch";
        return true;
    }
    v->excused = "AMD saves and restores the x87 pointers only while an exception is pending";
    return true;
}

const char *ora_order(const struct ora_case *c)
{
    for (u32 i = 0; i < ARRAY_LEN(rules); i++)
        if (rules[i].op == c->op && rules[i].kind == RULE_ORDER)
            return rules[i].why;
    return NULL;
}

/* Two results that both fault at the instruction, in other ways: fine for the rule? */
static bool other_order(const struct ora_case *c, const struct ora_out *h, const struct ora_out *g)
{
    return ora_order(c) && h->r.rip == g->r.rip && h->vector != EXC_UD && g->vector != EXC_UD;
}

const char *ora_end_excused(const struct ora_case *c, const struct ora_out *h,
                            const struct ora_out *g)
{
    struct insn in;
    if (other_order(c, h, g))
        return ORDER_WHY;
    if (g->cr2 >> 12 == 0xffffffffff600)
        return "the page of old system calls that the host's kernel maps";
    if (c->amd && ld32(h->r.fx + 24) & 0x20000)
        return "MXCSR bit 17: AMD has it (misaligned SSE)";
    if (c->op == OP_UD && c->mode == 64 && c->amd && has(c, 0x66))
        return "64-bit code, prefix 66: AMD takes 16 bits, Intel ignores it";
    if (c->mode == 64 && c->amd && h->vector != g->vector && h->r.rip == c->in.rip &&
        (g->vector == EXC_PF || g->vector == EXC_AC) &&
        !cpu_canonical(operand(c, &in) - (in.seg == SEG_FS   ? c->in.fsbase
                                          : in.seg == SEG_GS ? c->in.gsbase
                                                             : 0)))
        return "an offset in FS or GS that is not canonical itself: AMD rejects it";
    if (h->vector == EXC_AC && c->in.flags & FL_AC && op_info[c->op].attrs & (OPA_SSE | OPA_AVX))
        return "unaligned vectors may or may not raise #AC (SDM vol. 2, MOVUPS)";
    if (g->vector == EXC_AC && ora_order(c) && op_info[c->op].attrs & OPA_AVX)
        return "elements of gathers may or may not raise #AC";
    if (c->amd && op_info[c->op].feat == FEAT_SHA && g->vector == EXC_GP && operand(c, &in) & 15)
        return "SHA with an unaligned operand: AMD takes it";
    if (c->op == OP_PUSHSEG && c->amd && h->r.rip == c->in.rip)
        return "32-bit push of a segment register: AMD extends it by zeros, Intel writes 16 bits";
    if ((c->op == OP_MASKMOVQ || c->op == OP_MASKMOVDQU || c->op == OP_VMASKMOVDQU) &&
        h->r.rip == c->in.rip)
        return "bytes that the mask leaves out: faults depend on the processor (SDM vol. 2, "
               "MASKMOVDQU)";
    if (c->mode != 64 && (h->vector == EXC_GP || h->vector == EXC_SS) && !h->error &&
        h->r.rip == c->in.rip &&
        (c->op == OP_VMASKMOVPS || c->op == OP_VMASKMOVPD || c->op == OP_VPMASKMOVD ||
         c->op == OP_VPMASKMOVQ))
        return "elements that the mask leaves out, beyond a segment's limit: some processors look at all";
    if (c->op == OP_UD && (h->vector == EXC_UD || g->vector == EXC_UD) && h->r.rip == c->in.rip &&
        g->r.rip == c->in.rip &&
        (h->vector == EXC_PF || g->vector == EXC_PF || h->vector == EXC_GP || g->vector == EXC_GP))
        return "rejected encodings at the end of memory: how far processors read before #UD";
    if (c->mode != 64 && (h->vector == EXC_GP || h->vector == EXC_SS) && !h->error &&
        ((g->vector == EXC_PF && ((u32)g->cr2 >= 0xffffff00u || g->cr2 < 0x200)) ||
         (g->vector == EXC_AC &&
          ((u32)operand(c, &in) >= 0xffffff00u || (u32)c->in.gpr[REG_SP] >= 0xffffff00u ||
           (c->op == OP_ENTER && (u32)c->in.gpr[REG_BP] < 0x200)))))
        return "access across 4 GiB in a flat segment: implementation-specific (SDM vol. 3, 5.3)";
    return NULL;
}

/* Did the far transfer come into 64-bit code from elsewhere, or the other way? */
static bool crosses(const struct ora_case *c, const struct ora_out *o)
{
    return o->status == ORA_OK && o->r.rip != c->in.rip &&
           ((o->r.sel[SEG_CS] | 3) == ORA_GDT_CS64) != (c->mode == 64);
}

/* Measured: AMD loads CS first and pushes as code of the new mode does, into 64-bit code to all of
 * RSP without the segment's base, out of it to ESP or SP in the segment. Exec pushes first, in the
 * old mode: the order of SDM vol. 2, "CALL". Where the upper half of RSP, which nobody defines in
 * compatibility mode, makes such a push fail above 4 GiB, Linux takes that for erratum 100 of the
 * K8 and goes on for ever. */
const char *ora_call_excused(const struct ora_case *c, const struct ora_out *h,
                             const struct ora_out *g)
{
    if (c->op != OP_CALLF || !c->amd || !c->lma)
        return NULL;
    if (!crosses(c, h) && !crosses(c, g) &&
        !(c->mode != 64 && h->status == ORA_TIMEOUT && g->status == ORA_OK))
        return NULL;
    return "a call between 64-bit code and compatibility mode: AMD pushes in the new mode's width";
}

bool ora_ulp_close(const u8 *a, const u8 *b)
{
    u16 ea = ld16(a + 8), eb = ld16(b + 8);
    u64 fa = ld64(a), fb = ld64(b), d;
    if (ea == eb)
        d = fa > fb ? fa - fb : fb - fa;
    else if (ea == eb + 1 && !((ea ^ eb) & 0x8000))
        d = (fa - BIT64(63)) * 2 + (~fb + 1);
    else if (eb == ea + 1 && !((ea ^ eb) & 0x8000))
        d = (fb - BIT64(63)) * 2 + (~fa + 1);
    else
        return false;
    return d <= 2;
}

bool ora_approx_close(const u8 *a, const u8 *b)
{
    for (unsigned i = 0; i < 4; i++) {
        u32 x = ld32(a + 4 * i), y = ld32(b + 4 * i), d = x > y ? x - y : y - x;
        /* Near-equal floats of one sign are near as integers: 2 * 1.5 * 2^-12 of 2^24 at most. */
        if (d > 0x3000)
            return false;
    }
    return true;
}

/* ---- what the host has beyond our CPUs ---- */
struct foreign {
    u8 map, mand, lo, hi; /* mand: 0 none, 1 66, 2 F3, 3 F2, 4 any */
    u8 modrm_lo, modrm_hi;
    const char *feature;
};
static const struct foreign foreign[] = {
    {1, 0, 0x01, 0x01, 0xc8, 0xcf, "MONITOR, SMAP, CLZERO"},
    {1, 4, 0x00, 0x00, 0x28, 0x2f, "VERW behind LOCK"}, /* which AMD ignores there */
    {1, 4, 0x00, 0x00, 0x68, 0x6f, "VERW behind LOCK"},
    {1, 4, 0x00, 0x00, 0xa8, 0xaf, "VERW behind LOCK"},
    {1, 4, 0x01, 0x01, 0xd8, 0xdf, "SVM"},
    {1, 4, 0x01, 0x01, 0xe8, 0xef, "PKU, SERIALIZE"},
    {1, 4, 0x01, 0x01, 0xf8, 0xff, "RDPRU, CLZERO, MONITORX, MCOMMIT"},
    {1, 4, 0x09, 0x09, 0, 0xff, "WBNOINVD"},
    {1, 1, 0x78, 0x79, 0, 0xff, "SSE4a"},
    {1, 3, 0x78, 0x79, 0, 0xff, "SSE4a"},
    {1, 2, 0x2b, 0x2b, 0, 0xff, "SSE4a"},
    {1, 3, 0x2b, 0x2b, 0, 0xff, "SSE4a"},
    {1, 4, 0x0f, 0x0f, 0, 0xff, "3DNow!"},
    {2, 1, 0xcf, 0xcf, 0, 0xff, "GFNI"},
    {3, 1, 0xce, 0xcf, 0, 0xff, "GFNI"},
    {2, 4, 0xf5, 0xf6, 0, 0xff, "CET"},
    {2, 4, 0xf8, 0xf9, 0, 0xff, "MOVDIRI, MOVDIR64B"},
    {2, 1, 0x82, 0x82, 0, 0xff, "INVPCID"},
};

const char *ora_foreign(const struct ora_case *c)
{
    const u8 *p = c->code, *end = p + c->ncode;
    u8 mand = 0, rep = 0, map = 1;
    for (; p < end; p++) {
        if (*p == 0x66)
            mand = 1;
        else if (*p == 0xf2 || *p == 0xf3)
            rep = *p;
        else if (!(*p == 0x67 || *p == 0x2e || *p == 0x36 || *p == 0x3e || *p == 0x26 ||
                   *p == 0x64 || *p == 0x65 || *p == 0xf0 ||
                   (c->mode == 64 && (*p & 0xf0) == 0x40)))
            break;
    }
    if (end - p < 3)
        return NULL;
    if (rep)
        mand = rep == 0xf3 ? 2 : 3;
    if (*p == 0x62)
        return "AVX-512";
    if (*p == 0x8f)
        return "XOP";
    if (*p == 0xc4 || *p == 0xc5)
        return "AVX-512 mask registers, VAES, VPCLMULQDQ, GFNI, AVX-VNNI in VEX form";
    if (*p++ != 0x0f)
        return NULL;
    if (*p == 0x38 || *p == 0x3a)
        map = *p++ == 0x38 ? 2 : 3;
    if (end - p < 2)
        return NULL;
    for (u32 i = 0; i < ARRAY_LEN(foreign); i++) {
        const struct foreign *f = &foreign[i];
        if (f->map == map && (f->mand == 4 || f->mand == mand) && p[0] >= f->lo && p[0] <= f->hi &&
            p[1] >= f->modrm_lo && p[1] <= f->modrm_hi)
            return f->feature;
    }
    return NULL;
}

void ora_rules_print(FILE *f)
{
    static const char *const kind[] = {
        "not run", "values", "2 ulp",     "approximate", "flags",    "image", "register", "order",
        "partial", "vendor", "prefix 66", "REX.W",       "F2 or F3", "0F 0D", "count 0",  "count"};
    static const char *const vendor[] = {"all", "AMD", "Intel"};
    for (u32 i = 0; i < ARRAY_LEN(rules); i++)
        fprintf(f, "  %-12s %-11s %-5s %s\n", op_info[rules[i].op].name, kind[rules[i].kind],
                vendor[rules[i].vendor], rules[i].why);
}

bool ora_op_compared(enum op op)
{
    for (u32 i = 0; i < ARRAY_LEN(rules); i++)
        if (rules[i].op == op && (rules[i].kind == RULE_NOT_RUN || rules[i].kind == RULE_VALUES ||
                                  rules[i].kind == RULE_VENDOR))
            return false;
    return true;
}
