/* Commands about drives: what is in them, what they have done, media, trays and limits. */
#include "frontend/qmp/qmp_int.h"

#ifdef CONFIG_JANSSON
#include "frontend/host/drive.h"
#include "frontend/reverse/reverse.h"

#include <string.h>
#include <sys/stat.h>

/* ---- what there is ---- */

/* What people mean by the drive's image: not the memory over it. */
static const struct image *shown(struct blk *blk)
{
    const struct image *im = drive_image(blk);

    return im && im->drv == &image_memory && im->backing ? im->backing : im;
}

static json_t *image_info(const struct image *im)
{
    const char *path = im->path ? im->path : "";
    json_t *v = json_pack("{s:o,s:s,s:I,s:b}", "filename", qmp_text(path), "format", im->drv->name,
                          "virtual-size", (json_int_t)im->size, "dirty-flag", 0);
    struct stat st;

    if (!stat(path, &st))
        json_object_set_new(v, "actual-size", json_integer((json_int_t)st.st_blocks * 512));
    if (im->backing && im->backing->path)
        json_object_set_new(v, "backing-filename", qmp_text(im->backing->path));
    return v;
}

/* One image of the drive's chain, number `depth` of it. */
static json_t *node(struct blk *blk, const char *name, const struct image *im, unsigned depth)
{
    const struct drive_options *o = drive_options(blk);
    char text[96];
    unsigned below = 0;
    json_t *v;

    for (const struct image *b = im->backing; b; b = b->backing)
        below++;
    snprintf(text, sizeof(text), depth ? "%s.%u" : "%s", name, depth);
    v = json_pack("{s:o,s:o,s:b,s:s,s:b,s:i,s:i,s:s,s:{s:b,s:b,s:b},s:o}", "node-name",
                  qmp_text(text), "file", qmp_text(im->path ? im->path : ""), "ro",
                  depth || blk->read_only, "drv", im->drv->name, "encrypted", 0,
                  "backing_file_depth", (int)below, "write_threshold", 0, "detect_zeroes", "off",
                  "cache", "writeback", 1, "direct", 0, "no-flush", 0, "image", image_info(im));
    json_object_update_new(v, json_pack("{s:I,s:i,s:i,s:I,s:i,s:i}", "bps", (json_int_t)o->bps,
                                        "bps_rd", 0, "bps_wr", 0, "iops", (json_int_t)o->iops,
                                        "iops_rd", 0, "iops_wr", 0));
    if (im->backing && im->backing->path)
        json_object_set_new(v, "backing_file", qmp_text(im->backing->path));
    return v;
}

json_t *qmp_QUERY_BLOCK(struct qmp_session *s, json_t *args)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < VM_DRIVES; i++) {
        struct blk *blk = vm_drive(s->vm, i);
        const char *name = vm_drive_name(s->vm, i);
        const struct image *im;
        json_t *v;

        if (!blk)
            continue;
        v = json_pack("{s:o,s:o,s:s,s:b,s:b}", "device", qmp_text(name), "qdev", qmp_text(name),
                      "type", "unknown", "removable", blk->removable, "locked", blk->locked);
        if (blk->cdrom)
            json_object_set_new(v, "tray_open", json_boolean(blk->tray_open));
        im = shown(blk);
        if (im)
            json_object_set_new(v, "inserted", node(blk, name, im, 0));
        json_array_append_new(list, v);
    }
    return list;
}

json_t *qmp_QUERY_NAMED_BLOCK_NODES(struct qmp_session *s, json_t *args)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < VM_DRIVES; i++) {
        struct blk *blk = vm_drive(s->vm, i);
        unsigned depth = 0;

        for (const struct image *im = blk ? shown(blk) : NULL; im; im = im->backing)
            json_array_append_new(list, node(blk, vm_drive_name(s->vm, i), im, depth++));
    }
    return list;
}

json_t *qmp_QUERY_BLOCKSTATS(struct qmp_session *s, json_t *args)
{
    json_t *list = json_array(), *stats, *v;

    for (unsigned i = 0; i < VM_DRIVES; i++) {
        const struct blk *b = vm_drive(s->vm, i);

        if (!b)
            continue;
        stats = json_pack(
            "{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "rd_bytes", (json_int_t)b->bytes_of[BLK_READ],
            "wr_bytes", (json_int_t)b->bytes_of[BLK_WRITE], "unmap_bytes",
            (json_int_t)b->bytes_of[BLK_DISCARD], "rd_operations", (json_int_t)b->ops_of[BLK_READ],
            "wr_operations", (json_int_t)b->ops_of[BLK_WRITE], "flush_operations",
            (json_int_t)b->ops_of[BLK_FLUSH], "unmap_operations",
            (json_int_t)b->ops_of[BLK_DISCARD]);
        v = json_pack("{s:o,s:o,s:o}", "device", qmp_text(vm_drive_name(s->vm, i)), "qdev",
                      qmp_text(vm_drive_name(s->vm, i)), "stats", stats);
        if (b->inserted)
            json_object_set_new(v, "node-name", qmp_text(vm_drive_name(s->vm, i)));
        json_array_append_new(list, v);
    }
    return list;
}

/* ---- media ---- */

/* The drive that `id` or `device` names, or NULL after qmp_fail. */
static struct blk *drive(struct qmp_session *s, json_t *args)
{
    const char *id = qmp_string(args, "id"), *name = id ? id : qmp_string(args, "device");
    int i;

    if (!name || (id && qmp_string(args, "device"))) {
        qmp_fail(s, "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    i = vm_find_drive(s->vm, name);
    if (i >= 0 && vm_drive(s->vm, (unsigned)i)) {
        if (reverse_change(s->vm, "a drive", &s->err))
            return vm_drive(s->vm, (unsigned)i);
        qmp_fail(s, "%s", s->err.msg);
        return NULL;
    }
    qmp_fail_as(s, "DeviceNotFound", "Device '%.80s' not found", name);
    return NULL;
}

static const char *name_of(json_t *args)
{
    return qmp_string(args, qmp_string(args, "id") ? "id" : "device");
}

static const char *forced(json_t *args)
{
    return qmp_bool(args, "force", false) ? "-f " : "";
}

json_t *qmp_EJECT(struct qmp_session *s, json_t *args)
{
    struct blk *blk = drive(s, args);
    bool force = qmp_bool(args, "force", false);
    json_t *out;

    if (blk && qmp_recorded(s, &out, "eject %s%s", forced(args), name_of(args))) {
        if (!out)
            return NULL;
        json_decref(out);
        qmp_recorded(s, &out, "tray open %s%s", forced(args), name_of(args));
        return out;
    }
    return qmp_done(s, blk && drive_change(blk, NULL, NULL, force, &s->err) &&
                           drive_tray(blk, true, force, &s->err));
}

json_t *qmp_OPEN_TRAY(struct qmp_session *s, json_t *args)
{
    struct blk *blk = drive(s, args);
    json_t *out;

    if (blk && qmp_recorded(s, &out, "tray open %s%s", forced(args), name_of(args)))
        return out;
    return qmp_done(s, blk && drive_tray(blk, true, qmp_bool(args, "force", false), &s->err));
}

json_t *qmp_CLOSE_TRAY(struct qmp_session *s, json_t *args)
{
    struct blk *blk = drive(s, args);
    json_t *out;

    if (blk && qmp_recorded(s, &out, "tray close %s", name_of(args)))
        return out;
    return qmp_done(s, blk && drive_tray(blk, false, false, &s->err));
}

json_t *qmp_REMOVE_MEDIUM(struct qmp_session *s, json_t *args)
{
    struct blk *blk = drive(s, args);
    json_t *out;

    if (blk && blk->cdrom && !blk->tray_open)
        return qmp_fail(s, "The tray of the drive is not open");
    if (blk && qmp_recorded(s, &out, "eject %s", name_of(args)))
        return out;
    return qmp_done(s, blk && drive_change(blk, NULL, NULL, false, &s->err));
}

json_t *qmp_CHANGE_MEDIUM(struct qmp_session *s, json_t *args)
{
    const char *file = qmp_string(args, "filename"), *format = qmp_string(args, "format");
    struct blk *blk = drive(s, args);
    json_t *out;

    if (blk && s->vm->replay && strchr(file, '"'))
        return qmp_fail(s, "A log cannot keep a file's name with '\"' in it");
    if (blk && qmp_recorded(s, &out, "change %s%s \"%s\" %s", forced(args), name_of(args), file,
                            format ? format : ""))
        return out;
    return qmp_done(
        s, blk && drive_change(blk, file, format, qmp_bool(args, "force", false), &s->err));
}

json_t *qmp_SET_IO_THROTTLE(struct qmp_session *s, json_t *args)
{
    static const char *const parts[] = {"bps_rd", "bps_wr", "iops_rd", "iops_wr"};
    s64 bps = qmp_number(args, "bps", 0), iops = qmp_number(args, "iops", 0);
    struct blk *blk = drive(s, args);
    json_t *out;

    if (!blk)
        return NULL;
    for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
        if (qmp_number(args, parts[i], 0))
            return qmp_fail(s, "Parameter '%s' is 0: a drive has one limit for both ways",
                            parts[i]);
    }
    if (bps < 0 || iops < 0)
        return qmp_fail(s, "A limit is not negative");
    if (qmp_recorded(s, &out, "block_set_io_throttle %s %lld 0 0 %lld 0 0", name_of(args),
                     (long long)bps, (long long)iops))
        return out;
    drive_limit(blk, (u64)iops, (u64)bps);
    return json_object();
}
#endif
