/*
 * Multiboot header, entry, descriptor tables, and the interrupt entries of the bare-metal benchmark.
 * Intel SDM volume 3, chapters 3 and 6; Multiboot specification 0.6.96.
 */
    .set    FLAGS, 3
    .section .start, "ax"
    .code32
    .balign 4
    .long   0x1badb002
    .long   FLAGS
    .long   -(0x1badb002 + FLAGS)
    .globl _start
_start:
    cli
    cld
    mov     $stack_top, %esp
    mov     %ebx, %esi              /* the boot loader's information */
    /* The task state segment's base is only known to the linker as a whole number: split it here. */
    mov     $tss, %eax
    mov     %ax, gdt_tss + 2
    shr     $16, %eax
    mov     %al, gdt_tss + 4
    mov     %ah, gdt_tss + 7
    movl    $ring0_top, tss + 4     /* stack of interrupts out of ring 3: not the one in use */
    movl    $0x10, tss + 8
    lgdt    gdtr
    ljmp    $0x08, $1f
1:  mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %fs
    mov     %eax, %gs
    mov     %eax, %ss
    mov     $0x28, %eax
    ltr     %ax
    push    %esi
    call    bare_main
2:  cli
    hlt
    jmp     2b

    .text
    .globl int_return, int_leave_user, fault_page, fault_other
/* The shortest handler there is. */
int_return:
    iret

/* Ring 3 is done: go on behind user_loop(). */
int_leave_user:
    mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     user_esp, %esp
    pop     %edi
    pop     %esi
    pop     %ebx
    pop     %ebp
    ret

/* Page fault: map the page whose entry fault_pte points at, as an operating system would. */
fault_page:
    push    %eax
    push    %ecx
    push    %edx
    mov     %cr2, %eax
    mov     fault_pte, %edx
    mov     fault_entry, %ecx
    and     $0xfffff000, %eax
    jz      fault_other
    mov     %ecx, (%edx)
    pop     %edx
    pop     %ecx
    pop     %eax
    add     $4, %esp                /* error code */
    iret

/* Nothing else may happen: say so and stop. */
fault_other:
    cli
    call    bare_unexpected
1:  hlt
    jmp     1b

    .globl user_loop
/* void user_loop(u32 n): n times INT 0x80 in ring 3. */
user_loop:
    mov     4(%esp), %ecx
    push    %ebp
    push    %ebx
    push    %esi
    push    %edi
    mov     %esp, user_esp
    mov     $0x23, %eax
    mov     %eax, %ds
    mov     %eax, %es
    push    $0x23
    push    $user_stack_top
    push    $0x02                   /* flags: interrupts stay off */
    push    $0x1b
    push    $1f
    iret
1:  int     $0x80
    dec     %ecx
    jnz     1b
    int     $0x81

    .data
    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9b000000ffff      /* 0x08: ring 0 code */
    .quad   0x00cf93000000ffff      /* 0x10: ring 0 data */
    .quad   0x00cffb000000ffff      /* 0x18: ring 3 code */
    .quad   0x00cff3000000ffff      /* 0x20: ring 3 data */
gdt_tss:
    .quad   0x0000890000000067      /* 0x28: task state segment */
gdt_end:
gdtr:
    .word   gdt_end - gdt - 1
    .long   gdt

    .bss
    .balign 16
    .globl fault_pte, fault_entry
tss:
    .skip   104
user_esp:
    .skip   4
fault_pte:
    .skip   4
fault_entry:
    .skip   4
    .balign 16
    .skip   16384
stack_top:
    .skip   4096
user_stack_top:
    .skip   4096
ring0_top:

    .section .note.GNU-stack, "", @progbits
