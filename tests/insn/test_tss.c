/* Task switches in the corners: 16-bit TSSs, the order of loading, faults on the way, busy bits and
 * links, stacks, the T bit, V86 tasks (SDM vol. 3 sections 7.2 to 7.6). */
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum {
    USED = DA_P | DA_S | DA_ACCESSED,
    FLAT = USED | DA_G | DA_DB,
    D0 = SEL_FREE,
    D1 = SEL_FREE + 8,
    D2 = SEL_FREE + 16,
    NEW = 0x14000,
    THIRD = 0x15000, /* a TSS for handlers that must not need the broken task */
    STACK_NEW = 0x50000,
    LDT2 = 0x16000,
    TASK_GATE = DA_P | SYS_TASK_GATE << 8,
};

GUEST(jmp_tss, 32, "mov ecx, 0x12345678\n .byte 0xea\n .long 0\n .word 0x30\n mov edi, 0x55\n hlt");
GUEST(call_tss, 32,
      "mov ecx, 0x12345678\n .byte 0x9a\n .long 0\n .word 0x30\n mov edi, 0x77\n hlt");
GUEST(new_halt, 32, "hlt");
GUEST(new_iret, 32, "mov edx, 0x98769876\n iretd\n hlt");
GUEST(new_jmp_back, 32, ".byte 0xea\n .long 0\n .word 0x28\n hlt");
GUEST(nested, 32, ".byte 0x9a\n .long 0\n .word 0x40\n hlt");
GUEST(iret, 32, "iretd\n hlt");
GUEST(load_bad, 32, "mov ds, eax\n hlt");
GUEST(code16, 16, "mov dx, 0x1616\n iret\n hlt");
GUEST(halt16, 16, "hlt");
GUEST(user_jmp, 32, ".byte 0xea\n .long 0\n .word 0x33\n hlt");
GUEST(user_gate, 32, ".byte 0x9a\n .long 0\n .word 0x43\n hlt");
GUEST(int40, 32, "int 0x40\n mov edi, 0x77\n hlt");

static struct machine *m;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

static void put_tss(u32 at, u32 eip, u32 eflags)
{
    memset(machine_mem(m, at), 0, 0x68);
    machine_st32(m, at + 0x1c, AT_PAGES);
    machine_st32(m, at + 0x20, eip);
    machine_st32(m, at + 0x24, eflags);
    for (u32 i = 0; i < 8; i++)
        machine_st32(m, at + 0x28 + 4 * i, 0x1000 + i);
    machine_st32(m, at + 0x28 + 4 * REG_SP, STACK_NEW);
    for (u32 s = 0; s < 6; s++)
        machine_st32(m, at + 0x48 + 4 * s, s == SEG_CS ? SEL_CODE0 : SEL_DATA0);
    machine_st32(m, at + 0x60, SEL_LDT);
    machine_st32(m, at + 0x64, 0x680000);
}

/* A 16-bit TSS whose code segment D2 is based at NEW, so that IP is small. */
static void put_tss16(u32 at, u16 ip, u16 flags)
{
    u16 t[22] = {0};
    t[1] = 0x9000, t[2] = SEL_DATA0;
    t[7] = ip;
    t[8] = flags;
    for (unsigned i = 0; i < 8; i++)
        t[9 + i] = (u16)(0x2000 + i);
    t[17] = SEL_DATA0;
    t[18] = D2;
    t[19] = D1;
    t[20] = SEL_DATA0;
    t[21] = SEL_LDT;
    machine_load16(m, at, t, ARRAY_LEN(t));
    machine_desc(m, D2, NEW, 0xffff, USED | DA_CODE | DA_READ);
    machine_desc(m, D1, 0x50000, 0xffff, USED | DA_WRITE);
    machine_desc(m, SEL_TSS2, at, 0x2b, DA_P | SYS_TSS16 << 8);
}

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    put_tss(AT_TSS2, NEW, 0x2);
    machine_code(m, NEW, new_halt);
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

static unsigned tss_type(unsigned sel)
{
    return machine_ld32(m, AT_GDT + sel + 4) >> 8 & 15;
}

/* Faults of `vector` go to a third task, whose link then tells who faulted. */
static void catch_in_task(unsigned vector)
{
    put_tss(THIRD, NEW + 0x100, 0);
    machine_code(m, NEW + 0x100, new_halt);
    machine_desc(m, SEL_FREE + 0x80, THIRD, 0x67, DA_P | SYS_TSS32 << 8);
    machine_idt_gate(m, vector, SEL_FREE + 0x80, 0, TASK_GATE);
}

/* ---- 16-bit TSSs (7.6) ---- */

START_TEST(sixteen_bits)
{
    m = machine_new("max", _i);
    START(0, call_tss); /* 32 -> 16 -> 32 */
    put_tss16(AT_TSS2, 0, 2);
    machine_code(m, NEW, code16);
    m->cpu->gpr[REG_DI] = 0xabcd1234;
    machine_run(m, 20);
    ck_assert_uint_eq(REG(CX), 0x12345678); /* the 32-bit TSS kept all of it */
    ck_assert_uint_eq(REG(DI), 0x77);
    ck_assert_uint_eq(m->cpu->tr.sel, SEL_TSS);
    ck_assert_uint_eq(machine_ld16(m, AT_TSS2), SEL_TSS);
    ck_assert_uint_eq(machine_ld16(m, AT_TSS2 + 0x0e), 4); /* IP behind IRET */
    ck_assert_uint_eq(machine_ld16(m, AT_TSS2 + 0x16), 0x1616);
    ck_assert_uint_eq(machine_ld16(m, AT_TSS2 + 0x10) & FL_NT, 0);
    ck_assert_uint_eq(tss_type(SEL_TSS2), SYS_TSS16);
    /* In the 16-bit task: FS and GS null, the upper halves of the registers ones. */
    START(0, call_tss);
    put_tss16(AT_TSS2, 0, 2);
    machine_code(m, NEW, halt16);
    machine_run(m, 20);
    ck_assert_uint_eq(m->cpu->rip, 1);
    ck_assert_uint_eq(REG(CX), 0xffff2001);
    ck_assert_uint_eq(m->cpu->seg[SEG_FS].sel, 0);
    ck_assert_uint_eq(m->cpu->seg[SEG_GS].attr & DA_P, 0);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].base, 0x50000);
    ck_assert_uint_eq(m->cpu->ldt.sel, SEL_LDT);
    ck_assert_uint_eq(m->cpu->code_bits, 16);
    ck_assert(m->cpu->eflags & FL_NT);
    ck_assert_uint_eq(tss_type(SEL_TSS2), SYS_TSS16_BUSY);
    /* CR3 belongs to 32-bit TSSs only. */
    START(0, jmp_tss);
    put_tss16(AT_TSS2, 0, 2);
    machine_code(m, NEW, halt16);
    machine_paging(m);
    machine_run(m, 20);
    ck_assert_uint_eq(m->cpu->rip, 1);
    ck_assert_uint_eq(m->cpu->cr3, AT_PAGES);
    START(0, jmp_tss); /* one byte too short */
    put_tss16(AT_TSS2, 0, 2);
    machine_desc(m, SEL_TSS2, AT_TSS2, 0x2a, DA_P | SYS_TSS16 << 8);
    machine_run(m, 20);
    expect_error(m, EXC_TS, (u32)SEL_TSS2);
    machine_free(m);
}
END_TEST

/* An interrupt from a 16-bit task: inner stacks are 4 bytes each there. */
START_TEST(stacks)
{
    m = machine_new("max", _i);
    START(3, int40);
    machine_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, DA_P | SYS_INT32 << 8 | DA_DPL);
    put_tss16(AT_TSS2, 0, 2);
    m->cpu->tr = (struct seg){
        .base = AT_TSS2, .limit = 0x2b, .attr = DA_P | SYS_TSS16_BUSY << 8, .sel = SEL_TSS2};
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), 0x40);
    ck_assert_uint_eq(REG(SP), 0x9000 - 20);
    START(3, int40); /* a TSS too short for the level's stack: #TS of it, whose handler is a task */
    machine_idt_gate(m, 0x40, SEL_CODE0, AT_HANDLERS + 0x400, DA_P | SYS_INT32 << 8 | DA_DPL);
    catch_in_task(EXC_TS);
    m->cpu->tr.limit = 8;
    ck_assert_int_eq(machine_run(m, 20), CPU_EXIT_SHUTDOWN); /* nor can it be left */
    machine_free(m);
}
END_TEST

/* ---- order of loading and faults on the way (7.3) ---- */

/* The new LDT counts for the new CS: it is loaded first. */
START_TEST(ldt_before_cs)
{
    m = machine_new("max", _i);
    START(0, jmp_tss);
    machine_desc(m, D0, LDT2, 0xff, DA_P | SYS_LDT << 8);
    machine_st32(m, LDT2 + 8, 0x0000ffff);
    machine_st32(m, LDT2 + 12, 0xf0000 | FLAT | DA_CODE | DA_READ);
    machine_st32(m, LDT2 + 16, 0x0000ffff);
    machine_st32(m, LDT2 + 20, 0xf0000 | FLAT | DA_WRITE);
    machine_st32(m, AT_TSS2 + 0x60, D0);
    machine_st32(m, AT_TSS2 + 0x4c, 0x0c);
    machine_st32(m, AT_TSS2 + 0x50, 0x14);
    memset(machine_mem(m, AT_LDT), 0, 0x100);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, NEW + 1);
    ck_assert_uint_eq(m->cpu->ldt.sel, D0);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].sel, 0x0c);
    ck_assert_uint_eq(m->cpu->seg[SEG_SS].sel, 0x14);
    START(0, jmp_tss); /* a bad LDT is found before a bad CS */
    machine_st32(m, AT_TSS2 + 0x60, SEL_DATA0);
    machine_st32(m, AT_TSS2 + 0x4c, 0x1008);
    catch_in_task(EXC_TS);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, NEW + 0x101);
    ck_assert_uint_eq(machine_frame(m, 0), SEL_DATA0);
    machine_free(m);
}
END_TEST

/* A fault while the TSSs are read and written belongs to the old task, with nothing changed. */
START_TEST(faults_before)
{
    m = machine_new("max", _i);
    for (unsigned k = 0; k < 5; k++) {
        if (k == 3)
            START(0, call_tss);
        else
            START(0, jmp_tss);
        machine_paging(m);
        ctrl_write_cr0(m->cpu, m->cpu->cr0 | CR0_WP);
        switch (k) {
        case 0: machine_page(m, AT_TSS2, 0); break;         /* the new TSS is absent */
        case 1: machine_page(m, AT_TSS, AT_TSS | 5); break; /* the old one read-only */
        case 2:                                             /* the new one's second page */
            machine_desc(m, SEL_TSS2, 0x60fc0, 0x67, DA_P | SYS_TSS32 << 8);
            put_tss(0x60fc0, NEW, 2);
            machine_page(m, 0x61000, 0);
            break;
        case 3: machine_page(m, AT_TSS2, AT_TSS2 | 5); break; /* no room for the link */
        case 4: machine_page(m, AT_GDT, AT_GDT | 5); break;   /* no busy bit */
        }
        machine_run(m, 20);
        ck_assert_msg(machine_vector(m) == EXC_PF, "case %u: %d", k, machine_vector(m));
        ck_assert_uint_eq(machine_frame(m, 1), AT_CODE + 5);
        ck_assert_uint_eq(REG(CX), 0x12345678);
        ck_assert_uint_eq(m->cpu->tr.sel, SEL_TSS);
        ck_assert_uint_eq(tss_type(SEL_TSS), SYS_TSS32_BUSY);
        ck_assert_uint_eq(tss_type(SEL_TSS2), SYS_TSS32);
        ck_assert_uint_eq(m->cpu->cr0 & CR0_TS, 0);
        ck_assert_uint_eq(machine_ld32(m, AT_TSS + 0x20), 0);
    }
    machine_free(m);
}
END_TEST

/* Faults behind the switch point at the new task's first instruction; EIP beyond the limit, too. */
START_TEST(faults_behind)
{
    m = machine_new("max", _i);
    START(0, jmp_tss);
    machine_desc(m, D0, 0, 0xfff, USED | DA_CODE | DA_DB);
    machine_st32(m, AT_TSS2 + 0x4c, D0);
    machine_st32(m, AT_TSS2 + 0x20, 0x1000);
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0u);
    ck_assert_uint_eq(machine_frame(m, 1), 0x1000);
    ck_assert_uint_eq(machine_frame(m, 2), D0);
    ck_assert_uint_eq(m->cpu->tr.sel, SEL_TSS2);
    /* The new page tables hold already when the segments are loaded. */
    START(0, jmp_tss);
    machine_paging(m);
    memcpy(machine_mem(m, AT_PAGES + 0x3000), machine_mem(m, AT_PAGES), 0x2000);
    machine_st32(m, AT_PAGES + 0x3000, (AT_PAGES + 0x4000) | 7);
    machine_st32(m, AT_PAGES + 0x4000 + (AT_GDT >> 12) * 4, 0x60000 | 7);
    memcpy(machine_mem(m, 0x60000), machine_mem(m, AT_GDT), 0x1000);
    machine_st32(m, 0x60000 + SEL_DATA0 + 4, machine_ld32(m, 0x60000 + SEL_DATA0 + 4) & ~(u32)DA_P);
    machine_st32(m, AT_TSS2 + 0x1c, AT_PAGES + 0x3000);
    catch_in_task(EXC_SS);
    memcpy(machine_mem(m, 0x60000) + SEL_FREE + 0x80, machine_mem(m, AT_GDT) + SEL_FREE + 0x80, 8);
    machine_st32(m, THIRD + 0x1c, AT_PAGES);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, NEW + 0x101);
    ck_assert_uint_eq(machine_frame(m, 0), SEL_DATA0);
    ck_assert_uint_eq(machine_ld16(m, THIRD), SEL_TSS2);
    machine_free(m);
}
END_TEST

/* ---- links, busy bits, privilege (7.4, 7.2.5) ---- */

START_TEST(nesting)
{
    m = machine_new("max", _i);
    START(0, call_tss); /* two levels deep and back by the links */
    put_tss(THIRD, NEW + 0x80, 2);
    machine_desc(m, D0, THIRD, 0x67, DA_P | SYS_TSS32 << 8);
    machine_code(m, NEW, nested);
    machine_load(m, NEW + 7, iret_begin, (size_t)(iret_end - iret_begin));
    machine_code(m, NEW + 0x80, new_iret);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 0x77);
    ck_assert_uint_eq(machine_ld16(m, THIRD), SEL_TSS2);
    ck_assert_uint_eq(machine_ld16(m, AT_TSS2), SEL_TSS);
    ck_assert_uint_eq(tss_type(SEL_TSS2), SYS_TSS32);
    ck_assert_uint_eq(tss_type(D0), SYS_TSS32);
    /* A task in the chain is busy: it cannot be entered again. */
    START(0, call_tss);
    machine_code(m, NEW, new_jmp_back);
    machine_run(m, 20);
    expect_error(m, EXC_GP, (u32)SEL_TSS);
    ck_assert_uint_eq(machine_frame(m, 1), NEW);
    START(0, jmp_tss); /* JMP leaves no link: the old one is free */
    machine_code(m, NEW, new_jmp_back);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(DI), 0x55);
    ck_assert_uint_eq(tss_type(SEL_TSS2), SYS_TSS32);
    /* IRET with NT: the link must be a busy TSS in the GDT. */
    for (unsigned k = 0; k < 4; k++) {
        static const u16 link[] = {0, SEL_TSS2, SEL_DATA0, 0x44};
        START(0, iret);
        machine_st32(m, AT_TSS, link[k]);
        m->cpu->eflags |= FL_NT;
        machine_run(m, 20);
        expect_error(m, EXC_TS, (u32)(link[k] & 0xfffc));
        ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
    }
    START(0, iret); /* a busy TSS that is not present */
    machine_desc(m, SEL_TSS2, AT_TSS2, 0x67, SYS_TSS32_BUSY << 8);
    machine_st32(m, AT_TSS, SEL_TSS2);
    m->cpu->eflags |= FL_NT;
    machine_run(m, 20);
    expect_error(m, EXC_NP, (u32)SEL_TSS2);
    machine_free(m);
}
END_TEST

START_TEST(privilege)
{
    m = machine_new("max", _i);
    START(3, user_jmp); /* the descriptor's DPL */
    machine_run(m, 20);
    expect_error(m, EXC_GP, (u32)SEL_TSS2);
    START(3, user_jmp);
    machine_desc(m, SEL_TSS2, AT_TSS2, 0x67, DA_P | SYS_TSS32 << 8 | DA_DPL);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, NEW + 1);
    ck_assert_uint_eq(m->cpu->cpl, 0);
    START(3, user_gate); /* through a gate only the gate's DPL counts */
    machine_gate(m, D0, SEL_TSS2, 0, TASK_GATE | DA_DPL, 0);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, NEW + 1);
    START(3, user_gate);
    machine_gate(m, D0, SEL_TSS2, 0, TASK_GATE, 0);
    machine_run(m, 20);
    expect_error(m, EXC_GP, (u32)D0);
    START(3, int40); /* and in the IDT for INT n */
    machine_idt_gate(m, 0x40, SEL_TSS2, 0, TASK_GATE);
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0x40u * 8 + 2);
    machine_free(m);
}
END_TEST

/* Double faults as every OS catches them: a task of their own, whatever the stack was. */
START_TEST(double_fault_task)
{
    m = machine_new("max", _i);
    START(0, load_bad);
    catch_in_task(EXC_DF);
    machine_idt_gate(m, EXC_GP, 0, 0, DA_P | SYS_INT32 << 8);
    m->cpu->gpr[REG_AX] = 0x1008;
    m->cpu->gpr[REG_SP] = 2; /* no stack either */
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, NEW + 0x101);
    ck_assert_uint_eq(machine_frame(m, 0), 0);
    ck_assert_uint_eq(machine_ld32(m, AT_TSS + 0x20), AT_CODE);
    ck_assert_uint_eq(machine_ld32(m, AT_TSS + 0x38), 2);
    /* An external interrupt's task gate: no error code, EXT in what goes wrong. */
    START(0, new_halt);
    machine_idt_gate(m, 0x40, SEL_TSS, 0, TASK_GATE);
    m->cpu->eflags |= FL_IF;
    m->vector = 0x40;
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 20);
    expect_error(m, EXC_GP, SEL_TSS | 1u);
    machine_free(m);
}
END_TEST

/* The T bit's trap is the new task's, in front of its first instruction; local breakpoints go. */
START_TEST(trap_bit)
{
    m = machine_new("max", _i);
    START(0, call_tss);
    machine_st32(m, AT_TSS2 + 0x64, 0x680001);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), NEW);
    ck_assert_uint_eq(m->cpu->dr[6] & 0xe00f, DR6_BT);
    START(0, int40); /* also when an interrupt switched */
    machine_st32(m, AT_TSS2 + 0x64, 0x680001);
    machine_idt_gate(m, 0x40, SEL_TSS2, 0, TASK_GATE);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), NEW);
    START(0, call_tss); /* on the way back, the old task's own bit */
    machine_st32(m, AT_TSS + 0x64, 0x680001);
    machine_code(m, NEW, new_iret);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 12);
    START(0, jmp_tss); /* TF comes with the new flags: one instruction, then the trap */
    machine_st32(m, AT_TSS2 + 0x24, FL_TF | 2);
    machine_load(m, NEW, "\x90\xf4", 2);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_DB);
    ck_assert_uint_eq(machine_frame(m, 0), NEW + 1);
    START(0, jmp_tss);
    m->cpu->dr[7] = 0x400 | 0xff | 0x300;
    debug_update(m->cpu);
    machine_run(m, 20);
    ck_assert_uint_eq(m->cpu->dr[7], 0x400 | 0xaa | 0x200);
    machine_free(m);
}
END_TEST

/* A task in V86 mode: its selectors are paragraphs, its level 3. */
START_TEST(v86_task)
{
    m = machine_new("max", _i);
    START(0, jmp_tss);
    put_tss(AT_TSS2, 0x10, FL_VM | 2);
    for (u32 s = 0; s < 6; s++)
        machine_st32(m, AT_TSS2 + 0x48 + 4 * s, 0x1400 + s);
    machine_st32(m, AT_TSS2 + 4, AT_STACK0);
    machine_st32(m, AT_TSS2 + 8, SEL_DATA0);
    machine_load(m, 0x14010 + 0x10, "\xf4", 1); /* privileged there */
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0u);
    ck_assert_uint_eq(machine_frame(m, 1), 0x10);
    ck_assert_uint_eq(machine_frame(m, 2), 0x1401);
    ck_assert(machine_frame(m, 3) & FL_VM);
    machine_free(m);
}
END_TEST

SUITE_MAIN("tss", sixteen_bits, stacks, ldt_before_cs, faults_before, faults_behind, nesting,
           privilege, double_fault_task, trap_bit, v86_task)

#else
int main(void)
{
    puts("tss: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
