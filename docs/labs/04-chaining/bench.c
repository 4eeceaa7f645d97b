/* Lab 4, test bench: searches are counted, and a block is changed behind the cache's back. */
#include "docs/labs/04-chaining/chain.h"

#include "docs/labs/common/programs.h"
#include "docs/labs/common/score.h"

/* A loop that calls a function; the test bench writes another one in its place. */
GUEST(p_change, 32,
      "mov ecx, 100\n xor eax, eax\n"
      "1: call 2f\n dec ecx\n jnz 1b\n mov [0x40000], eax\n hlt\n"
      ".org p_change_begin + 0x40\n 2: add eax, 3\n ret");
enum { CHANGE_AT = TINY_CODE + 64 };
static const u8 add5[] = {0x83, 0xc0, 0x05, 0xc3}; /* add eax, 5; ret */

static const struct program {
    const char *name;
    const unsigned char *begin, *end;
    u32 percent; /* of blocks that may be searched for */
} programs[] = {
    {"loop", p_loop_begin, p_loop_end, 2},
    {"fib", p_fib_begin, p_fib_end, 60},
    {"far", p_far_begin, p_far_end, 60},
    {"copy", p_copy_begin, p_copy_end, 1},
};

static void run(void *arg)
{
    chain_run(arg);
}

/* How many blocks the program runs: what a cache without links would search for. */
static u64 blocks_of(const struct program *p)
{
    struct tiny t;
    u64 n = 1;

    tiny_init(&t, p->begin, (size_t)(p->end - p->begin));
    while (!tiny_halted(&t)) {
        struct insn insn;

        if (!tiny_decode(&t, tiny_eip(&t), &insn))
            break;
        n += tiny_ends_block(&insn);
        tiny_execute(&t, &insn);
    }
    tiny_free(&t);
    return n;
}

static void try_program(struct score *sc, const struct program *p)
{
    struct tiny a, b;
    struct chain *chain;
    u64 most = blocks_of(p) * p->percent / 100;

    tiny_init(&a, p->begin, (size_t)(p->end - p->begin));
    tiny_init(&b, p->begin, (size_t)(p->end - p->begin));
    chain = chain_new(&a);
    if (score(sc, chain && tiny_run(&a, run, chain) && (tiny_reference(&b), tiny_equal(&a, &b)),
              "%s: same registers, flags and memory as our interpreter", p->name))
        score(sc, a.looked_up && a.looked_up <= most, "%s: %llu blocks searched for (at most %llu)",
              p->name, (unsigned long long)a.looked_up, (unsigned long long)most);
    if (chain)
        chain_free(chain);
    tiny_free(&a);
    tiny_free(&b);
}

static void try_change(struct score *sc)
{
    struct tiny t;
    struct chain *chain;
    bool ok;

    tiny_init(&t, p_change_begin, (size_t)(p_change_end - p_change_begin));
    chain = chain_new(&t);
    ok = chain && tiny_run(&t, run, chain) && tiny_ld32(&t, TINY_DATA) == 300;
    if (score(sc, ok, "change: the function as it was first gives 300")) {
        tiny_load(&t, CHANGE_AT, add5, sizeof(add5));
        chain_drop(chain, CHANGE_AT);
        tiny_again(&t);
        ok = tiny_run(&t, run, chain);
        score(sc, ok && tiny_ld32(&t, TINY_DATA) == 500,
              "change: behind chain_drop the new function runs: %u (500)",
              tiny_ld32(&t, TINY_DATA));
    }
    if (chain)
        chain_free(chain);
    tiny_free(&t);
}

int main(void)
{
    struct score sc = {0, 0};

    for (unsigned i = 0; i < ARRAY_LEN(programs); i++)
        try_program(&sc, &programs[i]);
    try_change(&sc);
    return score_status(&sc);
}
