/* The encoding tables, expanded from the rows of enc_*.def (SDM vol. 2 app. A). */
#include "cpu/isa/enc.h"

/* Places in a table that a column of the rows stands for; ranges are GNU C designators. */
#define MODE_any  0 ... 1
#define MODE_i64  0
#define MODE_o64  1
#define MAND_np   ENC_NP
#define MAND_66   ENC_66
#define MAND_F3   ENC_F3
#define MAND_F2   ENC_F2
#define MAND_np66 ENC_NP... ENC_66
#define MAND_any  ENC_NP... ENC_F2
#define FORM_any  0 ... 1
#define FORM_mem  0
#define FORM_reg  1

#define OPERATION(id, a, b, c, flags, feat)                                                        \
    {                                                                                              \
        OP_##id, ENC_OP, flags, FEAT_##feat,                                                       \
        {                                                                                          \
            AM_##a, AM_##b, AM_##c                                                                 \
        }                                                                                          \
    }
#define GROUP(group, a, b)                                                                         \
    {                                                                                              \
        GRP_##group, ENC_GROUP, 0, FEAT_BASE,                                                      \
        {                                                                                          \
            AM_##a, AM_##b, AM___                                                                  \
        }                                                                                          \
    }
#define PREFIX(prefix)                                                                             \
    {                                                                                              \
        PFX_##prefix, ENC_PREFIX, 0, FEAT_BASE,                                                    \
        {                                                                                          \
            AM___, AM___, AM___                                                                    \
        }                                                                                          \
    }

#define E(mode, opcode, id, a, b, c, flags, feat)                                                  \
    [MODE_##mode][opcode] = OPERATION(id, a, b, c, flags, feat),
#define G(mode, opcode, group, a, b) [MODE_##mode][opcode] = GROUP(group, a, b),
#define P(mode, opcode, prefix)      [MODE_##mode][opcode] = PREFIX(prefix),
const struct enc enc_one[2][256] = {
#include "cpu/isa/enc_one.def"
};
#undef E
#undef G
#undef P

#define E(mand, opcode, id, a, b, c, flags, feat)                                                  \
    [MAND_##mand][opcode] = OPERATION(id, a, b, c, flags, feat),
#define G(mand, opcode, group, a, b) [MAND_##mand][opcode] = GROUP(group, a, b),
#define P(mand, opcode, prefix)      [MAND_##mand][opcode] = PREFIX(prefix),
const struct enc enc_0f[4][256] = {
#include "cpu/isa/enc_0f.def"
};
const struct enc enc_0f38[4][256] = {
#include "cpu/isa/enc_0f38.def"
};
const struct enc enc_0f3a[4][256] = {
#include "cpu/isa/enc_0f3a.def"
};
#undef E
#undef G
#undef P

#define R(group, form, reg, id, a, b, flags, feat)                                                 \
    [GRP_##group][FORM_##form][reg] = OPERATION(id, a, b, __, flags, feat),
#define P(group, form, reg, prefix) [GRP_##group][FORM_##form][reg] = PREFIX(prefix),
#define N(group, form, reg, table)                                                                 \
    [GRP_##group][FORM_##form][reg] = {RMT_##table, ENC_RM, 0, FEAT_BASE, {AM___, AM___, AM___}},
#define T(table, rm, id)
const struct enc enc_group[GRP__COUNT][2][8] = {
#include "cpu/isa/enc_group.def"
};
#undef R
#undef P
#undef N
#undef T

#define R(group, form, reg, id, a, b, flags, feat)
#define P(group, form, reg, prefix)
#define N(group, form, reg, table)
#define T(table, rm, id) [RMT_##table][rm] = OPERATION(id, __, __, __, EF_##id, BASE),
#define EF_MONITOR       0
#define EF_MWAIT         0
#define EF_XGETBV        EF_CHECK
#define EF_XSETBV        EF_CHECK
#define EF_SWAPGS        0
#define EF_RDTSCP        0
const struct enc enc_rm[RMT__COUNT][8] = {
#include "cpu/isa/enc_group.def"
};
#undef R
#undef P
#undef N
#undef T

#define M(escape, reg, id, a) [escape & 7][reg] = OPERATION(id, a, __, __, 0, BASE),
#define S(escape, reg, rm, id, a, b, flags, feat)
const struct enc enc_x87_mem[8][8] = {
#include "cpu/isa/enc_x87.def"
};
#undef M
#undef S

#define M(escape, reg, id, a)
#define S(escape, reg, rm, id, a, b, flags, feat)                                                  \
    [escape & 7][reg][rm] = OPERATION(id, a, b, __, flags, feat),
const struct enc enc_x87_reg[8][8][8] = {
#include "cpu/isa/enc_x87.def"
};
#undef M
#undef S

/* ---- VEX ---- */
#define VMAP_0f 0
#define VMAP_38 1
#define VMAP_3a 2
#define VW_any  0 ... 1
#define VW_0    0
#define VW_1    1

#define VROW(id, kind, len, a, b, c, d, flags, feat)                                               \
    {                                                                                              \
        id, kind, flags, VL_##len, FEAT_##feat,                                                    \
        {                                                                                          \
            AM_##a, AM_##b, AM_##c, AM_##d                                                         \
        }                                                                                          \
    }
#define V(map, mand, w, opcode, id, len, a, b, c, d, flags, feat)                                  \
    [VMAP_##map][MAND_##mand][VW_##w][opcode] =                                                    \
        VROW(OP_##id, ENC_OP, len, a, b, c, d, flags, feat),
#define VG(map, mand, w, opcode, group)                                                            \
    [VMAP_##map][MAND_##mand][VW_##w][opcode] =                                                    \
        VROW(VG_##group, ENC_GROUP, lig, __, __, __, __, 0, BASE),
#define VR(group, form, reg, id, len, a, b, c, feat)
const struct enc_vex enc_vex[3][4][2][256] = {
#include "cpu/isa/enc_vex.def"
};
#undef V
#undef VG
#undef VR

#define V(map, mand, w, opcode, id, len, a, b, c, d, flags, feat)
#define VG(map, mand, w, opcode, group)
#define VR(group, form, reg, id, len, a, b, c, feat)                                               \
    [VG_##group][FORM_##form][reg] = VROW(OP_##id, ENC_OP, len, a, b, c, __, 0, feat),
const struct enc_vex enc_vex_group[VG__COUNT][2][8] = {
#include "cpu/isa/enc_vex.def"
};
#undef V
#undef VG
#undef VR

const struct am_info am_info[] = {
#define AM(letters, cls, size, size2) [AM_##letters] = {AMC_##cls, SZ_##size, SZ_##size2},
#include "cpu/isa/enc_am.def"
#undef AM
};

const u8 enc_size[][3] = {
    [SZ_b] = {1, 1, 1},     [SZ_w] = {2, 2, 2},    [SZ_d] = {4, 4, 4},  [SZ_q] = {8, 8, 8},
    [SZ_dq] = {16, 16, 16}, [SZ_t] = {10, 10, 10}, [SZ_v] = {2, 4, 8},  [SZ_z] = {2, 4, 4},
    [SZ_y] = {4, 4, 8},     [SZ_p] = {4, 6, 10},   [SZ_a] = {4, 8, 16}, [SZ_s] = {6, 6, 10},
    [SZ_x] = {8, 8, 16},    [SZ_n] = {0, 0, 0},    [SZ_Xdup] = {0, 0, 0}, /* VEX: see vex.c */
};
