/* A machine of a CPU, 256 KiB of memory, a page of device registers and ports, for running one
 * program in several engines. */
#ifndef TESTS_LOCK_MACHINE_H
#define TESTS_LOCK_MACHINE_H

#include "cpu/cpu.h"
#include "cpu/jit/jit.h"
#include "cpu/sys/ran.h"
#include "mmu/bus.h"
#include "mmu/ram.h"

enum { LOCK_RAM = 0x40000, LOCK_MMIO = 0x3e000 };

struct lock_machine {
    u64 blocks; /* translated by translators that lock_vary replaced */
    struct ram_space space;
    struct ram ram;
    struct bus mem, io;
    struct region ram_region, mmio_region, io_region;
    struct log *log;
    struct cpu *cpu;
    enum cpu_engine engine;
    u64 dev_hash;   /* of all device writes, in order */
    u64 dev_count;  /* device reads and writes until now */
    bool exact;     /* device reads give the instruction count, too */
    bool uncounted; /* translated code does not count: programs are compared at their end only */
    bool noted;     /* its translator says which code ran (jit_ran) */
    struct ran ran; /* what ran in the last slice, when that is so */
    u8 vector;      /* what the interrupt controller answers */
};

/* A machine with CPU `model`; for the other engines than exec with a translator that translates at
 * once. NULL with a printed sentence when the host cannot. */
struct lock_machine *lock_machine_new(const char *model, enum cpu_engine engine);
void lock_machine_free(struct lock_machine *m);
/* Power-on state: CPU reset, memory = image[LOCK_RAM]. */
void lock_machine_reset(struct lock_machine *m, const u8 *image);
/* Raise the interrupt line; the controller will answer `vector`. */
void lock_machine_irq(struct lock_machine *m, u8 vector);

#endif
