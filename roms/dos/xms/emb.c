/* Extended memory blocks: a short table, first fit, no moving around. */
#include "roms/dos/xms/xms.h"

enum { HANDLES = 32 };

struct emb {
    bool used;
    u8 locks;
    u32 start, size; /* KiB */
};

static struct {
    u32 start, end;
    struct emb block[HANDLES];
} emb;

void emb_init(u32 start_kib, u32 size_kib)
{
    emb.start = start_kib;
    emb.end = start_kib + size_kib;
}

/* Handles are table positions plus one; 0 is conventional memory. */
static struct emb *get(u16 handle)
{
    if (handle == 0 || handle > HANDLES || !emb.block[handle - 1].used)
        return NULL;
    return &emb.block[handle - 1];
}

/* Where a free stretch that starts at `at` ends: at the next block, or at the end. */
static u32 gap_end(u32 at)
{
    u32 i, end = emb.end;

    for (i = 0; i < HANDLES; i++) {
        struct emb *b = &emb.block[i];

        if (b->used && b->size != 0 && b->start >= at && b->start < end)
            end = b->start;
    }
    return end;
}

/* The next address at or behind `at` that no block covers. */
static u32 skip_used(u32 at)
{
    u32 i;

    for (i = 0; i < HANDLES; i++) {
        struct emb *b = &emb.block[i];

        if (b->used && at >= b->start && at < b->start + b->size) {
            at = b->start + b->size;
            i = (u32)-1; /* from the first again */
        }
    }
    return at;
}

static bool find_room(u32 kib, u32 *start)
{
    u32 at = emb.start;

    while ((at = skip_used(at)) < emb.end) {
        u32 end = gap_end(at);

        if (end - at >= kib) {
            *start = at;
            return true;
        }
        at = end;
    }
    return false;
}

u8 emb_query(u16 *largest, u16 *total)
{
    u32 at = emb.start, most = 0, sum = 0;

    while ((at = skip_used(at)) < emb.end) {
        u32 end = gap_end(at);

        most = MAX(most, end - at);
        sum += end - at;
        at = end;
    }
    *largest = (u16)MIN(most, 0xffffu);
    *total = (u16)MIN(sum, 0xffffu);
    return sum == 0 ? XMS_NO_MEMORY : XMS_OK;
}

u8 emb_alloc(u16 kib, u16 *handle)
{
    u32 start = emb.start;
    u16 i;

    for (i = 0; i < HANDLES && emb.block[i].used; i++)
        ;
    if (i == HANDLES)
        return XMS_NO_HANDLES;
    if (kib != 0 && !find_room(kib, &start))
        return XMS_NO_MEMORY;
    emb.block[i] = (struct emb){.used = true, .start = start, .size = kib};
    *handle = (u16)(i + 1);
    return XMS_OK;
}

u8 emb_free(u16 handle)
{
    struct emb *b = get(handle);

    if (b == NULL)
        return XMS_HANDLE;
    if (b->locks != 0)
        return XMS_LOCKED;
    b->used = false;
    return XMS_OK;
}

u8 emb_lock(u16 handle, u32 *address)
{
    struct emb *b = get(handle);

    if (b == NULL)
        return XMS_HANDLE;
    if (b->locks != 0xff)
        b->locks++;
    *address = b->start << 10;
    return XMS_OK;
}

u8 emb_unlock(u16 handle)
{
    struct emb *b = get(handle);

    if (b == NULL)
        return XMS_HANDLE;
    if (b->locks == 0)
        return XMS_NOT_LOCKED;
    b->locks--;
    return XMS_OK;
}

u8 emb_info(u16 handle, u8 *locks, u8 *free_handles, u16 *kib)
{
    struct emb *b = get(handle);
    u32 i;

    if (b == NULL)
        return XMS_HANDLE;
    *locks = b->locks;
    *kib = (u16)b->size;
    *free_handles = 0;
    for (i = 0; i < HANDLES; i++)
        *free_handles = (u8)(*free_handles + !emb.block[i].used);
    return XMS_OK;
}

/* In place only: a block that cannot grow where it is stays as it is. */
u8 emb_resize(u16 handle, u16 kib)
{
    struct emb *b = get(handle);

    if (b == NULL)
        return XMS_HANDLE;
    if (b->locks != 0)
        return XMS_LOCKED;
    if (kib > b->size && gap_end(b->start + b->size) - b->start < kib)
        return XMS_NO_MEMORY;
    b->size = kib;
    return XMS_OK;
}

bool emb_address(u16 handle, u32 offset, u32 n, u32 *address, bool *bad_handle)
{
    struct emb *b = get(handle);
    u32 bytes;

    *bad_handle = b == NULL;
    if (b == NULL)
        return false;
    bytes = b->size << 10;
    if (offset > bytes || n > bytes - offset)
        return false;
    *address = (b->start << 10) + offset;
    return true;
}
