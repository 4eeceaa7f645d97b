/* Monitor commands that look into a machine: page tables in the three forms, sums and files of
 * memory, the local APIC, history. */
#include "devices/core/bits.h"
#include "frontend/monitor/monitor.h"
#include "tests/unit/vm_fixture.h"

#include <check.h>
#include <stdio.h>

static struct vm_fixture fixture;

static void open_vm(void)
{
    struct err err = {""};

    ck_assert_msg(fixture_open(&fixture, (char *[]){"-cpu", "qemu64", NULL}, true, &err), "%s",
                  err.msg);
}

static void close_vm(void)
{
    fixture_close(&fixture);
}

/* What the command prints, until the next one. */
static const char *run(const char *line)
{
    static char *text;
    size_t len;

    free(text);
    text = monitor_capture(fixture.vm, line, &len);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(strlen(text), len);
    return text;
}

static void shows(const char *line, const char *part)
{
    const char *text = run(line);

    ck_assert_msg(strstr(text, part), "%s: no '%s' in:\n%s", line, part, text);
}

static void put32(u64 addr, u32 v)
{
    bus_write(&fixture.vm->pc->mem, addr, v, 4);
}

static void put64(u64 addr, u64 v)
{
    bus_write(&fixture.vm->pc->mem, addr, v, 8);
}

/* Registers as after a guest's own switch; what was translated before is forgotten. */
static void paging(u64 cr3, u64 cr4, u64 efer)
{
    struct cpu *cpu = vm_cpu(fixture.vm);

    cpu->cr3 = cr3;
    cpu->cr4 = cr4;
    cpu->efer = efer;
    cpu->cr0 |= CR0_PG | CR0_PE;
    ck_assert(
        mmu_set_mode(&cpu->mmu, &(struct mmu_mode){cr3, (u32)cpu->cr0, (u32)cr4, (u32)efer}, true));
}

START_TEST(pages_32)
{
    shows("info pg", "Paging is off.");
    shows("gva2gpa 0x1234", "gpa: 0x1234");
    /* 0..16 KiB to itself, then a hole, 32 KiB read-only for the user; 4 MiB at 8 MiB */
    put32(0x10000, 0x11007);
    put32(0x10008, 0x00c00083);
    for (u32 i = 0; i < 4; i++)
        put32(0x11000 + 4 * i, i << 12 | 3);
    for (u32 i = 8; i < 16; i++)
        put32(0x11000 + 4 * i, i << 12 | 0x25);
    paging(0x10000, CR4_PSE, 0);
    shows("info pg", "[00000-003ff] PDE[000]");
    shows("info pg", "  [00000-00003] PTE[000-003]   -------WP- 00000-00003\n");
    shows("info pg", "  [00008-0000f] PTE[008-00f]   ---A--U-P- 00008-0000f\n");
    shows("info pg", "[00800-00bff] PDE[002]       -S-----WP- 00c00-00fff\n");
    shows("info mem", "0000000000008000-0000000000010000 0000000000008000 ur-x");
    shows("gva2gpa 0x2345", "gpa: 0x2345");
    shows("gva2gpa 0x800010", "gpa: 0xc00010");
    shows("gva2gpa 0x400000", "Unmapped");
}
END_TEST

START_TEST(pages_pae)
{
    put64(0x20000 + 24, 0x21001); /* 3 GiB */
    put64(0x21000, 0x22003);
    put64(0x21008, 0x0000000000600083ull);
    put64(0x22000 + 8 * 5, 0x8000000000005007ull);
    paging(0x20000, CR4_PAE, EFER_NXE);
    shows("info pg", "[c0000-fffff] PDPE[003]");
    shows("info pg", "    [c0005-c0005] PTE[005]       ------UWPX 00005-00005\n");
    shows("info pg", "  [c0200-c03ff] PDE[001]       -S-----WP- 00600-007ff\n");
    shows("info mem", "00000000c0005000-00000000c0006000 0000000000001000 -rw-");
    shows("gva2gpa 0xc0200123", "gpa: 0x600123");
}
END_TEST

START_TEST(pages_long)
{
    put64(0x30000 + 8 * 511, 0x31003);
    put64(0x31000 + 8 * 510, 0x32003);
    put64(0x31000 + 8 * 511, 0x0000000000000183ull); /* 1 GiB at 0 */
    put64(0x32000, 0x33003);
    put64(0x33000, 0x4003);
    put64(0x33008, 0x9003); /* does not go on where the one before ends */
    paging(0x30000, CR4_PAE, EFER_LME | EFER_LMA | EFER_NXE);
    shows("info pg", "[ffffff8000000-fffffffffffff] PML4E[1ff]");
    shows("info pg", "  [ffffffff80000-ffffffffbffff] PDPE[1fe]");
    shows("info pg", "      [ffffffff80000-ffffffff80000] PTE[000]       -------WP- 00004-00004\n");
    shows("info pg", "      [ffffffff80001-ffffffff80001] PTE[001]       -------WP- 00009-00009\n");
    shows("info pg", "  [ffffffffc0000-fffffffffffff] PDPE[1ff]      GS-----WP- 00000-3ffff\n");
    shows("info mem", "ffffffffc0000000-0000000000000000 0000000040000000 -rwx");
    shows("gva2gpa 0xffffffff80001004", "gpa: 0x9004");
}
END_TEST

START_TEST(memory)
{
    char buf[8] = "";
    FILE *f;

    put32(0x5000, 0x04030201);
    shows("sum 0x5000 4", "08198"); /* rotations of 1, 2, 3 and 4 added up */
    shows("sum 0x7fffffff000 1", "no memory");
    /* Behind conventional memory come the display's registers and planes, which are not to be read. */
    shows("xp /1gx 0x9fff8", "000000000009fff8: 0x");
    shows("xp /1gx 0x9fffc", "no memory");
    shows("sum 0 0x7fffffffffffffff", "more than there is");
    shows("pmemsave 0x5000 4 /nonexistent/x", "Cannot write");
    ck_assert_str_eq(run("pmemsave 0x5000 4 /tmp/test_monitor.mem"), "");
    f = fopen("/tmp/test_monitor.mem", "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fread(buf, 1, 8, f), 4);
    ck_assert_uint_eq(ld32(buf), 0x04030201);
    fclose(f);
    ck_assert_str_eq(run("memsave 0x5001 2 /tmp/test_monitor.mem"), "");
    f = fopen("/tmp/test_monitor.mem", "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fread(buf, 1, 8, f), 2);
    ck_assert_uint_eq(ld16(buf), 0x0302);
    fclose(f);
    remove("/tmp/test_monitor.mem");
}
END_TEST

START_TEST(others)
{
    shows("info lapic", "local APIC 0 at 0xfee00000");
    shows("info lapic", "ISR      (none)");
    shows("info roms", "size=0x010000 name=");
    shows("info qom-tree", "  /rtc (mc146818)");
    ck_assert_str_eq(run("info history"), "");
    shows("quit", "");
    ck_assert(fixture.vm->quit);
}
END_TEST

START_TEST(no_machine)
{
    struct err err = {""};

    close_vm();
    ck_assert_msg(fixture_open(&fixture, (char *[]){NULL}, false, &err), "%s", err.msg);
    shows("info status", "prelaunch");
    shows("info version", "0.");
    for (const struct mon_row *r = mon_commands; r->names; r++) {
        char name[64];

        snprintf(name, sizeof(name), "%.*s", (int)strcspn(r->names, "|"), r->names);
        if (strcmp(name, "help") && strcmp(name, "quit") && strcmp(name, "info"))
            shows(name, "There is no machine");
    }
    for (const struct mon_row *r = mon_infos; r->names; r++) {
        char line[64];

        snprintf(line, sizeof(line), "info %s", r->names);
        run(line);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("monitor_vm");
    TCase *tc = tcase_create("monitor_vm");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, open_vm, close_vm);
    tcase_add_test(tc, pages_32);
    tcase_add_test(tc, pages_pae);
    tcase_add_test(tc, pages_long);
    tcase_add_test(tc, memory);
    tcase_add_test(tc, others);
    tcase_add_test(tc, no_machine);
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
