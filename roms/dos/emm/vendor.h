/* What our programs ask the monitor beyond EMS 4.0: INT 67h with AX = EMM_VENDOR | function. */
#ifndef ROMS_DOS_EMM_VENDOR_H
#define ROMS_DOS_EMM_VENDOR_H

enum {
    EMM_VENDOR = 0xdd00, /* a function number that the EMS specification leaves to vendors */
    VENDOR_GET_MODE = 0, /* BL: enum cpu_mode (lib/check.h); AH: 0 */
    VENDOR_SET_MODE = 1, /* BL in; AH: 0, or 0x84 when this processor has no such mode */
    VENDOR_COUNTS = 2,   /* EBX: #GP traps, ECX: interrupts reflected, EDX: trapped port accesses */
    VENDOR_QUEUED = 3,   /* EBX: interrupts that had to wait for a virtual STI (VME) */
    VENDOR_LEAVE = 4,    /* used by EMM.COM itself: back to real mode */
};

#endif
