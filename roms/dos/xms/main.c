/* XMS.COM: extended memory manager (eXtended Memory Specification 2.0): finds the memory above
 * 1 MiB, hooks INT 2Fh and INT 15h and stays resident. */
#include "roms/dos/lib/int.h"
#include "roms/dos/xms/xms.h"

enum { VERSION = 0x0200, REVISION = 0x0100, HMA_KIB = 64 };

static struct {
    bool hma_used;
    bool a20_global;
    u16 a20_local; /* nested local enables */
} xms;

/* E820: the block that starts at 1 MiB, in KiB; 0 when the BIOS has no such call. */
static u32 size_e820(void)
{
    struct {
        u32 base, base_high, size, size_high, type;
    } e;
    struct cpu_regs r = {.ebx = 0};
    u32 i;

    for (i = 0; i < 64; i++) {
        r.eax = 0xe820;
        r.edx = 0x534d4150; /* "SMAP" */
        r.ecx = sizeof(e);
        r.edi = (u32)&e;
        cpu_int(0x15, &r);
        if ((r.flags & FLAG_CF) != 0 || r.eax != 0x534d4150)
            break;
        if (e.type == 1 && e.base == 0x100000 && e.base_high == 0)
            return e.size_high != 0 ? 0x3ffc00 : e.size >> 10;
        if (r.ebx == 0)
            break;
    }
    return 0;
}

/* E801: KiB from 1 to 16 MiB, and 64 KiB pieces above. */
static u32 size_e801(void)
{
    struct cpu_regs r = {.eax = 0xe801};

    cpu_int(0x15, &r);
    if ((r.flags & FLAG_CF) != 0)
        return 0;
    return r.ax + (r.ax == 0x3c00 ? r.bx * 64u : 0);
}

/* AH=88h: the AT's call, up to 64 MiB. */
static u32 size_88(void)
{
    struct cpu_regs r = {.eax = 0x8800};

    cpu_int(0x15, &r);
    return (r.flags & FLAG_CF) != 0 ? 0 : r.ax;
}

static u8 set_a20(bool on)
{
    if (!on && (xms.a20_global || xms.a20_local != 0))
        return XMS_A20_STILL_ON;
    return a20_set(on) ? XMS_OK : XMS_A20;
}

static u8 a20_functions(u8 function)
{
    switch (function) {
    case 3: xms.a20_global = true; return set_a20(true);
    case 4: xms.a20_global = false; return set_a20(false);
    case 5: xms.a20_local++; return set_a20(true);
    default:
        if (xms.a20_local == 0)
            return XMS_A20;
        xms.a20_local--;
        return set_a20(false);
    }
}

static u8 hma(u8 function)
{
    if (function == 1) {
        if (xms.hma_used)
            return XMS_HMA_USED;
        xms.hma_used = true;
        return XMS_OK;
    }
    if (!xms.hma_used)
        return XMS_HMA_NOT_USED;
    xms.hma_used = false;
    return XMS_OK;
}

static u8 blocks(struct frame16 *f)
{
    u16 v = 0;
    u32 address = 0;
    u8 err, locks = 0, handles = 0;

    switch (f->ah) {
    case 0x09:
        err = emb_alloc(f->dx, &v);
        f->dx = v;
        return err;
    case 0x0a: return emb_free(f->dx);
    case 0x0b: return xms_move(f->ds, f->si);
    case 0x0c:
        err = emb_lock(f->dx, &address);
        if (err == XMS_OK) {
            f->dx = (u16)(address >> 16);
            f->bx = (u16)address;
        }
        return err;
    case 0x0d: return emb_unlock(f->dx);
    case 0x0e:
        err = emb_info(f->dx, &locks, &handles, &v);
        if (err == XMS_OK) {
            f->bh = locks;
            f->bl = handles;
            f->dx = v;
        }
        return err;
    case 0x0f: return emb_resize(f->dx, f->bx);
    case 0x10: return XMS_UMB;
    default: return XMS_FUNCTION;
    }
}

void xms_call(struct frame16 *f)
{
    u16 largest, total;
    u8 err;

    if (f->ah == 0) {
        f->ax = VERSION;
        f->bx = REVISION;
        f->dx = 1; /* there is a high memory area */
        return;
    }
    if (f->ah == 7) {
        f->ax = a20_is_on();
        f->bl = 0;
        return;
    }
    if (f->ah == 8) {
        err = emb_query(&largest, &total);
        f->ax = largest;
        f->dx = total;
        f->bl = err;
        return;
    }
    if (f->ah <= 2)
        err = hma(f->ah);
    else if (f->ah <= 6)
        err = a20_functions(f->ah);
    else
        err = blocks(f);
    if (err != XMS_OK)
        f->bl = err;
    else if (f->ah == 0x0a || f->ah == 0x0b || f->ah <= 6)
        f->bl = 0;
    f->ax = err == XMS_OK;
}

int main(void);

int main(void)
{
    extern u8 _bss_end[];
    struct cpu_regs r = {.eax = 0x4300};
    u32 kib;

    cpu_int(0x2f, &r);
    if (r.al == 0x80) {
        print("XMS: already there\n");
        return 1;
    }
    kib = size_e820();
    if (kib == 0)
        kib = size_e801();
    if (kib == 0)
        kib = size_88();
    if (kib <= HMA_KIB) {
        print("XMS: no extended memory\n");
        return 1;
    }
    emb_init(1024 + HMA_KIB, kib - HMA_KIB);
    flat_base += own_seg() * 16u;
    old2f = get_vector(0x2f);
    old15 = get_vector(0x15);
    set_vector(0x2f, far_code(int2f));
    set_vector(0x15, far_code(int15));
    print("XMS: ");
    print_dec(kib - HMA_KIB);
    print(" KiB\n");
    dos_keep(_bss_end, 0);
}
