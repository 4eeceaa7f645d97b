/* 93C46 in its organisation of 16 bits: reading only, since writing is never enabled (Microchip
 * DS21749). */
#include "devices/net/eeprom93.h"

enum { COMMAND_BITS = 9 /* start, two of operation, six of address */, OP_READ = 6 };

void eeprom93_deselect(struct eeprom93 *e)
{
    *e = (struct eeprom93){0};
}

static void clock_out(struct eeprom93 *e, const u16 *words)
{
    /* the first clock after the command gives bit 15 behind a dummy zero; then word by word */
    e->out = (u16)(e->out << 1);
    if (++e->bits > 16) {
        e->bits = 1;
        e->in = (u16)((e->in + 1) & (EEPROM93_WORDS - 1));
        e->out = words[e->in];
    } else if (e->bits == 1) {
        e->out = words[e->in];
    }
}

void eeprom93_clock(struct eeprom93 *e, const u16 *words, bool in)
{
    if (e->reading) {
        clock_out(e, words);
        return;
    }
    if (!e->bits && !in)
        return; /* before the start bit */
    e->in = (u16)(e->in << 1 | in);
    if (++e->bits < COMMAND_BITS)
        return;
    e->bits = 0;
    e->reading = (e->in >> 6 & 7) == OP_READ;
    e->in &= EEPROM93_WORDS - 1;
    e->out = 0;
}

void eeprom93_check(struct eeprom93 *e)
{
    e->reading = e->reading != 0;
    e->bits = (u8)MIN(e->bits, e->reading ? 16 : COMMAND_BITS - 1);
    if (e->reading)
        e->in &= EEPROM93_WORDS - 1;
}
