#!/bin/sh
# A test ROM plays 440 Hz by the speaker, a Sound Blaster 16's DMA and its OPL3. What a WAV file catches
# must be that tone without a gap, at full speed, in a machine that is held up for three quarters of
# the time, and in one whose time is counted in instructions and goes slower than the host's.
. "$(dirname "$0")/lib.sh"

[ -x "$B/wavtone" ] || skip "needs $B/wavtone"

# play NAME ARGUMENTS: until the ROM is done; then judge.
play()
{
    what=$1
    shift
    start -bios "$R/test/sound.bin" -m 16 -debugcon "file:$W/e9" -device isa-debug-exit,iobase=0x501 -no-reboot \
        -audiodev "wav,id=a,path=$W/$what.wav" -machine pc,pcspk-audiodev=a -device sb16,audiodev=a "$@"
    end=$(($(date +%s) + 60 * slow))
    while alive; do
        [ "$(date +%s)" -lt "$end" ] || fail "$what: no end, port 0xE9 says: $(tail -n 1 "$W/e9")"
        if [ "$what" = held ]; then
            kill -STOP "$pid"
            sleep 0.03
            kill -CONT "$pid" 2>/dev/null
            sleep 0.01
        else
            sleep 0.1
        fi
    done
    wait "$pid"
    got=$?
    pid=
    [ $got = 1 ] || fail "$what: status $got, port 0xE9 says: $(tail -n 1 "$W/e9") $(head -n 2 "$W/stderr")"
    "$B/wavtone" "$W/$what.wav" 3 440 2 2 >"$W/tones" || fail "$what: $(tr '\n' ';' <"$W/tones")"
    say "$what: $(tr '\n' ';' <"$W/tones")"
}

play full
play held
play counted -icount shift=7,sleep=on
# The same instructions and the same time: the same sound, on every engine.
for engine in jit exec; do
    play $engine -icount shift=8,sleep=off -engine $engine
    cmp -s "$W/jit.wav" "$W/$engine.wav" || fail "jit and $engine sound different"
done
# Listening in through the monitor.
start -bios "$R/test/sound.bin" -m 16 -audiodev none,id=n -machine pc,pcspk-audiodev=n -device sb16,audiodev=n -S
mon "wavcapture $W/mon.wav"
mon "info capture"
mon cont
sleep 1
mon "stopcapture 0"
mon "info capture"
mon quit
sleep 0.5
grep -aq '\[0\] .*mon.wav' "$W/monitor" || fail "info capture does not list the file"
[ "$(wc -c <"$W/mon.wav")" -gt 100000 ] || fail "wavcapture wrote $(wc -c <"$W/mon.wav") bytes"
done_testing "speaker, Sound Blaster and OPL3 at 440 Hz without a gap"
