/* Instructions that fault in V86 mode when IOPL is below 3, or because of their ports: CLI, STI,
 * PUSHF, POPF, INT n, IRET, IN, OUT, INS, OUTS, and the reading of control registers (Intel SDM
 * volume 3, 21.2.2 and 21.2.8). */
#include "roms/dos/monitor/monitor.h"
#include "roms/lib/io.h"

enum { POPF_MASK = 0x4dd5, POPFD_MASK = 0x244dd5, MAX_PREFIXES = 14 };

/* What the prefixes said, and how far the instruction goes. */
struct insn {
    u32 length;
    bool op32, addr32, rep;
    int segment; /* index as in MOV, or -1 */
};

u8 fetch8(const struct frame *f, u32 at)
{
    return *(const volatile u8 *)((f->cs & 0xffff) * 16 + ((f->eip + at) & 0xffff));
}

static u32 stack_at(const struct frame *f)
{
    return (f->ss & 0xffff) * 16 + (f->esp & 0xffff);
}

static void add_sp(struct frame *f, u32 n)
{
    f->esp = (f->esp & 0xffff0000) | ((f->esp + n) & 0xffff);
}

void push16(struct frame *f, u16 v)
{
    add_sp(f, (u32)-2);
    *(volatile u16 *)stack_at(f) = v;
}

u16 pop16(struct frame *f)
{
    u16 v = *(volatile u16 *)stack_at(f);

    add_sp(f, 2);
    return v;
}

static void push(struct frame *f, u32 v, bool wide)
{
    if (wide)
        push16(f, (u16)(v >> 16));
    push16(f, (u16)v);
}

static u32 pop(struct frame *f, bool wide)
{
    u32 v = pop16(f);

    if (wide)
        v |= (u32)pop16(f) << 16;
    return v;
}

static void load_flags(struct frame *f, u32 v, bool wide)
{
    u32 mask = wide ? POPFD_MASK : POPF_MASK;

    f->eflags = (f->eflags & ~mask) | (v & mask);
    set_vif(f, (v & EF_IF) != 0);
}

static u32 store_flags(const struct frame *f)
{
    u32 v = (f->eflags & ~(u32)(EF_IF | EF_VM | EF_RF | EF_VIF | EF_VIP)) | EF_IOPL;

    return v | (get_vif(f) ? EF_IF : 0);
}

static void prefixes(const struct frame *f, struct insn *in)
{
    static const u8 segments[6] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    u32 i;

    in->op32 = in->addr32 = in->rep = false;
    in->segment = -1;
    for (in->length = 0; in->length < MAX_PREFIXES; in->length++) {
        u8 b = fetch8(f, in->length);
        bool found = false;

        for (i = 0; i < 6; i++) {
            if (b == segments[i]) {
                in->segment = (int)i;
                found = true;
            }
        }
        if (b == 0x66)
            in->op32 = true;
        else if (b == 0x67)
            in->addr32 = true;
        else if (b == 0xf2 || b == 0xf3)
            in->rep = true;
        else if (!found)
            return;
    }
}

static u32 in_port(u16 port, u32 size)
{
    u32 i, v = 0;

    for (i = 0; i < size; i++)
        v |= (u32)port_in((u16)(port + i)) << i * 8;
    return v;
}

static void out_port(u16 port, u32 v, u32 size)
{
    u32 i;

    for (i = 0; i < size; i++)
        port_out((u16)(port + i), (u8)(v >> i * 8));
}

static void set_low(u32 *reg, u32 v, u32 size)
{
    u32 mask = size == 4 ? 0xffffffffu : (1u << size * 8) - 1;

    *reg = (*reg & ~mask) | (v & mask);
}

/* INS and OUTS: the memory side is plain V86 memory. */
static void string_port(struct frame *f, const struct insn *in, u8 op)
{
    u32 mask = in->addr32 ? 0xffffffffu : 0xffff, size = (op & 1) == 0 ? 1 : in->op32 ? 4 : 2;
    u32 step = (f->eflags & 0x400) != 0 ? (u32) - (s32)size : size;
    u32 count = in->rep ? f->ecx & mask : 1, i;
    const u32 segs[6] = {f->v_es, f->cs, f->ss, f->v_ds, f->v_fs, f->v_gs};
    bool out = op >= 0x6e;
    u32 *index = out ? &f->esi : &f->edi;
    u32 seg = !out ? f->v_es : in->segment >= 0 ? segs[in->segment] : f->v_ds;

    for (; count > 0; count--) {
        u32 at = (seg & 0xffff) * 16 + (*index & 0xffff), v = 0;

        if (out) {
            for (i = 0; i < size; i++)
                v |= (u32) * (volatile u8 *)(at + i) << i * 8;
            out_port((u16)f->edx, v, size);
        } else {
            v = in_port((u16)f->edx, size);
            for (i = 0; i < size; i++)
                *(volatile u8 *)(at + i) = (u8)(v >> i * 8);
        }
        *index = (*index & ~mask) | ((*index + step) & mask);
        if (in->rep)
            f->ecx = (f->ecx & ~mask) | ((f->ecx - 1) & mask);
    }
}

/* MOV from CR0 to CR4 to a register, and CLTS; writes are not for V86 programs. */
static bool system_insn(struct frame *f, struct insn *in)
{
    u32 *const regs[8] = {&f->eax,    &f->ecx, &f->edx, &f->ebx,
                          &f->unused, &f->ebp, &f->esi, &f->edi};
    u8 op = fetch8(f, in->length++), modrm;

    if (op == 0x06) {
        __asm__ volatile("clts");
        return true;
    }
    if (op != 0x20)
        return false;
    modrm = fetch8(f, in->length++);
    switch (modrm >> 3 & 7) {
    case 0: *regs[modrm & 7] = read_cr0(); return true;
    case 2: *regs[modrm & 7] = read_cr2(); return true;
    case 3: *regs[modrm & 7] = read_cr3(); return true;
    case 4: *regs[modrm & 7] = read_cr4(); return true;
    default: return false;
    }
}

static void iret(struct frame *f, bool wide)
{
    u32 ip = pop(f, wide), cs = pop(f, wide);

    load_flags(f, pop(f, wide), wide);
    f->eip = ip & 0xffff;
    f->cs = cs & 0xffff;
}

static void interrupt(struct frame *f, u8 n)
{
    if (n == 0x15 && (f->eax >> 8 & 0xff) == 0x87)
        bios_move(f);
    else if (n == 0x2f && (f->eax & 0xffff) == 0x1687)
        dpmi_detect(f);
    else
        reflect(f, n);
}

bool emulate(struct frame *f)
{
    struct insn in;
    u32 size;
    u8 op, arg = 0;

    prefixes(f, &in);
    op = fetch8(f, in.length++);
    size = (op & 1) == 0 ? 1 : in.op32 ? 4 : 2;
    if (op == 0xcd || (op & 0xfc) == 0xe4)
        arg = fetch8(f, in.length++);
    if (op == 0x0f && !system_insn(f, &in))
        return false;
    if (op == 0xcd || op == 0xcf) {
        f->eip = (f->eip + in.length) & 0xffff;
        if (op == 0xcd)
            interrupt(f, arg);
        else
            iret(f, in.op32);
        return true;
    }
    switch (op) {
    case 0x0f: break;
    case 0x6c:
    case 0x6d:
    case 0x6e:
    case 0x6f: string_port(f, &in, op); break;
    case 0x9c: push(f, store_flags(f), in.op32); break;
    case 0x9d: load_flags(f, pop(f, in.op32), in.op32); break;
    case 0xe4:
    case 0xe5: set_low(&f->eax, in_port(arg, size), size); break;
    case 0xe6:
    case 0xe7: out_port(arg, f->eax, size); break;
    case 0xec:
    case 0xed: set_low(&f->eax, in_port((u16)f->edx, size), size); break;
    case 0xee:
    case 0xef: out_port((u16)f->edx, f->eax, size); break;
    case 0xfa: set_vif(f, false); break;
    case 0xfb: set_vif(f, true); break;
    default: return false;
    }
    f->eip = (f->eip + in.length) & 0xffff;
    return true;
}
