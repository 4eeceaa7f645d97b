/* Monitor commands that read and write memory, registers and ports. */
#include "frontend/monitor/monitor.h"

#include "cpu/isa/isa.h"
#include "devices/core/bits.h"

#include <stdlib.h>
#include <string.h>

static const char *const gpr_names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const gpr64_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const seg_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};

bool mon_register(void *arg, const char *name, u64 *v)
{
    struct monitor *m = arg;
    const struct cpu *cpu = vm_cpu(m->vm);

    for (unsigned i = 0; i < ARRAY_LEN(gpr_names); i++) {
        if (!strcmp(name, gpr_names[i])) {
            *v = (u32)cpu->gpr[i];
            return true;
        }
        if (!strcmp(name, gpr_names[i] + 1)) {
            *v = (u16)cpu->gpr[i];
            return true;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(gpr64_names); i++) {
        if (!strcmp(name, gpr64_names[i])) {
            *v = cpu->gpr[i];
            return true;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(seg_names); i++) {
        size_t n = strlen(name);

        if (strncmp(name, seg_names[i], 2))
            continue;
        *v = n == 2 ? cpu->seg[i].sel : cpu->seg[i].base;
        if (n == 2 || !strcmp(name + 2, ".base"))
            return true;
    }
    if (!strcmp(name, "eip") || !strcmp(name, "rip") || !strcmp(name, "pc"))
        *v = cpu->rip + (name[0] == 'p' ? cpu->seg[SEG_CS].base : 0);
    else if (!strcmp(name, "eflags"))
        *v = cpu_eflags(cpu);
    else if (!strcmp(name, "cr0"))
        *v = cpu->cr0;
    else if (!strcmp(name, "cr2"))
        *v = cpu->cr2;
    else if (!strcmp(name, "cr3"))
        *v = cpu->cr3;
    else if (!strcmp(name, "cr4"))
        *v = cpu->cr4;
    else
        return false;
    return true;
}

static bool dump_code(struct monitor *m, bool physical, u64 addr, u32 count)
{
    const struct cpu *cpu = vm_cpu(m->vm);
    struct insn insn;
    char text[128];
    u8 code[15];

    for (u32 i = 0; i < count; i++) {
        unsigned avail = 15;

        while (avail && !vm_peek(m->vm, physical, addr, code, avail))
            avail--;
        if (!avail)
            return err_set(&m->err, "There is no memory at 0x%llx.", (unsigned long long)addr);
        if (decode(&insn, code, avail, cpu->code_bits, ~0ull) == DEC_OK) {
            mon_printf(m, "0x%08llx:  %s\n", (unsigned long long)addr,
                       disasm(text, sizeof(text), &insn, addr));
            addr += insn.len;
        } else {
            mon_printf(m, "0x%08llx:  (bad)\n", (unsigned long long)addr);
            addr++;
        }
    }
    return true;
}

static bool dump_memory(struct monitor *m, const char *args, bool physical)
{
    struct fmt fmt = {1, 'x', 4};
    char text[64];
    u8 raw[8];
    u64 addr;
    u32 per_line;

    if (!fmt_parse(&args, &fmt, &m->err) ||
        !expr_eval(&args, true, mon_register, m, &addr, &m->err))
        return false;
    if (fmt.format == 'i')
        return dump_code(m, physical, addr, fmt.count);
    per_line = fmt.format == 'c' ? 8 : fmt.size == 8 ? 2 : fmt.size == 1 ? 8 : 16 / fmt.size;
    for (u32 i = 0; i < fmt.count; i++, addr += fmt.size) {
        if (!vm_peek(m->vm, physical, addr, raw, fmt.size)) {
            if (i % per_line)
                mon_printf(m, "\n");
            return err_set(&m->err, "There is no memory at 0x%llx.", (unsigned long long)addr);
        }
        if (i % per_line == 0)
            mon_printf(m, "%016llx:", (unsigned long long)addr);
        mon_printf(m, " %s%s", fmt_value(text, sizeof(text), ld_le(raw, fmt.size), &fmt),
                   i % per_line == per_line - 1 || i + 1 == fmt.count ? "\n" : "");
    }
    return true;
}

bool cmd_X(struct monitor *m, const char *args)
{
    return dump_memory(m, args, false);
}

bool cmd_XP(struct monitor *m, const char *args)
{
    return dump_memory(m, args, true);
}

bool cmd_P(struct monitor *m, const char *args)
{
    struct fmt fmt = {1, 'x', 8};
    char text[64];
    u64 v;

    if (!fmt_parse(&args, &fmt, &m->err) || !expr_eval(&args, true, mon_register, m, &v, &m->err))
        return false;
    if (fmt.format == 'x')
        mon_printf(m, "0x%llx\n", (unsigned long long)v);
    else
        mon_printf(m, "%s\n", fmt_value(text, sizeof(text), v, &fmt) + strspn(text, " "));
    return true;
}

bool cmd_I(struct monitor *m, const char *args)
{
    struct fmt fmt = {1, 'x', 1};
    u64 port, v;

    if (!fmt_parse(&args, &fmt, &m->err) || !mon_number(m, &args, &port))
        return false;
    fmt.size = MIN(fmt.size, 4u);
    v = bus_read(&m->vm->pc->io, port & 0xffff, fmt.size);
    mon_printf(m, "port%c[0x%04x] = 0x%0*llx\n",
               fmt.size == 1   ? 'b'
               : fmt.size == 2 ? 'w'
                               : 'l',
               (unsigned)(port & 0xffff), (int)fmt.size * 2, (unsigned long long)v);
    return true;
}

bool cmd_O(struct monitor *m, const char *args)
{
    struct fmt fmt = {1, 'x', 1};
    u64 port, v;

    if (!fmt_parse(&args, &fmt, &m->err) || !mon_number(m, &args, &port) ||
        !mon_number(m, &args, &v))
        return false;
    bus_write(&m->vm->pc->io, port & 0xffff, v, MIN(fmt.size, 4u));
    return true;
}

bool cmd_GVA2GPA(struct monitor *m, const char *args)
{
    u64 la, phys;

    if (!mon_number(m, &args, &la))
        return false;
    phys = mmu_translate(&vm_cpu(m->vm)->mmu, la);
    if (phys == ~0ull)
        mon_printf(m, "Unmapped\n");
    else
        mon_printf(m, "gpa: 0x%llx\n", (unsigned long long)phys);
    return true;
}

bool cmd_SUM(struct monitor *m, const char *args)
{
    u64 addr, size;
    u8 page[4096];
    u16 sum = 0;

    if (!mon_number(m, &args, &addr) || !mon_number(m, &args, &size))
        return false;
    if (size > m->vm->pc->cfg.ram_size)
        return err_set(&m->err, "0x%llx bytes are more than there is.", (unsigned long long)size);
    while (size) {
        size_t n = (size_t)MIN(size, sizeof(page) - addr % sizeof(page));

        if (!vm_peek(m->vm, true, addr, page, n))
            return err_set(&m->err, "There is no memory at 0x%llx.", (unsigned long long)addr);
        for (size_t i = 0; i < n; i++)
            sum = (u16)((u16)(sum >> 1 | sum << 15) + page[i]);
        addr += n;
        size -= n;
    }
    mon_printf(m, "%05u\n", sum);
    return true;
}

static bool save(struct monitor *m, const char *args, bool physical)
{
    char path[OPT_PATH];
    u64 addr, size;

    if (!mon_number(m, &args, &addr) || !mon_number(m, &args, &size))
        return false;
    if (!mon_word(&args, path, sizeof(path)))
        return err_set(&m->err, "The command takes an address, a size and the name of a file.");
    return vm_save_memory(m->vm, physical, addr, size, path, &m->err);
}

bool cmd_MEMSAVE(struct monitor *m, const char *args)
{
    return save(m, args, false);
}

bool cmd_PMEMSAVE(struct monitor *m, const char *args)
{
    return save(m, args, true);
}
