/* Recording and replaying a small machine with keys: the same run, and damage told at the right
 * instruction. */
#include "frontend/qmp/qmp_int.h"
#include "frontend/replay/replay_int.h"
#include "tests/state/machine.h"

#include <check.h>
#include <unistd.h>
#include <zlib.h>

enum { KEYS = 40, END = 400000 };

static char path[64];

static bool open_rr(struct small *s, const char *mode, const char *file, struct err *err)
{
    char text[200];
    char *more[] = {(char *)"-icount", text, NULL};

    snprintf(text, sizeof(text), "shift=3,sleep=off,rr=%s,rrfile=%s", mode, file);
    return small_open(s, more, err);
}

/* A run with keys at odd times; its end as a snapshot. */
static void record(struct state_mem *end)
{
    struct err err = {""};
    struct small s;

    strcpy(path, "/tmp/replay-XXXXXX");
    close(mkstemp(path));
    ck_assert_msg(open_rr(&s, "record", path, &err), "%s", err.msg);
    for (int i = 0; i < KEYS; i++) {
        ck_assert(vm_run_to(s.vm, (u64)(i + 1) * (END / (KEYS + 2)) + (u64)(i * 37 % 11)));
        s.vm->pc->keyboard.key(s.vm->pc->keyboard.dev, (u16)(0x10 + i / 2), !(i & 1));
    }
    ck_assert(vm_run_to(s.vm, END));
    state_mem_init(end);
    ck_assert_msg(vm_state_save(s.vm, &end->io, SF_ZLIB, &err), "%s", err.msg);
    small_close(&s);
}

/* Replay `file`; the exit status. `*at`: the instruction at which it ended. */
static int replay(const char *file, u64 *at, struct state_mem *end)
{
    struct err err = {""};
    struct small s;
    int status = 1;

    *at = 0;
    if (open_rr(&s, "replay", file, &err)) {
        status = vm_run(s.vm);
        *at = cpu_icount(vm_cpu(s.vm));
        if (end) {
            state_mem_init(end);
            ck_assert_msg(vm_state_save(s.vm, &end->io, SF_ZLIB, &err), "%s", err.msg);
        }
    }
    small_close(&s);
    return status;
}

START_TEST(replays_are_equal)
{
    struct state_mem a, b;
    u64 at;

    record(&a);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(replay(path, &at, &b), 0);
        ck_assert_uint_eq(at, END);
        /* The digest at the end has compared the states; the files have the same parts. */
        ck_assert_uint_eq(a.io.size, b.io.size);
        state_mem_free(&b);
    }
    state_mem_free(&a);
    unlink(path);
}
END_TEST

/* The instruction of the last sound record in front of byte `at` of the log, and its end. */
static u64 before(u64 at)
{
    struct rr_reader r;
    struct rr_head head;
    u64 last;

    ck_assert(rr_open(&r, path, ~0u, &head, NULL));
    last = head.icount;
    while (rr_peek(&r) && r.at <= at) {
        last = r.r.icount;
        rr_next(&r);
    }
    rr_close(&r);
    return last;
}

/* The log of a run like that; its bytes. */
static size_t record_to(u8 *buf, size_t room)
{
    struct state_mem a;
    size_t n;
    FILE *f;

    record(&a);
    state_mem_free(&a);
    f = fopen(path, "rb");
    n = fread(buf, 1, room, f);
    fclose(f);
    ck_assert_uint_lt(n, room);
    return n;
}

START_TEST(damage_is_told)
{
    char bad[64] = "/tmp/replay-bad-XXXXXX";
    u8 buf[65536];
    size_t n = record_to(buf, sizeof(buf));
    FILE *f;

    close(mkstemp(bad));
    for (size_t at = 0; at < n; at += 1 + n / 150) {
        u64 stop, want;

        buf[at] ^= (u8)BIT(at % 8);
        f = fopen(bad, "wb");
        ck_assert_uint_eq(fwrite(buf, 1, n, f), n);
        fclose(f);
        buf[at] ^= (u8)BIT(at % 8);
        ck_assert_msg(replay(bad, &stop, NULL) == 1, "a flipped bit in byte %zu is not seen", at);
        if (at < RR_HEADER)
            continue;
        want = before(at);
        ck_assert_msg(stop >= want && stop <= want + 16,
                      "byte %zu: stopped at instruction %llu, not %llu", at,
                      (unsigned long long)stop, (unsigned long long)want);
    }
    unlink(bad);
    unlink(path);
}
END_TEST

/* Records whose check sums are right and that make no sense: every one made another kind. The
 * replay ends, and says so. */
START_TEST(forged_kinds_end)
{
    char bad[64] = "/tmp/replay-bad-XXXXXX";
    u8 buf[65536];
    size_t n = record_to(buf, sizeof(buf)), len;
    FILE *f;

    close(mkstemp(bad));
    for (size_t at = RR_HEADER; at < n; at += len + 4) {
        u8 kind = buf[at];

        len = RR_RECORD_HEAD + ld32(buf + at + 4);
        if (at / 32 % 4) /* some of them are enough */
            continue;
        for (u8 other = 0; other < RR__KINDS; other++) {
            u64 stop;

            if (other == kind || other == RR_END)
                continue;
            buf[at] = other;
            st32(buf + at + len, (u32)crc32_z(0, buf + at, len));
            f = fopen(bad, "wb");
            ck_assert_uint_eq(fwrite(buf, 1, n, f), n);
            fclose(f);
            ck_assert_msg(replay(bad, &stop, NULL) == 1, "record at %zu as kind %u is taken", at,
                          other);
        }
        buf[at] = kind;
        st32(buf + at + len, (u32)crc32_z(0, buf + at, len));
    }
    unlink(bad);
    unlink(path);
}
END_TEST

static bool link_of(struct small *s)
{
    const struct net *net = &s->vm->nets.first->net;

    return net->link(net->arg);
}

/* The cable of an adapter is pulled out while recording: the replay has it at the same instruction.
 */
START_TEST(cable)
{
    char *more[] = {(char *)"-icount",
                    NULL,
                    (char *)"-netdev",
                    (char *)"hubport,id=n0,hubid=0",
                    (char *)"-device",
                    (char *)"rtl8139,netdev=n0",
                    NULL};
    static char how[200];
    struct err err = {""};
    struct small s;
    u64 at[2];

    strcpy(path, "/tmp/replay-XXXXXX");
    close(mkstemp(path));
    more[1] = how;
    for (int replay = 0; replay < 2; replay++) {
        snprintf(how, sizeof(how), "shift=3,sleep=off,rr=%s,rrfile=%s",
                 replay ? "replay" : "record", path);
        ck_assert_msg(small_open(&s, more, &err), "%s", err.msg);
        if (replay) {
            ck_assert(!replay_command(s.vm, "info", "info network", &err));
            ck_assert_int_eq(vm_run(s.vm), 0);
        } else {
            ck_assert(vm_run_to(s.vm, END / 2));
            ck_assert(replay_command(s.vm, "set_link", "set_link rtl8139 off", &err));
            ck_assert(link_of(&s));
            ck_assert(vm_run_to(s.vm, END));
        }
        ck_assert(!link_of(&s));
        at[replay] = cpu_icount(vm_cpu(s.vm));
        small_close(&s);
    }
    ck_assert_uint_eq(at[0], at[1]);
    unlink(path);
}
END_TEST

#ifdef CONFIG_JANSSON
/* What a QMP client asked for is in the log, as lines of the monitor, and nothing of it happens in
 * a replay. */
static char answers[8192];

static void answered(void *arg, const char *text, size_t n)
{
    size_t at = strlen(answers);

    ck_assert_uint_lt(at + n, sizeof(answers));
    memcpy(answers + at, text, n);
    answers[at + n] = 0;
}

static const char *ask(struct qmp_session *q, const char *text)
{
    answers[0] = 0;
    for (; *text; text++)
        qmp_byte(q, (u8)(*text == '\'' ? '"' : *text));
    return answers;
}

static const char *const asked[] = {
    "{'execute':'eject','arguments':{'device':'cd','force':true}}",
    "{'execute':'blockdev-change-medium','arguments':{'id':'cd','filename':'/tmp/rr.iso'}}",
    "{'execute':'blockdev-open-tray','arguments':{'id':'cd'}}",
    "{'execute':'blockdev-close-tray','arguments':{'id':'cd'}}",
    "{'execute':'block_set_io_throttle','arguments':{'id':'cd','bps':1000,'bps_rd':0,'bps_wr':0,"
    "'iops':10,'iops_rd':0,'iops_wr':0}}",
    "{'execute':'set-action','arguments':{'watchdog':'none'}}",
    "{'execute':'inject-nmi'}",
};

static void open_cd(struct small *s, const char *mode, struct qmp_session *q)
{
    struct err err = {""};
    char text[200];
    char *more[] = {(char *)"-icount", text, (char *)"-drive",
                    (char *)"if=ide,index=2,media=cdrom,id=cd,file=/tmp/rr.iso", NULL};

    snprintf(text, sizeof(text), "shift=3,sleep=off,rr=%s,rrfile=%s", mode, path);
    ck_assert_msg(small_open(s, more, &err), "%s", err.msg);
    ck_assert(vm_run_to(s->vm, 1000));
    *q = (struct qmp_session){.vm = s->vm, .send = answered, .new_fd = -1};
    ask(q, "{'execute':'qmp_capabilities'}");
}

START_TEST(what_qmp_asks_for)
{
    static const char *const lines[] = {"eject -f cd",
                                        "tray open -f cd",
                                        "change cd \"/tmp/rr.iso\" ",
                                        "tray open cd",
                                        "tray close cd",
                                        "block_set_io_throttle cd 1000 0 0 10 0 0",
                                        "watchdog_action none",
                                        "nmi"};
    struct err err = {""};
    struct qmp_session q;
    struct rr_reader r;
    struct rr_head head;
    struct small s;
    FILE *iso = fopen("/tmp/rr.iso", "wb");

    ck_assert(iso && !ftruncate(fileno(iso), 1 << 20) && !fclose(iso));
    strcpy(path, "/tmp/replay-XXXXXX");
    close(mkstemp(path));
    open_cd(&s, "record", &q);
    for (unsigned i = 0; i < ARRAY_LEN(asked); i++)
        ck_assert_msg(strstr(ask(&q, asked[i]), "\"return\": {}"), "%s: %s", asked[i], answers);
    ck_assert_ptr_nonnull(strstr(ask(&q, "{'execute':'blockdev-change-medium','arguments':{'id':"
                                         "'cd','filename':'a\\'b'}}"),
                                 "A log cannot keep"));
    ck_assert(vm_run_to(s.vm, END));
    ck_assert(!vm_drive(s.vm, (unsigned)vm_find_drive(s.vm, "cd"))->tray_open);
    ck_assert_int_eq(s.vm->pc->cfg.watchdog, PC_WD_NONE);
    qmp_end(&q);
    small_close(&s);

    ck_assert_msg(rr_open(&r, path, BIT(RR_COMMAND), &head, &err), "%s", err.msg);
    for (unsigned i = 0; i < ARRAY_LEN(lines); i++) {
        const struct rr_record *x = rr_peek(&r);

        ck_assert_ptr_nonnull(x);
        ck_assert_msg(x->n == strlen(lines[i]) && !memcmp(x->data, lines[i], x->n), "line %u: %.*s",
                      i, (int)x->n, (const char *)x->data);
        rr_next(&r);
    }
    ck_assert_ptr_null(rr_peek(&r));
    rr_close(&r);

    open_cd(&s, "replay", &q);
    for (unsigned i = 0; i < ARRAY_LEN(asked); i++)
        ck_assert_msg(strstr(ask(&q, asked[i]), "replays a log"), "%s: %s", asked[i], answers);
    ck_assert_int_eq(vm_run(s.vm), 0);
    ck_assert_uint_eq(cpu_icount(vm_cpu(s.vm)), END);
    qmp_end(&q);
    small_close(&s);
    unlink(path);
    unlink("/tmp/rr.iso");
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("replay");
    TCase *tc = tcase_create("replay");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, replays_are_equal);
    tcase_add_test(tc, cable);
    tcase_add_test(tc, damage_is_told);
    tcase_add_test(tc, forged_kinds_end);
#ifdef CONFIG_JANSSON
    tcase_add_test(tc, what_qmp_asks_for);
#endif
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
