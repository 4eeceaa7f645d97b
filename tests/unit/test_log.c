/* The log's address ranges, and what is said when the program finds a mistake of its own. */
#include "devices/core/err.h"
#include "devices/core/log.h"
#include "devices/core/probe.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(ranges)
{
    struct log log = {.mask = BIT(LOGA_INT)};
    struct err err;

    ck_assert(log_at(&log, LOGA_INT, 0x1234)); /* none given: everything */
    ck_assert(!log_at(&log, LOGA_IO, 0x1234));
    ck_assert(log_parse_ranges(&log, "0x7c00-0x7dff,0x100000+0x1000,10..20,64", &err));
    ck_assert_uint_eq(log.nranges, 4);
    ck_assert(log_at(&log, LOGA_INT, 0x7c00) && log_at(&log, LOGA_INT, 0x7dff));
    ck_assert(!log_at(&log, LOGA_INT, 0x7bff) && !log_at(&log, LOGA_INT, 0x7e00));
    ck_assert(log_at(&log, LOGA_INT, 0x100fff) && !log_at(&log, LOGA_INT, 0x101000));
    ck_assert(log_at(&log, LOGA_INT, 20) && !log_at(&log, LOGA_INT, 21));
    ck_assert(log_at(&log, LOGA_INT, 64) && !log_at(&log, LOGA_INT, 65));
}
END_TEST

START_TEST(bad_ranges)
{
    static const char *const bad[] = {"x", "0x10-", "0x10-y", "0x20-0x10", "1 2", "0x10..", "0x10+0", "-5"};
    struct log log = {0};
    struct err err;
    char many[200] = "";

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(!log_parse_ranges(&log, bad[i], &err), "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.msg, bad[i]));
    }
    for (int i = 0; i <= LOG_MAX_RANGES; i++)
        strcat(many, "0x10,");
    ck_assert(!log_parse_ranges(&log, many, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "16"));
}
END_TEST

static char heard[64];
static unsigned times;

static void hear(void *arg, unsigned area, const char *text)
{
    ck_assert_ptr_eq(arg, heard);
    ck_assert_uint_eq(area, LOGA_IO);
    ck_assert_uint_lt(strlen(text), sizeof(heard));
    strcpy(heard, text);
    times++;
}

/* A probe hears the areas that it asked for; nobody else sees those that were not asked for by -d. */
START_TEST(probe)
{
    static const struct probe_hooks hooks = {.arg = heard, .areas = BIT(LOGA_IO), .line = hear};
    static char long_line[300 * 1024], seen[512];
    FILE *out = fmemopen(seen, sizeof(seen), "w");
    struct log log = {.mask = BIT(LOGA_INT) | BIT(LOGA_GUEST_ERRORS), .out = out};

    log_attach(&log, &hooks);
    log_line(&log, LOGA_IO, "port %d", 96);
    ck_assert_str_eq(heard, "port 96");
    log_line(&log, LOGA_INT, "vector %d", 8);
    ck_assert_uint_eq(times, 1);
    memset(long_line, 'x', sizeof(long_line) - 1);
    log_line(&log, LOGA_IO, "%s", long_line); /* more than any line has */
    ck_assert_uint_eq(times, 1);
    log_attach(&log, NULL);
    log_line(&log, LOGA_IO, "port %d", 97);
    ck_assert_uint_eq(times, 1);
    ck_assert_uint_eq(log.mask, BIT(LOGA_INT) | BIT(LOGA_GUEST_ERRORS));
    log_guest_error(&log, "chip", "register %d", 7);
    fclose(out);
    ck_assert_str_eq(seen, "vector 8\nguest error: chip: register 7\n");
}
END_TEST

static void aborted(int sig)
{
    exit(3);
}

START_TEST(own_mistake)
{
    int fd[2], status;
    char text[200] = "";
    pid_t pid;

    ck_assert_int_eq(pipe(fd), 0);
    pid = fork();
    if (!pid) {
        dup2(fd[1], 2);
        signal(SIGABRT, aborted);
        BUG("%d of %s", 7, "nine");
    }
    close(fd[1]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    ck_assert_int_gt((int)read(fd[0], text, sizeof(text) - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, "internal error at "));
    ck_assert_ptr_nonnull(strstr(text, "test_log.c"));
    ck_assert_ptr_nonnull(strstr(text, "7 of nine"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *tc = tcase_create("log");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tc, ranges);
    tcase_add_test(tc, bad_ranges);
    tcase_add_test(tc, probe);
    tcase_add_test(tc, own_mistake);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
