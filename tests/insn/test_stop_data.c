/* Watched bytes: every access to them ends the run behind its instruction, no other does, and the
 * count of instructions is as without. */
#include "cpu/jit/jit.h"
#include "tests/insn/long.h"
#include "tests/insn/stops.h"

#if GUEST_CODE

static struct machine *m;

GUEST(store1, 32, "mov [ebx], cl\n nop\n hlt");
GUEST(store2, 32, "mov [ebx], cx\n nop\n hlt");
GUEST(store4, 32, "mov [ebx], ecx\n nop\n hlt");
GUEST(load1, 32, "mov cl, [ebx]\n nop\n hlt");
GUEST(load4, 32, "mov ecx, [ebx]\n nop\n hlt");
GUEST(rmw, 32, "inc dword ptr [ebx]\n nop\n hlt");
GUEST(locked, 32, "lock add [ebx], ecx\n nop\n hlt");
GUEST(pushed, 32, "push ecx\n nop\n hlt");
GUEST(popped, 32, "pop ecx\n nop\n hlt");
GUEST(called, 32, "call 1f\n nop\n 1: hlt");
GUEST(movups_st, 32, "movups [ebx], xmm0\n nop\n hlt");
GUEST(movups_ld, 32, "movups xmm0, [ebx]\n nop\n hlt");
GUEST(fstp_q, 32, "fninit\n fldz\n fstp qword ptr [ebx]\n nop\n hlt");
GUEST(cmpxchg8, 32, "cmpxchg8b [ebx]\n nop\n hlt");
GUEST(stosb_rep, 32, "rep stosb\n nop\n hlt");
GUEST(movsb_rep, 32, "rep movsb\n nop\n hlt");
GUEST(lodsb_rep, 32, "rep lodsb\n nop\n hlt");
GUEST(scasb_rep, 32, "repne scasb\n nop\n hlt");
GUEST(cmpsb_rep, 32, "repe cmpsb\n nop\n hlt");
GUEST(int_frame, 32, "int 0x40\n hlt");
GUEST(groups, 32,
      "1: mov [ebx], ecx\n mov [ebx + 4], ecx\n mov eax, [ebx + 8]\n mov [ebx + 12], eax\n"
      "add edx, [ebx + 4]\n loop 1b\n hlt");
GUEST(divide, 32, "div dword ptr [ebx]\n hlt");
GUEST(store64, 64, "mov [rbx], rcx\n nop\n hlt");

static void start(const u8 *begin, const u8 *end)
{
    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    m->cpu->cr4 |= CR4_OSFXSR;
    m->cpu->cr0 &= ~(u32)(CR0_EM | CR0_TS);
    cpu_update_mode(m->cpu);
}

static const struct {
    const char *name;
    const u8 *begin, *end;
    u32 len;   /* of the instruction(s) up to the access */
    u32 bytes; /* that are accessed */
    bool reads, writes;
    int reg, off; /* the address in this register, less off: pushes */
} forms[] = {
#define F(n, len, bytes, rd, wr, reg, off)                                                         \
    {                                                                                              \
#n, n##_begin, n##_end, len, bytes, rd, wr, reg, off                                       \
    }
    F(store1, 2, 1, 0, 1, REG_BX, 0),     F(store2, 3, 2, 0, 1, REG_BX, 0),
    F(store4, 2, 4, 0, 1, REG_BX, 0),     F(load1, 2, 1, 1, 0, REG_BX, 0),
    F(load4, 2, 4, 1, 0, REG_BX, 0),      F(rmw, 2, 4, 1, 1, REG_BX, 0),
    F(locked, 3, 4, 1, 1, REG_BX, 0),     F(pushed, 1, 4, 0, 1, REG_SP, 4),
    F(popped, 1, 4, 1, 0, REG_SP, 0),     F(called, 6, 4, 0, 1, REG_SP, 4),
    F(movups_st, 3, 16, 0, 1, REG_BX, 0), F(movups_ld, 3, 16, 1, 0, REG_BX, 0),
    F(fstp_q, 6, 8, 0, 1, REG_BX, 0),     F(cmpxchg8, 3, 8, 1, 1, REG_BX, 0),
#undef F
};

/* One access of form k to address `at` with a watched range: does it stop? */
static void one(size_t k, u32 at, enum stop_kind kind, u32 first, u32 len)
{
    u32 end = at + forms[k].bytes;
    bool meets = first < end && at < first + len &&
                 ((kind != STOP_READ && forms[k].writes) || (kind != STOP_WRITE && forms[k].reads));
    enum cpu_exit why;
    start(forms[k].begin, forms[k].end);
    m->cpu->gpr[forms[k].reg] = at + (u32)forms[k].off;
    m->cpu->gpr[REG_CX] = 0x12345678;
    ck_assert(stop_put(m, kind, first, len));
    why = machine_run(m, 100);
    ck_assert_msg((why == CPU_EXIT_DEBUG) == meets,
                  "%s at %x, watch %x+%x kind %d: exit %d, vector %d", forms[k].name, at, first,
                  len, kind, why, machine_vector(m));
    if (meets) {
        const struct stop_hit *hit = stop_last(m->cpu);
        ck_assert_uint_eq(m->cpu->rip, AT_CODE + forms[k].len);
        ck_assert_int_eq(hit->stop.kind, kind);
        ck_assert_uint_ge(hit->addr, first);
        ck_assert_uint_lt(hit->addr, MIN(first + len, end));
        ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_HALT);
    }
    ck_assert(stop_drop(m, kind, first, len));
}

START_TEST(to_the_byte)
{
    /* In the middle of a page, at its end, over it. */
    static const u32 at[] = {AT_DATA + 0x800, AT_DATA + 0x1000 - 16, AT_DATA + 0x1000 - 3};
    m = machine_new("max", _i);
    for (size_t k = 0; k < ARRAY_LEN(forms); k++)
        for (size_t a = 0; a < ARRAY_LEN(at); a++)
            for (u32 kind = STOP_WRITE; kind <= STOP_ACCESS; kind++) {
                u32 n = forms[k].bytes;
                one(k, at[a], kind, at[a], 1);
                one(k, at[a], kind, at[a] + n - 1, 1);
                one(k, at[a], kind, at[a] - 1, 1);
                one(k, at[a], kind, at[a] + n, 3);
                one(k, at[a], kind, at[a] - 5, 5);
                one(k, at[a], kind, at[a] - 5, 6);
                one(k, at[a], kind, at[a] - 0x3000, 0x8000);
            }
    machine_free(m);
}
END_TEST

/* A loop that ran before it is watched, and runs on behind it. */
START_TEST(warm)
{
    m = machine_new("max", _i);
    for (u32 w = 0; w < 20; w += 4) {
        u32 hits = 0;
        u64 count;
        start(groups_begin, groups_end);
        m->cpu->gpr[REG_BX] = AT_DATA;
        m->cpu->gpr[REG_CX] = 200;
        m->cpu->gpr[REG_DX] = 0;
        count = cpu_icount(m->cpu);
        ck_assert_int_eq(machine_run(m, 600), CPU_EXIT_BUDGET);
        stop_put(m, STOP_WRITE, AT_DATA + w + 1, 1);
        while (machine_run(m, 5000) == CPU_EXIT_DEBUG)
            hits++;
        ck_assert(m->cpu->halted);
        ck_assert_uint_eq(hits, w == 8 || w == 16 ? 0 : 100);
        ck_assert_uint_eq(cpu_icount(m->cpu) - count, 1201);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_DX], 20100);
        stop_drop(m, STOP_WRITE, AT_DATA + w + 1, 1);
        start(groups_begin, groups_end);
        m->cpu->gpr[REG_BX] = AT_DATA;
        m->cpu->gpr[REG_CX] = 200;
        ck_assert_int_eq(machine_run(m, 5000), CPU_EXIT_HALT);
    }
    machine_free(m);
}
END_TEST

/* String instructions stop behind the very element, and the rest of the run counts as if nothing
 * had been. */
static void strings(const u8 *begin, const u8 *end, enum stop_kind kind, bool source)
{
    enum { N = 0x1400, SRC = AT_DATA + 0x2000, DST = AT_DATA + 0x8000 };
    u64 plain = 0;
    for (u32 pass = 0; pass < 4; pass++) {
        static const u32 where[] = {0, 5, 0x1003, N - 1};
        u32 from = source ? SRC : DST, index = source ? REG_SI : REG_DI;
        for (u32 i = 0; i <= N; i++) {
            machine_mem(m, SRC)[i] = 1;
            machine_mem(m, DST)[i] = 1;
        }
        for (u32 watched = 0; watched < 2; watched++) {
            u64 count;
            start(begin, end);
            m->cpu->gpr[REG_SI] = SRC + 0x123;
            m->cpu->gpr[REG_DI] = DST;
            m->cpu->gpr[REG_CX] = N - 0x123;
            m->cpu->gpr[REG_AX] = 0;
            count = cpu_icount(m->cpu);
            if (watched && where[pass] < N - 0x123) {
                u32 at = from + (source ? 0x123 : 0) + where[pass];
                stop_put(m, kind, at, 1);
                ck_assert_int_eq(machine_run(m, 1 << 16), CPU_EXIT_DEBUG);
                ck_assert_uint_eq((u32)m->cpu->gpr[index], at + 1);
                ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], N - 0x123 - where[pass] - 1);
                ck_assert_uint_eq(m->cpu->rip, AT_CODE + 2 * !m->cpu->gpr[REG_CX]);
                ck_assert_int_eq(machine_run(m, 1 << 16), CPU_EXIT_HALT);
                stop_drop(m, kind, at, 1);
            } else {
                ck_assert_int_eq(machine_run(m, 1 << 16), CPU_EXIT_HALT);
            }
            ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0);
            if (watched)
                ck_assert_uint_eq(cpu_icount(m->cpu) - count, plain);
            plain = cpu_icount(m->cpu) - count;
        }
    }
}

START_TEST(string_runs)
{
    m = machine_new("max", _i);
    strings(stosb_rep_begin, stosb_rep_end, STOP_WRITE, false);
    strings(movsb_rep_begin, movsb_rep_end, STOP_WRITE, false);
    strings(movsb_rep_begin, movsb_rep_end, STOP_READ, true);
    strings(lodsb_rep_begin, lodsb_rep_end, STOP_READ, true);
    strings(scasb_rep_begin, scasb_rep_end, STOP_ACCESS, false);
    strings(cmpsb_rep_begin, cmpsb_rep_end, STOP_READ, true);
    strings(cmpsb_rep_begin, cmpsb_rep_end, STOP_READ, false);
    machine_free(m);
}
END_TEST

/* What the processor itself writes: the frame of an interrupt. In front of the handler, once. */
START_TEST(frames)
{
    m = machine_new("max", _i);
    start(int_frame_begin, int_frame_end);
    stop_put(m, STOP_WRITE, AT_STACK0 - 12, 4); /* EIP */
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_DEBUG);
    ck_assert_uint_eq(m->cpu->rip, AT_HANDLERS + 16 * 0x40);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK0 - 12), AT_CODE + 2);
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_HALT);
    machine_free(m);
}
END_TEST

/* An instruction that reads what is watched and then faults has not run; the fault's frame is not
 * watched. */
START_TEST(undone)
{
    m = machine_new("max", _i);
    start(divide_begin, divide_end);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_st32(m, AT_DATA, 0);
    stop_put(m, STOP_READ, AT_DATA, 4);
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_HALT);
    ck_assert_int_eq(machine_vector(m), EXC_DE);
    /* The other way round: only the frame is. */
    start(divide_begin, divide_end);
    m->cpu->gpr[REG_BX] = AT_DATA;
    stop_drop(m, STOP_READ, AT_DATA, 4);
    stop_put(m, STOP_WRITE, AT_STACK0 - 1, 1);
    ck_assert_int_eq(machine_run(m, 100), CPU_EXIT_DEBUG);
    ck_assert_uint_eq(m->cpu->rip, AT_HANDLERS);
    machine_free(m);
}
END_TEST

enum { ALIAS = 0x200000 };

/* Linear addresses, before paging is on, with a mapping that comes later, and user code. */
START_TEST(linear)
{
    m = machine_new("max", _i);
    stop_put(m, STOP_WRITE, ALIAS + 2, 1);
    for (u32 round = 0; round < 4; round++) {
        machine_protected(m, round & 1 ? 3 : 0, AT_CODE);
        machine_paging(m);
        machine_page(m, ALIAS, AT_DATA | 7);
        machine_code(m, AT_CODE, store4);
        m->cpu->gpr[REG_BX] = round & 2 ? ALIAS : AT_DATA;
        ck_assert_int_eq(machine_run(m, 2), round & 2 ? CPU_EXIT_DEBUG : CPU_EXIT_BUDGET);
        ck_assert_uint_eq(m->cpu->rip, AT_CODE + (round & 2 ? 2 : 3));
    }
    machine_free(m);
}
END_TEST

START_TEST(wide)
{
    m = machine_new("max", _i);
    for (u32 round = 0; round < 6; round++) {
        u64 at = LONG_HIGH + AT_DATA + 0xffa;
        LONG(m, round & 1 ? 3 : 0, store64);
        m->cpu->gpr[REG_BX] = at;
        stop_put(m, STOP_WRITE, at + round + 5, 1);
        ck_assert_int_eq(machine_run(m, 2), round < 3 ? CPU_EXIT_DEBUG : CPU_EXIT_BUDGET);
        if (round < 3)
            ck_assert_uint_eq(stop_last(m->cpu)->addr, at + round + 5);
        stop_drop(m, STOP_WRITE, at + round + 5, 1);
    }
    machine_free(m);
}
END_TEST

SUITE_MAIN("watched bytes", to_the_byte, warm, string_runs, frames, undone, linear, wide)
#else
int main(void)
{
    return 0;
}
#endif
