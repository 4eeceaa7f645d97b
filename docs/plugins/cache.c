/* A data cache as the guest's accesses would fill it: least recently used, written back. Arguments:
 * size=BYTES, ways=N, line=BYTES (powers of two; default 32768, 8, 64), file=NAME. */
#include "dragoman-plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
    uint64_t tag, used; /* used: when last; 0: empty */
    int dirty;
};
struct cache {
    FILE *out;
    uint64_t size, ways, line, sets, now, hits, misses, written_back;
    struct line *lines;
};

static void touch(struct cache *c, uint64_t tag, int write)
{
    struct line *set = &c->lines[(tag & (c->sets - 1)) * c->ways], *oldest = set;
    c->now++;
    for (uint64_t i = 0; i < c->ways; i++) {
        if (set[i].used && set[i].tag == tag) {
            c->hits++;
            set[i].used = c->now;
            set[i].dirty |= write;
            return;
        }
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    c->misses++;
    c->written_back += oldest->used && oldest->dirty;
    *oldest = (struct line){tag, c->now, write};
}

static void memory(void *state, uint64_t address, uint32_t n, int write)
{
    struct cache *c = state;
    for (uint64_t tag = address / c->line; n && tag <= (address + n - 1) / c->line; tag++)
        touch(c, tag, write);
}

static void stop(void *state)
{
    struct cache *c = state;
    fprintf(c->out, "accesses %llu\nhits %llu\nmisses %llu\nwritten back %llu\n",
            (unsigned long long)c->now, (unsigned long long)c->hits, (unsigned long long)c->misses,
            (unsigned long long)c->written_back);
    if (c->out != stderr)
        fclose(c->out);
    free(c->lines);
    free(c);
}

static const char *start(const struct dragoman_host *host, const char *const *args,
                         struct dragoman_hooks *hooks)
{
    struct cache *c = calloc(1, sizeof(*c));
    if (!c)
        return "There is no memory.";
    *c = (struct cache){.out = stderr, .size = 32768, .ways = 8, .line = 64};
    for (; *args; args++) {
        const char *value = strchr(*args, '=');
        if (value && !strncmp(*args, "file=", 5))
            c->out = fopen(value + 1, "w");
        else if (value && !strncmp(*args, "size=", 5))
            c->size = strtoull(value + 1, NULL, 0);
        else if (value && !strncmp(*args, "ways=", 5))
            c->ways = strtoull(value + 1, NULL, 0);
        else if (value && !strncmp(*args, "line=", 5))
            c->line = strtoull(value + 1, NULL, 0);
        else
            return "It takes size=BYTES, ways=N, line=BYTES and file=NAME.";
    }
    c->sets = c->ways && c->line ? c->size / c->ways / c->line : 0;
    if (!c->out || !c->sets || c->sets & (c->sets - 1) || c->size > 1u << 30)
        return "Its file cannot be written, or its size is not a power of two of sets.";
    if (!(c->lines = calloc(c->sets * c->ways, sizeof(*c->lines))))
        return "There is no memory.";
    *hooks = (struct dragoman_hooks){.state = c, .memory = memory, .stop = stop};
    return NULL;
}

const struct dragoman_plugin dragoman_plugin = {DRAGOMAN_PLUGIN_VERSION, "cache", start};
