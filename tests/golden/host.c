/* Host code as text: by Capstone, with labels, and with names for what differs from run to run. */
#include "tests/golden/golden.h"

#ifdef CONFIG_CAPSTONE

#include <stdio.h>
#include <string.h>

enum { MAX_LABELS = 64 };

struct printer {
    const struct golden_code *c;
    const struct be_stubs *stubs;
    csh cs;
    u64 labels[MAX_LABELS];
    u32 nlabels;
};

static u32 label_of(struct printer *p, u64 at)
{
    for (u32 i = 0; i < p->nlabels; i++)
        if (p->labels[i] == at)
            return i + 1;
    if (p->nlabels == MAX_LABELS)
        return 0;
    p->labels[p->nlabels++] = at;
    return p->nlabels;
}

static bool inside(const struct printer *p, u64 at)
{
    u64 host = (uintptr_t)p->c->host;
    return at >= host && at < host + p->c->size;
}

static u64 target(const struct printer *p, const cs_insn *insn)
{
    return golden_host.target(p->cs, insn);
}

static void print_insn(struct printer *p, struct golden_text *t, const cs_insn *all, u32 n, u32 at)
{
    const cs_insn *insn = &all[at];
    char text[GOLDEN_LINE], name[GOLDEN_LINE];
    u64 to = target(p, insn);
    snprintf(text, sizeof(text), "%s", insn->op_str);
    if (to) {
        char *last = strrchr(text, ',');
        if (inside(p, to))
            snprintf(name, sizeof(name), "L%u", label_of(p, to));
        else
            golden_stub_name(p->stubs, name, sizeof(name), to);
        snprintf(last ? last + 2 : text, sizeof(text) - (last ? (size_t)(last + 2 - text) : 0),
                 "%s", name);
    } else {
        golden_host.operands(all, n, at, text, sizeof(text));
    }
    for (u32 i = 0; i < p->nlabels; i++)
        if (p->labels[i] == insn->address)
            text_add(t, "  L%u:\n", i + 1);
    if (golden_host.word && !insn->id && insn->size == 4) {
        golden_host.word(ld32(insn->bytes), text, sizeof(text));
        text_add(t, "    %s\n", text);
        return;
    }
    text_add(t, "    %s%s%s\n", insn->mnemonic, *text ? " " : "", text);
}

void golden_print_host(struct golden_text *t, const struct golden_code *c, struct golden_count *n)
{
    struct printer p = {.c = c, .stubs = &c->m->cpu->jit->stubs};
    cs_insn *insn;
    u64 exec = (uintptr_t)p.stubs->exec, execx = (uintptr_t)p.stubs->execx;
    if (cs_open(golden_host.arch, golden_host.mode, &p.cs) != CS_ERR_OK)
        return;
    cs_option(p.cs, CS_OPT_DETAIL, CS_OPT_ON);
    if (golden_host.word)
        cs_option(p.cs, CS_OPT_SKIPDATA, CS_OPT_ON);
    n->all = (u32)cs_disasm(p.cs, c->host, c->size, (uintptr_t)c->host, 0, &insn);
    /* Labels first, in the order of their addresses, so that they are numbered from the top. */
    for (u32 i = 0; i < n->all; i++) {
        u64 to = target(&p, &insn[i]);
        bool wanted = false;
        for (u32 k = 0; k < n->all && !wanted; k++)
            wanted = target(&p, &insn[k]) == insn[i].address;
        if (wanted)
            label_of(&p, insn[i].address);
        if (!n->host)
            n->probes += golden_host.probe(insn, n->all, i);
        if (!n->host && golden_host.leaves(&insn[i]))
            n->host = i + 1;
        n->exec += to && (to == exec || to == execx);
    }
    for (u32 i = 0; i < n->all; i++)
        print_insn(&p, t, insn, n->all, i);
    if (!n->host)
        n->host = n->all;
    cs_free(insn, n->all);
    cs_close(&p.cs);
}

#else

void golden_print_host(struct golden_text *t, const struct golden_code *c, struct golden_count *n)
{
}

#endif
