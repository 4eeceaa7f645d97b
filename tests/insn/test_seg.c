/* Segment loads and accesses: every check with its vector and error code (SDM vol. 3 sections 5.3
 * to 5.7). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { USED = DA_P | DA_S | DA_ACCESSED, D0 = SEL_FREE };

GUEST(load_ds, 32, "mov ds, eax\n hlt");
GUEST(load_ss, 32, "mov ss, eax\n hlt");
GUEST(read_ds, 32, "mov ds, eax\n mov ecx, [ebx]\n hlt");
GUEST(write_ds, 32, "mov ds, eax\n mov [ebx], ecx\n hlt");
GUEST(write_cs, 32, "mov cs:[ebx], ecx\n hlt");
GUEST(read_cs, 32, "mov ecx, cs:[ebx]\n hlt");
GUEST(lar, 32, "lar ecx, eax\n hlt");
GUEST(lsl, 32, "lsl ecx, eax\n hlt");
GUEST(verr, 32, "verr ax\n hlt");
GUEST(verw, 32, "verw ax\n hlt");
GUEST(lldt, 32, "lldt ax\n hlt");
GUEST(ltr, 32, "ltr ax\n hlt");
GUEST(arpl, 32, "arpl ax, cx\n hlt");
GUEST(change_fs, 32,
      "mov fs, eax\n mov ss, ebx\n mov ecx, fs:[0x2000]\n mov fs, edx\n mov ecx, fs:[0x2000]\n hlt");
GUEST(far_load, 32, "les ecx, [ebx]\n hlt");

static void start(struct machine *m, unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
}
#define START(m, cpl, name) start(m, cpl, name##_begin, name##_end)

struct load_case {
    u32 sel, attr; /* attr 0: do not write a descriptor */
    int vec;       /* -1: loads */
    u32 err;
};

static void load_cases(int engine, bool ss, unsigned cpl, const struct load_case *c,
                       size_t n)
{
    struct machine *m = machine_new("max", engine);
    for (size_t i = 0; i < n; i++) {
        if (ss)
            START(m, cpl, load_ss);
        else
            START(m, cpl, load_ds);
        if (c[i].attr)
            machine_desc(m, c[i].sel & ~3u, 0x50000, 0xfff, c[i].attr);
        m->cpu->gpr[REG_AX] = c[i].sel;
        machine_run(m, 10);
        /* At CPL 3 the HLT behind a good load is #GP(0). */
        if (c[i].vec < 0) {
            if (cpl)
                expect_error(m, EXC_GP, 0u);
            ck_assert_msg(m->cpu->seg[ss ? SEG_SS : SEG_DS].sel ==
                              (cpl && ss ? SEL_DATA0 : c[i].sel),
                          "case %zu", i);
        } else {
            ck_assert_msg(machine_vector(m) == c[i].vec, "case %zu: vector %d", i,
                          machine_vector(m));
            ck_assert_msg(machine_frame(m, 0) == c[i].err, "case %zu: error %x", i,
                          machine_frame(m, 0));
            ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
        }
    }
    machine_free(m);
}

START_TEST(data_loads)
{
    static const struct load_case c[] = {
        {0, 0, -1, 0},
        {3, 0, -1, 0}, /* null is fine */
        {D0, USED | DA_WRITE, -1, 0},
        {D0, USED, -1, 0}, /* read-only data */
        {D0, USED | DA_CODE | DA_READ, -1, 0},
        {D0, USED | DA_CODE, EXC_GP, D0}, /* execute-only */
        {D0, DA_P | SYS_LDT << 8, EXC_GP, D0},
        {D0, (USED | DA_WRITE) & ~DA_P, EXC_NP, D0},
        {D0 | 3, USED | DA_WRITE, EXC_GP, D0},                  /* RPL 3, DPL 0 */
        {D0 | 3, USED | DA_CODE | DA_READ | DA_CONFORM, -1, 0}, /* conforming: no privilege check */
        {0x1008, 0, EXC_GP, 0x1008},                            /* beyond the GDT */
        {0x10c, 0, EXC_GP, 0x10c},                              /* beyond the LDT */
        {D0 | 4, USED | DA_WRITE, -1, 0},                       /* in the LDT */
        {D0 | 3, USED | DA_WRITE | DA_DPL, -1, 0},
    };
    load_cases(_i, false, 0, c, ARRAY_LEN(c));
}
END_TEST

START_TEST(stack_loads)
{
    static const struct load_case c[] = {
        {0, 0, EXC_GP, 0},
        {D0, USED | DA_WRITE, -1, 0},
        {D0, USED, EXC_GP, D0},
        {D0, USED | DA_CODE | DA_READ, EXC_GP, D0},
        {D0 | 3, USED | DA_WRITE | DA_DPL, EXC_GP, D0},
        {D0, USED | DA_WRITE | DA_DPL, EXC_GP, D0},
        {D0, (USED | DA_WRITE) & ~DA_P, EXC_SS, D0},
    };
    load_cases(_i, true, 0, c, ARRAY_LEN(c));
}
END_TEST

START_TEST(user_loads)
{
    static const struct load_case c[] = {
        {D0, USED | DA_WRITE, EXC_GP, D0},
        {D0, USED | DA_WRITE | DA_DPL, -1, 0},
        {D0 | 3, USED | DA_WRITE | DA_DPL, -1, 0},
    };
    load_cases(_i, false, 3, c, ARRAY_LEN(c));
}
END_TEST

START_TEST(accessed_bit)
{
    struct machine *m = machine_new("max", _i);
    START(m, 0, load_ds);
    machine_desc(m, D0, 0x50000, 0xfff, DA_P | DA_S | DA_WRITE);
    m->cpu->gpr[REG_AX] = D0;
    machine_run(m, 10);
    ck_assert_uint_eq(machine_ld32(m, AT_GDT + D0 + 4) & DA_ACCESSED, DA_ACCESSED);
    machine_free(m);
}
END_TEST

struct access_case {
    u32 attr, limit, off;
    bool write, ok;
};

START_TEST(limits_and_rights)
{
    static const struct access_case c[] = {
        {USED | DA_WRITE, 0xfff, 0xffc, false, true},
        {USED | DA_WRITE, 0xfff, 0xffd, false, false},
        {USED | DA_WRITE, 0xfff, 0xffd, true, false},
        {USED | DA_WRITE, 0xfff, 0xfffffffe, true, false},
        {USED, 0xfff, 0, false, true},
        {USED, 0xfff, 0, true, false}, /* read-only */
        {USED | DA_CODE | DA_READ, 0xfff, 0, false, true},
        {USED | DA_CODE | DA_READ, 0xfff, 0, true, false},
        {USED | DA_WRITE | DA_G, 1, 0x1ffc, true, true}, /* pages */
        {USED | DA_WRITE | DA_G, 1, 0x1ffd, true, false},
        {USED | DA_WRITE | DA_EXPDOWN | DA_DB, 0xfff, 0x1000, true,
         true}, /* expand-down: above the limit */
        {USED | DA_WRITE | DA_EXPDOWN | DA_DB, 0xfff, 0xfff, true, false},
        {USED | DA_WRITE | DA_EXPDOWN | DA_DB, 0xfff, 0xffc, false, false},
        {USED | DA_WRITE | DA_EXPDOWN, 0xfff, 0xfffc, true, true}, /* 16-bit: ends at 64 KiB */
        {USED | DA_WRITE | DA_EXPDOWN, 0xfff, 0xfffd, true, false},
        {USED | DA_WRITE | DA_EXPDOWN, 0xfff, 0x10000, true, false},
        {0, 0, 0, false, false}, /* null */
        {0, 0, 0, true, false},
    };
    struct machine *m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        if (c[i].write)
            START(m, 0, write_ds);
        else
            START(m, 0, read_ds);
        machine_desc(m, D0, 0x50000, c[i].limit, c[i].attr);
        machine_st32(m, 0x50000 + (c[i].off & 0x1ffff), 0x13572468);
        m->cpu->gpr[REG_AX] = c[i].attr ? D0 : 0;
        m->cpu->gpr[REG_BX] = c[i].off;
        m->cpu->gpr[REG_CX] = 0xabcdef01;
        machine_run(m, 10);
        if (!c[i].ok) {
            ck_assert_msg(machine_vector(m) == EXC_GP, "case %zu: %d", i, machine_vector(m));
            ck_assert_uint_eq(machine_frame(m, 0), 0);
        } else {
            ck_assert_msg(machine_vector(m) == -1, "case %zu: %d", i, machine_vector(m));
            if (c[i].write)
                ck_assert_uint_eq(machine_ld32(m, 0x50000 + c[i].off), 0xabcdef01);
            else
                ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0x13572468);
        }
    }
    machine_free(m);
}
END_TEST

START_TEST(code_segment_access)
{
    struct machine *m = machine_new("max", _i);
    START(m, 0, write_cs);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(m, 0, read_cs);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_st32(m, AT_DATA, 77);
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 77);
    machine_free(m);
}
END_TEST

struct ask_case {
    u32 sel, attr, limit;
    unsigned cpl;
    s64 lar, lsl; /* -1: ZF = 0 */
    bool verr, verw;
};

START_TEST(questions)
{
    static const struct ask_case c[] = {
        {D0, USED | DA_WRITE, 0x123, 0, USED | DA_WRITE, 0x123, true, true},
        {D0, USED | DA_G | DA_DB, 0x1, 0, USED | DA_G | DA_DB, 0x1fff, true, false},
        {D0, USED | DA_CODE, 0xff, 0, USED | DA_CODE, 0xff, false, false},
        {D0 | 3, USED | DA_WRITE, 0xff, 0, -1, -1, false, false},
        {D0, USED | DA_WRITE, 0xff, 3, -1, -1, false, false},
        {D0, USED | DA_CODE | DA_CONFORM | DA_READ, 0xff, 3, USED | DA_CODE | DA_CONFORM | DA_READ,
         0xff, true, false},
        {D0, DA_P | SYS_CALL32 << 8, 0, 0, DA_P | SYS_CALL32 << 8, -1, false, false},
        {D0, DA_P | SYS_INT32 << 8, 0, 0, -1, -1, false, false},
        {D0, DA_P | SYS_TSS32 << 8, 0x67, 0, DA_P | SYS_TSS32 << 8, 0x67, false, false},
        {D0, DA_P | SYS_LDT << 8, 0x67, 0, DA_P | SYS_LDT << 8, 0x67, false, false},
        {D0, DA_P | SYS_TASK_GATE << 8, 0, 0, DA_P | SYS_TASK_GATE << 8, -1, false, false},
        {0, 0, 0, 0, -1, -1, false, false},
        {0x1008, 0, 0, 0, -1, -1, false, false},
    };
    struct machine *m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        for (unsigned k = 0; k < 4; k++) {
            bool zf;
            switch (k) {
            case 0: START(m, c[i].cpl, lar); break;
            case 1: START(m, c[i].cpl, lsl); break;
            case 2: START(m, c[i].cpl, verr); break;
            default: START(m, c[i].cpl, verw); break;
            }
            if (c[i].attr)
                machine_desc(m, D0, 0, c[i].limit, c[i].attr);
            m->cpu->gpr[REG_AX] = c[i].sel;
            m->cpu->gpr[REG_CX] = 0xdeadbeef;
            machine_run(m, 10);
            zf = cpu_aflags(m->cpu) & F_Z;
            if (k < 2) {
                s64 want = k ? c[i].lsl : c[i].lar;
                ck_assert_msg(zf == (want >= 0), "case %zu/%u", i, k);
                ck_assert_msg((u32)m->cpu->gpr[REG_CX] == (want < 0 ? 0xdeadbeef : (u32)want),
                              "case %zu/%u: %x", i, k, (u32)m->cpu->gpr[REG_CX]);
            } else {
                ck_assert_msg(zf == (k == 2 ? c[i].verr : c[i].verw), "case %zu/%u", i, k);
            }
        }
    }
    machine_free(m);
}
END_TEST

START_TEST(lldt_and_ltr)
{
    struct machine *m = machine_new("max", _i);
    START(m, 0, lldt);
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->ldt.attr & DA_P, 0);
    START(m, 0, lldt);
    m->cpu->gpr[REG_AX] = SEL_DATA0;
    machine_run(m, 10);
    expect_error(m, EXC_GP, (u32)SEL_DATA0);
    START(m, 0, lldt);
    machine_desc(m, D0, 0, 0xff, SYS_LDT << 8);
    m->cpu->gpr[REG_AX] = D0;
    machine_run(m, 10);
    expect_error(m, EXC_NP, (u32)D0);
    START(m, 3, lldt);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    START(m, 0, ltr);
    m->cpu->gpr[REG_AX] = SEL_TSS2;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq(m->cpu->tr.sel, SEL_TSS2);
    ck_assert_uint_eq(machine_ld32(m, AT_GDT + SEL_TSS2 + 4) >> 8 & 15, SYS_TSS32_BUSY);
    START(m, 0, ltr); /* busy */
    m->cpu->gpr[REG_AX] = SEL_TSS;
    machine_run(m, 10);
    expect_error(m, EXC_GP, (u32)SEL_TSS);
    START(m, 0, ltr);
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u);
    /* #UD in real mode */
    machine_real(m, 0x6000);
    machine_code(m, 0x6000, lldt);
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_UD);
    machine_free(m);
}
END_TEST

START_TEST(arpl_and_far_pointer)
{
    struct machine *m = machine_new("max", _i);
    START(m, 0, arpl);
    m->cpu->gpr[REG_AX] = 0x1230;
    m->cpu->gpr[REG_CX] = 0x3;
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], 0x1233);
    ck_assert(cpu_aflags(m->cpu) & F_Z);
    START(m, 0, arpl);
    m->cpu->gpr[REG_AX] = 0x1233;
    m->cpu->gpr[REG_CX] = 0x1;
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], 0x1233);
    ck_assert(!(cpu_aflags(m->cpu) & F_Z));
    /* LES loads nothing when the selector is bad. */
    START(m, 0, far_load);
    machine_st32(m, AT_DATA, 0x11223344);
    machine_st32(m, AT_DATA + 4, 0x1008);
    m->cpu->gpr[REG_BX] = AT_DATA;
    m->cpu->gpr[REG_CX] = 5;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0x1008u);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 5);
    START(m, 0, far_load);
    machine_st32(m, AT_DATA + 4, SEL_DATA3);
    m->cpu->gpr[REG_BX] = AT_DATA;
    machine_run(m, 10);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_CX], 0x11223344);
    ck_assert_uint_eq(m->cpu->seg[SEG_ES].sel, SEL_DATA3);
    machine_free(m);
}
END_TEST

/* Real mode: 64 KiB limits, and limits that stay behind from protected mode ("unreal"). */
GUEST(real_read, 16, "mov eax, [ebx]\n hlt");
GUEST(real_stack, 16, "push eax\n hlt");
GUEST(unreal, 16,
      "lgdt [0x600]\n mov eax, cr0\n or al, 1\n mov cr0, eax\n mov bx, 0x10\n mov ds, bx\n"
      "and al, 0xfe\n mov cr0, eax\n xor bx, bx\n mov ds, bx\n mov ebx, 0x123456\n mov eax, "
      "[ebx]\n hlt");

START_TEST(real_limits)
{
    struct machine *m = machine_new("max", _i);
    machine_real(m, 0x6000);
    machine_code(m, 0x6000, real_read);
    m->cpu->gpr[REG_BX] = 0xfffc;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    machine_real(m, 0x6000);
    m->cpu->gpr[REG_BX] = 0xfffd;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_GP);
    ck_assert_uint_eq(machine_frame(m, 0) & 0xffff,
                      0x6000); /* no error code in real mode: IP is on top */
    machine_real(m, 0x6000);
    m->cpu->gpr[REG_BX] = 0x10000;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), EXC_GP);
    /* A push that does not fit: #SS, and its frame does not fit either: shutdown. */
    machine_real(m, 0x6000);
    machine_code(m, 0x6000, real_stack);
    m->cpu->gpr[REG_SP] = 1;
    ck_assert_int_eq(machine_run(m, 10), CPU_EXIT_SHUTDOWN);
    machine_free(m);
}
END_TEST

START_TEST(unreal_mode)
{
    struct machine *m = machine_new("max", _i);
    u8 gdtr[6] = {0xff, 0x0f, AT_GDT & 0xff, AT_GDT >> 8, 0, 0};
    machine_real(m, 0x6000);
    machine_code(m, 0x6000, unreal);
    machine_load(m, 0x600, gdtr, sizeof(gdtr));
    machine_desc(m, 0x10, 0, 0xfffff, USED | DA_WRITE | DA_G | DA_DB);
    machine_st32(m, 0x123456, 0xcafe0001);
    machine_run(m, 30);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], 0xcafe0001);
    machine_free(m);
}
END_TEST

/* Alignment checks: CPL 3 with AM and AC only. */
GUEST(unaligned, 32, "mov ecx, [ebx]\n hlt");

START_TEST(alignment)
{
    struct machine *m = machine_new("max", _i);
    START(m, 3, unaligned);
    m->cpu->cr0 |= CR0_AM;
    m->cpu->eflags |= FL_AC;
    cpu_update_mode(m->cpu);
    m->cpu->gpr[REG_BX] = AT_DATA + 2;
    machine_run(m, 10);
    expect_error(m, EXC_AC, 0u);
    START(m, 3, unaligned);
    m->cpu->cr0 |= CR0_AM;
    m->cpu->eflags |= FL_AC;
    cpu_update_mode(m->cpu);
    m->cpu->gpr[REG_BX] = AT_DATA + 4;
    machine_run(m, 10);
    expect_error(m, EXC_GP, 0u); /* the HLT */
    START(m, 0, unaligned);
    m->cpu->cr0 |= CR0_AM;
    m->cpu->eflags |= FL_AC;
    cpu_update_mode(m->cpu);
    m->cpu->gpr[REG_BX] = AT_DATA + 2;
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    machine_free(m);
}
END_TEST

/* Translations assume of a segment that it reaches 4 GiB only as long as it does: a change of its
 * limit alone, with the same base, is seen by the next access. */
START_TEST(limit_changes)
{
    struct machine *m = machine_new("max", _i);
    START(m, 0, change_fs);
    machine_desc(m, D0, 0x10000, 0xfffff, USED | DA_WRITE | DA_G | DA_DB);
    machine_desc(m, D0 + 8, 0x10000, 0xfff, USED | DA_WRITE | DA_DB);
    machine_st32(m, 0x12000, 0x600df00d);
    m->cpu->gpr[REG_AX] = D0;
    m->cpu->gpr[REG_DX] = D0 + 8;
    m->cpu->gpr[REG_BX] = SEL_DATA0; /* a load of SS looks at the whole mode */
    machine_run(m, 10);
    ck_assert_uint_eq(m->cpu->gpr[REG_CX], 0x600df00d);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

SUITE_MAIN("seg", data_loads, stack_loads, user_loads, accessed_bit, limits_and_rights,
           code_segment_access, questions, lldt_and_ltr, arpl_and_far_pointer, real_limits,
           unreal_mode, alignment, limit_changes)

#else
int main(void)
{
    puts("seg: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
