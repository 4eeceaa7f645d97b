/* Framing of gdb's remote serial protocol: packets out of bytes, and bytes out of packets (manual
 * of gdb, appendix E "Remote Serial Protocol", sections Overview and Packet Acknowledgment). */
#ifndef FRONTEND_GDB_PACKET_H
#define FRONTEND_GDB_PACKET_H

#include "devices/core/types.h"

/* The longest packet, without its frame: told to the client as PacketSize. */
enum { GDB_PACKET = 0x4000 };

/* What comes out of bytes. Text is terminated by a 0 that `n` does not count; escapes are undone.
 */
struct gdb_handler {
    void *arg;
    void (*packet)(void *arg, char *data, size_t n);
    void (*interrupt)(void *arg);        /* the byte 0x03 outside of a packet */
    void (*ack)(void *arg, bool good);   /* the other end has (not) understood what was sent last */
    void (*reply)(void *arg, bool good); /* acknowledge what came; not when that is switched off */
};

struct gdb_reader {
    enum { GDB_IDLE, GDB_DATA, GDB_ESCAPED, GDB_SUM1, GDB_SUM2 } state;
    bool no_ack;   /* neither side acknowledges */
    bool too_long; /* the packet is dropped */
    u8 sum, sum_got;
    bool sum_bad; /* no hexadecimal digit */
    size_t n;
    char data[GDB_PACKET + 1];
};

/* Take bytes from the client. Whatever they are, handlers see whole packets with a right checksum,
 * of at most GDB_PACKET bytes. */
void gdb_read(struct gdb_reader *r, const u8 *bytes, size_t n, const struct gdb_handler *h);

/* A packet to be sent, with room for its frame: '$', data, '#', checksum. */
struct gdb_out {
    size_t n; /* bytes of data; what does not fit is dropped */
    char frame[1 + GDB_PACKET + 3];
};
static inline void gdb_begin(struct gdb_out *o)
{
    o->n = 0;
}
static inline size_t gdb_room(const struct gdb_out *o)
{
    return GDB_PACKET - o->n;
}
void gdb_put(struct gdb_out *o, const char *text);
void gdb_printf(struct gdb_out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Bytes as pairs of hexadecimal digits. */
void gdb_put_hex(struct gdb_out *o, const void *bytes, size_t n);
/* Bytes as they are, with escapes. Returns how many found room. */
size_t gdb_put_binary(struct gdb_out *o, const void *bytes, size_t n);
/* Write the frame around it: *n bytes from the result on are to be sent. */
const u8 *gdb_frame(struct gdb_out *o, size_t *n);

/* Hexadecimal digits: a number at *p, which moves behind it; false when there is none, or more than
 * 16 digits. */
bool gdb_number(const char **p, u64 *v);
/* "addr,len" and what follows `end` (0: the end of the text). */
bool gdb_range(const char **p, u64 *addr, u64 *len, char end);
/* Pairs of digits as bytes, at most n of them; false when a pair is none. *p moves behind. */
bool gdb_bytes(const char **p, u8 *out, size_t n);

#endif
