/* SMBIOS 2.8 structures 1, 3, 4, 16, 17, 19, 32, 127; the firmware adds its own type 0 (DSP0134
 * chapter 7). */
#include "devices/board/smbios.h"

#include "devices/board/aml.h"
#include "devices/bus/fwcfg.h"
#include "devices/core/bits.h"

#include <stdio.h>

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

static void system_and_chassis(struct tables *t, const u8 *uuid)
{
    static const char *const sys[] = {"Dragoman", "Standard PC (i440FX + PIIX)", "1"};
    static const char *const chassis[] = {"Dragoman"};
    u8 s[23] = {1, 2, 3, 0}, c[18] = {1, 1, 0, 0, 0, 3, 3, 3, 2};

    if (uuid)
        memcpy(s + 4, uuid, 16);
    s[20] = 6; /* woken by the power switch */
    begin(t, 1, 0x100, s, sizeof s);
    end(t, sys, ARRAY_LEN(sys));
    begin(t, 3, 0x300, c, sizeof c);
    end(t, chassis, ARRAY_LEN(chassis));
}

static void processors(struct tables *t, unsigned cpus)
{
    unsigned i;

    for (i = 0; i < cpus; i++) {
        char socket[16];
        const char *strings[] = {socket, "Dragoman"};
        u8 p[38] = {1, 3, 1, 2};

        snprintf(socket, sizeof socket, "CPU %u", i);
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
        begin(t, 4, (u16)(0x400 + i), p, sizeof p);
        end(t, strings, 2);
    }
}

static void memory(struct tables *t, u64 ram)
{
    static const char *const dimm[] = {"DIMM 0", "Dragoman"};
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
    d[12] = 1;
    d[14] = 7; /* RAM */
    st16(d + 15, 2);
    d[19] = 2;
    st32(d + 24, mib < 0x7fff ? 0 : (u32)mib);
    begin(t, 17, 0x1100, d, sizeof d);
    end(t, dimm, ARRAY_LEN(dimm));

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

    system_and_chassis(&t, cfg->uuid);
    processors(&t, cfg->cpus);
    memory(&t, cfg->ram);
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
