/* The serial EEPROM of network adapters: a 93C46 of 64 words, read through three wires. */
#ifndef DEVICES_NET_EEPROM93_H
#define DEVICES_NET_EEPROM93_H

#include "devices/core/types.h"

enum { EEPROM93_WORDS = 64 };

/* Saved by whoever has one; all zero: not selected. */
struct eeprom93 {
    u8 bits;    /* clocked since it was selected, or of the word that comes out */
    u8 reading; /* 1: words come out */
    u16 in;     /* command, then address */
    u16 out;    /* bits to come, the next one on top */
};

/* The chip select fell. */
void eeprom93_deselect(struct eeprom93 *e);
/* The clock rose with `in` on the data line. */
void eeprom93_clock(struct eeprom93 *e, const u16 *words, bool in);
/* The level of the data output. */
static inline bool eeprom93_out(const struct eeprom93 *e)
{
    return !e->reading || (e->out & 0x8000);
}
/* From loaded: no state that cannot be. */
void eeprom93_check(struct eeprom93 *e);

#endif
