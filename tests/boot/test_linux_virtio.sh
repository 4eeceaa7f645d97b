#!/bin/sh
# Linux with its virtio drivers: disk, random numbers, balloon, serial ports, a shared folder.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest vmlinuz-686 initrd-virtio.cpio.gz

head -c 33554432 /dev/zero >"$W/disk.img"
head -c 1048576 /dev/zero >"$W/small.img"
mkdir -p "$W/share/deep/er"
cp "$0" "$W/share/script"
seq 1 200000 >"$W/share/deep/numbers"
: >"$W/share/deep/er/empty"
ln -s /etc/passwd "$W/share/link"
for i in $(seq 1 150); do echo "$i" >"$W/share/deep/er/file$i"; done
start -m 128 -kernel "$G/vmlinuz-686" -initrd "$G/initrd-virtio.cpio.gz" -append "console=ttyS0 quiet" \
    -drive "if=virtio,format=raw,file=$W/disk.img,id=main" -drive "if=virtio,format=raw,file=$W/small.img,snapshot=on" \
    -device virtio-rng-pci -device virtio-balloon-pci \
    -device virtio-serial-pci -chardev "file,id=con,path=$W/con" -device virtconsole,chardev=con \
    -chardev "file,id=chan,path=$W/chan" -device virtserialport,chardev=chan,name=org.test.0 \
    -virtfs "local,path=$W/share,mount_tag=host,security_model=none" \
    -fsdev "local,id=ro,path=$W/share,readonly=on" -device virtio-9p-pci,fsdev=ro,mount_tag=hostro -no-reboot
wait_serial '^guest# ' 120

# The disk, past the guest's cache.
run 'seq 1 400000 | dd of=/dev/vda bs=64k iflag=fullblock conv=fsync 2>/dev/null; sync; echo wrote=$?'
wait_serial '^wrote=0' 120
size=$(seq 1 400000 | wc -c)
want=$(seq 1 400000 | md5sum | cut -c1-32)
run "echo 3 >/proc/sys/vm/drop_caches; head -c $size /dev/vda | md5sum"
wait_serial "^$want" 60
got=$(head -c "$size" "$W/disk.img" | md5sum | cut -c1-32)
[ "$got" = "$want" ] || fail "the disk image does not hold what the guest wrote"
run 'mkdir -p /mnt/d && mke2fs -F /dev/vda >/dev/null 2>&1 && mount -t ext4 /dev/vda /mnt/d && cp /bin/busybox /mnt/d && umount /mnt/d && mount -t ext4 /dev/vda /mnt/d && cmp /bin/busybox /mnt/d/busybox && fstrim /mnt/d && umount /mnt/d && blkdiscard /dev/vda && echo ext=$((40+2))'
wait_serial '^ext=42' 60
say "disk: written, read back, a file system, trimmed"

# The second one forgets what is written, unless the monitor commits it.
run 'echo first | dd of=/dev/vdb conv=fsync 2>/dev/null; sync; echo small=$((40+1))'
wait_serial '^small=41' 20
[ "$(tr -d '\0' <"$W/small.img" | wc -c)" = 0 ] || fail "a write went through -snapshot"
mon 'commit virtio1'
sleep 1
[ "$(head -c 5 "$W/small.img")" = first ] || fail "commit virtio1 wrote nothing: $(tail -n 2 "$W/monitor")"
say "disk: commit of a snapshot"

run 'dd if=/dev/hwrng bs=512 count=4 2>/dev/null | gzip | wc -c | sed s/^/rng=/'
wait_serial '^rng=2[01][0-9][0-9]' 20
say "random numbers: do not compress"

# The shared folder: a tree is what it is, is written to, and ends where it ends.
run 'mkdir -p /mnt/s /mnt/r; mount -t 9p -o trans=virtio,version=9p2000.L host /mnt/s && mount -t 9p -o trans=virtio,version=9p2000.L,ro hostro /mnt/r; echo mounted=$?'
wait_serial '^mounted=0' 30
want=$(cd "$W/share" && find deep script -type f | LC_ALL=C sort | xargs md5sum | md5sum | cut -c1-32)
run 'cd /mnt/s; find deep script -type f | LC_ALL=C sort | xargs md5sum | md5sum; cd /'
wait_serial "^$want" 60
run 'cd /mnt/s; readlink link; mkdir new; echo hello >new/a; cp /bin/busybox new/b; mv new/a new/c; ln new/c new/d; ln -s x new/e; chmod 640 new/c; rm new/d; truncate -s 5000 new/c; cmp new/b /bin/busybox; rm -r deep/er; sync; cd /; echo done9p=$?'
wait_serial '^done9p=0' 60
wait_serial '^/etc/passwd' 5
[ "$(head -c 5 "$W/share/new/c")" = hello ] || fail "what the guest wrote is not in the folder"
[ "$(stat -c %s:%a "$W/share/new/c")" = 5000:640 ] || fail "size or mode of a shared file: $(stat -c %s:%a "$W/share/new/c")"
cmp "$W/share/new/b" "$G/busybox" || fail "a copied file differs"
[ ! -e "$W/share/deep/er" ] || fail "a removed folder is still there"
[ "$(readlink "$W/share/new/e")" = x ] || fail "no symbolic link"
run 'cat /mnt/r/script | md5sum; touch /mnt/r/t 2>&1 | grep -c Read-only | sed s/^/ro=/'
wait_serial '^ro=1' 20
say "shared folder: tree equal, written, read-only respected"

# Serial ports.
run 'echo to-the-console >/dev/hvc0; for p in /dev/vport*p1; do echo to-the-channel >$p; done; cat /sys/class/virtio-ports/*/name; echo ports=$?'
wait_serial '^ports=0' 20
wait_serial '^org.test.0' 5
grep -q to-the-console "$W/con" || fail "nothing came out of the virtio console"
grep -q to-the-channel "$W/chan" || fail "nothing came out of the named channel"
say "serial ports: console and named channel"

# The balloon.
mon 'balloon 80'
run 'i=0; while [ $i -lt 50 ] && [ $(sed -n "s/MemTotal: *\([0-9]*\).*/\1/p" /proc/meminfo) -gt 75000 ]; do sleep 0.2; i=$((i+1)); done; grep MemTotal /proc/meminfo; echo bal=$i'
wait_serial '^bal=' 30
mon 'info balloon'
sleep 0.5
grep -q 'actual=80 target=80' "$W/monitor" || fail "the balloon has not grown: $(grep balloon: "$W/monitor")"
mon 'balloon 128'
sleep 1
mon 'info balloon'
sleep 0.5
grep -q 'actual=128 target=128.*free_mem=' "$W/monitor" || fail "the balloon has not shrunk: $(grep balloon: "$W/monitor")"
say "balloon: $(grep -c 'balloon: actual' "$W/monitor") times asked, 128 to 80 to 128 MiB"
run 'poweroff -f'
wait_end 0 60
done_testing "virtio disk, random numbers, 9p, serial, balloon under Linux"
