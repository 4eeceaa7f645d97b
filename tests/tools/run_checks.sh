#!/bin/sh
# Runs Check programs one after another and says what ran: run_checks.sh BUILD PROGRAM... Those of a cross build run
# through BUILD/run.
b=$1
shift
run=
[ -x "$b/run" ] && run=$b/run
n=0 bad=0
CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-120}
DRAGOMAN_BUILD=$b
export CK_DEFAULT_TIMEOUT DRAGOMAN_BUILD
for t; do
    n=$((n + 1))
    start=$(date +%s)
    if $run "$t" >"$t.log" 2>&1; then
        echo "ok   $(grep -E '^[0-9]+%' "$t.log" | tail -1) $t ($(($(date +%s) - start)) s)"
    else
        bad=$((bad + 1))
        echo "FAIL $t"
        tail -40 "$t.log"
    fi
done
echo "$((n - bad)) passed, $bad failed"
[ "$bad" = 0 ]
