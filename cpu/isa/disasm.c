/* Intel-syntax text of a decoded instruction (SDM vol. 2 section 3.1.1 for the syntax).
 *
 * Operand text follows from the decoded form alone; the few operations whose written form differs
 * from their operands (strings, x87, predicates in the mnemonic) are told apart in body(). */
#include "cpu/isa/isa.h"

#include "devices/core/bits.h"

#include <stdarg.h>
#include <stdio.h>

struct text {
    char *buf;
    size_t n, len;
};

static const char *const cc_names[16] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                         "s", "ns", "p", "np", "l", "ge", "le", "g"};
static const char *const seg_names[SEG__COUNT] = {"es", "cs", "ss", "ds", "fs", "gs"};

/* Appends, dropping what does not fit. */
static PRINTF_LIKE(2, 3) void put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (t->len + 1 >= t->n)
        return;
    va_start(ap, fmt);
    n = vsnprintf(t->buf + t->len, t->n - t->len, fmt, ap);
    va_end(ap);
    if (n > 0)
        t->len = MIN(t->len + n, t->n - 1);
}

/* Numbers up to 9 are plain, larger ones hexadecimal. */
static void put_number(struct text *t, u64 v)
{
    put(t, v > 9 ? "0x%llx" : "%llu", (unsigned long long)v);
}

/* The general register `reg` with `size` bytes. */
static void put_gpr(struct text *t, unsigned reg, unsigned size)
{
    static const char stems[8][3] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    static const char lows[8][4] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};

    reg &= 15;
    if (reg >= 8)
        put(t, "r%u%s", reg, size == 1 ? "b" : size == 2 ? "w" : size == 4 ? "d" : "");
    else if (size == 1)
        put(t, "%s", lows[reg]);
    else
        put(t, "%s%s", size == 8 ? "r" : size == 4 ? "e" : "", stems[reg]);
}

/* "dword ptr " and the like, for an operand of `size` bytes. */
static void put_size(struct text *t, const struct insn *in, unsigned size)
{
    switch (in->op) {
    case OP_LDS:
    case OP_LES:
    case OP_LSS:
    case OP_LFS:
    case OP_LGS:
    case OP_XSAVE:
    case OP_XSAVEC:
    case OP_XSAVEOPT:
    case OP_XRSTOR: put(t, "ptr "); return;
    case OP_CALLF:
    case OP_JMPF:
    case OP_LGDT:
    case OP_LIDT:
    case OP_SGDT:
    case OP_SIDT:
    case OP_LEA: return;
    case OP_FBLD:
    case OP_FBSTP: put(t, "tbyte ptr "); return;
    default: break;
    }
    switch (size) {
    case 1: put(t, "byte ptr "); return;
    case 2: put(t, "word ptr "); return;
    case 4: put(t, "dword ptr "); return;
    case 8: put(t, "qword ptr "); return;
    case 10: put(t, "xword ptr "); return;
    case 16: put(t, "xmmword ptr "); return;
    case 32: put(t, "ymmword ptr "); return;
    default: return;
    }
}

/* "[base + index*scale + disp]" */
static void put_address(struct text *t, const struct insn *in)
{
    const char *plus = "";

    put(t, "[");
    if (in->base == REG_IP)
        put(t, in->asz == 8 ? "rip" : "eip");
    else if (in->base != REG_NONE)
        put_gpr(t, in->base, in->asz);
    if (in->base != REG_NONE)
        plus = " + ";
    if (in->index != REG_NONE) {
        put(t, "%s", plus);
        if (in->vsib)
            put(t, "%cmm%u", in->vsib == 32 ? 'y' : 'x', in->index);
        else
            put_gpr(t, in->index, in->asz);
        if (in->scale)
            put(t, "*%u", 1u << (in->scale & 3));
        plus = " + ";
    }
    if (!*plus) {
        put_number(t, in->disp & size_mask(in->asz));
    } else if (in->disp < 0) {
        put(t, " - ");
        put_number(t, -(u64)in->disp);
    } else if (in->disp) {
        put(t, "%s", plus);
        put_number(t, in->disp);
    }
    put(t, "]");
}

/* The memory operand with size and, where it is not the default, segment. */
static void put_mem(struct text *t, const struct insn *in, unsigned size)
{
    bool stack = in->base == REG_BP || in->base == REG_SP;

    put_size(t, in, size);
    if (in->seg < SEG__COUNT && in->seg != (stack ? SEG_SS : SEG_DS))
        put(t, "%s:", seg_names[in->seg]);
    put_address(t, in);
}

/* An immediate: small negative numbers as such, others and those of logic unsigned. */
static void put_imm(struct text *t, const struct insn *in, unsigned size)
{
    s64 v = size && size < 8 ? sext(in->imm, 8 * size) : (s64)in->imm;
    bool bits = in->op == OP_MOV || in->op == OP_AND || in->op == OP_OR || in->op == OP_XOR ||
                in->op == OP_TEST;

    if (size > 1 && v < 0 && (v >= -0x80 || size == 8) && !bits) {
        put(t, "-");
        put_number(t, -v);
    } else {
        put_number(t, in->imm);
    }
}

static void put_operand(struct text *t, const struct insn *in, const struct opnd *o, u64 pc)
{
    switch (o->kind) {
    case OPND_GPR: put_gpr(t, o->reg, o->size); return;
    case OPND_GPRH: put(t, "%ch", "acdb"[o->reg & 3]); return;
    case OPND_SEG: put(t, "%s", o->reg < SEG__COUNT ? seg_names[o->reg] : "?"); return;
    case OPND_CR: put(t, "cr%u", o->reg); return;
    case OPND_DR: put(t, "dr%u", o->reg); return;
    case OPND_MEM: put_mem(t, in, o->size); return;
    case OPND_IMM: put_imm(t, in, o->size); return;
    case OPND_IMM2: put_number(t, in->imm2); return;
    case OPND_REL:
        put(t, "0x%llx", (unsigned long long)((pc + in->len + in->imm) & size_mask(in->osz)));
        return;
    case OPND_FAR:
        put_number(t, in->imm2);
        put(t, ":");
        put_number(t, in->imm);
        return;
    case OPND_MMX: put(t, "mm%u", o->reg); return;
    case OPND_XMM: put(t, "xmm%u", o->reg); return;
    case OPND_YMM: put(t, "ymm%u", o->reg); return;
    case OPND_ST: put(t, "st(%u)", o->reg); return;
    default: return;
    }
}

/* The ES:rDI operand of a string instruction. */
static void put_destination(struct text *t, const struct insn *in)
{
    put_size(t, in, in->o[0].size);
    put(t, in->mode == 64 ? "[" : "es:[");
    put_gpr(t, REG_DI, in->asz);
    put(t, "]");
}

/* Mnemonic suffix and operands of the string instructions. */
static void put_string(struct text *t, const struct insn *in)
{
    unsigned size = in->o[0].size;

    put(t, "%c ", size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'd' : 'q');
    switch (in->op) {
    case OP_MOVS:
        put_destination(t, in);
        put(t, ", ");
        put_mem(t, in, size);
        return;
    case OP_CMPS:
        put_mem(t, in, size);
        put(t, ", ");
        put_destination(t, in);
        return;
    case OP_STOS:
        put_destination(t, in);
        put(t, ", ");
        put_gpr(t, REG_AX, size);
        return;
    case OP_SCAS:
        put_gpr(t, REG_AX, size);
        put(t, ", ");
        put_destination(t, in);
        return;
    case OP_LODS:
        put_gpr(t, REG_AX, size);
        put(t, ", ");
        put_mem(t, in, size);
        return;
    case OP_INS:
        put_destination(t, in);
        put(t, ", dx");
        return;
    default:
        put(t, "dx, ");
        put_mem(t, in, size);
        return;
    }
}

/* Names that depend on a size. NULL: the name of ops.def. */
static const char *sized_name(const struct insn *in)
{
    static const struct {
        u16 op;
        const char *names[3]; /* for 2, 4 and 8 bytes */
    } rows[] = {
        {OP_CBW, {"cbw", "cwde", "cdqe"}},
        {OP_CWD, {"cwd", "cdq", "cqo"}},
        {OP_PUSHA, {"pushaw", "pushal", "pushal"}},
        {OP_POPA, {"popaw", "popal", "popal"}},
        {OP_PUSHF, {"pushf", "pushfd", "pushfq"}},
        {OP_POPF, {"popf", "popfd", "popfq"}},
        {OP_IRET, {"iret", "iretd", "iretq"}},
        {OP_RETF, {"retf", "retf", "retfq"}},
        {OP_JCXZ, {"jcxz", "jecxz", "jrcxz"}},
        {OP_CMPXCHG8B, {"cmpxchg8b", "cmpxchg8b", "cmpxchg16b"}},
        {OP_XSAVE, {"xsave", "xsave", "xsave64"}},
        {OP_XSAVEC, {"xsavec", "xsavec", "xsavec64"}},
        {OP_XSAVEOPT, {"xsaveopt", "xsaveopt", "xsaveopt64"}},
        {OP_XRSTOR, {"xrstor", "xrstor", "xrstor64"}},
    };
    unsigned size = in->op == OP_JCXZ ? in->asz : in->osz;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].op == in->op)
            return rows[i].names[size == 8 ? 2 : size == 4];
    }
    return NULL;
}

static const char *prefetch_name(unsigned hint)
{
    static const char *const names[4] = {"nta", "t0", "t1", "t2"};

    if (hint & 8)
        return (hint & 7) == 1 ? "w" : (hint & 7) == 2 ? "wt1" : "";
    return names[hint & 3];
}

/* CMPPS and its kin write the predicate into the name: below 8, with VEX below 32. True: done so.
 */
static bool put_predicate(struct text *t, const struct insn *in)
{
    static const char *const names[32] = {
        "eq",    "lt",     "le",     "unord",    "neq",    "nlt",    "nle",    "ord",
        "eq_uq", "nge",    "ngt",    "false",    "neq_oq", "ge",     "gt",     "true",
        "eq_os", "lt_oq",  "le_oq",  "unord_s",  "neq_us", "nlt_uq", "nle_uq", "ord_s",
        "eq_us", "nge_uq", "ngt_uq", "false_os", "neq_os", "ge_oq",  "gt_oq",  "true_us"};
    const char *kind;

    switch (in->op) {
    case OP_CMPPS:
    case OP_VCMPPS: kind = "ps"; break;
    case OP_CMPPD:
    case OP_VCMPPD: kind = "pd"; break;
    case OP_CMPSS:
    case OP_VCMPSS: kind = "ss"; break;
    case OP_CMPSD_X:
    case OP_VCMPSD_X: kind = "sd"; break;
    default: return false;
    }
    if (in->imm >= (in->vl ? 32 : 8))
        return false;
    put(t, "%scmp%s%s", in->vl ? "v" : "", names[in->imm & 31], kind);
    return true;
}

static void put_name(struct text *t, const struct insn *in)
{
    static const char *const fcmov[8] = {"?", "b", "e", "be", "?", "u", "?", "?"};
    const char *name = sized_name(in);

    if (!name)
        name = in->op < OP__COUNT ? op_info[in->op].name : "?";
    if (in->op == OP_MOV && ((s64)(s32)in->disp != in->disp || (s64)(s32)in->imm != (s64)in->imm) &&
        (in->asz == 8 || in->osz == 8) && (in->osz == 8 || !in->imm))
        name = "movabs";
    put(t, "%s", name);
    if (in->op == OP_JCC || in->op == OP_SETCC || in->op == OP_CMOVCC)
        put(t, "%s", cc_names[in->cc & 15]);
    else if (in->op == OP_FCMOVCC)
        put(t, "%s%s", in->cc & 1 ? "n" : "", fcmov[in->cc >> 1 & 7]);
    else if (in->op == OP_PREFETCH)
        put(t, "%s", prefetch_name(in->imm));
}

/* Which operands are written: x87 leaves out an ST(0) that goes without saying. */
static void operand_range(const struct insn *in, unsigned *first, unsigned *end)
{
    *first = 0;
    *end = MIN(in->nopnd, ARRAY_LEN(in->o));
    switch (in->op) {
    case OP_FADD:
    case OP_FMUL:
    case OP_FSUB:
    case OP_FSUBR:
    case OP_FDIV:
    case OP_FDIVR:
        if (*end == 2 && !in->o[0].reg)
            *first = 1;
        return;
    case OP_FCOMI:
    case OP_FCOMIP:
    case OP_FUCOMI:
    case OP_FUCOMIP: *first = 1; return;
    case OP_FADDP:
    case OP_FMULP:
    case OP_FSUBP:
    case OP_FSUBRP:
    case OP_FDIVP:
    case OP_FDIVRP: *end = 1; return;
    case OP_BLENDVPS:
    case OP_BLENDVPD:
    case OP_PBLENDVB:
    case OP_SHA256RNDS2: *end = 2; return;
    case OP_XLAT: *end = 0; return;
    case OP_AAM:
    case OP_AAD: *end = in->imm != 10; return;
    default: return;
    }
}

char *disasm(char *buf, size_t n, const struct insn *in, u64 pc)
{
    struct text t = {buf, n, 0};
    unsigned first, end, i;

    if (n)
        buf[0] = 0;
    if (in->lock)
        put(&t, "lock ");
    if (in->rep == REP_NE)
        put(&t, "repne ");
    else if (in->rep == REP_E)
        put(&t, in->op == OP_CMPS || in->op == OP_SCAS ? "repe " : "rep ");
    operand_range(in, &first, &end);
    if (put_predicate(&t, in))
        end--;
    else
        put_name(&t, in);
    if (in->op < OP__COUNT && op_info[in->op].attrs & OPA_REP) {
        put_string(&t, in);
        return buf;
    }
    for (i = first; i < end; i++) {
        put(&t, i == first ? " " : ", ");
        put_operand(&t, in, &in->o[i], pc);
    }
    return buf;
}
