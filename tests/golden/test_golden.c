/* Golden emitted code: the host code of hot sequences of guest instructions is as it was when
 * somebody last looked at it. `make golden-update` writes what is emitted now. */
#include "tests/golden/golden.h"
#include "devices/core/err.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(CONFIG_CAPSTONE) && defined(CONFIG_JIT) && !defined(CONFIG_TORTURE) &&                 \
    (defined(__x86_64__) || defined(GUEST_OBJECT))
#define HAVE_GOLDEN 1
#endif

#ifdef HAVE_GOLDEN

#define THEMES(X)                                                                                  \
    X(alu)                                                                                         \
    X(flags)                                                                                       \
    X(mem) X(stack) X(branch) X(call) X(string) X(vector) X(x87) X(mul) X(long) X(real) X(hot)

/* The sequences of each theme, one behind the other in a section of their own (other hosts:
 * seqs.sh). */
#ifndef GUEST_OBJECT
#define SECTION(name) ".section golden_" #name ",\"a\"\n.include \"tests/golden/" #name ".s\"\n"
__asm__(".pushsection .rodata\n.include \"tests/golden/macros.s\"\n" THEMES(
    SECTION) ".att_syntax\n.code64\n.popsection\n");
#endif

#define BOUNDS(name) extern const u8 __start_golden_##name[], __stop_golden_##name[];
THEMES(BOUNDS)

static const struct theme {
    const char *name;
    const u8 *from, *to;
} themes[] = {
#define THEME(name) {#name, __start_golden_##name, __stop_golden_##name},
    THEMES(THEME)};

enum { SHOWN = 5 }; /* sequences that differ, printed in full */

static const u8 *next_seq(const u8 *p, struct golden_seq *s)
{
    s->mode = *p++;
    s->name = (const char *)p;
    p += strlen(s->name) + 1;
    s->len = ld16(p);
    s->code = p + 2;
    return s->code + s->len;
}

/* All entries of a theme. False: this host has no translator. */
static bool print_theme(const struct theme *theme, struct golden_text *t)
{
    struct golden_count sum = {0};
    u32 seqs = 0;
    text_add(t,
             "# Host code of tests/golden/%s.s. Written by `make golden-update`; read its diff.\n",
             theme->name);
    for (const u8 *p = theme->from; p < theme->to;) {
        struct golden_seq s;
        struct golden_code c;
        struct golden_count n;
        p = next_seq(p, &s);
        if (!golden_emit(&s, &c))
            return false;
        golden_print(t, &s, &c, &n);
        sum.guest += n.guest;
        sum.host += n.host;
        sum.exec += n.exec;
        seqs++;
        machine_free(c.m);
    }
    text_add(t,
             "# %u sequences, %u guest instructions, %u host instructions: %.2f each; %u calls of "
             "exec\n",
             seqs, sum.guest, sum.host, sum.guest ? (double)sum.host / sum.guest : 0.0, sum.exec);
    return true;
}

static char *read_file(const char *name)
{
    FILE *f = fopen(name, "r");
    char *p;
    long n;
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    n = ftell(f);
    rewind(f);
    p = calloc(1, (size_t)n + 1);
    if (p && fread(p, 1, (size_t)n, f) != (size_t)n)
        *p = 0;
    fclose(f);
    return p;
}

/* The entry whose first line begins with "== name (mode" in a file's text; its length in *len. */
static const char *entry_of(const char *text, const char *head, size_t head_len, size_t *len)
{
    for (const char *p = text; p && (p = strstr(p, "== ")) != NULL; p += 3) {
        const char *end;
        if ((p != text && p[-1] != '\n') || strncmp(p, head, head_len) != 0)
            continue;
        end = strstr(p + 3, "\n== ");
        if (!end)
            end = strstr(p + 3, "\n# ");
        *len = end ? (size_t)(end + 1 - p) : strlen(p);
        return p;
    }
    *len = 0;
    return NULL;
}

/* Print `a` and `b` line by line: common lines at both ends once, what is between marked - and +.
 */
static void print_change(const char *a, size_t na, const char *b, size_t nb)
{
    size_t same = 0, tail = 0;
    while (same < na && same < nb && a[same] == b[same])
        same++;
    while (same && a[same - 1] != '\n')
        same--;
    while (tail < na - same && tail < nb - same && a[na - 1 - tail] == b[nb - 1 - tail])
        tail++;
    while (tail && na - tail > same && a[na - tail - 1] != '\n')
        tail--;
    printf("%.*s", (int)same, a);
    for (const char *p = a + same, *end; p < a + na - tail; p = end + 1) {
        end = memchr(p, '\n', (size_t)(a + na - p));
        if (!end)
            break;
        printf("-%.*s\n", (int)(end - p), p);
    }
    for (const char *p = b + same, *end; p < b + nb - tail; p = end + 1) {
        end = memchr(p, '\n', (size_t)(b + nb - p));
        if (!end)
            break;
        printf("+%.*s\n", (int)(end - p), p);
    }
    printf("%.*s", (int)tail, b + nb - tail);
}

/* Say which entries of the new text are not in the old one as they are. */
static u32 compare(const char *old, const char *new)
{
    u32 differ = 0;
    for (const char *p = strstr(new, "\n== "); p; p = strstr(p, "\n== ")) {
        const char *a, *b = ++p, *colon = strchr(b, ':');
        size_t na, nb, head = (size_t)(colon - b) + 1;
        entry_of(b, b, head, &nb);
        a = entry_of(old, b, head, &na);
        if (a && na == nb && memcmp(a, b, na) == 0)
            continue;
        if (differ++ < SHOWN)
            print_change(a ? a : "", na, b, nb);
    }
    return differ;
}

/* Why this host's code cannot be compared; NULL: it can. */
static const char *excuse(void)
{
#ifdef CONFIG_JIT_X64
    return __builtin_cpu_supports("bmi2")
               ? NULL
               : "this processor lacks BMI2, which the code was written with";
#else
    struct machine *m = machine_new("qemu64", ENGINE_EXEC);
    const struct jit_config config = {.eager = true, .passes = ~0u, .code_size = 4 * MIB};
    struct err err = {{0}};
    bool all = jit_new(m->cpu, &config, &err) && m->cpu->jit->stubs.flagm &&
               m->cpu->jit->stubs.flagm2 && m->cpu->jit->stubs.afp;
    int major, minor;
    machine_free(m);
    cs_version(&major, &minor);
    if (major != 4)
        return "this Capstone is not version 4, which the text was written with";
    return all ? NULL
               : "this processor lacks FlagM, FlagM2 or AFP, which the code was written with";
#endif
}

#ifdef CONFIG_JIT_X64
#define FOLDER "tests/golden/"
#else
#define FOLDER "tests/golden/a64/"
#endif

START_TEST(golden)
{
    const struct theme *theme = &themes[_i];
    struct golden_text t = {0};
    const char *why = excuse();
    char name[64], *old;
    u32 differ;
    snprintf(name, sizeof(name), FOLDER "%s.txt", theme->name);
    if (why) {
        printf("golden: not compared: %s\n", why);
        return;
    }
    if (!print_theme(theme, &t)) {
        printf("golden: this host gives no memory for translated code\n");
        free(t.p);
        return;
    }
    if (getenv("DRAGOMAN_GOLDEN")) {
        FILE *f = fopen(name, "w");
        ck_assert_msg(f && fputs(t.p, f) >= 0 && fclose(f) == 0, "cannot write %s", name);
        free(t.p);
        return;
    }
    old = read_file(name);
    ck_assert_msg(old, "no %s: the test runs in the project's folder", name);
    differ = compare(old, t.p);
    if (!differ && strcmp(old, t.p) != 0)
        differ = 1; /* one that is no longer there, or the order */
    fflush(stdout);
    ck_assert_msg(!differ,
                  "%s: %u sequences are emitted otherwise (up to %d shown above); read the change, "
                  "then `make golden-update`",
                  name, differ, SHOWN);
    free(old);
    free(t.p);
}
END_TEST

/* The same text twice: nothing that differs from run to run may be in it. */
START_TEST(stable)
{
    struct golden_text a = {0}, b = {0};
    if (print_theme(&themes[_i], &a) && print_theme(&themes[_i], &b))
        ck_assert_str_eq(a.p, b.p);
    free(a.p);
    free(b.p);
}
END_TEST

#else

START_TEST(none)
{
    printf("golden: emitted code is compared with a translator and Capstone only\n");
}
END_TEST

#endif

int main(void)
{
    Suite *s = suite_create("golden");
    TCase *t = tcase_create("emitted code");
    SRunner *r;
    int failed;
#ifdef HAVE_GOLDEN
    tcase_add_loop_test(t, golden, 0, ARRAY_LEN(themes));
    tcase_add_loop_test(t, stable, 0, ARRAY_LEN(themes));
#else
    tcase_add_test(t, none);
#endif
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
