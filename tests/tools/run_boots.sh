#!/bin/sh
# Runs boot tests one after another: run_boots.sh BUILD SCRIPT... A script exits 0 (passed), 77 (skipped, and says why).
b=$1
shift
n=0 bad=0 skipped=0
for t; do
    n=$((n + 1))
    start=$(date +%s)
    log=$b/tests/boot/$(basename "$t").log
    mkdir -p "$b/tests/boot"
    sh "$t" "$b" >"$log" 2>&1
    case $? in
    0) echo "ok   $t ($(($(date +%s) - start)) s) $(tail -1 "$log")" ;;
    77) skipped=$((skipped + 1)); echo "skip $t: $(tail -1 "$log")" ;;
    *) bad=$((bad + 1)); echo "FAIL $t ($(($(date +%s) - start)) s)"; tail -40 "$log" ;;
    esac
done
echo "boots: $((n - bad - skipped)) passed, $bad failed, $skipped skipped"
[ "$bad" = 0 ]
