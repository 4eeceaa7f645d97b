#!/bin/sh
# The work that slow_root.sh gives a Debian root, in the guest and natively: every line that starts
# with "R " is a result and must be the same in both; all others are for people.
#
#   root_work.sh [SECONDS]      how long stress-ng checks itself (default 60, 0: not at all)
export LC_ALL=C HOME=/root
w=/tmp/work.$$
mkdir "$w" && cd "$w" || exit 1

result()
{
    echo "R $*"
}

short()
{
    sha256sum | cut -c1-16
}

echo WORK-START
# Python: floats to the last bit, big integers, a chain of hashes, text.
python3 -c '
import hashlib, math, struct
h = hashlib.sha256()
x = 0.1
for i in range(1, 60001):
    x = (x * 3.7) * (1.0 - x) if 0 < x < 1 else math.sqrt(i) / 1e3 % 1
    y = math.sqrt(x + i) / (i % 17 + 0.3) - math.floor(x * i) + math.fmod(i * x, 2.5) + float(i) ** 2
    h.update(struct.pack("<dd", x, y))
print("R python-float", h.hexdigest()[:16], repr(x), repr(y), float.hex(y))
print("R python-edge", [repr(v) for v in (5e-324 / 2, 1e308 * 10, -0.0, 2.0**-1074 + 2.0**-1022, math.ldexp(1, -1060),
    float("nan"), 0.1 + 0.2, 1e16 + 1, int(1e22), round(2.5), round(-3.5), 7 % -3.5, math.inf - math.inf)])
'
# The last bits of these are the processor's own choice (x87) or its library's (with FMA or without).
python3 -c '
import hashlib, math
def f(x):
    return [math.sin(x), math.cos(x), math.tan(x / 9), math.atan(x), math.exp(x / 50), math.log(x + 1), math.log2(x + 1),
            x ** 0.37, math.sinh(x / 40), math.asin(x / 1100), math.atan2(x, 3), math.gamma(x / 20 + 1), math.erf(x / 300),
            math.expm1(x / 1e5), math.log1p(x / 1e5), math.cbrt(x) if hasattr(math, "cbrt") else 0, math.hypot(x, 2)]
text = "".join("%.10e," % v for i in range(900) for v in f(i + i / 7.0))
print("R python-functions", hashlib.sha256(text.encode()).hexdigest()[:16], text[-80:])
'
python3 -c '
import hashlib, math, sys
sys.set_int_max_str_digits(0)
n = math.factorial(3000)
s = str(n)
p = 2**521 - 1
q = pow(3, n % (10**60), p)
print("R python-big", len(s), hashlib.sha256(s.encode()).hexdigest()[:16], q % 10**20, math.isqrt(n) % 10**20, math.gcd(n, 3**8000) % 10**12,
      (n // (7**999 + 1)) % 10**20, (-n >> 1234) % 10**20, int(s[:3000]) % 998244353)
'
python3 -c '
import hashlib, zlib, json, re, random, collections
d = b"start"
for i in range(30000):
    d = hashlib.sha256(d + b"%d" % i).digest()
r = random.Random(12345)
l = sorted(r.random() for _ in range(20000))
t = json.dumps([l[i] for i in range(0, 20000, 97)])
c = collections.Counter(re.findall(r"\d", t))
print("R python-hash", d.hex()[:16], zlib.crc32(t.encode()), zlib.adler32(t.encode()), hashlib.md5(zlib.compress(t.encode(), 9)).hexdigest()[:16],
      sorted(c.items()), repr(sum(l)))
'
python3 -c '
from decimal import Decimal, getcontext
from fractions import Fraction
getcontext().prec = 60
print("R python-decimal", Decimal(2).sqrt(), Decimal(3).ln(), Decimal(1) / 7, sum(Fraction(1, k) for k in range(1, 60)))
'

# OpenSSL: what it computes, then its own speed test.
seq 1 150000 >data
for d in md5 sha1 sha256 sha512 sha3-256 blake2b512; do
    result "digest $d" "$(openssl dgst -$d <data | sed 's/.*= //')"
done
for c in aes-128-cbc aes-256-ctr aes-192-cfb camellia-128-cbc chacha20 des-ede3-cbc aria-128-cbc; do
    openssl enc -$c -K 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f -iv 0f0e0d0c0b0a09080706050403020100 \
        -in data -out enc 2>/dev/null
    openssl enc -d -$c -K 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f -iv 0f0e0d0c0b0a09080706050403020100 \
        -in enc -out dec 2>/dev/null
    result "cipher $c" "$(short <enc)" "$(cmp data dec && echo back)"
done
result pbkdf2 "$(openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:guest -kdfopt salt:salt -kdfopt iter:2000 PBKDF2)"
result prime "$(openssl prime 170141183460469231731687303715884105727)"
for k in "RSA -pkeyopt rsa_keygen_bits:1024" "EC -pkeyopt ec_paramgen_curve:P-256" ED25519; do
    openssl genpkey -algorithm $k -out key 2>/dev/null
    case $k in
    ED*) openssl pkeyutl -sign -rawin -inkey key -in key -out sig; v=$(openssl pkeyutl -verify -rawin -inkey key -in key -sigfile sig) ;;
    *) openssl dgst -sha256 -sign key -out sig data; v=$(openssl dgst -sha256 -prverify key -signature sig data) ;;
    esac
    result "sign ${k%% *}" "$v"
done
openssl speed -seconds 1 aes-128-cbc sha256 >speed 2>speed.err
tail -n 3 speed
result speed "$(awk '/^(aes-128-cbc|AES-128-CBC|sha256)/ { n = 0; for (i = 2; i <= NF; i++) n += $i + 0 > 0; printf "%s %d ", tolower($1), n }' speed)"

# Perl.
perl -e '
my ($s, %h) = ("", ());
for my $i (1 .. 20000) {
    my $w = sprintf("%x-%o-%.7g-%+d-%s", $i * 2654435761 % 4294967296, $i, $i / 7, $i % 13 - 6, chr(65 + $i % 26) x ($i % 5));
    $h{$1} += length($2) if $w =~ /^([0-9a-f]{1,3}).*?-([0-7]+)-/;
    $s .= $w if $i % 37 == 0;
}
(my $t = $s) =~ s/([a-f])(\d)/$2$1/g;
my @k = sort { $h{$b} <=> $h{$a} || $a cmp $b } keys %h;
print "R perl ", unpack("%32C*", $t), " ", scalar(@k), " ", join(",", map { "$_=$h{$_}" } @k[0 .. 9]), " ", length($s), " ",
    join("|", unpack("H8 n N", pack("d<", 3.14159))), " ", 0.1 + 0.2, " ", 1e15 / 3, " ", 2 ** 0.5, " ", int(-7.5), " ", -7 % 3, " ",
    9007199254740993, " ", 18446744073709551615, " ", "10" + "20abc" x 0, "\n";
'
perl -MPOSIX -MDigest::SHA=sha1_hex -MMath::BigInt -e '
print "R perl-modules ", sha1_hex(join ",", map { sprintf "%.12e", sin($_) * exp(-$_ / 99) + atan2($_, 7) } 1 .. 3000), " ",
    Math::BigInt->new(7)->bpow(321)->bmod(Math::BigInt->new("1000000000000000000039")), " ", floor(-2.5), " ", fmod(17, 5.5), "\n";
'

# The compiler: hello, then arithmetic of every kind at several settings.
cat >hello.c <<'C'
#include <stdio.h>

int main(void)
{
    puts("R gcc hello, world");
    return 0;
}
C
gcc -o hello hello.c && ./hello
cat >sums.c <<'C'
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 88172645463325252ull;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t hash = 1469598103934665603ull;

static void mix(const void *p, size_t n)
{
    const unsigned char *b = p;

    while (n--)
        hash = (hash ^ *b++) * 1099511628211ull;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(void)
{
    static double list[5000];
    static float single[5000];
    static int8_t bytes[4096];
    long double wide = 1;

    for (int i = 0; i < 200000; i++) {
        uint64_t a = next(), b = next() | 1;
        int64_t s = (int64_t)a, t = (int64_t)(b >> (a & 31)) | 1;
        uint64_t r[] = {a / b, a % b, a * b, (uint64_t)(s / t), (uint64_t)(s % t), a >> (b & 63), (uint64_t)(s >> (b & 63)),
            a << (b & 31), (a << 9 | a >> 55), (uint64_t)__builtin_popcountll(a), (uint64_t)__builtin_clzll(b),
            __builtin_bswap64(a), (uint32_t)a / (uint32_t)(b | 1), (uint16_t)a * (int8_t)b};
        mix(r, sizeof(r));
    }
    printf("integers %016llx\n", (unsigned long long)hash);
    for (int i = 0; i < 5000; i++) {
        list[i] = (double)(int64_t)next() / (double)(next() >> 20 | 1);
        single[i] = (float)list[i] * 0.37f + (float)(int32_t)next();
        wide = wide * 1.000013L + 1.0L / (i + 3);
    }
    qsort(list, 5000, sizeof(*list), by_value);
    mix(list, sizeof(list));
    mix(single, sizeof(single));
    mix(&wide, 10);
    printf("floats %016llx %.20Lg %.9g\n", (unsigned long long)hash, wide, single[77]);
    for (int i = 0; i < 5000; i++) {
        double v[4] = {sqrt(fabs(list[i])), floor(list[i]), list[i] - (double)(long)(list[i] / 1e12), rint(list[i] * 0.001)};
        int32_t w[2] = {(int32_t)fmod(list[i], 1e9), (int32_t)(single[i] / 1e6f)};
        mix(v, sizeof(v));
        mix(w, sizeof(w));
    }
    printf("rounding %016llx\n", (unsigned long long)hash);
    for (int k = 0; k < 200; k++) {
        for (int i = 0; i < 4096; i++)
            bytes[i] = (int8_t)(bytes[i] * 5 + i + k);
        memmove(bytes + k, bytes, 4096 - 200);
        hash ^= (uint64_t)strlen((char *)bytes) + (memcmp(bytes, bytes + 1000, 64) > 0);
        mix(bytes, sizeof(bytes));
    }
    printf("bytes %016llx\n", (unsigned long long)hash);
    return 0;
}
C
for o in "-O0" "-O2" "-O3 -ftree-vectorize" "-O2 -mfpmath=sse -msse2" "-O2 -mfpmath=387" "-Os -mno-mmx" "-O3 -mssse3"; do
    case $o in
    *ssse3*) [ -f /proc/cpuinfo ] && ! grep -qw ssse3 /proc/cpuinfo && continue ;;
    esac
    if gcc $o -o sums sums.c -lm; then
        ./sums | sed "s/^/R gcc $o: /"
    else
        result "gcc $o failed"
    fi
done

# stress-ng checks its own results.
secs=${1:-60}
if [ "$secs" != 0 ]; then
    stress-ng --cpu 1 --cpu-method all --verify -t "$secs" --metrics >stress 2>&1
    result "stress-ng status $?"
    cat stress
    result "stress-ng failures $(grep -c 'fail:' stress)"
fi
cd / && rm -rf "$w"
echo WORK-DONE
