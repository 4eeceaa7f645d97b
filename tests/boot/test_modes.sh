#!/bin/sh
# The mode test guest's picture in every video mode, point for point against QEMU's screen dump of
# the same guest with the same firmware; where they are meant to differ, the table below says why.
. "$(dirname "$0")/lib.sh"
need_seabios
[ -f "$R/modetest.img" ] || skip "needs the ROMs (a compiler for x86)"

# Pictures that are not QEMU 7.2's, and why (the IBM VGA Technical Reference is what is followed here):
differ='
00                 QEMU gives the 40 columns 16 dots each where nine dots at half the clock are 18
01                 the same; 01-8-dots is equal
03-line-graphics   QEMU repeats the eighth dot of characters B0 to DF, the VGA that of C0 to DF
03-pan             QEMU has no pixel panning
03-preset-row      QEMU has no preset row scan
03-split           QEMU has no split screen in text modes
03-split-pan       the same
0d-byte-pan        QEMU has no byte panning
0d-pel-mask        QEMU has no mask register (3C6)
0d-split-pan       QEMU has no pixel panning
0d-split-pan-top   the same
13-pan             the same
x-split-pan        the same
vbe-4-800x600      QEMU shows nothing in the 4-bit mode of the dispi registers
'
# All others are compared point for point. The DAC has 6 bits a colour, which QEMU widens to 8 by repeating the lowest
# and the VGA by the proportion of the voltages: of 8 bits the upper 6 are compared, of 15-bit modes 5, otherwise all.
bits_of()
{
    case $1 in
    vbe-15* | blt-16-cursor*) echo 5 ;;
    vbe-8-dac-8\ cirrus) echo 6 ;; # it has no wider one
    vbe-8-dac-8* | vbe-[123]* | blt-[23]* | dispi*) echo 8 ;;
    *) echo 6 ;;
    esac
}

# take PROGRAM FOLDER ARGUMENTS: every picture of the guest as FOLDER/NAME.ppm.
take()
{
    program=$1 to=$2
    shift 2
    mkdir -p "$to"
    rm -f "$W/take.in"
    mkfifo "$W/take.in"
    exec 6<>"$W/take.in"
    : >"$to/e9"
    "$program" -m 32 -drive "file=$R/modetest.img,if=floppy,format=raw,snapshot=on" -boot a -nodefaults "$@" \
        -debugcon "file:$to/e9" -display none -monitor stdio <"$W/take.in" >"$to/monitor" 2>"$to/stderr" 6>&- &
    pid=$!
    n=0
    while :; do
        n=$((n + 1))
        end=$(($(date +%s) + 60 * slow))
        # Whole lines: the guest writes them a character at a time.
        while [ "$(wc -l <"$to/e9")" -lt $n ]; do
            alive || fail "$program ended: $(tail -n 1 "$to/stderr")"
            [ "$(date +%s)" -lt "$end" ] || fail "$program: no picture $n; the last was '$(tail -n 1 "$to/e9")'"
            sleep 0.02
        done
        word=$(sed -n "${n}p" "$to/e9")
        [ "$word" != end ] || break
        shot=$to/${word#mode }.ppm
        echo "screendump $shot" >&6
        # The file is whole when the monitor has answered what comes after it.
        echo "print $n+1000" >&6
        while ! grep -aq "0x$(printf '%x' $((n + 1000)))" "$to/monitor"; do
            alive || fail "$program ended: $(tail -n 1 "$to/stderr")"
            [ "$(date +%s)" -lt "$end" ] || fail "$program: no screen dump of '$word'"
            sleep 0.02
        done
        echo 'sendkey spc' >&6
    done
    echo quit >&6
    wait "$pid"
    pid=
    exec 6>&-
}

# compare ADAPTER: every picture of it, here and under QEMU.
compare()
{
    take "$DRAGOMAN" "$W/$1" -vga $1
    n=$(ls "$W/$1" | grep -c ppm)
    [ "$n" -ge 50 ] || fail "only $n pictures with -vga $1"
    for f in "$W/$1/"*.ppm; do
        [ "$(tail -c +16 "$f" | gzip -9 | wc -c)" -gt 300 ] || fail "$1: $(basename "$f" .ppm) is all of one colour"
    done
    if ! command -v qemu-system-i386 >/dev/null 2>&1; then
        say "$1: $n pictures; no QEMU to compare them with"
        return
    fi
    take qemu-system-i386 "$W/qemu-$1" -vga $1 -accel tcg
    same=0 bad=0
    for f in "$W/qemu-$1/"*.ppm; do
        p=$(basename "$f" .ppm)
        if "$B/tests/tools/ppmcmp" "$(bits_of "$p $1")" "$f" "$W/$1/$p.ppm" >"$W/why" 2>&1; then
            same=$((same + 1))
        elif echo "$differ" | grep -Eq "^$p( \($1\))?  "; then
            say "$1: $p differs as it should: $(echo "$differ" | grep -E "^$p( \($1\))?  " | sed 's/^[^ ]* *//')"
        else
            say "$1: $p: $(cat "$W/why")"
            bad=$((bad + 1))
        fi
    done
    [ "$bad" = 0 ] || fail "$bad other pictures than QEMU's with -vga $1"
    say "$1: $n pictures, $same the same as QEMU's, the others as the table says"
}

for adapter in ${ADAPTERS:-std cirrus}; do
    compare $adapter
done
done_testing "all modes of ${ADAPTERS:-std cirrus}"
