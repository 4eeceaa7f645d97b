/* Random 64-bit instructions: REX prefixes, registers 8 to 15, RIP-relative and 64-bit addresses at
 * all ends of the canonical halves, SYSCALL, SWAPGS, base registers, far returns to other code
 * sizes. */
#include "cpu/isa/isa.h"
#include "tests/lock/gen.h"

/* A linear address worth touching, in any of the views, at the edges of what is canonical, or
 * behind them. */
static u64 place64(const struct lock_prog *p, u64 *s)
{
    u32 k = lock_below(s, 100), at = lock_place(p, s) & 0x1fffff;
    if (p->simple || k < 45)
        return at;
    if (k < 85)
        return lock_views[1 + lock_below(s, LOCK_VIEWS - 1)] + at;
    if (k < 89)
        return BIT64(47) - lock_below(s, 16);
    if (k < 92)
        return (0 - BIT64(47)) - 8 + lock_below(s, 16);
    if (k < 95)
        return 0 - (u64)lock_below(s, 16);
    if (k < 97)
        return BIT64(47) + lock_rnd(s) % BIT64(47);
    return lock_rnd(s);
}

/* As 32 bits that are sign-extended: low, or where kernels live. */
static u32 place32(const struct lock_prog *p, u64 *s)
{
    u32 at = lock_place(p, s) & 0x1fffff;
    return lock_chance(s, 60) ? at : 0xc0000000u + at;
}

static void modrm_mem64(const struct lock_prog *p, struct lock_insn *i, unsigned reg, u64 *s)
{
    static const u8 bases[] = {REG_BX, REG_BP, REG_SI, REG_DI};
    unsigned k = lock_below(s, 22), base = bases[lock_below(s, 4)];
    if (k < 4) { /* from RIP: near enough to where it will stand */
        lock_put(i, reg << 3 | 5, 1);
        lock_put(i, (lock_place(p, s) & 0x1fffff) - p->code_at - 4 * p->n, 4);
    } else if (k < 6) { /* absolute */
        lock_put(i, reg << 3 | 4, 1);
        lock_put(i, 0x25, 1);
        lock_put(i, place32(p, s), 4);
    } else if (k < 13) {
        lock_put(i, 0x40 | reg << 3 | base, 1);
        lock_put(i, lock_below(s, 64) - 32, 1);
    } else if (k < 14) {
        lock_put(i, 0x80 | reg << 3 | base, 1);
        lock_put(i, lock_below(s, 6000) - 3000, 4);
    } else if (k < 15) {
        lock_put(i, (base == REG_BP ? 0x40 : 0) | reg << 3 | base, 1);
        if (base == REG_BP)
            lock_put(i, 0, 1);
    } else if (k < 17) { /* base + rcx * scale + disp8 */
        lock_put(i, 0x44 | reg << 3, 1);
        lock_put(i, lock_below(s, 4) << 6 | REG_CX << 3 | base, 1);
        lock_put(i, lock_below(s, 32), 1);
    } else if (k < 19) { /* rcx * scale + disp32 */
        lock_put(i, reg << 3 | 4, 1);
        lock_put(i, lock_below(s, 4) << 6 | REG_CX << 3 | 5, 1);
        lock_put(i, place32(p, s), 4);
    } else if (k < 21) {
        lock_put(i, 0x44 | reg << 3, 1);
        lock_put(i, 0x24, 1);
        lock_put(i, lock_below(s, 5) * 8, 1);
    } else {
        lock_put(i, lock_below(s, 3) << 6 | reg << 3 | lock_below(s, 8), 1);
        lock_put(i, lock_rnd(s), 4);
    }
}

static bool try_any64(struct lock_prog *p, u64 *s, bool plain)
{
    static const u8 segs[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x64, 0x65};
    int want;
    unsigned opc = lock_opcode(p, s, plain, &want), reg;
    bool string = opc < 0x100 && ((opc >= 0xa4 && opc <= 0xa7) || (opc >= 0xaa && opc <= 0xaf) ||
                                  (opc >= 0x6c && opc <= 0x6f));
    struct lock_insn i = {0};
    struct insn dec;
    enum dec_result res;
    if (opc >= 0x40 && opc < 0x50) /* prefixes here */
        return false;
    if (lock_chance(s, string ? 60 : 2))
        lock_put(&i, lock_chance(s, 60) ? 0xf3 : 0xf2, 1);
    if (lock_chance(s, 12))
        lock_put(&i, 0x66, 1);
    if (lock_chance(s, p->simple ? 1 : 5))
        lock_put(&i, 0x67, 1);
    if (!p->simple && lock_chance(s, 8))
        lock_put(&i, segs[lock_below(s, 8)], 1);
    if (lock_chance(s, 1))
        lock_put(&i, 0xf0, 1);
    if (opc >= 0x150 && opc < 0x380 && opc != 0x1a2 && lock_chance(s, 40))
        lock_put(&i, lock_chance(s, 50) ? 0x66 : lock_chance(s, 50) ? 0xf2 : 0xf3, 1);
    if (lock_chance(s, 65)) /* W often, the others at times: RBX, RSI, ... are what points somewhere */
        lock_put(&i, 0x40 | (lock_chance(s, 70) ? 8 : 0) | (lock_below(s, 8) & lock_below(s, 8)), 1);
    if (opc >= 0x100)
        lock_put(&i, 0x0f, 1);
    if (opc >= 0x200)
        lock_put(&i, opc >= 0x300 ? 0x3a : 0x38, 1);
    lock_put(&i, opc, 1);
    reg = want >= 0 ? (unsigned)want : lock_below(s, 8);
    if (reg == REG_SP && want < 0 && lock_chance(s, 70))
        reg = lock_below(s, 8);
    if (opc >= 0xa0 && opc < 0xa4) {
        lock_put(&i, place64(p, s), 8);
    } else if ((opc >= 0x50 && opc < 0x60) || (opc >= 0x90 && opc < 0xa0)) {
        lock_put(&i, lock_rnd(s), 4);
    } else if (lock_chance(s, 45)) {
        unsigned rm = lock_below(s, 8);
        lock_put(&i, 0xc0 | reg << 3 | (rm == REG_SP && lock_chance(s, 70) ? REG_AX : rm), 1);
    } else {
        modrm_mem64(p, &i, reg, s);
    }
    if (i.len > 16)
        return false;
    lock_put(&i, lock_immediate(s), 4);
    lock_put(&i, lock_immediate(s), 4);
    res = decode(&dec, i.bytes, MIN((unsigned)i.len, 15u), 64, p->feats);
    if (res == DEC_UD ? !lock_chance(s, 3) || p->simple : res != DEC_OK)
        return false;
    if (res == DEC_OK && dec.op == OP_HLT && !lock_chance(s, 10))
        return false;
    if (res == DEC_OK && lock_loads_cr3(&dec))
        return false;
    i.len = res == DEC_OK ? dec.len : (u8)MIN((unsigned)i.len, 6u);
    *lock_next(p) = i;
    return true;
}

/* ---- by hand ---- */
static void mov_imm64(struct lock_prog *p, unsigned r, u64 v)
{
    struct lock_insn *i = lock_next(p);
    lock_put(i, 0x48 | r >> 3, 1);
    if (v == (u64)(s64)(s32)v) {
        lock_put(i, 0xc7, 1);
        lock_put(i, 0xc0 | (r & 7), 1);
        lock_put(i, v, 4);
    } else {
        lock_put(i, 0xb8 | (r & 7), 1);
        lock_put(i, v, 8);
    }
}

static void pointer64(struct lock_prog *p, u64 *s)
{
    static const u8 regs[] = {REG_BX, REG_BP, REG_SI, REG_DI, REG_DI, REG_SI, 11, 13, 14, 8};
    mov_imm64(p, regs[lock_below(s, ARRAY_LEN(regs))], place64(p, s));
}

static void branch64(struct lock_prog *p, u64 *s)
{
    unsigned k = lock_below(s, 100);
    u8 target = lock_target(p, s, k < 60);
    struct lock_insn *i = lock_next(p);
    i->target = target;
    if (k < 45) {
        lock_put(i, 0x70 + lock_below(s, 16), 1);
    } else if (k < 57) {
        if (lock_chance(s, 15))
            lock_put(i, 0x67, 1);
        lock_put(i, 0xe0 + lock_below(s, 4), 1);
    } else if (k < 60) {
        lock_put(i, 0xeb, 1);
    } else if (k < 75) {
        lock_put(i, 0x0f, 1);
        lock_put(i, 0x80 + lock_below(s, 16), 1);
    } else {
        lock_put(i, k < 80 ? 0xe9 : 0xe8, 1);
    }
    i->fix_at = i->len;
    i->fix = k < 60 ? FIX_REL8 : FIX_REL32;
    lock_put(i, 0, k < 60 ? 1 : 4);
}

/* mov rax, target */
static void mov_target(struct lock_prog *p, u64 *s)
{
    struct lock_insn *i = lock_next(p);
    i->target = lock_target(p, s, false);
    lock_put(i, 0xb848, 2);
    i->fix = FIX_OFF64;
    i->fix_at = 2;
    lock_put(i, 0, 8);
}

static void indirect64(struct lock_prog *p, u64 *s)
{
    struct lock_insn *i;
    unsigned k = lock_below(s, 10);
    if (k == 0) /* a target that no address space has */
        mov_imm64(p, REG_AX, place64(p, s));
    else
        mov_target(p, s);
    i = lock_next(p);
    if (k < 4)
        lock_put(i, 0xc350, 2); /* push rax; ret */
    else if (k < 5)
        lock_put(i, 0x0008c250, 4); /* push rax; ret 8 */
    else
        lock_put(i, 0xff | (lock_chance(s, 50) ? 0xe0u : 0xd0u) << 8, 2);
}

/* push selector; push rax; retfq: other code sizes and levels. */
static void far_return(struct lock_prog *p, u64 *s)
{
    static const u16 sels[] = {0xc0, 0xe3, 0xd3, 0x08, 0x1b, 0x58, 0x30, 0};
    struct lock_insn *i;
    mov_target(p, s);
    i = lock_next(p);
    lock_put(i, 0x68, 1);
    lock_put(i, sels[lock_below(s, ARRAY_LEN(sels))], 4);
    i = lock_next(p);
    lock_put(i, 0x50, 1);
    i = lock_next(p);
    lock_put(i, lock_chance(s, 80) ? 0xcb48 : 0xcb, lock_chance(s, 80) ? 2 : 1);
}

/* Change a byte of the code, from RIP or by the low view. */
static void patch64(struct lock_prog *p, u64 *s)
{
    static const u8 nops[] = {0x90, 0x48, 0x41, 0xf8, 0xf9, 0xf5, 0x98, 0x99};
    struct lock_insn *i = lock_next(p);
    bool rip = lock_chance(s, 50);
    i->target = lock_target(p, s, true);
    i->add = (s8)lock_below(s, 4);
    lock_put(i, rip ? 0x05c6 : 0x2504c6, rip ? 2 : 3);
    i->fix_at = i->len;
    i->fix = rip ? FIX_RIP32 : FIX_LIN32;
    lock_put(i, 0, 4);
    lock_put(i, lock_chance(s, 70) ? nops[lock_below(s, ARRAY_LEN(nops))] : lock_rnd(s), 1);
}

static void selector64(struct lock_prog *p, u64 *s)
{
    struct lock_insn *i = lock_next(p);
    unsigned sreg = lock_below(s, 6);
    lock_put(i, 0xb8, 1);
    lock_put(i, lock_below(s, 0x1e) << 3 | (lock_chance(s, 70) ? p->user * 3u : lock_below(s, 4)), 4);
    i = lock_next(p);
    lock_put(i, 0x8e, 1);
    lock_put(i, 0xc0 | (sreg == SEG_CS ? SEG_FS : sreg) << 3, 1);
}

/* WRMSR of something that 64-bit systems write often. */
static void msr(struct lock_prog *p, u64 *s)
{
    static const u32 msrs[] = {0xc0000100, 0xc0000101, 0xc0000102, 0xc0000080, 0xc0000082, 0xc0000084};
    u32 which = msrs[lock_below(s, ARRAY_LEN(msrs))];
    u64 v = which == 0xc0000080 ? 0x501 | (lock_below(s, 2) << 11)
            : which == 0xc0000084 ? lock_rnd(s) & 0xffff
                                  : place64(p, s);
    struct lock_insn *i = lock_next(p);
    lock_put(i, 0xb9, 1);
    lock_put(i, which, 4);
    lock_put(i, 0xb8, 1);
    lock_put(i, v, 4);
    lock_put(i, 0xba, 1);
    lock_put(i, v >> 32, 4);
    i = lock_next(p);
    lock_put(i, 0x300f, 2);
}

static void system64(struct lock_prog *p, u64 *s)
{
    struct lock_insn *i;
    switch (lock_below(s, 8)) {
    case 0:
    case 1: msr(p, s); break;
    case 2: lock_put(lock_next(p), 0xf8010f, 3); break; /* swapgs */
    case 3:
    case 4: lock_put(lock_next(p), 0x050f, 2); break; /* syscall */
    case 5:
        mov_target(p, s);
        i = lock_next(p);
        lock_put(i, 0xc18948, 3);   /* mov rcx, rax */
        lock_put(i, 0x070f48, 3);   /* sysretq */
        break;
    case 6: lock_flush(p, lock_next(p)); break;
    default: /* mov cr8, rax */
        lock_put(lock_next(p), 0xc0220f44, 4);
        break;
    }
}

bool lock_gen_insn64(struct lock_prog *p, u64 *s, u32 k)
{
    if (!lock_room(p, 4))
        return try_any64(p, s, true);
    if (k < 90)
        pointer64(p, s);
    else if (k < 200)
        branch64(p, s);
    else if (k < 230)
        indirect64(p, s);
    else if (k < 245)
        mov_imm64(p, REG_CX, lock_chance(s, 10) ? 0x2000 : lock_below(s, 12));
    else if (p->simple || k < 800)
        return try_any64(p, s, true);
    else if (k < 830)
        patch64(p, s);
    else if (k < 842)
        selector64(p, s);
    else if (k < 850)
        far_return(p, s);
    else if (k < 870)
        system64(p, s);
    else
        return try_any64(p, s, false);
    return true;
}
