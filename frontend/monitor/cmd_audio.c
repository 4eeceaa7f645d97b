/* Monitor commands about sound: files that listen in. */
#include "frontend/audio/audio.h"
#include "frontend/monitor/monitor.h"

bool cmd_WAVCAPTURE(struct monitor *m, const char *args)
{
    char path[OPT_PATH], id[64] = "", more[8];

    if (!mon_word(&args, path, sizeof(path)))
        return err_set(&m->err, "wavcapture takes the name of a file, and of an audiodev if there "
                                "are several.");
    mon_word(&args, id, sizeof(id));
    if (mon_word(&args, more, sizeof(more)))
        return err_set(&m->err, "Captures have the rate of their audiodev, 16 bits and two "
                                "channels: give a file and an audiodev.");
    return audio_capture(m->vm->audio, path, id, &m->err);
}

bool cmd_STOPCAPTURE(struct monitor *m, const char *args)
{
    u64 index;

    return mon_number(m, &args, &index) && audio_capture_stop(m->vm->audio, index, &m->err);
}

bool info_CAPTURE(struct monitor *m, const char *args)
{
    const char *path;
    u64 frames;

    for (unsigned i = 0; (path = audio_capture_path(m->vm->audio, i, &frames)); i++)
        mon_printf(m, "[%u] %s: %llu frames\n", i, path, (unsigned long long)frames);
    return true;
}
