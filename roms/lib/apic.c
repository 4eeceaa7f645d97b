/* The local APIC as a wire (Intel SDM volume 3, section 10.5.1). */
#include "roms/lib/apic.h"

/* Does the processor have a local APIC? Older ones do not even have CPUID, which bit 21 of EFLAGS
 * tells. */
static bool has_apic(void)
{
    u32 before, after, a = 1, b, c, d;

    __asm__ volatile("pushf; pop %0; mov %0, %1; xor $0x200000, %1; push %1; popf; pushf; pop %1"
                     : "=&r"(before), "=&r"(after));
    if (((before ^ after) & 0x200000) == 0)
        return false;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return (d & 1u << 9) != 0;
}

void apic_transparent(void)
{
    volatile u32 *apic = (volatile u32 *)0xfee00000u;

    if (!has_apic())
        return;
    apic[0xf0 / 4] = 0x1ff;
    apic[0x350 / 4] = 0x700;
    apic[0x360 / 4] = 0x400;
}
