/* The pair of 8259As through their ports: initialisation, priorities, EOI forms, cascade, ELCR,
 * poll. */
#include "devices/irq/i8259.h"
#include "tests/dev/rig.h"

struct pair {
    struct rig rig;
    struct i8259 *m, *s;
    struct probe intr;
};

static void icw(struct pair *p, u8 icw4)
{
    out8(&p->rig, 0x20, 0x11), out8(&p->rig, 0x21, 0x08), out8(&p->rig, 0x21, 0x04),
        out8(&p->rig, 0x21, icw4);
    out8(&p->rig, 0xa0, 0x11), out8(&p->rig, 0xa1, 0x70), out8(&p->rig, 0xa1, 0x02),
        out8(&p->rig, 0xa1, icw4);
}

static void pair_init(struct pair *p)
{
    struct err err;

    memset(&p->intr, 0, sizeof(p->intr));
    rig_init(&p->rig);
    p->m = rig_new(&p->rig, &i8259_class, "pic0");
    p->s = rig_new(&p->rig, &i8259_class, "pic1");
    ck_assert(prop_set(i8259_class.props, p->s, "base", "0xa0", &err));
    ck_assert(prop_set(i8259_class.props, p->s, "elcr", "0x4d1", &err));
    ck_assert(prop_set(i8259_class.props, p->s, "elcr-mask", "0xde", &err));
    ck_assert(prop_set(i8259_class.props, p->s, "cascade", "0", &err));
    irq_connect(&p->s->out, i8259_set_irq, p->m, 2);
    irq_connect(&p->m->out, probe_set, &p->intr, 0);
    rig_start(p->m);
    rig_start(p->s);
    icw(p, 1);
}

static void line(struct pair *p, int n, int level)
{
    i8259_set_irq(n < 8 ? p->m : p->s, n & 7, level);
}
static int ack(struct pair *p)
{
    return i8259_ack(p->m, p->s);
}

START_TEST(vectors_and_cascade)
{
    struct pair p;

    pair_init(&p);
    ck_assert_int_eq(p.intr.level, 0);
    line(&p, 1, 1);
    ck_assert_int_eq(p.intr.level, 1);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0x02);
    ck_assert_int_eq(ack(&p), 0x09);
    ck_assert_int_eq(p.intr.level, 0);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0);
    out8(&p.rig, 0x20, 0x0b);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0x02);
    line(&p, 12, 1);
    ck_assert_int_eq(p.intr.level, 0); /* IR2 is below the IR1 in service */
    out8(&p.rig, 0x20, 0x20);
    ck_assert_int_eq(p.intr.level, 1);
    ck_assert_int_eq(ack(&p), 0x74);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0x04);
    line(&p, 8, 1); /* higher on the slave, but without fully nested mode the master holds it */
    ck_assert_int_eq(p.intr.level, 0);
    out8(&p.rig, 0x20, 0x20);
    ck_assert_int_eq(ack(&p), 0x70);
    rig_free(&p.rig);
}
END_TEST

START_TEST(edge_needs_an_edge)
{
    struct pair p;

    pair_init(&p);
    line(&p, 3, 1);
    ck_assert_int_eq(ack(&p), 0x0b);
    out8(&p.rig, 0x20, 0x20);
    ck_assert_int_eq(p.intr.level, 0); /* still high, but no new edge */
    line(&p, 3, 0);
    line(&p, 3, 1);
    ck_assert_int_eq(p.intr.level, 1);
    ck_assert_int_eq(ack(&p), 0x0b);
    rig_free(&p.rig);
}
END_TEST

START_TEST(level_inputs_follow_the_line)
{
    struct pair p;

    pair_init(&p);
    out8(&p.rig, 0x4d0, 0xff);
    ck_assert_uint_eq(in8(&p.rig, 0x4d0), 0xf8); /* 0, 1, 2 are always edge */
    out8(&p.rig, 0x4d1, 0xff);
    ck_assert_uint_eq(in8(&p.rig, 0x4d1), 0xde);
    line(&p, 11, 1);
    ck_assert_int_eq(ack(&p), 0x73);
    out8(&p.rig, 0xa0, 0x20);
    out8(&p.rig, 0x20, 0x20);
    ck_assert_int_eq(p.intr.level, 1); /* asks again */
    line(&p, 11, 0);
    ck_assert_int_eq(p.intr.level, 0);
    line(&p, 5, 1);
    line(&p, 5, 0);
    ck_assert_int_eq(p.intr.level, 0);
    rig_free(&p.rig);
}
END_TEST

START_TEST(spurious)
{
    struct pair p;

    pair_init(&p);
    out8(&p.rig, 0x4d0, 0x20);
    line(&p, 5, 1);
    line(&p, 5, 0);
    ck_assert_int_eq(ack(&p), 0x0f);
    out8(&p.rig, 0x20, 0x0b);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0); /* no ISR bit */
    /* the slave's request is masked between INTR and INTA */
    line(&p, 9, 1);
    ck_assert_int_eq(p.intr.level, 1);
    p.s->r.irr = 0; /* as if it had gone in the middle of the cycle */
    ck_assert_int_eq(ack(&p), 0x77);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0x04); /* the master counts it as served */
    rig_free(&p.rig);
}
END_TEST

START_TEST(masking)
{
    struct pair p;

    pair_init(&p);
    out8(&p.rig, 0x21, 0xff);
    line(&p, 4, 1);
    ck_assert_int_eq(p.intr.level, 0);
    ck_assert_uint_eq(in8(&p.rig, 0x21), 0xff);
    out8(&p.rig, 0x21, 0xef);
    ck_assert_int_eq(p.intr.level, 1);
    ck_assert_int_eq(ack(&p), 0x0c);
    rig_free(&p.rig);
}
END_TEST

START_TEST(rotation)
{
    struct pair p;

    pair_init(&p);
    line(&p, 0, 1);
    line(&p, 4, 1);
    ck_assert_int_eq(ack(&p), 0x08);
    out8(&p.rig, 0x20, 0xa0); /* rotate on non-specific EOI: 0 is lowest now */
    line(&p, 0, 0);
    line(&p, 0, 1);
    ck_assert_int_eq(ack(&p), 0x0c);
    out8(&p.rig, 0x20, 0x64); /* specific EOI of 4 */
    ck_assert_int_eq(ack(&p), 0x08);
    out8(&p.rig, 0x20, 0x20);
    out8(&p.rig, 0x20, 0xc5); /* set priority: 5 lowest, 6 highest */
    line(&p, 5, 1);
    line(&p, 6, 1);
    ck_assert_int_eq(ack(&p), 0x0e);
    out8(&p.rig, 0x20, 0xe6); /* rotate on specific EOI of 6 */
    ck_assert_uint_eq(p.m->r.lowest, 6);
    ck_assert_int_eq(ack(&p), 0x0d);
    rig_free(&p.rig);
}
END_TEST

START_TEST(auto_eoi)
{
    struct pair p;

    pair_init(&p);
    icw(&p, 3);
    line(&p, 1, 1);
    ck_assert_int_eq(ack(&p), 0x09);
    out8(&p.rig, 0x20, 0x0b);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0);
    out8(&p.rig, 0x20, 0x80); /* rotate in automatic EOI mode */
    line(&p, 3, 1);
    ck_assert_int_eq(ack(&p), 0x0b);
    ck_assert_uint_eq(p.m->r.lowest, 3);
    /* two on the slave, one after the other, with no edge lost in between */
    line(&p, 10, 1);
    line(&p, 14, 1);
    ck_assert_int_eq(ack(&p), 0x72);
    ck_assert_int_eq(p.intr.level, 1);
    ck_assert_int_eq(ack(&p), 0x76);
    ck_assert_int_eq(p.intr.level, 0);
    rig_free(&p.rig);
}
END_TEST

START_TEST(special_mask_and_nesting)
{
    struct pair p;

    pair_init(&p);
    line(&p, 3, 1);
    ck_assert_int_eq(ack(&p), 0x0b);
    line(&p, 6, 1);
    ck_assert_int_eq(p.intr.level, 0);
    out8(&p.rig, 0x20, 0x68); /* special mask mode */
    out8(&p.rig, 0x21, 0x08);
    ck_assert_int_eq(p.intr.level, 1); /* lower ones get through while 3 is masked */
    ck_assert_int_eq(ack(&p), 0x0e);
    out8(&p.rig, 0x20, 0x20); /* ends 6, not the masked 3 */
    out8(&p.rig, 0x20, 0x0b);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0x08);
    out8(&p.rig, 0x20, 0x48);
    out8(&p.rig, 0x21, 0);
    out8(&p.rig, 0x20, 0x63);

    icw(&p, 0x11); /* special fully nested: the slave's higher requests pass */
    line(&p, 12, 1);
    ck_assert_int_eq(ack(&p), 0x74);
    line(&p, 8, 0);
    line(&p, 8, 1);
    ck_assert_int_eq(p.intr.level, 1);
    ck_assert_int_eq(ack(&p), 0x70);
    line(&p, 15, 1);
    ck_assert_int_eq(p.intr.level, 0);
    rig_free(&p.rig);
}
END_TEST

START_TEST(poll)
{
    struct pair p;

    pair_init(&p);
    out8(&p.rig, 0x20, 0x0c);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0);
    line(&p, 6, 1);
    out8(&p.rig, 0x20, 0x0c);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0x86);
    ck_assert_int_eq(p.intr.level, 0);
    out8(&p.rig, 0x20, 0x0b);
    ck_assert_uint_eq(in8(&p.rig, 0x20), 0x40);
    rig_free(&p.rig);
}
END_TEST

START_TEST(init_words)
{
    struct pair p;

    pair_init(&p);
    out8(&p.rig, 0x21, 0xff);
    line(&p, 4, 1);
    out8(&p.rig, 0x20, 0x12); /* single, no ICW4: only ICW2 follows */
    ck_assert_uint_eq(p.m->r.irr, 0);
    out8(&p.rig, 0x21, 0x27);
    out8(&p.rig, 0x21, 0x0f); /* already the mask */
    ck_assert_uint_eq(in8(&p.rig, 0x21), 0x0f);
    line(&p, 5, 1);
    ck_assert_int_eq(ack(&p), 0x25); /* low bits of ICW2 do not count */
    rig_free(&p.rig);
}
END_TEST

START_TEST(state)
{
    struct pair p;
    struct snap snap = {0};
    struct err err;

    pair_init(&p);
    out8(&p.rig, 0x4d0, 0x20);
    line(&p, 5, 1);
    line(&p, 7, 1);
    ack(&p);
    rig_reload(&p.m->dev);
    ck_assert_int_eq(p.m->out.level, i8259_pending(p.m));
    p.m->r.lowest = 9;
    dev_save(&p.m->dev, &snap);
    ck_assert(!dev_load(&p.m->dev, &snap, &err));
    ck_assert_uint_eq(p.m->r.lowest, 7);
    snap_free(&snap);
    rig_free(&p.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {vectors_and_cascade,
                                  edge_needs_an_edge,
                                  level_inputs_follow_the_line,
                                  spurious,
                                  masking,
                                  rotation,
                                  auto_eoi,
                                  special_mask_and_nesting,
                                  poll,
                                  init_words,
                                  state,
                                  NULL};

    return rig_main("pic", tests);
}
