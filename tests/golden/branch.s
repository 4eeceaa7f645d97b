# Jumps.
seq 32 jmp_near
    jmp 1f
1:
fin
seq 32 jmp_page
    .byte 0xe9
    .long 0x3000
fin
.irp cc, e, ne, b, ae, l, ge, le, g, s, o
seq 32 cmp_j\cc
    cmp eax, ecx
    j\cc 1f
    nop
1:
fin
.endr
seq 32 loop_back
1:  add eax, ecx
    dec edx
    jnz 1b
fin
seq 32 loop_sum
1:  add eax, [esi]
    add esi, 4
    cmp esi, edi
    jb 1b
fin
seq 32 loop_copy
1:  mov eax, [esi+ecx*4]
    mov [edi+ecx*4], eax
    dec ecx
    jns 1b
fin
seq 32 loop_string
1:  mov al, [ecx]
    inc ecx
    test al, al
    jne 1b
fin
seq 32 loop_insn
1:  inc eax
    loop 1b
fin
seq 32 jecxz
    jecxz 1f
    nop
1:
fin
seq 32 two_tests
    test eax, eax
    je 1f
    cmp eax, 5
    ja 1f
    inc edx
1:
fin
seq 32 jmp_reg
    jmp eax
fin
seq 32 jmp_table
    cmp eax, 7
    ja 1f
    jmp dword ptr [eax*4+0x41000]
1:
fin
seq 32 dispatch
    movzx eax, byte ptr [esi]
    inc esi
    jmp dword ptr [ebx+eax*4]
fin
