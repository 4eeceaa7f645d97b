#!/bin/sh
# Record and replay: a Linux with disk, user network, serial input and keys is recorded; its log gives the same run again, on each
# engine and from a snapshot in its middle; a bit flipped in the log, another machine and another log are told. REPLAYS: how often.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest vmlinuz-686 initrd-modules.cpio.gz

head -c 4194304 /dev/zero >"$W/disk"
machine="-m 128 -kernel $G/vmlinuz-686 -initrd $G/initrd-modules.cpio.gz -drive file=$W/disk,format=raw,snapshot=on
    -netdev user,id=n0 -device e1000,netdev=n0"
start $machine -append "console=ttyS0" -engine jit -icount "shift=3,rr=record,rrfile=$W/log"
wait_serial '^guest# ' 240
run 'ifconfig eth0 10.0.2.15 && route add default gw 10.0.2.2; ping -c 2 10.0.2.2; seq 1 20000 | dd of=/dev/sda bs=16k conv=fsync; echo x=$((4+4))'
wait_serial '^x=8' 100
key a b ret
mon "migrate file:$W/mid"
mon cont
run 'md5sum </dev/sda; cat /proc/interrupts; echo y=$((4+5))'
wait_serial '^y=9' 100
run 'poweroff -f'
wait_end 0 60
cp "$W/serial" "$W/recorded"
grep -q '2 packets received' "$W/recorded" || fail "no network in the recorded run"

# replay STATUS WHAT ARGUMENTS: the same machine again, from the log.
replay()
{
    want=$1 what=$2
    shift 2
    timeout $((300 * slow)) "$DRAGOMAN" $machine -append "console=ttyS0" -display none -monitor none -serial "file:$W/played" \
        -icount "shift=3,rr=replay,rrfile=${log:-$W/log}" "$@" </dev/null 2>"$W/stderr"
    got=$?
    [ $got = $want ] || fail "$what: status $got, not $want: $(cat "$W/stderr")"
}

# The whole run takes the interpreter minutes: it replays from the middle, unless many are asked for.
for engine in jit ${REPLAYS:+exec}; do
    n=${REPLAYS:-1}
    while [ "$n" -gt 0 ]; do
        replay 0 "replay on $engine" -engine $engine
        grep -q 'to the end.*all is equal' "$W/stderr" || fail "not to the end on $engine"
        cmp "$W/recorded" "$W/played" || fail "other serial output on $engine"
        n=$((n - 1))
    done
    say "$engine: $(cat "$W/stderr")"
done
for engine in jit exec; do
    replay 0 "replay from the middle on $engine" -engine $engine -incoming "file:$W/mid"
    grep -q 'to the end.*all is equal' "$W/stderr" || fail "not to the end from the middle"
    tail -c "$(wc -c <"$W/played")" "$W/recorded" | cmp - "$W/played" || fail "other serial output from the middle"
    say "from a snapshot in the middle on $engine: equal"
done

log=$W/flip
size=$(wc -c <"$W/log")
cp "$W/log" "$log"
byte=$(dd if="$log" bs=1 skip=$((size / 20)) count=1 2>/dev/null | od -An -tu1)
printf "\\$(printf %o $((byte ^ 16)))" | dd of="$log" bs=1 seek=$((size / 20)) conv=notrunc 2>/dev/null
replay 1 "a flipped bit"
grep -q 'stops at instruction [0-9]*: the log is damaged' "$W/stderr" || fail "flipped bit: $(cat "$W/stderr")"
say "flipped: $(cat "$W/stderr")"
log=$W/cut
head -c $((size / 2)) "$W/log" >"$log"
replay 1 "a cut log"
log=$W/log
replay 1 "another machine" -m 64
grep -q 'another machine' "$W/stderr" || fail "another machine: $(cat "$W/stderr")"
log=$W/disk
replay 1 "no log"
refuses 'rrfile' -icount rr=record -display none
refuses 'record or replay' -icount rr=both,rrfile=x -display none
done_testing "record and replay"
