/* String instructions, single and repeated, in exec and in translated code side by side: short
 * counts around page ends, missing and read-only pages, overlaps, both directions, all sizes (SDM
 * vol. 2 "REP"). REP_TRIALS=n makes n of each kind. */
#include "tests/insn/suite.h"

enum { AREA = 0x200000, AREA_PAGES = 8, TRIALS = 300 };

static struct machine *m[2];
static u64 seed;

static u32 trials(void)
{
    const char *asked = getenv("REP_TRIALS");
    return asked ? (u32)strtoul(asked, NULL, 0) : TRIALS;
}

static u32 rnd_below(u32 n)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(seed >> 33) % n;
}

/* [66] [F2|F3] opcode, and a jump to itself. */
static void write_code(struct machine *x, unsigned op, unsigned size, unsigned rep)
{
    u8 code[8];
    unsigned n = 0;
    if (size == 2)
        code[n++] = 0x66;
    if (rep)
        code[n++] = (u8)rep;
    code[n++] = (u8)(size == 1 ? op : op + 1);
    code[n++] = 0xeb;
    code[n++] = 0xfe;
    machine_load(x, AT_CODE, code, n);
}

/* A place somewhere in the area, mostly near a page's end. */
static u32 place(void)
{
    u32 page = AREA + rnd_below(AREA_PAGES) * PAGE_SIZE;
    return rnd_below(3) ? page + PAGE_SIZE - 40 + rnd_below(80) : page + rnd_below(PAGE_SIZE);
}

static void regs(u64 gpr[8], unsigned size)
{
    gpr[REG_CX] = rnd_below(8) ? rnd_below(100) : rnd_below(3000);
    gpr[REG_SI] = place();
    gpr[REG_DI] = rnd_below(2) ? place() : (u32)gpr[REG_SI] + rnd_below(200) - 100;
    gpr[REG_AX] = rnd_below(2) ? 0x61616161 : rnd_below(0x7fffffff);
    if (rnd_below(4) == 0)
        gpr[REG_DI] &= ~(u64)(size - 1), gpr[REG_SI] &= ~(u64)(size - 1);
}

static void equal(unsigned op, unsigned size, unsigned rep, unsigned trial)
{
    for (unsigned r = 0; r < 8; r++)
        ck_assert_msg(m[0]->cpu->gpr[r] == m[1]->cpu->gpr[r],
                      "op %02x size %u rep %02x trial %u: register %u is %llx and %llx", op, size,
                      rep, trial, r, (unsigned long long)m[0]->cpu->gpr[r],
                      (unsigned long long)m[1]->cpu->gpr[r]);
    ck_assert_uint_eq(cpu_eflags(m[0]->cpu), cpu_eflags(m[1]->cpu));
    ck_assert_int_eq(machine_vector(m[0]), machine_vector(m[1]));
    ck_assert_uint_eq(m[0]->cpu->cr2, m[1]->cpu->cr2);
    ck_assert_uint_eq(m[0]->cpu->icount, m[1]->cpu->icount);
    ck_assert_msg(!memcmp(machine_mem(m[0], AREA), machine_mem(m[1], AREA), AREA_PAGES * PAGE_SIZE),
                  "op %02x size %u rep %02x trial %u: memory differs", op, size, rep, trial);
}

static void world(struct machine *x, unsigned cpl)
{
    machine_protected(x, cpl, AT_CODE);
    machine_paging(x);
    machine_page(x, AREA + 2 * PAGE_SIZE, 0);
    machine_page(x, AREA + 5 * PAGE_SIZE, (AREA + 5 * PAGE_SIZE) | 5);
    x->cpu->cr0 |= CR0_WP;
    x->cpu->cr2 = 0;
    cpu_update_mode(x->cpu);
}

static void memory(struct machine *x, const u64 *gpr, bool same, unsigned trial)
{
    u8 *p = machine_mem(x, AREA);
    if (trial % 8 == 0)
        for (u32 i = 0; i < AREA_PAGES * PAGE_SIZE; i++)
            p[i] = same ? 0x61 : (u8)(i * 7 + i / 251);
    p[((u32)gpr[REG_SI] + 20) % (AREA_PAGES * PAGE_SIZE)] ^= (u8)trial;
}

/* The machines keep their translations and what they know of pages from trial to trial, unless one
 * faulted. They stop in the middle of what takes several instructions, too. */
static void one_operation(unsigned op, unsigned size, unsigned rep, unsigned cpl)
{
    for (unsigned k = 0; k < 2; k++) {
        world(m[k], cpl);
        write_code(m[k], op, size, rep);
    }
    for (unsigned t = 0, n = trials(); t < n; t++) {
        u64 gpr[8] = {0};
        u32 flags = rnd_below(0x800) & F_ALL, df = rnd_below(5) ? 0 : FL_DF, few = rnd_below(4);
        bool same = rnd_below(2);
        regs(gpr, size);
        for (unsigned k = 0; k < 2; k++) {
            struct cpu *cpu = m[k]->cpu;
            if (machine_vector(m[k]) >= 0)
                world(m[k], cpl);
            memory(m[k], gpr, same, t);
            for (unsigned r = 0; r < 8; r++)
                if (r != REG_SP)
                    cpu->gpr[r] = gpr[r];
            cpu->rip = AT_CODE;
            cpu_set_eflags(cpu, FL_ONE | flags | df);
            machine_run(m[k], few);
        }
        equal(op, size, rep, t);
        for (unsigned k = 0; k < 2; k++)
            machine_run(m[k], 80);
        equal(op, size, rep, t);
    }
}

/* The engine under test against exec. */
START_TEST(like_exec)
{
    static const u8 ops[] = {0xa4, 0xaa, 0xac, 0xa6, 0xae}, reps[] = {0, 0xf3, 0xf2};
    seed = (u64)_i + 77;
    m[0] = machine_new("max", ENGINE_EXEC);
    m[1] = machine_new("max", _i);
    for (unsigned cpl = 0; cpl <= 3; cpl += 3)
        for (unsigned o = 0; o < ARRAY_LEN(ops); o++)
            for (unsigned size = 1; size <= 4; size *= 2)
                for (unsigned r = 0; r < ARRAY_LEN(reps); r++)
                    one_operation(ops[o], size, reps[r], cpl);
    machine_free(m[0]);
    machine_free(m[1]);
}
END_TEST

SUITE_MAIN("repshort", like_exec)
