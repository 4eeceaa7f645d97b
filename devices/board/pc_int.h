/* The parts of the PC machine and the steps of building it; private to this folder. */
#ifndef DEVICES_BOARD_PC_INT_H
#define DEVICES_BOARD_PC_INT_H

#include "cpu/cpu.h"
#include "devices/board/pc.h"
#include "devices/irq/i8237.h"
#include "devices/irq/i8259.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"
#include "devices/time/i8254.h"
#include "devices/time/mc146818.h"

/* Who drives an interrupt input: the levels of the sources are ORed. */
enum pc_irq_source { IRQ_ISA, IRQ_ISA2, IRQ_PCI, IRQ_CPU, IRQ_HPET, IRQ_ADDON /* and one each */ };
enum { PC_GSIS = 24, IRQ_SOURCE_SHIFT = 8 };

struct pc_gsi {
    u32 sources; /* a bit per pc_irq_source that is high */
};

/* One per vCPU: the argument of its hooks. */
struct pc_port {
    struct pc *pc;
    unsigned index;
    bool wait_sipi; /* after INIT: held until a start-up message */
};

struct pc_parts {
    struct pc_port port[PC_MAX_CPUS];
    struct region ram_low, ram_ext, ram_high, bios_top, bios_alias, ferr_port;
    struct apic_bus apic;
    struct lapic *lapic[PC_MAX_CPUS]; /* NULL: a CPU model without one */
    struct i8259 *pic[2];
    struct ioapic *ioapic;
    struct i8254 *pit;
    struct i8237 *dma;
    struct mc146818 *rtc;
    struct dev *i440fx, *piix3, *pm, *ide, *fdc, *fwcfg, *vga, *kbc;
    struct pc_gsi gsi[PC_GSIS];
    unsigned addon_wires; /* that were given away */
    struct usb_bus *usb;  /* the first controller's ports; NULL: none */
    struct vserial_bus *vserial; /* of the virtio serial controller added last */
};

/* The TSC counts nanoseconds: one rate for every guest, whatever the host. */
#define PC_TSC_HZ NS_PER_SEC

/* pc_memory.c: RAM and firmware in the physical map. */
bool pc_memory_create(struct pc *pc, struct err *err);
void pc_memory_destroy(struct pc *pc);

/* pc_irq.c */
/* Connect a device's wire to ISA interrupt or global interrupt `gsi` as `source`. */
void pc_irq_connect(struct pc *pc, struct irq *irq, unsigned gsi, enum pc_irq_source source);
struct irq pc_irq_wire(struct pc *pc, unsigned gsi, enum pc_irq_source source);
bool pc_irq_create(struct pc *pc, struct err *err); /* 8259s, I/O APIC */

/* pc_cpu.c */
bool pc_cpus_create(struct pc *pc, struct err *err);
void pc_cpus_reset(struct pc *pc);
void pc_cpus_destroy(struct pc *pc);
void pc_set_a20(struct pc *pc, bool open);
/* Make every vCPU leave cpu_run soon. */
void pc_kick(struct pc *pc);

/* pc.c: a watchdog ran out. */
void pc_watchdog_bites(void *pc);

/* pc_devices.c */
bool pc_devices_create(struct pc *pc, struct err *err);
struct dev *pc_dev(struct pc *pc, const struct dev_class *cls, const char *id);

/* pc_addons.c: what the configuration adds. */
bool pc_addons_create(struct pc *pc, struct err *err);

/* pc_cmos.c: configuration bytes for the firmware. */
void pc_cmos_fill(struct pc *pc);
/* The order that holds now, and putting it where the firmware looks. */
const char *pc_boot_order(const struct pc *pc);
void pc_cmos_boot_order(struct pc *pc);

/* pc_fwcfg.c */
bool pc_fwcfg_fill(struct pc *pc, struct err *err);
void pc_fwcfg_boot_order(struct pc *pc);
#endif
