#!/bin/sh
# How fast Linux reads disks in order: virtio-blk and IDE by DMA, a raw image and a qcow2 one with the same bytes.
# DISK_MIB: how much (default 512), DISK_TIMES: how often (2; the best counts). DRAGOMAN=qemu-system-i386 measures that instead.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest vmlinuz-686 initrd-virtio.cpio.gz initrd-modules.cpio.gz

MIB=${DISK_MIB:-512}
TIMES=${DISK_TIMES:-2}
head -c 8388608 /dev/urandom >"$W/piece"
i=0
while [ $i -lt "$MIB" ]; do
    cat "$W/piece"
    i=$((i + 8))
done | head -c $((MIB * 1048576)) >"$W/disk.raw"
"$B/dragoman" image convert -f raw -O qcow2 "$W/disk.raw" "$W/disk.qcow2" || fail "no qcow2 image"
want=$(md5sum <"$W/piece" | cut -c1-32)

# rate LABEL INITRD DEVICE FORMAT INTERFACE
rate()
{
    # less memory than the disk has, so that nothing stays in the guest's cache
    start -m 256 -kernel "$G/vmlinuz-686" -initrd "$G/$2" -append "console=ttyS0 quiet" -no-reboot \
        -drive "file=$W/disk.$4,format=$4,if=$5,cache=writeback"
    wait_serial '^guest# ' 120
    run "dd if=/dev/$3 bs=1M count=8 skip=$((MIB / 16 * 8)) 2>/dev/null | md5sum"
    wait_serial "^$want" 60
    before=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
    run "for i in \$(seq $TIMES); do echo 3 >/proc/sys/vm/drop_caches; a=\$(cut -d' ' -f1 /proc/uptime); dd if=/dev/$3 of=/dev/null bs=1M 2>/dev/null && echo pass=\$a,\$(cut -d' ' -f1 /proc/uptime),; done; echo passes=\$((\$i+0))"
    wait_serial "^passes=$TIMES" $((60 + MIB * TIMES / 4))
    after=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
    tr -d '\r' <"$W/serial" | awk -F'[=,]' -v mib="$MIB" -v times="$TIMES" -v ticks=$((after - before)) -v who="$name: $1" '
        /^pass=/ { n++; s = $3 - $2; if (n == 1 || s < best) best = s }
        END { printf "%s: %.0f MB/s; %.2f s of processor time for %d MiB\n", who, mib * 1.048576 / (best > 0 ? best : 0.01),
              ticks / 100, mib * times; exit n != times }' || fail "$1: a pass is missing"
    run 'poweroff -f'
    wait_end 0 60
}
for format in raw qcow2; do
    rate "virtio-blk, $format" initrd-virtio.cpio.gz vda $format virtio
    rate "IDE, $format" initrd-modules.cpio.gz sda $format ide
done
done_testing "rates of disks"
