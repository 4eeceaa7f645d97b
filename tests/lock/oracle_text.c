/* Oracle cases as text: the files of tests/lock/cases, one "name value" pair a line, "#" begins a
 * comment. The part before "expect" is the state a case starts from, where it is not zero; the part
 * behind it is what the host processor made of it, where that differs. */
#include "tests/lock/oracle.h"

#include <stdlib.h>
#include <string.h>

/* Numbers are written most significant digit first. */
static void put_number(FILE *f, const u8 *p, u32 n)
{
    while (n > 1 && !p[n - 1])
        n--;
    while (n--)
        fprintf(f, "%02x", p[n]);
}

static bool get_number(const char *text, u8 *p, u32 n)
{
    size_t len = strlen(text);
    memset(p, 0, n);
    if (!len || len > 2 * n)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[len - 1 - i];
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (v < 0)
            return false;
        p[i / 2] |= (u8)(v << 4 * (i & 1));
    }
    return true;
}

static void put_regs(FILE *f, struct ora_regs *r, struct ora_regs *was)
{
    for (u32 i = 0; i < ORA_FIELDS; i++) {
        struct ora_field a = ora_field(r, i), b = ora_field(was, i);
        u8 bytes[ORA_FIELD_BYTES];
        char name[12];
        if (!memcmp(a.p, b.p, a.size))
            continue;
        ora_field_name(i, name, sizeof(name));
        ora_field_get(&a, bytes);
        fprintf(f, "%s ", name);
        put_number(f, bytes, a.size);
        fputc('\n', f);
    }
}

static void put_bytes(FILE *f, const char *name, u32 at, const u8 *p, u32 n)
{
    for (u32 i = 0; i < n; i += 32) {
        fprintf(f, "%s %x", name, at + i);
        for (u32 k = i; k < n && k < i + 32; k++)
            fprintf(f, " %02x", p[k]);
        fputc('\n', f);
    }
}

bool ora_write(FILE *f, const struct ora_case *c, const struct ora_out *want, const char *note)
{
    struct ora_regs none = {.rip = 0}, in = c->in, out = want->r;
    char text[96];
    struct insn insn;
    if (note)
        fprintf(f, "# %s\n", note);
    if (decode(&insn, c->code, MIN((u32)c->ncode, 15u), c->mode, ~0ull) == DEC_OK)
        fprintf(f, "# %s\n", disasm(text, sizeof(text), &insn, c->in.rip));
    fprintf(f, "mode %u\nlma %u\n", c->mode, c->lma);
    if (!c->amd)
        fprintf(f, "amd 0\n");
    put_bytes(f, "code", 0, c->code, c->ncode);
    put_regs(f, &in, &none);
    put_bytes(f, "mem", c->patch_at, c->patch, c->npatch);
    fprintf(f, "expect\nvector %x\n", want->vector);
    if (want->error)
        fprintf(f, "error %x\n", want->error);
    if (want->vector == EXC_PF)
        fprintf(f, "cr2 %llx\n", (unsigned long long)want->cr2);
    put_regs(f, &out, &in);
    if (want->mem_hi) {
        fprintf(f, "changed %x %x %llx\n", want->mem_lo, want->mem_hi,
                (unsigned long long)want->mem_hash);
        put_bytes(f, "mem", ORA_DATA + want->mem_lo, want->mem,
                  MIN(want->mem_hi - want->mem_lo, (u32)ORA_MEM));
    }
    return !ferror(f);
}

/* One line behind its name; `expect`: it is about the result. */
static bool get_line(struct ora_case *c, struct ora_out *want, bool expect, const char *name,
                     char *rest)
{
    char *p = rest;
    for (u32 i = 0; i < ORA_FIELDS; i++) {
        struct ora_field f = ora_field(expect ? &want->r : &c->in, i);
        u8 bytes[ORA_FIELD_BYTES];
        char reg[12];
        ora_field_name(i, reg, sizeof(reg));
        if (strcmp(reg, name))
            continue;
        if (!get_number(strtok(rest, " \n"), bytes, f.size))
            return false;
        ora_field_set(&f, bytes);
        return true;
    }
    if (!strcmp(name, "code") || !strcmp(name, "mem")) {
        u32 at = (u32)strtoul(p, &p, 16), *lo = &c->patch_at;
        u8 *to = c->patch;
        if (*name == 'm' && !expect && !c->npatch)
            *lo = at;
        for (u8 byte; p && *p && *p != '\n'; at++) {
            byte = (u8)strtoul(p, &p, 16);
            if (*name == 'c' && at < ORA_BYTES)
                c->code[at] = byte, c->ncode = (u8)(at + 1);
            else if (*name == 'm' && expect && at - ORA_DATA - want->mem_lo < ORA_MEM)
                want->mem[at - ORA_DATA - want->mem_lo] = byte;
            else if (*name == 'm' && !expect && at - *lo < ORA_PATCH)
                to[at - *lo] = byte, c->npatch = (u16)(at - *lo + 1);
            else
                return false;
            while (*p == ' ')
                p++;
        }
        return true;
    }
    if (!strcmp(name, "mode"))
        c->mode = (u8)strtoul(p, NULL, 10);
    else if (!strcmp(name, "lma"))
        c->lma = strtoul(p, NULL, 10) != 0;
    else if (!strcmp(name, "amd"))
        c->amd = strtoul(p, NULL, 10) != 0;
    else if (!strcmp(name, "vector"))
        want->vector = (u8)strtoul(p, NULL, 16);
    else if (!strcmp(name, "error"))
        want->error = (u32)strtoul(p, NULL, 16);
    else if (!strcmp(name, "cr2"))
        want->cr2 = strtoull(p, NULL, 16);
    else if (!strcmp(name, "changed")) {
        want->mem_lo = (u32)strtoul(p, &p, 16);
        want->mem_hi = (u32)strtoul(p, &p, 16);
        want->mem_hash = strtoull(p, &p, 16);
    } else {
        return false;
    }
    return true;
}

bool ora_read(FILE *f, struct ora_case *c, struct ora_out *want, char *err, size_t n)
{
    char line[512];
    bool expect = false;
    struct insn in;
    memset(c, 0, sizeof(*c));
    c->amd = true; /* unless the file says otherwise */
    memset(want, 0, sizeof(*want));
    for (u32 number = 1; fgets(line, sizeof(line), f); number++) {
        char *name = strtok(line, " \n"), *rest = strtok(NULL, "\n");
        if (!name || *name == '#')
            continue;
        if (!strcmp(name, "expect")) {
            expect = true;
            want->r = c->in;
        } else if (!rest || !get_line(c, want, expect, name, rest)) {
            snprintf(err, n, "line %u cannot be read", number);
            return false;
        }
    }
    if (!expect || !c->ncode || (c->mode != 16 && c->mode != 32 && c->mode != 64)) {
        snprintf(err, n, "no complete case");
        return false;
    }
    c->op = decode(&in, c->code, MIN((u32)c->ncode, 15u), c->mode, ~0ull) == DEC_OK ? in.op : OP_UD;
    return true;
}

void ora_explain(FILE *f, const struct ora_case *c, const struct ora_out *host,
                 const struct ora_out *guest, const char *engine)
{
    struct ora_regs h = host->r, g = guest->r;
    ora_write(f, c, host, NULL);
    fprintf(f, "# %s gives: vector %x error %x cr2 %llx status %u\n", engine, guest->vector,
            guest->error, (unsigned long long)guest->cr2, guest->status);
    put_regs(f, &g, &h);
    if (guest->mem_hi) {
        fprintf(f, "# %s changed %x %x\n", engine, guest->mem_lo, guest->mem_hi);
        put_bytes(f, "# mem", ORA_DATA + guest->mem_lo, guest->mem,
                  MIN(guest->mem_hi - guest->mem_lo, (u32)ORA_MEM));
    }
}
