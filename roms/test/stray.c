/* A stray store, for those who look for one with a debugger that goes back
 * (tests/boot/test_reverse.sh): a name of eight letters is written with its zero into a field of
 * eight, and so into the field behind. It is found long after. */
#include "roms/test/lib/test.h"

enum { ACCOUNTS = 4, ROUNDS = 400, WORK = 8000, WHEN = 290, VICTIM = 2 };

struct account {
    char name[8];
    u32 balance;
};

static volatile struct account accounts[ACCOUNTS];
static volatile u32 sum;

/* The mistake: nobody looks how long the name is. */
static __attribute__((noinline)) void set_name(volatile struct account *a, const char *name)
{
    volatile char *to = a->name;

    do
        *to++ = *name;
    while (*name++);
}

static __attribute__((noinline)) void open_account(u32 i, const char *name, u32 balance)
{
    accounts[i].balance = balance;
    set_name(&accounts[i], name);
}

static __attribute__((noinline)) void work(u32 round)
{
    for (u32 i = 0; i < WORK; i++)
        sum += (round ^ i) & 0xff;
}

/* How many accounts have another balance than the one they were opened with? */
static __attribute__((noinline)) u32 audit(void)
{
    u32 wrong = 0;

    for (u32 i = 0; i < ACCOUNTS; i++)
        wrong += accounts[i].balance != 1001 + i;
    return wrong;
}

void run_test(void)
{
    static const char *const names[ACCOUNTS] = {"Ada", "Grace", "Theodor", "Edsger"};

    for (u32 i = 0; i < ACCOUNTS; i++)
        open_account(i, names[i], 1001 + i);
    for (u32 round = 0; round < ROUNDS; round++) {
        if (round == WHEN)
            set_name(&accounts[VICTIM], "Theodora");
        work(round);
    }
    CHECK_EQ(audit(), 1);
    CHECK_EQ(accounts[VICTIM].balance, 1024 - 256);
}
