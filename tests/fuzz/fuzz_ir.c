/* Fuzz target: any text through the IR parser, the verifier and the passes. A block that the
 * verifier takes must still be one behind the passes, and printing it must give text that parses to
 * the same. */
#include "cpu/ir/ir.h"
#include "devices/core/err.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 1 << 18 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    struct ir_block *b = malloc(sizeof(*b)), *c = malloc(sizeof(*c));
    char *text = malloc(n + 1), *out = malloc(ROOM);
    struct err err;
    if (!b || !c || !text || !out)
        abort();
    memcpy(text, data, n);
    text[n] = 0;
    if (ir_parse(b, text, &err) && ir_check(b, &err)) {
        ir_print(b, out, ROOM);
        if (!ir_parse(c, out, &err) || c->n != b->n || !ir_check(c, &err))
            abort();
        ir_optimise(b, ~0u);
        if (!ir_check(b, &err)) {
            fprintf(stderr, "%s\n", err.msg);
            abort();
        }
    }
    free(b);
    free(c);
    free(text);
    free(out);
    return 0;
}
