/* Loads of the selector that a segment register has already, as kernels do at each entry: nothing
 * happens when its descriptor is still the one that was loaded (SDM vol. 2 "MOV"). */
#include "cpu/jit/x64/em.h"

static void unless(struct as *a, unsigned cc, const u8 *otherwise)
{
    u8 *rel = as_jcc(a, cc);
    if (!a->full)
        as_patch(rel, otherwise);
}

/* The selector is in SCR. What is remembered is a descriptor of level 3 in the GDT, which any level may
 * load: what remains to be seen is that its bytes are there and the same. */
void em_segment_stub(struct as *a, unsigned s, const u8 *otherwise)
{
    const s32 tlb = ST_OFF(mmu.tlb), sel = (s32)(s * sizeof(struct seg) + offsetof(struct seg, sel)),
              raw = ST_OFF(seg_raw) + 8 * (s32)s;
    as_rm(a, 0x3b, 2, SCR, MEM(STATE, ST_OFF(seg) + sel));
    unless(a, CC_NE, otherwise);
    as_alu_mi(a, 7, 8, MEM(STATE, raw), 0);
    unless(a, CC_E, otherwise);
    as_alu_ri(a, 1, 4, SCR, 7); /* the last byte of the descriptor; TI is not set */
    as_rr(a, 0x1b7, 4, SCR, SCR);
    as_rm(a, 0x1b7, 4, ADDR, ST(gdt.limit));
    as_rr(a, 0x3b, 4, SCR, ADDR);
    unless(a, CC_A, otherwise);
    as_rm(a, 0x03, 8, SCR, ST(gdt.base));
    as_alu_ri(a, 5, 8, SCR, 7);
    as_mov_rr(a, 4, ADDR, SCR);
    as_rr(a, 0xc1, 4, 5, ADDR);
    as8(a, PAGE_BITS - 5);
    as_alu_ri(a, 4, 4, ADDR, (TLB_SIZE - 1) << 5);
    as_push(a, SCR);
    as_alu_ri(a, 4, 8, SCR, (s32)~(PAGE_MASK & ~7));
    as_rm(a, 0x3b, 8, SCR, MEMX(STATE, ADDR, 0, tlb + (s32)offsetof(struct tlb_entry, rd)));
    as_pop(a, SCR);
    unless(a, CC_NE, otherwise);
    as_rm(a, 0x03, 8, SCR, MEMX(STATE, ADDR, 0, tlb + (s32)offsetof(struct tlb_entry, addend)));
    as_load(a, 8, ADDR, MEM(STATE, raw));
    as_rm(a, 0x3b, 8, ADDR, MEM(SCR, 0));
    unless(a, CC_NE, otherwise);
    as8(a, 0xc3);
}
