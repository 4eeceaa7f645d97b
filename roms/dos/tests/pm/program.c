/* The 32-bit half of DPMITEST: ring 3 code that uses selectors and memory of the host's and has its
 * interrupts done by DOS in V86 mode. Addresses are offsets in the program's own 64 KiB. */
#include "devices/core/types.h"

struct real_call {
    u32 edi, esi, ebp, reserved, ebx, edx, ecx, eax;
    u16 flags, es, ds, fs, gs, ip, cs, sp, ss;
} __attribute__((packed));

struct regs {
    u32 eax, ebx, ecx, edx, esi, edi;
    bool carry;
};

int pm_main(u32 mode);

/* INT 31h. */
static void host(struct regs *r)
{
    u8 carry;

    __asm__ volatile("int $0x31; setc %6"
                     : "+a"(r->eax), "+b"(r->ebx), "+c"(r->ecx), "+d"(r->edx), "+S"(r->esi),
                       "+D"(r->edi), "=m"(carry)
                     :
                     : "memory", "cc");
    r->carry = carry != 0;
}

/* INT 21h AH=2: the host passes registers through to DOS. */
static void put(char c)
{
    __asm__ volatile("int $0x21" : : "a"(0x0200), "d"(c) : "memory", "cc");
}

static void print(const char *s)
{
    for (; *s != 0; s++) {
        if (*s == '\n')
            put('\r');
        put(*s);
    }
}

static u32 own_base(void)
{
    struct regs r = {.eax = 6};

    __asm__("movl %%ds, %0" : "=r"(r.ebx));
    host(&r);
    return (r.ecx & 0xffff) << 16 | (r.edx & 0xffff);
}

static const char *privilege(void)
{
    u16 cs, ds, ss;
    u32 flags;

    __asm__("movw %%cs, %0; movw %%ds, %1; movw %%ss, %2; pushfl; popl %3"
            : "=r"(cs), "=r"(ds), "=r"(ss), "=r"(flags));
    if ((cs & 7) != 7 || (ds & 7) != 7 || (ss & 7) != 7)
        return "selectors of the LDT for ring 3";
    if ((flags & 0x23200) != 0x200)
        return "IF set, IOPL 0, no V86 mode";
    return NULL;
}

/* A far read through a selector. */
static u32 read_far(u16 selector, u32 offset)
{
    u32 v;

    __asm__ volatile("movw %w1, %%fs; movl %%fs:(%2), %0; xorl %%eax, %%eax; movw %%ax, %%fs"
                     : "=&r"(v)
                     : "r"((u32)selector), "r"(offset)
                     : "eax");
    return v;
}

static const char *descriptors(void)
{
    static u32 here = 0x13579bdf;
    struct regs r = {.eax = 0, .ecx = 1};
    u32 limit;
    u16 sel;

    host(&r);
    sel = (u16)r.eax;
    if (r.carry || (sel & 7) != 7)
        return "allocate";
    r.eax = 7;
    r.ebx = sel;
    r.ecx = 0;
    r.edx = 0x400;
    host(&r);
    r.eax = 8;
    r.ecx = 0;
    r.edx = 0xff;
    host(&r);
    __asm__("lsl %1, %0" : "=r"(limit) : "r"((u32)sel));
    if (r.carry || limit != 0xff)
        return "set limit";
    if ((read_far(sel, 0x13) & 0xffff) < 512) /* the BIOS's data: KiB of memory */
        return "read the BIOS's data";
    r.eax = 7;
    r.ecx = own_base() >> 16;
    r.edx = own_base() & 0xffff;
    host(&r);
    r.eax = 8;
    r.ecx = 0;
    r.edx = 0xffff;
    host(&r);
    if (read_far(sel, (u32)&here) != 0x13579bdf)
        return "read through it";
    r.eax = 9;
    r.ecx = 0x0093; /* for ring 0 */
    host(&r);
    if (!r.carry)
        return "rights for another ring are refused";
    r.eax = 1;
    host(&r);
    return r.carry ? "free" : NULL;
}

/* Give DS a limit of 4 GiB, so that it reaches memory above 1 MiB. */
static bool widen(void)
{
    struct regs r = {.eax = 8, .ecx = 0xffff, .edx = 0xffff};

    __asm__("movl %%ds, %0" : "=r"(r.ebx));
    host(&r);
    __asm__ volatile("movl %%ds, %%eax; movl %%eax, %%ds" : : : "eax");
    return !r.carry;
}

static const char *memory(void)
{
    struct regs r = {.eax = 0x0501, .ebx = 2, .ecx = 0};
    u32 at, i;
    volatile u32 *p;

    host(&r);
    if (r.carry)
        return "allocate 128 KiB";
    at = (r.ebx & 0xffff) << 16 | (r.ecx & 0xffff);
    if (!widen())
        return "a limit of 4 GiB";
    p = (volatile u32 *)(at - own_base());
    for (i = 0; i < 0x8000; i++)
        p[i] = i * 0x10001;
    for (i = 0; i < 0x8000; i++) {
        if (p[i] != i * 0x10001)
            return "contents";
    }
    r.eax = 0x0502;
    host(&r);
    return r.carry ? "free" : NULL;
}

/* Through INT 31h AX=0300h, with segment registers as real mode needs them: DOS opens our kernel.
 */
static const char *call_dos(void)
{
    static const char name[] = "KERNEL.SYS";
    static u8 buf[16];
    static struct real_call c;
    struct regs r = {.ebx = 0x21, .edi = (u32)&c};
    u16 seg = (u16)(own_base() >> 4), handle;

    c = (struct real_call){.eax = 0x3d00, .edx = (u32)name, .ds = seg};
    r.eax = 0x0300;
    r.ecx = 0;
    host(&r);
    if (r.carry || (c.flags & 1) != 0)
        return "open a file";
    handle = (u16)c.eax;
    c = (struct real_call){.eax = 0x3f00, .ebx = handle, .ecx = 16, .edx = (u32)buf, .ds = seg};
    r.eax = 0x0300;
    host(&r);
    if ((c.flags & 1) != 0 || (u16)c.eax != 16 || buf[0] != 0xfa || buf[1] != 0xfc)
        return "read it (it starts with CLI, CLD)";
    c = (struct real_call){.eax = 0x3e00, .ebx = handle, .ds = seg};
    r.eax = 0x0300;
    host(&r);
    return (c.flags & 1) != 0 ? "close it" : NULL;
}

static u32 ticks(void)
{
    u32 ecx, edx;

    __asm__ volatile("int $0x1a" : "=c"(ecx), "=d"(edx) : "a"(0) : "memory", "cc");
    return ecx << 16 | (edx & 0xffff);
}

/* Hardware interrupts come in ring 3 and are DOS's; registers and flags survive them. */
static const char *interrupts(void)
{
    u32 end = ticks() + 3, n = 0, a = 0x11111111, b = 0x22222222;
    struct regs r = {.eax = 0x0900};

    while (ticks() < end) {
        __asm__ volatile("addl $1, %0; adcl $0, %1" : "+r"(a), "+r"(b) : : "cc");
        n++;
    }
    if (a != 0x11111111 + n || b != 0x22222222)
        return "registers across interrupts";
    host(&r);
    if ((r.eax & 0xff) != 1)
        return "AX=0900h: interrupts were on";
    r.eax = 0x0902;
    host(&r);
    if ((r.eax & 0xff) != 0)
        return "AX=0902h: interrupts are off";
    __asm__ volatile("sti");
    __asm__ volatile("hlt");
    r.eax = 0x0902;
    host(&r);
    return (r.eax & 0xff) != 1 ? "STI" : NULL;
}

int pm_main(u32 mode)
{
    static const struct {
        const char *name;
        const char *(*run)(void);
    } tests[] = {
        {"dpmi-ring3", privilege},    {"dpmi-descriptors", descriptors}, {"dpmi-memory", memory},
        {"dpmi-real-call", call_dos}, {"dpmi-interrupts", interrupts},
    };
    static const char *const modes[] = {"real", "v86", "vme", "iopl3"};
    int failures = 0;
    u32 i;

    for (i = 0; i < ARRAY_LEN(tests); i++) {
        const char *why = tests[i].run();

        print(modes[mode & 3]);
        print(" ");
        print(tests[i].name);
        print(why == NULL ? ": ok" : ": FAIL ");
        if (why != NULL) {
            print(why);
            failures++;
        }
        print("\n");
    }
    return failures;
}
