/* Lab 2, test bench: every opcode of the list with every ModRM and SIB byte, compared with the
 * decoder of the project. */
#include "docs/labs/02-decode/decode.h"

#include "docs/labs/common/score.h"

#include <string.h>

/* The opcodes of the list, as stretches. */
static const struct stretch {
    u8 first, last;
    const char *name;
} stretches[] = {
    {0x00, 0x05, "add"},        {0x08, 0x0d, "or"},          {0x10, 0x15, "adc"},
    {0x18, 0x1d, "sbb"},        {0x20, 0x25, "and"},         {0x28, 0x2d, "sub"},
    {0x30, 0x35, "xor"},        {0x38, 0x3d, "cmp"},         {0x40, 0x4f, "inc, dec"},
    {0x50, 0x5f, "push, pop"},  {0x68, 0x68, "push imm32"},  {0x6a, 0x6a, "push imm8"},
    {0x70, 0x7f, "jcc"},        {0x80, 0x81, "group 80, 81"}, {0x83, 0x83, "group 83"},
    {0x84, 0x85, "test"},       {0x88, 0x8b, "mov"},         {0x8d, 0x8d, "lea"},
    {0x90, 0x90, "nop"},        {0xa8, 0xa9, "test imm"},    {0xb0, 0xbf, "mov imm"},
    {0xc3, 0xc3, "ret"},        {0xc6, 0xc7, "mov imm to memory"}, {0xe8, 0xe9, "call, jmp"},
    {0xeb, 0xeb, "jmp short"},  {0xf4, 0xf4, "hlt"},         {0xf6, 0xf7, "group F6, F7"},
    {0xfe, 0xff, "group FE, FF"},
};

/* The first encoding of the stretch that is decoded otherwise, into p; how many were tried. */
static unsigned try_stretch(const struct stretch *s, u8 *p, struct lab_insn *got, struct insn *want,
                            bool *wrong)
{
    unsigned tried = 0;

    *wrong = false;
    for (unsigned opcode = s->first; opcode <= s->last; opcode++)
        for (unsigned modrm = 0; modrm < 256; modrm++)
            for (unsigned sib = 0; sib < 256; sib++) {
                p[0] = (u8)opcode;
                p[1] = (u8)modrm;
                p[2] = (u8)sib;
                /* Far calls and jumps of FF and what is no instruction are not in the list. */
                if (decode(want, p, 15, 32, FEAT_ALL) != DEC_OK || want->op == OP_CALLF ||
                    want->op == OP_JMPF)
                    continue;
                tried++;
                memset(got, 0, sizeof(*got));
                if (!lab_decode(got, p) || got->op != want->op || got->len != want->len) {
                    *wrong = true;
                    return tried;
                }
            }
    return tried;
}

int main(void)
{
    struct score sc = {0, 0};
    u8 p[15];

    for (unsigned i = 0; i < sizeof(p); i++)
        p[i] = (u8)(0x11 * i);
    for (unsigned i = 0; i < ARRAY_LEN(stretches); i++) {
        struct lab_insn got;
        struct insn want;
        bool wrong;
        unsigned tried = try_stretch(&stretches[i], p, &got, &want, &wrong);

        if (!wrong)
            score(&sc, true, "%02x to %02x (%s): %u encodings", stretches[i].first,
                  stretches[i].last, stretches[i].name, tried);
        else
            score(&sc, false, "%02x to %02x (%s): %02x %02x %02x is %s, %u bytes; yours: %s, %u",
                  stretches[i].first, stretches[i].last, stretches[i].name, p[0], p[1], p[2],
                  op_info[want.op].name, want.len,
                  got.len && got.op < OP__COUNT ? op_info[got.op].name : "nothing", got.len);
    }
    return score_status(&sc);
}
