/*
 * PACKED.COM: a program that unpacks itself, as executable packers did. The unpacker moves itself
 * and the packed bytes up, out of the way, then writes the real program over the place where it was
 * itself running, and jumps there. The packing is run-length: a count byte below 0x80 copies that
 * many bytes, 0x80 + n repeats the next byte n times, 0 ends.
 *
 * Every address that has been executed is written over, and the program then changes itself again.
 */
    .set    HIGH, 0x8000            /* where the unpacker works */
    .set    RUN, 120                /* length of each of the two runs */
    .set    AT, 0x100               /* where the program will be */

    .section .text, "ax"
    .code16
    .globl  _start
_start:
    cld
    movw    $moved, %si
    movw    $HIGH, %di
    movw    $(packed_end - moved), %cx
    rep movsb
    movw    $HIGH, %ax
    jmp     *%ax

moved:                              /* runs at HIGH */
    movw    $(HIGH + packed - moved), %si
    movw    $AT, %di
    xorw    %cx, %cx
1:  lodsb
    movb    %al, %cl
    testb   %al, %al
    jz      3f
    js      2f
    rep movsb
    jmp     1b
2:  andb    $0x7f, %cl
    lodsb
    rep stosb
    jmp     1b
3:  movw    $AT, %ax
    jmp     *%ax

/* The packed program. It starts with the two runs' sum, which it finds behind its first part. */
packed:
    .byte   part1_end - part1
part1:
    movw    $(AT + part1_end - part1), %si
    movw    $(2 * RUN), %cx
    xorw    %bx, %bx
4:  lodsb
    xorb    %ah, %ah
    addw    %ax, %bx
    loop    4b
    /* Write over the immediate of the instruction after the next. */
    movw    %bx, (AT + patch + 1 - part1)
    nop
patch:
    movw    $0, %dx
    movb    $1, %al
    cmpw    $(RUN * 0x11 + RUN * 0x22), %dx
    jne     5f
    movb    $0, %al
5:  movb    $0x4c, %ah
    int     $0x21
part1_end:
    .byte   0x80 + RUN, 0x11
    .byte   0x80 + RUN, 0x22
    .byte   0
packed_end:
    .section .note.GNU-stack, "", @progbits
