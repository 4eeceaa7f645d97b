/* Call gates of both sizes, conforming segments, far returns and IRET between levels: parameters,
 * stack switches that fail half way, and the data segments that a return to an outer level nulls
 * (SDM vol. 3 sections 5.5, 5.8 and 5.8.6; vol. 2 "CALL", "RET", "IRET"). */
#include "cpu/sys/ctrl.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum {
    USED = DA_P | DA_S | DA_ACCESSED,
    FLAT = USED | DA_G | DA_DB,
    GATE16 = DA_P | SYS_CALL16 << 8,
    GATE32 = DA_P | SYS_CALL32 << 8,
    D0 = SEL_FREE,
    D1 = SEL_FREE + 8,
    D2 = SEL_FREE + 16,
    INNER = 0x12000,
    DPL1 = 1 << 13,
};

GUEST(call_gate, 32,
      "push 0x11112222\n push 0x33334444\n push 0x55556666\n .byte 0x9a\n .long 0x99999999\n .word "
      "0x43\n hlt");
GUEST(call_gate16, 16,
      "push 0x1111\n push 0x2222\n push 0x3333\n .byte 0x9a\n .word 0x9999\n .word 0x43\n hlt");
GUEST(retf12, 32, "retf 12");
GUEST(retf16, 32, ".byte 0x66\n retf 6");
GUEST(halt, 32, "hlt");
GUEST(retf, 32, "retf");
GUEST(retf_n, 32, "retf 8");
GUEST(iretd, 32, "iretd");
GUEST(iret16, 32, ".byte 0x66\n iretd");
GUEST(jmpf, 32, ".byte 0xea\n .long 0x12000\n .word 0x43\n hlt");
GUEST(callf, 32, ".byte 0x9a\n .long 0x12000\n .word 0x43\n hlt");
GUEST(callf16, 32, ".byte 0x66, 0x9a\n .word 0x2000\n .word 0x43\n hlt");
GUEST(jmp_mem, 32, "jmp fword ptr [ebx]\n hlt");

static struct machine *m;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    machine_code(m, INNER, halt);
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

static void frame(const u32 *v, unsigned n)
{
    m->cpu->gpr[REG_SP] -= 4 * n;
    for (unsigned i = 0; i < n; i++)
        machine_st32(m, REG(SP) + 4 * i, v[i]);
}

/* ---- call gates ---- */

START_TEST(parameters)
{
    m = machine_new("max", _i);
    for (u32 n = 0; n <= 3; n++) { /* any number; the offset in the instruction is ignored */
        START(3, call_gate);
        machine_gate(m, D0, SEL_CODE0, INNER, GATE32 | DA_DPL, n);
        machine_run(m, 20);
        ck_assert_uint_eq((u32)m->cpu->rip, INNER + 1);
        ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 22);
        for (u32 i = 0; i < n; i++)
            ck_assert_uint_eq(machine_frame(m, 2 + i),
                              ((const u32[]){0x55556666, 0x33334444, 0x11112222})[i]);
        ck_assert_uint_eq(machine_frame(m, 2 + n), AT_STACK3 - 12);
        ck_assert_uint_eq(machine_frame(m, 3 + n), SEL_DATA3);
        ck_assert_uint_eq(REG(SP), AT_STACK0 - 16 - 4 * n);
    }
    START(3, call_gate); /* back: both stacks drop them */
    machine_gate(m, D0, SEL_CODE0, INNER, GATE32 | DA_DPL, 3);
    machine_code(m, INNER, retf12);
    machine_run(m, 5);
    ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 22);
    ck_assert_uint_eq(REG(SP), AT_STACK3);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    START(3, call_gate); /* a 16-bit gate pushes words, from a 32-bit caller as well */
    machine_gate(m, D0, D1, 0x2000, GATE16 | DA_DPL, 2);
    machine_desc(m, D1, 0x10000, 0xfffff, FLAT | DA_CODE);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, 0x2001);
    ck_assert_uint_eq(REG(SP), AT_STACK0 - 12);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 2), SEL_DATA3);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 4), (AT_STACK3 - 12) & 0xffff);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 6), 0x5555);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 8), 0x6666);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 10), SEL_CODE3);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 12), (AT_CODE + 22) & 0xffff);
    /* All of it 16-bit: code, stack, gate, as OS/2 1.x has it; and back. */
    START(3, call_gate16);
    machine_desc(m, D2, AT_CODE, 0xffff, USED | DA_CODE | DA_READ | DA_DPL);
    machine_desc(m, D2 + 8, 0x50000, 0xffff, USED | DA_WRITE | DA_DPL);
    machine_desc(m, D1, INNER, 0xffff, USED | DA_CODE | DA_READ);
    machine_gate(m, D0, D1, 0, GATE16 | DA_DPL, 3);
    machine_load(m, INNER, "\xca\x06\x00", 3); /* RETF 6 */
    m->cpu->seg[SEG_CS] = (struct seg){
        .base = AT_CODE, .limit = 0xffff, .attr = USED | DA_CODE | DA_READ | DA_DPL, .sel = D2 | 3};
    m->cpu->seg[SEG_SS] = (struct seg){
        .base = 0x50000, .limit = 0xffff, .attr = USED | DA_WRITE | DA_DPL, .sel = (D2 + 8) | 3};
    seg_update_all(m->cpu);
    cpu_update_mode(m->cpu);
    m->cpu->gpr[REG_SP] = 0x800;
    m->cpu->rip = 0;
    machine_run(m, 4);
    ck_assert_uint_eq(m->cpu->cpl, 0);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 6), 0x1111);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    ck_assert_uint_eq(m->cpu->seg[SEG_CS].sel, D2 | 3);
    ck_assert_uint_eq((u32)m->cpu->rip, 14);
    ck_assert_uint_eq(REG(SP) & 0xffff, 0x800);
    machine_free(m);
}
END_TEST

/* Whatever fails between the gate and its target leaves the caller as it was. */
START_TEST(switch_fails)
{
    m = machine_new("max", _i);
    for (unsigned k = 0; k < 7; k++) {
        static const struct {
            int vec;
            u32 err;
        } want[] = {{EXC_PF, 4}, {EXC_PF, 2}, {EXC_SS, D2}, {EXC_SS, D2},
                    {EXC_TS, 0}, {EXC_GP, 0}, {EXC_TS, D2}};
        START(3, call_gate);
        m->cpu->gpr[REG_SI] = 0x5151;
        machine_gate(m, D0, D1 | 1, INNER, GATE32 | DA_DPL, 3);
        machine_desc(m, D1, 0, 0xfffff, FLAT | DA_CODE | DPL1);
        machine_desc(m, D2, 0, 0xfffff, FLAT | DA_WRITE | DPL1);
        machine_st32(m, AT_TSS + 12, 0x51008);
        machine_st32(m, AT_TSS + 16, D2 | 1);
        machine_paging(m);
        machine_run(m, 3);
        switch (k) {
        case 0: machine_page(m, AT_STACK3 - 0x1000, 0); break; /* the parameters are gone */
        case 1: machine_page(m, 0x50000, 0); break;            /* the frame crosses into nothing */
        case 2: machine_desc(m, D2, 0, 0x51000, USED | DA_WRITE | DA_DB | DPL1); break;
        case 3: machine_desc(m, D2, 0, 0xfffff, (FLAT | DA_WRITE | DPL1) & ~DA_P); break;
        case 4: machine_st32(m, AT_TSS + 16, 0); break;
        case 5: machine_desc(m, D1, 0, INNER - 1, USED | DA_CODE | DA_DB | DPL1); break;
        case 6: machine_desc(m, D2, 0, 0xfffff, FLAT | DPL1); break; /* read-only */
        }
        if (k == 0)
            m->cpu->gpr[REG_SP] = AT_STACK3 - 0x1000 - 4;
        machine_run(m, 20);
        ck_assert_msg(machine_vector(m) == want[k].vec && machine_frame(m, 0) == want[k].err,
                      "case %u: %d %x", k, machine_vector(m), machine_frame(m, 0));
        ck_assert_uint_eq(machine_frame(m, 1), AT_CODE + 15);
        ck_assert_uint_eq(machine_frame(m, 2), SEL_CODE3);
        ck_assert_uint_eq(machine_frame(m, 4), k ? AT_STACK3 - 12 : AT_STACK3 - 0x1000 - 4);
        ck_assert_uint_eq(machine_frame(m, 5), SEL_DATA3);
        ck_assert_uint_eq(REG(SI), 0x5151);
    }
    machine_free(m);
}
END_TEST

/* ---- conforming code (5.8.1.2): runs at the caller's level ---- */

START_TEST(conforming)
{
    static const struct {
        unsigned cpl;
        u32 attr;
        bool gate;
        int vec; /* -1: arrives */
    } c[] = {
        {3, FLAT | DA_CODE | DA_CONFORM, false, -1},
        {0, FLAT | DA_CODE | DA_CONFORM, false, -1},
        {0, FLAT | DA_CODE | DA_CONFORM | DA_DPL, false, EXC_GP}, /* never outwards */
        {3, FLAT | DA_CODE | DA_CONFORM | DA_DPL, false, -1},
        {3, FLAT | DA_CODE, false, EXC_GP},
        {3, FLAT | DA_CODE | DA_CONFORM, true, -1},
        {3, (FLAT | DA_CODE | DA_CONFORM) & ~DA_P, true, EXC_NP},
    };
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        for (unsigned call = 0; call < 2; call++) {
            u32 sp;
            if (call)
                START(c[i].cpl, callf);
            else
                START(c[i].cpl, jmpf);
            machine_desc(m, c[i].gate ? D1 : D0, 0, 0xfffff, c[i].attr);
            if (c[i].gate)
                machine_gate(m, D0, D1, INNER, GATE32 | DA_DPL, 2);
            if (!c[i].cpl)
                machine_load(m, AT_CODE + 5, "\x40", 1); /* RPL 0 */
            sp = REG(SP);
            machine_load(m, INNER, "\x90", 1);
            machine_run(m, 1);
            if (c[i].vec < 0) {
                ck_assert_msg((u32)m->cpu->rip == INNER, "case %zu/%u", i, call);
                ck_assert_uint_eq(m->cpu->cpl, c[i].cpl);
                ck_assert_uint_eq(m->cpu->seg[SEG_CS].sel & 3, c[i].cpl);
                /* No stack switch, no parameters. */
                ck_assert_uint_eq(REG(SP), sp - (call ? 8 : 0));
            } else {
                machine_run(m, 1);
                ck_assert_msg(machine_vector(m) == c[i].vec, "case %zu/%u: %d", i, call,
                              machine_vector(m));
                ck_assert_uint_eq(machine_frame(m, 0), c[i].gate ? D1 : D0);
            }
        }
    /* A level 3 handler in a conforming segment of level 0 keeps level 3 and its stack. */
    START(3, halt);
    machine_desc(m, D1, 0, 0xfffff, FLAT | DA_CODE | DA_CONFORM);
    machine_idt_gate(m, EXC_GP, D1, INNER, DA_P | SYS_INT32 << 8);
    machine_load(m, INNER, "\x90", 1);
    machine_run(m, 1);
    ck_assert_uint_eq((u32)m->cpu->rip, INNER);
    ck_assert_uint_eq(m->cpu->cpl, 3);
    ck_assert_uint_eq(REG(SP), AT_STACK3 - 16);
    machine_free(m);
}
END_TEST

/* ---- returns outwards null what the outer level may not have ---- */

START_TEST(nulled_segments)
{
    static const struct {
        u32 attr;
        bool stays;
    } c[] = {
        {FLAT | DA_WRITE, false},
        {FLAT | DA_WRITE | DA_DPL, true},
        {FLAT | DA_WRITE | DPL1, false},
        {FLAT | DA_CODE | DA_READ, false},
        {FLAT | DA_CODE | DA_READ | DA_CONFORM, true}, /* readable by everyone */
        {FLAT | DA_CODE | DA_READ | DA_DPL, true},
    };
    static const u8 segs[] = {SEG_DS, SEG_ES, SEG_FS, SEG_GS};
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        for (unsigned iret = 0; iret < 2; iret++) {
            if (iret)
                START(0, iretd);
            else
                START(0, retf);
            machine_load(m, INNER, "\x90", 1);
            machine_desc(m, D0, 0x1000, 0xfffff, c[i].attr);
            for (unsigned k = 0; k < 4; k++) {
                struct seg v = {.base = 0x1000, .limit = ~0u, .attr = c[i].attr, .sel = D0};
                seg_put(m->cpu, segs[k], &v);
            }
            cpu_update_mode(m->cpu);
            if (iret)
                frame((const u32[]){INNER, SEL_CODE3, 2, AT_STACK3, SEL_DATA3}, 5);
            else
                frame((const u32[]){INNER, SEL_CODE3, AT_STACK3, SEL_DATA3}, 4);
            machine_run(m, 1);
            ck_assert_uint_eq(m->cpu->cpl, 3);
            ck_assert_uint_eq(REG(SP), AT_STACK3);
            for (unsigned k = 0; k < 4; k++) {
                ck_assert_msg(m->cpu->seg[segs[k]].sel == (c[i].stays ? D0 : 0), "case %zu/%u", i,
                              iret);
                ck_assert_uint_eq(!!(m->cpu->seg[segs[k]].attr & DA_P), c[i].stays);
            }
        }
    /* A return to the same level nulls nothing. */
    START(0, retf);
    frame((const u32[]){INNER, SEL_CODE0}, 2);
    machine_run(m, 1);
    ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, SEL_DATA0);
    machine_free(m);
}
END_TEST

/* A return outwards with half of it unreadable, bad or beyond a limit: the inner level goes on as
 * it was. */
START_TEST(returns_fail)
{
    m = machine_new("max", _i);
    for (unsigned iret = 0; iret < 2; iret++)
        for (unsigned k = 0; k < 6; k++) {
            static const struct {
                int vec;
                u32 err;
            } want[] = {{EXC_PF, 0},  {EXC_SS, 0},  {EXC_GP, 0},
                        {EXC_SS, D0}, {EXC_NP, D0}, {EXC_GP, D0}};
            u32 cs = SEL_CODE3, ss = SEL_DATA3, eip = INNER, words = iret ? 5 : 4;
            u32 v[5];
            if (iret)
                START(0, iretd);
            else
                START(0, retf);
            machine_idt_gate(m, EXC_SS, SEL_TSS2, 0, DA_P | SYS_TASK_GATE << 8);
            memset(machine_mem(m, AT_TSS2), 0, 0x68);
            machine_st32(m, AT_TSS2 + 0x1c, AT_PAGES);
            machine_st32(m, AT_TSS2 + 0x20, AT_HANDLERS + 16 * EXC_SS);
            machine_st32(m, AT_TSS2 + 0x38, AT_STACK0 + 0x800);
            machine_st32(m, AT_TSS2 + 0x4c, SEL_CODE0);
            machine_st32(m, AT_TSS2 + 0x50, SEL_DATA0);
            m->cpu->gpr[REG_SP] = 0x51000 + 4; /* the frame crosses a page */
            if (k == 2)
                machine_desc(m, D0, 0, INNER - 1, USED | DA_CODE | DA_DB | DA_DPL), cs = D0 | 3;
            if (k == 3)
                machine_desc(m, D0, 0, 0xfffff, (FLAT | DA_WRITE | DA_DPL) & ~DA_P), ss = D0 | 3;
            if (k == 4)
                machine_desc(m, D0, 0, 0xfffff, (FLAT | DA_CODE | DA_DPL) & ~DA_P), cs = D0 | 3;
            if (k == 5)
                machine_desc(m, D0, 0, 0xfffff, FLAT | DA_WRITE | DPL1), ss = D0 | 3;
            v[0] = eip, v[1] = cs, v[2] = iret ? 0x2 : AT_STACK3, v[3] = iret ? AT_STACK3 : ss;
            v[4] = ss;
            frame(v, words);
            machine_paging(m);
            if (k == 0) { /* absent where SS is */
                m->cpu->gpr[REG_SP] += 0;
                machine_page(m, 0x51000, 0);
            }
            if (k == 1) {
                m->cpu->seg[SEG_SS].limit = 0x50fff;
                seg_update(m->cpu, SEG_SS);
                cpu_update_mode(m->cpu);
            }
            machine_run(m, 20);
            ck_assert_msg(machine_vector(m) == want[k].vec && machine_frame(m, 0) == want[k].err,
                          "case %u/%u: %d %x", iret, k, machine_vector(m), machine_frame(m, 0));
            if (want[k].vec == EXC_SS) {
                ck_assert_uint_eq(machine_ld32(m, AT_TSS + 0x20), AT_CODE);
                ck_assert_uint_eq(machine_ld32(m, AT_TSS + 0x38), 0x51004 - 4 * words);
                ck_assert_uint_eq(machine_ld16(m, AT_TSS + 0x54), SEL_DATA0);
            } else {
                ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
                ck_assert_uint_eq(machine_frame(m, 2), SEL_CODE0);
                ck_assert_uint_eq(m->cpu->seg[SEG_DS].sel, SEL_DATA0);
                ck_assert_uint_eq(REG(SP), 0x51004 - 4 * words - 16);
            }
        }
    machine_free(m);
}
END_TEST

/* 16-bit forms between 32-bit segments, and the pointer in memory. */
START_TEST(sizes)
{
    m = machine_new("max", _i);
    START(0, callf16);
    machine_load(m, AT_CODE + 4, "\x40", 1);
    machine_desc(m, D0, 0x10000, 0xfffff, FLAT | DA_CODE);
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, 0x2001);
    ck_assert_uint_eq(REG(SP), AT_STACK0 - 4);
    ck_assert_uint_eq(machine_ld16(m, AT_STACK0 - 4), (AT_CODE + 6) & 0xffff);
    START(0, iret16);
    m->cpu->gpr[REG_SP] -= 6;
    machine_st32(m, AT_STACK0 - 6, D0 << 16 | 0x2000);
    machine_st32(m, AT_STACK0 - 2, 0x0003);
    machine_desc(m, D0, 0x10000, 0xfffff, FLAT | DA_CODE);
    m->cpu->eflags |= FL_AC | FL_ID;
    machine_run(m, 20);
    ck_assert_uint_eq((u32)m->cpu->rip, 0x2001);
    ck_assert_uint_eq(cpu_eflags(m->cpu), FL_AC | FL_ID | 3); /* the upper half stays */
    START(0, jmp_mem); /* nothing is loaded when the second half cannot be read */
    machine_paging(m);
    machine_page(m, AT_DATA + 0x1000, 0);
    m->cpu->gpr[REG_BX] = AT_DATA + 0xffc;
    machine_run(m, 20);
    expect_error(m, EXC_PF, 0u);
    ck_assert_uint_eq(m->cpu->cr2, AT_DATA + 0x1000);
    START(0, retf_n); /* the extra bytes go from the stack returned from; ESP wraps with SS.B */
    frame((const u32[]){INNER, SEL_CODE0, 1, 2}, 4);
    machine_run(m, 20);
    ck_assert_uint_eq(REG(SP), AT_STACK0);
    machine_free(m);
}
END_TEST

SUITE_MAIN("far", parameters, switch_fails, conforming, nulled_segments, returns_fail, sizes)

#else
int main(void)
{
    puts("far: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
