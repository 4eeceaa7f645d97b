/* The soft-MMU alone, over a bus with one memory: walks, rights, A/D bits, global pages, INVLPG,
 * page crossings, and what protecting a page must not change (SDM vol. 3 ch. 4). */
#include "mmu/mmu.h"
#include "mmu/watch.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, G = 0x100 };
enum { PD = 0x1000, PT = 0x2000, DATA = 0x10000 };
static const u32 PG_WP = 0x80010001u;

struct rig {
    struct bus mem;
    struct ram_space space;
    struct ram ram;
    struct region region;
    struct mmu mmu;
};

static struct rig *rig_new(u32 cr4)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct mmu_mode mode = {.cr3 = PD, .cr0 = PG_WP, .cr4 = cr4};

    ck_assert_ptr_nonnull(r);
    bus_init(&r->mem, "memory", BIT64(32), NULL);
    ck_assert(ram_init(&r->ram, &r->space, 1 * MIB, NULL));
    r->region = (struct region){.name = "ram", .size = 1 * MIB, .ram = &r->ram};
    bus_map(&r->mem, &r->region);
    mmu_init(&r->mmu, &r->mem, &r->space, NULL);
    st32(r->ram.host + PD, PT | P | W | U);
    ck_assert(mmu_set_mode(&r->mmu, &mode, true));
    return r;
}

static void rig_free(struct rig *r)
{
    mmu_free(&r->mmu);
    bus_free(&r->mem);
    ram_free(&r->ram);
    ram_space_free(&r->space);
    free(r);
}

static void map(struct rig *r, u32 la, u32 pa, u32 bits)
{
    st32(r->ram.host + PT + (la >> 12) * 4, pa | bits);
}

static u32 pte(const struct rig *r, u32 la)
{
    return ld32(r->ram.host + PT + (la >> 12) * 4);
}

static bool write8(struct rig *r, int m, u32 la, u32 *error)
{
    struct mmu_fault fault = {0};
    bool ok = mmu_write(&r->mmu, m, la, 1, 0x5a, &fault);

    *error = ok ? ~0u : fault.error;
    return ok;
}

START_TEST(rights_and_bits)
{
    struct rig *r = rig_new(0);
    struct mmu_fault fault;
    u64 v;
    u32 error;

    map(r, 0x4000, DATA, P | U);
    ck_assert(mmu_read(&r->mmu, MMU_USER, 0x4000, 4, &v, &fault));
    ck_assert_uint_eq(pte(r, 0x4000) & (A | D), A);
    ck_assert(!write8(r, MMU_USER, 0x4001, &error));
    ck_assert_uint_eq(error, 7);
    ck_assert(!write8(r, MMU_SUP, 0x4001, &error));
    ck_assert_uint_eq(error, 3);
    ck_assert_uint_eq(pte(r, 0x4000) & D, 0);
    map(r, 0x5000, DATA, P | W);
    ck_assert(!write8(r, MMU_USER, 0x5000, &error));
    ck_assert_uint_eq(error, 7);
    ck_assert(write8(r, MMU_SUP, 0x5000, &error));
    ck_assert_uint_eq(pte(r, 0x5000) & (A | D), A | D);
    ck_assert(!write8(r, MMU_SUP, 0x6000, &error));
    ck_assert_uint_eq(error, 2);
    rig_free(r);
}
END_TEST

static bool no_code(void *arg, u32 page, u32 off, u32 len, u32 *lo, u32 *hi)
{
    *lo = 10;
    ++*(unsigned *)arg;
    return off < 10;
}

/* A store beside code goes ahead plainly, and is still seen by who watches the page. */
START_TEST(dirty_beside_code)
{
    struct rig *r = rig_new(0);
    struct mmu_fault fault;
    unsigned asked = 0;
    u32 error, index = DATA >> 12, page = r->ram.page0 + index;

    r->space.covered = no_code;
    r->space.arg = &asked;
    map(r, 0x4000, DATA, P | W | U);
    ck_assert(write8(r, MMU_USER, 0x4000, &error));
    mmu_protect_page(&r->mmu, page);
    ram_code_added(&r->space, page, 1);
    for (int i = 0; i < 3; i++) {
        r->ram.dirty[index] = 0;
        mmu_protect_page(&r->mmu, page);
        ck_assert_int_eq(mmu_prepare(&r->mmu, MMU_USER, 0x4010, 4, TLB_WR, &fault), MMU_PLAIN);
        ck_assert_int_eq(r->ram.dirty[index], DIRTY_ALL);
        ck_assert_int_eq(mmu_prepare(&r->mmu, MMU_USER, 0x400c, 4, TLB_WR, &fault), MMU_PLAIN);
    }
    ck_assert_uint_eq(asked, 1); /* the rest was known */
    ck_assert_int_eq(mmu_prepare(&r->mmu, MMU_USER, 0x4008, 4, TLB_WR, &fault), MMU_SPECIAL);
    ram_code_added(&r->space, page, 1);
    ck_assert_int_eq(mmu_prepare(&r->mmu, MMU_USER, 0x4010, 4, TLB_WR, &fault), MMU_PLAIN);
    ck_assert_uint_eq(asked, 3); /* new code on the page: asked again */
    rig_free(r);
}
END_TEST

/* Links between code know of INVLPG only when it can be about code. */
START_TEST(invalidating_code)
{
    struct rig *r = rig_new(0);
    struct mmu_fault fault;
    u32 error, len, page, gen;

    map(r, 0x4000, DATA, P | W | U);
    ck_assert(write8(r, MMU_SUP, 0x4000, &error));
    gen = r->mmu.gen;
    mmu_invlpg(&r->mmu, 0x4000);
    ck_assert_uint_eq(r->mmu.gen, gen);
    ck_assert_ptr_nonnull(mmu_fetch(&r->mmu, MMU_SUP, 0x4000, &len, &page, &fault));
    mmu_invlpg(&r->mmu, 0x4000);
    ck_assert_uint_eq(r->mmu.gen, gen + 1);
    /* Another translation in the same entry: code may still be linked through the first. */
    ck_assert_ptr_nonnull(mmu_fetch(&r->mmu, MMU_SUP, 0x4000, &len, &page, &fault));
    ck_assert(write8(r, MMU_SUP, 0x4000, &error));
    mmu_invlpg(&r->mmu, 0x4000);
    ck_assert_uint_eq(r->mmu.gen, gen + 2);
    mmu_flush(&r->mmu, false);
    ck_assert(write8(r, MMU_SUP, 0x4000, &error));
    gen = r->mmu.gen;
    mmu_invlpg(&r->mmu, 0x4000);
    ck_assert_uint_eq(r->mmu.gen, gen);
    rig_free(r);
}
END_TEST

START_TEST(protecting_keeps_the_translation)
{
    struct rig *r = rig_new(0);
    u32 error, page = r->ram.page0 + (DATA >> 12);

    map(r, 0x4000, DATA, P | W | U);
    ck_assert(write8(r, MMU_USER, 0x4000, &error));
    /* The tables go away, but the TLB may still be used: what translation of code does to the page
     * must not be seen by the guest. */
    memset(r->ram.host + PT, 0, PAGE_SIZE);
    r->space.code_lines[page] = 1;
    mmu_protect_page(&r->mmu, page);
    ck_assert(!tlb_hit(r->mmu.tlb[MMU_USER].e[tlb_index(0x4000)].wr, 0x4000, 1));
    ck_assert(write8(r, MMU_USER, 0x4100, &error));
    ck_assert_uint_eq(r->ram.host[DATA + 0x100], 0x5a);
    r->space.code_lines[page] = 0;
    ck_assert(write8(r, MMU_USER, 0x4200, &error));
    /* Without code the fast path is back. */
    ck_assert(tlb_hit(r->mmu.tlb[MMU_USER].e[tlb_index(0x4000)].wr, 0x4000, 1));
    mmu_flush(&r->mmu, true);
    ck_assert(!write8(r, MMU_USER, 0x4200, &error));
    rig_free(r);
}
END_TEST

START_TEST(global_pages_and_invlpg)
{
    struct rig *r = rig_new(0x80);
    struct mmu_mode mode = r->mmu.mode;
    u32 error, gen;

    map(r, 0x4000, DATA, P | W | G);
    map(r, 0x5000, DATA, P | W);
    ck_assert(write8(r, MMU_SUP, 0x4000, &error) && write8(r, MMU_SUP, 0x5000, &error));
    memset(r->ram.host + PT, 0, PAGE_SIZE);
    gen = r->mmu.gen_global;
    ck_assert(mmu_set_mode(&r->mmu, &mode, true));
    ck_assert(write8(r, MMU_SUP, 0x4000, &error));
    ck_assert(!write8(r, MMU_SUP, 0x5000, &error));
    ck_assert_uint_eq(r->mmu.gen_global, gen);
    mmu_invlpg(&r->mmu, 0x4000);
    ck_assert(!write8(r, MMU_SUP, 0x4000, &error));
    ck_assert_uint_ne(r->mmu.gen_global, gen);
    rig_free(r);
}
END_TEST

START_TEST(crossing_is_all_or_nothing)
{
    struct rig *r = rig_new(0);
    struct mmu_fault fault;
    u64 v;

    map(r, 0x4000, DATA, P | W);
    map(r, 0x6000, DATA + 0x2000, P | W);
    ck_assert(!mmu_write(&r->mmu, MMU_SUP, 0x4ffe, 4, 0x11223344, &fault));
    ck_assert_uint_eq(fault.addr, 0x5000);
    ck_assert_uint_eq(ld32(r->ram.host + DATA + 0xffc), 0);
    map(r, 0x5000, DATA + 0x4000, P | W);
    ck_assert(mmu_write(&r->mmu, MMU_SUP, 0x4ffe, 4, 0x11223344, &fault));
    ck_assert_uint_eq(ld16(r->ram.host + DATA + 0xffe), 0x3344);
    ck_assert_uint_eq(ld16(r->ram.host + DATA + 0x4000), 0x1122);
    ck_assert(mmu_read(&r->mmu, MMU_SUP, 0x4ffd, 8, &v, &fault));
    ck_assert_uint_eq(v, 0x11223344ull << 8);
    rig_free(r);
}
END_TEST

static void touch(struct rig *r, u64 la)
{
    struct mmu_fault fault;
    u64 v;

    ck_assert(mmu_read(&r->mmu, MMU_SUP, la, 1, &v, &fault));
}

/* What translated code reads without paging: open where memory was found, closed by whatever makes linear
 * addresses something else, or asks to see accesses. */
START_TEST(raw_windows)
{
    struct rig *r = rig_new(0);
    struct mmu_mode paged = r->mmu.mode, plain = {.cr0 = 1};
    const struct mmu_raw *raw = r->mmu.raw;
    struct region hole = {.name = "hole", .base = 0x80000, .size = 0x1000, .prio = 1}, high;
    struct ram more = {0};
    struct mmu_watch watch = {.first = 0x3000, .last = 0x3000, .what = WATCH_READ};
    u64 v;
    struct mmu_fault fault;

    map(r, 0x4000, DATA, P | W);
    touch(r, 0x4000);
    ck_assert_uint_eq(raw[0].size, 0);
    ck_assert_uint_ne(raw[0].base, 0);
    ck_assert(mmu_set_mode(&r->mmu, &plain, false));
    touch(r, 0x4000);
    /* Up to the screen's memory, although the memory goes on; what begins last ends in front of it. */
    ck_assert_uint_eq(raw[0].size, 0xa0000 - MMU_RAW_SPAN);
    ck_assert_ptr_eq((u8 *)(uintptr_t)(raw[0].base + 0x4000), r->ram.host + 0x4000);
    ck_assert_uint_eq(raw[1].size, 0);

    /* Memory above 1 MiB, by another address of its own. */
    ck_assert(ram_init(&more, &r->space, 2 * MIB, NULL));
    high = (struct region){.name = "high", .base = MMU_RAW_HIGH, .size = 1 * MIB, .ram = &more, .ram_off = 1 * MIB};
    bus_map(&r->mem, &high);
    mmu_flush(&r->mmu, true);
    ck_assert_uint_eq(raw[0].size, 0);
    touch(r, MMU_RAW_HIGH + 0x5000);
    ck_assert_uint_eq(raw[1].size, 1 * MIB - MMU_RAW_SPAN);
    ck_assert_ptr_eq((u8 *)(uintptr_t)(raw[1].base + MMU_RAW_HIGH), more.host + 1 * MIB);
    ck_assert_uint_eq(raw[0].size, 0);

    /* Not beyond what something else answers, and not from behind it. */
    bus_map(&r->mem, &hole);
    mmu_flush(&r->mmu, true);
    touch(r, 0x90000);
    ck_assert_uint_eq(raw[0].size, 0);
    touch(r, 0x1000);
    ck_assert_uint_eq(raw[0].size, 0x80000 - MMU_RAW_SPAN);

    mmu_set_a20(&r->mmu, false);
    ck_assert_uint_eq(raw[0].size, 0);
    touch(r, 0x1000);
    ck_assert_uint_eq(raw[0].size, 0);
    mmu_set_a20(&r->mmu, true);
    touch(r, 0x1000);
    ck_assert_uint_ne(raw[0].size, 0);

    mmu_watch(&r->mmu, &watch, 1, NULL, NULL);
    ck_assert_uint_eq(raw[0].size, 0);
    touch(r, 0x2000);
    ck_assert_uint_eq(raw[0].size, 0);
    mmu_watch(&r->mmu, NULL, 0, NULL, NULL);
    touch(r, 0x5000);
    ck_assert_uint_ne(raw[0].size, 0);

    ck_assert(mmu_set_mode(&r->mmu, &paged, false));
    ck_assert_uint_eq(raw[0].size, 0);
    ck_assert(mmu_read(&r->mmu, MMU_SUP, 0x4000, 1, &v, &fault));
    ck_assert_uint_eq(raw[0].size, 0);
    ram_free(&more);
    rig_free(r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mmu");
    TCase *tc = tcase_create("mmu");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, rights_and_bits);
    tcase_add_test(tc, dirty_beside_code);
    tcase_add_test(tc, invalidating_code);
    tcase_add_test(tc, protecting_keeps_the_translation);
    tcase_add_test(tc, global_pages_and_invlpg);
    tcase_add_test(tc, crossing_is_all_or_nothing);
    tcase_add_test(tc, raw_windows);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
