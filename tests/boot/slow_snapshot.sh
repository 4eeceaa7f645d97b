#!/bin/sh
# The law of snapshots at length: a boot with disk and network load, cut 1,000 times at random instructions, half of them under
# load, each time continued by a new process (every fourth in the interpreter; every fourth file mapped): all hashes and the final
# state are those of the run without. Then how long an idle guest of 512 MiB takes from exec() of the program to running.
# About 6 minutes. SNAPS, SNAP_END, SNAP_SEED choose another chain.
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
# The files are large and short-lived: in memory where the host has a place for that.
chain=$W
[ -d /dev/shm ] && [ -w /dev/shm ] && chain=$(mktemp -d /dev/shm/snapchain.XXXXXX) && trap 'rm -rf "$chain"; cleanup' EXIT
"$B/snapchain" -n "${SNAPS:-1000}" -s "${SNAP_SEED:-11}" -h 1000000 -e "${SNAP_END:-8000000000}" -a 8 -x 4 -d "$chain" -- \
    -m 64 -icount shift=3,sleep=off -display none -engine jit -kernel "$G/vmlinuz-686" -initrd "$W/initrd" \
    -append "console=ttyS0 run=load cryptomgr.notests=1" \
    -serial "file:$W/serial" -drive "file=$W/disk,format=raw,snapshot=on" \
    -netdev hubport,hubid=1,id=n0 -device e1000,netdev=n0 -netdev hubport,hubid=1,id=n1 -device rtl8139,netdev=n1 \
    </dev/null || fail "the law of equal runs"
[ "$chain" = "$W" ] || rm -rf "$chain"

# An idle guest: what its memory takes, and how soon it runs again.
guest="-m 512 -kernel $G/vmlinuz-686 -initrd $G/initrd-modules.cpio.gz"
start $guest -append "console=ttyS0 quiet"
wait_serial '^guest# ' 120
sleep 3
mon "migrate file:$W/file"
mon "migrate map:$W/map"
sleep 5
mon quit
wait_end 0 60
# Pages that are not zero, as they are and packed.
used=$(($(du -k "$W/map" | cut -f1)))
packed=$(gzip -1 <"$W/map" | wc -c)
file=$(wc -c <"$W/file")
say "512 MiB idle: $((used / 1024)) MiB used, packed by gzip $((packed / 1024)) KiB; file: $((file / 1024)) KiB; map: $used KiB on disk"
[ "$file" -le $((packed + packed / 10)) ] || fail "the file is larger than the memory that is used, packed"
for how in map file; do
    set -- $("$B/restoretime" -n 15 -p "$W/pid" -- "$DRAGOMAN" $guest -append "console=ttyS0 quiet" -display none \
        -monitor none -serial stdio -pidfile "$W/pid" -incoming "$how:$W/$how") || fail "no restore from $how"
    say "-incoming $how: runs $2 ms after exec() (median $3), has answered a line after $5 ms (median $6); CPU time to there $8 ms"
done
done_testing "snapshots at random instructions"
