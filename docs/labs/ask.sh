#!/bin/sh
# Runs the self-test of the built-in guest in counted time, and when it is done asks the monitor: ask.sh COMMAND [OPTIONS OF
# DRAGOMAN], for example ask.sh 'info jit' -jit-off traces. DRAGOMAN: the program (build/dragoman).
command=${1:?which command of the monitor?}
shift
serial=$(mktemp)
{
    n=0
    until grep -q 'DEMO PASS' "$serial" || [ $n = 600 ]; do
        sleep 0.1
        n=$((n + 1))
    done
    sleep 0.3
    echo "$command"
    sleep 0.3
    echo quit
} | "${DRAGOMAN:-build/dragoman}" -bios "${ROMS:-build/roms}/boot.bin" -fw_cfg name=opt/dragoman/selftest,string=1 -no-shutdown \
    -icount shift=3,sleep=off -m 16 -serial "file:$serial" -display none -monitor stdio "$@"
status=$?
echo # behind the last prompt
rm -f "$serial"
exit $status
