/* Monitor commands about character devices: the ring buffers. */
#include "frontend/monitor/monitor.h"

#include <stdlib.h>
#include <string.h>

static struct chardev *find_ring(struct monitor *m, const char **args)
{
    char id[64];

    if (!mon_word(args, id, sizeof(id))) {
        err_set(&m->err, "Which -chardev ringbuf? Its id is needed.");
        return NULL;
    }
    for (unsigned i = 0; i < m->vm->nchardevs; i++) {
        struct chardev *dev = m->vm->chardevs[i];

        if (!strcmp(dev->id, id) && dev->ring)
            return dev;
    }
    err_set(&m->err, "There is no -chardev ringbuf with the id '%s'.", id);
    return NULL;
}

bool cmd_RINGBUF_READ(struct monitor *m, const char *args)
{
    struct chardev *dev = find_ring(m, &args);
    char word[32];
    u8 buf[256];
    u64 n;

    if (!dev)
        return false;
    if (!mon_word(&args, word, sizeof(word)) || !opts_size(word, 1, &n))
        return err_set(&m->err, "How many bytes are to be read?");
    while (n) {
        size_t k = chardev_ring_read(dev, buf, MIN(n, (u64)sizeof(buf)));

        if (!k)
            break;
        mon_printf(m, "%.*s", (int)k, (const char *)buf);
        n -= k;
    }
    mon_printf(m, "\n");
    return true;
}

bool cmd_RINGBUF_WRITE(struct monitor *m, const char *args)
{
    struct chardev *dev = find_ring(m, &args);
    char word[256];

    if (!dev)
        return false;
    if (!mon_word(&args, word, sizeof(word)))
        return err_set(&m->err, "What is to be written?");
    return chardev_ring_write(dev, (const u8 *)word, strlen(word));
}
