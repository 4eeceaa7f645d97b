/* A writer of ACPI machine language: appends encoded objects to a growing buffer (ACPI 1.0b chapter
 * 16, 2.0 chapter 17). */
#ifndef DEVICES_BOARD_AML_H
#define DEVICES_BOARD_AML_H

#include "devices/core/types.h"

enum { AML_DEPTH = 12 };

/* Opcodes that take their operands right behind them. */
enum aml_op {
    AML_STORE = 0x70,
    AML_AND = 0x7b,
    AML_OR = 0x7d,
    AML_DWORD_FIELD = 0x8a,
    AML_LLESS = 0x95,
    AML_LEQUAL = 0x93,
    AML_RETURN = 0xa4,
    AML_LOCAL0 = 0x60,
    AML_ARG0 = 0x68,
};

struct aml {
    u8 *data;
    size_t len, cap;
    size_t open[AML_DEPTH]; /* where the length of each open block goes */
    unsigned depth;
};

void aml_free(struct aml *a);
void aml_bytes(struct aml *a, const void *data, size_t n);
void aml_u8(struct aml *a, u8 v);
void aml_u16(struct aml *a, u16 v);
void aml_u32(struct aml *a, u32 v);

/* Blocks: everything appended until the matching aml_end is inside. Names are segments of four
 * characters, perhaps with a leading backslash: "_HID", "\\_SB_PCI0". */
void aml_scope(struct aml *a, const char *name);
void aml_device(struct aml *a, const char *name);
void aml_method(struct aml *a, const char *name, unsigned args);
void aml_package(struct aml *a, unsigned elements);
void aml_if(struct aml *a);
void aml_end(struct aml *a);

/* Name(name, ...): append the value next. */
void aml_name(struct aml *a, const char *name);
/* A reference to a name. */
void aml_ref(struct aml *a, const char *name);
void aml_op(struct aml *a, enum aml_op op);
void aml_int(struct aml *a, u64 v);
void aml_str(struct aml *a, const char *s);
/* The number that stands for a plug-and-play id such as "PNP0A03". */
void aml_eisa(struct aml *a, const char *id);
/* Name(name, v). */
void aml_name_int(struct aml *a, const char *name, u64 v);
/* OperationRegion in PCI configuration space, and a field of `n` bytes with a name each. */
void aml_pci_region(struct aml *a, const char *name, u8 off, u8 len);
void aml_byte_field(struct aml *a, const char *region, const char *const *names, unsigned n);

/* A resource template: a buffer of descriptors (ACPI 1.0b section 6.4). */
void aml_res_begin(struct aml *a);
void aml_res_io(struct aml *a, u16 base, u8 align, u8 len);
void aml_res_irq(struct aml *a, unsigned irq);
void aml_res_dma(struct aml *a, unsigned channel);
void aml_res_word(struct aml *a, u8 type, u8 flags, u16 min,
                  u16 max); /* type: 1 I/O, 2 bus numbers */
void aml_res_memory(struct aml *a, bool cacheable, u32 min, u32 max);
/* Memory at a place of its own, for reading only (Memory32Fixed). */
void aml_res_fixed(struct aml *a, u32 base, u32 len);
void aml_res_interrupt(struct aml *a, const u32 *irqs, unsigned n); /* level, active high, shared */
void aml_res_end(struct aml *a);

#endif
