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

void em_temps_take_back(struct em *e, const struct ir_ins *i, u32 n)
{
    em_temp_take_back(e, i->dst, n);
    em_temp_take_back(e, i->a, n);
    if (ir_op_info[i->op].use & IRU_VALUE_B)
        em_temp_take_back(e, i->b, n);
}

void em_begin(struct em *e, struct codebuf *buf, const struct be_stubs *stubs,
              const struct be_in *in, struct be_out *out)
{
    const struct ir_block *b = in->ir;
    memset(e, 0, offsetof(struct em, temp));
    memset(e->temp, 0, IR_T0 + b->ntemps);
    memset(e->last, 0, (IR_T0 + b->ntemps) * sizeof(e->last[0]));
    e->a = (struct as){.p = out->code, .end = out->end};
    e->buf = buf, e->stubs = stubs, e->in = in, e->out = out;
    e->free_slots = ~0u;
    out->nexits = out->nguesses = out->nfixes = 0;
    out->fixed = out->fixed_eip = false;
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
    out->entry_inner = out->entry;
    out->flags_dead = poll != 0;
    out->flags_unwanted =
        !e->live_in && !e->in->counted && !(e->in->off_techniques & JIT_OFF(DEAD));
    if (e->in->counted) {
        em_cold(e, COLD_ENTRY, NULL, em_charge_entry(e), NULL, 0);
    } else if (!poll) {
        em_cold(e, COLD_ENTRY, NULL, em_request(e), NULL, 0);
        if (!(e->in->off_techniques & JIT_OFF(POLLS)))
            out->entry_forward = out->entry_inner = codebuf_rx(e->buf, e->a.p);
    }
    if (e->in->ran)
        em_ran(e);
    return poll;
}

void em_poll(struct em *e, unsigned at)
{
    const struct ir_ins where = {.at = (u8)at};
    u8 *request = em_request(e);
    em_cold(e, COLD_POLL, &where, request, NULL, 0);
}

static void string_op(struct em *e, const struct ir_ins *i)
{
    const struct be_exec *x = &e->in->execs[e->nexecs++];
    const u8 *stub = be_rep_stub(e->stubs, e->in, &e->in->insns[i->at], x->mode_key);
    u8 *refused;
    em_commit(e);
    if (!stub) {
        em_exec_record(e, (u64)(uintptr_t)x);
        em_call_stub(e, e->stubs->rep);
        return;
    }
    em_call_stub(e, stub);
    refused = em_refused(e);
    em_cold(e, COLD_REP, i, refused, e->a.p, (u64)(uintptr_t)x);
}

/* Exec, or its short way, runs the instruction; it reads and writes all state. */
static void call_exec(struct em *e, const struct ir_ins *i)
{
    const struct be_exec *x = &e->in->execs[e->nexecs++];
    const struct be_stubs *stubs = e->stubs;
    em_commit(e);
    em_exec_record(e, (u64)(uintptr_t)x);
    if (x->same != SEG_CS) {
        em_selector(e, x->from);
        em_call_stub(e, stubs->same[x->same]);
    } else if (i->op == IR_EXECX) {
        em_jmp_stub(e, x->quick ? stubs->quickx : stubs->execx);
    } else {
        em_call_stub(e, x->quick ? stubs->quick : stubs->exec);
    }
}

void em_mem_op(struct em *e, const struct ir_ins *i)
{
    switch (i->op) {
    case IR_LD:
    case IR_LDZ:
    case IR_LDX: em_load(e, i); break;
    case IR_ST:
    case IR_STI: em_store(e, i); break;
    case IR_LDW: em_load_for_write(e, i); break;
    case IR_STW: em_store_back(e, i); break;
    case IR_SEG: em_segment(e, i); break;
    case IR_CANON: em_canonical(e, i); break;
    case IR_BAIL: em_bail(e, i); break;
    case IR_EXECR: string_op(e, i); break;
    case IR_EXEC:
    case IR_EXECX: call_exec(e, i); break;
    }
}

void em_cold(struct em *e, enum cold_kind kind, const struct ir_ins *i, u8 *from, u8 *back, u64 arg)
{
    struct cold *c = &e->cold[e->ncold];
    if (e->ncold >= ARRAY_LEN(e->cold)) {
        e->a.full = true;
        return;
    }
    *c = em_cold_state(e);
    c->kind = (u8)kind, c->at = i ? i->at : 0;
    c->from = from, c->back = back;
    c->arg = arg;
    e->ncold++;
}

static void cold_one(struct em *e, const struct cold *c)
{
    em_cold_begin(e, c);
    switch (c->kind) {
    case COLD_CANON:
    case COLD_PREPARE:
        em_cold_arguments(e, c);
        em_call_stub(e, e->stubs->prepare[c->probe][c->write][c->size]);
        em_cold_back(e, c);
        break;
    case COLD_GROUP:
        em_cold_arguments(e, c);
        em_call_stub(e, e->stubs->group);
        em_cold_group(e, c);
        em_twin_exit(e, c->at);
        break;
    case COLD_SEG:
        em_cold_arguments(e, c);
        em_call_stub(e, e->stubs->seg);
        em_cold_back(e, c);
        break;
    case COLD_HOT:
        em_call_stub(e, e->stubs->hot);
        em_cold_back(e, c);
        break;
    case COLD_BAIL:
        em_site(e, c->at);
        em_cold_bail(e);
        break;
    case COLD_REP:
        em_exec_record(e, c->arg);
        em_call_stub(e, e->stubs->rep);
        em_cold_back(e, c);
        break;
    case COLD_EXIT: em_cold_exit(e, c); break;
    case COLD_INDIRECT: em_indirect_exit(e, c->reg, c->at + 1u); break;
    case COLD_ENTRY:
        if (e->in->counted)
            em_charge(e, e->in->ir->nguest);
        em_site(e, 0);
        em_jmp_stub(e, e->stubs->exit_entry);
        break;
    case COLD_POLL:
        em_site(e, c->at);
        em_jmp_stub(e, e->stubs->exit_entry);
        break;
    default: em_cold_other(e, c);
    }
}

/* All that was put off (em_cold). */
static void emit_cold(struct em *e)
{
    for (u32 n = 0; n < e->ncold && !e->a.full; n++)
        if (em_cold_here(e, &e->cold[n]))
            cold_one(e, &e->cold[n]);
}

void em_plan(struct em *e, u32 reach, bool (*joins)(const struct insn *insn),
             void (*give)(struct em *e, struct plan *p))
{
    struct plan p = {.ir = e->in->ir,
                     .insns = e->in->insns,
                     .joins = joins,
                     .reach = reach,
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

void em_finish(struct em *e)
{
    emit_cold(e);
    e->out->entry_checked = e->in->two_pages ? em_checked_entry(e) : NULL;
    e->out->full = e->a.full;
    e->out->end = e->a.p;
}

#endif
