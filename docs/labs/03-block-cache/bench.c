/* Lab 3, test bench: the same programs by the student's loop and by our interpreter; decodes are
 * counted. */
#include "docs/labs/03-block-cache/blocks.h"

#include "docs/labs/common/programs.h"
#include "docs/labs/common/score.h"

static const struct program {
    const char *name;
    const unsigned char *begin, *end;
    u32 decodes; /* at most; each instruction once would be about half as many */
} programs[] = {
    {"loop", p_loop_begin, p_loop_end, 20},
    {"fib", p_fib_begin, p_fib_end, 60},
    {"far", p_far_begin, p_far_end, 140},
    {"copy", p_copy_begin, p_copy_end, 60},
};

static void run(void *arg)
{
    blocks_run(arg);
}

static void try_program(struct score *sc, const struct program *p)
{
    struct tiny a, b;
    struct blocks *blocks;
    u64 first;
    bool done;

    tiny_init(&a, p->begin, (size_t)(p->end - p->begin));
    tiny_init(&b, p->begin, (size_t)(p->end - p->begin));
    blocks = blocks_new(&a);
    done = blocks && tiny_run(&a, run, blocks);
    tiny_reference(&b);
    if (score(sc, done && tiny_equal(&a, &b),
              "%s: same registers, flags and memory as our interpreter", p->name)) {
        score(sc, a.decoded <= p->decodes,
              "%s: %llu instructions run, %llu decoded (at most %u)", p->name,
              (unsigned long long)a.executed, (unsigned long long)a.decoded, p->decodes);
        first = a.decoded;
        tiny_again(&a);
        done = tiny_run(&a, run, blocks);
        score(sc, done && a.decoded - first <= p->decodes / 4,
              "%s: run again, %llu more decoded (at most %u)", p->name,
              (unsigned long long)(a.decoded - first), p->decodes / 4);
    }
    if (blocks)
        blocks_free(blocks);
    tiny_free(&a);
    tiny_free(&b);
}

int main(void)
{
    struct score sc = {0, 0};

    for (unsigned i = 0; i < ARRAY_LEN(programs); i++)
        try_program(&sc, &programs[i]);
    return score_status(&sc);
}
