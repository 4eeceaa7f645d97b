/* Every entry into the monitor: which are hardware interrupts, which are exceptions that DOS should
 * see as in real mode, and which are work for the monitor. */
#include "roms/dos/monitor/monitor.h"
#include "roms/lib/io.h"
#include "roms/lib/power.h"

enum {
    VEC_DB = 1,
    VEC_UD = 6,
    VEC_SS = 12,
    VEC_GP = 13,
    VEC_PF = 14,
    IRQ_LOW = 8,
    IRQ_HIGH = 0x70
};

static void say(const char *s)
{
    for (; *s != 0; s++)
        outb(0xe9, (u8)*s);
}

static void say_hex(u32 v)
{
    int i;

    for (i = 28; i >= 0; i -= 4)
        outb(0xe9, (u8) "0123456789abcdef"[v >> i & 15]);
    outb(0xe9, ' ');
}

/* A mistake of the monitor, or of a program that cannot be gone on with. */
void panic(const char *why, const struct frame *f)
{
    say("\nmonitor: ");
    say(why);
    say(": vector, error, CS, EIP, EFLAGS, CR2: ");
    say_hex(f->vector);
    say_hex(f->error);
    say_hex(f->cs);
    say_hex(f->eip);
    say_hex(f->eflags);
    say_hex(read_cr2());
    say("\n");
    exit_device(2);
    for (;;)
        __asm__ volatile("cli; hlt");
}

bool get_vif(const struct frame *f)
{
    return (f->eflags & (mon.mode == MODE_VME ? EF_VIF : EF_IF)) != 0;
}

/* Without VME the program's IF is the real one: only who may change it is virtual. With VME the
 * real one is always set, and the processor keeps the program's in VIF. */
void set_vif(struct frame *f, bool on)
{
    u32 bit = mon.mode == MODE_VME ? EF_VIF : EF_IF;

    f->eflags = on ? f->eflags | bit : f->eflags & ~bit;
}

bool set_mode(struct frame *f, enum mode mode)
{
    bool on = mon.mode != 0 && get_vif(f);
    u32 eax = 1, ebx, ecx, edx;

    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    if (mode < MODE_PLAIN || mode > MODE_IOPL3 || (mode == MODE_VME && (edx & 2) == 0))
        return false;
    mon.mode = mode;
    if ((edx & 2) != 0)
        write_cr4((read_cr4() & ~(u32)CR4_VME) | (mode == MODE_VME ? CR4_VME : 0));
    f->eflags &= ~(u32)(EF_IF | EF_IOPL | EF_VIF | EF_VIP);
    if (mode == MODE_VME)
        f->eflags |= EF_IF;
    if (mode == MODE_IOPL3)
        f->eflags |= EF_IOPL;
    set_vif(f, on);
    return true;
}

u32 v86_flags(void)
{
    return EF_VM | 2 | (mon.mode == MODE_VME ? EF_IF : mon.mode == MODE_IOPL3 ? EF_IOPL : 0u);
}

void reflect(struct frame *f, u8 n)
{
    u32 vector = *(volatile u32 *)(n * 4u);
    u32 flags = (f->eflags & ~(u32)EF_IF) | EF_IOPL; /* IOPL 3, as with VME */

    push16(f, (u16)(flags | (get_vif(f) ? EF_IF : 0)));
    push16(f, (u16)f->cs);
    push16(f, (u16)f->eip);
    f->cs = vector >> 16;
    f->eip = vector & 0xffff;
    f->eflags &= ~(u32)(EF_TF | EF_NT | EF_RF);
    set_vif(f, false);
    mon.reflected++;
}

bool is_irq(const struct frame *f)
{
    if (f->vector >= IRQ_HIGH && f->vector < IRQ_HIGH + 8)
        return true;
    return f->vector >= IRQ_LOW && f->vector < IRQ_LOW + 8 && f->error == NO_ERROR;
}

static u8 irq_of(u32 vector)
{
    return (u8)(vector < IRQ_HIGH ? vector - IRQ_LOW : vector - IRQ_HIGH + 8);
}

static u8 vector_of(u8 irq)
{
    return (u8)(irq < 8 ? irq + IRQ_LOW : irq - 8 + IRQ_HIGH);
}

static void hardware(struct frame *f, u32 vector)
{
    if (get_vif(f)) {
        reflect(f, (u8)vector);
        return;
    }
    /* Only with VME: the program does not want interrupts now. VIP makes its next STI tell us. */
    mon.pending |= BIT(irq_of(vector));
    mon.queued++;
    f->eflags |= EF_VIP;
}

static void deliver_pending(struct frame *f)
{
    u8 irq;

    if (mon.pending == 0 || !get_vif(f))
        return;
    for (irq = 0; (mon.pending & BIT(irq)) == 0; irq++)
        ;
    mon.pending &= ~BIT(irq);
    if (mon.pending == 0)
        f->eflags &= ~(u32)EF_VIP;
    reflect(f, vector_of(irq));
}

/* HLT in V86 mode: the next interrupt ends it. */
static void halt(struct frame *f)
{
    if (!get_vif(f))
        panic("HLT with interrupts off", f);
    mon.idle_vector = 0;
    while (mon.idle_vector == 0)
        idle_wait();
    hardware(f, mon.idle_vector);
}

static void general_protection(struct frame *f)
{
    bool step = (f->eflags & EF_TF) != 0;
    u8 op;

    mon.gp_traps++;
    /* IOPL 3: INT n was refused by its gate. */
    if (f->error != 0) {
        if ((f->error & 2) == 0)
            panic("selector in V86 mode", f);
        f->error = 0;
    }
    op = fetch8(f, 0);
    if (op == 0xf4) {
        f->eip = (f->eip + 1) & 0xffff;
        halt(f);
        return;
    }
    if (!emulate(f)) {
        reflect(f, VEC_GP); /* a segment's end, most likely: real mode has the same vector */
        return;
    }
    if (step && op != 0xcd)
        reflect(f, VEC_DB);
    deliver_pending(f);
}

/* ARPL does not exist in V86 mode; some of its forms are EMM.COM calling. */
static void invalid_opcode(struct frame *f)
{
    u8 form = fetch8(f, 0) == 0x63 ? fetch8(f, 1) : 0;
    bool ours = (f->cs & 0xffff) == mon.info.cs;

    if (form == 0xfe) {
        f->eip = (f->eip + 2) & 0xffff;
        ems_call(f);
        deliver_pending(f);
    } else if (form == 0xff && ours && f->eip == mon.info.dpmi_ip) {
        dpmi_enter(f);
    } else if (form == 0xfd && ours && f->eip == mon.info.back_ip) {
        dpmi_back(f);
    } else {
        reflect(f, VEC_UD);
    }
}

static void from_v86(struct frame *f)
{
    if (is_irq(f)) {
        hardware(f, f->vector);
        return;
    }
    switch (f->vector) {
    case VEC_GP: general_protection(f); break;
    case VEC_UD: invalid_opcode(f); break;
    case VEC_PF: panic("page fault", f);
    default: reflect(f, (u8)f->vector); break;
    }
}

void trap(struct frame *f)
{
    if ((f->eflags & EF_VM) != 0) {
        from_v86(f);
    } else if ((f->cs & 3) == 0) {
        if (!is_irq(f))
            panic("fault in the monitor", f);
        mon.idle_vector = f->vector;
        f->eflags &= ~(u32)EF_IF; /* one at a time */
    } else {
        dpmi_trap(f);
    }
}
