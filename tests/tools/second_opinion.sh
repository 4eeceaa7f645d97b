#!/bin/sh
# Other emulators on our test ROMs (an oracle beside the host's processor): what the ROMs expect of
# an x86 must be true elsewhere, too. Bochs has to pass each of them but those named here with the
# reason; QEMU, which checks no segment limits, is reported only. A program that is absent is
# skipped with a sentence.
#
#   second_opinion.sh [BUILD]
set -u

b=${1:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
bad=0

# ROMs that need what Bochs does not have: " NAME:REASON NAME:REASON"
bochs_excused=

wait_for() # FILE SECONDS: until PASS or FAIL stands in FILE
{
    end=$(($(date +%s) + $2))
    until grep -aqE 'PASS|FAIL' "$1" 2>/dev/null; do
        [ "$(date +%s)" -lt "$end" ] || return 1
        sleep 0.2
    done
}

verdict() # FILE
{
    v=$(grep -aoE 'PASS|(got [0-9a-f]+ want [0-9a-f]+ )?FAIL line [0-9]+' "$1" 2>/dev/null | head -n 1)
    echo "${v:-no answer}"
}

run_bochs()
{
    cat >"$work/bochsrc" <<END
megs: 64
cpu: model=corei7_sandy_bridge_2600k, ips=50000000
romimage: file=$1, address=0xffff0000
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
port_e9_hack: enabled=1
display_library: term
log: $work/bochs.log
panic: action=fatal
error: action=report
info: action=ignore
END
    # Debian's Bochs starts in its debugger: "c" goes on. It wants a terminal, which script gives.
    echo c >"$work/rc"
    rm -f "$work/out"
    TERM=xterm script -qfc "exec bochs -q -f $work/bochsrc -rc $work/rc" "$work/out" </dev/null >/dev/null 2>&1 &
    pid=$!
    wait_for "$work/out" 60
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    verdict "$work/out"
}

run_qemu()
{
    rm -f "$work/out"
    timeout 60 qemu-system-i386 -accel tcg -bios "$1" -m 64 -display none -serial null -no-reboot \
        -debugcon "file:$work/out" -device isa-debug-exit,iobase=0x501 </dev/null >/dev/null 2>&1 &
    pid=$!
    wait_for "$work/out" 20
    kill "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    verdict "$work/out"
}

have_bochs=
have_qemu=
if command -v bochs >/dev/null && command -v script >/dev/null && [ -f /usr/share/bochs/VGABIOS-lgpl-latest ]; then
    have_bochs=1
else
    echo "second opinion: skipped for Bochs, which is not installed (packages bochs, bochs-term, bsdutils)"
fi
if command -v qemu-system-i386 >/dev/null; then
    have_qemu=1
else
    echo "second opinion: skipped for QEMU, which is not installed (package qemu-system-x86)"
fi

for rom in "$b"/roms/test/*.bin; do
    name=$(basename "$rom" .bin)
    rom=$(realpath "$rom")
    line=$name
    if [ -n "$have_bochs" ]; then
        got=$(run_bochs "$rom")
        line="$line  Bochs: $got"
        case "$got $bochs_excused" in
        PASS*) ;;
        *" $name:"*) line="$line (known)" ;;
        *) bad=$((bad + 1)) ;;
        esac
    fi
    [ -z "$have_qemu" ] || line="$line  QEMU: $(run_qemu "$rom")"
    echo "$line"
done
[ "$bad" = 0 ] || echo "second opinion: Bochs differs on $bad ROMs"
exit "$bad"
