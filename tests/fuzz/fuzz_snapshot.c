/* Fuzz target: bytes as a snapshot. The first byte says whether the rest is the file, or patches of
 * a sound one, packed or to be mapped, whose check sums are put right then. What is taken runs for a while. */
#include "tests/fuzz/fuzz.h"
#include "frontend/state/verify.h"
#include "tests/state/machine.h"

static struct small machine;
static struct state_mem good, paged;

static void prepare(void)
{
    struct err err = {""};

    if (!small_open(&machine, NULL, &err) || !vm_run_to(machine.vm, 5000)) {
        fprintf(stderr, "%s\n", err.msg);
        abort();
    }
    unlink(machine.rom);
    state_mem_init(&good);
    state_mem_init(&paged);
    if (!vm_state_save(machine.vm, &good.io, SF_ZLIB, &err) ||
        !vm_state_save(machine.vm, &paged.io, SF_PACK_PAGES, &err))
        abort();
}

/* Patches: section (1 byte), place in its payload (2 bytes), length (1 byte), bytes. */
static void patch(u8 *file, const u8 *p, size_t n)
{
    while (n > 4) {
        u64 at = SF_HEADER, len;
        u32 to = ld16(p + 1), k = p[3] & 15;

        for (u32 skip = p[0] % ld32(file + H_SECTIONS); skip; skip--)
            at += SF_SECTION + ld64(file + at + S_LENGTH);
        len = ld64(file + at + S_LENGTH);
        p += 4;
        n -= 4;
        k = MIN(k, (u32)n);
        if (k <= len)
            memcpy(file + at + SF_SECTION + to % (len - k + 1), p, k);
        p += k;
        n -= k;
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    const bool never = false;
    const struct state_mem *base;
    struct state_mem m;
    struct err err;
    u8 *file;

    if (!machine.vm)
        prepare();
    if (!n)
        return 0;
    if (data[0] & 1) {
        state_mem_view(&m, data + 1, n - 1);
        if (vm_state_load(machine.vm, &m.io, &err))
            small_run(&machine, 500);
        return 0;
    }
    base = data[0] & 2 ? &paged : &good;
    file = malloc(base->io.size);
    memcpy(file, base->data, base->io.size);
    patch(file, data + 1, n - 1);
    small_seal(file, base->io.size);
    state_mem_view(&m, file, base->io.size);
    if (base == &paged)
        verify_all(&m.io, &never, &err);
    if (vm_state_load(machine.vm, &m.io, &err))
        small_run(&machine, 500);
    free(file);
    /* Back to a machine that is sound. */
    state_mem_view(&m, good.data, good.io.size);
    if (!vm_state_load(machine.vm, &m.io, &err))
        abort();
    return 0;
}
