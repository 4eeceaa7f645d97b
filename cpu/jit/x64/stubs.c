/* The few pieces of code that every block shares: entering and leaving, and calling helpers with
 * the pinned registers put into struct cpu and taken back (System V ABI: rdi, rsi, rdx, rcx, r8
 * carry arguments). */
#include "cpu/jit/x64/em.h"

static const u8 saved[] = {RBX, RBP, R12, R13, R14, R15};

static void spill(struct as *a)
{
    for (unsigned g = 0; g < 8; g++)
        as_store(a, 8, em_pin[g], MEM(STATE, (s32)(8 * g) + ST_OFF(gpr)));
}

/* all: also those that the callee preserves, because the helper may have changed them in struct
 * cpu. */
static void reload(struct as *a, bool all)
{
    for (unsigned g = 0; g < 8; g++) {
        unsigned r = em_pin[g];
        if (all || r == RCX || r == RDX || r == RSI || r == RDI)
            as_load(a, 8, r, MEM(STATE, (s32)(8 * g) + ST_OFF(gpr)));
    }
}

static void push(struct as *a, unsigned r)
{
    if (r >= 8)
        as8(a, 0x41);
    as8(a, (u8)(0x50 + (r & 7)));
}
static void pop(struct as *a, unsigned r)
{
    if (r >= 8)
        as8(a, 0x41);
    as8(a, (u8)(0x58 + (r & 7)));
}
static void call_abs(struct as *a, const void *fn)
{
    as_mov_ri(a, RAX, (u64)(uintptr_t)fn);
    as8(a, 0xff);
    as8(a, 0xd0);
}
static void ret(struct as *a)
{
    as8(a, 0xc3);
}

/* A helper call from a block: the stack is at 8 mod 16 here. R10 and R11 hold temporaries, ADDR the
 * address that the access behind a prepare uses. */
static void helper_begin(struct as *a)
{
    spill(a);
    push(a, R10);
    push(a, R11);
    push(a, ADDR);
    as_lea(a, 8, RDI, MEM(STATE, -STATE_BIAS));
}

/* Vector registers go to struct cpu before C code runs. */
static void vec_out(struct as *a, const u8 *spill_vec)
{
    u8 *none;
    as_alu_mi(a, 7, 1, ST(vec_live), 0);
    none = as_jcc(a, CC_E);
    as_call_to(a, spill_vec);
    as_patch(none, a->p);
}

/* ... and come back behind a helper in the middle of an instruction: begin() and end() around. */
static void vec_keep_begin(struct as *a, const u8 *spill_vec)
{
    as_rm(a, 0x1b6, 4, R10, ST(vec_live));
    push(a, R10);
    push(a, R10); /* twice for the alignment of the stack */
    vec_out(a, spill_vec);
}

static void vec_keep_end(struct as *a, u8 *const load_vec[2])
{
    u8 *none, *eight, *done;
    pop(a, R10);
    pop(a, R10);
    as_rr(a, 0x85, 4, R10, R10);
    none = as_jcc(a, CC_E);
    as_alu_ri(a, 7, 4, R10, 1);
    eight = as_jcc(a, CC_E);
    as_call_to(a, load_vec[1]);
    done = as_jmp(a);
    as_patch(eight, a->p);
    as_call_to(a, load_vec[0]);
    as_patch(done, a->p);
    as_patch(none, a->p);
}
static void helper_end(struct as *a, bool all)
{
    pop(a, ADDR);
    pop(a, R11);
    pop(a, R10);
    reload(a, all);
}

void be_emit_stubs(struct codebuf *buf, u8 **p, const struct be_helpers *helpers,
                   struct be_stubs *stubs)
{
    struct as as = {*p, *p + 16384, false}, *a = &as;
    u8 *leave, *out, *spill_vec, *load_vec[2];

    em_vector_stubs(buf, a, stubs);
    spill_vec = codebuf_rw(buf, stubs->vec_spill);
    load_vec[0] = codebuf_rw(buf, stubs->vec_load[0]);
    load_vec[1] = codebuf_rw(buf, stubs->vec_load[1]);

    /* u64 enter(cpu = rdi, host = rsi) */
    stubs->enter = (u64(*)(void *, const void *))(uintptr_t)codebuf_rx(buf, a->p);
    for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
        push(a, saved[i]);
    as_alu_ri(a, 5, 8, RSP, 8); /* 16-byte alignment inside blocks */
    as_lea(a, 8, STATE, MEM(RDI, STATE_BIAS));
    as_store(a, 8, RSP, ST(host_sp));
    as_mov_rr(a, 8, RAX, RSI);
    reload(a, true);
    as8(a, 0xff);
    as8(a, 0xe0); /* jmp rax */

    /* resume(cpu = rdi, host = rsi): what the helper and its caller had on the stack is left */
    stubs->resume = (void (*)(void *, const void *))(uintptr_t)codebuf_rx(buf, a->p);
    as_lea(a, 8, STATE, MEM(RDI, STATE_BIAS));
    as_load(a, 8, RSP, ST(host_sp));
    as_mov_rr(a, 8, RAX, RSI);
    reload(a, true);
    as8(a, 0xff);
    as8(a, 0xe0);

    /* out: the result is in RAX */
    out = a->p;
    spill(a);
    vec_out(a, spill_vec);
    as_alu_ri(a, 0, 8, RSP, 8);
    for (unsigned i = ARRAY_LEN(saved); i-- > 0;)
        pop(a, saved[i]);
    ret(a);

    leave = a->p;
    stubs->leave = codebuf_rx(buf, leave);
    as_mov_ri(a, RAX, BE_LEAVE);
    as_jmp_to(a, out);

    stubs->exit_link = codebuf_rx(buf, a->p);
    as_mov_ri(a, RAX, BE_LINK);
    as_rr(a, 0x0b, 8, RAX, SCR2);
    as_jmp_to(a, out);

    stubs->exit_entry = codebuf_rx(buf, a->p);
    as_mov_ri(a, RAX, BE_ENTRY);
    as_rr(a, 0x0b, 8, RAX, SCR2);
    as_jmp_to(a, out);

    for (unsigned w = 0; w < 2; w++)
        for (unsigned s = 0; s < 6; s++) {
            stubs->prepare[w][s] = codebuf_rx(buf, a->p);
            if (w)
                em_store_beside(a, s == 5 ? 10 : BIT(s));
            helper_begin(a);
            vec_keep_begin(a, spill_vec);
            as_mov_rr(a, 8, RSI, ADDR);
            as_mov_ri(a, RDX, (s == 5 ? 10 : BIT(s)) | w << 8);
            as_mov_rr(a, 4, RCX, SCR2);
            call_abs(a, (const void *)(uintptr_t)helpers->prepare);
            vec_keep_end(a, load_vec);
            helper_end(a, false);
            ret(a);
        }

    stubs->seg = codebuf_rx(buf, a->p);
    helper_begin(a);
    vec_keep_begin(a, spill_vec);
    as_mov_rr(a, 8, RSI, ADDR);
    as_mov_rr(a, 4, RDX, RAX);
    as_mov_rr(a, 4, RCX, SCR2);
    call_abs(a, (const void *)(uintptr_t)helpers->seg);
    vec_keep_end(a, load_vec);
    helper_end(a, false);
    ret(a);

    stubs->bail = codebuf_rx(buf, a->p);
    helper_begin(a);
    vec_out(a, spill_vec);
    as_mov_rr(a, 4, RSI, SCR2);
    call_abs(a, (const void *)(uintptr_t)helpers->bail);

    stubs->x87_load = codebuf_rx(buf, a->p);
    helper_begin(a);
    vec_keep_begin(a, spill_vec);
    call_abs(a, (const void *)(uintptr_t)helpers->x87_load);
    vec_keep_end(a, load_vec);
    helper_end(a, false);
    ret(a);

    stubs->exec = codebuf_rx(buf, a->p);
    helper_begin(a);
    vec_out(a, spill_vec);
    as_mov_rr(a, 8, RSI, SCR2);
    call_abs(a, (const void *)(uintptr_t)helpers->exec);
    as_rr(a, 0x85, 8, RAX, RAX);
    {
        u8 *go = as_jcc(a, CC_NE);
        helper_end(a, true);
        ret(a);
        as_patch(go, a->p);
        /* The registers in struct cpu are newer than the host's: reload before they are spilled on
         * the way out. */
        helper_end(a, true);
        as_alu_ri(a, 0, 8, RSP, 8); /* the return address into the block */
        as_jmp_to(a, leave);
    }

    stubs->execx = codebuf_rx(buf, a->p);
    as_alu_ri(a, 5, 8, RSP, 8); /* as if called */
    helper_begin(a);
    vec_out(a, spill_vec);
    as_mov_rr(a, 8, RSI, SCR2);
    call_abs(a, (const void *)(uintptr_t)helpers->exec);
    helper_end(a, true);
    as_alu_ri(a, 0, 8, RSP, 8);
    as_jmp_to(a, leave);

    *p = a->p;
}
