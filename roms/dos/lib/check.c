/* The test programs' common part: names, modes and results. */
#include "roms/dos/lib/check.h"
#include "roms/dos/emm/vendor.h"

enum cpu_mode cpu_mode(void)
{
    struct cpu_regs r = {.eax = EMM_VENDOR | VENDOR_GET_MODE};
    u16 msw;

    __asm__ volatile("smsw %0" : "=r"(msw));
    if ((msw & 1) == 0)
        return MODE_REAL;
    cpu_int(0x67, &r);
    return (enum cpu_mode)r.bl;
}

bool check_eq(u32 got, u32 want)
{
    if (got == want)
        return true;
    print("  got ");
    print_hex(got, 8);
    print(", want ");
    print_hex(want, 8);
    print("\n");
    return false;
}

int run_tests(const struct test *tests, u32 n)
{
    static const char *const names[] = {"real", "v86", "vme", "iopl3"};
    const char *mode = names[cpu_mode() & 3];
    int failures = 0;
    u32 i;

    for (i = 0; i < n; i++) {
        const char *why = tests[i].run();

        print(mode);
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
