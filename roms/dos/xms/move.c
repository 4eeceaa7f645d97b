/* XMS function 0Bh: move memory between blocks and conventional memory. In real mode through unreal
 * mode; under a V86 monitor, where that is impossible, by asking the BIOS (INT 15h AH=87h), which
 * the monitor does in its place. */
#include "roms/dos/lib/int.h"
#include "roms/dos/xms/xms.h"

enum { CHUNK = 0x4000 };

struct move {
    u32 length;
    u16 source;
    u32 source_offset;
    u16 dest;
    u32 dest_offset;
} PACKED;

static bool protected_mode(void)
{
    u16 msw;

    __asm__ volatile("smsw %0" : "=r"(msw));
    return (msw & 1) != 0;
}

static void put_descriptor(u8 *d, u32 base)
{
    d[0] = d[1] = 0xff;
    d[2] = (u8)base;
    d[3] = (u8)(base >> 8);
    d[4] = (u8)(base >> 16);
    d[5] = 0x93;
    d[6] = 0;
    d[7] = (u8)(base >> 24);
}

/* The BIOS gets a table of eight descriptors, of which it reads two (source and destination). */
static bool bios_copy(u32 dst, u32 src, u32 n)
{
    static u8 table[64];
    struct cpu_regs r = {.eax = 0x8700, .esi = (u32)table};

    r.ecx = n / 2;
    put_descriptor(table + 16, src);
    put_descriptor(table + 24, dst);
    cpu_int(0x15, &r);
    return (r.flags & FLAG_CF) == 0;
}

static u8 copy(u32 dst, u32 src, u32 n)
{
    bool bios = protected_mode(), was_on = a20_is_on();
    u8 err = XMS_OK;

    if (!bios && !a20_set(true))
        return XMS_A20;
    while (n > 0 && err == XMS_OK) {
        u32 part = MIN(n, (u32)CHUNK);

        if (bios) {
            if (!bios_copy(dst, src, part))
                err = XMS_A20;
        } else {
            unreal_copy(dst, src, part);
        }
        dst += part;
        src += part;
        n -= part;
    }
    if (!bios && !was_on)
        a20_set(false);
    return err;
}

/* Handle 0: the offset is a segment:offset address. */
static bool address(u16 handle, u32 offset, u32 n, u32 *out, bool *bad_handle)
{
    *bad_handle = false;
    if (handle != 0)
        return emb_address(handle, offset, n, out, bad_handle);
    *out = (offset >> 16) * 16 + (offset & 0xffff);
    return *out + n <= 0x110000 && n <= 0x110000;
}

u8 xms_move(u16 seg, u16 off)
{
    struct move m;
    u32 src, dst;
    bool bad;

    far_read(&m, seg, off, sizeof(m));
    if ((m.length & 1) != 0)
        return XMS_LENGTH;
    if (!address(m.source, m.source_offset, m.length, &src, &bad))
        return bad ? XMS_SOURCE_HANDLE : XMS_SOURCE_OFFSET;
    if (!address(m.dest, m.dest_offset, m.length, &dst, &bad))
        return bad ? XMS_DEST_HANDLE : XMS_DEST_OFFSET;
    return copy(dst, src, m.length);
}
