#!/bin/sh
# Runs Check programs, as many at a time as there are processors (or JOBS), and says what ran: run_checks.sh BUILD
# PROGRAM... Those of a cross build run through BUILD/run.
b=$1
shift
. "$(dirname "$0")/pool.sh"
run=
[ -x "$b/run" ] && run=$b/run
CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-120}
DRAGOMAN_BUILD=$b
export CK_DEFAULT_TIMEOUT DRAGOMAN_BUILD

# one PROGRAM: a line that says how it went; the end of its output when it failed. One that ran no check says why.
one()
{
    start=$(date +%s)
    if $run "$1" >"$1.log" 2>&1 </dev/null; then
        ran=$(grep -E '^[0-9]+%' "$1.log" | tail -1)
        if [ -n "$ran" ]; then
            echo "ok   $ran $1 ($(($(date +%s) - start)) s)"
        else
            echo "skip $1: $(tail -1 "$1.log")"
        fi
    else
        echo "FAIL $1"
        tail -40 "$1.log"
    fi
}

pool "$@"
echo "$(told ok) passed, $(told FAIL) failed, $(told skip) skipped"
[ "$(told FAIL)" = 0 ] && [ "$(told .)" = $# ]
