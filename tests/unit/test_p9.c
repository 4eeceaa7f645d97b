/* The 9P server on a folder of its own: a session as Linux has it, messages that lie, and names that
 * would leave the folder. */
#include "frontend/fs/share.h"
#include "frontend/fs/p9_wire.h"

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct talk {
    struct share *share;
    char folder[64];
    u8 msg[8192], answer[16384];
    struct p9_out out; /* the message being written */
    struct p9_in in;   /* the answer being read */
};

static void setup(struct talk *t, bool read_only, bool mapped)
{
    struct share_options o = {.read_only = read_only, .mapped = mapped};
    struct err err = {""};
    char cmd[300];

    memset(t, 0, sizeof(*t));
    strcpy(t->folder, "/tmp/p9.XXXXXX");
    ck_assert(mkdtemp(t->folder) != NULL);
    snprintf(cmd, sizeof(cmd),
             "cd %s && mkdir in in/sub && echo text >in/file && ln -s / in/up && mkfifo in/fifo && "
             "echo secret >out",
             t->folder);
    ck_assert_int_eq(system(cmd), 0);
    snprintf(cmd, sizeof(cmd), "%s/in", t->folder);
    o.path = cmd;
    t->share = share_open(&o, &err);
    ck_assert_msg(t->share != NULL, "%s", err.msg);
}

static void teardown(struct talk *t)
{
    char cmd[300];

    share_close(t->share);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", t->folder);
    ck_assert_int_eq(system(cmd), 0);
}

/* "1248" a number of so many bytes, "s" a string. */
static int ask(struct talk *t, unsigned type, const char *form, ...)
{
    va_list ap;
    size_t n;

    t->out = (struct p9_out){.p = t->msg, .n = sizeof(t->msg), .at = 7};
    va_start(ap, form);
    for (; *form; form++) {
        if (*form == 's')
            out_str(&t->out, va_arg(ap, const char *));
        else
            out_num(&t->out, (unsigned)(*form - '0'), va_arg(ap, u64));
    }
    va_end(ap);
    st32(t->msg, (u32)t->out.at);
    t->msg[4] = (u8)type;
    st16(t->msg + 5, 3);
    n = t->share->ops->serve(t->share, t->msg, t->out.at, t->answer, sizeof(t->answer));
    ck_assert_uint_eq(ld32(t->answer), n);
    t->in = (struct p9_in){.p = t->answer, .n = n, .at = 7};
    if (t->answer[4] == 7)
        return (int)ld32(t->answer + 7);
    ck_assert_uint_eq(t->answer[4], type + 1);
    return 0;
}

#define N(v) ((u64)(v))

static void begin(struct talk *t)
{
    ck_assert_int_eq(ask(t, 100, "4s", N(8192), "9P2000.L"), 0);
    ck_assert_uint_eq(in_num(&t->in, 4), 8192);
    ck_assert_int_eq(ask(t, 104, "44ss4", N(1), N(~0u), "root", "", N(0)), 0);
    ck_assert_uint_eq(in_num(&t->in, 1), 0x80);
}

/* Fid 1 is the root; `to` becomes the name below it. */
static int walk(struct talk *t, u32 to, const char *name)
{
    return ask(t, 110, "442s", N(1), N(to), N(1), name);
}

START_TEST(session)
{
    struct talk t;
    u8 want[5] = "text\n";

    setup(&t, false, false);
    begin(&t);
    ck_assert_int_eq(walk(&t, 2, "file"), 0);
    ck_assert_int_eq(ask(&t, 12, "44", N(2), N(0)), 0);
    ck_assert_int_eq(ask(&t, 116, "484", N(2), N(0), N(100)), 0);
    ck_assert_uint_eq(in_num(&t.in, 4), 5);
    ck_assert_mem_eq(in_bytes(&t.in, 5), want, 5);
    ck_assert_int_eq(ask(&t, 118, "4844", N(2), N(0), N(4), N(0)), EBADF);
    ck_assert_int_eq(ask(&t, 50, "44", N(2), N(0)), 0);
    ck_assert_int_eq(ask(&t, 24, "48", N(2), N(0x7ff)), 0);
    ck_assert_int_eq(ask(&t, 120, "4", N(2)), 0);
    ck_assert_int_eq(ask(&t, 120, "4", N(2)), EBADF);
    /* make, write, change, rename, link, remove */
    ck_assert_int_eq(ask(&t, 72, "4s44", N(1), "made", N(0755), N(0)), 0);
    ck_assert_int_eq(walk(&t, 3, "made"), 0);
    ck_assert_int_eq(ask(&t, 110, "442", N(3), N(4), N(0)), 0);
    ck_assert_int_eq(ask(&t, 14, "4s444", N(4), "new", N(0102), N(0640), N(0)), 0);
    ck_assert_int_eq(ask(&t, 118, "4844", N(4), N(2), N(4), N(0x44434241)), 0);
    ck_assert_int_eq(ask(&t, 26, "444448" "8888", N(4), N(1 | 8 | 16 | 32 | 128), N(0600), N(0),
                         N(0), N(3), N(5), N(0), N(0), N(0)), 0);
    ck_assert_int_eq(ask(&t, 74, "4s4s", N(1), "made", N(1), "moved"), 0);
    ck_assert_int_eq(ask(&t, 24, "48", N(4), N(0x7ff)), 0);
    in_num(&t.in, 8), in_bytes(&t.in, 13);
    ck_assert_uint_eq(in_num(&t.in, 4), S_IFREG | 0600);
    in_bytes(&t.in, 24);
    ck_assert_uint_eq(in_num(&t.in, 8), 3);
    ck_assert_int_eq(ask(&t, 70, "44s", N(1), N(4), "hard"), 0);
    ck_assert_int_eq(ask(&t, 20, "44s", N(4), N(1), "new2"), 0);
    ck_assert_int_eq(ask(&t, 16, "4ss4", N(1), "soft", "../../nowhere", N(0)), 0);
    ck_assert_int_eq(walk(&t, 5, "soft"), 0);
    ck_assert_int_eq(ask(&t, 22, "4", N(5)), 0);
    ck_assert_uint_eq(in_num(&t.in, 2), 13);
    ck_assert_int_eq(ask(&t, 122, "4", N(5)), 0);
    ck_assert_int_eq(ask(&t, 76, "4s4", N(1), "hard", N(0)), 0);
    ck_assert_int_eq(ask(&t, 76, "4s4", N(1), "moved", N(0x200)), 0);
    ck_assert_int_eq(ask(&t, 122, "4", N(4)), 0);
    ck_assert_int_eq(ask(&t, 18, "4s4444", N(1), "pipe", N(S_IFIFO | 0600), N(0), N(0), N(0)), 0);
    ck_assert_int_eq(ask(&t, 18, "4s4444", N(1), "dev", N(S_IFCHR | 0600), N(1), N(3), N(0)), EPERM);
    /* the folder, listed */
    ck_assert_int_eq(ask(&t, 110, "442", N(1), N(6), N(0)), 0);
    ck_assert_int_eq(ask(&t, 12, "44", N(6), N(0)), 0);
    ck_assert_int_eq(ask(&t, 40, "484", N(6), N(0), N(4000)), 0);
    ck_assert_uint_gt(in_num(&t.in, 4), 6 * 26);
    ck_assert_int_eq(ask(&t, 40, "484", N(6), N(~0ull >> 1), N(4000)), 0);
    ck_assert_int_eq(ask(&t, 8, "4", N(1)), 0);
    ck_assert_int_eq(ask(&t, 52, "414884s", N(6), N(1), N(0), N(0), N(0), N(1), "me"), 0);
    ck_assert_int_eq(ask(&t, 54, "41884s", N(6), N(1), N(0), N(0), N(1), "me"), 0);
    ck_assert_int_eq(ask(&t, 108, "2", N(1)), 0);
    t.share->ops->reset(t.share);
    ck_assert_int_eq(ask(&t, 120, "4", N(1)), EPROTO);
    teardown(&t);
}
END_TEST

/* Every way out of the folder. */
START_TEST(no_way_out)
{
    static const char *const names[] = {"",      ".",          "/",      "/etc", "../out", "sub/..",
                                        "a/b",   "up/etc",     "sub/../../out"};
    struct talk t;
    u64 root;

    setup(&t, false, false);
    begin(&t);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ck_assert_msg(walk(&t, 2, names[i]) != 0, "walked to '%s'", names[i]);
        ck_assert(ask(&t, 72, "4s44", N(1), names[i], N(0755), N(0)) != 0);
        ck_assert(ask(&t, 14, "4s444", N(1), names[i], N(0), N(0755), N(0)) != 0);
        ck_assert(ask(&t, 76, "4s4", N(1), names[i], N(0)) != 0);
        ck_assert(ask(&t, 74, "4s4s", N(1), "file", N(1), names[i]) != 0);
        ck_assert(ask(&t, 16, "4ss4", N(1), names[i], "x", N(0)) != 0);
    }
    /* above the root is the root */
    ck_assert_int_eq(ask(&t, 24, "48", N(1), N(0)), 0);
    in_num(&t.in, 8), in_num(&t.in, 5);
    root = ld64(t.answer + 7 + 8 + 5);
    ck_assert_int_eq(walk(&t, 2, ".."), 0);
    ck_assert_uint_eq(ld64(t.answer + 7 + 2 + 5), root);
    ck_assert_int_eq(ask(&t, 110, "442ss", N(1), N(3), N(2), "..", "out"), 0);
    ck_assert_uint_eq(in_num(&t.in, 2), 1);
    ck_assert_int_eq(ask(&t, 120, "4", N(3)), EBADF);
    /* a link out of it is a link, and is not gone through */
    ck_assert_int_eq(walk(&t, 4, "up"), 0);
    ck_assert_int_eq(ask(&t, 12, "44", N(4), N(0)), ELOOP);
    ck_assert_int_eq(ask(&t, 26, "444448" "8888", N(4), N(1), N(0777), N(0), N(0), N(0), N(0), N(0),
                         N(0), N(0)), EOPNOTSUPP);
    ck_assert_int_eq(ask(&t, 26, "444448" "8888", N(4), N(8), N(0), N(0), N(0), N(0), N(0), N(0),
                         N(0), N(0)), EINVAL);
    ck_assert_int_eq(ask(&t, 110, "442ss", N(1), N(5), N(2), "up", "etc"), 0);
    ck_assert_uint_eq(in_num(&t.in, 2), 1);
    ck_assert_int_eq(ask(&t, 14, "4s444", N(4), "x", N(0), N(0755), N(0)), ENOTDIR);
    /* pipes are not opened */
    ck_assert_int_eq(walk(&t, 6, "fifo"), 0);
    ck_assert_int_eq(ask(&t, 12, "44", N(6), N(0)), EOPNOTSUPP);
    teardown(&t);
}
END_TEST

/* Messages that are not what they say: type, bytes behind the header, and the size told if not 0. */
static const struct {
    const char *what;
    u8 type, n;
    u8 body[24];
    u32 size;
    int error;
} hostile[] = {
    {"size beyond the bytes", 24, 12, {1}, 1000, EINVAL},
    {"size below a header", 24, 12, {1}, 3, EINVAL},
    {"size of all ones", 24, 12, {1}, ~0u, EINVAL},
    {"no body", 24, 0, {0}, 0, EBADF},
    {"half a body", 24, 7, {1}, 0, EBADF},
    {"unknown type", 200, 4, {0}, 0, EOPNOTSUPP},
    {"answers are no messages", 101, 4, {0}, 0, EOPNOTSUPP},
    {"a string longer than the message", 72, 10, {1, 0, 0, 0, 0xff, 0xff, 'a'}, 0, EBADF},
    {"a string with a zero", 72, 16, {1, 0, 0, 0, 2, 0, 'a', 0}, 0, EBADF},
    {"no such fid", 12, 8, {9}, 0, EBADF},
    {"read of what is not open", 116, 16, {1}, 0, EBADF},
    {"list of what is not open", 40, 16, {1}, 0, EBADF},
    {"write of more than there is", 118, 16, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 0,
     EINVAL},
    {"a walk of too many names", 110, 10, {1, 0, 0, 0, 2, 0, 0, 0, 99, 0}, 0, EINVAL},
    {"a walk of fewer names than told", 110, 10, {1, 0, 0, 0, 2, 0, 0, 0, 3, 0}, 0, EINVAL},
    {"a walk to a fid in use", 110, 10, {1, 0, 0, 0, 7, 0, 0, 0, 0, 0}, 0, EBADF},
    {"a second root of the same fid", 104, 16, {1}, 0, EBADF},
    {"a version of too small messages", 100, 14, {1, 0, 0, 0, 8, 0, '9', 'P', '2', '0', '0', '0'}, 0,
     EINVAL},
    {"the root removed", 122, 4, {1}, 0, EBUSY},
    {"extended attributes", 30, 10, {1}, 0, EOPNOTSUPP},
    {"flush of nothing", 108, 0, {0}, 0, 0},
};

START_TEST(messages_that_lie)
{
    struct talk t;
    size_t n = 7 + hostile[_i].n;
    int got;

    setup(&t, false, false);
    begin(&t);
    ck_assert_int_eq(walk(&t, 7, "sub"), 0);
    memset(t.msg, 0, sizeof(t.msg));
    st32(t.msg, hostile[_i].size ? hostile[_i].size : (u32)n);
    t.msg[4] = hostile[_i].type;
    memcpy(t.msg + 7, hostile[_i].body, hostile[_i].n);
    n = t.share->ops->serve(t.share, t.msg, n, t.answer, sizeof(t.answer));
    ck_assert_uint_eq(n, ld32(t.answer));
    got = t.answer[4] == 7 ? (int)ld32(t.answer + 7) : 0;
    ck_assert_msg(got == hostile[_i].error, "%s: %d, not %d", hostile[_i].what, got,
                  hostile[_i].error);
    /* no room for an answer: none */
    ck_assert_uint_eq(t.share->ops->serve(t.share, t.msg, n, t.answer, 5), 0);
    teardown(&t);
}
END_TEST

/* Random bytes behind headers that mean something; what comes back is a message every time. */
START_TEST(random_messages)
{
    static const u8 types[] = {8,  12, 14, 16, 18, 20, 22,  24,  26,  40,  50,
                               52, 54, 70, 72, 74, 76, 100, 104, 108, 110, 116, 118, 120, 122};
    struct talk t;
    u64 seed = 1;

    setup(&t, false, false);
    begin(&t);
    for (int i = 0; i < 100000; i++) {
        size_t n = 7 + (seed >> 40) % 60, room = (seed >> 20) & 1023, got;

        for (size_t k = 7; k < n; k++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            t.msg[k] = (u8)(seed >> 60 < 9 ? seed >> 62 : seed >> 50);
        }
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        st32(t.msg, (u32)n);
        t.msg[4] = types[(seed >> 33) % ARRAY_LEN(types)];
        if (t.msg[4] == 100 && i % 64)
            t.msg[4] = 110;
        got = t.share->ops->serve(t.share, t.msg, n, t.answer, room);
        ck_assert_uint_le(got, room);
        if (!(i % 500))
            begin(&t);
    }
    teardown(&t);
}
END_TEST

START_TEST(read_only)
{
    struct talk t;

    setup(&t, true, false);
    begin(&t);
    ck_assert_int_eq(walk(&t, 2, "file"), 0);
    ck_assert_int_eq(ask(&t, 12, "44", N(2), N(1)), EROFS);
    ck_assert_int_eq(ask(&t, 12, "44", N(2), N(01000)), EROFS);
    ck_assert_int_eq(ask(&t, 72, "4s44", N(1), "made", N(0755), N(0)), EROFS);
    ck_assert_int_eq(ask(&t, 12, "44", N(2), N(0)), 0);
    ck_assert_int_eq(ask(&t, 122, "4", N(2)), EROFS);
    teardown(&t);
}
END_TEST

START_TEST(mapped)
{
    struct talk t;
    char path[100];
    struct stat st;
    int rc;

    setup(&t, false, true);
    begin(&t);
    rc = ask(&t, 16, "4ss4", N(1), "soft", "target", N(5));
    snprintf(path, sizeof(path), "%s/in/soft", t.folder);
    if (rc == EOPNOTSUPP) { /* a file system without attributes */
        teardown(&t);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(lstat(path, &st), 0);
    ck_assert(S_ISREG(st.st_mode));
    ck_assert_int_eq(walk(&t, 2, "soft"), 0);
    ck_assert_int_eq(ask(&t, 22, "4", N(2)), 0);
    ck_assert_uint_eq(in_num(&t.in, 2), 6);
    ck_assert_int_eq(ask(&t, 18, "4s4444", N(1), "dev", N(S_IFCHR | 0600), N(1), N(3), N(0)), 0);
    ck_assert_int_eq(walk(&t, 3, "dev"), 0);
    ck_assert_int_eq(ask(&t, 26, "444448" "8888", N(3), N(7), N(0444), N(12), N(13), N(0), N(0), N(0),
                         N(0), N(0)), 0);
    ck_assert_int_eq(ask(&t, 24, "48", N(3), N(0)), 0);
    in_bytes(&t.in, 21);
    ck_assert_uint_eq(in_num(&t.in, 4), S_IFCHR | 0444);
    ck_assert_uint_eq(in_num(&t.in, 4), 12);
    ck_assert_uint_eq(in_num(&t.in, 4), 13);
    in_num(&t.in, 8);
    ck_assert_uint_eq(in_num(&t.in, 8), 0x103);
    ck_assert_int_eq(ask(&t, 72, "4s44", N(1), "d", N(0711), N(0)), 0);
    ck_assert_int_eq(ask(&t, 14, "4s444", N(1), "f", N(2), N(0611), N(0)), 0);
    teardown(&t);
}
END_TEST

START_TEST(no_folder)
{
    struct share_options o = {.path = "/tmp/there/is/none"};
    struct err err = {""};

    ck_assert(!share_open(&o, &err));
    ck_assert(strstr(err.msg, "cannot be shared"));
    share_close(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("p9");
    TCase *tc = tcase_create("p9");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, session);
    tcase_add_test(tc, no_way_out);
    tcase_add_loop_test(tc, messages_that_lie, 0, (int)ARRAY_LEN(hostile));
    tcase_add_test(tc, random_messages);
    tcase_add_test(tc, read_only);
    tcase_add_test(tc, mapped);
    tcase_add_test(tc, no_folder);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
