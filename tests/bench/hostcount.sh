#!/bin/sh
# Executed host instructions per guest instruction on AArch64: this emulator's build for it and Debian's own arm64
# qemu-system-i386 (TCG), both under the same qemu-user, on the same bare-metal kernels (tests/bench/README.md). Prints the
# table that cpu/jit/a64/README.md shows.
#   hostcount.sh BUILD ARM64_BUILD [KERNEL=ROUNDS...]     ONLY=ours|qemu leaves the other one out
set -eu

me=hostcount
here=$(cd "$(dirname "$0")/../.." && pwd)
B=${1:-$here/build}
arm=${2:-$B/aarch64-linux-gnu}
[ $# -lt 2 ] || shift 2
kernels=${*:-core=6 fib=4 qsort=1 sieve=1 interp=80 chase_16k=160 sha256=3 sse2_mandel=6 sse2_matmul=6 sse2_saxpy=80 \
x87_mandel53=2 x87_matmul53=2}
# Shorter stretches are output of text.
least=700000
out=$B/bench
user=${QEMU_USER:-$here/build/qemu10/qemu-aarch64}
qemu=${QEMU_ARM64:-$here/build/qemu-arm64/root}
cross=${CROSS:-$here/build/cross/aarch64-linux-gnu}

die()
{
    echo "$me: $*" >&2
    exit 1
}

for f in "$B/dragoman" "$out/bare.elf" "$out/count.rom" "$out/hostcount" "$arm/dragoman" "$user"; do
    [ -x "$f" ] || die "$f is not there; 'make bench-a64' builds what it needs"
done
command -v readelf >/dev/null || die "needs readelf (Debian package: binutils)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

words=
for k in $kernels; do
    words="$words $k"
done

word() # NUMBER: four bytes, the lowest first
{
    printf "\\$(printf %03o $(($1 & 255)))\\$(printf %03o $(($1 >> 8 & 255)))"
    printf "\\$(printf %03o $(($1 >> 16 & 255)))\\$(printf %03o $(($1 >> 24 & 255)))"
}

# The record that count_rom.S reads: entry, multiboot information with a command line at 0x7100, the command line.
record()
{
    word "0x$(readelf -h "$out/bare.elf" | sed -n 's/.*Entry.*0x//p')"
    for v in 4 0 0 0 0x7100 0 0 0 0 0 0; do
        word $v
    done
    head -c $((0x100 - 48)) /dev/zero
    printf '%s\0' "bare$words"
}

# counted NAME COMMAND...: what it executes, one line for each stretch, in $work/NAME.count
counted()
{
    name=$1
    shift
    rm -f "$work/fifo"
    mkfifo "$work/fifo"
    "$out/hostcount" $least <"$work/fifo" >"$work/$name.count" &
    setarch -R "$user" -d in_asm,exec,nochain,strace -D "$work/fifo" "$@" -cpu qemu32 -m 128 -display none \
        -serial stdio -no-reboot </dev/null >"$work/$name.text" 2>"$work/$name.err" || die "$name: $(tail -n 1 "$work/$name.err")"
    wait
}

# Guest instructions: the interpreter's own count, as the clock that the kernels read: 8 ns an instruction.
"$B/dragoman" -engine exec -icount shift=3,sleep=off -cpu qemu32 -m 128 -kernel "$out/bare.elf" -append "${words# }" \
    -display none -serial stdio -no-reboot </dev/null >"$work/guest.text"
case ${ONLY:-} in
'' | ours) counted ours -L "$cross" "$arm/dragoman" -kernel "$out/bare.elf" -append "${words# }" ;;
esac
case ${ONLY:-} in
'' | qemu)
    [ -x "$qemu/usr/bin/qemu-system-i386" ] || die "$qemu is not there; tests/tools/qemu_arm64.sh fetches it"
    record >"$work/record"
    counted qemu -L "$qemu" "$qemu/usr/bin/qemu-system-i386" -accel tcg -bios "$out/count.rom" \
        -device loader,file="$out/bare.elf" -device loader,file="$work/record",addr=0x7000,force-raw=on -net none -nodefaults
    ;;
esac
: >>"$work/ours.count"
: >>"$work/qemu.count"
awk -v ours="$work/ours.count" -v qemu="$work/qemu.count" -f "$here/tests/bench/hostcount_table.awk" "$work/guest.text"
