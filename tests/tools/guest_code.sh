#!/bin/sh
# Guest code of an instruction test, for hosts that are no x86 (tests/insn/machine.h): guest_code.sh TEST.c OUT.o
# 'COMPILER AND FLAGS' 'PREFIX OF x86 BINUTILS'. The host's compiler passes the text of GUEST(...) on, the x86 assembler
# makes bytes of it, and the host's assembler an object with a symbol for the begin and end of each.
set -eu
in=$1 out=$2 cc=$3 x86=$4
base=${out%.o}

$cc -fno-integrated-as -DGUEST_EXTRACT -S -o "$base.all.s" "$in" 2>"$base.log" ||
    $cc -DGUEST_EXTRACT -S -o "$base.all.s" "$in"
{
    printf '.section .guest, "a"\n.intel_syntax noprefix\n'
    sed -n '/^#<GUEST/,/^#>GUEST/p' "$base.all.s"
} >"$base.x86.s"
"${x86}as" --64 -o "$base.x86.o" "$base.x86.s"
if "${x86}objdump" -r -j .guest "$base.x86.o" | grep -q R_X86; then
    echo "guest_code.sh: $in: guest code must not need relocations:" >&2
    "${x86}objdump" -r -j .guest "$base.x86.o" >&2
    exit 1
fi
"${x86}objcopy" -O binary -j .guest "$base.x86.o" "$base.bin"
{
    printf '.section .rodata\n.balign 16\nguest_code:\n.incbin "%s"\n' "$base.bin"
    "${x86}nm" "$base.x86.o" | awk '$2 == "R" { printf ".globl %s\n.set %s, guest_code + 0x%s\n", $3, $3, $1 }'
    printf '.section .note.GNU-stack, "", %%progbits\n'
} >"$base.s"
$cc -c -o "$out" "$base.s"
rm -f "$base.all.s" "$base.x86.s" "$base.x86.o" "$base.log"
