/*
 * First instructions of the mode test, in its own segment; and the one trick it needs: a 4 GiB
 * limit for FS, so that real mode reaches the linear frame buffer (Intel SDM volume 3, 9.9).
 */
    .section .start, "ax"
    .code16
    .globl  _start
_start:
    calll   main
1:  hlt
    jmp     1b

    .text
    .globl  big_fs
big_fs:
    pushfw
    cli
    pushl   %eax
    lgdtl   gdtr
    movl    %cr0, %eax
    orb     $1, %al
    movl    %eax, %cr0
    jmp     1f
1:  movw    $8, %ax
    movw    %ax, %fs
    movl    %cr0, %eax
    andb    $0xfe, %al
    movl    %eax, %cr0
    jmp     2f
2:  popl    %eax
    popfw
    retl

    .section .data, "aw"
    .balign 8
gdt:
    .quad   0, 0x00cf92000000ffff
gdtr:
    .word   15
    .long   gdt + 0x10000
    .section .note.GNU-stack, "", @progbits
