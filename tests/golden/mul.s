# Multiplication and division.
seq 32 imul_rr
    imul eax, ecx
fin
seq 32 imul_rri
    imul edx, eax, 100
fin
seq 32 imul_mem
    imul eax, [ecx]
fin
seq 32 mul_wide
    mul ecx
fin
seq 32 imul_wide
    imul ecx
fin
seq 32 mul_dead
    mul ecx
    xor ecx, ecx
fin
seq 32 div_u
    xor edx, edx
    div ecx
fin
seq 32 div_s
    cdq
    idiv ecx
fin
seq 32 div_by_constant
    mov eax, 0xcccccccd
    mul ecx
    shr edx, 3
fin
seq 32 mul_byte
    mul cl
fin
seq 32 div_byte
    div cl
fin
seq 64 long_mul
    mul rcx
fin
seq 64 long_imul
    imul rax, rcx
fin
seq 64 long_div
    xor edx, edx
    div rcx
fin
seq 64 long_bignum
    mul rbx
    add r10, rax
    adc rdx, 0
fin
