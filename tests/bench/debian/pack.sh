#!/bin/sh
# Makes what the set "debian" adds to the Debian roots: the programs they lack (xz, sqlite3), C to
# compile, and the work itself, as a tar file that the guest finds on its second disk.
#
#   pack.sh GUESTS BENCH i386|amd64      writes BENCH/debian-ARCH.tar; unpacked in BENCH/debian-ARCH/
set -eu

me=pack.sh
[ $# -eq 3 ] || { echo "usage: pack.sh GUESTS BENCH i386|amd64" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../.." && pwd)
. "$top/tests/tools/apt.sh"
out=$(cd "$1" && pwd)
bench=$(cd "$2" && pwd)
arch=$3
case $arch in
i386) bits=-m32 ;;
amd64) bits=-m64 ;;
*) die "no root for '$arch'; it knows i386 and amd64" ;;
esac
dir=$bench/debian-$arch
rm -rf "$dir"
mkdir -p "$dir"

# A program that cannot be had is left out, and its line with it.
for p in xz-utils:xz sqlite3:sqlite3; do
    apt_use "$arch"
    if (fetch "${p%%:*}"); then
        cp "$apt/root/${p%%:*}/usr/bin/${p##*:}" "$dir/"
    else
        echo "$me: without ${p##*:}"
    fi
done
# Preprocessed, so that the compiler needs no headers.
for f in core records measure; do
    "${CC:-cc}" $bits -E -P -ffreestanding -I "$top" -o "$dir/$f.i" "$here/../bare/$f.c"
done
cp "$here/work.sh" "$here/work.py" "$here/work.pl" "$here/work.sql" "$dir/"
tar -C "$dir" -cf "$bench/debian-$arch.tar.new" .
mv "$bench/debian-$arch.tar.new" "$bench/debian-$arch.tar"
