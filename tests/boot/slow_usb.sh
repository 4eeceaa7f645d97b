#!/bin/sh
# Linux with its own drivers on our USB: uhci_hcd finds the controller, usbhid the tablet and the
# keyboard, usb-storage the disk; keys arrive, blocks are written and read; a watchdog resets.
. "$(dirname "$0")/lib.sh"
need_guest vmlinuz-686 initrd-modules.cpio.gz
command -v cpio >/dev/null 2>&1 || skip "needs cpio"
kernel=$(cat "$G/apt/kernel-686" 2>/dev/null) || skip "needs the kernel's modules: run 'make guests'"
root=$G/apt/root/$kernel

# The modules, behind the initramfs that the other tests use: the kernel unpacks both.
mkdir -p "$W/t/u"
n=10
for m in usb-common usbcore uhci-hcd hid hid-generic usbhid usb-storage evdev watchdog i6300esb; do
    f=$(find "$root" -name "$m.ko" 2>/dev/null | head -n 1)
    [ -n "$f" ] && cp "$f" "$W/t/u/$n-$m.ko"
    n=$((n + 1))
done
cat "$G/initrd-modules.cpio.gz" >"$W/initrd"
# a member begins at a multiple of four bytes
truncate -s %4 "$W/initrd"
(cd "$W/t" && find u | cpio -o -H newc -R 0:0 --quiet) | gzip -1 >>"$W/initrd"

head -c 16777216 /dev/zero >"$W/disk.img"
printf 'usb-disk-here' | dd of="$W/disk.img" conv=notrunc bs=512 seek=7 2>/dev/null

boot()
{
    start -m 128 -kernel "$G/vmlinuz-686" -initrd "$W/initrd" -append "console=ttyS0 quiet" "$@"
    wait_serial '^guest# ' 120
    run 'for m in /u/*.ko; do insmod $m 2>/dev/null; done; sleep 3; echo up=$((40+2))'
    wait_serial '^up=42' 60
}

boot -usb -device usb-kbd -drive if=none,id=stick,file="$W/disk.img",format=raw \
    -device usb-storage,drive=stick -device i6300esb
run 'dmesg | grep -c "uhci_hcd.*UHCI Host Controller"'
wait_serial '^[1-9]' 20
run 'grep -c "Dragoman USB Keyboard" /proc/bus/input/devices'
wait_serial '^1' 20
say "controller and keyboard found"

run 'd=$(ls -d /sys/block/sd* | tail -n1); d=/dev/${d##*/}; echo disk=$(cat /sys/block/${d#/dev/}/size) $(dd if=$d bs=512 skip=7 count=1 2>/dev/null | head -c 13)'
wait_serial '^disk=32768 usb-disk-here' 40
run 'seq 1 100000 | dd of=$d bs=64k seek=1 iflag=fullblock conv=fsync 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches; sync; echo wrote=$((40+2))'
wait_serial '^wrote=42' 120
size=$(seq 1 100000 | wc -c)
want=$(seq 1 100000 | md5sum | cut -c1-32)
got=$(dd if="$W/disk.img" bs=65536 skip=1 2>/dev/null | head -c "$size" | md5sum | cut -c1-32)
[ "$got" = "$want" ] || fail "the image does not hold what the guest wrote"
run "dd if=\$d bs=64k skip=1 2>/dev/null | head -c $size | md5sum"
wait_serial "^$want" 60
say "disk: written and read back"

# A key, as the event layer has it: type 1, code 30 (A), value 1.
run 'e=$(sed -n "/USB Keyboard/,/^\$/s/.*\(event[0-9]*\).*/\1/p" /proc/bus/input/devices | head -n 1); mknod /tmp/e c 13 $((64 + ${e#event})); (dd if=/tmp/e bs=16 count=3 2>/dev/null | hexdump -C >/tmp/keys; echo read=$((40+2))) & sleep 1; echo ready=$((40+2))'
wait_serial '^ready=42' 20
key a
wait_serial 'read=42$' 20
run 'grep -c "01 00 1e 00 01 00 00 00" /tmp/keys'
wait_serial '^1' 10
say "keyboard: a key arrives"

# A guest at rest, its keyboard asked all the time, does not wake the host for every frame.
wakes()
{
    cat /proc/"$pid"/task/*/status 2>/dev/null | awk '/^voluntary/ { n += $2 } END { print n }'
}
if [ -r "/proc/$pid/status" ]; then
    run 'cat /tmp/e >/dev/null & sleep 1; echo open=$((40+2))'
    wait_serial '^open=42' 20
    sleep 1
    before=$(wakes)
    sleep 4
    n=$(($(wakes) - before))
    [ "$n" -lt 1500 ] || fail "$n wakes in 4 seconds"
    say "at rest: $n wakes in 4 seconds"
fi

# An unfed watchdog resets: the guest comes up again.
run 'exec 9>/dev/watchdog; echo fed=$((40+2))'
wait_serial '^fed=42' 10
wait_serial '^GUEST-UP' 120 2
say "watchdog: reset"

boot -usb -device usb-tablet
run 'grep -c "Dragoman USB Tablet" /proc/bus/input/devices'
wait_serial '^1' 20
run 'grep -A8 "USB Tablet" /proc/bus/input/devices | grep -c "ABS=3"'
wait_serial '^1' 20
say "tablet: absolute axes"
done_testing "USB and watchdog under Linux"
