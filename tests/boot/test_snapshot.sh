#!/bin/sh
# Snapshots of a running Linux: in its qcow2 disks (savevm, loadvm, -loadvm, delvm) and in a file (migrate, -incoming); what is
# damaged or of another machine is refused and the machine goes on; and the law of equal runs, in short form.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest vmlinuz-686 initrd-modules.cpio.gz

"$DRAGOMAN" image create -q -f qcow2 "$W/a.qcow2" 32M && "$DRAGOMAN" image create -q -f qcow2 "$W/b.qcow2" 16M ||
    fail "image create"

boot()
{
    start -m 128 -kernel "$G/vmlinuz-686" -initrd "$G/initrd-modules.cpio.gz" \
        -append "console=ttyS0 quiet" -drive "file=$W/a.qcow2,format=qcow2" -drive "file=$W/b.qcow2,format=qcow2" \
        -no-reboot "$@"
}

# wait_mon PATTERN SECONDS: until the monitor has said it.
wait_mon()
{
    end=$(($(date +%s) + $2 * slow))
    until tr -d '\r\000' <"$W/monitor" | grep -aqE -- "$1"; do
        alive || fail "the emulator ended before the monitor said '$1'"
        [ "$(date +%s)" -lt "$end" ] || fail "no '$1' from the monitor within $(($2 * slow)) s"
        sleep 0.2
    done
}

boot
wait_serial '^guest# ' 120
run 'state=before; echo one >/root/f; echo disk-one | dd of=/dev/sda conv=sync,fsync 2>/dev/null; echo disk-two | dd of=/dev/sdb conv=sync,fsync 2>/dev/null; echo mark=$((1+0))'
wait_serial '^mark=1' 60
mon 'savevm first'
mon 'info snapshots'
wait_mon "1 +first +[1-9]" 20
run 'state=after; echo two >/root/f; echo other | dd of=/dev/sda conv=sync,fsync 2>/dev/null; echo other | dd of=/dev/sdb conv=sync,fsync 2>/dev/null; echo mark=$((1+1))'
wait_serial '^mark=2' 60
mon 'savevm first'
wait_mon 'has a snapshot .first. already' 20
mon 'loadvm none'
wait_mon 'no snapshot .none.' 20
run 'echo $state $(cat /root/f)'
wait_serial '^after two' 30
mon 'loadvm first'
mon 'info status'
wait_mon 'VM status: running' 60
run 'echo 3 >/proc/sys/vm/drop_caches; echo $state $(cat /root/f) $(head -c 8 /dev/sda) $(head -c 8 /dev/sdb)'
wait_serial '^before one disk-one disk-two' 60
say "savevm and loadvm: memory, variables and both disks went back"
mon 'quit'
wait_end 0 20
"$DRAGOMAN" image check -q "$W/a.qcow2" && "$DRAGOMAN" image check -q "$W/b.qcow2" || fail "image check"
if command -v qemu-img >/dev/null; then
    qemu-img check -q "$W/a.qcow2" || fail "qemu-img check"
    qemu-img snapshot -l "$W/a.qcow2" | grep -q first || fail "qemu-img does not see the snapshot"
fi

boot -loadvm first
run 'echo 3 >/proc/sys/vm/drop_caches; echo new $state $(cat /root/f) $(head -c 8 /dev/sda)'
wait_serial '^new before one disk-one' 60
say "-loadvm: another process went on"
mon 'delvm first'
mon 'info snapshots'
wait_mon 'There is no snapshot' 60
run 'state=filed'
mon "migrate map:$W/mapped"
mon "migrate file:$W/state"
mon 'info status'
wait_mon 'postmigrate' 60
mon 'cont'
run 'echo still $state'
wait_serial '^still filed' 30
mon 'quit'
wait_end 0 20
"$DRAGOMAN" image check -q "$W/a.qcow2" || fail "image check after delvm"

boot -incoming "file:$W/state"
run 'echo from $state'
wait_serial '^from filed' 60
say "migrate and -incoming: another process went on; file of $(($(wc -c <"$W/state") / 1024)) KiB"
stop
boot -incoming "map:$W/mapped"
run 'echo mapped $state; echo 3 >/proc/sys/vm/drop_caches; md5sum /bin/busybox; echo mark=$((3+3))'
wait_serial '^mapped filed' 60
wait_serial '^mark=6' 60
# Back and forth: what is mapped makes place for another memory, and is saved like any.
mon 'savevm here'
mon 'loadvm here'
mon "migrate map:$W/mapped2"
mon 'info status'
wait_mon 'postmigrate' 60
mon 'cont'
run 'echo again $state'
wait_serial '^again filed' 60
mon 'delvm here'
mon 'quit'
wait_end 0 20
boot -incoming "map:$W/mapped2"
run 'echo twice $state'
wait_serial '^twice filed' 60
say "-incoming map: file of $(($(wc -c <"$W/mapped") / 1024)) KiB, $(du -k "$W/mapped" | cut -f1) KiB on disk"
stop

# What is not sound, or of another machine.
head -c 1000000 "$W/state" >"$W/cut"
refuses 'damaged' -m 128 -display none -hda "$W/a.qcow2" -hdb "$W/b.qcow2" -incoming "file:$W/cut"
cp "$W/state" "$W/flip"
printf '\125' | dd of="$W/flip" bs=1 seek=700000 conv=notrunc 2>/dev/null
refuses 'damaged.*check sum' -m 128 -display none -drive "file=$W/a.qcow2" -drive "file=$W/b.qcow2" \
    -kernel "$G/vmlinuz-686" -incoming "file:$W/flip"
refuses 'another machine' -m 64 -display none -hda "$W/a.qcow2" -hdb "$W/b.qcow2" -incoming "file:$W/state"
refuses 'not a snapshot' -m 128 -display none -incoming "file:$W/a.qcow2"
refuses 'file: or map:' -display none -incoming "tcp:1:2"
# Mapped memory: its table is looked at before the machine runs, the rest when it is read: at once, or by a thread.
machine="-m 128 -display none -drive file=$W/a.qcow2 -drive file=$W/b.qcow2 -kernel $G/vmlinuz-686 -serial null -monitor none"
place=$(LC_ALL=C grep -abo 'Linux version 6' "$W/mapped" | tail -n 1 | cut -d: -f1)
printf 'J' | dd of="$W/mapped" bs=1 seek="$place" conv=notrunc 2>/dev/null
refuses 'damaged.*check sum of memory' $machine -incoming "file:$W/mapped"
refuses 'damaged.*check sum of memory.* The machine .* ends' $machine -incoming "map:$W/mapped"
place=$(LC_ALL=C grep -abo 'SECT....ram' "$W/mapped2" | head -n 1 | cut -d: -f1)
printf 'J' | dd of="$W/mapped2" bs=1 seek=$((place + 96 + 1000)) conv=notrunc 2>/dev/null
refuses 'damaged.*table' $machine -incoming "map:$W/mapped2"
refuses 'not a snapshot' $machine -incoming "map:$W/a.qcow2"
head -c 1048576 /dev/zero >"$W/raw.img"
refuses 'cannot hold snapshots' -display none -m 32 -drive "file=$W/raw.img,format=raw" -loadvm x

# The law, in short: the long form is slow_snapshot.sh.
for engine in exec jit; do
    "$B/snapchain" -n 6 -e 60000000 -d "$W" -- -m 128 -icount shift=3,sleep=off -display none -engine $engine \
        -kernel "$G/vmlinuz-686" -initrd "$G/initrd-modules.cpio.gz" -append "console=ttyS0" -serial null \
        -drive "file=$W/raw.img,format=raw,snapshot=on" </dev/null || fail "the law of equal runs ($engine)"
done
done_testing "snapshots in disks and files"
