/* CPU models, their features by name, and the leaves of CPUID (SDM vol. 2 "CPUID"). */
#include "cpu/sys/cpuid.h"
#include "cpu/sys/kvmclock.h"
#include "devices/core/bits.h"
#include "devices/core/err.h"

#include <stdio.h>
#include <string.h>

static const struct cpu_model models[] = {
#define MODEL(name, vendor, family, model, stepping, phys, brand, feats)                           \
    {name, vendor, family, model, stepping, phys, brand, feats},
#include "cpu/sys/models.def"
#undef MODEL
};

struct feat_row {
    const char *name;
    u32 leaf;
    u8 reg, bit;
};
static const struct feat_row feat_rows[FEAT__COUNT] = {
#define FEAT(id, name, leaf, reg, bit) {name, leaf, reg, bit},
#include "cpu/isa/feat.def"
#undef FEAT
};

const struct cpu_model *cpu_model_at(unsigned i)
{
    return i < ARRAY_LEN(models) ? &models[i] : NULL;
}

const char *cpu_feat_name(enum feat f)
{
    return feat_rows[f].name;
}

/* Does the piece [s, s + n) of text equal `name`? '_' and '-' stand for '.' too, as in "sse4_1". */
static bool same_name(const char *s, size_t n, const char *name)
{
    if (strlen(name) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (s[i] != name[i] && !((s[i] == '_' || s[i] == '-') && name[i] == '.'))
            return false;
    return true;
}

/* Other names that people know features by. */
static const struct {
    const char *name;
    enum feat feat;
} aliases[] = {
    {"pni", FEAT_SSE3},   {"lzcnt", FEAT_ABM}, {"i64", FEAT_LM},  {"xd", FEAT_NX},
    {"sha_ni", FEAT_SHA}, {"sha", FEAT_SHA},   {"cid", FEAT_CX8}, {"cmpxchg16b", FEAT_CX16},
};

/* What a feature rests on: it goes when that goes, and brings it along when it is switched on. */
static const struct {
    enum feat feat, needs;
} rests_on[] = {
    {FEAT_XSAVE, FEAT_FXSR},    {FEAT_XSAVEOPT, FEAT_XSAVE}, {FEAT_XSAVEC, FEAT_XSAVE},
    {FEAT_XGETBV1, FEAT_XSAVE}, {FEAT_AVX, FEAT_XSAVE},      {FEAT_AVX, FEAT_SSE2},
    {FEAT_AVX2, FEAT_AVX},      {FEAT_FMA, FEAT_AVX},        {FEAT_F16C, FEAT_AVX},
};

static u64 with_feat(u64 feats, enum feat f)
{
    feats |= BIT64(f);
    for (unsigned i = 0; i < ARRAY_LEN(rests_on); i++)
        if (rests_on[i].feat == f && !(feats >> rests_on[i].needs & 1))
            feats = with_feat(feats, rests_on[i].needs);
    return feats;
}

static u64 without_feat(u64 feats, enum feat f)
{
    feats &= ~BIT64(f);
    for (unsigned i = 0; i < ARRAY_LEN(rests_on); i++)
        if (rests_on[i].needs == f && feats >> rests_on[i].feat & 1)
            feats = without_feat(feats, rests_on[i].feat);
    return feats;
}

static int find_feat(const char *s, size_t n)
{
    for (int f = 1; f < FEAT__COUNT; f++)
        if (same_name(s, n, feat_rows[f].name))
            return f;
    for (unsigned i = 0; i < ARRAY_LEN(aliases); i++)
        if (same_name(s, n, aliases[i].name))
            return (int)aliases[i].feat;
    return -1;
}

const struct cpu_model *cpu_model_parse(const char *text, u64 *feats, struct err *err)
{
    const struct cpu_model *model = NULL;
    size_t n;
    if (!text || !*text)
        text = CPU_DEFAULT_MODEL;
    n = strcspn(text, ",");
    for (unsigned i = 0; i < ARRAY_LEN(models); i++)
        if (strlen(models[i].name) == n && !memcmp(models[i].name, text, n))
            model = &models[i];
    if (!model) {
        char list[160] = "";
        for (unsigned i = 0; i < ARRAY_LEN(models); i++) {
            strncat(list, i ? ", " : "", sizeof(list) - strlen(list) - 1);
            strncat(list, models[i].name, sizeof(list) - strlen(list) - 1);
        }
        err_set(err, "There is no CPU model \"%.*s\"; choose one of %s.", (int)MIN(n, 40u), text,
                list);
        return NULL;
    }
    *feats = model->feats;
    for (text += n; *text == ','; text += n) {
        bool on = text[1] != '-';
        size_t name;
        int f;
        text += text[1] == '+' || text[1] == '-' ? 2 : 1;
        n = strcspn(text, ",");
        name = strcspn(text, ",=");
        if (name < n) {
            on = n == name + 3 && !memcmp(text + name, "=on", 3);
            if (!on && (n != name + 4 || memcmp(text + name, "=off", 4) != 0))
                name = n; /* neither: no feature is called that */
        }
        f = find_feat(text, name);
        if (f < 0) {
            err_set(err, "There is no CPU feature \"%.*s\" to switch with -cpu.", (int)MIN(n, 40u),
                    text);
            return NULL;
        }
        *feats = on ? with_feat(*feats, (enum feat)f) : without_feat(*feats, (enum feat)f);
    }
    return model;
}

u32 cpuid_signature(const struct cpu_model *model)
{
    u32 family = MIN(model->family, 15u), ext = model->family > 15 ? model->family - 15u : 0;
    return ext << 20 | (model->model >> 4 & 15u) << 16 | family << 8 | (model->model & 15u) << 4 |
           model->stepping;
}

static u32 feat_bits(const struct cpu *cpu, u32 leaf, unsigned reg)
{
    u32 bits = 0;
    for (unsigned f = 1; f < FEAT__COUNT; f++)
        if (cpu_has(cpu, f) && feat_rows[f].leaf == leaf && feat_rows[f].reg == reg)
            bits |= BIT(feat_rows[f].bit);
    return bits;
}

static u32 max_basic(const struct cpu *cpu)
{
    if (cpu_has(cpu, FEAT_TSC_LEAF))
        return 0x16;
    if (cpu_has(cpu, FEAT_XSAVE))
        return 0xd;
    if (feat_bits(cpu, 7, 1) | feat_bits(cpu, 7, 2) | feat_bits(cpu, 7, 3))
        return 7;
    if (cpu_has(cpu, FEAT_MONITOR))
        return 5;
    return cpu->model->family >= 6 ? 2 : 1;
}

static void leaf_1(struct cpu *cpu, u32 out[4])
{
    u64 apic = 0;
    out[0] = cpuid_signature(cpu->model);
    out[1] = cpu->index << 24 | (cpu_has(cpu, FEAT_CLFLUSH) ? 8u << 8 : 0);
    out[2] = feat_bits(cpu, 1, 2);
    out[3] = feat_bits(cpu, 1, 3);
    if (cpu->cr4 & CR4_OSXSAVE)
        out[2] |= BIT(27);
    if (cpu_has(cpu, FEAT_KVMCLOCK)) /* there is a hypervisor, see leaf 0x40000000 */
        out[2] |= BIT(31);
    /* The APIC feature goes away with its global enable. */
    if (cpu->hooks.msr_read && cpu->hooks.msr_read(cpu->hooks.arg, 0x1b, &apic) && !(apic & 0x800))
        out[3] &= ~BIT(9);
}

/* Deterministic caches: 32 KiB L1 data and code, 2 MiB L2, all 8-way with 64-byte lines. */
static void leaf_4(u32 sub, u32 out[4])
{
    static const u32 sets[3] = {64, 64, 4096};
    static const u32 type[3] = {1 | 1 << 5, 2 | 1 << 5, 3 | 2 << 5};
    if (sub >= 3)
        return;
    out[0] = type[sub] | 1u << 8;
    out[1] = 63 | 7u << 22;
    out[2] = sets[sub] - 1;
}

/* The XSAVE area: legacy region and header 576 bytes, then 256 for the halves of YMM registers. */
static void leaf_d(const struct cpu *cpu, u32 sub, u32 out[4])
{
    bool avx = cpu_has(cpu, FEAT_AVX);
    switch (sub) {
    case 0:
        out[0] = avx ? 7 : 3;
        out[1] = cpu->xcr0 & 4 ? 832 : 576;
        out[2] = avx ? 832 : 576;
        break;
    case 1:
        out[0] = feat_bits(cpu, 0xd, 0);
        if (cpu_has(cpu, FEAT_XSAVEC))
            out[1] = cpu->xcr0 & 4 ? 832 : 576;
        break;
    case 2:
        if (avx) {
            out[0] = 256;
            out[1] = 576;
        }
        break;
    }
}

static void leaf_brand(const struct cpu *cpu, u32 leaf, u32 out[4])
{
    char text[48] = "";
    snprintf(text, sizeof(text), "%s", cpu->model->brand);
    for (unsigned i = 0; i < 4; i++)
        out[i] = ld32(text + (leaf - 0x80000002u) * 16 + i * 4);
}

static void leaf_extended(struct cpu *cpu, u32 leaf, u32 out[4])
{
    bool lm = cpu_has(cpu, FEAT_LM);
    switch (leaf) {
    case 0x80000000u:
        if (lm)
            out[0] = 0x80000008u;
        else if (*cpu->model->brand)
            out[0] = 0x80000004u;
        else if (feat_bits(cpu, 0x80000001u, 3))
            out[0] = 0x80000001u;
        break;
    case 0x80000001u:
        out[2] = feat_bits(cpu, leaf, 2);
        out[3] = feat_bits(cpu, leaf, 3);
        /* AMD's copy of leaf 1. */
        if (!strcmp(cpu->model->vendor, "AuthenticAMD")) {
            out[0] = cpuid_signature(cpu->model);
            out[3] |= feat_bits(cpu, 1, 3) & 0x0183f3ff;
        }
        break;
    case 0x80000002u:
    case 0x80000003u:
    case 0x80000004u: leaf_brand(cpu, leaf, out); break;
    case 0x80000005u: /* AMD: 32 KiB of data and of code, 8-way */
        if (!strcmp(cpu->model->vendor, "AuthenticAMD"))
            out[2] = out[3] = 32u << 24 | 8u << 16 | 1u << 8 | 64;
        break;
    case 0x80000006u: /* 2 MiB of L2, 8-way; AMD also has its lines per tag, which Intel reserves */
        out[2] =
            2048u << 16 | 6u << 12 | (u32)!strcmp(cpu->model->vendor, "AuthenticAMD") << 8 | 64;
        break;
    case 0x80000008u: out[0] = cpu->model->phys_bits | 48u << 8; break;
    }
}

void cpuid_query(struct cpu *cpu, u32 leaf, u32 sub, u32 out[4])
{
    u32 max_ext[4] = {0};
    memset(out, 0, 16);
    leaf_extended(cpu, 0x80000000u, max_ext);
    /* A leaf beyond the last gives the data of the last basic one. */
    if (cpu_has(cpu, FEAT_KVMCLOCK) && (leaf == 0x40000000u || leaf == 0x40000001u)) {
        kvmclock_leaf(cpu, leaf, out);
        return;
    }
    if (leaf >= 0x80000000u) {
        if (leaf <= max_ext[0]) {
            leaf_extended(cpu, leaf, out);
            return;
        }
        leaf = max_basic(cpu);
    } else if (leaf > max_basic(cpu)) {
        leaf = max_basic(cpu);
    }
    switch (leaf) {
    case 0:
        out[0] = max_basic(cpu);
        out[1] = ld32(cpu->model->vendor);
        out[3] = ld32(cpu->model->vendor + 4);
        out[2] = ld32(cpu->model->vendor + 8);
        break;
    case 1: leaf_1(cpu, out); break;
    case 2: /* L1 code and data 32 KiB, L2 2 MiB, TLBs of a P6 */ out[0] = 0x2c307d01; break;
    case 4: leaf_4(sub, out); break;
    case 5:
        out[0] = out[1] = 64;
        out[2] = 3;
        break;
    case 7:
        if (!sub) {
            out[1] = feat_bits(cpu, 7, 1);
            out[2] = feat_bits(cpu, 7, 2);
            out[3] = feat_bits(cpu, 7, 3);
        }
        break;
    case 0x15: /* the TSC counts the crystal's clock times 1 / 1 */
        if (cpu_has(cpu, FEAT_TSC_LEAF) && cpu->hooks.crystal_hz) {
            out[0] = out[1] = 1;
            out[2] = cpu->hooks.crystal_hz;
        }
        break;
    case 0x16: /* base and highest frequency in MHz; there is no bus */
        if (cpu_has(cpu, FEAT_TSC_LEAF))
            out[0] = out[1] = cpu->hooks.crystal_hz / 1000000;
        break;
    case 0xd:
        if (cpu_has(cpu, FEAT_XSAVE))
            leaf_d(cpu, sub, out);
        break;
    }
}
