#!/bin/sh
# The sequences for hosts whose assembler is not for x86: seqs.sh OUT.o 'COMPILER AND FLAGS' 'PREFIX OF x86 BINUTILS' THEME...
# The x86 assembler makes a section of each theme's file, the host's puts their bytes between two symbols.
set -eu
out=$1 cc=$2 x86=$3
shift 3
base=${out%.o}

{
    echo '.include "tests/golden/macros.s"'
    for t; do
        printf '.section golden_%s,"a"\n.include "tests/golden/%s.s"\n' "$t" "$t"
    done
} >"$base.x86.s"
"${x86}as" --64 -o "$base.x86.o" "$base.x86.s"
if "${x86}objdump" -r "$base.x86.o" | grep -q R_X86; then
    echo "seqs.sh: sequences must not need relocations:" >&2
    "${x86}objdump" -r "$base.x86.o" >&2
    exit 1
fi
{
    echo '.section .rodata'
    for t; do
        "${x86}objcopy" -O binary -j "golden_$t" "$base.x86.o" "$base.$t.bin"
        printf '.globl __start_golden_%s, __stop_golden_%s\n' "$t" "$t"
        printf '__start_golden_%s:\n.incbin "%s"\n__stop_golden_%s:\n' "$t" "$base.$t.bin" "$t"
    done
    printf '.section .note.GNU-stack, "", %%progbits\n'
} >"$base.s"
$cc -c -o "$out" "$base.s"
rm -f "$base.x86.s" "$base.x86.o"
