#!/bin/sh
# Second opinions on the DOS guest (roms/dos): its self-tests under QEMU and Bochs, as far as they are installed:
# second_dos.sh BUILD. A test that fails there must be one whose reason is known (the list below); anything else is a
# difference between what our tests expect and what others think a PC does.
b=$(cd "${1:-build}" && pwd) || exit 1
w=$(mktemp -d) || exit 1
pid=
cleanup()
{
    [ -n "$pid" ] && kill -9 "$pid" 2>/dev/null
    rm -rf "$w"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
bad=0
runs=0

# EMULATOR TEST REASON
cat >"$w/known" <<EOF
qemu cpu-segment-limit no segment limits
qemu unreal-back no segment limits
qemu hw-speaker the timer's mode 0 counts with its gate closed
qemu hw-bios-wait measured in real time
bochs hw-bios-wait its BIOS refuses INT 15h AH=86h
EOF

# judge EMULATOR TEST WHAT
judge()
{
    why=$(sed -n "s/^$1 $2 //p" "$w/known")
    if [ -n "$why" ]; then
        echo "second_dos: $1 $2 differs, as known: $why"
    else
        echo "second_dos: $1 $2 DIFFERS: $3"
        bad=$((bad + 1))
    fi
}

# wait_text FILE PATTERN SECONDS: until it is there, or $pid has ended.
wait_text()
{
    end=$(($(date +%s) + $3))
    while ! grep -aqE "$2" "$1" 2>/dev/null; do
        kill -0 "$pid" 2>/dev/null || break
        [ "$(date +%s)" -lt "$end" ] || break
        sleep 0.1
    done
}

stop()
{
    kill -9 "$pid" 2>/dev/null
    wait 2>/dev/null
    pid=
}

# Every "FAIL" line is a difference, and the guest must have come to its end.
judge_dos()
{
    runs=$((runs + 1))
    tr -d '\r\000' <"$2" >"$w/lines"
    grep -aq '^DOS ' "$w/lines" || judge "$1" dos.img "it stopped after: $(tail -n 1 "$w/lines")"
    grep -a ': FAIL' "$w/lines" | sed 's/^[a-z0-9]* //; s/: FAIL /|/' | sort -u >"$w/fails"
    while IFS='|' read -r name text; do
        judge "$1" "$name" "$text"
    done <"$w/fails"
    echo "second_dos: $1 agrees with $(grep -ac ': ok$' "$w/lines") tests"
}

if command -v qemu-system-i386 >/dev/null; then
    # QEMU 7.2 stops with an assertion at the first IRQ 13, so without FPUTEST (spaces keep the length).
    sed 's/^fputest/       /' "$b/roms/dos.img" >"$w/dos.img"
    qemu-system-i386 -cpu max -m 16 -drive "file=$w/dos.img,if=floppy,format=raw" -boot a -net none -display none \
        -monitor none -serial "file:$w/serial" -device isa-debug-exit,iobase=0x501 -no-reboot </dev/null >/dev/null 2>&1 &
    pid=$!
    wait_text "$w/serial" '^DOS (PASS|FAIL)' 200
    stop
    judge_dos qemu "$w/serial"
else
    echo "second_dos: no qemu-system-i386: skipped"
fi

# Bochs wants a terminal, which script gives, and Debian's starts in its debugger ("c" goes on).
if command -v bochs >/dev/null && command -v script >/dev/null && [ -f /usr/share/bochs/BIOS-bochs-latest ]; then
    cp "$b/roms/dos.img" "$w/dos.img"
    rm -f "$w/serial"
    : >"$w/serial"
    echo c >"$w/rc"
    cat >"$w/bochsrc" <<EOF
megs: 16
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=corei7_sandy_bridge_2600k, count=1, ips=50000000
clock: sync=none
floppya: 1_44=$w/dos.img, status=inserted
com1: enabled=1, mode=file, dev=$w/serial
boot: floppy
log: $w/log
panic: action=fatal
display_library: term
EOF
    TERM=xterm script -qec "sh -c 'echo \$\$ >$w/pid; exec bochs -q -f $w/bochsrc -rc $w/rc'" /dev/null \
        </dev/null >"$w/out" 2>&1 &
    while [ ! -s "$w/pid" ] && kill -0 $! 2>/dev/null; do
        sleep 0.05
    done
    pid=$(cat "$w/pid")
    wait_text "$w/serial" '^DOS (PASS|FAIL)' 400
    stop
    judge_dos bochs "$w/serial"
else
    echo "second_dos: no Bochs (Debian: bochs, bochs-term): skipped"
fi
[ $runs -gt 0 ] || exit 77
[ $bad = 0 ] || exit 1
echo "second_dos: no difference but those known"
