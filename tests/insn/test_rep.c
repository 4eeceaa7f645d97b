/* REP: counts of 0, faults and restarts, interrupts in the middle, registers of devices, direction
 * (SDM vol. 1 section 7.3.9.3; vol. 2 "REP/REPE/REPZ/REPNE/REPNZ"). */
#include "tests/insn/suite.h"

#if GUEST_CODE

enum { SRC = 0x40000, DST = 0x60000, DEV = 0x80000000u, HANDLER = 0x12000, LOG = 64 };
enum { INT32 = DA_P | SYS_INT32 << 8 };

#define ONE(name, text) GUEST(name, 32, text "\n hlt")
ONE(movsb, "rep movsb");
ONE(movsw, "rep movsw");
ONE(movsd, "rep movsd");
ONE(stosb, "rep stosb");
ONE(stosw, "rep stosw");
ONE(stosd, "rep stosd");
ONE(lodsb, "rep lodsb");
ONE(lodsd, "rep lodsd");
ONE(cmpsb, "repe cmpsb");
ONE(cmpsd, "repne cmpsd");
ONE(scasb, "repne scasb");
ONE(scasd, "repe scasd");
ONE(insb, "rep insb");
ONE(insd, "rep insd");
ONE(outsb, "rep outsb");
ONE(outsd, "rep outsd");
GUEST(count16, 32, ".byte 0x67\n rep movsb\n hlt");
GUEST(map_and_return, 32,
      "push eax\n push edx\n inc ebp\n mov eax, cr2\n mov edx, eax\n shr eax, 12\n and edx, "
      "0xfffff000\n"
      "or edx, 7\n mov [0x101000+eax*4], edx\n pop edx\n pop eax\n add esp, 4\n iretd");
GUEST(count_and_return, 32, "inc ebp\n iretd");
GUEST(std_movsd, 32, "std\n rep movsd\n hlt");
GUEST(fs_movs, 32, "rep movsb es:[edi], fs:[esi]\n hlt");

static struct machine *m;

/* A device that writes down what it is asked and can raise an interrupt at its n-th access. */
static struct {
    u32 off[LOG];
    u8 size[LOG], write[LOG];
    u64 value[LOG];
    u32 n, interrupt_at;
} dev;
#define REG(r) ((u32)m->cpu->gpr[REG_##r])

static void dev_note(u64 off, unsigned size, bool write, u64 v)
{
    u32 i = dev.n++;
    if (i < LOG) {
        dev.off[i] = (u32)off;
        dev.size[i] = (u8)size;
        dev.write[i] = write;
        dev.value[i] = v;
    }
    if (dev.n == dev.interrupt_at)
        cpu_set_intr(m->cpu, 1);
}

static u64 dev_read(void *d, u64 off, unsigned size)
{
    dev_note(off, size, false, 0);
    return 0x0101010101010101ull * (off & 0xff);
}

static void dev_write(void *d, u64 off, u64 v, unsigned size)
{
    dev_note(off, size, true, v & size_mask(size));
}

static const struct region_ops dev_ops = {dev_read, dev_write, 1, 4};

static struct machine *with_device(int engine, struct region *r)
{
    struct machine *n = machine_new("max", engine);
    *r = (struct region){.name = "device", .base = DEV, .size = 0x1000, .ops = &dev_ops};
    bus_map(&n->mem, r);
    return n;
}

static void start(unsigned cpl, const u8 *begin, const u8 *end, u32 cx, u32 si, u32 di)
{
    machine_protected(m, cpl, AT_CODE);
    machine_load(m, AT_CODE, begin, (size_t)(end - begin));
    m->cpu->gpr[REG_CX] = cx;
    m->cpu->gpr[REG_SI] = si;
    m->cpu->gpr[REG_DI] = di;
    m->cpu->gpr[REG_BP] = m->cpu->gpr[REG_DX] = 0;
    memset(&dev, 0, sizeof(dev));
}
#define START(cpl, name, cx, si, di) start(cpl, name##_begin, name##_end, cx, si, di)

static const struct {
    const u8 *begin, *end;
    u8 size;
    bool si, di, write;
} ops[] = {
#define C(n, size, si, di, w)                                                                      \
    {                                                                                              \
        n##_begin, n##_end, size, si, di, w                                                        \
    }
    C(movsb, 1, 1, 1, 1), C(movsw, 2, 1, 1, 1), C(movsd, 4, 1, 1, 1), C(stosb, 1, 0, 1, 1),
    C(stosw, 2, 0, 1, 1), C(stosd, 4, 0, 1, 1), C(lodsb, 1, 1, 0, 0), C(lodsd, 4, 1, 0, 0),
    C(cmpsb, 1, 1, 1, 0), C(cmpsd, 4, 1, 1, 0), C(scasb, 1, 0, 1, 0), C(scasd, 4, 0, 1, 0),
    C(insb, 1, 0, 1, 1),  C(insd, 4, 0, 1, 1),  C(outsb, 1, 1, 0, 0), C(outsd, 4, 1, 0, 0),
#undef C
};

/* Nothing is checked for a count of 0: no address, no limit, no port; no flag changes. */
START_TEST(count_zero)
{
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        for (unsigned k = 0; k < 3; k++) {
            start(3, ops[i].begin, ops[i].end, 0, 0xfffffff0u, 0xfffffff0u);
            m->cpu->gpr[REG_DX] = 0x1234;
            m->cpu->gpr[REG_AX] = 0x5678;
            cpu_set_aflags(m->cpu, F_C | F_A);
            if (k == 1) {
                seg_put_null(m->cpu, SEG_DS, 0);
                seg_put_null(m->cpu, SEG_ES, 0);
                cpu_update_mode(m->cpu);
            }
            if (k == 2)
                machine_paging(m);
            m->io_reads = m->io_writes = 0;
            machine_run(m, 1);
            ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + (u32)(ops[i].end - ops[i].begin) - 1);
            ck_assert_uint_eq(REG(CX), 0);
            ck_assert_uint_eq(REG(SI), 0xfffffff0u);
            ck_assert_uint_eq(REG(DI), 0xfffffff0u);
            ck_assert_uint_eq(REG(AX), 0x5678);
            ck_assert_uint_eq(cpu_aflags(m->cpu), F_C | F_A);
            ck_assert_uint_eq(m->io_reads + m->io_writes, 0);
        }
    START(0, count16, 0x50000, 0xfffffff0u, 0xfffffff0u); /* CX is what counts */
    machine_run(m, 10);
    ck_assert_int_eq(machine_vector(m), -1);
    ck_assert_uint_eq(REG(CX), 0x50000);
    machine_free(m);
}
END_TEST

/* Every page faults once; the handler maps it and returns: the whole string must be done, each
 * element once. */
START_TEST(faults_restart)
{
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        u32 n = 0x3800 / ops[i].size, off = ops[i].size == 1 ? 0x123 : 0x121; /* crossing pages */
        start(0, ops[i].begin, ops[i].end, n, SRC + off, DST + off + 1);
        for (u32 k = 0; k < 0x5000; k += 4) {
            machine_st32(m, SRC + k, 0x5a5a5a5a);
            machine_st32(m, DST + k, 0x5a5a5a5a);
        }
        if (ops[i].begin == cmpsd_begin) /* REPNE goes on while different */
            memset(machine_mem(m, SRC), 0x11, 0x5000);
        m->cpu->gpr[REG_AX] = ops[i].begin == scasb_begin ? 0x77 : 0x5a5a5a5a;
        m->cpu->gpr[REG_DX] = 0x80;
        m->io_reads = m->io_writes = 0;
        machine_idt_gate(m, EXC_PF, SEL_CODE0, HANDLER, INT32);
        machine_code(m, HANDLER, map_and_return);
        machine_paging(m);
        for (u32 p = 0; p < 5; p++) {
            machine_page(m, SRC + p * 0x1000, 0);
            machine_page(m, DST + p * 0x1000, 0);
        }
        machine_run(m, 40000);
        ck_assert_msg((u32)m->cpu->rip == AT_CODE + (u32)(ops[i].end - ops[i].begin),
                      "case %zu: eip %x vector %d cx %x", i, (u32)m->cpu->rip, machine_vector(m),
                      REG(CX));
        ck_assert_uint_eq(REG(CX), 0);
        ck_assert_uint_eq(REG(SI), SRC + off + (ops[i].si ? 0x3800 : 0));
        ck_assert_uint_eq(REG(DI), DST + off + 1 + (ops[i].di ? 0x3800 : 0));
        ck_assert_uint_eq(REG(BP), 4u * (ops[i].si + ops[i].di)); /* faults */
        if (ops[i].begin == insb_begin || ops[i].begin == insd_begin)
            ck_assert_uint_eq(m->io_reads, n);
        if (ops[i].begin == outsb_begin || ops[i].begin == outsd_begin)
            ck_assert_uint_eq(m->io_writes, n);
    }
    machine_free(m);
}
END_TEST

/* A device sees one access per element, of the element's size, in order; reads and writes
 * alternate. */
START_TEST(device_registers)
{
    struct region r;
    m = with_device(_i, &r);
    START(0, movsw, 5, DEV + 0x10, DST);
    machine_run(m, 100);
    ck_assert_uint_eq(dev.n, 5);
    for (u32 i = 0; i < 5; i++) {
        ck_assert_uint_eq(dev.off[i], 0x10 + 2 * i);
        ck_assert_uint_eq(dev.size[i], 2);
        ck_assert_uint_eq(machine_ld16(m, DST + 2 * i), 0x0101 * (0x10 + 2 * i));
    }
    START(0, stosd, 3, 0, DEV + 0x20);
    m->cpu->gpr[REG_AX] = 0xa1b2c3d4;
    machine_run(m, 100);
    ck_assert_uint_eq(dev.n, 3);
    ck_assert_uint_eq(dev.size[2], 4);
    ck_assert_uint_eq(dev.value[2], 0xa1b2c3d4);
    ck_assert_uint_eq(dev.off[2], 0x28);
    START(0, movsb, 4, DEV + 0x30, DEV + 0x80); /* a VGA's latches live on this order */
    machine_run(m, 100);
    ck_assert_uint_eq(dev.n, 8);
    for (u32 i = 0; i < 8; i++) {
        ck_assert_uint_eq(dev.write[i], i & 1);
        ck_assert_uint_eq(dev.size[i], 1);
        ck_assert_uint_eq(dev.off[i], (i & 1 ? 0x80 : 0x30) + i / 2);
    }
    START(0, std_movsd, 3, SRC + 8, DEV + 0x48);
    machine_st32(m, SRC + 8, 0x11111111);
    machine_run(m, 100);
    ck_assert_uint_eq(dev.off[0], 0x48);
    ck_assert_uint_eq(dev.off[2], 0x40);
    ck_assert_uint_eq(dev.value[0], 0x11111111);
    /* A compare stops at the element that ends it and reads no further. */
    START(0, scasb, 100, 0, DEV + 0x10);
    m->cpu->gpr[REG_AX] = 0x14;
    machine_run(m, 100);
    ck_assert_uint_eq(dev.n, 5);
    ck_assert_uint_eq(REG(CX), 95);
    /* From memory into the device up to a page that is absent. */
    START(0, movsb, 8, SRC + 0xffc, DEV);
    machine_paging(m);
    machine_st32(m, AT_PAGES + 0x800, (AT_PAGES + 0x3000) | 7);
    machine_st32(m, AT_PAGES + 0x3000, DEV | 7);
    machine_page(m, SRC + 0x1000, 0);
    machine_run(m, 100);
    expect_error(m, EXC_PF, 0u);
    ck_assert_uint_eq(dev.n, 4);
    ck_assert_uint_eq(REG(CX), 4);
    ck_assert_uint_eq(REG(DI), DEV + 4);
    machine_free(m);
}
END_TEST

/* An interrupt in the middle returns to the instruction, registers tell how far it came, and it is
 * finished afterwards. */
START_TEST(interrupts)
{
    struct region r;
    m = with_device(_i, &r);
    for (u32 at = 1; at < 12; at++) {
        START(0, movsb, 10, SRC, DEV);
        machine_idt_gate(m, 0x40, SEL_CODE0, HANDLER, INT32);
        machine_code(m, HANDLER, count_and_return);
        m->vector = 0x40;
        m->cpu->eflags |= FL_IF;
        dev.interrupt_at = at;
        machine_run(m, 100);
        ck_assert_uint_eq(REG(BP), at <= 10);
        ck_assert_uint_eq(dev.n, 10);
        ck_assert_uint_eq(REG(CX), 0);
        ck_assert_uint_eq((u32)m->cpu->rip, AT_CODE + 3);
    }
    /* At every boundary of a long move: what is left and what is done add up. */
    for (u32 at = 0; at < 6; at++) {
        START(0, movsd, 0x1800, SRC + 0x40, DST + 0x444);
        m->vector = 0x40;
        machine_run(m, at);
        m->cpu->eflags |= FL_IF;
        cpu_set_intr(m->cpu, 1);
        machine_run(m, 100);
        ck_assert_int_eq(machine_vector(m), 0x40);
        ck_assert_uint_eq(machine_frame(m, 0), AT_CODE);
        ck_assert_uint_eq(REG(SI) - (SRC + 0x40), 4 * (0x1800 - REG(CX)));
        ck_assert_uint_eq(REG(DI) - (DST + 0x444), 4 * (0x1800 - REG(CX)));
        ck_assert_int_eq(REG(CX) < 0x1800, at > 0);
        ck_assert_int_eq(!!(machine_frame(m, 2) & FL_RF), at > 0);
    }
    machine_free(m);
}
END_TEST

/* The source may have another segment, the destination not; a source segment's fault is #GP, and
 * nothing of the element is moved. */
START_TEST(segments)
{
    m = machine_new("max", _i);
    START(0, fs_movs, 4, 0x10, DST);
    m->cpu->seg[SEG_FS].base = SRC;
    seg_update(m->cpu, SEG_FS);
    cpu_update_mode(m->cpu);
    machine_st32(m, SRC + 0x10, 0x600dcafe);
    machine_run(m, 20);
    ck_assert_uint_eq(machine_ld32(m, DST), 0x600dcafe);
    START(0, fs_movs, 8, 0x10, DST);
    m->cpu->seg[SEG_FS].base = SRC;
    m->cpu->seg[SEG_FS].limit = 0x13;
    seg_update(m->cpu, SEG_FS);
    cpu_update_mode(m->cpu);
    machine_st32(m, DST + 4, 0);
    machine_run(m, 20);
    expect_error(m, EXC_GP, 0u);
    ck_assert_uint_eq(REG(CX), 4);
    ck_assert_uint_eq(REG(SI), 0x14);
    ck_assert_uint_eq(machine_ld32(m, DST + 4), 0);
    START(0, movsb, 4, SRC, DST); /* the source faults first */
    seg_put_null(m->cpu, SEG_ES, 0);
    cpu_update_mode(m->cpu);
    machine_paging(m);
    machine_page(m, SRC, 0);
    machine_run(m, 20);
    ck_assert_int_eq(machine_vector(m), EXC_PF);
    machine_free(m);
}
END_TEST

SUITE_MAIN("rep", count_zero, faults_restart, device_registers, interrupts, segments)

#else
int main(void)
{
    puts("rep: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
