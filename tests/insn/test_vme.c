/* V86 mode with and without its extensions: which vectors are redirected, VIF and VIP everywhere,
 * IRET and POPF, interrupts and faults out of V86 mode, segment limits; and the I/O permission map
 * with its byte past the end (SDM vol. 3 sections 20.2 and 20.3, table 20-2; vol. 1
 * section 17.5.2). */
#include "cpu/sys/ctrl.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum {
    V86_SEG = 0x1300,
    V86_CODE = V86_SEG << 4,
    V86_STACK = 0x20000,
    INT32 = DA_P | SYS_INT32 << 8,
    BITMAP = 0x68, /* of redirected vectors; the I/O map is 32 bytes behind */
};

GUEST(iretd, 32, "iretd");
GUEST(v_int, 16, "int 0x21\n int3");
GUEST(v_int3, 16, "int3");
GUEST(v_into, 16, "into\n int3");
GUEST(v_popf, 16, "popf\n int3");
GUEST(v_iret, 16, "iret");
GUEST(v_iretd, 16, ".byte 0x66\n iret");
GUEST(v_popfd, 16, "popfd\n int3");
GUEST(v_sti, 16, "sti\n int3");
GUEST(v_cli, 16, "cli\n pushf\n int3");
GUEST(v_nops, 16, "nop\n nop\n nop\n int3");
GUEST(v_read, 16, "mov ax, [bx]\n int3");
GUEST(v_stack, 16, "push ax\n int3");
GUEST(v_farjmp, 16, ".byte 0xea\n .word 0x10\n .word 0x1310");
GUEST(v_callf, 16, ".byte 0x9a\n .word 0x10\n .word 0x1310");
GUEST(v_in, 16, "in al, dx\n int3");
GUEST(v_outw, 16, "out dx, ax\n int3");
GUEST(v_ind, 16, "in eax, dx\n int3");
GUEST(v_insb, 16, "rep insb\n int3");
GUEST(int3, 16, "int3");
GUEST(p_in, 32, "in al, dx\n int3");
GUEST(p_ind, 32, "in eax, dx\n int3");
GUEST(p_cli, 32, "cli\n sti\n int3");
GUEST(p_pushf, 32, "pushfd\n int3");

static struct machine *m;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

/* Into V86 mode through IRETD; INT3 leaves it again with its frame on the stack of level 0. */
static void start(u32 eflags, const u8 *begin, const u8 *end)
{
    u32 frame[9] = {0,      V86_SEG, eflags | FL_VM | 2, 0x8000, V86_STACK >> 4, 0x3000, 0x4000,
                    0x5000, 0x6000};
    machine_protected(m, 0, AT_CODE);
    machine_code(m, AT_CODE, iretd);
    machine_load(m, V86_CODE, begin, (size_t)(end - begin));
    machine_idt_gate(m, EXC_BP, SEL_CODE0, AT_HANDLERS + 16 * EXC_BP, INT32 | DA_DPL);
    machine_idt_gate(m, EXC_OF, SEL_CODE0, AT_HANDLERS + 16 * EXC_OF, INT32 | DA_DPL);
    m->cpu->gpr[REG_SP] -= sizeof(frame);
    for (u32 i = 0; i < 9; i++)
        machine_st32(m, REG(SP) + 4 * i, frame[i]);
    /* Redirection bits clear, then an I/O map that opens nothing. */
    machine_st32(m, AT_TSS + 0x64, (BITMAP + 32) << 16);
    memset(machine_mem(m, AT_TSS + BITMAP), 0, 32);
    m->io_reads = m->io_writes = 0;
}
#define START(eflags, name) start(eflags, name##_begin, name##_end)

static void vme(void)
{
    m->cpu->cr4 |= CR4_VME;
}

static u32 saved_flags(void)
{
    return machine_frame(m, 2);
}

static void own_vector(unsigned v)
{
    machine_st32(m, 4 * v, V86_SEG << 16 | 0x100);
    machine_load(m, V86_CODE + 0x100, "\xcc", 1);
}

/* INT n by VME, IOPL and its bit (table 20-2). */
START_TEST(redirection)
{
    static const struct {
        bool vme, bit;
        u32 iopl;
        int vec; /* where it arrives: EXC_BP: the program's own vector */
        u32 err;
    } c[] = {
        {false, false, 3, 0x21, 0}, /* method 1: the IDT */
        {false, false, 0, EXC_GP, 0}, {true, true, 3, 0x21, 0},    {true, true, 0, EXC_GP, 0},
        {true, false, 3, EXC_BP, 0},  {true, false, 0, EXC_BP, 0}, {true, false, 2, EXC_BP, 0},
    };
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        START(c[i].iopl << 12 | FL_VIF | FL_IF, v_int);
        machine_idt_gate(m, 0x21, SEL_CODE0, AT_HANDLERS + 16 * 0x21, INT32 | DA_DPL);
        own_vector(0x21);
        if (c[i].vme)
            vme();
        if (c[i].bit)
            machine_mem(m, AT_TSS + BITMAP)[0x21 / 8] = 1 << (0x21 & 7);
        machine_run(m, 20);
        ck_assert_msg(machine_vector(m) == c[i].vec, "case %zu: %d", i, machine_vector(m));
        if (c[i].vec == EXC_BP) {
            u16 pushed = machine_ld16(m, V86_STACK + 0x7ffe);
            ck_assert_uint_eq(machine_frame(m, 0), 0x101);
            ck_assert_uint_eq(machine_ld16(m, V86_STACK + 0x7ffa), 2);
            ck_assert_uint_eq(machine_ld16(m, V86_STACK + 0x7ffc), V86_SEG);
            ck_assert_uint_eq(pushed & (FL_IOPL | FL_IF), FL_IOPL | FL_IF);
            ck_assert_uint_eq(saved_flags() & (FL_IF | FL_VIF),
                              c[i].iopl == 3 ? (u32)FL_VIF : (u32)FL_IF);
        }
    }
    /* Only INT n: INT3 and INTO always go through the IDT. */
    START(0, v_int3);
    vme();
    own_vector(3);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(machine_frame(m, 0), 1);
    START(F_O, v_into);
    vme();
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_OF);
    START(0, v_int); /* the bitmap must be in the TSS */
    vme();
    m->cpu->tr.limit = BITMAP + 0x21 / 8 - 1;
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0u);
    machine_free(m);
}
END_TEST

START_TEST(virtual_interrupts)
{
    m = machine_new("max", _i);
    /* POPF and IRET set VIF from their IF; with VIP pending that is #GP, and so is TF. */
    for (unsigned iret = 0; iret < 2; iret++)
        for (unsigned k = 0; k < 4; k++) {
            u32 flags = (k & 1 ? FL_IF : 0) | F_C | (k == 3 ? FL_TF : 0);
            bool fails = k == 3;
            for (unsigned vip = 0; vip < 2; vip++) {
                if (iret)
                    START(vip ? FL_VIP : 0, v_iret);
                else
                    START(vip ? FL_VIP : 0, v_popf);
                vme();
                if (iret) {
                    machine_st32(m, V86_STACK + 0x8000, V86_SEG << 16 | 0x200);
                    machine_st32(m, V86_STACK + 0x8004, flags);
                    machine_code(m, V86_CODE + 0x200, int3);
                } else {
                    machine_st32(m, V86_STACK + 0x8000, flags);
                }
                machine_run(m, 20);
                if (fails || (vip && (flags & FL_IF))) {
                    expect_error(m, EXC_GP, 0u);
                    ck_assert_uint_eq(machine_frame(m, 1), 0);
                } else {
                    ck_assert_int_eq(machine_vector(m), EXC_BP);
                    ck_assert_uint_eq(saved_flags() & (FL_VIF | FL_IF | F_C),
                                      F_C | (k & 1 ? FL_VIF : 0));
                }
            }
        }
    START(0, v_iretd); /* 32-bit forms stay privileged */
    vme();
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0u);
    START(0, v_popfd);
    vme();
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0u);
    START(FL_VIF, v_cli); /* PUSHF shows VIF as IF and IOPL 3 */
    vme();
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld16(m, V86_STACK + 0x7ffe) & (FL_IF | FL_IOPL), FL_IOPL);
    START(FL_IOPL | FL_VIP, v_sti); /* at IOPL 3 the real IF is meant; VIP does not matter */
    vme();
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(saved_flags() & (FL_IF | FL_VIF), FL_IF);
    machine_free(m);
}
END_TEST

/* Hardware interrupts and faults always go through the IDT, whatever the bitmap says. */
START_TEST(leaving)
{
    m = machine_new("max", _i);
    START(FL_IF, v_nops);
    vme();
    own_vector(0x40);
    machine_run(m, 2);
    m->vector = 0x40;
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), 0x40);
    ck_assert_uint_eq(machine_frame(m, 0), 1);
    ck_assert(saved_flags() & FL_VM);
    ck_assert_uint_eq(machine_frame(m, 4), V86_STACK >> 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(machine_frame(m, 5 + i), 0x3000 + 0x1000 * i);
    START(FL_VIF, v_nops); /* IF clear: not delivered, VIF or not */
    vme();
    cpu_set_intr(m->cpu, 1);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    cpu_set_intr(m->cpu, 0);
    /* Limits are 64 KiB, rights none. */
    START(FL_IOPL, v_read);
    m->cpu->gpr[REG_BX] = 0xffff;
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0u);
    START(FL_IOPL, v_stack);
    machine_st32(m, REG(SP) + 12, 1); /* SP 1: the push would cross the end */
    machine_run(m, 20);
    expect_error(m, EXC_SS, 0u);
    /* Page faults in V86 mode are user faults. */
    START(FL_IOPL, v_read);
    machine_paging(m);
    machine_page(m, 0x40000, 0x40000 | 3);
    m->cpu->gpr[REG_BX] = 0x10;
    machine_run(m, 20);
    expect_error(m, EXC_PF, 5u);
    ck_assert_uint_eq(m->cpu->cr2, 0x40010);
    /* Far transfers are those of real mode. */
    START(FL_IOPL, v_farjmp);
    machine_load(m, 0x13110, "\xcc", 1);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(machine_frame(m, 1), 0x1310);
    START(FL_IOPL, v_callf);
    machine_run(m, 20);
    ck_assert_uint_eq(machine_frame(m, 1), 0x1310);
    ck_assert_uint_eq(machine_ld16(m, V86_STACK + 0x7ffc), 5);
    /* IRETD with VM set at level 0 only, and with EIP within 64 KiB. */
    START(FL_IOPL, v_nops);
    machine_st32(m, REG(SP), 0x10000);
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0u);
    ck_assert_uint_eq(machine_frame(m, 2), SEL_CODE0);
    machine_free(m);
}
END_TEST

/* Every port and width against a map with one bit set, then with the map's end moved (the processor
 * reads two bytes: one byte past the map must be there). */
START_TEST(io_map)
{
    m = machine_new("max", _i);
    for (u32 port = 0x30; port < 0x50; port++)
        for (unsigned width = 1; width <= 4; width *= 2) {
            bool open = true;
            if (width == 1)
                START(FL_IOPL, v_in);
            else if (width == 2)
                START(FL_IOPL, v_outw);
            else
                START(FL_IOPL, v_ind);
            memset(machine_mem(m, AT_TSS + BITMAP + 32), 0, 0x100);
            machine_mem(m, AT_TSS + BITMAP + 32)[0x43 / 8] = 1 << (0x43 & 7);
            for (u32 p = port; p < port + width; p++)
                open = open && p != 0x43;
            m->cpu->gpr[REG_DX] = port;
            machine_run(m, 20);
            ck_assert_msg(machine_vector(m) == (open ? EXC_BP : EXC_GP), "port %x width %u", port,
                          width);
            ck_assert_int_eq(m->io_reads + m->io_writes > 0, open);
        }
    for (u32 more = 0; more < 3; more++) {
        /* The limit ends at the byte of the port, one and two bytes behind. */
        START(FL_IOPL, v_in);
        memset(machine_mem(m, AT_TSS + BITMAP + 32), 0, 0x100);
        m->cpu->gpr[REG_DX] = 0x80;
        m->cpu->tr.limit = BITMAP + 32 + 0x80 / 8 + more;
        machine_run(m, 20);
        ck_assert_int_eq(machine_vector(m), more ? EXC_BP : EXC_GP);
    }
    START(FL_IOPL, v_in); /* a base beyond the limit: no map, nothing is open */
    memset(machine_mem(m, AT_TSS + BITMAP + 32), 0, 0x100);
    machine_st32(m, AT_TSS + 0x64, 0xffff0000);
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0u);
    START(FL_IOPL, v_in); /* a 16-bit TSS has none */
    m->cpu->tr.attr = DA_P | SYS_TSS16_BUSY << 8;
    machine_run(m, 20);
    /* The frame for this goes to the stack that the TSS names in its 16-bit form. */
    ck_assert_int_ne(machine_vector(m), EXC_BP);
    ck_assert_uint_eq(m->io_reads, 0);
    START(FL_IOPL, v_insb); /* strings ask, too, and fault with nothing read */
    memset(machine_mem(m, AT_TSS + BITMAP + 32), 0xff, 0x100);
    m->cpu->gpr[REG_CX] = 4;
    m->cpu->gpr[REG_DX] = 0x80;
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0u);
    ck_assert_uint_eq(m->io_reads, 0);
    ck_assert_uint_eq(REG(CX), 4);
    machine_free(m);
}
END_TEST

/* Protected mode asks the map only above IOPL. */
START_TEST(privilege_of_ports)
{
    m = machine_new("max", _i);
    for (u32 iopl = 0; iopl < 4; iopl++)
        for (unsigned cpl = 0; cpl <= 3; cpl += 3)
            for (unsigned k = 0; k < 3; k++) {
                bool allowed = cpl <= iopl;
                START(0, v_nops); /* sets the tables up */
                machine_protected(m, cpl, AT_CODE);
                machine_idt_gate(m, EXC_BP, SEL_CODE0, AT_HANDLERS + 16 * EXC_BP, INT32 | DA_DPL);
                if (k == 0)
                    machine_code(m, AT_CODE, p_in);
                else if (k == 1)
                    machine_code(m, AT_CODE, p_ind);
                else
                    machine_code(m, AT_CODE, p_cli);
                m->cpu->eflags |= iopl << 12;
                m->cpu->gpr[REG_DX] = 0x80;
                machine_run(m, 20);
                ck_assert_msg(machine_vector(m) == (allowed ? EXC_BP : EXC_GP),
                              "iopl %u cpl %u case %u", iopl, cpl, k);
            }
    /* Level 3 may look at IOPL and not change it (PUSHF is free in protected mode). */
    START(0, v_nops);
    machine_protected(m, 3, AT_CODE);
    machine_idt_gate(m, EXC_BP, SEL_CODE0, AT_HANDLERS + 16 * EXC_BP, INT32 | DA_DPL);
    machine_code(m, AT_CODE, p_pushf);
    m->cpu->eflags |= 0x1000;
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, AT_STACK3 - 4), 0x1002);
    machine_free(m);
}
END_TEST

SUITE_MAIN("vme", redirection, virtual_interrupts, leaving, io_map, privilege_of_ports)

#else
int main(void)
{
    puts("vme: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
