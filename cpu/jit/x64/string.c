/* x86-64 code for string instructions with REP (SDM vol. 2 "REP"): short strings that lie in one
 * page each and do not overlap are moved, filled, scanned and compared by stubs, without leaving
 * the guest's registers; all else is for the helper. EDI, ESI and ECX are the host's own. */
#include "cpu/jit/x64/em.h"

/* Bytes that are moved in registers; more, up to a page, by the host's own string instructions.
 * Elements that are looked at, at most; for more the call of the helper is the smaller part. */
enum { SHORT = 192, FEW = 48 };

/* Carry: nothing was done. */
u8 *em_refused(struct em *e)
{
    return as_jcc(&e->a, CC_B);
}

/* ---- stubs ---- */
struct stub {
    struct as *a;
    unsigned kind, shift;
    bool stos, wide, user;
    s32 tlb;       /* from STATE */
    u8 *fail[8];   /* to the way out */
    unsigned nfail;
};

static void fail_if(struct stub *s, unsigned cc)
{
    s->fail[s->nfail++ & 7] = as_jcc(s->a, cc);
}

/* The host address of the elements at la in `to`, as many as `count` (a register) says, where the
 * page is there for such accesses. */
static void probe(struct stub *s, unsigned la, bool write, unsigned count, unsigned to)
{
    struct as *a = s->a;
    s32 tag = (s32)(write ? offsetof(struct tlb_entry, wr) : offsetof(struct tlb_entry, rd));
    as_mov_rr(a, 4, RAX, la);
    as_rr(a, 0xc1, 4, 5, RAX);
    as8(a, PAGE_BITS - 5);
    as_alu_ri(a, 4, 4, RAX, (TLB_SIZE - 1) << 5);
    as_lea(a, 8, R8, MEMX(la, count, (u8)s->shift, -1));
    as_alu_ri(a, 4, 8, R8, (s32)~PAGE_MASK);
    as_rm(a, 0x3b, 8, R8, MEMX(STATE, RAX, 0, s->tlb + tag));
    if (write) { /* beside code? */
        u8 *slow[3], *hit = as_jcc(a, CC_E), *done;
        em_string_beside(a, la, count, s->shift, s->user, to, slow);
        done = as_jmp(a);
        s->fail[s->nfail++ & 7] = slow[0];
        s->fail[s->nfail++ & 7] = slow[1];
        s->fail[s->nfail++ & 7] = slow[2];
        if (a->full)
            return;
        as_patch(hit, a->p);
        as_load(a, 8, to, MEMX(STATE, RAX, 0, s->tlb + (s32)offsetof(struct tlb_entry, addend)));
        as_patch(done, a->p);
    } else {
        fail_if(s, CC_NE);
        as_load(a, 8, to, MEMX(STATE, RAX, 0, s->tlb + (s32)offsetof(struct tlb_entry, addend)));
    }
    as_rr(a, 0x03, 8, to, la);
}

/* One unit of `size` bytes at offset `off` (a register and a displacement) of both strings. */
static void unit(struct stub *s, unsigned size, unsigned index, s32 disp)
{
    struct mem src = index == NOREG ? MEM(R10, disp) : MEMX(R10, index, 0, disp);
    struct mem dst = index == NOREG ? MEM(R11, disp) : MEMX(R11, index, 0, disp);
    if (!s->stos)
        as_load(s->a, size, R8, src);
    as_store(s->a, size, R8, dst);
}

/* RAX bytes from R10 to R11, or of the pattern in R8; the strings do not overlap. */
static void move_bytes(struct stub *s)
{
    struct as *a = s->a;
    u8 *loop, *few, *back, *rest, *none, *end[2];
    unsigned nend = 0;
    as_alu_ri(a, 7, 4, RAX, 16);
    few = as_jcc(a, CC_B);
    loop = a->p; /* sixteen at a time from the end, then the first sixteen, perhaps again */
    unit(s, 8, RAX, -8);
    unit(s, 8, RAX, -16);
    as_alu_ri(a, 5, 4, RAX, 16);
    as_alu_ri(a, 7, 4, RAX, 16);
    back = as_jcc(a, CC_AE);
    as_rr(a, 0x85, 4, RAX, RAX);
    none = as_jcc(a, CC_E);
    unit(s, 8, NOREG, 0);
    unit(s, 8, NOREG, 8);
    end[nend++] = as_jmp(a);
    if (a->full)
        return;
    as_patch(back, loop);
    as_patch(few, a->p);
    as_alu_ri(a, 7, 4, RAX, 8);
    rest = as_jcc(a, CC_B);
    unit(s, 8, RAX, -8);
    unit(s, 8, NOREG, 0);
    end[nend++] = as_jmp(a);
    if (a->full)
        return;
    as_patch(rest, a->p);
    for (unsigned size = 4; size >= BIT(s->shift); size /= 2) {
        u8 *not;
        as8(a, 0xa8); /* test al, size */
        as8(a, (u8)size);
        not = as_jcc(a, CC_E);
        unit(s, size, NOREG, 0);
        as_alu_ri(a, 0, 8, R11, (s32)size);
        if (!s->stos)
            as_alu_ri(a, 0, 8, R10, (s32)size);
        if (a->full)
            return;
        as_patch(not, a->p);
    }
    as_patch(none, a->p);
    while (nend--)
        as_patch(end[nend], a->p);
}

/* EAX's element in all of R8. */
static void pattern(struct stub *s)
{
    static const u64 ones[] = {0x0101010101010101u, 0x0001000100010001u, 0x0000000100000001u};
    struct as *a = s->a;
    if (s->shift == 3) {
        as_mov_rr(a, 8, R8, em_pin[REG_AX]);
        return;
    }
    if (s->shift == 2)
        as_mov_rr(a, 4, R8, em_pin[REG_AX]);
    else
        as_rr8(a, s->shift ? 0x1b7 : 0x1b6, 4, R8, em_pin[REG_AX]);
    as_mov_ri(a, R10, ones[s->shift]);
    as_rr(a, 0x1af, 8, R8, R10);
}

/* The same by the host's string instructions; RSI and RDI are already the guest's next ones. */
static void move_many(struct stub *s)
{
    struct as *a = s->a;
    as8(a, 0x57); /* push rdi */
    as_mov_rr(a, 8, RDI, R11);
    as_mov_rr(a, 8, RCX, RAX);
    if (s->stos) { /* quadwords, and the last one again where the length is odd */
        as_store(a, 8, R8, MEMX(R11, RAX, 0, -8));
        as_rr(a, 0xc1, 8, 5, RCX);
        as8(a, 3);
        as_mov_rr(a, 8, RAX, R8);
        as8(a, 0xf3);
        as8(a, 0x48);
        as8(a, 0xab);
    } else {
        as8(a, 0x56); /* push rsi */
        as_mov_rr(a, 8, RSI, R10);
        as8(a, 0xf3);
        as8(a, 0xa4);
        as8(a, 0x5e);
    }
    as8(a, 0x5f);
}

/* Move or fill: RCX elements, at most a page of them. */
static void emit_move(struct stub *s)
{
    struct as *a = s->a;
    unsigned width = s->wide ? 8 : 4;
    u8 *many, *done;
    if (!s->stos)
        probe(s, RSI, false, RCX, R10);
    probe(s, RDI, true, RCX, R11);
    as_mov_rr(a, 4, RAX, RCX);
    if (s->shift) {
        as_rr(a, 0xc1, 4, 4, RAX);
        as8(a, (u8)s->shift);
    }
    if (!s->stos) { /* what is apart by less than its length overlaps, either way */
        as_mov_rr(a, 8, R8, R11);
        as_rr(a, 0x2b, 8, R8, R10);
        as_rr(a, 0x3b, 8, R8, RAX);
        fail_if(s, CC_B);
        as_rr(a, 0xf7, 8, 3, R8); /* neg */
        as_rr(a, 0x3b, 8, R8, RAX);
        fail_if(s, CC_B);
        as_lea(a, width, RSI, MEMX(RSI, RAX, 0, 0));
    } else {
        pattern(s);
    }
    as_lea(a, width, RDI, MEMX(RDI, RAX, 0, 0));
    as_alu_ri(a, 7, 4, RAX, SHORT);
    many = as_jcc(a, CC_A);
    as_mov_ri(a, RCX, 0);
    move_bytes(s);
    done = as_jmp(a);
    if (a->full)
        return;
    as_patch(many, a->p);
    move_many(s);
    if (!a->full)
        as_patch(done, a->p);
}

/* R9 = the smaller of R9 and the elements from la to the end of its page. */
static void in_page(struct stub *s, unsigned la)
{
    struct as *a = s->a;
    as_mov_rr(a, 4, RAX, la);
    as_rr(a, 0xf7, 4, 2, RAX); /* not: bytes behind this one */
    as_alu_ri(a, 4, 4, RAX, PAGE_MASK);
    as_alu_ri(a, 0, 4, RAX, 1);
    if (s->shift) {
        as_rr(a, 0xc1, 4, 5, RAX);
        as8(a, (u8)s->shift);
    }
    as_rr(a, 0x3b, 8, R9, RAX);
    as_rr(a, 0x147, 8, R9, RAX); /* cmova */
}

/* Scan or compare: up to R9 elements are looked at. When the end is not among them and the count
 * goes on nothing is done. */
static void emit_scan(struct stub *s)
{
    struct as *a = s->a;
    unsigned size = BIT(s->shift), width = s->wide ? 8 : 4, value = em_pin[REG_AX];
    bool two = s->kind == BE_CMPS_E || s->kind == BE_CMPS_NE;
    unsigned stop = s->kind == BE_SCAS_E || s->kind == BE_CMPS_E ? CC_NE : CC_E;
    u8 *loop, *end, *back;
    as_mov_ri(a, R9, FEW);
    as_rr(a, 0x3b, 8, R9, RCX);
    as_rr(a, 0x147, 8, R9, RCX); /* cmova */
    in_page(s, RDI);
    if (two)
        in_page(s, RSI);
    as_rr(a, 0x85, 4, R9, R9);
    fail_if(s, CC_E);
    probe(s, RDI, false, R9, R11);
    if (two)
        probe(s, RSI, false, R9, R10);
    if (two)
        value = R8;
    as_mov_ri(a, RAX, 0);
    loop = a->p;
    if (two)
        as_load(a, size, R8, MEMX(R10, RAX, (u8)s->shift, 0));
    as_rm(a, size == 1 ? 0x3a : 0x3b, size, value, MEMX(R11, RAX, (u8)s->shift, 0));
    as_lea(a, 8, RAX, MEM(RAX, 1)); /* the flags stay */
    end = as_jcc(a, stop);
    as_rr(a, 0x3b, 8, RAX, R9);
    back = as_jcc(a, CC_B);
    if (a->full)
        return;
    as_patch(back, loop);
    /* All looked at: that is the end if the count is used up. The last comparison once more. */
    as_rr(a, 0x3b, 8, R9, RCX);
    fail_if(s, CC_NE);
    if (two)
        as_load(a, size, R8, MEMX(R10, RAX, (u8)s->shift, -(s32)size));
    as_rm(a, size == 1 ? 0x3a : 0x3b, size, value, MEMX(R11, RAX, (u8)s->shift, -(s32)size));
    if (a->full)
        return;
    as_patch(end, a->p);
    as_mov_rr(a, 8, R9, RAX);
    as8(a, 0x9f); /* lahf */
    as_rr8(a, 0x190, 1, 0, RAX);
    as_store(a, 2, RAX, ST(af));
    as_lea(a, width, RDI, MEMX(RDI, R9, (u8)s->shift, 0));
    if (two)
        as_lea(a, width, RSI, MEMX(RSI, R9, (u8)s->shift, 0));
    as_rr(a, 0x2b, width, RCX, R9);
}

/* Called from blocks: carry says that nothing was done. Keeps R10 and R11. */
static void emit_short(struct stub *s)
{
    struct as *a = s->a;
    u8 *back, *more = NULL;
    as_rm(a, 0xf6, 1, 0, MEM(STATE, ST_OFF(eflags) + 1)); /* test DF */
    as8(a, FL_DF >> 8);
    back = as_jcc(a, CC_NE);
    if (s->kind <= BE_STOS) {
        as_alu_ri(a, 7, 8, RCX, (s32)(PAGE_SIZE >> s->shift));
        more = as_jcc(a, CC_A);
    }
    as_push(a, R10);
    as_push(a, R11);
    if (s->kind <= BE_STOS)
        emit_move(s);
    else
        emit_scan(s);
    as_pop(a, R11);
    as_pop(a, R10);
    as8(a, 0xf8); /* clc */
    as8(a, 0xc3);
    if (a->full)
        return;
    while (s->nfail)
        as_patch(s->fail[--s->nfail], a->p);
    as_pop(a, R11);
    as_pop(a, R10);
    as_patch(back, a->p);
    if (more)
        as_patch(more, a->p);
    as8(a, 0xf9); /* stc */
    as8(a, 0xc3);
}

void em_string_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs)
{
    for (unsigned n = 0; n < 16 * BE_REPS; n++) {
        struct stub s = {.a = a, .kind = n >> 4, .wide = n >> 1 & 1, .shift = n >> 2 & 3};
        bool user = n & 1;
        if (s.shift == 3 && !s.wide)
            continue;
        s.stos = s.kind == BE_STOS;
        s.user = user;
        s.tlb = ST_OFF(mmu.tlb) + (user ? (s32)sizeof(struct tlb) : 0);
        stubs->rep_short[s.kind][user][s.wide][s.shift] = codebuf_rx(buf, a->p);
        emit_short(&s);
    }
}
