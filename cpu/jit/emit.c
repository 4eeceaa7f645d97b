/* What back ends share of emitting a block: places of temporaries, the plan of its accesses, ways out. */
#include "cpu/jit/em.h"

#ifdef CONFIG_JIT

void em_temp_give(struct em *e, u8 v)
{
    if (v < IR_T0 || v >= IR_MAX_VALUE || e->temp[v])
        return;
    e->temp[v] = plan_temp(&e->free_regs, &e->free_slots);
    e->a.full |= !e->temp[v]; /* never seen: translation keeps fewer alive */
}

void em_temp_take_back(struct em *e, u8 v, u32 n)
{
    if (v < IR_T0 || v >= IR_MAX_VALUE || e->last[v] != n || !e->temp[v])
        return;
    plan_temp_back(e->temp[v], &e->free_regs, &e->free_slots);
    e->temp[v] = 0;
}

/* Where the block looks at exit_request when its entry wants no flags; 0: at the entry. */
static u32 poll_place(const struct em *e)
{
    if (e->live_in || e->in->counted || e->in->off_techniques & JIT_OFF(DEAD))
        return 0;
    return plan_poll(e->in->ir, e->follows);
}

u32 em_emit_entry(struct em *e)
{
    struct be_out *out = e->out;
    u32 poll = poll_place(e);
    out->entry = out->entry_forward = codebuf_rx(e->buf, e->a.p);
    out->flags_dead = poll != 0;
    out->flags_unwanted =
        !e->live_in && !e->in->counted && !(e->in->off_techniques & JIT_OFF(DEAD));
    if (e->in->counted) {
        em_cold(e, COLD_ENTRY, NULL, em_charge_entry(e), NULL, 0);
    } else if (!poll) {
        em_cold(e, COLD_ENTRY, NULL, em_request(e), NULL, 0);
        if (!(e->in->off_techniques & JIT_OFF(POLLS)))
            out->entry_forward = codebuf_rx(e->buf, e->a.p);
    }
    return poll;
}

void em_poll(struct em *e, unsigned at)
{
    const struct ir_ins where = {.at = (u8)at};
    u8 *request = em_request(e);
    em_cold(e, COLD_POLL, &where, request, NULL, 0);
}

void em_string_op(struct em *e, const struct ir_ins *i)
{
    const struct be_exec *x = &e->in->execs[e->nexecs++];
    const u8 *stub = be_rep_stub(e->stubs, e->in, &e->in->insns[i->at], x->mode_key);
    u8 *refused;
    em_flags_commit(e);
    if (!stub) {
        em_exec_record(e, (u64)(uintptr_t)x);
        em_call_stub(e, e->stubs->rep);
        return;
    }
    em_call_stub(e, stub);
    refused = em_refused(e);
    em_cold(e, COLD_REP, i, refused, e->a.p, (u64)(uintptr_t)x);
}

void em_plan(struct em *e, bool (*joins)(const struct insn *insn),
             void (*give)(struct em *e, struct plan *p))
{
    struct plan p = {.ir = e->in->ir,
                     .insns = e->in->insns,
                     .joins = joins,
                     .group = e->group,
                     .follows = e->follows,
                     .offset = e->offset,
                     .skip = e->skip,
                     .extra = e->extra,
                     .groups = e->groups};
    plan_groups(&p, e->in->groups);
    e->ngroups = p.ngroups;
    if (p.joined)
        give(e, &p);
    plan_steps(&p);
    e->drop = p.joined;
}

struct be_exit *em_new_exit(struct em *e, u64 rip)
{
    struct be_exit *x = be_new_exit(e->out, rip);
    e->a.full |= x == NULL;
    return x;
}

/* Tell the run loop which exit this was. */
void em_unlinked(struct em *e, struct be_exit *x)
{
    x->unlinked = codebuf_rx(e->buf, e->a.p);
    em_site(e, (u32)(x - e->out->exits));
    em_jmp_stub(e, e->stubs->exit_link);
}

/* Charge back what the block will not execute when it is left behind `done` of its instructions. */
static void charge_back(struct em *e, unsigned done)
{
    s32 left = (s32)e->in->ir->nguest - (s32)done;
    if (left <= 0)
        return;
    if (e->in->counted)
        em_charge(e, left);
    em_tally(e, TALLY_INSNS, -left);
}

void em_direct_exit(struct em *e, u64 rip, unsigned at)
{
    em_commit(e);
    charge_back(e, at);
    if (be_linkable(e->in, rip)) {
        struct be_exit *x = em_new_exit(e, rip);
        if (!x)
            return;
        x->rel = em_jump_next(e);
        em_unlinked(e, x);
    } else {
        em_eip(e, em_eip_register(), rip);
        em_probe_table(e, em_eip_register(), true, rip, false);
    }
}

void em_twin_exit(struct em *e, unsigned at)
{
    struct be_exit *x = em_new_exit(e, e->in->ir->rip + (u64)(s64)e->in->ir->off[at]);
    if (!x)
        return;
    x->twin = true;
    charge_back(e, at);
    if (!e->in->link_none)
        x->rel = em_jump_next(e);
    em_unlinked(e, x);
}

void em_indirect_exit(struct em *e, unsigned to, unsigned at)
{
    em_commit(e);
    charge_back(e, at);
    em_probe_table(e, to, false, 0, false);
}

const u8 *em_checked_entry(struct em *e)
{
    const u8 *entry = codebuf_rx(e->buf, e->a.p);
    em_eip(e, em_eip_register(), e->in->ir->rip);
    em_probe_table(e, em_eip_register(), true, e->in->ir->rip, false);
    return entry;
}

u64 em_return_eip(const struct em *e)
{
    u64 back = e->in->ir->rip + (u64)(s64)e->in->ir->off[e->in->ir->nguest];
    return e->in->ir->long_mode ? back : (u32)back;
}

#endif
