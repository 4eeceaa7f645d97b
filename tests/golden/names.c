/* Names for what host code points at and what differs from run to run: members of struct cpu,
 * stubs. */
#include "tests/golden/golden.h"

#include <stdio.h>
#include <string.h>

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

void golden_state_name(char *out, size_t n, s64 off)
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

void golden_stub_name(const struct be_stubs *s, char *out, size_t n, u64 at)
{
    const u8 *const *prepare = (const u8 *const *)(const void *)&s->prepare;
    const struct {
        const char *name;
        const u8 *at;
    } named[] = {
        {"leave", s->leave},         {"exit_link", s->exit_link},  {"exit_entry", s->exit_entry},
        {"bail", s->bail},           {"vec_load", s->vec_load[0]}, {"vec_load", s->vec_load[1]},
        {"vec_spill", s->vec_spill}, {"x87_load", s->x87_load},    {"seg", s->seg},
        {"exec", s->exec},           {"execx", s->execx},          {"quick", s->quick},
        {"quickx", s->quickx},       {"same_ds", s->same[SEG_DS]}, {"rep", s->rep},
        {"group", s->group},         {"guess", s->guess},          {"hot", s->hot},
        {"vec_slow", s->vec_slow}};
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        if (named[i].at && (u64)(uintptr_t)named[i].at == at) {
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
