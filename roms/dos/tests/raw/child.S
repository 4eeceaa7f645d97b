/* CHILD.COM: ends as the first character of its arguments says: q by INT 20h, r by a near return
 * (the word on top of the stack leads to the INT 20h at the segment's start), anything else is the
 * exit code itself. */
    .section .text, "ax"
    .code16
    .globl  _start
_start:
    movb    0x82, %al
    cmpb    $'q', %al
    je      1f
    cmpb    $'r', %al
    je      2f
    movb    $0x4c, %ah
    int     $0x21
1:  int     $0x20
2:  ret
    .section .note.GNU-stack, "", @progbits
