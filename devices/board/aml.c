/* AML encoding: names, package lengths, integers, resource descriptors (ACPI 1.0b sections 6.4
 * and 16.2). */
#include "devices/board/aml.h"

#include "devices/core/bits.h"
#include "devices/core/err.h"

#include <stdlib.h>

/* ---- bytes ---- */

static void room(struct aml *a, size_t n)
{
    size_t cap = a->cap ? a->cap : 4096;
    u8 *p;

    if (a->len + n <= a->cap)
        return;
    while (cap < a->len + n)
        cap *= 2;
    p = realloc(a->data, cap);
    if (!p)
        BUG("no memory for ACPI tables");
    a->data = p;
    a->cap = cap;
}

void aml_free(struct aml *a)
{
    free(a->data);
    *a = (struct aml){0};
}

void aml_bytes(struct aml *a, const void *data, size_t n)
{
    if (!n)
        return;
    room(a, n);
    memcpy(a->data + a->len, data, n);
    a->len += n;
}

void aml_u8(struct aml *a, u8 v)
{
    aml_bytes(a, &v, 1);
}

void aml_u16(struct aml *a, u16 v)
{
    u8 b[2];

    st16(b, v);
    aml_bytes(a, b, 2);
}

void aml_u32(struct aml *a, u32 v)
{
    u8 b[4];

    st32(b, v);
    aml_bytes(a, b, 4);
}

/* Make room for n bytes at `at`, behind what is there. */
static void insert(struct aml *a, size_t at, const u8 *bytes, size_t n)
{
    room(a, n);
    memmove(a->data + at + n, a->data + at, a->len - at);
    memcpy(a->data + at, bytes, n);
    a->len += n;
}

/* ---- names and blocks ---- */

void aml_ref(struct aml *a, const char *name)
{
    size_t segs;

    if (*name == '\\')
        aml_u8(a, (u8)*name++);
    segs = strlen(name) / 4;
    if (strlen(name) % 4 || segs == 0 || segs > 255)
        BUG("AML name '%s' is not of segments of four characters", name);
    if (segs == 2) {
        aml_u8(a, 0x2e);
    } else if (segs > 2) {
        aml_u8(a, 0x2f);
        aml_u8(a, (u8)segs);
    }
    aml_bytes(a, name, 4 * segs);
}

static void begin(struct aml *a)
{
    if (a->depth == AML_DEPTH)
        BUG("AML blocks nested too deeply");
    a->open[a->depth++] = a->len;
}

void aml_end(struct aml *a)
{
    size_t at = a->open[--a->depth], n = a->len - at;
    u8 b[4];

    /* The length counts its own bytes: one of 6 bits, or a byte with 4 bits and a count of further
     * bytes. */
    if (n + 1 < 0x40) {
        b[0] = (u8)(n + 1);
        insert(a, at, b, 1);
    } else {
        size_t extra = n + 2 < 0x1000 ? 1 : n + 3 < 0x100000 ? 2 : 3, i, v = n + 1 + extra;

        b[0] = (u8)(extra << 6 | (v & 15));
        for (i = 0; i < extra; i++)
            b[1 + i] = (u8)(v >> (4 + 8 * i));
        insert(a, at, b, 1 + extra);
    }
}

void aml_scope(struct aml *a, const char *name)
{
    aml_u8(a, 0x10);
    begin(a);
    aml_ref(a, name);
}

void aml_device(struct aml *a, const char *name)
{
    aml_u16(a, 0x825b);
    begin(a);
    aml_ref(a, name);
}

void aml_method(struct aml *a, const char *name, unsigned args)
{
    aml_u8(a, 0x14);
    begin(a);
    aml_ref(a, name);
    aml_u8(a, (u8)args);
}

void aml_package(struct aml *a, unsigned elements)
{
    aml_u8(a, 0x12);
    begin(a);
    aml_u8(a, (u8)elements);
}

void aml_if(struct aml *a)
{
    aml_u8(a, 0xa0);
    begin(a);
}

/* ---- values ---- */

void aml_name(struct aml *a, const char *name)
{
    aml_u8(a, 0x08);
    aml_ref(a, name);
}

void aml_op(struct aml *a, enum aml_op op)
{
    aml_u8(a, (u8)op);
}

void aml_int(struct aml *a, u64 v)
{
    if (v <= 1) {
        aml_u8(a, (u8)v);
    } else if (v <= 0xff) {
        aml_u8(a, 0x0a);
        aml_u8(a, (u8)v);
    } else if (v <= 0xffff) {
        aml_u8(a, 0x0b);
        aml_u16(a, (u16)v);
    } else {
        aml_u8(a, 0x0c);
        aml_u32(a, (u32)v);
    }
}

void aml_str(struct aml *a, const char *s)
{
    aml_u8(a, 0x0d);
    aml_bytes(a, s, strlen(s) + 1);
}

void aml_eisa(struct aml *a, const char *id)
{
    u32 v = (u32)(id[0] - '@') << 26 | (u32)(id[1] - '@') << 21 | (u32)(id[2] - '@') << 16 |
            (u32)strtoul(id + 3, NULL, 16);

    aml_u8(a, 0x0c);
    aml_u32(a, __builtin_bswap32(v));
}

void aml_name_int(struct aml *a, const char *name, u64 v)
{
    aml_name(a, name);
    aml_int(a, v);
}

void aml_pci_region(struct aml *a, const char *name, u8 off, u8 len)
{
    aml_u16(a, 0x805b);
    aml_ref(a, name);
    aml_u8(a, 2);
    aml_int(a, off);
    aml_int(a, len);
}

void aml_byte_field(struct aml *a, const char *region, const char *const *names, unsigned n)
{
    unsigned i;

    aml_u16(a, 0x815b);
    begin(a);
    aml_ref(a, region);
    aml_u8(a, 0x01); /* byte access, no lock, preserve */
    for (i = 0; i < n; i++) {
        aml_bytes(a, names[i], 4);
        aml_u8(a, 8);
    }
    aml_end(a);
}

/* ---- resource descriptors ---- */

void aml_res_begin(struct aml *a)
{
    aml_u8(a, 0x11);
    begin(a);
}

void aml_res_end(struct aml *a)
{
    size_t at = a->open[a->depth - 1], n;
    u8 size[3];

    aml_u16(a, 0x0079); /* end tag; sum 0: not checked */
    n = a->len - at;
    size[0] = 0x0b;
    st16(size + 1, (u16)n);
    insert(a, at, size, 3);
    aml_end(a);
}

void aml_res_io(struct aml *a, u16 base, u8 align, u8 len)
{
    aml_u16(a, 0x0147); /* 16-bit decode */
    aml_u16(a, base);
    aml_u16(a, base);
    aml_u8(a, align);
    aml_u8(a, len);
}

void aml_res_irq(struct aml *a, unsigned irq)
{
    aml_u8(a, 0x22); /* edge-triggered, active high */
    aml_u16(a, (u16)(1u << irq));
}

void aml_res_dma(struct aml *a, unsigned channel)
{
    aml_u8(a, 0x2a);
    aml_u8(a, (u8)(1u << channel));
    aml_u8(a, 0); /* compatible, no bus master, 8 bits */
}

void aml_res_word(struct aml *a, u8 type, u8 flags, u16 min, u16 max)
{
    aml_u8(a, 0x88);
    aml_u16(a, 13);
    aml_u8(a, type);
    aml_u8(a, 0x0c); /* minimum and maximum are fixed; producer, positive decode */
    aml_u8(a, flags);
    aml_u16(a, 0);
    aml_u16(a, min);
    aml_u16(a, max);
    aml_u16(a, 0);
    aml_u16(a, (u16)(max - min + 1));
}

void aml_res_memory(struct aml *a, bool cacheable, u32 min, u32 max)
{
    aml_u8(a, 0x87);
    aml_u16(a, 23);
    aml_u8(a, 0);
    aml_u8(a, 0x0c);
    aml_u8(a, cacheable ? 3 : 1); /* read-write */
    aml_u32(a, 0);
    aml_u32(a, min);
    aml_u32(a, max);
    aml_u32(a, 0);
    aml_u32(a, max - min + 1);
}

void aml_res_fixed(struct aml *a, u32 base, u32 len)
{
    aml_u8(a, 0x86);
    aml_u16(a, 9);
    aml_u8(a, 0); /* read only */
    aml_u32(a, base);
    aml_u32(a, len);
}

void aml_res_interrupt(struct aml *a, const u32 *irqs, unsigned n)
{
    unsigned i;

    aml_u8(a, 0x89);
    aml_u16(a, (u16)(2 + 4 * n));
    aml_u8(a, 0x09); /* consumer, level, active high, shared */
    aml_u8(a, (u8)n);
    for (i = 0; i < n; i++)
        aml_u32(a, irqs[i]);
}
