/*
 * Start of a boot loader at 0x80000: entered in real mode by the option ROM, it asks the firmware
 * for the memory map, goes to 32-bit protected mode for the C code (which can reach memory above
 * 1 MiB), and comes back to start a kernel's real-mode code at the segment that loader_main()
 * returned.
 */
    .set    BASE, 0x80000
    .set    MAX_E820, 64
    .section .start, "ax"
    .code16
    .globl _start
_start:
    cli
    mov     %cs, %ax
    mov     %ax, %ds
    mov     %ax, %es
    mov     $0x7000, %ax            /* the stack ends where the loader begins */
    mov     %ax, %ss
    mov     $0xfffc, %sp

    /* int 0x15, function 0xe820: one entry of 20 bytes a call, until EBX comes back as zero. */
    mov     $(e820_map - _start), %di
    xorl    %ebx, %ebx
1:  movl    $0xe820, %eax
    movl    $0x534d4150, %edx       /* "SMAP" */
    movl    $20, %ecx
    int     $0x15
    jc      2f
    cmpl    $0x534d4150, %eax
    jne     2f
    add     $20, %di
    incw    e820_count - _start
    cmpw    $MAX_E820, e820_count - _start
    je      2f
    testl   %ebx, %ebx
    jnz     1b
2:
    /* Address line 20 on: by the firmware, and by port 0x92 for one that does not know how. */
    mov     $0x2401, %ax
    int     $0x15
    in      $0x92, %al
    or      $2, %al
    and     $0xfe, %al              /* bit 0 would reset the machine */
    out     %al, $0x92

    cli
    lgdtl   gdtr - _start
    movl    %cr0, %eax
    or      $1, %al
    movl    %eax, %cr0
    ljmpl   $0x08, $protected

    .code32
protected:
    mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %fs
    mov     %eax, %gs
    mov     %eax, %ss
    mov     $BASE, %esp
    /* Zero-initialised data, except what real mode has filled in, which lies before it. */
    mov     $_bss_start, %edi
    mov     $_bss_end, %ecx
    sub     %edi, %ecx
    shr     $2, %ecx
    xor     %eax, %eax
    cld
    rep stosl
    pushl   $real_stack
    movzwl  e820_count, %eax
    push    %eax
    push    $e820_map
    call    loader_main             /* the kernel's real-mode segment comes back */
    mov     %eax, %ebx
    movzwl  real_stack, %edx

    /* Back the way a real-mode program expects it: 64 KiB limits first, then protection off. */
    ljmp    $0x18, $(sixteen - _start)
    .code16
sixteen:
    mov     $0x20, %ax
    mov     %ax, %ds
    mov     %ax, %es
    mov     %ax, %fs
    mov     %ax, %gs
    mov     %ax, %ss
    movl    %cr0, %eax
    and     $0xfe, %al
    movl    %eax, %cr0
    ljmp    $0x8000, $(real - _start)
real:
    mov     %bx, %ds
    mov     %bx, %es
    mov     %bx, %fs
    mov     %bx, %gs
    mov     %bx, %ss
    mov     %dx, %sp
    add     $0x20, %bx              /* the entry point is 512 bytes into the set-up code */
    push    %bx
    push    $0
    lret

    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9b000000ffff      /* 0x08: flat 32-bit code */
    .quad   0x00cf93000000ffff      /* 0x10: flat data */
    .quad   0x00009b080000ffff      /* 0x18: 16-bit code at BASE */
    .quad   0x000093000000ffff      /* 0x20: 64 KiB of data at 0 */
gdt_end:
gdtr:
    .word   gdt_end - gdt - 1
    .long   gdt
real_stack:
    .word   0
e820_count:
    .word   0
    .balign 4
e820_map:
    .fill   MAX_E820 * 20, 1, 0

    .section .note.GNU-stack, "", @progbits
