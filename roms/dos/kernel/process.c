/* Programs: the 256 bytes in front of each (program segment prefix), loading .COM and .EXE files
 * and overlays, and how programs end. */
#include "roms/dos/kernel/kernel.h"
#include "roms/lib/mem.h"

struct psp {
    u8 int20[2];
    u16 top; /* first segment behind the program's memory */
    u8 r0;
    u8 far_call[5];
    u32 vec22, vec23, vec24;
    u16 parent;
    u8 jft[HANDLES];
    u16 env;
    u32 stack; /* of the last INT 21h, while a child runs */
    u16 jft_size;
    u32 jft_ptr;
    u8 r1[24];
    u8 int21[3]; /* int $0x21; lret */
    u8 r2[9];
    u8 fcb1[16], fcb2[20];
    u8 tail[128];
} PACKED;

struct exe_header {
    u16 magic, last_bytes, pages, relocs, header_paras, min, max, ss, sp, sum, ip, cs, reloc_at,
        overlay;
} PACKED;

struct exec_block {
    u16 env;
    u32 tail, fcb1, fcb2;
} PACKED;

/* What EXEC needs to enter a loaded program. */
struct image {
    u16 block, paras; /* its memory, prefix included */
    u16 cs, ip, ss, sp;
};

enum { EXE_MAGIC = 0x5a4d, EXE_MAGIC2 = 0x4d5a, PSP_PARAS = 16, CHUNK = 0x8000, NO_SLOT = 0xff };

static struct {
    u16 current;
    u16 exit_code; /* type in the upper half */
} proc;

u16 proc_current(void)
{
    return proc.current;
}

void proc_set_current(u16 psp)
{
    proc.current = psp;
}

u16 proc_exit_code(void)
{
    u16 code = proc.exit_code;

    proc.exit_code = 0;
    return code;
}

u8 proc_handle(u16 handle)
{
    if (handle >= HANDLES)
        return NO_SLOT;
    return peek8(proc.current, offsetof(struct psp, jft) + handle);
}

void proc_set_handle(u16 handle, u8 slot)
{
    if (handle < HANDLES)
        poke8(proc.current, offsetof(struct psp, jft) + handle, slot);
}

int proc_add_handle(u8 slot)
{
    u16 h;

    for (h = 0; h < HANDLES; h++) {
        if (proc_handle(h) == NO_SLOT) {
            proc_set_handle(h, slot);
            return h;
        }
    }
    return -ERR_HANDLES;
}

/* Fill in a prefix; handles are inherited from the parent (the shell gets the devices). */
static void make_psp(u16 seg, u16 parent, u16 top, u16 env)
{
    struct psp p;
    u32 i;

    memset(&p, 0, sizeof(p));
    p.int20[0] = 0xcd;
    p.int20[1] = 0x20;
    p.top = top;
    p.vec22 = get_vector(0x22);
    p.vec23 = get_vector(0x23);
    p.vec24 = get_vector(0x24);
    p.parent = parent;
    p.env = env;
    p.jft_size = HANDLES;
    p.jft_ptr = (u32)seg << 16 | offsetof(struct psp, jft);
    p.int21[0] = 0xcd;
    p.int21[1] = 0x21;
    p.int21[2] = 0xcb;
    memset(p.fcb1 + 1, ' ', 11);
    memset(p.fcb2 + 1, ' ', 11);
    p.tail[1] = '\r';
    for (i = 0; i < HANDLES; i++) {
        if (parent == seg)
            p.jft[i] = i < 3 ? 0 : i == 3 ? 1 : NO_SLOT;
        else
            p.jft[i] = proc_handle((u16)i);
        if (p.jft[i] != NO_SLOT)
            file_addref(p.jft[i]);
    }
    far_write(seg, 0, &p, sizeof(p));
}

void proc_copy_psp(u16 seg, u16 top)
{
    struct psp p;

    far_read(&p, proc.current, 0, sizeof(p));
    p.top = top;
    far_write(seg, 0, &p, sizeof(p));
}

/* Read n bytes of the file to seg:0, which may be more than 64 KiB. */
static bool load_bytes(int slot, u16 seg, u32 n)
{
    while (n > 0) {
        u16 part = (u16)MIN(n, CHUNK);
        int got = file_read(slot, seg, 0, part);

        if (got != part)
            return got >= 0; /* a short file: what is there is all there is */
        seg = (u16)(seg + CHUNK / 16);
        n -= part;
    }
    return true;
}

/* Add `base` to every segment value that the header's table points at. */
static bool relocate(int slot, const struct exe_header *h, u16 image, u16 base)
{
    u32 position, i;
    struct {
        u16 off, seg;
    } r;

    file_seek(slot, 0, h->reloc_at, &position);
    for (i = 0; i < h->relocs; i++) {
        u16 seg;

        if (file_read(slot, own_seg(), (u16)(u32)&r, sizeof(r)) != sizeof(r))
            return false;
        seg = (u16)(image + r.seg);
        poke16(seg, r.off, (u16)(peek16(seg, r.off) + base));
    }
    return true;
}

static bool is_exe(const struct exe_header *h)
{
    return h->magic == EXE_MAGIC || h->magic == EXE_MAGIC2;
}

static u32 exe_size(const struct exe_header *h)
{
    u32 size = h->pages * 512u - (h->last_bytes != 0 ? 512u - h->last_bytes : 0);

    return size - h->header_paras * 16u;
}

/* Allocate memory for a program and load it. Returns 0 or minus an error. */
static int load_program(int slot, struct image *im)
{
    struct exe_header h;
    u32 position, size = 0;
    u16 largest, need, want, base;
    int got = file_read(slot, own_seg(), (u16)(u32)&h, sizeof(h));

    if (got < 0)
        return got;
    if (got < (int)sizeof(h))
        h.magic = 0;
    if (is_exe(&h)) {
        size = exe_size(&h);
        need = (u16)(PSP_PARAS + (size + 15) / 16 + h.min);
        want = h.max > 0xffff - need ? 0xffff : (u16)(need - h.min + h.max);
    } else {
        file_seek(slot, 2, 0, &size);
        if (size > 0xfe00)
            return -ERR_FORMAT;
        need = (u16)(PSP_PARAS + (size + 15) / 16 + 16);
        want = 0xffff;
    }
    mem_alloc(0xffff, 0, &largest);
    if (largest < need)
        return -ERR_MEMORY;
    im->paras = MIN(want, largest);
    im->block = mem_alloc(im->paras, 8, &largest);
    if (im->block == 0)
        return -ERR_MEMORY;
    base = (u16)(im->block + PSP_PARAS);
    file_seek(slot, 0, is_exe(&h) ? h.header_paras * 16u : 0, &position);
    if (!load_bytes(slot, base, size))
        return -ERR_FORMAT;
    if (is_exe(&h)) {
        if (!relocate(slot, &h, base, base))
            return -ERR_FORMAT;
        im->cs = (u16)(base + h.cs);
        im->ip = h.ip;
        im->ss = (u16)(base + h.ss);
        im->sp = h.sp;
    } else {
        im->cs = im->ss = im->block;
        im->ip = 0x100;
        im->sp = im->paras >= 0x1000 ? 0xfffe : (u16)(im->paras * 16 - 2);
        poke16(im->ss, im->sp, 0); /* a RET finds INT 20h at offset 0 */
    }
    return 0;
}

/* AX=4B03h: the caller has the memory, and says what to add to segments. */
static int load_overlay(int slot, u16 seg, u16 factor)
{
    struct exe_header h;
    u32 position, size;

    if (file_read(slot, own_seg(), (u16)(u32)&h, sizeof(h)) < (int)sizeof(h))
        h.magic = 0;
    if (is_exe(&h)) {
        file_seek(slot, 0, h.header_paras * 16u, &position);
        if (!load_bytes(slot, seg, exe_size(&h)) || !relocate(slot, &h, seg, factor))
            return -ERR_FORMAT;
    } else {
        file_seek(slot, 2, 0, &size);
        file_seek(slot, 0, 0, &position);
        if (!load_bytes(slot, seg, size))
            return -ERR_FORMAT;
    }
    return 0;
}

/* A copy of the parent's environment with the program's name behind it. 0: no memory. */
static u16 make_env(u16 from, const char *path)
{
    u16 largest, seg;
    u32 n = 0, i;
    char c, last = 1;

    if (from != 0) {
        for (n = 0; n < 0x400; n++) {
            c = (char)peek8(from, n);
            if (c == 0 && last == 0)
                break;
            last = c;
        }
    }
    seg = mem_alloc((u16)((n + 1 + 2 + 3 + PATH_MAX + 15) / 16), 8, &largest);
    if (seg == 0)
        return 0;
    for (i = 0; i < n; i++)
        poke8(seg, i, peek8(from, i));
    poke8(seg, n, 0);
    if (n == 0)
        poke8(seg, ++n, 0);
    n++;
    poke16(seg, n, 1); /* one string follows */
    n += 2;
    if (path[0] != 0 && path[1] != ':') {
        poke8(seg, n++, 'A');
        poke8(seg, n++, ':');
        poke8(seg, n++, '\\');
    }
    for (i = 0; path[i] != 0; i++)
        poke8(seg, n++, (u8)path[i]);
    poke8(seg, n, 0);
    return seg;
}

/* Turn the caller's frame into the new program's: the way out of INT 21h then leads there. */
static void enter(struct frame16 *f, const struct image *im)
{
    memset(f, 0, sizeof(*f));
    f->ds = im->block;
    f->es = im->block;
    f->cs = im->cs;
    f->ip = im->ip;
    f->flags = FLAG_IF | 2;
    caller_ss = im->ss;
    caller_sp = (u16)(im->sp - sizeof(*f));
    proc.current = im->block;
}

static int load_and_enter(struct frame16 *f, int slot, const struct exec_block *b, const char *path)
{
    struct image im = {.block = 0};
    u16 parent = proc.current, env;
    int err;

    env = make_env(b->env != 0 ? b->env : peek16(parent, offsetof(struct psp, env)), path);
    if (env == 0)
        return -ERR_MEMORY;
    err = load_program(slot, &im);
    if (err != 0) {
        mem_free(env);
        if (im.block != 0)
            mem_free(im.block);
        return err;
    }
    /* The child's INT 22h leads to behind the parent's INT 21h. */
    set_vector(0x22, (u32)f->cs << 16 | f->ip);
    make_psp(im.block, parent, (u16)(im.block + im.paras), env);
    mem_set_owner(im.block, im.block);
    mem_set_owner(env, im.block);
    if (b->tail != 0) {
        u8 tail[128];

        far_read(tail, (u16)(b->tail >> 16), (u16)b->tail, sizeof(tail));
        far_write(im.block, offsetof(struct psp, tail), tail, sizeof(tail));
    }
    poke32(parent, offsetof(struct psp, stack), (u32)caller_ss << 16 | caller_sp);
    enter(f, &im);
    return 0;
}

int proc_exec(struct frame16 *f, const char *path)
{
    struct exec_block b;
    int slot, err;

    if (f->al != 0 && f->al != 3)
        return -ERR_FUNCTION;
    slot = file_open(path, 0);
    if (slot < 0)
        return slot;
    far_read(&b, f->es, f->bx, sizeof(b));
    if (f->al == 3)
        err = load_overlay(slot, b.env, (u16)b.tail);
    else
        err = load_and_enter(f, slot, &b, path);
    file_close(slot);
    return err;
}

void proc_exit(struct frame16 *f, u8 code, u8 type, u16 keep)
{
    struct psp p;
    u16 dying = proc.current, largest, h;

    far_read(&p, dying, 0, sizeof(p));
    set_vector(0x22, p.vec22);
    set_vector(0x23, p.vec23);
    set_vector(0x24, p.vec24);
    if (keep > 0) {
        mem_resize(dying, MAX(keep, 6), &largest);
    } else {
        for (h = 0; h < HANDLES; h++) {
            if (p.jft[h] != NO_SLOT)
                file_close(p.jft[h]);
        }
        mem_free_owner(dying);
    }
    proc.exit_code = (u16)(type << 8 | code);
    proc.current = p.parent;
    far_read(&p, p.parent, 0, sizeof(p));
    caller_ss = (u16)(p.stack >> 16);
    caller_sp = (u16)p.stack;
    far_read(f, caller_ss, caller_sp, sizeof(*f));
    f->flags &= (u16)~FLAG_CF;
    f->ax = 0;
}

void proc_start_shell(const char *path)
{
    static const char env[] = "PATH=A:\\\0COMSPEC=A:\\SHELL.COM\0";
    struct frame16 f;
    struct exec_block b = {.env = 0};
    u16 largest, seg, i;
    int slot = file_open(path, 0);

    /* The kernel's own prefix is its own parent; the shell is its child. */
    seg = mem_alloc(PSP_PARAS, 8, &largest);
    mem_set_owner(seg, seg);
    proc.current = seg;
    make_psp(seg, seg, seg, 0);
    b.env = mem_alloc((sizeof(env) + 15) / 16, seg, &largest);
    for (i = 0; i < sizeof(env); i++)
        poke8(b.env, i, (u8)env[i]);
    memset(&f, 0, sizeof(f));
    if (slot < 0 || load_and_enter(&f, slot, &b, path) != 0) {
        con_puts("No shell\n");
        return;
    }
    file_close(slot);
    far_write(caller_ss, caller_sp, &f, sizeof(f));
    proc_enter();
}
