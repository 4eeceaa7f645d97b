/* A line per N guest instructions with a hash of the machine's state. */
#include "frontend/statehash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { RAM_EVERY = 1000 };

bool state_hash_open(struct state_hash *h, const char *spec, bool counted, struct err *err)
{
    char *end;
    if (!*spec)
        return true;
    h->every = strtoull(spec, &end, 0);
    if (!h->every || *end != ',' || !end[1])
        return err_set(err,
                       "-state-hash takes a number of instructions and a file, such as "
                       "10000,run.hash; not '%.100s'.",
                       spec);
    if (!counted)
        return err_set(err, "-state-hash needs counted time: add -icount shift=3,sleep=off.");
    h->out = fopen(end + 1, "w");
    return h->out ||
           err_set(err, "Cannot write the hashes to '%.300s': %s.", end + 1, strerror(errno));
}

void state_hash_close(struct state_hash *h)
{
    if (h->out)
        fclose(h->out);
    h->out = NULL;
}

u32 state_hash_limit(const struct state_hash *h, const struct cpu *cpu, u32 insns)
{
    u64 left;
    if (!h->every)
        return insns;
    left = h->every - cpu_icount(cpu) % h->every;
    return (u32)MIN((u64)insns, left);
}

void state_hash_note(struct state_hash *h, const struct cpu *cpu, const struct ram *ram)
{
    u64 at = cpu_icount(cpu);
    if (!h->every || at % h->every || at == h->last)
        return;
    h->last = at;
    fprintf(h->out, "%llu %016llx", (unsigned long long)at, (unsigned long long)cpu_hash(cpu));
    if (at / h->every % RAM_EVERY == 0) {
        uLong crc = crc32_z(0, ram->host, ram->size);
        fprintf(h->out, " ram %08lx", crc);
    }
    fprintf(h->out, " %04x:%llx\n", cpu->seg[SEG_CS].sel, (unsigned long long)cpu->rip);
}
