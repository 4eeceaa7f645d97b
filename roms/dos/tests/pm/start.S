/* First 32-bit code of DPMITEST: DS = ES = SS are data segments over the program's 64 KiB, ESI is
 * the mode the tests run in. Ends the program with pm_main()'s result. */
    .section .text, "ax"
    .code32
    .globl  pm_start
pm_start:
    pushl   %esi
    call    pm_main
    movb    $0x4c, %ah
    int     $0x21
    .section .note.GNU-stack, "", @progbits
