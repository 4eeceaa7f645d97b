/* What EMM.COM's real-mode part tells the monitor when it enters it. Shared by 16-bit and 32-bit
 * code. */
#ifndef ROMS_DOS_MONITOR_INFO_H
#define ROMS_DOS_MONITOR_INFO_H

#include "devices/core/types.h"

#define MONITOR_BASE 0xf8000000u /* where the monitor is linked; no V86 address reaches there */

enum {
    MONITOR_SIZE = 0x40000, /* of its memory: image, zero-initialised data, stacks, page tables */
    FRAME_SEGMENT = 0xd000, /* EMS page frame: 64 KiB that no ROM uses */
    SEL_CODE = 0x08,        /* the flat segments, in the boot GDT and in the monitor's own */
    SEL_DATA = 0x10,
    PTE_P = 1,
    PTE_W = 2,
    PTE_U = 4,
};

struct monitor_info {
    u32 phys, size;     /* the monitor's extended memory, from a page boundary */
    u16 sp, ss, ip, cs; /* where to go on in V86 mode */
    u16 ds;
    u16 leave_ip; /* of the code that goes back to real mode, in the same segment */
    u16 dpmi_ip;  /* of the call that enters a protected-mode program */
    u16 back_ip;  /* where real-mode code called by one returns to */
} __attribute__((packed));

#endif
