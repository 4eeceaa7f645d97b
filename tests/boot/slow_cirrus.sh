#!/bin/sh
# Debian's own driver of the Cirrus adapter (drm) brings its console to a 1024x768 frame buffer; text
# and bytes written to it give the picture that QEMU's adapter shows.
. "$(dirname "$0")/lib.sh"
need_guest vmlinuz-686 initrd-busybox.cpio.gz
modules=$(ls -d "$G"/apt/root/linux-image-*-686/lib/modules/* 2>/dev/null | head -n 1)
[ -n "$modules" ] || skip "needs the kernel's modules: run 'make guests'"

chain='cec rc-core drm fb_sys_fops sysfillrect syscopyarea sysimgblt drm_kms_helper drm_shmem_helper cirrus'
mkdir -p "$W/tree/m"
for m in $chain; do
    find "$modules" -name "$m.ko" -exec cp {} "$W/tree/m/" \;
done
[ -f "$W/tree/m/cirrus.ko" ] || skip "the kernel package has no cirrus module"
(cd "$W/tree" && find m | cpio -o -H newc 2>/dev/null | gzip) >"$W/m.gz"
cat "$G/initrd-busybox.cpio.gz" "$W/m.gz" >"$W/initrd.gz"

# picture FILE: the guest's commands, then its screen.
picture()
{
    wait_serial '^guest# ' 180
    run "for m in $chain; do insmod /m/\$m.ko 2>/dev/null; done; cat /proc/fb"
    wait_serial '^0 cirrus' 60
    run 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo "line $i of text on the frame buffer" >/dev/tty1; done'
    run 'printf "\033[?25l" >/dev/tty1; mdev -s; head -c 100000 /bin/busybox >/dev/fb0; sleep 2; echo DO''NE=$((1+1))'
    wait_serial '^DONE=2' 60
    mon "screendump $1"
    sleep 2
    [ -s "$1" ] || fail "no screen dump"
    stop
}

start -m 128 -vga cirrus -kernel "$G/vmlinuz-686" -initrd "$W/initrd.gz" -append console=ttyS0
picture "$W/ours.ppm"
[ "$(head -n 2 "$W/ours.ppm" | tail -n 1)" = '1024 768' ] || fail "not 1024x768"
command -v qemu-system-i386 >/dev/null 2>&1 || done_testing "1024x768; no QEMU to compare it with"
DRAGOMAN=qemu-system-i386
start -m 128 -vga cirrus -accel tcg -kernel "$G/vmlinuz-686" -initrd "$W/initrd.gz" -append console=ttyS0
picture "$W/qemu.ppm"
# 16 bits a point: 5 of each colour are compared.
"$B/tests/tools/ppmcmp" 5 "$W/ours.ppm" "$W/qemu.ppm" || fail "another picture than QEMU's"
done_testing "the same picture as under QEMU"
