#!/bin/sh
# Fetches the real guests of the boot tests with the system's own package client and unpacks them
# into build/guests (or the folder given as $1). Needs no root and leaves the system's package
# state alone: apt runs on private lists and a private cache, once for i386 and once for amd64, from
# the system's own Debian sources (apt.sh).
#
#   guests.sh [DIR] [kernels|all|full]     "kernels" stops after the kernels and their initramfs,
#                                          "full" adds the large ones that only slow tests use
#
# What it makes:
#   vmlinuz-686 vmlinuz-686-pae       Debian's kernels, without and with PAE
#   busybox                           static i386 busybox
#   initrd-busybox.cpio.gz            GUEST-UP, then a shell on the console
#   bench.cpio.gz                     the benchmark initramfs (only where a 32-bit C library is installed)
#   initrd-modules.cpio.gz            busybox + IDE, CD and network drivers of the 686 kernel
#   initrd-virtio.cpio.gz             busybox + virtio drivers of the 686 kernel
#   d-i/{vmlinuz,initrd.gz}           Debian's text installer, netboot flavour
#   d-i/gtk-{vmlinuz,initrd.gz}       the graphical one
#   grub-rescue-floppy.img grub-rescue-cdrom.iso memtest.bin isolinux/
#   vmlinuz-amd64 busybox-amd64 initrd-busybox-amd64.cpio.gz      the same for x86-64
#   memtest64.bin gnumach invaders    memtest86+ in long mode; two multiboot programs
#   d-i-amd64/{vmlinuz,initrd.gz}     the amd64 installer ("full"), and for guest_pictures.sh
#   d-i-13/{vmlinuz,initrd.gz}        the graphical one of the next release, iPXE, Xen, U-Boot,
#                                     GRUB's first generation and a theme (left in apt-amd64/root)
set -eu

me=guests.sh
here=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$here/build/guests}
what=${2:-all}

. "$(dirname "$0")/apt.sh"

need apt-get apt
need dpkg-deb dpkg
need gzip gzip
if command -v cpio >/dev/null 2>&1; then
    cpio_newc() { cpio -o -H newc -R 0:0 --reproducible --quiet; }
elif command -v busybox >/dev/null 2>&1; then
    cpio_newc() { busybox cpio -o -H newc -R 0:0 2>/dev/null; }
else
    die "needs the program 'cpio' or 'busybox' (Debian package: cpio)"
fi

mkdir -p "$out"
out=$(cd "$out" && pwd)
apt_use i386

echo "$me: guests in $out"

for flavour in 686 686-pae; do
    if [ ! -f "$out/vmlinuz-$flavour" ]; then
        lists
        pkg=$(kernel_package "linux-image-$flavour")
        [ -n "$pkg" ] || die "the package lists hold no kernel for linux-image-$flavour"
        fetch "$pkg"
        echo "$pkg" >"$apt/kernel-$flavour"
        cp "$apt/root/$pkg"/boot/vmlinuz-* "$out/vmlinuz-$flavour"
    fi
done
fetch busybox-static
put "$apt/root/busybox-static/bin/busybox" "$out/busybox"

# tree DIR [BUSYBOX]: an initramfs tree with busybox and the links that an init needs before it can
# run `busybox --install`.
tree()
{
    rm -rf "$1"
    mkdir -p "$1/bin" "$1/proc" "$1/sys" "$1/dev" "$1/tmp" "$1/root" "$1/etc" "$1/mnt"
    cp "${2:-$out/busybox}" "$1/bin/busybox"
    for a in sh mount cut sed awk grep cat echo uname poweroff reboot setsid cttyhack mkdir dd gzip \
        sha256sum md5sum sort seq tail head bzip2 true ls vi sleep insmod dmesg ifconfig route ping udhcpc \
        tr wc cmp diff cp mv rm ln ps kill hexdump date hwclock stty printf sync mknod mdev fdisk; do
        ln -s busybox "$1/bin/$a"
    done
}

pack()
{
    # The same tree gives the same bytes.
    find "$1" -exec touch -h -d @0 {} +
    (cd "$1" && find . | LC_ALL=C sort | cpio_newc) | gzip -9n >"$2.packed"
    put "$2.packed" "$2"
    rm "$2.packed"
}

interactive_init()
{
    cat <<'END'
#!/bin/sh
# First process of the boot tests: mounts what busybox needs, says that it is up, then gives the
# console a shell. A command line with run=NAME runs /NAME instead of the shell; the word
# "poweroff" ends the run right there.
export PATH=/bin HOME=/root TERM=vt100 PS1='guest# '
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
echo "GUEST-UP $(uname -r) $(cut -d' ' -f1 /proc/uptime)"
[ -f /setup ] && . /setup
run=$(sed -n 's/.*run=\([^ ]*\).*/\1/p' /proc/cmdline)
if [ -n "$run" ]; then
    . "/$run"
fi
case " $(cat /proc/cmdline) " in
*" poweroff "*) poweroff -f ;;
esac
cd /root
while :; do
    setsid cttyhack sh
    echo "GUEST-SHELL-ENDED"
done
END
}

# The tree that ends in a shell. run=state ends by itself, for the runs that compare engines.
shell_tree()
{
    tree "$@"
    interactive_init >"$1/init"
    chmod 755 "$1/init"
    cat >"$1/state" <<'END'
echo "STATE $(uname -m) $(echo dragoman | sha256sum | cut -c1-16)"
poweroff -f
END
}

t=$apt/tree
shell_tree "$t"
pack "$t" "$out/initrd-busybox.cpio.gz"

# Drivers of the 686 kernel that Debian builds as modules, in load order, with the disk and CD
# file systems.
disk_modules="crct10dif_common crct10dif_generic crc-t10dif crc64 crc64_rocksoft_generic
    crc64-rocksoft t10-pi scsi_common scsi_mod libata ata_piix sd_mod cdrom sr_mod isofs
    crc16 mbcache jbd2 crc32c_generic libcrc32c ext4"

# add_modules DIR MODULE...
add_modules()
{
    into=$1
    shift
    kernel=$(cat "$apt/kernel-686" 2>/dev/null) || return 0
    kroot=$apt/root/$kernel
    mkdir -p "$into/lib"
    echo '# Loads the drivers, in order; a missing device is no error.' >"$into/setup"
    echo 'for m in /lib/*.ko; do insmod "$m" 2>/dev/null; done' >>"$into/setup"
    n=10
    for m; do
        f=$(find "$kroot/lib" "$kroot/usr/lib" -name "$m.ko" 2>/dev/null | head -n 1)
        if [ -n "$f" ]; then
            cp "$f" "$into/lib/$n-$m.ko"
        fi
        n=$((n + 1))
    done
}

add_modules "$t" $disk_modules fat vfat nls_cp437 nls_ascii floppy mii 8390 8390p ne2k-pci ne 8139cp e1000
pack "$t" "$out/initrd-modules.cpio.gz"

shell_tree "$t"
add_modules "$t" $disk_modules virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev \
    virtio_pci virtio_blk rng-core virtio-rng virtio_balloon virtio_console netfs fscache 9pnet \
    9pnet_virtio 9p failover net_failover virtio_net
pack "$t" "$out/initrd-virtio.cpio.gz"

# The benchmark: the programs to measure lie beside the project or in tests/bench.
bench=
for d in "$here/tests/bench/guest" "$here/../shared/bench"; do
    if [ -f "$d/sysbench.c" ]; then
        bench=$d
        break
    fi
done
if [ -n "$bench" ]; then
    cc32=
    for cc in gcc-12 gcc; do
        command -v $cc >/dev/null 2>&1 || continue
        if $cc -m32 -static -O2 -march=i686 -w "$bench/sysbench.c" -o "$apt/sysbench" 2>/dev/null; then
            cc32=$cc
            break
        fi
    done
    if [ -n "$cc32" ]; then
        tree "$t"
        mkdir "$t/b"
        cp "$apt/sysbench" "$t/b/sysbench"
        cp "$bench/init" "$t/init"
        chmod 755 "$t/init"
        pack "$t" "$out/bench.cpio.gz"
    else
        echo "$me: no 32-bit static C library here (Debian package: gcc-multilib): bench.cpio.gz not made"
    fi
fi
rm -rf "$t"

apt_use amd64
if [ ! -f "$out/vmlinuz-amd64" ]; then
    lists
    pkg=$(kernel_package linux-image-amd64)
    [ -n "$pkg" ] || die "the package lists hold no kernel for linux-image-amd64"
    fetch "$pkg" boot
    cp "$apt/root/$pkg"/boot/vmlinuz-* "$out/vmlinuz-amd64"
fi
fetch busybox-static
put "$apt/root/busybox-static/bin/busybox" "$out/busybox-amd64"
shell_tree "$t" "$out/busybox-amd64"
pack "$t" "$out/initrd-busybox-amd64.cpio.gz"
rm -rf "$t"
apt_use i386

if [ "$what" = kernels ]; then
    echo "$me: kernels ready"
    exit 0
fi

fetch debian-installer-12-netboot-i386
mkdir -p "$out/d-i"
di=$(find "$apt/root/debian-installer-12-netboot-i386" -path '*text*/initrd.gz' | head -n 1)
[ -n "$di" ] || di=$(find "$apt/root/debian-installer-12-netboot-i386" -name initrd.gz | head -n 1)
take "$out/d-i/initrd.gz" "$di"
take "$out/d-i/vmlinuz" "$(dirname "$di")/linux" "$(dirname "$di")/vmlinuz"
di=$(find "$apt/root/debian-installer-12-netboot-i386" -path '*gtk*/initrd.gz' | head -n 1)
take "$out/d-i/gtk-initrd.gz" "$di"
take "$out/d-i/gtk-vmlinuz" "$(dirname "$di")/linux" "$(dirname "$di")/vmlinuz"

fetch grub-rescue-pc
rescue=$apt/root/grub-rescue-pc/usr/lib/grub-rescue
take "$out/grub-rescue-floppy.img" "$rescue/grub-rescue-floppy.img"
take "$out/grub-rescue-cdrom.iso" "$rescue/grub-rescue-cdrom.iso"

fetch memtest86+
take "$out/memtest.bin" "$apt/root/memtest86+/boot/memtest86+ia32.bin" \
    "$apt/root/memtest86+/boot/memtest86+x32.bin" "$apt/root/memtest86+/boot/memtest86+.bin"

fetch gnumach-image-1.8-486
gzip -dc "$apt/root/gnumach-image-1.8-486/boot/gnumach-1.8-486.gz" >"$apt/gnumach"
put "$apt/gnumach" "$out/gnumach"

fetch isolinux
fetch syslinux-common
mkdir -p "$out/isolinux"
take "$out/isolinux/isolinux.bin" "$apt/root/isolinux/usr/lib/ISOLINUX/isolinux.bin"
take "$out/isolinux/ldlinux.c32" "$apt/root/syslinux-common/usr/lib/syslinux/modules/bios/ldlinux.c32"

apt_use amd64
fetch memtest86+ boot
take "$out/memtest64.bin" "$apt/root/memtest86+/boot/memtest86+x64.bin"
fetch grub-invaders
take "$out/invaders" "$apt/root/grub-invaders/boot/invaders.exec"

if [ "$what" = full ]; then
    fetch debian-installer-12-netboot-amd64
    mkdir -p "$out/d-i-amd64"
    di=$(find "$apt/root/debian-installer-12-netboot-amd64" -path '*text*/initrd.gz' | head -n 1)
    take "$out/d-i-amd64/initrd.gz" "$di"
    take "$out/d-i-amd64/vmlinuz" "$(dirname "$di")/linux" "$(dirname "$di")/vmlinuz"
    for p in ipxe grub-theme-starfield grub-legacy u-boot-qemu; do
        fetch $p
    done
    fetch "$(papt apt-cache search --names-only '^xen-hypervisor-[0-9.]*-amd64$' | cut -d' ' -f1 | sort -V | tail -n 1)" boot
    all=$out
    out=$all/trixie
    mkdir -p "$out" "$all/d-i-13"
    apt_use amd64 trixie
    listed=
    fetch debian-installer-13-netboot-amd64
    di=$(find "$apt/root/debian-installer-13-netboot-amd64" -path '*gtk*/initrd.gz' | head -n 1)
    take "$all/d-i-13/initrd.gz" "$di"
    take "$all/d-i-13/vmlinuz" "$(dirname "$di")/linux" "$(dirname "$di")/vmlinuz"
    out=$all
fi

echo "$me: all guests ready in $out"
