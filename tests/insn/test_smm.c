/* System management mode: what SMI saves and RSM brings back from every mode, SMIs in HLT and REP,
 * NMI and debug registers meanwhile, SMBASE (SDM vol. 3 chapter 34). Both state maps: "pentium3"
 * has the 32-bit one, "max" the 64-bit one. */
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { INT32 = DA_P | SYS_INT32 << 8, HANDLER = 0x12000, SMBASE = 0x30000, COUNT = 0x39000 };

static const char *const models[] = {"pentium3", "max"};

GUEST(nops, 32, "nop\n nop\n nop\n nop\n hlt");
GUEST(user_spin, 32, "1: inc ecx\n jmp 1b");
GUEST(rep_movs, 32, "rep movsb\n hlt");
GUEST(halt, 32, "hlt\n inc ecx\n hlt");
GUEST(store, 32, "mov [ebx], ecx\n nop\n hlt");
GUEST(stores, 32, "mov [esi], ecx\n mov [ebx], ecx\n hlt"); /* the page is known by the second */
GUEST(real_spin, 16, "1: inc cx\n jmp 1b");
GUEST(v86_enter, 32, "iretd");
GUEST(iretd, 32, "inc edi\n iretd");
/* Handlers in SMM; each counts itself. */
GUEST(smi_plain, 16, "inc word ptr cs:[0x9000]\n rsm");
GUEST(
    smi_ruin, 16,
    "inc word ptr cs:[0x9000]\n mov eax, 0x12345678\n mov ecx, eax\n mov edx, eax\n mov ebx, eax\n"
    "mov esi, eax\n mov edi, eax\n mov ebp, eax\n mov esp, 0x9800\n push 0\n popf\n xor ax, ax\n"
    "mov ds, ax\n mov es, ax\n mov fs, ax\n mov gs, ax\n mov eax, 0x600\n mov dr7, eax\n"
    "mov eax, 0\n mov dr6, eax\n mov eax, 0x80\n mov cr4, eax\n mov cr3, eax\n fninit\n rsm");
GUEST(smi_wide, 16,
      "inc word ptr cs:[0x9000]\n mov eax, 0x200000\n mov ebx, [eax]\n mov cs:[0x9004], ebx\n rsm");
GUEST(smi_hot, 16, "inc word ptr cs:[0x9000]\n nop\n nop\n nop\n rsm");
GUEST(smi_store, 16, "inc word ptr cs:[0x9000]\n mov eax, 0x40000\n mov dword ptr [eax], 1\n rsm");
GUEST(smi_int, 16,
      "inc word ptr cs:[0x9000]\n mov sp, 0x6f00\n mov byte ptr [0x7000], 0xcf\n"
      "mov dword ptr [0x100], 0x7000\n int 0x40\n inc word ptr cs:[0x9000]\n rsm");

static struct machine *m;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

static void smi_handler(const u8 *begin, const u8 *end)
{
    machine_load(m, SMBASE + 0x8000, begin, (size_t)(end - begin));
    machine_st32(m, COUNT, 0);
}
#define SMI(name) smi_handler(name##_begin, name##_end)

static void start(unsigned cpl, const u8 *begin, const u8 *end)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    m->cpu->gpr[REG_CX] = 0;
}
#define START(cpl, name) start(cpl, name##_begin, name##_end)

/* Everything that RSM has to bring back. */
struct snapshot {
    u64 gpr[8], rip, cr3, dr6, dr7;
    u32 eflags, cr0, cr4;
    struct seg seg[SEG__COUNT];
    u16 ldt, tr;
    struct dtable gdt, idt;
    u8 cpl, code_bits;
};

static struct snapshot look(void)
{
    const struct cpu *cpu = m->cpu;
    struct snapshot s;
    memset(&s, 0, sizeof(s));
    for (unsigned i = 0; i < 8; i++)
        s.gpr[i] = (u32)cpu->gpr[i];
    s.rip = cpu->rip, s.cr3 = cpu->cr3, s.dr6 = cpu->dr[6], s.dr7 = cpu->dr[7];
    s.eflags = cpu_eflags(cpu), s.cr0 = cpu->cr0, s.cr4 = cpu->cr4;
    for (unsigned i = 0; i < SEG__COUNT; i++) {
        const struct seg *v = &cpu->seg[i];
        s.seg[i].base = v->base, s.seg[i].limit = v->limit;
        s.seg[i].attr = v->attr, s.seg[i].sel = v->sel;
        s.seg[i].end_r = v->end_r, s.seg[i].end_w = v->end_w;
    }
    s.ldt = cpu->ldt.sel, s.tr = cpu->tr.sel;
    s.gdt.base = cpu->gdt.base, s.gdt.limit = cpu->gdt.limit;
    s.idt.base = cpu->idt.base, s.idt.limit = cpu->idt.limit;
    s.cpl = cpu->cpl, s.code_bits = cpu->code_bits;
    return s;
}

/* One SMI now; back out of it before the next instruction of the program has run. */
static void through_smm(void)
{
    struct snapshot a, b;
    int guard = 200;
    a = look();
    cpu_smi(m->cpu);
    do
        machine_run(m, 1);
    while (m->cpu->in_smm && --guard);
    ck_assert_int_gt(guard, 0);
    b = look();
    for (unsigned i = 0; i < 8; i++)
        ck_assert_msg(a.gpr[i] == b.gpr[i], "register %u: %llx, was %llx", i,
                      (unsigned long long)b.gpr[i], (unsigned long long)a.gpr[i]);
    ck_assert_uint_eq(a.rip, b.rip);
    ck_assert_uint_eq(a.eflags, b.eflags);
    ck_assert_uint_eq(a.cr0, b.cr0);
    ck_assert_uint_eq(a.cr4, b.cr4);
    ck_assert_uint_eq(a.dr7, b.dr7);
    ck_assert_uint_eq(a.dr6, b.dr6);
    for (unsigned i = 0; i < SEG__COUNT; i++)
        ck_assert_msg(!memcmp(&a.seg[i], &b.seg[i], sizeof(a.seg[i])), "segment %u", i);
    ck_assert(!memcmp(&a, &b, sizeof(a)));
}

/* The handler ruins every register; the program must not notice, from any mode. */
START_TEST(every_mode)
{
    for (unsigned k = 0; k < ARRAY_LEN(models); k++) {
        m = machine_new(models[k], _i);
        for (unsigned mode = 0; mode < 5; mode++) {
            switch (mode) {
            case 0: START(0, nops); break;
            case 1: START(3, user_spin); break;
            case 2:
                START(3, user_spin);
                machine_paging(m);
                break;
            case 3:
                machine_real(m, 0x6000);
                machine_code(m, 0x6000, real_spin);
                m->cpu->seg[SEG_FS].limit = 0xffffffffu; /* unreal */
                seg_update(m->cpu, SEG_FS);
                cpu_update_mode(m->cpu);
                break;
            case 4: {
                u32 frame[9] = {0, 0x1300, FL_VM | FL_IOPL | 2, 0xfff0, 0x2000, 1, 2, 3, 4};
                START(0, v86_enter);
                machine_code(m, 0x13000, real_spin);
                m->cpu->gpr[REG_SP] -= sizeof(frame);
                for (u32 i = 0; i < 9; i++)
                    machine_st32(m, REG(SP) + 4 * i, frame[i]);
                machine_run(m, 1);
                ck_assert(cpu_v86(m->cpu));
                break;
            }
            }
            SMI(smi_ruin);
            m->cpu->dr[0] = 0x12345;
            m->cpu->eflags |= FL_DF;
            machine_run(m, 3);
            through_smm();
            through_smm();
            ck_assert_uint_eq(machine_ld16(m, COUNT), 2);
            machine_run(m, 1);
            ck_assert_uint_eq(m->cpu->dr[0], 0x12345);
        }
        machine_free(m);
    }
}
END_TEST

/* In SMM: 4 GiB limits, no paging, no interrupts, and the map where firmware looks for it. */
START_TEST(inside)
{
    for (unsigned k = 0; k < ARRAY_LEN(models); k++) {
        m = machine_new(models[k], _i);
        START(0, nops);
        machine_st32(m, 0x200000, 0x600d600d);
        SMI(smi_wide);
        machine_paging(m);
        machine_page(m, 0x200000, 0);
        through_smm();
        ck_assert_uint_eq(machine_ld32(m, COUNT + 4), 0x600d600d);
        ck_assert_uint_eq(machine_ld32(m, SMBASE + 0xfefc) & 0xffff, k ? 0x64 : 0); /* revision */
        START(0, nops); /* INTR waits; INT n works through the table at 0 */
        SMI(smi_int);
        m->cpu->eflags |= FL_IF;
        machine_idt_gate(m, 0x41, SEL_CODE0, HANDLER, INT32);
        machine_code(m, HANDLER, iretd);
        m->cpu->gpr[REG_DI] = 0;
        m->vector = 0x41;
        cpu_smi(m->cpu);
        machine_run(m, 1);
        ck_assert(m->cpu->in_smm);
        m->cpu->idt = (struct dtable){0, 0x3ff}; /* SMM code loads its own */
        cpu_set_intr(m->cpu, 1);
        machine_run(m, 5);
        ck_assert_uint_eq(REG(DI), 0);
        machine_run(m, 20);
        ck_assert_uint_eq(machine_ld16(m, COUNT), 2);
        ck_assert_uint_eq(REG(DI), 1);
        machine_free(m);
    }
}
END_TEST

/* SMI is not nested, NMI waits for RSM and stays blocked if it was; SMI goes first. */
START_TEST(events)
{
    for (unsigned k = 0; k < ARRAY_LEN(models); k++) {
        m = machine_new(models[k], _i);
        START(0, nops);
        SMI(smi_hot);
        machine_idt_gate(m, EXC_NMI, SEL_CODE0, HANDLER, INT32);
        machine_code(m, HANDLER, iretd);
        m->cpu->gpr[REG_DI] = 0;
        cpu_smi(m->cpu);
        cpu_nmi(m->cpu);
        machine_run(m, 2);
        ck_assert(m->cpu->in_smm);
        ck_assert_uint_eq(REG(DI), 0);
        cpu_smi(m->cpu);
        machine_run(m, 2);
        ck_assert_uint_eq(machine_ld16(m, COUNT), 1);
        machine_run(m, 30);
        ck_assert_uint_eq(machine_ld16(m, COUNT), 2);
        ck_assert_uint_eq(REG(DI), 1);
        ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 5);
        START(0, nops); /* within an NMI handler: still blocked afterwards */
        SMI(smi_hot);
        m->cpu->gpr[REG_DI] = 0;
        m->cpu->nmi_blocked = true;
        cpu_smi(m->cpu);
        cpu_nmi(m->cpu);
        machine_run(m, 20);
        ck_assert_uint_eq(REG(DI), 0);
        ck_assert(m->cpu->nmi_blocked);
        machine_free(m);
    }
}
END_TEST

START_TEST(halt_and_rep)
{
    for (unsigned k = 0; k < ARRAY_LEN(models); k++) {
        u32 slot = SMBASE + 0x8000 + (k ? 0x7ec9 : 0x7f02);
        m = machine_new(models[k], _i);
        START(0, halt); /* HLT goes on sleeping behind RSM */
        SMI(smi_plain);
        machine_run(m, 5);
        ck_assert(m->cpu->halted);
        cpu_smi(m->cpu);
        machine_run(m, 20);
        ck_assert_uint_eq(machine_ld16(m, COUNT), 1);
        ck_assert(m->cpu->halted);
        ck_assert_uint_eq(REG(CX), 0);
        cpu_smi(m->cpu); /* unless the handler says otherwise */
        machine_run(m, 1);
        ck_assert(m->cpu->in_smm);
        machine_mem(m, slot)[0] = 0;
        machine_run(m, 20);
        ck_assert_uint_eq(REG(CX), 1);
        /* Between the runs of a REP: it is finished, each byte once. */
        START(0, rep_movs);
        SMI(smi_plain);
        m->cpu->gpr[REG_CX] = 0x4800;
        m->cpu->gpr[REG_SI] = 0x40123;
        m->cpu->gpr[REG_DI] = 0x60000;
        for (u32 i = 0; i < 0x4800; i++)
            machine_mem(m, 0x40123)[i] = (u8)(i * 13);
        for (u32 i = 0; i < 4; i++) {
            machine_run(m, 1);
            cpu_smi(m->cpu);
        }
        machine_run(m, 100);
        ck_assert_uint_gt(machine_ld16(m, COUNT), 1);
        ck_assert_uint_eq(REG(CX), 0);
        ck_assert_int_eq(memcmp(machine_mem(m, 0x40123), machine_mem(m, 0x60000), 0x4800), 0);
        machine_free(m);
    }
}
END_TEST

/* Breakpoints of the program do not hit in SMM and are armed again behind it. */
START_TEST(debug_registers)
{
    for (unsigned k = 0; k < ARRAY_LEN(models); k++) {
        m = machine_new(models[k], _i);
        START(0, store);
        SMI(smi_store);
        m->cpu->gpr[REG_BX] = 0x40000;
        m->cpu->gpr[REG_CX] = 9;
        m->cpu->dr[0] = 0x40000;
        m->cpu->dr[7] = 0x400 | 1 | 0xd0000;
        debug_update(m->cpu);
        cpu_smi(m->cpu);
        machine_run(m, 4);
        ck_assert(!m->cpu->in_smm);
        ck_assert_uint_eq(machine_ld32(m, 0x40000), 1);
        ck_assert_uint_eq(m->cpu->dr[6] & 0xf, 0);
        machine_run(m, 20);
        ck_assert_int_eq(machine_vector(m), EXC_DB);
        ck_assert_uint_eq(m->cpu->dr[6] & 0xf, 1);
        ck_assert_uint_eq(machine_ld32(m, 0x40000), 9);
        START(0, nops); /* single step: TF waits in the map */
        SMI(smi_plain);
        m->cpu->eflags |= FL_TF;
        cpu_update_mode(m->cpu);
        cpu_smi(m->cpu);
        machine_run(m, 20);
        ck_assert_uint_eq(machine_ld16(m, COUNT), 1);
        ck_assert_int_eq(machine_vector(m), EXC_DB);
        ck_assert_uint_eq(machine_frame(m, 0), AT_CODE + 1);
        machine_free(m);
    }
}
END_TEST

/* Firmware moves SMBASE once, as SeaBIOS does, and the next SMI goes there. */
START_TEST(relocation)
{
    for (unsigned k = 0; k < ARRAY_LEN(models); k++) {
        u32 slot = SMBASE + 0x8000 + (k ? 0x7f00 : 0x7ef8);
        m = machine_new(models[k], _i);
        START(0, nops);
        SMI(smi_plain);
        cpu_smi(m->cpu);
        machine_run(m, 1);
        ck_assert_uint_eq(machine_ld32(m, slot), SMBASE);
        machine_st32(m, slot, 0xa0000);
        machine_load(m, 0xa8000, smi_plain_begin, (size_t)(smi_plain_end - smi_plain_begin));
        machine_st32(m, 0xa9000, 0);
        machine_run(m, 1);
        ck_assert_uint_eq(m->cpu->smbase, 0xa0000);
        cpu_smi(m->cpu);
        machine_run(m, 3);
        ck_assert_uint_eq(machine_ld16(m, 0xa9000), 1);
        ck_assert_uint_eq(machine_ld16(m, COUNT), 1);
        /* INIT keeps it, reset does not. */
        cpu_init_signal(m->cpu);
        ck_assert_uint_eq(m->cpu->smbase, 0xa0000);
        cpu_reset(m->cpu);
        ck_assert_uint_eq(m->cpu->smbase, SMBASE);
        machine_free(m);
    }
}
END_TEST

/* RSM with control registers that cannot be: shutdown, still in SMM; only a reset helps. */
START_TEST(bad_state)
{
    static const struct {
        u32 slot[2], value; /* of the 32-bit and the 64-bit map */
    } c[] = {
        {{0x7ffc, 0x7f58}, CR0_PG},          /* paging without protection */
        {{0x7ffc, 0x7f58}, CR0_PE | CR0_NW}, /* NW without CD */
        {{0x7f14, 0x7f48}, 1u << 31},        /* reserved in CR4 */
    };
    for (unsigned k = 0; k < ARRAY_LEN(models); k++) {
        m = machine_new(models[k], _i);
        for (size_t i = 0; i < ARRAY_LEN(c); i++) {
            START(0, nops);
            SMI(smi_plain);
            cpu_smi(m->cpu);
            machine_run(m, 1);
            ck_assert(m->cpu->in_smm);
            machine_st32(m, SMBASE + 0x8000 + c[i].slot[k], c[i].value);
            ck_assert_int_eq(machine_run(m, 20), CPU_EXIT_SHUTDOWN);
            ck_assert(m->cpu->in_smm);
            cpu_reset(m->cpu);
            ck_assert(!m->cpu->in_smm);
        }
        machine_free(m);
    }
}
END_TEST

/* RSM into 32-bit code with registers of 64 bits: nothing above bit 31 may count. */
START_TEST(wide_registers)
{
    const u64 ebx = (u64)5 << 32 | AT_DATA;
    m = machine_new("max", _i);
    START(0, stores);
    m->cpu->gpr[REG_SI] = AT_DATA + 8;
    SMI(smi_plain);
    cpu_smi(m->cpu);
    machine_run(m, 1);
    ck_assert(m->cpu->in_smm);
    machine_st32(m, SMBASE + 0x8000 + 0x7fe0, (u32)ebx);
    machine_st32(m, SMBASE + 0x8000 + 0x7fe4, (u32)(ebx >> 32));
    machine_st32(m, SMBASE + 0x8000 + 0x7ff0, 0x600d);
    machine_st32(m, AT_DATA, 0);
    ck_assert_int_eq(machine_run(m, 20), CPU_EXIT_HALT);
    ck_assert(!m->cpu->in_smm);
    ck_assert_uint_eq(machine_ld32(m, AT_DATA), 0x600d);
    machine_free(m);
}
END_TEST

SUITE_MAIN("smm", wide_registers, bad_state, every_mode, inside, events, halt_and_rep, debug_registers, relocation)

#else
int main(void)
{
    puts("smm: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
