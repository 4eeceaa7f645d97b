/* Cold code: straight pieces of decoded instructions, kept by physical place and checked by content,
 * so that writes to code need no notice (the same exec does with single instructions). */
#include "cpu/jit/cold.h"
#include "cpu/exec/exec.h"
#include "cpu/exec/step.h"
#include "cpu/jit/block.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/ran.h"
#include "cpu/sys/stop.h"
#include "devices/core/huge.h"

enum { MOST = 16, MOST_BYTES = 64, CHAIN_BITS = 16, CHAINS = 1 << CHAIN_BITS };
#ifdef CONFIG_TORTURE
enum { ROOM = 32 * 1024 };
#else
enum { ROOM = 12 * 1024 * 1024 };
#endif

struct cold {
    u32 page;
    u16 off, count;
    u8 bits, n, nbytes;
    u8 at;      /* of the instructions, in bytes from here */
    u16 writes; /* bit i: behind instruction i other bytes or another mapping may be here */
    u16 succ_off[2]; /* where in the page what came behind it was, the last two times */
    u32 succ[2];     /* ... in the room; 0: nothing yet */
    u32 next;   /* in its hash chain: offset in the room, 0: none */
    u8 bytes[]; /* what was decoded; the instructions follow, aligned */
};
_Static_assert(MOST <= 16, "cold.writes");

struct cold_cache {
    u32 hash[CHAINS]; /* offsets in the room */
    u32 used;
    _Alignas(8) u8 room[ROOM]; /* pieces are of whole words */
};
enum { FIRST = 64 };
/* By the time that a place ran so many times less than a hot one, two of three will get hot. */
enum { WARM = 3 };

struct cold_cache *cold_new(void)
{
    struct cold_cache *cache = huge_get(sizeof(*cache));
    if (cache)
        cache->used = FIRST;
    return cache;
}

void cold_free(struct cold_cache *cache)
{
    huge_free(cache, sizeof(*cache));
}

static struct cold *at(const struct cold_cache *cache, u32 offset)
{
    return (struct cold *)(void *)(cache->room + offset);
}

static u32 hash_of(u32 page, u32 off)
{
    return (page * 0x9e3779b1u ^ off * 0x85ebca6bu) >> (32 - CHAIN_BITS);
}

bool cold_is_hot(const struct jit *jit, const struct cold *c)
{
    /* Code that is rewritten all the time is better interpreted, for longer each time. */
    return c->count >= jit->config.hot &&
           c->count >= jit->config.hot << jit->kills[jit_place(c->page, c->off)];
}

bool cold_is_warm(struct jit *jit, u32 page, u32 off)
{
    const struct cold_cache *cache = jit->cold;
    for (u32 i = cache->hash[hash_of(page, off)]; i; i = at(cache, i)->next) {
        struct cold *c = at(cache, i);
        if (c->page == page && c->off == off && c->bits == jit->cpu->code_bits)
            return c->count >= (jit->config.hot << jit->kills[jit_place(page, off)]) / WARM;
    }
    return false;
}

void cold_cool(struct jit *jit, u32 page, u32 off)
{
    struct cold_cache *cache = jit->cold;
    for (u32 i = cache ? cache->hash[hash_of(page, off)] : 0; i; i = at(cache, i)->next)
        if (at(cache, i)->page == page && at(cache, i)->off == off)
            at(cache, i)->count = 0;
}

static inline u64 eight(const u8 *p)
{
    u64 v;
    memcpy(&v, p, 8);
    return v;
}

/* Are the bytes in memory still those that were decoded? */
static inline bool same(const struct cold *c, const u8 *code)
{
    u32 n = c->nbytes, i = 0;
    u64 d = 0;
    if (n < 8)
        return !memcmp(c->bytes, code, n);
    for (; i + 8 <= n; i += 8)
        d |= eight(c->bytes + i) ^ eight(code + i);
    return !(d | (eight(c->bytes + n - 8) ^ eight(code + n - 8)));
}

/* May the instruction write memory, or change what memory there is? Most that write a register, or
 * nothing but flags, do neither. */
static bool may_write(const struct insn *insn)
{
    u16 attrs = op_info[insn->op].attrs;
    if (attrs & (OPA_REP | OPA_X87 | OPA_MMX | OPA_SSE | OPA_AVX | OPA_PRIV) || insn->lock)
        return true;
    switch (insn->op) {
    case OP_CMP:
    case OP_TEST:
    case OP_LEA:
    case OP_JCC:
    case OP_JMP:
    case OP_RET:
    case OP_LEAVE:
    case OP_NOP: return false;
    case OP_MOV:
    case OP_MOVZX:
    case OP_MOVSX:
    case OP_ADD:
    case OP_ADC:
    case OP_SUB:
    case OP_SBB:
    case OP_AND:
    case OP_OR:
    case OP_XOR:
    case OP_INC:
    case OP_DEC:
    case OP_NEG:
    case OP_NOT:
    case OP_SHL:
    case OP_SHR:
    case OP_SAR:
    case OP_IMUL:
    case OP_SETCC:
    case OP_CMOVCC:
    case OP_POP: return insn->o[0].kind == OPND_MEM;
    default: return true;
    }
}

static struct insn *insns_of(const struct cold *c)
{
    return (struct insn *)((uintptr_t)c + c->at);
}

/* Is there a stop point at this offset in any page? */
static bool has_stop(const struct cpu *cpu, u32 off)
{
    return stop_offsets(cpu)[off >> 6] >> (off & 63) & 1;
}

/* Decode the code. False: not even its first instruction is one. */
static bool fill(struct cold *c, const struct cpu *cpu, u32 off, const u8 *code)
{
    struct insn insns[MOST];
    u32 room = MIN(PAGE_SIZE - off, (u32)MOST_BYTES), n = 0, nbytes = 0, writes = 0;
    bool last = false;
    while (n < MOST && nbytes < room && !last) {
        struct insn *i = &insns[n];
        /* Pieces are kept by physical place, so any stop point at this offset counts. */
        if (UNLIKELY(cpu->stop_on & STOP_ON_CODE) && has_stop(cpu, off + nbytes))
            break;
        if (decode(i, code + nbytes, MIN(room - nbytes, 15u), cpu->code_bits, cpu->feats) != DEC_OK)
            break;
        writes |= (u32)may_write(i) << n;
        /* A repeated string instruction may have to run again. */
        last = op_info[i->op].attrs & (OPA_JUMP | OPA_END) || i->rep;
        n++;
        nbytes += i->len;
    }
    c->n = (u8)n;
    c->nbytes = (u8)nbytes;
    c->writes = (u16)writes;
    c->at = (u8)((sizeof(*c) + nbytes + 7) & ~7u);
    c->succ[0] = c->succ[1] = 0;
    memcpy(c->bytes, code, nbytes);
    memcpy(insns_of(c), insns, n * sizeof(insns[0]));
    return n;
}

void cold_forget(struct jit *jit)
{
    memset(jit->cold->hash, 0, sizeof(jit->cold->hash));
    jit->cold->used = FIRST;
    jit->stats.cold_drops++;
}

/* Room for the longest piece. */
static struct cold *new_cold(struct jit *jit)
{
    if (ROOM - jit->cold->used < sizeof(struct cold) + MOST_BYTES + 8 + MOST * sizeof(struct insn))
        cold_forget(jit);
    return at(jit->cold, jit->cold->used);
}

/* The piece that is kept for the place; NULL: none. */
static struct cold *find(struct jit *jit, u32 page, u32 off, const u8 *code)
{
    struct cold_cache *cache = jit->cold;
    struct cold *c;
    for (u32 i = cache->hash[hash_of(page, off)]; i; i = c->next) {
        c = at(cache, i);
        if (c->page != page || c->off != off || c->bits != jit->cpu->code_bits)
            continue;
        if (LIKELY(same(c, code)))
            return c;
        c->page = RAM_NO_PAGE; /* other code is here now */
        break;
    }
    return NULL;
}

static struct cold *make(struct jit *jit, u32 page, u32 off, const u8 *code)
{
    struct cold_cache *cache = jit->cold;
    const struct cpu *cpu = jit->cpu;
    u32 h = hash_of(page, off);
    struct cold *c = new_cold(jit);
    if (!fill(c, cpu, off, code))
        return NULL;
    c->page = page;
    c->off = (u16)off;
    c->bits = cpu->code_bits;
    c->count = 0;
    c->next = cache->hash[h];
    cache->hash[h] = cache->used;
    cache->used += c->at + c->n * (u32)sizeof(struct insn);
    jit->stats.cold_made++;
    return c;
}

/* Behind an instruction something is up: a trap to deliver, a shadow, a wire, the end of the budget.
 * May the next one come at once? */
static bool goes_on(struct cpu *cpu, unsigned op)
{
    if (debug_end(cpu, op, false))
        debug_trap(cpu);
    return cpu->budget > 0 && !cpu_attention(cpu) && !cpu->db_pending && !cpu->shadow;
}

/* The instructions of c. True: all were run, and the next one may come at once. */
static bool run(struct cpu *cpu, const struct cold *c, const u8 *code)
{
    const struct insn *i = insns_of(c), *end = i + c->n;
    u64 mask = c->bits == 64 ? ~(u64)0 : 0xffffffffu;
    u32 gen = cpu->mmu.gen, writes = c->writes;
    for (; i < end; i++, writes >>= 1) {
        cpu->next_rip = (cpu->rip + i->len) & mask;
        exec_table[i->op](cpu, i);
        cpu->rip = cpu->next_rip;
        cpu->budget--;
        if (UNLIKELY(__atomic_load_n(&cpu->exit_request, __ATOMIC_RELAXED) | cpu_waits(cpu) |
                     cpu->db_pending) ||
            cpu->budget <= 0)
            if (!goes_on(cpu, i->op))
                return false;
        if (writes & 1 && UNLIKELY(cpu->mmu.gen != gen || !same(c, code)))
            return false;
    }
    return true;
}

/* Somebody keeps a record of which code runs: c does, at la. */
static void note_ran(struct ran *ran, const struct cold *c, u64 la)
{
    u64 lines[RAN_WORDS] = {0};
    ran_mark(lines, c->off, c->off + c->nbytes);
    ran_lines(ran, la, lines);
}

/* Do c's instructions end in front of the limit of CS? What goes beyond is exec's. */
static bool in_limit(const struct cpu *cpu, const struct cold *c)
{
    u32 limit = cpu->seg[SEG_CS].limit;
    return c->bits == 64 || limit == 0xffffffffu || cpu->rip + c->nbytes - 1 <= limit;
}

/* What comes behind c, at cpu->rip, when it lies in the same page and came behind it before. */
static struct cold *known_succ(const struct cold_cache *cache, const struct cold *c, u64 off)
{
    for (unsigned k = 0; k < 2; k++)
        if (c->succ[k] && c->succ_off[k] == off)
            return at(cache, c->succ[k]);
    return NULL;
}

struct cold *cold_at(struct jit *jit, u32 page, u32 off, const u8 *code)
{
    struct cold *c = find(jit, page, off, code);
    return c ? c : make(jit, page, off, code);
}

/* The same for what comes behind a piece, at cpu->rip. What is translated already is not decoded:
 * NULL. */
static struct cold *behind(struct jit *jit, u32 page, u32 off, const u8 *code)
{
    const struct cpu *cpu = jit->cpu;
    struct cold *c = find(jit, page, off, code);
    if (c)
        return c;
    if (cpu->mmu.space->code_lines[page] >> (off >> 6) & 1 &&
        block_find(jit, page, off, cpu->rip, cpu->mode_key))
        return NULL;
    return make(jit, page, off, code);
}

bool cold_run(struct jit *jit, struct cold *c, const u8 *code)
{
    struct cold_cache *cache = jit->cold;
    struct cpu *cpu = jit->cpu;
    u64 mode = cpu->mode_key;
    bool any = false;
    while (c && !cold_is_hot(jit, c) && LIKELY(in_limit(cpu, c))) {
        u64 la = jit_la(cpu, cpu->rip), off;
        u32 gen = cpu->mmu.gen;
        struct cold *succ;
        c->count++;
        any = true;
        jit->stats.cold_runs++;
        if (UNLIKELY(cpu->ran != NULL))
            note_ran(cpu->ran, c, la);
        if (!run(cpu, c, code) || cpu->mode_key != mode || cpu->eflags & (FL_TF | FL_RF))
            break;
        off = c->off + (jit_la(cpu, cpu->rip) - la);
        if (off < PAGE_SIZE && cpu->mmu.gen == gen) {
            code += off - c->off;
            succ = known_succ(cache, c, off);
            if (!succ || succ->page != c->page || UNLIKELY(!same(succ, code))) {
                u64 drops = jit->stats.cold_drops;
                succ = behind(jit, c->page, (u32)off, code);
                if (succ && jit->stats.cold_drops == drops) {
                    c->succ[1] = c->succ[0], c->succ_off[1] = c->succ_off[0];
                    c->succ[0] = (u32)((u8 *)succ - cache->room), c->succ_off[0] = (u16)off;
                }
            }
        } else {
            struct mmu_fault fault;
            u32 len, page;
            la = jit_la(cpu, cpu->rip);
            code = cpu_canonical(la)
                       ? mmu_fetch(&cpu->mmu, cpu->mmu_mode, la, &len, &page, &fault)
                       : NULL;
            if (!code || page >= jit->npages)
                break;
            succ = behind(jit, page, (u32)la & PAGE_MASK, code);
        }
        c = succ;
    }
    return any;
}
