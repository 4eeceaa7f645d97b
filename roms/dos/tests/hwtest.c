/* HWTEST.COM: what DOS programs do with the machine behind DOS's back: timer, speaker gate,
 * keyboard controller, text memory, the BIOS's wait. */
#include "roms/dos/lib/check.h"
#include "roms/lib/io.h"

enum { PIT_HZ = 1193182 };

static volatile u16 ticks8, ticks1c, keys9;
static volatile u32 chain8, chain1c, chain9;
static volatile u16 divide8;
void on_int8(void);
void on_int1c(void);
void on_int9(void);
void on_fast8(void);

/* Handlers that count and go on to the one before: a far jump through memory. on_fast8 lets only
 * every divide8th interrupt through, and ends the others itself. */
__asm__("on_int8:\n\tincw %cs:ticks8\n\tljmpw *%cs:chain8\n"
        "on_int1c:\n\tincw %cs:ticks1c\n\tljmpw *%cs:chain1c\n"
        "on_int9:\n\tincw %cs:keys9\n\tljmpw *%cs:chain9\n"
        "on_fast8:\n\t"
        "incw %cs:ticks8\n\t"
        "decw %cs:divide8\n\t"
        "jz 1f\n\t"
        "pushw %ax\n\tmovb $0x20, %al\n\toutb %al, $0x20\n\tpopw %ax\n\tiretw\n"
        "1:\tmovw $64, %cs:divide8\n\tljmpw *%cs:chain8\n");

static u16 pit_count(u8 channel)
{
    u16 v;

    __asm__ volatile("cli");
    outb(0x43, (u8)(channel << 6));
    v = inb((u16)(0x40 + channel));
    v |= (u16)(inb((u16)(0x40 + channel)) << 8);
    __asm__ volatile("sti");
    return v;
}

/* INT 15h AH=86h. */
static bool wait_us(u32 us)
{
    struct cpu_regs r = {.eax = 0x8600};

    r.ecx = us >> 16;
    r.edx = us & 0xffff;
    cpu_int(0x15, &r);
    return (r.flags & FLAG_CF) == 0;
}

static const char *timer_chain(void)
{
    u32 start = bios_ticks(), end;

    chain8 = get_vector(8);
    chain1c = get_vector(0x1c);
    ticks8 = ticks1c = 0;
    set_vector(8, far_code(on_int8));
    set_vector(0x1c, far_code(on_int1c));
    while (ticks8 < 3)
        __asm__ volatile("hlt");
    end = bios_ticks();
    set_vector(8, chain8);
    set_vector(0x1c, chain1c);
    CHECK(ticks1c >= 3, "INT 8 calls INT 1Ch");
    CHECK(end - start >= 3 && end - start < 20, "BIOS tick count");
    return NULL;
}

/* Eighteen times a second is too slow for a game: 64 times as fast, and the BIOS's clock goes on
 * as before. */
static const char *timer_fast(void)
{
    u32 start, end;

    chain8 = get_vector(8);
    ticks8 = 0;
    divide8 = 64;
    start = bios_ticks();
    __asm__ volatile("cli");
    set_vector(8, far_code(on_fast8));
    outb(0x43, 0x34);
    outb(0x40, 0); /* 65536 / 64 = 1024 */
    outb(0x40, 4);
    __asm__ volatile("sti");
    while (ticks8 < 128)
        __asm__ volatile("hlt");
    __asm__ volatile("cli");
    outb(0x43, 0x36);
    outb(0x40, 0);
    outb(0x40, 0);
    set_vector(8, chain8);
    __asm__ volatile("sti");
    end = bios_ticks();
    CHECK(end - start >= 1 && end - start <= 4, "BIOS clock during the fast ticks");
    return NULL;
}

static const char *speaker(void)
{
    u8 old = inb(0x61);
    u16 a, b;
    u32 i;

    /* Channel 2, mode 0, gate closed: it does not count. */
    outb(0x61, old & 0xfc);
    outb(0x43, 0xb0);
    outb(0x42, 0xff);
    outb(0x42, 0xff); /* 55 ms */
    CHECK((inb(0x61) & 0x20) == 0, "output low while counting");
    a = pit_count(2);
    wait_us(1000);
    b = pit_count(2);
    CHECK_EQ(b, a, "counts with the gate closed");
    outb(0x61, (old & 0xfc) | 1);
    wait_us(2000);
    b = pit_count(2);
    CHECK(b < a, "does not count with the gate open");
    for (i = 0; i < 100 && (inb(0x61) & 0x20) == 0; i++)
        wait_us(1000);
    CHECK(i < 100, "output high at the end");
    outb(0x61, old);
    return NULL;
}

/* The BIOS's wait, measured by the timer. */
static const char *measure_wait(void)
{
    u16 a, b;
    u32 clocks;

    outb(0x61, (inb(0x61) & 0xfc) | 1);
    outb(0x43, 0xb4); /* channel 2, mode 2: 65536 clocks round */
    outb(0x42, 0);
    outb(0x42, 0);
    a = pit_count(2);
    CHECK(wait_us(10000), "INT 15h AH=86h");
    b = pit_count(2);
    outb(0x61, inb(0x61) & 0xfc);
    clocks = (u16)(a - b);
    CHECK(clocks > PIT_HZ / 100 * 9 / 10, "too short");
    CHECK(clocks < PIT_HZ / 100 * 4, "too long");
    return NULL;
}

/* An emulator in real time may be held up for longer than the timer's 55 ms: once in three is
 * enough. */
static const char *bios_wait(void)
{
    const char *why = "";
    u32 i;

    for (i = 0; i < 3 && why != NULL; i++)
        why = measure_wait();
    return why;
}

static u8 refresh_toggles(void)
{
    u8 first = inb(0x61) & 0x10, n = 0;
    u32 i;

    for (i = 0; i < 100000 && n < 10; i++) {
        if ((inb(0x61) & 0x10) != first) {
            first ^= 0x10;
            n++;
        }
    }
    return n;
}

static const char *refresh_bit(void)
{
    CHECK_EQ(refresh_toggles(), 10, "bit 4 of port 0x61 toggles with each refresh");
    return NULL;
}

/* The keyboard controller's command 0xD2 puts a byte where keys come from. */
static const char *keyboard(void)
{
    struct cpu_regs r;
    u32 i;

    chain9 = get_vector(9);
    keys9 = 0;
    set_vector(9, far_code(on_int9));
    for (i = 0; i < 2; i++) {
        u32 end = bios_ticks() + 10;

        __asm__ volatile("cli");
        while ((inb(0x64) & 2) != 0)
            ;
        outb(0x64, 0xd2);
        while ((inb(0x64) & 2) != 0)
            ;
        outb(0x60, i == 0 ? 0x1e : 0x9e); /* A down, A up (set 1) */
        __asm__ volatile("sti");
        while (keys9 <= i && bios_ticks() < end)
            ;
    }
    set_vector(9, chain9);
    CHECK_EQ(keys9, 2, "INT 9 for the press and for the release");
    r.eax = 0x0100;
    r.ds = r.es = 0;
    cpu_int(0x16, &r);
    CHECK((r.flags & FLAG_ZF) == 0, "INT 16h AH=1: a key");
    r.eax = 0;
    cpu_int(0x16, &r);
    CHECK_EQ(r.ax, 0x1e61, "INT 16h AH=0: scan code and character");
    r.eax = 0x0b00;
    cpu_int(0x21, &r);
    CHECK_EQ(r.al, 0, "INT 21h AH=0Bh: no more keys");
    return NULL;
}

static const char *text_memory(void)
{
    u16 row[80], i, bad = 0;

    for (i = 0; i < 80; i++) {
        row[i] = peek16(0xb800, i * 2u);
        poke16(0xb800, i * 2u, (u16)(0x1e00 | (i + 32)));
    }
    for (i = 0; i < 80; i++) {
        bad += peek8(0xb800, i * 2u) != i + 32;
        bad += peek8(0xb800, i * 2u + 1) != 0x1e;
    }
    /* The next page by a string move inside the memory, and the odd bytes one by one. */
    __asm__ volatile(
        "pushw %%ds; pushw %%es; movw $0xb800, %%ax; movw %%ax, %%ds; movw %%ax, %%es\n\t"
        "xorw %%si, %%si; movw $0x1000, %%di; movw $80, %%cx; cld; rep movsw; popw %%es; popw %%ds"
        :
        :
        : "eax", "ecx", "esi", "edi", "memory");
    for (i = 0; i < 80; i++) {
        poke8(0xb800, 0x1001u + i * 2u, 0x70);
        bad += peek16(0xb800, 0x1000u + i * 2u) != (0x7000 | (i + 32));
    }
    for (i = 0; i < 80; i++)
        poke16(0xb800, i * 2u, row[i]);
    CHECK_EQ(bad, 0, "characters or attributes that read differently");
    return NULL;
}

/* A resident program: handlers for three interrupts and an interface of its own at INT 60h. */
static const char *resident(void)
{
    struct cpu_regs r = {.eax = 0};
    u32 old8 = get_vector(8), old9 = get_vector(9), old1c = get_vector(0x1c), end;
    u16 before, after;

    dos_alloc(0xffff, &before);
    CHECK_EQ(dos_exec("TSR.COM", ""), 0x3 << 8 | 7, "exit: stays resident, code 7");
    CHECK(get_vector(8) != old8, "it hooks INT 8");
    end = bios_ticks() + 3;
    while (bios_ticks() < end)
        ;
    cpu_int(0x60, &r);
    CHECK_EQ(r.ax, 0x5452, "its interface");
    CHECK(r.bx >= 3, "it counts INT 8");
    CHECK(r.cx >= 3, "it counts INT 1Ch");
    r.eax = 1; /* leave */
    cpu_int(0x60, &r);
    CHECK_EQ(dos_free(r.bx), 0, "free its memory");
    CHECK(get_vector(8) == old8 && get_vector(9) == old9 && get_vector(0x1c) == old1c,
          "vectors put back");
    dos_alloc(0xffff, &after);
    CHECK_EQ(after, before, "memory is back");
    return NULL;
}

int main(void);

int main(void)
{
    static const struct test tests[] = {
        {"hw-timer-chain", timer_chain}, {"hw-timer-fast", timer_fast}, {"hw-speaker", speaker},
        {"hw-bios-wait", bios_wait},     {"hw-refresh", refresh_bit},   {"hw-keyboard", keyboard},
        {"hw-text-memory", text_memory}, {"hw-resident", resident},
    };

    dos_shrink();
    return run_tests(tests, ARRAY_LEN(tests));
}
