/* Going back: every place gone to is as it was on the way there, on each engine, by each way of
 * going; disks and what was sent to the host, too. */
#include "cpu/jit/jit.h"
#include "cpu/sys/stop.h"
#include "devices/core/hostmem.h"
#include "frontend/host/drive_state.h"
#include "frontend/monitor/monitor.h"
#include "frontend/replay/replay.h"
#include "frontend/reverse/reverse_int.h"
#include "frontend/state/format.h"
#include "tests/state/machine.h"

#include <check.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* Counts in 0x500; writes the count to one of 64 pages from 0x10000 on; now and then copies 5000
 * bytes over borders of pages by REP MOVS, writes a sector and reads one, gives a byte to port
 * 0xe9, sleeps until the timer's interrupt (which counts in 0x502). Count 1000 writes 0x5a to
 * 0x30234: the stray store. */
static const u8 guest[] = {
    0xfa, 0x31, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0x8e, 0xd8, 0xc7, 0x06, 0x20, 0x00, 0xee, 0x00,
    0xc7, 0x06, 0x22, 0x00, 0x00, 0xf0, 0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x04,
    0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21, 0xb0, 0xfe, 0xe6, 0x21, 0xb0, 0x34, 0xe6, 0x43, 0xb0, 0x00,
    0xe6, 0x40, 0xb0, 0x10, 0xe6, 0x40, 0xfc, 0xfb, 0xff, 0x06, 0x00, 0x05, 0xa1, 0x00, 0x05, 0x89,
    0xc3, 0x83, 0xe3, 0x3f, 0xc1, 0xe3, 0x08, 0x81, 0xc3, 0x00, 0x10, 0x8e, 0xc3, 0x26, 0xa3, 0x00,
    0x00, 0xa8, 0x3f, 0x75, 0x0b, 0xbe, 0x00, 0x61, 0xbf, 0xf0, 0x0f, 0xb9, 0x88, 0x13, 0xf3, 0xa4,
    0x3d, 0xe8, 0x03, 0x75, 0x0b, 0xbb, 0x00, 0x30, 0x8e, 0xc3, 0x26, 0xc6, 0x06, 0x34, 0x02, 0x5a,
    0xa9, 0xff, 0x00, 0x75, 0x3a, 0xa3, 0x10, 0x05, 0x88, 0xe1, 0xb4, 0x30, 0xe8, 0x3c, 0x00, 0xbe,
    0x00, 0x05, 0xb9, 0x00, 0x01, 0xba, 0xf0, 0x01, 0xf3, 0x6f, 0xe8, 0x56, 0x00, 0xb4, 0x20, 0xfe,
    0xc9, 0x8a, 0x0e, 0x11, 0x05, 0xfe, 0xc9, 0x80, 0xe1, 0x3f, 0xe8, 0x1e, 0x00, 0x8c, 0xdb, 0x8e,
    0xc3, 0xbf, 0x00, 0x70, 0xb9, 0x00, 0x01, 0xba, 0xf0, 0x01, 0xf3, 0x6d, 0xe8, 0x34, 0x00, 0xa8,
    0x1f, 0x75, 0x85, 0x88, 0xc2, 0xe6, 0xe9, 0xf4, 0xe9, 0x7d, 0xff, 0xba, 0xf6, 0x01, 0xb0, 0xe0,
    0xee, 0xba, 0xf2, 0x01, 0xb0, 0x01, 0xee, 0x42, 0x88, 0xc8, 0x24, 0x3f, 0xee, 0x42, 0xb0, 0x00,
    0xee, 0x42, 0xee, 0xba, 0xf7, 0x01, 0x88, 0xe0, 0xee, 0xec, 0xa8, 0x80, 0x75, 0xfb, 0xa8, 0x08,
    0x74, 0xf7, 0xc3, 0xba, 0xf7, 0x01, 0xec, 0xa8, 0x80, 0x75, 0xfb, 0xb0, 0x00, 0xc3, 0x50, 0xff,
    0x06, 0x02, 0x05, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf,
};
enum { END = 300000, PLACES = 150, STEP = 20000, STRAY = 0x30234 };

static char disk[64], said[64];

static void make_disk(void)
{
    strcpy(disk, "/tmp/reverse-disk-XXXXXX");
    close(mkstemp(disk));
    ck_assert_int_eq(truncate(disk, 64 * 1024), 0);
    strcpy(said, "/tmp/reverse-said-XXXXXX");
    close(mkstemp(said));
}

static void drop_disk(void)
{
    unlink(disk);
    unlink(said);
}

/* `icount`: behind shift= and sleep=. */
static void open_with(struct small *s, const char *engine, const char *icount, const u8 *code,
                      size_t size)
{
    struct err err = {""};
    char text[200], out[100];
    char *more[] = {(char *)"-engine",
                    (char *)engine,
                    (char *)"-icount",
                    text,
                    (char *)"-hda",
                    disk,
                    (char *)"-debugcon",
                    out,
                    NULL};

    snprintf(text, sizeof(text), "shift=3,sleep=off%s", icount);
    snprintf(out, sizeof(out), "file:%s", said);
    ck_assert_msg(small_open_with(s, code, size, more, &err), "%s", err.msg);
    reverse_every(s->vm, STEP);
}

static void open_machine(struct small *s, const char *engine, const char *icount)
{
    open_with(s, engine, icount, guest, sizeof(guest));
}

/* All that the machine is. */
static u64 hash_of(struct vm *vm)
{
    struct image *im = drive_medium(vm_drive(vm, PC_FLOPPIES));
    struct snap snap = {0};
    u8 *buf = malloc(im->size);
    u64 h = cpu_hash(vm_cpu(vm));
    u32 crc;

    for (unsigned i = 0; pc_part_name(vm->pc, i); i++)
        pc_save_part(vm->pc, i, &snap);
    crc = (u32)crc32_z(0, snap.data, snap.len);
    snap_free(&snap);
    for (const struct ram *r = vm->pc->space.first; r; r = r->next)
        crc = (u32)crc32_z(crc, r->host, r->size);
    ck_assert_int_eq(image_read(im, 0, buf, im->size), 0);
    crc = (u32)crc32_z(crc, buf, im->size);
    free(buf);
    return (h ^ clock_now(&vm->clock)) * 31 + crc;
}

static u64 at(const struct small *s)
{
    return cpu_icount(vm_cpu(s->vm));
}

/* Until the machine stops by itself. */
static void settle(struct small *s)
{
    vm_run_to(s->vm, ~(u64)0);
}

static void seek(struct small *s, u64 icount)
{
    struct err err = {""};

    ck_assert_msg(reverse_seek(s->vm, icount, &err), "%s", err.msg);
    settle(s);
}

/* Forwards to the end, with keys; the states at some places on the way. */
static void forwards(struct small *s, u64 place[PLACES], u64 hash[PLACES])
{
    for (int i = 0; i < PLACES; i++) {
        place[i] = (u64)(i + 1) * (END / PLACES) - (u64)(i * 97 % 1500);
        ck_assert(vm_run_to(s->vm, place[i]));
        hash[i] = hash_of(s->vm);
        if (i % 7 == 3)
            s->vm->pc->keyboard.key(s->vm->pc->keyboard.dev, (u16)(0x10 + i / 14), !(i / 7 & 1));
    }
    ck_assert(vm_run_to(s->vm, END));
}

static off_t size_of(const char *path)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_size;
}

static const char *const engines[] = {"exec", "jit"};

START_TEST(places_are_as_they_were)
{
    u64 place[PLACES], hash[PLACES], end;
    struct small s;
    off_t out;

    make_disk();
    open_machine(&s, engines[_i], ",reverse=on");
    forwards(&s, place, hash);
    end = hash_of(s.vm);
    out = size_of(said);
    srand(7);
    for (int n = 0; n < 120; n++) {
        int i = n < 10 ? PLACES - 1 - n : rand() % PLACES;

        seek(&s, place[i]);
        ck_assert_uint_eq(at(&s), place[i]);
        ck_assert_msg(hash_of(s.vm) == hash[i], "step %d: place %d is another one", n, i);
        if (n % 5 == 0) { /* some way forwards from there, as a person does */
            int k = i + rand() % 9;

            k = k < PLACES ? k : PLACES - 1;
            ck_assert(vm_run_to(s.vm, place[k]));
            ck_assert_msg(hash_of(s.vm) == hash[k], "from place %d forwards to %d", i, k);
        }
        if (n % 20 == 19) {
            seek(&s, ~(u64)0);
            ck_assert(!replay_past(s.vm));
            ck_assert_msg(hash_of(s.vm) == end, "the present is another one");
        }
    }
    ck_assert_int_eq(size_of(said), out); /* nothing is said twice */
    /* Forwards out of the past and on, as a machine that was never looked at. */
    seek(&s, place[40]);
    ck_assert(vm_run_to(s.vm, END + 50000));
    ck_assert(!replay_past(s.vm));
    end = hash_of(s.vm);
    out = size_of(said);
    small_close(&s);
    drop_disk();

    make_disk();
    open_machine(&s, engines[_i], ",reverse=off");
    forwards(&s, place, hash);
    ck_assert(vm_run_to(s.vm, END + 50000));
    ck_assert_msg(hash_of(s.vm) == end, "going back has changed what follows");
    ck_assert_int_eq(size_of(said), out);
    small_close(&s);
    drop_disk();
}
END_TEST

/* From `from`, `n` instructions one by one forwards, and back again. */
static void steps(struct small *s, u64 from, u64 n)
{
    u64 *hash = calloc(n + 1, sizeof(*hash)), i;
    struct err err = {""};

    if (at(s) > from)
        seek(s, from);
    for (i = 0; i <= n; i++) {
        ck_assert(i == 0 ? at(s) == from || vm_run_to(s->vm, from) : vm_run_to(s->vm, from + i));
        hash[i] = cpu_hash(vm_cpu(s->vm));
    }
    for (i = n; at(s) > from;) {
        ck_assert_msg(reverse_step(s->vm, &err), "%s", err.msg);
        settle(s);
        ck_assert_uint_lt(at(s), from + i);
        i = at(s) < from ? 0 : at(s) - from;
        ck_assert_msg(at(s) < from || cpu_hash(vm_cpu(s->vm)) == hash[i], "%llu back from %llu",
                      (unsigned long long)(n - i), (unsigned long long)(from + n));
    }
    free(hash);
}

START_TEST(step_by_step)
{
    struct err err = {""};
    struct small s;

    make_disk();
    open_machine(&s, engines[_i], ",reverse=on");
    ck_assert(reverse_step(s.vm, &err)); /* nothing is in front */
    settle(&s);
    ck_assert_uint_eq(at(&s), 0);
    steps(&s, 0, 300);
    seek(&s, ~(u64)0);
    ck_assert(vm_run_to(s.vm, 100000));
    for (u64 from = 3000; from < 90000; from += 7919)
        steps(&s, from, 60);
    steps(&s, 99900, 100);
    small_close(&s);
    drop_disk();
}
END_TEST

/* The instructions in front of which one stops for what is met on the way to END; `behind`:
 * forwards the machine stops behind them. */
static u32 hits(struct small *s, u64 *out, u32 most, bool behind)
{
    u32 n = 0;

    while (!vm_run_to(s->vm, END)) {
        u64 front = at(s) - (behind && !stop_last(vm_cpu(s->vm))->within);

        ck_assert_uint_lt(n, most);
        if (!n || out[n - 1] != front)
            out[n++] = front;
    }
    return n;
}

/* Back through all of them. */
static void back(struct small *s, const u64 *hit, u32 n)
{
    struct err err = {""};

    while (n--) {
        ck_assert_msg(reverse_continue(s->vm, &err), "%s", err.msg);
        settle(s);
        ck_assert_uint_eq(at(s), hit[n]);
    }
    ck_assert(reverse_continue(s->vm, &err));
    settle(s);
    ck_assert_uint_eq(at(s), 0);
    seek(s, ~(u64)0);
}

START_TEST(stop_points_met_last)
{
    struct stop stray = {STOP_WRITE, STOP_OF_GDB, STRAY, 1, 1};
    struct stop page = {STOP_WRITE, STOP_OF_GDB, 0x11000, 2, 1};
    struct stop none = {STOP_IO, STOP_OF_GDB, 0x999, 1, 1};
    struct stop code = {STOP_CODE, STOP_OF_GDB, 0xf00ee, 0, 0}; /* the timer's interrupt */
    struct stop vector = {STOP_INTR, STOP_OF_GDB, 8, 0, 0};
    u64 *hit = calloc(END, sizeof(*hit));
    struct err err = {""};
    struct small s;
    u32 n;

    make_disk();
    open_machine(&s, engines[_i], ",reverse=on");
    ck_assert(stop_add(vm_cpu(s.vm), &page, NULL));
    n = hits(&s, hit, END, true);
    ck_assert_uint_gt(n, 10);
    back(&s, hit, n);
    ck_assert(stop_add(vm_cpu(s.vm), &none, NULL)); /* now no interval is left out */
    back(&s, hit, n);
    stop_clear(vm_cpu(s.vm), STOP_OF_GDB);

    ck_assert(stop_add(vm_cpu(s.vm), &stray, NULL));
    ck_assert(reverse_continue(s.vm, &err));
    settle(&s);
    ck_assert_uint_eq(s.vm->pc->low.host[STRAY], 0);
    ck_assert_uint_eq(s.vm->pc->low.host[0x500] + 256u * s.vm->pc->low.host[0x501], 1000);
    ck_assert_uint_eq(stop_last(vm_cpu(s.vm))->addr, STRAY);
    ck_assert(vm_run_to(s.vm, at(&s) + 1) || s.vm->pc->low.host[STRAY] == 0x5a);
    ck_assert_uint_eq(s.vm->pc->low.host[STRAY], 0x5a);
    stop_clear(vm_cpu(s.vm), STOP_OF_GDB);
    seek(&s, 0);

    ck_assert(stop_add(vm_cpu(s.vm), &code, NULL));
    n = hits(&s, hit, END, false);
    ck_assert_uint_gt(n, 10);
    back(&s, hit, n);
    stop_clear(vm_cpu(s.vm), STOP_OF_GDB);
    ck_assert(stop_add(vm_cpu(s.vm), &vector, NULL));
    back(&s, hit, n);
    small_close(&s);
    drop_disk();
    free(hit);
}
END_TEST

/* In front of the first instruction of an interrupt's handler one stands behind its delivery; in
 * front of that is the place that was interrupted. */
START_TEST(in_front_of_an_interrupt)
{
    struct stop code = {STOP_CODE, STOP_OF_GDB, 0xf00ee, 0, 0};
    struct err err = {""};
    struct small s;
    u64 x;

    make_disk();
    open_machine(&s, engines[_i], ",reverse=on");
    ck_assert(stop_add(vm_cpu(s.vm), &code, NULL));
    for (int i = 0; i < 9; i++)
        ck_assert(!vm_run_to(s.vm, END));
    for (int i = 0; i < 3; i++) {
        x = at(&s);
        ck_assert_uint_eq(vm_cpu(s.vm)->rip, 0xee);
        ck_assert(reverse_step(s.vm, &err));
        settle(&s);
        ck_assert_uint_eq(at(&s), x);
        ck_assert_uint_ne(vm_cpu(s.vm)->rip, 0xee);
        ck_assert(reverse_step(s.vm, &err));
        settle(&s);
        ck_assert_uint_eq(at(&s), x - 1);
        ck_assert(!vm_run_to(s.vm, END)); /* forwards to it */
        ck_assert_uint_eq(at(&s), x);
        ck_assert_uint_eq(vm_cpu(s.vm)->rip, 0xee);
        ck_assert(reverse_continue(s.vm, &err)); /* to the interrupt before */
        settle(&s);
        ck_assert_uint_lt(at(&s), x);
    }
    small_close(&s);
    drop_disk();
}
END_TEST

/* What a debugger changes belongs to history; in the past nothing can be changed. */
START_TEST(changes)
{
    u8 *byte, value = 0x77;
    struct err err = {""};
    struct small s;
    u64 h;

    make_disk();
    open_machine(&s, "jit", ",reverse=on");
    ck_assert(vm_run_to(s.vm, 50000));
    byte = s.vm->pc->low.host + 0x9000;
    ck_assert(reverse_change(s.vm, "it", &err));
    ck_assert(mmu_poke_phys(&vm_cpu(s.vm)->mmu, 0x9000, &value, 1));
    ck_assert(vm_run_to(s.vm, 90000));
    h = hash_of(s.vm);
    seek(&s, 49999);
    ck_assert_uint_eq(*byte, 0);
    ck_assert(!reverse_change(s.vm, "it", &err));
    ck_assert_str_ne(err.msg, "");
    ck_assert(!vm_state_save_file(s.vm, "/tmp/reverse-never", sf_best_pack(), &err));
    ck_assert(vm_run_to(s.vm, 50001));
    ck_assert_uint_eq(*byte, 0x77);
    ck_assert(vm_run_to(s.vm, 89999));
    ck_assert(replay_past(s.vm));
    seek(&s, ~(u64)0);
    ck_assert_uint_eq(hash_of(s.vm), h);
    /* Ending in the past is ending in the present. */
    seek(&s, 20000);
    small_close(&s);
    drop_disk();
}
END_TEST

/* Little memory: the beginning is forgotten, what is left is right. */
START_TEST(little_memory)
{
    u64 place[PLACES], hash[PLACES];
    struct reverse_info info;
    struct err err = {""};
    struct small s;

    make_disk();
    open_machine(&s, "exec", ",reverse=16M");
    reverse_limit(s.vm, 2 * MIB);
    forwards(&s, place, hash);
    ck_assert(reverse_describe(s.vm, &info));
    ck_assert_uint_gt(info.begin, 0);
    ck_assert_uint_lt(info.bytes, 3 * MIB);
    ck_assert(!reverse_seek(s.vm, info.begin - 1, &err));
    for (int i = PLACES - 1; i >= 0 && place[i] > info.begin; i--) {
        seek(&s, place[i]);
        ck_assert_uint_eq(hash_of(s.vm), hash[i]);
    }
    small_close(&s);
    drop_disk();
}
END_TEST

/* A log in a file, and its replay: both go back; a log that is damaged meanwhile is told, and the
 * machine stays in the present. */
START_TEST(logs_in_files)
{
    u64 place[PLACES], hash[PLACES], end;
    char log[64] = "/tmp/reverse-log-XXXXXX", text[128];
    struct err err = {""};
    struct small s;
    FILE *f;

    close(mkstemp(log));
    make_disk();
    snprintf(text, sizeof(text), ",rr=record,rrfile=%s,reverse=on", log);
    open_machine(&s, "jit", text);
    forwards(&s, place, hash);
    seek(&s, place[30]);
    ck_assert_uint_eq(hash_of(s.vm), hash[30]);
    small_close(&s);
    drop_disk();

    make_disk();
    snprintf(text, sizeof(text), ",rr=replay,rrfile=%s,reverse=on", log);
    open_machine(&s, "jit", text);
    ck_assert(vm_run_to(s.vm, place[PLACES - 1]));
    ck_assert_uint_eq(hash_of(s.vm), hash[PLACES - 1]);
    for (int i = 0; i < PLACES; i += 13) {
        seek(&s, place[i]);
        ck_assert_uint_eq(hash_of(s.vm), hash[i]);
    }
    seek(&s, ~(u64)0);
    end = hash_of(s.vm);
    f = fopen(log, "r+b");
    for (long n = RR_HEADER; n < (long)size_of(log); n += 40) {
        fseek(f, n, SEEK_SET);
        fputc(0xff, f);
    }
    fclose(f);
    ck_assert(reverse_seek(s.vm, place[70], &err));
    settle(&s);
    ck_assert(!replay_past(s.vm));
    ck_assert_uint_eq(hash_of(s.vm), end);
    ck_assert(!s.vm->quit);
    small_close(&s);
    drop_disk();
    unlink(log);
}
END_TEST

/* 32-bit code, paging on: calls one of 128 functions in two pages, by random numbers, one of eight
 * nearly always, at one of two linear addresses; now and then writes into one.
 *
 *          cli; lgdt; protected mode, flat segments; page directory at 0x8000: 4 MiB at 0 and at
 *          0x400000; paging; 128 copies of `f` at 0x20000, 64 bytes from each other, number n with
 *          its counter's address 0x500 + 4 * n
 *    loop: ebp = ebp * 1103515245 + 12345
 *          n = (ebp >> 16 & 1023) < 6 ? ebp >> 8 & 127 : (ebp >> 16 & 7) * 16
 *          call 0x20000 + n * 64 (+ 0x400000 when bit 29 of ebp is set)
 *          if (!(ebp >> 19 & 255)) the immediate of function ebp & 127 = ebp
 *          jmp loop
 *       f: inc dword [counter]; mov edx, imm32; test dl, 1; jz over; xor eax, edx; over: ret */
static const u8 functions[] = {
    0xfa, 0x2e, 0x66, 0x0f, 0x01, 0x16, 0x20, 0x01, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0,
    0x66, 0xea, 0x18, 0x00, 0x0f, 0x00, 0x08, 0x00, 0xb8, 0x10, 0x00, 0x00, 0x00, 0x8e, 0xd8, 0x8e,
    0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x70, 0x00, 0x00, 0xbf, 0x00, 0x80, 0x00, 0x00, 0x31, 0xc0, 0xb9,
    0x00, 0x04, 0x00, 0x00, 0xfc, 0xf3, 0xab, 0xc7, 0x05, 0x00, 0x80, 0x00, 0x00, 0x83, 0x00, 0x00,
    0x00, 0xc7, 0x05, 0x04, 0x80, 0x00, 0x00, 0x83, 0x00, 0x00, 0x00, 0x0f, 0x20, 0xe0, 0x83, 0xc8,
    0x10, 0x0f, 0x22, 0xe0, 0xb8, 0x00, 0x80, 0x00, 0x00, 0x0f, 0x22, 0xd8, 0x0f, 0x20, 0xc0, 0x0d,
    0x00, 0x00, 0x00, 0x80, 0x0f, 0x22, 0xc0, 0x31, 0xdb, 0x89, 0xdf, 0xc1, 0xe7, 0x06, 0x81, 0xc7,
    0x00, 0x00, 0x02, 0x00, 0xbe, 0xf4, 0x00, 0x0f, 0x00, 0xb9, 0x14, 0x00, 0x00, 0x00, 0xf3, 0xa4,
    0x8d, 0x04, 0x9d, 0x00, 0x05, 0x00, 0x00, 0x89, 0x47, 0xee, 0x43, 0x81, 0xfb, 0x80, 0x00, 0x00,
    0x00, 0x72, 0xd6, 0xbd, 0x01, 0x00, 0x00, 0x00, 0x69, 0xed, 0x6d, 0x4e, 0xc6, 0x41, 0x81, 0xc5,
    0x39, 0x30, 0x00, 0x00, 0x89, 0xe8, 0xc1, 0xe8, 0x10, 0x25, 0xff, 0x03, 0x00, 0x00, 0x89, 0xc1,
    0x83, 0xe0, 0x07, 0xc1, 0xe0, 0x04, 0x83, 0xf9, 0x06, 0x73, 0x08, 0x89, 0xe8, 0xc1, 0xe8, 0x08,
    0x83, 0xe0, 0x7f, 0xc1, 0xe0, 0x06, 0x05, 0x00, 0x00, 0x02, 0x00, 0x0f, 0xba, 0xe5, 0x1d, 0x73,
    0x05, 0x05, 0x00, 0x00, 0x40, 0x00, 0xff, 0xd0, 0x89, 0xe8, 0xc1, 0xe8, 0x13, 0x25, 0xff, 0x00,
    0x00, 0x00, 0x75, 0xb4, 0x89, 0xe8, 0x83, 0xe0, 0x7f, 0xc1, 0xe0, 0x06, 0x89, 0xa8, 0x07, 0x00,
    0x02, 0x00, 0xeb, 0xa4, 0xff, 0x05, 0x78, 0x56, 0x34, 0x12, 0xba, 0x00, 0x01, 0x00, 0x00, 0xf6,
    0xc2, 0x01, 0x74, 0x02, 0x31, 0xd0, 0xc3, 0x90, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0xff, 0xff, 0x00, 0x00, 0x00, 0x9b, 0xcf, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0x93, 0xcf, 0x00,
    0x17, 0x00, 0x08, 0x01, 0x0f, 0x00,
};
enum { FUNCTIONS = 0x20000, FUNCTION = 64, NFUNCTIONS = 128, ALIAS = 0x400000, LOOP = 0xf0098 };

/* Where `most` instructions were that a stop point is met at, back from the present. */
static u32 found(struct small *s, u64 *out, u32 most)
{
    struct err err = {""};
    u32 n = 0;

    while (n < most) {
        ck_assert_msg(reverse_continue(s->vm, &err), "%s", err.msg);
        settle(s);
        out[n++] = at(s);
        if (!at(s))
            break;
        ck_assert_uint_eq(stop_last(vm_cpu(s->vm))->stop.kind, STOP_CODE);
    }
    seek(s, ~(u64)0);
    return n;
}

/* Intervals in which nothing ran at la. */
static u32 unrun(const struct small *s, u64 la)
{
    const struct history *h = &s->vm->reverse->h;
    u32 n = 0;

    for (u32 i = 0; i + 1 < h->n; i++)
        n += history_unrun(h, i, la);
    return n;
}

static u64 some_place(void)
{
    static const u8 begins[] = {0, 6, 11, 14, 16, 18}; /* instructions of f */
    u64 la = FUNCTIONS + (u64)(rand() % NFUNCTIONS) * FUNCTION;

    if (rand() % 8 == 0)
        return LOOP + (u64)(rand() % 90); /* perhaps in the middle of one */
    la += rand() % 2 ? 0 : begins[rand() % 6];
    return rand() % 2 ? la : la + ALIAS;
}

/* Where code ran in no interval that has it, none is looked into: what is found is what is found
 * when each is. */
START_TEST(nothing_is_left_out)
{
    static const char *const all[] = {"exec", "eval", "jit", "jit"};
    enum { MOST = 4 };
    struct stop none = {STOP_IO, STOP_OF_GDB, 0x999, 1, 1};
    u32 skipped = 0, hot;
    struct small s;

    make_disk();
    open_with(&s, all[_i], ",reverse=on", functions, sizeof(functions));
    srand(19 + (unsigned)_i);
    for (u64 to = 0; to < END;) {
        to += 1 + (u64)(rand() % 9000);
        ck_assert(vm_run_to(s.vm, MIN(to, (u64)END)));
        if (_i == 3 && rand() % 4 == 0)
            jit_flush(vm_cpu(s.vm)); /* blocks go before anybody asked what ran */
    }
    hot = unrun(&s, LOOP);
    ck_assert_uint_lt(hot, 3); /* the first one and what is being made */
    for (int n = 0; n < 60; n++) {
        struct stop code = {STOP_CODE, STOP_OF_GDB, some_place(), 0, 0};
        u64 with[MOST], without[MOST];
        u32 w;

        skipped += unrun(&s, code.addr) - hot;
        ck_assert(stop_add(vm_cpu(s.vm), &code, NULL));
        w = found(&s, with, MOST);
        ck_assert(stop_add(vm_cpu(s.vm), &none, NULL)); /* now no interval is left out */
        ck_assert_uint_eq(found(&s, without, MOST), w);
        for (u32 i = 0; i < w; i++)
            ck_assert_msg(with[i] == without[i], "%llx: %llu, not %llu",
                          (unsigned long long)code.addr, (unsigned long long)with[i],
                          (unsigned long long)without[i]);
        stop_clear(vm_cpu(s.vm), STOP_OF_GDB);
    }
    /* The pages are those of functions that run all the time. */
    ck_assert_uint_gt(skipped, 60 * (s.vm->reverse->h.n - 1) / 8);
    small_close(&s);
    drop_disk();
}
END_TEST

/* What a monitor answers has these words. */
static void answers(struct small *s, const char *line, const char *words)
{
    size_t n;
    char *text = monitor_capture(s->vm, line, &n);

    ck_assert_ptr_nonnull(text);
    ck_assert_msg(strstr(text, words), "%s: %s", line, text);
    free(text);
}

/* The devices' state of all points is not to be had, as where the host has no memory to read it
 * with; and again. */
static void spoil(struct small *s, size_t *len, bool on)
{
    const struct history *h = &s->vm->reverse->h;

    for (u32 i = 0; i < h->n; i++) {
        if (on)
            len[i] = h->p[i]->parts.len;
        h->p[i]->parts.len = on ? 10 : len[i];
    }
}

/* The machine is in no state: nothing runs, whoever asks. */
static void stands(struct small *s)
{
    u64 stood = at(s);
    struct err err = {""};

    ck_assert(!s->vm->running);
    ck_assert(!s->vm->quit);
    ck_assert_str_eq(s->vm->state, "paused (internal-error)");
    answers(s, "info status", "internal-error");
    answers(s, "info replay", "in no state");
    answers(s, "cont", "does not come back from its past");
    answers(s, "system_reset", "does not come back from its past");
    answers(s, "reverse_step", "does not come back from its past");
    answers(s, "replay_seek", "does not come back from its past");
    ck_assert(!reverse_change(s->vm, "it", &err));
    ck_assert(!vm_state_save_file(s->vm, "/tmp/reverse-never", sf_best_pack(), &err));
    ck_assert(!reverse_continue(s->vm, &err));
    vm_cont(s->vm);
    ck_assert(!s->vm->running);
    vm_run_to(s->vm, ~(u64)0);
    vm_step(s->vm, true, true);
    ck_assert(!s->vm->running);
    ck_assert_uint_eq(at(s), stood);
}

/* Neither the past nor the present can be gone to: the machine stands until the present can. */
START_TEST(lost)
{
    u64 place[PLACES], hash[PLACES], end;
    struct err err = {""};
    struct small s;
    size_t len[1000];

    make_disk();
    open_machine(&s, engines[_i], ",reverse=on");
    forwards(&s, place, hash);
    end = hash_of(s.vm);
    seek(&s, place[PLACES - 1]); /* the present gets its point */
    seek(&s, ~(u64)0);
    ck_assert_uint_lt(s.vm->reverse->h.n, 900);
    spoil(&s, len, true);
    ck_assert(reverse_seek(s.vm, place[30], &err));
    settle(&s);
    stands(&s);
    spoil(&s, len, false);
    answers(&s, "cont", "");
    ck_assert(s.vm->running);
    vm_stop(s.vm, "paused");
    ck_assert(!replay_past(s.vm));
    ck_assert_msg(hash_of(s.vm) == end, "the present is another one");
    seek(&s, place[30]);
    ck_assert_uint_eq(hash_of(s.vm), hash[30]);
    /* Memory has gone to the past when it fails: coming back takes it along. */
    spoil(&s, len, true);
    ck_assert(reverse_seek(s.vm, place[3], &err));
    settle(&s);
    stands(&s);
    spoil(&s, len, false);
    seek(&s, place[70]);
    ck_assert_uint_eq(hash_of(s.vm), hash[70]);
    /* Running forwards into the present. */
    spoil(&s, len, true);
    ck_assert(!vm_run_to(s.vm, END + 50000));
    stands(&s);
    spoil(&s, len, false);
    answers(&s, "info status", "internal-error"); /* nobody has asked for it yet */
    seek(&s, ~(u64)0);
    ck_assert_msg(hash_of(s.vm) == end, "the present is another one");
    ck_assert(vm_run_to(s.vm, END + 50000));
    /* The end, in no state. */
    seek(&s, place[30]);
    spoil(&s, len, true);
    ck_assert(reverse_seek(s.vm, place[3], &err));
    settle(&s);
    stands(&s);
    small_close(&s);
    drop_disk();
}
END_TEST

/* Versions of pages by themselves: against a plain copy of everything. */
START_TEST(versions)
{
    enum { KEYS = 20, MOMENTS = 60 };
    static u8 truth[MOMENTS][KEYS][HIST_PAGE];
    struct page_list list[MOMENTS] = {{0}};
    struct pages p = {0};
    bool there[MOMENTS];
    u8 zero[HIST_PAGE] = {0};

    srand(3);
    for (int m = 0; m < MOMENTS; m++) {
        there[m] = true;
        for (int k = 0; k < KEYS; k++) {
            memcpy(truth[m][k], m ? truth[m - 1][k] : zero, HIST_PAGE);
            if (m % 3 == 1) /* put in between later */
                continue;
            if (rand() % 3 == 0)
                memset(truth[m][k], rand() % 4, HIST_PAGE);
        }
    }
    for (int m = 0; m < MOMENTS; m++)
        for (int k = 0; k < KEYS && m % 3 != 1; k++)
            if (!m || rand() % 4 == 0 || memcmp(truth[m][k], truth[m - 1][k], HIST_PAGE))
                pages_put(&p, &list[m], (u64)k * 7919, (u64)m + 1, truth[m][k]);
    for (int m = 1; m < MOMENTS; m += 3)
        for (int k = 0; k < KEYS; k++)
            if (rand() % 3)
                pages_put(&p, &list[m], (u64)k * 7919, (u64)m + 1, truth[m][k]);
    for (int round = 0; round < MOMENTS - 2; round++) {
        int gone = rand() % (MOMENTS - 1), next;

        for (int m = 0; m < MOMENTS; m++)
            for (int k = 0; k < KEYS && there[m]; k++)
                ck_assert(
                    !memcmp(pages_find(&p, (u64)k * 7919, (u64)m + 1), truth[m][k], HIST_PAGE));
        while (!there[gone])
            gone = (gone + 1) % (MOMENTS - 1);
        for (next = gone + 1; !there[next];)
            next++;
        pages_merge(&p, &list[gone], &list[next], (u64)next + 1);
        there[gone] = false;
    }
    pages_clear(&p);
    for (int m = 0; m < MOMENTS; m++)
        page_list_free(&list[m]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reverse");
    TCase *tc = tcase_create("reverse"), *none = tcase_create("lost");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, versions);
    tcase_add_loop_test(tc, places_are_as_they_were, 0, 2);
    tcase_add_loop_test(tc, step_by_step, 0, 2);
    tcase_add_loop_test(tc, stop_points_met_last, 0, 2);
    tcase_add_loop_test(tc, in_front_of_an_interrupt, 0, 2);
    tcase_add_test(tc, changes);
    tcase_add_test(tc, little_memory);
    tcase_add_test(tc, logs_in_files);
    tcase_add_loop_test(tc, nothing_is_left_out, 0, 4);
    tcase_set_timeout(none, 300);
    tcase_add_loop_test(none, lost, 0, 2);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, none);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
