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
    as_push(a, R10);
    as_push(a, R11);
    as_push(a, ADDR);
    as_lea(a, 8, RDI, MEM(STATE, -STATE_BIAS));
}

/* Behind a probe of the flat table an address may only not be aligned: when the access stays in
 * its page the plain entry decides. One in many goes to the helper, which has that block made anew
 * with probes that do not mind. */
static void not_aligned(struct as *a, s64 flat, unsigned user, bool write, unsigned size)
{
    u8 *crosses, *none, *often;
    as_lea(a, 4, RAX, MEM(ADDR, size - 1));
    as_rr(a, 0x33, 4, RAX, ADDR);
    as_rr(a, 0xf7, 4, 0, RAX); /* test eax, the page's number */
    as32(a, (u32)~PAGE_MASK);
    crosses = as_jcc(a, CC_NE);
    as_mov_rr(a, 4, RAX, ADDR);
    as_rr(a, 0xc1, 4, 5, RAX);
    as8(a, PAGE_BITS);
    as_load(a, 8, RAX, MEMX(STATE, RAX, 3, flat - STATE_BIAS + (s64)flat_offset((int)user, write)));
    as_rr(a, 0x85, 8, RAX, RAX);
    none = as_jcc(a, CC_E);
    as_alu_mi(a, 5, 4, ST(loose_left), 1);
    often = as_jcc(a, CC_L);
    ret(a);
    as_patch(crosses, a->p);
    as_patch(none, a->p);
    as_patch(often, a->p);
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
    as_push(a, R10);
    as_push(a, R10); /* twice for the alignment of the stack */
    vec_out(a, spill_vec);
}

static void vec_keep_end(struct as *a, u8 *const load_vec[3])
{
    u8 *none, *eight, *whole, *done;
    as_pop(a, R10);
    as_pop(a, R10);
    as_rr(a, 0x85, 4, R10, R10);
    none = as_jcc(a, CC_E);
    as_alu_ri(a, 7, 4, R10, 1);
    eight = as_jcc(a, CC_E);
    as_alu_ri(a, 7, 4, R10, 3);
    whole = as_jcc(a, CC_E);
    as_call_to(a, load_vec[1]);
    done = as_jmp(a);
    as_patch(whole, a->p);
    as_call_to(a, load_vec[2]);
    as_patch(done, a->p);
    done = as_jmp(a);
    as_patch(eight, a->p);
    as_call_to(a, load_vec[0]);
    as_patch(done, a->p);
    as_patch(none, a->p);
}
static void helper_end(struct as *a, bool all)
{
    as_pop(a, ADDR);
    as_pop(a, R11);
    as_pop(a, R10);
    reload(a, all);
}

/* helper(cpu, address, SCR, site): its result in SCR. */
static void address_stub(struct as *a, const void *helper, const u8 *spill_vec,
                         u8 *const load_vec[3])
{
    helper_begin(a);
    vec_keep_begin(a, spill_vec);
    as_mov_rr(a, 8, RSI, ADDR);
    as_mov_rr(a, 4, RDX, RAX);
    as_mov_rr(a, 4, RCX, SCR2);
    call_abs(a, helper);
    vec_keep_end(a, load_vec);
    helper_end(a, false);
    ret(a);
}

/* helper(cpu, SCR, where it is called from): its result in SCR and SCR2. */
static void caller_stub(struct as *a, const void *helper, const u8 *spill_vec,
                        u8 *const load_vec[3])
{
    as_load(a, 8, SCR2, MEM(RSP, 0));
    helper_begin(a);
    vec_keep_begin(a, spill_vec);
    as_mov_rr(a, 8, RSI, RAX);
    as_mov_rr(a, 8, RDX, SCR2);
    call_abs(a, helper);
    vec_keep_end(a, load_vec);
    helper_end(a, false);
    as_mov_rr(a, 8, SCR2, RAX);
    ret(a);
}

/* A guest instruction by a helper, whose record is in SCR2; a helper that leaves the block does not
 * return. */
static void exec_stub(struct as *a, const void *helper, const u8 *spill_vec)
{
    helper_begin(a);
    vec_out(a, spill_vec);
    as_mov_rr(a, 8, RSI, SCR2);
    call_abs(a, helper);
    helper_end(a, true);
    ret(a);
}

/* be_exec.quick of the record in SCR2: on behind it, or at the code that it gives. Vector registers in
 * the host's are for the longer way. */
static void quick_stub(struct codebuf *buf, struct as *a, const u8 *otherwise, bool called)
{
    u8 *plain, *on = NULL;
    as_alu_mi(a, 7, 1, ST(vec_live), 0);
    plain = as_jcc(a, CC_E);
    as_jmp_to(a, codebuf_rw(buf, otherwise));
    as_patch(plain, a->p);
    spill(a);
    if (called) {
        as_push(a, R10);
        as_push(a, R11);
        as_push(a, R11); /* for the alignment of the stack */
    }
    as_lea(a, 8, RDI, MEM(STATE, -STATE_BIAS));
    as_mov_rr(a, 8, RSI, SCR2);
    as_rm(a, 0xff, 4, 2, MEM(RSI, offsetof(struct be_exec, quick))); /* call [..] */
    if (called) {
        as_rr(a, 0x85, 8, RAX, RAX);
        on = as_jcc(a, CC_E);
    }
    em_stack_again(a);
    reload(a, true);
    as8(a, 0xff);
    as8(a, 0xe0); /* jmp rax */
    if (!called)
        return;
    as_patch(on, a->p);
    as_pop(a, R11);
    as_pop(a, R11);
    as_pop(a, R10);
    reload(a, true);
    ret(a);
}

static void quick_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs)
{
    stubs->quick = codebuf_rx(buf, a->p);
    quick_stub(buf, a, stubs->exec, true);
    stubs->quickx = codebuf_rx(buf, a->p);
    quick_stub(buf, a, stubs->execx, false);
    for (unsigned s = 0; s < SEG__COUNT; s++) {
        stubs->same[s] = codebuf_rx(buf, a->p);
        em_segment_stub(a, s, codebuf_rw(buf, stubs->quick));
    }
}

void be_emit_stubs(struct codebuf *buf, u8 **p, const struct be_helpers *helpers,
                   struct be_stubs *stubs)
{
    struct as as = {*p, *p + 48 * 1024, false}, *a = &as;
    const u8 *last;
    u8 *leave, *out, *spill_vec, *load_vec[3];
    stubs->loops = 4, stubs->loop_insns = 40;
    stubs->rorx = __builtin_cpu_supports("bmi2");
    stubs->guess_early = true;

    em_vector_stubs(buf, a, stubs);
    spill_vec = codebuf_rw(buf, stubs->vec_spill);
    load_vec[0] = codebuf_rw(buf, stubs->vec_load[0]);
    load_vec[1] = codebuf_rw(buf, stubs->vec_load[1]);
    load_vec[2] = stubs->vec_load[2] ? codebuf_rw(buf, stubs->vec_load[2]) : load_vec[1];

    /* out: the result is in RAX */
    out = a->p;
    spill(a);
    vec_out(a, spill_vec);
    as_load(a, 8, RSP, ST(host_rsp));
    for (unsigned i = ARRAY_LEN(saved); i-- > 0;)
        as_pop(a, saved[i]);
    ret(a);

    leave = a->p;
    stubs->leave = codebuf_rx(buf, leave);
    as_mov_ri(a, RAX, BE_LEAVE);
    as_jmp_to(a, out);

    last = codebuf_rx(buf, a->p);
    em_stack_last(a);
    as_jmp_to(a, leave);

    /* u64 enter(cpu = rdi, host = rsi) */
    stubs->enter = (u64(*)(void *, const void *))(uintptr_t)codebuf_rx(buf, a->p);
    for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
        as_push(a, saved[i]);
    as_lea(a, 8, STATE, MEM(RDI, STATE_BIAS));
    em_stack_begin(a, last);
    as_mov_rr(a, 8, RAX, RSI);
    reload(a, true);
    as8(a, 0xff);
    as8(a, 0xe0); /* jmp rax */

    /* resume(cpu = rdi, host = rsi): what the helper and its caller had on the stack is left */
    stubs->resume = (void (*)(void *, const void *))(uintptr_t)codebuf_rx(buf, a->p);
    as_lea(a, 8, STATE, MEM(RDI, STATE_BIAS));
    em_stack_again(a);
    as_mov_rr(a, 8, RAX, RSI);
    reload(a, true);
    as8(a, 0xff);
    as8(a, 0xe0);

    stubs->exit_link = codebuf_rx(buf, a->p);
    as_mov_ri(a, RAX, BE_LINK);
    as_rr(a, 0x0b, 8, RAX, SCR2);
    as_jmp_to(a, out);

    stubs->exit_entry = codebuf_rx(buf, a->p);
    as_mov_ri(a, RAX, BE_ENTRY);
    as_rr(a, 0x0b, 8, RAX, SCR2);
    as_jmp_to(a, out);

    for (unsigned n = 0; n < 36; n++) {
        unsigned probe = n / 12, w = n / 6 & 1, s = n % 6;
        stubs->prepare[probe][w][s] = codebuf_rx(buf, a->p);
        if (w)
            em_store_beside(a, s == 5 ? 10 : BIT(s), probe);
        if (stubs->flat && probe < 2 && s < 5)
            not_aligned(a, stubs->flat, probe, w, BIT(s));
        as_mov_ri(a, RAX, (s == 5 ? 10 : BIT(s)) | w << 8);
        address_stub(a, (const void *)(uintptr_t)helpers->prepare, spill_vec, load_vec);
    }

    /* What straddles two pages goes to the twin without more ado. */
    stubs->group = codebuf_rx(buf, a->p);
    {
        u8 *whole;
        as_push(a, RAX);
        as_alu_ri(a, 4, 4, RAX, BE_GROUP_SPAN);
        as_lea(a, 8, RAX, MEMX(RAX, ADDR, 0, -1));
        as_rr(a, 0x33, 8, RAX, ADDR);
        as_rr(a, 0xf7, 4, 0, RAX); /* test eax, the page's number */
        as32(a, (u32)~PAGE_MASK);
        as_pop(a, RAX);
        whole = as_jcc(a, CC_E);
        if (stubs->flat)
            em_group_across(a, stubs->flat);
        as_mov_ri(a, RAX, 0);
        ret(a);
        as_patch(whole, a->p);
    }
    em_group_beside(a);
    address_stub(a, (const void *)(uintptr_t)helpers->group, spill_vec, load_vec);

    /* The addend stays in SCR and goes to SCR2. */
    stubs->guess = codebuf_rx(buf, a->p);
    {
        u8 *often;
        as_mov_rr(a, 8, SCR2, RAX);
        as_alu_mi(a, 5, 4, ST(guess_left), 1);
        often = as_jcc(a, CC_L);
        ret(a);
        as_patch(often, a->p);
    }
    caller_stub(a, (const void *)(uintptr_t)helpers->guess, spill_vec, load_vec);
    stubs->hot = codebuf_rx(buf, a->p);
    caller_stub(a, (const void *)(uintptr_t)helpers->hot, spill_vec, load_vec);

    stubs->seg = codebuf_rx(buf, a->p);
    address_stub(a, (const void *)(uintptr_t)helpers->seg, spill_vec, load_vec);

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
    exec_stub(a, (const void *)(uintptr_t)helpers->exec, spill_vec);
    stubs->rep = codebuf_rx(buf, a->p);
    exec_stub(a, (const void *)(uintptr_t)helpers->rep, spill_vec);
    em_string_stubs(buf, a, stubs);

    stubs->execx = codebuf_rx(buf, a->p);
    as_alu_ri(a, 5, 8, RSP, 8); /* as if called */
    helper_begin(a);
    vec_out(a, spill_vec);
    as_mov_rr(a, 8, RSI, SCR2);
    call_abs(a, (const void *)(uintptr_t)helpers->exec);
    helper_end(a, true);
    as_alu_ri(a, 0, 8, RSP, 8);
    as_jmp_to(a, leave);
    quick_stubs(buf, a, stubs);

    *p = a->p;
}

size_t be_reach(void)
{
    return BIT(30); /* displacements of 32 bits */
}

bool be_works(struct codebuf *buf)
{
    return true; /* caches are the processor's business (SDM vol. 3, 11.6) */
}

void be_frame(struct jit_frame *frame)
{
    /* in the order of enum: AX CX DX BX SP BP SI DI, R8 to R15 */
    static const u8 dwarf[16] = {0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};
    frame->known = true;
    frame->state = dwarf[STATE];
    frame->held = ST_OFF(host_rsp);
    frame->n = ARRAY_LEN(saved);
    for (unsigned i = 0; i < ARRAY_LEN(saved); i++)
        frame->saved[i] = dwarf[saved[i]];
}
