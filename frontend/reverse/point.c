/* Taking a point and putting it back: the parts of a snapshot (frontend/state) without memory, and
 * what only this process can use: the translations in the TLB, so that taking one changes nothing.
 */
#include "frontend/reverse/point.h"

#include "cpu/sys/stop.h"
#include "frontend/host/drive_state.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(HIST_PAGE == PAGE_SIZE, "pages of memory");

/* ---- all but memory ---- */

/* Give back the room that the buffer grew by. */
static void fit(struct point *p, struct snap *s)
{
    u8 *data = s->len ? realloc(s->data, s->len) : NULL;

    if (data) {
        s->data = data;
        s->cap = s->len;
    }
    p->bytes += s->cap;
}

struct point *point_take(struct vm *vm)
{
    struct point *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->icount = cpu_icount(vm_cpu(vm));
    p->clock = clock_now(&vm->clock);
    for (unsigned i = 0; i < VM_DRIVES; i++)
        if (vm_drive(vm, i)) {
            drive_save(vm_drive(vm, i), &p->drive[i]);
            fit(p, &p->drive[i]);
        }
    vm_time_take(vm, &p->time);
    vm_timers_save(vm, &p->timers);
    for (unsigned i = 0; pc_part_name(vm->pc, i); i++)
        pc_save_part(vm->pc, i, &p->parts);
    mmu_tlb_save(&vm_cpu(vm)->mmu, &p->tlb);
    replay_tell(vm, &p->log);
    fit(p, &p->timers);
    fit(p, &p->parts);
    fit(p, &p->tlb);
    p->bytes += sizeof(*p);
    return p;
}

/* To read from the beginning; the bytes stay the point's. */
static struct snap view(const struct snap *s)
{
    return (struct snap){.data = s->data, .len = s->len};
}

static bool put_drives(struct vm *vm, const struct point *p, struct err *err)
{
    for (unsigned i = 0; i < VM_DRIVES; i++) {
        struct blk *blk = vm_drive(vm, i);
        struct snap snap = view(&p->drive[i]);
        struct drive_state s;
        bool ok;

        if (!blk)
            continue;
        ok = drive_state_read(&s, blk, vm_drive_name(vm, i), &snap, err);
        if (ok)
            drive_state_put(blk, &s);
        drive_state_free(&s);
        if (!ok)
            return false;
    }
    return true;
}

bool point_put(struct vm *vm, const struct point *p, struct err *err)
{
    struct snap timers = view(&p->timers), parts = view(&p->parts), tlb = view(&p->tlb);
    bool ok;

    replay_mute(vm, true);
    ok = put_drives(vm, p, err);
    if (ok) {
        vm_time_put(vm, &p->time, p->icount);
        ok = pc_load(vm->pc, &parts, err);
    }
    if (ok)
        vm_timers_put(vm, &timers);
    for (unsigned i = 0; i < VM_DRIVES; i++)
        if (vm_drive(vm, i))
            drive_state_settle(vm_drive(vm, i));
    if (ok)
        ok = mmu_tlb_load(&vm_cpu(vm)->mmu, &tlb) || err_set(err, "The TLB's state is damaged.");
    stop_anew(vm_cpu(vm));
    vm_state_loaded(vm);
    replay_mute(vm, false);
    return ok;
}

void point_free(struct point *p)
{
    if (!p)
        return;
    snap_free(&p->timers);
    snap_free(&p->parts);
    snap_free(&p->tlb);
    for (unsigned i = 0; i < VM_DRIVES; i++)
        snap_free(&p->drive[i]);
    for (unsigned i = 0; i < POINT_LISTS; i++)
        page_list_free(&p->list[i]);
    numset_free(&p->writes);
    ran_free(&p->ran);
    free(p);
}

/* ---- memory ---- */

/* The next page from `i` on with the bit set; the number of pages: none. */
static u32 next_dirty(const struct ram *ram, u32 i)
{
    u32 n = (u32)(ram->size >> PAGE_BITS);
    u64 word;

    while (i < n && !(ram->dirty[i] & DIRTY_SNAP)) {
        i++;
        while (!(i & 7) && i + 8 <= n) {
            memcpy(&word, ram->dirty + i, 8);
            if (word & 0x0101010101010101ull * DIRTY_SNAP)
                break;
            i += 8;
        }
    }
    return i;
}

void memory_keep(struct vm *vm, struct pages *pages, struct page_list *list, u64 serial, bool all)
{
    for (struct ram *ram = vm->pc->space.first; ram; ram = ram->next) {
        u32 n = (u32)(ram->size >> PAGE_BITS);

        for (u32 i = all ? 0 : next_dirty(ram, 0); i < n;
             i = all ? i + 1 : next_dirty(ram, i + 1)) {
            const u8 *page = ram->host + ((u64)i << PAGE_BITS);

            if (!all || !image_all_zero(page, PAGE_SIZE))
                pages_put(pages, list, ram->page0 + i, serial, page);
            ram_test_clear_dirty(ram, i, DIRTY_SNAP);
        }
    }
}

static void put_page(struct ram *ram, u32 i, const struct pages *pages, u64 serial)
{
    static const u8 zeros[PAGE_SIZE];
    u8 *page = ram->host + ((u64)i << PAGE_BITS);
    const u8 *data = pages_find(pages, ram->page0 + i, serial);

    if (!data)
        data = zeros; /* it was when history began */
    if (memcmp(page, data, PAGE_SIZE)) {
        ram_wrote(ram, (u64)i << PAGE_BITS, PAGE_SIZE);
        memcpy(page, data, PAGE_SIZE);
    }
    ram_test_clear_dirty(ram, i, DIRTY_SNAP);
}

void memory_go(struct vm *vm, const struct pages *pages, struct page_list *const *lists, u32 n,
               u64 serial)
{
    struct ram_space *space = &vm->pc->space;

    for (struct ram *ram = space->first; ram; ram = ram->next) {
        u32 end = (u32)(ram->size >> PAGE_BITS);

        for (u32 i = next_dirty(ram, 0); i < end; i = next_dirty(ram, i + 1))
            put_page(ram, i, pages, serial);
    }
    for (u32 k = 0; k < n; k++)
        for (u32 i = 0; i < lists[k]->n; i++) {
            u64 key = lists[k]->v[i]->key;
            struct ram *ram = space->first;

            while (ram && key - ram->page0 >= ram->size >> PAGE_BITS)
                ram = ram->next;
            if (ram)
                put_page(ram, (u32)(key - ram->page0), pages, serial);
        }
}
