/* Lab 10, test bench: chosen blocks before and after, and random blocks that must do the same
 * with the pass and without. */
#include "docs/labs/10-pass/pass.h"

#include "docs/labs/common/score.h"
#include "tests/ir/behave.h"
#include "tests/ir/gen.h"

/* A block's operations and how many of its loads may become moves; or must not. */
static const struct shown {
    const char *what, *text;
    u32 moves;
} shown[] = {
    {"the same load twice is one load and a move",
     "  0: ld.32 g0, [g3+0x8]\n  1: ld.32 g1, [g3+0x8]\n  2: goto.32 0x0\n", 1},
    {"a load of what was stored is a move",
     "  0: st.32 [g3+0x8], g2\n  1: ld.32 g1, [g3+0x8]\n  2: goto.32 0x0\n", 1},
    {"a store elsewhere off the same base does not matter",
     "  0: ld.32 g0, [g3+0x8]\n  1: st.32 [g3+0xc], g2\n  2: ld.32 g1, [g3+0x8]\n"
     "  3: goto.32 0x0\n", 1},
    {"another displacement is another place",
     "  0: ld.32 g0, [g3+0x8]\n  1: ld.32 g1, [g3+0xc]\n  2: goto.32 0x0\n", 0},
    {"another width is another value",
     "  0: ld.16 g0, [g3+0x8]\n  1: ld.32 g1, [g3+0x8]\n  2: goto.32 0x0\n", 0},
    {"a store that overlaps: the bytes have changed",
     "  0: ld.32 g0, [g3+0x8]\n  1: st.8 [g3+0xb], g2\n  2: ld.32 g1, [g3+0x8]\n"
     "  3: goto.32 0x0\n", 0},
    {"a store of a constant changes the bytes, too",
     "  0: ld.32 g0, [g3+0x8]\n  1: sti.32 [g3+0x8], 0x5\n  2: ld.32 g1, [g3+0x8]\n"
     "  3: goto.32 0x0\n", 0},
    {"a store off another base may be anywhere",
     "  0: ld.32 g0, [g3+0x8]\n  1: st.32 [g5+0x100], g2\n  2: ld.32 g1, [g3+0x8]\n"
     "  3: goto.32 0x0\n", 0},
    {"a store 4096 bytes away may be the same memory: pages have aliases",
     "  0: ld.32 g0, [g3+0x8]\n  1: st.32 [g3+0x1008], g2\n  2: ld.32 g1, [g3+0x8]\n"
     "  3: goto.32 0x0\n", 0},
    {"the base has changed", "  0: ld.32 g0, [g3+0x8]\n  1: lea.32 g3, [g3+0x4]\n"
     "  2: ld.32 g1, [g3+0x8]\n  3: goto.32 0x0\n", 0},
    {"the load itself changes its base",
     "  0: ld.32 g3, [g3+0x8]\n  1: ld.32 g1, [g3+0x8]\n  2: goto.32 0x0\n", 0},
    {"the register that had the value has changed",
     "  0: ld.32 g0, [g3+0x8]\n  1: mov.8 g0, g2\n  2: ld.32 g1, [g3+0x8]\n  3: goto.32 0x0\n", 0},
    {"a multiplication changes EAX without naming it",
     "  0: ld.32 g0, [g3+0x8]\n  1: mulu.32 g2\n  2: ld.32 g1, [g3+0x8]\n  3: goto.32 0x0\n", 0},
    {"an exchange changes two registers",
     "  0: ld.32 g0, [g3+0x8]\n  1: xchg.32 g2, g0\n  2: ld.32 g1, [g3+0x8]\n"
     "  3: goto.32 0x0\n", 0},
    {"exec may change everything",
     "  0: ld.32 g0, [g3+0x8]\n  1: exec.32\n  2: ld.32 g1, [g3+0x8]\n  2: goto.32 0x0\n", 0},
    {"a read-modify-write changes memory",
     "  0: ld.32 g0, [g3+0x8]\n  1: ldw.32 t0, [g5+0x8], t1\n  1: inc.32 t0, t0\n"
     "  1: stw.32 t0, t1\n  2: ld.32 g1, [g3+0x8]\n  2: goto.32 0x0\n", 0},
};

static u32 count(const struct ir_block *b, unsigned op)
{
    u32 n = 0;

    for (u32 i = 0; i < b->n; i++)
        n += b->ins[i].op == op;
    return n;
}

static void try_shown(struct score *sc, const struct shown *s)
{
    static struct ir_block before, after;
    struct err err = {{0}};
    char text[1024];
    u32 moves;

    snprintf(text, sizeof(text), "block rip=0x100 long=0 temps=2 off=0,2,4,6,8\n%s", s->text);
    if (!ir_parse(&before, text, &err) || !ir_check(&before, &err)) {
        score(sc, false, "the bench's own block: %s", err.msg);
        return;
    }
    after = before;
    lab_pass(&after);
    moves = count(&before, IR_LD) - count(&after, IR_LD);
    if (!ir_check(&after, &err))
        score(sc, false, "%s: the block is none any more: %s", s->what, err.msg);
    else
        score(sc, moves == s->moves && after.n == before.n, "%s", s->what);
}

/* A load or store of a few places off a few bases, so that accesses meet. */
static void gen_access(u64 *seed, struct ir_ins *i, bool long_mode)
{
    bool load = rnd(seed) & 1;

    *i = (struct ir_ins){.op = load ? IR_LD : IR_ST, .dst = IR_NONE, .b = IR_NONE};
    i->type = rnd(seed) % 8 ? (long_mode && rnd(seed) & 1 ? I64 : I32) : I16;
    i->a = (u8)(rnd(seed) % 4 ? REG_BX : REG_BP);
    i->imm = (s64)(rnd(seed) % 4 * 2 + (rnd(seed) % 8 ? 0 : 0x1000));
    *(load ? &i->dst : &i->b) = (u8)(rnd(seed) % 8);
}

/* A random block of guest instructions with one operation each. */
static void gen_meeting(u64 *seed, struct ir_block *b, bool long_mode)
{
    u32 want = 8 + (u32)(rnd(seed) % 40);

    gen_block(seed, b, 2, long_mode);
    b->n = 0;
    b->nguest = 1;
    while (b->n < want) {
        struct ir_ins *i = &b->ins[b->n];

        if (rnd(seed) % 3)
            gen_access(seed, i, long_mode);
        else
            gen_ins(seed, i, long_mode);
        i->at = (u8)(b->nguest - 1);
        i[1] = (struct ir_ins){
            .op = IR_GOTO, .type = I32, .dst = IR_NONE, .a = IR_NONE, .b = IR_NONE, .imm = 0x77};
        i[1].at = i->at;
        b->n += 2;
        b->off[b->nguest] = (s16)(2 * b->nguest);
        if (!ir_check(b, NULL)) {
            b->n -= 2;
            continue;
        }
        b->n--;
        b->nguest++;
    }
    b->nguest--;
    b->n++;
}

static void try_random(struct score *sc)
{
    enum { BLOCKS = 3000 };
    static struct ir_block plain, opt;
    static char before[65536], after[65536];
    struct env *env = env_new();
    struct outcome a, b;
    u64 seed = 10, moves = 0;
    u32 same = 0;

    for (u32 n = 0; n < BLOCKS; n++) {
        struct err err;
        bool ok;

        gen_meeting(&seed, &plain, n % 3 == 0);
        opt = plain;
        lab_pass(&opt);
        ok = ir_check(&opt, &err);
        if (!ok)
            printf("    %s\n", err.msg);
        moves += count(&plain, IR_LD) - count(&opt, IR_LD);
        for (u32 k = 0; ok && k < 4; k++) {
            u64 state = rnd(&seed), hash = behaviour(env, &plain, state, &a);

            ok = hash == behaviour(env, &opt, state, &b) && !memcmp(&a, &b, sizeof(a));
        }
        same += ok;
        if (!ok) {
            ir_print(&plain, before, sizeof(before));
            ir_print(&opt, after, sizeof(after));
            printf("    this block does something else behind the pass:\n%s    ---\n%s", before,
                   after);
            break;
        }
    }
    score(sc, same == BLOCKS, "%u of %u random blocks do the same as without the pass", same,
          (u32)BLOCKS);
    score(sc, moves > BLOCKS / 10, "%llu of their loads have become moves (at least %u)",
          (unsigned long long)moves, (u32)BLOCKS / 10);
    env_free(env);
}

int main(void)
{
    struct score sc = {0, 0};

    for (u32 i = 0; i < ARRAY_LEN(shown); i++)
        try_shown(&sc, &shown[i]);
    try_random(&sc);
    return score_status(&sc);
}
