/* Fuzz target: any bytes through the decoder and the disassembler in every mode. What is decoded
 * must not depend on bytes behind it, and text must fit its buffer. */
#include "cpu/isa/isa.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void one(const u8 *p, unsigned avail, unsigned bits, u64 feats)
{
    struct insn insn, again;
    char text[128], small[9];
    enum dec_result r = decode(&insn, p, avail, bits, feats);
    if (r != DEC_OK)
        return;
    if (!insn.len || insn.len > avail || insn.op >= OP__COUNT || insn.nopnd > 4)
        abort();
    /* The very bytes are enough, and one byte less is not. */
    if (decode(&again, p, insn.len, bits, feats) != DEC_OK || again.op != insn.op ||
        again.len != insn.len)
        abort();
    if (insn.len > 1 && decode(&again, p, insn.len - 1u, bits, feats) == DEC_OK)
        abort();
    if (strlen(disasm(text, sizeof(text), &insn, 0x1000)) >= sizeof(text))
        abort();
    if (strlen(disasm(small, sizeof(small), &insn, ~(u64)0)) >= sizeof(small))
        abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    static const u8 modes[] = {16, 32, 64};
    u64 feats = ~(u64)0;
    u8 *copy;
    if (n < 2)
        return 0;
    if (data[0] & 1)
        feats = 0x5555555555555555ull << (data[0] >> 1 & 1) | FEAT_BIT(BASE) | FEAT_BIT(FPU);
    data++, n--;
    for (size_t at = 0; at < n; at++) {
        unsigned avail = (unsigned)MIN(n - at, (size_t)15);
        /* A copy of its own: reading beyond `avail` is seen. */
        copy = malloc(avail);
        if (!copy)
            return 0;
        memcpy(copy, data + at, avail);
        for (unsigned i = 0; i < ARRAY_LEN(modes); i++)
            one(copy, avail, modes[i], feats);
        free(copy);
    }
    return 0;
}
