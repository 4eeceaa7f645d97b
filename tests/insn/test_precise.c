/* Precise exceptions: every instruction with a memory or stack operand is run with the operand at
 * the end of a page whose neighbour is absent or read-only, at a segment limit or at the end of the
 * canonical addresses, in 32- and 64-bit code; whatever faults must have changed nothing (SDM vol.
 * 3 sections 6.6, 5.3 and 4.7; vol. 1 section 3.3.7.1). */
#include "cpu/sys/ctrl.h"
#include "cpu/sys/intr.h"
#include "tests/insn/long.h"

enum { P1 = AT_DATA + 0x1000, P2 = AT_DATA + 0x2000, WIN_LO = AT_DATA, WIN_BYTES = 0x4000 };
enum { EDGE_TABLES = AT_PAGES + 0x8000 }; /* of the last page of the lower half */
enum { PTE_A = 0x20, PTE_D = 0x40 };
enum variant { MAPPED, ABSENT1, ABSENT2, READ1, READ2, LIMIT, VARIANTS };
enum { BYTES = 15, MAX_CASES = 6000 };

struct insn_case {
    u8 code[BYTES];
    struct insn insn;
};

/* The part of the processor that a fault must leave alone. */
struct state {
    u64 gpr[16];
    u32 eflags, cr0, mxcsr;
    struct seg ldt, tr;
    u16 sel[SEG__COUNT];
    struct dtable gdt, idt;
    struct f80 st[8];
    u16 cw, sw, fop, fcs, fds;
    u8 top, empty;
    u64 fip, fdp, xcr0;
    union xmm xmm[16], ymmh[16];
};

/* ck_assert writes a message even when it holds; there are millions of comparisons here. */
#define expect(cond, ...)                                                                          \
    do {                                                                                           \
        if (!(cond))                                                                               \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)

static struct machine *m;
static struct insn_case cases[MAX_CASES];
static unsigned ncases, bits; /* bits: of the code, 32 or 64 */

static u8 pattern(u32 addr)
{
    return (u8)((addr * 7 + 3) & 0x7f);
}

static void look(struct state *s)
{
    const struct cpu *cpu = m->cpu;
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < 8; i++) {
        s->st[i].frac = cpu->fpu.st[i].frac;
        s->st[i].se = cpu->fpu.st[i].se;
    }
    for (unsigned i = 0; i < bits / 4; i++) {
        s->gpr[i] = cpu->gpr[i];
        s->xmm[i] = cpu->xmm[i];
        s->ymmh[i] = cpu->ymmh[i];
    }
    s->eflags = cpu_eflags(cpu);
    s->cr0 = cpu->cr0;
    s->mxcsr = cpu->mxcsr;
    s->ldt.base = cpu->ldt.base, s->ldt.sel = cpu->ldt.sel;
    s->tr.base = cpu->tr.base, s->tr.sel = cpu->tr.sel;
    for (unsigned i = 0; i < SEG__COUNT; i++)
        s->sel[i] = cpu->seg[i].sel;
    s->gdt.base = cpu->gdt.base, s->gdt.limit = cpu->gdt.limit;
    s->idt.base = cpu->idt.base, s->idt.limit = cpu->idt.limit;
    s->cw = cpu->fpu.cw, s->sw = cpu->fpu.sw, s->fop = cpu->fpu.fop;
    s->fcs = cpu->fpu.fcs, s->fds = cpu->fpu.fds, s->fip = cpu->fpu.fip, s->fdp = cpu->fpu.fdp;
    s->top = cpu->fpu.top, s->empty = cpu->fpu.empty;
    s->xcr0 = cpu->xcr0;
}

/* ---- which instructions there are ---- */

static bool same_form(const struct insn *a, const struct insn *b)
{
    if (a->op != b->op || a->osz != b->osz || a->nopnd != b->nopnd || a->rep != b->rep ||
        a->lock != b->lock)
        return false;
    for (unsigned i = 0; i < a->nopnd; i++)
        if (a->o[i].kind != b->o[i].kind || a->o[i].size != b->o[i].size)
            return false;
    return true;
}

static void add_case(const u8 *prefix, unsigned nprefix, unsigned opcode, unsigned modrm)
{
    struct insn_case *c = &cases[ncases];
    memset(c, 1, sizeof(*c));
    memcpy(c->code, prefix, nprefix);
    c->code[nprefix] = (u8)opcode;
    c->code[nprefix + 1] = (u8)modrm;
    if (ncases == MAX_CASES || decode(&c->insn, c->code, BYTES, bits, m->cpu->feats) != DEC_OK)
        return;
    for (unsigned i = ncases; i-- > 0;)
        if (same_form(&cases[i].insn, &c->insn))
            return;
    ncases++;
}

/* One of every form that the decoder knows, with [ebx] where there is a memory operand. */
static void find_cases(void)
{
    static const char *const prefixes[] = {"",     "\x66",     "\xf2",     "\xf3",     "\xf0",
                                           "\x48", "\x66\x48", "\xf2\x48", "\xf3\x48", "\xf0\x48"};
    ncases = 0;
    for (unsigned p = 0; p < (bits == 64 ? 10 : 5); p++)
        for (unsigned map = 0; map < 4; map++)
            for (unsigned opcode = 0; opcode < 256; opcode++)
                for (unsigned reg = 0; reg < 8; reg++) {
                    u8 bytes[5];
                    unsigned n = (unsigned)strlen(prefixes[p]);
                    memcpy(bytes, prefixes[p], n);
                    if (map)
                        bytes[n++] = 0x0f;
                    if (map >= 2)
                        bytes[n++] = map == 2 ? 0x38 : 0x3a;
                    add_case(bytes, n, opcode, reg << 3 | REG_BX);
                }
    for (unsigned map = 1; map < 4; map++) /* VEX: no second source register, both widths */
        for (unsigned wlpp = 0; wlpp < 16; wlpp++)
            for (unsigned opcode = 0; opcode < 256; opcode++)
                for (unsigned reg = 0; reg < 8; reg++) {
                    u8 w = (u8)((wlpp & 8) << 4 | 0x78 | (wlpp & 7));
                    u8 bytes[3] = {0xc4, (u8)(0xe0 | map), w};
                    add_case(bytes, 3, opcode, reg << 3 | REG_BX);
                }
}

/* ---- one run ---- */

static u32 pte_bits(u32 la)
{
    u32 at = bits == 64 ? LONG_PT + (la >> 12) * 8 : AT_PAGES + 0x1000 + (la >> 12) * 4;
    return machine_ld32(m, at) & (PTE_A | PTE_D);
}

static void set_page(u32 la, u32 pte)
{
    if (bits == 64)
        long_page(m, la, pte);
    else
        machine_page(m, la, pte);
}

/* Quadword or doubleword i of the handler's stack. */
static u64 frame(unsigned i)
{
    return bits == 64 ? long_frame(m, i) : machine_frame(m, i);
}

/* LIMIT: in 32-bit code the data segments end where P2 begins; in 64-bit code P1 is the last page
 * of the lower half as well. */
static void make_limit(void)
{
    if (bits == 64) {
        memset(machine_mem(m, EDGE_TABLES), 0, 0x3000);
        machine_st64(m, LONG_PML4 + 255 * 8, EDGE_TABLES | PTE_RW);
        machine_st64(m, EDGE_TABLES + 511 * 8, (EDGE_TABLES + 0x1000) | PTE_RW);
        machine_st64(m, EDGE_TABLES + 0x1000 + 511 * 8, (EDGE_TABLES + 0x2000) | PTE_RW);
        long_entry(m, EDGE_TABLES + 0x2000 + 511 * 8, P1 | PTE_RW);
        return;
    }
    for (unsigned s = 0; s < SEG__COUNT; s++)
        if (s != SEG_CS && s != SEG_SS) {
            m->cpu->seg[s].limit = P2 - 1;
            seg_update(m->cpu, s);
        }
    cpu_update_mode(m->cpu);
}

static void prepare_cpu(struct cpu *cpu)
{
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT | (cpu_has(cpu, FEAT_XSAVE) ? CR4_OSXSAVE : 0);
    cpu->xcr0 = cpu_has(cpu, FEAT_AVX) ? 7 : 3;
    ctrl_write_cr0(cpu, cpu->cr0 | CR0_WP);
    cpu->fpu.cw = 0x37f;
    cpu->fpu.empty = 0xf0;
    cpu_update_mode(cpu);
    cpu->fpu.fip = 0x1234, cpu->fpu.fdp = 0x5678, cpu->fpu.fop = 0x123;
    for (unsigned i = 0; i < 8; i++)
        cpu->fpu.st[i] = (struct f80){BIT64(63) | i, 0x3fff};
    for (unsigned i = 0; i < bits / 4; i++) {
        cpu->xmm[i] = (union xmm){.q = {0x8180818081808180ull + i, 0x0102030405060708ull * i}};
        cpu->ymmh[i] = (union xmm){.q = {0x8080808080808080ull + i, 0x1112131415161718ull * i}};
        if (i != REG_SP)
            cpu->gpr[i] = 0x11110000u * i;
    }
    cpu->gpr[REG_CX] = 1;
    cpu->gpr[REG_DX] = 0x40;
    cpu_set_aflags(cpu, F_O | F_A);
}

static void prepare(const struct insn_case *c, unsigned cpl, bool stack, s32 at, enum variant v)
{
    struct cpu *cpu = m->cpu;
    u64 la = (u64)(P2 + at);
    if (bits == 64) {
        machine_long(m, cpl, AT_CODE);
    } else {
        machine_protected(m, cpl, AT_CODE);
        machine_paging(m);
    }
    machine_load(m, AT_CODE, c->code, c->insn.len);
    machine_load(m, AT_CODE + c->insn.len, "\xf4", 1);
    for (u32 i = 0; i < WIN_BYTES; i++)
        machine_mem(m, WIN_LO)[i] = pattern(i);
    set_page(P1, v == ABSENT1 ? 0 : v == READ1 ? P1 | 5 : P1 | 7);
    set_page(P2, v == ABSENT2 ? 0 : v == READ2 ? P2 | 5 : P2 | 7);
    prepare_cpu(cpu);
    if (v == LIMIT)
        make_limit();
    if (v == LIMIT && bits == 64)
        la = NOT_CANONICAL + (u64)(s64)at;
    if (stack)
        cpu->gpr[REG_SP] = cpu->gpr[REG_BP] = la;
    else
        cpu->gpr[REG_BX] = cpu->gpr[REG_SI] = cpu->gpr[REG_DI] = la;
}

/* Run it: the vector of the exception that it made, or -1. */
static int go(u32 *error)
{
    int vec;
    bool has;
    machine_run(m, 60);
    vec = machine_vector(m);
    if (vec < 0)
        return -1;
    has = intr_has_error((unsigned)vec);
    *error = has ? (u32)frame(0) : 0;
    return frame(has) == AT_CODE ? vec : -1;
}

static void check_unchanged(const struct state *before, const char *text, bool partial)
{
    struct state after;
    bool has = intr_has_error((unsigned)machine_vector(m));
    u32 flags = (u32)frame(has + 2u);
    bool outer = bits == 64 || (frame(has + 1u) & 3);
    look(&after);
    after.eflags = flags & ~(u32)FL_RF;
    after.gpr[REG_SP] = outer ? frame(has + 3u) : (u32)after.gpr[REG_SP] + 12 + 4 * (u32)has;
    after.sel[SEG_CS] = before->sel[SEG_CS];
    after.sel[SEG_SS] = before->sel[SEG_SS];
    for (unsigned i = 0; i < bits / 4; i++)
        expect(after.gpr[i] == before->gpr[i], "%s: register %u is %llx, was %llx", text, i,
               (unsigned long long)after.gpr[i], (unsigned long long)before->gpr[i]);
    expect(after.eflags == before->eflags, "%s: flags %x, were %x", text, after.eflags,
           before->eflags);
    expect(!memcmp(&after, before, sizeof(after)), "%s: state changed", text);
    for (u32 i = 0; !partial && i < WIN_BYTES; i++)
        expect(machine_mem(m, WIN_LO)[i] == pattern(i), "%s: memory %x changed", text, WIN_LO + i);
}

/* Several pushes: those before the fault stay behind, below the stack pointer, as in hardware. */
static bool pushes_many(unsigned op)
{
    return op == OP_ENTER || op == OP_CALLF || op == OP_INT || op == OP_INT3 || op == OP_INTO ||
           op == OP_INT1;
}

/* Reads and writes its memory operand: the read already asks for the right to write. */
static bool locks_memory(const struct insn *insn)
{
    return (op_info[insn->op].attrs & OPA_LOCK) && insn->o[0].kind == OPND_MEM;
}

static unsigned faults, forms;

static void run_case(const struct insn_case *c, unsigned cpl, bool stack, s32 at)
{
    struct state before;
    char text[96], name[200];
    u32 error, used[2];
    int vec;
    bool fine;
    prepare(c, cpl, stack, at, MAPPED);
    vec = go(&error);
    used[0] = pte_bits(P1), used[1] = pte_bits(P2);
    fine = vec < 0;
    if (!fine && !used[0] && !used[1])
        return;
    disasm(text, sizeof(text), &c->insn, AT_CODE);
    forms++;
    for (enum variant v = ABSENT1; v < VARIANTS; v++) {
        u32 use = v == LIMIT ? used[1] : used[v == ABSENT2 || v == READ2];
        bool ro = v == READ1 || v == READ2;
        bool must = fine && (ro ? use & PTE_D : use & PTE_A);
        if (!use || (v == LIMIT && stack))
            continue;
        prepare(c, cpl, stack, at, v);
        look(&before);
        vec = go(&error);
        snprintf(name, sizeof(name), "%s, %u bits, at %d, level %u, variant %d, engine %d", text,
                 bits, at, cpl, v, m->engine);
        if (v == LIMIT && must) {
            expect(vec == EXC_GP && !error, "%s: vector %d error %x", name, vec, error);
        } else if (must) {
            u32 first = (u32)(P2 + at);
            expect(vec == EXC_PF, "%s: vector %d", name, vec);
            expect((error & 5) == ((ro ? 1u : 0) | (cpl ? 4u : 0)), "%s: error %x", name, error);
            expect(!locks_memory(&c->insn) || (error & 2),
                   "%s: a write that reads first is a write: error %x", name, error);
            expect(!ro || (error & 2), "%s: error %x", name, error);
            if (v == ABSENT2 && !stack)
                expect(m->cpu->cr2 == P2, "%s: cr2 %llx", name, (unsigned long long)m->cpu->cr2);
            if (v == ABSENT1 && !stack)
                expect(m->cpu->cr2 >= first && m->cpu->cr2 < P2, "%s: cr2 %llx", name,
                       (unsigned long long)m->cpu->cr2);
        } else if (fine) {
            expect(vec < 0, "%s: vector %d error %x", name, vec, error);
        }
        if (vec >= 0) {
            faults++;
            check_unchanged(&before, name, stack && pushes_many(c->insn.op));
        }
    }
}

static bool has_memory(const struct insn *insn)
{
    for (unsigned i = 0; i < insn->nopnd; i++)
        if (insn->o[i].kind == OPND_MEM)
            return true;
    return op_info[insn->op].attrs & OPA_REP;
}

/* Only every n-th form, on slow machines. */
static unsigned steps(void)
{
    const char *text = getenv("PRECISE_STEP");
    unsigned n = text ? (unsigned)strtoul(text, NULL, 0) : 1;
    return n ? n : 1;
}

static void start_machine(int engine, unsigned code_bits)
{
    m = machine_new("max", engine);
    bits = code_bits;
    find_cases();
    faults = forms = 0;
}

static void all_memory(int engine, unsigned code_bits)
{
    static const s32 at[] = {-1, -16, -3, -64};
    unsigned places = code_bits == 64 ? 2 : 4; /* the other forms have had them all */
    start_machine(engine, code_bits);
    for (unsigned i = 0; i < ncases; i += steps())
        for (unsigned cpl = code_bits == 64 ? 3 : 0; cpl <= 3; cpl += 3)
            for (unsigned k = 0; k < places && has_memory(&cases[i].insn); k++)
                run_case(&cases[i], cpl, false, at[k]);
    printf("precise: engine %d, %u bits: %u forms decoded, %u placements, %u faults\n", engine,
           bits, ncases, forms, faults);
    ck_assert_uint_gt(faults * steps(), 3000);
    machine_free(m);
}

static void all_stack(int engine, unsigned code_bits)
{
    static const s32 at[] = {-2, -1, 1, 2, 5, -6};
    start_machine(engine, code_bits);
    for (unsigned i = 0; i < ncases; i += steps())
        for (unsigned k = 0; k < ARRAY_LEN(at) && !has_memory(&cases[i].insn); k++)
            run_case(&cases[i], 3, true, at[k]);
    printf("precise: engine %d, %u bits, stack: %u placements, %u faults\n", engine, bits, forms,
           faults);
    ck_assert_uint_gt(faults * steps(), 40);
    machine_free(m);
}

START_TEST(memory_operands)
{
    all_memory(_i, 32);
}
END_TEST

START_TEST(stack_operands)
{
    all_stack(_i, 32);
}
END_TEST

START_TEST(memory_operands_64)
{
    all_memory(_i, 64);
}
END_TEST

START_TEST(stack_operands_64)
{
    all_stack(_i, 64);
}
END_TEST

SUITE_MAIN("precise", memory_operands, stack_operands, memory_operands_64, stack_operands_64)
