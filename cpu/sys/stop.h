/* Stop points: where somebody outside of the guest wants cpu_run to return. Unlike the breakpoint
 * registers (debug.h) the guest does not see them. */
#ifndef CPU_SYS_STOP_H
#define CPU_SYS_STOP_H

#include "cpu/cpu.h"
#include "mmu/watch.h"

/* What a stop point waits for, and what `addr` and `len` are. Those of code stop in front of the
 * instruction; all others behind the instruction, with cpu->rip at the next one. */
enum stop_kind {
    STOP_NONE,
    STOP_CODE,   /* an instruction begins at linear address addr (its page is there) */
    STOP_PHYS,   /* ... at physical address addr */
    STOP_WRITE,  /* a byte of the linear addresses [addr, addr + len) is written */
    STOP_READ,   /* ... read */
    STOP_ACCESS, /* ... read or written */
    STOP_IO,     /* one of the ports [addr, addr + len) is read or written */
    STOP_INTR,   /* interrupt addr (of hardware, or INT n): in front of the handler */
    STOP_EXC,    /* exception addr: in front of its handler, or where it was when nobody could
                    handle it */
    STOP_MODE,   /* a mode of addr (STOP_MODE_*) changed */
    STOP_MSR,    /* MSR addr is read or written by RDMSR, WRMSR */
    STOP__KINDS,
};
enum {
    STOP_MODE_PE = 1,    /* CR0.PE: real and protected mode */
    STOP_MODE_VM = 2,    /* V86 mode */
    STOP_MODE_PG = 4,    /* paging */
    STOP_MODE_LM = 8,    /* long mode */
    STOP_MODE_SMM = 16,  /* system management mode */
    STOP_MODE_BITS = 32, /* 16, 32, 64 bits of code */
    STOP_MODE_CPL = 64,  /* privilege level */
    STOP_MODE_ALL = 127,
};
/* To whom a stop point belongs. */
enum stop_owner { STOP_OF_MONITOR, STOP_OF_GDB };

struct stop {
    enum stop_kind kind;
    enum stop_owner owner;
    u64 addr, len;
    u32 id; /* the owner's */
};
enum { STOPS_MAX = 256 };

/* Why cpu_run came back with CPU_EXIT_DEBUG. */
struct stop_hit {
    struct stop stop; /* which point; the first, when several were met at once */
    u64 addr;         /* the byte, port, vector, MSR that was met; the modes that changed */
    u64 at;           /* linear address of the instruction that did it */
    u32 error;        /* exceptions: the error code */
    bool write;
    bool within; /* the string instruction stopped inside of a run, which does not count yet */
};

struct stops;

/* Add one; the same twice is one. Takes effect with the next cpu_run; between two of them only.
 * False with a sentence when there are too many, or the numbers make no sense. */
struct err;
bool stop_add(struct cpu *cpu, const struct stop *stop, struct err *err);
/* Take it away again (all but the id counts). False: it is not there. */
bool stop_remove(struct cpu *cpu, const struct stop *stop);
/* Take away all of an owner. */
void stop_clear(struct cpu *cpu, enum stop_owner owner);
/* Number i in the order of setting; NULL behind the last. */
const struct stop *stop_at(const struct cpu *cpu, unsigned i);
/* What the last cpu_run was ended by; stop.kind is STOP_NONE when it was something else. */
const struct stop_hit *stop_last(const struct cpu *cpu);
/* What happened, as a sentence for people, into buf; returns buf. What a point is, in the words
 * that it is set with: "io:0x60". (stop_text.c) */
char *stop_text(const struct stop_hit *hit, char *buf, size_t n);
char *stop_name(const struct stop *stop, char *buf, size_t n);
/* Names of STOP_MODE_*, bit by bit; NULL behind the last. */
extern const char *const stop_modes[];
/* stop_last() is this from now on, until the CPU runs; NULL: nothing was met. */
void stop_report(struct cpu *cpu, const struct stop_hit *hit);
/* The CPU is in another state, perhaps one that it was in before: what was met there will be
 * again. */
void stop_anew(struct cpu *cpu);
/* cpu_free's part. */
void stop_free(struct cpu *cpu);

/* ---- for the run loop and the engines ---- */
/* Bits of cpu->stop_on: what there are points of. */
enum {
    STOP_ON_CODE = 1,
    STOP_ON_IO = 2,
    STOP_ON_VECTOR = 4,
    STOP_ON_MODE = 8,
    STOP_ON_MSR = 16,
};
/* cpu_run begins. */
void stop_begin(struct cpu *cpu);
/* The instruction that just ran is undone by a fault, and with it what it met. */
void stop_undone(struct cpu *cpu);
/* Is there a point at the instruction at cpu->rip? Then it must not run now. */
bool stop_code(struct cpu *cpu);
/* What was met just now ended a run of a string instruction too soon. */
void stop_within(struct cpu *cpu);
void stop_io(struct cpu *cpu, u16 port, unsigned size, bool write);
/* Vector `vector` is about to be delivered: as an exception, or as another interrupt. */
void stop_vector(struct cpu *cpu, unsigned vector, bool exception, u32 error);
/* The exception that was raised cannot be delivered. True: stop, for the first time at this place.
 */
bool stop_shutdown(struct cpu *cpu);
void stop_mode(struct cpu *cpu);
void stop_msr(struct cpu *cpu, u32 n, bool write);

/* Code points as translators see them. `exact`: linear addresses are those of the code segment
 * itself (base 0), so that a translation has one; else only what they have in common with all
 * others of the same code, the offset in the page, is compared. May an instruction that begins at
 * `la` be part of a translation? */
bool stop_place(const struct cpu *cpu, bool exact, u64 la);
/* A bit for each byte of a page: offsets of any code points. */
const u64 *stop_offsets(const struct cpu *cpu);
/* Did code points come up since this was asked last? */
bool stop_news(struct cpu *cpu);

#endif
