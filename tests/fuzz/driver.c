/* Runs a fuzz target without libFuzzer: on the files given, or with -max_total_time=SECONDS on
 * random bytes, a part of them changes of the files. DRAGOMAN_SEED sets the seed. */
#include "tests/fuzz/fuzz.h"
#include "devices/core/bits.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX = 400, FILES = 256 };

static u64 rnd(u64 *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

/* What stands in an input: bytes, runs of one byte, prefixes, printable text. */
static size_t fill(u8 *buf, u64 *s)
{
    static const u8 often[] = {0x0f, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26,
                               0x2e, 0x64, 0x00, 0xff, 0x80, 0x7f, 0x90};
    size_t n = rnd(s) % MAX;
    unsigned kind = rnd(s) % 4;
    for (size_t i = 0; i < n; i++) {
        u64 r = rnd(s) >> 20;
        buf[i] = kind == 0                  ? (u8)r
                 : kind == 1 && (r & 0x300) ? often[r % sizeof(often)]
                 : kind == 2                ? (u8)(32 + r % 95)
                                            : (u8)r;
    }
    return n;
}

static size_t read_file(const char *name, u8 *buf, size_t room)
{
    FILE *f = fopen(name, "rb");
    size_t n;
    if (!f)
        return 0;
    n = fread(buf, 1, room, f);
    fclose(f);
    return n;
}

int main(int argc, char **argv)
{
    static u8 buf[1 << 16];
    const char *seed_text = getenv("DRAGOMAN_SEED");
    u64 s = seed_text ? strtoull(seed_text, NULL, 0) | 1
                      : (u64)time(NULL) * 0x9e3779b97f4a7c15ull | 1,
        runs = 0;
    time_t end = 0;
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "-max_total_time=", 16)) {
            end = time(NULL) + atol(argv[i] + 16);
        } else if (argv[i][0] != '-') {
            size_t n = read_file(argv[i], buf, sizeof(buf));
            LLVMFuzzerTestOneInput(buf, n);
            runs++;
        }
    }
    printf("DRAGOMAN_SEED=0x%llx\n", (unsigned long long)s);
    fflush(stdout);
    while (time(NULL) < end)
        for (int k = 0; k < 64; k++, runs++)
            LLVMFuzzerTestOneInput(buf, fill(buf, &s));
    printf("%llu inputs, no failure\n", (unsigned long long)runs);
    return 0;
}
