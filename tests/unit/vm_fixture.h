/* A whole machine for tests of what acts on one: built from the command line, with a BIOS that does
 * nothing, and not running. */
#ifndef TESTS_UNIT_VM_FIXTURE_H
#define TESTS_UNIT_VM_FIXTURE_H

#include "frontend/vm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct vm_fixture {
    struct options *opt;
    struct vm *vm;
    char bios[64];
};

/* 64 KiB of HLT. */
static inline bool fixture_bios(struct vm_fixture *f)
{
    static u8 code[65536];
    int fd;
    bool ok;

    snprintf(f->bios, sizeof(f->bios), "/tmp/test_bios.XXXXXX");
    fd = mkstemp(f->bios);
    memset(code, 0xf4, sizeof(code));
    ok = fd >= 0 && write(fd, code, sizeof(code)) == sizeof(code);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* `args`: more of the command line, ended by NULL. False with *err. */
static inline bool fixture_open(struct vm_fixture *f, char *const *args, bool machine,
                                struct err *err)
{
    char *argv[48] = {"dragoman", "-nodefaults", "-display", "none", "-S", "-engine", "exec"};
    int n = 7;

    f->opt = calloc(1, sizeof(*f->opt));
    f->vm = calloc(1, sizeof(*f->vm));
    if (machine) {
        if (!fixture_bios(f))
            return err_set(err, "no bios");
        argv[n++] = "-m", argv[n++] = "16", argv[n++] = "-bios", argv[n++] = f->bios;
    } else {
        argv[n++] = "-machine", argv[n++] = "none";
    }
    while (*args && n < 47)
        argv[n++] = *args++;
    return opts_parse(f->opt, n, argv, err) && opts_place_drives(f->opt, err) &&
           opts_finish_net(f->opt, err) && vm_create(f->vm, f->opt, err);
}

static inline void fixture_close(struct vm_fixture *f)
{
    vm_destroy(f->vm);
    if (f->bios[0])
        unlink(f->bios);
    free(f->vm);
    free(f->opt);
}

#endif
