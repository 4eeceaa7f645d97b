/* Executes IR blocks on struct cpu, one switch over the operations; flags come from cpu/flags.h as
 * in exec. */
#include "cpu/ir/eval.h"
#include "cpu/exec/exec.h"
#include "cpu/exec/step.h"
#include "cpu/flags.h"
#include "cpu/ir/shape.h"
#include "cpu/sys/debug.h"

#include <string.h>

struct eval {
    struct cpu *cpu;
    const struct ir_block *b;
    const struct insn *const *insns;
    struct ir_run *run;
    u64 t[IR_MAX_VALUE - IR_T0];
};

/* What the run of one operation leads to. */
enum step { STEP_ON, STEP_LEAVE, STEP_BAIL };

/* Stands in the bits of temporaries that the IR leaves unspecified, so that readers of them show
 * up. */
#define POISON 0xb1e55ed0dad5a5a5ull

static u64 get(const struct eval *e, unsigned v)
{
    return v < IR_T0 ? e->cpu->gpr[v] : e->t[v - IR_T0];
}

static u64 get_type(const struct eval *e, unsigned v, unsigned type)
{
    return get(e, v) & size_mask(ir_bytes(type));
}

static void set(struct eval *e, unsigned v, unsigned type, u64 r)
{
    u64 mask = size_mask(ir_bytes(type));
    if (v < IR_T0)
        reg_write(e->cpu, v, ir_bytes(type), r);
    else
        e->t[v - IR_T0] = type >= I32 ? r & mask : (r & mask) | (POISON & ~mask);
}

/* b, or the immediate in its place. */
static u64 get_b(const struct eval *e, const struct ir_ins *i)
{
    return (i->b == IR_NONE ? (u64)i->imm : get(e, i->b)) & size_mask(ir_bytes(i->type));
}

static void set_flags(struct eval *e, const struct ir_ins *i, u32 f)
{
    u32 out = ir_flags_unpack(i->flags_out);
    cpu_set_aflags(e->cpu, (cpu_aflags(e->cpu) & ~out) | (f & out));
}

/* EIP of guest instruction `at` (b->nguest: of what follows the block). */
static u64 eip(const struct eval *e, unsigned at)
{
    u64 rip = e->b->rip + e->b->off[at];
    return e->cpu->code_bits == 64 ? rip : e->cpu->code_bits == 32 ? (u32)rip : (u16)rip;
}

/* ---- memory ---- */

static u64 address(const struct eval *e, const struct ir_ins *i, s64 disp)
{
    u64 la = get(e, i->a) + (u64)disp;
    return e->b->long_mode ? la : (u32)la;
}

NORETURN static void page_fault(struct eval *e, const struct ir_ins *i,
                                const struct mmu_fault *fault)
{
    e->run->done = i->at;
    e->cpu->ahead = -(s32)i->at;
    e->cpu->rip = eip(e, i->at);
    cpu_raise_pf(e->cpu, fault);
}

/* May a plain access go ahead? False: bail out. Raises page faults. */
static bool plain(struct eval *e, const struct ir_ins *i, u64 la, int access)
{
    struct mmu *mmu = &e->cpu->mmu;
    const struct tlb_entry *t = &mmu->tlb[e->cpu->mmu_mode].e[tlb_index(la)];
    unsigned size = ir_bytes(i->type);
    struct mmu_fault fault;
    if (LIKELY(tlb_hit(access == TLB_RD ? t->rd : t->wr, la, size)))
        return true;
    if (e->b->long_mode && !(cpu_canonical(la) && cpu_canonical(la + size - 1)))
        return false;
    switch (mmu_prepare(mmu, e->cpu->mmu_mode, la, size, access, &fault)) {
    case MMU_PLAIN: return true;
    case MMU_FAULT: page_fault(e, i, &fault);
    default: return false;
    }
}

static u64 load(struct eval *e, const struct ir_ins *i, u64 la)
{
    struct mmu_fault fault;
    u64 v;
    if (UNLIKELY(!mmu_read(&e->cpu->mmu, e->cpu->mmu_mode, la, ir_bytes(i->type), &v, &fault)))
        page_fault(e, i, &fault);
    return v;
}

static void store(struct eval *e, const struct ir_ins *i, u64 la, u64 v)
{
    struct mmu_fault fault;
    if (UNLIKELY(!mmu_write(&e->cpu->mmu, e->cpu->mmu_mode, la, ir_bytes(i->type), v, &fault)))
        page_fault(e, i, &fault);
}

static enum step do_load(struct eval *e, const struct ir_ins *i)
{
    u64 la = address(e, i, i->imm);
    u64 v;
    if (!plain(e, i, la, i->op == IR_LDW ? TLB_WR : TLB_RD))
        return STEP_BAIL;
    v = load(e, i, la);
    if (i->op == IR_LDW)
        e->t[i->b - IR_T0] = la;
    if (i->op == IR_LDX)
        v = (u64)sext(v, 8 * ir_bytes(i->type));
    set(e, i->dst, ir_result_type(i), v);
    return STEP_ON;
}

static enum step do_store(struct eval *e, const struct ir_ins *i)
{
    bool sti = i->op == IR_STI;
    u64 la = address(e, i, sti ? (s32)i->imm : i->imm);
    if (!plain(e, i, la, TLB_WR))
        return STEP_BAIL;
    store(e, i, la, sti ? (u64)(i->imm >> 32) : get(e, i->b));
    return STEP_ON;
}

static void do_seg(struct eval *e, const struct ir_ins *i)
{
    struct cpu *cpu = e->cpu;
    const struct seg *seg = &cpu->seg[i->b];
    u64 off = e->b->long_mode ? get(e, i->a) : (u32)get(e, i->a);
    unsigned size = (unsigned)(i->imm & 0xff);
    bool write = i->imm & 0x100;
    if (LIKELY(off + size <= (write ? seg->end_w : seg->end_r) && off + size >= off))
        return;
    e->run->done = i->at;
    cpu->ahead = -(s32)i->at;
    cpu->rip = eip(e, i->at);
    seg_check(cpu, i->b, off, size, write);
    cpu->ahead = 0;
}

/* ---- arithmetic ---- */

static void do_arith(struct eval *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    u64 mask = size_mask(size);
    u64 a = get_type(e, i->a, i->type);
    u64 b = get_b(e, i);
    u64 carry = cpu_aflags(e->cpu) & F_C;
    u64 r;
    u32 f;
    switch (i->op) {
    case IR_ADD:
        r = (a + b) & mask;
        f = flags_add(a, b, r, size);
        break;
    case IR_ADC:
        r = (a + b + carry) & mask;
        f = flags_add(a, b, r, size);
        break;
    case IR_SBB:
        r = (a - b - carry) & mask;
        f = flags_sub(a, b, r, size);
        break;
    case IR_SUB:
    case IR_CMP:
        r = (a - b) & mask;
        f = flags_sub(a, b, r, size);
        break;
    case IR_OR:
        r = a | b;
        f = flags_logic(r, size);
        break;
    case IR_XOR:
        r = a ^ b;
        f = flags_logic(r, size);
        break;
    default:
        r = a & b;
        f = flags_logic(r, size);
        break;
    }
    if (i->dst != IR_NONE)
        set(e, i->dst, i->type, r);
    set_flags(e, i, f);
}

static void do_unary(struct eval *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    u64 mask = size_mask(size);
    u64 a = get_type(e, i->a, i->type);
    u32 old = cpu_aflags(e->cpu);
    u64 r;
    u32 f;
    switch (i->op) {
    case IR_INC:
        r = (a + 1) & mask;
        f = flags_inc(a, r, size, old);
        break;
    case IR_DEC:
        r = (a - 1) & mask;
        f = flags_dec(a, r, size, old);
        break;
    default:
        r = (0 - a) & mask;
        f = flags_sub(0, a, r, size);
        break;
    }
    set(e, i->dst, i->type, r);
    set_flags(e, i, f);
}

static void do_imul(struct eval *e, const struct ir_ins *i)
{
    unsigned bits = 8 * ir_bytes(i->type);
    __int128 p = (__int128)sext(get(e, i->a), bits) * sext(get_b(e, i), bits);
    bool upper = p != sext((u64)p, bits);
    set(e, i->dst, i->type, (u64)p);
    set_flags(e, i, flags_mul(upper));
}

/* rDX:rAX, or AX for bytes. */
static u64 wide_high(const struct eval *e, unsigned type)
{
    return type == I8 ? e->cpu->gpr[REG_AX] >> 8 & 0xff : get_type(e, REG_DX, type);
}

static void put_wide(struct eval *e, unsigned type, u64 lo, u64 hi)
{
    if (type == I8) {
        set(e, REG_AX, I16, (hi & 0xff) << 8 | (lo & 0xff));
        return;
    }
    set(e, REG_AX, type, lo);
    set(e, REG_DX, type, hi);
}

static void do_multiply(struct eval *e, const struct ir_ins *i)
{
    unsigned bits = 8 * ir_bytes(i->type);
    u64 a = get_type(e, i->a, i->type), b = get_type(e, REG_AX, i->type), hi;
    bool upper;
    if (i->op == IR_MULU) {
        unsigned __int128 p = (unsigned __int128)a * b;
        hi = (u64)(p >> bits);
        upper = hi != 0;
        put_wide(e, i->type, (u64)p, hi);
    } else {
        __int128 p = (__int128)sext(a, bits) * sext(b, bits);
        hi = (u64)(p >> bits);
        upper = p != sext((u64)p, bits);
        put_wide(e, i->type, (u64)p, hi);
    }
    set_flags(e, i, flags_mul(upper));
}

static enum step do_divide(struct eval *e, const struct ir_ins *i)
{
    unsigned bits = 8 * ir_bytes(i->type), shift = 128 - 2 * bits;
    u64 d = get_type(e, i->a, i->type);
    unsigned __int128 n = (unsigned __int128)wide_high(e, i->type) << bits |
                          get_type(e, REG_AX, i->type);
    if (i->op == IR_DIVU) {
        if (wide_high(e, i->type) >= d) /* also when d is 0 */
            return STEP_BAIL;
        put_wide(e, i->type, (u64)(n / d), (u64)(n % d));
    } else {
        s64 sd = sext(d, bits);
        __int128 sn = (__int128)(n << shift) >> shift, q;
        if (!sd || sn == (__int128)((unsigned __int128)1 << 127))
            return STEP_BAIL;
        q = sn / sd;
        if (q != sext((u64)q, bits))
            return STEP_BAIL;
        put_wide(e, i->type, (u64)q, (u64)(sn % sd));
    }
    return STEP_ON;
}

static void do_double_shift(struct eval *e, const struct ir_ins *i)
{
    u64 count = i->b == IR_NONE ? (u64)i->imm : get(e, i->b), a = get_type(e, i->dst, i->type);
    u64 b = get_type(e, i->a, i->type);
    u32 f = cpu_aflags(e->cpu);
    count &= i->type == I64 ? 63 : 31;
    a = i->op == IR_SHLD ? flags_shld(a, b, (unsigned)count, ir_bytes(i->type), &f)
                         : flags_shrd(a, b, (unsigned)count, ir_bytes(i->type), &f);
    set(e, i->dst, i->type, a);
    set_flags(e, i, f);
}

static void do_scan(struct eval *e, const struct ir_ins *i)
{
    u64 a = get_type(e, i->a, i->type), bits = 8 * ir_bytes(i->type), r;
    u64 low = a ? (u64)__builtin_ctzll(a) : bits, high = a ? 63 - (u64)__builtin_clzll(a) : 0;
    switch (i->op) {
    case IR_BSF:
    case IR_BSR:
        if (a)
            set(e, i->dst, i->type, i->op == IR_BSF ? low : high);
        set_flags(e, i, a ? 0 : F_Z);
        return;
    case IR_POPCNT:
        set(e, i->dst, i->type, (u64)__builtin_popcountll(a));
        set_flags(e, i, a ? 0 : F_Z);
        return;
    default:
        r = i->op == IR_TZCNT ? low : a ? bits - 1 - high : bits;
        set(e, i->dst, i->type, r);
        set_flags(e, i, (a ? 0 : F_C) | (r ? 0 : F_Z));
        return;
    }
}

static void do_shift(struct eval *e, const struct ir_ins *i)
{
    static const u8 kinds[] = {
        [IR_SHL - IR_SHL] = SHIFT_SHL, [IR_SHR - IR_SHL] = SHIFT_SHR, [IR_SAR - IR_SHL] = SHIFT_SAR,
        [IR_ROL - IR_SHL] = SHIFT_ROL, [IR_ROR - IR_SHL] = SHIFT_ROR,
    };
    u64 count = i->b == IR_NONE ? (u64)i->imm : get(e, i->b);
    u32 f = cpu_aflags(e->cpu);
    u64 r;
    count &= i->type == I64 ? 63 : 31;
    r = flags_rotate_shift(kinds[i->op - IR_SHL], get_type(e, i->a, i->type), (unsigned)count,
                           ir_bytes(i->type), &f);
    set(e, i->dst, i->type, r);
    set_flags(e, i, f);
}

static void do_carry_rotate(struct eval *e, const struct ir_ins *i)
{
    u32 f = cpu_aflags(e->cpu);
    u64 r = flags_rotate_shift(i->op == IR_RCL1 ? SHIFT_RCL : SHIFT_RCR, get_type(e, i->a, i->type), 1,
                               ir_bytes(i->type), &f);
    set(e, i->dst, i->type, r);
    set_flags(e, i, f);
}

static void do_bit(struct eval *e, const struct ir_ins *i)
{
    u64 n = (i->b == IR_NONE ? (u64)i->imm : get(e, i->b)) & (8 * ir_bytes(i->type) - 1);
    u64 a = get_type(e, i->a, i->type);
    u32 f = (u32)(a >> n & 1);
    switch (i->op) {
    case IR_BTS: set(e, i->dst, i->type, a | BIT64(n)); break;
    case IR_BTR: set(e, i->dst, i->type, a & ~BIT64(n)); break;
    case IR_BTC: set(e, i->dst, i->type, a ^ BIT64(n)); break;
    }
    set_flags(e, i, (cpu_aflags(e->cpu) & ~(u32)F_C) | f);
}

static void do_lea(struct eval *e, const struct ir_ins *i)
{
    u64 r = (u64)(s64)(s32)i->imm;
    if (i->a != IR_NONE)
        r += get(e, i->a);
    if (i->b != IR_NONE)
        r += get(e, i->b) << (i->imm >> 32 & 3);
    if (i->type == I16 && ir_is_temp(i->dst))
        e->t[i->dst - IR_T0] = (u16)r;
    else
        set(e, i->dst, i->type, r);
}

static void do_move(struct eval *e, const struct ir_ins *i)
{
    u64 a = get(e, i->a);
    u64 d;
    switch (i->op) {
    case IR_ZX8: a = (u8)a; break;
    case IR_ZX16: a = (u16)a; break;
    case IR_SX8: a = (u64)(s8)a; break;
    case IR_SX16: a = (u64)(s16)a; break;
    case IR_SX32: a = (u64)(s32)a; break;
    case IR_GETH: a = a >> 8 & 0xff; break;
    case IR_BSWAP: a = i->type == I64 ? __builtin_bswap64(a) : __builtin_bswap32((u32)a); break;
    case IR_NOT: a = ~a; break;
    case IR_SETH:
        d = (get(e, i->dst) & ~(u64)0xff00) | (a & 0xff) << 8;
        if (i->dst < IR_T0)
            e->cpu->gpr[i->dst] = d;
        else
            e->t[i->dst - IR_T0] = d;
        return;
    case IR_XCHG:
        d = get(e, i->dst);
        set(e, i->dst, i->type, a);
        set(e, i->a, i->type, d);
        return;
    }
    set(e, i->dst, i->type, a);
}

/* ---- state ---- */

static void put_loaded(struct eval *e, const struct ir_ins *i, u64 v)
{
    if (ir_is_temp(i->dst))
        e->t[i->dst - IR_T0] = v;
    else
        set(e, i->dst, i->type, v);
}

static void do_state(struct eval *e, const struct ir_ins *i)
{
    u8 *p = i->op == IR_LDC ? (u8 *)(uintptr_t)i->imm : (u8 *)e->cpu + (u32)i->imm;
    unsigned size = ir_bytes(i->type);
    u64 v = 0;
    u32 d;
    switch (i->op) {
    case IR_LDC: /* code is little-endian */
        for (unsigned k = 0; k < size; k++)
            v |= (u64)p[k] << 8 * k;
        put_loaded(e, i, v);
        break;
    case IR_LDS:
        /* State members have the host's byte order. */
        switch (size) {
        case 1: v = *p; break;
        case 2: v = *(const u16 *)(const void *)p; break;
        case 4: v = *(const u32 *)(const void *)p; break;
        default: v = *(const u64 *)(const void *)p; break;
        }
        put_loaded(e, i, v);
        break;
    case IR_STS:
        v = get(e, i->a);
        switch (size) {
        case 1: *p = (u8)v; break;
        case 2: *(u16 *)(void *)p = (u16)v; break;
        case 4: *(u32 *)(void *)p = (u32)v; break;
        default: *(u64 *)(void *)p = v; break;
        }
        break;
    default:
        d = (u32)((u64)i->imm >> 32);
        if (i->op == IR_ANDS)
            *(u32 *)(void *)p &= d;
        else
            *(u32 *)(void *)p |= d;
        break;
    }
}

static void do_flags(struct eval *e, const struct ir_ins *i)
{
    u32 f = cpu_aflags(e->cpu);
    switch (i->op) {
    case IR_SETCC: set(e, i->dst, I8, flags_cc(f, i->b)); break;
    case IR_CMOV: set(e, i->dst, i->type, get(e, flags_cc(f, i->b) ? i->a : i->dst)); break;
    case IR_CLC: set_flags(e, i, f & ~(u32)F_C); break;
    case IR_STC: set_flags(e, i, f | F_C); break;
    case IR_CMC: set_flags(e, i, f ^ F_C); break;
    case IR_GETF: set(e, i->dst, I32, f & F_ALL); break;
    default: set_flags(e, i, (u32)get(e, i->a)); break;
    }
}

/* ---- leaving ---- */

static enum step leave(struct eval *e, const struct ir_ins *i, u64 rip)
{
    e->run->done = i->at + 1u;
    e->cpu->rip = rip;
    return STEP_LEAVE;
}

static enum step do_exec(struct eval *e, const struct ir_ins *i)
{
    struct cpu *cpu = e->cpu;
    const struct insn *insn = e->insns[i->at];
    u64 next = eip(e, i->at + 1u);
    u64 mode_key = cpu->mode_key;
    u32 gen = cpu->mmu.gen;
    s32 budget = cpu->budget;
    e->run->done = i->at;
    cpu->ahead = -(s32)i->at;
    cpu->rip = eip(e, i->at);
    cpu->next_rip = next;
    exec_table[insn->op](cpu, insn);
    cpu->ahead = 0;
    cpu->rip = cpu->next_rip;
    e->run->done = i->at + 1u;
    if (debug_end(cpu, insn->op, false)) { /* SYSCALL and SYSRET may leave a trap */
        cpu->ahead = -(s32)e->run->done;
        debug_trap(cpu);
        cpu->ahead = 0;
        return STEP_LEAVE;
    }
    if (i->op == IR_EXECX || cpu->rip != next || cpu->mode_key != mode_key || cpu->mmu.gen != gen ||
        cpu->budget != budget)
        return STEP_LEAVE;
    if (cpu_attention(cpu) || cpu->db_pending || cpu->shadow || (e->run->stop && *e->run->stop))
        return STEP_LEAVE;
    return STEP_ON;
}

/* Neither faults nor leaves, so that flags that nobody wants need not be right. */
static void do_vector(struct eval *e, const struct ir_ins *i)
{
    const struct insn *insn = e->insns[i->at];
    e->cpu->rip = eip(e, i->at); /* the x87 unit notes it */
    exec_table[insn->op](e->cpu, insn);
}

static enum step do_branch(struct eval *e, const struct ir_ins *i)
{
    switch (i->op) {
    case IR_JCC: return flags_cc(cpu_aflags(e->cpu), i->b) ? leave(e, i, (u64)i->imm) : STEP_ON;
    case IR_BRZ: return get_type(e, i->a, i->type) ? STEP_ON : leave(e, i, (u64)i->imm);
    case IR_BRNZ: return get_type(e, i->a, i->type) ? leave(e, i, (u64)i->imm) : STEP_ON;
    case IR_BRNI: {
        u64 to = get_type(e, i->a, i->type);
        return to == (u64)i->imm ? STEP_ON : leave(e, i, to);
    }
    case IR_CALL:
    case IR_GOTO: return leave(e, i, (u64)i->imm);
    default: return leave(e, i, e->b->long_mode ? get(e, i->a) : (u32)get(e, i->a));
    }
}

static enum step step(struct eval *e, const struct ir_ins *i)
{
    switch (i->op) {
    case IR_MOVI: set(e, i->dst, i->type, (u64)i->imm); break;
    case IR_MOV:
    case IR_ZX8:
    case IR_ZX16:
    case IR_SX8:
    case IR_SX16:
    case IR_SX32:
    case IR_GETH:
    case IR_SETH:
    case IR_BSWAP:
    case IR_NOT:
    case IR_XCHG: do_move(e, i); break;
    case IR_LEA: do_lea(e, i); break;
    case IR_ADD:
    case IR_OR:
    case IR_ADC:
    case IR_SBB:
    case IR_AND:
    case IR_SUB:
    case IR_XOR:
    case IR_CMP:
    case IR_TEST: do_arith(e, i); break;
    case IR_INC:
    case IR_DEC:
    case IR_NEG: do_unary(e, i); break;
    case IR_IMUL: do_imul(e, i); break;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR: do_shift(e, i); break;
    case IR_MULU:
    case IR_MULS: do_multiply(e, i); break;
    case IR_DIVU:
    case IR_DIVS: return do_divide(e, i);
    case IR_SHLD:
    case IR_SHRD: do_double_shift(e, i); break;
    case IR_BSF:
    case IR_BSR:
    case IR_TZCNT:
    case IR_LZCNT:
    case IR_POPCNT: do_scan(e, i); break;
    case IR_RCL1:
    case IR_RCR1: do_carry_rotate(e, i); break;
    case IR_BT:
    case IR_BTS:
    case IR_BTR:
    case IR_BTC: do_bit(e, i); break;
    case IR_SETCC:
    case IR_CMOV:
    case IR_CLC:
    case IR_STC:
    case IR_CMC:
    case IR_GETF:
    case IR_SETF: do_flags(e, i); break;
    case IR_LDS:
    case IR_LDC:
    case IR_STS:
    case IR_ANDS:
    case IR_ORS: do_state(e, i); break;
    case IR_SEG: do_seg(e, i); break;
    case IR_BAIL: return (u32)get(e, i->a) & (u32)i->imm ? STEP_BAIL : STEP_ON;
    case IR_CANON: return cpu_canonical(get(e, i->a)) ? STEP_ON : STEP_BAIL;
    case IR_LD:
    case IR_LDZ:
    case IR_LDX:
    case IR_LDW: return do_load(e, i);
    case IR_ST:
    case IR_STI: return do_store(e, i);
    case IR_STW: store(e, i, get(e, i->b), get(e, i->a)); break;
    case IR_VEC:
    case IR_VECF:
    case IR_VECG:
    case IR_VECX:
    case IR_VECXF:
    case IR_VECXD:
    case IR_VECD: do_vector(e, i); break;
    case IR_VECL:
    case IR_VECLF:
    case IR_VECS:
    case IR_EXEC:
    case IR_EXECR:
    case IR_EXECX: return do_exec(e, i);
    default: return do_branch(e, i);
    }
    return STEP_ON;
}

enum ir_left ir_eval(struct cpu *cpu, const struct ir_block *b, const struct insn *const *insns,
                     struct ir_run *run)
{
    struct eval e = {.cpu = cpu, .b = b, .insns = insns, .run = run};
    run->done = 0;
    for (u32 k = 0; k < b->ntemps; k++)
        e.t[k] = POISON;
    for (u32 n = 0; n < b->n; n++) {
        const struct ir_ins *i = &b->ins[n];
        switch (step(&e, i)) {
        case STEP_ON: break;
        case STEP_LEAVE: return LEFT_NEXT;
        case STEP_BAIL:
            run->done = i->at;
            cpu->rip = eip(&e, i->at);
            return LEFT_BAIL;
        }
    }
    /* Unreachable in a checked block; behind its last instruction all the same. */
    run->done = b->nguest;
    cpu->rip = eip(&e, b->nguest);
    return LEFT_NEXT;
}
