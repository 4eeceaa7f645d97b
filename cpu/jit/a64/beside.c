/* Stores beside code, without C: the TLB lets no plain store through to a page with translated
 * code, but most of them are to stretches without any, which are remembered (struct tlb_beside). */
#include "cpu/jit/a64/em.h"

_Static_assert(sizeof(struct tlb_beside) == BIT(5) && TLB_BESIDES == BIT(5), "shifts give the entry");

u8 *em_beside(struct as *a, unsigned la, unsigned last, unsigned mode, unsigned t, unsigned t2)
{
    u8 *other;
    as_mov_imm(a, t,
               (u64)(ST(mmu.beside) + (mode == MMU_USER ? (s64)sizeof(struct tlb_beside[TLB_BESIDES]) : 0)));
    as_rrr(a, A_ADD, true, t, STATE, t);
    if (mode == MMU__MODES) {
        as_mem(a, A_LOAD, 1, SCR, STATE, ST(mmu_mode));
        as_rrrs(a, A_ADD, true, t, t, SCR, LSL, 10);
    }
    as_ubfx(a, true, SCR, la, 6, 5);
    as_rrrs(a, A_ADD, true, t, t, SCR, LSL, 5);
    /* la > below, last >= la, last <= .last: addresses have 64 bits, so NZCV is lent for it */
    as_get_nzcv(a, t2);
    as_mem(a, A_LOAD, 8, SCR, t, offsetof(struct tlb_beside, below));
    as_rrr(a, A_SUBS, true, XZR, la, SCR);
    as_mem(a, A_LOAD, 8, SCR, t, offsetof(struct tlb_beside, last));
    as_ccmp(a, last, la, 0, A_HI);
    as_ccmp(a, last, SCR, AS_C, A_CS);
    as_cset(a, SCR, A_HI);
    as_set_nzcv(a, t2);
    other = as_cbnz(a, false, SCR);
    as_mem(a, A_LOAD, 8, SCR, t, offsetof(struct tlb_beside, addend));
    return other;
}

void em_store_beside(struct as *a, unsigned size, unsigned probe)
{
    u8 *other;
    as_pair(a, A_STP_PRE, X3, X4, SP, -16);
    as_add_imm(a, A_ADD, true, X3, ADDR, size - 1, NOREG);
    other = em_beside(a, ADDR, X3, probe, SCR3, X4);
    as_pair(a, A_LDP_POST, X3, X4, SP, 16);
    as_ret(a);
    as_patch(a, other);
    as_pair(a, A_LDP_POST, X3, X4, SP, 16);
}

void em_group_beside(struct as *a)
{
    u8 *other;
    as_pair(a, A_STP_PRE, X3, X4, SP, -32);
    as_mem(a, A_STORE, 8, SCR, SP, 16);
    as_logic_imm(a, A_AND, false, X3, SCR, BE_GROUP_SPAN, NOREG);
    as_rrr(a, A_ADD, true, X3, X3, ADDR);
    as_add_imm(a, A_SUB, true, X3, X3, 1, NOREG);
    other = em_beside(a, ADDR, X3, MMU__MODES, SCR3, X4);
    as_rrr(a, A_ADD, true, SCR, SCR, ADDR);
    as_pair(a, A_LDP_POST, X3, X4, SP, 32);
    as_ret(a);
    as_patch(a, other);
    as_mem(a, A_LOAD, 8, SCR, SP, 16);
    as_pair(a, A_LDP_POST, X3, X4, SP, 32);
}
