/* How golden code of AArch64 is read: where branches go, what is named instead of printed, and
 * which instructions only find out where guest memory is (cpu/jit/a64/mem.c). */
#include "tests/golden/golden.h"

#if defined(CONFIG_CAPSTONE) && defined(CONFIG_JIT_A64)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool leaves(const cs_insn *insn)
{
    return (insn->id == ARM64_INS_B &&
            (!insn->detail || insn->detail->arm64.cc == ARM64_CC_INVALID ||
             insn->detail->arm64.cc == ARM64_CC_AL)) ||
           insn->id == ARM64_INS_BR || insn->id == ARM64_INS_RET;
}

static u64 target(csh cs, const cs_insn *insn)
{
    const cs_arm64 *x;
    switch (insn->id) {
    case ARM64_INS_B:
    case ARM64_INS_BL:
    case ARM64_INS_CBZ:
    case ARM64_INS_CBNZ:
    case ARM64_INS_TBZ:
    case ARM64_INS_TBNZ:
    case ARM64_INS_ADR:
        x = &insn->detail->arm64;
        return x->op_count ? (u64)x->operands[x->op_count - 1].imm : 0;
    }
    return 0;
}

static bool is_move(const cs_insn *insn)
{
    return insn->id == ARM64_INS_MOV || insn->id == ARM64_INS_MOVZ || insn->id == ARM64_INS_MOVN ||
           insn->id == ARM64_INS_MOVK;
}

/* Is insn[at] part of a constant of more than 32 bits: a pointer? */
static bool of_pointer(const cs_insn *insn, u32 n, u32 at)
{
    const char *comma = strchr(insn[at].op_str, ',');
    size_t len = comma ? (size_t)(comma - insn[at].op_str) : 0;
    u32 from = at, to = at;
    if (!len || insn[at].op_str[0] != 'x' || !is_move(&insn[at]) || !strchr(insn[at].op_str, '#'))
        return false;
    while (insn[from].id == ARM64_INS_MOVK && from && is_move(&insn[from - 1]))
        from--;
    while (to + 1 < n && insn[to + 1].id == ARM64_INS_MOVK &&
           strncmp(insn[to + 1].op_str, insn[at].op_str, len) == 0)
        to++;
    for (u32 k = from; k <= to; k++)
        if (strstr(insn[k].op_str, "lsl #32"))
            return true;
    return false;
}

static void operands(const cs_insn *insn, u32 n, u32 at, char *text, size_t room)
{
    char *from = strstr(text, "[x28, #"), *end, name[64], tail[64], *comma = strchr(text, ',');
    if (from && (end = strchr(from, ']')) != NULL) {
        golden_state_name(name, sizeof(name), (s64)strtoll(from + 7, NULL, 0));
        snprintf(tail, sizeof(tail), "%s", end + 1);
        snprintf(from, room - (size_t)(from - text), "[%s]%s", name, tail);
    } else if (comma && of_pointer(insn, n, at)) {
        snprintf(comma, room - (size_t)(comma - text), ", pointer");
    } else if (comma && is_move(&insn[at])) {
        /* a place in struct cpu that is far away: its number is in x16 */
        for (u32 k = at + 1; k < n && k < at + 3; k++)
            if (strncmp(text, "x16, #", 6) == 0 && strstr(insn[k].op_str, "[x28, x16]"))
                snprintf(comma, room - (size_t)(comma - text), ", cpu..");
    }
}

/* Scratch registers of probes. */
static bool scratch(const char *ops)
{
    return (ops[0] == 'w' || ops[0] == 'x') &&
           (strncmp(ops + 1, "0, ", 3) == 0 || strncmp(ops + 1, "2, ", 3) == 0 ||
            strncmp(ops + 1, "16, ", 4) == 0);
}

static bool loads_table(const cs_insn *insn)
{
    return insn->id == ARM64_INS_LDR &&
           (strstr(insn->op_str, "[x27, w0") || strstr(insn->op_str, "[x29, w0") ||
            strstr(insn->op_str, "[x27, x0") || strstr(insn->op_str, "[x29, x0"));
}

/* Does insn[at] belong to the look into a table at `load`: from the first operation on the address
 * to the branch behind it, and what follows that: the addend of long mode, the sum of a group. */
static bool looks(const cs_insn *insn, u32 n, u32 load, u32 at)
{
    u32 from, to;
    for (from = load; from && from + 8 > load; from--) {
        const cs_insn *k = &insn[from - 1];
        bool shape = k->id == ARM64_INS_ROR || k->id == ARM64_INS_EXTR || k->id == ARM64_INS_LSR ||
                     k->id == ARM64_INS_UBFX || k->id == ARM64_INS_AND || k->id == ARM64_INS_EOR ||
                     k->id == ARM64_INS_ADD || k->id == ARM64_INS_SUB;
        if (!(shape && scratch(k->op_str)) && k->id != ARM64_INS_TBNZ)
            break;
    }
    for (to = load + 1; to + 1 < n && to < load + 4; to++)
        if (insn[to].id == ARM64_INS_CBZ || insn[to].id == ARM64_INS_CBNZ)
            break;
    if (to + 1 < n &&
        (strstr(insn[to + 1].op_str, "[x17,") || strstr(insn[to + 1].op_str, ", x0, w")))
        to += insn[to + 1].id == ARM64_INS_LDR || insn[to + 1].id == ARM64_INS_ADD;
    return at >= from && at <= to;
}

static bool probe(const cs_insn *insn, u32 n, u32 at)
{
    u32 first = at > 8 ? at - 8 : 0;
    for (u32 load = first; load < n && load < at + 8; load++)
        if (loads_table(&insn[load]) && looks(insn, n, load, at))
            return true;
    return false;
}

/* Instructions of FlagM, which came after version 4 of Capstone. */
static void word(u32 w, char *text, size_t room)
{
    unsigned n = w >> 5 & 31;
    if (w == 0xd500401f)
        snprintf(text, room, "cfinv");
    else if (w == 0xd500405f)
        snprintf(text, room, "axflag");
    else if ((w & 0xffe07c10) == 0xba000400)
        snprintf(text, room, "rmif x%u, #%u, #%u", n, w >> 15 & 63, w & 15);
    else if ((w & 0xfffffc1f) == 0x3a00080d)
        snprintf(text, room, "setf8 w%u", n);
    else if ((w & 0xfffffc1f) == 0x3a00480d)
        snprintf(text, room, "setf16 w%u", n);
    else
        snprintf(text, room, ".word %#x", w);
}

const struct golden_host golden_host = {.arch = CS_ARCH_ARM64,
                                        .mode = CS_MODE_LITTLE_ENDIAN,
                                        .leaves = leaves,
                                        .target = target,
                                        .operands = operands,
                                        .probe = probe,
                                        .word = word};

#endif
