/* Guest calls and returns by pairs on the host's stack. A CALL pushes its return EIP and the host
 * address behind its BL, a RET whose EIP is the one on top goes there by the host's RET, which the
 * host's processor predicts as the return of that BL; any other RET goes by the jump table. The
 * pairs mean nothing: what leaves translated code drops them all, so none outlives a change of mode,
 * mapping or code memory (translator.md 5.6). */
#include "cpu/jit/a64/em.h"

/* Below all pairs lies one that no CALL has made: no 32-bit EIP is equal to it, and a 64-bit one that
 * is comes to a stub. */
#define LAST_EIP 0xffffffff80000001ull

/* Pairs lie where this bit of the address is set, so that one test says whether there is room. */
enum { ROOM_BIT = 15 };

void em_stack_last(struct as *a)
{
    as_mov_imm(a, ADDR, LAST_EIP);
    em_state(a, A_STORE, 8, ADDR, ST(rip));
}

/* SP to the lowest pair; host_rsp is in SCR2. */
static void lowest(struct as *a)
{
    as_logic_imm(a, A_AND, true, SCR2, SCR2, ~(u64)0 << (ROOM_BIT + 1), NOREG);
    as_add_imm(a, A_SUB, true, SP, SCR2, 16, NOREG);
}

void em_stack_begin(struct as *a, const u8 *last)
{
    as_add_imm(a, A_ADD, true, SCR2, SP, 0, NOREG);
    em_state(a, A_STORE, 8, SCR2, ST(host_rsp));
    lowest(a);
    as_mov_imm(a, SCR, LAST_EIP);
    as_mov_imm(a, SCR2, (u64)(uintptr_t)last);
    as_pair(a, A_STP, SCR, SCR2, SP, 0);
}

void em_stack_again(struct as *a)
{
    em_state(a, A_LOAD, 8, SCR2, ST(host_rsp));
    lowest(a);
}

bool em_stack_call(struct em *e, u8 **here)
{
    u64 back = em_return_eip(e);
    u8 *room;
    if (e->in->off_techniques & JIT_OFF(RETURNS) || !be_linkable(e->in, back))
        return false;
    as_add_imm(&e->a, A_ADD, true, SCR, SP, 0, NOREG);
    room = as_tbnz(&e->a, SCR, ROOM_BIT);
    em_stack_again(&e->a); /* too deep: start over */
    as_patch(&e->a, room);
    em_eip(e, SCR3, back);
    *here = as_adr(&e->a, SCR2);
    as_pair(&e->a, A_STP_PRE, SCR3, SCR2, SP, -16);
    return true;
}

u8 *em_stack_return(struct em *e, unsigned to)
{
    u8 *other;
    as_pair(&e->a, A_LDP, SCR, LINK, SP, 0);
    as_rrr(&e->a, A_SUB, true, SCR, SCR, to);
    other = as_cbnz(&e->a, true, SCR);
    as_add_imm(&e->a, A_ADD, true, SP, SP, 16, NOREG);
    as_ret(&e->a);
    return other;
}
