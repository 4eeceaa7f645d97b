/* The memory of oracle cases: descriptors, the pattern, and what a case changed. */
#include "tests/lock/oracle.h"

#include <string.h>

/* Selector 8 * i + 7. modify_ldt sets the accessed bit, DPL 3 and P. Types: 1 write/read, 2
 * down/conform, 4 code */
const struct ora_desc ora_ldt[ORA_LDT] = {
    [1] = {0, 0xfffff, 5, true, true, false},                   /* 0f: flat code */
    [2] = {0, 0xfffff, 1, true, true, false},                   /* 17: flat data */
    [3] = {ORA_CODE, 0xffff, 5, false, false, false},           /* 1f: 16-bit code */
    [4] = {ORA_DATA, 0x2fff, 1, false, false, false},           /* 27: 16-bit data, all of it */
    [5] = {ORA_DATA - 0xe000, 0xffff, 1, false, false, false},  /* 2f: data at e000 to ffff */
    [6] = {0, 0xfffff, 0, true, true, false},                   /* 37: flat, read only */
    [7] = {ORA_DATA - 0x8000, 0x87ff, 3, false, false, false},  /* 3f: 16-bit expand-down */
    [8] = {ORA_DATA - 0x10000, 0x107ff, 3, true, false, false}, /* 47: 32-bit expand-down */
    [9] = {0, 0xfffff, 1, true, true, true},                    /* 4f: absent */
    [10] = {0, 0xfffff, 4, true, true, false},                  /* 57: execute only */
    [11] = {ORA_DATA + 0x123, 0x7ff, 1, true, false, false},    /* 5f: small, odd base */
    [12] = {ORA_CODE, 0x1fff, 5, true, false, false},           /* 67: 32-bit code with a limit */
    [13] = {ORA_CODE, 0x1fff, 4, false, false, false},          /* 6f: 16-bit code, execute only */
    [14] = {ORA_CODE, 0xffff, 7, true, false, true},            /* 77: conforming, absent */
    [15] = {0, 0xffffe, 1, true, true, false},                  /* 7f: 4 GiB less a page */
    [16] = {0, 0, 3, true, true, false},                        /* 87: expand-down from 1000 */
    [17] = {ORA_DATA, 0xffff, 1, false, false, false},          /* 8f: 64 KiB from the data on */
};

u32 ora_base(unsigned sel)
{
    if ((sel & 7) != 7 || sel >> 3 >= ORA_LDT)
        return 0;
    return ora_ldt[sel >> 3].base;
}

/* Runs of equal bytes for strings, small numbers, and noise. */
u8 ora_pattern(u32 off)
{
    u32 h = (off >> 3) * 0x9e3779b1u;
    h ^= h >> 15;
    switch (off >> 8 & 3) {
    case 0: return (u8)((h * 0x85ebca6bu) >> (8 * (off & 3)));
    case 1: return (off & 63) == 63 ? 0x11 : 0x77;
    case 2: return off & 3 ? 0 : (u8)(h & 0x7f);
    default: return (u8)(((off * 0x2c1b3c6du) ^ h) >> 13);
    }
}

u64 ora_mem_hash(const u8 *p, u32 n)
{
    u64 h = n;
    for (u32 i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3ull;
    return h;
}

static bool differs(const struct ora_case *c, const u8 *ram, const u8 *pattern, u32 at)
{
    u32 patched = c->patch_at - ORA_DATA;
    if (c->npatch && at >= patched && at < patched + c->npatch)
        return ram[at] != c->patch[at - patched];
    return ram[at] != pattern[at];
}

void ora_mem_collect(const struct ora_case *c, u8 *ram, const u8 *pattern, struct ora_out *out)
{
    u32 lo = 0, hi = ORA_RW_SIZE, patched = c->patch_at - ORA_DATA;
    /* The patch is put back first where it is unchanged, so that the rest can be compared by
     * blocks. */
    bool whole = c->npatch && !memcmp(ram + patched, c->patch, c->npatch);
    out->mem_lo = out->mem_hi = 0;
    out->mem_hash = 0;
    if (whole)
        memcpy(ram + patched, pattern + patched, c->npatch);
    while (lo < hi && !memcmp(ram + lo, pattern + lo, 64))
        lo += 64;
    if (lo >= hi)
        return;
    while (hi > lo && !memcmp(ram + hi - 64, pattern + hi - 64, 64))
        hi -= 64;
    if (whole)
        memcpy(ram + patched, c->patch, c->npatch);
    while (lo < hi && !differs(c, ram, pattern, lo))
        lo++;
    while (hi > lo && !differs(c, ram, pattern, hi - 1))
        hi--;
    if (lo < hi) {
        out->mem_lo = lo;
        out->mem_hi = hi;
        out->mem_hash = ora_mem_hash(ram + lo, hi - lo);
        memcpy(out->mem, ram + lo, MIN(hi - lo, (u32)ORA_MEM));
    }
    memcpy(ram, pattern, ORA_RW_SIZE);
}
