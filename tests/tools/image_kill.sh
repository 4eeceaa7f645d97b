#!/bin/sh
# kill -9 in the middle of work on an image: what had been flushed is there afterwards, and a check finds no errors.
# usage: image_kill.sh BUILD [ROUNDS]
set -u
B=$1 rounds=${2:-200}
IMG="$B/dragoman image" OPS=$B/tests/imgops
W=$(mktemp -d "${TMPDIR:-/tmp}/kill.XXXXXX")
trap 'rm -rf "$W"' EXIT
trap 'exit 1' INT TERM
i=0 acked=0
while [ $i -lt "$rounds" ]; do
    o=compat=1.1
    [ $((i % 3)) = 1 ] && o=compat=1.1,lazy_refcounts=on,cluster_size=4k
    [ $((i % 3)) = 2 ] && o=compat=0.10,cluster_size=4k
    $IMG create -q -f qcow2 -o "$o" "$W/x.qcow2" 3M || exit 1
    # Writes numbered blocks, flushes, then prints the number.
    "$OPS" "$W/x.qcow2" - $((i + 1)) 0 blocks >"$W/acked" &
    pid=$!
    sleep "0.$(printf %02d $((i % 40 + 2)))"
    kill -9 $pid
    wait $pid 2>/dev/null
    n=$(tail -n 2 "$W/acked" | grep -a '^[0-9]*\.$' | tail -n 1 | tr -d .)
    [ -n "$n" ] || { i=$((i + 1)); rm -f "$W/x.qcow2"; continue; }
    acked=$((acked + 1))
    "$OPS" "$W/x.qcow2" - "$n" 0 verify || { echo "image_kill: round $i: block up to $n lost"; exit 1; }
    $IMG check -q -r all "$W/x.qcow2" || { echo "image_kill: round $i: errors"; exit 1; }
    "$OPS" "$W/x.qcow2" - "$n" 0 verify || { echo "image_kill: round $i: repair lost block up to $n"; exit 1; }
    if command -v qemu-img >/dev/null; then
        qemu-img check -q "$W/x.qcow2" || { echo "image_kill: round $i: qemu-img check"; exit 1; }
    fi
    rm -f "$W/x.qcow2"
    i=$((i + 1))
done
echo "image_kill: $rounds rounds, $acked with flushed writes, nothing lost"
