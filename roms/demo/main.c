/* The demo guest: banner, self-test or a small menu, key echo. */
#include "roms/demo/bench.h"
#include "roms/demo/console.h"
#include "roms/demo/intr.h"
#include "roms/demo/keyboard.h"
#include "roms/demo/paging.h"
#include "roms/demo/picture.h"
#include "roms/demo/selftest.h"
#include "roms/demo/timer.h"
#include "roms/lib/fwcfg.h"
#include "roms/lib/io.h"
#include "roms/lib/power.h"
#include "roms/lib/serial.h"
#include "roms/lib/vga.h"

void main(void);

static bool selftest_wanted(void)
{
    struct fw_file f;
    char c = 0;

    if (!fw_find("opt/dragoman/selftest", &f) || f.size == 0)
        return false;
    fw_read(f.key, &c, 1);
    return c == '1';
}

static int next_key(void)
{
    int c = keyboard_get();

    if (c < 0)
        c = serial_getc();
    return c == '\r' ? '\n' : c;
}

static int wait_key(void)
{
    int c;

    while ((c = next_key()) < 0)
        cpu_idle(); /* the timer wakes us often enough to look at the serial port */
    return c;
}

static void help(void)
{
    print("\nkeys:  P picture   V picture in 640x480   B benchmark   M page tables\n"
          "       T self-test   Q power off   anything else is echoed\n\n");
}

static void show(bool linear)
{
    u32 sum = 0;
    bool shown = true;

    console_graphics(true);
    if (linear)
        shown = picture_linear(&sum);
    else
        sum = picture_vga();
    print(shown ? "picture shown; any key goes back\n" : "no linear frame buffer here\n");
    if (shown)
        wait_key();
    if (linear)
        vga_linear_off();
    console_graphics(false);
    help();
}

static void show_paging(void)
{
    struct paging_result r;

    paging_demo(&r);
    print("one page at two addresses: %s\n", r.alias ? "yes" : "no");
    print("processor marked it accessed and dirty: %s\n", r.accessed ? "yes" : "no");
    print("write to a read-only page refused: %s\n", r.read_only ? "yes" : "no");
    print("missing page at %x (error code %u) supplied: %s\n", r.fault_address, r.fault_error,
          r.demand ? "yes" : "no");
}

/* The time of day in seconds since the start, in the corner of the screen. */
static void clock_corner(void)
{
    char s[] = "    s";
    u32 v = timer_ticks() / TIMER_HZ;

    for (int i = 3; i >= 0 && v != 0; i--) {
        s[i] = (char)('0' + v % 10);
        v /= 10;
    }
    vga_at(0, 73, s, 0x1e);
}

static void interactive(void)
{
    help();
    for (;;) {
        int c;

        while ((c = next_key()) < 0) {
            clock_corner();
            cpu_idle();
        }
        switch (c) {
        case 'P': show(false); break;
        case 'V': show(true); break;
        case 'B': bench_run(50); break;
        case 'M': show_paging(); break;
        case 'T':
            print("%u failed\n", selftest_run());
            help();
            break;
        case 'Q':
            print("\npower off\n");
            power_off();
            break;
        default:
            if (c == '\n' || c == '\b' || (c >= 32 && c < 127))
                print_char((char)c);
            break;
        }
    }
}

static void run_selftest(void)
{
    u32 failed = selftest_run();

    if (failed == 0) {
        print("DEMO PASS\n");
        power_off();
    } else {
        print("DEMO FAIL %u\n", failed);
        exit_device((u8)failed);
    }
    for (;;)
        __asm__ volatile("cli; hlt");
}

void main(void)
{
    intr_init();
    console_init();
    timer_init();
    keyboard_init();
    if (selftest_wanted())
        run_selftest();
    else
        interactive();
}
