/* Lab 10: loads of what the block knows already become moves. The places to fill in say HOLE. */
#include "docs/labs/10-pass/pass.h"

#include "cpu/ir/shape.h"

enum { FACTS = 8 };

/* The `type` bytes at [base + disp] are those of guest register `value`. */
struct fact {
    u8 type, base, value;
    s64 disp;
};

struct facts {
    struct fact f[FACTS];
    u32 n, oldest; /* oldest: the place that is taken next when all are used */
};

static void learn(struct facts *k, const struct ir_ins *i, unsigned value)
{
    u32 at = k->n < FACTS ? k->n++ : k->oldest++ % FACTS;

    k->f[at] = (struct fact){i->type, i->a, (u8)value, i->imm};
}

static const struct fact *known(const struct facts *k, const struct ir_ins *i)
{
    for (u32 n = 0; n < k->n; n++)
        if (k->f[n].type == i->type && k->f[n].base == i->a && k->f[n].disp == i->imm)
            return &k->f[n];
    return NULL;
}

/* Loads and stores of whole registers into and from guest registers. */
static bool whole(const struct ir_block *b, const struct ir_ins *i, unsigned value)
{
    return (i->type == I32 || (i->type == I64 && b->long_mode)) && ir_is_guest(value) &&
           ir_is_guest(i->a);
}

void lab_pass(struct ir_block *b)
{
    struct facts k = {.n = 0};

    for (u32 n = 0; n < b->n; n++) {
        struct ir_ins *i = &b->ins[n];
        const struct fact *f = i->op == IR_LD && whole(b, i, i->dst) ? known(&k, i) : NULL;

        if (f) {
            i->op = IR_MOV;
            i->a = f->value;
            i->imm = 0;
        }
        /* HOLE 1: this operation may write memory: which facts are void? IR_ST and IR_STI say
         * where; other operations with IRA_MEM (cpu/ir/ops.def) do not. IR_LD, LDZ, LDX and LDW
         * write none. */
        /* HOLE 2: this operation may write registers: dst, a or b by its row's IRU_WRITES_*,
         * more by ir_implicit(). Facts with such a base or value are void. */
        if (i->op == IR_LD && whole(b, i, i->dst) && i->dst != i->a)
            learn(&k, i, i->dst);
        /* HOLE 3: a store says what is in memory, too. */
    }
}
