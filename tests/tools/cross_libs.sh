#!/bin/sh
# Makes build/cross/TRIPLET, the libraries of another host that a cross build links with and runs under qemu-user with:
# cross_libs.sh TRIPLET [FOLDER]. Debian's packages of that architecture, fetched by apt.sh and unpacked: nothing is
# installed. An architecture that the system's release does not have comes from the first release that does; CROSS_SUITE
# names another one. CROSS_SDL=yes: SDL2, too.
set -eu

me=cross_libs.sh
here=$(cd "$(dirname "$0")/../.." && pwd)
triplet=${1:-}
out=${2:-$here/build/cross}
. "$(dirname "$0")/apt.sh"

suite=
case $triplet in
aarch64-linux-gnu) debian=arm64 ;;
s390x-linux-gnu) debian=s390x ;;
riscv64-linux-gnu) debian=riscv64 suite=trixie ;;
powerpc64le-linux-gnu) debian=ppc64el ;;
arm-linux-gnueabihf) debian=armhf ;;
i686-linux-gnu) debian=i386 ;;
*) die "'$triplet': which architecture is that? Known: aarch64, s390x, riscv64, powerpc64le, i686 -linux-gnu, arm-linux-gnueabihf" ;;
esac
for p in apt-get apt-cache dpkg-deb; do
    need $p apt
done

mkdir -p "$out"
out=$(cd "$out" && pwd)
apt_use $debian ${CROSS_SUITE:-$suite}
root=$out/$1
# Programs and libraries have one folder each, whether the release has merged them or not.
mkdir -p "$root/usr/lib" "$root/usr/lib64"
for d in lib lib64; do
    [ -e "$root/$d" ] || ln -s usr/$d "$root/$d"
done

# add NAME...: unpack the first of these packages that the suite has; false: it has none.
add()
{
    for p; do
        if [ ! -d "$apt/root/$p" ]; then
            lists
            [ -n "$(papt apt-cache madison "$p" 2>/dev/null | head -n 1)" ] || continue
            fetch "$p"
        fi
        tar -C "$apt/root/$p" -c . | tar -C "$root" --keep-directory-symlink -x
        return 0
    done
    return 1
}

for p in libc6 libc6-dev linux-libc-dev libgcc-s1 zlib1g zlib1g-dev check libsubunit0 libsubunit-dev; do
    add $p || die "$debian has no package $p"
done
add libcapstone4 libcapstone5 && add libcapstone-dev || echo "$me: without Capstone"
add libslirp0 && add libslirp-dev && add libglib2.0-0 libglib2.0-0t64 && add libgio-2.0-dev libglib2.0-dev &&
    add libpcre2-8-0 && add libpcre2-dev && add libatomic1 &&
    { add libsysprof-capture-4-dev || :; } || echo "$me: without libslirp"
# A window is not tested there: SDL2 and the hundred packages behind it come when asked for.
if [ -n "${CROSS_SDL:-}" ]; then
    lists
    for p in $(papt apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
        --no-enhances libsdl2-2.0-0 | grep '^lib' | cut -d: -f1 | sort -u) libsdl2-dev; do
        add "$p" || :
    done
fi
echo "$me: ready: $root"
