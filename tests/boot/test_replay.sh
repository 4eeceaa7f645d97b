#!/bin/sh
# Record and replay: a Linux with disk, user network, serial input and keys is recorded from power-on; its log gives the same run
# again, on each engine and from a snapshot in its middle; bits flipped in the log, another machine,
# kernel or firmware and another log are told.
# REPLAYS: how often on each engine (without it once on the translator: the interpreter takes half a minute); FLIPS: how many bits;
# REPLAY_SEED: where.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/kernel.sh"
need_seabios
need_guest vmlinuz-686 initrd-modules.cpio.gz

head -c 1048576 /dev/zero >"$W/disk"
# Tests of ciphers that nobody uses here are half of a boot's instructions.
append="console=ttyS0 cryptomgr.notests=1"
kernel=$W/kernel
plain_kernel "$G/vmlinuz-686" "$kernel" || kernel=$G/vmlinuz-686
machine="-m 96 -kernel $kernel -initrd $G/initrd-modules.cpio.gz -drive file=$W/disk,format=raw,snapshot=on
    -netdev user,id=n0 -device e1000,netdev=n0"
start $machine -append "$append" -engine jit -icount "shift=3,rr=record,rrfile=$W/log"
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
"$B/rrlog" list "$W/log" >"$W/records"
grep -q damaged "$W/records" && fail "the log is damaged"
for kind in chr net key saved digest end; do
    grep -q " $kind " "$W/records" || fail "nothing of kind $kind in the log"
done
insns=$(sed -n 's/.* end 0 \([0-9]*\) .*/\1/p' "$W/records")
say "recorded: $insns instructions, $(wc -l <"$W/records") records, $(($(wc -c <"$W/log") / 1024)) KiB"

# play N ARGUMENTS: the same machine again, from the log; messages in $W/err.N, serial output in $W/played.N.
play()
{
    slot=$1
    shift
    timeout $((1800 * slow)) "$DRAGOMAN" $machine -append "$append" -display none -monitor none -serial "file:$W/played.$slot" \
        -icount "shift=3,rr=replay,rrfile=${log:-$W/log}" "$@" </dev/null 2>"$W/err.$slot"
}

# replay STATUS WHAT ARGUMENTS
replay()
{
    want=$1 about=$2
    shift 2
    play 0 "$@"
    got=$?
    cp "$W/err.0" "$W/stderr"
    [ $got = $want ] || fail "$about: status $got, not $want: $(cat "$W/stderr")"
}

# equal N: run N went to the end, and had the recorded run's output and its digest of processors, devices and memory there.
equal()
{
    cp "$W/err.$1" "$W/stderr"
    grep -q "to the end, instruction $insns: all is equal" "$W/err.$1" || fail "not to the end on $engine: $(cat "$W/err.$1")"
    cmp "$W/recorded" "$W/played.$1" || fail "other serial output on $engine"
}

# Two at a time.
for engine in jit ${REPLAYS:+exec}; do
    done=0 begun=$(date +%s)
    while [ $done -lt "${REPLAYS:-1}" ]; do
        play 1 -engine $engine &
        one=$!
        two=
        [ $((done + 1)) -lt "${REPLAYS:-1}" ] && play 2 -engine $engine &
        two=$!
        wait $one || fail "replay $done on $engine: $(cat "$W/err.1")"
        equal 1
        done=$((done + 1))
        if [ $done -lt "${REPLAYS:-1}" ]; then
            wait $two || fail "replay $done on $engine: $(cat "$W/err.2")"
            equal 2
            done=$((done + 1))
        fi
        [ "${REPLAYS:-1}" = 1 ] || say "$engine: $done replays equal after $(($(date +%s) - begun)) s"
    done
    say "$engine: $done of ${REPLAYS:-1} whole replays equal, in $(($(date +%s) - begun)) s"
done
for engine in jit exec; do
    replay 0 "replay from the middle on $engine" -engine $engine -incoming "file:$W/mid"
    grep -q 'to the end.*all is equal' "$W/stderr" || fail "not to the end from the middle"
    tail -c "$(wc -c <"$W/played.0")" "$W/recorded" | cmp - "$W/played.0" || fail "other serial output from the middle"
    say "from a snapshot in the middle on $engine: equal"
done

# Bits at random places: the header is refused whole; a record ends the replay behind the last sound one.
size=$(wc -c <"$W/log")
log=$W/flip
seed=${REPLAY_SEED:-$(date +%s)}
say "REPLAY_SEED=$seed"
flips=0
for place in $(awk -v seed="$seed" -v n="${FLIPS:-3}" -v size="$size" 'BEGIN {
    srand(seed)
    print "50.3"
    while (--n > 0)
        print int(rand() * size) "." int(rand() * 8)
}'); do
    at=$("$B/rrlog" flip "$W/log" "$log" "${place%.*}" "${place#*.}") || fail "rrlog flip"
    replay 1 "bit $place flipped" -engine jit
    flips=$((flips + 1))
    if [ "${place%.*}" -lt 96 ]; then
        grep -q "damaged\|not the log\|version" "$W/stderr" || fail "bit $place of the header: $(cat "$W/stderr")"
        continue
    fi
    got=$(sed -n 's/.*stops at instruction \([0-9]*\): the log is damaged.*/\1/p' "$W/stderr")
    [ -n "$got" ] && [ "$got" -ge "$at" ] && [ "$got" -le $((at + 100)) ] ||
        fail "bit $place flipped, stopped at instruction ${got:-none}, not at $at: $(cat "$W/stderr")"
done
say "$flips bits flipped at random: all told, the last one at instruction ${got:-0}"

# What a flip does is known when its check sum is put right: a digest differs right there; what somebody typed, or what the network
# brought, makes another run, which the next digests show.
digest=$(($(grep -c ' digest ' "$W/records") / 2))
at=$("$B/rrlog" seal "$W/log" "$log" digest $digest 3) || fail "rrlog seal"
replay 1 "another digest"
grep -q "stops at instruction $at: the processor differs .* at instruction $((at - 1048576)) it was equal" "$W/stderr" ||
    fail "another digest at $at: $(cat "$W/stderr")"
say "another digest: told at its instruction, $at"
for what in "chr 0" "net 0"; do
    at=$("$B/rrlog" seal "$W/log" "$log" $what 0) || fail "rrlog seal"
    replay 1 "another $what"
    got=$(sed -n 's/.*stops at instruction \([0-9]*\): .*/\1/p' "$W/stderr")
    [ -n "$got" ] && [ "$got" -gt "$at" ] && [ "$got" -le $((at + (4 << 20))) ] ||
        fail "another $what at $at is told at ${got:-no instruction}: $(cat "$W/stderr")"
    say "another $what at instruction $at: $(sed 's/^dragoman: //' "$W/stderr")"
done

log=$W/cut
head -c $((size / 2)) "$W/log" >"$log"
replay 1 "a cut log"
log=$W/log
replay 1 "another machine" -m 97
grep -q 'another machine' "$W/stderr" || fail "another machine: $(cat "$W/stderr")"
full=$append
append="$append quiet"
replay 1 "another command line"
grep -q 'another kernel, initrd or command line' "$W/stderr" || fail "another command line: $(cat "$W/stderr")"
append=$full
same=$machine
{ cat "$G/initrd-modules.cpio.gz"; head -c 512 /dev/zero; } >"$W/initrd"
machine=$(echo "$machine" | sed "s,-initrd [^ ]*,-initrd $W/initrd,")
replay 1 "another initrd"
grep -q 'another kernel, initrd' "$W/stderr" || fail "another initrd: $(cat "$W/stderr")"
machine=$same
seabios=/usr/share/seabios/bios-256k.bin
if [ -f $seabios ]; then
    cp $seabios "$W/bios"
    printf X | dd of="$W/bios" bs=1 seek=70000 conv=notrunc 2>/dev/null
    replay 1 "another firmware" -bios "$W/bios"
    grep -q 'another firmware' "$W/stderr" || fail "another firmware: $(cat "$W/stderr")"
fi
log=$W/disk
replay 1 "no log"
refuses 'rrfile' -icount rr=record -display none
refuses 'record or replay' -icount rr=both,rrfile=x -display none
done_testing "record and replay"
