/* System instructions of long mode on random tables, selectors, frames and addresses, at levels 0
 * and 3, from 64-bit code and from compatibility mode: whatever happens, every engine must end in
 * the same state (SDM vol. 3 chapters 3, 5 and 6). LONG_CASES=n runs n cases; a difference names
 * its seed. */
#include "tests/insn/long.h"
#include "cpu/sys/ctrl.h"

#if GUEST_CODE

enum {
    PAD = 0xa000,       /* where transfers land: INT 80H in code of any size */
    OPERANDS = AT_DATA, /* selector, far pointers, MSR number, value: see set_operands() */
    FRAME = AT_DATA + 0x800,
    STACKS = 0x50000, /* of the TSS */
    SLOT0 = 12,       /* random descriptors: GDT slots from here on */
    SLOTS = 20,
    LAND = 0x80, /* vector of the pads */
    GATE = 0x90, /* vector with a random gate */
};

enum kind { PLAIN, IRETD, IRETW, RETFD, RETFQ, RETFN, POPSEL, MSR, CR0, CR3, CR4, FLAGS, DR7 };

#define CASES(X)                                                                                   \
    X(ds, 64, PLAIN, "mov ax, [0x40000]\n mov ds, eax")                                            \
    X(es, 64, PLAIN, "mov ax, [0x40000]\n mov es, eax")                                            \
    X(fs, 64, PLAIN, "mov ax, [0x40000]\n mov fs, eax")                                            \
    X(gs, 64, PLAIN, "mov ax, [0x40000]\n mov gs, eax")                                            \
    X(ss, 64, PLAIN, "mov ax, [0x40000]\n mov ss, eax\n nop")                                      \
    X(lss, 64, PLAIN, "lss eax, [0x40010]\n nop")                                                  \
    X(pop_fs, 64, POPSEL, "mov esp, 0x40800\n pop fs")                                             \
    X(jmp32, 64, PLAIN, "jmp fword ptr [0x40010]")                                                 \
    X(jmp64, 64, PLAIN, ".byte 0x48, 0xff, 0x2c, 0x25, 0x30, 0, 4, 0")                             \
    X(call32, 64, PLAIN, "mov esp, 0x40800\n call fword ptr [0x40010]")                            \
    X(call64, 64, PLAIN, "mov esp, 0x40800\n .byte 0x48, 0xff, 0x1c, 0x25, 0x30, 0, 4, 0")         \
    X(retfq, 64, RETFQ, "mov esp, 0x40800\n .byte 0x48, 0xcb")                                     \
    X(retfn, 64, RETFN, "mov esp, 0x40800\n .byte 0x48, 0xca, 16, 0")                              \
    X(retfd, 64, RETFD, "mov esp, 0x40800\n .byte 0xcb")                                           \
    X(iretq, 64, RETFQ, "mov esp, 0x40800\n iretq")                                                \
    X(iretd, 64, IRETD, "mov esp, 0x40800\n iretd")                                                \
    X(iretw, 64, IRETW, "mov esp, 0x40800\n .byte 0x66, 0xcf")                                     \
    X(intn, 64, PLAIN, "int 0x90")                                                                 \
    X(bpt, 64, PLAIN, "int3")                                                                      \
    X(lldt, 64, PLAIN, "lldt [0x40000]\n sldt eax")                                                \
    X(ltr, 64, PLAIN, "ltr [0x40000]\n str eax")                                                   \
    X(lar, 64, PLAIN, "mov edx, [0x40000]\n lar eax, edx\n lsl ecx, edx\n verr dx\n verw dx")      \
    X(syscall_, 64, PLAIN, "syscall")                                                              \
    X(sysretq, 64, PLAIN, "mov rcx, [0x40048]\n mov r11, [0x40050]\n .byte 0x48, 0x0f, 0x07")      \
    X(sysretd, 64, PLAIN, "mov rcx, [0x40048]\n mov r11, [0x40050]\n .byte 0x0f, 0x07")            \
    X(sysent, 64, PLAIN, "sysenter")                                                               \
    X(sysexd, 64, PLAIN, "mov rcx, [0x40048]\n mov rdx, [0x40048]\n .byte 0x0f, 0x35")             \
    X(sysexq, 64, PLAIN, "mov rcx, [0x40048]\n mov rdx, [0x40048]\n .byte 0x48, 0x0f, 0x35")       \
    X(swap, 64, PLAIN, "swapgs\n mov rax, gs:[0]")                                                 \
    X(msr, 64, MSR,                                                                                \
      "mov ecx, [0x40040]\n mov eax, [0x40048]\n mov edx, [0x4004c]\n wrmsr\n rdmsr")              \
    X(load, 64, PLAIN, "mov rdx, [0x40048]\n mov rax, [rdx]")                                      \
    X(store, 64, PLAIN, "mov rdx, [0x40048]\n mov [rdx+4], rax")                                   \
    X(add, 64, PLAIN, "mov rdx, [0x40048]\n add qword ptr [rdx-2], 5")                             \
    X(pushr, 64, PLAIN, "mov rsp, [0x40048]\n push rax")                                           \
    X(popr, 64, PLAIN, "mov rsp, [0x40048]\n pop rax")                                             \
    X(jmpr, 64, PLAIN, "jmp [0x40048]")                                                            \
    X(callr, 64, PLAIN, "mov esp, 0x40800\n call [0x40048]")                                       \
    X(nearret, 64, PLAIN, "mov rsp, [0x40048]\n ret")                                              \
    X(movs, 64, PLAIN, "mov esi, 0x40800\n mov rdi, [0x40048]\n mov ecx, 3\n rep movsq")           \
    X(popfq_, 64, FLAGS, "push [0x40048]\n popfq")                                                 \
    X(cr0, 64, CR0, "mov rax, [0x40048]\n mov cr0, rax")                                           \
    X(cr3, 64, CR3, "mov rax, [0x40048]\n mov cr3, rax")                                           \
    X(cr4, 64, CR4, "mov rax, [0x40048]\n mov cr4, rax")                                           \
    X(dr7, 64, DR7, "mov rax, [0x40048]\n mov dr7, rax")                                           \
    X(c_ds, 32, PLAIN, "mov ax, [0x40000]\n mov ds, eax\n mov eax, [0x40000]")                     \
    X(c_ss, 32, PLAIN, "mov ax, [0x40000]\n mov ss, eax\n nop\n push eax")                         \
    X(c_fs, 32, PLAIN, "mov ax, [0x40000]\n mov fs, eax\n mov eax, fs:[4]")                        \
    X(c_jmp, 32, PLAIN, "jmp fword ptr [0x40010]")                                                 \
    X(c_call, 32, PLAIN, "mov esp, 0x40800\n call fword ptr [0x40010]")                            \
    X(c_retf, 32, RETFD, "mov esp, 0x40800\n .byte 0xcb")                                          \
    X(c_iret, 32, IRETD, "mov esp, 0x40800\n iretd")                                               \
    X(c_int, 32, PLAIN, "int 0x90")                                                                \
    X(c_syscall, 32, PLAIN, "syscall")                                                             \
    X(c_sysret, 32, PLAIN, "mov ecx, [0x40048]\n .byte 0x0f, 0x07")                                \
    X(c_sysent, 32, PLAIN, "sysenter")                                                             \
    X(c_sysexit, 32, PLAIN, "mov ecx, [0x40048]\n mov edx, ecx\n .byte 0x0f, 0x35")                \
    X(c_load, 32, PLAIN, "mov edx, [0x40048]\n mov eax, [edx+6]\n mov eax, gs:[edx]")              \
    X(c_push, 32, PLAIN, "mov esp, [0x40048]\n push eax")                                          \
    X(c_cr0, 32, CR0, "mov eax, [0x40048]\n mov cr0, eax")

#define X(name, bits, kind, text) GUEST(name, bits, text "\n int 0x80\n hlt");
CASES(X)
#undef X
static const struct {
    const char *name;
    const u8 *begin, *end;
    u8 bits, kind;
} cases[] = {
#define X(name, bits, kind, text) {#name, name##_begin, name##_end, bits, kind},
    CASES(X)
#undef X
};

/* One case: everything follows from its seed. */
struct random {
    u64 state;
};

static u32 next(struct random *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return (u32)(r->state >> 11);
}

static bool one_in(struct random *r, u32 n)
{
    return next(r) % n == 0;
}

static u64 address(struct random *r)
{
    static const u64 some[] = {PAD,
                               LONG_HIGH + PAD,
                               NOT_CANONICAL,
                               NOT_CANONICAL - 1,
                               BIT64(32) + PAD,
                               0xffff7fffffffffffull,
                               ~(u64)0,
                               0x123456789abcdef0ull,
                               0xffff800000000000ull};
    return one_in(r, 2) ? PAD : some[next(r) % ARRAY_LEN(some)];
}

static u16 selector(struct random *r)
{
    unsigned rpl = next(r) & 3;
    switch (next(r) % 8) {
    case 0: return (u16)rpl;
    case 1: return (u16)(8 * (1 + next(r) % 11) | rpl);
    case 2: return (u16)(8 * (next(r) % 14) | 4 | rpl);
    case 3: return (u16)(8 * (SLOT0 + SLOTS - 1) | rpl); /* 16-byte ones stick out of the table */
    default: return (u16)(8 * (SLOT0 + next(r) % SLOTS) | rpl);
    }
}

static void random_descriptor(struct machine *m, struct random *r, unsigned sel)
{
    u32 attr = next(r) & 0xf0ff00, limit = one_in(r, 2) ? 0xfffff : one_in(r, 2) ? 0xafff : 0;
    bool code = attr & DA_CODE;
    if (!one_in(r, 4))
        attr |= DA_P;
    if ((attr & DA_S) && one_in(r, 2)) /* often something usable */
        attr = (attr & ~(u32)(DA_L | DA_DB)) | (code && one_in(r, 2) ? DA_L : DA_DB);
    if (attr & DA_S)
        machine_desc(m, sel, code || !one_in(r, 4) ? 0 : 0x40, limit, attr);
    else if (one_in(r, 2))
        machine_gate(m, sel, selector(r), (u32)(one_in(r, 6) ? address(r) : PAD),
                     (attr & (DA_P | DA_DPL)) | SYS_CALL32 << 8, 0);
    else
        machine_desc(m, sel, AT_TSS, 0x1fff, attr);
}

static void random_tables(struct machine *m, struct random *r)
{
    for (unsigned i = 0; i < SLOTS; i++)
        random_descriptor(m, r, 8 * (SLOT0 + i));
    for (unsigned i = 0; i < SLOTS; i++) /* upper halves of 16-byte ones */
        if (one_in(r, 3))
            machine_st64(m, AT_GDT + 8 * (SLOT0 + i),
                         one_in(r, 3) ? 0xffffffffu : (u32)one_in(r, 3) << 8);
    for (unsigned i = 0; i < 15; i++)
        random_descriptor(m, r, 8 * i | 4);
    m->cpu->gdt.limit = 8 * (SLOT0 + SLOTS) - 1;
    /* Every handler has a stack that works. */
    for (unsigned v = 0; v < 256; v++)
        long_idt_gate(m, v, SEL_CODE0, AT_HANDLERS + 16 * v, LONG_INT | (v == LAND ? DA_DPL : 0),
                      1);
    long_idt_gate(m, GATE, one_in(r, 3) ? selector(r) : SEL_CODE0, one_in(r, 8) ? address(r) : PAD,
                  one_in(r, 3) ? next(r) & 0xff00 : LONG_INT | (next(r) & DA_DPL), next(r) & 7);
    for (unsigned i = 0; i < 11; i++) /* RSP0 to RSP2, a hole, IST1 to IST7 */
        machine_st64(m, AT_TSS + 4 + 8 * i, one_in(r, 8) ? address(r) : STACKS + 0x400 * i - i % 8);
    machine_st64(m, AT_TSS + 0x24, STACKS + 0x4000);
}

static u64 value(struct random *r, unsigned kind)
{
    switch (kind) {
    case MSR: return one_in(r, 2) ? address(r) : (0xd01u ^ (1u << next(r) % 16));
    case CR0: return (CR0_PG | CR0_PE | CR0_NE | CR0_WP | CR0_ET) ^ (u64)1 << next(r) % 40;
    case CR3: return LONG_PML4 | (one_in(r, 3) ? 0x18 : (u64)1 << (40 + next(r) % 24));
    case CR4: return (CR4_PAE | CR4_OSFXSR) ^ (u64)1 << next(r) % 34;
    case FLAGS: return next(r) & 0x3fffff & ~(u32)FL_TF;
    case DR7: return (u64)1 << next(r) % 64 & ~(u64)0x20ff;
    default: return address(r);
    }
}

static void set_operands(struct machine *m, struct random *r, unsigned kind)
{
    static const u32 msrs[] = {0xc0000080, 0xc0000081, 0xc0000082, 0xc0000084, 0xc0000100,
                               0xc0000101, 0xc0000102, 0x174,      0x175};
    u16 cs = selector(r), ss = one_in(r, 2) ? selector(r) : one_in(r, 2) ? SEL_DATA0 : SEL_DATA3;
    u64 off = one_in(r, 4) ? address(r) : PAD, sp = one_in(r, 4) ? address(r) : FRAME + 0x100;
    u32 flags = next(r) & 0x3f7ed7 & ~(u32)FL_TF;
    u64 wide[6] = {off, cs, flags, sp, ss, 0};
    machine_st64(m, OPERANDS, cs);
    machine_st64(m, OPERANDS + 0x10, (off & 0xffffffffu) | (u64)cs << 32);
    machine_st64(m, OPERANDS + 0x30, off);
    machine_st64(m, OPERANDS + 0x38, cs);
    machine_st64(m, OPERANDS + 0x40, msrs[next(r) % ARRAY_LEN(msrs)]);
    machine_st64(m, OPERANDS + 0x48, value(r, kind));
    machine_st64(m, OPERANDS + 0x50, flags);
    if (kind == RETFN)
        wide[4] = sp, wide[5] = ss;
    if (kind == POPSEL)
        wide[0] = cs;
    if (kind == RETFD)
        wide[2] = sp, wide[3] = ss;
    for (unsigned i = 0; i < 6; i++) {
        if (kind == IRETD || kind == RETFD)
            machine_st32(m, FRAME + 4 * i, (u32)wide[i]);
        else if (kind == IRETW)
            machine_load(m, FRAME + 2 * i, (u8[2]){(u8)wide[i], (u8)(wide[i] >> 8)}, 2);
        else
            machine_st64(m, FRAME + 8 * i, wide[i]);
    }
}

/* Make the state of case `seed` in m; the number of its row. */
static unsigned prepare(struct machine *m, u64 seed)
{
    struct random r = {seed * 0x9e3779b97f4a7c15ull + 1};
    struct cpu *cpu = m->cpu;
    unsigned row, cpl;
    for (unsigned i = 0; i < 8; i++)
        next(&r);
    row = next(&r) % ARRAY_LEN(cases);
    cpl = one_in(&r, 2) ? 0 : 3;
    memset(machine_mem(m, STACKS - 0x1000), 0, 0x6000);
    memset(machine_mem(m, FRAME - 0x200), 0, 0x400);
    if (cases[row].bits == 64)
        machine_long(m, cpl, AT_CODE);
    else
        machine_compat(m, cpl, AT_CODE);
    for (u32 at = PAD; at < PAD + 0x400; at += 2)
        machine_load(m, at, "\xcd\x80", 2);
    machine_load(m, AT_CODE, cases[row].begin, (size_t)(cases[row].end - cases[row].begin));
    random_tables(m, &r);
    set_operands(m, &r, cases[row].kind);
    for (unsigned i = 0; i < 16; i++)
        if (i != REG_SP)
            cpu->gpr[i] = 0x1111111100000000ull * (i & 7) + i;
    cpu->star = (u64)(0x1b - next(&r) % 4) << 48 | (u64)(one_in(&r, 4) ? selector(&r) : 8u) << 32;
    cpu->lstar = one_in(&r, 4) ? LONG_HIGH + PAD : PAD;
    cpu->cstar = PAD + 16;
    cpu->sfmask = next(&r) & 0x3f7fd7;
    cpu->sysenter_cs = one_in(&r, 4) ? next(&r) & 0xffff : 8;
    cpu->sysenter_esp = FRAME + 0x80;
    cpu->sysenter_eip = PAD + 32;
    cpu->kernel_gs_base = one_in(&r, 3) ? LONG_HIGH : AT_DATA;
    cpu_set_eflags(cpu,
                   (next(&r) & 0x47ed5 & ~(u32)(FL_TF | FL_IF)) | (one_in(&r, 2) ? FL_IOPL : 0));
    cpu_update_mode(cpu);
    return row;
}

static u64 hash_memory(struct machine *m, u64 h, u32 from, u32 bytes)
{
    for (u32 at = from; at < from + bytes; at += 8)
        h = (h ^ machine_ld64(m, at)) * 0x9e3779b97f4a7c15ull, h ^= h >> 29;
    return h;
}

/* Run the case and give a hash of all that it can have changed. */
static u64 outcome(struct machine *m, enum cpu_exit *why)
{
    u64 h;
    *why = machine_run(m, 24);
    h = cpu_hash(m->cpu);
    h = hash_memory(m, h, AT_GDT, 0x100);
    h = hash_memory(m, h, AT_LDT, 0x80);
    h = hash_memory(m, h, FRAME - 0x200, 0x400);
    h = hash_memory(m, h, STACKS - 0x1000, 0x6000);
    h = hash_memory(m, h, LONG_PML4, 0x6000);
    return h ^ *why;
}

START_TEST(engines_agree)
{
    static const char *const models[] = {"qemu64", "core2duo"};
    const char *text = getenv("LONG_CASES");
    u64 n = text ? strtoull(text, NULL, 0) : 3000, landed = 0, shut = 0;
    for (unsigned i = 0; i < ARRAY_LEN(models); i++) {
        struct machine *ref = machine_new(models[i], ENGINE_EXEC);
        struct machine *m = machine_new(models[i], _i);
        for (u64 seed = 1; seed <= n; seed++) {
            enum cpu_exit ref_why, why;
            unsigned row = prepare(ref, seed);
            u64 want = outcome(ref, &ref_why), got;
            prepare(m, seed);
            got = outcome(m, &why);
            if (got != want) {
                char a[4096], b[4096];
                ck_abort_msg("%s, case %llu (%s), exits %d and %d\n%s\n%s", models[i],
                             (unsigned long long)seed, cases[row].name, ref_why, why,
                             cpu_dump(ref->cpu, a, sizeof(a)), cpu_dump(m->cpu, b, sizeof(b)));
            }
            landed += machine_vector(ref) == LAND;
            shut += ref_why == CPU_EXIT_SHUTDOWN;
        }
        machine_free(ref);
        machine_free(m);
    }
    /* The cases reach both sides: what is allowed and what is not; few end by shutdown. */
    ck_assert_uint_gt(landed, n / 4);
    ck_assert_uint_lt(landed, 2 * n - n / 4);
    ck_assert_uint_lt(shut, n / 10);
}
END_TEST

SUITE_MAIN("long_random", engines_agree)

#else
int main(void)
{
    puts("long_random: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
