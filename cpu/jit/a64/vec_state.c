/* What a host's vector unit has, and the way of the guest's XMM registers and MXCSR into it and
 * back (SDM vol. 1 section 10.2.3; Arm ARM D24.2 "FPCR", "FPSR"). */
#include "cpu/jit/a64/host.h"
#include "cpu/jit/a64/vec.h"

enum {
    FPCR_FIZ = 1 << 0,
    FPCR_AH = 1 << 1,
    FPCR_NEP = 1 << 2,
    FPCR_RMODE = 22, /* two bits: nearest, up, down, to zero */
    FPCR_FZ = 24,
    MXCSR_DAZ_BIT = 6,
    MXCSR_ROUND = 13, /* nearest, down, up, to zero */
    MXCSR_FTZ_BIT = 15,
};

/* The bits that only FEAT_AFP defines stay 0 without it, whatever the system tells of features. */
static bool has_afp(void)
{
    u64 was, now, want = FPCR_AH | FPCR_NEP;
    __asm__ volatile("mrs %0, fpcr" : "=r"(was));
    __asm__ volatile("msr fpcr, %1\n\tmrs %0, fpcr\n\tmsr fpcr, %2"
                     : "=&r"(now)
                     : "r"(was | want), "r"(was));
    return (now & want) == want;
}

bool em_vec_has(unsigned host)
{
    if (host == HOST_AFP)
        return has_afp();
    if (host == HOST_AVX) /* em_avx_ops says when */
        return false;
    switch (host) {
    case HOST_ANY: return true;
    case HOST_FLAGM2: return a64_host_has(A64_FLAGM2);
    case HOST_AES: return a64_host_has(A64_AES);
    default: return a64_host_has(A64_PMULL);
    }
}


/* Registers in pairs. Spoils SCR. */
static void all_xmm(struct as *a, bool load, unsigned from, unsigned to)
{
    as_add_imm(a, A_ADD, true, SCR, STATE, ST(xmm), SCR2);
    for (unsigned r = from; r < to; r += 2)
        as32(a, (load ? 0xad400000u : 0xad000000u) | r << 15 | (V_XMM + r + 1) << 10 | SCR << 5 |
                    (V_XMM + r));
}

/* With AFP the unit computes as x86's does; else what may differ never gets to be a result, and
 * inputs flushed to zero keep from FPSR what they would not raise there. */
static void mode_in(struct as *a, bool afp)
{
    em_state(a, A_LOAD, 4, SCR, ST(mxcsr));
    as_ubfx(a, false, SCR2, SCR, MXCSR_ROUND + 1, 1);
    as_ubfx(a, false, SCR3, SCR, MXCSR_ROUND, 1);
    as_rrrs(a, A_ORR, false, SCR2, SCR2, SCR3, LSL, 1);
    if (afp) {
        as_ubfx(a, false, SCR3, SCR, MXCSR_FTZ_BIT, 1);
        as_bfi(a, false, SCR2, SCR3, FPCR_FZ - FPCR_RMODE, 1);
    }
    as_ubfx(a, false, SCR, SCR, MXCSR_DAZ_BIT, 1);
    if (!afp)
        as_bfi(a, false, SCR2, SCR, FPCR_FZ - FPCR_RMODE, 1);
    as_lsl(a, false, SCR2, SCR2, FPCR_RMODE);
    if (afp) {
        as_rrr(a, A_ORR, false, SCR2, SCR2, SCR);
        as_logic_imm(a, A_ORR, false, SCR2, SCR2, FPCR_AH | FPCR_NEP, NOREG);
    }
    as32(a, MSR_FPCR | SCR2);
    as32(a, MSR_FPSR | XZR);
}

/* Exception flags: FPSR has invalid, division, overflow, underflow, inexact from bit 0 on, denormal
 * operand in bit 7; MXCSR has the latter between the first two. */
static void mode_out(struct as *a, bool afp)
{
    as32(a, MRS_FPSR | SCR);
    as32(a, MSR_FPCR | XZR);
    as_ubfx(a, false, SCR2, SCR, 1, 4);
    if (!afp) /* underflow is exec's */
        as_logic_imm(a, A_AND, false, SCR2, SCR2, 0xf & ~4u, SCR3);
    as_ubfx(a, false, SCR3, SCR, 7, 1);
    as_ubfx(a, false, SCR, SCR, 0, 1);
    as_rrrs(a, A_ORR, false, SCR, SCR, SCR2, LSL, 2);
    if (afp)
        as_rrrs(a, A_ORR, false, SCR, SCR, SCR3, LSL, 1);
    em_state(a, A_LOAD, 4, SCR2, ST(mxcsr));
    as_rrr(a, A_ORR, false, SCR, SCR, SCR2);
    em_state(a, A_STORE, 4, SCR, ST(mxcsr));
}

static void set_live(struct as *a, unsigned n)
{
    as_mov_imm(a, SCR, n);
    em_state(a, A_STORE, 1, SCR, ST(vec_live));
}

void em_vector_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs)
{
    bool afp = em_vec_has(HOST_AFP);
    u8 *eight;
    stubs->vec_load[2] = NULL;
    for (unsigned all = 0; all < 2; all++) {
        stubs->vec_load[all] = codebuf_rx(buf, a->p);
        mode_in(a, afp);
        all_xmm(a, true, 0, all ? 16 : 8);
        set_live(a, 1 + all);
        as_ret(a);
    }
    stubs->vec_spill = codebuf_rx(buf, a->p);
    mode_out(a, afp);
    all_xmm(a, false, 0, 8);
    as_mem(a, A_LOAD, 1, SCR2, STATE, ST(vec_live));
    eight = as_tbz(a, SCR2, 1);
    all_xmm(a, false, 8, 16);
    as_patch(a, eight);
    em_state(a, A_STORE, 1, XZR, ST(vec_live));
    as_ret(a);
}

void em_vector_out(struct as *a, const u8 *spill)
{
    u8 *none;
    as_mem(a, A_LOAD, 1, SCR, STATE, ST(vec_live));
    none = as_cbz(a, false, SCR);
    as_bl_to(a, spill);
    as_patch(a, none);
}

void em_vector_back(struct as *a, unsigned live, const u8 *const load[2])
{
    u8 *none = as_cbz(a, false, live), *eight = as_tbz(a, live, 1), *done;
    as_bl_to(a, load[1]);
    done = as_b(a);
    as_patch(a, eight);
    as_bl_to(a, load[0]);
    as_patch(a, done);
    as_patch(a, none);
}

/* Bring the registers into the host's unless they are there. */
void em_vector_enter(struct em *e)
{
    u8 *there;
    em_state(&e->a, A_LOAD, 1, SCR, ST(vec_live));
    there = as_cbnz(&e->a, false, SCR);
    em_call_stub(e, e->stubs->vec_load[e->in->ir->long_mode]);
    as_patch(&e->a, there);
}
