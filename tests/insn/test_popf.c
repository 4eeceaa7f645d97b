/* POPF and PUSHF at levels 0 and 3, in both operand sizes, and what POPF lets in: every bit against
 * the rules (SDM vol. 2 "POPF/POPFD/POPFQ", table 4-16). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { TRIES = 400, INT32 = DA_P | SYS_INT32 << 8 };

GUEST(popf_32, 32, "popfd\n pushfd\n inc edi\n hlt");
GUEST(popf_16, 32, "popfw\n pushfd\n inc edi\n hlt");
GUEST(cmpxchg8, 32, "cmpxchg8b [esi]\n inc edi\n hlt");

/* What POPF may change. */
static u32 changes(unsigned cpl, unsigned iopl, unsigned size)
{
    u32 mask = F_ALL | FL_TF | FL_DF | FL_NT | FL_AC | FL_ID;
    if (cpl <= iopl)
        mask |= FL_IF;
    if (!cpl)
        mask |= FL_IOPL;
    return size == 2 ? mask & 0xffff : mask;
}

START_TEST(every_bit)
{
    struct machine *m = machine_new("max", _i);
    u64 seed = 1;
    for (unsigned n = 0; n < TRIES; n++) {
        unsigned cpl = suite_random(&seed) & 1 ? 3 : 0, size = suite_random(&seed) & 1 ? 2 : 4;
        u32 old = (u32)suite_random(&seed) & ~(u32)(FL_TF | FL_RF | FL_VM | FL_VIP | FL_VIF);
        u32 v = (u32)suite_random(&seed) & ~(u32)FL_TF, mask, want;
        machine_protected(m, cpl, AT_CODE);
        if (size == 2)
            machine_code(m, AT_CODE, popf_16);
        else
            machine_code(m, AT_CODE, popf_32);
        if (suite_random(&seed) % 4)
            old &= ~(u32)FL_IOPL;
        cpu_set_eflags(m->cpu, old);
        cpu_update_mode(m->cpu);
        m->cpu->gpr[REG_SP] -= 0x100;
        machine_st32(m, (u32)m->cpu->gpr[REG_SP], v);
        old = cpu_eflags(m->cpu);
        mask = changes(cpl, old >> 12 & 3, size);
        want = (old & ~mask) | (v & mask);
        machine_run(m, 2);
        ck_assert_msg(cpu_eflags(m->cpu) == want, "try %u: cpl %u, %u bytes: %x, not %x", n, cpl,
                      size, cpu_eflags(m->cpu), want);
        ck_assert_uint_eq(machine_ld32(m, (u32)m->cpu->gpr[REG_SP]), want & ~(u32)FL_RF);
    }
    machine_free(m);
}
END_TEST

/* Interrupts wait until IF is set, then come in front of the next instruction; traps behind it. */
START_TEST(opens)
{
    struct machine *m = machine_new("max", _i);
    for (unsigned tf = 0; tf < 2; tf++) {
        machine_protected(m, 0, AT_CODE);
        machine_code(m, AT_CODE, popf_32);
        m->vector = 0x40;
        cpu_set_intr(m->cpu, 1);
        m->cpu->gpr[REG_SP] -= 4;
        machine_st32(m, (u32)m->cpu->gpr[REG_SP], tf ? FL_TF : FL_IF);
        machine_run(m, 20);
        ck_assert_int_eq(machine_vector(m), tf ? EXC_DB : 0x40);
        ck_assert_uint_eq(machine_frame(m, 0) - AT_CODE, tf ? 2 : 1);
        cpu_set_intr(m->cpu, 0);
    }
    machine_free(m);
}
END_TEST

START_TEST(exchange)
{
    struct machine *m = machine_new("max", _i);
    u64 seed = 5;
    for (unsigned n = 0; n < TRIES; n++) {
        u32 old = (u32)suite_random(&seed) & F_ALL, lo = (u32)suite_random(&seed), hi = (u32)suite_random(&seed);
        unsigned same = suite_random(&seed) % 3;
        u32 at = AT_DATA + 0xfe0 + (u32)(suite_random(&seed) % 40);
        bool equal = same == 2;
        machine_protected(m, 0, AT_CODE);
        machine_code(m, AT_CODE, cmpxchg8);
        cpu_set_eflags(m->cpu, old);
        machine_st32(m, at, lo);
        machine_st32(m, at + 4, hi);
        m->cpu->gpr[REG_SI] = at;
        m->cpu->gpr[REG_AX] = same ? lo : lo ^ BIT(n & 31);
        m->cpu->gpr[REG_DX] = same == 1 ? hi ^ BIT(n & 31) : hi;
        m->cpu->gpr[REG_BX] = 0x11223344;
        m->cpu->gpr[REG_CX] = 0x55667788;
        machine_run(m, 1);
        ck_assert_uint_eq(machine_ld32(m, at), equal ? 0x11223344 : lo);
        ck_assert_uint_eq(machine_ld32(m, at + 4), equal ? 0x55667788 : hi);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_AX], lo);
        ck_assert_uint_eq((u32)m->cpu->gpr[REG_DX], hi);
        ck_assert_uint_eq(cpu_aflags(m->cpu), (old & ~(u32)F_Z) | (equal ? F_Z : 0));
    }
    machine_free(m);
}
END_TEST

SUITE_MAIN("popf", every_bit, opens, exchange)

#else
int main(void)
{
    return 0;
}
#endif
