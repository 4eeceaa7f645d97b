/*
 * Lab 1, reference solution: the sum of 1 to 100, in decimal.
 */
    .code32
    .globl run_test
run_test:
    pushl   $text
    call    say
    add     $4, %esp

    xor     %eax, %eax
    mov     $100, %ecx
1:  add     %ecx, %eax
    dec     %ecx
    jnz     1b

    mov     $10, %ecx
    xor     %esi, %esi          /* digits on the stack */
2:  xor     %edx, %edx
    div     %ecx
    push    %edx
    inc     %esi
    test    %eax, %eax
    jnz     2b
3:  pop     %eax
    add     $'0', %al
    outb    %al, $0xe9
    dec     %esi
    jnz     3b
    mov     $'\n', %al
    outb    %al, $0xe9
    ret

    .section .rodata
text:
    .asciz  "sum "
    .section .note.GNU-stack, "", @progbits
