/* Fuzz target: bytes as the log of a run. The first byte says whether the rest is the file, or
 * changes of a sound one: bytes of a record changed and its check sum put right, records left out or
 * given twice. The replay must end, say why, and write nothing. */
#define _GNU_SOURCE
#include "tests/fuzz/fuzz.h"

#include "frontend/replay/replay_int.h"
#include "tests/state/machine.h"

#include <sys/mman.h>
#include <zlib.h>

enum { MOST = 64, END = 20000 };

static u8 *good;
static size_t good_n;
static size_t record[MOST + 1]; /* where each begins; [nrecords] is the end */
static unsigned nrecords;
static int fd = -1;
static char path[64];

static bool open_machine(struct small *s, const char *mode, struct err *err)
{
    char text[200];
    char *more[] = {(char *)"-icount", text, (char *)"-serial", (char *)"null",
                    (char *)"-engine", (char *)"exec", NULL};

    snprintf(text, sizeof(text), "shift=3,sleep=off,rr=%s,rrfile=%s", mode, path);
    return small_open(s, more, err);
}

static void split(void)
{
    size_t at = RR_HEADER;

    while (at + RR_RECORD_HEAD + 4 <= good_n && nrecords < MOST) {
        record[nrecords++] = at;
        at += RR_RECORD_HEAD + ld32(good + at + 4) + 4;
    }
    record[nrecords] = at;
}

/* A run with keys, bytes for the serial port and a command. */
static void prepare(void)
{
    struct err err = {""};
    struct small s;
    FILE *f;

    fd = memfd_create("log", 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (fd < 0 || !open_machine(&s, "record", &err)) {
        fprintf(stderr, "%s\n", err.msg);
        abort();
    }
    for (int i = 0; i < 12; i++) {
        vm_run_to(s.vm, (u64)(i + 1) * 1500);
        s.vm->pc->keyboard.key(s.vm->pc->keyboard.dev, (u16)(0x10 + i / 2), !(i & 1));
        if (i == 5)
            rr_queue(s.vm->replay, RR_COMMAND, 0, "o /b 0x80 7", 11);
        if (i == 7)
            rr_queue(s.vm->replay, RR_CHR, 0, "abc", 3);
    }
    vm_run_to(s.vm, END);
    small_close(&s);
    f = fopen(path, "rb");
    good = malloc(65536);
    good_n = f && good ? fread(good, 1, 65536, f) : 0;
    if (good_n < RR_HEADER + RR_RECORD_HEAD)
        abort();
    fclose(f);
    split();
}

/* Changes: record (1 byte), what (1), then for bytes: place (1), length (1), bytes. */
static size_t change(u8 *out, size_t room, const u8 *p, size_t n)
{
    u8 what[MOST] = {0};
    u8 *file = malloc(good_n);
    size_t at = RR_HEADER;

    memcpy(file, good, good_n);
    while (n > 4) {
        unsigned i = p[0] % nrecords;
        size_t len = record[i + 1] - record[i] - 4, k = MIN((size_t)(p[3] & 15), n - 4), to = p[2] % len;

        what[i] = p[1];
        k = MIN(k, len - to);
        memcpy(file + record[i] + to, p + 4, k);
        p += 4 + k;
        n -= 4 + k;
        /* The length has to fit the bytes, or nothing behind it is looked at. */
        if (what[i] & 1)
            st32(file + record[i] + 4, (u32)(len - RR_RECORD_HEAD));
        st32(file + record[i] + len, (u32)crc32_z(0, file + record[i], len));
    }
    memcpy(out, file, RR_HEADER);
    for (unsigned i = 0; i < nrecords; i++) {
        size_t len = record[i + 1] - record[i];

        for (unsigned times = what[i] >> 6 == 1 ? 0 : what[i] >> 6 == 2 ? 2 : 1; times; times--)
            if (at + len <= room) {
                memcpy(out + at, file + record[i], len);
                at += len;
            }
    }
    free(file);
    return at;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    static u8 file[65536];
    struct err err = {""};
    struct small s;
    size_t size;

    if (!good)
        prepare();
    if (!n)
        return 0;
    if (data[0] & 1) {
        size = MIN(n - 1, sizeof(file));
        memcpy(file, data + 1, size);
        if (data[0] & 2 && size > RR_HEADER) /* a sound header */
            memcpy(file, good, RR_HEADER);
    } else {
        size = change(file, sizeof(file), data + 1, n - 1);
    }
    if (ftruncate(fd, 0) || pwrite(fd, file, size, 0) != (ssize_t)size)
        abort();
    if (open_machine(&s, "replay", &err)) {
        small_run(&s, END + 1000);
        replay_finish(s.vm);
    } else if (!err.msg[0]) {
        abort();
    }
    small_close(&s);
    return 0;
}
