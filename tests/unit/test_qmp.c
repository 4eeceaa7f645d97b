/* The machine protocol: tables of requests and answers, malformed input, limits, events. */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef CONFIG_JANSSON
#include "frontend/qmp/base64.h"
#include "frontend/qmp/qmp_int.h"
#include "tests/unit/vm_fixture.h"

#include <sys/stat.h>

struct talk {
    struct vm_fixture f;
    struct qmp_session s;
    struct event_sink sink;
    char *out;
    size_t n;
};

static void collect(void *arg, const char *text, size_t n)
{
    struct talk *t = arg;

    t->out = realloc(t->out, t->n + n + 1);
    memcpy(t->out + t->n, text, n);
    t->n += n;
    t->out[t->n] = 0;
}

static void tell(void *arg, enum vm_event_id id, const struct event_field *fields)
{
    qmp_tell(&((struct talk *)arg)->s, id, fields);
}

static void feed(struct talk *t, const char *text, size_t n)
{
    t->n = 0;
    collect(t, "", 0);
    while (n--)
        qmp_byte(&t->s, (u8)*text++);
}

static void begin(struct talk *t, bool machine, char *const *args)
{
    struct err err = {""};

    memset(t, 0, sizeof(*t));
    ck_assert_msg(fixture_open(&t->f, args, machine, &err), "%s", err.msg);
    t->s = (struct qmp_session){.vm = t->f.vm, .send = collect, .arg = t, .new_fd = -1};
    t->sink = (struct event_sink){tell, t, NULL};
    vm_listen(t->f.vm, &t->sink);
    collect(t, "", 0);
}

static void ready(struct talk *t)
{
    feed(t, "{\"execute\":\"qmp_capabilities\"}", 30);
    ck_assert_str_eq(t->out, "{\"return\": {}}\r\n");
}

static void end(struct talk *t)
{
    vm_unlisten(t->f.vm, &t->sink);
    qmp_end(&t->s);
    fixture_close(&t->f);
    free(t->out);
}

/* Each request with a part of its answer. In requests ' stands for ". */
struct pair {
    const char *request, *answer;
};

static void expect(struct talk *t, const struct pair *pairs, size_t n)
{
    char text[4096];

    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof(text), "%s\n", pairs[i].request);
        for (char *p = text; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        feed(t, text, strlen(text));
        ck_assert_msg(strstr(t->out, pairs[i].answer), "%s: %s", pairs[i].request, t->out);
    }
}

START_TEST(negotiation)
{
    static const struct pair pairs[] = {
        {"{'execute':'query-status'}", "CommandNotFound"},
        {"{'execute':'query-status','id':7}", "\"id\": 7"},
        {"{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}", "GenericError"},
        {"{'execute':'query-status'}", "Expecting capabilities"},
        {"{'execute':'qmp_capabilities','arguments':{'enable':[]},'id':{'a':[1,null]}}",
         "{\"return\": {}, \"id\": {\"a\": [1, null]}}"},
        {"{'execute':'qmp_capabilities'}", "CommandNotFound"},
        {"{'execute':'query-status','id':'x'}",
         "{\"return\": {\"running\": false, \"singlestep\": false, \"status\": \"prelaunch\"}, "
         "\"id\": \"x\"}"},
    };
    struct talk t;

    begin(&t, false, (char *[]){NULL});
    qmp_greet(&t.s);
    ck_assert_ptr_nonnull(strstr(t.out, "{\"QMP\": {\"version\": {\"qemu\": {\"major\": "));
    expect(&t, pairs, ARRAY_LEN(pairs));
    qmp_restart(&t.s); /* a new client begins anew */
    expect(&t, pairs, ARRAY_LEN(pairs));
    end(&t);
}
END_TEST

/* What is wrong is answered, and the next request is understood. */
START_TEST(malformed)
{
    static const struct pair pairs[] = {
        {"x", "JSON parse error"},
        {"x{'execute':'stop'}", "\"return\": {}"}, /* behind the junk's complaint */
        {"]", "JSON parse error"},
        {"{}", "lacks member 'execute'"},
        {"{]", "JSON parse error"},
        {"[1,2]", "must be a JSON object"},
        {"{'execute':1}", "must be a string"},
        {"{'execute':'stop','arguments':[]}", "'arguments' must be an object"},
        {"{'execute':'stop','exec':1}", "'exec' is unexpected"},
        {"{'exec-oob':'stop'}", "'exec-oob' is unexpected"},
        {"{'execute':'stop','execute':'cont'}", "JSON parse error"},
        {"{'execute':'stop',}", "JSON parse error"},
        {"{'execute':'stop' 'id':1}", "JSON parse error"},
        {"{'execute':'stop','id':9223372036854775807}", "9223372036854775807"},
        {"{'execute':'stop','id':9223372036854775808}", "JSON parse error"},
        {"{'execute':'stop','id':-9223372036854775809}", "JSON parse error"},
        {"{'execute':'stop','id':1e999}", "JSON parse error"},
        {"{'execute':'stop','id':1e3}", "1000.0"},
        {"{'execute':'stop','id':'\\u0000'}", "JSON parse error"},
        {"{'execute':'stop','id':'\\ud800'}", "JSON parse error"},
        {"{'execute':'stop','id':'\xff'}", "JSON parse error"},
        {"{'execute':'stop','id':'\xc0\x80'}", "JSON parse error"},
        {"{'execute':'stop','id':'\xed\xa0\x80'}", "JSON parse error"},
        {"{'execute':'stop','id':'\xe2\x82\xac'}", "\xe2\x82\xac"},
        {"{'execute':'stop','id':'never closed}", "JSON parse error"},
        {"{'execute':'stop','id':'}\\'}{'}", "}\\\"}{"},
        {"{'execute':\n'stop'}", "{\"return\": {}}\r\n"},
        {"{'execute':'st\\u006fp'}", "{\"return\": {}}\r\n"},
    };
    struct talk t;

    begin(&t, false, (char *[]){NULL});
    ready(&t);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        expect(&t, pairs + i, 1);
        feed(&t, "{\"execute\":\"stop\",\"id\":1}", 25);
        ck_assert_msg(!strcmp(t.out, "{\"return\": {}, \"id\": 1}\r\n"), "behind %s: %s",
                      pairs[i].request, t.out);
    }
    end(&t);
}
END_TEST

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

START_TEST(limits)
{
    size_t size = FRAME_MAX + 100;
    char *big = malloc(size + 2);
    struct talk t;

    begin(&t, false, (char *[]){NULL});
    ready(&t);
    /* as deep as allowed, and deeper */
    for (int depth = FRAME_DEPTH - 2; depth <= FRAME_DEPTH + 2; depth++) {
        int n = snprintf(big, size, "{\"execute\":\"stop\",\"id\":");

        memset(big + n, '[', (size_t)depth);
        memset(big + n + depth, ']', (size_t)depth);
        strcpy(big + n + 2 * depth, "}\n");
        feed(&t, big, strlen(big));
        ck_assert_msg(!strncmp(t.out, depth < FRAME_DEPTH ? "{\"return" : "{\"error\"", 8),
                      "%d: %s", depth, t.out);
        ck_assert_uint_eq(count(t.out, "\r\n"), 1);
    }
    /* a thousand thousand brackets without an end: one complaint, and the line end ends it */
    memset(big, '[', size);
    feed(&t, big, size);
    ck_assert_uint_eq(count(t.out, "nested deeper"), 1);
    ck_assert_uint_eq(count(t.out, "\r\n"), 1);
    /* a string that is too long */
    memset(big, 'a', size);
    memcpy(big, "\n{\"id\":\"", 8);
    memcpy(big + size - 2, "\"}", 2);
    feed(&t, big, size);
    ck_assert_uint_eq(count(t.out, "has at most"), 1);
    ck_assert_uint_eq(count(t.out, "\r\n"), 1);
    /* many at once */
    t.n = 0;
    for (int i = 0; i < 1000; i++)
        memcpy(big + 18 * i, "{\"execute\":\"stop\"}", 18);
    feed(&t, big, 18000);
    ck_assert_uint_eq(count(t.out, "{\"return\": {}}\r\n"), 1000);
    end(&t);
    free(big);
}
END_TEST

START_TEST(arguments)
{
    static const struct pair pairs[] = {
        {"{'execute':'stop','arguments':{}}", "\"return\": {}"},
        {"{'execute':'stop','arguments':{'now':1}}", "Parameter 'now' is unexpected"},
        {"{'execute':'qom-list'}", "Parameter 'path' is missing"},
        {"{'execute':'qom-list','arguments':{'path':1}}",
         "Invalid parameter type for 'path', expected: string"},
        {"{'execute':'memsave','arguments':{'val':0,'size':'x','filename':'f'}}",
         "Invalid parameter type for 'size', expected: integer"},
        {"{'execute':'memsave','arguments':{'val':0.5,'size':1,'filename':'f'}}", "'val'"},
        {"{'execute':'query-blockstats','arguments':{'query-nodes':0}}", "expected: boolean"},
        {"{'execute':'send-key','arguments':{'keys':{}}}", "expected: array"},
        {"{'execute':'screendump','arguments':{'filename':'f','format':'gif'}}",
         "expected: ppm|png"},
        {"{'execute':'screendump','arguments':{'filename':'f','format':'pp'}}",
         "expected: ppm|png"},
        {"{'execute':'watchdog-set-action','arguments':{'action':'none'}}", "\"return\": {}"},
        {"{'execute':'no-such','arguments':{'a':1}}", "CommandNotFound"},
        {"{'execute':''}", "CommandNotFound"},
    };
    struct talk t;

    begin(&t, true, (char *[]){NULL});
    ready(&t);
    expect(&t, pairs, ARRAY_LEN(pairs));
    ck_assert_int_eq(t.f.vm->pc->cfg.watchdog, PC_WD_NONE);
    end(&t);
}
END_TEST

/* Every command without arguments can be asked at any time, with a machine and without; what it
 * says is JSON. */
START_TEST(every_query)
{
    char text[200];
    struct talk t;

    begin(&t, _i, (char *[]){NULL});
    ready(&t);
    for (const struct qmp_row *r = qmp_rows; r->name; r++) {
        json_error_t err;
        json_t *v;

        if (strncmp(r->name, "query-", 6))
            continue;
        snprintf(text, sizeof(text), "{\"execute\":\"%s\"}", r->name);
        feed(&t, text, strlen(text));
        v = json_loads(t.out, 0, &err);
        ck_assert_msg(v != NULL, "%s: %s", r->name, t.out);
        if (_i && strcmp(r->name, "query-balloon"))
            ck_assert_msg(json_object_get(v, "return") != NULL, "%s: %s", r->name, t.out);
        if (!_i && r->machine)
            ck_assert_msg(strstr(t.out, "-machine none") != NULL, "%s: %s", r->name, t.out);
        json_decref(v);
    }
    end(&t);
}
END_TEST

/* The table and what is made of it agree; names are unique. */
START_TEST(table)
{
    json_t *schema = qmp_schema(), *entry;
    size_t i, commands = 0, rows = 0;

    json_array_foreach(schema, i, entry)
    {
        const char *meta = json_string_value(json_object_get(entry, "meta-type"));
        json_t *member;
        size_t k;

        commands += !strcmp(meta, "command");
        json_array_foreach(json_object_get(entry, "members"), k, member)
        {
            const char *type = json_string_value(json_object_get(member, "type"));
            json_t *other;
            size_t at;
            bool found = false;

            json_array_foreach(schema, at, other) found |=
                !strcmp(json_string_value(json_object_get(other, "name")), type);
            ck_assert_msg(found, "type %s is not in the schema", type);
        }
    }
    for (const struct qmp_row *r = qmp_rows; r->name; r++, rows++) {
        for (const struct qmp_row *o = r + 1; o->name; o++)
            ck_assert_str_ne(r->name, o->name);
    }
    ck_assert_uint_eq(commands, rows);
    json_decref(schema);
}
END_TEST

START_TEST(machine)
{
    static const struct pair pairs[] = {
        {"{'execute':'query-name'}", "{\"return\": {\"name\": \"t\xc3\xa9st\"}}"},
        {"{'execute':'cont'}", "\"event\": \"RESUME\""},
        {"{'execute':'query-status'}", "\"running\": true"},
        {"{'execute':'stop'}", "\"event\": \"STOP\""},
        {"{'execute':'query-status'}", "\"status\": \"paused\""},
        {"{'execute':'system_reset'}", "\"event\": \"RESET\""},
        {"{'execute':'system_powerdown'}", "\"event\": \"POWERDOWN\""},
        {"{'execute':'inject-nmi'}", "\"return\": {}"},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'info name'}}",
         "{\"return\": \"t\xc3\xa9st\\n\"}"},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'nonsense'}}",
         "unknown command"},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'p 1+1'}}", "0x2\\n"},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'','cpu-index':1}}",
         "there is one processor"},
        {"{'execute':'balloon','arguments':{'value':1}}", "DeviceNotActive"},
        {"{'execute':'set_link','arguments':{'name':'n0','up':false}}", "{\"return\": {}}"},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'info network'}}",
         "0 wait, link down"},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'set_link nic on'}}",
         "{\"return\": \"\"}"},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'info network'}}",
         "0 wait\\n"},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'set_link nose off'}}",
         "no network or adapter 'nose'"},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'set_link alone off'}}",
         "no adapter"},
        {"{'execute':'human-monitor-command','arguments':{'command-line':'set_link n0 down'}}",
         "on or off"},
        {"{'execute':'set_link','arguments':{'name':'nose','up':true}}", "DeviceNotFound"},
        {"{'execute':'set_link','arguments':{'name':'n0'}}", "'up' is missing"},
        {"{'execute':'set-action','arguments':{'reboot':'shutdown','shutdown':'pause'}}",
         "\"return\": {}"},
        {"{'execute':'set_password','arguments':{'protocol':'vnc','password':'x'}}",
         "no VNC server"},
        {"{'execute':'expire_password','arguments':{'protocol':'vnc','time':'soon'}}",
         "'time' is now, never"},
        {"{'execute':'qom-list','arguments':{'path':'/machine/peripheral'}}", "\"log1\""},
        {"{'execute':'qom-get','arguments':{'path':'/machine/peripheral/log1','property':'type'}}",
         "{\"return\": \"isa-parallel\"}"},
        {"{'execute':'qom-get','arguments':{'path':'/machine/unattached/cpu0','property':'type'}}",
         "{\"return\": \"qemu32-cpu\"}"},
        {"{'execute':'qom-get','arguments':{'path':'/machine/rtc','property':'index'}}",
         "{\"return\": "},
        {"{'execute':'qom-get','arguments':{'path':'/machine/rtc','property':'nose'}}",
         "Property 'mc146818.nose' not found"},
        {"{'execute':'qom-get','arguments':{'path':'/machine/nose','property':'type'}}",
         "DeviceNotFound"},
        {"{'execute':'qom-list','arguments':{'path':''}}", "DeviceNotFound"},
        {"{'execute':'qom-list-types','arguments':{'implements':'accel'}}",
         "{\"return\": [{\"name\": \"tcg-accel\", \"parent\": \"accel\"}]}"},
        {"{'execute':'qom-list-types','arguments':{'implements':'device'}}", "\"isa-serial\""},
        {"{'execute':'device-list-properties','arguments':{'typename':'e1000'}}", "\"mac\""},
        {"{'execute':'device-list-properties','arguments':{'typename':'nose'}}", "DeviceNotFound"},
        {"{'execute':'qom-list-properties','arguments':{'typename':'nose'}}", "{\"return\": []}"},
        {"{'execute':'query-command-line-options','arguments':{'option':'smp'}}", "\"cpus\""},
        {"{'execute':'query-command-line-options','arguments':{'option':'nose'}}", "no option"},
        {"{'execute':'ringbuf-write','arguments':{'device':'nose','data':''}}", "DeviceNotFound"},
        {"{'execute':'ringbuf-write','arguments':{'device':'ring','data':'QUJ','format':'base64'}}",
         "not base64"},
        {"{'execute':'ringbuf-read','arguments':{'device':'ring','size':0}}", "above 0"},
        {"{'execute':'ringbuf-read','arguments':{'device':'ring','size':100}}",
         "{\"return\": \"\"}"},
        {"{'execute':'getfd','arguments':{'fdname':'a'}}", "No file descriptor supplied"},
        {"{'execute':'closefd','arguments':{'fdname':'a'}}", "not found"},
        {"{'execute':'quit'}", "{\"return\": {}}"},
    };
    struct talk t;

    begin(&t, true,
          (char *[]){"-name", "t\xc3\xa9st", "-chardev", "ringbuf,id=ring", "-device",
                     "isa-parallel,id=log1,chardev=ring", "-netdev", "hubport,id=n0,hubid=0",
                     "-netdev", "hubport,id=alone,hubid=0", "-device", "e1000,netdev=n0,id=nic",
                     NULL});
    ready(&t);
    expect(&t, pairs, ARRAY_LEN(pairs));
    ck_assert(t.f.opt->no_reboot && t.f.opt->no_shutdown && t.f.vm->quit);
    end(&t);
}
END_TEST

START_TEST(input)
{
    static const struct pair pairs[] = {
        {"{'execute':'send-key','arguments':{'keys':[{'type':'qcode','data':'ctrl'},"
         "{'type':'number','data':211}]}}",
         "\"return\": {}"},
        {"{'execute':'send-key','arguments':{'keys':[{'type':'qcode','data':'hyper'}]}}",
         "no key 'hyper'"},
        {"{'execute':'send-key','arguments':{'keys':[{'type':'number','data':256}]}}",
         "no key 256"},
        {"{'execute':'send-key','arguments':{'keys':[{'type':'number','data':-1}]}}", "no key -1"},
        {"{'execute':'send-key','arguments':{'keys':[1]}}", "A key is"},
        {"{'execute':'send-key','arguments':{'keys':[],'hold-time':-1}}", "hold-time"},
        {"{'execute':'input-send-event','arguments':{'events':[]}}", "\"return\": {}"},
        {"{'execute':'input-send-event','arguments':{'events':[{'type':'btn','data':{'down':true,"
         "'button':'left'}},{'type':'rel','data':{'axis':'x','value':5}}]}}",
         "\"return\": {}"},
        {"{'execute':'input-send-event','arguments':{'events':[{'type':'abs','data':{'axis':'x',"
         "'value':32768}}]}}",
         "at most 32767"},
        {"{'execute':'input-send-event','arguments':{'events':[{'type':'abs','data':{'axis':'x',"
         "'value':32767}},{'type':'abs','data':{'axis':'y','value':0}}]}}",
         "\"return\": {}"},
        {"{'execute':'input-send-event','arguments':{'events':[{'type':'btn','data':{'down':true,"
         "'button':'right'}},{'type':'btn','data':{'down':1}}]}}",
         "An event is of type"},
        {"{'execute':'input-send-event','arguments':{'events':[{'type':'key','data':{'down':true,"
         "'key':{'type':'qcode','data':'a'}}},{'type':'mtt','data':{'down':true}}]}}",
         "type is"},
        {"{'execute':'input-send-event','arguments':{'events':[null,7]}}", "An event is of type"},
    };
    struct talk t;

    begin(&t, true, (char *[]){NULL});
    ready(&t);
    expect(&t, pairs, ARRAY_LEN(pairs));
    ck_assert_uint_eq(t.f.vm->nkeys, 4);
    ck_assert_uint_eq(t.f.vm->keys[1].code, 0xe053); /* 211: Delete behind e0 */
    ck_assert_uint_eq(t.f.vm->mouse_buttons, 1);     /* a refused list does nothing */
    end(&t);
}
END_TEST

static void write_file(const char *path, size_t n)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(ftruncate(fileno(f), (off_t)n), 0);
    fclose(f);
}

START_TEST(drives)
{
    static const struct pair pairs[] = {
        {"{'execute':'query-block'}", "\"tray_open\": false"},
        {"{'execute':'query-block'}", "\"virtual-size\": 1048576"},
        {"{'execute':'query-named-block-nodes','arguments':{'flat':true}}", "\"drv\": \"raw\""},
        {"{'execute':'query-blockstats'}", "\"rd_operations\": 0"},
        {"{'execute':'eject','arguments':{}}", "exactly one"},
        {"{'execute':'eject','arguments':{'device':'nose'}}", "DeviceNotFound"},
        {"{'execute':'eject','arguments':{'device':'hd'}}", "fixed disk"},
        {"{'execute':'eject','arguments':{'device':'cd','id':'cd'}}", "exactly one"},
        {"{'execute':'blockdev-remove-medium','arguments':{'id':'cd'}}", "not open"},
        {"{'execute':'blockdev-open-tray','arguments':{'id':'cd'}}", "\"return\": {}"},
        {"{'execute':'query-block'}", "\"tray_open\": true"},
        {"{'execute':'blockdev-remove-medium','arguments':{'id':'cd'}}", "\"return\": {}"},
        {"{'execute':'blockdev-change-medium','arguments':{'id':'cd','filename':'/nonexistent'}}",
         "GenericError"},
        {"{'execute':'blockdev-change-medium','arguments':{'id':'cd','filename':'/tmp/"
         "test_qmp.iso'}}",
         "\"return\": {}"},
        {"{'execute':'query-block'}", "\"tray_open\": false"},
        {"{'execute':'blockdev-open-tray','arguments':{'id':'hd'}}", "fixed disk"},
        {"{'execute':'block_set_io_throttle','arguments':{'device':'hd','bps':1000,'bps_rd':0,"
         "'bps_wr':0,'iops':10,'iops_rd':0,'iops_wr':0}}",
         "\"return\": {}"},
        {"{'execute':'query-block'}", "\"iops\": 10"},
        {"{'execute':'block_set_io_throttle','arguments':{'device':'hd','bps':0,'bps_rd':1,"
         "'bps_wr':0,'iops':0,'iops_rd':0,'iops_wr':0}}",
         "'bps_rd' is 0"},
        {"{'execute':'block_set_io_throttle','arguments':{'device':'hd','bps':-1,'bps_rd':0,"
         "'bps_wr':0,'iops':0,'iops_rd':0,'iops_wr':0}}",
         "not negative"},
    };
    struct talk t;

    write_file("/tmp/test_qmp.img", 1 << 20);
    write_file("/tmp/test_qmp.iso", 1 << 20);
    begin(&t, true,
          (char *[]){"-drive", "file=/tmp/test_qmp.img,if=ide,index=0,format=raw,id=hd", "-drive",
                     "file=/tmp/test_qmp.iso,if=ide,index=2,media=cdrom,id=cd", NULL});
    ready(&t);
    expect(&t, pairs, ARRAY_LEN(pairs));
    end(&t);
    unlink("/tmp/test_qmp.img");
    unlink("/tmp/test_qmp.iso");
}
END_TEST

START_TEST(files)
{
    static const struct pair pairs[] = {
        {"{'execute':'pmemsave','arguments':{'val':4096,'size':10000,'filename':'/tmp/"
         "test_qmp.mem'}}",
         "\"return\": {}"},
        {"{'execute':'pmemsave','arguments':{'val':16777216,'size':1,'filename':'/tmp/"
         "test_qmp.no'}}",
         "no memory at 0x1000000"},
        {"{'execute':'pmemsave','arguments':{'val':0,'size':-1,'filename':'/tmp/test_qmp.no'}}",
         "number of bytes"},
        {"{'execute':'pmemsave','arguments':{'val':-1,'size':9223372036854775807,"
         "'filename':'/tmp/test_qmp.no'}}",
         "more than there is"},
        {"{'execute':'memsave','arguments':{'val':0,'size':5,'filename':'/nonexistent/x'}}",
         "Cannot write"},
        {"{'execute':'screendump','arguments':{'filename':'/tmp/test_qmp.png','format':'png'}}",
         "\"return\": {}"},
        {"{'execute':'screendump','arguments':{'filename':'/nonexistent/x'}}", "Cannot write"},
    };
    char head[8] = "";
    struct stat st;
    struct talk t;
    FILE *f;

    begin(&t, true, (char *[]){"-vga", "std", NULL});
    ready(&t);
    expect(&t, pairs, ARRAY_LEN(pairs));
    ck_assert(!stat("/tmp/test_qmp.mem", &st) && st.st_size == 10000);
    ck_assert(stat("/tmp/test_qmp.no", &st) != 0);
    f = fopen("/tmp/test_qmp.png", "rb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fread(head, 1, 4, f), 4);
    ck_assert_int_eq(memcmp(head, "\x89PNG", 4), 0);
    fclose(f);
    end(&t);
    unlink("/tmp/test_qmp.mem");
    unlink("/tmp/test_qmp.png");
}
END_TEST

/* What the devices do is found by looking at them. */
START_TEST(events)
{
    struct talk t;
    struct bus *io;

    write_file("/tmp/test_qmp.iso", 1 << 20);
    begin(&t, true,
          (char *[]){"-drive", "file=/tmp/test_qmp.iso,if=ide,index=2,media=cdrom,id=cd", "-action",
                     "watchdog=none", "-rtc", "base=2000-01-01T00:00:00", NULL});
    vm_event(t.f.vm, VM_EVENT_STOP, NULL);
    ck_assert_uint_eq(t.n, 0); /* nobody has negotiated yet */
    ready(&t);
    vm_look(t.f.vm);
    t.n = 0;
    vm_look(t.f.vm);
    ck_assert_uint_eq(t.n, 0);
    t.f.vm->ide[2]->tray_open = true;
    t.f.vm->pc->watchdog_bites++;
    vm_look(t.f.vm);
    ck_assert_ptr_nonnull(strstr(t.out, "\"event\": \"DEVICE_TRAY_MOVED\""));
    ck_assert_ptr_nonnull(
        strstr(t.out, "{\"device\": \"cd\", \"id\": \"cd\", \"tray-open\": true}"));
    ck_assert_ptr_nonnull(strstr(t.out, "{\"action\": \"none\"}"));
    /* the guest sets the clock a day ahead: 2000-01-02 */
    t.n = 0;
    io = &t.f.vm->pc->io;
    bus_write(io, 0x70, 0x07, 1);
    bus_write(io, 0x71, 0x02, 1);
    vm_look(t.f.vm);
    ck_assert_ptr_nonnull(strstr(t.out, "\"event\": \"RTC_CHANGE\""));
    ck_assert_ptr_nonnull(strstr(t.out, "\"offset\": 86400"));
    t.n = 0;
    vm_look(t.f.vm);
    ck_assert_uint_eq(t.n, 0);
    qmp_tell(&t.s, VM_EVENT_VNC_CONNECTED,
             (struct event_field[]){{"server.host", EVENT_STR, 0, "a\xff"},
                                    {"client.websocket", EVENT_BOOL, 1, NULL},
                                    EVENT_END});
    ck_assert_ptr_nonnull(strstr(t.out, "\"data\": {\"server\": {\"host\": \"a\xef\xbf\xbd\"}, "
                                        "\"client\": {\"websocket\": true}}"));
    end(&t);
    unlink("/tmp/test_qmp.iso");
}
END_TEST

START_TEST(base64)
{
    static const char *const texts[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    static const char *const bad[] = {"Z", "Zg=", "Z===", "Zg=a", "Zm9v!A==", "====", "Zm\n9"};
    char text[BASE64_ROOM(8)];
    u8 raw[16];
    size_t n;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        base64_encode((const u8 *)"foobar", i, text);
        ck_assert_str_eq(text, texts[i]);
        ck_assert(base64_decode(text, raw, &n));
        ck_assert_uint_eq(n, i);
        ck_assert_int_eq(memcmp(raw, "foobar", i), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!base64_decode(bad[i], raw, &n), "%s", bad[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qmp");
    TCase *tc = tcase_create("qmp");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, negotiation);
    tcase_add_test(tc, malformed);
    tcase_add_test(tc, limits);
    tcase_add_test(tc, arguments);
    tcase_add_loop_test(tc, every_query, 0, 2);
    tcase_add_test(tc, table);
    tcase_add_test(tc, machine);
    tcase_add_test(tc, input);
    tcase_add_test(tc, drives);
    tcase_add_test(tc, files);
    tcase_add_test(tc, events);
    tcase_add_test(tc, base64);
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}

#else

int main(void)
{
    printf("qmp: not built in\n");
    return 0;
}

#endif
