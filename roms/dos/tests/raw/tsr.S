/* TSR.COM: a resident program. It hooks INT 8, INT 9 and INT 1Ch, counts, and goes on to whoever
 * was there before (directly or by a call); INT 60h is its interface: AX=0 gives AX=0x5452 and the
 * counts in BX (INT 8), CX (INT 1Ch), DX (INT 9); AX=1 takes the hooks back and gives in BX the
 * segment to free. Everything behind `resident_end` is given back to DOS. */
    .section .text, "ax"
    .code16
    .globl  _start
_start:
    jmp     install

old8:   .long 0
old9:   .long 0
old1c:  .long 0
old60:  .long 0
count8: .word 0
count9: .word 0
count1c:.word 0

on8:                                /* the old handler is called, as an interrupt would */
    pushfw
    lcall   *%cs:old8
    incw    %cs:count8
    iretw
on9:
    incw    %cs:count9
    ljmp    *%cs:old9
on1c:
    incw    %cs:count1c
    ljmp    *%cs:old1c
on60:
    testw   %ax, %ax
    jnz     leave
    movw    $0x5452, %ax
    movw    %cs:count8, %bx
    movw    %cs:count1c, %cx
    movw    %cs:count9, %dx
    iretw
leave:
    pushw   %ds
    pushw   %es
    xorw    %bx, %bx
    movw    %bx, %es
    movw    %cs, %bx
    movw    %bx, %ds
    movl    old8, %eax
    movl    %eax, %es:(8 * 4)
    movl    old9, %eax
    movl    %eax, %es:(9 * 4)
    movl    old1c, %eax
    movl    %eax, %es:(0x1c * 4)
    movl    old60, %eax
    movl    %eax, %es:(0x60 * 4)
    popw    %es
    popw    %ds
    iretw
resident_end:

    /* AL: vector, BX: where to keep the old one, DX: the new one. */
hook:
    pushw   %es
    pushw   %bx
    movb    $0x35, %ah
    pushw   %bx
    int     $0x21
    popw    %si
    movw    %bx, (%si)
    movw    %es, 2(%si)
    movb    $0x25, %ah
    int     $0x21
    popw    %bx
    popw    %es
    ret

install:
    movb    $8, %al
    movw    $old8, %bx
    movw    $on8, %dx
    call    hook
    movb    $9, %al
    movw    $old9, %bx
    movw    $on9, %dx
    call    hook
    movb    $0x1c, %al
    movw    $old1c, %bx
    movw    $on1c, %dx
    call    hook
    movb    $0x60, %al
    movw    $old60, %bx
    movw    $on60, %dx
    call    hook
    movw    %es:0x2c, %es           /* a resident program needs no environment */
    movb    $0x49, %ah
    int     $0x21
    movw    $(resident_end + 15), %dx
    shrw    $4, %dx
    movw    $0x3107, %ax
    int     $0x21
    .section .note.GNU-stack, "", @progbits
