/* The 93C46 of network adapters at its pins: the read command, words in sequence, what it ignores
 * (Microchip DS21749, section 2). */
#include "devices/net/eeprom93.h"
#include "tests/dev/rig.h"

static const u16 words[EEPROM93_WORDS] = {[0] = 0xa500, [1] = 0x1234, [62] = 0x8001, [63] = 0x7ffe};

static void send(struct eeprom93 *e, unsigned v, unsigned bits)
{
    while (bits--)
        eeprom93_clock(e, words, v >> bits & 1);
}

static unsigned receive(struct eeprom93 *e, unsigned bits)
{
    unsigned v = 0;

    while (bits--) {
        eeprom93_clock(e, words, false);
        v = v << 1 | eeprom93_out(e);
    }
    return v;
}

START_TEST(reads)
{
    struct eeprom93 e = {0};

    ck_assert(eeprom93_out(&e)); /* nothing drives the line: ones */
    send(&e, 0, 5);              /* zeros before the start bit do not count */
    send(&e, 6 << 6 | 62, 9);
    ck_assert(!eeprom93_out(&e)); /* the dummy zero */
    ck_assert_uint_eq(receive(&e, 16), words[62]);
    ck_assert_uint_eq(receive(&e, 16), words[63]); /* on and on, from the start again */
    ck_assert_uint_eq(receive(&e, 16), words[0]);
    eeprom93_deselect(&e);
    ck_assert(eeprom93_out(&e));
    send(&e, 6 << 6 | 1, 9);
    ck_assert_uint_eq(receive(&e, 8), words[1] >> 8);
}
END_TEST

START_TEST(other_commands)
{
    static const u16 others[] = {4 << 6 | 0x30 /* EWEN */, 5 << 6 | 1 /* write */, 7 << 6 | 1 /* erase */};

    for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
        struct eeprom93 e = {0};

        send(&e, others[i], 9);
        ck_assert(eeprom93_out(&e));
        eeprom93_deselect(&e);
        send(&e, 6 << 6 | 1, 9);
        ck_assert_uint_eq(receive(&e, 16), words[1]);
    }
}
END_TEST

/* From a snapshot comes what can be, whatever was in it. */
START_TEST(checked)
{
    struct eeprom93 e = {.bits = 200, .reading = 7, .in = 0xffff};

    eeprom93_check(&e);
    ck_assert_uint_eq(e.reading, 1);
    ck_assert_uint_eq(e.bits, 16);
    ck_assert_uint_eq(e.in, 63);
    receive(&e, 40);
    e = (struct eeprom93){.bits = 200};
    eeprom93_check(&e);
    ck_assert_uint_eq(e.bits, 8);
    send(&e, 0, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {reads, other_commands, checked, NULL};

    return rig_main("eeprom", tests);
}
