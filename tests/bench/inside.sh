#!/bin/sh
# What looking inside costs: the same work with and without a gdb stub that nobody is attached to, and in counted time with and
# without a recording; in turn (A B A B ...), medians of the processor time of the whole run. Called by run.sh (BENCH_SET=inside).
# Environment: B, out, guests, rounds, ours, ram, cpu, flavour.
set -eu

me=bench
work=$(mktemp -d "${TMPDIR:-/tmp}/bench-inside.XXXXXX")
trap 'rm -rf "$work"' EXIT
samples=$out/inside.txt
: >"$samples"

# one ROUND WORK VARIANT: a line "WORK VARIANT SECONDS" in $samples.
one()
{
    log=$out/run-inside-$2-$3-$1.txt
    done=BENCH-DONE
    case $3 in
    plain) set -- "$@" -serial stdio ;;
    gdb) set -- "$@" -serial stdio -gdb "unix:$work/gdb,server=on,wait=off" ;;
    counted) set -- "$@" -serial stdio -icount shift=3,sleep=off ;;
    record) set -- "$@" -serial stdio -icount "shift=3,sleep=off,rr=record,rrfile=$work/log" ;;
    esac
    w=$2 v=$3
    shift 3
    "$out/benchrun" -t "${BENCH_TIMEOUT:-200}" -o "$log" -k "$done" "$ours" -cpu "$cpu" -m "$ram" -display none -no-reboot \
        -monitor none -kernel "$guests/vmlinuz-$flavour" -initrd "$guests/bench.cpio.gz" -append "console=ttyS0 quiet bench=$w" \
        "$@" 2>"$log.err" || true
    [ -s "$log.err" ] || rm -f "$log.err"
    grep -q "$done" "$log" || echo "$me: '$w' did not finish with '$v': $(tail -n 1 "$log"); see $log" >&2
    sed -n "s/.*wall=.*cpu=\([0-9.]*\).*status=0.*/$w $v \1/p" "$log" >>"$samples"
}

round=1
while [ "$round" -le "$rounds" ]; do
    # Whoever comes second comes first in the next round.
    order="plain gdb counted record"
    [ $((round % 2)) = 1 ] || order="record counted gdb plain"
    for w in boot tools; do
        for v in $order; do
            printf '%s: round %s of %s, inside, %s, %s\n' "$me" "$round" "$rounds" "$w" "$v" >&2
            one "$round" "$w" "$v"
        done
    done
    round=$((round + 1))
done

# Whole work is what counts: the costs are of the sums of the medians.
awk -v csv="$out/inside.csv" '
function median(list,    v, n, i, j, t)
{
    n = split(list, v, " ")
    for (i = 2; i <= n; i++) {
        t = v[i] + 0
        for (j = i - 1; j >= 1 && v[j] + 0 > t; j--)
            v[j + 1] = v[j]
        v[j + 1] = t
    }
    return n == 0 ? 0 : n % 2 ? v[(n + 1) / 2] + 0 : (v[n / 2] + v[n / 2 + 1]) / 2
}
function line(name, work, a, b, goal,    x, y, c)
{
    x = work == "all" ? median(all["boot " a]) + median(all["tools " a]) : median(all[work " " a])
    y = work == "all" ? median(all["boot " b]) + median(all["tools " b]) : median(all[work " " b])
    if (!x || !y)
        return
    c = 100 * (y / x - 1)
    printf "%-28s %8.2f s %8.2f s %+7.1f %%%s\n", name ", " work, x, y, c, \
        goal == "" ? "" : sprintf("   (goal: below %d %%: %s)", goal, c < goal ? "met" : "NOT met")
    printf "%s,%s,%.3f,%.3f,%.2f,%s\n", name, work, x, y, c, goal >csv
}
{ all[$1 " " $2] = all[$1 " " $2] " " $3 }
END {
    print "what,work,without,with,cost_percent,goal_percent" >csv
    printf "%-28s %10s %10s %9s\n", "looking inside", "without", "with", "cost"
    line("gdb stub, unattached", "boot", "plain", "gdb", "")
    line("gdb stub, unattached", "tools", "plain", "gdb", "")
    line("gdb stub, unattached", "all", "plain", "gdb", 2)
    line("recording", "boot", "counted", "record", "")
    line("recording", "tools", "counted", "record", "")
    line("recording", "all", "counted", "record", 10)
}' "$samples"
