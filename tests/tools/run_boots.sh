#!/bin/sh
# Runs boot tests, as many at a time as there are processors (or JOBS): run_boots.sh BUILD SCRIPT... A script exits 0
# (passed), 77 (skipped, and says why).
b=$1
shift
. "$(dirname "$0")/pool.sh"
mkdir -p "$b/tests/boot"

# one SCRIPT: a line that says how it went; the end of its log when it failed.
one()
{
    log=$b/tests/boot/$(basename "$1").log
    start=$(date +%s)
    sh "$1" "$b" >"$log" 2>&1
    case $? in
    0) echo "ok   $1 ($(($(date +%s) - start)) s) $(tail -1 "$log")" ;;
    77) echo "skip $1: $(tail -1 "$log")" ;;
    *) echo "FAIL $1 ($(($(date +%s) - start)) s)"; tail -40 "$log" ;;
    esac
}

pool "$@"
echo "boots: $(told ok) passed, $(told FAIL) failed, $(told skip) skipped"
[ "$(told FAIL)" = 0 ] && [ "$(told .)" = $# ]
