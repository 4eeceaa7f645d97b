#!/bin/sh
# Runs the same kernel, initramfs and programs under this emulator and under QEMU in turn (A B A B ...) and compares the
# medians. Called by `make bench`; see tests/bench/README.md for the settings and for how to read the result.
set -eu

me=bench
here=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-$here/build}
out=$B/bench
guests=${BENCH_GUESTS:-$B/guests}
rounds=${BENCH_ROUNDS:-3}
sets=${BENCH_SET:-all}
ram=${BENCH_RAM:-256}
cpu=${BENCH_CPU:-qemu32}
flavour=${BENCH_KERNEL:-686}
ours=${BENCH_OURS:-$B/dragoman}
qemu=${BENCH_QEMU:-qemu-system-i386}
qemu2=${BENCH_QEMU2:-}
only=${BENCH_ONLY:-}

die()
{
    echo "$me: $*" >&2
    exit 1
}

case $sets in
all) sets="boot sys tools bare debian inside" ;;
esac
chosen=
inside=
for s in $sets; do
    case $s in
    inside) inside=1 ;;
    boot | sys | tools | bare | debian_i386 | debian_amd64) chosen="$chosen $s" ;;
    debian) chosen="$chosen debian_i386 debian_amd64" ;;
    *) die "BENCH_SET=$s is not known; it is one or more of boot, sys, tools, bare, debian, debian_i386, debian_amd64, inside, or all" ;;
    esac
done
case $rounds in
'' | *[!0-9]* | 0) die "BENCH_ROUNDS=$rounds is not a number of rounds" ;;
esac
[ -x "$ours" ] || die "$ours is not there; 'make all' builds it"
case " $sets " in
*" boot "* | *" sys "* | *" tools "* | *" inside "*)
    for f in "$guests/vmlinuz-$flavour" "$guests/bench.cpio.gz"; do
        [ -f "$f" ] || die "$f is not there; 'make guests' makes it (it needs gcc-multilib for the programs)"
    done
    ;;
esac

if [ -z "$qemu2" ]; then
    for d in "$B/qemu10" "$here/build/qemu10"; do
        [ -x "$d/qemu-system-i386" ] && qemu2=$d/qemu-system-i386 && break
    done
fi

# The set debian needs the disks that roots.sh makes (as root), and apt for the programs that are not on them.
sets=
for s in $chosen; do
    case $s in
    debian_*)
        a=${s#debian_}
        if [ ! -f "$guests/root-$a.img" ] || [ ! -e "$guests/root-$a/vmlinuz" ]; then
            echo "$me: without $s: no $guests/root-$a.img ('tests/tools/roots.sh $guests $a' makes it)" >&2
            continue
        fi
        mkdir -p "$out"
        "$here/tests/bench/debian/pack.sh" "$guests" "$out" "$a" >&2 || continue
        ;;
    esac
    sets="$sets $s"
done

# qemu_for PROGRAM SET: 64-bit guests need the program beside it.
qemu_for()
{
    case $2 in
    *amd64) echo "${1%-i386}" | sed '/-x86_64$/!s/$/-x86_64/' ;;
    *) echo "$1" ;;
    esac
}

emulators="dragoman"
if command -v "$qemu" >/dev/null 2>&1; then
    emulators="$emulators qemu"
else
    echo "$me: no $qemu here (Debian package: qemu-system-x86): nothing to compare with" >&2
fi
[ -z "$qemu2" ] || emulators="$emulators qemu2"

mkdir -p "$out"
[ ! -d "$guests" ] || guests=$(cd "$guests" && pwd)
out=$(cd "$out" && pwd)
rm -f "$out"/run-*.txt "$out"/run-*.txt.err
samples=$out/samples.txt
: >"$samples"

version()
{
    case $1 in
    dragoman) "$ours" -version 2>/dev/null | head -n 1 ;;
    qemu) "$qemu" --version 2>/dev/null | head -n 1 ;;
    qemu2) "$qemu2" --version 2>/dev/null | head -n 1 ;;
    esac
}

# Most seconds that one run of a set may take.
limit()
{
    case $1 in
    boot) echo "${BENCH_TIMEOUT:-120}" ;;
    sys) echo "${BENCH_TIMEOUT:-400}" ;;
    tools) echo "${BENCH_TIMEOUT:-600}" ;;
    bare | core) echo "${BENCH_TIMEOUT:-200}" ;;
    debian_*) echo "${BENCH_TIMEOUT:-240}" ;;
    esac
}

# collect ROUND SET EMULATOR LOG
collect()
{
    awk -v round="$1" -v set="$2" -v emu="$3" -f "$here/tests/bench/collect.awk" "$4" >>"$samples"
}

# run ROUND SET EMULATOR: one run, its stamped output in $out/run-SET-EMULATOR-ROUND.txt.
run()
{
    round=$1 set=$2 emulator=$3
    log=$out/run-$set-$emulator-$round.txt
    model=$cpu
    mib=$ram
    case $set in
    debian_i386) model=${BENCH_CPU:-qemu32} mib=512 ;;
    debian_amd64) model=${BENCH_CPU64:-qemu64} mib=512 ;;
    esac
    case $emulator in
    dragoman) set -- "$ours" -no-shutdown ;;
    qemu) set -- "$(qemu_for "$qemu" "$set")" -accel tcg -net none ;;
    qemu2) set -- "$(qemu_for "$qemu2" "$set")" -accel tcg -net none ;;
    esac
    set -- "$@" -cpu "$model" -m "$mib" -display none -serial mon:stdio -no-reboot
    case $set in
    bare) set -- "$@" -kernel "$out/bare.elf" ${only:+-append "$only"} ;;
    core) set -- "$@" -kernel "$out/bare.elf" -append core -d out_asm -D "$out/core-asm.txt" ;;
    debian_*)
        # The disks may come up in either order: the small one is the work's.
        a=${set#debian_}
        set -- "$@" -snapshot -drive "file=$guests/root-$a.img,format=raw" \
            -drive "file=$out/debian-$a.tar,format=raw,index=1" \
            -kernel "$guests/root-$a/vmlinuz" -initrd "$guests/root-$a/initrd.img" \
            -append "console=ttyS0 quiet root=UUID=11111111-2222-4333-8444-555555555555 ro init=/bin/sh -- -c \"mount -t tmpfs t /tmp; cd /tmp; for d in /dev/sda /dev/sdb; do [ \$(blockdev --getsize64 \$d) -gt 99999999 ] || tar xf \$d; done; sh work.sh; echo BENCH-DONE; sync; poweroff -f\""
        ;;
    *)
        set -- "$@" -kernel "$guests/vmlinuz-$flavour" -initrd "$guests/bench.cpio.gz" \
            -append "console=ttyS0 quiet bench=$set"
        ;;
    esac
    if [ "$emulator" = dragoman ]; then
        # Ctrl-A c is the monitor's prompt; the pause is for the guest to finish its line and switch itself off.
        set -- -s "$(printf '\001cinfo jit\nquit\n')
" "$@"
    fi
    [ "$set" != boot ] || set -- -m "$mib" "$@"
    "$out/benchrun" -t "$(limit "$set")" -o "$log" -k BENCH-DONE "$@" 2>"$log.err" || true
    [ -s "$log.err" ] || rm -f "$log.err"
    if ! grep -q 'BENCH-DONE' "$log"; then
        echo "$me: $emulator did not finish '$set' in round $round: $(tail -n 1 "$log"); see $log" >&2
    fi
    collect "$round" "$set" "$emulator" "$log"
    if [ "$set" = core ]; then
        # The functions of core.c lie between its first and the first of the next file.
        range=$(nm -n "$out/bare.elf" | awk '$3 == "crc_word" { f = $1 } f != "" && $3 == "compare" { print f, $1; exit }')
        awk -v from=$((0x${range% *})) -v to=$((0x${range#* })) -v round="$round" -f "$here/tests/bench/hostcount.awk" \
            "$out/core-asm.txt" >>"$samples"
    fi
}

# What the guest ran is x86 code: an x86 host can run it by itself, which shows the distance to the limit.
# native ROUND SET
native()
{
    case $(uname -m) in
    x86_64 | i?86) ;;
    *) return 0 ;;
    esac
    log=$out/run-$2-native-$1.txt
    if [ "$2" = bare ]; then
        # shellcheck disable=SC2086  (names of kernels, one argument each)
        "$out/benchrun" -t 120 -o "$log" "$out/bare-native" $only 2>/dev/null || true
        collect "$1" "$2" native "$log"
        return 0
    fi
    case $2 in
    debian_*)
        # Without privileges: the root's own loader and libraries, not the host's.
        a=${2#debian_}
        TMP=$out/native-$a "$out/benchrun" -t 120 -o "$log" sh "$out/debian-$a/work.sh" "$guests/root-$a" 2>/dev/null || true
        collect "$1" "$2" native "$log"
        return 0
        ;;
    esac
    root=$out/native
    if [ ! -f "$root/init" ]; then
        mkdir -p "$root"
        # The guest's own busybox unpacks it: not every machine has the program cpio.
        (cd "$root" && gzip -dc "$guests/bench.cpio.gz" | "$guests/busybox" cpio -id 2>/dev/null) || true
        rm -rf "${root:?}/dev"
    fi
    if [ "$2" = sys ]; then
        [ -x "$root/b/sysbench" ] || return 0
        "$out/benchrun" -t 100 -o "$log" "$root/b/sysbench" 2>/dev/null || true
    else
        [ -x "$root/bin/busybox" ] && [ -f "$root/init" ] || return 0
        # The same commands, in a folder of their own: init's timing function and its branch "tools".
        mkdir -p "$root/tmp"
        {
            grep '^tm()' "$root/init"
            sed -n '/^ tools)/,/;;/p' "$root/init" | sed 's/^ tools)//; s/;;.*//'
        } | sed "s, /tmp/, $root/tmp/,g; s,>/tmp/,>$root/tmp/,g; s,=/tmp/,=$root/tmp/,g; s, /bin/, $root/bin/,g" \
            >"$root/tools.sh"
        PATH=$root/bin "$out/benchrun" -t 200 -o "$log" "$root/bin/busybox" sh "$root/tools.sh" 2>/dev/null || true
        rm -rf "$root/tmp"
    fi
    collect "$1" "$2" native "$log"
}

# One command to the end, so that a shell that reads as it goes runs what was here at the start.
{
for e in $emulators; do
    printf '%-9s %s\n' "$e" "$(version "$e")"
done
round=1
while [ "$round" -le "$rounds" ]; do
    for set in $sets; do
        for e in $emulators; do
            printf '%s: round %s of %s, %s, %s\n' "$me" "$round" "$rounds" "$set" "$e" >&2
            # run() uses the positional parameters and names of its own: a subshell keeps ours.
            (run "$round" "$set" "$e")
        done
        case $set in
        sys | tools | bare | debian_*) (native "$round" "$set") ;;
        esac
        # The counters of the mixed integer program alone, for the goals that are about it.
        [ "$set" != bare ] || [ -n "$only" ] || (run "$round" core dragoman)
    done
    round=$((round + 1))
done

inside()
{
    [ -n "$inside" ] || return 0
    echo
    B=$B out=$out guests=$guests rounds=$rounds ours=$ours ram=$ram cpu=$cpu flavour=$flavour "$here/tests/bench/inside.sh"
}
if [ -z "${sets# }" ]; then
    inside
    exit 0
fi
awk -v csv="$out/bench.csv" -f "$here/tests/bench/compare.awk" "$samples"
awk -v q="$(version qemu)" -v q2="$([ -z "$qemu2" ] || version qemu2)" -f "$here/tests/bench/svg.awk" -f "$here/tests/bench/plot.awk" \
    "$out/bench.csv" >"$out/bench.svg"
echo
awk -F, -f "$here/tests/bench/goals.awk" "$out/bench.csv" "$here/tests/bench/goals.txt"
inside
echo "$me: figures in $out/bench.csv, plot in $out/bench.svg, each run's output beside them"
exit 0
}
