/* Commands that act on the machine: run state, buttons, memory to files, the human monitor's
 * commands, what follows what. */
#include "frontend/qmp/qmp_int.h"

#ifdef CONFIG_JANSSON
#include "frontend/monitor/monitor.h"
#include "frontend/reverse/reverse.h"

#include <stdlib.h>
#include <string.h>

json_t *qmp_STOP(struct qmp_session *s, json_t *args)
{
    vm_stop(s->vm, "paused");
    return json_object();
}

json_t *qmp_CONT(struct qmp_session *s, json_t *args)
{
    if (!strcmp(s->vm->state, "shutdown"))
        return qmp_fail(s, "The machine is shut down; 'system_reset' starts it again.");
    if (reverse_lost(s->vm, &s->err))
        return qmp_done(s, false);
    vm_cont(s->vm);
    return json_object();
}

json_t *qmp_SYSTEM_RESET(struct qmp_session *s, json_t *args)
{
    json_t *out;

    if (qmp_recorded(s, &out, "system_reset"))
        return out;
    vm_reset(s->vm, "host-qmp-system-reset");
    return json_object();
}

json_t *qmp_SYSTEM_POWERDOWN(struct qmp_session *s, json_t *args)
{
    json_t *out;

    if (qmp_recorded(s, &out, "system_powerdown"))
        return out;
    if (!vm_powerdown(s->vm))
        return qmp_fail(s, "The machine has no power button, since ACPI is off.");
    return json_object();
}

json_t *qmp_QUIT(struct qmp_session *s, json_t *args)
{
    s->vm->ended_by = "host-qmp-quit";
    vm_quit(s->vm, 0);
    return json_object();
}

json_t *qmp_INJECT_NMI(struct qmp_session *s, json_t *args)
{
    json_t *out;

    if (qmp_recorded(s, &out, "nmi"))
        return out;
    pc_nmi(s->vm->pc);
    return json_object();
}

json_t *qmp_SET_LINK(struct qmp_session *s, json_t *args)
{
    const char *name = qmp_string(args, "name");
    bool up = qmp_bool(args, "up", false);
    struct netdev *d = netdev_with_link(&s->vm->nets, name, &s->err);
    json_t *out;

    if (!d)
        return qmp_fail_as(s, "DeviceNotFound", "Device '%.80s' not found", name);
    /* by its own name: a record is a line of words */
    if (qmp_recorded(s, &out, "set_link %s %s", d->id, up ? "on" : "off"))
        return out;
    d->net.set_link(d->net.arg, up);
    return json_object();
}

/* ---- what follows ---- */

static json_t *set_watchdog(struct qmp_session *s, const char *action)
{
    json_t *out;

    if (qmp_recorded(s, &out, "watchdog_action %s", action))
        return out;
    return qmp_done(s, vm_watchdog(s->vm, action, &s->err));
}

json_t *qmp_WATCHDOG_SET_ACTION(struct qmp_session *s, json_t *args)
{
    return set_watchdog(s, qmp_string(args, "action"));
}

json_t *qmp_SET_ACTION(struct qmp_session *s, json_t *args)
{
    const char *reboot = qmp_string(args, "reboot"), *shutdown = qmp_string(args, "shutdown");
    const char *watchdog = qmp_string(args, "watchdog");

    if (reboot)
        s->vm->opt->no_reboot = !strcmp(reboot, "shutdown");
    if (shutdown)
        s->vm->opt->no_shutdown = !strcmp(shutdown, "pause");
    return watchdog ? set_watchdog(s, watchdog) : json_object();
}

json_t *qmp_BALLOON(struct qmp_session *s, json_t *args)
{
    const struct balloon_sink *b = &s->vm->pc->balloon;
    s64 value = qmp_number(args, "value", 0);

    if (!b->set)
        return qmp_fail_as(s, "DeviceNotActive", "No balloon device has been activated");
    if (value <= 0 || (u64)value > s->vm->pc->cfg.ram_size)
        return qmp_fail(s, "Parameter 'value' is 1 to %llu bytes",
                        (unsigned long long)s->vm->pc->cfg.ram_size);
    b->set(b->dev, (u64)value);
    return json_object();
}

/* ---- memory ---- */

static json_t *save(struct qmp_session *s, json_t *args, bool physical)
{
    s64 size = qmp_number(args, "size", 0);

    if (qmp_number(args, "cpu-index", 0))
        return qmp_fail(s, "Parameter 'cpu-index' is 0: there is one processor");
    if (size < 0)
        return qmp_fail(s, "Parameter 'size' is a number of bytes");
    return qmp_done(s, vm_save_memory(s->vm, physical, (u64)qmp_number(args, "val", 0), (u64)size,
                                      qmp_string(args, "filename"), &s->err));
}

json_t *qmp_MEMSAVE(struct qmp_session *s, json_t *args)
{
    return save(s, args, false);
}

json_t *qmp_PMEMSAVE(struct qmp_session *s, json_t *args)
{
    return save(s, args, true);
}

json_t *qmp_HUMAN_MONITOR_COMMAND(struct qmp_session *s, json_t *args)
{
    size_t len;
    char *text;
    json_t *v;

    if (qmp_number(args, "cpu-index", 0))
        return qmp_fail(s, "Parameter 'cpu-index' is 0: there is one processor");
    text = monitor_capture(s->vm, qmp_string(args, "command-line"), &len);
    v = text ? qmp_bytes(text, len) : NULL;
    free(text);
    return v;
}
#endif
