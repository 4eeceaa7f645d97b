/* Instructions that only 16- and 32-bit code has, against the host's processor in a
 * compatibility-mode code segment: decimal adjustment over all inputs, short INC and DEC, SALC. */
#include "tests/insn/suite.h"

#if defined(__x86_64__) && defined(__linux__)

#include <string.h>
#include <sys/mman.h>

/* Lives below 4 GiB, where 32-bit code reaches it. */
struct low {
    u8 enter[256];  /* 64-bit code: switches stack and segment, calls `code`, comes back */
    u8 code[256];   /* 32-bit code */
    u32 target[2];  /* far pointer to code */
    u32 eax, flags; /* in and out */
    u64 rsp;
    u8 stack[1024];
};

static struct low *low;

static u8 *put(u8 *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}

static u8 *put_addr(u8 *p, const void *at)
{
    u32 a = (u32)(uintptr_t)at;
    return put(p, &a, 4);
}

static void build(const u8 *insn, size_t n)
{
    u8 *p = low->enter;
    /* push rbx, rbp, r12..r15; mov [rsp64], rsp; mov esp, stack end; mov eax, 2b; mov ds, eax;
     * lcall [target] */
    p = put(p, "\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57\x48\x89\x24\x25", 14);
    p = put_addr(p, &low->rsp);
    p = put(p, "\xbc", 1);
    p = put_addr(p, low->stack + sizeof(low->stack));
    p = put(p, "\xb8\x2b\x00\x00\x00\x8e\xd8\xff\x1c\x25", 10);
    p = put_addr(p, low->target);
    /* mov rsp, [rsp64]; pops; ret */
    p = put(p, "\x48\x8b\x24\x25", 4);
    p = put_addr(p, &low->rsp);
    put(p, "\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xc3", 11);
    /* push [flags]; popfd; mov eax, [eax]; the instruction; mov [eax], eax; pushfd; pop [flags];
     * retf */
    p = low->code;
    p = put(p, "\xff\x35", 2);
    p = put_addr(p, &low->flags);
    p = put(p, "\x9d\xa1", 2);
    p = put_addr(p, &low->eax);
    p = put(p, insn, n);
    p = put(p, "\xa3", 1);
    p = put_addr(p, &low->eax);
    p = put(p, "\x9c\x8f\x05", 3);
    p = put_addr(p, &low->flags);
    put(p, "\xcb", 1);
    low->target[0] = (u32)(uintptr_t)low->code;
    low->target[1] = 0x23;
}

static void host_run(u32 *eax, u32 *flags)
{
    void (*f)(void);
    void *at = low->enter;
    memcpy(&f, &at, sizeof(f));
    low->eax = *eax;
    low->flags = *flags;
    f();
    *eax = low->eax;
    *flags = low->flags;
}

struct form {
    const char *name;
    u8 n, bytes[3];
    bool all_ax; /* every AX matters, else every AL with some AH */
};
static const struct form forms[] = {
    {"daa", 1, {0x27}, false},    {"das", 1, {0x2f}, false},       {"aaa", 1, {0x37}, true},
    {"aas", 1, {0x3f}, true},     {"aam", 2, {0xd4, 10}, false},   {"aam", 2, {0xd4, 7}, false},
    {"aad", 2, {0xd5, 10}, true}, {"aad", 2, {0xd5, 0x13}, true},  {"inc", 1, {0x40}, false},
    {"dec", 1, {0x48}, false},    {"inc", 2, {0x66, 0x40}, false}, {"dec", 2, {0x66, 0x48}, false},
    {"salc", 1, {0xd6}, false},
};

/* The guest runs each instruction in place: state is set by hand, one instruction per cpu_run. */
static void check(struct machine *m, const struct form *f)
{
    struct insn in;
    u8 bytes[16] = {0};
    u32 mask;
    memcpy(bytes, f->bytes, f->n);
    ck_assert_int_eq(decode(&in, bytes, 15, 32, m->cpu->feats), DEC_OK);
    mask = F_ALL & ~(u32)op_info[in.op].undef;
    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, bytes, sizeof(bytes));
    build(f->bytes, f->n);
    for (u32 ax = 0; ax < 0x10000; ax += f->all_ax || ax < 0x100 ? 1 : 0x101) {
        for (u32 k = 0; k < 4; k++) {
            u32 eax = 0xabcd0000 | ax, flags = 0x202 | (k & 1 ? F_C : 0) | (k & 2 ? F_A : 0);
            m->cpu->gpr[REG_AX] = eax;
            m->cpu->rip = AT_CODE;
            cpu_set_eflags(m->cpu, flags & F_ALL);
            machine_run(m, 1);
            host_run(&eax, &flags);
            ck_assert_msg((u32)m->cpu->gpr[REG_AX] == eax, "%s of %04x flags %u: %08x, host %08x",
                          f->name, ax, k, (u32)m->cpu->gpr[REG_AX], eax);
            ck_assert_msg(!((cpu_aflags(m->cpu) ^ flags) & mask),
                          "%s of %04x flags %u: flags %03x, host %03x", f->name, ax, k,
                          cpu_aflags(m->cpu), flags & F_ALL);
        }
    }
}

START_TEST(all_inputs)
{
    struct machine *m = machine_new("max", _i);
    low = mmap(NULL, sizeof(*low), PROT_READ | PROT_WRITE | PROT_EXEC,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    ck_assert_ptr_ne(low, MAP_FAILED);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        if (_i == ENGINE_EXEC || !forms[i].all_ax)
            check(m, &forms[i]);
    machine_free(m);
}
END_TEST

SUITE_MAIN("int32_native", all_inputs)

#else
int main(void)
{
    puts("int32_native: needs Linux on an x86-64 host; nothing tested");
    return 0;
}
#endif
