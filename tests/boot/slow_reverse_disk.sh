#!/bin/sh
# Going back in a Linux with disk, network and keys: places gone to from several others are the same each time, the present, too.
. "$(dirname "$0")/lib.sh"
need_guest vmlinuz-686 initrd-modules.cpio.gz
head -c 16777216 /dev/zero >"$W/disk"
start -m 64 -kernel "$G/vmlinuz-686" -initrd "$G/initrd-modules.cpio.gz" -drive "file=$W/disk,format=raw" -netdev user,id=n0 \
    -device e1000,netdev=n0 -append console=ttyS0 -icount shift=3,reverse=on
wait_serial '^guest# ' 240
run 'ifconfig eth0 10.0.2.15 && route add default gw 10.0.2.2; ping -c 2 10.0.2.2; seq 1 200000 | dd of=/dev/sda bs=16k conv=fsync; echo x=$((4+4))'
wait_serial '^x=8' 200
key a b ret
run 'md5sum </dev/sda; dd if=/dev/zero of=/dev/sda bs=64k count=20 conv=fsync; echo y=$((4+5))'
wait_serial '^y=9' 200
mon stop
md5sum "$W/disk" >"$W/sum"
lines=$(wc -c <"$W/serial")

# look NAME: what the machine is now, into a file of that name.
look()
{
    rm -f "$W/ram"
    mon "pmemsave 0x100000 66060288 $W/ram"
    end=$(($(date +%s) + 30 * slow))
    until [ -f "$W/ram" ] && [ "$(wc -c <"$W/ram")" = 66060288 ]; do
        [ "$(date +%s)" -lt "$end" ] || fail "memory is not written: $(tail -n 2 "$W/monitor")"
        sleep 0.1
    done
    md5sum <"$W/ram" >"$W/$1"
}
# to NUMBER: seek, and wait until the machine stands there.
to()
{
    n=$(grep -c '^instruction\|going back stopped' "$W/monitor")
    mon "replay_seek $1"
    end=$(($(date +%s) + 60 * slow))
    until [ "$(grep -c '^instruction\|going back stopped' "$W/monitor")" -gt "$n" ]; do
        [ "$(date +%s)" -lt "$end" ] || fail "no end of replay_seek $1: $(tail -n 2 "$W/monitor")"
        sleep 0.05
    done
    ! grep -q 'going back stopped' "$W/monitor" || fail "$(grep 'going back stopped' "$W/monitor")"
}
look present
mon "info replay"
sleep 0.5
last=$(tr -d '\r' <"$W/monitor" | sed -n 's/.*it is at \([0-9]*\), the present.*/\1/p' | tail -n 1)
[ -n "$last" ] || fail "no instruction in: $(tail -n 4 "$W/monitor")"
for part in 97 20 61 83 99 45; do
    to $((last / 100 * part))
    look "first.$part"
done
for part in 45 61 99 20 97 83; do
    to $((last / 100 * part))
    look "second.$part"
    cmp "$W/first.$part" "$W/second.$part" || fail "at $part % of $last the memory differs"
done
to ""
look again
cmp "$W/present" "$W/again" || fail "the present has another memory"
md5sum "$W/disk" | cmp - "$W/sum" || fail "the disk's file has changed by looking"
[ "$(wc -c <"$W/serial")" = "$lines" ] || fail "said twice"
mon cont
run 'md5sum </dev/sda; echo z=$((5+5))'
wait_serial '^z=10' 100
say "$last instructions with disk and network: six places, from everywhere the same"
done_testing "disk and network undone and done again"
