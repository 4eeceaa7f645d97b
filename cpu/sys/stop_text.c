/* Stop points in words. */
#include "cpu/sys/stop.h"

#include <stdio.h>

const char *const stop_modes[] = {"pe", "vm", "pg", "lm", "smm", "bits", "cpl", NULL};

static const char *const prefix[STOP__KINDS] = {
    [STOP_CODE] = "",      [STOP_PHYS] = "phys:",     [STOP_WRITE] = "write:",
    [STOP_READ] = "read:", [STOP_ACCESS] = "access:", [STOP_IO] = "io:",
    [STOP_INTR] = "int:",  [STOP_EXC] = "exc:",       [STOP_MODE] = "mode:",
    [STOP_MSR] = "msr:",
};

/* "pe,pg" for a mask of modes. */
static void mode_names(u64 mask, char *buf, size_t n)
{
    size_t at = 0;
    buf[0] = 0;
    for (unsigned i = 0; stop_modes[i]; i++)
        if (mask >> i & 1 && at + 8 < n)
            at += (size_t)snprintf(buf + at, n - at, "%s%s", at ? "," : "", stop_modes[i]);
}

char *stop_name(const struct stop *s, char *buf, size_t n)
{
    char names[64];
    if (s->kind == STOP_MODE) {
        mode_names(s->addr, names, sizeof(names));
        snprintf(buf, n, "%s%s", prefix[s->kind], names);
        return buf;
    }
    snprintf(buf, n, "%s0x%llx", prefix[s->kind], (unsigned long long)s->addr);
    if (s->len > 1 && s->kind >= STOP_WRITE && s->kind <= STOP_IO) {
        size_t at = strlen(buf);
        snprintf(buf + at, n - at, "+%llu", (unsigned long long)s->len);
    }
    return buf;
}

char *stop_text(const struct stop_hit *hit, char *buf, size_t n)
{
    unsigned long long addr = (unsigned long long)hit->addr, at = (unsigned long long)hit->at;
    const char *how = hit->write ? "written" : "read";
    char names[64];
    switch (hit->stop.kind) {
    case STOP_CODE:
    case STOP_PHYS: snprintf(buf, n, "stopped in front of 0x%llx", at); break;
    case STOP_WRITE:
    case STOP_READ:
    case STOP_ACCESS:
        snprintf(buf, n, "stopped: 0x%llx was %s by the instruction at 0x%llx", addr, how, at);
        break;
    case STOP_IO:
        snprintf(buf, n, "stopped: port 0x%llx was %s by the instruction at 0x%llx", addr, how, at);
        break;
    case STOP_INTR: snprintf(buf, n, "stopped: interrupt 0x%llx at 0x%llx", addr, at); break;
    case STOP_EXC:
        snprintf(buf, n, "stopped: exception %llu with error code 0x%x at 0x%llx", addr, hit->error,
                 at);
        break;
    case STOP_MODE:
        mode_names(hit->addr, names, sizeof(names));
        snprintf(buf, n, "stopped: %s changed by the instruction at 0x%llx", names, at);
        break;
    case STOP_MSR:
        snprintf(buf, n, "stopped: MSR 0x%llx was %s by the instruction at 0x%llx", addr, how, at);
        break;
    default: snprintf(buf, n, "stopped"); break;
    }
    return buf;
}
