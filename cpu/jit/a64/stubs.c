/* The few pieces of code that every block shares on AArch64: entering and leaving, and calling helpers
 * with the pinned registers put into struct cpu and taken back (AAPCS64: X0 to X7 carry arguments, X19
 * to X28 are the caller's). */
#include "cpu/jit/a64/host.h"
#include "cpu/jit/a64/vec.h"
#include "cpu/jit/a64/x87_wide.h"

enum { FRAME = 160 }; /* X19 to X30, the lower halves of V8 to V15 */

/* The branch taken in code that is not 64-bit. */
static u8 *unless_64(struct as *a)
{
    as_mem(a, A_LOAD, 1, SCR3, STATE, ST(code_bits));
    return as_tbz(a, SCR3, 6);
}

/* R8 to R15 are in registers in 64-bit code only: elsewhere these are temporaries. */
static void move_guest(struct as *a, u32 op)
{
    u8 *low;
    for (unsigned g = 0; g < 8; g += 2)
        as_pair(a, op, FIRST_LOW + g, FIRST_LOW + g + 1, STATE, (s32)(8 * g));
    low = unless_64(a);
    for (unsigned g = 0; g < 8; g += 2)
        as_pair(a, op, FIRST_HIGH + g, FIRST_HIGH + g + 1, STATE, (s32)(64 + 8 * g));
    as_patch(a, low);
}

/* The tables of the CPU's mode, and the rest of what code finds in registers. Spoils SCR to SCR3. */
static void load_all(struct as *a)
{
    u8 *low, *done;
    s64 base = ST(mmu.flat.base);
    _Static_assert(FLAT_TABLE_SIZE == BIT(27), "shifts and one constant give the tables");
    _Static_assert(WIDE_TABLES == 3 && WIDE_WR == 1 && WIDE_ADDEND == 2 &&
                       WIDE_TABLE_SIZE == BIT(23),
                   "three a mode");
    move_guest(a, A_LDP);
    em_state(a, A_LOAD, 8, RD_TABLE, base);
    as_mem(a, A_LOAD, 1, SCR, STATE, ST(mmu_mode));
    low = unless_64(a);
    as_mov_imm(a, SCR2, FLAT_SIZE);
    as_rrr(a, A_ADD, true, RD_TABLE, RD_TABLE, SCR2);
    as_rrrs(a, A_ADD, true, SCR, SCR, SCR, LSL, 1);
    as_rrrs(a, A_ADD, true, RD_TABLE, RD_TABLE, SCR, LSL, 23);
    as_add_imm(a, A_ADD, true, WR_TABLE, RD_TABLE, BIT(23), NOREG);
    as_mov_imm(a, SCR2, BIT(24));
    as_rrr(a, A_ADD, true, WIDE, RD_TABLE, SCR2);
    done = as_b(a);
    as_patch(a, low);
    as_rrrs(a, A_ADD, true, RD_TABLE, RD_TABLE, SCR, LSL, 28);
    as_mov_imm(a, SCR2, FLAT_TABLE_SIZE);
    as_rrr(a, A_ADD, true, WR_TABLE, RD_TABLE, SCR2);
    as_patch(a, done);
    em_flags_in(a);
}

static void call_abs(struct as *a, const void *fn)
{
    as_mov_imm(a, SCR3, (u64)(uintptr_t)fn);
    as_blr(a, SCR3);
}

static void sp_add(struct as *a, s32 n)
{
    as32(a, (n < 0 ? 0xd1000000u : 0x91000000u) | (u32)(n < 0 ? -n : n) << 10 | SP << 5 | SP);
}

/* Around a helper in the middle of an instruction, which changes no register of the guest: what it may
 * spoil goes to the stack, and to struct cpu should it not come back. SCR, ADDR and SCR2 have its
 * arguments; the flags are as at a boundary of blocks. */
enum { KEEP = 160 };
static void helper_begin(struct as *a, const u8 *spill_vec)
{
    sp_add(a, -KEEP);
    as_pair(a, A_STP, X3, X4, SP, 0);
    as_pair(a, A_STP, X5, X6, SP, 16);
    as_pair(a, A_STP, X7, X8, SP, 32);
    as_pair(a, A_STP, X9, X10, SP, 48);
    as_pair(a, A_STP, X11, X12, SP, 64);
    as_pair(a, A_STP, X13, X14, SP, 80);
    as_pair(a, A_STP, X15, X17, SP, 96);
    as_get_nzcv(a, SCR3);
    as_pair(a, A_STP, ADDR, SCR3, SP, 112);
    as_pair(a, A_STP, LINK, SCR, SP, 128);
    as_mov(a, false, X3, SCR2); /* the site */
    move_guest(a, A_STP);
    em_flags_out(a);
    as_mem(a, A_LOAD, 1, SCR2, STATE, ST(vec_live));
    as_mem(a, A_STORE, 8, SCR2, SP, 144);
    em_vector_out(a, spill_vec);
    as_mem(a, A_LOAD, 8, SCR2, SP, 136);
    as_mov(a, true, X0, STATE);
}
static void helper_end(struct as *a, const u8 *const load_vec[2])
{
    as_mem(a, A_STORE, 8, SCR, SP, 136);
    as_mem(a, A_LOAD, 8, ADDR, SP, 144);
    as32(a, MSR_FPSR | XZR); /* x87 operations may look at their own marks only */
    em_vector_back(a, ADDR, load_vec);
    as_mem(a, A_LOAD, 8, SCR, SP, 136);
    as_pair(a, A_LDP, ADDR, SCR3, SP, 112);
    as_set_nzcv(a, SCR3);
    as_pair(a, A_LDP, X3, X4, SP, 0);
    as_pair(a, A_LDP, X5, X6, SP, 16);
    as_pair(a, A_LDP, X7, X8, SP, 32);
    as_pair(a, A_LDP, X9, X10, SP, 48);
    as_pair(a, A_LDP, X11, X12, SP, 64);
    as_pair(a, A_LDP, X13, X14, SP, 80);
    as_pair(a, A_LDP, X15, X17, SP, 96);
    as_mem(a, A_LOAD, 8, LINK, SP, 128);
    sp_add(a, KEEP);
}

/* helper(cpu, address, SCR, site): its result in SCR. */
static void address_stub(struct as *a, const void *helper, const u8 *spill_vec,
                         const u8 *const load_vec[2])
{
    helper_begin(a, spill_vec);
    call_abs(a, helper);
    helper_end(a, load_vec);
    as_ret(a);
}

/* helper(cpu, SCR, where it is called from): its result in SCR. */
static void caller_stub(struct as *a, const void *helper, const u8 *spill_vec,
                        const u8 *const load_vec[2])
{
    helper_begin(a, spill_vec);
    as_mov(a, true, X1, X2);
    as_mem(a, A_LOAD, 8, X2, SP, 128);
    call_abs(a, helper);
    helper_end(a, load_vec);
    as_ret(a);
}

/* Behind a probe of the flat table an address may only not be aligned: when the access stays in its
 * page the plain entry decides. One in many goes to the helper, which has that block made anew with
 * probes that do not mind. */
static void not_aligned(struct as *a, bool write, unsigned size)
{
    u8 *crosses, *none, *often;
    as_add_imm(a, A_ADD, false, SCR, ADDR, size - 1, NOREG);
    as_rrr(a, A_EOR, false, SCR, SCR, ADDR);
    as_lsr(a, false, SCR, SCR, PAGE_BITS);
    crosses = as_cbnz(a, false, SCR);
    as_lsr(a, false, SCR, ADDR, PAGE_BITS);
    as_mem_reg(a, A_LOAD, 8, SCR, write ? WR_TABLE : RD_TABLE, SCR, false, true);
    none = as_cbz(a, true, SCR);
    _Static_assert(offsetof(struct cpu, guess_left) < 1 << 14, "near");
    as_mem(a, A_LOAD, 4, SCR3, STATE, ST(loose_left));
    as_add_imm(a, A_SUB, false, SCR3, SCR3, 1, NOREG);
    as_mem(a, A_STORE, 4, SCR3, STATE, ST(loose_left));
    often = as_tbnz(a, SCR3, 31);
    as_ret(a);
    as_patch(a, crosses);
    as_patch(a, none);
    as_patch(a, often);
}

/* A guest instruction by a helper, whose record is in SCR2; a helper that leaves the block does not
 * return. */
enum { EXEC_KEEP = 96 }; /* LINK and temporaries, which outlive the instruction */
static void exec_begin(struct as *a, const u8 *spill_vec)
{
    sp_add(a, -EXEC_KEEP);
    as_pair(a, A_STP, LINK, X3, SP, 0);
    as_pair(a, A_STP, X4, X5, SP, 16);
    for (unsigned r = 0; r < 8; r += 2)
        as_pair(a, A_STP, FIRST_HIGH + r, FIRST_HIGH + r + 1, SP, (s32)(32 + 8 * r));
    as_mov(a, true, X3, SCR2);
    move_guest(a, A_STP);
    em_flags_out(a);
    em_vector_out(a, spill_vec);
    as_mov(a, true, X0, STATE);
    as_mov(a, true, X1, X3);
}
/* R8 to R15 of 64-bit code come from struct cpu behind it (load_all). */
static void exec_end(struct as *a)
{
    as_pair(a, A_LDP, LINK, X3, SP, 0);
    as_pair(a, A_LDP, X4, X5, SP, 16);
    for (unsigned r = 0; r < 8; r += 2)
        as_pair(a, A_LDP, FIRST_HIGH + r, FIRST_HIGH + r + 1, SP, (s32)(32 + 8 * r));
    sp_add(a, EXEC_KEEP);
}

/* On behind the instruction, or at `leave`. */
static void exec_stub(struct as *a, const void *helper, const u8 *leave, const u8 *spill_vec)
{
    exec_begin(a, spill_vec);
    call_abs(a, helper);
    exec_end(a);
    load_all(a);
    if (leave)
        as_b_to(a, leave);
    else
        as_ret(a);
}

/* be_exec.quick of the record in SCR2: on behind it, or at the code that it gives. */
static void quick_stub(struct as *a, const u8 *leave, const u8 *spill_vec)
{
    u8 *on;
    exec_begin(a, spill_vec);
    as_mem(a, A_LOAD, 8, SCR3, X1, offsetof(struct be_exec, quick));
    as_blr(a, SCR3);
    as_mov(a, true, ADDR, X0);
    exec_end(a);
    on = as_cbz(a, true, ADDR);
    as_mov(a, true, LINK, ADDR);
    em_stack_again(a);
    load_all(a);
    as_br(a, LINK);
    as_patch(a, on);
    load_all(a);
    if (leave)
        as_b_to(a, leave);
    else
        as_ret(a);
}

void be_emit_stubs(struct codebuf *buf, u8 **p, const struct be_helpers *helpers,
                   struct be_stubs *stubs)
{
    struct as as = {*p, *p + 48 * 1024, false}, *a = &as;
    const u8 *spill_vec, *load_vec[2], *last;
    u8 *out, *leave, *prepare;
    stubs->loops = 6, stubs->loop_insns = 48; /* what begins and ends a round costs more than on x86-64 */
    stubs->flagm = a64_host_has(A64_FLAGM);

    em_vector_stubs(buf, a, stubs);
    stubs->flagm2 = em_vec_has(HOST_FLAGM2);
    stubs->afp = em_vec_has(HOST_AFP);
    spill_vec = codebuf_rw(buf, stubs->vec_spill);
    load_vec[0] = codebuf_rw(buf, stubs->vec_load[0]);
    load_vec[1] = codebuf_rw(buf, stubs->vec_load[1]);

    /* out: the result is in ADDR */
    out = a->p;
    move_guest(a, A_STP);
    em_flags_out(a);
    em_vector_out(a, spill_vec);
    as_mov(a, true, X0, ADDR);
    em_state(a, A_LOAD, 8, SCR2, ST(host_rsp));
    as_add_imm(a, A_ADD, true, SP, SCR2, 0, NOREG);
    for (unsigned r = 0; r < 6; r++)
        as_pair(a, A_LDP, X19 + 2 * r, X20 + 2 * r, SP, (s32)(16 * r));
    for (unsigned r = 0; r < 4; r++)
        as_pair(a, A_LDP_D, 8 + 2 * r, 9 + 2 * r, SP, (s32)(96 + 16 * r));
    sp_add(a, FRAME);
    as_ret(a);

    leave = a->p;
    stubs->leave = codebuf_rx(buf, leave);
    as_mov_imm(a, ADDR, BE_LEAVE);
    as_b_to(a, out);
    last = codebuf_rx(buf, a->p);
    em_stack_last(a);
    as_b_to(a, leave);

    /* u64 enter(cpu, host) */
    stubs->enter = (u64(*)(void *, const void *))(uintptr_t)codebuf_rx(buf, a->p);
    sp_add(a, -FRAME);
    for (unsigned r = 0; r < 6; r++)
        as_pair(a, A_STP, X19 + 2 * r, X20 + 2 * r, SP, (s32)(16 * r));
    for (unsigned r = 0; r < 4; r++)
        as_pair(a, A_STP_D, 8 + 2 * r, 9 + 2 * r, SP, (s32)(96 + 16 * r));
    as_mov(a, true, STATE, X0);
    as_mov(a, true, LINK, X1);
    em_stack_begin(a, last);
    load_all(a);
    as_br(a, LINK);

    /* resume(cpu, host): what the helper and its caller had on the stack is left */
    stubs->resume = (void (*)(void *, const void *))(uintptr_t)codebuf_rx(buf, a->p);
    as_mov(a, true, STATE, X0);
    as_mov(a, true, LINK, X1);
    em_stack_again(a);
    load_all(a);
    as_br(a, LINK);

    stubs->exit_link = codebuf_rx(buf, a->p);
    as_mov_imm(a, ADDR, BE_LINK);
    as_rrr(a, A_ORR, true, ADDR, ADDR, SCR2);
    as_b_to(a, out);
    stubs->exit_entry = codebuf_rx(buf, a->p);
    as_mov_imm(a, ADDR, BE_ENTRY);
    as_rrr(a, A_ORR, true, ADDR, ADDR, SCR2);
    as_b_to(a, out);

    prepare = a->p;
    address_stub(a, (const void *)(uintptr_t)helpers->prepare, spill_vec, load_vec);
    for (unsigned n = 0; n < 36; n++) {
        unsigned probe = n / 12, w = n / 6 & 1, s = n % 6;
        stubs->prepare[probe][w][s] = codebuf_rx(buf, a->p);
        if (w)
            em_store_beside(a, s == 5 ? 10 : BIT(s), probe);
        if (stubs->flat && probe < 2 && s < 5)
            not_aligned(a, w, BIT(s));
        as_mov_imm(a, SCR, (s == 5 ? 10u : BIT(s)) | w << 8);
        as_b_to(a, prepare);
    }

    /* What straddles two pages goes to the twin without more ado, or on when they are neighbours. */
    stubs->group = codebuf_rx(buf, a->p);
    {
        u8 *whole;
        as_logic_imm(a, A_AND, false, SCR3, SCR, BE_GROUP_SPAN, NOREG);
        as_rrr(a, A_ADD, true, SCR3, SCR3, ADDR);
        as_add_imm(a, A_SUB, true, SCR3, SCR3, 1, NOREG);
        as_pair(a, A_STP_PRE, X3, X4, SP, -16);
        as_rrr(a, A_EOR, true, X3, SCR3, ADDR);
        as_lsr(a, true, X3, X3, PAGE_BITS);
        whole = as_cbz(a, true, X3);
        if (stubs->flat)
            em_group_across(a);
        as_pair(a, A_LDP_POST, X3, X4, SP, 16);
        as_mov_imm(a, SCR, 0);
        as_ret(a);
        as_patch(a, whole);
        as_pair(a, A_LDP_POST, X3, X4, SP, 16);
    }
    em_group_beside(a);
    address_stub(a, (const void *)(uintptr_t)helpers->group, spill_vec, load_vec);

    /* The addend stays in SCR. */
    stubs->guess = codebuf_rx(buf, a->p);
    {
        u8 *often;
        as_mem(a, A_LOAD, 4, SCR3, STATE, ST(guess_left));
        as_add_imm(a, A_SUB, false, SCR3, SCR3, 1, NOREG);
        as_mem(a, A_STORE, 4, SCR3, STATE, ST(guess_left));
        often = as_tbnz(a, SCR3, 31);
        as_ret(a);
        as_patch(a, often);
    }
    caller_stub(a, (const void *)(uintptr_t)helpers->guess, spill_vec, load_vec);
    stubs->hot = codebuf_rx(buf, a->p);
    caller_stub(a, (const void *)(uintptr_t)helpers->hot, spill_vec, load_vec);

    stubs->seg = codebuf_rx(buf, a->p);
    address_stub(a, (const void *)(uintptr_t)helpers->seg, spill_vec, load_vec);

    stubs->vec_slow = codebuf_rx(buf, a->p);
    sp_add(a, -16);
    as32(a, 0x3d800000 | SP << 5 | 1); /* str q1, [sp]: an operand from memory */
    as_add_imm(a, A_ADD, true, ADDR, SP, 0, NOREG);
    helper_begin(a, spill_vec);
    call_abs(a, (const void *)(uintptr_t)helpers->vec);
    helper_end(a, load_vec);
    sp_add(a, 16);
    as_ret(a);

    stubs->x87_double = true;
    stubs->x87_wake = codebuf_rx(buf, a->p);
    address_stub(a, (const void *)(uintptr_t)jit_x87_wake, spill_vec, load_vec);
    stubs->x87_rounds = codebuf_rx(buf, a->p);
    address_stub(a, (const void *)(uintptr_t)jit_x87_rounds, spill_vec, load_vec);
    stubs->x87_spill = codebuf_rx(buf, a->p);
    address_stub(a, (const void *)(uintptr_t)be_x87_spill, spill_vec, load_vec);
    stubs->x87_wide[WIDE_DIV] = codebuf_rx(buf, a->p);
    address_stub(a, (const void *)(uintptr_t)jit_x87_div, spill_vec, load_vec);
    stubs->x87_wide[WIDE_DIVR] = codebuf_rx(buf, a->p);
    address_stub(a, (const void *)(uintptr_t)jit_x87_divr, spill_vec, load_vec);
    stubs->x87_wide[WIDE_SQRT] = codebuf_rx(buf, a->p);
    address_stub(a, (const void *)(uintptr_t)jit_x87_sqrt, spill_vec, load_vec);
    em_x87_wide_stubs(buf, a, stubs);

    stubs->bail = codebuf_rx(buf, a->p);
    helper_begin(a, spill_vec);
    as_mov(a, false, X1, X3);
    call_abs(a, (const void *)(uintptr_t)helpers->bail);

    stubs->exec = codebuf_rx(buf, a->p);
    exec_stub(a, (const void *)(uintptr_t)helpers->exec, NULL, spill_vec);
    stubs->rep = codebuf_rx(buf, a->p);
    exec_stub(a, (const void *)(uintptr_t)helpers->rep, NULL, spill_vec);
    stubs->execx = codebuf_rx(buf, a->p);
    exec_stub(a, (const void *)(uintptr_t)helpers->exec, leave, spill_vec);
    stubs->quick = codebuf_rx(buf, a->p);
    quick_stub(a, NULL, spill_vec);
    stubs->quickx = codebuf_rx(buf, a->p);
    quick_stub(a, leave, spill_vec);
    for (unsigned s = 0; s < SEG__COUNT; s++) {
        stubs->same[s] = codebuf_rx(buf, a->p);
        em_segment_stub(a, s, codebuf_rw(buf, stubs->quick));
    }
    em_string_stubs(buf, a, stubs);

    __builtin___clear_cache((char *)(uintptr_t)codebuf_rx(buf, *p),
                            (char *)(uintptr_t)codebuf_rx(buf, a->p));
    *p = a->p;
}

/* ---- x87 state: in the host's registers within blocks only ---- */
void be_x87_spill(struct cpu *cpu)
{
    if (cpu->x87_live)
        jit_x87_sleep(cpu);
}
void be_x87_load(struct cpu *cpu)
{
}

size_t be_reach(void)
{
    return 127 * MIB; /* B and BL: 26 bits of words, either way */
}

/* Two versions of a function that gives a number: emulators of ARM hosts may go on with the first. */
bool be_works(struct codebuf *buf)
{
    u64 (*number)(void) = (u64(*)(void))(uintptr_t)buf->rx;
    for (u64 n = 7; n <= 14; n += 7) {
        struct as a = {buf->rw, buf->rw + 64, false};
        codebuf_begin(buf);
        codebuf_write(buf, buf->rw, 64);
        as_mov_imm(&a, X0, n);
        as_ret(&a);
        codebuf_end(buf);
        __builtin___clear_cache((char *)(uintptr_t)buf->rx, (char *)(uintptr_t)(buf->rx + 64));
        if (number() != n)
            return false;
    }
    return true;
}

/* Debuggers are not told where the caller's frame lies. */
void be_frame(struct jit_frame *frame)
{
}
