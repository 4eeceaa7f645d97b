/* Code that is written to: its blocks go, and when that comes again and again their place is
 * left to the interpreter for ever longer, or its immediates are read at run time (soft.c), or
 * what comes back is used again (revive.c). */
#include "cpu/jit/block.h"

enum { KILLS_FORGET = 4096 };
/* A block that lived so long was worth its translation. */
enum { WORTH_NS = 2000000 };
/* Places that are overwritten again and again are translated at most so often in so long: a
 * tenth of the time. */
enum { REMAKES = 4096, REMAKES_NS = 100000000 };

static bool is_off(const struct jit *jit)
{
    return jit->config.off & JIT_OFF(DEMOTE);
}

/* b's bytes are written: its place must get warm anew. When that comes again and again, ever later;
 * after a number of such cases for all places they are all forgotten. */
static void demote(struct jit *jit, const struct block *b)
{
    u32 at = jit_place(b->page0, b->off);
    jit->hot[at] = 0;
    cold_cool(jit, b->page0, b->off);
    if (is_off(jit))
        return;
    if (++jit->nkills == KILLS_FORGET) {
        jit->nkills = 0;
        memset(jit->kills, 0, sizeof(jit->kills));
    }
    if (jit->kills[at] && jit_now() - b->made > WORTH_NS)
        jit->kills[at] = 0;
    if (jit->kills[at] < KILLS_MOST)
        jit->kills[at]++;
    jit->stats.demoted += jit->kills[at] > 1;
}

bool rewrite_too_often(struct jit *jit, u32 page, u32 off)
{
    u64 now;
    if (LIKELY(jit->kills[jit_place(page, off)] < 2) || is_off(jit))
        return false;
    if (!jit->remakes_left) {
        now = jit_now();
        if (now - jit->remakes_since < REMAKES_NS)
            return true;
        jit->remakes_since = now;
        jit->remakes_left = REMAKES;
    }
    jit->remakes_left--;
    return false;
}

void jit_wrote(void *arg, u32 page, u32 off, u32 len)
{
    struct cpu *cpu = arg;
    struct jit *jit = cpu->jit;
    struct block *b, *next;
    if (!jit || page >= jit->npages)
        return;
    codebuf_begin(&jit->buf);
    for (b = jit->pages[page]; b; b = next) {
        next = *block_page_next(b, page);
        if (!block_overlaps(b, page, off, len))
            continue;
        block_kill(jit, b);
        if (log_probe(cpu->log) && cpu->log->probe->rewritten)
            cpu->log->probe->rewritten(cpu->log->probe->arg, b->id, page, off, len);
        if (soft_note(jit, b, page, off, len)) { /* made anew at once */
            jit->kills[jit_place(b->page0, b->off)] = 0;
            jit->hot[jit_place(b->page0, b->off)] = 0xff;
        } else {
            demote(jit, b);
            grave_add(jit, b);
        }
    }
    codebuf_end(&jit->buf);
}
