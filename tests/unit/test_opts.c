/* The command line: every kind of value, drives and their places, mistakes and what is said about
 * them. */
#include "frontend/opts.h"
#include "cpu/jit/technique.h"
#include "devices/core/bits.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ARGS = 32 };

static struct options *opt;
static struct err err;

static void setup(void)
{
    opt = malloc(sizeof(*opt));
}

static void teardown(void)
{
    free(opt);
}

/* Parse a command line of blank-separated words. */
static bool parse(const char *line)
{
    char *buf = strdup(line), *argv[MAX_ARGS] = {(char *)"dragoman"};
    int argc = 1;
    bool ok;

    for (char *p = strtok(buf, " "); p && argc < MAX_ARGS; p = strtok(NULL, " "))
        argv[argc++] = p;
    err.msg[0] = 0;
    ok = opts_parse(opt, argc, argv, &err);
    free(buf);
    return ok;
}

static void good(const char *line)
{
    ck_assert_msg(parse(line), "'%s': %s", line, err.msg);
}

/* The line is refused, and the sentence holds `part`. */
static void bad(const char *line, const char *part)
{
    ck_assert_msg(!parse(line) || !opts_place_drives(opt, &err) || !opts_check_chardevs(opt, &err),
                  "'%s' was accepted", line);
    ck_assert_msg(strstr(err.msg, part), "'%s': '%s' lacks '%s'", line, err.msg, part);
    ck_assert_msg(err.msg[strlen(err.msg) - 1] == '.' || strstr(err.msg, "log area"),
                  "no sentence: '%s'", err.msg);
}

START_TEST(defaults)
{
    good("");
    ck_assert_uint_eq(opt->ram_size, 128 * MIB);
    ck_assert_uint_eq(opt->cpus, 1);
    ck_assert_int_eq(opt->icount_shift, -1);
    ck_assert_int_eq(opt->engine, OPT_ENGINE_DEFAULT);
    ck_assert_int_eq(opt->start, START_RUN);
    ck_assert(opt->no_hpet);
}
END_TEST

START_TEST(memory)
{
    static const struct {
        const char *line;
        u64 size;
    } t[] = {{"-m 64", 64 * MIB},      {"-m 512M", 512 * MIB}, {"-m 2G", 2 * GIB},
             {"-m size=96", 96 * MIB}, {"--m=32", 32 * MIB},   {"-m 2048k", 2 * MIB},
             {"-m 0x40", 64 * MIB}};

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        good(t[i].line);
        ck_assert_uint_eq(opt->ram_size, t[i].size);
    }
    bad("-m much", "'much'");
    bad("-m -5", "'-5'");
    bad("-m 100k", "1 MiB");
    bad("-m 999999G", "GiB");
    bad("-m 99999999999999999999", "'99999");
    bad("-m 12Q", "'12Q'");
    bad("-m", "needs a value");
    bad("-m siz=3", "'size'");
}
END_TEST

START_TEST(techniques)
{
    u32 off = 0;
    ck_assert(jit_parse_off("groups", &off, &err));
    ck_assert_uint_eq(off, JIT_OFF(GROUPS));
    ck_assert(jit_parse_off("flat,tiers", &off, &err));
    ck_assert_uint_eq(off, JIT_OFF(GROUPS) | JIT_OFF(FLAT) | JIT_OFF(TIERS));
    ck_assert(jit_parse_off("all", &off, &err));
    ck_assert_uint_eq(off, BIT(JIT_T__COUNT) - 1);
    ck_assert(!jit_parse_off("flat,speed", &off, &err));
    ck_assert(strstr(err.msg, "'speed'") && strstr(err.msg, "flat, raw, upper, ") &&
              strstr(err.msg, "brief, all"));
}
END_TEST

START_TEST(dashes_and_nearest)
{
    good("--nographic");
    ck_assert_int_eq(opt->show, SHOW_NOGRAPHIC);
    good("--engine=exec");
    ck_assert_int_eq(opt->engine, 0);
    good("-engine jit --no-tr=adc,shl");
    ck_assert_int_eq(opt->engine, 2);
    ck_assert_str_eq(opt->no_tr, "adc,shl");
    good("-jit-off flat,groups");
    ck_assert_str_eq(opt->jit_off, "flat,groups");
    bad("-nographik", "'-nographic'");
    bad("-kernal x", "'-kernel'");
    bad("-enable-kvm", "-enable-kvm");
    bad("--engine=fast", "exec, eval or jit");
    bad("-nographic=1", "takes no value");
    bad("-vga cirrrus", "'cirrrus'");
    bad("-display sld", "'sdl'");
    bad("-zzzzzz", "-help");
}
END_TEST

START_TEST(shown_where)
{
    good("-vnc 127.0.0.1:7,password=on,websocket=on,to=9");
    ck_assert(opt->vnc.on && opt->vnc.password);
    ck_assert_str_eq(opt->vnc.host, "127.0.0.1");
    ck_assert_uint_eq(opt->vnc.display, 7);
    ck_assert_uint_eq(opt->vnc.to, 9);
    ck_assert_uint_eq(opt->vnc.websocket, 5707);
    good("-display vnc=:1,websocket=6000,share=ignore");
    ck_assert_str_eq(opt->vnc.host, "");
    ck_assert_int_eq(opt->show, SHOW_NONE);
    ck_assert_uint_eq(opt->vnc.websocket, 6000);
    good("-vnc [::1]:2,password-file=/x,websocket");
    ck_assert_str_eq(opt->vnc.host, "::1");
    ck_assert_str_eq(opt->vnc.password_file, "/x");
    ck_assert(opt->vnc.password);
    good("-vnc :1 -vnc none");
    ck_assert(!opt->vnc.on);
    bad("-vnc 127.0.0.1", "host:n");
    bad("-vnc :99999", "host:n");
    bad("-vnc :x", "host:n");
    bad("-vnc :1,websocket=0", "websocket");
    bad("-vnc :1,password=secret", "'password'");
    bad("-vnc :5,to=3", "'to'");
    bad("-vnc :5,share=no", "'share'");
    bad("-vnc :5,pasword=on", "'password'");
    bad("-display vnc", "vnc=127.0.0.1:0");
    good("-display sdl,scale=exact,aspect=off,status=off,full-screen=on -k de");
    ck_assert(opt->exact && opt->square && opt->no_status && opt->full_screen);
    ck_assert_str_eq(opt->layout, "de");
    bad("-display sdl,scale=big", "smooth or exact");
    bad("-display sdl,aspect=4:3", "'on' or 'off'");
    bad("-display sdl,scael=exact", "'scale'");
    bad("-display curses,scale=exact", "no properties");
    bad("-k xx", "en-us");
    good("-vga cirrus -display curses");
    ck_assert_int_eq(opt->vga, PC_VGA_CIRRUS);
    ck_assert_int_eq(opt->show, SHOW_CURSES);
    good("-global VGA.vgamem_mb=64");
    ck_assert_uint_eq(opt->vga_mem, 64 << 20);
    bad("-global VGA.vgamem_mb=3", "1, 2, 4");
    bad("-global VGA.vgamem_mb=0", "1, 2, 4");
    bad("-global VGA.vgamem_mb=512", "1, 2, 4");
    good("-machine pc,vmport=off");
    ck_assert(opt->no_vmport);
    good("-serial msmouse -chardev msmouse,id=m");
}
END_TEST

START_TEST(machine_and_cpu)
{
    good("-M pc -accel tcg -cpu pentium3,-sse -smp 1 -name box");
    ck_assert_str_eq(opt->cpu, "pentium3,-sse");
    ck_assert_str_eq(opt->name, "box");
    good("-machine pc-i440fx-7.2,accel=kvm:tcg,acpi=off,usb=off");
    ck_assert(opt->no_acpi);
    good("-name guest=a,,b,debug-threads=on");
    ck_assert_str_eq(opt->name, "a,b");
    good("-uuid 01234567-89ab-cdef-0123-456789abcdef");
    ck_assert(opt->have_uuid);
    ck_assert_uint_eq(opt->uuid[0], 0x01);
    ck_assert_uint_eq(opt->uuid[15], 0xef);
    bad("-uuid 1234", "32 hexadecimal");
    bad("-uuid 01234567-89ab-cdef-0123-456789abcdeg", "32 hexadecimal");
    bad("-M q35", "'q35'");
    bad("-accel kvm", "'kvm'");
    bad("-smp 4", "one CPU");
    bad("-smp 0", "number");
    bad("-M pc,foo=on", "'foo'");
    bad("-M pc,acpi=perhaps", "'perhaps'");
}
END_TEST

START_TEST(drives)
{
    good("-hda a.img -hdd b.img -cdrom c.iso -fda f.img");
    ck_assert(opts_place_drives(opt, &err));
    ck_assert_str_eq(opt->ide[0].path, "a.img");
    ck_assert_str_eq(opt->ide[3].path, "b.img");
    ck_assert(opt->ide[2].cdrom);
    ck_assert_str_eq(opt->fd[0].path, "f.img");
    ck_assert(!opt->ide[1].used && !opt->fd[1].used);

    good("-drive file=x,,y.img,format=raw,snapshot=on,readonly=on -drive file=z,index=0");
    ck_assert(opts_place_drives(opt, &err));
    ck_assert_str_eq(opt->ide[0].path, "z");
    ck_assert_str_eq(opt->ide[1].path, "x,y.img");
    ck_assert(opt->ide[1].snapshot && opt->ide[1].read_only && !opt->ide[0].snapshot);

    good("-drive file=a,if=none,id=d0 -device ide-hd,drive=d0,bus=ide.1,unit=1 -snapshot");
    ck_assert(opts_place_drives(opt, &err));
    ck_assert_str_eq(opt->ide[3].path, "a");
    ck_assert(opt->ide[3].snapshot);

    good("-drive if=floppy,file=q -drive media=cdrom,file=r,bus=1,unit=0");
    ck_assert(opts_place_drives(opt, &err));
    ck_assert_str_eq(opt->fd[0].path, "q");
    ck_assert(opt->ide[2].cdrom);

    bad("-hda a -drive file=b,index=0", "same place");
    bad("-hdc a -cdrom b", "same place");
    bad("-drive file=a -drive file=b -drive file=c -drive file=d -drive file=e", "no place");
    bad("-drive file=a,format=qed", "'qed'");
    bad("-drive file=a,if=scsi", "'scsi'");
    bad("-drive if=ide", "file=");
    bad("-drive file=a,index=9", "small number");
    bad("-drive file=a,indx=1", "'index'");
    bad("-drive file=a,if=none", "id=");
    bad("-device ide-hd,drive=nope", "'nope'");
    bad("-device pcnet", "'pcnet'");
    bad("-initrd x", "-kernel");
    bad("-append x", "-kernel");
}
END_TEST

START_TEST(characters)
{
    good("-serial stdio -serial file:/tmp/x -serial null -serial mon:stdio -monitor "
         "unix:/tmp/s,server=on,wait=off");
    ck_assert_uint_eq(opt->nserial, 4);
    ck_assert_str_eq(opt->serial[1], "file:/tmp/x");
    ck_assert_str_eq(opt->monitor[0], "unix:/tmp/s,server=on,wait=off");
    good("-chardev socket,id=c0,path=/tmp/s,server=on,wait=off -mon chardev=c0,mode=readline "
         "-serial chardev:c0");
    ck_assert(opts_check_chardevs(opt, &err));
    ck_assert_str_eq(opt->chardevs[0].spec, "unix:/tmp/s,server=on,wait=off");
    ck_assert_str_eq(opt->monitor[0], "chardev:c0");
    good("-chardev socket,id=m,fd=5,server=on,wait=off -mon chardev=m,mode=control");
    ck_assert_str_eq(opt->chardevs[0].spec, "fd:5");
    bad("-chardev socket,id=m,fd=5,path=x", "fd=");
    bad("-chardev socket,id=m,fd=five", "'five'");
    good("-chardev null,id=c0 -mon chardev=c0,mode=control,pretty=on -qmp stdio -qmp-pretty pty");
    ck_assert_uint_eq(opt->nqmp, 3);
    ck_assert_str_eq(opt->qmp[0].dev, "chardev:c0");
    ck_assert(opt->qmp[0].pretty && !opt->qmp[1].pretty && opt->qmp[2].pretty);
    ck_assert_uint_eq(opt->nmonitors, 0);
    good("-machine none,accel=kvm:tcg -daemonize -S");
    ck_assert(opt->no_machine && opt->daemonize);
    good("-machine pc-i440fx-1");
    ck_assert(!opt->no_machine);
    good("-chardev socket,id=c0,port=4444,host=127.0.0.1,server,nowait");
    ck_assert_str_eq(opt->chardevs[0].spec, "tcp:127.0.0.1:4444,server=on,wait=off");
    good("-chardev stdio,id=a,mux=on -device isa-serial,chardev=a,index=2 -device "
         "isa-debugcon,chardev=a");
    ck_assert(opt->chardevs[0].mux);
    ck_assert_str_eq(opt->serial[2], "chardev:a");
    ck_assert_str_eq(opt->debugcon, "chardev:a");
    bad("-serial studio", "'stdio'");
    bad("-serial file:", "colon");
    bad("-serial chardev:none", "'none'");
    bad("-serial null -serial null -serial null -serial null -serial null", "4");
    bad("-chardev stdio", "id=");
    bad("-chardev stdio,id=a -chardev null,id=a", "'a'");
    bad("-chardev file,id=a", "path=");
    bad("-mon mode=chat,chardev=x", "'chat'");
    bad("-mon mode=control", "chardev=");
    bad("-mon mode=control,chardev=x", "'x'");
    bad("-mon chardev=x,pretty=on", "control");
    bad("-mon chardev=x,pretty=maybe", "'maybe'");
    bad("-qmp mon:stdio", "for itself");
    bad("-qmp paper", "'paper'");
    bad("-qmp pty -qmp pty -qmp pty -qmp pty -qmp pty", "at most");
    bad("-parallel paper", "file:path");
    bad("-incoming tcp:1", "file: or map:");
    bad("-incoming map:", "file: or map:");
}
END_TEST

START_TEST(boot_time_debug)
{
    good("-boot d -rtc base=2001-02-03T04:05:06,clock=vm -icount shift=4,sleep=off -d in_asm,int "
         "-no-reboot -S");
    ck_assert_str_eq(opt->boot, "d");
    ck_assert_int_eq(opt->rtc, RTC_DATE);
    ck_assert_int_eq(opt->rtc_base, 981173106);
    ck_assert_int_eq(opt->icount_shift, 4);
    ck_assert(!opt->icount_sleep && opt->no_reboot && opt->stopped);
    ck_assert_uint_eq(opt->log_mask, BIT(LOGA_IN_ASM) | BIT(LOGA_INT));
    good("-boot order=cd,menu=on,splash-time=500 -dfilter 0x7c00-0x7dff,0x100000+0x1000");
    ck_assert(opt->boot_menu);
    ck_assert_uint_eq(opt->boot_menu_ms, 500);
    good("-device isa-debug-exit,iobase=0xf4,iosize=0x04");
    ck_assert(opt->exitdev);
    ck_assert_uint_eq(opt->exit_port, 0xf4);
    good("-fw_cfg name=opt/x,string=hello");
    ck_assert_str_eq(opt->files[0].text, "hello");
    bad("-boot z", "'z'");
    bad("-rtc base=2001-13-01", "'2001-13-01'");
    bad("-rtc base=yesterday", "'yesterday'");
    bad("-icount shift=11", "0 to 10");
    bad("-seed many", "takes a number");
    bad("-d in_asn", "in_asn");
    bad("-dfilter zz", "'zz'");
    bad("-fw_cfg name=opt/x", "string=");
    bad("-global foo=1", "'foo'");
    bad("-global VGA", "driver.property");
}
END_TEST

START_TEST(addons)
{
    good("-chardev null,id=p -global isa-parallel.irq=5 -device isa-parallel,chardev=p,id=x,iobase=0x278");
    ck_assert_uint_eq(opt->naddons, 1);
    ck_assert_str_eq(opt->addons[0].driver, "isa-parallel");
    ck_assert_str_eq(opt->addons[0].id, "x");
    ck_assert_str_eq(opt->addons[0].host, "chardev:p");
    ck_assert_int_eq(opt->addons[0].devfn, -1);
    ck_assert(opts_apply_globals(opt, &err));
    ck_assert_str_eq(opt->addons[0].props, "irq=5,iobase=0x278");
    good("-parallel file:/tmp/out");
    ck_assert_str_eq(opt->addons[0].host, "file:/tmp/out");
    good("-device isa-parallel,help");
    ck_assert_int_eq(opt->start, START_LIST);
    bad("-device isa-parallel,chardev=nobody", "'nobody'");
    bad("-device isa-parallel,addr=3", "'addr'");
    bad("-device isa-paralell", "isa-parallel");
    bad("-global isa-parallel.irk=3", "irq");
    bad("-parallel fil:x", "file:path");
}
END_TEST

START_TEST(printing)
{
    char *text = NULL;
    size_t n;
    FILE *f;
    unsigned lines = 0;

    good("-m 5 --version -zzz"); /* what comes behind is not looked at */
    ck_assert_int_eq(opt->start, START_VERSION);
    good("-cpu help");
    ck_assert_int_eq(opt->start, START_LIST);
    f = open_memstream(&text, &n);
    opts_print_help(f);
    fclose(f);
    for (char *p = text; *p; p = strchr(p, '\n') + 1, lines++)
        ck_assert_msg(*p == '-', "a line of -help does not begin with its flag: %.40s", p);
    ck_assert_uint_gt(lines, 40);
    ck_assert_ptr_nonnull(strstr(text, "\n-kernel "));
    ck_assert_ptr_null(strstr(text, "print-man"));
    free(text);
    f = open_memstream(&text, &n);
    opts_print_man(f);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text, ".TH DRAGOMAN 1"));
    ck_assert_ptr_nonnull(strstr(text, ".B \\-nographic"));
    free(text);
    f = open_memstream(&text, &n);
    ck_assert(opts_print_completion(f, "bash"));
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text, " -snapshot"));
    free(text);
}
END_TEST

/* Make a file of `size` bytes with `magic` at `at` and guess it. */
static bool guess(u64 size, u64 at, const char *magic, size_t n)
{
    char path[] = "/tmp/dragoman-test-XXXXXX", line[64];
    int fd = mkstemp(path);
    bool ok;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    ck_assert_int_eq(pwrite(fd, magic, n, (off_t)at), (ssize_t)n);
    snprintf(line, sizeof(line), "%s", path);
    good(line);
    ok = opts_guess(opt, &err) && opts_place_drives(opt, &err);
    close(fd);
    unlink(path);
    return ok;
}

START_TEST(guesses)
{
    static const char multiboot[12] = "\x02\xb0\xad\x1b\0\0\0\0\xfe\x4f\x52\xe4";
    char elf[200] = "\177ELF";

    ck_assert(guess(1474560, 0, "x", 1));
    ck_assert(opt->fd[0].used);
    ck_assert(guess(737280, 510, "\x55\xaa", 2));
    ck_assert(opt->fd[0].used);
    ck_assert(guess(5 * MIB, 510, "\x55\xaa", 2));
    ck_assert(opt->ide[0].used && !opt->ide[0].cdrom);
    ck_assert(guess(5 * MIB, 0x8001, "CD001", 5));
    ck_assert(opt->ide[2].cdrom);
    ck_assert(guess(1474560, 0x8001, "CD001", 5)); /* a small CD is not a floppy */
    ck_assert(opt->ide[2].cdrom);
    ck_assert(guess(100000, 0x202, "HdrS", 4));
    ck_assert(opt->kernel[0]);
    memcpy(elf + 64, multiboot, 12);
    ck_assert(guess(100000, 0, elf, sizeof(elf)));
    ck_assert(opt->kernel[0]);
    ck_assert(!guess(100000, 0, "\177ELF", 4));
    ck_assert_ptr_nonnull(strstr(err.msg, "multiboot"));
    ck_assert(guess(5 * MIB, 0, "QFI\xfb", 4));
    ck_assert(opt->ide[0].used && !opt->ide[0].cdrom);
    ck_assert(!guess(700, 0, "hello", 5));
    ck_assert_ptr_nonnull(strstr(err.msg, "-hda"));
    ck_assert(!guess(0, 0, "", 0));
    good("/nonexistent/disk.img");
    ck_assert(!opts_guess(opt, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "/nonexistent/disk.img"));
    good("/tmp");
    ck_assert(!opts_guess(opt, &err));
    good("demo");
    ck_assert(opt->demo);
    bad("a.img b.img", "b.img");
}
END_TEST

/* The machine that suits what is on the disk. */
START_TEST(guessed_machines)
{
    static const struct {
        const char *at510;
        u8 type;
        const char *oem;
        unsigned mib;
    } t[] = {{"\x55\xaa", 0x06, "", 64},  {"\x55\xaa", 0x0c, "", 64},
             {"\x55\xaa", 0x07, "", 256}, {"\x55\xaa", 0x83, "", 256},
             {"\x55\xaa", 0xa5, "", 256}, {"\x55\xaa", 0x99, "", 128},
             {"\0\0", 0x06, "", 128},     {"\x55\xaa", 0, "MSWIN4.1", 64},
             {"\0\0", 0, "FRDOS4.1", 64}};

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        char sector[512] = {0};

        memcpy(sector + 3, t[i].oem, strlen(t[i].oem));
        sector[446 + 4] = (char)t[i].type;
        memcpy(sector + 510, t[i].at510, 2);
        ck_assert(guess(5 * MIB, 0, sector, 512));
        ck_assert_msg(opt->ram_size == t[i].mib * MIB, "row %zu", i);
        ck_assert_ptr_nonnull(strstr(opt->guessed, "disk"));
    }
}
END_TEST

static int addon_at(const char *driver)
{
    for (unsigned i = 0; i < opt->naddons; i++) {
        if (!strcmp(opt->addons[i].driver, driver))
            return (int)i;
    }
    return -1;
}

/* A DOS disk's machine: what it gets by itself, and what of it goes when the user says so. */
START_TEST(guessed_devices)
{
    static const struct {
        const char *args, *sound, *nic;
        unsigned addons;
    } t[] = {
        {"", "sb16", "ne2k_isa", 2},
        {"-nodefaults", NULL, NULL, 0},
        {"-nic none", "sb16", NULL, 1},
#ifdef CONFIG_SLIRP
        {"-nic user", "sb16", "e1000", 2},
#endif
        {"-icount shift=3", "sb16", NULL, 1}, /* equal runs: no network */
        {"-audiodev none,id=a -device adlib,audiodev=a", "adlib", "ne2k_isa", 2},
        {"-audiodev none,id=a", "sb16", "ne2k_isa", 2},
    };
    char path[] = "/tmp/dragoman-test-XXXXXX", line[200], sector[512] = {0};
    int fd = mkstemp(path);

    sector[446 + 4] = 0x06;
    memcpy(sector + 510, "\x55\xaa", 2);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, sector, 512), 512);
    ck_assert_int_eq(ftruncate(fd, 5 * MIB), 0);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        snprintf(line, sizeof(line), "%s %s", t[i].args, path);
        good(line);
        ck_assert(opts_guess(opt, &err) && opts_place_drives(opt, &err) &&
                  opts_finish_net(opt, &err));
        ck_assert_msg(!t[i].sound || addon_at(t[i].sound) >= 0, "%s", line);
        ck_assert_msg((addon_at("sb16") >= 0) == (strstr(opt->guessed, "sb16") != NULL), "%s",
                      opt->guessed);
#ifdef CONFIG_SLIRP
        ck_assert_msg(opt->naddons == t[i].addons, "%s: %u", line, opt->naddons);
        ck_assert_msg(!t[i].nic || addon_at(t[i].nic) >= 0, "%s", line);
#endif
        ck_assert(opts_check_audiodevs(opt, &err));
        if (t[i].sound) { /* somebody's end is behind it, and behind the speaker when nobody said */
            ck_assert_str_eq(opt->addons[addon_at(t[i].sound)].host, opt->audiodevs[0].id);
            ck_assert_str_eq(opt->pcspk_audiodev, strstr(line, "audiodev") ? "" : "sound");
        }
    }
    close(fd);
    unlink(path);
}
END_TEST

/* Over-long and odd values never write behind a buffer (run under ASan). */
START_TEST(hostile)
{
    char *big = malloc(20000), *argv[3] = {(char *)"dragoman", NULL, big};

    memset(big, 'a', 19999);
    big[19999] = 0;
    for (int i = 0; i < OPT__COUNT; i++) {
        char flag[64];

        snprintf(flag, sizeof(flag), "-%s", opt_rows[i].flag);
        argv[1] = flag;
        memset(big, 'a', 19999);
        opts_parse(opt, 3, argv, &err);
        memset(big, ',', 19999);
        opts_parse(opt, 3, argv, &err);
        for (int k = 0; k + 3 < 19999; k += 3)
            memcpy(big + k, "a=,", 3);
        opts_parse(opt, 3, argv, &err);
    }
    argv[1] = big;
    ck_assert(!opts_parse(opt, 2, argv, &err));
    free(big);
}
END_TEST

START_TEST(more_chardevs)
{
    good("-chardev udp,id=u,host=127.0.0.1,port=9,localport=8 -serial chardev:u");
    ck_assert_str_eq(opt->chardevs[0].spec, "udp:127.0.0.1:9@:8");
    good("-chardev ringbuf,id=r,size=4K -chardev socket,id=s,path=x,reconnect=2");
    ck_assert_str_eq(opt->chardevs[0].spec, "ringbuf:4096");
    ck_assert_str_eq(opt->chardevs[1].spec, "unix:x,reconnect=2");
    good("-serial udp:127.0.0.1:9 -serial ringbuf:4096");
    bad("-chardev udp,id=u", "port=");
    bad("-chardev ringbuf,id=r,size=3", "16 bytes");
    bad("-chardev ringbuf,id=r,size=many", "number");
    bad("-chardev socket,id=s,path=x,server=on,reconnect=2", "clients");
}
END_TEST

START_TEST(debugger)
{
    good("-s");
    ck_assert_str_eq(opt->gdb, "tcp::1234,server=on,wait=off");
    ck_assert(!opt->gdb_linear && opt->gdb_arch == GDB_ARCH_CPU && !opt->stopped);
    good("-gdb unix:/tmp/g,server=on,wait=off -S");
    ck_assert_str_eq(opt->gdb, "unix:/tmp/g,server=on,wait=off,server=on");
    ck_assert(opt->stopped);
    good("-gdb tcp:127.0.0.1:99,nodelay=on,pc=linear,arch=i386");
    ck_assert_str_eq(opt->gdb, "tcp:127.0.0.1:99,server=on,wait=off");
    ck_assert(opt->gdb_linear && opt->gdb_arch == GDB_ARCH_I386);
    good("-gdb stdio,pc=offset,arch=x86-64");
    ck_assert_str_eq(opt->gdb, "stdio");
    ck_assert(!opt->gdb_linear && opt->gdb_arch == GDB_ARCH_X86_64);
    good("-s -gdb none");
    ck_assert_str_eq(opt->gdb, "");
    bad("-gdb", "needs a value");
    bad("-gdb upside", "upside");
    bad("-gdb tcp:", "colon");
    bad("-gdb tcp::1,pc=up", "offset or linear");
    bad("-gdb tcp::1,arch=vax", "i386 or x86-64");
}
END_TEST

START_TEST(platform)
{
    good("-boot order=cd,once=n,strict=on,menu=on -action reboot=shutdown,watchdog=pause");
    ck_assert_str_eq(opt->boot, "cd");
    ck_assert_str_eq(opt->boot_once, "n");
    ck_assert(opt->boot_strict && opt->boot_menu && opt->no_reboot);
    ck_assert_int_eq(opt->watchdog, PC_WD_PAUSE);
    good("-rtc clock=vm,driftfix=slew -watchdog-action inject-nmi -machine hpet=off,usb=on");
    ck_assert(opt->rtc_vm && opt->rtc_slew && opt->no_hpet && opt->usb);
    ck_assert_int_eq(opt->watchdog, PC_WD_NMI);
    good("-smbios type=1,serial=12,product=Box -smbios type=11,value=x -machine hpet=on");
    ck_assert(!opt->no_hpet);
    ck_assert_uint_eq(opt->nsmbios, 3);
    ck_assert_str_eq(opt->smbios[1].value, "Box");
    good("-smbios type=1,uuid=00112233-4455-6677-8899-aabbccddeeff");
    ck_assert(opt->have_uuid);
    good("-usbdevice tablet");
    ck_assert(opts_add_usb(opt, &err));
    ck_assert_uint_eq(opt->naddons, 2);
    good("-usb -device piix3-usb-uhci");
    ck_assert(opts_add_usb(opt, &err));
    ck_assert_uint_eq(opt->naddons, 1);
    bad("-smbios serial=1", "type=");
    bad("-smbios type=9", "type is");
    bad("-smbios type=1,colour=red", "'colour'");
    bad("-action watchdog=bark", "'bark'");
    bad("-action reboot=never", "'never'");
    bad("-action panic=none", "'panic'");
    bad("-rtc driftfix=fast", "'fast'");
    bad("-boot once=x", "letters");
    bad("-usbdevice teapot", "'teapot'");
}
END_TEST

START_TEST(networks)
{
#ifdef CONFIG_SLIRP
    const struct opt_addon *a;

    good("");
    ck_assert(opts_finish_net(opt, &err));
    ck_assert_uint_eq(opt->naddons, 1);
    a = &opt->addons[0];
    ck_assert_str_eq(a->driver, "e1000");
    ck_assert_str_eq(a->host, "net0");
    ck_assert_str_eq(a->props, "mac=52:54:00:12:34:56");
    ck_assert_str_eq(opt->netdevs[0].kind, "user");
    good("-nic model=rtl8139,mac=52:54:00:00:00:01,hostfwd=tcp::2222-:22 -nic ne2k_pci,id=n");
    ck_assert(opts_finish_net(opt, &err));
    ck_assert_uint_eq(opt->nnetdevs, 2);
    ck_assert_str_eq(opt->addons[0].driver, "rtl8139");
    ck_assert_str_eq(opt->addons[0].props, "mac=52:54:00:00:00:01");
    ck_assert_str_eq(opt->netdevs[0].props, "hostfwd=tcp::2222-:22");
    ck_assert_str_eq(opt->addons[1].driver, "ne2k_pci");
    ck_assert_str_eq(opt->addons[1].id, "n");
    good("-netdev user,id=u,restrict=on -device e1000,netdev=u,mac=52:54:00:12:34:56,romfile= -device rtl8139,netdev=v");
    ck_assert(opts_finish_net(opt, &err));
    ck_assert_uint_eq(opt->naddons, 2);
    ck_assert(opt->addons[0].no_rom);
    ck_assert_str_eq(opt->addons[1].props, "mac=52:54:00:12:34:57");
    good("-net nic,model=rtl8139,macaddr=52:54:00:00:00:09 -net user,restrict=on");
    ck_assert(opts_finish_net(opt, &err));
    ck_assert_uint_eq(opt->nnetdevs, 1);
    ck_assert_str_eq(opt->addons[0].host, opt->netdevs[0].id);
    good("-net nic -net nic,model=ne2k_isa -net user");
    ck_assert(opts_finish_net(opt, &err));
    ck_assert_uint_eq(opt->nnetdevs, 4);
    ck_assert_str_eq(opt->addons[1].host, "hub0port1");
    ck_assert_str_eq(opt->netdevs[3].props, "hubid=0,netdev=#hubnet0");
    bad("-netdev user,id=a -netdev user,id=a", "two networks");
    bad("-nic user,netdev=x", "network of its own");
#endif
    static const char *const without[] = {"-nic none", "-net none", "-nodefaults", "-icount shift=3", "demo",
                                          "-netdev hubport,id=h,hubid=0"};
    for (size_t i = 0; i < ARRAY_LEN(without); i++) {
        good(without[i]);
        ck_assert(opts_finish_net(opt, &err));
        ck_assert_msg(!opt->naddons, "%s", without[i]);
    }
    good("-netdev hubport,id=h,hubid=0 -object filter-dump,id=f,netdev=h,file=/x,maxlen=100");
    ck_assert_uint_eq(opt->dumps[0].max_len, 100);
    bad("-netdev warp,id=x", "'warp'");
    bad("-netdev hubport", "id=");
    bad("-netdev hubport,id=x,hubidd=1", "hubid");
    bad("-nic warp", "'warp'");
    bad("-nic hubport,model=warp", "'warp'");
    bad("-nic hubport,addr=40", "slot");
    bad("-net nic,model=warp", "'warp'");
    bad("-net nic,warp=1", "'warp'");
    bad("-net warp", "'warp'");
    bad("-object warp", "'warp'");
    bad("-object filter-dump,id=x", "needs netdev=");
    bad("-object filter-dump,warp=x", "'warp'");
    bad("-object filter-dump,maxlen=0", "maxlen");
    bad("-device e1000,warp=1", "'warp'");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("opts");
    TCase *tc = tcase_create("opts");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, defaults);
    tcase_add_test(tc, memory);
    tcase_add_test(tc, dashes_and_nearest);
    tcase_add_test(tc, shown_where);
    tcase_add_test(tc, techniques);
    tcase_add_test(tc, machine_and_cpu);
    tcase_add_test(tc, drives);
    tcase_add_test(tc, characters);
    tcase_add_test(tc, boot_time_debug);
    tcase_add_test(tc, addons);
    tcase_add_test(tc, more_chardevs);
    tcase_add_test(tc, debugger);
    tcase_add_test(tc, platform);
    tcase_add_test(tc, networks);
    tcase_add_test(tc, printing);
    tcase_add_test(tc, guesses);
    tcase_add_test(tc, guessed_machines);
    tcase_add_test(tc, guessed_devices);
    tcase_add_test(tc, hostile);
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
