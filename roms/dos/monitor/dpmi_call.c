/* INT 31h: descriptors, vectors and memory for a protected-mode program (DOS Protected Mode
 * Interface 0.9; the function's number is in AX, an error is a set carry flag). */
#include "roms/dos/monitor/monitor.h"
#include "roms/lib/mem.h"

enum {
    HEAP = 0x400000, /* linear addresses that programs get */
    HEAP_END = 0x800000,
    PIECE = 0x4000, /* an EMS page */
    FIRST_FREE = 5, /* descriptors 1 to 4 are the program's first */
    SEL_RING3 = 7,
    RIGHTS_NEW = 0x0000f200, /* data, base and limit 0 */
};

u64 ldt[LDT_SIZE];
static struct {
    u32 next; /* end of the memory given out */
} heap;

u32 descriptor_base(u64 d)
{
    u32 low = (u32)d, high = (u32)(d >> 32);

    return (high & 0xff000000) | (high & 0xff) << 16 | low >> 16;
}

void dpmi_reset(void)
{
    memset(ldt, 0, sizeof(ldt));
    heap.next = HEAP;
    ems_give(0, 0xffff);
}

static u32 get16(u32 reg)
{
    return reg & 0xffff;
}

static void set16(u32 *reg, u32 v)
{
    *reg = (*reg & 0xffff0000) | (v & 0xffff);
}

/* A selector's descriptor; NULL when it is none of the program's. */
static u64 *find(u32 selector)
{
    u32 n = (selector & 0xffff) / 8;

    if ((selector & 7) != SEL_RING3 || n == 0 || n >= LDT_SIZE || ldt[n] == 0)
        return NULL;
    return &ldt[n];
}

static bool allocate(struct frame *f, u64 d)
{
    u32 i;

    for (i = FIRST_FREE; i < LDT_SIZE; i++) {
        if (ldt[i] == 0) {
            ldt[i] = d;
            set16(&f->eax, i * 8 + SEL_RING3);
            return true;
        }
    }
    return false;
}

static void set_base(u64 *d, u32 base)
{
    *d = (*d & ~0xff0000ffffff0000ull) | (u64)(base & 0xffffff) << 16 | (u64)(base >> 24) << 56;
}

/* Above 1 MiB limits count pages. */
static bool set_limit(u64 *d, u32 limit)
{
    bool pages = limit > 0xfffff;

    if (pages && (limit & 0xfff) != 0xfff)
        return false;
    if (pages)
        limit >>= 12;
    *d = (*d & ~0x008f00000000ffffull) | (limit & 0xffff) | (u64)(limit & 0xf0000) << 32 |
         (u64)pages << 55;
    return true;
}

/* CL: the access byte, present and for ring 3; CH: the upper nibble with the size bit. */
static bool set_rights(u64 *d, u32 cx)
{
    if ((cx & 0xf0) != 0xf0)
        return false;
    *d = (*d & ~0x0050ff0000000000ull) | (u64)(cx & 0xff) << 40 | (u64)(cx >> 8 & 0x50) << 48;
    return true;
}

static bool descriptors(struct frame *f)
{
    u64 *d = find(f->ebx);
    u32 base;

    switch (get16(f->eax)) {
    case 0x0000: /* one at a time is enough here */
        return get16(f->ecx) == 1 && allocate(f, make_descriptor(0, 0, RIGHTS_NEW));
    case 0x0001:
        if (d != NULL)
            *d = 0;
        return d != NULL;
    case 0x0006:
        if (d == NULL)
            return false;
        base = descriptor_base(*d);
        set16(&f->ecx, base >> 16);
        set16(&f->edx, base);
        return true;
    case 0x0007:
        if (d != NULL)
            set_base(d, get16(f->ecx) << 16 | get16(f->edx));
        return d != NULL;
    case 0x0008: return d != NULL && set_limit(d, get16(f->ecx) << 16 | get16(f->edx));
    case 0x0009: return d != NULL && set_rights(d, get16(f->ecx));
    default: /* 000Ah: the same memory as data */
        return d != NULL && allocate(f, (*d & ~0x00000f0000000000ull) | 0x0000020000000000ull);
    }
}

/* BX:CX bytes, in whole EMS pages; the address is the handle, too. */
static bool allocate_memory(struct frame *f)
{
    u32 size = get16(f->ebx) << 16 | get16(f->ecx), at = heap.next, end, i;

    if (size == 0 || size > HEAP_END - at)
        return false;
    end = at + ((size + PIECE - 1) & ~(PIECE - 1u));
    for (; at < end; at += PIECE) {
        u32 phys = ems_take((u16)((at - HEAP) / PIECE));

        if (phys == 0) {
            ems_give((u16)((heap.next - HEAP) / PIECE), 0xffff);
            return false;
        }
        for (i = 0; i < PIECE; i += 4096)
            page_map_heap(at + i, phys + i, PTE_P | PTE_W | PTE_U);
    }
    set16(&f->ebx, heap.next >> 16);
    set16(&f->ecx, heap.next);
    set16(&f->esi, heap.next >> 16);
    set16(&f->edi, heap.next);
    heap.next = end;
    return true;
}

/* The block and all later ones: memory is given out as on a stack. */
static bool free_memory(const struct frame *f)
{
    u32 start = get16(f->esi) << 16 | get16(f->edi), at;

    if (start < HEAP || start >= heap.next || start % PIECE != 0)
        return false;
    for (at = start; at < heap.next; at += 4096)
        page_map_heap(at, 0, 0);
    ems_give((u16)((start - HEAP) / PIECE), 0xffff);
    heap.next = start;
    return true;
}

static void interrupt_state(struct frame *f)
{
    u32 what = f->eax & 0xff;
    bool was = (f->eflags & EF_IF) != 0;

    if (what == 0)
        f->eflags &= ~(u32)EF_IF;
    else if (what == 1)
        f->eflags |= EF_IF;
    f->eax = (f->eax & 0xffffff00) | was;
}

bool dpmi_call(struct frame *f)
{
    volatile u32 *vector = (volatile u32 *)((f->ebx & 0xff) * 4);
    bool ok = true;

    switch (get16(f->eax)) {
    case 0x0000:
    case 0x0001:
    case 0x0006:
    case 0x0007:
    case 0x0008:
    case 0x0009:
    case 0x000a: ok = descriptors(f); break;
    case 0x0200:
        set16(&f->ecx, *vector >> 16);
        set16(&f->edx, *vector);
        break;
    case 0x0201: *vector = get16(f->ecx) << 16 | get16(f->edx); break;
    case 0x0400:
        set16(&f->eax, 0x005a);
        set16(&f->ebx, 1);
        f->ecx = (f->ecx & 0xffffff00) | 5;
        set16(&f->edx, 0x0870);
        break;
    case 0x0501: ok = allocate_memory(f); break;
    case 0x0502: ok = free_memory(f); break;
    case 0x0900:
    case 0x0901:
    case 0x0902: /* disable, enable, ask: AL is the state before */ interrupt_state(f); break;
    default: return false;
    }
    f->eflags = ok ? f->eflags & ~(u32)EF_CF : f->eflags | EF_CF;
    return true;
}
