/* The monitor's expressions, formats, words, tables and key names. */
#include "frontend/keys.h"
#include "frontend/monitor/monitor.h"
#include "frontend/sdl/keymap.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static bool reg(void *arg, const char *name, u64 *v)
{
    if (strcmp(name, "eax") && strcmp(name, "cs.base"))
        return false;
    *v = name[0] == 'e' ? 0x1234 : 0xf0000;
    return true;
}

static u64 value(const char *text)
{
    struct err err;
    const char *p = text;
    u64 v = 0;

    ck_assert_msg(expr_eval(&p, true, reg, NULL, &v, &err), "%s: %s", text, err.msg);
    ck_assert_msg(!*p, "'%s' stopped at '%s'", text, p);
    return v;
}

static void refused(const char *text, const char *part)
{
    struct err err = {""};
    const char *p = text;
    u64 v;

    ck_assert_msg(!expr_eval(&p, true, reg, NULL, &v, &err), "'%s' was accepted", text);
    ck_assert_msg(strstr(err.msg, part), "'%s': %s", text, err.msg);
}

START_TEST(expressions)
{
    char deep[500];

    ck_assert_uint_eq(value("1+2*3"), 7);
    ck_assert_uint_eq(value("(1+2)*3"), 9);
    ck_assert_uint_eq(value(" 0x10 - 010 "), 8);
    ck_assert_uint_eq(value("$eax & 0xff | 0x100"), 0x134);
    ck_assert_uint_eq(value("$cs.base+$eax"), 0xf1234);
    ck_assert_uint_eq(value("-1"), ~0ull);
    ck_assert_uint_eq(value("~0 ^ 0xf"), ~0xfull);
    ck_assert_uint_eq(value("100/7%4"), 2);
    ck_assert_uint_eq(value("'A'"), 65);
    ck_assert_uint_eq(value("- -5"), 5);
    refused("", "expected");
    refused("1+", "expected");
    refused("(1", "')'");
    refused("1/0", "zero");
    refused("1%(2-2)", "zero");
    refused("$foo", "$foo");
    refused("12ab", "ab");
    refused("'A", "'c'");
    memset(deep, '(', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = 0;
    refused(deep, "deep");
    memset(deep, '-', sizeof(deep) - 1);
    refused(deep, "deep");
}
END_TEST

START_TEST(arguments_are_apart)
{
    const char *p = "4 -1";
    u64 a, b;

    ck_assert(expr_eval(&p, false, NULL, NULL, &a, NULL));
    ck_assert(expr_eval(&p, false, NULL, NULL, &b, NULL));
    ck_assert_uint_eq(a, 4);
    ck_assert_uint_eq(b, ~0ull);
}
END_TEST

START_TEST(formats)
{
    struct fmt f = {1, 'x', 4};
    struct err err;
    const char *p = "/20xb 0x7c00";
    char buf[64];

    ck_assert(fmt_parse(&p, &f, &err));
    ck_assert_uint_eq(f.count, 20);
    ck_assert_int_eq(f.format, 'x');
    ck_assert_uint_eq(f.size, 1);
    ck_assert_str_eq(p, " 0x7c00");
    p = "0x7c00";
    f = (struct fmt){1, 'x', 4};
    ck_assert(fmt_parse(&p, &f, &err));
    ck_assert_uint_eq(f.count, 1);
    p = "/3q";
    ck_assert(!fmt_parse(&p, &f, &err));
    p = "/99999999x";
    ck_assert(!fmt_parse(&p, &f, &err));
    f = (struct fmt){1, 'x', 2};
    ck_assert_str_eq(fmt_value(buf, sizeof(buf), 0x12345678, &f), "0x5678");
    f.format = 'd';
    ck_assert_int_eq(atoi(fmt_value(buf, sizeof(buf), 0xffff, &f)), -1);
    f.format = 'u';
    ck_assert_int_eq(atoi(fmt_value(buf, sizeof(buf), 0xffff, &f)), 65535);
    f = (struct fmt){1, 'c', 1};
    ck_assert_str_eq(fmt_value(buf, sizeof(buf), 'A', &f), "'A'");
    ck_assert_str_eq(fmt_value(buf, sizeof(buf), 7, &f), "'\\x07'");
}
END_TEST

START_TEST(words_and_tables)
{
    const char *args = "  one \"two three\" four";
    char buf[16];

    ck_assert(mon_word(&args, buf, sizeof(buf)));
    ck_assert_str_eq(buf, "one");
    ck_assert(mon_word(&args, buf, sizeof(buf)));
    ck_assert_str_eq(buf, "two three");
    ck_assert(mon_word(&args, buf, sizeof(buf)));
    ck_assert(!mon_word(&args, buf, sizeof(buf)));
    args = "much-too-long-for-the-buffer";
    ck_assert(!mon_word(&args, buf, sizeof(buf)));
    ck_assert_ptr_nonnull(mon_find(mon_commands, "quit", 4));
    ck_assert_ptr_eq(mon_find(mon_commands, "q", 1), mon_find(mon_commands, "quit", 4));
    ck_assert_ptr_null(mon_find(mon_commands, "qu", 2));
    ck_assert_ptr_null(mon_find(mon_commands, "", 0));
    for (const struct mon_row *r = mon_commands; r->names; r++)
        ck_assert(r->fn && *r->help);
    for (const struct mon_row *r = mon_infos; r->names; r++)
        ck_assert(r->fn && *r->help);
}
END_TEST

START_TEST(keys)
{
    ck_assert_uint_eq(key_by_name("a", 1), 0x1e);
    ck_assert_uint_eq(key_by_name("ctrl", 4), 0x1d);
    ck_assert_uint_eq(key_by_name("delete-x", 6), 0xe053);
    ck_assert_uint_eq(key_by_name("pause", 5), 0xe11d);
    ck_assert_uint_eq(key_by_name("0x1c", 4), 0x1c);
    ck_assert_uint_eq(key_by_name("0xe048", 6), 0xe048);
    ck_assert_uint_eq(key_by_name("0xffff", 6), 0);
    ck_assert_uint_eq(key_by_name("hyper", 5), 0);
    ck_assert_uint_eq(key_by_name("", 0), 0);
    /* places on the keyboard: USB usages of A, 1, Enter, F12, Up, keypad 0, right Alt */
    ck_assert_uint_eq(keymap_set1(0x04), 0x1e);
    ck_assert_uint_eq(keymap_set1(0x1e), 0x02);
    ck_assert_uint_eq(keymap_set1(0x28), 0x1c);
    ck_assert_uint_eq(keymap_set1(0x45), 0x58);
    ck_assert_uint_eq(keymap_set1(0x52), 0xe048);
    ck_assert_uint_eq(keymap_set1(0x62), 0x52);
    ck_assert_uint_eq(keymap_set1(0xe6), 0xe038);
    ck_assert_uint_eq(keymap_set1(0), 0);
    ck_assert_uint_eq(keymap_set1(0x1000), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("monitor");
    TCase *tc = tcase_create("monitor");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, expressions);
    tcase_add_test(tc, arguments_are_apart);
    tcase_add_test(tc, formats);
    tcase_add_test(tc, words_and_tables);
    tcase_add_test(tc, keys);
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
