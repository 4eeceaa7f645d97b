/* A protected-mode program under DOS: the beginnings of the DOS Protected Mode Interface 0.9. One
 * 32-bit program runs in ring 3 on an LDT; its interrupts are done by DOS in V86 mode, and while
 * DOS works the program waits here as a saved frame. */
#include "roms/dos/monitor/monitor.h"
#include "roms/lib/mem.h"

enum {
    HOST_PARAS = 0x40, /* what the program must lend: the stack of real-mode code */
    VERSION = 0x005a,
    SEL_RING3 = 7, /* LDT, ring 3 */
    RIGHTS_CODE16 = 0x0000fb00,
    RIGHTS_DATA32 = 0x0040f300,
    FLAGS_BACK = 0x8d5, /* what real-mode code may answer in EFLAGS: OF SF ZF AF PF CF */
    VEC_GP = 13,
};

/* INT 31h AX=0300h's structure. */
struct real_call {
    u32 edi, esi, ebp, reserved, ebx, edx, ecx, eax;
    u16 flags, es, ds, fs, gs, ip, cs, sp, ss;
} __attribute__((packed));

enum waiting { FOR_NOTHING, FOR_IRQ, FOR_INT, FOR_CALL };

static struct {
    bool active;
    enum waiting waiting;
    struct real_call *call;
    struct frame program; /* while real-mode code runs */
    struct frame dos;     /* the program's V86 state when it entered */
    u16 stack;
} dpmi;

void dpmi_detect(struct frame *f)
{
    f->eax &= 0xffff0000;
    f->ebx = (f->ebx & 0xffff0000) | 1; /* 32-bit programs */
    f->ecx = (f->ecx & 0xffffff00) | 5; /* processor */
    f->edx = (f->edx & 0xffff0000) | VERSION;
    f->esi = (f->esi & 0xffff0000) | HOST_PARAS;
    f->v_es = mon.info.cs;
    f->edi = (f->edi & 0xffff0000) | mon.info.dpmi_ip;
}

/* The far call returns in protected mode: CS, DS and SS become selectors of the same memory, ES one
 * of the program segment prefix. */
void dpmi_enter(struct frame *f)
{
    struct frame p;
    u32 ip = pop16(f), cs = pop16(f);

    f->eip = ip;
    f->cs = cs;
    if (dpmi.active || (f->eax & 1) == 0) { /* one program, 32 bits */
        f->eflags |= EF_CF;
        return;
    }
    dpmi_reset();
    dpmi.active = true;
    dpmi.dos = *f;
    dpmi.stack = (u16)f->v_es;
    ldt[1] = make_descriptor(cs * 16, 0xffff, RIGHTS_CODE16);
    ldt[2] = make_descriptor((f->v_ds & 0xffff) * 16, 0xffff, RIGHTS_DATA32);
    ldt[3] = make_descriptor((f->ss & 0xffff) * 16, 0xffff, RIGHTS_DATA32);
    ldt[4] = make_descriptor((f->v_ds & 0xffff) * 16, 0xff, RIGHTS_DATA32);
    p = *f;
    p.cs = 1 * 8 + SEL_RING3;
    p.ds = 2 * 8 + SEL_RING3;
    p.ss = 3 * 8 + SEL_RING3;
    p.es = 4 * 8 + SEL_RING3;
    p.fs = p.gs = 0;
    p.esp &= 0xffff;
    p.eflags = EF_IF | 2;
    enter_v86(&p);
}

/* Run interrupt n in V86 mode; *v has the registers. It comes back to dpmi_back(). */
__attribute__((noreturn)) static void run_real(const struct frame *program, struct frame *v, u8 n,
                                               enum waiting what)
{
    dpmi.program = *program;
    dpmi.waiting = what;
    v->cs = mon.info.cs;
    v->eip = mon.info.back_ip;
    v->eflags = v86_flags();
    v->ds = v->es = v->fs = v->gs = SEL_DATA;
    if (v->ss == 0) {
        v->ss = dpmi.stack;
        v->esp = HOST_PARAS * 16;
    }
    set_vif(v, (program->eflags & EF_IF) != 0);
    reflect(v, n);
    enter_v86(v);
}

/* A hardware interrupt, or an INT n whose registers are plain numbers. */
static void pass_on(const struct frame *f, u8 n, enum waiting what)
{
    struct frame v = *f;

    v.v_ds = v.v_es = dpmi.dos.v_ds;
    v.v_fs = v.v_gs = 0;
    v.ss = 0;
    run_real(f, &v, n, what);
}

/* AX=0300h: interrupt BL with the registers at ES:EDI. */
static void simulate(struct frame *f)
{
    struct frame v;
    struct real_call *c = (struct real_call *)(descriptor_base(ldt[f->es / 8 % LDT_SIZE]) + f->edi);

    memset(&v, 0, sizeof(v));
    v.edi = c->edi;
    v.esi = c->esi;
    v.ebp = c->ebp;
    v.ebx = c->ebx;
    v.edx = c->edx;
    v.ecx = c->ecx;
    v.eax = c->eax;
    v.v_es = c->es;
    v.v_ds = c->ds;
    v.v_fs = c->fs;
    v.v_gs = c->gs;
    v.ss = c->ss;
    v.esp = c->sp;
    dpmi.call = c;
    run_real(f, &v, (u8)f->ebx, FOR_CALL);
}

static void store_call(const struct frame *v)
{
    struct real_call *c = dpmi.call;

    c->edi = v->edi;
    c->esi = v->esi;
    c->ebp = v->ebp;
    c->ebx = v->ebx;
    c->edx = v->edx;
    c->ecx = v->ecx;
    c->eax = v->eax;
    c->es = (u16)v->v_es;
    c->ds = (u16)v->v_ds;
    c->fs = (u16)v->v_fs;
    c->gs = (u16)v->v_gs;
    c->flags = (u16)v->eflags;
}

void dpmi_back(struct frame *f)
{
    struct frame p = dpmi.program;

    if (dpmi.waiting == FOR_NOTHING)
        panic("nothing to go back to", f);
    if (dpmi.waiting == FOR_INT) {
        p.eax = f->eax;
        p.ebx = f->ebx;
        p.ecx = f->ecx;
        p.edx = f->edx;
        p.esi = f->esi;
        p.edi = f->edi;
        p.eflags = (p.eflags & ~(u32)FLAGS_BACK) | (f->eflags & FLAGS_BACK);
    }
    if (dpmi.waiting == FOR_CALL) {
        store_call(f);
        p.eflags &= ~(u32)EF_CF;
    }
    dpmi.waiting = FOR_NOTHING;
    enter_v86(&p);
}

/* The program ends: DOS does its INT 21h AH=4Ch with the segments it had when it came. */
static void finish(u8 code)
{
    struct frame v = dpmi.dos;

    dpmi.active = false;
    dpmi_reset();
    v.eax = 0x4c00u | code;
    v.eflags = v86_flags();
    v.ds = v.es = v.fs = v.gs = SEL_DATA;
    reflect(&v, 0x21);
    enter_v86(&v);
}

static void interrupt(struct frame *f, u8 n)
{
    if (n == 0x21 && (f->eax >> 8 & 0xff) == 0x4c) {
        finish((u8)f->eax);
    } else if (n != 0x31) {
        pass_on(f, n, FOR_INT);
    } else if ((f->eax & 0xffff) == 0x0300) {
        simulate(f);
    } else if (!dpmi_call(f)) {
        f->eax = (f->eax & 0xffff0000) | 0x8001; /* unsupported */
        f->eflags |= EF_CF;
    }
}

/* CLI, STI and HLT; everything else that a ring 3 program may not do ends it. */
static bool privileged(struct frame *f, u8 op)
{
    switch (op) {
    case 0xfa: f->eflags &= ~(u32)EF_IF; break;
    case 0xfb: f->eflags |= EF_IF; break;
    case 0xf4:
        f->eip++;
        mon.idle_vector = 0;
        while (mon.idle_vector == 0)
            idle_wait();
        pass_on(f, (u8)mon.idle_vector, FOR_IRQ);
        return true;
    default: return false;
    }
    f->eip++;
    return true;
}

void dpmi_trap(struct frame *f)
{
    const u8 *at = (const u8 *)(descriptor_base(ldt[f->cs / 8 % LDT_SIZE]) + f->eip);

    if (is_irq(f))
        pass_on(f, (u8)f->vector, FOR_IRQ);
    if (f->vector == VEC_GP && (f->error & 2) != 0 && at[0] == 0xcd) {
        f->eip += 2;
        interrupt(f, at[1]);
        return;
    }
    if (f->vector == VEC_GP && f->error == 0 && privileged(f, at[0]))
        return;
    finish((u8)(0x80 + f->vector)); /* tells in the exit code what happened */
}
