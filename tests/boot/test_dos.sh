#!/bin/sh
# The DOS-like guest of our own (roms/dos) on every engine: each of its self-tests must say "ok", in
# real mode and under its V86 monitor in each of the monitor's modes. The machine's time is counted
# in instructions, so that the three runs must also pass through equal states.
. "$(dirname "$0")/lib.sh"

# Tests per program, and the programs run in each mode: what the batch file says.
need_seabios
modes="real v86 vme iopl3"
tests="dos-vectors dos-date dos-files dos-find dos-memory dos-exec dos-overlay
    cpu-divide cpu-into-bound-ud cpu-single-step cpu-int-flags cpu-segment-wrap cpu-segment-limit cpu-salc
    cpu-decimal cpu-changing-code cpu-counts cpu-wide-registers
    fpu-arithmetic fpu-environment fpu-irq13
    hw-timer-chain hw-timer-fast hw-speaker hw-bios-wait hw-refresh hw-keyboard hw-text-memory hw-resident
    xms-a20-ways xms-a20-code xms-hma xms-blocks xms-sizes"
real_tests="unreal-reach unreal-interrupts unreal-reload unreal-back"
v86_tests="emm-present emm-mapping emm-dma emm-virtual-if emm-traps emm-ports emm-halt emm-flags
    dpmi-ring3 dpmi-descriptors dpmi-memory dpmi-real-call dpmi-interrupts"

# The image is written to (the tests make and delete a file), and each run must start equal.
for engine in jit eval exec; do
    cp "$R/dos.img" "$W/dos.img"
    start -engine $engine -m 16 -fda "$W/dos.img" -boot a -device isa-debug-exit,iobase=0x501 -no-reboot \
        -icount shift=6,sleep=off -rtc base=2020-01-01T00:00:00,clock=vm -state-hash "10000,$W/hash.$engine"
    wait_serial 'DOS (PASS|FAIL)' 60
    tr -d '\r\000' <"$W/serial" >"$W/lines"
    if grep -aq ': FAIL' "$W/lines"; then
        fail "$engine: $(grep -a -B1 ': FAIL' "$W/lines" | tr '\n' '|')"
    fi
    for mode in $modes; do
        own=$v86_tests
        [ $mode = real ] && own=$real_tests
        for t in $tests $own; do
            grep -aqx "$mode $t: ok" "$W/lines" || fail "$engine: no '$mode $t: ok'"
        done
    done
    n=$(grep -ac ': ok$' "$W/lines")
    wait_end 0 10
    say "$engine: $n tests ok in $(took)"
done
for engine in eval exec; do
    cmp -s "$W/hash.jit" "$W/hash.$engine" ||
        fail "jit and $engine differ first at: $(diff "$W/hash.jit" "$W/hash.$engine" | head -n 3 | tr '\n' '|')"
done
[ "$(wc -l <"$W/hash.jit")" -gt 1000 ] || fail "only $(wc -l <"$W/hash.jit") states were compared"
done_testing "$n tests on three engines, $(wc -l <"$W/hash.jit") equal states"
