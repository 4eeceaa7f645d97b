/* Snapshots of a small machine: there and back, every kind of damage refused with a sentence and
 * without a trace, and states that are sealed but make no sense survived. SNAP_ROUNDS in the
 * environment sets how many of those. */
#include "frontend/state/verify.h"
#include "tests/state/machine.h"

#include <check.h>

enum { ROUNDS = 1500 };

static struct small s;
static u64 seed = 7;

static u32 rnd(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(seed >> 32);
}

static void setup(void)
{
    struct err err = {""};

    ck_assert_msg(small_open(&s, NULL, &err), "%s", err.msg);
    ck_assert(vm_run_to(s.vm, 5000));
}

static void teardown(void)
{
    small_close(&s);
}

static void save_as(struct state_mem *m, enum sf_pack pack)
{
    struct err err = {""};

    state_mem_init(m);
    ck_assert_msg(vm_state_save(s.vm, &m->io, pack, &err), "%s", err.msg);
}

static void save(struct state_mem *m)
{
    save_as(m, sf_best_pack());
}

static bool load(const u8 *data, size_t n, struct err *err)
{
    struct state_mem m;

    state_mem_view(&m, data, n);
    return vm_state_load(s.vm, &m.io, err);
}

static void same(const struct state_mem *a, const char *what)
{
    struct state_mem b;

    save(&b);
    ck_assert_msg(a->io.size == b.io.size && !memcmp(a->data, b.data, a->io.size), "%s", what);
    state_mem_free(&b);
}

START_TEST(there_and_back)
{
    struct state_mem a, later;
    struct err err = {""};

    for (int i = 0; i < 50; i++) {
        save(&a);
        ck_assert(vm_run_to(s.vm, cpu_icount(vm_cpu(s.vm)) + 1 + rnd() % 3000));
        save(&later);
        ck_assert_msg(load(a.data, a.io.size, &err), "%s", err.msg);
        same(&a, "what is loaded is not what was saved");
        /* The way is the same again. */
        ck_assert(vm_run_to(s.vm, ld64(later.data + H_ICOUNT)));
        same(&later, "the machine went another way after loading");
        state_mem_free(&a);
        state_mem_free(&later);
    }
}
END_TEST

START_TEST(damage_is_refused)
{
    struct state_mem a;
    u32 step;

    save(&a);
    step = (u32)a.io.size / 4000 + 1;
    for (u64 at = rnd() % step; at < a.io.size; at += step) {
        struct err err = {""};
        u8 bit = (u8)BIT(rnd() & 7);

        a.data[at] ^= bit;
        ck_assert_msg(!load(a.data, a.io.size, &err), "a flipped bit in byte %llu is not seen",
                      (unsigned long long)at);
        ck_assert_msg(err.msg[0], "no sentence for byte %llu", (unsigned long long)at);
        a.data[at] ^= bit;
    }
    same(&a, "a refused snapshot left a trace");
    for (u64 n = 0; n < a.io.size; n += 1 + n / 50) {
        struct err err = {""};

        ck_assert_msg(!load(a.data, n, &err) && err.msg[0], "%llu bytes are enough",
                      (unsigned long long)n);
    }
    same(&a, "a cut snapshot left a trace");
    state_mem_free(&a);
}
END_TEST

/* Does this byte of a file that can be mapped lie where nothing is: between a table and its memory, or
 * in a chunk that is not there? */
static bool in_nothing(const struct state_mem *a, u64 byte)
{
    for (u64 at = SF_HEADER; at < a->io.size - SF_TRAILER;) {
        const u8 *h = a->data + at, *p = h + SF_SECTION;
        u64 len = ld64(h + S_LENGTH), in = byte - at - SF_SECTION, data = ld64(p + P_DATA);

        if (ld32(h + S_FLAGS) == SF_PAGES && byte >= at + SF_SECTION && in < len) {
            if (in < data)
                return in >= SF_PAGES_HEAD + (u64)ld32(p + P_COUNT) * P_ENTRY;
            return !ld32(p + SF_PAGES_HEAD + (in - data) / SF_PAGES_CHUNK * P_ENTRY);
        }
        at += SF_SECTION + len;
    }
    return false;
}

START_TEST(mapped_memory_is_checked)
{
    const bool never = false;
    struct state_mem a, view;
    struct err err = {""};
    u32 nothing = 0, seen = 0;

    save_as(&a, SF_PACK_PAGES);
    state_mem_view(&view, a.data, a.io.size);
    ck_assert_msg(verify_all(&view.io, &never, &err), "%s", err.msg);
    for (u64 at = 0; at < a.io.size; at += 1 + rnd() % 700) {
        u8 bit = (u8)BIT(rnd() & 7);
        bool ok;

        a.data[at] ^= bit;
        ok = load(a.data, a.io.size, &err);
        if (in_nothing(&a, at)) {
            ck_assert_msg(ok, "byte %llu: %s", (unsigned long long)at, err.msg);
            nothing++;
        } else {
            ck_assert_msg(!ok, "a flipped bit in byte %llu is not seen", (unsigned long long)at);
            seen++;
        }
        a.data[at] ^= bit;
    }
    ck_assert_uint_gt(nothing, 10);
    ck_assert_uint_gt(seen, 10);
    ck_assert(load(a.data, a.io.size, &err));
    state_mem_free(&a);
}
END_TEST

static const char *file_name(void)
{
    static char name[64];

    snprintf(name, sizeof(name), "/tmp/snapshot-%ld", (long)getpid());
    return name;
}

/* A machine whose memory lies in the file goes the way of one that has read it, is saved like it, and
 * takes other memory in. */
START_TEST(mapped_and_on)
{
    struct state_mem a, end;
    struct err err = {""};

    save(&a);
    ck_assert_msg(vm_state_save_file(s.vm, file_name(), SF_PACK_PAGES, &err), "%s", err.msg);
    ck_assert(vm_run_to(s.vm, cpu_icount(vm_cpu(s.vm)) + 20000));
    save(&end);
    for (int i = 0; i < 3; i++) {
        ck_assert_msg(vm_state_map_file(s.vm, file_name(), &err), "%s", err.msg);
        ck_assert(s.vm->pc->low.pieces);
        same(&a, "what is mapped is not what was saved");
        ck_assert(vm_run_to(s.vm, ld64(end.data + H_ICOUNT)));
        same(&end, "the machine went another way with mapped memory");
        if (i == 1) {
            ck_assert_msg(load(a.data, a.io.size, &err), "%s", err.msg);
            same(&a, "what is loaded over mapped memory is not what was saved");
        }
    }
    /* What is given back is zero, not what the file has. */
    ck_assert_msg(vm_state_map_file(s.vm, file_name(), &err), "%s", err.msg);
    ck_assert_uint_ne(ld16(s.vm->pc->low.host + 0x500), 0);
    ram_discard(&s.vm->pc->low, 0, 8192);
    ck_assert_uint_eq(ld16(s.vm->pc->low.host + 0x500), 0);
    unlink(file_name());
    state_mem_free(&a);
    state_mem_free(&end);
}
END_TEST

/* Damage behind the machine's back ends it. */
START_TEST(mapped_damage_ends_it)
{
    struct err err = {""};
    struct sf_reader r;
    struct sf_pages p;
    struct state_file f;
    u32 chunk = 0;
    FILE *out;

    ck_assert_msg(vm_state_save_file(s.vm, file_name(), SF_PACK_PAGES, &err), "%s", err.msg);
    ck_assert(state_file_open(&f, file_name(), &err) && sf_open(&r, &f.io, &err));
    ck_assert(sf_pages_open(&p, &r, sf_find(&r, "ram", "0"), s.vm->pc->low.size, &err));
    while (!sf_pages_there(&p, chunk))
        chunk++;
    out = fopen(file_name(), "r+b");
    fseek(out, (long)(p.at + (u64)chunk * SF_PAGES_CHUNK + 0x700), SEEK_SET);
    fputc(1, out);
    fclose(out);
    sf_pages_close(&p);
    sf_close(&r);
    state_file_close(&f);
    ck_assert(!vm_state_load_file(s.vm, file_name(), &err));
    ck_assert_msg(vm_state_map_file(s.vm, file_name(), &err), "%s", err.msg);
    for (int i = 0; i < 1000 && !s.vm->quit; i++) {
        usleep(1000);
        vm_run_to(s.vm, cpu_icount(vm_cpu(s.vm)) + 100);
    }
    ck_assert(s.vm->quit);
    ck_assert_int_eq(s.vm->status, 1);
    unlink(file_name());
}
END_TEST

static void expect(const u8 *data, size_t n, const char *part)
{
    struct err err = {""};

    ck_assert_msg(!load(data, n, &err), "taken: %s", part);
    ck_assert_msg(strstr(err.msg, part) != NULL, "'%s' does not name %s", err.msg, part);
}

/* The section called so. */
static u8 *section(const struct state_mem *a, const char *name)
{
    u64 at = SF_HEADER;

    while (strncmp((char *)a->data + at + S_NAME, name, SF_NAME))
        at += SF_SECTION + ld64(a->data + at + S_LENGTH);
    return a->data + at;
}

START_TEST(fields_are_named)
{
    struct state_mem a;
    u8 *b;
    size_t n;
    struct {
        u32 at;
        u8 v;
        const char *part;
    } head[] = {
        {0, 'x', "not a snapshot"},          {H_VERSION, 2, "format version 2"},
        {H_LENGTH, 1, "header's length"},    {H_FEATURES + 3, 0x40, "features"},
        {H_CPU, 0x55, "hash of the config"}, {H_CONFIG, 0x55, "hash of the config"},
        {H_ICOUNT, 1, "instructions"},       {H_MACHINE, 'q', "machine"},
        {H_SECTIONS, 0, "sections"},         {H_SECTIONS + 1, 0x55, "sections"},
    };

    save(&a);
    n = a.io.size;
    b = malloc(n);
    for (unsigned i = 0; i < ARRAY_LEN(head); i++) {
        memcpy(b, a.data, n);
        b[head[i].at] = head[i].v;
        small_seal(b, n);
        expect(b, n, head[i].part);
    }
    memcpy(b, a.data, n);
    memcpy(b + (section(&a, "timers") - a.data) + S_NAME, "timerz", 6);
    small_seal(b, n);
    expect(b, n, "no section 'timers'");
    memcpy(b, a.data, n);
    st32(b + (section(&a, "time") - a.data) + S_VERSION, 9);
    small_seal(b, n);
    expect(b, n, "version 9 of section 'time'");
    memcpy(b, a.data, n);
    b[(section(&a, "config") - a.data) + SF_SECTION + 12] = '7';
    small_seal(b, n);
    expect(b, n, "another machine");
    same(&a, "a refused snapshot left a trace");
    free(b);
    state_mem_free(&a);
}
END_TEST

/* Any bytes of the state changed, all check sums right: refused, or taken by a machine that then
 * runs, whatever it does. */
START_TEST(nonsense_is_survived)
{
    const char *text = getenv("SNAP_ROUNDS");
    long rounds = text ? atol(text) : ROUNDS;
    struct state_mem a;
    unsigned taken = 0, refused = 0;
    u8 *b;

    save(&a);
    b = malloc(a.io.size);
    for (long i = 0; i < rounds; i++) {
        struct err err = {""};

        memcpy(b, a.data, a.io.size);
        for (u32 k = 1 + rnd() % 4; k; k--) {
            u64 at = SF_HEADER;

            /* one of the sections, so that small ones are met as often */
            for (u32 skip = rnd() % ld32(b + H_SECTIONS); skip; skip--)
                at += SF_SECTION + ld64(b + at + S_LENGTH);
            if (ld64(b + at + S_LENGTH))
                b[at + SF_SECTION + rnd() % ld64(b + at + S_LENGTH)] = (u8)(rnd() & 1   ? rnd()
                                                                            : rnd() & 1 ? 0xff
                                                                                        : 0);
        }
        small_seal(b, a.io.size);
        if (load(b, a.io.size, &err)) {
            taken++;
            small_run(&s, 2000);
            ck_assert_msg(load(a.data, a.io.size, &err), "%s", err.msg);
        } else {
            refused++;
            ck_assert(err.msg[0]);
        }
    }
    same(&a, "what was loaded last is not what is there");
    ck_assert_uint_gt(taken, 0);
    ck_assert_uint_gt(refused, 0);
    free(b);
    state_mem_free(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tc = tcase_create("snapshot");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_unchecked_fixture(tc, NULL, NULL);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, there_and_back);
    tcase_add_test(tc, damage_is_refused);
    tcase_add_test(tc, mapped_memory_is_checked);
    tcase_add_test(tc, mapped_and_on);
    tcase_add_test(tc, mapped_damage_ends_it);
    tcase_add_test(tc, fields_are_named);
    tcase_add_test(tc, nonsense_is_survived);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
