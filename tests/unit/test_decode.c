/* The decoder and the disassembler: chosen encodings, truncation, hostile bytes, and, where
 * Capstone is there, a sweep over the opcode maps (SDM vol. 2 chapter 2 and appendix A). */
#include "config.h"

#include "cpu/isa/isa.h"

#ifdef CONFIG_CAPSTONE
#include "tests/tools/decode_oracle.h"
#endif

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALL_FEATS (~0ull)

/* For loops of millions: Check notes every assertion, this one only what fails. */
#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!(cond))                                                                               \
            ck_abort_msg("%s", #cond);                                                             \
    } while (0)

/* Bytes written as hexadecimal digits; what they decode to as text. NULL: #UD. */
struct vector {
    unsigned bits;
    const char *hex, *text;
};

static const struct vector vectors[] = {
    /* Moves, addressing */
    {16, "8b00", "mov ax, word ptr [bx + si]"},
    {16, "8b063412", "mov ax, word ptr [0x1234]"},
    {16, "8b46fe", "mov ax, word ptr [bp - 2]"},
    {16, "8b4000", "mov ax, word ptr [bx + si]"},
    {16, "8b820080", "mov ax, word ptr [bp + si - 0x8000]"},
    {16, "67668b0424", "mov eax, dword ptr [esp]"},
    {16, "66678b0424", "mov eax, dword ptr [esp]"},
    {16, "368b07", "mov ax, word ptr ss:[bx]"},
    {16, "3e8b4600", "mov ax, word ptr ds:[bp]"},
    {32, "678b07", "mov eax, dword ptr [bx]"},
    {32, "8b0578563412", "mov eax, dword ptr [0x12345678]"},
    {32, "8b04c508000000", "mov eax, dword ptr [eax*8 + 8]"},
    {32, "8b44b508", "mov eax, dword ptr [ebp + esi*4 + 8]"},
    {32, "8b042c", "mov eax, dword ptr [esp + ebp]"},
    {32, "8b0465ffffffff", "mov eax, dword ptr [0xffffffff]"},
    {64, "8b0510000000", "mov eax, dword ptr [rip + 0x10]"},
    {64, "678b0510000000", "mov eax, dword ptr [eip + 0x10]"},
    {64, "4b8b44a510", "mov rax, qword ptr [r13 + r12*4 + 0x10]"},
    {64, "648b042500000000", "mov eax, dword ptr fs:[0]"},
    {64, "2e8b00", "mov eax, dword ptr [rax]"},
    {64, "642e8b00", "mov eax, dword ptr fs:[rax]"},
    {64, "8a6501", "mov ah, byte ptr [rbp + 1]"},
    {64, "408a6501", "mov spl, byte ptr [rbp + 1]"},
    {64, "448a6501", "mov r12b, byte ptr [rbp + 1]"},
    {64, "88e0", "mov al, ah"},
    {64, "4088e0", "mov al, spl"},
    {64, "48b80100000000000080", "movabs rax, 0x8000000000000001"},
    {64, "48c7c0ffffffff", "mov rax, 0xffffffffffffffff"},
    {64, "a10100000000000080", "movabs eax, dword ptr [0x8000000000000001]"},
    {64, "67a178563412", "mov eax, dword ptr [0x12345678]"},
    {16, "2ea03412", "mov al, byte ptr cs:[0x1234]"},
    {16, "66a33412", "mov dword ptr [0x1234], eax"},
    {16, "c7060000ffff", "mov word ptr [0], 0xffff"},
    {16, "8ed0", "mov ss, ax"},
    {32, "8c00", "mov word ptr [eax], es"},
    {32, "8cc8", "mov eax, cs"},
    {32, "8ec8", NULL},
    {32, "8ef0", NULL},
    {64, "63c1", "movsxd eax, ecx"},
    {64, "4863c1", "movsxd rax, ecx"},
    {16, "63c1", "arpl cx, ax"},
    {32, "8d04c0", "lea eax, [eax + eax*8]"},
    {32, "8dc0", NULL},
    {32, "0fb6c1", "movzx eax, cl"},
    {64, "480fbf01", "movsx rax, word ptr [rcx]"},
    {32, "0fc8", "bswap eax"},
    {64, "490fcf", "bswap r15"},
    /* REX counts only directly before the opcode */
    {64, "4866c3", "ret"},
    {64, "4866b83412", "mov ax, 0x1234"},
    {64, "6648b80100000000000080", "movabs rax, 0x8000000000000001"},
    {64, "48f390", "pause"},
    /* Arithmetic */
    {32, "83c0ff", "add eax, -1"},
    {16, "83e880", "sub ax, -0x80"},
    {16, "050080", "add ax, 0x8000"},
    {32, "6669c13412", "imul ax, cx, 0x1234"},
    {64, "486bc1ff", "imul rax, rcx, -1"},
    {32, "82c001", "add al, 1"},
    {64, "82c001", NULL},
    {32, "f6c801", "test al, 1"},
    {32, "d0f0", "shl al, 1"},
    {32, "c1e005", "shl eax, 5"},
    {32, "d3f8", "sar eax, cl"},
    {32, "0fa4c805", "shld eax, ecx, 5"},
    {32, "0fadc8", "shrd eax, ecx, cl"},
    {32, "40", "inc eax"},
    {64, "40", ""},
    {32, "6698", "cbw"},
    {64, "4899", "cqo"},
    {32, "0fba2005", "bt dword ptr [eax], 5"},
    {32, "0fba1805", NULL},
    {32, "27", "daa"},
    {64, "27", NULL},
    {32, "d40a", "aam"},
    {64, "d40a", NULL},
    {32, "d6", "salc"},
    {64, "d6", NULL},
    /* LOCK */
    {32, "f00100", "lock add dword ptr [eax], eax"},
    {32, "f001c0", NULL},
    {32, "f00300", NULL},
    {32, "f03900", NULL},
    {32, "f08300ff", "lock add dword ptr [eax], -1"},
    {32, "f08338ff", NULL},
    {32, "f00fba2805", "lock bts dword ptr [eax], 5"},
    {32, "f00fba2005", NULL},
    {32, "f08700", "lock xchg dword ptr [eax], eax"},
    {32, "f00fc708", "lock cmpxchg8b qword ptr [eax]"},
    {64, "f0480fc708", "lock cmpxchg16b xmmword ptr [rax]"},
    {32, "f090", NULL},
    /* Stack */
    {64, "50", "push rax"},
    {64, "4150", "push r8"},
    {64, "6650", "push ax"},
    {64, "668f00", "pop word ptr [rax]"},
    {64, "8f00", "pop qword ptr [rax]"},
    {32, "8f08", NULL},
    {64, "6aff", "push -1"},
    {16, "6668ffffffff", "push -1"},
    {64, "9c", "pushfq"},
    {16, "669d", "popfd"},
    {64, "06", NULL},
    {64, "0fa0", "push fs"},
    {32, "c8010002", "enter 1, 2"},
    {64, "60", NULL},
    {16, "60", "pushaw"},
    {32, "61", "popal"},
    /* Branches */
    {16, "ebfe", "jmp 0x1000"},
    {16, "e9fdff", "jmp 0x1000"},
    {16, "e90080", "jmp 0x9003"},
    {16, "74fe", "je 0x1000"},
    {32, "0f8f00000000", "jg 0x1006"},
    {64, "66e800000000", "call 0x1006"},
    {32, "66e80000", "call 0x1004"},
    {64, "ffd0", "call rax"},
    {64, "66ffd0", "call rax"},
    {32, "ff18", "lcall [eax]"},
    {32, "ffd8", NULL},
    {32, "fff8", NULL},
    {16, "ea341200f0", "ljmp 0xf000:0x1234"},
    {32, "ea341200001000", "ljmp 0x10:0x1234"},
    {64, "ea341200001000", NULL},
    {16, "c23412", "ret 0x1234"},
    {64, "48cf", "iretq"},
    {16, "66cf", "iretd"},
    {16, "67e3fe", "jecxz 0x1001"},
    {64, "e3fe", "jrcxz 0x1000"},
    {32, "cd80", "int 0x80"},
    {64, "ce", NULL},
    {32, "f1", "int1"},
    /* Strings and ports */
    {64, "f3a4", "rep movsb byte ptr [rdi], byte ptr [rsi]"},
    {16, "f366ab", "rep stosd dword ptr es:[di], eax"},
    {16, "2ea4", "movsb byte ptr es:[di], byte ptr cs:[si]"},
    {64, "f348a7", "repe cmpsq qword ptr [rsi], qword ptr [rdi]"},
    {32, "f2ae", "repne scasb al, byte ptr es:[edi]"},
    {32, "f20001", "add byte ptr [ecx], al"},
    {32, "66ed", "in ax, dx"},
    {64, "48ed", "in eax, dx"},
    {32, "e680", "out 0x80, al"},
    {64, "486d", "insd dword ptr [rdi], dx"},
    /* NOP and PAUSE */
    {32, "90", "nop"},
    {64, "4190", "xchg eax, r8d"},
    {64, "4890", "nop"},
    {32, "f390", "pause"},
    {64, "660f1f440000", "nop word ptr [rax + rax]"},
    {64, "f30f1efa", "nop edx"},
    /* System */
    {32, "0f01d0", "xgetbv"},
    {32, "0f01c1", NULL},
    {32, "0f0110", "lgdt [eax]"},
    {64, "0f01f8", "swapgs"},
    {32, "0f01f8", NULL},
    {32, "0f01f9", "rdtscp"},
    {32, "0f0138", "invlpg byte ptr [eax]"},
    {32, "0f01e0", "smsw eax"},
    {64, "0f20c0", "mov rax, cr0"},
    {64, "440f20c0", "mov rax, cr8"},
    {32, "0f2000", "mov eax, cr0"},
    {32, "0f20c8", NULL},
    {32, "0f20e8", NULL},
    {64, "440f20d8", NULL},
    {32, "0f24c0", NULL},
    {64, "0f23f8", "mov dr7, rax"},
    {64, "440f23f8", NULL},
    {64, "0f05", "syscall"},
    {32, "0f05", "syscall"}, /* AMD has it here; exec asks for the maker */
    {32, "0f34", "sysenter"},
    {32, "0faa", "rsm"},
    {32, "0f0b", "ud2"},
    {32, "0f04", NULL},
    {32, "0faee8", "lfence"},
    {32, "0fae38", "clflush byte ptr [eax]"},
    {32, "660fae38", "clflushopt byte ptr [eax]"},
    {32, "0fc7f0", "rdrand eax"},
    {32, "f30fc7f8", "rdpid eax"},
    {32, "0f1808", "prefetcht0 byte ptr [eax]"},
    {32, "0f0d08", "prefetchw byte ptr [eax]"},
    /* LES, LDS, BOUND against VEX, EVEX */
    {16, "c400", "les ax, ptr [bx + si]"},
    {32, "c5c0", ""},
    {32, "c5f0", ""},
    {32, "c4c0", ""},
    {64, "c500", ""},
    {64, "c4e270f2c1", "andn eax, ecx, ecx"},
    {64, "c4e2f8f30d00000000", "blsr rax, qword ptr [rip]"},
    {64, "c462b8f74f05", "bextr r9, qword ptr [rdi + 5], r8"},
    {32, "c4e37bf0c105", "rorx eax, ecx, 5"},
    {32, "c4e373f0c105", NULL},
    {32, "c4e37916c005", "vpextrd eax, xmm0, 5"},
    {32, "c4e3f916c005", NULL},
    {64, "c4e3f916c005", "vpextrq rax, xmm0, 5"},
    {32, "c4e1f96ec0", "vmovd xmm0, eax"},
    {32, "c4e13810c1", NULL},
    {32, "c4e238f2c1", "andn eax, eax, ecx"},
    {32, "c4e3714ac290", "vblendvps xmm0, xmm1, xmm2, xmm1"},
    {64, "c4e3714ac290", "vblendvps xmm0, xmm1, xmm2, xmm9"},
    {64, "c5ecc2c11e", "vcmpgt_oqps ymm0, ymm2, ymm1"},
    {64, "c4e2ed920409", "vgatherdpd ymm0, qword ptr [rcx + xmm1], ymm2"},
    {64, "66c4e270f2c1", NULL},
    {16, "6200", "bound ax, dword ptr [bx + si]"},
    {32, "62c0", NULL},
    /* x87 */
    {32, "d800", "fadd dword ptr [eax]"},
    {32, "d8c1", "fadd st(1)"},
    {32, "dcc1", "fadd st(1), st(0)"},
    {32, "dce1", "fsubr st(1), st(0)"},
    {32, "dec1", "faddp st(1)"},
    {32, "ded9", "fcompp"},
    {32, "deda", NULL},
    {32, "db28", "fld xword ptr [eax]"},
    {32, "df20", "fbld tbyte ptr [eax]"},
    {32, "dfe0", "fnstsw ax"},
    {32, "dfe1", NULL},
    {32, "dbe3", "fninit"},
    {32, "d9d0", "fnop"},
    {32, "d9d1", NULL},
    {32, "d9f8", "fprem"},
    {32, "dac9", "fcmove st(0), st(1)"},
    {32, "dbd9", "fcmovnu st(0), st(1)"},
    {32, "dfe9", "fucomip st(1)"},
    {32, "9b", "wait"},
    {32, "d908", NULL},
    /* MMX, SSE */
    {32, "0ffcc1", "paddb mm0, mm1"},
    {32, "660ffcc1", "paddb xmm0, xmm1"},
    {32, "f30ffcc1", NULL},
    {64, "66440f6f00", "movdqa xmm8, xmmword ptr [rax]"},
    {64, "66480f6ec0", "movq xmm0, rax"},
    {64, "480f7ec0", "movq rax, mm0"},
    {32, "f20f1000", "movsd xmm0, qword ptr [eax]"},
    {32, "f2660f1000", "movsd xmm0, qword ptr [eax]"},
    {32, "66f30f1000", "movss xmm0, dword ptr [eax]"},
    {32, "f3f20f1000", "movsd xmm0, qword ptr [eax]"},
    {32, "0f12c1", "movhlps xmm0, xmm1"},
    {32, "0f1201", "movlps xmm0, qword ptr [ecx]"},
    {32, "660f12c1", NULL},
    {32, "0f71d105", "psrlw mm1, 5"},
    {32, "660f73f905", "pslldq xmm1, 5"},
    {32, "0f73f905", NULL},
    {32, "0fc2c101", "cmpltps xmm0, xmm1"},
    {32, "0fc2c108", "cmpps xmm0, xmm1, 8"},
    {32, "f30fd6c1", "movq2dq xmm0, mm1"},
    {64, "f3480f2ac1", "cvtsi2ss xmm0, rcx"},
    {32, "660f3814c1", "blendvps xmm0, xmm1"},
    {32, "0f3814c1", NULL},
    {32, "0f38f001", "movbe eax, dword ptr [ecx]"},
    {32, "66f20f38f101", "crc32 eax, word ptr [ecx]"},
    {64, "f2480f38f1c1", "crc32 rax, rcx"},
    {32, "660f3a0fc105", "palignr xmm0, xmm1, 5"},
    {64, "66480f3a16c005", "pextrq rax, xmm0, 5"},
    {32, "660f3a140005", "pextrb byte ptr [eax], xmm0, 5"},
    {32, "660f38dcc1", "aesenc xmm0, xmm1"},
    {32, "660f3a44c111", "pclmulqdq xmm0, xmm1, 0x11"},
    {32, "0f0fc1b4", NULL},
};

/* A page that ends where reading is fatal. */
struct guard {
    u8 *map;
    size_t page;
};

static void guard_init(struct guard *g)
{
    g->page = sysconf(_SC_PAGESIZE);
    g->map = mmap(NULL, 2 * g->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(g->map != MAP_FAILED);
    ck_assert_int_eq(mprotect(g->map + g->page, g->page, PROT_NONE), 0);
}

/* `n` bytes that end at the end of the page. */
static u8 *guard_put(struct guard *g, const u8 *b, unsigned n)
{
    return memcpy(g->map + g->page - n, b, n);
}

static void guard_free(struct guard *g)
{
    munmap(g->map, 2 * g->page);
}

static unsigned parse_hex(u8 *b, const char *hex)
{
    unsigned n = 0, v;

    while (sscanf(hex + 2 * n, "%2x", &v) == 1)
        b[n++] = v;
    return n;
}

static enum dec_result decode_hex(struct insn *in, const char *hex, unsigned bits, u64 feats)
{
    u8 b[15] = {0};

    parse_hex(b, hex);
    return decode(in, b, 15, bits, feats);
}

START_TEST(test_vector)
{
    const struct vector *v = &vectors[_i];
    struct guard g;
    struct insn in;
    char text[128];
    u8 b[32];
    unsigned n = parse_hex(b, v->hex);
    enum dec_result r;

    guard_init(&g);
    r = decode(&in, guard_put(&g, b, n), n, v->bits, ALL_FEATS);
    if (!v->text) {
        ck_assert_msg(r == DEC_UD, "%s: %d", v->hex, r);
        ck_assert_uint_eq(in.op, OP_UD);
        ck_assert_uint_ge(in.len, 1);
        ck_assert_uint_le(in.len, n);
    } else if (!*v->text) {
        ck_assert_msg(r == DEC_SHORT, "%s: %d", v->hex, r);
    } else {
        ck_assert_msg(r == DEC_OK, "%s: %d", v->hex, r);
        ck_assert_msg(in.len == n, "%s: length %u", v->hex, in.len);
        disasm(text, sizeof(text), &in, 0x1000);
        ck_assert_msg(!strcmp(text, v->text), "%s: \"%s\", not \"%s\"", v->hex, text, v->text);
    }
    guard_free(&g);
}
END_TEST

START_TEST(test_truncated)
{
    const struct vector *v = &vectors[_i];
    struct guard g;
    struct insn in;
    u8 b[32];
    unsigned n = parse_hex(b, v->hex), i;

    guard_init(&g);
    for (i = 0; i < n; i++) {
        enum dec_result r = decode(&in, guard_put(&g, b, i), i, v->bits, ALL_FEATS);

        if (v->text)
            ck_assert_msg(r == DEC_SHORT, "%s cut at %u: %d", v->hex, i, r);
        else
            ck_assert_msg(r == DEC_SHORT || r == DEC_UD, "%s cut at %u: %d", v->hex, i, r);
    }
    guard_free(&g);
}
END_TEST

START_TEST(test_length_limit)
{
    struct guard g;
    struct insn in;
    u8 b[16];
    unsigned bits;

    guard_init(&g);
    for (bits = 16; bits <= 64; bits *= 2) {
        memset(b, 0x66, sizeof(b));
        ck_assert_int_eq(decode(&in, guard_put(&g, b, 15), 15, bits, ALL_FEATS), DEC_LONG);
        ck_assert_int_eq(decode(&in, guard_put(&g, b, 14), 14, bits, ALL_FEATS), DEC_SHORT);
        b[14] = 0x90;
        ck_assert_int_eq(decode(&in, guard_put(&g, b, 15), 15, bits, ALL_FEATS), DEC_OK);
        ck_assert_uint_eq(in.len, 15);
        b[13] = 0x8b;
        b[14] = 0x40;
        ck_assert_int_eq(decode(&in, guard_put(&g, b, 15), 15, bits, ALL_FEATS), DEC_LONG);
        ck_assert_int_eq(decode(&in, b, 200, bits, ALL_FEATS), DEC_LONG);
    }
    guard_free(&g);
}
END_TEST

/* What the text does not show. */
START_TEST(test_fields)
{
    struct insn in;

    ck_assert_int_eq(decode_hex(&in, "0f0110", 64, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.o[0].size, 10);
    ck_assert_int_eq(decode_hex(&in, "0f0110", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.o[0].size, 6);
    ck_assert_int_eq(decode_hex(&in, "66ff18", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.op, OP_CALLF);
    ck_assert_uint_eq(in.o[0].size, 4);
    ck_assert_int_eq(decode_hex(&in, "48ff18", 64, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.o[0].size, 10);
    ck_assert_int_eq(decode_hex(&in, "0fae00", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.o[0].size, 0);

    ck_assert_int_eq(decode_hex(&in, "83c0ff", 16, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.imm, 0xffff);
    ck_assert_uint_eq(in.o[1].size, 2);
    ck_assert_int_eq(decode_hex(&in, "4881c000000080", 64, ALL_FEATS), DEC_OK);
    ck_assert(in.imm == 0xffffffff80000000ull);
    ck_assert_int_eq(decode_hex(&in, "ebfe", 16, ALL_FEATS), DEC_OK);
    ck_assert(in.imm == ~1ull);
    ck_assert_int_eq(decode_hex(&in, "9a341200f0", 16, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.o[0].kind, OPND_FAR);
    ck_assert_uint_eq(in.imm, 0x1234);
    ck_assert_uint_eq(in.imm2, 0xf000);

    ck_assert_int_eq(decode_hex(&in, "8b46fe", 16, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.seg, SEG_SS);
    ck_assert_int_eq(decode_hex(&in, "8b4424fe", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.seg, SEG_SS);
    ck_assert_int_eq(decode_hex(&in, "8b442dfe", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.seg, SEG_SS);
    ck_assert_int_eq(decode_hex(&in, "8b4428fe", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.seg, SEG_DS);
    ck_assert_int_eq(decode_hex(&in, "418b4500", 64, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.seg, SEG_DS);

    ck_assert_int_eq(decode_hex(&in, "64a5", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.seg, SEG_FS);
    ck_assert_uint_eq(in.o[0].size, 4);
    ck_assert_uint_eq(in.base, REG_SI);
    ck_assert_int_eq(decode_hex(&in, "64ab", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.seg, SEG_ES);
    ck_assert_uint_eq(in.base, REG_DI);
    ck_assert_int_eq(decode_hex(&in, "f30f1000", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.rep, REP_NONE);
    ck_assert_int_eq(decode_hex(&in, "d7", 16, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.o[0].kind, OPND_MEM);
    ck_assert_uint_eq(in.base, REG_BX);

    ck_assert_int_eq(decode_hex(&in, "0f9dc0", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.cc, CC_GE);
    ck_assert_int_eq(decode_hex(&in, "dbd1", 32, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.cc, CC_A);
    ck_assert_int_eq(decode_hex(&in, "c3", 64, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.osz, 8);
    ck_assert_int_eq(decode_hex(&in, "cb", 64, ALL_FEATS), DEC_OK);
    ck_assert_uint_eq(in.osz, 4);
}
END_TEST

/* Encodings whose meaning or existence a CPUID feature decides. */
START_TEST(test_features)
{
    static const struct {
        const char *hex;
        enum feat feat;
        unsigned bits;
        enum op with;
        int without; /* an enum op, or -1: #UD */
    } rows[] = {
        {"f30fbcc1", FEAT_BMI1, 32, OP_TZCNT, OP_BSF},
        {"f30fbdc1", FEAT_ABM, 32, OP_LZCNT, OP_BSR},
        {"f30fb8c1", FEAT_POPCNT, 32, OP_POPCNT, -1},
        {"0f38f001", FEAT_MOVBE, 32, OP_MOVBE, -1},
        {"0fc709", FEAT_CX8, 32, OP_CMPXCHG8B, -1},
        {"480fc709", FEAT_CX16, 64, OP_CMPXCHG8B, -1},
        {"0f42c1", FEAT_CMOV, 32, OP_CMOVCC, -1},
        {"dac1", FEAT_CMOV, 32, OP_FCMOVCC, -1},
        {"d8c1", FEAT_FPU, 32, OP_FADD, -1},
        {"0ffcc1", FEAT_MMX, 32, OP_PADDB, -1},
        {"660ffcc1", FEAT_SSE2, 32, OP_PADDB, -1},
        {"0f58c1", FEAT_SSE, 32, OP_ADDPS, -1},
        {"9f", FEAT_LAHF64, 64, OP_LAHF, -1},
        {"0f31", FEAT_TSC, 32, OP_RDTSC, -1},
        {"0f34", FEAT_SEP, 32, OP_SYSENTER, -1},
    };
    struct insn in;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        u64 without = ALL_FEATS & ~BIT64(rows[i].feat);

        ck_assert_int_eq(decode_hex(&in, rows[i].hex, rows[i].bits, ALL_FEATS), DEC_OK);
        ck_assert_uint_eq(in.op, rows[i].with);
        if (rows[i].without < 0) {
            ck_assert_int_eq(decode_hex(&in, rows[i].hex, rows[i].bits, without), DEC_UD);
        } else {
            ck_assert_int_eq(decode_hex(&in, rows[i].hex, rows[i].bits, without), DEC_OK);
            ck_assert_uint_eq(in.op, rows[i].without);
        }
    }
    ck_assert_int_eq(decode_hex(&in, "9f", 32, 0), DEC_OK);
    ck_assert_int_eq(decode_hex(&in, "01c0", 32, 0), DEC_OK);
}
END_TEST

/* What holds for every instruction that decodes. */
static void check_invariants(const struct insn *in, unsigned bits)
{
    unsigned i, mems = 0;

    REQUIRE(in->len >= 1);
    REQUIRE(in->len <= 15);
    REQUIRE(in->op < (OP__COUNT));
    REQUIRE(in->osz == 2 || in->osz == 4 || (in->osz == 8 && bits == 64));
    REQUIRE(in->asz == 4 || in->asz == (bits == 64 ? 8 : 2));
    REQUIRE(in->mode == bits);
    REQUIRE(in->seg < (SEG__COUNT));
    REQUIRE(in->cc < (16));
    REQUIRE(in->scale <= 3);
    REQUIRE(in->base < 16 || in->base == REG_NONE || (in->base == REG_IP && bits == 64));
    REQUIRE(in->index < 16 || in->index == REG_NONE);
    REQUIRE(in->nopnd <= ARRAY_LEN(in->o));
    for (i = 0; i < ARRAY_LEN(in->o); i++) {
        REQUIRE((in->o[i].kind != OPND_NONE) == (i < in->nopnd));
        REQUIRE(in->o[i].reg < (in->o[i].kind == OPND_MMX || in->o[i].kind == OPND_ST ? 8 : 16));
        mems += in->o[i].kind == OPND_MEM;
    }
    REQUIRE(mems <= 1);
    if (in->lock)
        REQUIRE(op_info[in->op].attrs & OPA_LOCK && in->o[0].kind == OPND_MEM);
    if (in->rep)
        REQUIRE(op_info[in->op].attrs & OPA_REP);
}

START_TEST(test_random)
{
    static const u8 common[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x0f, 0x48, 0x64};
    struct guard g;
    unsigned long i;
    u32 seed = 0x2545f491;
    unsigned ok = 0;

    guard_init(&g);
    for (i = 0; i < 1000000; i++) {
        unsigned bits = 16u << i % 3, n = 1 + i / 3 % 15, k;
        struct insn a, b;
        enum dec_result r;
        u8 code[15];
        const u8 *p;

        for (k = 0; k < n; k++) {
            seed = seed * 1664525 + 1013904223;
            code[k] = seed >> 24;
            if (seed >> 16 & 1 && k < 4)
                code[k] = common[seed >> 17 & 7];
        }
        p = guard_put(&g, code, n);
        memset(&a, 0xff, sizeof(a));
        memset(&b, 0x55, sizeof(b));
        r = decode(&a, p, n, bits, ALL_FEATS);
        REQUIRE(decode(&b, p, n, bits, ALL_FEATS) == r);
        REQUIRE(!memcmp(&a, &b, sizeof(a)));
        REQUIRE(a.len <= n);
        if (r == DEC_OK) {
            char text[128];

            ok++;
            check_invariants(&a, bits);
            /* Bytes behind the instruction change nothing, and none of its own can be missing. */
            ck_assert_int_eq(decode(&b, guard_put(&g, code, a.len), a.len, bits, ALL_FEATS),
                             DEC_OK);
            REQUIRE(!memcmp(&a, &b, sizeof(a)));
            REQUIRE(decode(&b, code, a.len - 1, bits, ALL_FEATS) == DEC_SHORT);
            REQUIRE(strlen(disasm(text, sizeof(text), &a, i)) > 1);
            REQUIRE(!strchr(text, '?'));
        } else if (n == 15) {
            REQUIRE(r == DEC_UD || r == DEC_LONG);
        } else {
            REQUIRE(r == DEC_UD || r == DEC_SHORT);
        }
    }
    ck_assert_uint_gt(ok, 300000);
    guard_free(&g);
}
END_TEST

/* A text that does not fit is cut and still ends with NUL. */
START_TEST(test_short_buffer)
{
    struct insn in;
    char buf[40];
    size_t n;

    ck_assert_int_eq(decode_hex(&in, "8b44b508", 32, ALL_FEATS), DEC_OK);
    for (n = 0; n < sizeof(buf); n++) {
        memset(buf, 'x', sizeof(buf));
        disasm(buf, n, &in, 0);
        if (n)
            ck_assert_uint_eq(strlen(buf),
                              MIN(n - 1, strlen("mov eax, dword ptr [ebp + esi*4 + 8]")));
        if (n < sizeof(buf))
            ck_assert_int_eq(buf[n], 'x');
    }
}
END_TEST

START_TEST(test_op_table)
{
    unsigned i;

    for (i = 0; i < OP__COUNT; i++) {
        const struct op_info *info = &op_info[i];

        ck_assert_ptr_nonnull(info->name);
        ck_assert_uint_gt(strlen(info->name), 0);
        ck_assert_uint_eq((info->reads | info->writes | info->undef) & ~F_ALL, 0);
        ck_assert_uint_lt(info->feat, FEAT__COUNT);
        ck_assert((info->attrs & (OPA_NO64 | OPA_ONLY64)) != (OPA_NO64 | OPA_ONLY64));
    }
    ck_assert_uint_eq(op_info[OP_INC].writes, F_ALL & ~F_C);
    ck_assert_uint_eq(op_info[OP_AND].undef, F_A);
    ck_assert_uint_eq(op_info[OP_ADC].reads, F_C);
}
END_TEST

#ifdef CONFIG_CAPSTONE
/* The rows explain the texts of Capstone 4. Of others the lengths must agree where both accept. */
static int compare(csh handle, struct oracle_case *c)
{
    int row = oracle_compare(handle, c), major, minor;

    cs_version(&major, &minor);
    if (row != ORACLE_UNEXPLAINED || major == 4 ||
        (c->result == DEC_OK && c->accepted && c->in.len != c->len))
        return row;
    return ORACLE_AGREE;
}

START_TEST(test_capstone)
{
    static const cs_mode modes[3] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    unsigned long agree = 0, cases = 0;
    struct oracle_case c;
    unsigned bits = 16u << _i, map, opcode, modrm;
    csh handle;
    size_t i;

    ck_assert_int_eq(cs_open(CS_ARCH_X86, modes[_i], &handle), CS_ERR_OK);
    for (i = 0; i < ARRAY_LEN(oracle_prefixes); i++) {
        if (!oracle_prefixes[i].often || (oracle_prefixes[i].only64 && bits != 64))
            continue;
        for (map = 0; map < MAP__COUNT; map++) {
            for (opcode = 0; opcode < 256; opcode++) {
                if (map == MAP_ONE && oracle_is_prefix(opcode, bits))
                    continue;
                if (map == MAP_0F && (opcode == 0x38 || opcode == 0x3a))
                    continue;
                for (modrm = 0; modrm < 256; modrm++) {
                    int row;

                    oracle_make(&c, bits, oracle_prefixes[i].bytes, map, opcode, modrm);
                    row = compare(handle, &c);
                    if (row == ORACLE_UNEXPLAINED)
                        ck_abort_msg("%u-bit map %u %02x %02x: %s | %s", bits, map, opcode, modrm,
                                     c.text, c.theirs);
                    agree += row == ORACLE_AGREE;
                    cases++;
                }
            }
        }
    }
    cs_close(&handle);
    ck_assert_uint_gt(agree, cases * 3 / 4);
}
END_TEST

/* Every VEX opcode with every prefix and a few ModRM bytes. */
START_TEST(test_capstone_vex)
{
    static const cs_mode modes[3] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    unsigned bits = 16u << _i, n = ORACLE_VEX_PREFIXES * 256 * ORACLE_VEX_FEW, agree = 0;
    csh handle;

    ck_assert_int_eq(cs_open(CS_ARCH_X86, modes[_i], &handle), CS_ERR_OK);
    for (unsigned i = 0; i < n; i++) {
        struct oracle_case c;
        int row;

        oracle_make_vex(&c, bits, i / ORACLE_VEX_FEW / 256, i / ORACLE_VEX_FEW % 256,
                        i % ORACLE_VEX_FEW);
        row = compare(handle, &c);
        if (row == ORACLE_UNEXPLAINED)
            ck_abort_msg("%u-bit VEX %02x %02x %02x %02x: %s | %s", bits, c.b[1], c.b[2], c.b[3],
                         c.b[4], c.text, c.theirs);
        agree += row == ORACLE_AGREE;
    }
    cs_close(&handle);
    ck_assert_uint_gt(agree, n * 9 / 10);
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("decode");
    TCase *t = tcase_create("decode");
    SRunner *runner;
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_vector, 0, ARRAY_LEN(vectors));
    tcase_add_loop_test(t, test_truncated, 0, ARRAY_LEN(vectors));
    tcase_add_test(t, test_length_limit);
    tcase_add_test(t, test_fields);
    tcase_add_test(t, test_features);
    tcase_add_test(t, test_random);
    tcase_add_test(t, test_short_buffer);
    tcase_add_test(t, test_op_table);
#ifdef CONFIG_CAPSTONE
    tcase_add_loop_test(t, test_capstone, 0, 3);
    tcase_add_loop_test(t, test_capstone_vex, 0, 3);
#endif
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
