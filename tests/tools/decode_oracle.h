/* The decoder compared with Capstone 4.0.2: one encoding at a time, differences explained by named
 * rows.
 *
 * Capstone is wrong or wider in known places; each has a row below with its reason. A difference
 * that no row explains is a failure. Rows count their hits, so that one that explains nothing shows
 * up in the full sweep. */
#ifndef TESTS_TOOLS_DECODE_ORACLE_H
#define TESTS_TOOLS_DECODE_ORACLE_H

#include "cpu/isa/isa.h"

#include <capstone/capstone.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORACLE_PC 0x1000

enum { MAP_ONE, MAP_0F, MAP_0F38, MAP_0F3A, MAP__COUNT };

/* One encoding and what both decoders make of it. */
struct oracle_case {
    unsigned bits, map;
    u8 b[32];
    u8 opcode, modrm, rex, rep, seg; /* rep, seg: the prefix byte or 0 */
    bool osz, lock;
    bool vex, w; /* made by oracle_make_vex */
    enum dec_result result;
    struct insn in;
    bool accepted; /* by Capstone */
    unsigned len;
    char text[160], name[40], theirs[240];
};

struct oracle_row {
    const char *name, *reason;
    bool (*explains)(const struct oracle_case *);
    bool length; /* also when both accept with different lengths */
    bool vex;    /* for VEX encodings, and for nothing else */
};

static inline bool oracle_has_prefix(const struct oracle_case *c)
{
    return c->osz || c->rep;
}

static inline bool oracle_register_form(const struct oracle_case *c)
{
    return c->modrm >= 0xc0;
}

/* Whether `name` is one of the words of `list` (separated by blanks; a word ending in * is a
 * prefix). */
static inline bool oracle_listed(const char *name, const char *list)
{
    size_t n = strlen(name);

    while (*list) {
        size_t len = strcspn(list, " ");

        if (len && list[len - 1] == '*' && !strncmp(name, list, len - 1))
            return true;
        if (len == n && !strncmp(name, list, len))
            return true;
        list += len;
        list += strspn(list, " ");
    }
    return false;
}

/* ---- We say #UD, Capstone accepts ---- */

static inline bool only_theirs(const struct oracle_case *c)
{
    return c->result == DEC_UD && c->accepted;
}

static inline bool row_lock(const struct oracle_case *c)
{
    return only_theirs(c) && c->lock;
}

static inline bool row_vex(const struct oracle_case *c)
{
    return only_theirs(c) && c->map == MAP_ONE &&
           (c->opcode == 0xc4 || c->opcode == 0xc5 || c->opcode == 0x62 || c->opcode == 0x8f);
}

static inline bool row_3dnow(const struct oracle_case *c)
{
    return only_theirs(c) && c->map == MAP_0F && (c->opcode == 0x0e || c->opcode == 0x0f);
}

static inline bool row_absent(const struct oracle_case *c)
{
    static const char *const extensions[] = {
        "xabort xbegin xend xtest",                                      /* TSX */
        "clac stac",                                                     /* SMAP */
        "getsec encls enclu",                                            /* SMX, SGX */
        "vmcall vmfunc vmlaunch vmresume vmxoff vmread vmwrite vmclear", /* VMX */
        "vmptrld vmptrst vmxon invept invvpid",                          /* VMX */
        "vmload vmmcall vmrun vmsave clgi stgi skinit invlpga",          /* SVM */
        "montmul xsha1 xsha256 xcrypt* xstorerng xstore",                /* PadLock */
        "extrq insertq movntss movntsd",                                 /* SSE4a */
        "pcommit invpcid xsaves* xrstors*",                              /* later additions */
    };
    size_t i;

    if (!only_theirs(c))
        return false;
    for (i = 0; i < ARRAY_LEN(extensions); i++) {
        if (oracle_listed(c->name, extensions[i]))
            return true;
    }
    return false;
}

/* True when Capstone's text is that of the same bytes without F2 and F3, or also without 66. */
static inline bool row_reserved_prefix(const struct oracle_case *c)
{
    unsigned drop_osz;

    if (!only_theirs(c) || c->map == MAP_ONE || !oracle_has_prefix(c))
        return false;
    for (drop_osz = 0; drop_osz < 2; drop_osz++) {
        u8 b[sizeof(c->b)] = {0};
        char text[160];
        struct insn in;
        size_t i = 0, n = 0;

        for (; c->b[i] != 0x0f; i++) {
            if (c->b[i] != 0xf2 && c->b[i] != 0xf3 && !(drop_osz && c->b[i] == 0x66))
                b[n++] = c->b[i];
        }
        memcpy(b + n, c->b + i, sizeof(b) - i);
        if (decode(&in, b, 15, c->bits, ~0ull) != DEC_OK)
            continue;
        disasm(text, sizeof(text), &in, ORACLE_PC);
        if (!strncmp(text, c->name, strlen(c->name)))
            return true;
    }
    return false;
}

static inline bool row_younger(const struct oracle_case *c)
{
    return c->in.op == OP_RDPID;
}

static inline bool row_mov_cs(const struct oracle_case *c)
{
    return only_theirs(c) && c->map == MAP_ONE && c->opcode == 0x8e &&
           (c->modrm >> 3 & 7) == SEG_CS;
}

static inline bool row_absent_register(const struct oracle_case *c)
{
    return only_theirs(c) && c->map == MAP_0F && c->opcode >= 0x20 && c->opcode <= 0x23;
}

static inline bool row_only64(const struct oracle_case *c)
{
    return only_theirs(c) && c->bits != 64 && oracle_listed(c->name, "swapgs");
}

/* ---- We accept, Capstone does not ---- */

static inline bool only_ours(const struct oracle_case *c)
{
    return c->result == DEC_OK && !c->accepted;
}

static inline bool row_hints(const struct oracle_case *c)
{
    return c->result == DEC_OK && c->map == MAP_0F &&
           (c->in.op == OP_NOP || c->in.op == OP_PREFETCH);
}

static inline bool row_fences(const struct oracle_case *c)
{
    return only_ours(c) &&
           (c->in.op == OP_LFENCE || c->in.op == OP_MFENCE || c->in.op == OP_SFENCE);
}

static inline bool row_rex_sreg(const struct oracle_case *c)
{
    return only_ours(c) && c->in.op == OP_MOVSEG && c->rex & 4;
}

static inline bool row_ud(const struct oracle_case *c)
{
    return c->result == DEC_OK && c->in.op == OP_UD;
}

/* ---- Both accept, length or text differ; or Capstone misreads the prefixes ---- */

static inline bool row_prefix16(const struct oracle_case *c)
{
    return c->bits == 16 && c->map != MAP_ONE && oracle_has_prefix(c) &&
           (op_info[c->in.op].attrs & (OPA_MMX | OPA_SSE) || c->in.op == OP_POPCNT ||
            c->in.op == OP_TZCNT || c->in.op == OP_LZCNT || c->in.op == OP_CRC32 ||
            c->in.op == OP_ADCX || c->in.op == OP_ADOX || c->in.op == OP_CLWB ||
            c->in.op == OP_CLFLUSHOPT);
}

static inline bool row_two_prefixes(const struct oracle_case *c)
{
    return c->map != MAP_ONE && c->osz && c->rep;
}

static inline bool row_near_branch(const struct oracle_case *c)
{
    return c->bits == 64 && c->osz && c->in.o[0].size == 8 && op_info[c->in.op].attrs & OPA_JUMP;
}

static inline bool row_osz_rexw(const struct oracle_case *c)
{
    return c->bits == 64 && c->osz && c->rex & 8 && c->map != MAP_0F38;
}

static inline bool row_sext16(const struct oracle_case *c)
{
    return c->bits == 16 && (c->in.op == OP_CBW || c->in.op == OP_CWD);
}

static inline bool row_pause16(const struct oracle_case *c)
{
    return c->bits == 16 && c->in.op == OP_PAUSE;
}

static inline bool row_segment64(const struct oracle_case *c)
{
    return c->bits == 64 && c->seg && c->seg != 0x64 && c->seg != 0x65;
}

static inline bool row_hint_prefix(const struct oracle_case *c)
{
    return c->rep && (!strncmp(c->theirs, "bnd ", 4) || !strncmp(c->theirs, "xacquire ", 9) ||
                      !strncmp(c->theirs, "xrelease ", 9) || !strncmp(c->theirs, "repne ", 6) ||
                      !strncmp(c->theirs, "rep ", 4) || !strncmp(c->theirs, "repe ", 5));
}

static inline bool row_movsd_repne(const struct oracle_case *c)
{
    return c->in.op == OP_MOVS && c->rep == REP_NE && !strncmp(c->theirs, "movs", 4);
}

static inline bool row_movsxd(const struct oracle_case *c)
{
    return c->in.op == OP_MOVSXD;
}

static inline bool row_selector_size(const struct oracle_case *c)
{
    return oracle_register_form(c) &&
           (c->in.op == OP_MOVSEG || c->in.op == OP_LAR || c->in.op == OP_LSL);
}

static inline bool row_sal(const struct oracle_case *c)
{
    return c->in.op == OP_SHL && !strncmp(c->name, "sal", 3);
}

static inline bool row_x87_alias(const struct oracle_case *c)
{
    return op_info[c->in.op].attrs & OPA_X87 && c->map == MAP_ONE && oracle_register_form(c) &&
           oracle_listed(c->name, "fcom fcomp fxch fstp fstpnce feni8087_nop fdisi8087_nop fsetpm");
}

static inline bool row_state_size(const struct oracle_case *c)
{
    return c->in.op == OP_FNSAVE || c->in.op == OP_FRSTOR || c->in.op == OP_FXSAVE ||
           c->in.op == OP_FXRSTOR;
}

static inline bool row_source_size(const struct oracle_case *c)
{
    return !oracle_register_form(c) &&
           (c->in.op == OP_COMISS || c->in.op == OP_COMISD || c->in.op == OP_PUNPCKLBW ||
            c->in.op == OP_PUNPCKLWD || c->in.op == OP_PUNPCKLDQ || c->in.op == OP_LSL ||
            c->in.op == OP_FNSTSW);
}

static inline bool row_jcxz(const struct oracle_case *c)
{
    return c->in.op == OP_JCXZ && c->osz;
}

static inline bool row_fadd_st0(const struct oracle_case *c)
{
    return c->map == MAP_ONE && c->opcode == 0xdc && oracle_register_form(c) && !(c->modrm & 7);
}

static inline bool row_movd_rexw(const struct oracle_case *c)
{
    return c->in.op == OP_MOVQ && !strcmp(c->name, "movd");
}

static inline bool row_absolute(const struct oracle_case *c)
{
    return c->bits == 64 && c->in.base == REG_NONE && c->in.index == REG_NONE &&
           !oracle_register_form(c);
}

/* ---- VEX ---- */

static inline bool row_mask_register(const struct oracle_case *c)
{
    return only_theirs(c) && c->name[0] == 'k';
}

static inline bool row_fma4(const struct oracle_case *c)
{
    return only_theirs(c) && c->map == MAP_0F3A &&
           ((c->opcode & 0xfe) == 0x48 || (c->opcode & 0xfc) == 0x5c || c->opcode >> 4 == 7 ||
            (c->opcode & 0xf8) == 0x68);
}

static inline bool row_gather_overlap(const struct oracle_case *c)
{
    return only_theirs(c) && strstr(c->name, "gather");
}

static inline bool row_vex_w(const struct oracle_case *c)
{
    return only_theirs(c) && c->w;
}

static inline bool row_broadcast_i128(const struct oracle_case *c)
{
    return only_ours(c) && c->in.op == OP_VBROADCASTI128;
}

static inline bool row_vcomis(const struct oracle_case *c)
{
    return c->in.op == OP_VCOMISS || c->in.op == OP_VCOMISD;
}

static inline bool row_x_suffix(const struct oracle_case *c)
{
    return c->accepted && c->result == DEC_OK &&
           (c->in.op == OP_VCVTPD2PS || c->in.op == OP_VCVTPD2DQ || c->in.op == OP_VCVTTPD2DQ);
}

static const struct oracle_row oracle_rows[] = {
    {"lock", "LOCK on what cannot be locked is #UD", row_lock, false},
    {"vex", "EVEX, XOP and the mask registers of AVX-512 are not there", row_vex, false},
    {"3dnow", "AMD's 3DNow! is not there", row_3dnow, false},
    {"absent", "extensions that are not there", row_absent, false},
    {"reserved-prefix", "Capstone drops a mandatory prefix that makes no encoding; the SDM has #UD",
     row_reserved_prefix, false},
    {"younger", "encodings that Capstone does not know yet", row_younger, false},
    {"mov-cs", "CS cannot be loaded by MOV", row_mov_cs, false},
    {"absent-register", "CR1, CR5-7, CR9-15 and DR8-15 are #UD", row_absent_register, false},
    {"only64", "SWAPGS outside of 64-bit code is nobody's", row_only64, false},
    {"hints", "0F 0D and 0F 18-1F are NOPs in all their forms", row_hints, false},
    {"fences", "ModRM.rm of the fences is ignored", row_fences, false},
    {"rex-sreg", "REX.R does not extend a segment register number", row_rex_sreg, false},
    {"ud", "UD0 and UD1 have a ModRM byte (SDM); Capstone stops before it", row_ud, true},
    {"prefix16", "Capstone ignores mandatory prefixes in 16-bit code", row_prefix16, false},
    {"two-prefixes", "F2 and F3 win over 66 (SDM 2.1.1 footnote); Capstone the other way round",
     row_two_prefixes, false},
    {"near-branch", "66 on a near branch in 64-bit code is ignored on Intel", row_near_branch,
     true},
    {"osz-rexw", "REX.W wins over 66; not always in Capstone", row_osz_rexw, true},
    {"sext16", "98 and 99 are CBW and CWD in 16-bit code", row_sext16, false},
    {"pause16", "F3 90 is PAUSE in 16-bit code too", row_pause16, false},
    {"segment64", "ES, CS, SS, DS overrides have no effect in 64-bit code", row_segment64, false},
    {"hint-prefix", "BND, XACQUIRE, XRELEASE and meaningless REP are not kept", row_hint_prefix,
     false},
    {"movs-repne", "Capstone takes F2 A5 for the SSE2 mnemonic", row_movsd_repne, false},
    {"movsxd", "MOVSXD without REX.W has a 32- or 16-bit destination", row_movsxd, false},
    {"selector-size", "a selector in a register is 16 bits of it", row_selector_size, false},
    {"sal", "C0 /6 is SHL by another number", row_sal, false},
    {"x87-alias", "second encodings of FCOM, FCOMP, FXCH, FSTP, and the 8087's FENI", row_x87_alias,
     false},
    {"state-size", "the size of an x87 image depends on the mode", row_state_size, false},
    {"source-size", "sources of SDM size m16, m32, m64 that Capstone takes for wider or narrower",
     row_source_size, false},
    {"jcxz", "the address size chooses the counter, not 66", row_jcxz, false},
    {"fadd-st0", "DC C0 and D8 C0 do the same and are written alike", row_fadd_st0, false},
    {"movd-rexw", "with REX.W MOVD is MOVQ", row_movd_rexw, false},
    {"absolute", "Capstone cuts absolute addresses to the operand size", row_absolute, false},
    {"mask-register", "the mask registers of AVX-512 are not there", row_mask_register, false,
     true},
    {"fma4", "AMD's four-operand forms are not there", row_fma4, false, true},
    {"gather-overlap", "mask, index and destination of a gather must differ", row_gather_overlap,
     false, true},
    {"vex-w", "VEX.W must be 0 where the SDM says W0; outside of 64-bit code for VPEXTRQ, VPINSRQ",
     row_vex_w, false, true},
    {"vbroadcasti128", "Capstone does not know it", row_broadcast_i128, false, true},
    {"vcomis", "sources of m32 and m64 that Capstone takes for wider", row_vcomis, false, true},
    {"x-suffix", "Capstone tells the size of a memory source by a suffix as well", row_x_suffix,
     false, true},
};

/* Compares two texts; numbers are equal when their low 16 bits are, since the oracle writes some
 * truncated, or the low 8 bits where it took one for negative. */
static inline bool oracle_same_text(const char *a, const char *b)
{
    if (!strncmp(b, "movabs ", 7) && !strncmp(a, "mov ", 4)) {
        a += 4;
        b += 7;
    }
    for (;;) {
        bool number_a = isdigit((unsigned char)*a) || (*a == '-' && isdigit((unsigned char)a[1]));
        bool number_b = isdigit((unsigned char)*b) || (*b == '-' && isdigit((unsigned char)b[1]));

        if (number_a && number_b) {
            char *end_a, *end_b;
            u64 va = *a == '-' ? -strtoull(a + 1, &end_a, 0) : strtoull(a, &end_a, 0);
            u64 vb = *b == '-' ? -strtoull(b + 1, &end_b, 0) : strtoull(b, &end_b, 0);

            if ((va ^ vb) & (*a == '-' || *b == '-' ? 0xff : 0xffff))
                return false;
            a = end_a;
            b = end_b;
        } else if (*a != *b) {
            return false;
        } else if (!*a) {
            return true;
        } else {
            a++;
            b++;
        }
    }
}

static inline bool oracle_agree(const struct oracle_case *c)
{
    if (c->result != DEC_OK || !c->accepted)
        return c->result != DEC_OK && !c->accepted;
    return c->in.len == c->len && oracle_same_text(c->text, c->theirs);
}

enum { ORACLE_AGREE = -1, ORACLE_UNEXPLAINED = -2 };

/* Runs both decoders on c->b. Returns ORACLE_AGREE, the index of the row that explains the
 * difference, or ORACLE_UNEXPLAINED. */
static inline int oracle_compare(csh handle, struct oracle_case *c)
{
    cs_insn *insn = NULL;
    size_t i;

    c->result = decode(&c->in, c->b, 15, c->bits, ~0ull);
    c->text[0] = c->theirs[0] = c->name[0] = 0;
    if (c->result == DEC_OK)
        disasm(c->text, sizeof(c->text), &c->in, ORACLE_PC);
    c->accepted = cs_disasm(handle, c->b, 15, ORACLE_PC, 1, &insn) == 1;
    if (c->accepted) {
        c->len = insn->size;
        snprintf(c->name, sizeof(c->name), "%s", insn->mnemonic);
        snprintf(c->theirs, sizeof(c->theirs), "%s%s%s", insn->mnemonic, *insn->op_str ? " " : "",
                 insn->op_str);
        cs_free(insn, 1);
    }
    if (oracle_agree(c))
        return ORACLE_AGREE;
    for (i = 0; i < ARRAY_LEN(oracle_rows); i++) {
        if (c->vex != oracle_rows[i].vex)
            continue;
        if (c->result == DEC_OK && c->accepted && c->in.len != c->len && !oracle_rows[i].length)
            continue;
        if (oracle_rows[i].explains(c))
            return i;
    }
    return ORACLE_UNEXPLAINED;
}

/* Prefix sequences of the sweep. */
static const struct oracle_prefix {
    const char *bytes;
    bool only64, often; /* often: also in the short sweep of the unit test */
} oracle_prefixes[] = {
    {"", false, true},          {"\x66", false, true},
    {"\xf2", false, true},      {"\xf3", false, true},
    {"\xf0", false, true},      {"\x48", true, true},
    {"\x67", false, false},     {"\x41", true, false},
    {"\x66\x48", true, false},  {"\xf2\x66", false, false},
    {"\xf3\xf2", false, false}, {"\x4f", true, false},
    {"\x2e", false, false},     {"\x64", false, true},
    {"\xf0\x66", false, false}, {"\x66\xf3\x4f", true, false},
    {"\x48\x66", true, false},  {"\x67\x66", false, false},
    {"\x36\x65", false, false}, {"\x44", true, false},
};

/* Whether `opcode` of the one-byte map is a prefix or escape in `bits` code: swept as such, not as
 * an opcode. */
static inline bool oracle_is_prefix(unsigned opcode, unsigned bits)
{
    static const u8 prefixes[] = {0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64,
                                  0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};

    return memchr(prefixes, (int)opcode, sizeof(prefixes)) ||
           (bits == 64 && (opcode & 0xf0) == 0x40);
}

/* Makes the case: prefixes, escape, opcode, ModRM and pseudo-random bytes behind. */
static inline void oracle_make(struct oracle_case *c, unsigned bits, const char *prefix,
                               unsigned map, unsigned opcode, unsigned modrm)
{
    static const char *const escapes[MAP__COUNT] = {"", "\x0f", "\x0f\x38", "\x0f\x3a"};
    u32 noise = (opcode * 31 + modrm * 1337 + map * 7) * 2654435761u;
    size_t n = strlen(prefix), i;

    memset(c, 0, sizeof(*c));
    c->bits = bits;
    c->map = map;
    c->opcode = opcode;
    c->modrm = modrm;
    for (i = 0; i < n; i++) {
        u8 b = prefix[i];

        c->b[i] = b;
        c->rex = 0;
        if (b == 0x66)
            c->osz = true;
        else if (b == 0xf0)
            c->lock = true;
        else if (b == 0xf2 || b == 0xf3)
            c->rep = b;
        else if ((b & 0xf0) == 0x40)
            c->rex = b;
        else if (b != 0x67)
            c->seg = b;
    }
    memcpy(c->b + n, escapes[map], strlen(escapes[map]));
    n += strlen(escapes[map]);
    c->b[n++] = opcode;
    c->b[n++] = modrm;
    for (; n < sizeof(c->b); n++) {
        noise = noise * 1664525 + 1013904223;
        c->b[n] = noise >> 24;
    }
}

/* Number of VEX prefixes, and of ModRM bytes that the sweeps put behind each opcode. */
enum { ORACLE_VEX_PREFIXES = 3 * 4 * 2 * 2 * 2, ORACLE_VEX_MODRM = 20, ORACLE_VEX_FEW = 4 };

/* Makes the case of VEX prefix number `prefix` (map, mandatory prefix, W, L, free or used vvvv). */
static inline void oracle_make_vex(struct oracle_case *c, unsigned bits, unsigned prefix,
                                   unsigned opcode, unsigned which)
{
    static const u8 modrms[ORACLE_VEX_MODRM] = {0xc1, 0x44, 0x0c, 0xff, 0xc9, 0xd1, 0xd9,
                                                0xe1, 0xe9, 0xf1, 0xf9, 0x4c, 0x54, 0x5c,
                                                0x64, 0x6c, 0x74, 0x7c, 0x05, 0x80};
    u32 noise = (opcode * 31 + which * 1337 + prefix * 7) * 2654435761u;
    bool w = prefix >> 1 & 1, l = prefix & 1, used = prefix >> 2 & 1;
    unsigned pp = prefix >> 3 & 3, map = (prefix >> 5) % 3 + 1;

    memset(c, 0, sizeof(*c));
    c->bits = bits;
    c->vex = true;
    c->w = w;
    c->map = MAP_0F + map - 1;
    c->opcode = opcode;
    c->modrm = modrms[which % ORACLE_VEX_MODRM];
    c->b[0] = 0xc4;
    c->b[1] = 0xe0 | map;
    c->b[2] = w << 7 | (used ? 13 : 15) << 3 | l << 2 | pp;
    c->b[3] = opcode;
    c->b[4] = c->modrm;
    for (unsigned n = 5; n < sizeof(c->b); n++) {
        noise = noise * 1664525 + 1013904223;
        c->b[n] = noise >> 24 & 0x7f; /* an absolute address or displacement is positive */
    }
}

#endif
