/* Memory control blocks: every block of memory follows one paragraph that says whose it is and how
 * long; the chain of them, from the kernel's end to the end of memory, is all of DOS's memory. */
#include "roms/dos/kernel/kernel.h"

struct mcb {
    u8 type;   /* 'M', or 'Z' in the last */
    u16 owner; /* program segment prefix, 0: free */
    u16 size;  /* paragraphs, without this one */
    u8 rest[11];
} PACKED;

static struct {
    u16 first;
} mem;

static void get(u16 seg, struct mcb *m)
{
    far_read(m, seg, 0, sizeof(*m));
}

/* Only the five bytes that mean something: the others may hold a program's name. */
static void put(u16 seg, const struct mcb *m)
{
    far_write(seg, 0, m, 5);
}

static bool valid(const struct mcb *m)
{
    return m->type == 'M' || m->type == 'Z';
}

void mem_init(u16 first, u16 end)
{
    struct mcb m = {.type = 'Z', .owner = 0, .size = (u16)(end - first - 1)};

    mem.first = first;
    put(first, &m);
}

u16 mem_first(void)
{
    return mem.first;
}

/* Make one of the free blocks that follow `seg` (whatever its own owner). */
static void join(u16 seg, struct mcb *m)
{
    struct mcb next;

    while (m->type == 'M') {
        get((u16)(seg + m->size + 1), &next);
        if (!valid(&next) || next.owner != 0)
            break;
        m->type = next.type;
        m->size = (u16)(m->size + next.size + 1);
    }
    put(seg, m);
}

/* Cut a block that is larger than needed; the rest becomes free. */
static void cut(u16 seg, struct mcb *m, u16 paras)
{
    struct mcb rest = {.type = m->type, .owner = 0};

    if (m->size > paras) {
        rest.size = (u16)(m->size - paras - 1);
        put((u16)(seg + paras + 1), &rest);
        m->type = 'M';
        m->size = paras;
    }
    put(seg, m);
}

u16 mem_alloc(u16 paras, u16 owner, u16 *largest)
{
    struct mcb m;
    u16 seg = mem.first;

    *largest = 0;
    for (;; seg = (u16)(seg + m.size + 1)) {
        get(seg, &m);
        if (!valid(&m))
            return 0;
        if (m.owner == 0) {
            join(seg, &m);
            if (m.size >= paras) {
                m.owner = owner;
                cut(seg, &m, paras);
                return (u16)(seg + 1);
            }
            *largest = MAX(*largest, m.size);
        }
        if (m.type == 'Z')
            return 0;
    }
}

/* Is there a block at seg? Walks the chain: a program may pass anything. */
static bool find(u16 seg, struct mcb *m)
{
    u16 at = mem.first;

    for (;;) {
        get(at, m);
        if (!valid(m))
            return false;
        if (at == (u16)(seg - 1))
            return true;
        if (m->type == 'Z')
            return false;
        at = (u16)(at + m->size + 1);
    }
}

int mem_free(u16 seg)
{
    struct mcb m;

    if (!find(seg, &m))
        return -ERR_BLOCK;
    m.owner = 0;
    join((u16)(seg - 1), &m);
    return 0;
}

int mem_resize(u16 seg, u16 paras, u16 *largest)
{
    struct mcb m;

    if (!find(seg, &m))
        return -ERR_BLOCK;
    join((u16)(seg - 1), &m);
    *largest = m.size;
    if (m.size < paras)
        return -ERR_MEMORY;
    cut((u16)(seg - 1), &m, paras);
    return 0;
}

void mem_set_owner(u16 seg, u16 owner)
{
    poke16((u16)(seg - 1), offsetof(struct mcb, owner), owner);
}

void mem_free_owner(u16 owner)
{
    struct mcb m;
    u16 seg = mem.first;

    for (;;) {
        get(seg, &m);
        if (!valid(&m))
            return;
        if (m.owner == owner) {
            m.owner = 0;
            join(seg, &m);
        }
        if (m.type == 'Z')
            return;
        seg = (u16)(seg + m.size + 1);
    }
}
