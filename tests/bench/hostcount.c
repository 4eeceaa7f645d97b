/* Counts the instructions that a program executes under qemu-user, from its log of translated
 * blocks
 * (-d in_asm,exec,nochain,strace) on standard input: for each stretch between two writes to
 * standard output, those of the busiest thread, and how many of them lie in code made at run time.
 * See tests/bench/README.md. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 256, AREAS = 64, TABLE = 1 << 22, LINE = 4096 };

/* How long the block at pc is; pc 0: free. */
struct size {
    uint64_t pc, insns;
};
struct area {
    uint64_t from, to;
};
struct counter {
    struct size *sizes;
    struct area areas[AREAS]; /* code that the program made */
    unsigned nareas;
    uint64_t all[THREADS], made[THREADS];
    uint64_t least; /* shorter stretches are not shown */
    uint64_t now;   /* the block whose listing is read; 0: none */
};

static struct size *find(struct counter *c, uint64_t pc)
{
    uint64_t at = (pc >> 2) * 0x9e3779b97f4a7c15u >> 42;

    while (c->sizes[at].pc && c->sizes[at].pc != pc)
        at = (at + 1) % TABLE;
    return &c->sizes[at];
}

/* An address of a listing: the block's first one or one more. */
static void listed(struct counter *c, uint64_t pc)
{
    struct size *s;

    if (!c->now) {
        c->now = pc;
        find(c, pc)->insns = 0;
    }
    s = find(c, c->now);
    s->pc = c->now;
    s->insns++;
}

/* "Trace THREAD: HOST [CS/PC/...": the block at PC is executed. */
static void executed(struct counter *c, const char *line)
{
    unsigned thread = (unsigned)strtoul(line, NULL, 10) % THREADS;
    const char *slash = strchr(line, '/');
    uint64_t pc = slash ? strtoull(slash + 1, NULL, 16) : 0, n = find(c, pc)->insns;

    c->all[thread] += n;
    for (unsigned i = 0; i < c->nareas; i++)
        if (pc >= c->areas[i].from && pc < c->areas[i].to) {
            c->made[thread] += n;
            return;
        }
}

/* mmap and mprotect of memory for code that is no program's or library's. */
static void mapped(struct counter *c, const char *line)
{
    const char *mmap = strstr(line, "mmap("), *protect = strstr(line, "mprotect("), *result;
    uint64_t at, len;

    if (!strstr(line, "PROT_EXEC") || c->nareas == AREAS)
        return;
    if (mmap && (strstr(mmap, "MAP_ANONYMOUS") || strstr(mmap, "MAP_SHARED")) &&
        (result = strstr(mmap, ") = ")) != NULL) {
        at = strtoull(result + 4, NULL, 0);
    } else if (protect && strstr(protect, "PROT_WRITE")) {
        at = strtoull(protect + 9, NULL, 0);
        mmap = protect;
    } else {
        return;
    }
    len = strtoull(strchr(mmap, ',') + 1, NULL, 0);
    c->areas[c->nareas++] = (struct area){at, at + len};
}

static void stretch_ends(struct counter *c)
{
    unsigned most = 0;

    for (unsigned i = 0; i < THREADS; i++)
        if (c->all[i] > c->all[most])
            most = i;
    if (c->all[most] >= c->least)
        printf("%" PRIu64 " %" PRIu64 "\n", c->all[most], c->made[most]);
    memset(c->all, 0, sizeof(c->all));
    memset(c->made, 0, sizeof(c->made));
}

int main(int argc, char **argv)
{
    static struct counter c;
    static char line[LINE];

    c.sizes = calloc(TABLE, sizeof(*c.sizes));
    c.least = argc > 1 ? strtoull(argv[1], NULL, 0) : 0;
    if (!c.sizes)
        return 1;
    while (fgets(line, sizeof(line), stdin)) {
        const char *trace = strstr(line, "Trace ");

        if (strstr(line, "write(1,") || strstr(line, "writev(1,"))
            stretch_ends(&c);
        if (trace)
            executed(&c, trace + 6);
        else if (strncmp(line, "0x", 2) == 0)
            listed(&c, strtoull(line, NULL, 16));
        else if (strncmp(line, "IN:", 3) == 0)
            c.now = 0;
        else if (strstr(line, "PROT_EXEC"))
            mapped(&c, line);
    }
    return 0;
}
