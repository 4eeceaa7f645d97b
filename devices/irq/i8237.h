/* The PC's DMA: two 8237A controllers (channels 0-3 of bytes, 5-7 of words) and the page registers.
 */
#ifndef DEVICES_IRQ_I8237_H
#define DEVICES_IRQ_I8237_H

#include "devices/core/dev.h"
#include "mmu/bus.h"

enum { I8237_WATCHERS = 4 };

struct i8237_chan {
    u16 base_addr, base_count, addr, count;
    u8 mode;
    u8 pad[3];
};

struct i8237_regs {
    struct i8237_chan chan[8];
    u8 page[16]; /* ports 0x80..0x8f */
    u8 command[2];
    u8 status[2];  /* terminal counts reached */
    u8 request[2]; /* requests made by software */
    u8 dreq;       /* level of the request inputs, a bit per channel */
    u8 mask[2];
    u8 high[2]; /* flip-flop: the next byte is the high one */
    u8 pad[5];
};

struct i8237 {
    struct dev dev;
    struct i8237_regs r;
    struct region io[3];
    struct {
        void (*looked_at)(void *arg);
        void *arg;
    } watch[I8237_WATCHERS];
};

extern const struct dev_class i8237_class;

/* Level of DREQ of channel n: only shows in the status register; transfers are made by
 * i8237_transfer. */
void i8237_set_dreq(void *sink, int n, int level);
/* Before a counter or the status is read `looked_at` is called, so that a peripheral that moves many
 * bytes at a time can move those that are due. Beyond I8237_WATCHERS nobody is called. */
void i8237_watch(struct i8237 *dma, void (*looked_at)(void *arg), void *arg);
/* Has the guest opened channel `ch` (controller enabled, channel and its cascade unmasked)? */
bool i8237_ready(const struct i8237 *dma, unsigned ch);
/* A peripheral moves up to n bytes at once: from buf to memory (to_mem) or from memory to buf.
 * Returns the bytes moved: 0 when the channel is masked or set for the other direction; fewer than
 * n when the count ran out. In verify mode bytes count as moved and memory is not touched. *tc (may
 * be NULL) tells that the terminal count was reached. */
size_t i8237_transfer(struct i8237 *dma, unsigned ch, void *buf, size_t n, bool to_mem, bool *tc);

#endif
