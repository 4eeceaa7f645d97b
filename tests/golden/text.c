/* Prints a sequence: guest code by the project's disassembler, host code (host.c), their numbers. */
#include "tests/golden/golden.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct golden_text *t, const char *format, ...)
{
    char line[1024];
    va_list args;
    size_t n;
    va_start(args, format);
    n = (size_t)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (n >= sizeof(line))
        n = sizeof(line) - 1;
    if (t->len + n + 1 > t->room) {
        t->room = (t->room + n + 1) * 2;
        t->p = realloc(t->p, t->room);
        if (!t->p)
            exit(1);
    }
    memcpy(t->p + t->len, line, n + 1);
    t->len += n;
}

/* Guest instructions of the block, by decoding them again. */
static void print_guest(struct golden_text *t, const struct golden_code *c)
{
    const struct cpu *cpu = c->m->cpu;
    const u8 *p = machine_mem(c->m, (u32)jit_la(cpu, c->rip));
    u32 at = 0;
    for (u32 i = 0; c->b && i < c->b->nguest; i++) {
        struct insn insn;
        char line[128];
        if (decode(&insn, p + at, 15, cpu->code_bits, cpu->feats) != DEC_OK)
            break;
        text_add(t, "    %s\n", disasm(line, sizeof(line), &insn, c->rip + at));
        at += insn.len;
    }
}

void golden_print(struct golden_text *t, const struct golden_seq *s, const struct golden_code *c,
                  struct golden_count *n)
{
    struct golden_text body = {0};
    *n = (struct golden_count){.guest = c->b ? c->b->nguest : 0};
    if (!c->b) {
        text_add(t, "== %s (%u-bit): not translated\n", s->name, s->mode);
        return;
    }
    golden_print_host(&body, c, n);
    text_add(t, "== %s (%u-bit): guest %u, host %u of %u, %.2f each", s->name, s->mode, n->guest,
             n->host, n->all, (double)n->host / n->guest);
    if (n->probes)
        text_add(t, ", probes %u", n->probes);
    if (n->exec)
        text_add(t, ", exec %u", n->exec);
    text_add(t, "\n");
    print_guest(t, c);
    text_add(t, "  --\n");
    for (char *p = body.p, *end; p && *p; p = end + 1) {
        end = strchr(p, '\n');
        text_add(t, "%.*s\n", (int)(end - p), p);
    }
    free(body.p);
}
