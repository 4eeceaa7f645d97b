/* The one table of what QEMU 7.2's translator does otherwise than processors, with reasons; a
 * difference that no row explains is a failure. */
#include "tests/tools/stub_rules.h"

#include <string.h>

/* ---- operands ---- */
void stub_operand(struct stub_step *st)
{
    const struct insn *in = &st->in;
    u64 ea = (u64)in->disp;
    st->memory = false;
    for (unsigned i = 0; i < in->nopnd; i++)
        st->memory |= in->o[i].kind == OPND_MEM;
    if (!st->memory || in->vsib)
        return;
    if (in->base == REG_IP)
        ea += st->before.r[STUB_RIP] + in->len;
    else if (in->base < 16)
        ea += st->before.r[STUB_GPR + in->base];
    if (in->index < 16)
        ea += st->before.r[STUB_GPR + in->index] << in->scale;
    if (in->asz < 8)
        ea &= BIT64(8 * in->asz) - 1;
    st->ea = ea;
    st->operand = ea + (in->seg < SEG__COUNT ? st->seg[in->seg].base : 0);
    if (st->code_bits != 64)
        st->operand = (u32)st->operand;
}

bool stub_input(const struct stub_step *st)
{
    if (!st->decoded)
        return false;
    switch (st->in.op) {
    case OP_IN:
    case OP_INS:
    case OP_RDTSC:
    case OP_RDTSCP:
    case OP_RDMSR:
    case OP_RDPMC:
    case OP_CPUID:
    case OP_RDRAND:
    case OP_RDSEED: return true;
    case OP_OUT: return st->diff == DIFF_MEM; /* the device reads and writes memory */
    default: return st->memory && !(st->diff & DIFF_RIP) && st->before.r[STUB_CR0] < CR0_PG &&
                    ((st->operand >= 0xa0000 && st->operand < 0xc0000) || st->operand >= STUB_RAM);
    }
}

/* ---- conditions ---- */
static bool rf_image(const struct stub_step *st)
{
    return st->vector >= 0 && st->mem_n == 1 && st->mem_ours == (st->mem_theirs | 1);
}

static bool upper_half(const struct stub_step *st)
{
    u64 sp = st->ours.r[STUB_GPR + REG_SP];
    return st->vector < 0 && st->mem_n <= 2 && (st->mem_at & 0xfff) - (sp & 0xfff) >= 2 &&
           (st->mem_at & 0xfff) - (sp & 0xfff) < 4;
}

static bool lock_prefix(const struct stub_step *st)
{
    return !st->decoded && st->vector == EXC_UD && memchr(st->bytes, 0xf0, 4);
}

/* The instruction switched to a task of a 16-bit TSS. */
static bool task16(const struct stub_step *st)
{
    for (unsigned i = 0; i < 8; i++)
        if (st->ours.r[STUB_GPR + i] >> 16 != 0xffff)
            return false;
    return !(st->flags & 0xffff);
}

/* Do `size` bytes at `off` leave segment `n`, or has it not the right to be read and written? */
static bool outside(const struct stub_step *st, unsigned n, u64 off, unsigned size)
{
    const struct seg *s = &st->seg[n];
    u64 last = off + (size ? size : 1) - 1;
    bool protected = st->before.r[STUB_CR0] & CR0_PE && !(st->before.r[STUB_FLAGS] & FL_VM);
    if (protected && (!(s->attr & DA_P) || (s->attr & DA_CODE) || !(s->attr & DA_WRITE)))
        return true;
    if (protected && s->attr & DA_EXPDOWN)
        return off <= s->limit || last > (s->attr & DA_DB ? 0xffffffff : 0xffff);
    return last > s->limit;
}

/* A fault of ours that only comes of a segment's limit or rights. */
static bool segment_limit(const struct stub_step *st)
{
    const struct insn *in = &st->in;
    u64 mask = st->decoded && in->asz == 2 ? 0xffff : 0xffffffff;
    const struct seg *ss = &st->seg[SEG_SS], *cs = &st->seg[SEG_CS];
    if (st->code_bits == 64 || (st->vector != EXC_GP && st->vector != EXC_SS) || st->error)
        return false;
    if (st->vector == EXC_SS && (ss->limit != 0xffffffff || ss->attr & DA_EXPDOWN))
        return true;
    if (st->before.r[STUB_RIP] + 15 > cs->limit || !st->decoded)
        return cs->limit != 0xffffffff;
    for (unsigned i = 0; i < in->nopnd; i++)
        if (in->o[i].kind == OPND_MEM && in->seg < SEG__COUNT && outside(st, in->seg, st->ea, MAX(in->o[i].size, in->osz + 2u)))
            return true;
    if (op_info[in->op].attrs & OPA_REP)
        return outside(st, in->seg < SEG__COUNT ? in->seg : SEG_DS, st->before.r[STUB_GPR + REG_SI] & mask, in->osz) ||
               outside(st, SEG_ES, st->before.r[STUB_GPR + REG_DI] & mask, in->osz);
    return op_info[in->op].attrs & OPA_JUMP && cs->limit != 0xffffffff;
}

/* A page fault of an instruction that reads and writes its operand: processors ask for both at once. */
static bool write_fault(const struct stub_step *st)
{
    return st->vector == EXC_PF && st->mem_n <= 2 && st->mem_ours == (st->mem_theirs | 2);
}

static bool rounding_up(const struct stub_step *st)
{
    return st->decoded && op_info[st->in.op].attrs & OPA_X87 && st->vector < 0 &&
           (st->ours.r[STUB_FSTAT] ^ st->theirs.r[STUB_FSTAT]) == 0x200 && st->ours.r[STUB_FCTRL] == st->theirs.r[STUB_FCTRL] &&
           !memcmp(st->ours.st, st->theirs.st, sizeof(st->ours.st));
}

static bool x87_pointers(const struct stub_step *st)
{
    u64 off = st->mem_at - (st->before.r[STUB_CR0] & CR0_PG ? st->mem_at & ~31ull : st->operand);
    return st->mem_n <= 22 && off >= 2 && off < 28 && off != 4 && off != 5;
}

static bool stack_fault(const struct stub_step *st)
{
    return st->ours.r[STUB_FSTAT] & ~st->theirs.r[STUB_FSTAT] & 0x40;
}

/* Condition codes of FSQRT and of the remainders. */
static bool conditions(const struct stub_step *st)
{
    return st->vector < 0 && !((st->ours.r[STUB_FSTAT] ^ st->theirs.r[STUB_FSTAT]) & ~0x4700ull) &&
           st->ours.r[STUB_FCTRL] == st->theirs.r[STUB_FCTRL] && !memcmp(st->ours.st, st->theirs.st, sizeof(st->ours.st));
}

/* Bit 5 of one of the four entries that CR3 points to. */
static bool pdpte_accessed(const struct stub_step *st)
{
    u32 table = (u32)st->ours.r[STUB_CR3] & ~31u;
    return st->ours.r[STUB_CR4] & CR4_PAE && !(st->ours.r[STUB_EFER] & EFER_LMA) && st->mem_at - table < 32 &&
           st->mem_theirs == (st->mem_ours | 0x20);
}

static bool resumed(const struct stub_step *st)
{
    return st->before.r[STUB_FLAGS] & FL_RF && st->theirs.r[STUB_RIP] != st->ours.r[STUB_RIP];
}

static bool general_detect(const struct stub_step *st)
{
    return st->vector == EXC_DB || st->diff == DIFF_GPR;
}

static bool unmasked(const struct stub_step *st)
{
    return st->decoded && op_info[st->in.op].attrs & OPA_X87 && st->ours.r[STUB_FSTAT] & 0x80;
}

/* The error code is all that differs: ours 0, QEMU's a selector. */
static bool far_limit(const struct stub_step *st)
{
    return st->vector == EXC_GP && !st->error && st->mem_n <= 3 && !st->mem_ours && st->mem_at == (u32)st->ours.r[STUB_GPR + REG_SP] + st->seg[SEG_SS].base;
}

static bool reserved_bits(const struct stub_step *st)
{
    return st->vector == EXC_GP;
}

#define TRANSCENDENTAL "transcendental functions: QEMU computes them in 53 bits, some flags differ"
const struct stub_rule stub_rules[] = {
    {STUB_ANY, DIFF_MEM, rf_image, false,
     "RF in the image of EFLAGS that a fault pushes: set (SDM vol. 3, 17.3.1.1), QEMU leaves it clear"},
    {OP_PUSHSEG, DIFF_MEM, upper_half, false, "32-bit push of a segment register: Intel writes 16 bits, QEMU 32"},
    {STUB_ANY, DIFF_ALL, lock_prefix, false, "LOCK where it is invalid: QEMU ignores it"},
    {STUB_ANY, DIFF_GPR | DIFF_FLAGS, task16, false,
     "task switch to a 16-bit TSS: upper halves of registers and flags are open; QEMU keeps the old ones"},
    {STUB_ANY, DIFF_ALL, segment_limit, false, "segment limits and rights: QEMU checks none"},
    {STUB_ANY, DIFF_MEM, write_fault, false, "W in the error code when an operand is read and written: QEMU reads first"},
    {STUB_ANY, DIFF_X87, rounding_up, false, "x87 C1, the direction of rounding: QEMU does not give it"},
    {OP_FXSAVE, DIFF_MEM, x87_pointers, false, "x87 instruction and data pointers, reserved parts of the image: QEMU stores zeros"},
    {OP_FNSAVE, DIFF_MEM, x87_pointers, false, "x87 instruction and data pointers, reserved parts of the image: QEMU stores zeros"},
    {OP_FNSTENV, DIFF_MEM, x87_pointers, false, "x87 instruction and data pointers, reserved parts of the image: QEMU stores zeros"},
    {STUB_ANY, DIFF_X87, stack_fault, false, "x87 stack overflow and underflow: QEMU does not look for them"},
    {OP_FSQRT, DIFF_X87, conditions, false, "C2 behind FSQRT of a negative number: QEMU sets it"},
    {OP_FPREM, DIFF_X87, conditions, false, "quotient bits of FPREM and FPREM1: QEMU loses them"},
    {OP_FPREM1, DIFF_X87, conditions, false, "quotient bits of FPREM and FPREM1: QEMU loses them"},
    {STUB_ANY, DIFF_MEM, pdpte_accessed, false, "PAE page directory pointers have no accessed bit (SDM vol. 3, 4.4.1): QEMU sets it"},
    {STUB_ANY, DIFF_ALL, resumed, false, "RF holds an instruction breakpoint off: QEMU's single step loses it"},
    {OP_MOVDR, DIFF_ALL, general_detect, false, "DR7.GD: QEMU does not raise #DB, and DR6.BD stays clear"},
    {OP_CALLF, DIFF_MEM, far_limit, false, "far transfers past the limit: #GP(0) (SDM vol. 2, CALL), QEMU gives the selector"},
    {OP_JMPF, DIFF_MEM, far_limit, false, "far transfers past the limit: #GP(0) (SDM vol. 2, JMP), QEMU gives the selector"},
    {STUB_ANY, DIFF_X87, unmasked, false, "unmasked x87 exceptions: QEMU stores the result all the same"},
    {OP_F2XM1, DIFF_X87, NULL, false, TRANSCENDENTAL},
    {OP_FYL2X, DIFF_X87, NULL, false, TRANSCENDENTAL},
    {OP_FYL2XP1, DIFF_X87, NULL, false, TRANSCENDENTAL},
    {OP_FPTAN, DIFF_X87, NULL, false, TRANSCENDENTAL},
    {OP_FPATAN, DIFF_X87, NULL, false, TRANSCENDENTAL},
    {OP_FSIN, DIFF_X87, NULL, false, TRANSCENDENTAL},
    {OP_FCOS, DIFF_X87, NULL, false, TRANSCENDENTAL},
    {OP_FSINCOS, DIFF_X87, NULL, false, TRANSCENDENTAL},
    {OP_INT1, DIFF_RIP | DIFF_MEM, NULL, false, "INT1: QEMU's stub takes it for its own and it ends in #UD"},
    {OP_MOVCR, DIFF_ALL, reserved_bits, false, "reserved bits and invalid combinations in CR0 and CR4: QEMU does not raise #GP"},
};
const unsigned stub_nrules = ARRAY_LEN(stub_rules);

int stub_excuse(const struct stub_step *st)
{
    for (unsigned i = 0; i < stub_nrules; i++) {
        const struct stub_rule *r = &stub_rules[i];
        if (r->op != STUB_ANY && (!st->decoded || r->op != st->in.op))
            continue;
        if (!(st->diff & ~(u32)r->diff) && (!r->when || r->when(st)))
            return (int)i;
    }
    return -1;
}
