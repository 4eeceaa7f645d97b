/* The registers that gdb is shown: their order, sizes and values, and the XML that says so (manual
 * of gdb, appendix G "Target Descriptions", section i386 Features). */
#ifndef FRONTEND_GDB_REGS_H
#define FRONTEND_GDB_REGS_H

#include "cpu/cpu.h"

enum { GDB_REGS = 128, GDB_REG_BYTES = 16 };

/* What a register is; `i` of struct gdb_reg says which of its kind. */
enum gdb_reg_kind {
    GR_GPR,
    GR_PC,
    GR_FLAGS,
    GR_SEL,  /* selector */
    GR_BASE, /* base of a segment */
    GR_ST,
    GR_FPU, /* i: fctrl fstat ftag fiseg fioff foseg fooff fop */
    GR_XMM,
    GR_MXCSR,
    GR_YMMH,
    GR_CR, /* i: 0 2 3 4 8 */
    GR_EFER,
    GR_DR,
    GR_TABLE, /* i: bases and limits of GDT and IDT, selectors and bases of LDT and TSS */
};
struct gdb_reg {
    char name[12];
    const char *type; /* of the XML */
    u16 bits;
    u8 kind, i;
    u8 feature; /* GF_* */
};
enum { GF_CORE, GF_SSE, GF_SEGMENTS, GF_AVX, GF_SYSTEM, GF__COUNT };

struct gdb_regs {
    bool wide;      /* 64-bit layout */
    bool linear_pc; /* the program counter has the base of CS in it */
    unsigned n;
    struct gdb_reg r[GDB_REGS];
};

/* The registers of this CPU in the 64-bit layout (`wide`) or the 32-bit one. */
void gdb_regs_init(struct gdb_regs *regs, const struct cpu *cpu, bool wide);
/* Bytes of a register. */
static inline unsigned gdb_reg_size(const struct gdb_reg *r)
{
    return r->bits / 8u;
}
/* Its value, gdb_reg_size() bytes with the lowest first. */
void gdb_reg_read(const struct gdb_regs *regs, struct cpu *cpu, const struct gdb_reg *r, u8 *out);
/* Set it as far as the processor would allow it by itself; false: it does not. */
bool gdb_reg_write(const struct gdb_regs *regs, struct cpu *cpu, const struct gdb_reg *r,
                   const u8 *in);

/* xml.c: the description, allocated; NULL: no memory. */
char *gdb_target_xml(const struct gdb_regs *regs);
/* A map of what gdb's addresses reach: everything as RAM, since page tables may put anything
 * anywhere; with `physical` what is mapped there now. */
char *gdb_memory_xml(const struct gdb_regs *regs, const struct cpu *cpu, bool physical);

#endif
