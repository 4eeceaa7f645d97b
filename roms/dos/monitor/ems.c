/* Expanded memory (LIM EMS 4.0, the functions programs use): 16 KiB pages out of the monitor's
 * extended memory, four of which show through a page frame at FRAME_SEGMENT. */
#include "roms/dos/monitor/monitor.h"
#include "roms/lib/mem.h"

enum {
    PAGES_MAX = 512,
    HANDLES = 32,
    OWNER_DPMI = 0xff, /* as a page's owner */
    WINDOWS = 4,
    PAGE_KIB = 16,
    PAGE_BYTES = PAGE_KIB * 1024,
    NONE = 0xffff,

    EMS_OK = 0,
    EMS_HANDLE = 0x83,
    EMS_FUNCTION = 0x84,
    EMS_NO_HANDLES = 0x85,
    EMS_SAVED = 0x86,
    EMS_TOO_MANY = 0x87,
    EMS_NOT_FREE = 0x88,
    EMS_ZERO = 0x89,
    EMS_LOGICAL = 0x8a,
    EMS_PHYSICAL = 0x8b,
    EMS_ALREADY_SAVED = 0x8d,
    EMS_NOT_SAVED = 0x8e,
    EMS_SUBFUNCTION = 0x8f,
};

struct handle {
    bool used, saved;
    u16 pages;
    u16 save[WINDOWS];
    char name[8];
};

static struct {
    u32 first; /* physical address of page 0 */
    u16 total;
    u8 owner[PAGES_MAX]; /* handle + 1, 0: free */
    u16 logical[PAGES_MAX];
    u16 window[WINDOWS]; /* page shown, or NONE */
    struct handle handle[HANDLES];
} ems;

static void show(u32 window, u16 page)
{
    u32 at = FRAME_SEGMENT * 16u + window * PAGE_BYTES, i;

    ems.window[window] = page;
    for (i = 0; i < PAGE_BYTES; i += 4096) {
        u32 phys = page == NONE ? at + i : ems.first + page * (u32)PAGE_BYTES + i;

        page_map(at + i, phys, PTE_P | PTE_W | PTE_U);
    }
}

void ems_init(void)
{
    u32 i;

    ems.first = mon.info.phys + MONITOR_SIZE;
    ems.total = (u16)MIN((mon.info.size - MONITOR_SIZE) / PAGE_BYTES, (u32)PAGES_MAX);
    ems.handle[0].used = true; /* the operating system's, with no pages */
    for (i = 0; i < WINDOWS; i++)
        show(i, NONE);
}

static u16 free_pages(void)
{
    u16 n = 0, i;

    for (i = 0; i < ems.total; i++)
        n = (u16)(n + (ems.owner[i] == 0));
    return n;
}

static struct handle *get(u32 n)
{
    n &= 0xffff;
    return n < HANDLES && ems.handle[n].used ? &ems.handle[n] : NULL;
}

static u16 find_page(u32 handle, u16 logical)
{
    u16 i;

    for (i = 0; i < ems.total; i++) {
        if (ems.owner[i] == (handle & 0xffff) + 1 && ems.logical[i] == logical)
            return i;
    }
    return NONE;
}

/* Take free pages for logical numbers from..to-1. */
static void take(u32 handle, u16 from, u16 to)
{
    u16 i;

    for (i = 0; i < ems.total && from < to; i++) {
        if (ems.owner[i] == 0) {
            ems.owner[i] = (u8)(handle + 1);
            ems.logical[i] = from++;
        }
    }
}

static void give_back(u32 handle, u16 from)
{
    u16 i;

    for (i = 0; i < ems.total; i++) {
        if (ems.owner[i] == handle + 1 && ems.logical[i] >= from)
            ems.owner[i] = 0;
    }
}

u32 ems_take(u16 piece)
{
    u16 i;

    for (i = 0; i < ems.total; i++) {
        if (ems.owner[i] == 0) {
            ems.owner[i] = OWNER_DPMI;
            ems.logical[i] = piece;
            return ems.first + i * (u32)PAGE_BYTES;
        }
    }
    return 0;
}

void ems_give(u16 piece, u16 end)
{
    u16 i;

    for (i = 0; i < ems.total; i++) {
        if (ems.owner[i] == OWNER_DPMI && ems.logical[i] >= piece && ems.logical[i] < end)
            ems.owner[i] = 0;
    }
}

static u8 allocate(struct frame *f, bool zero_allowed)
{
    u32 n = f->ebx & 0xffff, h;

    if (n == 0 && !zero_allowed)
        return EMS_ZERO;
    if (n > ems.total)
        return EMS_TOO_MANY;
    if (n > free_pages())
        return EMS_NOT_FREE;
    for (h = 1; h < HANDLES && ems.handle[h].used; h++)
        ;
    if (h == HANDLES)
        return EMS_NO_HANDLES;
    memset(&ems.handle[h], 0, sizeof(ems.handle[h]));
    ems.handle[h].used = true;
    ems.handle[h].pages = (u16)n;
    take(h, 0, (u16)n);
    f->edx = (f->edx & 0xffff0000) | h;
    return EMS_OK;
}

static u8 map(u32 handle, u32 logical, u32 window)
{
    u16 page = NONE;

    if (get(handle) == NULL)
        return EMS_HANDLE;
    if (window >= WINDOWS)
        return EMS_PHYSICAL;
    if ((logical & 0xffff) != NONE) {
        page = find_page(handle, (u16)logical);
        if (page == NONE)
            return EMS_LOGICAL;
    }
    show(window, page);
    return EMS_OK;
}

static u8 release(u32 n)
{
    struct handle *h = get(n);
    u32 w;

    if (h == NULL)
        return EMS_HANDLE;
    if (h->saved)
        return EMS_SAVED;
    for (w = 0; w < WINDOWS; w++) {
        if (ems.window[w] != NONE && ems.owner[ems.window[w]] == (n & 0xffff) + 1)
            show(w, NONE);
    }
    give_back(n & 0xffff, 0);
    h->pages = 0;
    if ((n & 0xffff) != 0)
        h->used = false;
    return EMS_OK;
}

static u8 save_map(u32 n, bool restore)
{
    struct handle *h = get(n);
    u32 w;

    if (h == NULL)
        return EMS_HANDLE;
    if (!restore && h->saved)
        return EMS_ALREADY_SAVED;
    if (restore && !h->saved)
        return EMS_NOT_SAVED;
    h->saved = !restore;
    for (w = 0; w < WINDOWS; w++) {
        if (restore)
            show(w, h->save[w]);
        else
            h->save[w] = ems.window[w];
    }
    return EMS_OK;
}

/* AH=50h: several pages at once; a table of (logical, window) words at DS:SI. */
static u8 map_many(const struct frame *f)
{
    const u16 *table = (const u16 *)((f->v_ds & 0xffff) * 16 + (f->esi & 0xffff));
    u32 n = f->ecx & 0xffff, i;
    bool segments = (f->eax & 0xff) == 1;

    if ((f->eax & 0xff) > 1)
        return EMS_SUBFUNCTION;
    for (i = 0; i < n && i < 64; i++) {
        u32 window = table[i * 2 + 1];
        u8 err;

        if (segments)
            window = (window - FRAME_SEGMENT) >> 10;
        err = map(f->edx, table[i * 2], window);
        if (err != EMS_OK)
            return err;
    }
    return EMS_OK;
}

/* AH=51h: change a handle's number of pages. */
static u8 resize(struct frame *f)
{
    struct handle *h = get(f->edx);
    u32 n = f->ebx & 0xffff;

    if (h == NULL)
        return EMS_HANDLE;
    if (n > h->pages && n - h->pages > free_pages())
        return n > ems.total ? EMS_TOO_MANY : EMS_NOT_FREE;
    if (n > h->pages)
        take(f->edx & 0xffff, h->pages, (u16)n);
    else
        give_back(f->edx & 0xffff, (u16)n);
    h->pages = (u16)n;
    return EMS_OK;
}

/* AH=53h: a handle's name. */
static u8 name(const struct frame *f)
{
    struct handle *h = get(f->edx);

    if (h == NULL)
        return EMS_HANDLE;
    if ((f->eax & 0xff) == 0)
        memcpy((void *)((f->v_es & 0xffff) * 16 + (f->edi & 0xffff)), h->name, 8);
    else if ((f->eax & 0xff) == 1)
        memcpy(h->name, (const void *)((f->v_ds & 0xffff) * 16 + (f->esi & 0xffff)), 8);
    else
        return EMS_SUBFUNCTION;
    return EMS_OK;
}

/* AH=58h: segment and number of each window. */
static u8 mappable(struct frame *f)
{
    u16 *out = (u16 *)((f->v_es & 0xffff) * 16 + (f->edi & 0xffff));
    u16 i;

    for (i = 0; i < WINDOWS && (f->eax & 0xff) == 0; i++) {
        out[i * 2] = (u16)(FRAME_SEGMENT + i * 0x400);
        out[i * 2 + 1] = i;
    }
    f->ecx = (f->ecx & 0xffff0000) | WINDOWS;
    return (f->eax & 0xff) <= 1 ? EMS_OK : EMS_SUBFUNCTION;
}

static void set16(u32 *reg, u32 v)
{
    *reg = (*reg & 0xffff0000) | (v & 0xffff);
}

static u16 handles_used(void)
{
    u16 n = 0, i;

    for (i = 0; i < HANDLES; i++)
        n = (u16)(n + ems.handle[i].used);
    return n;
}

static u8 vendor(struct frame *f)
{
    switch (f->eax & 0xff) {
    case VENDOR_GET_MODE: f->ebx = (f->ebx & ~0xffu) | mon.mode; return EMS_OK;
    case VENDOR_SET_MODE: return set_mode(f, (enum mode)(f->ebx & 0xff)) ? EMS_OK : EMS_FUNCTION;
    case VENDOR_COUNTS:
        f->ebx = mon.gp_traps;
        f->ecx = mon.reflected;
        f->edx = mon.port_traps;
        return EMS_OK;
    case VENDOR_QUEUED: f->ebx = mon.queued; return EMS_OK;
    case VENDOR_LEAVE: leave_protected(f, mon.info.leave_ip);
    default: return EMS_FUNCTION;
    }
}

static u8 call(struct frame *f)
{
    struct handle *h = get(f->edx);

    switch (f->eax >> 8 & 0xff) {
    case 0x40: return EMS_OK;
    case 0x41: set16(&f->ebx, FRAME_SEGMENT); return EMS_OK;
    case 0x42:
        set16(&f->ebx, free_pages());
        set16(&f->edx, ems.total);
        return EMS_OK;
    case 0x43: return allocate(f, false);
    case 0x44: return map(f->edx, f->ebx & 0xffff, f->eax & 0xff);
    case 0x45: return release(f->edx);
    case 0x46: set16(&f->eax, 0x40); return EMS_OK;
    case 0x47: return save_map(f->edx, false);
    case 0x48: return save_map(f->edx, true);
    case 0x4b: set16(&f->ebx, handles_used()); return EMS_OK;
    case 0x4c:
        if (h == NULL)
            return EMS_HANDLE;
        set16(&f->ebx, h->pages);
        return EMS_OK;
    case 0x50: return map_many(f);
    case 0x51: return resize(f);
    case 0x53: return name(f);
    case 0x58: return mappable(f);
    case 0x5a: return allocate(f, true);
    case EMM_VENDOR >> 8: return vendor(f);
    default: return EMS_FUNCTION;
    }
}

void ems_call(struct frame *f)
{
    u8 status = call(f);

    f->eax = (f->eax & 0xffff00ff) | (u32)status << 8;
}
