#!/bin/sh
# The law of snapshots at length: a boot with disk and network load, cut 1,000 times at random instructions, each time continued
# by a new process: all hashes and the final state are those of the run without. SNAPS and SNAP_END choose other lengths.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest vmlinuz-686 initrd-modules.cpio.gz

cat >"$W/load" <<'END'
for d in eth0 eth1; do ifconfig $d up; done
ifconfig eth0 10.0.0.1 netmask 255.255.255.0
ifconfig eth1 10.0.1.1 netmask 255.255.255.0
ping -q -c 100000 -s 1000 10.0.0.255 >/dev/null 2>&1 &
i=0
while :; do
    i=$((i + 1))
    seq $i $((i + 20000)) | dd of=/dev/sda bs=16k seek=$((i % 64)) conv=fsync 2>/dev/null
    echo 3 >/proc/sys/vm/drop_caches
    echo "round $i $(md5sum </dev/sda | cut -c1-8)"
done
END
(cd "$W" && echo load | cpio -o -H newc 2>/dev/null | gzip -1) >"$W/load.gz" || skip "needs cpio"
cat "$G/initrd-modules.cpio.gz" "$W/load.gz" >"$W/initrd"
head -c 4194304 /dev/zero >"$W/disk"
for engine in jit exec; do
    "$B/snapchain" -n "${SNAPS:-500}" -s 11 -h 1000000 -e "${SNAP_END:-4000000000}" -d "$W" -- -m 128 -icount shift=3,sleep=off \
        -display none -engine $engine -kernel "$G/vmlinuz-686" -initrd "$W/initrd" -append "console=ttyS0 run=load" \
        -serial "file:$W/serial" -drive "file=$W/disk,format=raw,snapshot=on" \
        -netdev hubport,hubid=1,id=n0 -device e1000,netdev=n0 -netdev hubport,hubid=1,id=n1 -device rtl8139,netdev=n1 \
        </dev/null || fail "the law of equal runs ($engine)"
done
done_testing "snapshots at random instructions"
