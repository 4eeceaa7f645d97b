#!/bin/sh
# Linux with its own drivers on our disk, CD and floppy: what the guest writes is in the image, what it
# reads is what the host has.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest vmlinuz-686 initrd-modules.cpio.gz grub-rescue-cdrom.iso grub-rescue-floppy.img

head -c 33554432 /dev/zero >"$W/disk.img"
cp "$G/grub-rescue-floppy.img" "$W/floppy.img"
truncate -s 1474560 "$W/floppy.img"
start -m 128 -kernel "$G/vmlinuz-686" -initrd "$G/initrd-modules.cpio.gz" \
    -append "console=ttyS0 quiet" -drive "file=$W/disk.img,format=raw,index=0,discard=unmap" -cdrom "$G/grub-rescue-cdrom.iso" \
    -fda "$W/floppy.img" -no-reboot
wait_serial '^guest# ' 120

# The disk: a pattern that the host can compute, read back by the guest past its cache and by the host.
run 'seq 1 400000 | dd of=/dev/sda bs=64k iflag=fullblock conv=fsync 2>/dev/null; sync; echo wrote=$?'
wait_serial '^wrote=0' 120
size=$(seq 1 400000 | wc -c)
want=$(seq 1 400000 | md5sum | cut -c1-32)
run "echo 3 >/proc/sys/vm/drop_caches; head -c $size /dev/sda | md5sum"
wait_serial "^$want" 60
got=$(head -c "$size" "$W/disk.img" | md5sum | cut -c1-32)
[ "$got" = "$want" ] || fail "the disk image does not hold what the guest wrote"
run 'dmesg | grep -c "ata1.*UDMA\|ata1.*MWDMA"'
wait_serial '^[1-9]' 10
say "disk: written and read back by DMA"

# A file system on it, across a remount.
run 'mkdir -p /mnt/d && mke2fs -F /dev/sda >/dev/null 2>&1 && mount -t ext4 /dev/sda /mnt/d && cp /bin/busybox /mnt/d && umount /mnt/d && mount -t ext4 /dev/sda /mnt/d && cmp /bin/busybox /mnt/d/busybox && echo ext=$((40+2)); umount /mnt/d'
wait_serial '^ext=42' 60
say "disk: a file system survives a remount"

# TRIM: what the guest gives up is given back to the host, and the rest stays.
run 'seq 1 400000 | dd of=/dev/sda bs=64k iflag=fullblock conv=fsync 2>/dev/null; cat /sys/block/sda/queue/discard_max_hw_bytes | sed s/^/trim=/'
wait_serial '^trim=[1-9]' 30
sync "$W/disk.img"
before=$(du -k "$W/disk.img" | cut -f1)
run 'blkdiscard -o 1048576 /dev/sda; echo gone=$?'
wait_serial '^gone=0' 60
after=$(du -k "$W/disk.img" | cut -f1)
[ "$(head -c 1048576 "$W/disk.img" | md5sum)" = "$(seq 1 400000 | head -c 1048576 | md5sum)" ] || fail "TRIM took too much"
if [ "$after" -ge "$before" ]; then
    say "disk: TRIM is taken, but this host's file system has no holes"
else
    say "disk: TRIM gave $((before - after)) KiB of $before back to the host"
fi

# The CD, as blocks.
want=$(md5sum <"$G/grub-rescue-cdrom.iso" | cut -c1-32)
run 'md5sum </dev/sr0'
wait_serial "^$want" 60
say "CD: every block right"

# The floppy: read it all, write a sector, read that from the image.
want=$(md5sum <"$W/floppy.img" | cut -c1-32)
run 'md5sum </dev/fd0'
wait_serial "^$want" 120
run 'echo floppy-sector-text | dd of=/dev/fd0 bs=512 seek=2000 conv=sync,fsync 2>/dev/null; echo fd=$?'
wait_serial '^fd=0' 60
run 'poweroff -f'
wait_end 0 60
dd if="$W/floppy.img" bs=512 skip=2000 count=1 2>/dev/null | grep -aq 'floppy-sector-text' ||
    fail "the floppy image does not hold what the guest wrote"
say "floppy: read and written"
done_testing "disk, CD and floppy under Linux"
