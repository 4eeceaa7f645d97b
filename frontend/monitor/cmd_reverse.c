/* Monitor commands that go back in what the machine did, and what there is to go back in. */
#include "frontend/monitor/monitor.h"

#include "devices/core/bits.h"
#include "frontend/reverse/reverse.h"

#include <string.h>

bool cmd_REVERSE_STEP(struct monitor *m, const char *args)
{
    return reverse_step(m->vm, &m->err);
}

bool cmd_REVERSE_CONTINUE(struct monitor *m, const char *args)
{
    return reverse_continue(m->vm, &m->err);
}

bool cmd_REPLAY_SEEK(struct monitor *m, const char *args)
{
    u64 to = ~(u64)0;

    args += strspn(args, " \t");
    return (!*args || mon_number(m, &args, &to)) && reverse_seek(m->vm, to, &m->err);
}

bool info_REPLAY(struct monitor *m, const char *args)
{
    const struct options *opt = m->vm->opt;
    struct reverse_info info;
    bool back = reverse_describe(m->vm, &info);

    if (opt->rr == RR_OFF)
        mon_printf(m, "No log file is recorded or replayed.\n");
    else
        mon_printf(m, "%s '%s': instruction %llu.\n",
                   opt->rr == RR_RECORD ? "Recording to" : "Replaying from", opt->rr_file,
                   (unsigned long long)cpu_icount(vm_cpu(m->vm)));
    if (!back) {
        mon_printf(m, "The machine cannot go back.\n");
        return true;
    }
    if (info.lost) {
        mon_printf(m,
                   "The machine could not come back from its past and is in no state; its present, "
                   "instruction %llu, is kept.\n",
                   (unsigned long long)info.present);
        return true;
    }
    mon_printf(m, "The machine can go back to instruction %llu; it is at %llu%s",
               (unsigned long long)info.begin, (unsigned long long)info.now,
               info.past ? "" : ", the present.\n");
    if (info.past)
        mon_printf(m, ", %llu before the present.\n",
                   (unsigned long long)(info.present - MIN(info.now, info.present)));
    mon_printf(m, "%u points take %llu of %llu MiB.\n", info.points,
               (unsigned long long)(info.bytes / MIB), (unsigned long long)(info.limit / MIB));
    return true;
}
