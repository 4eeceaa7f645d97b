#!/bin/sh
# Linux on a qcow2 disk over a raw backing file: what it reads is the backing file's, what it writes is in the image alone, both
# are right by our check and by QEMU's; with -snapshot nothing is.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest vmlinuz-686 initrd-modules.cpio.gz

seq 1 1500000 | head -c 8388608 >"$W/base.raw"
truncate -s 33554432 "$W/base.raw"
sum=$(md5sum <"$W/base.raw" | cut -c1-32)
"$DRAGOMAN" image create -q -f qcow2 -b base.raw -F raw "$W/disk.qcow2" || fail "image create"

boot()
{
    start -m 128 -kernel "$G/vmlinuz-686" -initrd "$G/initrd-modules.cpio.gz" \
        -append "console=ttyS0 quiet" "$@" -no-reboot
    wait_serial '^guest# ' 120
}

boot -drive "file=$W/disk.qcow2,format=qcow2,discard=unmap"
run 'md5sum </dev/sda'
wait_serial "^$sum" 60
run 'seq 1 400000 | dd of=/dev/sda bs=64k seek=100 iflag=fullblock conv=fsync,notrunc 2>/dev/null; sync; echo wrote=$?'
wait_serial '^wrote=0' 120
size=$(seq 1 400000 | wc -c)
want=$(seq 1 400000 | md5sum | cut -c1-32)
run "echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/sda bs=64k skip=100 2>/dev/null | head -c $size | md5sum"
wait_serial "^$want" 60
run 'poweroff -f'
wait_end 0 60
[ "$(md5sum <"$W/base.raw" | cut -c1-32)" = "$sum" ] || fail "the backing file was written"
"$DRAGOMAN" image check -q "$W/disk.qcow2" || fail "image check"
if command -v qemu-img >/dev/null; then
    qemu-img check -q "$W/disk.qcow2" || fail "qemu-img check"
fi
"$DRAGOMAN" image convert -f qcow2 -O raw "$W/disk.qcow2" "$W/flat.raw" || fail "image convert"
got=$(dd if="$W/flat.raw" bs=64k skip=100 2>/dev/null | head -c "$size" | md5sum | cut -c1-32)
[ "$got" = "$want" ] || fail "the image does not hold what the guest wrote"
[ "$(head -c 6553600 "$W/flat.raw" | md5sum)" = "$(head -c 6553600 "$W/base.raw" | md5sum)" ] ||
    fail "the image does not hold what the backing file has"
say "qcow2: read through the backing file, written, checked"

flat=$(md5sum <"$W/flat.raw" | cut -c1-32)
before=$(md5sum <"$W/disk.qcow2")
boot -hda "$W/disk.qcow2" -snapshot
run 'md5sum </dev/sda'
wait_serial "^$flat" 60
run 'dd if=/dev/zero of=/dev/sda bs=1M count=20 conv=fsync 2>/dev/null; echo zeroed=$?'
wait_serial '^zeroed=0' 60
run 'poweroff -f'
wait_end 0 60
[ "$(md5sum <"$W/disk.qcow2")" = "$before" ] || fail "-snapshot wrote the image"
say "qcow2: -snapshot leaves it alone"

boot -hda "$W/disk.qcow2" -snapshot
run 'dd if=/dev/zero of=/dev/sda bs=1M count=1 conv=fsync 2>/dev/null; echo zeroed=$?'
wait_serial '^zeroed=0' 60
mon 'commit ide0-hd0'
run 'poweroff -f'
wait_end 0 60
"$DRAGOMAN" image convert -f qcow2 -O raw "$W/disk.qcow2" "$W/new.raw" || fail "image convert"
[ "$(head -c 1048576 "$W/new.raw" | tr -d '\0' | wc -c)" = 0 ] || fail "commit did not write"
"$DRAGOMAN" image check -q "$W/disk.qcow2" || fail "image check behind commit"
say "qcow2: commit keeps what -snapshot would forget"
done_testing "qcow2 under Linux"
