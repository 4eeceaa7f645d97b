/* All encodings there are: the decoder's own tables as a list, so that no row is without cases. */
#include "tests/lock/oracle.h"
#include "cpu/isa/enc.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE_ONE, TABLE_0F, TABLE_38, TABLE_3A };

static void add(struct ora_rows *r, struct ora_row row)
{
    if ((r->n & (r->n - 1)) == 0) {
        struct ora_row *p = realloc(r->row, (r->n ? 2 * r->n : 64) * sizeof(*p));
        if (!p)
            return;
        r->row = p;
    }
    r->row[r->n++] = row;
}

static bool takes_modrm(const struct enc *e)
{
    return e->a[0] != AM___ && e->a[0] < AM_one;
}

static void add_entry(struct ora_rows *r, struct ora_row row, const struct enc *e)
{
    if (e->kind == ENC_OP) {
        row.op = e->op;
        row.modrm = takes_modrm(e) || row.reg != 0xff;
        add(r, row);
        return;
    }
    if (e->kind != ENC_GROUP)
        return;
    row.modrm = true;
    for (unsigned form = 0; form < 2; form++)
        for (unsigned reg = 0; reg < 8; reg++) {
            const struct enc *g = &enc_group[e->op][form][reg];
            row.regform = form;
            row.reg = (u8)reg;
            row.rm = 0xff;
            if (g->kind == ENC_OP) {
                row.op = g->op;
                add(r, row);
            } else if (g->kind == ENC_RM) {
                for (unsigned rm = 0; rm < 8; rm++)
                    if (enc_rm[g->op][rm].kind == ENC_OP) {
                        row.rm = (u8)rm;
                        row.op = enc_rm[g->op][rm].op;
                        add(r, row);
                    }
            }
        }
}

static void add_x87(struct ora_rows *r, u8 escape)
{
    struct ora_row row = {.table = TABLE_ONE, .opcode = escape, .modrm = true, .rm = 0xff};
    for (unsigned reg = 0; reg < 8; reg++) {
        row.reg = (u8)reg;
        row.rm = 0xff;
        row.regform = false;
        if (enc_x87_mem[escape & 7][reg].kind == ENC_OP) {
            row.op = enc_x87_mem[escape & 7][reg].op;
            add(r, row);
        }
        row.regform = true;
        for (unsigned rm = 0; rm < 8; rm++)
            if (enc_x87_reg[escape & 7][reg][rm].kind == ENC_OP) {
                row.rm = (u8)rm;
                row.op = enc_x87_reg[escape & 7][reg][rm].op;
                add(r, row);
            }
    }
}

static void add_map(struct ora_rows *r, u8 table, const struct enc (*map)[256])
{
    for (unsigned mand = 0; mand < 4; mand++)
        for (unsigned op = 0; op < 256; op++) {
            struct ora_row row = {
                .table = table, .mand = (u8)mand, .opcode = (u8)op, .reg = 0xff, .rm = 0xff};
            add_entry(r, row, &map[mand][op]);
        }
}

static void add_vex(struct ora_rows *r, struct ora_row row, const struct enc_vex *e)
{
    row.vex = true;
    row.len = e->len;
    if (e->kind == ENC_OP) {
        row.op = e->op;
        row.modrm = true;
        add(r, row);
    } else if (e->kind == ENC_GROUP) {
        for (unsigned i = 0; i < 16; i++) {
            const struct enc_vex *g = &enc_vex_group[e->op][i >> 3][i & 7];
            if (g->kind != ENC_OP)
                continue;
            row.regform = i >> 3;
            row.reg = i & 7;
            row.len = g->len;
            row.op = g->op;
            row.modrm = true;
            add(r, row);
        }
    }
}

static void add_vex_maps(struct ora_rows *r)
{
    for (unsigned map = 0; map < 3; map++)
        for (unsigned mand = 0; mand < 4; mand++)
            for (unsigned op = 0; op < 256; op++)
                for (unsigned w = 0; w < 2; w++) {
                    struct ora_row row = {.table = (u8)(map + 1),
                                          .mand = (u8)mand,
                                          .opcode = (u8)op,
                                          .reg = 0xff,
                                          .rm = 0xff,
                                          .w = (u8)w};
                    add_vex(r, row, &enc_vex[map][mand][w][op]);
                }
}

bool ora_rows_make(struct ora_rows *r)
{
    memset(r, 0, sizeof(*r));
    for (unsigned is64 = 0; is64 < 2; is64++)
        for (unsigned op = 0; op < 256; op++) {
            const struct enc *e = &enc_one[is64][op];
            bool same = !memcmp(e, &enc_one[!is64][op], sizeof(*e));
            struct ora_row row = {.table = TABLE_ONE,
                                  .opcode = (u8)op,
                                  .reg = 0xff,
                                  .rm = 0xff,
                                  .is64 = is64 && !same,
                                  .no64 = !is64 && !same};
            if (is64 && same)
                continue;
            if (e->kind == ENC_PREFIX && e->op == PFX_X87)
                add_x87(r, (u8)op);
            else
                add_entry(r, row, e);
        }
    add_map(r, TABLE_0F, enc_0f);
    add_map(r, TABLE_38, enc_0f38);
    add_map(r, TABLE_3A, enc_0f3a);
    add_vex_maps(r);
    r->amd = ora_host_amd();
    r->avx = ora_host_avx() != 0;
    return r->row != NULL;
}

void ora_rows_free(struct ora_rows *r)
{
    free(r->row);
    memset(r, 0, sizeof(*r));
}
