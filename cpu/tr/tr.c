/* The translator's driver: decode up to the end of a block, call tr_ functions, fall back to exec_.
 */
#include "cpu/tr/tr.h"
#include "cpu/tr/build.h"
#include "devices/core/err.h"

#include <stdlib.h>

static tr_fn *const table[OP__COUNT] = {
#define TR(id) [OP_##id] = tr_##id,
#include "cpu/tr/have.def"
#undef TR
};

#ifdef CONFIG_TORTURE
enum { MAX_GUEST = 3, MAX_JUMPS = 1, FEW_JUMPS = 1 };
#else
enum { MAX_GUEST = 60, MAX_JUMPS = 6, FEW_JUMPS = 3 };
#endif
enum { ROOM = 40 }; /* IR operations that one instruction may need */

static bool is_off(const struct tr_config *config, unsigned op)
{
    return config->off[op / 8] >> (op & 7) & 1;
}

/* Instructions that always leave to the run loop: they write CS, or nothing may follow. */
static bool leaves(const struct insn *insn)
{
    return op_info[insn->op].attrs & OPA_JUMP || insn->op == OP_HLT || insn->op == OP_RSM;
}

static void exec_op(struct tr *t, const struct insn *insn)
{
    if (leaves(insn)) {
        tr_emit(t, IR_EXECX, I32, IR_NONE, IR_NONE, IR_NONE, 0);
        t->done = true;
    } else {
        tr_emit(t, IR_EXEC, I32, IR_NONE, IR_NONE, IR_NONE, 0);
    }
}

/* Decode at byte `pos`; false where the block must end in front of it. */
static bool decode_at(const struct cpu *cpu, const struct tr_source *src, s32 pos,
                      struct insn *insn)
{
    u8 buf[16];
    const u8 *p = src->code + pos;
    u32 at = src->before + (u32)pos;
    u32 avail = (s32)src->len > pos ? (u32)((s32)src->len - pos) : 0;
    if (!avail) /* a block does not start an instruction on another page */
        return false;
    if (UNLIKELY(src->stops != NULL) && src->stops[at >> 6] >> (at & 63) & 1)
        return false;
    if (avail < 15) {
        u32 more = MIN(15 - avail, src->more_len);
        memcpy(buf, p, avail);
        if (more)
            memcpy(buf + avail, src->more, more);
        avail += more;
        p = buf;
    }
    return decode(insn, p, MIN(avail, 15u), cpu->code_bits, cpu->feats) == DEC_OK;
}

/* Where `target` lies from the block's start, when blocks may go on there: on the same page. */
static bool within_page(const struct tr *t, u64 target, s64 *pos)
{
    *pos = (s64)(target - t->ir->rip);
    return t->follow && *pos < (s64)t->src->len && *pos >= -(s64)t->src->before;
}

bool tr_leaf(const struct tr *t, u64 target)
{
    enum { MOST = 12 };
    s64 pos;
    if (!within_page(t, target, &pos))
        return false;
    for (unsigned n = 0; n < MOST; n++) {
        struct insn insn;
        if (!decode_at(t->cpu, t->src, (s32)pos, &insn))
            return false;
        if (op_info[insn.op].attrs & OPA_JUMP)
            return insn.op == OP_RET;
        pos += insn.len;
    }
    return false;
}

bool tr_follow(struct tr *t, u64 target)
{
    s64 pos;
    s32 end = t->ir->off[t->at] + t->insn->len;
    if (!within_page(t, target, &pos) || t->nfollowed + 1 >= TR_PARTS || end > (s32)t->src->len)
        return false;
    /* A loop is closed by a jump to its beginning. */
    for (u32 k = 0; k <= t->at && !t->returns; k++)
        if (t->ir->off[k] == pos)
            return false;
    t->followed = true;
    t->target = target;
    t->nfollowed++;
    return true;
}

/* In one block accesses of several rounds share a probe, flags of one round are dead in the next,
 * and one look at exit_request does for all. */
bool tr_again(struct tr *t, u64 target)
{
    enum { OPS = IR_MAX_INS / 2, TEMPS = (IR_MAX_VALUE - IR_T0) / 2 };
    u32 n = t->loops;
    if (!n || target != t->ir->rip || t->nfollowed)
        return false;
    if (!t->copies) {
        n = MIN(n, t->loop_insns / (t->at + 1u));
        n = MIN(n, OPS / (t->ir->n + 1u));
        n = MIN(n, TEMPS / (t->ir->ntemps + 1u));
        if (n < 2)
            return false;
        t->copies = n;
    }
    if (t->copies == 1) {
        t->looped = true;
        return false;
    }
    t->copies--;
    t->jumps = 0;
    t->again = true;
    return true;
}

/* Is it an x87 operation that the back end leaves to exec here? */
static bool no_x87(const struct tr_config *config, const struct insn *insn)
{
    return op_info[insn->op].attrs & OPA_X87 &&
           (config->no_x87 || (config->x87_leaves && config->x87_no_ten &&
                              insn->o[0].size == 10 && insn->o[0].kind == OPND_MEM));
}

void tr_block(const struct cpu *cpu, const struct tr_config *config, const struct tr_source *src,
              struct tr_result *out)
{
    struct ir_block *ir = out->ir;
    struct tr t = {.cpu = cpu, .mode = cpu->mode_key, .ir = ir, .next_temp = IR_T0};
    u32 max = config->max_guest ? MIN(config->max_guest, IR_MAX_GUEST) : MAX_GUEST;
    u32 max_jumps = config->basic ? 1 : config->brief ? FEW_JUMPS : MAX_JUMPS, last_n = 0;
    s32 pos = 0, end = 0;
    ir->n = 0;
    ir->ntemps = 0;
    ir->nguest = 0;
    ir->rip = cpu->rip;
    ir->jumped = 0;
    ir->mode_used = 0;
    t.src = src;
    t.follow = config->follow;
    t.loops = config->loops;
    t.loop_insns = config->loop_insns;
    t.leaves = config->x87_leaves;
    out->nparts = 1;
    out->nbytes = 0;
    out->nholes = 0;
    out->parts[0].lo = 0;
    ir->long_mode = cpu->code_bits == 64;
    out->exec_only = false;
    while (!t.done && !t.looped && ir->nguest < max && t.jumps < max_jumps &&
           ir->n < IR_MAX_INS - ROOM && t.next_temp < IR_MAX_VALUE - ROOM) {
        struct insn *insn = &out->insns[ir->nguest];
        u32 n = ir->n, temps = ir->ntemps;
        u8 next_temp = t.next_temp;
        tr_fn *fn;
        if (!decode_at(cpu, src, pos, insn))
            break;
        t.behind = ir->rip + (u64)(s64)pos + insn->len;
        if (cpu->code_bits == 16 &&
            t.behind > 0xffff) /* EIP would wrap or leave the segment: exec knows what to do */
            break;
        t.behind = cpu->code_bits == 64 ? t.behind : (u32)t.behind;
        t.insn = insn;
        t.returns = t.shadow = false;
        last_n = n;
        t.at = (u8)ir->nguest;
        ir->off[ir->nguest] = (s16)pos;
        fn = table[insn->op];
        if (config->vec && config->vec[insn->op / 8] >> (insn->op & 7) & 1 && !no_x87(config, insn))
            fn = tr_vector;
        tr_soft_begin(&t, out, pos);
        if (fn && !is_off(config, insn->op) && fn(&t, insn)) {
            tr_soft_end(&t, out, pos);
        } else {
            ir->n = n, ir->ntemps = temps, t.next_temp = next_temp;
            exec_op(&t, insn);
        }
        pos += insn->len;
        out->nbytes += insn->len;
        if (t.followed) {
            t.followed = false;
            out->parts[out->nparts - 1].hi = pos;
            pos = (s32)(s64)(t.target - ir->rip);
            out->parts[out->nparts++].lo = pos;
            ir->jumped |= BIT64(ir->nguest);
        }
        if (t.again) {
            t.again = false;
            end = MAX(end, pos);
            pos = 0;
            ir->jumped |= BIT64(ir->nguest);
        }
        ir->nguest++;
    }
    if (UNLIKELY(out->nholes))
        tr_soft_check(&t, out);
    out->cut = max_jumps < MAX_JUMPS && t.jumps == max_jumps && !t.done;
    ir->off[ir->nguest] = (s16)pos;
    /* What lies between a jump back and the block's start is not the block's: data may be there. */
    out->parts[out->nparts - 1].hi = out->nparts == 1 ? MAX(pos, end) : pos;
    if (out->nparts > 1 && pos == out->parts[out->nparts - 1].lo)
        out->nparts--; /* nothing there could be translated */
    if (!ir->nguest) {
        out->exec_only = true;
        return;
    }
    if (!t.done) {
        u64 next = ir->rip + (u64)(s64)pos;
        t.at = (u8)(ir->nguest - 1);
        if (t.shadow) {
            ir->n = last_n;
            tr_emit(&t, IR_EXEC, I32, IR_NONE, IR_NONE, IR_NONE, 0);
        }
        tr_emit(&t, IR_GOTO, I32, IR_NONE, IR_NONE, IR_NONE,
                (s64)(cpu->code_bits == 64 ? next : (u32)next));
    }
}

bool tr_parse_off(const char *list, struct tr_config *config, struct err *err)
{
    char *copy = strdup(list ? list : ""), *save = NULL;
    bool ok = copy != NULL;
    for (char *name = copy ? strtok_r(copy, ",", &save) : NULL; name && ok;
         name = strtok_r(NULL, ",", &save)) {
        bool all = !strcmp(name, "all"), known = all;
        for (unsigned op = 0; op < OP__COUNT; op++)
            if (all || !strcasecmp(op_info[op].name, name)) { /* several share a name, like mov */
                config->off[op / 8] |= (u8)(1u << (op & 7));
                known = true;
            }
        if (!known)
            ok = err_set(err,
                         "--no-tr: there is no operation '%s'; names are those of the Intel "
                         "manual, like adc or shl",
                         name);
    }
    free(copy);
    return ok;
}
