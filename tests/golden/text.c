/* Prints a sequence: guest code by the project's disassembler, host code by Capstone, with names
 * for what differs from run to run or says nothing as a number: state, stubs, labels, pointers. */
#include "tests/golden/golden.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CONFIG_CAPSTONE
#include <capstone/capstone.h>
#endif

enum { STATE_BIAS = 140, MAX_LABELS = 64, WIDE = 256 };

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

#ifdef CONFIG_CAPSTONE

struct printer {
    const struct golden_code *c;
    const struct be_stubs *stubs;
    csh cs;
    u64 labels[MAX_LABELS];
    u32 nlabels;
};

/* Members of struct cpu that translated code addresses; arrays with the size of an element. */
static const struct {
    const char *name;
    size_t off, size, each;
} members[] = {
#define MEMBER(m)                                                                                  \
    {                                                                                              \
#m, offsetof(struct cpu, m), sizeof(((struct cpu *)0)->m), 0                               \
    }
#define MEMBERS(m)                                                                                 \
    {                                                                                              \
#m, offsetof(struct cpu, m), sizeof(((struct cpu *)0)->m), sizeof(((struct cpu *)0)->m[0]) \
    }
    MEMBERS(gpr),     MEMBER(rip),      MEMBER(af.of),  MEMBER(af.szapc), MEMBER(vec_live),
    MEMBER(x87_live), MEMBER(eflags),   MEMBER(budget), MEMBER(x87_site), MEMBER(exit_request),
    MEMBERS(seg),     MEMBERS(xmm),     MEMBER(fpu),    MEMBER(mxcsr),    MEMBER(host_mxcsr),
    MEMBERS(ymmh),    MEMBER(next_rip), MEMBERS(slots),
#undef MEMBER
#undef MEMBERS
};

/* A TLB entry's member, whichever entry it is; what lies elsewhere and has no name is "cpu..": such
 * distances change with every member that struct cpu gets. */
static void far_name(char *out, size_t n, s64 off)
{
    static const char *const fields[] = {"rd", "wr", "ex", "addend"};
    u64 at = (u64)off - offsetof(struct cpu, mmu.tlb), size = sizeof(struct tlb);
    if (off >= (s64)offsetof(struct cpu, mmu.tlb) && at < MMU__MODES * size &&
        at % size < sizeof(((struct tlb *)0)->e))
        snprintf(out, n, "tlb%u.%s", (unsigned)(at / size),
                 fields[at % size % sizeof(struct tlb_entry) / sizeof(u64)]);
    else
        snprintf(out, n, "cpu..");
}

static void state_name(char *out, size_t n, s64 off)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        u64 at = (u64)off - members[i].off, each = members[i].each;
        if (off < (s64)members[i].off || at >= members[i].size)
            continue;
        if (each)
            snprintf(out, n, "%s[%u]", members[i].name, (unsigned)(at / each));
        else
            snprintf(out, n, "%s", members[i].name);
        at = each ? at % each : at;
        if (at)
            snprintf(out + strlen(out), n - strlen(out), "+%u", (unsigned)at);
        return;
    }
    far_name(out, n, off);
}

/* "[rbp + r8 + 0x40]" becomes "[gpr[0] + r8]". */
static void rename_state(char *text, size_t room)
{
    char *from = strstr(text, "[rbp"), *to, *p, name[64], middle[64] = "", tail[WIDE];
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
    state_name(name, sizeof(name), off + STATE_BIAS);
    snprintf(from, room - (size_t)(from - text), "[%s%s]%s", name, middle, tail);
}

/* An address outside of the block: a stub, by what struct be_stubs calls it. */
static void stub_name(const struct printer *p, char *out, size_t n, u64 at)
{
    const struct be_stubs *s = p->stubs;
    const u8 *const *prepare = (const u8 *const *)(const void *)&s->prepare;
    const struct {
        const char *name;
        const u8 *at;
    } named[] = {
        {"leave", s->leave},         {"exit_link", s->exit_link},  {"exit_entry", s->exit_entry},
        {"bail", s->bail},           {"vec_load", s->vec_load[0]}, {"vec_load", s->vec_load[1]},
        {"vec_spill", s->vec_spill}, {"x87_load", s->x87_load},    {"seg", s->seg},
        {"exec", s->exec},           {"execx", s->execx},          {"quick", s->quick},
        {"quickx", s->quickx},       {"same_ds", s->same[SEG_DS]}};
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        if ((u64)(uintptr_t)named[i].at == at) {
            snprintf(out, n, "%s", named[i].name);
            return;
        }
    }
    for (size_t i = 0; i < sizeof(s->prepare) / sizeof(*prepare); i++) {
        if ((u64)(uintptr_t)prepare[i] == at) {
            snprintf(out, n, "prepare%u", (unsigned)i);
            return;
        }
    }
    snprintf(out, n, "stub");
}

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

static const cs_x86_op *operand(const cs_insn *insn, u32 i)
{
    const cs_x86 *x = &insn->detail->x86;
    return i < x->op_count ? &x->operands[i] : NULL;
}

/* Where a direct jump or call goes; 0: it is none. */
static u64 direct_target(const struct printer *p, const cs_insn *insn)
{
    const cs_x86_op *op = operand(insn, 0);
    bool jump = cs_insn_group(p->cs, insn, CS_GRP_JUMP) || cs_insn_group(p->cs, insn, CS_GRP_CALL);
    return jump && op && op->type == X86_OP_IMM ? (u64)op->imm : 0;
}

static void print_insn(struct printer *p, struct golden_text *t, const cs_insn *insn)
{
    char text[WIDE];
    u64 to = direct_target(p, insn);
    const cs_x86_op *last = operand(insn, 1);
    snprintf(text, sizeof(text), "%s", insn->op_str);
    if (to && inside(p, to)) {
        snprintf(text, sizeof(text), "L%u", label_of(p, to));
    } else if (to) {
        stub_name(p, text, sizeof(text), to);
    } else if (last && last->type == X86_OP_IMM && (u64)last->imm >> 40 &&
               !((u64)last->imm >> 47)) {
        char *comma = strrchr(text, ',');
        if (comma)
            snprintf(comma, sizeof(text) - (size_t)(comma - text), ", pointer");
    } else if (strstr(text, "[rip")) {
        char *from = strstr(text, "[rip"), *end = strchr(from, ']'), tail[64];
        snprintf(tail, sizeof(tail), "%s", end ? end + 1 : "");
        snprintf(from, sizeof(text) - (size_t)(from - text), "[code]%s", tail);
    } else {
        rename_state(text, sizeof(text));
    }
    for (u32 i = 0; i < p->nlabels; i++)
        if (p->labels[i] == insn->address)
            text_add(t, "  L%u:\n", i + 1);
    text_add(t, "    %s%s%s\n", insn->mnemonic, *text ? " " : "", text);
}

static void print_host(struct golden_text *t, const struct golden_code *c, struct golden_count *n)
{
    struct printer p = {.c = c, .stubs = &c->m->cpu->jit->stubs};
    cs_insn *insn;
    u64 exec = (uintptr_t)p.stubs->exec, execx = (uintptr_t)p.stubs->execx;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &p.cs) != CS_ERR_OK)
        return;
    cs_option(p.cs, CS_OPT_DETAIL, CS_OPT_ON);
    n->all = (u32)cs_disasm(p.cs, c->host, c->size, (uintptr_t)c->host, 0, &insn);
    /* Labels first, in the order of their addresses, so that they are numbered from the top. */
    for (u32 i = 0; i < n->all; i++) {
        u64 to = direct_target(&p, &insn[i]);
        bool wanted = false;
        for (u32 k = 0; k < n->all && !wanted; k++)
            wanted = direct_target(&p, &insn[k]) == insn[i].address;
        if (wanted)
            label_of(&p, insn[i].address);
        if (!n->host && insn[i].id == X86_INS_JMP)
            n->host = i + 1;
        n->exec += to && (to == exec || to == execx);
    }
    for (u32 i = 0; i < n->all; i++)
        print_insn(&p, t, &insn[i]);
    if (!n->host)
        n->host = n->all;
    cs_free(insn, n->all);
    cs_close(&p.cs);
}

#else

static void print_host(struct golden_text *t, const struct golden_code *c, struct golden_count *n)
{
}

#endif

void golden_print(struct golden_text *t, const struct golden_seq *s, const struct golden_code *c,
                  struct golden_count *n)
{
    struct golden_text body = {0};
    *n = (struct golden_count){.guest = c->b ? c->b->nguest : 0};
    if (!c->b) {
        text_add(t, "== %s (%u-bit): not translated\n", s->name, s->mode);
        return;
    }
    print_host(&body, c, n);
    text_add(t, "== %s (%u-bit): guest %u, host %u of %u, %.2f each", s->name, s->mode, n->guest,
             n->host, n->all, (double)n->host / n->guest);
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
