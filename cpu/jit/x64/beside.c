/* Stores beside code, without C: the TLB lets no plain store through to a page with translated code,
 * but most of them are to lines that have none, or to a stretch between blocks that was found before
 * (mmu/ram.h). */
#include "cpu/jit/x64/em.h"

static void shift(struct as *a, unsigned n, unsigned r, unsigned count)
{
    as_rr(a, 0xc1, 4, n, r);
    as8(a, (u8)count);
}

/* RCX, RDX and SCR2 are saved on the stack. */
static void back(struct as *a)
{
    as_pop(a, SCR2);
    as_pop(a, RDX);
    as_pop(a, RCX);
}

/* The line of the byte at ADDR + at: the host's CF from its bit in RCX. */
static void line_bit(struct as *a, unsigned at)
{
    if (at)
        as_lea(a, 4, SCR2, MEM(ADDR, at));
    else
        as_mov_rr(a, 4, SCR2, ADDR);
    shift(a, 5, SCR2, 6);
    as_rr(a, 0x1a3, 8, SCR2, RCX); /* BT takes the number modulo 64 */
}

void em_store_beside(struct as *a, unsigned size)
{
    enum { CODE = TLB_CODE };
    const s32 tlb = ST_OFF(mmu.tlb);
    u8 *slow[5], *hit[2], *plain;
    unsigned nslow = 0;
    as_push(a, RCX);
    as_push(a, RDX);
    as_push(a, SCR2);

    /* SCR = offset of the entry from the table of mode 0; does its tag say TLB_CODE and nothing
     * else? */
    as_rm(a, 0x1b6, 4, SCR, ST(mmu_mode));
    as_rr(a, 0x69, 4, SCR, SCR);
    as32(a, sizeof(struct tlb));
    as_mov_rr(a, 4, RCX, ADDR);
    shift(a, 5, RCX, PAGE_BITS - 5);
    as_alu_ri(a, 4, 4, RCX, (TLB_SIZE - 1) << 5);
    as_rr(a, 0x01, 8, RCX, SCR);
    as_lea(a, 8, RDX, MEM(ADDR, size - 1));
    as_alu_ri(a, 4, 8, RDX, (s32)~PAGE_MASK);
    as_alu_ri(a, 1, 8, RDX, CODE);
    as_rm(a, 0x3b, 8, RDX, MEMX(STATE, SCR, 0, tlb + (s32)offsetof(struct tlb_entry, wr)));
    slow[nslow++] = as_jcc(a, CC_NE);

    /* EDX = the page, RCX = its lines. A cold entry is a quarter larger than an entry. */
    _Static_assert(sizeof(struct tlb_cold) == 40 && sizeof(struct tlb_entry) == 32, "sizes");
    shift(a, 5, RCX, 2);
    as_rr(a, 0x01, 8, SCR, RCX);
    as_load(a, 4, RDX,
            MEMX(STATE, RCX, 0,
                 tlb + (s32)(offsetof(struct tlb, cold) + offsetof(struct tlb_cold, page))));
    as_load(a, 8, RCX, ST(mmu.space));
    as_load(a, 8, RCX, MEM(RCX, offsetof(struct ram_space, code_lines)));
    as_load(a, 8, RCX, MEMX(RCX, RDX, 3, 0));
    line_bit(a, 0);
    hit[0] = as_jcc(a, CC_B);
    if (size > 1) {
        line_bit(a, size - 1);
        hit[1] = as_jcc(a, CC_B);
    }

    plain = a->p;
    as_load(a, 8, SCR, MEMX(STATE, SCR, 0, tlb + (s32)offsetof(struct tlb_entry, addend)));
    back(a);
    as8(a, 0xc3);

    /* A line with code: is it a gap that is known? RCX = where that would be. */
    _Static_assert(sizeof(struct ram_gap) == 16 && !(RAM_GAPS & (RAM_GAPS - 1)), "gaps");
    as_patch(hit[0], a->p);
    if (size > 1)
        as_patch(hit[1], a->p);
    as_mov_rr(a, 4, SCR2, ADDR);
    as_alu_ri(a, 4, 4, SCR2, PAGE_MASK);
    as_mov_rr(a, 4, RCX, SCR2);
    shift(a, 5, RCX, 6);
    as_rr(a, 0x33, 4, RCX, RDX);
    as_alu_ri(a, 4, 4, RCX, RAM_GAPS - 1);
    shift(a, 4, RCX, 4);
    as_rm(a, 0x03, 8, RCX, ST(mmu.space));
    as_alu_ri(a, 0, 8, RCX, (s32)offsetof(struct ram_space, gap));
    as_rm(a, 0x3b, 4, RDX, MEM(RCX, offsetof(struct ram_gap, page)));
    slow[nslow++] = as_jcc(a, CC_NE);
    as_rm(a, 0x3b, 4, SCR2, MEM(RCX, offsetof(struct ram_gap, lo)));
    slow[nslow++] = as_jcc(a, CC_B);
    as_alu_ri(a, 0, 4, SCR2, (s32)size);
    as_rm(a, 0x3b, 4, SCR2, MEM(RCX, offsetof(struct ram_gap, hi)));
    slow[nslow++] = as_jcc(a, CC_A);
    as_jmp_to(a, plain);

    for (unsigned i = 0; i < nslow; i++)
        as_patch(slow[i], a->p);
    back(a);
}
