/* The registers of a case one by one, as bytes with the least significant first on every host: for files. */
#include "tests/lock/oracle.h"

#include <string.h>

/* gpr, rip, flags, fsbase, gsbase, six selectors, then the FXSAVE image's and the upper halves. */
enum { F_RIP = ORA_FIELD_RIP, F_SEL = 20, F_FX = ORA_FIELD_X87, F_ST = 33, F_XMM = 41, F_YMMH = 57 };

struct ora_field ora_field(struct ora_regs *r, u32 i)
{
    static const struct {
        u8 at, size;
    } fx[] = {{0, 2}, {2, 2}, {4, 1}, {6, 2}, {8, 8}, {16, 8}, {24, 4}};
    u64 *const numbers[] = {&r->rip, &r->flags, &r->fsbase, &r->gsbase};
    if (i < F_RIP)
        return (struct ora_field){(u8 *)&r->gpr[i], 8, true};
    if (i < F_SEL)
        return (struct ora_field){(u8 *)numbers[i - F_RIP], 8, true};
    if (i < F_FX)
        return (struct ora_field){(u8 *)&r->sel[i - F_SEL], 2, true};
    if (i < F_ST)
        return (struct ora_field){r->fx + fx[i - F_FX].at, fx[i - F_FX].size, false};
    if (i < F_XMM)
        return (struct ora_field){r->fx + 32 + 16 * (i - F_ST), 10, false};
    if (i < F_YMMH)
        return (struct ora_field){r->fx + 160 + 16 * (i - F_XMM), 16, false};
    return (struct ora_field){r->ymmh[(i - F_YMMH) & 15], 16, false};
}

void ora_field_name(u32 i, char *name, size_t n)
{
    static const char *const names[] = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp",   "rsi",    "rdi",    "r8",  "r9",  "r10", "r11",
        "r12", "r13", "r14", "r15", "rip", "flags", "fsbase", "gsbase", "es",  "cs",  "ss",  "ds",
        "fs",  "gs",  "fcw", "fsw", "ftw", "fop",   "fip",    "fdp",    "mxcsr"};
    if (i < ARRAY_LEN(names))
        snprintf(name, n, "%s", names[i]);
    else if (i < F_XMM)
        snprintf(name, n, "st%u", i - F_ST);
    else if (i < F_YMMH)
        snprintf(name, n, "xmm%u", i - F_XMM);
    else
        snprintf(name, n, "ymmh%u", i - F_YMMH);
}

void ora_field_get(const struct ora_field *f, u8 *bytes)
{
    if (!f->number)
        memcpy(bytes, f->p, f->size);
    else if (f->size == 2)
        st16(bytes, *(const u16 *)(const void *)f->p);
    else
        st64(bytes, *(const u64 *)(const void *)f->p);
}

void ora_field_set(const struct ora_field *f, const u8 *bytes)
{
    if (!f->number)
        memcpy(f->p, bytes, f->size);
    else if (f->size == 2)
        *(u16 *)(void *)f->p = ld16(bytes);
    else
        *(u64 *)(void *)f->p = ld64(bytes);
}
