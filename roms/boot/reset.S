/*
 * The boot ROM's 64 KiB image. After reset a PC's processor runs in real mode at FFFF:FFF0 with
 * only the ROM mapped there; this code goes straight to 32-bit protected mode, copies the boot
 * program to RAM and calls it.
 */
    .set    ROM_BASE, 0xf0000
    .set    PROGRAM, 0x80000
    .section .text, "ax"
    .globl _start
_start:
rom:
    .code16
entry:
    cli
    cld
    /* The descriptor table is read through CS because no other segment register points anywhere useful yet. */
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
    pushl   $(demo_end - demo)
    pushl   $(ROM_BASE + demo - rom)
    pushl   $0                      /* main() does not return */
    mov     $PROGRAM, %eax
    jmp     *%eax

    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9b000000ffff      /* 0x08: flat code */
    .quad   0x00cf93000000ffff      /* 0x10: flat data */
gdt_end:
gdtr:
    .word   gdt_end - gdt - 1
    .long   ROM_BASE + gdt - rom

    .balign 16
program:
    .incbin PROGRAM_FILE
program_end:
    .balign 16
demo:
    .incbin DEMO_FILE
demo_end:

    .org    0xfff0, 0xff
    .code16
    .byte   0xea                    /* far jump: from the top of memory to F000:entry */
    .word   entry - rom
    .word   ROM_BASE >> 4
    .org    0x10000, 0xff

    .section .note.GNU-stack, "", @progbits
