/* x86-64 code for leaving a block: linkable jumps, the in-code table for indirect ones, and back to
 * the run loop. */
#include "cpu/jit/x64/em.h"

void em_tally(struct em *e, unsigned which, s32 n)
{
    if (e->in->tally)
        as_alu_mi(&e->a, 0, 8, ST_AT(offsetof(struct cpu, tally) + 8u * which), n);
}

void em_charge(struct em *e, s32 n)
{
    as_alu_mi(&e->a, 0, 4, ST(budget), n);
}

void em_commit(struct em *e)
{
    em_flags_commit(e);
    em_upper_flush(e);
}

/* Displacement 0: falls to the code behind until it is linked. */
u8 *em_jump_next(struct em *e)
{
    return as_jmp(&e->a);
}

unsigned em_eip_register(void)
{
    return ADDR;
}

/* Behind a paired call: on at the return address, which is on the same page. */
static void land(struct em *e)
{
    struct be_exit *x = em_new_exit(e, em_return_eip(e));
    if (!x)
        return;
    x->polled = true; /* a return goes to a lower address, unseen */
    em_tally(e, TALLY_PAIRED, 1);
    as_lea(&e->a, 8, RSP, MEM(RSP, 8));
    x->rel = as_jmp(&e->a);
    em_unlinked(e, x);
}

/* Behind an instruction whose displacement is a place in the jump table. */
static void fix_jump(struct em *e, bool constant, u64 rip)
{
    _Static_assert(offsetof(struct cpu, jc) > 1024, "displacements of 32 bits");
    em_fix(e, constant ? BE_FIX_JUMP : BE_FIX_SALT, 4);
    if (constant)
        be_fix_more(e->out, (u32)(rip - e->in->ir->rip));
}

/* Compare the tag of the EIP in register `to` (zero-extended, kept) with the jump table's; the
 * entry of its code, and the jump taken on a miss. */
static struct mem table_entry(struct em *e, unsigned to, bool constant, u64 rip, u8 **miss)
{
    s32 salt = (s32)(e->in->jc_salt * sizeof(struct jc_entry));
    s32 tags = ST_OFF(jc) + (s32)offsetof(struct jc_entry, tag) + salt,
        hosts = ST_OFF(jc) + (s32)offsetof(struct jc_entry, host) + salt;
    struct mem entry;
    as_load(&e->a, 8, SCR, ST(jc_tag));
    as_rr(&e->a, 0x33, 8, SCR, to);
    if (constant) {
        s32 at = (s32)((jc_index(rip, 0) - jc_salt(0)) * sizeof(struct jc_entry));
        as_rm(&e->a, 0x3b, 8, SCR, MEM(STATE, tags + at));
        fix_jump(e, constant, rip);
        entry = MEM(STATE, hosts + at);
    } else {
        _Static_assert(sizeof(struct jc_entry) == 16, "twice the index times eight");
        as_mov_rr(&e->a, 4, SCR2, to);
        as_rr(&e->a, 0xc1, 4, 5, SCR2);
        as8(&e->a, 4);
        as_rr(&e->a, 0x33, 4, SCR2, to);
        as_alu_ri(&e->a, 4, 4, SCR2, (BIT(JC_BITS) - 1) << 1);
        as_rm(&e->a, 0x3b, 8, SCR, MEMX(STATE, SCR2, 3, tags));
        fix_jump(e, constant, rip);
        entry = MEMX(STATE, SCR2, 3, hosts);
    }
    *miss = as_jcc(&e->a, CC_NE);
    return entry;
}

void em_probe_table(struct em *e, unsigned to, bool constant, u64 rip, bool call)
{
    struct mem entry;
    u8 *miss;
    if (e->in->link_none) {
        as_store(&e->a, 8, to, ST(rip));
        em_jmp_stub(e, e->stubs->leave);
        return;
    }
    call = call && em_stack_call(e, NULL);
    entry = table_entry(e, to, constant, rip, &miss);
    em_tally(e, TALLY_TABLE, 1);
    as_rm(&e->a, 0xff, 4, call ? 2 : 4, entry); /* call or jmp [..] */
    fix_jump(e, constant, rip);
    if (call)
        land(e);
    if (e->a.full)
        return;
    as_patch(miss, e->a.p);
    as_store(&e->a, 8, to, ST(rip));
    em_jmp_stub(e, e->stubs->leave);
}

/* For jumps back to blocks that want no flags: a look at exit_request, and only when it says so are
 * the flags made once more, for whoever comes. */
static void poll_stub(struct em *e, struct be_exit *x)
{
    u8 *leave;
    x->poll = codebuf_rx(e->buf, e->a.p);
    as_alu_mi(&e->a, 7, 4, ST(exit_request), 0);
    leave = as_jcc(&e->a, CC_NE);
    x->poll_rel = as_jmp(&e->a);
    if (e->a.full)
        return;
    as_patch(leave, e->a.p);
    e->flags = FLAGS_RECIPE;
    em_flags_save(e);
}

/* A conditional exit's landing place: when nothing is to be charged or saved the conditional jump
 * itself is linked; when flags are to be saved, only to blocks that do not want them. */
void em_side_exit(struct em *e, u8 *jcc, u64 rip, unsigned at, bool again)
{
    if (!e->in->counted && !e->in->tally && be_linkable(e->in, rip)) {
        const u8 *here = codebuf_rx(e->buf, e->a.p);
        bool saved = e->flags & FLAGS_MEM, stores = e->upper.dirty != 0;
        struct be_exit *x = em_new_exit(e, rip);
        if (!x)
            return;
        em_upper_flush(e);
        if (saved) {
            x->rel = stores ? as_jmp(&e->a) : jcc;
        } else {
            x->skip = stores ? as_jmp(&e->a) : jcc;
            x->keep = stores ? codebuf_rx(e->buf, e->a.p) : here;
            em_flags_save(e);
            x->rel = as_jmp(&e->a);
            if (again && rip <= e->in->ir->rip)
                poll_stub(e, x);
        }
        em_unlinked(e, x);
    } else {
        em_direct_exit(e, rip, at);
    }
}

static void conditional(struct em *e, const struct ir_ins *i, unsigned cc)
{
    em_cold(e, COLD_EXIT, i, as_jcc(&e->a, cc), NULL, (u64)i->imm);
    if (e->ncold)
        e->cold[e->ncold - 1].again = e->flags == FLAGS_HOST && em_recipe_holds(e);
}

u8 *em_request(struct em *e)
{
    em_flags_spoil(e, true);
    as_alu_mi(&e->a, 7, 4, ST(exit_request), 0);
    return as_jcc(&e->a, CC_NE);
}

void em_ran(struct em *e)
{
    _Static_assert(offsetof(struct cpu, idle) > 1024, "a displacement of 32 bits");
    as_mov_mi(&e->a, 1, ST_AT(e->in->ran), 0);
    em_fix(e, BE_FIX_RAN, 5);
}

u8 *em_charge_entry(struct em *e)
{
    as_alu_mi(&e->a, 5, 4, ST(budget), (s32)e->in->ir->nguest);
    return as_jcc(&e->a, CC_L);
}

/* A CALL to a known place. */
static void direct_call(struct em *e, u64 rip)
{
    struct be_exit *x;
    u8 *rel;
    em_commit(e);
    if (!be_linkable(e->in, rip)) {
        em_eip(e, ADDR, rip);
        em_probe_table(e, ADDR, true, rip, true);
        return;
    }
    if (!em_stack_call(e, &rel)) {
        em_direct_exit(e, rip, e->in->ir->nguest);
        return;
    }
    land(e);
    if (e->a.full || !(x = em_new_exit(e, rip)))
        return;
    x->rel = rel;
    as_patch(rel, e->a.p);
    em_unlinked(e, x);
}

static void return_exit(struct em *e, const struct ir_ins *i)
{
    unsigned to;
    u8 *other;
    em_commit(e);
    to = em_use(e, i->a, 8, ADDR);
    if (e->in->link_none || e->in->off_techniques & JIT_OFF(RETURNS)) {
        em_probe_table(e, to, false, 0, false);
        return;
    }
    other = em_stack_return(e, to);
    if (e->a.full)
        return;
    as_patch(other, e->a.p); /* the pairs stay: the callers' may still match */
    em_tally(e, TALLY_UNPAIRED, 1);
    em_probe_table(e, to, false, 0, false);
}

/* A return to where the block goes on: one comparison when it is the expected one. */
static void expect(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), r;
    em_flags_spoil(e, true);
    r = em_use(e, i->a, size, ADDR);
    if (size == 8 && i->imm != (s32)i->imm) {
        as_mov_ri(&e->a, SCR2, (u64)i->imm);
        as_rr(&e->a, 0x3b, 8, r, SCR2);
    } else {
        as_alu_ri(&e->a, 7, size, r, (s32)i->imm);
        em_fix(e, BE_FIX_EIP, 4);
        e->out->fixed_eip |= (s8)i->imm == (s32)i->imm || size != 4;
    }
    em_cold(e, COLD_INDIRECT, i, as_jcc(&e->a, CC_NE), NULL, 0);
    if (e->ncold)
        e->cold[e->ncold - 1].reg = (u8)r;
}

void em_exit_op(struct em *e, const struct ir_ins *i)
{
    switch (i->op) {
    case IR_JCC:
        em_flags_want(e, ir_cc_flags(i->b));
        conditional(e, i, i->b);
        break;
    case IR_BRZ:
    case IR_BRNZ: {
        unsigned size = ir_bytes(i->type), r;
        em_flags_spoil(e, true);
        r = em_use(e, i->a, size, SCR);
        as_rr(&e->a, size == 1 ? 0x84 : 0x85, size, r, r);
        conditional(e, i, i->op == IR_BRZ ? CC_E : CC_NE);
        break;
    }
    case IR_BRNI: expect(e, i); break;
    case IR_GOTO:
        em_direct_exit(e, (u64)i->imm, e->in->ir->nguest);
        break;
    case IR_CALL: direct_call(e, (u64)i->imm); break;
    case IR_RET: return_exit(e, i); break;
    case IR_CALLI:
    case IR_GOTOI: {
        unsigned r;
        em_commit(e);
        r = em_use(e, i->a, 8, ADDR);
        em_probe_table(e, r, false, 0, i->op == IR_CALLI);
        break;
    }
    }
}
