/* x87 control: initialisation, control and status words, environment and state images, FXSAVE,
 * pending exceptions (SDM vol. 1, 8.1 and 8.6, vol. 3, 13.4; image layouts in vol. 1, figures 8-9
 * to 8-12). */
#include "cpu/exec/x87.h"
#include "cpu/exec/sse.h"

/* ---- status ---- */
u16 x87_status(const struct cpu *cpu)
{
    return (u16)((cpu->fpu.sw & ~SW_TOP) | cpu->fpu.top << 11);
}

static void set_status(struct cpu *cpu, u16 sw)
{
    cpu->fpu.sw = (u16)((sw & ~(SW_TOP | SW_ES | SW_B)) | (cpu->fpu.sw & SW_ES));
    cpu->fpu.top = sw >> 11 & 7;
    x87_update_es(cpu);
}

void x87_update_es(struct cpu *cpu)
{
    struct fpu *f = &cpu->fpu;
    bool was = f->sw & SW_ES, is = f->sw & ~f->cw & FP_ALL;
    f->sw &= (u16) ~(SW_ES | SW_B);
    if (is)
        f->sw |= SW_ES | SW_B;
    if (was != is && !(cpu->cr0 & CR0_NE) && cpu->hooks.ferr)
        cpu->hooks.ferr(cpu->hooks.arg, is);
    /* Control and status words decide what translated code may do. */
    if (!(cpu->mode_key & MK_X87) == (!is && (f->cw & FP_ALL) == FP_ALL))
        cpu_update_mode(cpu);
}

/* With CR0.NE clear the report went to the interrupt controller through FERR# when the exception
 * happened, and waiting instructions go on as they do under IGNNE#. */
void x87_pending(struct cpu *cpu)
{
    if (cpu->cr0 & CR0_NE)
        cpu_raise(cpu, EXC_MF);
    if (cpu->hooks.ferr)
        cpu->hooks.ferr(cpu->hooks.arg, 1);
}

void x87_note_opcode(struct cpu *cpu)
{
    u64 la = mem_address(cpu, SEG_CS, cpu->rip);
    u8 code[15];
    unsigned i;
    for (i = 0; i < sizeof(code); i++) {
        if (!mmu_peek(&cpu->mmu, la + i, &code[i], 1))
            return;
        if (i && code[i - 1] >= 0xd8 && code[i - 1] <= 0xdf) {
            cpu->fpu.fop = (u16)((code[i - 1] & 7) << 8 | code[i]);
            return;
        }
    }
}

u16 x87_tags(const struct cpu *cpu)
{
    u16 tags = 0;
    for (unsigned i = 0; i < 8; i++) {
        enum f80_class c = f80_classify(cpu->fpu.st[i]);
        unsigned tag = cpu->fpu.empty >> i & 1 ? 3 : c == F80_ZERO ? 1 : c == F80_NORMAL ? 0 : 2;
        tags |= (u16)(tag << 2 * i);
    }
    return tags;
}

static void set_tags(struct cpu *cpu, u16 tags)
{
    cpu->fpu.empty = 0;
    for (unsigned i = 0; i < 8; i++)
        if ((tags >> 2 * i & 3) == 3)
            cpu->fpu.empty |= (u8)BIT(i);
}

void x87_init(struct cpu *cpu)
{
    struct fpu *f = &cpu->fpu;
    f->cw = CW_INIT;
    f->empty = 0xff;
    f->fop = f->fcs = f->fds = 0;
    f->fip = f->fdp = 0;
    set_status(cpu, 0);
}

void exec_FNINIT(struct cpu *cpu, const struct insn *insn)
{
    x87_available(cpu);
    x87_init(cpu);
}

void exec_FNCLEX(struct cpu *cpu, const struct insn *insn)
{
    x87_available(cpu);
    cpu->fpu.sw &= (u16) ~(FP_ALL | SW_SF);
    x87_update_es(cpu);
}

void exec_FNSTSW(struct cpu *cpu, const struct insn *insn)
{
    x87_available(cpu);
    opnd_write(cpu, insn, 0, x87_status(cpu));
}

void exec_FNSTCW(struct cpu *cpu, const struct insn *insn)
{
    x87_available(cpu);
    opnd_write(cpu, insn, 0, cpu->fpu.cw);
}

static void set_control(struct cpu *cpu, u16 cw)
{
    cpu->fpu.cw = (cw & CW_WRITABLE) | CW_ONE;
    x87_update_es(cpu);
}

void exec_FLDCW(struct cpu *cpu, const struct insn *insn)
{
    u16 cw;
    x87_start(cpu);
    cw = (u16)opnd_read(cpu, insn, 0);
    set_control(cpu, cw);
}

/* Not a control instruction where it counts: processors note its address, but keep C1. */
void exec_FNOP(struct cpu *cpu, const struct insn *insn)
{
    x87_start(cpu);
    cpu->fpu.fip = cpu->rip;
    cpu->fpu.fcs = cpu->seg[SEG_CS].sel;
}

/* FNENI, FNDISI and FNSETPM of the 8087 and 80287 do nothing. */
void exec_FNENI(struct cpu *cpu, const struct insn *insn)
{
    x87_available(cpu);
}

/* ---- environment images ---- */
enum { ENV16_SIZE = 14, ENV32_SIZE = 28, REGS_SIZE = 80 };

static unsigned env_size(const struct insn *insn)
{
    return insn->osz == 2 ? ENV16_SIZE : ENV32_SIZE;
}

/* Real and V86 mode keep linear addresses, protected mode offset and selector. */
static bool linear_pointers(const struct cpu *cpu)
{
    return !cpu_pm(cpu);
}

static void env_pack(const struct cpu *cpu, unsigned size, u8 *m)
{
    const struct fpu *f = &cpu->fpu;
    unsigned step = size == ENV16_SIZE ? 2 : 4;
    u32 ip = (u32)f->fip, dp = (u32)f->fdp;
    memset(m, 0xff, size);
    st16(m, f->cw);
    st16(m + step, x87_status(cpu));
    st16(m + 2 * step, x87_tags(cpu));
    m += 3 * step;
    if (linear_pointers(cpu)) {
        ip += (u32)f->fcs << 4;
        dp += (u32)f->fds << 4;
    }
    if (step == 2) {
        st16(m, (u16)ip);
        st16(m + 2, linear_pointers(cpu) ? (u16)((ip >> 4 & 0xf000) | (f->fop & 0x7ff)) : f->fcs);
        st16(m + 4, (u16)dp);
        st16(m + 6, linear_pointers(cpu) ? (u16)(dp >> 4 & 0xf000) : f->fds);
    } else if (linear_pointers(cpu)) {
        st32(m, ip & 0xffff);
        st32(m + 4, (ip >> 16 & 0xffff) << 12 | (f->fop & 0x7ff));
        st32(m + 8, dp & 0xffff);
        st32(m + 12, (dp >> 16 & 0xffff) << 12);
    } else {
        st32(m, ip);
        st32(m + 4, f->fcs | (u32)(f->fop & 0x7ff) << 16);
        st32(m + 8, dp);
        st32(m + 12, 0xffff0000 | f->fds);
    }
}

static void env_unpack(struct cpu *cpu, unsigned size, const u8 *m)
{
    struct fpu *f = &cpu->fpu;
    unsigned step = size == ENV16_SIZE ? 2 : 4;
    const u8 *p = m + 3 * step;
    f->cw = (ld16(m) & CW_WRITABLE) | CW_ONE;
    set_tags(cpu, ld16(m + 2 * step));
    set_status(cpu, ld16(m + step));
    f->fcs = f->fds = 0;
    if (step == 2) {
        f->fip = ld16(p);
        f->fdp = ld16(p + 4);
        if (linear_pointers(cpu)) {
            f->fip |= (u32)(ld16(p + 2) & 0xf000) << 4;
            f->fdp |= (u32)(ld16(p + 6) & 0xf000) << 4;
            f->fop = ld16(p + 2) & 0x7ff;
        } else {
            f->fcs = ld16(p + 2);
            f->fds = ld16(p + 6);
        }
    } else if (linear_pointers(cpu)) {
        f->fip = ld16(p) | (ld32(p + 4) >> 12 & 0xffff) << 16;
        f->fdp = ld16(p + 8) | (ld32(p + 12) >> 12 & 0xffff) << 16;
        f->fop = ld16(p + 4) & 0x7ff;
    } else {
        f->fip = ld32(p);
        f->fcs = ld16(p + 4);
        f->fop = ld16(p + 6) & 0x7ff;
        f->fdp = ld32(p + 8);
        f->fds = ld16(p + 12);
    }
}

void exec_FNSTENV(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = env_size(insn);
    u8 m[ENV32_SIZE];
    x87_available(cpu);
    env_pack(cpu, size, m);
    mem_check_align(cpu, insn->seg, ea(cpu, insn), insn->osz == 2 ? 2 : 4, true);
    mem_write_bytes(cpu, insn->seg, ea(cpu, insn), m, size);
    set_control(cpu, cpu->fpu.cw | FP_ALL);
}

void exec_FLDENV(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = env_size(insn);
    u8 m[ENV32_SIZE];
    x87_start(cpu);
    mem_check_align(cpu, insn->seg, ea(cpu, insn), insn->osz == 2 ? 2 : 4, false);
    mem_read_bytes(cpu, insn->seg, ea(cpu, insn), m, size);
    env_unpack(cpu, size, m);
}

void exec_FNSAVE(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = env_size(insn);
    u8 m[ENV32_SIZE + REGS_SIZE];
    x87_available(cpu);
    env_pack(cpu, size, m);
    for (unsigned i = 0; i < 8; i++)
        f80_store(m + size + 10 * i, st_get(cpu, i));
    mem_check_align(cpu, insn->seg, ea(cpu, insn), insn->osz == 2 ? 2 : 4, true);
    mem_write_bytes(cpu, insn->seg, ea(cpu, insn), m, size + REGS_SIZE);
    x87_init(cpu);
}

void exec_FRSTOR(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = env_size(insn);
    u8 m[ENV32_SIZE + REGS_SIZE];
    x87_start(cpu);
    mem_check_align(cpu, insn->seg, ea(cpu, insn), insn->osz == 2 ? 2 : 4, false);
    mem_read_bytes(cpu, insn->seg, ea(cpu, insn), m, size + REGS_SIZE);
    env_unpack(cpu, size, m);
    for (unsigned i = 0; i < 8; i++)
        cpu->fpu.st[st_phys(cpu, i)] = f80_load(m + size + 10 * i);
}

/* ---- FXSAVE and FXRSTOR: 512 bytes (SDM vol. 1, 10.5) ---- */
enum { FX_SIZE = 512, FX_ST = 32, FX_XMM = 160, FX_USED = 416 };

static u64 fx_address(struct cpu *cpu, const struct insn *insn)
{
    u64 off = ea(cpu, insn);
    x87_available(cpu);
    if (mem_address(cpu, insn->seg, off) & 15)
        cpu_raise_err(cpu, EXC_GP, 0);
    return off;
}

/* How many XMM registers the image holds. */
static unsigned fx_xmms(const struct cpu *cpu)
{
    if (!(cpu->cr4 & CR4_OSFXSR) || !cpu_has(cpu, FEAT_SSE))
        return 0;
    return cpu_long(cpu) ? 16 : 8;
}

void x87_image_store(const struct cpu *cpu, bool wide, u8 *m)
{
    const struct fpu *f = &cpu->fpu;
    memset(m, 0, 24);
    memset(m + FX_ST, 0, FX_XMM - FX_ST);
    st16(m, f->cw);
    st16(m + 2, x87_status(cpu));
    m[4] = (u8)~f->empty;
    st16(m + 6, f->fop);
    if (wide) {
        st64(m + 8, f->fip);
        st64(m + 16, f->fdp);
    } else {
        st32(m + 8, (u32)f->fip);
        st16(m + 12, f->fcs);
        st32(m + 16, (u32)f->fdp);
        st16(m + 20, f->fds);
    }
    for (unsigned i = 0; i < 8; i++)
        f80_store(m + FX_ST + 16 * i, st_get(cpu, i));
}

void x87_image_load(struct cpu *cpu, bool wide, const u8 *m)
{
    struct fpu *f = &cpu->fpu;
    f->cw = (ld16(m) & CW_WRITABLE) | CW_ONE;
    set_status(cpu, ld16(m + 2));
    f->empty = (u8)~m[4];
    f->fop = ld16(m + 6) & 0x7ff;
    if (wide) {
        f->fip = ld64(m + 8);
        f->fdp = ld64(m + 16);
        f->fcs = f->fds = 0;
    } else {
        f->fip = ld32(m + 8);
        f->fcs = ld16(m + 12);
        f->fdp = ld32(m + 16);
        f->fds = ld16(m + 20);
    }
    for (unsigned i = 0; i < 8; i++)
        f->st[st_phys(cpu, i)] = f80_load(m + FX_ST + 16 * i);
}

void exec_FXSAVE(struct cpu *cpu, const struct insn *insn)
{
    u64 off = fx_address(cpu, insn);
    unsigned xmms = fx_xmms(cpu), room = PAGE_SIZE - (mem_address(cpu, insn->seg, off) & PAGE_MASK);
    u8 m[FX_SIZE];
    x87_image_store(cpu, insn->osz == 8, m);
    memset(m + 24, 0, 8);
    if (cpu_has(cpu, FEAT_SSE)) {
        st32(m + 24, cpu->mxcsr);
        st32(m + 28, mxcsr_mask(cpu));
    }
    for (unsigned i = 0; i < xmms; i++) {
        st64(m + FX_XMM + 16 * i, cpu->xmm[i].q[0]);
        st64(m + FX_XMM + 16 * i + 8, cpu->xmm[i].q[1]);
    }
    if (off + FX_SIZE > cpu->seg[insn->seg].end_w) /* the segment has to hold all of it */
        seg_check(cpu, insn->seg, off, FX_SIZE, true);
    /* ... and all of its pages must be writable, also for what is not written. */
    mem_check_write(cpu, insn->seg, off, 1);
    if (room < FX_SIZE)
        mem_check_write(cpu, insn->seg, off + room, 1);
    mem_write_bytes(cpu, insn->seg, off, m, xmms ? FX_XMM + 16 * xmms : FX_XMM);
}

void exec_FXRSTOR(struct cpu *cpu, const struct insn *insn)
{
    u64 off = fx_address(cpu, insn);
    unsigned xmms = fx_xmms(cpu);
    u8 m[FX_SIZE];
    mem_read_bytes(cpu, insn->seg, off, m, FX_SIZE);
    if (cpu_has(cpu, FEAT_SSE)) {
        if (ld32(m + 24) & ~mxcsr_mask(cpu))
            cpu_raise_err(cpu, EXC_GP, 0);
        mxcsr_set(cpu, ld32(m + 24));
    }
    x87_image_load(cpu, insn->osz == 8, m);
    for (unsigned i = 0; i < xmms; i++) {
        cpu->xmm[i].q[0] = ld64(m + FX_XMM + 16 * i);
        cpu->xmm[i].q[1] = ld64(m + FX_XMM + 16 * i + 8);
    }
}

/* FWAIT: #NM when both MP and TS are set, and whatever exception is pending. */
void exec_WAIT(struct cpu *cpu, const struct insn *insn)
{
    if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
        cpu_raise(cpu, EXC_NM);
    if (cpu->fpu.sw & SW_ES)
        x87_pending(cpu);
}
