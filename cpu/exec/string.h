/* Runs of string elements, shared by the memory and the port strings. */
#ifndef CPU_EXEC_STRING_H
#define CPU_EXEC_STRING_H

#include "cpu/exec/exec.h"
#include "cpu/sys/stop.h"

struct run {
    u32 n; /* elements; 0: the count register is 0, nothing happens */
    unsigned size, shift; /* bytes of an element: 1 << shift */
    bool back;   /* DF */
    bool single; /* addresses are compared or aligned: no block moves */
};

/* Start with as many elements as the count asks for, at most a page of bytes. */
static inline void string_begin(struct cpu *cpu, const struct insn *insn, struct run *r)
{
    u64 count = insn->rep ? reg_read(cpu, REG_CX, insn->asz) : 1;
    r->size = insn->o[0].size;
    r->shift = (unsigned)__builtin_ctz(r->size);
    r->back = cpu->eflags & FL_DF;
    r->n = (u32)MIN(count, PAGE_SIZE);
    /* Every element is an event of its own when stepping or comparing addresses. */
    r->single = cpu->watch & WATCH_DR || cpu->align_check;
    if (r->n > 1 && (r->single || (cpu->eflags & FL_TF)))
        r->n = 1;
}

/* Cut the run to what lies in one page and in the segment behind s:reg; at least 1 element stays.
 */
static inline void string_limit(struct cpu *cpu, const struct insn *insn, struct run *r,
                                unsigned s, unsigned reg, bool write)
{
    const struct seg *seg = &cpu->seg[s];
    u64 off = reg_read(cpu, reg, insn->asz), mask = size_mask(insn->asz), n;
    u32 in_page = (u32)mem_address(cpu, s, off) & PAGE_MASK;
    bool limited = cpu->code_bits != 64;
    if (r->n <= 1)
        return;
    if (r->back) {
        n = MIN((in_page >> r->shift) + 1u, (off >> r->shift) + 1);
        if (in_page + r->size > PAGE_SIZE ||
            (limited && off + r->size > (write ? seg->end_w : seg->end_r)))
            n = 1;
    } else {
        n = (PAGE_SIZE - in_page) >> r->shift;
        if (mask - off < PAGE_SIZE)
            n = MIN(n, (mask - off + 1) >> r->shift);
        if (limited) {
            u64 end = write ? seg->end_w : seg->end_r;
            n = off < end ? MIN(n, (end - off) >> r->shift) : 0;
        }
    }
    r->n = MIN(r->n, n ? (u32)n : 1);
}

/* Move index register `reg` over n elements. */
static inline void string_step(struct cpu *cpu, const struct insn *insn, const struct run *r,
                               unsigned reg, u32 n)
{
    u64 bytes = (u64)n * r->size;
    reg_write(cpu, reg, insn->asz, reg_read(cpu, reg, insn->asz) + (r->back ? 0 - bytes : bytes));
}

/* Take n off the count. */
static inline void string_count(struct cpu *cpu, const struct insn *insn, u32 n)
{
    if (insn->rep)
        reg_write(cpu, REG_CX, insn->asz, reg_read(cpu, REG_CX, insn->asz) - n);
}

/* Did a stop point end the run behind an element, with others `left` in it? What is left is then a
 * run of its own, which the count of instructions does not have: with and without stop points it is
 * the same. */
static inline bool string_stops(struct cpu *cpu, bool left)
{
    if (LIKELY(!cpu->stop_noted))
        return false;
    if (left) {
        cpu->budget++;
        stop_within(cpu);
    }
    return true;
}

/* Behind a run: restart the instruction if the count is not used up. */
static inline void string_end(struct cpu *cpu, const struct insn *insn)
{
    if (!insn->rep || !reg_read(cpu, REG_CX, insn->asz))
        return;
    cpu->next_rip = cpu->rip;
    /* Whatever comes in the middle pushes RF, and an instruction breakpoint does not hit again on
     * return (SDM vol. 3 section 17.3.1.1). The restart clears it. */
    cpu->eflags |= FL_RF;
}

#endif
