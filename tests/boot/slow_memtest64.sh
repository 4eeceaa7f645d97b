#!/bin/sh
# memtest86+ in long mode makes one full pass over 64 MiB and finds no error.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest memtest64.bin

start -m 64 -cpu qemu64 -kernel "$G/memtest64.bin"
wait_screen 'Memtest86' 60
say "started after $(took)"
wait_screen 'Pass complete|Pass: +1|\*\*.*PASS' 1500
grep -aqE 'Errors: +0' "$W/screen" || fail "memtest86+ found errors"
say "one pass after $(took)"
done_testing "memtest86+ 64-bit: one pass over 64 MiB, no error"
