/* A program whose translation is several times as large as code memory: regions of it are evicted
 * while blocks of the others stay linked to what was there. Equal state with exec at every look. */
#include "tests/insn/suite.h"
#include "cpu/jit/jit.h"
#include "cpu/sys/ran.h"
#include "devices/core/err.h"

enum { BEGIN = 0x200000, PIECES = 9000, ROUNDS = 6, LEAF_EVERY = 32, WRITE_EVERY = 97 };
enum { SLICES = 40 }; /* between two looks at what ran */

static struct {
    u8 bytes[512 * 1024];
    u32 n;
} code;

static void put(unsigned n, const char *bytes)
{
    memcpy(code.bytes + code.n, bytes, n);
    code.n += n;
}

static void put32(u32 v)
{
    st32(code.bytes + code.n, v);
    code.n += 4;
}

/* Straight pieces with a branch, a store, calls of small functions here and there, and stores into
 * the code of pieces that come later, or came earlier. */
static void make(void)
{
    u64 random = 1;
    u32 leaf = 0, last = 0;
    code.n = 0;
    for (u32 k = 0; k < PIECES; k++) {
        u32 r = (u32)suite_random(&random);
        if (k % LEAF_EVERY == 0) {
            put(2, "\xeb\x03"); /* jmp over it */
            leaf = code.n;
            put(3, "\x01\xc2\xc3"); /* add edx, eax; ret */
        }
        if (k % WRITE_EVERY == 0 && k) {
            put(2, "\x01\x0d"); /* add [a piece's immediate], ecx */
            put32(BEGIN + last);
        }
        put(1, "\x05"); /* add eax, imm */
        if (r % 7 == 0)
            last = code.n;
        put32(r);
        put(5, "\x31\xc3\xc1\xc3\x05"); /* xor ebx, eax; rol ebx, 5 */
        put(2, "\x89\x9f"); /* mov [edi + x], ebx */
        put32(r >> 3 & 0xffc);
        put(6, "\xa8\x11\x74\x02\x31\xda"); /* test al, 11h; jz over; xor edx, ebx */
        if (k % 5 == 0) {
            put(1, "\xe8");
            put32(leaf - (code.n + 4));
        }
    }
    put(3, "\x49\x0f\x85"); /* dec ecx; jnz begin */
    put32(0 - (code.n + 4));
    put(1, "\xf4");
}

static void start(struct machine *m, bool paging)
{
    machine_protected(m, 0, BEGIN);
    if (paging)
        machine_paging(m);
    machine_load(m, BEGIN, code.bytes, code.n);
    m->cpu->gpr[REG_DX] = 0; /* the signature, after reset */
    m->cpu->gpr[REG_CX] = ROUNDS;
    m->cpu->gpr[REG_DI] = AT_DATA;
}

static struct machine *small(int engine)
{
    struct machine *m = machine_new("max", engine);
    struct jit_config config = {.counted = true,
                                .eager = engine != ENGINE_COLD,
                                .passes = ~0u,
                                .hot = 2,
                                .code_size = MIB,
                                .ran = true};
    struct err err = {""};
    if (m->cpu->jit) {
        jit_free(m->cpu);
        ck_assert_msg(jit_new(m->cpu, &config, &err), "%s", err.msg);
    }
    return m;
}

/* What ran between two looks, blocks that are evicted by then included. */
static void begin_ran(struct machine *m, struct ran *ran)
{
    jit_ran(m->cpu);
    ran_empty(ran);
    m->cpu->ran = ran;
    m->cpu->ran_line = ~(u64)0;
}

static void compare_ran(const struct ran *good, const struct ran *ran)
{
    u32 n = 0;
    for (u32 la = BEGIN; la < BEGIN + code.n; la += RAN_LINE) {
        ck_assert_msg(!ran_at(good, la) || ran_at(ran, la), "%x ran", la);
        n += ran_at(ran, la) && !ran_at(good, la) && !ran_at(good, la - RAN_LINE) &&
             !ran_at(good, la - 2 * RAN_LINE);
    }
    ck_assert_uint_lt(n, 40); /* blocks that began and were left */
}

static void compare(int engine, bool paging)
{
    struct ran good_ran = {0}, ran = {0};
    u32 slices = 0;
    struct machine *good = machine_new("max", ENGINE_EXEC), *m = small(engine);
    enum cpu_exit why = CPU_EXIT_BUDGET;
    u64 random = 2;
    make();
    ck_assert_uint_lt(code.n, sizeof(code.bytes));
    start(good, paging);
    start(m, paging);
    begin_ran(good, &good_ran);
    begin_ran(m, &ran);
    while (why == CPU_EXIT_BUDGET) {
        u32 n = 1 + (u32)suite_random(&random) % 5000;
        why = cpu_run(good->cpu, good->engine, n);
        ck_assert_int_eq(cpu_run(m->cpu, m->engine, n), why);
        ck_assert_uint_eq(cpu_icount(m->cpu), cpu_icount(good->cpu));
        ck_assert_uint_eq(cpu_hash(m->cpu), cpu_hash(good->cpu));
        if (++slices % SLICES && why == CPU_EXIT_BUDGET)
            continue; /* until much of what ran is evicted */
        jit_ran(m->cpu);
        compare_ran(&good_ran, &ran);
        begin_ran(good, &good_ran);
        begin_ran(m, &ran);
    }
    ck_assert_int_eq(why, CPU_EXIT_HALT);
    ck_assert_uint_eq(good->cpu->gpr[REG_CX], 0);
    ck_assert(!memcmp(machine_mem(m, AT_DATA), machine_mem(good, AT_DATA), PAGE_SIZE));
    ck_assert(!memcmp(machine_mem(m, BEGIN), machine_mem(good, BEGIN), code.n));
#ifdef CONFIG_TORTURE
    if (engine == ENGINE_COLD) { /* its room is too small for any place to get hot in */
        ck_assert_uint_gt(jit_stats(m->cpu)->cold_drops, 10);
        engine = ENGINE_EXEC;
    }
#endif
#ifdef CONFIG_JIT /* else there is no code memory to be full */
    if (engine >= (int)ENGINE_JIT) {
        ck_assert_uint_gt(jit_stats(m->cpu)->evictions, 10);
        ck_assert_uint_gt(jit_stats(m->cpu)->evicted, PIECES);
        ck_assert_uint_gt(jit_stats(m->cpu)->unlinks, 0);
    }
#endif
    machine_free(good);
    machine_free(m);
    ran_free(&good_ran);
    ran_free(&ran);
}

START_TEST(without_paging)
{
    compare(_i, false);
}
END_TEST

START_TEST(with_paging)
{
    compare(_i, true);
}
END_TEST

SUITE_MAIN("evict", without_paging, with_paging)
