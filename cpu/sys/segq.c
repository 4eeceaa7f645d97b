/* Instructions that ask about selectors, and the loads of LDTR and TR (SDM vol. 2 "LAR", "LSL",
 * "VERR/VERW", "LLDT", "LTR"; vol. 3 section 5.10). */
#include "cpu/sys/seg.h"
#include "cpu/mem.h"

/* Is the segment visible to a program at CPL through a selector with this RPL? */
static bool visible(const struct cpu *cpu, unsigned sel, const struct desc *d)
{
    return desc_is_conforming(d) || (cpu->cpl <= desc_dpl(d) && (sel & 3) <= desc_dpl(d));
}

/* Which system types LAR and LSL know; in long mode the 16-bit ones are gone. */
static bool type_known(const struct cpu *cpu, const struct desc *d, bool gates)
{
    u32 types = BIT(SYS_LDT) | BIT(SYS_TSS32) | BIT(SYS_TSS32_BUSY);
    if (!cpu_lma(cpu))
        types |= BIT(SYS_TSS16) | BIT(SYS_TSS16_BUSY);
    if (gates)
        types |=
            cpu_lma(cpu) ? BIT(SYS_CALL32) : BIT(SYS_CALL16) | BIT(SYS_TASK_GATE) | BIT(SYS_CALL32);
    return !desc_is_sys(d) || (types >> desc_type(d) & 1);
}

bool seg_lar(struct cpu *cpu, unsigned sel, u32 *rights)
{
    struct desc d;
    if (sel_null(sel) || !desc_read(cpu, sel, &d) || !type_known(cpu, &d, true) ||
        !visible(cpu, sel, &d))
        return false;
    *rights = d.hi & 0x00f0ff00;
    return true;
}

bool seg_lsl(struct cpu *cpu, unsigned sel, u32 *limit)
{
    struct desc d;
    if (sel_null(sel) || !desc_read(cpu, sel, &d) || !type_known(cpu, &d, false) ||
        !visible(cpu, sel, &d))
        return false;
    *limit = desc_limit(&d);
    return true;
}

bool seg_verify(struct cpu *cpu, unsigned sel, bool write)
{
    struct desc d;
    if (sel_null(sel) || !desc_read(cpu, sel, &d) || desc_is_sys(&d) || !visible(cpu, sel, &d))
        return false;
    return write ? desc_is_wdata(&d) : desc_is_readable(&d);
}

/* The upper half of a 16-byte descriptor of long mode: it lies in the table too, has type 0 in the
 * place of the type, and completes a canonical base. */
static u64 system_base_high(struct cpu *cpu, unsigned sel, const struct desc *d)
{
    u64 v = desc_high(cpu, sel, d);
    u64 high = v << 32;
    if ((v >> 40 & 0x1f) || !cpu_canonical(high | desc_base(d)))
        cpu_raise_err(cpu, EXC_GP, sel & 0xfffc);
    return high;
}

void seg_load_ldt(struct cpu *cpu, unsigned sel)
{
    struct desc d;
    u64 high = 0;
    if (sel_null(sel)) {
        cpu->ldt = (struct seg){.sel = (u16)sel};
        return;
    }
    if ((sel & 4) || !desc_read(cpu, sel, &d) || !desc_is_sys(&d) || desc_type(&d) != SYS_LDT)
        cpu_raise_err(cpu, EXC_GP, sel & 0xfffc);
    if (!desc_present(&d))
        cpu_raise_err(cpu, EXC_NP, sel & 0xfffc);
    if (cpu_lma(cpu))
        high = system_base_high(cpu, sel, &d);
    cpu->ldt = seg_make(sel, &d);
    cpu->ldt.base |= high;
}

void seg_load_tr(struct cpu *cpu, unsigned sel)
{
    struct desc d;
    u64 high = 0;
    if (sel_null(sel))
        cpu_raise_err(cpu, EXC_GP, 0);
    if ((sel & 4) || !desc_read(cpu, sel, &d) || !desc_is_sys(&d) ||
        !(desc_type(&d) == SYS_TSS32 || (desc_type(&d) == SYS_TSS16 && !cpu_lma(cpu))))
        cpu_raise_err(cpu, EXC_GP, sel & 0xfffc);
    if (!desc_present(&d))
        cpu_raise_err(cpu, EXC_NP, sel & 0xfffc);
    if (cpu_lma(cpu))
        high = system_base_high(cpu, sel, &d);
    d.hi |= 0x200; /* busy */
    sys_write(cpu, d.la + 4, 4, d.hi);
    cpu->tr = seg_make(sel, &d);
    cpu->tr.base |= high;
}
