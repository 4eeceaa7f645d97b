#!/bin/sh
# qemu-img and qemu-io as oracles for qcow2, both ways: what we write must check clean and compare equal under QEMU, what
# QEMU writes under us. usage: qcow2_oracle.sh BUILD COUNT [SEED]. Needs package qemu-utils.
set -u
B=$1 count=$2 seed=${3:-1}
IMG="$B/dragoman image" OPS=$B/tests/imgops
command -v qemu-img >/dev/null && command -v qemu-io >/dev/null || {
    echo "qcow2_oracle: needs qemu-img and qemu-io (Debian: qemu-utils)"; exit 77; }
W=$(mktemp -d "${TMPDIR:-/tmp}/qcow2.XXXXXX")
trap 'rm -rf "$W"' EXIT
trap 'exit 1' INT TERM
cd "$W" || exit 1

fail() { echo "qcow2_oracle: seed $s: $*"; ls -l "$W"; mkdir -p "$B/qcow2-failed" && cp "$W"/* "$B/qcow2-failed"; exit 1; }
quiet() { "$@" >out 2>&1 || { cat out; fail "$*"; }; }

# A kind of image by the seed.
kind() {
    case $(($1 % 8)) in
    0) o=compat=0.10 ;;
    1) o=compat=1.1 ;;
    2) o=compat=1.1,lazy_refcounts=on ;;
    3) o=compat=1.1,refcount_bits=$((1 << ($1 / 8 % 4 + 3))) ;;
    4) o=compat=1.1,compression_type=zstd ;;
    5) o=compat=0.10,cluster_size=4k ;;
    6) o=compat=1.1,cluster_size=512 ;;
    7) o=compat=1.1,cluster_size=4k ;;
    esac
    back=''
    [ $(($1 / 8 % 3)) = 0 ] && back=base.raw
    [ $(($1 / 8 % 3)) = 1 ] && back=base.qcow2
    bfmt=${back#base.}
}

head -c 700000 /dev/urandom >base.raw
truncate -s 1048576 base.raw
$IMG convert -f raw -O qcow2 base.raw base.qcow2 || exit 1
s=$seed
while [ "$s" -lt $((seed + count)) ]; do
    kind "$s"
    rm -f x.qcow2 m m.*
    [ -n "$back" ] && cp base.raw m
    # Ours made by us or by them, written by us.
    if [ $((s / 2 % 2)) = 0 ]; then
        quiet $IMG create -f qcow2 -o "$o" ${back:+-b "$back" -F "$bfmt"} x.qcow2 1M
    else
        quiet qemu-img create -f qcow2 -o "$o" ${back:+-b "$back" -F "$bfmt"} x.qcow2 1M
    fi
    quiet "$OPS" x.qcow2 m "$s" 40
    quiet qemu-img check -q x.qcow2
    quiet qemu-img compare -q -f qcow2 -F raw x.qcow2 m
    # its snapshots, one of them by QEMU's own hand
    for p in m.*; do
        [ -f "$p" ] || continue
        cp x.qcow2 y.qcow2
        quiet qemu-img snapshot -a "${p#m.}" y.qcow2
        quiet qemu-img check -q y.qcow2
        quiet qemu-img compare -q -f qcow2 -F raw y.qcow2 "$p"
        cp x.qcow2 y.qcow2
        quiet $IMG snapshot -a "${p#m.}" y.qcow2
        quiet $IMG snapshot -d "${p#m.}" y.qcow2
        quiet qemu-img check -q y.qcow2
        quiet qemu-img compare -q -f qcow2 -F raw y.qcow2 "$p"
        break
    done
    # Written on by QEMU, with a snapshot of its own; read, checked and converted by us.
    "$OPS" x.qcow2 m "$((s + 77))" 12 io >io || fail "imgops io"
    qemu-img snapshot -c theirs x.qcow2 >out 2>&1 || fail "snapshot -c"
    qemu-io -f qcow2 x.qcow2 <io >out 2>&1 || { cat out; fail "qemu-io"; }
    quiet $IMG check -q x.qcow2
    quiet $IMG compare -q x.qcow2 m
    if [ $((s % 4)) = 0 ]; then
        quiet qemu-img convert -c -f qcow2 -O qcow2 x.qcow2 y.qcow2
        quiet $IMG check -q y.qcow2
        quiet $IMG compare -q y.qcow2 m
        quiet $IMG convert -c -O qcow2 x.qcow2 z.qcow2
        quiet qemu-img check -q z.qcow2
        quiet qemu-img compare -q -f qcow2 -F raw z.qcow2 m
    fi
    s=$((s + 1))
    [ $(((s - seed) % 500)) = 0 ] && echo "qcow2_oracle: $((s - seed)) of $count"
done
echo "qcow2_oracle: $count sequences, QEMU agrees with all"
