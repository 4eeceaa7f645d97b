#!/bin/sh
# The built-in guest: its self-test from the boot ROM and from the floppy, then keys, screen and
# power-off by hand.
. "$(dirname "$0")/lib.sh"

for engine in jit eval exec; do
    start -bios "$R/boot.bin" -engine $engine -device isa-debug-exit,iobase=0x501 \
        -fw_cfg name=opt/dragoman/selftest,string=1
    wait_serial 'DEMO (PASS|FAIL)' 90
    if grep -aq '^FAIL' "$W/serial"; then
        fail "a demonstration failed"
    fi
    wait_end 0 10
    say "self-test with $engine: $(grep -ac '^ok ' "$W/serial") demonstrations"
done

if ! have_seabios; then
    say "no firmware package: the floppy image is not tried"
else
    start -fda "$R/demo.img" -boot a -device isa-debug-exit,iobase=0x501 -fw_cfg name=opt/dragoman/selftest,string=1
    wait_serial 'DEMO PASS' 60
    wait_end 0 10
    say "self-test from the boot sector"
fi

start -bios "$R/boot.bin"
wait_screen 'Dragoman demo: a PC in software' 20
wait_screen 'keys:  P picture' 20
key h e l l o spc shift-d
wait_screen 'hello D' 10
run 'typed'
wait_serial 'typed' 10
key shift-m
wait_screen 'missing page at 40003123 .error code 2. supplied: yes' 10
# The picture: not all of one colour, and the same every time.
key shift-p
wait_serial 'picture shown' 20
mon "screendump $W/picture.ppm"
sleep 1
[ -s "$W/picture.ppm" ] || fail "no screendump"
[ "$(wc -c <"$W/picture.ppm")" -gt 190000 ] || fail "the picture is too small"
[ "$(tail -c 150000 "$W/picture.ppm" | gzip -9 | wc -c)" -gt 800 ] || fail "the picture is all of one colour"
key ret
wait_screen 'keys:  P picture' 10
key shift-q
wait_end 0 10
done_testing "demo guest on three engines, floppy, keys, picture, power-off"
