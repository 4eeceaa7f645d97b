/* How golden code of x86-64 is read: where branches go, and what is named instead of printed. */
#include "tests/golden/golden.h"

#if defined(CONFIG_CAPSTONE) && defined(CONFIG_JIT_X64)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_BIAS = 140 };

/* "[rbp + r8 + 0x40]" becomes "[gpr[0] + r8]". */
static void rename_state(char *text, size_t room)
{
    char *from = strstr(text, "[rbp"), *to, *p, name[64], middle[64] = "", tail[GOLDEN_LINE];
    s64 off = 0;
    if (!from || !(to = strchr(from, ']')))
        return;
    snprintf(tail, sizeof(tail), "%s", to + 1);
    for (p = from + 4; p < to;) {
        char sign = p[1], *next = strstr(p + 3, " + "), *minus = strstr(p + 3, " - ");
        size_t len;
        if (!next || next > to)
            next = minus && minus < to ? minus : to;
        else if (minus && minus < next)
            next = minus;
        len = (size_t)(next - p);
        if (p[3] >= '0' && p[3] <= '9') {
            s64 v = (s64)strtoull(p + 3, NULL, 0);
            off += sign == '-' ? -v : v;
        } else if (strlen(middle) + len < sizeof(middle)) {
            strncat(middle, p, len);
        }
        p = next;
    }
    golden_state_name(name, sizeof(name), off + STATE_BIAS);
    snprintf(from, room - (size_t)(from - text), "[%s%s]%s", name, middle, tail);
}

static const cs_x86_op *operand(const cs_insn *insn, u32 i)
{
    const cs_x86 *x = &insn->detail->x86;
    return i < x->op_count ? &x->operands[i] : NULL;
}

static u64 target(csh cs, const cs_insn *insn)
{
    const cs_x86_op *op = operand(insn, 0);
    bool jump = cs_insn_group(cs, insn, CS_GRP_JUMP) || cs_insn_group(cs, insn, CS_GRP_CALL);
    return jump && op && op->type == X86_OP_IMM ? (u64)op->imm : 0;
}

static void operands(const cs_insn *all, u32 n, u32 at, char *text, size_t room)
{
    const cs_insn *insn = &all[at];
    const cs_x86_op *last = operand(insn, 1);
    char *from, *end, tail[64];
    if (last && last->type == X86_OP_IMM && (u64)last->imm >> 40 && !((u64)last->imm >> 47)) {
        char *comma = strrchr(text, ',');
        if (comma)
            snprintf(comma, room - (size_t)(comma - text), ", pointer");
    } else if ((from = strstr(text, "[rip")) != NULL) {
        end = strchr(from, ']');
        snprintf(tail, sizeof(tail), "%s", end ? end + 1 : "");
        snprintf(from, room - (size_t)(from - text), "[code]%s", tail);
    } else {
        rename_state(text, room);
    }
}

static bool leaves(const cs_insn *insn)
{
    return insn->id == X86_INS_JMP;
}

/* No target is set for this host. */
static bool probe(const cs_insn *insn, u32 n, u32 at)
{
    return false;
}

const struct golden_host golden_host = {.arch = CS_ARCH_X86,
                                        .mode = CS_MODE_64,
                                        .leaves = leaves,
                                        .target = target,
                                        .operands = operands,
                                        .probe = probe};

#endif
