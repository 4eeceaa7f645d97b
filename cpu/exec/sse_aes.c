/* AES rounds and carry-less multiplication (FIPS 197; SDM vol. 1, 12.13). */
#include "cpu/exec/avx.h"

/* x * 2 in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
static u8 times2(u8 x)
{
    return (u8)(x << 1 ^ (x >> 7) * 0x1b);
}

static u8 gf_mul(u8 a, u8 b)
{
    u8 r = 0;
    for (; b; b >>= 1, a = times2(a))
        if (b & 1)
            r ^= a;
    return r;
}

/* x^254 = 1 / x, and 0 for 0. */
static u8 gf_inverse(u8 x)
{
    u8 square = x, r = 1;
    for (int i = 0; i < 7; i++) {
        square = gf_mul(square, square);
        r = gf_mul(r, square);
    }
    return r;
}

static u8 rotl8(u8 x, unsigned n)
{
    return (u8)(x << n | x >> (8 - n));
}

static u8 sub_byte(u8 x)
{
    u8 i = gf_inverse(x);
    return i ^ rotl8(i, 1) ^ rotl8(i, 2) ^ rotl8(i, 3) ^ rotl8(i, 4) ^ 0x63;
}

static u8 inv_sub_byte(u8 x)
{
    return gf_inverse(rotl8(x, 1) ^ rotl8(x, 3) ^ rotl8(x, 6) ^ 0x05);
}

/* Byte (row, column) of the state is b[4 * column + row]; row r of ShiftRows moves by r columns. */
static void shift_sub(union xmm *v, bool inverse)
{
    union xmm r;
    for (unsigned i = 0; i < 16; i++) {
        unsigned row = i & 3, from = (i + (inverse ? 16 - 4 * row : 4 * row)) & 15;
        r.b[i] = inverse ? inv_sub_byte(v->b[from]) : sub_byte(v->b[from]);
    }
    *v = r;
}

/* Each column times the polynomial with coefficients c (MixColumns or its inverse). */
static void mix_columns(union xmm *v, const u8 c[4])
{
    union xmm r;
    for (unsigned i = 0; i < 16; i++) {
        u8 x = 0;
        for (unsigned j = 0; j < 4; j++)
            x ^= gf_mul(v->b[(i & 12) | j], c[(j - i) & 3]);
        r.b[i] = x;
    }
    *v = r;
}

static const u8 mix[4] = {2, 3, 1, 1}, unmix[4] = {14, 11, 13, 9};

static void add_key(union xmm *d, const union xmm *key)
{
    d->q[0] ^= key->q[0];
    d->q[1] ^= key->q[1];
}

static void encrypt(union xmm *d, const union xmm *s, unsigned n)
{
    shift_sub(d, false);
    mix_columns(d, mix);
    add_key(d, s);
}

static void encrypt_last(union xmm *d, const union xmm *s, unsigned n)
{
    shift_sub(d, false);
    add_key(d, s);
}

static void decrypt(union xmm *d, const union xmm *s, unsigned n)
{
    shift_sub(d, true);
    mix_columns(d, unmix);
    add_key(d, s);
}

static void decrypt_last(union xmm *d, const union xmm *s, unsigned n)
{
    shift_sub(d, true);
    add_key(d, s);
}

static void unmix_key(union xmm *d, const union xmm *s, unsigned n)
{
    *d = *s;
    mix_columns(d, unmix);
}

VEX_OP(AESENC, encrypt)
VEX_OP(AESENCLAST, encrypt_last)
VEX_OP(AESDEC, decrypt)
VEX_OP(AESDECLAST, decrypt_last)
VEX_OP(AESIMC, unmix_key)

static u32 sub_word(u32 w)
{
    return (u32)sub_byte((u8)w) | (u32)sub_byte((u8)(w >> 8)) << 8 |
           (u32)sub_byte((u8)(w >> 16)) << 16 | (u32)sub_byte((u8)(w >> 24)) << 24;
}

static void generate_key(union xmm *d, const union xmm *s, unsigned imm)
{
    union xmm r;
    for (unsigned i = 0; i < 4; i += 2) {
        u32 w = sub_word(s->d[i + 1]);
        r.d[i] = w;
        r.d[i + 1] = (w >> 8 | w << 24) ^ imm;
    }
    *d = r;
}
IMM_OP(AESKEYGENASSIST, generate_key, 0)

static void multiply_carryless(union xmm *d, const union xmm *s, unsigned imm)
{
    u64 a = d->q[imm & 1], b = s->q[imm >> 4 & 1];
    union xmm r = {.q = {0, 0}};
    for (unsigned i = 0; i < 64; i++) {
        if (!(b >> i & 1))
            continue;
        r.q[0] ^= a << i;
        if (i)
            r.q[1] ^= a >> (64 - i);
    }
    *d = r;
}
IMM_OP(PCLMULQDQ, multiply_carryless, 0)
