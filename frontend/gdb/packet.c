/* Packets of gdb's remote serial protocol: checksums, escapes, run lengths, hexadecimal numbers
 * (manual of gdb, appendix E, section Overview). */
#include "frontend/gdb/packet.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { ESCAPE = 0x7d, ESCAPE_XOR = 0x20, INTERRUPT = 0x03 };

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* ---- in ---- */

static void begin(struct gdb_reader *r)
{
    r->state = GDB_DATA;
    r->n = 0;
    r->sum = 0;
    r->too_long = r->sum_bad = false;
}

static void add(struct gdb_reader *r, u8 byte)
{
    if (r->n < GDB_PACKET)
        r->data[r->n++] = (char)byte;
    else
        r->too_long = true;
}

static void whole(struct gdb_reader *r, const struct gdb_handler *h)
{
    bool good = !r->sum_bad && r->sum == r->sum_got;
    r->state = GDB_IDLE;
    /* What is too long would be as long when it is sent again: it is answered like what nobody
     * knows, by an empty packet. */
    if (!r->no_ack)
        h->reply(h->arg, good);
    if (!good && !r->no_ack)
        return;
    if (r->too_long || !good)
        r->n = 0;
    r->data[r->n] = 0;
    h->packet(h->arg, r->data, r->n);
}

static void one(struct gdb_reader *r, u8 byte, const struct gdb_handler *h)
{
    int d;
    switch (r->state) {
    case GDB_IDLE:
        if (byte == '$')
            begin(r);
        else if (byte == INTERRUPT)
            h->interrupt(h->arg);
        else if ((byte == '+' || byte == '-') && !r->no_ack)
            h->ack(h->arg, byte == '+');
        return;
    case GDB_DATA:
        if (byte == '#') {
            r->state = GDB_SUM1;
            return;
        }
        if (byte == '$') { /* the end of the one before was lost */
            begin(r);
            return;
        }
        r->sum = (u8)(r->sum + byte);
        if (byte == ESCAPE)
            r->state = GDB_ESCAPED;
        else
            add(r, byte);
        return;
    case GDB_ESCAPED:
        r->sum = (u8)(r->sum + byte);
        add(r, byte ^ ESCAPE_XOR);
        r->state = GDB_DATA;
        return;
    case GDB_SUM1:
    case GDB_SUM2:
        d = digit((char)byte);
        r->sum_bad |= d < 0;
        if (r->state == GDB_SUM1) {
            r->sum_got = (u8)(d << 4);
            r->state = GDB_SUM2;
            return;
        }
        r->sum_got |= (u8)(d & 15);
        whole(r, h);
        return;
    }
}

void gdb_read(struct gdb_reader *r, const u8 *bytes, size_t n, const struct gdb_handler *h)
{
    for (size_t i = 0; i < n; i++)
        one(r, bytes[i], h);
}

/* ---- out ---- */

void gdb_put(struct gdb_out *o, const char *text)
{
    size_t n = strlen(text);
    if (n > gdb_room(o))
        return;
    memcpy(o->frame + 1 + o->n, text, n);
    o->n += n;
}

void gdb_printf(struct gdb_out *o, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    gdb_put(o, text);
}

void gdb_put_hex(struct gdb_out *o, const void *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const u8 *p = bytes;
    if (n > gdb_room(o) / 2)
        return;
    for (size_t i = 0; i < n; i++) {
        o->frame[1 + o->n++] = digits[p[i] >> 4];
        o->frame[1 + o->n++] = digits[p[i] & 15];
    }
}

size_t gdb_put_binary(struct gdb_out *o, const void *bytes, size_t n)
{
    const u8 *p = bytes;
    for (size_t i = 0; i < n; i++) {
        bool escape = p[i] == '#' || p[i] == '$' || p[i] == '*' || p[i] == ESCAPE;
        if (gdb_room(o) < 2)
            return i;
        if (escape)
            o->frame[1 + o->n++] = ESCAPE;
        o->frame[1 + o->n++] = (char)(escape ? p[i] ^ ESCAPE_XOR : p[i]);
    }
    return n;
}

const u8 *gdb_frame(struct gdb_out *o, size_t *n)
{
    static const char digits[] = "0123456789abcdef";
    u8 sum = 0;
    char *end = o->frame + 1 + o->n;
    for (size_t i = 0; i < o->n; i++)
        sum = (u8)(sum + (u8)o->frame[1 + i]);
    o->frame[0] = '$';
    end[0] = '#';
    end[1] = digits[sum >> 4];
    end[2] = digits[sum & 15];
    *n = o->n + 4;
    return (const u8 *)o->frame;
}

/* ---- numbers ---- */

bool gdb_number(const char **p, u64 *v)
{
    unsigned n = 0;
    *v = 0;
    for (; digit(**p) >= 0; (*p)++, n++) {
        if (n == 16)
            return false;
        *v = *v << 4 | (u64)digit(**p);
    }
    return n != 0;
}

bool gdb_range(const char **p, u64 *addr, u64 *len, char end)
{
    if (!gdb_number(p, addr) || *(*p)++ != ',' || !gdb_number(p, len) || **p != end)
        return false;
    *p += end != 0;
    return true;
}

bool gdb_bytes(const char **p, u8 *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int hi = digit((*p)[0]), lo = hi < 0 ? -1 : digit((*p)[1]);
        if (lo < 0)
            return false;
        out[i] = (u8)(hi << 4 | lo);
        *p += 2;
    }
    return true;
}
