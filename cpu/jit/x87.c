/* The x87 unit's registers as doubles, and back, and what wide code leaves to C: what back ends without
 * such a unit share (SDM vol. 1 section 8.1). */
#include "cpu/jit/x87.h"
#include "cpu/exec/x87.h"
#include "cpu/jit/block.h"

/* In place of a double: an empty register's value, which is none, is still in fpu.st. Doubles here are
 * never NaNs. */
#define NOT_HERE 0x7ff4dead00000000ull

static bool to_double(const struct f80 *v, u64 *d)
{
    u32 exp = (v->se & 0x7fffu) - 16383 + 1023;
    u64 sign = (u64)(v->se >> 15) << 63;
    *d = sign;
    if (!(v->se & 0x7fff) && !v->frac)
        return true;
    *d |= (u64)exp << 52 | v->frac << 1 >> 12;
    return exp - 1 < 0x7fe && v->frac >> 63 && !(v->frac & 0x7ff);
}

static struct f80 from_double(u64 d)
{
    bool denormal;
    return f80_widen_f64(d, &denormal);
}

u32 x87_word(const struct x87_want *w)
{
    u32 ready = X87_AWAKE | (w->wide ? X87_WIDE : 0);
    return (u32)(w->top | (w->empty & w->tagged) << 8 | w->dbl << 16) | ready << 24;
}
u32 x87_care(const struct x87_want *w)
{
    u8 dbl = w->wide ? 0xff : w->dbl;
    return (u32)(0xff | w->tagged << 8 | dbl << 16) | (u32)(X87_AWAKE | w->ready) << 24;
}

static u32 word(const struct fpu *f)
{
    return (u32)(f->top | f->empty << 8 | f->dbl << 16) | (u32)f->ready << 24;
}

bool jit_x87_doubles(const struct cpu *cpu)
{
    return (cpu->fpu.cw >> 8 & 3) == FP_PC53;
}

bool jit_x87_wide(const struct cpu *cpu)
{
    return (cpu->fpu.cw >> 8 & 3) == FP_PC64;
}

static void wake(struct cpu *cpu)
{
    struct fpu *f = &cpu->fpu;
    f->ready = (u8)(X87_AWAKE | (f->sw & FP_PE ? 0 : X87_NO_PE) |
                    ((f->cw >> 8 & 15) ^ (FP_PC53 | RC_NEAREST << 2)));
    cpu->x87_c1 = C1_KNOWN;
    cpu->x87_live = 1;
}

/* A register that is empty may have what it likes. */
static bool make_doubles(struct cpu *cpu, u8 regs)
{
    struct fpu *f = &cpu->fpu;
    for (u32 m = regs & ~(u32)f->dbl; m; m &= m - 1) {
        unsigned p = (unsigned)__builtin_ctz(m);
        u64 d;
        if (!to_double(&f->st[p], &d)) {
            if (!(f->empty >> p & 1))
                return false;
            d = NOT_HERE;
        }
        cpu->x87_dbl[p] = d;
        f->dbl |= (u8)BIT(p);
    }
    return true;
}

static void make_f80s(struct cpu *cpu, u8 regs)
{
    struct fpu *f = &cpu->fpu;
    for (u32 m = f->dbl & regs; m; m &= m - 1) {
        unsigned p = (unsigned)__builtin_ctz(m);
        if (cpu->x87_dbl[p] != NOT_HERE)
            f->st[p] = from_double(cpu->x87_dbl[p]);
    }
    f->dbl &= (u8)~regs;
}

/* With what it was made for in mind, a block whose operations nobody was to see round is made anew for
 * others, and the other way around; in the end it minds neither. */
static void other_way(struct cpu *cpu, u32 site, u8 *marks, bool mark)
{
    struct jit *jit = cpu->jit;
    struct block *b = jit_block(jit, SITE_BLOCK(site));
    u32 place = jit_place(b->page0, b->off);
    if (b->dead || jit_marked(marks, b->page0, b->off))
        return;
    if (mark)
        marks[place / 8] |= (u8)BIT(place & 7);
    block_retire(jit, b);
}

/* The block is for another precision than the unit has now. It is made anew, but only every so often: a
 * program that goes to and fro runs in exec for a while instead of being translated all the time. */
static void other_precision(struct cpu *cpu, u32 site)
{
    enum { EVERY = 64 };
    struct jit *jit = cpu->jit;
    struct block *b = jit_block(jit, SITE_BLOCK(site));
    if (jit->precisions_left-- > 0)
        return;
    jit->precisions_left = EVERY;
    if (!b->dead)
        block_retire(jit, b);
}

u64 jit_x87_wake(struct cpu *cpu, u64 unused, u64 care_want, u32 site)
{
    u32 care = (u32)(care_want >> 32), differs;
    _Static_assert((FP_PC64 ^ FP_PC53) == X87_WIDE, "what wake() makes of it");
    if (!(cpu->fpu.ready & X87_AWAKE))
        wake(cpu);
    if (cpu->fpu.sw & FP_PE) /* wide code does not say so */
        cpu->fpu.ready &= (u8)~X87_NO_PE;
    differs = (word(&cpu->fpu) ^ (u32)care_want) & care & ~0xff0000u;
    if (differs == (u32)X87_NO_PE << 24)
        other_way(cpu, site, cpu->jit->rounds, true);
    if (differs >> 24 & X87_PRECISION)
        other_precision(cpu, site);
    if (differs & 0xff) /* it was made ahead, elsewhere in the program */
        other_way(cpu, site, cpu->jit->tops, true);
    make_f80s(cpu, (u8)((care & ~(u32)care_want) >> 16));
    return !differs && make_doubles(cpu, (u8)((care & (u32)care_want) >> 16));
}

void jit_x87_rounds(struct cpu *cpu, u64 unused, u64 unused2, u32 site)
{
    cpu->fpu.sw |= FP_PE;
    cpu->fpu.ready &= (u8)~X87_NO_PE;
    other_way(cpu, site, cpu->jit->rounds, false);
}

/* Did the last operation round away from zero? */
static bool rounded_up(const struct cpu *cpu)
{
    struct fpenv env = {.round = RC_NEAREST, .prec = FP_PC53};
    struct f80 a = from_double(cpu->x87_last[0]), b = from_double(cpu->x87_last[1]);
    switch (cpu->x87_c1) {
    case C1_ADD: f80_add(&env, a, b); break;
    case C1_SUB: f80_sub(&env, a, b); break;
    case C1_MUL: f80_mul(&env, a, b); break;
    case C1_DIV: f80_div(&env, a, b); break;
    case C1_SQRT: f80_sqrt(&env, a); break;
    case C1_SINGLE: f80_to_f32(&env, a); break;
    case C1_INT: f80_to_int(&env, a, 64, false); break;
    case C1_SET: return true;
    }
    return env.rounded_up;
}

void jit_x87_sleep(struct cpu *cpu)
{
    struct fpu *f = &cpu->fpu;
    make_f80s(cpu, 0xff);
    if (cpu->x87_c1 != C1_KNOWN)
        f->sw = (u16)((f->sw & ~SW_C1) | (rounded_up(cpu) ? SW_C1 : 0));
    f->ready = 0;
    cpu->x87_live = 0;
}

/* ---- wide code ---- */
/* *to = v, which `env` reports of, when exceptions are out of the question but for precision. */
static u64 keep(struct cpu *cpu, const struct fpenv *env, struct f80 *to, struct f80 v)
{
    if (env->flags & ~FP_PE)
        return 0;
    *to = v;
    cpu->fpu.sw |= env->flags;
    cpu->x87_c1 = env->rounded_up ? C1_SET : C1_CLEAR;
    return 1;
}

u64 jit_x87_div(struct cpu *cpu, const struct f80 *by, struct f80 *to, u32 site)
{
    struct fpenv env = {.round = RC_NEAREST, .prec = FP_PC64};
    struct f80 v = f80_div(&env, *to, *by);
    return keep(cpu, &env, to, v);
}

u64 jit_x87_divr(struct cpu *cpu, const struct f80 *by, struct f80 *to, u32 site)
{
    struct fpenv env = {.round = RC_NEAREST, .prec = FP_PC64};
    struct f80 v = f80_div(&env, *by, *to);
    return keep(cpu, &env, to, v);
}

u64 jit_x87_sqrt(struct cpu *cpu, const struct f80 *unused, struct f80 *to, u32 site)
{
    struct fpenv env = {.round = RC_NEAREST, .prec = FP_PC64};
    struct f80 v = f80_sqrt(&env, *to);
    return keep(cpu, &env, to, v);
}

/* ---- what instructions do ---- */
static u8 st(unsigned i)
{
    return (u8)BIT(i & 7);
}

static bool order(const struct insn *insn, struct x87_does *d, unsigned pops)
{
    bool mem = insn->o[0].kind == OPND_MEM;
    unsigned i = pops / 2; /* FCOMPP: ST(1) */
    if (insn->nopnd)
        i = mem ? 0 : insn->o[insn->nopnd - 1].reg;
    d->reads = st(0) | st(i);
    d->pops = (u8)pops;
    return true;
}

static bool arith(const struct insn *insn, struct x87_does *d, unsigned pops)
{
    bool mem = insn->o[0].kind == OPND_MEM;
    d->reads = mem ? st(0) : st(insn->o[0].reg) | st(insn->o[1].reg);
    d->writes = mem ? st(0) : st(insn->o[0].reg);
    d->pops = (u8)pops;
    d->ready = X87_CONTROL | X87_NO_PE;
    d->fpsr = true;
    return true;
}

static bool pushes(struct x87_does *d, u8 reads)
{
    d->push = true;
    d->reads = reads;
    return true;
}

static bool store(const struct insn *insn, struct x87_does *d, unsigned pops)
{
    const struct opnd *o = &insn->o[0];
    d->reads = st(0);
    d->pops = (u8)pops;
    if (o->kind == OPND_ST)
        d->writes = st(o->reg);
    else if (o->size == 4)
        d->ready = X87_CONTROL | X87_NO_PE;
    else if (o->size == 8)
        d->wide = X87_CONTROL;
    d->fpsr = o->size == 4;
    return true;
}

static bool integer(struct x87_does *d, unsigned pops)
{
    d->reads = st(0);
    d->pops = (u8)pops;
    d->ready = X87_NO_PE;
    d->fpsr = true;
    return true;
}

static bool changes(struct x87_does *d, u8 regs)
{
    d->reads = d->writes = regs;
    return true;
}

bool x87_does(const struct insn *insn, struct x87_does *d)
{
    *d = (struct x87_does){0};
    switch (insn->op) {
    case OP_FADD:
    case OP_FSUB:
    case OP_FSUBR:
    case OP_FMUL:
    case OP_FDIV:
    case OP_FDIVR:
    case OP_FIADD:
    case OP_FISUB:
    case OP_FISUBR:
    case OP_FIMUL:
    case OP_FIDIV:
    case OP_FIDIVR: return arith(insn, d, 0);
    case OP_FADDP:
    case OP_FSUBP:
    case OP_FSUBRP:
    case OP_FMULP:
    case OP_FDIVP:
    case OP_FDIVRP: return arith(insn, d, 1);
    case OP_FSQRT:
        d->ready = X87_CONTROL | X87_NO_PE;
        d->fpsr = true;
        return changes(d, st(0));
    case OP_FCOM:
    case OP_FUCOM:
    case OP_FICOM:
    case OP_FCOMI:
    case OP_FUCOMI: return order(insn, d, 0);
    case OP_FCOMP:
    case OP_FUCOMP:
    case OP_FICOMP:
    case OP_FCOMIP:
    case OP_FUCOMIP: return order(insn, d, 1);
    case OP_FCOMPP:
    case OP_FUCOMPP: return order(insn, d, 2);
    case OP_FTST: d->reads = st(0); return true;
    case OP_FLD:
        return pushes(d, insn->o[0].kind == OPND_ST ? st(insn->o[0].reg) : 0);
    case OP_FILD:
    case OP_FLD1:
    case OP_FLDZ: return pushes(d, 0);
    case OP_FST: return store(insn, d, 0);
    case OP_FSTP: return store(insn, d, 1);
    case OP_FIST: return integer(d, 0);
    case OP_FISTP:
    case OP_FISTTP: return integer(d, 1);
    case OP_FXCH: return changes(d, st(0) | st(insn->o[0].reg));
    case OP_FCHS:
    case OP_FABS: return changes(d, st(0));
    case OP_FLDCW: d->control = true; return true;
    case OP_FNSTCW:
    case OP_FNSTSW: return true;
    default: return false;
    }
}

static u8 turned(u8 regs, unsigned top)
{
    return (u8)(regs << top | regs >> ((8 - top) & 7));
}

bool x87_add(struct x87_want *w, struct x87_made *made, const struct x87_does *d)
{
    u8 reads = turned(d->reads, made->top), writes = turned(d->writes, made->top), pushed = 0;
    u8 tagged, below = (u8)((made->top - 1) & 7);
    if (d->push)
        pushed = (u8)BIT(below);
    tagged = reads | pushed;
    if (((made->empty ^ pushed) & made->tagged & tagged) || reads & pushed) /* FLD ST(7) */
        return false;
    w->tagged |= tagged & ~made->tagged;
    w->empty |= pushed & ~made->tagged;
    if (w->wide) {
        w->ready |= ((d->ready & X87_CONTROL) | d->wide) & ~made->control;
    } else {
        w->dbl |= (reads | writes | pushed) & ~made->dbl;
        w->ready |= d->ready & ~made->control;
        w->fpsr |= d->fpsr;
    }
    made->tagged |= tagged | writes;
    made->empty = (u8)((made->empty | pushed) & ~(reads | writes | pushed));
    made->dbl |= reads | writes | pushed;
    made->control |= d->control ? X87_CONTROL : 0;
    if (d->push)
        made->top = below;
    for (unsigned n = d->pops; n; n--) {
        made->tagged |= (u8)BIT(made->top);
        made->empty |= (u8)BIT(made->top);
        made->top = (made->top + 1) & 7;
    }
    return true;
}

int x87_step(const struct insn *insn)
{
    switch (insn->op) {
    case OP_FLD:
    case OP_FBLD:
    case OP_FLDL2T:
    case OP_FLDL2E:
    case OP_FLDPI:
    case OP_FLDLG2:
    case OP_FLDLN2:
    case OP_FPTAN:
    case OP_FSINCOS:
    case OP_FXTRACT:
    case OP_FDECSTP: return -1;
    case OP_FSTP:
    case OP_FBSTP:
    case OP_FSTPNCE:
    case OP_FFREEP:
    case OP_FYL2X:
    case OP_FYL2XP1:
    case OP_FPATAN:
    case OP_FINCSTP: return 1;
    default: return 0;
    }
}
