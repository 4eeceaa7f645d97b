/* Unit tests of the bus (flattening, lookup, access splitting, DMA) and of guest memory. */
#include "mmu/bus.h"
#include "devices/core/bits.h"
#include "devices/core/err.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CALLS = 32 };

/* A device that notes each call and answers reads from a byte pattern. */
struct probe {
    struct {
        u64 off, v;
        unsigned size;
        bool write;
    } call[MAX_CALLS];
    int n;
    struct bus *bus;
    struct region *unmap;
};

static u64 probe_read(void *dev, u64 off, unsigned size)
{
    struct probe *p = dev;
    u64 v = 0;

    ck_assert_uint_eq(off & (size - 1), 0);
    for (unsigned i = 0; i < size; i++)
        v |= (u64)(u8)(off + i) << (8 * i);
    if (p->n < MAX_CALLS) {
        p->call[p->n].off = off;
        p->call[p->n].size = size;
        p->call[p->n++].write = false;
    }
    if (p->unmap)
        bus_unmap(p->bus, p->unmap);
    return v | 0xf000000000000000ull; /* bits above the size must not show */
}

static void probe_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct probe *p = dev;

    ck_assert_uint_eq(off & (size - 1), 0);
    ck_assert_uint_eq(v & ~size_mask(size), 0);
    if (p->n < MAX_CALLS) {
        p->call[p->n].off = off;
        p->call[p->n].v = v;
        p->call[p->n].size = size;
        p->call[p->n++].write = true;
    }
}

static const struct region_ops ops_1_4 = {probe_read, probe_write, 1, 4};
static const struct region_ops ops_1_1 = {probe_read, probe_write, 1, 1};
static const struct region_ops ops_4_4 = {probe_read, probe_write, 4, 4};
static const struct region_ops ops_1_8 = {probe_read, probe_write, 1, 8};
static const struct region_ops ops_none = {NULL, NULL, 1, 4};

static struct region dev_region(u64 base, u64 size, const struct region_ops *ops, struct probe *p,
                                int prio)
{
    return (struct region){
        .name = "probe", .base = base, .size = size, .ops = ops, .dev = p, .prio = (s8)prio};
}

START_TEST(unmapped_reads_ones)
{
    struct bus bus;

    bus_init(&bus, "io", 0x10000, NULL);
    ck_assert_uint_eq(bus_read(&bus, 0x10, 1), 0xff);
    ck_assert_uint_eq(bus_read(&bus, 0xffff, 4), 0xffffffff);
    ck_assert_uint_eq(bus_read(&bus, ~0ull, 8), ~0ull);
    bus_write(&bus, 0x10, 1, 4);
    ck_assert_ptr_null(bus_find(&bus, 0, 0));
    bus_free(&bus);
}
END_TEST

START_TEST(priorities_flatten)
{
    struct bus bus;
    struct probe p = {0};
    struct region low = dev_region(0x1000, 0x1000, &ops_1_4, &p, 0);
    struct region hole = dev_region(0x1400, 0x100, &ops_1_4, &p, 1);
    struct region late = dev_region(0x1480, 0x100, &ops_1_4, &p, 1);
    struct region out = dev_region(0x20000, 0x100, &ops_1_4, &p, 1);
    struct region tail = dev_region(0xff00, 0x1000, &ops_1_4, &p, 1);

    bus_init(&bus, "mem", 0x10000, NULL);
    bus_map(&bus, &low);
    bus_map(&bus, &hole);
    bus_map(&bus, &late);
    bus_map(&bus, &out);
    bus_map(&bus, &tail);
    bus_map(&bus, &low); /* no-op */
    ck_assert_ptr_eq(bus_find(&bus, 0x13ff, 0)->region, &low);
    ck_assert_ptr_eq(bus_find(&bus, 0x1400, 0)->region, &hole);
    ck_assert_ptr_eq(bus_find(&bus, 0x1480, 0)->region, &late); /* later wins among equals */
    ck_assert_uint_eq(bus_find(&bus, 0x1400, 0)->end, 0x1480);
    ck_assert_uint_eq(bus_find(&bus, 0x157f, 1)->end, 0x1580);
    ck_assert_ptr_eq(bus_find(&bus, 0x1580, 1)->region, &low);
    ck_assert_ptr_null(bus_find(&bus, 0x20000, 0));
    ck_assert_uint_eq(bus_find(&bus, 0xffff, 0)->end, 0x10000);
    bus_unmap(&bus, &late);
    bus_unmap(&bus, &late);
    ck_assert_ptr_eq(bus_find(&bus, 0x1480, 0)->region, &hole);
    bus_move(&bus, &hole, 0x1800);
    ck_assert_ptr_eq(bus_find(&bus, 0x1480, 0)->region, &low);
    ck_assert_ptr_eq(bus_find(&bus, 0x1800, 0)->region, &hole);
    bus_free(&bus);
}
END_TEST

/* Against the plainest model: for each address ask every region. */
START_TEST(flatten_against_a_model)
{
    struct bus bus;
    struct region r[12];
    u32 seed = 3;

    bus_init(&bus, "mem", 256, NULL);
    memset(r, 0, sizeof(r));
    for (int step = 0; step < 500; step++) {
        struct region *one;

        seed = seed * 1664525u + 1013904223u;
        one = &r[(seed >> 8) % ARRAY_LEN(r)];
        if (one->mapped) {
            bus_unmap(&bus, one);
        } else {
            one->ops = &ops_1_1;
            one->base = seed >> 12 & 0xff;
            one->size = seed >> 20 & 0x7f;
            one->prio = (s8)((seed >> 28) - 2);
            one->dirs = (u8)(seed >> 26 & 3);
            bus_map(&bus, one);
        }
        for (u64 addr = 0; addr < 256; addr++) {
            for (int dir = 0; dir < 2; dir++) {
                const struct bus_range *range = bus_find(&bus, addr, dir);
                struct region *best = NULL;

                for (unsigned i = 0; i < ARRAY_LEN(r); i++) {
                    u8 dirs = r[i].dirs ? r[i].dirs : REGION_RW;

                    if (r[i].mapped && addr >= r[i].base && addr - r[i].base < r[i].size &&
                        (dirs >> dir & 1) &&
                        (!best || r[i].prio > best->prio ||
                         (r[i].prio == best->prio && r[i].order > best->order)))
                        best = &r[i];
                }
                ck_assert_ptr_eq(range ? range->region : NULL, best);
            }
        }
    }
    bus_free(&bus);
}
END_TEST

static int changes;
static void count_changes(void *arg)
{
    ++*(int *)arg;
}

START_TEST(batch_rebuilds_once)
{
    struct bus bus;
    struct probe p = {0};
    struct region a = dev_region(0, 16, &ops_1_4, &p, 0), b = dev_region(16, 16, &ops_1_4, &p, 0);

    changes = 0;
    bus_init(&bus, "io", 0x10000, NULL);
    bus.changed = count_changes;
    bus.changed_arg = &changes;
    bus_begin(&bus);
    bus_begin(&bus);
    bus_map(&bus, &a);
    bus_commit(&bus);
    bus_map(&bus, &b);
    ck_assert_int_eq(changes, 0);
    bus_commit(&bus);
    ck_assert_int_eq(changes, 1);
    bus_begin(&bus);
    bus_commit(&bus);
    ck_assert_int_eq(changes, 1);
    bus_free(&bus);
}
END_TEST

START_TEST(splitting)
{
    struct bus bus;
    struct probe p = {0};
    struct region r = dev_region(0x101, 0x40, &ops_1_4, &p, 0);

    bus_init(&bus, "io", 0x10000, NULL);
    bus_map(&bus, &r);
    /* alignment counts from the region's start */
    ck_assert_uint_eq(bus_read(&bus, 0x101, 4), 0x03020100);
    ck_assert_int_eq(p.n, 1);
    p.n = 0;
    ck_assert_uint_eq(bus_read(&bus, 0x102, 4), 0x04030201);
    ck_assert_int_eq(p.n, 3); /* 1 + 2 + 1 */
    ck_assert_uint_eq(p.call[1].size, 2);
    p.n = 0;
    ck_assert_uint_eq(bus_read(&bus, 0x101, 8), 0x0706050403020100ull);
    ck_assert_int_eq(p.n, 2);
    p.n = 0;
    bus_write(&bus, 0x103, 0x11223344, 4);
    ck_assert_int_eq(p.n, 2);
    ck_assert_uint_eq(p.call[0].v, 0x3344);
    ck_assert_uint_eq(p.call[1].v, 0x1122);
    /* across the end: the rest is nobody's */
    ck_assert_uint_eq(bus_read(&bus, 0x140, 2), 0xff3f);
    bus_free(&bus);
}
END_TEST

START_TEST(splitting_to_bytes_and_widening)
{
    struct bus bus;
    struct probe bytes = {0}, words = {0};
    struct region b = dev_region(0x60, 8, &ops_1_1, &bytes, 0);
    struct region w = dev_region(0x100, 16, &ops_4_4, &words, 0);

    bus_init(&bus, "io", 0x10000, NULL);
    bus_map(&bus, &b);
    bus_map(&bus, &w);
    ck_assert_uint_eq(bus_read(&bus, 0x60, 4), 0x03020100);
    ck_assert_int_eq(bytes.n, 4);
    ck_assert_uint_eq(bus_read(&bus, 0x105, 1), 5);
    ck_assert_uint_eq(bus_read(&bus, 0x102, 4), 0x05040302);
    ck_assert_uint_eq(bus_read(&bus, 0x103, 2), 0x0403);
    words.n = 0;
    bus_write(&bus, 0x106, 0xab, 1);
    ck_assert_int_eq(words.n, 1);
    ck_assert_uint_eq(words.call[0].off, 4);
    ck_assert_uint_eq(words.call[0].v, 0x00ab0000);
    words.n = 0;
    bus_write(&bus, 0x107, 0x1234, 2);
    ck_assert_int_eq(words.n, 2);
    ck_assert_uint_eq(words.call[0].v, 0x34000000);
    ck_assert_uint_eq(words.call[1].v, 0x12);
    bus_free(&bus);
}
END_TEST

START_TEST(wide_access_across_regions)
{
    struct bus bus;
    struct probe p = {0}, q = {0};
    struct region a = dev_region(0, 4, &ops_1_8, &p, 0), b = dev_region(6, 8, &ops_1_8, &q, 0);

    bus_init(&bus, "io", 64, NULL);
    bus_map(&bus, &a);
    bus_map(&bus, &b);
    ck_assert_uint_eq(bus_read(&bus, 0, 8), 0x0100ffff03020100ull);
    bus_write(&bus, 0, 0x8877665544332211ull, 8);
    ck_assert_uint_eq(p.call[p.n - 1].v, 0x44332211);
    ck_assert_uint_eq(q.call[q.n - 1].v, 0x8877);
    bus_free(&bus);
}
END_TEST

START_TEST(handler_may_unmap)
{
    struct bus bus;
    struct probe p = {0};
    struct region a = dev_region(0, 2, &ops_1_1, &p, 0), b = dev_region(2, 2, &ops_1_1, &p, 0);

    bus_init(&bus, "io", 64, NULL);
    bus_map(&bus, &a);
    bus_map(&bus, &b);
    p.bus = &bus;
    p.unmap = &b;
    ck_assert_uint_eq(bus_read(&bus, 0, 4), 0xffff0100);
    ck_assert_uint_eq(bus.depth, 0);
    bus_free(&bus);
}
END_TEST

/* A handler that reads itself through the bus. */
static struct bus *loop_bus;
static u64 loop_read(void *dev, u64 off, unsigned size)
{
    ++*(int *)dev;
    return bus_read(loop_bus, 0, 1);
}

START_TEST(handlers_cannot_recurse_for_ever)
{
    static const struct region_ops ops = {loop_read, NULL, 1, 1};
    struct bus bus;
    int calls = 0;
    struct region r = {.name = "loop", .size = 1, .ops = &ops, .dev = &calls};

    bus_init(&bus, "io", 64, NULL);
    loop_bus = &bus;
    bus_map(&bus, &r);
    ck_assert_uint_eq(bus_read(&bus, 0, 1), 0xff);
    ck_assert_int_lt(calls, 100);
    ck_assert_uint_eq(bus.depth, 0);
    bus_free(&bus);
}
END_TEST

START_TEST(missing_handlers)
{
    struct bus bus;
    struct region r = dev_region(0, 4, &ops_none, NULL, 0);
    struct region no_ops = {.name = "empty", .base = 4, .size = 4};

    bus_init(&bus, "io", 64, NULL);
    bus_map(&bus, &r);
    bus_map(&bus, &no_ops);
    ck_assert_uint_eq(bus_read(&bus, 0, 4), 0xffffffff);
    ck_assert_uint_eq(bus_read(&bus, 4, 4), 0xffffffff);
    bus_write(&bus, 0, 0, 8);
    bus_free(&bus);
}
END_TEST

START_TEST(trace_names_the_region)
{
    char *text = NULL;
    size_t size = 0;
    struct log log = {.mask = BIT(LOGA_IO), .out = open_memstream(&text, &size)};
    struct bus bus;
    struct probe p = {0};
    struct region r = dev_region(0x60, 8, &ops_1_4, &p, 0);

    bus_init(&bus, "io", 0x10000, &log);
    bus_map(&bus, &r);
    bus_read(&bus, 0x61, 1);
    bus_write(&bus, 0x62, 0xbeef, 2);
    fclose(log.out);
    ck_assert_str_eq(text, "r probe+0x1 01\nw probe+0x2 beef\n");
    free(text);
    bus_free(&bus);
}
END_TEST

/* ---- memory ---- */

struct seen {
    u32 page, off, len;
    int wrote, cleaned;
};
static void on_wrote(void *arg, u32 page, u32 off, u32 len)
{
    struct seen *s = arg;

    s->page = page, s->off = off, s->len = len;
    s->wrote++;
}
static void on_cleaned(void *arg, u32 page)
{
    ((struct seen *)arg)->page = page;
    ((struct seen *)arg)->cleaned++;
}

START_TEST(ram_dirty_and_code)
{
    struct seen seen = {0};
    struct ram_space space = {.wrote = on_wrote, .cleaned = on_cleaned, .arg = &seen};
    struct ram a, b;
    struct err err;

    ck_assert(ram_init(&a, &space, 3 * PAGE_SIZE, &err));
    ck_assert(ram_init(&b, &space, 100, &err)); /* rounded up */
    ck_assert_uint_eq(b.size, PAGE_SIZE);
    ck_assert_uint_eq(b.page0, 3);
    ck_assert_uint_eq(space.npages, 4);
    for (u64 i = 0; i < a.size; i++)
        ck_assert_uint_eq(a.host[i], 0);
    ck_assert(!ram_test_clear_dirty(&a, 1, DIRTY_DISPLAY));
    ram_wrote(&a, PAGE_SIZE - 1, 2);
    ck_assert(ram_test_clear_dirty(&a, 0, DIRTY_DISPLAY));
    ck_assert_int_eq(seen.cleaned, 1);
    ck_assert(!ram_test_clear_dirty(&a, 0, DIRTY_DISPLAY));
    ck_assert(ram_test_clear_dirty(&a, 0, DIRTY_SNAP)); /* clients do not disturb each other */
    ck_assert(ram_test_clear_dirty(&a, 1, DIRTY_DISPLAY));
    ck_assert(!ram_test_clear_dirty(&a, 2, DIRTY_DISPLAY));
    ck_assert(!ram_test_clear_dirty(&a, 99, DIRTY_DISPLAY));
    ck_assert_int_eq(seen.wrote, 0);

    space.code_lines[3] = BIT64(1) | BIT64(63);
    ram_wrote(&b, 0, 64);
    ck_assert_int_eq(seen.wrote, 0);
    ram_wrote(&b, 63, 2);
    ck_assert_int_eq(seen.wrote, 1);
    ck_assert_uint_eq(seen.page, 3);
    ck_assert_uint_eq(seen.off, 63);
    ck_assert_uint_eq(seen.len, 2);
    ram_wrote(&b, 128, 63 * 64 - 128);
    ck_assert_int_eq(seen.wrote, 1);
    ram_wrote(&b, 4095, 1000);
    ck_assert_int_eq(seen.wrote, 2);
    ck_assert_uint_eq(seen.len, 1);
    ram_wrote(&b, ~0ull, ~0ull); /* nothing there */
    ram_free(&a);
    ram_free(&b);
    ram_space_free(&space);
}
END_TEST

START_TEST(ram_refuses_nonsense)
{
    struct ram_space space = {0};
    struct ram ram;
    struct err err;

    ck_assert(!ram_init(&ram, &space, 0, &err));
    ck_assert(!ram_init(&ram, &space, ~0ull, &err));
    ck_assert_int_gt((int)strlen(err.msg), 10);
    ck_assert_ptr_null(ram.host);
    ram_free(&ram);
    ram_space_free(&space);
}
END_TEST

START_TEST(ram_guards)
{
    struct ram_space space = {0};
    struct ram ram;
    struct err err;

    ck_assert(ram_init(&ram, &space, PAGE_SIZE, &err));
    signal(SIGSEGV, SIG_DFL); /* a sanitizer would turn it into an exit */
    ((volatile u8 *)ram.host)[_i ? -1 : (long)ram.size] = 1; /* must not survive this */
    ram_free(&ram);
}
END_TEST

START_TEST(ram_on_the_bus)
{
    struct seen seen = {0};
    struct ram_space space = {.wrote = on_wrote, .arg = &seen};
    struct ram ram, rom;
    struct probe p = {0};
    struct bus bus;
    struct err err;
    struct region low, over, dev = dev_region(0x3000, 0x1000, &ops_1_4, &p, 1);
    u8 buf[0x3000];

    ck_assert(ram_init(&ram, &space, 0x4000, &err));
    ck_assert(ram_init(&rom, &space, 0x1000, &err));
    memset(rom.host, 0x5a, 0x1000);
    low = (struct region){.name = "ram", .size = 0x4000, .ram = &ram};
    over = (struct region){
        .name = "rom", .base = 0x1000, .size = 0x1000, .ram = &rom, .dirs = REGION_READ, .prio = 1};
    bus_init(&bus, "mem", 0x100000, NULL);
    bus_map(&bus, &low);
    bus_map(&bus, &over);
    bus_map(&bus, &dev);

    bus_write(&bus, 0xffe, 0x11223344, 4);
    ck_assert_uint_eq(bus_read(&bus, 0xffe, 4), 0x5a5a3344); /* the ROM answers reads ... */
    ck_assert_uint_eq(ld16(ram.host + 0x1000), 0x1122); /* ... and writes go to what is below */
    ck_assert(ram_test_clear_dirty(&ram, 0, DIRTY_SNAP));
    ck_assert(ram_test_clear_dirty(&ram, 1, DIRTY_SNAP));
    ck_assert_uint_eq(bus_read(&bus, 0x2ffd, 8), 0x0403020100000000ull);

    /* DMA: RAM and ROM, never registers */
    p.n = 0;
    bus_copy(&bus, 0x1800, buf, sizeof(buf), false);
    ck_assert_int_eq(p.n, 0);
    ck_assert_uint_eq(buf[0], 0x5a);
    ck_assert_uint_eq(buf[0x7ff], 0x5a);
    ck_assert_uint_eq(buf[0x800], 0);
    ck_assert_uint_eq(buf[0x1800], 0xff);
    ck_assert_uint_eq(buf[0x2fff], 0xff);
    space.code_lines[2] = ~0ull;
    memset(buf, 0x77, sizeof(buf));
    bus_copy(&bus, 0x2ffe, buf, sizeof(buf), true);
    ck_assert_int_eq(p.n, 0);
    ck_assert_uint_eq(ram.host[0x2fff], 0x77);
    ck_assert_uint_eq(ram.host[0x3000], 0);
    ck_assert_int_eq(seen.wrote, 1);
    ck_assert_uint_eq(seen.off, 0xffe);
    bus_copy(&bus, ~0ull - 4, buf, 16, false); /* over the end of everything */
    bus_free(&bus);
    ram_free(&ram);
    ram_free(&rom);
    ram_space_free(&space);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bus");
    TCase *tc = tcase_create("bus");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, unmapped_reads_ones);
    tcase_add_test(tc, priorities_flatten);
    tcase_add_test(tc, flatten_against_a_model);
    tcase_add_test(tc, batch_rebuilds_once);
    tcase_add_test(tc, splitting);
    tcase_add_test(tc, splitting_to_bytes_and_widening);
    tcase_add_test(tc, wide_access_across_regions);
    tcase_add_test(tc, handler_may_unmap);
    tcase_add_test(tc, handlers_cannot_recurse_for_ever);
    tcase_add_test(tc, missing_handlers);
    tcase_add_test(tc, trace_names_the_region);
    tcase_add_test(tc, ram_dirty_and_code);
    tcase_add_test(tc, ram_refuses_nonsense);
    tcase_add_loop_test_raise_signal(tc, ram_guards, SIGSEGV, 0, 2);
    tcase_add_test(tc, ram_on_the_bus);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
