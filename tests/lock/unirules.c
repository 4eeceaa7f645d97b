/* The one table of what libunicorn 2.0 (its translator is QEMU 5.0's) does otherwise, with
 * reasons. */
#include "tests/lock/unirules.h"
#include "tests/lock/gen.h"

static bool lacks(const struct uni_step *st)
{
    return st->their_vector == EXC_UD && op_info[st->in.op].feat != FEAT_BASE;
}

static bool nowhere(const struct uni_step *st)
{
    return st->their_vector == UNIBOX_NOWHERE;
}

static bool long_mode(const struct uni_step *st)
{
    return st->bits == 64;
}

static bool paged(const struct uni_step *st)
{
    return st->bits == 64 && st->vector == EXC_PF;
}

static bool segment_limit(const struct uni_step *st)
{
    return (st->vector == EXC_GP || st->vector == EXC_SS) && !st->error;
}

static bool alias(const struct uni_step *st)
{
    return st->vector == UNIBOX_FINE && st->their_vector == EXC_UD;
}

/* A store into the page that it runs in: it stops for that and the count of one is used up. */
static bool own_page(const struct uni_step *st)
{
    const struct insn *in = &st->in;
    u64 la = (u64)in->disp;
    bool memory = false;
    if (!st->decoded || st->vector != UNIBOX_FINE || st->theirs.rip != st->before.rip)
        return false;
    for (unsigned i = 0; i < in->nopnd; i++)
        memory |= in->o[i].kind == OPND_MEM;
    if (in->base == REG_IP)
        la += st->before.rip + in->len;
    else if (in->base < 16)
        la += st->before.gpr[in->base];
    if (in->index < 16)
        la += st->before.gpr[in->index] << in->scale;
    if (!memory || in->rep)
        la = st->before.gpr[REG_DI];
    if (in->asz < 8)
        la &= BIT64(8 * in->asz) - 1;
    if (st->bits == 16 && in->seg < SEG__COUNT)
        la += st->before.sel[in->seg] * 16u;
    return la + 32 >= LOCK_CODE && la < LOCK_CODE + 0x2000;
}

static bool x87_flags(const struct uni_step *st)
{
    return op_info[st->in.op].attrs & OPA_X87 && !((st->ours.fsw ^ st->theirs.fsw) & 0x3800) && st->ours.fcw == st->theirs.fcw &&
           !memcmp(st->ours.st, st->theirs.st, sizeof(st->ours.st));
}

static bool unmasked(const struct uni_step *st)
{
    return op_info[st->in.op].attrs & OPA_X87 && st->ours.fsw & 0x80;
}

static bool available(const struct uni_step *st)
{
    return (st->vector == EXC_NM) != (st->their_vector == EXC_NM);
}

static bool stack_fault(const struct uni_step *st)
{
    return st->ours.fsw & 0x40;
}

/* Behind a far transfer below 64 KiB. */
static bool linear(const struct uni_step *st)
{
    return st->bits == 16 && (u32)(st->theirs.rip - st->theirs.sel[SEG_CS] * 16u) == (u32)st->ours.rip;
}

static bool narrow(const struct uni_step *st)
{
    return st->in.osz == 2;
}

/* The accessed bit of a code segment's descriptor. */
static bool accessed(const struct uni_step *st)
{
    return st->mem_at >= LOCK_GDT && st->mem_at < LOCK_IDT && (st->mem_at & 7) == 5 && st->mem_ours == (st->mem_theirs | 1);
}

static bool wide(const struct uni_step *st)
{
    return st->bits == 16 && st->in.osz == 4;
}

/* Ours stopped inside a repeated string instruction and goes on in the next step. */
static bool in_pieces(const struct uni_step *st)
{
    return st->in.rep && st->ours.rip == st->before.rip;
}

static bool no_osfxsr(const struct uni_step *st)
{
    return st->vector == EXC_UD && op_info[st->in.op].attrs & OPA_SSE && !(st->before.cr4 & CR4_OSFXSR);
}

/* 66 beside F2 or F3: the latter choose the instruction (SDM vol. 2, 2.1.1). */
static bool two_prefixes(const struct uni_step *st)
{
    return op_info[st->in.op].attrs & OPA_SSE && memchr(st->bytes, 0x66, 4) && (memchr(st->bytes, 0xf2, 4) || memchr(st->bytes, 0xf3, 4));
}

/* Nothing happened at all. */
static bool idle(const struct uni_step *st)
{
    return st->their_vector == UNIBOX_FINE && st->theirs.rip == st->before.rip && !memcmp(st->theirs.gpr, st->before.gpr, 64) &&
           st->theirs.eflags == st->before.eflags && st->theirs.fsw == st->before.fsw;
}

static bool double_fault(const struct uni_step *st)
{
    return st->their_vector == EXC_DF && st->vector >= 0;
}

static bool pending(const struct uni_step *st)
{
    return st->vector == EXC_MF;
}

/* Bits 64 to 79 of registers that an MMX instruction wrote. */
static bool exponent(const struct uni_step *st)
{
    for (unsigned i = 0; i < 8; i++)
        if (memcmp(st->ours.st[i], st->theirs.st[i], 8) ||
            (memcmp(st->ours.st[i], st->theirs.st[i], 10) && ld16(st->ours.st[i] + 8) != 0xffff))
            return false;
    return st->ours.fsw == st->theirs.fsw && st->ours.fcw == st->theirs.fcw;
}

static bool lock_prefix(const struct uni_step *st)
{
    return st->vector == EXC_UD && st->lock;
}

const struct uni_rule uni_rules[] = {
    {UNI_ANY, UNI_ALL, nowhere, "physical memory that is not there is an error of its own"},
    {UNI_ANY, UNI_ALL, own_page, "a store into the code that runs stops it before its instruction"},
    {OP_TEST, UNI_ALL, alias, "F6 /1 and F7 /1, the other encoding of TEST, are rejected"},
    {UNI_ANY, UNI_X87, x87_flags, "x87 exception flags and C1: many are not given"},
    {UNI_ANY, UNI_X87 | UNI_MEM | UNI_FLAGS, unmasked, "unmasked x87 exceptions: the result is stored all the same"},
    {UNI_ANY, UNI_ALL, available, "CR0.TS and EM as set from outside do not reach its #NM"},
    {UNI_ANY, UNI_ALL, idle, "it stops in front of some instructions whatever its count is"},
    {UNI_ANY, UNI_ALL, double_fault, "an exception behind one that nobody delivered is #DF"},
    {UNI_ANY, UNI_ALL, pending, "#MF for a pending x87 exception is not raised"},
    {UNI_ANY, UNI_X87, exponent, "MMX writes do not set the exponent to FFFFh"},
    {OP_PUSHSEG, UNI_MEM, NULL, "32-bit push of a segment register: Intel writes 16 bits, it 32"},
    {OP_MOVCR, 0, NULL, "control registers are set from outside, which does not reach all it derives from them"},
    {OP_MOVDR, 0, NULL, "a breakpoint in DR7 crashes it"},
    {OP_INT, 0, NULL, "software interrupts are told to its caller"},
    {OP_INT1, 0, NULL, "software interrupts are told to its caller"},
    {OP_INT3, 0, NULL, "software interrupts are told to its caller"},
    {OP_INTO, 0, NULL, "software interrupts are told to its caller"},
    {UNI_ANY, UNI_X87 | UNI_MEM | UNI_FLAGS, stack_fault, "x87 stack overflow and underflow are not looked for"},
    {UNI_ANY, UNI_RIP, linear, "instruction pointers of 16-bit code are linear"},
    {OP_EMMS, UNI_X87, NULL, "EMMS leaves TOP (SDM vol. 3, table 12-1: 0)"},
    {OP_BSWAP, UNI_GPR, narrow, "BSWAP of 16 bits is undefined; ours 0 as processors"},
    {OP_JMPF, UNI_MEM, accessed, "far transfers do not set the accessed bit of the code segment"},
    {OP_CALLF, UNI_MEM, accessed, "far transfers do not set the accessed bit of the code segment"},
    {OP_RETF, UNI_MEM, accessed, "far transfers do not set the accessed bit of the code segment"},
    {OP_IRET, UNI_MEM, accessed, "far transfers do not set the accessed bit of the code segment"},
    {OP_FNSTENV, UNI_MEM, NULL, "x87 pointers and reserved parts of the image"},
    {OP_FNSAVE, UNI_MEM, NULL, "x87 pointers and reserved parts of the image"},
    {OP_FXSAVE, UNI_MEM, NULL, "x87 pointers and reserved parts of the image"},
    {OP_SYSCALL, 0, NULL, "model-specific registers are not set up"},
    {OP_SYSRET, 0, NULL, "model-specific registers are not set up"},
    {OP_SYSENTER, 0, NULL, "model-specific registers are not set up"},
    {OP_SYSEXIT, 0, NULL, "model-specific registers are not set up"},
    {OP_FISTTP, UNI_MEM | UNI_X87, NULL, "FISTTP out of range gives the nearest integer, not the indefinite one"},
    {OP_ENTER, UNI_GPR, wide, "ENTER of 32 bits on a 16-bit stack keeps the upper half of EBP; processors load all of it"},
    {UNI_ANY, UNI_ALL, in_pieces, "repeated string instructions stop at other places"},
    {UNI_ANY, UNI_ALL, alias, "translations of what stood there before stay behind (#UD)"},
    {OP_RCPPS, UNI_SSE, NULL, "approximations differ between processors"},
    {OP_RCPSS, UNI_SSE, NULL, "approximations differ between processors"},
    {OP_RSQRTPS, UNI_SSE, NULL, "approximations differ between processors"},
    {OP_RSQRTSS, UNI_SSE, NULL, "approximations differ between processors"},
    {OP_SHLD, UNI_GPR | UNI_MEM | UNI_FLAGS, narrow, "16 bits, count above 16: undefined (SDM vol. 2)"},
    {OP_SHRD, UNI_GPR | UNI_MEM | UNI_FLAGS, narrow, "16 bits, count above 16: undefined (SDM vol. 2)"},
    {UNI_ANY, UNI_ALL, no_osfxsr, "CR4.OSFXSR as set from outside is not looked at"},
    {OP_JMPF, 0, long_mode, "far transfers in 64-bit code give CS a base"},
    {OP_CALLF, 0, long_mode, "far transfers in 64-bit code give CS a base"},
    {OP_RETF, 0, long_mode, "far transfers in 64-bit code give CS a base"},
    {OP_IRET, 0, long_mode, "far transfers in 64-bit code give CS a base"},
    {OP_LES, UNI_SEL, narrow, "far pointers at the end of 64 KiB: its segments do not end there"},
    {OP_LDS, UNI_SEL, narrow, "far pointers at the end of 64 KiB: its segments do not end there"},
    {OP_LFS, UNI_SEL, narrow, "far pointers at the end of 64 KiB: its segments do not end there"},
    {OP_LGS, UNI_SEL, narrow, "far pointers at the end of 64 KiB: its segments do not end there"},
    {OP_LSS, UNI_SEL, narrow, "far pointers at the end of 64 KiB: its segments do not end there"},
    {OP_CMPXCHG, UNI_GPR, long_mode, "32-bit register that did not compare: its upper half is cleared"},
    {OP_FSTPNCE, UNI_X87, NULL, "D9 D8+i stores an empty ST(0); it is popped only"},
    {OP_SAHF, UNI_FLAGS, long_mode, "with REX, SPL is taken for AH"},
    {OP_LAHF, UNI_GPR, long_mode, "with REX, SPL is taken for AH"},
    {OP_RET, UNI_GPR, NULL, "the count of RET is extended by its sign"},
    {OP_SMSW, UNI_GPR | UNI_MEM, NULL, "the upper half of SMSW's register is undefined; ours all of CR0 as processors"},
    {OP_LSS, UNI_GPR, long_mode, "REX.W: AMD's far pointers"},
    {OP_LFS, UNI_GPR, long_mode, "REX.W: AMD's far pointers"},
    {OP_LGS, UNI_GPR, long_mode, "REX.W: AMD's far pointers"},
    {OP_FNSTENV, UNI_MEM | UNI_X87, NULL, "FNSTENV does not mask exceptions, no x87 pointers"},
    {OP_FLDCW, UNI_X87, NULL, "reserved bits of the control word are loaded"},
    {OP_FLDENV, UNI_X87, NULL, "reserved bits of the control word are loaded"},
    {OP_FRSTOR, UNI_X87, NULL, "reserved bits of the control word are loaded"},
    {OP_FBSTP, UNI_MEM | UNI_X87, NULL, "FBSTP out of range does not give the indefinite value"},
    {OP_FUCOMI, UNI_FLAGS | UNI_X87, NULL, "OF, SF and AF are not cleared"},
    {OP_FCOMI, UNI_FLAGS | UNI_X87, NULL, "OF, SF and AF are not cleared"},
    {OP_FUCOMIP, UNI_FLAGS | UNI_X87, NULL, "OF, SF and AF are not cleared"},
    {OP_FCOMIP, UNI_FLAGS | UNI_X87, NULL, "OF, SF and AF are not cleared"},
    {UNI_ANY, UNI_ALL, two_prefixes, "66 beside F2 or F3 chooses another instruction"},
    {OP_LMSW, 0, NULL, "control registers are set from outside, which does not reach all it derives from them"},
    {OP_CLTS, 0, NULL, "control registers are set from outside, which does not reach all it derives from them"},
    {OP_SMSW, UNI_GPR | UNI_MEM, long_mode, "64-bit code runs without paging"},
    {UNI_ANY, UNI_ALL, paged, "64-bit code runs without paging"},
    {UNI_ANY, UNI_ALL, segment_limit, "checks no segment limits, no canonical addresses"},
    {UNI_ANY, UNI_ALL, lock_prefix, "LOCK where it is invalid is ignored"},
    {OP_CPUID, 0, NULL, "says what processor it is"},
    {OP_RDTSC, 0, NULL, "reads a clock"},
    {OP_RDTSCP, 0, NULL, "reads a clock"},
    {OP_RDRAND, 0, NULL, "random"},
    {OP_RDSEED, 0, NULL, "random"},
    {OP_RDMSR, 0, NULL, "model-specific registers are not set up"},
    {OP_WRMSR, 0, NULL, "model-specific registers are not set up"},
    {OP_RDPMC, 0, NULL, "reads a counter"},
    {OP_IN, 0, NULL, "ports are a matter of its caller"},
    {OP_OUT, 0, NULL, "ports are a matter of its caller"},
    {OP_INS, 0, NULL, "ports are a matter of its caller"},
    {OP_OUTS, 0, NULL, "ports are a matter of its caller"},
    {OP_HLT, 0, NULL, "ends its run"},
    {UNI_ANY, UNI_ALL, lacks, "a feature that it lacks"},
};
const unsigned uni_nrules = ARRAY_LEN(uni_rules);

bool uni_excluded(const struct uni_step *st)
{
    if (op_info[st->in.op].attrs & OPA_AVX)
        return true;
    for (unsigned i = 0; i < uni_nrules; i++)
        if (uni_rules[i].op == st->in.op && !uni_rules[i].diff && (!uni_rules[i].when || uni_rules[i].when(st)))
            return true;
    return false;
}

int uni_excuse(const struct uni_step *st)
{
    for (unsigned i = 0; i < uni_nrules; i++) {
        const struct uni_rule *r = &uni_rules[i];
        if (r->op != UNI_ANY && (!st->decoded || r->op != st->in.op))
            continue;
        if (r->diff && !(st->diff & ~(u32)r->diff) && (!r->when || r->when(st)))
            return (int)i;
    }
    return -1;
}
