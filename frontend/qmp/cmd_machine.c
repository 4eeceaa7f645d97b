/* Commands that act on the machine: run state, buttons, memory to files, the human monitor's
 * commands, what follows what. */
#include "frontend/qmp/qmp_int.h"

#ifdef CONFIG_JANSSON
#include "frontend/monitor/monitor.h"
#include "frontend/replay/replay.h"

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
    vm_cont(s->vm);
    return json_object();
}

/* A run that is recorded has the monitor's command instead, and when it has its turn. True: it is
 * seen to, or refused (*out). */
static bool recorded(struct qmp_session *s, const char *command, json_t **out)
{
    s->err.msg[0] = 0;
    if (!replay_command(s->vm, command, command, &s->err))
        return false;
    *out = qmp_done(s, !s->err.msg[0]);
    return true;
}

json_t *qmp_SYSTEM_RESET(struct qmp_session *s, json_t *args)
{
    json_t *out;

    if (recorded(s, "system_reset", &out))
        return out;
    vm_reset(s->vm, "host-qmp-system-reset");
    return json_object();
}

json_t *qmp_SYSTEM_POWERDOWN(struct qmp_session *s, json_t *args)
{
    json_t *out;

    if (recorded(s, "system_powerdown", &out))
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

    if (recorded(s, "nmi", &out))
        return out;
    pc_nmi(s->vm->pc);
    return json_object();
}

json_t *qmp_SET_LINK(struct qmp_session *s, json_t *args)
{
    const char *name = json_string_value(json_object_get(args, "name"));
    bool up = json_boolean_value(json_object_get(args, "up"));
    struct netdev *d = netdev_with_link(&s->vm->nets, name, &s->err);
    char line[160];

    if (!d)
        return qmp_fail_as(s, "DeviceNotFound", "Device '%.80s' not found", name);
    /* by its own name: a record is a line of words */
    snprintf(line, sizeof(line), "set_link %s %s", d->id, up ? "on" : "off");
    s->err.msg[0] = 0;
    if (replay_command(s->vm, "set_link", line, &s->err))
        return qmp_done(s, !s->err.msg[0]);
    d->net.set_link(d->net.arg, up);
    return json_object();
}

/* ---- what follows ---- */

static void set_watchdog(struct vm *vm, const char *word)
{
    for (int i = 0; opts_watchdog_names[i]; i++) {
        if (!strcmp(word, opts_watchdog_names[i]))
            vm->opt->watchdog = vm->pc->cfg.watchdog = (enum pc_watchdog)i;
    }
}

json_t *qmp_WATCHDOG_SET_ACTION(struct qmp_session *s, json_t *args)
{
    set_watchdog(s->vm, qmp_string(args, "action"));
    return json_object();
}

json_t *qmp_SET_ACTION(struct qmp_session *s, json_t *args)
{
    const char *reboot = qmp_string(args, "reboot"), *shutdown = qmp_string(args, "shutdown");
    const char *watchdog = qmp_string(args, "watchdog");

    if (reboot)
        s->vm->opt->no_reboot = !strcmp(reboot, "shutdown");
    if (shutdown)
        s->vm->opt->no_shutdown = !strcmp(shutdown, "pause");
    if (watchdog)
        set_watchdog(s->vm, watchdog);
    return json_object();
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
