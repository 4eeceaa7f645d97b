/* AArch64 code for leaving a block: linkable branches, the in-code table for indirect ones, and back to
 * the run loop. */
#include "cpu/jit/a64/em.h"

void em_tally(struct em *e, unsigned which, s32 n)
{
    if (!e->in->tally)
        return;
    em_state(&e->a, A_LOAD, 8, SCR, ST(tally) + 8 * (s64)which);
    as_add_imm(&e->a, A_ADD, true, SCR, SCR, n, NOREG);
    em_state(&e->a, A_STORE, 8, SCR, ST(tally) + 8 * (s64)which);
}

void em_charge(struct em *e, s32 n)
{
    em_state(&e->a, A_LOAD, 4, SCR, ST(budget));
    as_add_imm(&e->a, A_ADD, false, SCR, SCR, n, NOREG);
    em_state(&e->a, A_STORE, 4, SCR, ST(budget));
}

void em_commit(struct em *e)
{
    em_flags_commit(e);
}

unsigned em_eip_register(void)
{
    return ADDR;
}

/* A branch that goes to the next instruction until it is linked. */
u8 *em_jump_next(struct em *e)
{
    u8 *at = as_b(&e->a);
    as_patch(&e->a, at);
    return at;
}

/* Behind a paired call: on at the return address, which is on the same page. */
static void land(struct em *e, u8 *here)
{
    struct be_exit *x = em_new_exit(e, em_return_eip(e));
    if (!x)
        return;
    as_adr_here(&e->a, here);
    x->polled = true; /* a return goes to a lower address, unseen */
    em_tally(e, TALLY_PAIRED, 1);
    x->rel = em_jump_next(e);
    em_unlinked(e, x);
}

static void leave(struct em *e, unsigned to)
{
    em_state(&e->a, A_STORE, 8, to, ST(rip));
    em_jmp_stub(e, e->stubs->leave);
}

/* `to` is zero-extended and not SCR, SCR2 or SCR3. */
void em_probe_table(struct em *e, unsigned to, bool constant, u64 rip, bool call)
{
    u8 *miss, *here;
    if (e->in->link_none) {
        leave(e, to);
        return;
    }
    call = call && em_stack_call(e, &here);
    if (constant) {
        em_table_place(e, SCR3, true, rip);
        as_rrr(&e->a, A_ADD, true, SCR3, STATE, SCR3);
    } else {
        _Static_assert(JC_BITS == 16 && sizeof(struct jc_entry) == 16, "the index is 16 bits from the second on");
        em_table_place(e, SCR3, false, 0);
        as_rrr(&e->a, A_ADD, true, SCR3, STATE, SCR3);
        as_rrrs(&e->a, A_EOR, false, SCR, to, to, LSR, 4);
        as_ubfx(&e->a, false, SCR, SCR, 1, 16);
        as_rrrs(&e->a, A_ADD, true, SCR3, SCR3, SCR, LSL, 4);
    }
    as_mem(&e->a, A_LOAD, 8, SCR2, STATE, ST(jc_tag));
    as_mem(&e->a, A_LOAD, 8, SCR, SCR3, offsetof(struct jc_entry, tag));
    as_rrr(&e->a, A_EOR, true, SCR2, SCR2, to);
    as_rrr(&e->a, A_SUB, true, SCR, SCR, SCR2);
    miss = as_cbnz(&e->a, true, SCR);
    em_tally(e, TALLY_TABLE, 1);
    as_mem(&e->a, A_LOAD, 8, SCR3, SCR3, offsetof(struct jc_entry, host));
    if (call) {
        as_blr(&e->a, SCR3);
        land(e, here);
    } else {
        as_br(&e->a, SCR3);
    }
    as_patch(&e->a, miss);
    leave(e, to);
}

/* For jumps back to blocks that want no flags: a look at exit_request, and only when it says so are
 * the flags made, for whoever comes: behind `keep`. */
static void poll_stub(struct em *e, struct be_exit *x)
{
    u8 *request;
    x->poll = codebuf_rx(e->buf, e->a.p);
    em_state(&e->a, A_LOAD, 4, SCR, ST(exit_request));
    request = as_cbnz(&e->a, false, SCR);
    x->poll_rel = as_b(&e->a);
    as_patch(&e->a, request);
}

/* Are there flags to be made for whoever wants them? */
static bool open_flags(const struct em *e)
{
    return e->recipe.kind != RECIPE_NONE || e->carry != CARRY_INVERTED;
}

/* Behind `branch`, a B or BL to blocks that want no flags, lies what makes them for others. */
static void exit_behind(struct em *e, u8 *branch, u64 rip)
{
    struct be_exit *x = em_new_exit(e, rip);
    u8 *request = NULL;
    if (!x)
        return;
    x->skip = branch;
    if (rip <= e->in->ir->rip)
        poll_stub(e, x);
    as_patch(&e->a, x->skip);
    x->keep = codebuf_rx(e->buf, e->a.p);
    em_flags_commit(e);
    x->looked = rip == e->in->ir->rip && em_has_inner(e);
    if (x->looked)
        request = em_request(e);
    x->rel = em_jump_next(e);
    if (x->looked)
        as_patch(&e->a, request);
    em_unlinked(e, x);
}

/* A conditional exit's landing place. */
void em_side_exit(struct em *e, u64 rip, unsigned at)
{
    if (e->in->counted || e->in->tally || !be_linkable(e->in, rip) || !open_flags(e))
        em_direct_exit(e, rip, at);
    else
        exit_behind(e, as_b(&e->a), rip);
}

/* The EIP in v in a register that probes leave alone. */
static unsigned eip(struct em *e, u8 v)
{
    unsigned r = em_use(e, v, ADDR);
    if (e->in->ir->long_mode || r == ADDR)
        return r;
    as_mov(&e->a, false, ADDR, r);
    return ADDR;
}

static void conditional(struct em *e, const struct ir_ins *i)
{
    u8 *from = em_branch(e, i->b);
    em_cold(e, COLD_EXIT, i, from, NULL, (u64)i->imm);
}

/* Leave unless, or when, the lowest bytes of a are 0. */
static void by_zero(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), r = em_use(e, i->a, SCR);
    if (size < 4) {
        as_ubfx(&e->a, false, SCR, r, 0, 8 * size);
        r = SCR;
    }
    em_cold(e, COLD_EXIT, i,
            i->op == IR_BRZ ? as_cbz(&e->a, size == 8, r) : as_cbnz(&e->a, size == 8, r), NULL,
            (u64)i->imm);
}

/* A return to where the block goes on: one comparison when it is the expected one. */
static void expect(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), r = em_use(e, i->a, ADDR);
    u64 imm = (u64)i->imm & size_mask(size);
    if (size < 4) {
        as_ubfx(&e->a, false, ADDR, r, 0, 8 * size);
        r = ADDR;
    } else if (size == 4) {
        as_mov(&e->a, false, ADDR, r);
        r = ADDR;
    }
    if (size == 4)
        em_eip(e, SCR2, imm);
    else
        as_mov_imm(&e->a, SCR2, imm);
    e->out->fixed_eip |= size != 4;
    as_rrr(&e->a, A_EOR, true, SCR, r, SCR2);
    em_cold(e, COLD_INDIRECT, i, as_cbnz(&e->a, true, SCR), NULL, 0);
    if (e->ncold)
        e->cold[e->ncold - 1].reg = (u8)r;
}

/* A CALL to a known place. */
static void direct_call(struct em *e, u64 rip)
{
    struct be_exit *x;
    u8 *here, *rel;
    if (!be_linkable(e->in, rip)) {
        em_flags_commit(e);
        em_eip(e, ADDR, rip);
        em_probe_table(e, ADDR, true, rip, true);
        return;
    }
    if (e->in->link_none || !em_stack_call(e, &here)) {
        em_side_exit(e, rip, e->in->ir->nguest);
        return;
    }
    if (open_flags(e)) {
        rel = as_bl(&e->a);
        land(e, here);
        exit_behind(e, rel, rip);
        return;
    }
    rel = as_bl(&e->a);
    land(e, here);
    if (!(x = em_new_exit(e, rip)))
        return;
    x->rel = rel;
    as_patch(&e->a, rel);
    em_unlinked(e, x);
}

static void return_exit(struct em *e, const struct ir_ins *i)
{
    unsigned to;
    em_flags_commit(e);
    to = eip(e, i->a);
    if (!e->in->link_none && !(e->in->off_techniques & JIT_OFF(RETURNS))) {
        as_patch(&e->a, em_stack_return(e, to)); /* the pairs stay: the callers' may still match */
        em_tally(e, TALLY_UNPAIRED, 1);
    }
    em_probe_table(e, to, false, 0, false);
}

void em_exit_op(struct em *e, const struct ir_ins *i)
{
    switch (i->op) {
    case IR_JCC: conditional(e, i); break;
    case IR_BRZ:
    case IR_BRNZ: by_zero(e, i); break;
    case IR_BRNI: expect(e, i); break;
    case IR_GOTO: em_side_exit(e, (u64)i->imm, e->in->ir->nguest); break;
    case IR_CALL: direct_call(e, (u64)i->imm); break;
    case IR_RET: return_exit(e, i); break;
    case IR_CALLI:
    case IR_GOTOI: {
        em_flags_commit(e);
        em_probe_table(e, eip(e, i->a), false, 0, i->op == IR_CALLI);
        break;
    }
    }
}
