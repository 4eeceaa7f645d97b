/* The one table of what libunicorn 2.0 (its translator is QEMU 5.0's) does otherwise, with
 * reasons. */
#include "tests/lock/unirules.h"

static bool lacks(const struct uni_step *st)
{
    return st->their_vector == EXC_UD && op_info[st->in.op].feat != FEAT_BASE;
}

const struct uni_rule uni_rules[] = {
    {OP_CPUID, 0, NULL, "says what processor it is"},
    {OP_RDTSC, 0, NULL, "reads a clock"},
    {OP_RDTSCP, 0, NULL, "reads a clock"},
    {OP_RDRAND, 0, NULL, "random"},
    {OP_RDSEED, 0, NULL, "random"},
    {OP_RDMSR, 0, NULL, "model-specific registers are not set up"},
    {OP_WRMSR, 0, NULL, "model-specific registers are not set up"},
    {OP_RDPMC, 0, NULL, "reads a counter"},
    {OP_IN, 0, NULL, "ports are a matter of its caller"},
    {OP_OUT, 0, NULL, "ports are a matter of its caller"},
    {OP_INS, 0, NULL, "ports are a matter of its caller"},
    {OP_OUTS, 0, NULL, "ports are a matter of its caller"},
    {OP_HLT, 0, NULL, "ends its run"},
    {UNI_ANY, UNI_ALL, lacks, "a feature that it lacks"},
};
const unsigned uni_nrules = ARRAY_LEN(uni_rules);

bool uni_excluded(const struct uni_step *st)
{
    if (op_info[st->in.op].attrs & OPA_AVX)
        return true;
    for (unsigned i = 0; i < uni_nrules; i++)
        if (uni_rules[i].op == st->in.op && !uni_rules[i].diff)
            return true;
    return false;
}

int uni_excuse(const struct uni_step *st)
{
    for (unsigned i = 0; i < uni_nrules; i++) {
        const struct uni_rule *r = &uni_rules[i];
        if (r->op != UNI_ANY && (!st->decoded || r->op != st->in.op))
            continue;
        if (r->diff && !(st->diff & ~(u32)r->diff) && (!r->when || r->when(st)))
            return (int)i;
    }
    return -1;
}
