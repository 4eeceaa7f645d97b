/* dragoman image info, check, map and snapshot: what is said about an image. */
#include "frontend/tool/tool.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- snapshots ---- */

void tool_print_snapshots(FILE *f, const struct image_snapshots *list)
{
    fprintf(f, "%-10s%-17s%8s%20s%13s%11s\n", "ID", "TAG", "VM SIZE", "DATE", "VM CLOCK", "ICOUNT");
    for (unsigned i = 0; i < list->n; i++) {
        const struct image_snapshot *s = &list->v[i];
        time_t when = (time_t)s->date;
        u64 sec = s->clock / 1000000000u;
        char date[32] = "", clock[64], count[32] = "", size[32];
        struct tm tm;

        if (localtime_r(&when, &tm))
            strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
        snprintf(clock, sizeof(clock), "%02llu:%02llu:%02llu.%03llu",
                 (unsigned long long)(sec / 3600), (unsigned long long)(sec / 60 % 60),
                 (unsigned long long)(sec % 60),
                 (unsigned long long)(s->clock / 1000000 % 1000));
        if (s->icount != ~0ull)
            snprintf(count, sizeof(count), "%llu", (unsigned long long)s->icount);
        fprintf(f, "%-9s %-16s %8s%20s%13s%11s\n", s->id, s->name,
                tool_size(s->vm_size, size, sizeof(size)), date, clock, count);
    }
}

int tool_snapshot(struct tool *t)
{
    unsigned flags = t->snap_op == 'l' || !t->snap_op ? IMAGE_NO_BACKING : IMAGE_WRITE;
    struct image *im = tool_open(t, 0, flags);
    const struct image_driver *d;
    struct image_snapshots list = {NULL, 0};
    bool ok = false;
    int rc;

    if (!im)
        return tool_fail(t);
    d = im->drv;
    if (!d->snap_list) {
        err_set(&t->err, "images of format %s have no snapshots", d->name);
    } else if (t->snap_op == 'c') {
        ok = d->snap_create(im, t->snapshot, &t->err);
    } else if (t->snap_op == 'a') {
        ok = d->snap_apply(im, t->snapshot, &t->err);
    } else if (t->snap_op == 'd') {
        ok = d->snap_delete(im, t->snapshot, &t->err);
    } else {
        ok = d->snap_list(im, &list, &t->err);
        if (ok && list.n) {
            printf("Snapshot list:\n");
            tool_print_snapshots(stdout, &list);
        }
        free(list.v);
    }
    rc = image_close(im);
    if (ok && rc)
        ok = err_set(&t->err, "the last writes failed: %s", strerror(rc));
    return ok ? 0 : tool_fail(t);
}

/* ---- info ---- */

static const char *yes(bool v)
{
    return v ? "true" : "false";
}

static void info_text(struct image *im, const struct image_info *info,
                      const struct image_snapshots *snaps)
{
    char size[32];

    printf("image: %s\nfile format: %s\nvirtual size: %s (%llu bytes)\ndisk size: ", im->path,
           im->drv->name, tool_size(im->size, size, sizeof(size)), (unsigned long long)im->size);
    printf("%s\n", tool_size(file_allocated(im->file), size, sizeof(size)));
    if (info->dirty)
        printf("cleanly shut down: no\n");
    if (info->cluster_size)
        printf("cluster_size: %llu\n", (unsigned long long)info->cluster_size);
    if (im->backing_name) {
        char *full = image_backing_path(im->path, im->backing_name);

        printf("backing file: %s", im->backing_name);
        if (full && strcmp(full, im->backing_name))
            printf(" (actual path: %s)", full);
        printf("\n");
        if (im->backing_format)
            printf("backing file format: %s\n", im->backing_format);
        free(full);
    }
    if (snaps->n) {
        printf("Snapshot list:\n");
        tool_print_snapshots(stdout, snaps);
    }
    if (info->qcow2) {
        printf("Format specific information:\n    compat: %s\n    compression type: %s\n",
               info->compat, info->compression);
        if (!strcmp(info->compat, "1.1"))
            printf("    lazy refcounts: %s\n", yes(info->lazy));
        printf("    refcount bits: %u\n", info->refcount_bits);
        if (!strcmp(info->compat, "1.1"))
            printf("    corrupt: %s\n    extended l2: false\n", yes(info->corrupt));
    } else if (info->subformat[0]) {
        printf("Format specific information:\n    subformat: %s\n", info->subformat);
    }
}

static void json_snapshots(const struct image_snapshots *snaps, const char *pad)
{
    printf("%s    \"snapshots\": [\n", pad);
    for (unsigned i = 0; i < snaps->n; i++) {
        const struct image_snapshot *s = &snaps->v[i];

        printf("%s        {\n%s            \"vm-clock-nsec\": %llu,\n", pad, pad,
               (unsigned long long)(s->clock % 1000000000u));
        printf("%s            \"name\": ", pad);
        print_json_string(s->name);
        printf(",\n%s            \"date-sec\": %u,\n%s            \"date-nsec\": %u,\n", pad,
               s->date, pad, s->date_ns);
        printf("%s            \"vm-clock-sec\": %llu,\n%s            \"id\": ", pad,
               (unsigned long long)(s->clock / 1000000000u), pad);
        print_json_string(s->id);
        printf(",\n%s            \"vm-state-size\": %llu\n%s        }%s\n", pad,
               (unsigned long long)s->vm_size, pad, i + 1 < snaps->n ? "," : "");
    }
    printf("%s    ],\n", pad);
}

static void info_json(struct image *im, const struct image_info *info,
                      const struct image_snapshots *snaps, const char *pad)
{
    printf("%s{\n", pad);
    if (snaps->n)
        json_snapshots(snaps, pad);
    if (im->backing_name) {
        char *full = image_backing_path(im->path, im->backing_name);

        if (im->backing_format) {
            printf("%s    \"backing-filename-format\": ", pad);
            print_json_string(im->backing_format);
            printf(",\n");
        }
        printf("%s    \"full-backing-filename\": ", pad);
        print_json_string(full ? full : "");
        printf(",\n%s    \"backing-filename\": ", pad);
        print_json_string(im->backing_name);
        printf(",\n");
        free(full);
    }
    printf("%s    \"virtual-size\": %llu,\n%s    \"filename\": ", pad,
           (unsigned long long)im->size, pad);
    print_json_string(im->path);
    printf(",\n");
    if (info->cluster_size)
        printf("%s    \"cluster-size\": %llu,\n", pad, (unsigned long long)info->cluster_size);
    printf("%s    \"format\": \"%s\",\n%s    \"actual-size\": %llu,\n", pad, im->drv->name, pad,
           (unsigned long long)file_allocated(im->file));
    if (info->qcow2) {
        bool v3 = !strcmp(info->compat, "1.1");

        printf("%s    \"format-specific\": {\n%s        \"type\": \"qcow2\",\n", pad, pad);
        printf("%s        \"data\": {\n%s            \"compat\": \"%s\",\n", pad, pad, info->compat);
        printf("%s            \"compression-type\": \"%s\",\n", pad, info->compression);
        if (v3)
            printf("%s            \"lazy-refcounts\": %s,\n", pad, yes(info->lazy));
        printf("%s            \"refcount-bits\": %u%s\n", pad, info->refcount_bits, v3 ? "," : "");
        if (v3)
            printf("%s            \"corrupt\": %s,\n%s            \"extended-l2\": false\n", pad,
                   yes(info->corrupt), pad);
        printf("%s        }\n%s    },\n", pad, pad);
    }
    printf("%s    \"dirty-flag\": %s\n%s}", pad, yes(info->dirty), pad);
}

static bool info_one(struct tool *t, struct image *im, const char *pad)
{
    struct image_info info = {0};
    struct image_snapshots snaps = {NULL, 0};

    if (im->drv->info)
        im->drv->info(im, &info);
    if (im->drv->snap_list && !im->drv->snap_list(im, &snaps, &t->err))
        return false;
    if (t->json)
        info_json(im, &info, &snaps, pad);
    else
        info_text(im, &info, &snaps);
    free(snaps.v);
    return true;
}

int tool_info(struct tool *t)
{
    unsigned flags = IMAGE_GUESS | IMAGE_REPAIR | (t->chain ? 0 : IMAGE_NO_BACKING);
    struct image *im = tool_open(t, 0, flags);
    bool ok = true;

    if (!im)
        return tool_fail(t);
    if (t->json && t->chain)
        printf("[\n");
    for (struct image *i = im; i && ok; i = i->backing) {
        ok = info_one(t, i, t->chain && t->json ? "    " : "");
        if (i->backing)
            printf(t->json ? ",\n" : "\n");
    }
    if (t->json)
        printf(t->chain ? "\n]\n" : "\n");
    image_close(im);
    return ok ? 0 : tool_fail(t);
}

/* ---- check ---- */

static void check_json(struct image *im, const struct image_check *r)
{
    printf("{\n    \"image-end-offset\": %llu,\n    \"total-clusters\": %llu,\n"
           "    \"check-errors\": %llu,\n",
           (unsigned long long)r->end, (unsigned long long)r->total,
           (unsigned long long)r->check_errors);
    if (r->leaks - r->leaks_fixed)
        printf("    \"leaks\": %llu,\n", (unsigned long long)(r->leaks - r->leaks_fixed));
    if (r->corruptions - r->corruptions_fixed)
        printf("    \"corruptions\": %llu,\n",
               (unsigned long long)(r->corruptions - r->corruptions_fixed));
    if (r->leaks_fixed)
        printf("    \"leaks-fixed\": %llu,\n", (unsigned long long)r->leaks_fixed);
    if (r->corruptions_fixed)
        printf("    \"corruptions-fixed\": %llu,\n", (unsigned long long)r->corruptions_fixed);
    if (r->allocated)
        printf("    \"allocated-clusters\": %llu,\n", (unsigned long long)r->allocated);
    if (r->compressed)
        printf("    \"compressed-clusters\": %llu,\n", (unsigned long long)r->compressed);
    if (r->fragmented)
        printf("    \"fragmented-clusters\": %llu,\n", (unsigned long long)r->fragmented);
    printf("    \"filename\": ");
    print_json_string(im->path);
    printf(",\n    \"format\": \"%s\"\n}\n", im->drv->name);
}

static double percent(u64 a, u64 b)
{
    return b ? 100.0 * (double)a / (double)b : 0;
}

static void check_text(const struct image_check *r)
{
    u64 errors = r->corruptions - r->corruptions_fixed, leaks = r->leaks - r->leaks_fixed;

    if (r->corruptions_fixed || r->leaks_fixed)
        printf("The following inconsistencies were found and repaired:\n\n"
               "    %llu leaked clusters\n    %llu corruptions\n\n",
               (unsigned long long)r->leaks_fixed, (unsigned long long)r->corruptions_fixed);
    if (!errors && !leaks)
        printf("No errors were found on the image.\n");
    if (errors)
        printf("\n%llu errors were found on the image.\nData may be corrupted, or further writes "
               "to the image may corrupt it.\n",
               (unsigned long long)errors);
    if (leaks)
        printf("\n%llu leaked clusters were found on the image.\nThis means waste of disk space, "
               "but no harm to data.\n",
               (unsigned long long)leaks);
    if (r->total && r->allocated)
        printf("%llu/%llu = %.2f%% allocated, %.2f%% fragmented, %.2f%% compressed clusters\n",
               (unsigned long long)r->allocated, (unsigned long long)r->total,
               percent(r->allocated, r->total), percent(r->fragmented, r->allocated),
               percent(r->compressed, r->allocated));
    if (r->end)
        printf("Image end offset: %llu\n", (unsigned long long)r->end);
}

int tool_check(struct tool *t)
{
    unsigned flags = IMAGE_GUESS | IMAGE_REPAIR | IMAGE_NO_BACKING | (t->fix ? IMAGE_WRITE : 0);
    struct image *im = tool_open(t, 0, flags);
    struct image_check res = {.out = t->json || t->quiet ? NULL : stdout};
    int rc;

    if (!im)
        return tool_fail(t);
    if (!im->drv->check) {
        fprintf(stderr, "dragoman image: images of format %s have nothing to check\n",
                im->drv->name);
        image_close(im);
        return 63;
    }
    if (!im->drv->check(im, t->fix, &res, &t->err)) {
        image_close(im);
        return tool_fail(t);
    }
    if (t->json)
        check_json(im, &res);
    else if (!t->quiet)
        check_text(&res);
    rc = image_close(im);
    if (rc) {
        err_set(&t->err, "the last writes failed: %s", strerror(rc));
        return tool_fail(t);
    }
    return res.corruptions > res.corruptions_fixed ? 2 : res.leaks > res.leaks_fixed ? 3 : 0;
}

/* ---- map ---- */

int tool_map(struct tool *t)
{
    struct image *im = tool_open(t, 0, 0);
    bool first = true;

    if (!im)
        return tool_fail(t);
    if (t->json)
        printf("[");
    else
        printf("%-16s%-16s%s\n", "Offset", "Length", "Data");
    for (u64 off = 0, run; off < im->size; off += run) {
        enum image_map kind;
        int rc = image_map_all(im, off, im->size - off, &run, &kind);

        if (rc) {
            err_set(&t->err, "cannot read '%.300s': %s", im->path, strerror(rc));
            image_close(im);
            return tool_fail(t);
        }
        if (t->json)
            printf("%s{ \"start\": %llu, \"length\": %llu, \"zero\": %s, \"data\": %s}",
                   first ? "" : ",\n", (unsigned long long)off, (unsigned long long)run,
                   yes(kind == MAP_ZERO), yes(kind == MAP_DATA));
        else if (kind == MAP_DATA)
            printf("0x%-14llx0x%-14llxyes\n", (unsigned long long)off, (unsigned long long)run);
        first = false;
    }
    if (t->json)
        printf("]\n");
    image_close(im);
    return 0;
}
