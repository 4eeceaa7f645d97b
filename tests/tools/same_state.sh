#!/bin/sh
# The law of equal state: a kernel boot in instruction-counted time has the same state hash every 10,000 instructions under exec, eval and
# jit: same_state.sh BUILD [KERNEL]. Ends when the guest is up and powers off; prints the number of lines compared.
b=$1
g=$b/guests
kernel=${2:-$g/vmlinuz-686}
w=$(mktemp -d) || exit 1
trap 'rm -rf "$w"' EXIT
[ -f "$kernel" ] && [ -f "$g/initrd-busybox.cpio.gz" ] || { echo "same_state: run 'make guests' first"; exit 77; }
for engine in jit exec eval; do
    timeout "${TEST_TIMEOUT:-1500}" "$b/dragoman" --engine=$engine -icount shift=3,sleep=off -rtc base=2020-01-01T00:00:00,clock=vm \
        -state-hash "10000,$w/$engine" -bios "$b/roms/boot.bin" -m 128 -kernel "$kernel" -initrd "$g/initrd-busybox.cpio.gz" \
        -append "console=ttyS0 poweroff" -nographic -no-reboot </dev/null >"$w/$engine.txt" 2>&1
    echo "$engine: status $?, $(wc -l <"$w/$engine") lines, $(grep -ac GUEST-UP "$w/$engine.txt") guest up"
done
for engine in exec eval; do
    if ! cmp "$w/jit" "$w/$engine"; then
        echo "same_state: jit and $engine differ first at:"
        diff "$w/jit" "$w/$engine" | head -4
        exit 1
    fi
done
[ -s "$w/jit" ] && grep -aq GUEST-UP "$w/jit.txt" && echo "same_state: $(wc -l <"$w/jit") states equal on jit, exec and eval"
