/* Lab 10, reference solution: loads of what the block knows already become moves. */
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

static void drop(struct facts *k, u32 i)
{
    k->f[i] = k->f[--k->n];
}

/* Register v was written: what was said of it, or by its help, is void. */
static void written(struct facts *k, unsigned v)
{
    for (u32 i = k->n; i-- > 0;)
        if (k->f[i].base == v || k->f[i].value == v)
            drop(k, i);
}

/* Two ranges off one base can share a byte of memory only if they overlap within 4 KiB: pages
 * may lie anywhere, but offsets in a page stay. */
static bool apart(s64 a, unsigned na, s64 b, unsigned nb)
{
    u32 d = (u32)(b - a) & 0xfff;

    return d >= na && 0x1000 - d >= nb;
}

/* n bytes at [base + disp] were written. */
static void stored(struct facts *k, unsigned base, s64 disp, unsigned n)
{
    for (u32 i = k->n; i-- > 0;) {
        const struct fact *f = &k->f[i];

        if (f->base != base || !apart(f->disp, ir_bytes(f->type), disp, n))
            drop(k, i);
    }
}

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

/* Everything the operation writes beside memory. */
static void forget(struct facts *k, const struct ir_ins *i)
{
    u8 use = ir_op_info[i->op].use;
    unsigned more = ir_implicit(i->op);

    if (use & IRU_WRITES_DST)
        written(k, i->dst);
    if (use & IRU_WRITES_A)
        written(k, i->a);
    if (use & IRU_WRITES_B)
        written(k, i->b);
    for (unsigned v = 0; more; v++, more >>= 1)
        if (more & 1)
            written(k, v);
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
        switch (i->op) {
        case IR_LD:
        case IR_LDZ:
        case IR_LDX:
        case IR_LDW: break; /* memory stays */
        case IR_ST: stored(&k, i->a, i->imm, ir_bytes(i->type)); break;
        case IR_STI: stored(&k, i->a, (s32)i->imm, ir_bytes(i->type)); break;
        default:
            if (ir_op_info[i->op].attrs & IRA_MEM)
                k.n = 0; /* exec, vectors, read-modify-write: anything may be written */
        }
        forget(&k, i);
        if (i->op == IR_LD && whole(b, i, i->dst) && i->dst != i->a)
            learn(&k, i, i->dst);
        if (i->op == IR_ST && whole(b, i, i->b))
            learn(&k, i, i->b);
    }
}
