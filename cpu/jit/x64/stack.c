/* Guest calls and returns on the host's call stack, so that the host predicts returns. A CALL pushes
 * its return EIP and calls the callee's code; a RET whose EIP is the one on top returns, any other
 * goes by the jump table. The pairs mean nothing: what leaves translated code drops them all, so
 * none outlives a change of mode, mapping or code memory (translator.md 5.6). */
#include "cpu/jit/x64/em.h"

/* Below all pairs lies one that no CALL has made: no 32-bit EIP is equal to it, and a 64-bit one that
 * is comes to a stub. It is canonical, so that a RET to what lies on top needs no check of that. */
#define LAST_EIP 0xffffffff80000001ull

enum { BASE = 24, ROOM = 64 * 1024 };

void em_stack_last(struct as *a)
{
    as_mov_ri(a, RAX, LAST_EIP);
    as_store(a, 8, RAX, ST(rip));
}

void em_stack_begin(struct as *a, const u8 *last)
{
    as_store(a, 8, RSP, ST(host_rsp));
    as_lea(a, 8, RAX, MEM(RSP, -ROOM));
    as_store(a, 8, RAX, ST(host_limit));
    as_mov_ri(a, RAX, LAST_EIP);
    as_store(a, 8, RAX, MEM(RSP, 8 - BASE));
    as_mov_ri(a, RAX, (u64)(uintptr_t)last);
    as_store(a, 8, RAX, MEM(RSP, -BASE));
    as_alu_ri(a, 5, 8, RSP, BASE); /* 16-byte alignment inside blocks: 8 remain */
}

void em_stack_again(struct as *a)
{
    as_load(a, 8, RSP, ST(host_rsp));
    as_alu_ri(a, 5, 8, RSP, BASE);
}

bool em_stack_call(struct em *e, u8 **rel)
{
    u64 back = em_return_eip(e);
    u8 *room;
    if (e->in->off_techniques & JIT_OFF(RETURNS) || !be_linkable(e->in, back))
        return false;
    as_rm(&e->a, 0x3b, 8, RSP, ST(host_limit));
    room = as_jcc(&e->a, CC_A);
    em_stack_again(&e->a); /* too deep: start over */
    if (!e->a.full)
        as_patch(room, e->a.p);
    em_eip(e, SCR, back);
    as8(&e->a, 0x50); /* push rax */
    if (rel) {
        as8(&e->a, 0xe8);
        as32(&e->a, 0);
        *rel = e->a.p - 4;
    }
    return true;
}

bool em_stack_top(struct em *e, const struct ir_ins *i, u8 **other)
{
    const struct ir_block *b = e->in->ir;
    const struct ir_ins *last = &b->ins[b->n - 1];
    if (last->op != IR_RET || last->a != i->a || last->at != i->at ||
        e->in->off_techniques & JIT_OFF(RETURNS) || e->in->link_none)
        return false;
    as_rm(&e->a, 0x3b, 8, em_use(e, i->a, 8, ADDR), MEM(RSP, 8));
    *other = as_jcc(&e->a, CC_NE);
    return true;
}

u8 *em_stack_return(struct em *e, unsigned to)
{
    u8 *other;
    as_rm(&e->a, 0x3b, 8, to, MEM(RSP, 8));
    other = as_jcc(&e->a, CC_NE);
    as8(&e->a, 0xc3);
    return other;
}
