/* DPMITEST.COM: enters protected mode through the monitor's DPMI-like interface. This file is its
 * real-mode part; what runs in 32-bit code is tests/pm/program.c, linked into the same image. */
#include "roms/dos/lib/check.h"

void pm_entry(u32 host, u16 host_segment, u32 mode);

/* Far call to the host in 16-bit code; behind it everything is protected mode. The first thing to
 * do there is a 32-bit code segment over the same memory (INT 31h). */
__asm__(".globl pm_entry\n"
        "pm_entry:\n\t"
        "movl 4(%esp), %eax\n\t"
        "movl %eax, pm_host\n\t"
        "movw 8(%esp), %es\n\t"
        "movl 12(%esp), %esi\n\t"
        "movw $1, %ax\n\t"
        "lcallw *pm_host\n\t"
        "jc 1f\n\t"
        "movw $0, %ax; movw $1, %cx; int $0x31\n\t" /* a descriptor */
        "jc 2f\n\t"
        "movw %ax, pm_code + 4\n\t"
        "movw %cs, %bx; movw $6, %ax; int $0x31\n\t" /* our base */
        "movw pm_code + 4, %bx; movw $7, %ax; int $0x31\n\t"
        "xorw %cx, %cx; movw $0xffff, %dx; movw $8, %ax; int $0x31\n\t"
        "movw $0x40fb, %cx; movw $9, %ax; int $0x31\n\t" /* 32-bit code */
        "jc 2f\n\t"
        "movzwl %sp, %esp\n\t"
        "movw %ds, %ax; movw %ax, %es\n\t"
        "ljmpl *pm_code\n"
        "2:\tmovw $0x4c7f, %ax; int $0x21\n"
        "1:\tretl\n\t"
        ".balign 4\n"
        "pm_host:\t.long 0\n"
        "pm_code:\t.long pm_start\n\t.word 0\n");

int main(void);

int main(void)
{
    struct cpu_regs r = {.eax = 0x1687};
    u16 seg;

    dos_shrink();
    cpu_int(0x2f, &r);
    if (r.ax != 0) {
        print("dpmi: FAIL no host\n");
        return 1;
    }
    seg = dos_alloc(r.si, NULL);
    pm_entry((u32)r.es << 16 | r.di, seg, cpu_mode());
    print("dpmi: FAIL refused\n");
    return 1;
}
