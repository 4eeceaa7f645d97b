/*
 * Boot sector of the mode test: reads the program behind it to 0x10000, sector by sector through
 * the firmware, and enters it in real mode with CS = DS = ES = SS = 0x1000.
 */
    .set    SEGMENT, 0x1000
    .set    SECTORS_PER_TRACK, 18
    .section .text, "ax"
    .code16
    .globl _start
_start:
    ljmp    $0, $1f
1:  xorw    %ax, %ax
    movw    %ax, %ds
    movw    %ax, %ss
    movw    $0x7c00, %sp
    movb    %dl, drive
    movw    $SEGMENT, %ax
    movw    %ax, %es
    movw    $1, %si
    movw    $((PROGRAM_SIZE + 511) / 512), %di
2:  movw    %si, %ax
    xorw    %dx, %dx
    movw    $SECTORS_PER_TRACK, %bx
    divw    %bx                     /* AX: track, DX: sector of it */
    movb    %dl, %cl
    incb    %cl
    movb    %al, %dh
    andb    $1, %dh
    shrw    $1, %ax
    movb    %al, %ch
    movb    drive, %dl
    xorw    %bx, %bx
    movw    $0x0201, %ax
    int     $0x13
    jc      3f
    movw    %es, %ax
    addw    $32, %ax
    movw    %ax, %es
    incw    %si
    decw    %di
    jnz     2b
    cli
    movw    $SEGMENT, %ax
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %ss
    movl    $0xfff0, %esp
    sti
    ljmp    $SEGMENT, $0
3:  hlt
    jmp     3b
drive:
    .byte   0
    .org    510
    .word   0xaa55
    .incbin PROGRAM_FILE
    .section .note.GNU-stack, "", @progbits
