/* Programs that run round and round and change immediates, displacements and whatever else is at
 * the end of their own instructions: what translators do about code that is patched all the
 * time. */
#include "tests/lock/gen.h"

/* A change of `size` bytes at the end of instruction k, or a bit before: INC, ADD, XOR or MOV. */
static void patch_end(struct lock_prog *p, u64 *s, u32 k)
{
    static const u8 reg_field[] = {0, 0, 6, 0};
    unsigned log2 = lock_below(s, 3), size = 1u << log2, what = lock_below(s, 4);
    unsigned len = p->insns[k].len,
             before = lock_chance(s, 75) ? size : 1 + lock_below(s, 6);
    struct lock_insn *i = lock_next(p);
    i->target = (u8)k;
    i->add = (s8)((s32)len - (s32)before);
    if (p->kind >= LOCK_REAL)
        lock_put(i, 0x64, 1);
    if ((p->bits == 16) == (size == 4) && size > 1)
        lock_put(i, 0x66, 1);
    switch (what) {
    case 0: lock_put(i, size == 1 ? 0xfe : 0xff, 1); break;
    case 3: lock_put(i, size == 1 ? 0x88 : 0x89, 1); break;
    default: lock_put(i, size == 1 ? 0x80 : 0x83, 1); break;
    }
    lock_put(i,
             (p->bits == 16 ? 6u : 5u) | (what == 3 ? lock_below(s, 8) : reg_field[what]) << 3, 1);
    i->fix_at = i->len;
    i->fix = p->bits == 16 ? FIX_OFF16 : p->bits == 64 ? FIX_RIP32 : FIX_LIN32;
    lock_put(i, 0, p->bits == 16 ? 2 : 4);
    if (what == 1 || what == 2)
        lock_put(i, 1 + lock_below(s, 9), 1);
}

void lock_gen_patching(struct lock_prog *p, u64 *s)
{
    enum { MOST = 14, PATCHES = 4 };
    u32 want = 3 + lock_below(s, MOST), patches = 1 + lock_below(s, PATCHES);
    bool simple = p->simple;
    struct lock_insn *i;
    p->simple = simple || lock_chance(s, 80);
    while (p->n < want)
        lock_gen_insn(p, s);
    for (u32 n = 0; n < patches && lock_room(p, 4); n++) {
        patch_end(p, s, lock_below(s, p->n));
        if (lock_chance(s, 40))
            lock_gen_insn(p, s);
    }
    p->simple = simple;
    if (lock_room(p, 1)) { /* once more */
        i = lock_next(p);
        i->target = (u8)lock_below(s, 2);
        lock_put(i, 0xe9, 1);
        i->fix_at = i->len;
        i->fix = p->bits == 16 ? FIX_REL16 : FIX_REL32;
        lock_put(i, 0, p->bits == 16 ? 2 : 4);
    }
    p->budget = 300 + lock_below(s, 1200);
}
