/* Sweeps the whole opcode space against Capstone and prints every difference that no row of
 * decode_oracle.h explains; with -v also how often each row did. Returns non-zero on an unexplained
 * difference. */
#include "config.h"

#ifdef CONFIG_CAPSTONE
#include "tests/tools/decode_oracle.h"

struct sweep {
    unsigned long cases, agree, unexplained;
    unsigned long hits[ARRAY_LEN(oracle_rows)];
};

static void report(const struct oracle_case *c)
{
    unsigned i;

    printf("%u-bit", c->bits);
    for (i = 0; i < 15; i++)
        printf(" %02x", c->b[i]);
    printf("\n  ours   %u %s\n  theirs %u %s\n", c->in.len, c->result == DEC_OK ? c->text : "(#UD)",
           c->len, c->accepted ? c->theirs : "(#UD)");
}

static void sweep_map(struct sweep *s, csh handle, unsigned bits, const char *prefix, unsigned map)
{
    struct oracle_case c;
    unsigned opcode, modrm;

    for (opcode = 0; opcode < 256; opcode++) {
        if (map == MAP_ONE && oracle_is_prefix(opcode, bits))
            continue;
        if (map == MAP_0F && (opcode == 0x38 || opcode == 0x3a))
            continue;
        for (modrm = 0; modrm < 256; modrm++) {
            int row;

            oracle_make(&c, bits, prefix, map, opcode, modrm);
            row = oracle_compare(handle, &c);
            s->cases++;
            if (row == ORACLE_AGREE) {
                s->agree++;
            } else if (row >= 0) {
                s->hits[row]++;
            } else {
                s->unexplained++;
                report(&c);
            }
        }
    }
}

static void sweep_vex(struct sweep *s, csh handle, unsigned bits)
{
    struct oracle_case c;

    for (unsigned i = 0; i < ORACLE_VEX_PREFIXES * 256 * ORACLE_VEX_MODRM; i++) {
        int row;

        oracle_make_vex(&c, bits, i / ORACLE_VEX_MODRM / 256, i / ORACLE_VEX_MODRM % 256,
                        i % ORACLE_VEX_MODRM);
        row = oracle_compare(handle, &c);
        s->cases++;
        if (row == ORACLE_AGREE) {
            s->agree++;
        } else if (row >= 0) {
            s->hits[row]++;
        } else {
            s->unexplained++;
            report(&c);
        }
    }
}

int main(int argc, char **argv)
{
    static const unsigned bits[3] = {16, 32, 64};
    static const cs_mode modes[3] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    bool verbose = argc > 1 && !strcmp(argv[1], "-v");
    struct sweep s = {0};
    csh handle;
    size_t m, i;
    unsigned map;

    for (m = 0; m < ARRAY_LEN(modes); m++) {
        if (cs_open(CS_ARCH_X86, modes[m], &handle) != CS_ERR_OK)
            return 2;
        for (i = 0; i < ARRAY_LEN(oracle_prefixes); i++) {
            if (oracle_prefixes[i].only64 && bits[m] != 64)
                continue;
            for (map = 0; map < MAP__COUNT; map++)
                sweep_map(&s, handle, bits[m], oracle_prefixes[i].bytes, map);
        }
        sweep_vex(&s, handle, bits[m]);
        cs_close(&handle);
    }
    for (i = 0; verbose && i < ARRAY_LEN(oracle_rows); i++)
        printf("%9lu %-16s %s\n", s.hits[i], oracle_rows[i].name, oracle_rows[i].reason);
    printf("%lu encodings, %lu agree, %lu unexplained\n", s.cases, s.agree, s.unexplained);
    return s.unexplained != 0;
}

#else
#include <stdio.h>

int main(void)
{
    puts("decode_sweep: built without Capstone");
    return 77; /* skipped */
}
#endif
