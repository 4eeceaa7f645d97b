#!/bin/sh
# memtest86+ makes one full pass over 64 MiB and finds no error.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest memtest.bin

start -m 64 -kernel "$G/memtest.bin"
wait_screen 'Memtest86' 60
say "started after $(took)"
wait_screen 'Pass complete|Pass: +1|\*\*.*PASS' 1500
grep -aqE 'Errors: +0' "$W/screen" || fail "memtest86+ found errors"
say "one pass after $(took)"
done_testing "memtest86+: one pass over 64 MiB, no error"
