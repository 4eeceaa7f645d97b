/* Which code ran, as a drcov file of version 2, which disassemblers' coverage views read: a table
 * of modules (here: pieces of 4 GiB of linear addresses), then 8 bytes a block. Argument:
 * file=NAME. */
#include "dragoman-plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODULES = 64 };
struct entry {
    uint32_t start;
    uint16_t size, module;
};
struct coverage {
    FILE *out;
    uint8_t *ran; /* by number of the block */
    size_t room, n, cap;
    struct entry *list;
    uint64_t module[MODULES]; /* the upper halves */
    unsigned nmodules;
};

static unsigned module_of(struct coverage *c, uint64_t address)
{
    unsigned i = 0;
    while (i < c->nmodules && c->module[i] != address >> 32)
        i++;
    if (i == c->nmodules && i < MODULES)
        c->module[c->nmodules++] = address >> 32;
    return i;
}

static void executed(void *state, const struct dragoman_block *b)
{
    struct coverage *c = state;
    unsigned module;
    if (b->number >= c->room) {
        size_t room = 2 * b->number + 1024;
        c->ran = realloc(c->ran, room);
        if (!c->ran)
            abort();
        memset(c->ran + c->room, 0, room - c->room);
        c->room = room;
    }
    if (c->ran[b->number])
        return;
    c->ran[b->number] = 1;
    if (c->n == c->cap &&
        !(c->list = realloc(c->list, (c->cap = 2 * c->cap + 1024) * sizeof(*c->list))))
        abort();
    if ((module = module_of(c, b->address)) < MODULES)
        c->list[c->n++] = (struct entry){(uint32_t)b->address, (uint16_t)b->size, (uint16_t)module};
}

static void stop(void *state)
{
    struct coverage *c = state;
    fprintf(c->out, "DRCOV VERSION: 2\nDRCOV FLAVOR: dragoman\n");
    fprintf(c->out, "Module Table: version 2, count %u\n", c->nmodules);
    fprintf(c->out, "Columns: id, base, end, entry, checksum, timestamp, path\n");
    for (unsigned i = 0; i < c->nmodules; i++)
        fprintf(c->out, "%u, 0x%llx, 0x%llx, 0x0, 0x0, 0x0, guest%u\n", i,
                (unsigned long long)c->module[i] << 32,
                ((unsigned long long)c->module[i] << 32) + 0xffffffffull, i);
    fprintf(c->out, "BB Table: %zu bbs\n", c->n);
    fwrite(c->list, sizeof(*c->list), c->n, c->out);
    fclose(c->out);
    free(c->list);
    free(c->ran);
    free(c);
}

static const char *start(const struct dragoman_host *host, const char *const *args,
                         struct dragoman_hooks *hooks)
{
    struct coverage *c = calloc(1, sizeof(*c));
    if (!c || !args[0] || args[1] || strncmp(args[0], "file=", 5))
        return "It takes file=NAME.";
    if (!(c->out = fopen(args[0] + 5, "wb")))
        return "Its file cannot be written.";
    *hooks = (struct dragoman_hooks){.state = c, .block_executed = executed, .stop = stop};
    return NULL;
}

const struct dragoman_plugin dragoman_plugin = {DRAGOMAN_PLUGIN_VERSION, "coverage", start};
