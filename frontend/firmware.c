/* Where firmware and ROM files are looked for, and how files are read whole. */
#define _GNU_SOURCE
#include "frontend/firmware.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CONFIG_FIRMWARE_DIR
#define CONFIG_FIRMWARE_DIR ""
#endif
#ifndef CONFIG_PREFIX
#define CONFIG_PREFIX "/usr/local"
#endif

enum { FIRMWARE_MAX = 16 << 20, MAX_DIRS = OPT_MAX_DIRS + 6 };

u8 *file_read(const char *path, size_t max, size_t *len, struct err *err)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    u8 *data;
    size_t n;

    if (!f) {
        err_set(err, "Cannot open '%.300s': %s.", path, strerror(errno));
        return NULL;
    }
    if (fstat(fileno(f), &st) || !S_ISREG(st.st_mode)) {
        err_set(err, "'%.300s' is not a plain file.", path);
        fclose(f);
        return NULL;
    }
    if ((u64)st.st_size > max) {
        err_set(err, "'%.300s' has %lld bytes; %zu are the most that can be used.", path,
                (long long)st.st_size, max);
        fclose(f);
        return NULL;
    }
    data = malloc((size_t)st.st_size + 1);
    n = data ? fread(data, 1, (size_t)st.st_size, f) : 0;
    fclose(f);
    if (!data || n != (size_t)st.st_size) {
        err_set(err, "Cannot read '%.300s'.", path);
        free(data);
        return NULL;
    }
    *len = n;
    return data;
}

struct dirs {
    char path[MAX_DIRS][OPT_PATH];
    unsigned n;
};

static void add_dir(struct dirs *d, const char *path)
{
    if (*path && d->n < MAX_DIRS && opts_copy(d->path[d->n], OPT_PATH, path))
        d->n++;
}

static void list_dirs(const struct options *opt, struct dirs *d)
{
    char self[OPT_PATH];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 8);

    d->n = 0;
    for (unsigned i = 0; i < opt->ndirs; i++)
        add_dir(d, opt->dirs[i]);
    if (n > 0) { /* run from where it was built: its ROMs lie beside it */
        char *slash;

        self[n] = 0;
        slash = strrchr(self, '/');
        memcpy(slash ? slash : self, "/roms", 6);
        add_dir(d, self);
    }
    add_dir(d, CONFIG_PREFIX "/share/dragoman");
    add_dir(d, CONFIG_FIRMWARE_DIR);
    add_dir(d, "/usr/lib/ipxe/qemu"); /* boot ROMs of network adapters, as Debian and others put them */
    add_dir(d, "/usr/share/ipxe/qemu");
}

u8 *firmware_load(const struct options *opt, const char *name, size_t *len, bool quiet,
                  struct err *err)
{
    struct dirs *d = malloc(sizeof(*d));
    char path[2 * OPT_PATH], looked[300] = "";
    u8 *data = NULL;

    if (!d) {
        err_set(err, "Out of memory.");
        return NULL;
    }
    if (strchr(name, '/') || !access(name, R_OK)) {
        free(d);
        return file_read(name, FIRMWARE_MAX, len, quiet ? NULL : err);
    }
    list_dirs(opt, d);
    for (unsigned i = 0; i < d->n && !data; i++) {
        size_t at = strlen(looked);

        snprintf(path, sizeof(path), "%s/%s", d->path[i], name);
        if (!access(path, R_OK)) {
            data = file_read(path, FIRMWARE_MAX, len, quiet ? NULL : err);
            free(d);
            return data;
        }
        snprintf(looked + at, sizeof(looked) - at, "%s%s", at ? ", " : "", d->path[i]);
    }
    free(d);
    if (!quiet)
        err_set(err,
                "Firmware file '%.80s' was not found in %s; install the package '%s', or name "
                "a file with -bios or "
                "a folder with -L.",
                name, looked, strncmp(name, "pxe-", 4) ? "seabios" : "ipxe-qemu");
    return NULL;
}
