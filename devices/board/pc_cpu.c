/* The vCPUs of the PC and the wires between them, their local APICs and the chipset. */
#include "cpu/jit/jit.h"
#include "devices/board/pc_int.h"

#include "devices/bus/i440fx.h"

#include <stdio.h>

enum { IRQ_FERR = 13 };

void pc_kick(struct pc *pc)
{
    unsigned i;

    for (i = 0; i < pc->ncpus; i++)
        cpu_kick(pc->cpu[i]);
}

void pc_set_a20(struct pc *pc, bool open)
{
    unsigned i;

    pc->a20 = open;
    for (i = 0; i < pc->ncpus; i++)
        cpu_set_a20(pc->cpu[i], open);
}

void pc_select_cpu(struct pc *pc, unsigned index)
{
    pc->parts->apic.current = index;
}

/* ---- what a CPU asks of the board ---- */

static int extint_ack(void *arg)
{
    struct pc_port *port = arg;

    return i8259_ack(port->pc->parts->pic[0], port->pc->parts->pic[1]);
}

static struct lapic *lapic_of(const struct pc_port *port)
{
    return port->pc->parts->lapic[port->index];
}

static int intr_ack(void *arg)
{
    struct lapic *lapic = lapic_of(arg);

    return lapic ? lapic_ack(lapic) : extint_ack(arg);
}

static bool msr_read(void *arg, u32 msr, u64 *v)
{
    struct lapic *lapic = lapic_of(arg);

    return lapic && lapic_msr_read(lapic, msr, v);
}

static bool msr_write(void *arg, u32 msr, u64 v)
{
    struct lapic *lapic = lapic_of(arg);

    return lapic && lapic_msr_write(lapic, msr, v);
}

static u8 tpr_read(void *arg)
{
    struct lapic *lapic = lapic_of(arg);

    return lapic ? (u8)(lapic_get_cr8(lapic) << 4) : 0;
}

static void tpr_write(void *arg, u8 v)
{
    struct lapic *lapic = lapic_of(arg);

    if (lapic)
        lapic_set_cr8(lapic, v >> 4);
}

/* Only ever set here: the chipset holds the interrupt until port 0xF0 is written. */
static void ferr(void *arg, int level)
{
    struct pc_port *port = arg;
    struct irq wire = pc_irq_wire(port->pc, IRQ_FERR, IRQ_CPU);

    if (level)
        irq_set(&wire, 1);
}

static u64 tsc(void *arg)
{
    struct pc_port *port = arg;

    return muldiv64(clock_now(port->pc->clock), PC_TSC_HZ, NS_PER_SEC);
}

static u64 tsc_to_ns(void *arg, u64 value)
{
    struct pc_port *port = arg;
    u64 raw = value - port->pc->cpu[port->index]->tsc_offset;
    u64 now = clock_now(port->pc->clock), ns = muldiv64(raw, NS_PER_SEC, PC_TSC_HZ);

    /* An offset that makes the difference wrap means a time long past. */
    return raw > BIT64(63) ? now : ns;
}

static void smi_ack(void *arg, int in_smm)
{
    struct pc_port *port = arg;

    i440fx_set_smm(port->pc->parts->i440fx, in_smm);
}

/* ---- what a local APIC asks of its CPU ---- */

static void lapic_nmi(void *arg)
{
    struct pc_port *port = arg;

    cpu_nmi(port->pc->cpu[port->index]);
}

static void lapic_smi(void *arg)
{
    struct pc_port *port = arg;

    cpu_smi(port->pc->cpu[port->index]);
}

/* INIT: the first CPU starts over at the reset vector, the others wait for a start-up message. */
static void lapic_init_signal(void *arg)
{
    struct pc_port *port = arg;
    struct pc *pc = port->pc;
    struct cpu *cpu = pc->cpu[port->index];

    port->wait_sipi = port->index != 0;
    if (port->index == pc->parts->apic.current) {
        cpu->init_pending = true; /* it is in the middle of an instruction */
        cpu_kick(cpu);
        return;
    }
    cpu_init_signal(cpu);
    cpu->halted = port->wait_sipi;
}

static void lapic_sipi(void *arg, u8 vector)
{
    struct pc_port *port = arg;
    struct cpu *cpu = port->pc->cpu[port->index];

    if (!port->wait_sipi)
        return;
    port->wait_sipi = false;
    cpu->seg[SEG_CS].sel = (u16)(vector << 8);
    cpu->seg[SEG_CS].base = (u64)vector << 12;
    cpu->rip = cpu->next_rip = 0;
    cpu->halted = false;
    cpu_update_mode(cpu);
    cpu_kick(cpu);
}

static void lapic_intr(void *sink, int n, int level)
{
    struct pc_port *port = sink;

    cpu_set_intr(port->pc->cpu[port->index], level);
}

/* ---- the memory map changed ---- */

static void mem_changed(void *arg)
{
    struct pc *pc = arg;
    unsigned i;

    for (i = 0; i < pc->ncpus; i++)
        mmu_flush(&pc->cpu[i]->mmu, true);
}

static void page_cleaned(void *arg, u32 page)
{
    struct pc *pc = arg;
    unsigned i;

    for (i = 0; i < pc->ncpus; i++)
        mmu_protect_page(&pc->cpu[i]->mmu, page);
}

static void page_wrote(void *arg, u32 page, u32 off, u32 len)
{
    struct pc *pc = arg;
    unsigned i;

    for (i = 0; i < pc->ncpus; i++)
        jit_wrote(pc->cpu[i], page, off, len);
}

static bool page_covered(void *arg, u32 page, u32 off, u32 len, u32 *lo, u32 *hi)
{
    struct pc *pc = arg;
    unsigned i;

    for (i = 0; i < pc->ncpus; i++)
        if (jit_covers(pc->cpu[i], page, off, len, lo, hi))
            return true;
    return false;
}

/* ---- life ---- */

static bool create_lapic(struct pc *pc, unsigned i, struct err *err)
{
    struct pc_parts *p = pc->parts;
    struct lapic *lapic;
    char id[16];

    snprintf(id, sizeof id, "lapic%u", i);
    lapic = (struct lapic *)pc_dev(pc, &lapic_class, id);
    lapic->bus = &p->apic;
    lapic->apic_id = i;
    lapic->bsp = i == 0;
    lapic->hooks = (struct lapic_hooks){
        .arg = &p->port[i], .extint_ack = extint_ack, .nmi = lapic_nmi, .smi = lapic_smi,
        .init = lapic_init_signal, .sipi = lapic_sipi, .tsc_to_ns = tsc_to_ns,
    };
    irq_connect(&lapic->intr, lapic_intr, &p->port[i], 0);
    p->lapic[i] = lapic;
    if (lapic->timer_hz == PC_TSC_HZ)
        pc->cpu[i]->hooks.crystal_hz = PC_TSC_HZ;
    return dev_start(&lapic->dev, err);
}

static bool create_cpu(struct pc *pc, unsigned i, struct err *err)
{
    struct pc_port *port = &pc->parts->port[i];
    struct cpu_config cc = {
        .mem = &pc->mem, .io = &pc->io, .space = &pc->space, .clock = pc->clock, .log = pc->log,
        .model = pc->cfg.cpu_model, .index = i, .seed = pc->cfg.cpu_seed,
    };
    struct cpu *cpu = cpu_new(&cc, err);

    if (!cpu)
        return false;
    port->pc = pc;
    port->index = i;
    pc->cpu[i] = cpu;
    pc->ncpus = i + 1;
    cpu->hooks = (struct cpu_hooks){
        .arg = port,
        .intr_ack = intr_ack,
        .msr_read = msr_read,
        .msr_write = msr_write,
        .tpr_read = tpr_read,
        .tpr_write = tpr_write,
        .ferr = ferr,
        .tsc = tsc,
        .tsc_hz = PC_TSC_HZ,
        .smi_ack = smi_ack,
    };
    if (cpu_has(cpu, FEAT_APIC))
        return create_lapic(pc, i, err);
    if (i)
        return err_set(err,
                       "the CPU model has no local APIC: it cannot be used with more than one CPU");
    return true;
}

bool pc_cpus_create(struct pc *pc, struct err *err)
{
    unsigned i;

    pc->mem.changed = mem_changed;
    pc->mem.changed_arg = pc;
    pc->space.cleaned = page_cleaned;
    pc->space.wrote = page_wrote;
    pc->space.covered = page_covered;
    if (!pc->space.arg)
        pc->space.arg = pc;
    for (i = 0; i < pc->cfg.cpus; i++)
        if (!create_cpu(pc, i, err))
            return false;
    return true;
}

void pc_cpus_reset(struct pc *pc)
{
    unsigned i;

    for (i = 0; i < pc->ncpus; i++) {
        pc->parts->port[i].wait_sipi = i != 0;
        cpu_reset(pc->cpu[i]);
        pc->cpu[i]->halted = i != 0;
        cpu_set_a20(pc->cpu[i], pc->a20);
    }
    pc->parts->apic.current = 0;
}

void pc_cpus_destroy(struct pc *pc)
{
    unsigned i;

    pc->mem.changed = NULL;
    pc->space.cleaned = NULL;
    pc->space.wrote = NULL;
    pc->space.covered = NULL;
    for (i = 0; i < pc->ncpus; i++)
        cpu_free(pc->cpu[i]);
    pc->ncpus = 0;
}
