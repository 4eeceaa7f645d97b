/* Groups of accesses that share one probe. */
#ifndef CPU_JIT_X64_GROUP_H
#define CPU_JIT_X64_GROUP_H

#include "cpu/jit/x64/em.h"

/* Longer groups cross pages more often. */
enum { EM_REACH = 512 };

/* Find the block's groups (e->group, e->groups) and the steps of registers that can be merged
 * (e->skip, e->extra), before anything is emitted. */
void em_plan_groups(struct em *e);
/* Is operation n an access whose check an earlier one has made? May operation n fault? */
static inline bool em_follows(const struct em *e, u32 n)
{
    return e->follows[n];
}
static inline bool em_may_fault(const struct em *e, u32 n)
{
    return ir_op_info[e->in->ir->ins[n].op].attrs & IRA_FAULT && !em_follows(e, n);
}
/* IR_ACCESS_* of an access. */
static inline unsigned em_vector_access(const struct ir_ins *i)
{
    return i->op >= IR_VECL && i->op <= IR_VECS ? i->b : IR_ACCESS_ANY;
}
/* The place in the group of its first access, i. Where the base lies little below the group and needs no
 * sum it becomes the group's first byte. */
s32 em_group_from_base(struct em *e, const struct ir_ins *i, struct group *g);
/* The operand of access i, operation e->now: probed, or off its group's register. */
struct mem em_access(struct em *e, const struct ir_ins *i, bool write);

#endif
