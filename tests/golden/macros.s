# seq MODE NAME ... fin: a record of the table that test_golden.c reads: code size (16: real mode,
# 32: flat, paged, level 3, 64: long mode, level 3), name, length, code. Local labels are from 1 on.
.intel_syntax noprefix
.macro seq mode, name
    .byte \mode
    .asciz "\name"
    .short 9001f - 9000f
9000:
    .code\mode
.endm
.macro fin
9001:
    .code64
.endm
