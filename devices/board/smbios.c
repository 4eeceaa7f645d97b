/* SMBIOS 2.8 structures 0 to 4, 11, 16, 17, 19, 32, 127 with the user's texts; the firmware adds a
 * type 0 where none is given (DSP0134 chapter 7). */
#include "devices/board/smbios.h"

#include "devices/board/aml.h"
#include "devices/bus/fwcfg.h"
#include "devices/core/bits.h"

#include <stdio.h>
#include <stdlib.h>

struct tables {
    struct aml b; /* only its byte buffer */
    unsigned count, largest;
    size_t at;
};

enum { ENTRY_LEN = 31 };

static void begin(struct tables *t, u8 type, u16 handle, const u8 *body, u8 len)
{
    u8 head[4] = {type, (u8)(len + 4), (u8)handle, (u8)(handle >> 8)};

    t->at = t->b.len;
    aml_bytes(&t->b, head, 4);
    aml_bytes(&t->b, body, len);
}

/* Strings follow the formatted part; an empty set is two zeros. */
static void end(struct tables *t, const char *const *strings, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++)
        aml_bytes(&t->b, strings[i], strlen(strings[i]) + 1);
    if (!n)
        aml_u8(&t->b, 0);
    aml_u8(&t->b, 0);
    t->count++;
    t->largest = MAX(t->largest, (unsigned)(t->b.len - t->at));
}

/* ---- what the user may say ---- */

/* One text of a structure: its key, and the offset of its string number in the structure. */
struct text_row {
    u8 type;
    const char *key;
    u8 off; /* 0: not a string */
};

static const struct text_row text_rows[] = {
    {0, "vendor", 4},       {0, "version", 5},    {0, "date", 8},
    {0, "release", 0},      {0, "uefi", 0},       {1, "manufacturer", 4},
    {1, "product", 5},      {1, "version", 6},    {1, "serial", 7},
    {1, "uuid", 0},         {1, "sku", 0x19},     {1, "family", 0x1a},
    {2, "manufacturer", 4}, {2, "product", 5},    {2, "version", 6},
    {2, "serial", 7},       {2, "asset", 8},      {2, "location", 0x0a},
    {3, "manufacturer", 4}, {3, "version", 6},    {3, "serial", 7},
    {3, "asset", 8},        {3, "sku", 0x15},     {4, "sock_pfx", 4},
    {4, "manufacturer", 7}, {4, "version", 0x10}, {4, "serial", 0x20},
    {4, "asset", 0x21},     {4, "part", 0x22},    {11, "value", 5},
    {17, "loc_pfx", 0x10},  {17, "bank", 0x11},   {17, "manufacturer", 0x17},
    {17, "serial", 0x18},   {17, "asset", 0x19},  {17, "part", 0x1a},
    {17, "speed", 0},
};

bool smbios_has(unsigned type, const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(text_rows); i++) {
        if (text_rows[i].type == type && (!key || !strcmp(text_rows[i].key, key)))
            return true;
    }
    return false;
}

static const char *given(const struct smbios_config *cfg, u8 type, const char *key)
{
    const char *v = NULL;

    for (unsigned i = 0; i < cfg->ntexts; i++) {
        if (cfg->text[i].type == type && !strcmp(cfg->text[i].key, key))
            v = cfg->text[i].value;
    }
    return v;
}

/* A structure whose strings are the defaults (by row, NULL: none) or what was given instead. `body`
 * lacks the four bytes of the header; `suffix` goes behind the first string of type 4 and 17. */
static void texts(struct tables *t, const struct smbios_config *cfg, u8 type, u16 handle, u8 *body,
                  u8 len, const char *const *defaults, const char *suffix)
{
    const char *strings[8];
    char first[80];
    unsigned n = 0, k = 0;

    for (size_t i = 0; i < ARRAY_LEN(text_rows); i++) {
        const struct text_row *row = &text_rows[i];
        const char *v;

        if (row->type != type || !row->off || row->off - 4u >= len)
            continue;
        v = given(cfg, type, row->key);
        if (!v)
            v = defaults[k];
        k++;
        if (v && suffix && k == 1) {
            snprintf(first, sizeof first, "%.60s%s", v, suffix);
            v = first;
        }
        body[row->off - 4] = 0;
        if (v && *v && n < ARRAY_LEN(strings)) {
            strings[n++] = v;
            body[row->off - 4] = (u8)n;
        }
    }
    begin(t, type, handle, body, len);
    end(t, strings, n);
}

/* The firmware makes its own type 0 unless one is given. */
static void bios(struct tables *t, const struct smbios_config *cfg)
{
    static const char *const defaults[] = {"Dragoman", "1", "01/01/2000"};
    u8 b[20] = {0};
    const char *release = given(cfg, 0, "release"), *uefi = given(cfg, 0, "uefi");
    unsigned major = 0, minor = 0;
    bool any = false;

    for (unsigned i = 0; i < cfg->ntexts; i++)
        any |= cfg->text[i].type == 0;
    if (!any)
        return;
    st16(b + 2, 0xe800); /* segment of the runtime code */
    b[6] = 8;            /* characteristics: none told */
    b[15] =
        uefi && !strcmp(uefi, "on") ? 0x1c : 0x14; /* distribution of content, virtual machine */
    b[16] = b[17] = b[18] = b[19] = 0xff;
    if (release && sscanf(release, "%3u.%3u", &major, &minor) == 2) {
        b[16] = (u8)major;
        b[17] = (u8)minor;
    }
    texts(t, cfg, 0, 0, b, sizeof b, defaults, NULL);
}

static void system_and_chassis(struct tables *t, const struct smbios_config *cfg)
{
    static const char *const sys[] = {"Dragoman", "Standard PC (i440FX + PIIX)", "1", NULL, NULL,
                                      NULL};
    static const char *const board[6] = {"Dragoman", "Standard PC (i440FX + PIIX)"};
    static const char *const chassis[5] = {"Dragoman"};
    u8 s[23] = {0}, c[18] = {0, 1, 0, 0, 0, 3, 3, 3, 2}, b[11] = {0};
    bool has_board = false;

    if (cfg->uuid)
        memcpy(s + 4, cfg->uuid, 16);
    s[20] = 6; /* woken by the power switch */
    texts(t, cfg, 1, 0x100, s, sizeof s, sys, NULL);
    for (unsigned i = 0; i < cfg->ntexts; i++)
        has_board |= cfg->text[i].type == 2;
    if (has_board) {
        b[5] = 1; /* hosts the others */
        st16(b + 7, 0x300);
        b[9] = 10; /* a motherboard */
        texts(t, cfg, 2, 0x200, b, sizeof b, board, NULL);
    }
    texts(t, cfg, 3, 0x300, c, sizeof c, chassis, NULL);
}

/* Type 11: free strings, in the order given. */
static void oem_strings(struct tables *t, const struct smbios_config *cfg)
{
    const char *strings[SMBIOS_TEXTS];
    u8 n = 0;

    for (unsigned i = 0; i < cfg->ntexts && n < SMBIOS_TEXTS; i++) {
        if (cfg->text[i].type == 11)
            strings[n++] = cfg->text[i].value;
    }
    if (!n)
        return;
    begin(t, 11, 0xe00, &n, 1);
    end(t, strings, n);
}

static void processors(struct tables *t, const struct smbios_config *cfg)
{
    static const char *const defaults[6] = {"CPU ", "Dragoman"};
    unsigned i;

    for (i = 0; i < cfg->cpus; i++) {
        char number[16];
        u8 p[38] = {0, 3, 1, 0};

        snprintf(number, sizeof number, "%u", i);
        st16(p + 16, 2000);
        st16(p + 14, 0);
        p[20] = 0x41; /* enabled, socket populated */
        p[21] = 1;
        st16(p + 22, 0xffff);
        st16(p + 24, 0xffff);
        st16(p + 26, 0xffff);
        p[31] = p[32] = p[33] = 1;
        st16(p + 34, 2);
        st16(p + 36, 1);
        texts(t, cfg, 4, (u16)(0x400 + i), p, sizeof p, defaults, number);
    }
}

static void memory(struct tables *t, const struct smbios_config *cfg)
{
    static const char *const dimm[6] = {"DIMM ", NULL, "Dragoman"};
    const char *speed = given(cfg, 17, "speed");
    u64 ram = cfg->ram;
    u8 a[19] = {1, 3, 6}, d[36] = {0}, m[27] = {0};
    u64 mib = ram / MIB;

    st32(a + 3, (u32)MIN(ram / KIB, 0x7fffffffull));
    st16(a + 7, 0xfffe);
    st16(a + 9, 1);
    begin(t, 16, 0x1000, a, sizeof a);
    end(t, NULL, 0);

    st16(d + 0, 0x1000);
    st16(d + 2, 0xfffe);
    st16(d + 4, 0xffff);
    st16(d + 6, 0xffff);
    st16(d + 8, mib < 0x7fff ? (u16)mib : 0x7fff);
    d[10] = 9; /* DIMM */
    d[14] = 7; /* RAM */
    st16(d + 15, 2);
    if (speed)
        st16(d + 17, (u16)MIN(strtoul(speed, NULL, 10), 0xfffeul));
    st32(d + 24, mib < 0x7fff ? 0 : (u32)mib);
    texts(t, cfg, 17, 0x1100, d, sizeof d, dimm, "0");

    st32(m + 4, (u32)MIN(ram / KIB - 1, 0xfffffffeull));
    st16(m + 8, 0x1000);
    m[10] = 1;
    begin(t, 19, 0x1300, m, sizeof m);
    end(t, NULL, 0);
}

void smbios_build(const struct smbios_config *cfg, struct dev *fwcfg)
{
    static const u8 boot[7] = {0};
    struct tables t = {.b = {0}};
    u8 e[ENTRY_LEN] = {'_', 'S', 'M', '_', 0, ENTRY_LEN, 2, 8};

    bios(&t, cfg);
    system_and_chassis(&t, cfg);
    processors(&t, cfg);
    oem_strings(&t, cfg);
    memory(&t, cfg);
    begin(&t, 32, 0x2000, boot, sizeof boot);
    end(&t, NULL, 0);
    begin(&t, 127, 0x7f00, NULL, 0);
    end(&t, NULL, 0);

    /* Address and checksums are the firmware's to fill in, when it has placed the tables. */
    st16(e + 8, (u16)t.largest);
    memcpy(e + 16, "_DMI_", 5);
    st16(e + 22, (u16)t.b.len);
    st16(e + 28, (u16)t.count);
    e[30] = 0x28;
    fwcfg_file(fwcfg, "etc/smbios/smbios-tables", t.b.data, t.b.len, true);
    fwcfg_file(fwcfg, "etc/smbios/smbios-anchor", e, sizeof e, true);
    aml_free(&t.b);
}
