/*
 * Image of a test ROM: from the reset vector to protected mode, a copy of the program to 0x10000,
 * and into it.
 */
    .set    ROM_BASE, 0xf0000
    .set    PROGRAM, 0x10000
    .section .text, "ax"
    .globl _start
_start:
rom:
    .code16
entry:
    cli
    cld
    lgdtl   %cs:(gdtr - rom)
    movl    %cr0, %eax
    or      $1, %al
    movl    %eax, %cr0
    ljmpl   $0x08, $(ROM_BASE + protected - rom)

    .code32
protected:
    mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %fs
    mov     %eax, %gs
    mov     %eax, %ss
    mov     $PROGRAM, %esp
    mov     $(ROM_BASE + program - rom), %esi
    mov     $PROGRAM, %edi
    mov     $(program_end - program), %ecx
    rep movsb
    mov     $PROGRAM, %eax
    jmp     *%eax

    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9b000000ffff
    .quad   0x00cf93000000ffff
gdt_end:
gdtr:
    .word   gdt_end - gdt - 1
    .long   ROM_BASE + gdt - rom

    .balign 16
program:
    .incbin PROGRAM_FILE
program_end:

    .org    0xfff0, 0xff
    .code16
    .byte   0xea
    .word   entry - rom
    .word   ROM_BASE >> 4
    .org    0x10000, 0xff

    .section .note.GNU-stack, "", @progbits
