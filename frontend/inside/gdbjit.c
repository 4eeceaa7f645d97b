/* gdb's JIT interface (manual of gdb, "JIT Compilation Interface"): a list of object files in memory,
 * and a function in which gdb stops to look at it. Each file is an ELF with symbols, the places of
 * their code, and .debug_frame (DWARF 5, 6.4.1), by which backtraces go on into the emulator. */
#include "frontend/inside/gdbjit.h"

#include "cpu/jit/jit.h"
#include "devices/core/bits.h"
#include "frontend/inside/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __ELF__
#include <elf.h>

/* Names that gdb looks for, and their layout. They are of the process: a second machine in it would
 * add to the same list. */
enum { ACTION_NONE, ACTION_REGISTER, ACTION_UNREGISTER };
struct jit_code_entry {
    struct jit_code_entry *next, *prev;
    const void *file;
    u64 size;
};
struct jit_descriptor {
    u32 version, action;
    struct jit_code_entry *relevant, *first;
};
extern struct jit_descriptor __jit_debug_descriptor;
void __jit_debug_register_code(void);
struct jit_descriptor __jit_debug_descriptor = {.version = 1};

__attribute__((noinline)) void __jit_debug_register_code(void)
{
    __asm__ volatile("" ::: "memory");
}

/* One file has many blocks, or gdb would be busy with nothing else: at most so many, and at first one
 * in so many that were named before. */
enum { BATCH = 256, BATCH_SHARE = 32 };

struct gdbjit {
    struct probe_hooks probe;
    struct code_names names;
    struct cpu *cpu;
    struct jit_frame frame;
    u32 waiting, told; /* names at the end of the list that gdb does not know; those it knows */
    bool started, bad;
};

/* ---- an object file ---- */

struct bytes {
    u8 *p; /* NULL: only counted */
    size_t n;
};

static void put(struct bytes *b, const void *data, size_t n)
{
    if (b->p)
        memcpy(b->p + b->n, data, n);
    b->n += n;
}

static void put8(struct bytes *b, u32 v)
{
    u8 byte = (u8)v;
    put(b, &byte, 1);
}

static void put32(struct bytes *b, u32 v)
{
    put(b, &v, 4);
}

static void put64(struct bytes *b, u64 v)
{
    put(b, &v, 8);
}

static void put_sleb(struct bytes *b, s64 v)
{
    for (;;) {
        u8 low = v & 127;
        v >>= 7;
        if ((!v && !(low & 64)) || (v == -1 && (low & 64))) {
            put8(b, low);
            return;
        }
        put8(b, low | 128u);
    }
}

/* Up to a multiple of 8, by DW_CFA_nop. */
static void put_pad(struct bytes *b)
{
    while (b->n % 8)
        put8(b, 0);
}

/* What all translated code has in common: the frame's address is in memory at the state. Lengths are
 * put in behind. */
static void put_frames(struct bytes *b, const struct jit_frame *f, const struct code_name *list,
                       u32 n)
{
    enum { OP_BREG0 = 0x70, OP_DEREF = 6, OP_PLUS = 0x23, DEF_CFA_EXPR = 15, OFFSET = 0x80, RA = 16 };
    struct bytes expr = {NULL, 0};
    size_t at = b->n;

    put32(b, 0);
    put32(b, 0xffffffff); /* a CIE */
    put8(b, 1);           /* version */
    put8(b, 0);           /* no augmentation */
    put8(b, 1);           /* code is aligned to so much, */
    put_sleb(b, -8);      /* and saved registers to so much */
    put8(b, RA);
    put8(b, DEF_CFA_EXPR);
    for (unsigned pass = 0; pass < 2; pass++) {
        struct bytes *to = pass ? b : &expr;

        if (pass)
            put8(b, (u32)expr.n);
        put8(to, OP_BREG0 + f->state);
        put_sleb(to, f->held);
        put8(to, OP_DEREF);
        put8(to, OP_PLUS);
        put8(to, 8u * f->n + 8);
    }
    put8(b, OFFSET | RA);
    put8(b, 1);
    for (unsigned i = 0; i < f->n; i++) {
        put8(b, OFFSET | f->saved[i]);
        put8(b, i + 2);
    }
    put_pad(b);
    if (b->p)
        st32(b->p + at, (u32)(b->n - at - 4));
    for (u32 i = 0; i < n; i++) {
        put32(b, 20);
        put32(b, 0); /* of the CIE at 0 */
        put64(b, list[i].host);
        put64(b, list[i].size);
    }
}

static void name_of(const struct code_name *c, char text[32])
{
    if (c->id == PROBE_ALONE)
        snprintf(text, 32, "dragoman_jit_stubs");
    else
        snprintf(text, 32, "guest_%llx", (unsigned long long)c->la);
}

static u16 machine(void)
{
#if defined(__x86_64__)
    return EM_X86_64;
#elif defined(__aarch64__)
    return EM_AARCH64;
#else
    return EM_NONE; /* has no translated code */
#endif
}

/* Sections: none, names of sections, symbols, their names, frames, and one for each block. */
enum { S_NONE, S_SHSTR, S_SYM, S_STR, S_FRAME, S_CODE };
static const char shstr[] = "\0.shstrtab\0.symtab\0.strtab\0.debug_frame\0.text";
enum { N_SHSTR = 1, N_SYM = 11, N_STR = 19, N_FRAME = 27, N_CODE = 40 };

static Elf64_Shdr section(u32 name, u32 type, size_t at, size_t end)
{
    return (Elf64_Shdr){.sh_name = name,
                        .sh_type = type,
                        .sh_offset = at,
                        .sh_size = end - at,
                        .sh_addralign = type == SHT_SYMTAB ? 8 : 1};
}

static void put_symbols(struct bytes *b, const struct code_name *list, u32 n)
{
    Elf64_Sym none = {0};
    u32 str = 1;

    put(b, &none, sizeof(none));
    for (u32 i = 0; i < n; i++) {
        Elf64_Sym sym = {.st_name = str,
                         .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                         .st_shndx = (u16)(S_CODE + i),
                         .st_value = list[i].host,
                         .st_size = list[i].size};
        char text[32];

        name_of(&list[i], text);
        str += (u32)strlen(text) + 1;
        put(b, &sym, sizeof(sym));
    }
}

static void put_file(struct bytes *b, const struct jit_frame *frame, const struct code_name *list,
                     u32 n)
{
    Elf64_Ehdr head = {.e_type = ET_EXEC,
                       .e_machine = machine(),
                       .e_version = EV_CURRENT,
                       .e_ehsize = sizeof(Elf64_Ehdr),
                       .e_shentsize = sizeof(Elf64_Shdr),
                       .e_shnum = (u16)(S_CODE + n),
                       .e_shstrndx = S_SHSTR};
    Elf64_Shdr s[S_CODE] = {0};
    size_t at;
    const u16 order = 1;

    memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_ident[EI_CLASS] = ELFCLASS64;
    head.e_ident[EI_DATA] = *(const u8 *)&order ? ELFDATA2LSB : ELFDATA2MSB;
    head.e_ident[EI_VERSION] = EV_CURRENT;
    put(b, &head, sizeof(head));
    at = b->n;
    put(b, shstr, sizeof(shstr));
    s[S_SHSTR] = section(N_SHSTR, SHT_STRTAB, at, b->n);
    put_pad(b);
    at = b->n;
    put_symbols(b, list, n);
    s[S_SYM] = section(N_SYM, SHT_SYMTAB, at, b->n);
    s[S_SYM].sh_link = S_STR;
    s[S_SYM].sh_info = 1; /* the first that is global */
    s[S_SYM].sh_entsize = sizeof(Elf64_Sym);
    at = b->n;
    put8(b, 0);
    for (u32 i = 0; i < n; i++) {
        char text[32];

        name_of(&list[i], text);
        put(b, text, strlen(text) + 1);
    }
    s[S_STR] = section(N_STR, SHT_STRTAB, at, b->n);
    put_pad(b);
    at = b->n;
    if (frame->known)
        put_frames(b, frame, list, n);
    s[S_FRAME] = section(N_FRAME, SHT_PROGBITS, at, b->n);
    put_pad(b);
    head.e_shoff = b->n;
    if (b->p)
        memcpy(b->p, &head, sizeof(head));
    put(b, s, sizeof(s));
    for (u32 i = 0; i < n; i++) {
        /* The bytes are in the process's memory: nothing of them is in the file. */
        Elf64_Shdr code = {.sh_name = N_CODE,
                           .sh_type = SHT_NOBITS,
                           .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                           .sh_addr = list[i].host,
                           .sh_size = list[i].size,
                           .sh_addralign = 1};

        put(b, &code, sizeof(code));
    }
}

/* ---- the list ---- */

static bool enlist(const struct jit_frame *frame, const struct code_name *list, u32 n)
{
    struct bytes b = {NULL, 0};
    struct jit_code_entry *e;

    put_file(&b, frame, list, n);
    e = malloc(sizeof(*e) + b.n);
    if (!e)
        return false;
    b = (struct bytes){(u8 *)(e + 1), 0};
    put_file(&b, frame, list, n);
    *e = (struct jit_code_entry){__jit_debug_descriptor.first, NULL, e + 1, b.n};
    if (e->next)
        e->next->prev = e;
    __jit_debug_descriptor.first = __jit_debug_descriptor.relevant = e;
    __jit_debug_descriptor.action = ACTION_REGISTER;
    __jit_debug_register_code();
    return true;
}

static void forget_all(void *arg)
{
    struct gdbjit *g = arg;

    while (__jit_debug_descriptor.first) {
        struct jit_code_entry *e = __jit_debug_descriptor.first;

        __jit_debug_descriptor.first = e->next;
        if (e->next)
            e->next->prev = NULL;
        __jit_debug_descriptor.relevant = e;
        __jit_debug_descriptor.action = ACTION_UNREGISTER;
        __jit_debug_register_code();
        free(e);
    }
    __jit_debug_descriptor.relevant = NULL;
    __jit_debug_descriptor.action = ACTION_NONE;
    g->waiting = g->told = 0;
    g->started = false;
}

static void one_more(void *arg, const struct code_name *name)
{
    struct gdbjit *g = arg;
    u32 batch = MIN(g->told / BATCH_SHARE + 1, (u32)BATCH);

    if (!g->started) {
        struct code_name stubs = {.id = PROBE_ALONE};

        jit_frame(g->cpu, &g->frame);
        stubs.host = g->frame.stubs;
        stubs.size = (u32)g->frame.stubs_size;
        if (stubs.size && !enlist(&g->frame, &stubs, 1))
            g->bad = true;
        g->started = true;
    }
    if (++g->waiting < batch)
        return;
    if (!enlist(&g->frame, name + 1 - g->waiting, g->waiting))
        g->bad = true;
    g->told += g->waiting;
    g->waiting = 0;
}

static void on_made(void *arg, const struct probe_block *b)
{
    code_names_made(&((struct gdbjit *)arg)->names, b);
}

static void on_dropped(void *arg, u32 id)
{
    code_names_dropped(&((struct gdbjit *)arg)->names, id);
}

struct gdbjit *gdbjit_open(struct cpu *cpu, struct err *err)
{
    struct gdbjit *g = calloc(1, sizeof(*g));

    if (!g) {
        err_set(err, "Out of memory.");
        return NULL;
    }
    g->cpu = cpu;
    g->names = (struct code_names){.put = one_more, .anew = forget_all, .arg = g};
    g->probe = (struct probe_hooks){.arg = g, .block_made = on_made, .block_dropped = on_dropped};
    return g;
}

bool gdbjit_close(struct gdbjit *g)
{
    bool ok;

    if (!g)
        return true;
    ok = !g->bad && !g->names.bad;
    if (!ok)
        fprintf(stderr, "dragoman: there was no memory for all names for gdb\n");
    forget_all(g);
    code_names_free(&g->names);
    free(g);
    return ok;
}

#else

struct gdbjit {
    struct probe_hooks probe;
};

struct gdbjit *gdbjit_open(struct cpu *cpu, struct err *err)
{
    err_set(err, "-jit-gdb needs a host whose programs are ELF files.");
    return NULL;
}

bool gdbjit_close(struct gdbjit *g)
{
    return true;
}

#endif

const struct probe_hooks *gdbjit_probe(const struct gdbjit *g)
{
    return &g->probe;
}
