/* AArch64 code for string instructions with REP (SDM vol. 2 "REP"): strings that lie in one page each
 * and do not overlap are moved, filled, scanned and compared by stubs, without leaving the guest's
 * registers; all else is for the helper. None of it touches NZCV before it is certain to succeed. */
#include "cpu/jit/a64/em.h"

/* Elements that are looked at, at most; for more the call of the helper is the smaller part. */
enum { FEW = 48 };
enum { G_AX = FIRST_LOW + REG_AX, G_CX = FIRST_LOW + REG_CX };
enum { G_SI = FIRST_LOW + REG_SI, G_DI = FIRST_LOW + REG_DI };
/* What a stub works with beside SCR, SCR3 and LINK; the last three are saved. */
enum { SRC = X1, DST = X2, BYTES = X3, LA = X4, SAVED = X5 };

u8 *em_refused(struct em *e)
{
    return as_cbnz(&e->a, false, SCR);
}

/* ---- stubs ---- */
struct stub {
    struct as *a;
    unsigned kind, shift;
    bool wide, user;
    const u8 *move, *fill; /* where the ends of those are */
    u8 *fail[12];          /* to the way out */
    unsigned nfail;
};

static void fail_at(struct stub *s, u8 *branch)
{
    s->fail[s->nfail++ % ARRAY_LEN(s->fail)] = branch;
}

/* The host address of the BYTES bytes at guest register `la`, in `to`, where the page is there for
 * such accesses. Spoils SCR, SCR3, LINK, LA and, for writes, SAVED. */
static void probe(struct stub *s, unsigned la, bool write, unsigned to)
{
    struct as *a = s->a;
    s64 tlb = ST(mmu.tlb) + (s->user ? (s64)sizeof(struct tlb) : 0);
    u8 *other, *done = NULL;
    as_mov(a, s->wide, LA, la);
    as_rrr(a, A_ADD, true, SCR, LA, BYTES);
    as_add_imm(a, A_SUB, true, SCR, SCR, 1, NOREG);
    as_logic_imm(a, A_AND, true, SCR, SCR, ~(u64)PAGE_MASK, NOREG);
    as_mov_imm(a, SCR3, (u64)tlb);
    as_rrr(a, A_ADD, true, SCR3, SCR3, STATE);
    as_ubfx(a, true, LINK, LA, PAGE_BITS, TLB_BITS);
    as_rrrs(a, A_ADD, true, SCR3, SCR3, LINK, LSL, 5);
    as_mem(a, A_LOAD, 8, LINK, SCR3,
           write ? offsetof(struct tlb_entry, wr) : offsetof(struct tlb_entry, rd));
    as_rrr(a, A_SUB, true, SCR, SCR, LINK);
    other = as_cbnz(a, true, SCR);
    as_mem(a, A_LOAD, 8, SCR, SCR3, offsetof(struct tlb_entry, addend));
    if (write) { /* beside code? */
        done = as_b(a);
        as_patch(a, other);
        as_rrr(a, A_ADD, true, LINK, LA, BYTES);
        as_add_imm(a, A_SUB, true, LINK, LINK, 1, NOREG);
        other = em_beside(a, LA, LINK, s->user ? MMU_USER : MMU_SUP, SCR3, SAVED);
        as_patch(a, done);
    }
    fail_at(s, other);
    as_rrr(a, A_ADD, true, to, LA, SCR);
}

/* Registers move on by BYTES. */
static void move_on(struct stub *s, unsigned r)
{
    as_rrr(s->a, A_ADD, s->wide, r, r, BYTES);
}

static void emit_move(struct stub *s)
{
    struct as *a = s->a;
    as_mov(a, s->wide, BYTES, G_CX);
    as_lsr(a, true, SCR, BYTES, PAGE_BITS + 1 - s->shift);
    fail_at(s, as_cbnz(a, true, SCR));
    as_lsl(a, true, BYTES, BYTES, s->shift);
    probe(s, G_DI, true, DST);
    if (s->kind == BE_MOVS) {
        probe(s, G_SI, false, SRC);
        /* What is apart by less than its length overlaps, either way. */
        as_rrr(a, A_SUB, true, SCR, DST, SRC);
        as_asr(a, true, SCR3, SCR, 63);
        as_rrr(a, A_EOR, true, SCR, SCR, SCR3);
        as_rrr(a, A_SUB, true, SCR, SCR, SCR3);
        as_rrr(a, A_SUB, true, SCR, SCR, BYTES);
        fail_at(s, as_tbnz(a, SCR, 63));
        move_on(s, G_SI);
    } else { /* dup v0, EAX's element */
        as32(a, 0x4e000c00 | BIT(s->shift) << 16 | G_AX << 5);
    }
    move_on(s, G_DI);
    as_mov(a, true, G_CX, XZR);
    as_b_to(a, s->kind == BE_MOVS ? s->move : s->fill);
}

/* BYTES = the smaller of BYTES and the elements from guest register `la` to the end of its page. */
static void in_page(struct stub *s, unsigned la)
{
    struct as *a = s->a;
    as_rrr(a, A_ORN, false, SCR, XZR, la); /* bytes behind this one */
    as_logic_imm(a, A_AND, false, SCR, SCR, PAGE_MASK, NOREG);
    as_add_imm(a, A_ADD, false, SCR, SCR, 1, NOREG);
    as_lsr(a, false, SCR, SCR, s->shift);
    as_rrr(a, A_SUBS, true, XZR, BYTES, SCR);
    as_csel(a, true, BYTES, SCR, BYTES, A_HI);
}

/* Load one element, the address moving on. */
static void next(struct stub *s, unsigned t, unsigned n)
{
    as32(s->a, s->shift << 30 | 0x38400400 | BIT(s->shift) << 12 | n << 5 | t);
}

/* Scan or compare: up to FEW elements are looked at. When the end is not among them and the count
 * goes on nothing is done. */
static void emit_scan(struct stub *s)
{
    struct as *a = s->a;
    unsigned up = s->shift < 2 ? 32 - (8u << s->shift) : 0;
    bool two = s->kind == BE_CMPS_E || s->kind == BE_CMPS_NE, wide = s->shift == 3;
    bool until_other = s->kind == BE_SCAS_E || s->kind == BE_CMPS_E;
    u8 *loop, *back, *end;
    as_get_nzcv(a, SAVED);
    as_mov_imm(a, BYTES, FEW);
    as_rrr(a, A_SUBS, s->wide, XZR, BYTES, G_CX);
    as_csel(a, s->wide, BYTES, G_CX, BYTES, A_HI);
    in_page(s, G_DI);
    if (two)
        in_page(s, G_SI);
    as_set_nzcv(a, SAVED);
    fail_at(s, as_cbz(a, true, BYTES));
    as_mov(a, true, SAVED, BYTES);
    as_lsl(a, true, BYTES, BYTES, s->shift);
    probe(s, G_DI, false, DST);
    if (two)
        probe(s, G_SI, false, SRC);
    else if (s->shift < 2)
        as_ubfx(a, false, LA, G_AX, 0, 8u << s->shift);
    else
        as_mov(a, wide, LA, G_AX);
    as_mov(a, true, BYTES, SAVED);
    loop = a->p; /* LA is compared with SCR3; BYTES elements are left */
    next(s, SCR3, DST);
    if (two)
        next(s, LA, SRC);
    as_rrr(a, A_SUB, wide, LINK, LA, SCR3);
    as_add_imm(a, A_SUB, true, BYTES, BYTES, 1, NOREG);
    end = until_other ? as_cbnz(a, wide, LINK) : as_cbz(a, wide, LINK);
    back = as_cbnz(a, true, BYTES);
    if (!a->full)
        as_branch(back, loop);
    /* All looked at: that is the end if the count is used up. */
    as_rrr(a, A_SUB, s->wide, SCR, G_CX, SAVED);
    fail_at(s, as_cbnz(a, s->wide, SCR));
    as_patch(a, end);
    as_rrr(a, A_SUB, true, SAVED, SAVED, BYTES); /* so many were */
    as_rrrs(a, A_ADD, s->wide, G_DI, G_DI, SAVED, LSL, s->shift);
    if (two)
        as_rrrs(a, A_ADD, s->wide, G_SI, G_SI, SAVED, LSL, s->shift);
    as_rrr(a, A_SUB, s->wide, G_CX, G_CX, SAVED);
    as_rrr(a, A_EOR, false, ADJUST, LA, SCR3);
    as_mov(a, false, PARITY, LINK);
    if (up)
        as_lsl(a, false, LA, LA, up);
    as_rrrs(a, A_SUBS, wide, XZR, LA, SCR3, LSL, up);
}

static void save(struct as *a)
{
    as_pair(a, A_STP_PRE, X3, X4, SP, -32);
    as_pair(a, A_STP, X5, LINK, SP, 16);
}

/* SCR: not 0 when nothing was done. */
static void restore(struct as *a, bool failed)
{
    as_pair(a, A_LDP, X5, LINK, SP, 16);
    as_pair(a, A_LDP_POST, X3, X4, SP, 32);
    as_mov_imm(a, SCR, failed);
    as_ret(a);
}

/* Called from blocks. Keeps all registers but those of the instruction, SCR to SCR3 and V0 to V3. */
static void emit_short(struct stub *s)
{
    struct as *a = s->a;
    save(a);
    em_state(a, A_LOAD, 4, SCR, ST(eflags));
    _Static_assert(FL_DF == BIT(10), "bit 10");
    fail_at(s, as_tbnz(a, SCR, 10));
    if (s->kind <= BE_STOS) {
        emit_move(s);
    } else {
        emit_scan(s);
        restore(a, false);
    }
    while (s->nfail)
        as_patch(a, s->fail[--s->nfail]);
    restore(a, true);
}

/* ---- the ends of moves and fills: BYTES bytes from SRC, or V0, to DST ---- */
enum { Q = 4 };

/* One unit of 1 << log bytes at `disp` from register n; log Q: vector register t. */
static void unit(struct as *a, bool load, unsigned log, unsigned t, unsigned n, s32 disp)
{
    if (log == Q)
        as32(a, (load ? 0x3cc00000u : 0x3c800000u) | ((u32)disp & 0x1ff) << 12 | n << 5 | t);
    else
        as_mem(a, load ? A_LOAD : A_STORE, BIT(log), t, n, disp);
}

/* Two vector registers. */
static void two_units(struct as *a, bool load, unsigned t, unsigned t2, unsigned n, s32 disp)
{
    as32(a, (load ? 0xad400000u : 0xad000000u) | ((u32)(disp / 16) & 0x7f) << 15 | t2 << 10 |
                n << 5 | t);
}

static void sixty_four(struct as *a, bool fill, unsigned from, unsigned to)
{
    if (!fill) {
        two_units(a, true, 0, 1, from, 0);
        two_units(a, true, 2, 3, from, 32);
    }
    two_units(a, false, 0, fill ? 0 : 1, to, 0);
    two_units(a, false, fill ? 0 : 2, fill ? 0 : 3, to, 32);
}

/* 1 << log bytes at the beginning and as many at the end. */
static void both_ends(struct as *a, bool fill, unsigned log)
{
    unsigned first = log == Q ? 0 : SCR, second = fill ? first : log == Q ? 1 : SCR3;
    s32 size = 1 << log;
    as_rrr(a, A_ADD, true, LA, DST, BYTES);
    if (!fill) {
        as_rrr(a, A_ADD, true, SAVED, SRC, BYTES);
        unit(a, true, log, first, SRC, 0);
        unit(a, true, log, second, SAVED, -size);
    }
    unit(a, false, log, first, DST, 0);
    unit(a, false, log, second, LA, -size);
}

static void emit_bytes(struct as *a, bool fill)
{
    u8 *few, *less, *loop, *back, *done, *not;
    as_add_imm(a, A_SUB, true, SCR, BYTES, 16, NOREG);
    few = as_tbnz(a, SCR, 63);
    as_add_imm(a, A_SUB, true, SCR, BYTES, 64, NOREG);
    less = as_tbnz(a, SCR, 63);
    /* 64 at a time, then the last 64, in part perhaps again; SCR: more than those are left */
    loop = a->p;
    sixty_four(a, fill, SRC, DST);
    if (!fill)
        as_add_imm(a, A_ADD, true, SRC, SRC, 64, NOREG);
    as_add_imm(a, A_ADD, true, DST, DST, 64, NOREG);
    as_add_imm(a, A_SUB, true, SCR, SCR, 64, NOREG);
    back = as_tbz(a, SCR, 63);
    if (!a->full)
        as_branch(back, loop);
    as_rrr(a, A_ADD, true, DST, DST, SCR); /* less by what was too much */
    if (!fill)
        as_rrr(a, A_ADD, true, SRC, SRC, SCR);
    sixty_four(a, fill, SRC, DST);
    restore(a, false);
    as_patch(a, less);
    /* 16 to 63: both ends, and what may be between them */
    as_add_imm(a, A_SUB, true, SCR, BYTES, 33, NOREG);
    done = as_tbnz(a, SCR, 63);
    as_rrr(a, A_ADD, true, LA, DST, BYTES);
    if (!fill) {
        as_rrr(a, A_ADD, true, SAVED, SRC, BYTES);
        unit(a, true, Q, 2, SRC, 16);
        unit(a, true, Q, 3, SAVED, -32);
    }
    unit(a, false, Q, fill ? 0 : 2, DST, 16);
    unit(a, false, Q, fill ? 0 : 3, LA, -32);
    as_patch(a, done);
    both_ends(a, fill, Q);
    restore(a, false);
    as_patch(a, few);
    if (fill) /* umov x0, v0.d[0] */
        as32(a, 0x4e083c00 | SCR);
    for (unsigned log = 3; log > 0; log--) {
        not = as_tbz(a, BYTES, log);
        both_ends(a, fill, log);
        restore(a, false);
        as_patch(a, not);
    }
    not = as_cbz(a, true, BYTES);
    if (!fill)
        unit(a, true, 0, SCR, SRC, 0);
    unit(a, false, 0, SCR, DST, 0);
    as_patch(a, not);
    restore(a, false);
}

void em_string_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs)
{
    const u8 *move = a->p, *fill;
    emit_bytes(a, false);
    fill = a->p;
    emit_bytes(a, true);
    for (unsigned n = 0; n < 16 * BE_REPS; n++) {
        struct stub s = {.a = a, .kind = n >> 4, .wide = n >> 1 & 1, .shift = n >> 2 & 3,
                         .user = n & 1, .move = move, .fill = fill};
        if (s.shift == 3 && !s.wide)
            continue;
        stubs->rep_short[s.kind][s.user][s.wide][s.shift] = codebuf_rx(buf, a->p);
        emit_short(&s);
    }
}
