/* SHA-1 and SHA-256 instructions (SDM vol. 2, SHA1*, SHA256*; FIPS 180-4). Word 3 of a vector is
 * the one that comes first. */
#include "cpu/exec/avx.h"

static u32 rotl(u32 v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static u32 rotr(u32 v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static u32 choose(u32 x, u32 y, u32 z)
{
    return (x & y) ^ (~x & z);
}

static u32 majority(u32 x, u32 y, u32 z)
{
    return (x & y) ^ (x & z) ^ (y & z);
}

/* ---- SHA-1 ---- */
LANE_FN sha1_next_e(union xmm *d, const union xmm *s, unsigned n)
{
    u32 e = rotl(d->d[3], 30);
    *d = *s;
    d->d[3] += e;
}

LANE_FN sha1_msg1(union xmm *d, const union xmm *s, unsigned n)
{
    union xmm r;
    r.d[3] = d->d[3] ^ d->d[1];
    r.d[2] = d->d[2] ^ d->d[0];
    r.d[1] = d->d[1] ^ s->d[3];
    r.d[0] = d->d[0] ^ s->d[2];
    *d = r;
}

LANE_FN sha1_msg2(union xmm *d, const union xmm *s, unsigned n)
{
    union xmm r;
    r.d[3] = rotl(d->d[3] ^ s->d[2], 1);
    r.d[2] = rotl(d->d[2] ^ s->d[1], 1);
    r.d[1] = rotl(d->d[1] ^ s->d[0], 1);
    r.d[0] = rotl(d->d[0] ^ r.d[3], 1);
    *d = r;
}

/* Four rounds; the immediate chooses function and constant. The first word of the source has E in
 * it already. */
static void sha1_rounds(union xmm *d, const union xmm *s, unsigned imm)
{
    static const u32 k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    u32 a = d->d[3], b = d->d[2], c = d->d[1], e = d->d[0], f, last = 0;
    for (unsigned i = 0; i < 4; i++) {
        u32 t;
        switch (imm & 3) {
        case 0: f = choose(b, c, e); break;
        case 2: f = majority(b, c, e); break;
        default: f = b ^ c ^ e; break;
        }
        t = f + rotl(a, 5) + s->d[3 - i] + last + k[imm & 3];
        last = e;
        e = c;
        c = rotl(b, 30);
        b = a;
        a = t;
    }
    *d = (union xmm){.d = {e, c, b, a}};
}

VEC_OP(SHA1NEXTE, sha1_next_e)
VEC_OP(SHA1MSG1, sha1_msg1)
VEC_OP(SHA1MSG2, sha1_msg2)

void exec_SHA1RNDS4(struct cpu *cpu, const struct insn *insn)
{
    imm_op(cpu, insn, sha1_rounds);
}

/* ---- SHA-256 ---- */
static u32 sigma0(u32 v)
{
    return rotr(v, 7) ^ rotr(v, 18) ^ v >> 3;
}

static u32 sigma1(u32 v)
{
    return rotr(v, 17) ^ rotr(v, 19) ^ v >> 10;
}

LANE_FN sha256_msg1(union xmm *d, const union xmm *s, unsigned n)
{
    for (unsigned i = 0; i < 4; i++)
        d->d[i] += sigma0(i < 3 ? d->d[i + 1] : s->d[0]);
}

LANE_FN sha256_msg2(union xmm *d, const union xmm *s, unsigned n)
{
    union xmm r;
    r.d[0] = d->d[0] + sigma1(s->d[2]);
    r.d[1] = d->d[1] + sigma1(s->d[3]);
    r.d[2] = d->d[2] + sigma1(r.d[0]);
    r.d[3] = d->d[3] + sigma1(r.d[1]);
    *d = r;
}

VEC_OP(SHA256MSG1, sha256_msg1)
VEC_OP(SHA256MSG2, sha256_msg2)

/* Two rounds: C, D, G, H are in the destination, A, B, E, F in the source, the sums of message and
 * constant in the low half of XMM0. */
void exec_SHA256RNDS2(struct cpu *cpu, const struct insn *insn)
{
    u32 a, b, c, d, e, f, g, h;
    union xmm s, old;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    old = vec_read(cpu, insn, 0);
    a = s.d[3], b = s.d[2], e = s.d[1], f = s.d[0];
    c = old.d[3], d = old.d[2], g = old.d[1], h = old.d[0];
    for (unsigned i = 0; i < 2; i++) {
        u32 t = choose(e, f, g) + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + cpu->xmm[0].d[i] + h;
        u32 u = majority(a, b, c) + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22));
        h = g;
        g = f;
        f = e;
        e = t + d;
        d = c;
        c = b;
        b = a;
        a = t + u;
    }
    vec_write(cpu, insn, 0, (union xmm){.d = {f, e, b, a}});
}
