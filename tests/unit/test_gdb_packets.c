/* The gdb stub's packets: framing, every command with what is right and with what is malformed,
 * layouts of registers, stops and their answers. */
#include "frontend/gdb/stub.h"
#include "tests/insn/machine.h"

#include "cpu/sys/seg.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct machine *m;
static struct gdb g;
static struct {
    char sent[1 << 17];
    size_t n;
    bool running, killed;
    unsigned resumed, halted;
    bool irqs, timers, later;
    char line[64];
} host;

static void send_bytes(void *arg, const u8 *data, size_t n)
{
    ck_assert_uint_lt(host.n + n, sizeof(host.sent));
    memcpy(host.sent + host.n, data, n);
    host.n += n;
    host.sent[host.n] = 0;
}
static bool running(void *arg)
{
    return host.running;
}
static void resume(void *arg)
{
    host.running = true;
    host.resumed++;
}
static void halt(void *arg)
{
    host.halted++;
    host.running = false;
    gdb_stopped(&g, false);
}
static void step(void *arg, bool irqs, bool timers)
{
    host.irqs = irqs;
    host.timers = timers;
    cpu_run(m->cpu, ENGINE_EXEC, 1);
    gdb_stopped(&g, true);
}
static void later(void *arg)
{
    host.later = true;
}
static void command(void *arg, const char *line, gdb_text_fn *out, void *out_arg)
{
    snprintf(host.line, sizeof(host.line), "%s", line);
    out(out_arg, "hello\n", 6);
}
static void killed(void *arg)
{
    host.killed = true;
}
static bool reverse(void *arg, bool one, struct err *err)
{
    return one || err_set(err, "Not here.");
}

static const char *begin(void *arg)
{
    return "begin";
}
static bool never(void *arg)
{
    return false;
}

static void start_as(const char *model, bool wide)
{
    const struct gdb_host h = {NULL, send_bytes, running, resume, halt,
                               step, command,    killed,  NULL};
    m = machine_new(model, ENGINE_EXEC);
    machine_protected(m, 0, AT_CODE);
    memset(&host, 0, sizeof(host));
    gdb_init(&g, m->cpu, &h, wide, false);
    gdb_attach(&g);
    host.n = 0;
    host.sent[0] = 0;
}
static void start(void)
{
    start_as("pentium3", false);
}
static void finish(void)
{
    gdb_free(&g);
    machine_free(m);
}

static void raw(const char *bytes, size_t n)
{
    host.n = 0;
    host.sent[0] = 0;
    gdb_input(&g, (const u8 *)bytes, n);
}

/* Send a packet with a right frame; the answer's body, without frames and acknowledgments. */
static const char *ask_n(const char *body, size_t n)
{
    static char answer[sizeof(host.sent)];
    char frame[2 * GDB_PACKET + 16];
    u8 sum = 0;
    size_t k = 0;
    frame[k++] = '$';
    for (size_t i = 0; i < n; i++)
        sum = (u8)(sum + (u8)(frame[k++] = body[i]));
    k += (size_t)sprintf(frame + k, "#%02x", sum);
    raw(frame, k);
    k = 0;
    for (const char *p = host.sent; *p; p++) {
        u8 have = 0;
        unsigned want;
        if (*p == '+')
            continue;
        ck_assert_msg(*p == '$', "'%s' to '%.40s'", host.sent, body);
        for (p++; *p && *p != '#'; p++)
            have = (u8)(have + (u8)(answer[k++] = *p));
        ck_assert_int_eq(sscanf(p, "#%2x", &want), 1);
        ck_assert_uint_eq(have, want);
        p += 2;
    }
    answer[k] = 0;
    return answer;
}
static const char *ask(const char *body)
{
    return ask_n(body, strlen(body));
}
#define expect(body, answer) ck_assert_str_eq(ask(body), answer)

START_TEST(frames)
{
    char *big = malloc(GDB_PACKET * 2 + 8);
    start();
    raw("$?#3f", 5);
    ck_assert_str_eq(host.sent, "+$T05thread:01;#07");
    raw("-", 1); /* once more */
    ck_assert_str_eq(host.sent, "$T05thread:01;#07");
    raw("+", 1);
    ck_assert_str_eq(host.sent, "");
    raw("$?#3e", 5);
    ck_assert_str_eq(host.sent, "-");
    raw("$?#zz", 5);
    ck_assert_str_eq(host.sent, "-");
    raw("garbage$m1$?#3f", 15); /* a packet whose end was lost */
    ck_assert_str_eq(host.sent, "+$T05thread:01;#07");
    raw("$", 1);
    raw("?#", 2);
    raw("3F", 2);
    ck_assert_str_eq(host.sent, "+$T05thread:01;#07");
    raw("$#00", 4);
    ck_assert_str_eq(host.sent, "+$#00");
    raw("$}#7d", 5); /* nothing is escaped */
    memset(big, 'a', GDB_PACKET * 2);
    ck_assert_str_eq(ask_n(big, GDB_PACKET * 2), "");
    ck_assert_str_eq(ask_n(big, GDB_PACKET), "");
    free(big);
    expect("QStartNoAckMode", "OK");
    raw("$?#3f", 5);
    ck_assert_str_eq(host.sent, "$T05thread:01;#07");
    raw("$?#00", 5); /* nobody will send it again: answered by nothing known */
    ck_assert_str_eq(host.sent, "$#00");
    finish();
}
END_TEST

/* The answer to each is an error, or nothing where the packet is unknown; the state stays. */
static const char *const malformed[] = {
    "m",
    "m,",
    "mz",
    "m0",
    "m0,",
    "m0,x",
    "m0,4z",
    "m,4",
    "m11111111111111111,1",
    "m0,11111111111111111",
    "M",
    "M0",
    "M0,1",
    "M0,1:",
    "M0,1:0",
    "M0,1:000",
    "M0,1:zz",
    "M0,2:00",
    "M0,ffffffffffffffff:00",
    "X",
    "X0,1",
    "X0,1:",
    "X0,2:a",
    "X0,1:ab",
    "X0,ffffffffffffffff:a",
    "p",
    "px",
    "pfff",
    "pffffffffffffffff",
    "p1z",
    "P",
    "P1",
    "P1=",
    "P1=0",
    "P1=000000",
    "P1=0000000000",
    "P1=0000000z",
    "Pfff=00000000",
    "P1:00000000",
    "G0",
    "Gzz",
    "Z",
    "Z0",
    "Z0,",
    "Z0,z",
    "Z0,0",
    "Z0,0,",
    "Z0,0,z",
    "Z2,0,0",
    "Z2,ffffffff",
    "Z5,0,1",
    "Z9",
    "Zx,0,1",
    "z",
    "z0",
    "z0,0",
    "z0,,1",
    "z7,0,1",
    "Z2,ffffffff,ffffffffffffffff",
    "c0z",
    "sz",
    "Czz;z",
    "H",
    "Hx",
    "Hg9",
    "Hgz",
    "T",
    "T5",
    "Tz",
    "vCont;",
    "vCont;x",
    "vCont;r0",
    "vCont;r0,",
    "vCont;r0,1x",
    "vCont;;",
    "vCont",
    "vMustReplyEmpty",
    "vRun;",
    "vFile:open:",
    "v",
    "q",
    "Q",
    "qRcmd,",
    "qRcmd,0",
    "qRcmd,zz",
    "qXfer",
    "qXfer:",
    "qXfer:features:read:",
    "qXfer:features:write:target.xml:0,1",
    "qXfer:features:read:target.xml:",
    "qXfer:features:read:target.xml:0",
    "qXfer:features:read:target.xml:ffffff,1",
    "qXfer:features:read:other.xml:0,1",
    "qXfer:memory-map:read::z",
    "qXfer:memory-map:read:a:0,1",
    "qSearch:memory:",
    "qSearch:memory:0",
    "qSearch:memory:0;",
    "qSearch:memory:0;1",
    "qSearch:memory:0;1;",
    "qSearch:memory:0;ffffffffffff;a",
    "qThreadExtraInfo,",
    "qThreadExtraInfo,9",
    "qThreadExtraInfo,zz",
    "Qqemu.sstep=",
    "Qqemu.sstep=8",
    "Qqemu.sstep=z",
    "Qqemu.PhyMemMode:",
    "Qqemu.PhyMemMode:2",
    "Qqemu.PhyMemMode:11",
    "qqemu.nothing",
    "Qqemu.",
    "b",
    "bx",
    "bcc",
    "!",
    "R00",
    "A",
    "e",
    "\x01",
};

START_TEST(wrong)
{
    char all[4096];
    start();
    snprintf(all, sizeof(all), "%s", ask("g"));
    for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
        const char *answer = ask(malformed[i]);
        bool text = !strncmp(malformed[i], "qRcmd,", 6) && !malformed[i][6]; /* an empty line */
        ck_assert_msg(text || !*answer || *answer == 'E', "'%s': '%s'", malformed[i], answer);
        ck_assert_uint_eq(host.resumed, 0);
        ck_assert_msg(!stop_at(m->cpu, 0), "%s", malformed[i]);
    }
    ck_assert_str_eq(ask("g"), all);
    ck_assert(!host.killed);
    finish();
}
END_TEST

START_TEST(memory)
{
    start();
    memcpy(machine_mem(m, AT_DATA), "\x00\x11#$}*\xff", 7);
    expect("m40000,7", "001123247d2aff");
    expect("m40000,0", "");
    expect("M40001,2:aBcD", "OK");
    expect("m40000,3", "00abcd");
    ck_assert_str_eq(ask_n("X40000,3:\x7d\x03\x7d\x04z", 14), "OK");
    expect("m40000,3", "23247a");
    expect("X40000,0:", "OK"); /* whether the packet is known */
    /* At the end of memory: what there is; behind it: nothing. */
    expect("m3ffffe,8", "0000");
    expect("m400000,1", "E0e");
    expect("M3fffff,2:0000", "E0e");
    ck_assert_uint_eq(strlen(ask("m0,ffffffff")), GDB_PACKET);
    /* Through page tables, and around them. */
    machine_paging(m);
    machine_page(m, 0x200000, AT_DATA | 1); /* of the system, and not to be written */
    expect("m200000,2", "2324");
    expect("M200000,1:55", "OK");
    expect("m40000,1", "55");
    machine_page(m, 0x201000, 0);
    expect("m200fff,2", "00");
    expect("m201000,1", "E0e");
    expect("qqemu.PhyMemMode", "0");
    expect("Qqemu.PhyMemMode:1", "OK");
    expect("qqemu.PhyMemMode", "1");
    expect("m201000,1", "00");
    expect("Qqemu.PhyMemMode:0", "OK");
    ck_assert_str_eq(ask_n("qSearch:memory:40000;100;}\x04z", 28), "1,40001");
    ck_assert_str_eq(ask_n("qSearch:memory:40002;100;}\x04z", 28), "0");
    memcpy(machine_mem(m, 0x41ffe), "abcd", 4); /* over the end of a page */
    expect("qSearch:memory:40000;10000;abcd", "1,41ffe");
    expect("qSearch:memory:1ff000;ffffffff;nothing", "0");
    finish();
}
END_TEST

START_TEST(registers)
{
    char all[4096];
    start();
    m->cpu->gpr[REG_AX] = 0x12345678;
    m->cpu->gpr[REG_DI] = 0x9abcdef0;
    expect("p0", "78563412");
    expect("p7", "f0debc9a");
    expect("p8", "00000100");
    expect("P3=01020304", "OK");
    ck_assert_uint_eq(m->cpu->gpr[REG_BX], 0x04030201);
    snprintf(all, sizeof(all), "G%s", ask("g"));
    memcpy(all + 1, "efbeadde", 8);
    expect(all, "OK");
    ck_assert_uint_eq(m->cpu->gpr[REG_AX], 0xdeadbeef);
    ck_assert_str_eq(ask("g"), all + 1);
    /* What the processor would refuse: paging without protection. */
    for (unsigned i = 0; i < g.regs.n; i++) {
        char text[64];
        snprintf(text, sizeof(text), "P%x=10000080", i);
        if (!strcmp(g.regs.r[i].name, "cr0"))
            expect(text, "E16");
        snprintf(text, sizeof(text), "P%x=18000000", i);
        if (!strcmp(g.regs.r[i].name, "ds")) {
            expect(text, "OK"); /* code that may be read */
            snprintf(text, sizeof(text), "P%x=f8ff0000", i);
            expect(text, "E16"); /* no such descriptor */
        }
        snprintf(text, sizeof(text), "P%x=000000000000000000800040", i);
        if (!strcmp(g.regs.r[i].name, "st3")) {
            snprintf(text, sizeof(text), "P%x=0000000000000080ff3f", i);
            expect(text, "OK");
            snprintf(text, sizeof(text), "p%x", i);
            expect(text, "0000000000000080ff3f");
        }
    }
    finish();
}
END_TEST

/* The layout is the model's, whatever mode the processor is in. */
START_TEST(layouts)
{
    static const struct {
        const char *model;
        bool wide;
        unsigned core; /* bytes up to the first vector register */
        const char *arch;
    } rows[] = {
        {"486", false, 8 * 4 + 8 * 4 + 80 + 32, ">i386<"},
        {"qemu32", false, 8 * 4 + 8 * 4 + 80 + 32, ">i386<"},
        {"qemu64", true, 16 * 8 + 8 + 7 * 4 + 80 + 32, ">i386:x86-64<"},
        {"max", true, 16 * 8 + 8 + 7 * 4 + 80 + 32, ">i386:x86-64<"},
    };
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        unsigned bytes = 0, core = 0;
        start_as(rows[k].model, rows[k].wide);
        for (unsigned i = 0; i < g.regs.n; i++) {
            bytes += gdb_reg_size(&g.regs.r[i]);
            if (g.regs.r[i].feature == GF_CORE)
                core = bytes;
        }
        ck_assert_uint_eq(core, rows[k].core);
        ck_assert_uint_eq(strlen(ask("g")), 2 * bytes);
        machine_real(m, 0x7000);
        ck_assert_uint_eq(strlen(ask("g")), 2 * bytes);
        ck_assert(strstr(g.target_xml, rows[k].arch) != NULL);
        ck_assert((strstr(g.target_xml, "i386.avx") != NULL) == !strcmp(rows[k].model, "max"));
        finish();
    }
}
END_TEST

/* Documents in parts of any size, with escapes, come to the same text. */
START_TEST(documents)
{
    char *text = malloc(1 << 16), query[80];
    static const unsigned sizes[] = {1, 7, 100, 0x3ffb, 0xffff};
    start_as("max", true);
    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        size_t n = 0;
        for (;;) {
            const char *a;
            snprintf(query, sizeof(query), "qXfer:features:read:target.xml:%zx,%x", n, sizes[k]);
            a = ask(query);
            ck_assert(*a == 'm' || *a == 'l');
            for (const char *p = a + 1; *p; p++)
                text[n++] = *p == 0x7d ? *++p ^ 0x20 : *p;
            if (*a == 'l')
                break;
        }
        text[n] = 0;
        ck_assert_str_eq(text, g.target_xml);
    }
    ck_assert(strstr(ask("qXfer:memory-map:read::0,fff"), "type=\"ram\" start=\"0x0\"") != NULL);
    ck_assert(strstr(ask("qSupported:swbreak+;hwbreak+"), "PacketSize=4000") != NULL);
    free(text);
    finish();
}
END_TEST

START_TEST(stops)
{
    start();
    /* nop, nop, mov [40000], al, jmp $ */
    memcpy(machine_mem(m, AT_CODE), "\x90\x90\xa2\x00\x00\x04\x00\xeb\xfe", 9);
    ask("qSupported:swbreak+;hwbreak+");
    expect("Z0,10001,1", "OK");
    expect("Z0,10001,1", "OK");
    expect("Z1,10001,1", "OK");
    expect("z0,10001,1", "OK");
    expect("vCont?", "vCont;c;C;s;S;r");
    expect("c", "");
    ck_assert(host.running);
    ck_assert_int_eq(cpu_run(m->cpu, ENGINE_EXEC, 100), CPU_EXIT_DEBUG);
    host.n = 0;
    gdb_stopped(&g, true);
    ck_assert_str_eq(host.sent, "$T05thread:01;hwbreak:;#60");
    expect("z1,10001,1", "OK");
    expect("z1,10001,1", "OK"); /* it is not there any more */
    expect("Z2,3fff0,100", "OK");
    expect("s", "T05thread:01;");
    ck_assert(!host.irqs && !host.timers);
    expect("Qqemu.sstep=1", "OK");
    expect("vCont;s:1;c", "T05thread:01;watch:40000;");
    ck_assert(host.irqs && host.timers);
    /* Ctrl-C while it runs; memory can be read meanwhile. */
    expect("vCont;c", "");
    expect("m10000,1", "90");
    expect("c", "");
    raw("\x03", 1);
    ck_assert_str_eq(host.sent, "$T02thread:01;#04");
    raw("\x03", 1);
    ck_assert_str_eq(host.sent, "");
    expect("D", "OK");
    ck_assert(host.running && !g.attached && !stop_at(m->cpu, 0));
    finish();
}
END_TEST

/* What the machine does when the stub asks to be called again. */
static void run_later(void)
{
    while (host.later) {
        host.later = false;
        gdb_step_on(&g);
    }
}

START_TEST(ranges)
{
    start();
    g.host.later = later;
    /* 10000: mov ecx, 5000; 10005: nop; dec ecx; jnz 10005; 10009: nop; 1000a: jmp $ */
    memcpy(machine_mem(m, AT_CODE), "\xb9\x88\x13\x00\x00\x90\x49\x75\xfc\x90\xeb\xfe", 12);
    /* The whole loop is one range, in several rows. */
    expect("vCont;r10000,10009:1", "");
    ck_assert(host.later);
    host.n = 0;
    run_later();
    ck_assert_str_eq(host.sent, "$T05thread:01;#07");
    expect("p8", "09000100");
    /* One step at least, also when the place is outside. */
    expect("vCont;r0,1", "T05thread:01;");
    expect("p8", "0a000100");
    /* A stop point within the range. */
    expect("P8=00000100", "OK");
    expect("Z0,10006,1", "OK");
    expect("vCont;r10000,10009:1;c", "T05thread:01;");
    expect("p8", "06000100");
    expect("z0,10006,1", "OK");
    /* The client interrupts. */
    expect("P8=0a000100", "OK");
    expect("vCont;r1000a,1000c:1", "");
    gdb_step_on(&g);
    ck_assert(host.later);
    raw("\x03", 1);
    ck_assert_str_eq(host.sent, "$T02thread:01;#04");
    host.n = 0;
    run_later();
    ck_assert_uint_eq(host.n, 0);
    /* It goes away meanwhile. */
    expect("vCont;r1000a,1000c:1", "");
    expect("D", "OK");
    run_later();
    finish();
}
END_TEST

START_TEST(others)
{
    start();
    expect("Hg0", "OK");
    expect("Hc-1", "OK");
    expect("Hg1", "OK");
    expect("T1", "OK");
    expect("qC", "QC01");
    expect("qfThreadInfo", "m01");
    expect("qsThreadInfo", "l");
    expect("qAttached", "1");
    expect("qOffsets", "Text=0;Data=0;Bss=0");
    expect("qqemu.sstepbits", "ENABLE=1,NOIRQ=2,NOTIMER=4");
    expect("qqemu.sstep", "0x7");
    expect("bs", "E.There is no recording to go back in.");
    g.host.reverse = reverse;
    expect("bc", "E.Not here.");
    expect("bs", "");
    g.host.log_end = begin;
    host.n = 0;
    gdb_stopped(&g, true);
    ck_assert_ptr_nonnull(strstr(host.sent, "T05thread:01;replaylog:begin;"));
    g.host.log_end = NULL;
    g.host.change = never;
    expect("P0=01020304", "E.The machine is in its past, where nothing can be changed.");
    expect("M1000,1:00", "E.The machine is in its past, where nothing can be changed.");
    g.host.change = NULL;
    expect("qRcmd,6869", "O68656c6c6f0aOK");
    ck_assert_str_eq(host.line, "hi");
    expect("c", "");
    host.n = 0;
    gdb_exited(&g, 3);
    ck_assert_str_eq(host.sent, "$W03#ba");
    expect("vKill;1", "OK");
    ck_assert(host.killed);
    host.killed = false;
    expect("k", "");
    ck_assert(host.killed);
    gdb_detach(&g);
    /* Whoever speaks first is a new client. */
    expect("qqemu.sstep", "0x7");
    ck_assert(g.attached);
    finish();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gdb packets");
    TCase *t = tcase_create("packets");
    SRunner *r;
    int failed;

    tcase_add_test(t, frames);
    tcase_add_test(t, wrong);
    tcase_add_test(t, memory);
    tcase_add_test(t, registers);
    tcase_add_test(t, layouts);
    tcase_add_test(t, documents);
    tcase_add_test(t, stops);
    tcase_add_test(t, ranges);
    tcase_add_test(t, others);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
