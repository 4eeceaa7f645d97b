#!/bin/sh
# Makes the pictures of docs/guests.md again: boots each guest, brings it to what the picture shows, and writes the
# screen as a PNG of few colours.
#
#   guest_pictures.sh BUILD FOLDER [NAME...]     all guests, or those named; FOLDER/NAME.png
#
# Guests come from `make guests`, `guests.sh DIR full` and `roots.sh DIR i386 desktop`; one that is missing is left out
# and said. The functions below are called guest_NAME, in the order of the document.
here=$(cd "$(dirname "$0")/../.." && pwd)
. "$here/tests/boot/lib.sh"
[ $# -ge 2 ] || { say "usage: $0 BUILD FOLDER [NAME...]"; exit 2; }
mkdir -p "$2"
out=$(cd "$2" && pwd)
shift 2
PNG=$B/tests/tools/ppm2png
[ -x "$PNG" ] || fail "needs $PNG: make pictures builds it"
need_seabios

# dump FILE: the screen as a PPM, whole when it returns.
dump()
{
    rm -f "$1" "$1.next"
    mon "screendump $1.next"
    mon "print $((shots += 1))+65536"
    end_dump=$(($(date +%s) + 20 * slow))
    while ! grep -aq "0x$(printf %x $((shots + 65536)))" "$W/monitor"; do
        alive || fail "the emulator ended"
        [ "$(date +%s)" -lt "$end_dump" ] || fail "no picture"
        sleep 0.05
    done
    mv "$1.next" "$1"
}

# colors FILE: how many a PPM has.
colors()
{
    tail -c +16 "$1" | od -An -v -tx1 -w3 | sort -u | wc -l
}

# painted SECONDS COLORS: until the screen has at least so many colours.
painted()
{
    end=$(($(date +%s) + $1 * slow))
    while :; do
        dump "$W/rest.ppm"
        [ "$(colors "$W/rest.ppm")" -ge "$2" ] && break
        [ "$(date +%s)" -lt "$end" ] || fail "the picture has $(colors "$W/rest.ppm") colours only"
        sleep 2
    done
}

# at_rest SECONDS COLORS [STILL]: until the screen has at least so many colours and stays the same for STILL (3) seconds.
at_rest()
{
    end=$(($(date +%s) + $1 * slow))
    dump "$W/rest.ppm"
    while :; do
        sleep "${3:-3}"
        dump "$W/again.ppm"
        if cmp -s "$W/rest.ppm" "$W/again.ppm" &&
            [ "$(colors "$W/again.ppm")" -ge "$2" ]; then
            break
        fi
        mv "$W/again.ppm" "$W/rest.ppm"
        [ "$(date +%s)" -lt "$end" ] || fail "the picture does not come to rest"
    done
}

# keep NAME [COLORS [N]]: the screen as it is now becomes the picture, its sides divided by N.
keep()
{
    dump "$W/keep.ppm"
    "$PNG" "$W/keep.ppm" "$out/$1.png" "${2:-64}" "${3:-1}" || fail "no picture"
    say "$1: $(sed -n 2p "$W/keep.ppm"), $(wc -c <"$out/$1.png") bytes, after $(took)"
}

# type_text TEXT: typed on the keyboard, with Return.
type_text()
{
    mon "paste $1"
    sleep $((2 + ${#1} / 12))
    key ret
}

# cd_of FOLDER FILE: a CD that isolinux boots.
cd_of()
{
    command -v xorriso >/dev/null 2>&1 || skip "needs xorriso to make CDs"
    xorriso -as mkisofs -quiet -o "$2" -b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
        -boot-info-table -V GUEST "$1" >"$W/xorriso.log" 2>&1 || fail "xorriso: $(tail -n 1 "$W/xorriso.log")"
}

modules32=$G/apt/root/syslinux-common/usr/lib/syslinux/modules/bios

# ---- of our own ----

guest_demo()
{
    start -bios "$R/boot.bin"
    wait_screen 'keys:  P picture' 20
    key m shift-m
    sleep 2
    keep demo-text
    key shift-p
    at_rest 30 10
    keep demo-picture
}

guest_modetest()
{
    cp "$R/modetest.img" "$W/modetest.img"
    start -m 32 -fda "$W/modetest.img" -boot a -debugcon "file:$W/e9"
    for want in 06 12 13 x-320x240 vbe-24-linear; do
        while [ "$(tail -n 1 "$W/e9" 2>/dev/null)" != "mode $want" ]; do
            before=$(cat "$W/e9" 2>/dev/null | wc -l)
            [ "$before" = 0 ] || mon 'sendkey spc'
            end=$(($(date +%s) + 30 * slow))
            while [ "$(cat "$W/e9" 2>/dev/null | wc -l)" = "$before" ]; do
                [ "$(date +%s)" -lt "$end" ] || fail "no picture $want"
                sleep 0.05
            done
        done
        keep "mode-$want" 256
    done
}

guest_dos()
{
    # Without the batch file that runs the tests, the prompt comes at once.
    LC_ALL=C sed 's/AUTOEXECBAT/AUTOEXECOFF/' "$R/dos.img" >"$W/dos.img"
    start -m 16 -fda "$W/dos.img" -boot a
    wait_screen '^A>' 30
    type_text help
    type_text dir
    sleep 2
    keep dos
}

# ---- boot loaders and tools ----

guest_grub()
{
    need_guest grub-rescue-cdrom.iso
    start -m 64 -cdrom "$G/grub-rescue-cdrom.iso" -boot d
    wait_screen 'GNU GRUB' 90
    key c
    wait_screen 'grub>' 20
    for line in ls lspci date 'ls (cd)/boot/grub/'; do
        type_text "$line"
        sleep 2
    done
    keep grub
}

# The theme lies on a disk that is a folder of the host.
guest_grub_theme()
{
    theme=$G/apt-amd64/root/grub-theme-starfield/usr/share/grub/themes/starfield
    need_guest grub-rescue-cdrom.iso
    [ -d "$theme" ] || skip "needs grub-theme-starfield: guests.sh DIR full"
    mkdir -p "$W/disk/themes"
    cp -r "$theme" "$W/disk/themes/"
    # Its picture of stars makes large files.
    sed -i 's/^desktop-image:.*/desktop-color: "#305878"/' "$W/disk/themes/starfield/theme.txt"
    cat >"$W/disk/grub.cfg" <<'END'
insmod all_video
insmod gfxterm
insmod png
insmod gfxmenu
for f in 10 12 14 16 bold_14; do loadfont ($root)/themes/starfield/dejavu_$f.pf2; done
set gfxmode=1024x768
terminal_output gfxterm
set theme=($root)/themes/starfield/theme.txt
menuentry 'Debian GNU/Linux' --class debian { true }
menuentry 'Debian GNU/Linux, recovery mode' { true }
menuentry 'Memory test (memtest86+)' { true }
END
    start -m 64 -cdrom "$G/grub-rescue-cdrom.iso" -drive "file=fat:$W/disk,index=0" -boot d
    wait_screen 'GNU GRUB' 90
    key c
    wait_screen 'grub>' 20
    type_text 'set root=hd0,msdos1'
    type_text 'configfile /grub.cfg'
    at_rest 60 30
    keep grub-theme
}

guest_grub_legacy()
{
    stages=$G/apt-amd64/root/grub-legacy/usr/lib/grub/x86_64-pc
    [ -f "$stages/stage2" ] || skip "needs grub-legacy: guests.sh DIR full"
    cat "$stages/stage1" "$stages/stage2" >"$W/floppy.img"
    truncate -s 1440K "$W/floppy.img"
    start -m 32 -fda "$W/floppy.img" -boot a
    wait_screen 'grub>' 60
    for line in help displaymem 'vbeprobe 0x117'; do
        type_text "$line"
        sleep 2
    done
    keep grub-legacy
}

guest_syslinux()
{
    need_guest isolinux/isolinux.bin
    [ -d "$modules32" ] || skip "needs syslinux-common: make guests"
    mkdir -p "$W/iso/isolinux"
    cp "$G/isolinux/isolinux.bin" "$modules32"/*.c32 "$W/iso/isolinux/"
    cat >"$W/iso/isolinux/isolinux.cfg" <<'END'
ui vesamenu.c32
menu title Start
label hdt
  menu label Hardware detection tool
  kernel hdt.c32
label other
  menu label Local disk
  localboot 0x80
END
    cd_of "$W/iso" "$W/cd.iso"
    start -m 128 -cdrom "$W/cd.iso" -boot d
    at_rest 60 10
    keep syslinux
    key ret
    at_rest 60 4
    key down down ret
    at_rest 30 4
    keep hdt
}

guest_ipxe()
{
    iso=$G/apt-amd64/root/ipxe/usr/lib/ipxe/ipxe.iso
    [ -f "$iso" ] || skip "needs ipxe: guests.sh DIR full"
    start -m 64 -cdrom "$iso" -boot d -nic user,model=e1000
    wait_screen 'Ctrl-B' 60
    key ctrl-b
    wait_screen 'iPXE>' 20
    type_text dhcp
    sleep 4
    type_text route
    type_text 'show net0/mac'
    sleep 2
    keep ipxe
}

guest_pxelinux()
{
    tree=$(find "$G/apt/root/debian-installer-12-netboot-i386" -path '*text/pxelinux.0' 2>/dev/null | head -n 1)
    [ -n "$tree" ] || skip "needs the installer's netboot tree: make guests"
    start -m 512 -boot n -nic "user,model=rtl8139,tftp=$(dirname "$tree"),bootfile=/pxelinux.0"
    at_rest 90 50
    keep pxelinux
}

guest_memtest()
{
    need_guest memtest.bin memtest64.bin
    start -m 64 -kernel "$G/memtest.bin"
    wait_screen 'Pass.*%' 60
    sleep 20
    keep memtest
    start -cpu qemu64 -m 64 -kernel "$G/memtest64.bin"
    wait_screen 'Pass.*%' 60
    sleep 20
    keep memtest64
}

guest_uboot()
{
    rom=$G/apt-amd64/root/u-boot-qemu/usr/lib/u-boot/qemu-x86/u-boot.rom
    [ -f "$rom" ] || skip "needs u-boot-qemu: guests.sh DIR full"
    # It speaks on the serial port: its driver for the screen runs the adapter's BIOS with pointers beyond 64 KiB.
    start -cpu qemu64 -m 128 -bios "$rom" -nic user,model=e1000
    wait_serial 'DHCP client bound to address 10.0.2.15' 120
    wait_serial '^=>' 120
    say "u-boot: $(grep -a '^DHCP' "$W/serial" | tr -d '\r') after $(took)"
}

# ---- kernels ----

guest_mach()
{
    need_guest gnumach
    start -m 64 -kernel "$G/gnumach"
    wait_screen 'bootstrap' 60
    sleep 2
    keep mach
}

guest_invaders()
{
    need_guest invaders
    start -m 64 -kernel "$G/invaders"
    wait_screen '-\*-.*-\*--\*-' 60
    key right right spc
    sleep 1
    key right spc
    keep invaders
}

guest_xen()
{
    xen=$(find "$G/apt-amd64/root" -path '*/boot/xen-*-amd64.gz' 2>/dev/null | head -n 1)
    need_guest vmlinuz-amd64 initrd-busybox-amd64.cpio.gz
    [ -n "$xen" ] || skip "needs the Xen hypervisor: guests.sh DIR full"
    gzip -dc "$xen" >"$W/xen"
    start -cpu qemu64 -m 512 -kernel "$W/xen" -append 'console=com1,vga com1=115200 vga=text-80x50 dom0_mem=256M' \
        -initrd "$G/vmlinuz-amd64 console=hvc0 console=tty0 quiet,$G/initrd-busybox-amd64.cpio.gz"
    wait_screen 'guest#' 180
    type_text 'cat /sys/hypervisor/type /sys/hypervisor/version/major; uname -a'
    sleep 3
    keep xen
}

# shell_up SECONDS: until a shell on the screen answers on the serial port.
shell_up()
{
    end=$(($(date +%s) + $1 * slow))
    while ! grep -aq 'SHELL-2' "$W/serial"; do
        alive || fail "the emulator ended"
        [ "$(date +%s)" -lt "$end" ] || fail "no shell"
        type_text 'echo SHELL-$((1+1)) >/dev/ttyS0'
        sleep 2
    done
}

# linux NAME KERNEL INITRD ARGUMENTS: a shell on the screen.
linux()
{
    picture=$1
    kernel=$2
    initrd=$3
    shift 3
    need_guest "$kernel" "$initrd"
    start -kernel "$G/$kernel" -initrd "$G/$initrd" "$@"
    shell_up 120
    type_text 'clear; uname -a; cat /proc/cpuinfo | head -n 9; cat /proc/interrupts; free; busybox | head -n 3'
    sleep 3
    keep "$picture"
}

guest_linux_686()
{
    linux linux-686 vmlinuz-686 initrd-busybox.cpio.gz -m 128 -cpu pentium2 -append quiet
}

guest_linux_pae()
{
    linux linux-pae vmlinuz-686-pae initrd-busybox.cpio.gz -m 256 -append 'vga=791 quiet'
}

guest_linux_amd64()
{
    linux linux-amd64 vmlinuz-amd64 initrd-busybox-amd64.cpio.gz -cpu max -m 256 -append 'vga=792 quiet'
}

# ---- systems ----

guest_installer()
{
    need_guest d-i/vmlinuz d-i/initrd.gz
    start -m 512 -kernel "$G/d-i/vmlinuz" -initrd "$G/d-i/initrd.gz" -append 'vga=normal fb=false nomodeset'
    wait_screen 'Select a language' 300
    at_rest 30 4
    keep installer
}

guest_installer_gtk()
{
    need_guest d-i/gtk-vmlinuz d-i/gtk-initrd.gz
    start -m 768 -kernel "$G/d-i/gtk-vmlinuz" -initrd "$G/d-i/gtk-initrd.gz" -append 'vga=788'
    at_rest 300 200 15
    keep installer-gtk
}

guest_installer13()
{
    need_guest d-i-13/vmlinuz d-i-13/initrd.gz
    start -cpu qemu64 -m 1024 -kernel "$G/d-i-13/vmlinuz" -initrd "$G/d-i-13/initrd.gz" -append 'vga=788'
    at_rest 500 200 120 # the first screen stands empty for long
    keep installer13
}

guest_installer64()
{
    need_guest d-i-amd64/vmlinuz d-i-amd64/initrd.gz
    start -cpu qemu64 -m 1024 -kernel "$G/d-i-amd64/vmlinuz" -initrd "$G/d-i-amd64/initrd.gz" -append 'vga=788'
    at_rest 300 8 15
    keep installer64
}

guest_debian()
{
    need_guest root-amd64.img root-amd64/vmlinuz root-amd64/initrd.img
    start -cpu qemu64 -m 512 -snapshot -drive "file=$G/root-amd64.img,format=raw" -kernel "$G/root-amd64/vmlinuz" \
        -initrd "$G/root-amd64/initrd.img" -append 'root=/dev/sda1 rw quiet init=/bin/bash'
    shell_up 120
    type_text 'clear; head -n 3 /etc/os-release; python3 -c "import sys; print(sys.version, 2**200)"'
    sleep 3
    type_text 'cd /tmp; echo "main() { puts(\"compiled here\"); }" >a.c; gcc -w a.c && ./a.out; openssl version; ls -l a.out'
    sleep 5
    keep debian
}

guest_desktop()
{
    need_guest desktop-i386.img
    start -m 512 -snapshot -drive "file=$G/desktop-i386.img,format=raw"
    wait_serial 'DESKTOP-UP' 300
    mon 'mouse_move 200 120'
    painted 300 40
    sleep 15
    keep desktop 256
}

all="demo modetest dos grub grub_theme grub_legacy syslinux ipxe pxelinux memtest uboot mach invaders xen linux_686 linux_pae
    linux_amd64 installer installer_gtk installer64 installer13 debian desktop"
bad=0
for guest in ${*:-$all}; do
    (
        trap stop EXIT
        guest_$guest
    )
    status=$?
    case $status in
    0 | 77) ;;
    *)
        say "$guest: no picture"
        bad=$((bad + 1))
        ;;
    esac
done
[ "$bad" = 0 ] || exit 1
