#!/bin/sh
# Every test ROM on every engine: prints PASS on port 0xE9 and ends through the exit device with
# code 0 (status 1).
. "$(dirname "$0")/lib.sh"

n=0
for engine in exec eval jit; do
    for rom in "$R"/test/*.bin; do
        # One resets the machine by itself, many times.
        reboot=-no-reboot
        [ "$(basename "$rom")" != reset.bin ] || reboot=
        start -bios "$rom" -engine $engine -m 64 -debugcon "file:$W/e9" -device isa-debug-exit,iobase=0x501 $reboot
        end=$(($(date +%s) + 60 * slow))
        while alive; do
            [ "$(date +%s)" -lt "$end" ] || fail "$(basename "$rom") on $engine: no end, port 0xE9 says: $(tail -n 1 "$W/e9")"
            sleep 0.02
        done
        wait "$pid"
        got=$?
        pid=
        if [ $got != 1 ] || ! grep -aq PASS "$W/e9"; then
            fail "$(basename "$rom") on $engine: status $got, port 0xE9 says: $(tail -n 1 "$W/e9")"
        fi
        n=$((n + 1))
    done
done
done_testing "$n runs of test ROMs"
