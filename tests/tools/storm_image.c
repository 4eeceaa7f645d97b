/* Tables and modes for insnstorm. */
#include "tests/tools/storm_image.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/seg.h"

#include <string.h>

enum {
    AT_GDT = 0x1000,
    AT_IDT32 = 0x2000,
    AT_IDT64 = 0x3000,
    AT_TSS32 = 0x4000,
    AT_TSS64 = 0x4800,
    AT_PD32 = 0x5000,
    AT_PT32 = 0x6000,
    AT_PML4 = 0x7000,
    AT_PDPT = 0x8000,
    AT_PD64 = 0x9000,
    AT_HANDLERS = 0xa000, /* a page of HLT; vector v's is at AT_HANDLERS + v */
    CODE0 = 0x08,
    DATA0 = 0x10,
    CODE3 = 0x1b,
    DATA3 = 0x23,
    CODE64 = 0x28,
    CODE64_USER = 0x33,
    CODE16 = 0x38,
    DATA16 = 0x40,
    TSS = 0x48,
    TSS_64 = 0x50, /* and 0x58 */
    AT_PT64 = 0xb000,
    PAGES = 64,
};

static const u32 used = DA_P | DA_S | DA_ACCESSED;

static void put_desc(u8 *image, unsigned sel, u32 base, u32 limit, u32 attr)
{
    st32(image + AT_GDT + (sel & 0xfff8), base << 16 | (limit & 0xffff));
    st32(image + AT_GDT + (sel & 0xfff8) + 4,
         (base & 0xff000000) | (base >> 16 & 0xff) | (limit & 0xf0000) | attr);
}

static void put_gates(u8 *image)
{
    for (u32 v = 0; v < 256; v++) {
        u32 at = AT_HANDLERS + v, dpl = v & 1 ? DA_DPL : 0;
        u8 *g64 = image + AT_IDT64 + 16 * v;
        st32(image + 4 * v, at & 0xffff);
        st32(image + AT_IDT32 + 8 * v, CODE0 << 16 | (at & 0xffff));
        st32(image + AT_IDT32 + 8 * v + 4, DA_P | SYS_INT32 << 8 | dpl);
        st32(g64, CODE64 << 16 | (at & 0xffff));
        st32(g64 + 4, DA_P | SYS_INT32 << 8 | dpl);
    }
}

/* Some pages are absent, read-only or the supervisor's. Those of the page tables are absent: code
 * that runs in them changes by being run, and nothing says when that is seen. */
static u32 leaf(u32 i)
{
    if (i >= AT_PD32 >> 12 && i <= AT_PD64 >> 12)
        return 0;
    if (i == AT_PT64 >> 12)
        return 0;
    if (i < 32)
        return i << 12 | 7;
    return i % 11 == 0 ? 0 : i << 12 | (i % 7 == 0 ? 5 : i % 5 == 0 ? 3 : 7);
}

static void put_tables(u8 *image)
{
    st32(image + AT_PD32, AT_PT32 | 7);
    st64(image + AT_PML4, AT_PDPT | 7);
    st64(image + AT_PDPT, AT_PD64 | 7);
    st64(image + AT_PD64, AT_PT64 | 7);
    for (u32 i = 0; i < PAGES; i++) {
        st32(image + AT_PT32 + 4 * i, leaf(i));
        st64(image + AT_PT64 + 8 * i, leaf(i));
    }
}

void storm_image(u8 *image)
{
    memset(image, 0, STORM_IMAGE);
    memset(image + AT_HANDLERS, 0xf4, 0x1000);
    put_desc(image, CODE0, 0, 0xfffff, used | DA_G | DA_DB | DA_CODE | DA_READ);
    put_desc(image, DATA0, 0, 0xfffff, used | DA_G | DA_DB | DA_WRITE);
    put_desc(image, CODE3, 0, 0xfffff, used | DA_G | DA_DB | DA_CODE | DA_READ | DA_DPL);
    put_desc(image, DATA3, 0, 0xfffff, used | DA_G | DA_DB | DA_WRITE | DA_DPL);
    put_desc(image, CODE64, 0, 0xfffff, used | DA_G | DA_L | DA_CODE | DA_READ);
    put_desc(image, CODE64_USER, 0, 0xfffff, used | DA_G | DA_L | DA_CODE | DA_READ | DA_DPL);
    put_desc(image, CODE16, 0, 0xfffff, used | DA_G | DA_CODE | DA_READ);
    put_desc(image, DATA16, 0, 0xffff, used | DA_WRITE);
    put_desc(image, TSS, AT_TSS32, 0x7ff, DA_P | SYS_TSS32_BUSY << 8);
    put_desc(image, TSS_64, AT_TSS64, 0x7ff, DA_P | SYS_TSS32_BUSY << 8);
    put_gates(image);
    put_tables(image);
    st32(image + AT_TSS32 + 4, STORM_STACK);
    st32(image + AT_TSS32 + 8, DATA0);
    st32(image + AT_TSS32 + 0x64, 0x88 << 16);
    st32(image + AT_TSS64 + 4, STORM_STACK);
    st32(image + AT_TSS64 + 0x64, 0x88 << 16);
}

unsigned storm_bits(enum storm_mode mode)
{
    return mode <= STORM_PM16 ? 16 : mode >= STORM_LONG ? 64 : 32;
}

static void load(struct cpu *cpu, unsigned s, unsigned sel, u32 base, u32 limit, u32 attr)
{
    struct seg v = {.base = base, .limit = limit, .attr = attr, .sel = (u16)sel};
    seg_put(cpu, s, &v);
}

static void clear_state(struct cpu *cpu)
{
    cpu->halted = cpu->shadow = cpu->shadow_ss = cpu->in_smm = cpu->nmi_blocked = false;
    cpu->smi_pending = cpu->nmi_pending = cpu->init_pending = false;
    cpu->intr = 0;
    cpu->exit_request = 0;
    cpu->db_pending = 0;
    cpu->smbase = 0x30000;
    cpu->dr[6] = 0xffff0ff0;
    cpu->dr[7] = 0x400;
    cpu->cr2 = 0;
    cpu->sysenter_cs = CODE0;
    cpu->sysenter_eip = cpu->lstar = cpu->cstar = AT_HANDLERS;
    cpu->sysenter_esp = STORM_STACK;
    cpu->star = (u64)((CODE64 - 8) | 3) << 48 | (u64)CODE64 << 32;
}

u32 storm_cr3(enum storm_mode mode)
{
    return mode >= STORM_COMPAT ? AT_PML4 : AT_PD32;
}

static void set_control(struct cpu *cpu, enum storm_mode mode)
{
    bool is_long = mode >= STORM_COMPAT, paged = mode >= STORM_PAGED;
    cpu->efer = EFER_SCE | EFER_NXE | (is_long ? EFER_LME | EFER_LMA : 0);
    cpu->cr0 = CR0_ET | CR0_NE | CR0_AM | (mode == STORM_REAL ? 0 : CR0_PE) |
               (paged ? CR0_PG | CR0_WP : 0);
    cpu->cr3 = storm_cr3(mode);
    cpu->cr4 = (CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_VME | CR4_DE | CR4_PSE | CR4_PGE | CR4_OSXSAVE |
                (is_long ? CR4_PAE | CR4_FSGSBASE : 0)) &
               ctrl_cr4_bits(cpu);
    cpu->xcr0 = cpu_has(cpu, FEAT_AVX) ? 7 : 3;
    ctrl_push_mode(cpu);
}

void storm_mode_set(struct cpu *cpu, enum storm_mode mode, u32 at)
{
    bool user = mode == STORM_PM32_USER || mode == STORM_PAGED_USER || mode == STORM_COMPAT ||
                mode == STORM_LONG_USER || mode == STORM_V86;
    bool is_long = mode >= STORM_COMPAT, real = mode == STORM_REAL || mode == STORM_V86;
    u32 dpl = user ? DA_DPL : 0, code = used | DA_CODE | DA_READ | dpl,
        data = used | DA_WRITE | dpl;
    unsigned bits = storm_bits(mode);
    clear_state(cpu);
    cpu_set_eflags(cpu, FL_IOPL | (mode == STORM_V86 ? FL_VM : 0));
    set_control(cpu, mode);
    cpu->cpl = user ? 3 : 0;
    cpu->gdt = (struct dtable){AT_GDT, 0x7f};
    cpu->idt = is_long ? (struct dtable){AT_IDT64, 0xfff} : (struct dtable){AT_IDT32, 0x7ff};
    if (mode == STORM_REAL)
        cpu->idt = (struct dtable){0, 0x3ff};
    cpu->ldt = (struct seg){0};
    cpu->tr = (struct seg){.base = is_long ? AT_TSS64 : AT_TSS32,
                           .limit = 0x7ff,
                           .attr = DA_P | SYS_TSS32_BUSY << 8,
                           .sel = is_long ? TSS_64 : TSS};
    if (real) {
        u32 base = at & ~(u32)0xffff;
        for (unsigned s = 0; s < SEG__COUNT; s++)
            load(cpu, s, s == SEG_CS ? base >> 4 : 0, s == SEG_CS ? base : 0, 0xffff, data);
        cpu->rip = at & 0xffff;
    } else {
        u32 size = bits == 64 ? DA_L : bits == 32 ? DA_DB : 0;
        unsigned cs = bits == 64   ? (user ? CODE64_USER : CODE64)
                      : bits == 32 ? (user ? CODE3 : CODE0)
                                   : CODE16;
        load(cpu, SEG_CS, cs, 0, 0xffffffff, code | DA_G | size);
        for (unsigned s = 0; s < SEG__COUNT; s++)
            if (s != SEG_CS && bits == 16)
                load(cpu, s, DATA16, 0, 0xffff, data);
            else if (s != SEG_CS)
                load(cpu, s, user ? DATA3 : DATA0, 0, 0xffffffff, data | DA_G | DA_DB);
        cpu->rip = at;
    }
    cpu->next_rip = cpu->rip;
    cpu_update_mode(cpu);
    seg_update_all(cpu);
    cpu_update_mode(cpu);
}

bool storm_faulted(const struct cpu *cpu)
{
    return cpu->halted && cpu->rip > AT_HANDLERS && cpu->rip <= AT_HANDLERS + 256;
}
