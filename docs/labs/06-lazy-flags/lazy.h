/* What lab 6 asks for: arithmetic flags that are worked out when somebody looks (SDM vol. 1 section
 * 3.4.3.1). Flags are F_* of cpu/isa/isa.h, conditions CC_*. */
#ifndef DOCS_LABS_06_LAZY_FLAGS_LAZY_H
#define DOCS_LABS_06_LAZY_FLAGS_LAZY_H

#include "cpu/isa/isa.h"
#include "devices/core/types.h"

/* What was done last. */
enum lazy_kind { LAZY_KNOWN, LAZY_ADD, LAZY_SUB, LAZY_LOGIC, LAZY_INC, LAZY_DEC };

struct lazy {
    u8 kind, size;  /* enum lazy_kind; operands of 1, 2 or 4 bytes */
    u32 a, b, r;    /* operands and result, cut to the size */
    u32 known;      /* LAZY_KNOWN: the flags; INC and DEC: F_C as it was before */
};

/* All flags are known to be these. */
static inline void lazy_set_known(struct lazy *l, u32 flags)
{
    l->kind = LAZY_KNOWN;
    l->known = flags;
}

/* An instruction was executed: r = a OP b (INC and DEC: b is 1; LOGIC: AND, OR, XOR or TEST).
 * Store, do not compute: this runs for every instruction. */
void lazy_set(struct lazy *l, enum lazy_kind kind, unsigned size, u32 a, u32 b, u32 r);
/* All six flags. */
u32 lazy_flags(const struct lazy *l);
/* Does condition cc hold? Equal, below, less and so on behind SUB need no flags at all. */
bool lazy_condition(const struct lazy *l, unsigned cc);

#endif
