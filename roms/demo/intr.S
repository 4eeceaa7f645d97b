/*
 * One short entry per interrupt vector. The processor pushes an error code for some exceptions
 * and none for the rest; the entries push a zero for those, so that one C structure fits all.
 */
    .section .text, "ax"
    .code32

    .macro entry
    .balign 16
    .if !((v == 8) || (v >= 10 && v <= 14) || (v == 17))
    push    $0
    .endif
    .byte   0x6a, v                 /* push $v */
    jmp     common
    .endm

    .balign 16
    .globl intr_entries             /* 16 bytes each */
intr_entries:
    .set    v, 0
    .rept   0x31
    entry
    .set    v, v + 1
    .endr

common:
    pusha
    cld
    push    %esp                    /* struct regs * */
    call    intr_dispatch
    add     $4, %esp
    popa
    add     $8, %esp                /* vector and error code */
    iret

    .section .note.GNU-stack, "", @progbits
