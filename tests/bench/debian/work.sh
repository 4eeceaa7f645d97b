#!/bin/sh
# What the set "debian" times, in the guest and on the host: Debian's own programs.
#
#   work.sh               in the guest, whose root has the programs
#   work.sh ROOT          on the host: the programs of an unpacked root through its own loader
#
# It runs in the folder of the files of pack.sh, and writes into the folder $TMP.
root=${1:-}
here=$(cd "$(dirname "$0")" && pwd)
TMP=${TMP:-/tmp/out}
mkdir -p "$TMP"
cd "$TMP" || exit 1

gcc=$(echo "$root"/usr/lib/gcc/*-linux-gnu/*/cc1)
gcc=${gcc%/cc1}
tuple=$(basename "$(dirname "$gcc")")
tuple=$(echo "$tuple" | sed 's/i[56]86/i386/')
if [ -n "$root" ]; then
    lib=$root/lib/$tuple:$root/usr/lib/$tuple
    for loader in "$root"/lib/ld-linux.so.2 "$root"/lib/ld-linux-x86-64.so.2 "$root"/lib64/ld-linux-x86-64.so.2; do
        [ ! -f "$loader" ] || break
    done
    run()
    {
        p=$1
        shift
        case $p in
        /*) ;;
        *) p=$root/usr/bin/$p ;;
        esac
        "$loader" --library-path "$lib" "$p" "$@"
    }
    PYTHONHOME=$root/usr
    export PYTHONHOME
else
    run()
    {
        "$@"
    }
fi
# The host's processor has more than the guest's: the same code paths for both (SSE2, CMOV, no AES).
OPENSSL_ia32cap=0x0000000007808111:0x0
OPENSSL_CONF=/dev/null
LC_ALL=C
export OPENSSL_ia32cap OPENSSL_CONF LC_ALL

# timed NAME COMMAND...: "T NAME SECONDS s" when it succeeds.
timed()
{
    name=$1
    shift
    from=$(date +%s%N)
    if "$@" >"$TMP/said" 2>"$TMP/error"; then
        ms=$((($(date +%s%N) - from) / 1000000))
        printf 'T %s %d.%03d s\n' "$name" $((ms / 1000)) $((ms % 1000))
    else
        echo "# $name failed: $(head -n 1 "$TMP/error")"
    fi
}

# What openssl says for machines: "+F:number:name:bytes/s" and "+F2:number:bits:signs/s:verifies/s".
speed()
{
    run openssl speed -mr -elapsed -seconds 1 -bytes 8192 -evp "$2" 2>/dev/null |
        awk -F: -v name="$1" '$1 == "+F" { printf "R %s %.2f MB/s\n", name, $4 / 1e6 }'
}

rsa()
{
    run openssl speed -mr -elapsed -seconds 1 rsa2048 2>/dev/null |
        awk -F: '$1 == "+F2" && $4 + 0 > 0 { printf "R rsa2048_sign %.2f sign/s\nR rsa2048_verify %.2f verify/s\n", $4, $5 }'
}

compile()
{
    for f in core records measure; do
        run "$gcc/cc1" -quiet -O2 -fpreprocessed "$here/$f.i" -o "$TMP/$f.s" &&
            run as "$TMP/$f.s" -o "$TMP/$f.o" || return 1
    done
}

pack_xz()
{
    run "$here/xz" -T1 -1 -c "$TMP/data" >"$TMP/data.xz"
}

unpack_xz()
{
    run "$here/xz" -T1 -dc "$TMP/data.xz" >"$TMP/data.out"
}

pack_gzip()
{
    run gzip -c "$TMP/data" >"$TMP/data.gz"
}

database()
{
    run "$here/sqlite3" :memory: <"$here/work.sql"
}

head -c 3000000 "$root"/usr/bin/perl >"$TMP/data"
speed sha256 sha256
speed aes_128_cbc aes-128-cbc
rsa
timed gzip pack_gzip
if [ -f "$here/xz" ]; then
    timed xz pack_xz
    timed unxz unpack_xz
fi
timed python3 run python3 -S "$here/work.py"
timed perl run perl "$here/work.pl"
[ ! -f "$here/sqlite3" ] || timed sqlite3 database
timed gcc compile
