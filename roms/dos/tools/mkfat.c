/* Makes a 1.44 MB floppy image with a FAT12 file system (Microsoft FAT specification): mkfat IMAGE
 * BOOTSECTOR FILE=PATH...; runs on the host. Files are stored in one piece, in the order given;
 * everything is dated 1 January 2020, so that equal input gives equal images. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SECTOR = 512,
    SECTORS = 2880,
    FAT_START = 1,
    FAT_SECTORS = 9,
    ROOT_START = 19,
    ROOT_ENTRIES = 224,
    DATA_START = 33,
    CLUSTERS = SECTORS - DATA_START,
    DATE = (2020 - 1980) << 9 | 1 << 5 | 1,
};

static uint8_t image[SECTORS * SECTOR];

static void die(const char *what, const char *name)
{
    fprintf(stderr, "mkfat: %s: %s\n", what, name);
    exit(1);
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

/* Two 12-bit entries share three bytes. */
static void fat_set(unsigned cluster, unsigned value)
{
    uint8_t *p = image + FAT_START * SECTOR + cluster + cluster / 2;

    if (cluster & 1)
        put16(p, (p[0] & 0x0f) | value << 4);
    else
        put16(p, (p[1] & 0xf0u) << 8 | value);
}

/* "name.ext" as the directory has it: 8 and 3 characters, padded with spaces. */
static void short_name(uint8_t *out, const char *name, size_t n)
{
    size_t i, o = 0;

    memset(out, ' ', 11);
    for (i = 0; i < n; i++) {
        if (name[i] == '.') {
            o = 8;
            continue;
        }
        if (o >= 11 || (o == 8 && memchr(name, '.', i) == NULL))
            die("not an 8.3 name", name);
        out[o++] = (uint8_t)toupper((unsigned char)name[i]);
    }
}

/* Read a whole file to image + at; returns its size. */
static unsigned load(const char *path, unsigned at, unsigned max)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL)
        die("cannot open", path);
    n = fread(image + at, 1, max, f);
    if (fgetc(f) != EOF)
        die("too large", path);
    fclose(f);
    return (unsigned)n;
}

int main(int argc, char **argv)
{
    unsigned cluster = 2, i, c, size, count;
    FILE *f;

    if (argc < 3)
        die("usage", "mkfat IMAGE BOOTSECTOR NAME=PATH...");
    if (load(argv[2], 0, SECTOR) != SECTOR)
        die("not a boot sector", argv[2]);
    fat_set(0, 0xff0);
    fat_set(1, 0xfff);
    for (i = 0; i + 3 < (unsigned)argc; i++) {
        char *name = argv[i + 3], *eq = strchr(name, '=');
        uint8_t *entry = image + ROOT_START * SECTOR + i * 32;

        if (eq == NULL || i == ROOT_ENTRIES)
            die("bad argument", name);
        short_name(entry, name, (size_t)(eq - name));
        size =
            load(eq + 1, (DATA_START + cluster - 2) * SECTOR, (CLUSTERS - (cluster - 2)) * SECTOR);
        count = (size + SECTOR - 1) / SECTOR;
        entry[11] = 0x20;
        put16(entry + 24, DATE);
        put16(entry + 26, count != 0 ? cluster : 0);
        put16(entry + 28, size);
        put16(entry + 30, size >> 16);
        for (c = 0; c < count; c++, cluster++)
            fat_set(cluster, c + 1 < count ? cluster + 1 : 0xfff);
    }
    memcpy(image + (FAT_START + FAT_SECTORS) * SECTOR, image + FAT_START * SECTOR,
           FAT_SECTORS * SECTOR);
    f = fopen(argv[1], "wb");
    if (f == NULL || fwrite(image, 1, sizeof(image), f) != sizeof(image) || fclose(f) != 0)
        die("cannot write", argv[1]);
    return 0;
}
