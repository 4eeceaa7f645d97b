#!/bin/sh
# Fetches the newer QEMU that the distribution's backports hold, with the system's own package client, and unpacks it
# into build/qemu10 (or the folder given as $1) for `make bench` to compare with and, with `user` as $2, for cross builds
# to run under. Nothing is installed and the system's package state is left alone: apt runs on private lists, a private
# cache and private sources, which are the system's own Debian sources with the suite's name exchanged for the
# backports'. The results are the scripts qemu-system-i386 and qemu-system-x86_64 there, or qemu-aarch64 and the like.
set -eu

me=qemu10.sh
here=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$here/build/qemu10}
kind=${2:-system}
. "$(dirname "$0")/apt.sh"

for p in apt-get apt-cache dpkg-deb dpkg-query ldd; do
    command -v $p >/dev/null 2>&1 || die "needs the program '$p'; this works on Debian only"
done
case $(uname -m) in
x86_64) ;;
*) die "the comparison is made on x86-64 hosts only" ;;
esac
case $kind in
system) package=qemu-system-x86 name=qemu-system-i386 names='qemu-system-i386 qemu-system-x86_64' ;;
user) package=qemu-user name=qemu-aarch64 names='qemu-aarch64 qemu-s390x qemu-riscv64' ;;
*) die "$kind: system or user" ;;
esac

release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
[ -n "$release" ] || die "/etc/os-release names no VERSION_CODENAME"
suite=$release-backports

mkdir -p "$out"
out=$(cd "$out" && pwd)
apt=$out/apt
root=$out/root
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/sources.d" "$apt/deb" "$root"

other_suite "$release" "$suite" "$apt/sources.d"
[ -n "$(ls "$apt/sources.d")" ] || die "no source of the system's names the release $release"

# The installed packages count as there: only what they lack is fetched.
papt()
{
    tool=$1
    shift
    "$tool" -q -o APT::Sandbox::User=root -o Dir::State="$apt" -o Dir::State::Lists="$apt/lists" \
        -o Dir::State::status=/var/lib/dpkg/status -o Dir::Cache="$apt/cache" -o Dir::Etc::SourceList=/dev/null \
        -o Dir::Etc::SourceParts="$apt/sources.d" -o Acquire::Languages=none "$@"
}

# get PACKAGE...: download from the private lists and unpack into the root.
get()
{
    for p; do
        (cd "$apt/deb" && papt apt-get download "$p" >"$apt/log" 2>&1) ||
            die "cannot fetch $p: $(tail -n 1 "$apt/log")"
        for d in "$apt/deb"/*.deb; do
            echo "  $(basename "$d")"
            dpkg-deb -x "$d" "$root"
            rm -f "$d"
        done
    done
}

binary=$root/usr/bin/$name
echo "$me: reading the package lists of $suite"
papt apt-get update >"$apt/log" 2>&1 || [ -n "$(papt apt-cache madison $package | head -n 1)" ] ||
    die "cannot read the lists: $(grep '^E:' "$apt/log" | head -n 1)"
have=$(papt apt-cache madison $package | awk '{ print $3; exit }')
[ -n "$have" ] || die "$suite holds no $package"
echo "$me: $package $have"
if [ "$(cat "$out/version-$kind" 2>/dev/null)" != "$have" ] || [ ! -x "$binary" ]; then
    # The other kind's programs of another version would miss their own data.
    if [ -f "$out/version" ] && [ "$(cat "$out/version")" != "$have" ]; then
        rm -rf "$root" "$out"/version*
        mkdir -p "$root"
    fi
    if [ $kind = user ]; then
        get "qemu-user=$have"
    else
        # Modules, too: an older QEMU of the system would offer its own, which make a newer one give up.
        get "qemu-system-x86=$have" "qemu-system-data=$have" "qemu-system-common=$have"
        for p in qemu-system-gui qemu-system-modules-opengl qemu-system-modules-spice; do
            [ -z "$(papt apt-cache madison $p | grep -F "$have")" ] || get "$p=$have"
        done
    fi
fi

lib=$root/usr/lib/x86_64-linux-gnu
libs=$lib:$root/lib/x86_64-linux-gnu

# Shared libraries that neither the system nor the root has. Their packages are those that the unpacked one depends on:
# the release's own sources join the lists for them.
missing()
{
    LD_LIBRARY_PATH=$libs ldd "$binary" 2>/dev/null | awk '/not found/ { print $1 }' | sort -u
}

if [ -n "$(missing)" ]; then
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        [ -f "$f" ] || continue
        if grep -Eq "^[^#]*[[:space:]]$release([[:space:]]|\$)" "$f"; then
            cp "$f" "$apt/sources.d/system-$(basename "$f")"
        fi
    done
    papt apt-get update >"$apt/log" 2>&1 || true
fi
tries=0
while [ -n "$(missing)" ] && [ $tries -lt 5 ]; do
    tries=$((tries + 1))
    before=$(missing)
    for so in $before; do
        # libfoo-2.0.so.1 lives in libfoo-2.0-1, libfoo2.so.1 in libfoo2-1, libfoo.so.1 in libfoo1.
        stem=${so%%.so*}
        major=${so#*.so.}
        case $stem in
        *[0-9]) name=$stem-$major ;;
        *) name=$stem$major ;;
        esac
        name=$(echo "$name" | tr 'A-Z_' 'a-z-')
        for candidate in "$name" "${name}t64" "$stem"; do
            if [ -n "$(papt apt-cache madison "$candidate" 2>/dev/null | head -n 1)" ]; then
                get "$candidate"
                break
            fi
        done
    done
    [ "$(missing)" != "$before" ] || break
done
[ -z "$(missing)" ] || die "cannot find the packages of: $(missing | tr '\n' ' ')"

# Firmware: its own data, and SeaBIOS, which is a package of its own.
share=$root/usr/share
if [ $kind = system ] && [ ! -f "$share/seabios/bios-256k.bin" ] && [ ! -f /usr/share/seabios/bios-256k.bin ]; then
    get seabios
fi
[ $kind = user ] && firmware='' ||
    firmware='-L "$r/usr/share/qemu" -L "$r/usr/share/seabios" -L /usr/share/seabios '
for n in $names; do
    cat >"$out/$n.new" <<END
#!/bin/sh
# Runs the unpacked QEMU with its own libraries and firmware.
here=\$(cd "\$(dirname "\$0")" && pwd)
r=\$here/root
LD_LIBRARY_PATH=\$r/usr/lib/x86_64-linux-gnu:\$r/lib/x86_64-linux-gnu\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
QEMU_MODULE_DIR=\$r/usr/lib/x86_64-linux-gnu/qemu
export LD_LIBRARY_PATH QEMU_MODULE_DIR
exec "\$r/usr/bin/$n" $firmware"\$@"
END
    chmod 755 "$out/$n.new"
    mv "$out/$n.new" "$out/$n"
done
echo "$have" >"$out/version-$kind"
echo "$have" >"$out/version"
"$out/$name" --version | head -n 1
echo "$me: ready: $out/$name"
