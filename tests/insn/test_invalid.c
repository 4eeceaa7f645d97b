/* What is no instruction: LOCK where it may not stand, over 15 bytes, reserved encodings, register
 * forms that must be memory, instructions of other modes, missing features (SDM vol. 2 "LOCK",
 * section 2.3.11, appendix A; vol. 3 sections 6.15 "#UD" and 22.15). */
#include "tests/insn/suite.h"

static struct machine *m;

static int run_bytes(const u8 *code, unsigned n, unsigned cpl)
{
    machine_protected(m, cpl, AT_CODE);
    memset(machine_mem(m, AT_CODE), 0xf4, 32);
    machine_load(m, AT_CODE, code, n);
    m->cpu->gpr[REG_BX] = AT_DATA;
    m->cpu->gpr[REG_AX] = m->cpu->gpr[REG_CX] = 1;
    m->cpu->gpr[REG_DX] = 0;
    m->cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu_update_mode(m->cpu);
    machine_run(m, 3);
    return machine_vector(m);
}

/* The manual's list: these with a memory destination may be locked, nothing else. */
static bool lockable(unsigned map, unsigned opcode, unsigned reg)
{
    if (!map) {
        if (opcode < 0x40)
            return (opcode & 7) < 2 && opcode < 0x38; /* ADD OR ADC SBB AND SUB XOR */
        if (opcode == 0x80 || opcode == 0x81 || opcode == 0x82 || opcode == 0x83)
            return reg != 7;
        if (opcode == 0x86 || opcode == 0x87)
            return true; /* XCHG */
        if (opcode == 0xf6 || opcode == 0xf7)
            return reg == 2 || reg == 3;                      /* NOT NEG */
        return (opcode == 0xfe || opcode == 0xff) && reg < 2; /* INC DEC */
    }
    switch (opcode) {
    case 0xb0:
    case 0xb1: /* CMPXCHG */
    case 0xc0:
    case 0xc1: /* XADD */
    case 0xab:
    case 0xb3:
    case 0xbb: return true;     /* BTS BTR BTC */
    case 0xba: return reg > 4;  /* the same with an immediate; BT is not one */
    case 0xc7: return reg == 1; /* CMPXCHG8B */
    }
    return false;
}

/* Every opcode and /reg with LOCK, in memory and register form, in every code size: valid exactly
 * where the list says, in the decoder and when run. */
START_TEST(lock_prefix)
{
    unsigned accepted = 0;
    m = machine_new("max", _i);
    for (unsigned map = 0; map < 2; map++)
        for (unsigned opcode = 0; opcode < 256; opcode++)
            for (unsigned modrm = 0; modrm < 256; modrm += modrm < 0xc0 ? 8 : 9) {
                unsigned mod = modrm >= 0xc0 ? 3 : 0, reg = modrm >> 3 & 7;
                u8 code[15] = {0xf0}, bare[15] = {0};
                unsigned n = 1;
                struct insn insn, plain;
                bool want, got;
                if (mod == 0 && modrm >= 0x40)
                    continue;
                if (map)
                    code[n++] = 0x0f;
                code[n] = (u8)opcode;
                code[n + 1] = (u8)(mod ? modrm : modrm | 3);
                memcpy(bare, code + 1, 14);
                want = !mod && lockable(map, opcode, reg);
                got = decode(&insn, code, 15, 32, m->cpu->feats) == DEC_OK;
                if (!map && (opcode == 0x66 || opcode == 0x67 || opcode == 0xf0 || opcode == 0xf2 ||
                             opcode == 0xf3 || opcode == 0x0f || (opcode & 0xe7) == 0x26 ||
                             opcode == 0x64 || opcode == 0x65))
                    continue; /* a prefix or an escape: another opcode follows */
                ck_assert_msg(got == want, "LOCK %s%02x modrm %02x: decoder says %d",
                              map ? "0f " : "", opcode, code[n + 1], got);
                if (decode(&plain, bare, 15, 32, m->cpu->feats) != DEC_OK)
                    continue;
                accepted += got;
                if (_i == ENGINE_EXEC || reg == 0)
                    ck_assert_msg((run_bytes(code, 15, 0) == EXC_UD) == !want,
                                  "LOCK %s%02x modrm %02x: ran to vector %d", map ? "0f " : "",
                                  opcode, code[n + 1], machine_vector(m));
            }
    ck_assert_uint_gt(accepted, 40);
    machine_free(m);
}
END_TEST

/* 15 bytes run, the 16th is #GP(0); prefixes may repeat. */
START_TEST(length)
{
    u8 code[18];
    m = machine_new("max", _i);
    for (unsigned prefixes = 10; prefixes < 17; prefixes++) {
        memset(code, 0x3e, sizeof(code));
        code[prefixes] = 0x90;
        ck_assert_int_eq(run_bytes(code, prefixes + 1, 0), prefixes < 15 ? -1 : EXC_GP);
        if (prefixes >= 15) {
            ck_assert_uint_eq(machine_frame(m, 0), 0);
            ck_assert_uint_eq(machine_frame(m, 1), AT_CODE);
        }
    }
    memset(code, 0x3e, sizeof(code)); /* with displacement and immediate: ADD [disp32], imm32 */
    memcpy(code + 5, "\x81\x05\0\0\4\0\1\0\0\0", 10);
    ck_assert_int_eq(run_bytes(code, 15, 0), -1);
    memmove(code + 6, code + 5, 10);
    code[5] = 0x3e;
    ck_assert_int_eq(run_bytes(code, 16, 0), EXC_GP);
    /* The length counts before the page: an absent page behind 15 bytes is not looked at. */
    memset(code, 0x3e, sizeof(code));
    machine_protected(m, 0, 0x11000 - 15);
    machine_load(m, 0x11000 - 15, code, 15);
    machine_paging(m);
    machine_page(m, 0x11000, 0);
    machine_run(m, 3);
    ck_assert_int_eq(machine_vector(m), EXC_GP);
    /* But within 15 bytes the page comes first. */
    machine_protected(m, 0, 0x11000 - 14);
    machine_load(m, 0x11000 - 14, code, 14);
    machine_paging(m);
    machine_page(m, 0x11000, 0);
    machine_run(m, 3);
    ck_assert_int_eq(machine_vector(m), EXC_PF);
    ck_assert_uint_eq(m->cpu->cr2, 0x11000);
    machine_free(m);
}
END_TEST

START_TEST(encodings)
{
    static const struct {
        const char *bytes;
        u8 n, cpl;
        int vec;
    } c[] = {
#define C(s, cpl, vec) {s, sizeof(s) - 1, cpl, vec}
        C("\x0f\x0b", 0, EXC_UD),     /* UD2 */
        C("\x0f\xb9\xc0", 0, EXC_UD), /* UD1 */
        C("\x0f\xff\xc0", 0, EXC_UD), /* UD0 */
        C("\x8d\xc0", 0, EXC_UD),     /* LEA of a register */
        C("\xc4\xc0", 0, EXC_UD),     /* LES of a register is no VEX of ours either */
        C("\x62\xc0\x90\x90\x90", 0, EXC_UD),
        C("\x0f\xb2\xc0", 0, EXC_UD), /* LSS */
        C("\x0f\x01\xd6", 0, EXC_UD), /* XTEST without RTM */
        C("\x0f\x01\xf8", 0, EXC_UD), /* SWAPGS outside of 64-bit mode */
        C("\x0f\xc7\xc8", 0, EXC_UD), /* CMPXCHG8B of a register */
        C("\x8e\xc8", 0, EXC_UD),     /* MOV CS */
        C("\x8e\xf0", 0, EXC_UD),     /* a seventh segment */
        C("\x8c\xf8", 0, EXC_UD),
        C("\x0f\x20\x00", 0, -1),     /* MOV from CR ignores mod */
        C("\x0f\x20\xc8", 0, EXC_UD), /* CR1 */
        C("\x0f\x22\xf8", 0, EXC_UD), /* CR7 */
        C("\x0f\x24\xc0", 0, EXC_UD), /* the 386's test registers */
        C("\x0f\x20\xc8", 3, EXC_UD), /* #UD before #GP */
        C("\xfe\xd0", 0, EXC_UD),     /* group 4 /2 */
        C("\xff\xf8", 0, EXC_UD),     /* group 5 /7 */
        C("\xff\xd8", 0, EXC_UD),     /* far CALL through a register */
        C("\xff\xe8", 0, EXC_UD),
        C("\x8f\xc8", 0, EXC_UD), /* POP group /1 */
        C("\xc6\xc8\x00", 0, EXC_UD),
        C("\x0f\xba\xc0\x00", 0, EXC_UD), /* group 8 /0 */
        C("\x0f\x71\xc0\x01", 0, EXC_UD), /* MMX shift group */
        C("\x0f\x71\x13\x01", 0, EXC_UD), /* with memory */
        C("\x0f\xf7\x03", 0, EXC_UD),     /* MASKMOVQ of memory */
        C("\x0f\x50\x03", 0, EXC_UD),     /* MOVMSKPS of memory */
        C("\x0f\xe7\xc0", 0, EXC_UD),     /* MOVNTQ to a register */
        C("\x0f\xc3\xc0", 0, EXC_UD),     /* MOVNTI to a register */
        C("\x0f\x0d\xc0", 0, -1),         /* PREFETCHW's hint space: a NOP with a register */
        C("\x0f\x1f\xc0", 0, -1),         /* hint NOP */
        C("\x0f\x19\x03", 0, -1),
        C("\xd6", 0, -1),         /* SALC */
        C("\xf1", 0, EXC_DB),     /* INT1 */
        C("\x82\xc0\x01", 0, -1), /* the alias of 80 */
        C("\xf6\xc8\x01", 0, -1), /* TEST by /1 */
        C("\xc0\xf0\x01", 0, -1), /* SHL by /6 */
        C("\xd9\xd1", 0, EXC_UD), /* reserved x87 encodings */
        C("\xd9\xe2", 0, EXC_UD),
        C("\xda\xe8", 0, EXC_UD),
        C("\xdb\xe6", 0, EXC_UD),
        C("\xdd\xf8", 0, EXC_UD),
        C("\x0f\xaa", 0, EXC_UD),     /* RSM outside of SMM */
        C("\x0f\x37", 0, EXC_UD),     /* GETSEC */
        C("\x0f\x78\xc0", 0, EXC_UD), /* VMREAD */
        C("\x0f\xa6\xc0", 0, EXC_UD),
        C("\x0f\x04", 0, EXC_UD),
#undef C
    };
    m = machine_new("max", _i);
    for (size_t i = 0; i < ARRAY_LEN(c); i++) {
        int vec = run_bytes((const u8 *)c[i].bytes, c[i].n, c[i].cpl);
        ck_assert_msg(vec == c[i].vec, "case %zu (%02x %02x): vector %d", i, (u8)c[i].bytes[0],
                      (u8)c[i].bytes[1], vec);
        if (vec == EXC_UD)
            ck_assert_uint_eq(machine_frame(m, 0), AT_CODE);
    }
    machine_free(m);
}
END_TEST

/* What a model lacks is #UD there, and a 486 knows what a 486 knew. */
START_TEST(models)
{
    static const struct {
        const char *bytes;
        u8 n;
        const char *lacks, *has;
    } c[] = {
#define C(s, lacks, has) {s, sizeof(s) - 1, lacks, has}
        C("\x0f\x31", "486", "pentium"),               /* RDTSC */
        C("\x0f\xc7\x0b", "486", "pentium"),           /* CMPXCHG8B */
        C("\x0f\x44\xc0", "pentium", "pentium3"),      /* CMOV */
        C("\xdb\xc0", "pentium", "pentium3"),          /* FCMOV */
        C("\x0f\x6f\xc0", "pentium,-mmx", "pentium"),  /* MMX */
        C("\x0f\x28\xc0", "pentium", "pentium3"),      /* SSE */
        C("\x66\x0f\x28\xc0", "pentium3", "max"),      /* SSE2 */
        C("\x66\x0f\x38\x00\xc0", "qemu32", "max"),    /* SSSE3 */
        C("\xf3\x0f\xb8\xc0", "pentium3", "max"),      /* POPCNT */
        C("\x0f\xae\x3b", "pentium3,-clflush", "max"), /* CLFLUSH */
#undef C
    };
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        for (unsigned k = 0; k < 2; k++) {
            int vec;
            m = machine_new(k ? c[i].has : c[i].lacks, _i);
            vec = run_bytes((const u8 *)c[i].bytes, c[i].n, 0);
            ck_assert_msg(vec == (k ? -1 : EXC_UD), "case %zu on %s: %d", i,
                          k ? c[i].has : c[i].lacks, vec);
            machine_free(m);
        }
}
END_TEST

SUITE_MAIN("invalid", lock_prefix, length, encodings, models)
