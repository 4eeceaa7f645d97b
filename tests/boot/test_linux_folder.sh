#!/bin/sh
# A folder of the host as a disk, as a CD and as a floppy under Linux: every file is the same; another folder is put in while the
# guest runs; what the guest writes to the disk is forgotten.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest vmlinuz-686 initrd-modules.cpio.gz

mkdir -p "$W/dir/A long folder name/deep" "$W/other" "$W/small"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    seq 1 $((i * 3777)) >"$W/dir/A long file name, number $i.text"
done
seq 5 90000 >"$W/dir/A long folder name/deep/NUMBERS.TXT"
seq 1 777 >"$W/small/SMALL.TXT"
seq 7 7777 >"$W/other/OTHER.TXT"
sums() { (cd "$1" && find . -type f | sort | xargs -d '\n' cat | md5sum | cut -c1-32); }
want=$(sums "$W/dir")

start -m 128 -kernel "$G/vmlinuz-686" -initrd "$G/initrd-modules.cpio.gz" -append "console=ttyS0 quiet" \
    -drive "file=fat:$W/dir" -cdrom "$W/dir" -fda "fat:floppy:$W/small" -no-reboot
wait_serial '^guest# ' 120
run 'mkdir -p /mnt/d /mnt/c /mnt/f; mount -t vfat /dev/sda1 /mnt/d && (cd /mnt/d; find . -type f | sort | tr "\n" "\0" | xargs -0 cat | md5sum)'
wait_serial "^$want" 60
say "disk: a FAT partition with every file"
run 'mount -t iso9660 -o ro /dev/sr0 /mnt/c && (cd /mnt/c; find . -type f | sort | tr "\n" "\0" | xargs -0 cat | md5sum | sed s/^/cd=/)'
wait_serial "^cd=$want" 60
say "CD: ISO 9660 with Joliet, every file"
run 'md5sum </dev/fd0 | sed s/^/fd=/'
"$DRAGOMAN" image convert "fat:floppy:$W/small" "$W/floppy.raw" || fail "image convert"
wait_serial "^fd=$(md5sum <"$W/floppy.raw" | cut -c1-32)" 120
say "floppy: FAT12"
run 'echo new >/mnt/d/NEW.TXT && sync && umount /mnt/d && mount -t vfat /dev/sda1 /mnt/d && cat /mnt/d/NEW.TXT && echo kept=$((40+2))'
wait_serial '^kept=42' 30
run 'umount /mnt/c && echo out=$((40+2))'
wait_serial '^out=42' 30
mon "change -f ide1-cd0 $W/other"
run 'sleep 1; mount -t iso9660 -o ro /dev/sr0 /mnt/c; (cd /mnt/c; cat * | md5sum | sed s/^/other=/)'
wait_serial "^other=$(sums "$W/other")" 60
say "CD: another folder while the guest runs"
run 'poweroff -f'
wait_end 0 60
[ ! -e "$W/dir/NEW.TXT" ] && [ "$(sums "$W/dir")" = "$want" ] || fail "the folder was written"
done_testing "folders under Linux"
