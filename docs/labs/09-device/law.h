/* The counter among the classes of tests/dev/test_laws.c, which is compiled with this. */
#include "docs/labs/09-device/counter.h"

static void law_counter(struct law *law)
{
    struct counter *c = law_new(law, &counter_class);

    c->iobase = 0x5c0;
    law_wire(law, &c->irq);
    rig_start(c);
}

#define LAW_EXTRA_ROW {&counter_class, law_counter, NULL}
