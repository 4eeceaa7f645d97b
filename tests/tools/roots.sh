#!/bin/sh
# Makes a bootable disk with a Debian root of its own: debootstrap from the system's own sources,
# one ext4 partition, GRUB in the gap before it, everything on the first serial port.
#
#   roots.sh DIR i386|amd64 [desktop]    needs root (debootstrap runs programs in the new root)
#
# What it makes in DIR:
#   root-ARCH/         the unpacked root: the same programs run natively with chroot
#   root-ARCH.img      the disk, raw and sparse; user root, password guest
#   desktop-ARCH/ desktop-ARCH.img    with "desktop": another root, which starts an X server and a
#                      window manager on the screen instead of working programs on the serial port
set -eu

me=roots.sh
[ $# -ge 2 ] || { echo "usage: roots.sh DIR i386|amd64 [desktop]" >&2; exit 2; }
. "$(dirname "$0")/apt.sh"
case $2 in
i386) kernel=linux-image-686-pae ;;
amd64) kernel=linux-image-amd64 ;;
*) die "no root for '$2'; it knows i386 and amd64" ;;
esac
case ${3:-root} in
root | desktop) kind=${3:-root} ;;
*) die "no kind of root '$3'; it knows desktop" ;;
esac
mkdir -p "$1"
out=$(cd "$1" && pwd)
root=$out/$kind-$2
img=$out/$kind-$2.img
if [ -f "$img" ] && [ -d "$root" ]; then
    echo "$me: $img is there"
    exit 0
fi
[ "$(id -u)" = 0 ] || die "needs root to make a Debian root"
PATH=$PATH:/usr/sbin:/sbin
need wget wget
need mkfs.ext4 e2fsprogs
apt_use "$2"
fetch debootstrap

# A number as four bytes, lowest first.
le32()
{
    for shift in 0 8 16 24; do
        printf "\\$(printf %03o $(($1 >> shift & 255)))"
    done
}

# All packages in one go; the initramfs is told to hold just what this machine's disk needs.
packages=$kernel,initramfs-tools,sysvinit-core,sysvinit-utils,initscripts,udev,kmod,procps,mount,login,passwd
packages=$packages,e2fsprogs,grub-pc-bin,grub-common,grub2-common
case $kind in
root) packages=$packages,python3,openssl,perl,gcc,libc6-dev,stress-ng ;;
desktop) packages=$packages,xserver-xorg-core,xserver-xorg-input-libinput,xinit,x11-apps,x11-xserver-utils,xterm,xfonts-base,icewm ;;
esac

if [ ! -f "$root/etc/guest-ready" ]; then
    lists
    mirror=$(papt apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
        sed -n "s/ $release\$//p" | head -n 1)
    [ -n "$mirror" ] || die "no package source for $release"
    rm -rf "$root"
    echo "$me: debootstrap of $release for $2 (log: $apt/debootstrap.log)"
    DEBOOTSTRAP_DIR=$apt/root/debootstrap/usr/share/debootstrap sh "$apt/root/debootstrap/usr/sbin/debootstrap" \
        --arch="$2" --variant=minbase --include="$packages" "$release" "$root" "$mirror" \
        >"$apt/debootstrap.log" 2>&1 || die "debootstrap: $(grep -E '^[EW]:' "$apt/debootstrap.log" | tail -n 1)"
    rm -f "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*Packages

    # initramfs-tools writes its links only for what MODULES=list names.
    echo 'MODULES=list' >"$root/etc/initramfs-tools/conf.d/guest"
    printf '%s\n' ata_piix sd_mod ext4 crc32c_generic >>"$root/etc/initramfs-tools/modules"
    chroot "$root" update-initramfs -u >>"$apt/debootstrap.log" 2>&1 || die "update-initramfs failed"

    echo 'UUID=11111111-2222-4333-8444-555555555555 / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
    echo guest >"$root/etc/hostname"
    echo 'root:guest' | chroot "$root" chpasswd
    # One login on the serial port and no virtual consoles.
    sed -i '/getty/s/^[^#]/#&/' "$root/etc/inittab"
    echo 'S0:2345:respawn:/sbin/getty -L ttyS0 115200 vt100' >>"$root/etc/inittab"
    if [ "$kind" = desktop ]; then
        echo 'x:2345:once:/usr/bin/startx /root/xinitrc -- :0 vt7 -nolisten tcp >/root/x.log 2>&1' >>"$root/etc/inittab"
        cat >"$root/root/xinitrc" <<'CLIENTS'
#!/bin/sh
# What the screen shows: a window manager, clocks, eyes that follow the mouse, a terminal.
xrandr --output "$(xrandr | sed -n 's/ connected.*//p')" --mode 1024x768
xset s off
xsetroot -solid '#336699'
icewm &
sleep 5
xclock -geometry 160x160+840+24 &
xeyes -geometry 160x110+840+220 &
xcalc -geometry 220x300+780+380 &
xterm -geometry 90x34+24+24 -e sh -c 'uname -a; cat /etc/os-release; cat /proc/cpuinfo; exec sh' &
sleep 5
echo DESKTOP-UP >/dev/ttyS0
wait
CLIENTS
        chmod 755 "$root/root/xinitrc"
    fi

    mkdir -p "$root/boot/grub/i386-pc"
    cp "$root"/usr/lib/grub/i386-pc/*.mod "$root"/usr/lib/grub/i386-pc/*.lst "$root/boot/grub/i386-pc/"
    chroot "$root" grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o /boot/grub/i386-pc/core.img \
        biosdisk part_msdos ext2
    cp "$root/usr/lib/grub/i386-pc/boot.img" "$root/boot/grub/i386-pc/"
    cat >"$root/boot/grub/grub.cfg" <<'CFG'
serial --unit=0 --speed=115200
terminal_input serial console
terminal_output serial console
set timeout=2
menuentry 'Guest' {
    linux /vmlinuz root=UUID=11111111-2222-4333-8444-555555555555 ro console=ttyS0,115200
    initrd /initrd.img
}
CFG
    touch "$root/etc/guest-ready"
fi

# The disk: an MBR with one active partition at 1 MiB, filled from the root without mounting it.
size=2048
start=2048
echo "$me: $img"
rm -f "$img.new"
truncate -s ${size}M "$img.new"
mkfs.ext4 -q -F -U 11111111-2222-4333-8444-555555555555 -E offset=$((start * 512)),lazy_itable_init=0,nodiscard \
    -O ^metadata_csum_seed,^orphan_file -d "$root" "$img.new" $((size * 1024 - start / 2)) 2>"$apt/log" ||
    die "mkfs.ext4: $(tail -n 1 "$apt/log")"
# GRUB's boot sector keeps the partition table that is there; its defaults name sector 1 and the
# BIOS's drive. The core image lies in the gap from sector 1 on.
dd if="$root/boot/grub/i386-pc/boot.img" of="$img.new" bs=1 count=440 conv=notrunc status=none
# One active Linux partition, from 1 MiB to the end: status, CHS (unused), type, CHS, start, sectors.
{
    printf '\200\000\000\000\203\000\000\000'
    le32 $start
    le32 $((size * 2048 - start))
} | dd of="$img.new" bs=1 seek=446 conv=notrunc status=none
printf '\125\252' | dd of="$img.new" bs=1 seek=510 conv=notrunc status=none
dd if="$root/boot/grub/i386-pc/core.img" of="$img.new" bs=512 seek=1 conv=notrunc status=none
mv "$img.new" "$img"
echo "$me: $(du -m "$img" | cut -f1) MiB in $img"
