/* Monitor commands that save and load the state of the machine. */
#include "frontend/monitor/monitor.h"

#include "frontend/state/savevm.h"
#include "frontend/state/vmstate.h"
#include "frontend/tool/tool.h"

#include <stdlib.h>
#include <string.h>

bool cmd_SAVEVM(struct monitor *m, const char *args)
{
    char name[300];

    return savevm(m->vm, mon_word(&args, name, sizeof(name)) ? name : NULL, &m->err);
}

bool cmd_LOADVM(struct monitor *m, const char *args)
{
    char name[300];

    if (!mon_word(&args, name, sizeof(name)))
        return err_set(&m->err,
                       "loadvm takes the name of a snapshot; 'info snapshots' lists them.");
    return loadvm(m->vm, name, &m->err);
}

bool cmd_DELVM(struct monitor *m, const char *args)
{
    char name[300];

    if (!mon_word(&args, name, sizeof(name)))
        return err_set(&m->err, "delvm takes the name of a snapshot; 'info snapshots' lists them.");
    return delvm(m->vm, name, &m->err);
}

bool cmd_MIGRATE(struct monitor *m, const char *args)
{
    char where[OPT_PATH];
    bool ok = mon_word(&args, where, sizeof(where)), map = ok && !strncmp(where, "map:", 4);
    const char *path = where + (map ? 4 : 5);

    if (!ok || (!map && strncmp(where, "file:", 5)) || !*path)
        return err_set(&m->err, "migrate takes file: or map: and the name of a file, which gets "
                                "the state of the machine.");
    if (!vm_state_save_file(m->vm, path, map ? SF_PACK_PAGES : sf_best_pack(), &m->err))
        return false;
    /* Who goes on from the file must be alone with the disks. */
    vm_stop(m->vm, "paused (postmigrate)");
    return true;
}

bool info_SNAPSHOTS(struct monitor *m, const char *args)
{
    struct image_snapshots list;
    char *text = NULL;
    size_t n = 0;
    FILE *f;

    if (!listvm(m->vm, &list, &m->err))
        return false;
    f = open_memstream(&text, &n);
    if (f) {
        if (list.n)
            tool_print_snapshots(f, &list);
        else
            fprintf(f, "There is no snapshot.\n");
        fclose(f);
        mon_write(m, text, n);
    }
    free(text);
    free(list.v);
    return f || err_set(&m->err, "No memory.");
}
