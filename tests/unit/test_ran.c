/* The set of lines that code ran at, against a plain table: adding, joining, what is known by the
 * offset alone. */
#include "cpu/sys/ran.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = 300, LINES = 256, PAGE = 4096, SETS = 4, ROUNDS = 4000 };
#define BASE 0xffff800000000000ull

static struct {
    bool line[PAGES][LINES], page[PAGES], any[LINES], pages;
} truth[SETS];

static bool expected(int s, int page, int line)
{
    return truth[s].line[page][line] ||
           (truth[s].any[line] && (truth[s].pages || truth[s].page[page]));
}

static void add(struct ran *r, int s)
{
    int page = rand() % PAGES, line = rand() % LINES, n = 1 + rand() % 20;
    u64 la = BASE + (u64)page * PAGE + (u64)line * RAN_LINE, lines[RAN_WORDS] = {0};

    n = n < LINES - line ? n : LINES - line;
    ran_mark(lines, (u32)(line * RAN_LINE + rand() % RAN_LINE),
             (u32)((line + n) * RAN_LINE - rand() % 15));
    switch (rand() % 40) {
    case 0:
        ran_any(r, lines);
        for (int i = 0; i < n; i++)
            truth[s].any[line + i] = true;
        return;
    case 1:
    case 2: ran_page(r, la + (u64)(rand() % RAN_LINE)); break;
    case 3:
    case 4:
        ran_line(r, la + (u64)(rand() % RAN_LINE));
        truth[s].line[page][line] = true;
        break;
    case 5:
        if (rand() % 1000)
            return;
        ran_pages(r);
        truth[s].pages = true;
        return;
    default:
        ran_lines(r, la, lines);
        for (int i = 0; i < n; i++)
            truth[s].line[page][line + i] = true;
    }
    truth[s].page[page] = true;
}

static void join(int s, int more)
{
    truth[s].pages |= truth[more].pages;
    for (int p = 0; p < PAGES; p++) {
        truth[s].page[p] |= truth[more].page[p];
        for (int l = 0; l < LINES; l++)
            truth[s].line[p][l] |= truth[more].line[p][l];
    }
    for (int l = 0; l < LINES; l++)
        truth[s].any[l] |= truth[more].any[l];
}

static void compare(const struct ran *r, int s)
{
    for (int p = 0; p < PAGES; p++)
        for (int l = 0; l < LINES; l++)
            ck_assert_int_eq(
                ran_at(r, BASE + (u64)p * PAGE + (u64)(l * RAN_LINE + rand() % RAN_LINE)),
                expected(s, p, l));
}

START_TEST(against_a_table)
{
    struct ran r[SETS] = {{0}};

    srand(11);
    for (int n = 0; n < ROUNDS; n++) {
        int s = rand() % SETS, more = rand() % SETS;

        add(&r[s], s);
        if (n % 97 == 0 && s != more) {
            ran_join(&r[s], &r[more]);
            join(s, more);
        }
        if (n % 500 == 499) {
            ran_empty(&r[s]);
            memset(&truth[s], 0, sizeof(truth[s]));
        }
        if (n % 200 == 0)
            for (int k = 0; k < SETS; k++)
                compare(&r[k], k);
    }
    for (int s = 0; s < SETS; s++) {
        ck_assert_uint_eq(ran_bytes(&r[s]), r[s].cap * sizeof(struct ran_page));
        ran_free(&r[s]);
    }
}
END_TEST

START_TEST(empty_and_whole)
{
    struct ran r = {0}, whole = {.all = true};

    ck_assert(!ran_at(&r, 0));
    ck_assert(!ran_at(&r, ~(u64)0));
    ran_line(&r, 0xfffffff0);
    ck_assert(ran_at(&r, 0xffffffff));
    ck_assert(!ran_at(&r, 0xffffffef));
    ran_join(&r, &whole);
    ck_assert(ran_at(&r, 0x1234));
    ran_empty(&r);
    ck_assert(!ran_at(&r, 0xffffffff));
    ran_free(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ran");
    TCase *tc = tcase_create("ran");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, against_a_table);
    tcase_add_test(tc, empty_and_whole);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
