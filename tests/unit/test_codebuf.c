/* Memory of translated code and of guests on hosts of all kinds: one mapping or two, pages of other sizes,
 * rights that are refused (prctl(2), seccomp(2)). */
#define _GNU_SOURCE
#include "cpu/jit/codebuf.h"
#include "cpu/jit/jit.h"
#include "devices/core/err.h"
#include "devices/core/hostmem.h"
#include "devices/core/huge.h"
#include "tests/insn/machine.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

/* May the byte at `p` be written? The kernel says so without a signal. */
static bool writable(void *p)
{
    int fd[2];
    ssize_t n;
    ck_assert_int_eq(pipe(fd), 0);
    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    n = read(fd[0], p, 1);
    close(fd[0]);
    close(fd[1]);
    return n == 1;
}

START_TEST(words)
{
    enum codebuf_way way;
    struct err err = {""};
    ck_assert(codebuf_parse_way("dual", &way, &err) && way == CODEBUF_DUAL);
    ck_assert(codebuf_parse_way("single", &way, &err) && way == CODEBUF_SINGLE);
    ck_assert(codebuf_parse_way("none", &way, &err) && way == CODEBUF_NONE);
    ck_assert(codebuf_parse_way("auto", &way, &err) && way == CODEBUF_AUTO);
    ck_assert(!codebuf_parse_way("both", &way, &err) && strstr(err.msg, "'both'"));
}
END_TEST

START_TEST(environment)
{
    enum codebuf_way tries[CODEBUF_TRIES];
    unsetenv("DRAGOMAN_JIT_MAP");
    ck_assert_uint_ge(codebuf_tries(CODEBUF_AUTO, tries), 1);
    setenv("DRAGOMAN_JIT_MAP", "single", 1);
    ck_assert_uint_eq(codebuf_tries(CODEBUF_AUTO, tries), 1);
    ck_assert_int_eq(tries[0], CODEBUF_SINGLE);
    ck_assert_uint_eq(codebuf_tries(CODEBUF_DUAL, tries), 1); /* what is asked for comes first */
    ck_assert_int_eq(tries[0], CODEBUF_DUAL);
    setenv("DRAGOMAN_JIT_MAP", "any", 1);
    ck_assert_uint_eq(codebuf_tries(CODEBUF_AUTO, tries), 1);
    ck_assert_int_eq(tries[0], CODEBUF_NONE);
}
END_TEST

START_TEST(two_mappings)
{
    struct codebuf buf;
    struct err err = {""};
    if (!codebuf_init(&buf, 1 * MIB, CODEBUF_DUAL, &err))
        return; /* the host allows one only */
    ck_assert_ptr_ne(buf.rw, buf.rx);
    ck_assert_uint_eq(buf.size, 1 * MIB);
    ck_assert_ptr_eq(codebuf_room(buf.rw, buf.rw + buf.size), buf.rw + 128 * 1024);
    buf.rw[12345] = 0xa5;
    ck_assert_uint_eq(buf.rx[12345], 0xa5);
    ck_assert(!writable((void *)(uintptr_t)buf.rx));
    codebuf_free(&buf);
    ck_assert_ptr_null(buf.rw);
}
END_TEST

/* Pages 0 to n-1 of the buffer: is each writable as the text says, '+' or '-'? */
static void expect_pages(const struct codebuf *buf, const char *pages)
{
    for (size_t i = 0; pages[i]; i++)
        ck_assert_msg(writable(buf->rw + i * buf->page + i % 7) == (pages[i] == '+'),
                      "page %zu of %s", i, pages);
}

static void switched(void)
{
    struct codebuf buf;
    struct err err = {""};
    if (!codebuf_init(&buf, 8 * host_whole(1), CODEBUF_SINGLE, &err) || !buf.page)
        return; /* the host allows two only, or switches by thread */
    ck_assert_ptr_eq(buf.rw, buf.rx);
    ck_assert_uint_eq((uintptr_t)buf.rw & (buf.page - 1), 0);
    ck_assert_ptr_eq(codebuf_room(buf.rw, buf.rw + 9 * MIB), buf.rw + 128 * 1024);
    ck_assert_ptr_eq(codebuf_room(buf.rw, buf.rw + 9), buf.rw + 9);
    expect_pages(&buf, "--------");
    codebuf_begin(&buf);
    expect_pages(&buf, "--------");
    codebuf_write(&buf, buf.rw + 3 * buf.page + 8, 4);
    expect_pages(&buf, "---+----");
    codebuf_write(&buf, buf.rw + 2 * buf.page - 2, 4); /* on two pages */
    expect_pages(&buf, "-+++----");
    codebuf_begin(&buf);
    codebuf_write(&buf, buf.rw + 5 * buf.page, buf.page);
    codebuf_end(&buf);
    expect_pages(&buf, "-+++++--"); /* one range, up to the last end */
    codebuf_end(&buf);
    expect_pages(&buf, "--------");
    codebuf_begin(&buf);
    codebuf_write(&buf, buf.rw + buf.size - 4, 100);
    buf.rw[buf.size - 1] = 0xc3;
    codebuf_end(&buf);
    ck_assert_uint_eq(buf.rx[buf.size - 1], 0xc3);
    codebuf_free(&buf);
}

START_TEST(one_mapping)
{
    switched();
}
END_TEST

/* Host pages as the environment pretends them; of 0: of a size that cannot be. */
static const struct {
    const char *text;
    size_t size;
} page_sizes[] = {{"4096", 4096},   {"16384", 16384}, {"65536", 65536},     {"0x200000", 2 << 20},
                  {"0", 0},         {"-4096", 0},     {"2048", 0},          {"12288", 0},
                  {"0x400000", 0},  {"many", 0},      {"0x100000000000", 0}};

START_TEST(page_size)
{
    size_t size = page_sizes[_i].size, real = (size_t)sysconf(_SC_PAGESIZE);
    struct codebuf buf;
    struct err err = {""};
    struct ram_space space = {0};
    struct ram ram;
    u8 *p, *h;
    setenv("DRAGOMAN_HOST_PAGE", page_sizes[_i].text, 1);
    ck_assert_uint_eq(host_page(), size < real ? 0 : size);
    ck_assert_uint_eq(host_whole(1), host_page() ? host_page() : HOST_PAGE_MAX);
    ck_assert_uint_eq(host_whole(0), 0);
    ck_assert_uint_eq(host_whole(4 * MIB), 4 * MIB);
    /* Guests have memory on any host. */
    ck_assert_msg(ram_init(&ram, &space, 5 * PAGE_SIZE, &err), "%s", err.msg);
    memset(ram.host, 0x5a, 5 * PAGE_SIZE);
    ck_assert(!writable(ram.host - 1));
    ck_assert(!writable(ram.host + host_whole(5 * PAGE_SIZE)));
    ram_free(&ram);
    ram_space_free(&space);
    ck_assert_ptr_nonnull(h = huge_get(3 * MIB));
    h[0] = h[3 * MIB - 1] = 1;
    huge_free(h, 3 * MIB);
    ck_assert_ptr_nonnull(p = host_map(NULL, 3 * PAGE_SIZE, 0, HOST_NONE));
    ck_assert_uint_eq((uintptr_t)p & (host_whole(1) - 1), 0);
    ck_assert(!writable(p));
    ck_assert(host_protect(p, PAGE_SIZE, HOST_RW));
    ck_assert(writable(p) && writable(p + host_whole(1) - 1)); /* the whole page changes */
    ck_assert(host_page() == PAGE_SIZE || !host_protect(p + PAGE_SIZE, PAGE_SIZE, HOST_NONE));
    host_unmap(p, 3 * PAGE_SIZE);
    if (host_page()) {
        switched();
    } else {
        ck_assert(!codebuf_init(&buf, 1 * MIB, CODEBUF_DUAL, &err));
        ck_assert(strstr(err.msg, "pages is not known") && strstr(err.msg, "in the interpreter"));
    }
}
END_TEST

/* ---- whole machines ---- */
/* An EXIT_HALT program that writes into itself and jumps: XOR EAX,EAX; 1: ADD EAX,imm8, whose
 * immediate is counted up; until it is 100. */
static const u8 patching[] = {0x31, 0xc0,                               /* xor eax, eax */
                              0x83, 0xc0, 0x00,                         /* 1: add eax, n */
                              0xfe, 0x05, 4, AT_CODE >> 8 & 0xff, AT_CODE >> 16, 0, /* inc byte [n] */
                              0x80, 0x3d, 4, AT_CODE >> 8 & 0xff, AT_CODE >> 16, 0, 100,
                              0x75, 0xee, /* cmp byte [n], 100; jne 1b */
                              0xf4};

static bool runs(enum codebuf_way map, struct err *err)
{
    struct jit_config config = {.counted = true, .eager = true, .passes = ~0u, .map = map};
    struct machine *m = machine_new("pentium3", ENGINE_EXEC);
    bool jit = jit_new(m->cpu, &config, err);
    if (jit) {
        m->space.wrote = jit_wrote;
        m->space.covered = jit_covers;
        m->space.arg = m->cpu;
    }
    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, patching, sizeof(patching));
    ck_assert_int_eq(cpu_run(m->cpu, jit ? ENGINE_JIT : ENGINE_EXEC, 100000), CPU_EXIT_HALT);
    ck_assert_uint_eq(m->cpu->gpr[REG_AX], 99 * 100 / 2);
    ck_assert(!jit || jit_stats(m->cpu)->blocks > 0);
    machine_free(m);
    return jit;
}

START_TEST(machine_by_way)
{
    struct err err = {""};
    unsetenv("DRAGOMAN_JIT_MAP");
    unsetenv("DRAGOMAN_HOST_PAGE");
    ck_assert_msg(runs(CODEBUF_AUTO, &err), "%s", err.msg);
    runs(CODEBUF_DUAL, &err);
    runs(CODEBUF_SINGLE, &err);
    setenv("DRAGOMAN_HOST_PAGE", "65536", 1);
    ck_assert_msg(runs(CODEBUF_AUTO, &err), "%s", err.msg);
    runs(CODEBUF_SINGLE, &err);
}
END_TEST

/* Without its own memory code is the interpreter's, and one sentence says why. */
START_TEST(machine_refused)
{
    struct err err = {""};
#ifdef CONFIG_JIT
    ck_assert(!runs(CODEBUF_NONE, &err));
    ck_assert(strstr(err.msg, "no executable memory") && strstr(err.msg, "in the interpreter"));
    setenv("DRAGOMAN_JIT_MAP", "none", 1);
    ck_assert(!runs(CODEBUF_AUTO, &err));
    unsetenv("DRAGOMAN_JIT_MAP");
    setenv("DRAGOMAN_HOST_PAGE", "100", 1);
    ck_assert(!runs(CODEBUF_AUTO, &err));
    ck_assert(strstr(err.msg, "pages is not known"));
#else
    ck_assert(runs(CODEBUF_NONE, &err)); /* the evaluator needs none */
#endif
}
END_TEST

#if defined __linux__ && defined CONFIG_JIT
/* From now on these system calls fail with `number` when argument 2 has a bit of `mask` (0: always).
 * False: the host has no filters (qemu-user). */
static bool refuse(const int *calls, unsigned n, u32 mask, int number)
{
    struct sock_filter f[32];
    struct sock_fprog prog = {.filter = f};
    u16 k = 0;
    for (unsigned i = 0; i < n; i++) {
        f[k++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        f[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (u32)calls[i], 0, mask ? 3 : 1);
        if (mask) { /* little-endian hosts only: the lower half comes first */
            f[k++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                  offsetof(struct seccomp_data, args[2]));
            f[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, 0, 1);
        }
        f[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (u32)number);
    }
    f[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    prog.len = k;
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
           !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}

/* No file in memory: one mapping does. */
START_TEST(no_memfd)
{
    static const int calls[] = {SYS_memfd_create};
    struct err err = {""};
    unsetenv("DRAGOMAN_JIT_MAP");
    if (!refuse(calls, 1, 0, ENOSYS))
        return;
    ck_assert_msg(runs(CODEBUF_AUTO, &err), "%s", err.msg);
    ck_assert(!runs(CODEBUF_DUAL, &err));
    ck_assert(strstr(err.msg, "no executable memory"));
}
END_TEST

/* No mapping becomes executable: two do, which are what they are from the start. */
START_TEST(no_switching)
{
    enum { SET_MDWE = 65, REFUSE_EXEC_GAIN = 1 };
    static const int calls[] = {SYS_mprotect};
    struct err err = {""};
    unsetenv("DRAGOMAN_JIT_MAP");
    if (prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) && !refuse(calls, 1, PROT_EXEC, EACCES))
        return;
    ck_assert_msg(runs(CODEBUF_AUTO, &err), "%s", err.msg);
    ck_assert(!runs(CODEBUF_SINGLE, &err));
    ck_assert(strstr(err.msg, "no executable memory"));
}
END_TEST

/* Nothing is executable that was not when the program started. */
START_TEST(nothing_executable)
{
    static const int calls[] = {SYS_mmap, SYS_mprotect};
    struct err err = {""};
    unsetenv("DRAGOMAN_JIT_MAP");
    if (!refuse(calls, 2, PROT_EXEC, EPERM))
        return;
    ck_assert(!runs(CODEBUF_AUTO, &err));
    ck_assert(strstr(err.msg, "no executable memory") && strstr(err.msg, strerror(EPERM)));
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("codebuf");
    TCase *tc = tcase_create("codebuf");
    SRunner *r;
    int failed;
    tcase_add_test(tc, words);
    tcase_add_test(tc, environment);
    tcase_add_test(tc, two_mappings);
    tcase_add_test(tc, one_mapping);
    tcase_add_loop_test(tc, page_size, 0, ARRAY_LEN(page_sizes));
    tcase_add_test(tc, machine_by_way);
    tcase_add_test(tc, machine_refused);
#if defined __linux__ && defined CONFIG_JIT
    tcase_add_test(tc, no_memfd);
    tcase_add_test(tc, no_switching);
    tcase_add_test(tc, nothing_executable);
#endif
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
