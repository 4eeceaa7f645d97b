/* DOS calls for .COM programs in C. */
#include "roms/dos/lib/dos.h"
#include "roms/lib/mem.h"

/* INT 21h; the value of AX or minus the error. */
static int call(struct cpu_regs *r)
{
    cpu_int(0x21, r);
    return (r->flags & FLAG_CF) != 0 ? -(int)r->ax : (int)r->ax;
}

void print_char(char c)
{
    struct cpu_regs r = {.eax = 0x0200, .edx = (u8)c};

    cpu_int(0x21, &r);
}

void print(const char *s)
{
    for (; *s != 0; s++) {
        if (*s == '\n')
            print_char('\r');
        print_char(*s);
    }
}

void print_hex(u32 v, u32 digits)
{
    while (digits-- > 0)
        print_char("0123456789abcdef"[v >> digits * 4 & 15]);
}

void print_dec(u32 v)
{
    if (v >= 10)
        print_dec(v / 10);
    print_char((char)('0' + v % 10));
}

int dos_open(const char *path, u8 mode)
{
    struct cpu_regs r = {.edx = (u32)path};

    r.eax = 0x3d00u | mode;
    return call(&r);
}

int dos_create(const char *path)
{
    struct cpu_regs r = {.edx = (u32)path, .eax = 0x3c00};

    return call(&r);
}

int dos_read(int handle, void *buf, u16 n)
{
    struct cpu_regs r = {.edx = (u32)buf, .ecx = n, .ebx = (u32)handle, .eax = 0x3f00};

    return call(&r);
}

int dos_write(int handle, const void *buf, u16 n)
{
    struct cpu_regs r = {.edx = (u32)buf, .ecx = n, .ebx = (u32)handle, .eax = 0x4000};

    return call(&r);
}

s32 dos_seek(int handle, u8 whence, s32 offset)
{
    struct cpu_regs r = {.ebx = (u32)handle};
    int v;

    r.eax = 0x4200u | whence;
    r.ecx = (u32)offset >> 16;
    r.edx = (u32)offset & 0xffff;
    v = call(&r);
    return v < 0 ? v : (s32)((u32)r.dx << 16 | r.ax);
}

int dos_close(int handle)
{
    struct cpu_regs r = {.ebx = (u32)handle, .eax = 0x3e00};

    return call(&r);
}

int dos_delete(const char *path)
{
    struct cpu_regs r = {.edx = (u32)path, .eax = 0x4100};

    return call(&r);
}

u16 dos_alloc(u16 paras, u16 *largest)
{
    struct cpu_regs r = {.ebx = paras, .eax = 0x4800};
    int v = call(&r);

    if (largest != NULL)
        *largest = r.bx;
    return v < 0 ? 0 : r.ax;
}

int dos_free(u16 seg)
{
    struct cpu_regs r = {.es = seg, .eax = 0x4900};

    return call(&r);
}

int dos_resize(u16 seg, u16 paras, u16 *largest)
{
    struct cpu_regs r = {.es = seg, .ebx = paras, .eax = 0x4a00};
    int v = call(&r);

    if (largest != NULL)
        *largest = r.bx;
    return v;
}

void dos_shrink(void)
{
    dos_resize(own_seg(), 0x1000, NULL);
}

int dos_exec(const char *path, const char *arguments)
{
    struct {
        u16 env;
        u32 tail, fcb1, fcb2;
    } PACKED b = {.env = 0};
    char tail[128];
    u32 n = strlen(arguments);
    struct cpu_regs r = {.edx = (u32)path, .ebx = (u32)&b, .eax = 0x4b00};
    int v;

    if (n > 124)
        n = 124;
    tail[0] = (char)(n + 1);
    tail[1] = ' ';
    memcpy(tail + 2, arguments, n);
    tail[n + 2] = '\r';
    b.tail = far_of(tail);
    b.fcb1 = (u32)own_seg() << 16 | 0x5c;
    b.fcb2 = (u32)own_seg() << 16 | 0x6c;
    v = call(&r);
    if (v < 0)
        return v;
    r.eax = 0x4d00;
    return call(&r);
}

void dos_keep(const void *end, u8 code)
{
    struct cpu_regs r = {.edx = ((u32)end + 15) >> 4};

    r.eax = 0x3100u | code;
    cpu_int(0x21, &r);
    __builtin_unreachable();
}

void dos_arguments(char *buf)
{
    const u8 *tail = (const u8 *)0x80;
    u32 i = 0, n = tail[0] & 0x7f;

    __asm__("" : "+r"(tail)); /* address 0x80 is fine here */
    while (i < n && tail[1 + i] == ' ')
        i++;
    memcpy(buf, tail + 1 + i, n - i);
    buf[n - i] = 0;
}

bool dos_date(u16 *year, u8 *month, u8 *day)
{
    struct cpu_regs r = {.eax = 0x2a00};

    cpu_int(0x21, &r);
    *year = r.cx;
    *month = r.dh;
    *day = r.dl;
    return r.cx >= 1980;
}

u32 bios_ticks(void)
{
    struct cpu_regs r = {.eax = 0};

    cpu_int(0x1a, &r);
    return (u32)r.cx << 16 | r.dx;
}

bool same_text(const char *a, const char *b)
{
    while (*a == *b && *a != 0) {
        a++;
        b++;
    }
    return *a == *b;
}
