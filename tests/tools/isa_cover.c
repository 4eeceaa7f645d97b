/* The coverage page of the instruction set, in Markdown: isa_cover [-n CASES] > isa.md. Per
 * operation: whether exec and the translator have it, how many cases of a quick series the host
 * processor has judged, and which test holds what user code cannot reach (tests/isa_tests.def).
 * Leaves 1 if an operation has no test. */
#include "cpu/exec/exec.h"
#include "tests/lock/oracle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct named {
    u16 op;
    const char *file, *word;
};
static const struct named named[] = {
#define TESTED(id, file, word) {OP_##id, file, word},
#include "tests/isa_tests.def"
#undef TESTED
};

static const bool translated[OP__COUNT] = {
#define TR(id) [OP_##id] = true,
#include "cpu/tr/have.def"
#undef TR
};

static const char *const ids[OP__COUNT] = {
#define OP(id, text, reads, writes, undef, attrs, feat) [OP_##id] = #id,
#include "cpu/isa/ops.def"
#undef OP
};

static const char *const feats[FEAT__COUNT] = {
#define FEAT(id, name, leaf, reg, bit) [FEAT_##id] = name,
#include "cpu/isa/feat.def"
#undef FEAT
};

/* Does the file hold the word? */
static bool holds(const char *file, const char *word)
{
    char buf[1 << 16];
    size_t keep = strlen(word), have = 0, n;
    bool found = false;
    FILE *f = fopen(file, "r");
    if (!f)
        return false;
    while (!found && (n = fread(buf + have, 1, sizeof(buf) - 1 - have, f)) > 0) {
        buf[have + n] = 0;
        found = strstr(buf, word) != NULL;
        have = MIN(have + n, keep);
        memmove(buf, buf + strlen(buf) - have, have);
    }
    fclose(f);
    return found;
}

/* The tests that isa_tests.def names for op, as text; an entry that is not so is complained about.
 */
static bool by_name(enum op op, char *text, size_t n)
{
    bool any = false;
    *text = 0;
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        size_t len = strlen(text);
        if (named[i].op != op)
            continue;
        if (!holds(named[i].file, named[i].word)) {
            fprintf(stderr, "tests/isa_tests.def: %s: \"%s\" is not in %s\n", ids[op],
                    named[i].word, named[i].file);
            continue;
        }
        snprintf(text + len, n - len, "%s`%s`", any ? ", " : "", named[i].file);
        any = true;
    }
    return any;
}

int main(int argc, char **argv)
{
    static struct ora_series s = {
        .count = 60000, .seed = 0x15a, .most = 1000000, .only_op = -1, .quiet = true};
    u32 missing = 0, native = 0, tr = 0;
    bool host;
    for (int c; (c = getopt(argc, argv, "n:")) != -1;)
        if (c == 'n')
            s.count = strtoull(optarg, NULL, 0);
    host = ora_series(&s, stderr);
    printf("# Instruction set coverage\n\n"
           "Native: cases of a series of %llu that ran in exec and the jit and on the host "
           "processor%s; \"rejection\": "
           "user code only gets its fault.\n\n"
           "| operation | mnemonic | feature | exec | translator | native | also tested by |\n"
           "|---|---|---|---|---|---|---|\n",
           (unsigned long long)s.ran, host ? "" : " (none: not this host)");
    for (u32 op = 0; op < OP__COUNT; op++) {
        char tests[400], count[64];
        bool ran = host && s.by_op_done[op] && ora_op_compared((enum op)op);
        bool test = by_name((enum op)op, tests, sizeof(tests));
        if (op == OP_UD)
            ran = host && s.by_op[op];
        if (!host)
            snprintf(count, sizeof(count), "-");
        else if (ran || op == OP_UD)
            snprintf(count, sizeof(count), "%llu", (unsigned long long)s.by_op[op]);
        else
            snprintf(count, sizeof(count), "%llu, %s", (unsigned long long)s.by_op[op],
                     s.by_op_done[op] ? "its end only" : "rejection");
        printf("| %s | %s | %s | %s | %s | %s | %s |\n", ids[op], op_info[op].name,
               feats[op_info[op].feat], exec_table[op] ? "yes" : "no",
               translated[op] ? "yes" : "by exec", count, tests);
        native += ran;
        tr += translated[op];
        if (!test && (host ? !ran : (op_info[op].attrs & OPA_PRIV) != 0)) {
            fprintf(stderr, "%s has no test\n", ids[op]);
            missing++;
        }
    }
    printf("\n%u operations, %u translated, %u against the host processor in all they do, %u "
           "without a test.\n",
           (u32)OP__COUNT, tr, native, missing);
    return missing || s.differ;
}
