/* Serial port with a 16550A. */
#ifndef DEVICES_CHAR_UART16550_H
#define DEVICES_CHAR_UART16550_H

#include "devices/core/dev.h"
#include "devices/core/fifo.h"
#include "devices/core/ports.h"
#include "mmu/bus.h"

enum { UART_FIFO = 16 };

struct uart16550_regs {
    u64 tx_done;    /* ns at which the transmitter is empty again; CLOCK_NEVER: it is */
    u64 rx_timeout; /* ns at which waiting characters are announced below the trigger level;
                       CLOCK_NEVER: not */
    struct fifo_state rx, tx;
    u8 rx_data[UART_FIFO];
    u8 rx_error[UART_FIFO]; /* LSR error bits of each character */
    u8 tx_data[UART_FIFO];  /* characters to be sent in real time */
    u16 divisor;
    u8 ier, fcr, lcr, mcr, scr;
    u8 lsr_overrun;  /* LSR bit 1 */
    u8 msr_delta;    /* MSR bits 0..3 */
    u8 lines;        /* modem inputs as in MSR bits 4..7 */
    u8 thre_pending; /* the transmitter-empty interrupt has not been seen */
    u8 timed_out;    /* the receiver time-out interrupt is up */
    u8 rbr;          /* last character read */
    u8 pad[3];
};

struct uart16550 {
    struct dev dev;
    struct uart16550_regs r;
    struct irq out;
    struct chr *chr; /* the other end; NULL: nothing connected. Set before dev_start, which takes
                        its hooks */
    struct region io;
    struct timer tx_timer, rx_timer;
    /* props */
    u32 base;
    bool realtime; /* characters take as long as the divisor says; else next to nothing */
};

extern const struct dev_class uart16550_class;

#endif
