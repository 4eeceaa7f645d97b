/* Capture files with microseconds, in the host's byte order (the pcap format,
 * draft-ietf-opsawg-pcap section 4 and 5). */
#include "frontend/net/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define PCAP_MAGIC 0xa1b2c3d4u
enum { LINK_ETHERNET = 1 };

struct pcap_file_header {
    u32 magic;
    u16 major, minor;
    u32 zone, accuracy, max_len, link;
};
struct pcap_frame_header {
    u32 seconds, micros, kept, length;
};

struct pcap {
    int fd;
    u32 max_len;
    u64 base;
    bool failed;
};

struct pcap *pcap_open(const char *path, u32 max_len, u64 base, struct err *err)
{
    struct pcap_file_header h = {PCAP_MAGIC, 2, 4, 0, 0, max_len, LINK_ETHERNET};
    struct pcap *p = calloc(1, sizeof(*p));
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || !p || write(fd, &h, sizeof(h)) != sizeof(h)) {
        err_set(err, "Cannot write the capture file '%.300s': %s.", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        free(p);
        return NULL;
    }
    *p = (struct pcap){fd, max_len, base, false};
    return p;
}

void pcap_write(struct pcap *p, u64 now, const u8 *frame, size_t n)
{
    u64 t = p->base + now;
    struct pcap_frame_header h = {(u32)(t / 1000000000), (u32)(t % 1000000000 / 1000),
                                  (u32)MIN(n, (size_t)p->max_len), (u32)n};
    struct iovec v[] = {{&h, sizeof(h)}, {(void *)frame, h.kept}};

    /* After a torn record nothing behind it could be read. */
    if (!p->failed && writev(p->fd, v, 2) != (ssize_t)(sizeof(h) + h.kept))
        p->failed = true;
}

void pcap_close(struct pcap *p)
{
    if (!p)
        return;
    close(p->fd);
    free(p);
}
