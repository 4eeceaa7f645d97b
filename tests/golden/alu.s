# Plain arithmetic on registers and constants.
.irp op, add, sub, xor, or, and
seq 32 \op\()_rr
    \op eax, ecx
fin
seq 32 \op\()_ri
    \op edx, 0x1234
fin
seq 32 \op\()_dead
    \op eax, ecx
    xor edx, edx
fin
.endr
.irp op, inc, dec, neg, not, bswap
seq 32 \op
    \op esi
fin
.endr
seq 32 mov_ri_rr
    mov eax, 5
    mov ebx, eax
fin
seq 32 zero
    xor eax, eax
fin
seq 32 test_self
    test eax, eax
fin
seq 32 lea_sum
    lea eax, [ecx+edx*4+8]
fin
seq 32 lea_small
    lea edi, [edi+1]
fin
seq 32 chain
    add eax, ebx
    xor ebx, ecx
    sub ecx, edx
    lea edx, [edx+eax*2+5]
    rol eax, 3
    and ebx, 0x7fffffff
    or ecx, 1
    shr edx, 1
fin
seq 32 low_bytes
    mov al, 1
    add cl, al
    mov dh, cl
fin
seq 32 words
    add ax, cx
    inc dx
fin
seq 32 extend
    movzx eax, cl
    movsx edx, ax
    movzx ebx, dh
fin
seq 32 xchg_rr
    xchg eax, edx
fin
seq 32 cdq_cwde
    cwde
    cdq
fin
