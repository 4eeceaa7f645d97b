/* Loads of the selector that a segment register has already, as kernels do at each entry: nothing
 * happens when its descriptor is still the one that was loaded (SDM vol. 2 "MOV"). */
#include "cpu/jit/a64/em.h"

/* The selector is in SCR. What is remembered is a descriptor of level 3 in the GDT, which any level may
 * load: what remains to be seen is that its bytes are there and the same. Flags are handed on and the
 * code is no 64-bit one: KEPT is free. */
void em_segment_stub(struct as *a, unsigned s, const u8 *otherwise)
{
    u8 *other[5];
    as_logic_imm(a, A_AND, false, SCR, SCR, 0xffff, NOREG);
    em_state(a, A_LOAD, 2, ADDR, ST(seg) + (s64)(s * sizeof(struct seg) + offsetof(struct seg, sel)));
    as_rrr(a, A_SUB, false, ADDR, ADDR, SCR);
    other[0] = as_cbnz(a, false, ADDR);
    em_state(a, A_LOAD, 8, KEPT, ST(seg_raw) + 8 * (s64)s);
    other[1] = as_cbz(a, true, KEPT);
    as_logic_imm(a, A_ORR, false, SCR, SCR, 7, NOREG); /* the descriptor's last byte; TI is not set */
    em_state(a, A_LOAD, 2, ADDR, ST(gdt.limit));
    as_rrr(a, A_SUB, true, ADDR, ADDR, SCR);
    other[2] = as_tbnz(a, ADDR, 63);
    em_state(a, A_LOAD, 8, ADDR, ST(gdt.base));
    as_rrr(a, A_ADD, true, SCR, SCR, ADDR);
    as_add_imm(a, A_SUB, true, SCR, SCR, 7, NOREG);
    /* Its page in the TLB, its place there a multiple of 8: what is left of the address is the tag. */
    as_mov_imm(a, SCR3, (u64)ST(mmu.tlb));
    as_rrr(a, A_ADD, true, SCR3, SCR3, STATE);
    as_ubfx(a, true, ADDR, SCR, PAGE_BITS, TLB_BITS);
    as_rrrs(a, A_ADD, true, SCR3, SCR3, ADDR, LSL, 5);
    as_mem(a, A_LOAD, 8, KEPT, SCR3, offsetof(struct tlb_entry, rd));
    as_logic_imm(a, A_AND, true, ADDR, SCR, ~(u64)(PAGE_MASK & ~7), NOREG);
    as_rrr(a, A_SUB, true, ADDR, ADDR, KEPT);
    other[3] = as_cbnz(a, true, ADDR);
    as_mem(a, A_LOAD, 8, SCR3, SCR3, offsetof(struct tlb_entry, addend));
    as_mem_reg(a, A_LOAD, 8, KEPT, SCR3, SCR, false, false);
    em_state(a, A_LOAD, 8, ADDR, ST(seg_raw) + 8 * (s64)s);
    as_rrr(a, A_SUB, true, ADDR, ADDR, KEPT);
    other[4] = as_cbnz(a, true, ADDR);
    as_ret(a);
    for (unsigned n = 0; n < 5; n++)
        as_patch(a, other[n]);
    as_b_to(a, otherwise);
}
