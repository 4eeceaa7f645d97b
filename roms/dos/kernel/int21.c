/* INT 21h: which function does what (the numbers are those of MS-DOS 5). An error is a set carry
 * flag and a code in AX. */
#include "roms/dos/kernel/kernel.h"
#include "roms/dos/lib/int.h"
#include "roms/lib/mem.h"

enum { VERSION = 0x0005 /* 5.0, minor in the upper byte */ };

/* FindFirst's answer, in the disk transfer area. */
struct dta {
    u8 drive, pattern[11], attr;
    u16 index;
    u8 reserved[6];
    u8 found_attr;
    u16 time, date;
    u32 size;
    char name[13];
} PACKED;

static struct {
    u32 dta;     /* segment in the upper half */
    u16 dta_psp; /* program for which the default was last set */
    u16 last_error;
    u8 break_flag, verify;
    u8 indos; /* always 0: nothing calls us from an interrupt */
    /* The list of lists: what AH=52h points behind. */
    u16 first_mcb;
    u8 list[32];
} dos;

static void fail(struct frame16 *f, int error)
{
    dos.last_error = (u16)-error;
    f->ax = (u16)-error;
    f->flags |= FLAG_CF;
}

/* A result that is a number or minus an error. */
static void answer(struct frame16 *f, int result)
{
    if (result < 0) {
        fail(f, result);
    } else {
        f->ax = (u16)result;
        f->flags &= (u16)~FLAG_CF;
    }
}

static void get_path(char *out, u16 seg, u16 off)
{
    u32 i;

    for (i = 0; i < PATH_MAX - 1; i++) {
        out[i] = (char)peek8(seg, (u16)(off + i));
        if (out[i] == 0)
            return;
    }
    out[i] = 0;
}

static u8 from_bcd(u8 v)
{
    return (u8)((v >> 4) * 10 + (v & 15));
}

/* Monday is 1 (Zeller's congruence, for any day after 1582). */
static u8 weekday(u32 y, u32 m, u32 d)
{
    if (m < 3) {
        m += 12;
        y--;
    }
    return (u8)((d + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400 + 6) % 7);
}

static void get_date(struct frame16 *f)
{
    struct cpu_regs r = {.ax = 0x0400};

    cpu_int(0x1a, &r);
    f->cx = (u16)(from_bcd(r.ch) * 100 + from_bcd(r.cl));
    f->dh = from_bcd(r.dh);
    f->dl = from_bcd(r.dl);
    f->al = weekday(f->cx, f->dh, f->dl);
}

static void get_time(struct frame16 *f)
{
    struct cpu_regs r = {.ax = 0x0200};

    cpu_int(0x1a, &r);
    f->ch = from_bcd(r.ch);
    f->cl = from_bcd(r.cl);
    f->dh = from_bcd(r.dh);
    f->dl = 0;
}

static void print_string(u16 seg, u16 off)
{
    u32 i;

    for (i = 0; i < 0x10000; i++) {
        char c = (char)peek8(seg, (u16)(off + i));

        if (c == '$')
            return;
        con_put(c);
    }
}

/* AH=0Ah: the first byte is the buffer's size, the second becomes the length. */
static void buffered_input(struct frame16 *f)
{
    char line[256];
    u8 max = peek8(f->ds, f->dx);
    u32 n;

    if (max == 0)
        return;
    n = con_line(line, max - 1u);
    line[n] = '\r';
    poke8(f->ds, (u16)(f->dx + 1), (u8)n);
    far_write(f->ds, (u16)(f->dx + 2), line, n + 1);
    con_put('\r');
}

static u8 get_key(bool echo)
{
    u8 c = con_get();

    if (echo && c != 0)
        con_put((char)c);
    return c;
}

static void direct_io(struct frame16 *f)
{
    if (f->dl != 0xff) {
        con_put((char)f->dl);
        f->al = f->dl;
    } else if (con_ready()) {
        f->al = con_get();
        f->flags &= (u16)~FLAG_ZF;
    } else {
        f->al = 0;
        f->flags |= FLAG_ZF;
    }
}

static bool console(struct frame16 *f)
{
    switch (f->ah) {
    case 0x01: f->al = get_key(true); break;
    case 0x02:
        con_put((char)f->dl);
        f->al = f->dl;
        break;
    case 0x06: direct_io(f); break;
    case 0x07:
    case 0x08: f->al = get_key(false); break;
    case 0x09:
        print_string(f->ds, f->dx);
        f->al = '$';
        break;
    case 0x0a: buffered_input(f); break;
    case 0x0b: f->al = con_ready() ? 0xff : 0; break;
    case 0x0c:
        while (con_ready())
            con_get();
        f->ah = f->al;
        if (f->ah == 0x01 || (f->ah >= 0x06 && f->ah <= 0x08) || f->ah == 0x0a)
            return console(f);
        break;
    default: return false;
    }
    return true;
}

static void open_handle(struct frame16 *f, int slot)
{
    int h;

    if (slot >= 0) {
        h = proc_add_handle((u8)slot);
        if (h < 0)
            file_close(slot);
        slot = h;
    }
    answer(f, slot);
}

static void close_handle(struct frame16 *f)
{
    u8 slot = proc_handle(f->bx);
    int r = file_close(slot);

    if (slot != 0xff)
        proc_set_handle(f->bx, 0xff);
    answer(f, r);
}

/* AH=45h and 46h: another handle for the same open file. */
static void duplicate(struct frame16 *f)
{
    u8 slot = proc_handle(f->bx);
    u16 info;

    if (file_info(slot, &info) < 0) {
        fail(f, -ERR_HANDLE);
        return;
    }
    file_addref(slot);
    if (f->ah == 0x45) {
        open_handle(f, slot);
        return;
    }
    if (proc_handle(f->cx) != 0xff)
        file_close(proc_handle(f->cx));
    proc_set_handle(f->cx, slot);
    answer(f, 0);
}

static void seek(struct frame16 *f)
{
    u32 position = 0;
    int r = file_seek(proc_handle(f->bx), f->al, (u32)f->cx << 16 | f->dx, &position);

    answer(f, r);
    if (r == 0) {
        f->dx = (u16)(position >> 16);
        f->ax = (u16)position;
    }
}

static void ioctl(struct frame16 *f)
{
    u16 info = 0;
    int r = f->al == 0 ? file_info(proc_handle(f->bx), &info) : -ERR_FUNCTION;

    answer(f, r < 0 ? r : info);
    if (r == 0) {
        f->ax = info;
        f->dx = info;
    }
}

static void attributes(struct frame16 *f, const char *path)
{
    struct dirent e;
    u8 name[11];
    u32 index = 0;

    if (!fat_name(name, path) || !dir_find(name, &index, &e)) {
        fail(f, -ERR_NOT_FOUND);
        return;
    }
    if (f->al == 1) {
        e.attr = f->cl;
        dir_put(index, &e);
    }
    f->cx = e.attr;
    answer(f, 0);
}

static bool handles(struct frame16 *f)
{
    char path[PATH_MAX], to[PATH_MAX];
    u16 info, date = f->dx, time = f->cx;

    get_path(path, f->ds, f->dx);
    switch (f->ah) {
    case 0x3c: open_handle(f, file_create(path, f->cl, false)); break;
    case 0x3d: open_handle(f, file_open(path, f->al)); break;
    case 0x3e: close_handle(f); break;
    case 0x3f: answer(f, file_read(proc_handle(f->bx), f->ds, f->dx, f->cx)); break;
    case 0x40: answer(f, file_write(proc_handle(f->bx), f->ds, f->dx, f->cx)); break;
    case 0x41: answer(f, file_delete(path)); break;
    case 0x42: seek(f); break;
    case 0x43: attributes(f, path); break;
    case 0x44: ioctl(f); break;
    case 0x45:
    case 0x46: duplicate(f); break;
    case 0x56:
        get_path(to, f->es, f->di);
        answer(f, file_rename(path, to));
        break;
    case 0x57:
        if (file_info(proc_handle(f->bx), &info) < 0) {
            fail(f, -ERR_HANDLE);
            break;
        }
        file_date(proc_handle(f->bx), f->al == 1, &date, &time);
        f->dx = date;
        f->cx = time;
        answer(f, 0);
        break;
    case 0x5b: open_handle(f, file_create(path, f->cl, true)); break;
    default: return false;
    }
    return true;
}

/* AH=4Eh and 4Fh: look for the next entry that matches and describe it in the transfer area. */
static void find(struct frame16 *f)
{
    struct dta d;
    struct dirent e;
    char path[PATH_MAX];
    u32 index = 0, i, n = 0;

    far_read(&d, (u16)(dos.dta >> 16), (u16)dos.dta, sizeof(d));
    if (f->ah == 0x4e) {
        get_path(path, f->ds, f->dx);
        if (!fat_name(d.pattern, path)) {
            fail(f, -ERR_PATH);
            return;
        }
    } else {
        index = d.index;
    }
    if (!dir_find(d.pattern, &index, &e)) {
        fail(f, f->ah == 0x4e ? -ERR_NOT_FOUND : -ERR_NO_MORE);
        return;
    }
    d.index = (u16)(index + 1);
    d.found_attr = e.attr;
    d.time = e.time;
    d.date = e.date;
    d.size = e.size;
    for (i = 0; i < 11; i++) {
        if (i == 8 && e.name[8] != ' ')
            d.name[n++] = '.';
        if (e.name[i] != ' ')
            d.name[n++] = (char)e.name[i];
    }
    d.name[n] = 0;
    far_write((u16)(dos.dta >> 16), (u16)dos.dta, &d, sizeof(d));
    answer(f, 0);
}

static bool memory(struct frame16 *f)
{
    u16 largest, seg;
    int r;

    switch (f->ah) {
    case 0x48:
        seg = mem_alloc(f->bx, proc_current(), &largest);
        if (seg != 0) {
            f->ax = seg;
            f->flags &= (u16)~FLAG_CF;
        } else {
            fail(f, -ERR_MEMORY);
            f->bx = largest;
        }
        break;
    case 0x49: answer(f, mem_free(f->es)); break;
    case 0x4a:
        r = mem_resize(f->es, f->bx, &largest);
        answer(f, r);
        if (r == -ERR_MEMORY)
            f->bx = largest;
        break;
    case 0x58: /* first fit, no upper memory */
        if (f->al == 0 || f->al == 2)
            f->ax = 0;
        f->flags &= (u16)~FLAG_CF;
        break;
    default: return false;
    }
    return true;
}

static bool process(struct frame16 *f)
{
    char path[PATH_MAX];
    int r;

    switch (f->ah) {
    case 0x00: proc_exit(f, 0, 0, 0); break;
    case 0x26: proc_copy_psp(f->dx, peek16(proc_current(), 2)); break;
    case 0x31: proc_exit(f, f->al, 3, f->dx); break;
    case 0x4b:
        get_path(path, f->ds, f->dx);
        f->flags &= (u16)~FLAG_CF;
        r = proc_exec(f, path);
        if (r != 0)
            fail(f, r);
        else if (dos.dta_psp != proc_current())
            dos.dta = (u32)proc_current() << 16 | 0x80; /* a new program's default */
        dos.dta_psp = proc_current();
        break;
    case 0x4c: proc_exit(f, f->al, 0, 0); break;
    case 0x4d: answer(f, proc_exit_code()); break;
    case 0x50: proc_set_current(f->bx); break;
    case 0x51:
    case 0x62: f->bx = proc_current(); break;
    case 0x55: proc_copy_psp(f->dx, f->si); break;
    default: return false;
    }
    return true;
}

static bool system_calls(struct frame16 *f)
{
    u32 v;

    switch (f->ah) {
    case 0x0d: fat_flush(); break;
    case 0x0e:
        f->al = 1; /* drives */
        break;
    case 0x19: f->al = 0; break;
    case 0x1a: dos.dta = (u32)f->ds << 16 | f->dx; break;
    case 0x25: set_vector(f->al, (u32)f->ds << 16 | f->dx); break;
    case 0x2a: get_date(f); break;
    case 0x2c: get_time(f); break;
    case 0x2f:
        f->es = (u16)(dos.dta >> 16);
        f->bx = (u16)dos.dta;
        break;
    case 0x30:
        f->ax = VERSION;
        f->bx = 0;
        f->cx = 0;
        break;
    case 0x33:
        if (f->al == 0)
            f->dl = dos.break_flag;
        else if (f->al == 1)
            dos.break_flag = f->dl;
        else if (f->al == 5)
            f->dl = 1; /* boot drive A */
        else if (f->al == 6)
            f->bx = VERSION;
        break;
    case 0x34:
        f->es = own_seg();
        f->bx = (u16)(u32)&dos.indos;
        break;
    case 0x35:
        v = get_vector(f->al);
        f->es = (u16)(v >> 16);
        f->bx = (u16)v;
        break;
    case 0x36:
        f->ax = 1; /* sectors per cluster */
        f->bx = (u16)fat_free_clusters();
        f->cx = SECTOR;
        f->dx = 2847;
        break;
    case 0x47:
        poke8(f->ds, f->si, 0); /* the root */
        answer(f, 0);
        break;
    case 0x4e:
    case 0x4f: find(f); break;
    case 0x52: /* the first memory block's segment is just before what ES:BX points at */
        dos.first_mcb = mem_first();
        f->es = own_seg();
        f->bx = (u16)(u32)dos.list;
        break;
    case 0x54: f->al = dos.verify; break;
    case 0x59:
        f->ax = dos.last_error;
        f->bx = 0;
        f->ch = 0;
        break;
    default: return false;
    }
    return true;
}

void dos_call(struct frame16 *f)
{
    __asm__ volatile("sti");
    if (!console(f) && !handles(f) && !memory(f) && !process(f) && !system_calls(f)) {
        fail(f, -ERR_FUNCTION);
        f->al = 0; /* what a version 1 call reports; the error is for AH=59h */
    }
    __asm__ volatile("cli");
}
