/* Points are kept by what changed from one to the next, so going anywhere costs the pages that
 * differ; leaving one out gives what is still needed of it to the next. */
#include "frontend/reverse/history.h"

#include "cpu/jit/jit.h"
#include "devices/core/bits.h"
#include "frontend/host/drive_state.h"

#include <stdlib.h>
#include <string.h>

/* Serials of points in the present are so far apart, for those that come between. */
#define GAP (1ull << 24)

static void note_write(void *arg, u64 page_la)
{
    numset_add(&((struct history *)arg)->writes, page_la >> PAGE_BITS);
}

static void note_fetch(void *arg, u64 page_la)
{
    struct history *h = arg;

    if (page_la == ~(u64)0)
        ran_pages(&h->ran);
    else
        ran_page(&h->ran, page_la);
}

/* A new interval begins, in the present; or (not on) nobody wants to know. */
static void listen(struct history *h, bool on)
{
    struct cpu *cpu = vm_cpu(h->vm);

    h->notes = (struct mmu_notes){note_write, note_fetch, h};
    numset_empty(&h->writes);
    jit_ran(cpu); /* of the interval before, if anybody wanted that */
    ran_empty(&h->ran);
    cpu->ran = on ? &h->ran : NULL;
    cpu->ran_line = ~(u64)0;
    mmu_note(&cpu->mmu, on ? &h->notes : NULL);
}

/* ---- beginning and end ---- */

static void clear(struct history *h)
{
    for (u32 i = 0; i < h->n; i++)
        point_free(h->p[i]);
    h->n = h->base = 0;
    pages_clear(&h->ram);
    for (unsigned i = 0; i < VM_DRIVES; i++)
        hist_disk_end(&h->disk[i]);
}

void history_free(struct history *h)
{
    if (!h->vm)
        return;
    listen(h, false);
    clear(h);
    numset_free(&h->writes);
    ran_free(&h->ran);
    free(h->p);
    *h = (struct history){0};
}

/* Room for a point at place i. */
static bool insert(struct history *h, struct point *p, u32 i)
{
    if (h->n == h->cap) {
        u32 cap = h->cap ? 2 * h->cap : 64;
        struct point **more = realloc(h->p, cap * sizeof(*more));

        if (!more)
            return false;
        h->p = more;
        h->cap = cap;
    }
    memmove(h->p + i + 1, h->p + i, (h->n - i) * sizeof(*h->p));
    h->p[i] = p;
    h->n++;
    return true;
}

bool history_begin(struct history *h, struct vm *vm, u64 limit, struct err *err)
{
    struct point *p;

    clear(h);
    h->vm = vm;
    h->limit = limit;
    h->begun++;
    for (unsigned i = 0; i < VM_DRIVES; i++)
        if (!hist_disk_begin(&h->disk[i], vm_drive(vm, i)))
            return err_set(err, "There is no memory to remember what the machine did.");
    p = point_take(vm);
    if (!p || !insert(h, p, 0)) {
        point_free(p);
        return err_set(err, "There is no memory to remember what the machine did.");
    }
    p->serial = GAP;
    memory_keep(vm, &h->ram, &p->list[0], p->serial, true);
    h->next_at = p->icount + h->every;
    listen(h, true);
    if (h->ram.lost)
        return err_set(err, "There is no memory to remember what the machine's memory held.");
    return history_bytes(h) <= limit ||
           err_set(err,
                   "What the machine's memory holds takes %llu MiB to remember: going back needs "
                   "-icount reverse= with more than that.",
                   (unsigned long long)(history_bytes(h) / MIB));
}

/* ---- points ---- */

u32 history_at(const struct history *h, u64 icount)
{
    u32 lo = 0, hi = h->n;

    while (lo < hi) {
        u32 mid = lo + (hi - lo) / 2;

        if (h->p[mid]->icount <= icount)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? lo - 1 : 0;
}

u32 history_before(const struct history *h, u64 icount)
{
    return icount ? history_at(h, icount - 1) : 0;
}

/* Point i, neither the first nor the last nor the base, is forgotten; or the first. */
static void leave_out(struct history *h, u32 i)
{
    struct point *p = h->p[i], *next = h->p[i + 1];

    pages_merge(&h->ram, &p->list[0], &next->list[0], next->serial);
    for (unsigned k = 0; k < VM_DRIVES; k++)
        pages_merge(&h->disk[k].pages, &p->list[1 + k], &next->list[1 + k], next->serial);
    if (i) {
        numset_join(&next->writes, &p->writes);
        ran_join(&next->ran, &p->ran);
    }
    memmove(h->p + i, h->p + i + 1, (h->n - i - 1) * sizeof(*h->p));
    h->n--;
    h->base -= h->base > i;
    h->end -= h->end > i;
    point_free(p);
}

/* Those of the neighbourhood that are farthest from here. */
static void few_locals(struct history *h)
{
    u32 n = 0, far = 0, most = 0;

    for (u32 i = 1; i + 1 < h->n; i++) {
        u32 d = i > h->base ? i - h->base : h->base - i;

        if (!h->p[i]->local || i == h->base)
            continue;
        n++;
        if (d >= most)
            most = d, far = i;
    }
    if (n > HIST_LOCALS)
        leave_out(h, far);
}

/* What was written since point h->base, for the new point p at place i. */
static bool keep(struct history *h, struct point *p)
{
    bool ok = true;

    memory_keep(h->vm, &h->ram, &p->list[0], p->serial, false);
    for (unsigned i = 0; i < VM_DRIVES; i++)
        ok &= hist_disk_keep(&h->disk[i], &p->list[1 + i], p->serial);
    return ok && !h->ram.lost;
}

static bool media_changed(const struct history *h)
{
    for (unsigned i = 0; i < VM_DRIVES; i++)
        if (hist_disk_changed(&h->disk[i]))
            return true;
    return false;
}

static struct point *anew(struct history *h)
{
    return history_begin(h, h->vm, h->limit, NULL) ? h->p[0] : NULL;
}

static struct point *add_present(struct history *h)
{
    struct point *last = h->p[h->n - 1], *p;

    if (media_changed(h))
        return anew(h);
    p = point_take(h->vm);
    if (!p || !insert(h, p, h->n)) {
        point_free(p);
        return NULL;
    }
    p->serial = last->serial + GAP;
    jit_ran(vm_cpu(h->vm));
    p->writes = h->writes;
    p->ran = h->ran;
    h->writes = (struct numset){0};
    h->ran = (struct ran){0};
    if (!keep(h, p))
        return anew(h);
    listen(h, true);
    h->base = h->n - 1;
    h->next_at = p->icount + h->every;
    return p;
}

static struct point *add_past(struct history *h)
{
    u32 i = history_at(h, cpu_icount(vm_cpu(h->vm))) + 1;
    struct point *p = i < h->n ? point_take(h->vm) : NULL;

    if (!p)
        return NULL;
    p->serial = h->p[i - 1]->serial + (h->p[i]->serial - h->p[i - 1]->serial) / 2;
    p->local = true;
    if (p->serial == h->p[i - 1]->serial || !insert(h, p, i)) {
        point_free(p);
        return NULL;
    }
    numset_join(&p->writes, &h->p[i + 1]->writes);
    ran_join(&p->ran, &h->p[i + 1]->ran);
    h->end += h->end >= i;
    h->base = i;
    if (!keep(h, p)) /* seen at the latest in the present, where history begins anew */
        p->writes.all = p->ran.all = true;
    few_locals(h);
    return p;
}

struct point *history_add(struct history *h)
{
    return h->past ? add_past(h) : add_present(h);
}

/* ---- how much is kept ---- */

u64 history_bytes(const struct history *h)
{
    u64 n = h->ram.bytes;

    for (unsigned i = 0; i < VM_DRIVES; i++)
        n += h->disk[i].pages.bytes;
    for (u32 i = 0; i < h->n; i++)
        n += h->p[i]->bytes + h->p[i]->writes.cap * sizeof(u64) + ran_bytes(&h->p[i]->ran);
    return n;
}

/* Is point i needed for that its neighbours are not too far apart, seen from `now`? */
static bool needed(const struct history *h, u32 i, u64 now)
{
    u64 gap = h->p[i + 1]->icount - h->p[i - 1]->icount, age = now - h->p[i]->icount;

    return h->p[i]->barrier || gap > MAX(h->every, age / HIST_FINE);
}

/* The point that is missed least: the smallest gap for its age. 0: the first, with what is before
 * the second. */
static u32 least(const struct history *h, u64 now)
{
    u32 best = 0;
    double most = 0;

    for (u32 i = 1; i + 1 < h->n; i++) {
        u64 gap = h->p[i + 1]->icount - h->p[i - 1]->icount, age = now - h->p[i]->icount;
        double rank = ((double)age + (double)h->every) / ((double)gap + 1);

        if (!h->p[i]->barrier && rank > most)
            most = rank, best = i;
    }
    /* Beyond that, the beginning goes. */
    return most > 6 ? best : 0;
}

void history_thin(struct history *h)
{
    u64 now = h->p[h->n - 1]->icount;

    for (u32 i = 1; i + 1 < h->n;)
        if (needed(h, i, now))
            i++;
        else
            leave_out(h, i);
    while (h->n > 2 && history_bytes(h) > h->limit)
        leave_out(h, least(h, now));
}

bool history_unwritten(const struct history *h, u32 i, u64 page)
{
    return i + 1 < h->n && !numset_has(&h->p[i + 1]->writes, page);
}

bool history_unrun(const struct history *h, u32 i, u64 la)
{
    return i + 1 < h->n && !ran_at(&h->p[i + 1]->ran, la);
}

/* ---- going ---- */

/* Pages and disks as at point i. */
static bool go_pages(struct history *h, u32 i, struct err *err)
{
    u32 lo = MIN(h->base, i), n = MAX(h->base, i) - lo;
    struct page_list **lists = calloc(n + 1, sizeof(struct page_list *));
    u64 serial = h->p[i]->serial;
    bool ok = lists;

    for (u32 k = 0; ok && k < n; k++)
        lists[k] = &h->p[lo + 1 + k]->list[0];
    if (ok) {
        memory_go(h->vm, &h->ram, lists, n, serial);
        h->base = i; /* also when something else fails */
    }
    for (unsigned d = 0; ok && d < VM_DRIVES; d++) {
        for (u32 k = 0; k < n; k++)
            lists[k] = &h->p[lo + 1 + k]->list[1 + d];
        if (i + 1 == h->n)
            hist_disk_present(&h->disk[d]);
        else
            ok = hist_disk_go(&h->disk[d], lists, n, serial, err);
    }
    if (!lists)
        err_set(err, "There is no memory to go back.");
    free(lists);
    return ok;
}

void history_leave(struct history *h)
{
    for (unsigned i = 0; i < VM_DRIVES; i++)
        hist_disk_present(&h->disk[i]);
}

bool history_go(struct history *h, u32 i, struct err *err)
{
    bool present = i + 1 == h->n;
    const struct point *p = h->p[i];

    /* Requests of disks end in what the machine is now. */
    for (unsigned k = 0; k < VM_DRIVES; k++)
        if (vm_drive(h->vm, k))
            drive_medium(vm_drive(h->vm, k));
    listen(h, false);
    h->past = true;
    if (!go_pages(h, i, err) || !point_put(h->vm, p, err))
        return false;
    h->past = !present;
    for (h->end = i + 1; h->end + 1 < h->n && !h->p[h->end]->barrier;)
        h->end++;
    if (present) {
        replay_go(h->vm, &p->log, NULL);
        listen(h, true);
    } else {
        replay_go(h->vm, &p->log, (u64[]){h->p[h->end]->icount, h->p[h->end]->clock});
    }
    return true;
}
