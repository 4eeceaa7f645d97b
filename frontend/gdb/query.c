/* The gdb stub's general queries and settings (manual of gdb, appendix E, section General Query
 * Packets; those of QEMU's stub by their names). */
#define _GNU_SOURCE
#include "frontend/gdb/stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Does the packet begin with `name`? *p moves behind it. */
static bool named(const char **p, const char *name)
{
    size_t n = strlen(name);
    if (strncmp(*p, name, n))
        return false;
    *p += n;
    return true;
}

static void supported(struct gdb *g, const char *p)
{
    g->swbreak = strstr(p, "swbreak+") != NULL;
    g->hwbreak = strstr(p, "hwbreak+") != NULL;
    gdb_printf(&g->out,
               "PacketSize=%x;qXfer:features:read+;qXfer:memory-map:read+;QStartNoAckMode+;"
               "vContSupported+;swbreak+;hwbreak+%s",
               GDB_PACKET, g->host.reverse ? ";ReverseStep+;ReverseContinue+" : "");
}

/* offset,length of a document: 'm' and a part, 'l' and the last part. */
static void part(struct gdb *g, const char *p, const char *text)
{
    u64 off, len;
    size_t size = text ? strlen(text) : 0, n, done;
    if (!text || !gdb_range(&p, &off, &len, 0) || off > size) {
        gdb_error(g, GDB_EINVAL);
        return;
    }
    n = (size_t)MIN(len, (u64)(size - off));
    gdb_put(&g->out, "l");
    done = gdb_put_binary(&g->out, text + off, n);
    if (off + done < size)
        g->out.frame[1] = 'm';
}

static void transfer(struct gdb *g, const char *p)
{
    if (named(&p, "features:read:")) {
        if (named(&p, "target.xml:"))
            part(g, p, g->target_xml);
        else
            gdb_error(g, 0); /* no such annex */
    } else if (named(&p, "memory-map:read::")) {
        char *map = gdb_memory_xml(&g->regs, g->cpu, g->physical);
        part(g, p, map);
        free(map);
    }
}

/* addr;length;pattern (as it is): where it is found first. Pages that are not there have nothing.
 */
static void search(struct gdb *g, const char *p, const char *end)
{
    enum { CHUNK = 4096 };
    const u64 most = (u64)4 << 30;
    u8 buf[CHUNK + GDB_PACKET];
    u64 addr, len, at;
    size_t n, have = 0;
    if (!gdb_number(&p, &addr) || *p++ != ';' || !gdb_number(&p, &len) || *p++ != ';' ||
        (n = (size_t)(end - p)) == 0 || n > GDB_PACKET || len > most) {
        gdb_error(g, GDB_EINVAL);
        return;
    }
    /* buf[0, have) are the last bytes in front of `at`, fewer than the pattern has. */
    for (at = addr; at - addr < len;) {
        size_t k = (size_t)MIN(CHUNK - (at & (CHUNK - 1)), len - (at - addr));
        u8 *hit;
        if (gdb_peek(g, at, buf + have, k) != k) {
            have = 0;
            at += k;
            continue;
        }
        at += k;
        have += k;
        hit = memmem(buf, have, p, n);
        if (hit) {
            gdb_printf(&g->out, "1,%llx",
                       (unsigned long long)gdb_address(g, at - have + (u64)(hit - buf)));
            return;
        }
        k = MIN(have, n - 1);
        memmove(buf, buf + have - k, k);
        have = k;
    }
    gdb_put(&g->out, "0");
}

static void monitor(struct gdb *g, const char *p)
{
    char line[1024];
    size_t n = strlen(p) / 2;
    if (n >= sizeof(line) || !gdb_bytes(&p, (u8 *)line, n) || *p) {
        gdb_error(g, GDB_EINVAL);
        return;
    }
    line[n] = 0;
    g->host.command(g->host.arg, line, gdb_console, g);
    gdb_begin(&g->out);
    gdb_ok(g);
}

static void thread_info(struct gdb *g, const char *p)
{
    char text[32];
    u64 id;
    if (!gdb_number(&p, &id) || id != 1) {
        gdb_error(g, GDB_EINVAL);
        return;
    }
    snprintf(text, sizeof(text), "CPU#0 [%s]", g->cpu->halted ? "halted" : "running");
    gdb_put_hex(&g->out, text, strlen(text));
}

/* Names of QEMU's stub. */
static void qemu(struct gdb *g, const char *p, bool set)
{
    u64 v;
    if (!strcmp(p, "sstepbits") && !set) {
        gdb_printf(&g->out, "ENABLE=%x,NOIRQ=%x,NOTIMER=%x", GDB_STEP_ENABLE, GDB_STEP_NOIRQ,
                   GDB_STEP_NOTIMER);
    } else if (!strcmp(p, "sstep")) {
        gdb_printf(&g->out, "0x%x", g->sstep);
    } else if (named(&p, "sstep=") && set) {
        if (!gdb_number(&p, &v) || *p || v > 7) {
            gdb_error(g, GDB_EINVAL);
            return;
        }
        g->sstep = (unsigned)v;
        gdb_ok(g);
    } else if (!strcmp(p, "PhyMemMode") && !set) {
        gdb_put(&g->out, g->physical ? "1" : "0");
    } else if (named(&p, "PhyMemMode:") && set) {
        g->physical = *p == '1';
        if ((*p != '0' && *p != '1') || p[1])
            gdb_error(g, GDB_EINVAL);
        else
            gdb_ok(g);
    }
}

static void set(struct gdb *g, const char *p)
{
    if (!strcmp(p, "StartNoAckMode")) {
        g->no_ack_next = true;
        gdb_ok(g);
    } else if (named(&p, "qemu.")) {
        qemu(g, p, true);
    }
}

void gdb_query(struct gdb *g, char *data, size_t n)
{
    const char *p = data + 1;
    if (data[0] == 'Q')
        set(g, p);
    else if (named(&p, "Supported"))
        supported(g, p);
    else if (named(&p, "Xfer:"))
        transfer(g, p);
    else if (named(&p, "Search:memory:"))
        search(g, p, data + n);
    else if (named(&p, "Rcmd,"))
        monitor(g, p);
    else if (!strcmp(p, "fThreadInfo"))
        gdb_put(&g->out, "m01");
    else if (!strcmp(p, "sThreadInfo"))
        gdb_put(&g->out, "l");
    else if (named(&p, "ThreadExtraInfo,"))
        thread_info(g, p);
    else if (!strcmp(p, "C"))
        gdb_put(&g->out, "QC01");
    else if (named(&p, "Attached"))
        gdb_put(&g->out, "1");
    else if (!strcmp(p, "Offsets"))
        gdb_put(&g->out, "Text=0;Data=0;Bss=0");
    else if (named(&p, "qemu."))
        qemu(g, p, false);
}
