# Runs the shell function `one` for each argument, several at a time, and prints what each said in one piece.
#
# `pool ITEM...` returns when all have ended; `told WORD` is the number of items whose first line began with WORD (`.`:
# of all). An item that leaves no line counts for none, so callers compare with the number they gave.

pool_jobs=${JOBS:-$(nproc 2>/dev/null || echo 1)}
pool_dir=$(mktemp -d) || exit 1
trap 'rm -rf "$pool_dir"' EXIT
trap 'exit 130' INT TERM

# What runner N does: takes the next item as long as there is one. mkdir is the lock: one runner alone makes it.
pool_runner()
{
    i=0
    for item; do
        i=$((i + 1))
        mkdir "$pool_dir/$i" 2>/dev/null || continue
        one "$item" >"$pool_dir/$i/out"
        cat "$pool_dir/$i/out"
    done
}

pool()
{
    pids=
    j=0
    while [ $j -lt "$pool_jobs" ]; do
        j=$((j + 1))
        pool_runner "$@" &
        pids="$pids $!"
    done
    wait $pids
}

told()
{
    awk -v word="$1" 'FNR == 1 && /^(ok|skip|FAIL) / && (word == "." || $1 == word) { n++ } END { print n + 0 }' \
        /dev/null "$pool_dir"/*/out 2>/dev/null
}
