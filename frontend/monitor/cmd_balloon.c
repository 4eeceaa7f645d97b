/* Monitor commands about the memory balloon. */
#include "frontend/monitor/monitor.h"

static const struct balloon_sink *sink(struct monitor *m)
{
    const struct balloon_sink *b = &m->vm->pc->balloon;

    if (b->set)
        return b;
    err_set(&m->err, "The machine has no balloon: -device virtio-balloon-pci adds one.");
    return NULL;
}

bool cmd_BALLOON(struct monitor *m, const char *args)
{
    const struct balloon_sink *b = sink(m);
    struct balloon_info info;
    u64 mib;

    if (!b || !mon_number(m, &args, &mib))
        return false;
    if (!mib || mib > m->vm->pc->cfg.ram_size / MIB)
        return err_set(&m->err, "A guest can be left with 1 to %llu MiB.",
                       (unsigned long long)(m->vm->pc->cfg.ram_size / MIB));
    b->set(b->dev, mib * MIB);
    b->info(b->dev, &info);
    if (!info.driver)
        mon_printf(m, "The guest has no driver for the balloon (yet).\n");
    return true;
}

bool info_BALLOON(struct monitor *m, const char *args)
{
    static const char *const names[] = {
        "swap_in", "swap_out", "major_faults", "minor_faults", "free_mem",
        "total_mem", "available_mem", "disk_caches", "hugetlb_allocs", "hugetlb_failures"};
    const struct balloon_sink *b = sink(m);
    struct balloon_info info;

    if (!b)
        return false;
    b->info(b->dev, &info);
    mon_printf(m, "balloon: actual=%llu target=%llu", (unsigned long long)(info.actual / MIB),
               (unsigned long long)(info.target / MIB));
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (info.stat[i] >= 0)
            mon_printf(m, " %s=%lld", names[i], (long long)info.stat[i]);
    }
    mon_printf(m, "\n");
    return true;
}
