/*
 * First code of a .COM program in C: loaded by DOS at offset 0x100 of its segment, behind the
 * program segment prefix, with CS = DS = ES = SS. Clears the zero-initialised data, calls main()
 * and ends the program with what that returns.
 */
    .section .start, "ax"
    .code16
    .globl  _start
_start:
    cld
    movzwl  %sp, %esp
    movw    $_bss_start, %di
    movw    $_bss_end, %cx
    subw    %di, %cx
    xorb    %al, %al
    rep stosb
    calll   main
    movb    $0x4c, %ah
    int     $0x21
    .section .note.GNU-stack, "", @progbits
