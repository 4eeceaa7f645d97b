# What the tests of going back share: sessions of gdb whose lines are timed.

# timed NAME COMMAND...: lines for a script of gdb, the answers' time kept under NAME.
timed()
{
    echo "shell echo \"$1 \$(date +%s%N)\" >>$W/times"
    shift
    printf '%s\n' "$@"
    echo "shell echo \"- \$(date +%s%N)\" >>$W/times"
}

# at_most MOST: say how long each took, and fail when one took more than MOST milliseconds (0: any).
at_most()
{
    awk '$1 == "-" { printf "%s %d\n", name, ($2 - at) / 1000000; next } { name = $1; at = $2 }' "$W/times" >"$W/ms"
    while read -r what ms; do
        say "$what: $ms ms"
        [ "$1" = 0 ] || [ "$ms" -le $(($1 * slow)) ] || fail "$what took $ms ms"
    done <"$W/ms"
    : >"$W/times"
}
