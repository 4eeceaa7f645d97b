#!/bin/sh
# The course as a student walks it: a fresh clone, the build as docs/labs/README.md says, then every command of every lab, typed
# one after the other, and what it prints. LABS: which ones ("01 02"); without it all.
. "$(dirname "$0")/lib.sh"
src=$(cd "$(dirname "$0")/../.." && pwd)
command -v git >/dev/null 2>&1 || skip "needs git"
git -C "$src" rev-parse --git-dir >/dev/null 2>&1 || skip "this folder is no clone"
[ "$(uname -m)" = x86_64 ] || skip "the texts show an x86-64 host"

git clone -q "$src" "$W/clone" || fail "no fresh clone"
cd "$W/clone" || exit 1
# A student without root: what is installed is taken.
make -j2 all >"$W/serial" 2>&1 || fail "the fresh clone does not build"
say "a fresh clone was built"
texts=
for lab in ${LABS:-01 02 03 04 05 06 07 08 09 10 11}; do
    texts="$texts $(echo docs/labs/"$lab"-*/README.md)"
done
# shellcheck disable=SC2086
tests/tools/lab_walk.sh $texts >"$W/serial" 2>&1 </dev/null
status=$?
cat "$W/serial"
[ $status = 0 ] || fail "a lab does not print what its text says"
done_testing "$(echo $texts | wc -w) labs from a fresh clone, as they are written"
