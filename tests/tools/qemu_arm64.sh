#!/bin/sh
# Fetches Debian's arm64 package of QEMU's x86 system emulation, and what it depends on, and unpacks it into
# build/qemu-arm64/root (or $1/root) for `make bench-a64` to run under qemu-user and count. Nothing is installed (apt.sh).
set -eu

me=qemu_arm64.sh
here=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$here/build/qemu-arm64}
. "$(dirname "$0")/apt.sh"

for p in apt-get apt-cache dpkg-deb; do
    need $p apt
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
apt_use arm64
root=$out/root
if [ -x "$root/usr/bin/qemu-system-i386" ]; then
    echo "$me: ready: $root"
    exit 0
fi
rm -rf "$root.new"
mkdir -p "$root.new/usr/lib"
ln -s usr/lib "$root.new/lib" # programs and libraries have one folder each, as on an installed system
lists
# What an installation would bring, but for what only an installed system needs.
packages=$(papt apt-get install -s -y --no-install-recommends qemu-system-x86 2>"$apt/log" | sed -n 's/^Inst \([^ ]*\).*/\1/p')
[ -n "$packages" ] || die "apt-get cannot say what qemu-system-x86 depends on: $(tail -n 1 "$apt/log")"
for p in $packages; do
    case $p in
    adduser | passwd | debconf* | iso-codes | *-data | ipxe-qemu | ovmf | perl* | libperl* | login | mount | util-linux* | coreutils | dpkg | tar) continue ;;
    esac
    fetch "$p"
    tar -C "$apt/root/$p" -c . | tar -C "$root.new" --keep-directory-symlink -x
    rm -rf "$apt/root/$p"
done
rm -rf "$root"
mv "$root.new" "$root"
echo "$me: ready: $root"
