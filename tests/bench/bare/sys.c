/* System kernels: interrupts and returns, address space switches, single invalidations, page
 * faults, ports, the VGA. */
#include "tests/bench/bare/bare.h"

enum {
    VEC_PF = 14,
    VEC_RETURN = 0x80,
    VEC_LEAVE = 0x81,
    PAGES = 32,
    VGA_TEXT = 0xb8000,
    VGA_CELLS = 80 * 25,
    FAULT_AT = AREA + 64 * PAGE,
};

extern void int_return(void);
extern void int_leave_user(void);
extern void fault_page(void);
extern void user_loop(u32 n);
extern volatile u32 *fault_pte;
extern u32 fault_entry;

static void int_prepare(void)
{
    bare_gate(VEC_RETURN, int_return, true);
    bare_gate(VEC_LEAVE, int_leave_user, true);
}

static void int_ring0(u32 n)
{
    for (; n != 0; n--)
        __asm__ volatile("int $0x80" : : : "memory");
}

static void int_ring3(u32 n)
{
    user_loop(n);
}

static void cr3_touch(u32 n)
{
    u32 cr3 = read_cr3(), s = 0;

    for (; n != 0; n--) {
        write_cr3(cr3);
        for (u32 i = 0; i < PAGES; i++)
            s += *(volatile u32 *)(AREA + i * PAGE);
    }
    bare_sink = s;
}

static void cr3_write(u32 n)
{
    u32 cr3 = read_cr3();

    for (; n != 0; n--)
        write_cr3(cr3);
}

static void invlpg_touch(u32 n)
{
    volatile u32 *p = (volatile u32 *)AREA;

    for (; n != 0; n--) {
        invlpg(p);
        (void)*p;
    }
}

static void fault_prepare(void)
{
    bare_gate(VEC_PF, fault_page, false);
    fault_pte = bare_pte(FAULT_AT);
    fault_entry = FAULT_AT | PTE_RWU;
}

static void page_fault(u32 n)
{
    for (; n != 0; n--) {
        *fault_pte = 0;
        invlpg((volatile void *)FAULT_AT);
        *(volatile u32 *)FAULT_AT = n; /* faults, and the handler maps the page */
    }
}

static void out80(u32 n)
{
    for (; n != 0; n--)
        outb(0x80, (u8)n);
}

static void vga_text(u32 n)
{
    volatile u16 *cells = (volatile u16 *)VGA_TEXT;

    for (; n != 0; n--) {
        for (u32 i = 0; i < VGA_CELLS; i++)
            cells[i] = (u16)(0x0700 | ('A' + ((i + n) & 15)));
    }
}

const struct kernel sys_kernels[] = {
    {"int_ring0", "int/s", int_ring0, 1, 1, int_prepare, false},
    {"int_ring3", "int/s", int_ring3, 1, 1, int_prepare, false},
    {"cr3", "switch/s", cr3_write, 1, 1, NULL, false},
    {"cr3_32pages", "switch/s", cr3_touch, 1, 1, NULL, false},
    {"invlpg", "inval/s", invlpg_touch, 1, 1, NULL, false},
    {"pagefault", "fault/s", page_fault, 1, 1, fault_prepare, false},
    {"out80", "out/s", out80, 1, 1, NULL, false},
    {"vga_text", "store/s", vga_text, VGA_CELLS, 1, NULL, false},
    {NULL, NULL, NULL, 0, 0, NULL, false},
};
