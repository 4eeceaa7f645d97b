/* Forward folding: constants and copies of temporaries into their readers, sums of LEA into later
 * sums and into the displacements of memory operations. One walk; facts about a value die by
 * comparing write counts. */
#include "cpu/ir/shape.h"
#include "devices/core/bits.h"

#include <string.h>

enum fact { FACT_NONE, FACT_CONST, FACT_COPY, FACT_SUM };

/* What is known of a temporary. Copy: its low bits (`type`) are those of a. Sum: its low bits are a
 * + (b << scale) + c; a is never IR_NONE then. Both hold while a and b have the write counts at_a
 * and at_b. */
struct known {
    u8 type, a, b, scale;
    u16 at_a, at_b;
    u64 c; /* const: the value, cut to `type`; sum: the displacement */
};

struct fold {
    struct ir_block *b;
    u16 writes[IR_MAX_VALUE]; /* how often each value was written up to here */
    u8 fact[IR_MAX_VALUE];
    struct known known[IR_MAX_VALUE];
};

static bool fits_s32(s64 v)
{
    return v == (s32)v;
}

static u64 cut(u64 v, unsigned type)
{
    return v & size_mask(ir_bytes(type));
}

static s64 sext_type(u64 v, unsigned type)
{
    return sext(v, 8 * ir_bytes(type));
}

static u8 fact_of(const struct fold *f, unsigned v)
{
    return ir_is_temp(v) ? f->fact[v] : (u8)FACT_NONE;
}

static bool is_const(const struct fold *f, unsigned v, u64 *c)
{
    if (fact_of(f, v) != FACT_CONST)
        return false;
    *c = f->known[v].c;
    return true;
}

/* The sum that v is, if v is one of at least `width` bits whose terms are unchanged. */
static const struct known *sum_of(const struct fold *f, unsigned v, unsigned width)
{
    const struct known *k;
    if (fact_of(f, v) != FACT_SUM)
        return NULL;
    k = &f->known[v];
    if (ir_type_width(k->type) < width || f->writes[k->a] != k->at_a)
        return NULL;
    if (k->b != IR_NONE && f->writes[k->b] != k->at_b)
        return NULL;
    return k;
}

/* Whatever v is a copy of, when only its low `width` bits are read. */
static u8 original(const struct fold *f, u8 v, unsigned width)
{
    const struct known *k;
    if (fact_of(f, v) != FACT_COPY)
        return v;
    k = &f->known[v];
    return ir_type_width(k->type) >= width && f->writes[k->a] == k->at_a ? k->a : v;
}

static void written(struct fold *f, unsigned v)
{
    if (v >= IR_MAX_VALUE)
        return;
    f->writes[v]++;
    f->fact[v] = FACT_NONE;
}

static void make_movi(struct ir_ins *i, u64 v)
{
    i->op = IR_MOVI;
    i->a = i->b = IR_NONE;
    i->imm = (s64)cut(v, i->type);
}

static void make_mov(struct ir_ins *i)
{
    i->op = IR_MOV;
    i->b = IR_NONE;
    i->imm = 0;
}

/* ---- sums ---- */

/* a + c in arithmetic of `type`, as a displacement: false when it does not fit one. */
static bool add_disp(s64 *disp, u64 c, unsigned type)
{
    s64 sum = (s64)((u64)*disp + c);
    if (type != I64)
        sum = (s32)sum;
    if (!fits_s32(sum))
        return false;
    *disp = sum;
    return true;
}

/* The index of a sum: a constant, or itself a sum of one term. */
static void fold_index(const struct fold *f, struct ir_ins *i, unsigned *scale, s64 *disp)
{
    const struct known *k;
    u64 c;
    if (is_const(f, i->b, &c)) {
        if (add_disp(disp, c << *scale, i->type)) {
            i->b = IR_NONE;
            *scale = 0;
        }
        return;
    }
    k = sum_of(f, i->b, ir_type_width(i->type));
    if (k && k->b == IR_NONE && add_disp(disp, k->c << *scale, i->type))
        i->b = k->a;
}

/* The first term of a sum, with its own terms while there is room. */
static void fold_base(const struct fold *f, struct ir_ins *i, unsigned *scale, s64 *disp)
{
    const struct known *k;
    u64 c;
    if (is_const(f, i->a, &c)) {
        if (add_disp(disp, c, i->type))
            i->a = IR_NONE;
        return;
    }
    k = sum_of(f, i->a, ir_type_width(i->type));
    if (!k || (k->b != IR_NONE && i->b != IR_NONE) || !add_disp(disp, k->c, i->type))
        return;
    i->a = k->a;
    if (k->b != IR_NONE) {
        i->b = k->b;
        *scale = k->scale;
    }
}

static void fold_lea(const struct fold *f, struct ir_ins *i)
{
    unsigned scale = (unsigned)(i->imm >> 32) & 3;
    s64 disp = (s32)i->imm;
    fold_index(f, i, &scale, &disp);
    fold_base(f, i, &scale, &disp);
    if (i->a == IR_NONE && i->b != IR_NONE && !scale) {
        i->a = i->b;
        i->b = IR_NONE;
        fold_base(f, i, &scale, &disp);
    }
    i->imm = (s64)((u64)scale << 32 | (u32)disp);
    if (i->a == IR_NONE && i->b == IR_NONE) {
        /* A 16-bit sum in a temporary is zero-extended, which MOVI of that type does not promise.
         */
        if (i->type == I16 && ir_is_temp(i->dst)) {
            disp = (s64)cut((u64)disp, I16);
            i->type = I32;
        }
        make_movi(i, (u64)disp);
    } else if (i->b == IR_NONE && !disp && i->type >= I32) {
        make_mov(i);
    }
}

/* [a + imm] of a memory operation: linear addresses wrap at 32 bits outside long mode, so sums of
 * 32 bits are exact there. */
static void fold_address(const struct fold *f, struct ir_ins *i)
{
    unsigned type = f->b->long_mode ? I64 : I32;
    const struct known *k = sum_of(f, i->a, ir_type_width(type));
    s64 disp = i->op == IR_STI ? (s32)i->imm : i->imm;
    if (!k || k->b != IR_NONE || !add_disp(&disp, k->c, type))
        return;
    i->a = k->a;
    i->imm = i->op == IR_STI ? (s64)(((u64)i->imm & ~(u64)0xffffffff) | (u32)disp) : disp;
}

static void fold_store(const struct fold *f, struct ir_ins *i)
{
    u64 c;
    s64 v;
    fold_address(f, i);
    if (!is_const(f, i->b, &c))
        return;
    v = sext_type(c, i->type);
    if (!fits_s32(v))
        return;
    i->op = IR_STI;
    i->b = IR_NONE;
    i->imm = (s64)((u64)(u32)i->imm | (u64)v << 32);
}

/* ---- arithmetic ---- */

static bool commutes(unsigned op)
{
    return op == IR_ADD || op == IR_ADC || op == IR_AND || op == IR_OR || op == IR_XOR ||
           op == IR_TEST || op == IR_IMUL;
}

/* The value of a op c where no flag matters; false for operations that need flags or write no
 * value. */
static bool compute(const struct ir_ins *i, u64 a, u64 c, u64 *r)
{
    switch (i->op) {
    case IR_ADD: *r = a + c; return true;
    case IR_SUB: *r = a - c; return true;
    case IR_AND: *r = a & c; return true;
    case IR_OR: *r = a | c; return true;
    case IR_XOR: *r = a ^ c; return true;
    case IR_IMUL: *r = a * c; return true;
    case IR_SHL: *r = c < 64 ? cut(a, i->type) << c : 0; return true;
    case IR_SHR: *r = cut(a, i->type) >> c; return true;
    case IR_SAR: *r = (u64)(sext_type(a, i->type) >> c); return true;
    default: return false;
    }
}

/* ADD and SUB of which nobody takes the flags are sums, which later ones absorb and hosts do
 * without flags. */
static bool make_lea(struct ir_ins *i)
{
    s64 disp = 0;
    if (i->flags_out || i->type < I32 || (i->op != IR_ADD && (i->op != IR_SUB || i->b != IR_NONE)))
        return false;
    if (i->b == IR_NONE &&
        !add_disp(&disp, i->op == IR_ADD ? (u64)i->imm : 0 - (u64)i->imm, i->type))
        return false;
    i->op = IR_LEA;
    i->imm = (s64)(u32)disp;
    return true;
}

static void fold_arith(const struct fold *f, struct ir_ins *i)
{
    u64 c, r;
    if (i->b != IR_NONE && commutes(i->op) && fact_of(f, i->a) == FACT_CONST) {
        u8 a = i->a;
        i->a = i->b;
        i->b = a;
    }
    if (i->b != IR_NONE && is_const(f, i->b, &c) && fits_s32(sext_type(c, i->type))) {
        i->b = IR_NONE;
        i->imm = sext_type(c, i->type);
    }
    if (make_lea(i))
        fold_lea(f, i);
    else if (i->b == IR_NONE && !i->flags_out && is_const(f, i->a, &c) &&
             compute(i, c, (u64)i->imm, &r))
        make_movi(i, r);
}

/* Shifts by a constant in b: the count is masked as the CPU does, and a count of 0 is a move. */
static void fold_shift(const struct fold *f, struct ir_ins *i)
{
    u64 c, r;
    if (i->b != IR_NONE && is_const(f, i->b, &c)) {
        c &= i->type == I64 ? 63 : 31;
        i->imm = (s64)c;
        i->b = IR_NONE;
        if (!c) {
            i->flags_out = i->flags_live = 0;
            make_mov(i);
            return;
        }
    }
    if (i->b == IR_NONE && !i->flags_out && is_const(f, i->a, &c) && compute(i, c, (u64)i->imm, &r))
        make_movi(i, r);
}

/* Operations with one operand and no flags, of a constant. */
static void fold_unary(const struct fold *f, struct ir_ins *i)
{
    u64 c;
    if (!is_const(f, i->a, &c))
        return;
    switch (i->op) {
    case IR_ZX8: c = (u8)c; break;
    case IR_ZX16: c = (u16)c; break;
    case IR_SX8: c = (u64)(s8)c; break;
    case IR_SX16: c = (u64)(s16)c; break;
    case IR_SX32: c = (u64)(s32)c; break;
    case IR_GETH: c = c >> 8 & 0xff; break;
    case IR_BSWAP: c = i->type == I64 ? __builtin_bswap64(c) : __builtin_bswap32((u32)c); break;
    case IR_NOT: c = ~c; break;
    }
    make_movi(i, c);
}

/* ---- the walk ---- */

static void simplify(const struct fold *f, struct ir_ins *i)
{
    u64 c;
    switch (i->op) {
    case IR_MOV:
    case IR_ZX8:
    case IR_ZX16:
    case IR_SX8:
    case IR_SX16:
    case IR_SX32:
    case IR_GETH:
    case IR_BSWAP:
    case IR_NOT: fold_unary(f, i); break;
    case IR_LEA: fold_lea(f, i); break;
    case IR_ADD:
    case IR_OR:
    case IR_ADC:
    case IR_SBB:
    case IR_AND:
    case IR_SUB:
    case IR_XOR:
    case IR_CMP:
    case IR_TEST:
    case IR_IMUL: fold_arith(f, i); break;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR: fold_shift(f, i); break;
    case IR_BT:
    case IR_BTS:
    case IR_BTR:
    case IR_BTC:
        if (i->b != IR_NONE && is_const(f, i->b, &c)) {
            i->imm = (s64)(c & (8 * ir_bytes(i->type) - 1));
            i->b = IR_NONE;
        }
        break;
    case IR_LD:
    case IR_LDZ:
    case IR_LDX:
    case IR_LDW:
    case IR_VECL:
    case IR_VECLF:
    case IR_VECS:
    case IR_STI: fold_address(f, i); break;
    case IR_ST: fold_store(f, i); break;
    case IR_CALLI:
    case IR_RET:
    case IR_GOTOI:
        if (is_const(f, i->a, &c)) {
            i->op = i->op == IR_CALLI ? IR_CALL : IR_GOTO;
            i->imm = (s64)(f->b->long_mode ? c : (u32)c);
            i->a = IR_NONE;
        }
        break;
    }
}

/* Note what `i` wrote. Write counts of its operands are taken before its own write, so a value that
 * is its own operand yields a fact that never holds. */
static void record(struct fold *f, const struct ir_ins *i, const char *args)
{
    struct known *k = &f->known[i->dst < IR_MAX_VALUE ? i->dst : 0];
    u8 fact = FACT_NONE;
    if (ir_is_temp(i->dst)) {
        if (i->op == IR_MOVI) {
            fact = FACT_CONST;
            k->c = cut((u64)i->imm, i->type);
        } else if (i->op == IR_MOV) {
            fact = FACT_COPY;
            *k = (struct known){.type = i->type, .a = i->a, .b = IR_NONE, .at_a = f->writes[i->a]};
        } else if (i->op == IR_LEA && i->a != IR_NONE) {
            fact = FACT_SUM;
            *k = (struct known){
                .type = i->type,
                .a = i->a,
                .b = i->b,
                .scale = (u8)(i->imm >> 32 & 3),
                .at_a = f->writes[i->a],
                .at_b = i->b != IR_NONE ? f->writes[i->b] : 0,
                .c = (u64)(s64)(s32)i->imm,
            };
        }
    }
    if (args[0] != '-') {
        written(f, i->dst);
        f->fact[i->dst] = fact;
    }
    if (args[2] == 'd')
        written(f, i->b);
    if (i->op == IR_XCHG)
        written(f, i->a);
    if (ir_implicit(i->op)) {
        f->writes[REG_AX]++;
        f->writes[REG_DX]++;
    }
    if (i->op == IR_EXEC || i->op == IR_EXECR)
        for (unsigned v = 0; v < IR_T0; v++)
            f->writes[v]++;
}

void ir_pass_fold(struct ir_block *b)
{
    struct fold f;
    f.b = b;
    memset(f.writes, 0, sizeof(f.writes));
    memset(f.fact, FACT_NONE, sizeof(f.fact));
    for (u32 n = 0; n < b->n; n++) {
        struct ir_ins *i = &b->ins[n];
        const char *args = ir_op_info[i->op].args;
        bool a = args[1] == 'u' && fact_of(&f, i->a) != FACT_NONE;
        bool c = (args[2] == 'u' || args[2] == 'i') && fact_of(&f, i->b) != FACT_NONE;
        /* Most operations read guest registers and fresh values only: nothing is known, nothing to
         * do. */
        if (a)
            i->a = original(&f, i->a, ir_reads_a(i, b->long_mode));
        if (c)
            i->b = original(&f, i->b, ir_reads_b(i));
        if (a || c || i->op == IR_LEA || (!i->flags_out && (i->op == IR_ADD || i->op == IR_SUB)))
            simplify(&f, i);
        record(&f, i, ir_op_info[i->op].args);
    }
}
