#!/bin/sh
# Bad input: one sentence that says what is wrong, status 1; and what guests do that must not end
# the program badly.
. "$(dirname "$0")/lib.sh"

head=-display\ none\ -serial\ null\ -monitor\ none
printf 'not a kernel' >"$W/text"
refuses 'nokernel' $head -kernel "$W/nokernel"
refuses 'neither' $head -kernel "$W/text"
refuses 'nodisk' $head -hda "$W/nodisk"
refuses 'nofloppy' $head -fda "$W/nofloppy"
refuses 'frobnicate' $head -frobnicate
refuses 'memory|-m' $head -m 100000G
refuses 'nobios' $head -bios "$W/nobios"
refuses 'cpu|model' $head -cpu z80
refuses 'machine' $head -machine toaster
if [ -f "$G/vmlinuz-686" ]; then
    head -c 3000000 "$G/vmlinuz-686" >"$W/short"
    refuses 'truncated' $head -kernel "$W/short"
    refuses 'give more with -m' $head -m 8 -kernel "$G/vmlinuz-686"
    refuses 'noinitrd' $head -kernel "$G/vmlinuz-686" -initrd "$W/noinitrd"
fi

# A host that gives no memory for translated code (here: no address space) runs the guest in the interpreter, and says so.
# Other limits hold where the program itself runs in an emulator or under sanitizers.
if [ ! -x "$B/run" ] && ! grep -q CONFIG_SAN config.h 2>/dev/null; then
    (ulimit -v 340000 && exec "$DRAGOMAN" -bios "$R/boot.bin" -m 16 -display none -monitor none -serial stdio \
        -device isa-debug-exit,iobase=0x501 -fw_cfg name=opt/dragoman/selftest,string=1) \
        </dev/null >"$W/serial" 2>"$W/stderr" || fail "without executable memory: status $?"
    grep -q 'DEMO PASS' "$W/serial" || fail "without executable memory the self-test failed"
    grep -q 'no executable memory.*interpreter' "$W/stderr" || fail "nothing was said about executable memory"
    say "without executable memory: $(head -n 1 "$W/stderr")"
fi

# A disk that is not bootable: the firmware says so, the program keeps running until it is told to
# quit.
head -c 1048576 /dev/zero >"$W/empty.img"
start -hda "$W/empty.img" -boot c
wait_screen 'No bootable device|not a bootable disk' 60
mon quit
wait_end 0 10

# A triple fault with -no-reboot ends with a register dump: an ISA ROM that loads an empty IDT and
# divides by zero.
{
    # lidt cs:[0x20]; div by zero at the reset vector's target.
    printf '\372\056\017\001\036\040\000\061\300\367\360'
    head -c 53 /dev/zero
    head -c 65456 /dev/zero
    printf '\352\000\000\000\360'
    head -c 11 /dev/zero
} >"$W/triple.bin"
[ "$(wc -c <"$W/triple.bin")" = 65536 ] || fail "the ROM has $(wc -c <"$W/triple.bin") bytes"
start -bios "$W/triple.bin" -no-reboot
end=$(($(date +%s) + 20 * slow))
while alive; do
    [ "$(date +%s)" -lt "$end" ] || fail "a triple fault with -no-reboot did not end the program"
    sleep 0.1
done
wait "$pid"
pid=
grep -qiE 'eip|rip' "$W/stderr" "$W/serial" || fail "no register dump after the triple fault"
say "triple fault: $(grep -hiE 'triple|shutdown' "$W/stderr" | head -n 1)"
done_testing "bad input is refused in a sentence; a triple fault dumps registers"
