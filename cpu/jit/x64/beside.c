/* Stores beside code, without C: the TLB lets no plain store through to a page with translated
 * code, but most of them are to stretches without any, which are remembered (struct tlb_beside). */
#include "cpu/jit/x64/em.h"

/* The entry for the line at `la`, as an offset from that of line 0 of mode `m`, in SCR; returns
 * what is to be added. Probe 2 knows no mode. */
static s32 entry_of(struct as *a, unsigned la, unsigned probe)
{
    enum { SHIFT = 5 };
    const s32 table = ST_OFF(mmu.beside);
    _Static_assert(sizeof(struct tlb_beside) == 1 << SHIFT, "entries");
    as_mov_rr(a, 4, SCR, la);
    as_rr(a, 0xc1, 4, 5, SCR);
    as8(a, 6 - SHIFT);
    as_alu_ri(a, 4, 4, SCR, (TLB_BESIDES - 1) << SHIFT);
    return table + (probe == MMU_USER ? (s32)(TLB_BESIDES * sizeof(struct tlb_beside)) : 0);
}

/* The other mode's table, when the CPU is in that. */
static void add_mode(struct as *a, unsigned scratch)
{
    enum { TABLE_BITS = 10 };
    _Static_assert(TLB_BESIDES * sizeof(struct tlb_beside) == 1 << TABLE_BITS, "tables");
    as_rm(a, 0x1b6, 4, scratch, ST(mmu_mode));
    as_rr(a, 0xc1, 4, 4, scratch);
    as8(a, TABLE_BITS);
    as_rr(a, 0x01, 4, scratch, SCR);
}

#define AT(member) MEMX(STATE, SCR, 0, table + (s32)offsetof(struct tlb_beside, member))

void em_store_beside(struct as *a, unsigned size, unsigned probe)
{
    u8 *slow, *undo[2];
    unsigned n = 0;
    s32 table = entry_of(a, ADDR, probe);
    if (probe == 2) {
        as_push(a, SCR2);
        add_mode(a, SCR2);
        as_pop(a, SCR2);
    }
    as_rm(a, 0x3b, 8, ADDR, AT(below));
    slow = as_jcc(a, CC_BE);
    as_alu_ri(a, 0, 8, ADDR, (s32)size - 1);
    if (probe == 2 && size > 1) /* around the end of the address space */
        undo[n++] = as_jcc(a, CC_B);
    as_rm(a, 0x3b, 8, ADDR, AT(last));
    undo[n++] = as_jcc(a, CC_A);
    as_alu_ri(a, 5, 8, ADDR, (s32)size - 1);
    as_load(a, 8, SCR, AT(addend));
    as8(a, 0xc3);
    while (n)
        as_patch(undo[--n], a->p);
    as_alu_ri(a, 5, 8, ADDR, (s32)size - 1);
    as_patch(slow, a->p);
}

void em_group_beside(struct as *a)
{
    u8 *slow[3];
    s32 table;
    as_push(a, SCR);
    as_push(a, SCR2);
    as_mov_rr(a, 4, SCR2, SCR);
    as_alu_ri(a, 4, 4, SCR2, BE_GROUP_SPAN);
    table = entry_of(a, ADDR, 2);
    as_push(a, SCR2);
    add_mode(a, SCR2);
    as_pop(a, SCR2);
    as_rm(a, 0x3b, 8, ADDR, AT(below));
    slow[0] = as_jcc(a, CC_BE);
    as_rr(a, 0x03, 8, SCR2, ADDR);
    slow[1] = as_jcc(a, CC_B);
    as_alu_ri(a, 5, 8, SCR2, 1);
    as_rm(a, 0x3b, 8, SCR2, AT(last));
    slow[2] = as_jcc(a, CC_A);
    as_load(a, 8, SCR, AT(addend));
    as_rr(a, 0x03, 8, SCR, ADDR);
    as_lea(a, 8, RSP, MEM(RSP, 16));
    as8(a, 0xc3);
    for (unsigned i = 0; i < ARRAY_LEN(slow); i++)
        as_patch(slow[i], a->p);
    as_pop(a, SCR2);
    as_pop(a, SCR);
}

void em_string_beside(struct as *a, unsigned la, unsigned count, unsigned shift, bool user,
                      unsigned to, u8 *slow[3])
{
    s32 table = entry_of(a, la, user ? MMU_USER : MMU_SUP);
    as_rm(a, 0x3b, 8, la, AT(below));
    slow[0] = as_jcc(a, CC_BE);
    as_lea(a, 8, SCR2, MEMX(la, count, (u8)shift, -1));
    as_rr(a, 0x3b, 8, SCR2, la); /* around the end of the address space? */
    slow[1] = as_jcc(a, CC_B);
    as_rm(a, 0x3b, 8, SCR2, AT(last));
    slow[2] = as_jcc(a, CC_A);
    as_load(a, 8, to, AT(addend));
}
