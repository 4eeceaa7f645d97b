/* The V86 monitor: a small 32-bit kernel whose only task is the DOS system, which it runs in V86
 * mode without that system noticing (Intel SDM volume 3, chapter 21). */
#ifndef ROMS_DOS_MONITOR_MONITOR_H
#define ROMS_DOS_MONITOR_MONITOR_H

#include "roms/dos/emm/vendor.h"
#include "roms/dos/monitor/info.h"

/* The stack after an entry, lowest address first. From V86 mode, the processor has pushed all
 * segment registers; from a ring 3 program, all up to ss. */
struct frame {
    u32 gs, fs, es, ds;
    u32 edi, esi, ebp, unused, ebx, edx, ecx, eax;
    u32 vector, error;
    u32 eip, cs, eflags;
    u32 esp, ss;
    u32 v_es, v_ds, v_fs, v_gs;
};

#define NO_ERROR 0xffffffffu /* in frame.error: the processor pushed none */

enum {
    EF_CF = 1,
    EF_ZF = 0x40,
    EF_TF = 0x100,
    EF_IF = 0x200,
    EF_IOPL = 0x3000,
    EF_NT = 0x4000,
    EF_RF = 0x10000,
    EF_VM = 0x20000,
    EF_VIF = 0x80000,
    EF_VIP = 0x100000,
    CR4_VME = 1,
};

/* How IF is virtualised. The values are those of enum cpu_mode in lib/check.h. */
enum mode { MODE_PLAIN = 1, MODE_VME = 2, MODE_IOPL3 = 3 };

struct tss {
    u32 link, esp0, ss0, r0[19];
    u32 fs, gs, ldt;
    u16 trap, iomap;
    u8 redirect[32]; /* VME: which INT n come to the monitor */
    u8 bitmap[8192]; /* which ports do */
    u8 end;          /* all ones: no port behind the last byte */
} __attribute__((packed));

struct monitor {
    struct monitor_info info;
    enum mode mode;
    u32 pending;     /* VME: interrupt requests that wait for VIF, by IRQ number */
    u32 idle_vector; /* the interrupt that ended a HLT; 0: still halted */
    u32 gp_traps, reflected, port_traps, queued;
};
extern struct monitor mon;
extern struct tss tss;
extern u64 gdt[];

/* ---- main.c */
u64 make_descriptor(u32 base, u32 limit, u32 rights);

/* ---- trap.c */
/* Called by start.S on every entry. */
void trap(struct frame *f);
/* Enter the V86 handler of interrupt n as real mode would. */
void reflect(struct frame *f, u8 n);
bool get_vif(const struct frame *f);
void set_vif(struct frame *f, bool on);
bool set_mode(struct frame *f, enum mode mode);
__attribute__((noreturn)) void panic(const char *why, const struct frame *f);

/* ---- emulate.c */
/* The instruction at CS:EIP has faulted: do its work. False: it is none of ours. */
bool emulate(struct frame *f);
u8 fetch8(const struct frame *f, u32 at);
void push16(struct frame *f, u16 v);
u16 pop16(struct frame *f);

/* ---- ports.c */
void ports_init(void);
u8 port_in(u16 port);
void port_out(u16 port, u8 v);
/* Called for port 0x92, the keyboard controller and the BIOS alike. */
void a20_virtual(bool on);

/* ---- pages.c */
void pages_init(void);
/* Map the page at a linear address below 4 MiB to a physical one. */
void page_map(u32 linear, u32 phys, u32 flags);
/* The same from 4 to 8 MiB, for protected-mode programs. */
void page_map_heap(u32 linear, u32 phys, u32 flags);
/* Physical address behind a V86 address; above 1 MiB + 64 KiB it is physical already. */
u32 page_phys(u32 linear);
/* Copy between physical addresses anywhere. */
void phys_copy(u32 dst, u32 src, u32 n);

/* ---- ems.c */
void ems_init(void);
/* INT 67h. */
void ems_call(struct frame *f);

/* ---- bios.c */
/* INT 15h AH=87h: the BIOS's own would try to enter protected mode. */
void bios_move(struct frame *f);

/* Take a free page for a protected-mode program, as its piece number `piece`: physical address, or
 * 0. Give back all pieces from that number to the one before `end`. */
u32 ems_take(u16 piece);
void ems_give(u16 piece, u16 end);

/* ---- dpmi.c: one 32-bit program in ring 3. */
/* INT 2Fh AX=1687h: tells where to call. */
void dpmi_detect(struct frame *f);
/* That call has been made. */
void dpmi_enter(struct frame *f);
/* Real-mode code has returned. */
void dpmi_back(struct frame *f);
/* An interrupt or fault in ring 3. */
void dpmi_trap(struct frame *f);
/* Is this the vector of a hardware interrupt, and no exception? */
bool is_irq(const struct frame *f);
/* EFLAGS for V86 mode, the program's interrupts off. */
u32 v86_flags(void);

/* ---- dpmi_call.c: INT 31h. */
enum { LDT_SIZE = 32 };
extern u64 ldt[LDT_SIZE];
u32 descriptor_base(u64 d);
void dpmi_reset(void);
/* INT 31h but for AX=0300h; false: no such function. */
bool dpmi_call(struct frame *f);

/* ---- start.S */
void load_tables(const void *gdtr, const void *idtr, u16 tr);
__attribute__((noreturn)) void enter_v86(struct frame *f);
/* Sleep until an interrupt; mon.idle_vector says which. */
void idle_wait(void);
/* Leave protected mode through the code at far address (16-bit selector) with the frame. */
__attribute__((noreturn)) void leave_protected(const struct frame *f, u32 ip);
extern u8 vectors[256][16];
extern u8 stack_top[];

void monitor_main(const struct monitor_info *info);

#endif
