/* Segmentation: limits in both directions, rights, presence, null selectors, far transfers and call
 * gates. */
#include "roms/test/lib/test.h"

enum {
    SEL_A = SEL_FREE,
    SEL_B = SEL_FREE + 8,
    SEL_C = SEL_FREE + 16,
    SEL_D = SEL_FREE + 24,
    SEL_LDT = SEL_FREE + 32,
    SEL_GATE = SEL_FREE + 40,
    BUFFER = 0x340000,
};

static void load_fs(u16 sel)
{
    __asm__ volatile("mov %0, %%fs" : : "r"((u32)sel));
}

static u32 fs_read(u32 offset)
{
    u32 v;
    __asm__ volatile("movl %%fs:(%1), %0" : "=r"(v) : "r"(offset));
    return v;
}

static u32 arg;

static void read_fs(void)
{
    fs_read(arg);
}

static void read_fs_byte(void)
{
    u8 v;
    __asm__ volatile("movb %%fs:(%1), %0" : "=q"(v) : "r"(arg));
}

static void write_fs(void)
{
    __asm__ volatile("movb $1, %%fs:(%0)" : : "r"(arg) : "memory");
}

static void load_arg_fs(void)
{
    load_fs((u16)arg);
}

static void load_arg_ss(void)
{
    __asm__ volatile("mov %0, %%ss" : : "r"(arg));
}

/* Read at `offset` through FS: does it fault with #GP(0)? */
static bool fs_faults(u32 offset)
{
    u32 v;

    arg = offset;
    v = trap_run(read_fs);
    if (v == TRAP_NONE)
        return false;
    CHECK_EQ(v, VEC_GP);
    CHECK_EQ(last.f.error, 0);
    return true;
}

static void limits(void)
{
    for (u32 i = 0; i < 0x3000; i += 4)
        *(u32 *)(BUFFER + i) = i;
    /* Byte limit: the last byte is 0xfff. */
    set_gdt(SEL_A, make_segment(BUFFER, 0xfff, ACC_DATA, SEG_32));
    load_fs(SEL_A);
    CHECK_EQ(fs_read(0x10), 0x10);
    CHECK(!fs_faults(0xffc));
    CHECK(fs_faults(0xffd));
    CHECK(fs_faults(0x1000));
    CHECK(fs_faults(0xffffffff));
    arg = 0xfff;
    CHECK_EQ(trap_run(read_fs_byte), TRAP_NONE);
    /* Page limit: 1 means 0x1fff. */
    set_gdt(SEL_B, make_segment(BUFFER, 1, ACC_DATA, SEG_32 | SEG_PAGES));
    load_fs(SEL_B);
    CHECK(!fs_faults(0x1ffc));
    CHECK(fs_faults(0x1ffd));
    /* Expand-down: everything above the limit, up to 64 KiB or 4 GiB. */
    set_gdt(SEL_C, make_segment(BUFFER, 0xfff, ACC_DATA_DOWN, SEG_32));
    load_fs(SEL_C);
    CHECK(fs_faults(0xffc));
    CHECK(fs_faults(0xfff));
    CHECK(!fs_faults(0x1000));
    CHECK_EQ(fs_read(0x2000), 0x2000);
    set_gdt(SEL_C, make_segment(BUFFER, 0xfff, ACC_DATA_DOWN, SEG_16));
    load_fs(SEL_C);
    CHECK(!fs_faults(0xfffc));
    CHECK(fs_faults(0xfffd));
    CHECK(fs_faults(0x10000));
    /* The descriptor is read when the register is loaded, not later. */
    load_fs(SEL_A);
    set_gdt(SEL_A, 0);
    CHECK_EQ(fs_read(0x20), 0x20);
    /* A base that wraps around 4 GiB. */
    set_gdt(SEL_A, make_segment(0xffffff00, 0xfffff, ACC_DATA, SEG_32 | SEG_PAGES));
    load_fs(SEL_A);
    CHECK_EQ(fs_read(0x100 + BUFFER + 8), 8);
}

static void rights(void)
{
    arg = 0;
    set_gdt(SEL_A, make_segment(BUFFER, 0xfff, ACC_DATA_RO, SEG_32));
    load_fs(SEL_A);
    CHECK_EQ(trap_run(read_fs), TRAP_NONE);
    CHECK_EQ(trap_run(write_fs), VEC_GP);
    CHECK_EQ(last.f.error, 0);
    set_gdt(SEL_A, make_segment(BUFFER, 0xfff, ACC_CODE, SEG_32));
    load_fs(SEL_A);
    CHECK_EQ(trap_run(read_fs), TRAP_NONE);
    CHECK_EQ(trap_run(write_fs), VEC_GP);
    /* An execute-only segment cannot be loaded for data at all. */
    set_gdt(SEL_A, make_segment(BUFFER, 0xfff, ACC_CODE_XO, SEG_32));
    arg = SEL_A;
    CHECK_EQ(trap_run(load_arg_fs), VEC_GP);
    CHECK_EQ(last.f.error, SEL_A);
    set_gdt(SEL_A, make_segment(BUFFER, 0xfff, ACC_DATA & 0x7f, SEG_32));
    CHECK_EQ(trap_run(load_arg_fs), VEC_NP);
    CHECK_EQ(last.f.error, SEL_A);
    CHECK_EQ(trap_run(load_arg_ss), VEC_SS);
    CHECK_EQ(last.f.error, SEL_A);
    /* SS takes writable data of the current level only. */
    set_gdt(SEL_A, make_segment(0, 0xfffff, ACC_DATA_RO, SEG_32 | SEG_PAGES));
    CHECK_EQ(trap_run(load_arg_ss), VEC_GP);
    arg = SEL_DATA3;
    CHECK_EQ(trap_run(load_arg_ss), VEC_GP);
    CHECK_EQ(last.f.error, SEL_DATA3 & ~3u);
    arg = 0;
    CHECK_EQ(trap_run(load_arg_ss), VEC_GP);
    CHECK_EQ(last.f.error, 0);
    /* A null selector may be loaded, not used. */
    CHECK_EQ(trap_run(load_arg_fs), TRAP_NONE);
    load_fs(0);
    CHECK_EQ(trap_run(read_fs), VEC_GP);
    CHECK_EQ(last.f.error, 0);
    /* Beyond the table. */
    arg = GDT_SIZE * 8;
    CHECK_EQ(trap_run(load_arg_fs), VEC_GP);
    CHECK_EQ(last.f.error, GDT_SIZE * 8);
    /* Loading sets the accessed bit in memory. */
    set_gdt(SEL_A, make_segment(0, 0xfff, ACC_DATA & ~1, SEG_32));
    load_fs(SEL_A);
    CHECK_EQ(gdt[SEL_A >> 3] >> 40 & 1, 1);
    load_fs(SEL_DATA);
}

static void ldt(void)
{
    static u64 table[4];

    table[1] = make_segment(BUFFER, 0xff, ACC_DATA, SEG_32);
    set_gdt(SEL_LDT, make_segment((u32)table, sizeof(table) - 1, ACC_LDT, 0));
    __asm__ volatile("lldt %w0" : : "r"(SEL_LDT));
    load_fs(0x0c);
    CHECK_EQ(fs_read(0x40), 0x40);
    arg = 0x24;
    CHECK_EQ(trap_run(load_arg_fs), VEC_GP);
    CHECK_EQ(last.f.error, 0x24);
    __asm__ volatile("lldt %w0" : : "r"(0));
    arg = 0x0c;
    CHECK_EQ(trap_run(load_arg_fs), VEC_GP);
    CHECK_EQ(last.f.error, 0x0c);
    load_fs(SEL_DATA);
}

static void examine(void)
{
    u32 v, f;

    set_gdt(SEL_A, make_segment(0x1000, 0x12345, ACC_DATA, SEG_32 | SEG_PAGES));
    __asm__ volatile("lsl %2, %0; pushf; pop %1" : "=r"(v), "=r"(f) : "r"(SEL_A) : "cc");
    CHECK_EQ(v, 0x12345fff);
    CHECK_EQ(f & 0x40, 0x40);
    __asm__ volatile("lar %2, %0; pushf; pop %1" : "=r"(v), "=r"(f) : "r"(SEL_A) : "cc");
    CHECK_EQ(v & 0x00f0ff00, 0x00c09300);
    __asm__ volatile("lar %1, %%ecx; pushf; pop %0" : "=r"(f) : "r"(0) : "cc", "ecx");
    CHECK_EQ(f & 0x40, 0);
    __asm__ volatile("verw %w1; pushf; pop %0" : "=r"(f) : "r"(SEL_A) : "cc");
    CHECK_EQ(f & 0x40, 0x40);
    __asm__ volatile("verw %w1; pushf; pop %0" : "=r"(f) : "r"(SEL_CODE) : "cc");
    CHECK_EQ(f & 0x40, 0);
    __asm__ volatile("verr %w1; pushf; pop %0" : "=r"(f) : "r"(SEL_CODE) : "cc");
    CHECK_EQ(f & 0x40, 0x40);
    v = 0x10;
    __asm__ volatile("arpl %w2, %w0; pushf; pop %1" : "+r"(v), "=r"(f) : "r"(3) : "cc");
    CHECK_EQ(v, 0x13);
    CHECK_EQ(f & 0x40, 0x40);
}

/* A far call to a 16-bit segment and back: operand and address sizes follow the segment. */
static void sixteen_bit_code(void)
{
    u8 *p = (u8 *)BUFFER;
    u32 v;
    struct {
        u32 offset;
        u16 sel;
    } __attribute__((packed)) far = {0, SEL_B};

    p[0] = 0xb8; /* mov $0x1234, %ax: an immediate of two bytes */
    p[1] = 0x34;
    p[2] = 0x12;
    p[3] = 0x66; /* the return takes 32-bit offsets */
    p[4] = 0xcb;
    set_gdt(SEL_B, make_segment(BUFFER, 0xffff, ACC_CODE, SEG_16));
    __asm__ volatile("lcall *%1" : "=a"(v) : "m"(far), "0"(0xffff0000u) : "memory");
    CHECK_EQ(v, 0xffff1234u);
}

static void jump_past_limit(void)
{
    struct {
        u32 offset;
        u16 sel;
    } __attribute__((packed)) far = {0x1000, SEL_B};

    __asm__ volatile("lcall *%0" : : "m"(far) : "memory");
}

static void jump_to_data(void)
{
    struct {
        u32 offset;
        u16 sel;
    } __attribute__((packed)) far = {0, SEL_DATA};

    __asm__ volatile("lcall *%0" : : "m"(far) : "memory");
}

static void run_off_the_end(void)
{
    struct {
        u32 offset;
        u16 sel;
    } __attribute__((packed)) far = {0xffe, SEL_B};

    __asm__ volatile("lcall *%0" : : "m"(far) : "memory");
}

static void code_limits(void)
{
    set_gdt(SEL_B, make_segment(BUFFER, 0xfff, ACC_CODE, SEG_32));
    CHECK_EQ(trap_run(jump_past_limit), VEC_GP);
    CHECK_EQ(last.f.error, 0);
    CHECK_EQ(last.f.cs & 0xffff, SEL_CODE);
    CHECK_EQ(trap_run(jump_to_data), VEC_GP);
    CHECK_EQ(last.f.error, SEL_DATA);
    /* The instruction at the end of the segment reaches beyond it. */
    *(u8 *)(BUFFER + 0xffe) = 0xb8;
    CHECK_EQ(trap_run(run_off_the_end), VEC_GP);
    CHECK_EQ(last.f.cs & 0xffff, SEL_B);
    CHECK_EQ(last.f.eip, 0xffe);
}

static u32 gate_sum __attribute__((used)), gate_cs __attribute__((used));

/* Reached from ring 3 through the gate with two parameters; returns over them. */
__asm__(".text\n"
        "gate_target:\n\t"
        "mov 8(%esp), %eax\n\t"
        "shl $8, %eax\n\t"
        "add 12(%esp), %eax\n\t"
        "mov %eax, gate_sum\n\t"
        "mov %cs, gate_cs\n\t"
        "lret $8\n");
extern const u8 gate_target[];

static void through_gate(void)
{
    u32 before, after;

    __asm__ volatile("mov %%esp, %0\n\t"
                     "push $0x22\n\t"
                     "push $0x11\n\t"
                     "lcall %2, $0\n\t"
                     "mov %%esp, %1"
                     : "=&r"(before), "=&r"(after)
                     : "i"(SEL_GATE | 3)
                     : "eax", "memory");
    __asm__ volatile("int %0" : : "i"(VEC_USER), "a"(before), "d"(after));
}

static void call_gate(void)
{
    set_gdt(SEL_GATE, make_gate(SEL_CODE, (u32)gate_target, ACC_CALL_GATE | ACC_DPL3, 2));
    CHECK_EQ(user_run(through_gate), VEC_USER);
    CHECK_EQ(gate_sum, 0x1122);
    CHECK_EQ(gate_cs & 3, 0);
    CHECK_EQ(last.f.cs, SEL_CODE3);
    /* The parameters are gone from the user's stack too. */
    CHECK_EQ(last.f.eax, last.f.edx);
    /* Not for ring 3. */
    set_gdt(SEL_GATE, make_gate(SEL_CODE, (u32)gate_target, ACC_CALL_GATE, 2));
    CHECK_EQ(user_run(through_gate), VEC_GP);
    CHECK_EQ(last.f.error, SEL_GATE);
    set_gdt(SEL_GATE, make_gate(SEL_CODE, (u32)gate_target, (ACC_CALL_GATE | ACC_DPL3) & 0x7f, 2));
    CHECK_EQ(user_run(through_gate), VEC_NP);
}

/* Through EBP the stack segment is used, and it has a fault of its own. */
static void user_stack_read(void)
{
    __asm__ volatile("mov %0, %%ss\n\t"
                     "mov $0x2000, %%ebp\n\t"
                     "mov (%%ebp), %%eax"
                     :
                     : "r"(SEL_C | 3)
                     : "eax");
}

static void stack_limit(void)
{
    set_gdt(SEL_C, make_segment(BUFFER, 0xfff, ACC_DATA | ACC_DPL3, SEG_32));
    CHECK_EQ(user_run(user_stack_read), VEC_SS);
    CHECK_EQ(last.f.error, 0);
    CHECK_EQ(last.f.user_ss, SEL_C | 3);
}

void run_test(void)
{
    limits();
    rights();
    ldt();
    examine();
    sixteen_bit_code();
    code_limits();
    call_gate();
    stack_limit();
}
