/* Which operations the guest runs, and how often. Arguments: file=NAME (default: standard error),
 * most=N (how many are listed). */
#include "dragoman-plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPERATIONS = 4096 };
struct mix {
    const struct dragoman_host *host;
    FILE *out;
    unsigned most;
    uint64_t total, count[OPERATIONS];
    const char *name[OPERATIONS];
};

static void instruction(void *state, const struct dragoman_instruction *i)
{
    struct mix *m = state;
    m->total++;
    m->count[i->operation % OPERATIONS]++;
    m->name[i->operation % OPERATIONS] = i->name;
}

static void stop(void *state)
{
    struct mix *m = state;
    fprintf(m->out, "instructions %llu\n", (unsigned long long)m->total);
    for (unsigned n = 0; n < m->most; n++) {
        unsigned top = 0;
        for (unsigned k = 1; k < OPERATIONS; k++)
            if (m->count[k] > m->count[top])
                top = k;
        if (!m->count[top])
            break;
        fprintf(m->out, "%-12s %llu\n", m->name[top], (unsigned long long)m->count[top]);
        m->count[top] = 0;
    }
    if (m->out != stderr)
        fclose(m->out);
    free(m);
}

static const char *start(const struct dragoman_host *host, const char *const *args,
                         struct dragoman_hooks *hooks)
{
    struct mix *m = calloc(1, sizeof(*m));
    if (!m)
        return "There is no memory.";
    m->host = host;
    m->out = stderr;
    m->most = OPERATIONS;
    for (; *args; args++) {
        if (!strncmp(*args, "file=", 5))
            m->out = fopen(*args + 5, "w");
        else if (!strncmp(*args, "most=", 5))
            m->most = (unsigned)atoi(*args + 5);
        else
            return "It takes file=NAME and most=N.";
    }
    if (!m->out)
        return "Its file cannot be written.";
    *hooks = (struct dragoman_hooks){.state = m, .instruction = instruction, .stop = stop};
    return NULL;
}

const struct dragoman_plugin dragoman_plugin = {DRAGOMAN_PLUGIN_VERSION, "mix", start};
