/* What a back end wants to know of a block's accesses before it emits anything: which of them share a
 * probe, and which steps of registers nobody sees. No host plays a part in it. */
#ifndef CPU_JIT_PLAN_H
#define CPU_JIT_PLAN_H

#include "cpu/ir/shape.h"
#include "cpu/jit/technique.h"

/* A group of accesses: `first` checks that all bytes from `lo`, `span` of them, lie on one page. */
enum { PLAN_GROUPS = 32 };
struct group {
    u8 reg; /* the host address of its lowest byte; the back end says which */
    bool write;
    u8 slot; /* x86-64: of which this slot of struct cpu has it when `reg` is SCR */
    u16 members;
    u16 first, span; /* the operation that checks; bytes from the lowest to behind the highest */
    u16 last;
    s32 lo; /* offset of the lowest byte */
};

/* In: the block, its instructions, which vector accesses may join (NULL: none), and room for what is
 * found, by operation. */
struct plan {
    const struct ir_block *ir;
    const struct insn *insns;
    bool (*joins)(const struct insn *insn);
    u32 reach;     /* most bytes that a group spans */
    u8 *group;     /* 1 + index of the group that it belongs to; 0: none */
    bool *follows; /* an access whose check the group's first one has made */
    s32 *offset;   /* its place as the groups count */
    bool *skip;    /* a step of a register that a later one makes, too */
    s32 *extra;    /* what that one makes beside its own */
    struct group *groups; /* PLAN_GROUPS */
    u32 ngroups;
    bool joined; /* some group has two members */
    u32 steps;   /* operations that are steps */
};

/* Find groups, unless they are not `wanted`: nothing is found then. */
void plan_groups(struct plan *p, bool wanted);
/* Give the groups whose `reg` is `none` one of the n host registers, as long as there are such; the
 * members of those that find none are on their own. Returns the mask of registers in use. */
u32 plan_registers(struct plan *p, const u8 *regs, u32 n, u8 none);
/* Find steps that can be one, once the groups are settled. */
void plan_steps(struct plan *p);

/* Where a block whose entry wants no flags looks at exit_request: the first operation that may fault,
 * where state is precise, unless an exit comes before; 0: at the entry. */
u32 plan_poll(const struct ir_block *b, const bool *follows);

/* A place for a temporary: one of the host registers of the mask or, when all are taken, of the slots;
 * 0: there is none. And back. */
enum { PLAN_SLOT = 0x80 };
u8 plan_temp(u32 *regs, u32 *slots);
void plan_temp_back(u8 place, u32 *regs, u32 *slots);

/* Does the block jump to its own beginning? */
bool plan_is_loop(const struct ir_block *b);

/* Does it write? */
static inline bool plan_is_write(const struct ir_ins *i)
{
    return i->op == IR_ST || i->op == IR_STI || i->op == IR_LDW || i->op == IR_VECS;
}

#endif
