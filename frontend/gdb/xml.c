/* What gdb reads about the machine: the target description and the memory map (manual of gdb,
 * appendix G "Target Descriptions" and appendix E, section "Memory Map Format"). */
#include "frontend/gdb/regs.h"

#include "mmu/bus.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 32 * 1024 };

struct text {
    char *p;
    size_t n;
};

static void PRINTF_LIKE(2, 3) put(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int k;
    va_start(ap, fmt);
    k = vsnprintf(t->p + t->n, ROOM - t->n, fmt, ap);
    va_end(ap);
    if (k > 0)
        t->n += MIN((size_t)k, ROOM - 1 - t->n);
}

/* Bits with names: "CF:0 PF:2" and so on. */
struct flags {
    const char *id;
    unsigned bytes; /* 0: as wide as the layout */
    const char *bits;
};
static const struct flags core_flags = {
    "i386_eflags", 4,
    "CF:0 PF:2 AF:4 ZF:6 SF:7 TF:8 IF:9 DF:10 OF:11 NT:14 RF:16 VM:17 AC:18 VIF:19 VIP:20 ID:21"};
static const struct flags sse_flags = {
    "i386_mxcsr", 4, "IE:0 DE:1 ZE:2 OE:3 UE:4 PE:5 DAZ:6 IM:7 DM:8 ZM:9 OM:10 UM:11 PM:12 FZ:15"};
static const struct flags system_flags[] = {
    {"x86_cr0", 0, "PE:0 MP:1 EM:2 TS:3 ET:4 NE:5 WP:16 AM:18 NW:29 CD:30 PG:31"},
    {"x86_cr4", 0,
     "VME:0 PVI:1 TSD:2 DE:3 PSE:4 PAE:5 MCE:6 PGE:7 PCE:8 OSFXSR:9 OSXMMEXCPT:10 UMIP:11 "
     "FSGSBASE:16 OSXSAVE:18 SMEP:20"},
    {"x86_efer", 0, "SCE:0 LME:8 LMA:10 NXE:11"},
};

static void put_flags(struct text *t, const struct flags *f, bool wide)
{
    put(t, "<flags id=\"%s\" size=\"%u\">\n", f->id, f->bytes ? f->bytes : wide ? 8u : 4u);
    for (const char *p = f->bits; *p;) {
        int n = (int)strcspn(p, ":");
        int bit = atoi(p + n + 1);
        put(t, "<field name=\"%.*s\" start=\"%d\" end=\"%d\"/>\n", n, p, bit, bit);
        p += strcspn(p, " ");
        p += *p == ' ';
    }
    put(t, "</flags>\n");
}

static void put_vectors(struct text *t)
{
    static const struct {
        const char *id, *type, *name;
        unsigned count;
    } v[] = {
        {"v4f", "ieee_single", "v4_float", 4}, {"v2d", "ieee_double", "v2_double", 2},
        {"v16i8", "int8", "v16_int8", 16},     {"v8i16", "int16", "v8_int16", 8},
        {"v4i32", "int32", "v4_int32", 4},     {"v2i64", "int64", "v2_int64", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        put(t, "<vector id=\"%s\" type=\"%s\" count=\"%u\"/>\n", v[i].id, v[i].type, v[i].count);
    put(t, "<union id=\"vec128\">\n");
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        put(t, "<field name=\"%s\" type=\"%s\"/>\n", v[i].name, v[i].id);
    put(t, "<field name=\"uint128\" type=\"uint128\"/>\n</union>\n");
}

static void put_feature(struct text *t, const struct gdb_regs *regs, unsigned feature)
{
    static const char *const names[] = {"org.gnu.gdb.i386.core", "org.gnu.gdb.i386.sse",
                                        "org.gnu.gdb.i386.segments", "org.gnu.gdb.i386.avx",
                                        "org.dragoman.x86.system"};
    bool any = false;
    for (unsigned i = 0; i < regs->n; i++)
        any |= regs->r[i].feature == feature;
    if (!any)
        return;
    put(t, "<feature name=\"%s\">\n", names[feature]);
    if (feature == GF_CORE)
        put_flags(t, &core_flags, regs->wide);
    if (feature == GF_SSE) {
        put_vectors(t);
        put_flags(t, &sse_flags, regs->wide);
    }
    for (size_t i = 0; feature == GF_SYSTEM && i < ARRAY_LEN(system_flags); i++)
        put_flags(t, &system_flags[i], regs->wide);
    for (unsigned i = 0; i < regs->n; i++)
        if (regs->r[i].feature == feature)
            put(t, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"%s/>\n",
                regs->r[i].name, regs->r[i].bits, regs->r[i].type, i,
                feature == GF_SYSTEM ? " group=\"system\"" : "");
    put(t, "</feature>\n");
}

char *gdb_target_xml(const struct gdb_regs *regs)
{
    struct text t = {malloc(ROOM), 0};
    if (!t.p)
        return NULL;
    put(&t,
        "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
        "<target version=\"1.0\">\n<architecture>%s</architecture>\n",
        regs->wide ? "i386:x86-64" : "i386");
    for (unsigned f = 0; f < GF__COUNT; f++)
        put_feature(&t, regs, f);
    put(&t, "</target>\n");
    return t.p;
}

char *gdb_memory_xml(const struct gdb_regs *regs, const struct cpu *cpu, bool physical)
{
    const struct bus_map *map = &cpu->mmu.mem->map[0];
    struct text t = {malloc(ROOM), 0};
    if (!t.p)
        return NULL;
    put(&t, "<?xml version=\"1.0\"?>\n<memory-map>\n");
    for (u32 i = 0; physical && i < map->n; i++) {
        const struct bus_range *r = &map->r[i];
        const struct bus_range *w = bus_find(cpu->mmu.mem, r->start, 1);
        if (r->region->ram)
            put(&t, "<memory type=\"%s\" start=\"0x%llx\" length=\"0x%llx\"/>\n",
                w && w->region->ram ? "ram" : "rom", (unsigned long long)r->start,
                (unsigned long long)(r->end - r->start));
    }
    if (!physical && !regs->wide)
        put(&t, "<memory type=\"ram\" start=\"0x0\" length=\"0x100000000\"/>\n");
    if (!physical && regs->wide)
        put(&t, "<memory type=\"ram\" start=\"0x0\" length=\"0x8000000000000000\"/>\n"
                "<memory type=\"ram\" start=\"0x8000000000000000\" "
                "length=\"0x8000000000000000\"/>\n");
    put(&t, "</memory-map>\n");
    return t.p;
}
