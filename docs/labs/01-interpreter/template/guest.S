/*
 * Lab 1: a guest program. It runs in 32-bit protected mode; returning from run_test ends the machine.
 * `say` (roms/test/lib/test.c) prints the text whose address is on the stack.
 */
    .code32
    .globl run_test
run_test:
    pushl   $text
    call    say
    add     $4, %esp

/* HOLE: add the numbers from 1 to 100 in a loop, then print "sum 5050" and a new line. The digits must
 * come from the sum: divide by 10 again and again (div), and the remainders are the digits, the last
 * one first. Port 0xE9 prints the character in %al: outb %al, $0xe9. */

    ret

    .section .rodata
text:
    .asciz  "hello\n"
    .section .note.GNU-stack, "", @progbits
