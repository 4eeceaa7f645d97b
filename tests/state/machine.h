/* A small machine for tests of snapshots: a ROM of a few instructions that counts, sleeps, and is
 * woken by the timer; and snapshots of it that are changed but have right check sums. */
#ifndef TESTS_STATE_MACHINE_H
#define TESTS_STATE_MACHINE_H

#include "frontend/opts.h"
#include "frontend/state/format_int.h"
#include "frontend/state/vmstate.h"
#include "frontend/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct small {
    struct options *opt;
    struct vm *vm;
    char rom[64];
};

static const u8 small_start[] = {
    0xfa, 0x31, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0x8e, 0xd8,             /* stack, DS */
    0xc7, 0x06, 0x20, 0x00, 0x80, 0x00, 0xc7, 0x06, 0x22, 0x00, 0x00, 0xf0, /* vector 8 */
    0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, /* 8259 */
    0xb0, 0x01, 0xe6, 0x21, 0xb0, 0xfe, 0xe6, 0x21, 0xb0, 0x34, 0xe6, 0x43, /* 8254 */
    0xb0, 0x00, 0xe6, 0x40, 0xb0, 0x10, 0xe6, 0x40, 0xfb,                   /* STI */
    0xff, 0x06, 0x00, 0x05, 0xf4, 0xeb, 0xf9,                               /* INC, HLT, JMP */
};
static const u8 small_tick[] = {0x50, 0xff, 0x06, 0x02, 0x05, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf};
static const u8 small_reset[] = {0xea, 0x00, 0x00, 0x00, 0xf0};

/* A machine with `code` at F000:0000. False with *err. `more`: further options, NULL at the end;
 * NULL: none. */
static inline bool small_open_with(struct small *s, const u8 *code, size_t n, char *const *more,
                                   struct err *err)
{
    static u8 rom[65536];
    char *argv[40] = {(char *)"dragoman",
                      (char *)"-bios",
                      s->rom,
                      (char *)"-m",
                      (char *)"1",
                      (char *)"-display",
                      (char *)"none",
                      (char *)"-vga",
                      (char *)"none",
                      (char *)"-icount",
                      (char *)"shift=3,sleep=off",
                      (char *)"-nodefaults",
                      (char *)"-cpu",
                      (char *)"qemu32,-apic"};
    int argc = 14, fd;

    memset(rom, 0x90, sizeof(rom));
    memcpy(rom, code, n);
    memcpy(rom + 0xfff0, small_reset, sizeof(small_reset));
    strcpy(s->rom, "/tmp/small-XXXXXX");
    fd = mkstemp(s->rom);
    if (fd < 0 || write(fd, rom, sizeof(rom)) != sizeof(rom))
        return err_set(err, "no room for a ROM");
    close(fd);
    while (more && *more)
        argv[argc++] = *more++;
    s->opt = calloc(1, sizeof(*s->opt));
    s->vm = calloc(1, sizeof(*s->vm));
    return opts_parse(s->opt, argc, argv, err) && opts_guess(s->opt, err) &&
           opts_place_drives(s->opt, err) && opts_finish_net(s->opt, err) &&
           vm_create(s->vm, s->opt, err);
}

static inline bool small_open(struct small *s, char *const *more, struct err *err)
{
    u8 code[0x80 + sizeof(small_tick)];

    memset(code, 0x90, sizeof(code));
    memcpy(code, small_start, sizeof(small_start));
    memcpy(code + 0x80, small_tick, sizeof(small_tick));
    return small_open_with(s, code, sizeof(code), more, err);
}

static inline void small_close(struct small *s)
{
    vm_destroy(s->vm);
    unlink(s->rom);
    free(s->vm);
    free(s->opt);
}

static inline void small_enough(void *arg, u64 now)
{
    vm_quit(arg, 0);
}

/* Run for `insns` instructions or a second of virtual time, whatever the machine does with them. */
static inline void small_run(struct small *s, u64 insns)
{
    struct timer enough;

    timer_init(&enough, &s->vm->clock, small_enough, s->vm, "enough");
    timer_set(&enough, clock_now(&s->vm->clock) + NS_PER_SEC);
    vm_run_to(s->vm, cpu_icount(vm_cpu(s->vm)) + insns);
    timer_cancel(&enough);
    s->vm->quit = false;
}

/* The check sums of memory that can be mapped, as far as its table makes sense. */
static inline void small_seal_pages(u8 *s, u8 *data, u64 len)
{
    u64 size = len >= SF_PAGES_HEAD ? ld64(data + P_SIZE) : 0, at = ld64(data + P_DATA);
    u64 n = (size + SF_PAGES_CHUNK - 1) / SF_PAGES_CHUNK, table = SF_PAGES_HEAD + n * P_ENTRY;

    if (!size || size > len || table > len || at > len || size > len - at)
        return;
    for (u32 i = 0; i < n; i++)
        st32(data + SF_PAGES_HEAD + i * P_ENTRY + 4,
             sf_crc_of(data + at + (u64)i * SF_PAGES_CHUNK, sf_chunk_length(size, i)));
    st32(s + S_CRC, sf_crc_of(data, table));
}

/* Put the check sums of everything right. */
static inline void small_seal(u8 *p, size_t n)
{
    u64 at = SF_HEADER;
    u32 crc = 0;

    st32(p + H_CRC, sf_crc_of(p, H_CRC));
    while (at + SF_SECTION <= n - SF_TRAILER && ld32(p + at + S_MAGIC) == SECTION_MAGIC) {
        u8 *s = p + at, *data = s + SF_SECTION;
        u64 len = ld64(s + S_LENGTH);

        if (len > n - SF_TRAILER - at - SF_SECTION)
            break;
        if (ld32(s + S_FLAGS) == SF_PLAIN)
            st32(s + S_CRC, sf_crc_of(data, len));
        if (ld32(s + S_FLAGS) == SF_PAGES)
            small_seal_pages(s, data, len);
        st32(s + S_HEADER_CRC, sf_crc_of(s, S_HEADER_CRC));
        crc = (u32)crc32_z(crc, s, SF_SECTION);
        at += SF_SECTION + len;
    }
    p += n - SF_TRAILER;
    st32(p + T_HASH, (u32)crc32_z(crc, p - (n - SF_TRAILER), SF_HEADER));
    st32(p + T_CRC, sf_crc_of(p, T_CRC));
}

#endif
