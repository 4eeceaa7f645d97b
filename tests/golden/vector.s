# SSE2 and MMX.
.irp op, addsd, mulsd, subsd, divsd, sqrtsd, addss, mulss
seq 32 \op
    \op xmm0, xmm1
fin
.endr
.irp op, addps, mulps, addpd, mulpd, pxor, paddd, pand, pcmpeqb, punpcklbw, pmuludq
seq 32 \op
    \op xmm0, xmm1
fin
.endr
.irp op, paddd, pmuludq, paddq, pxor
seq 32 mmx_\op
    \op mm0, mm1
fin
.endr
seq 32 load_sd
    movsd xmm0, [eax]
fin
seq 32 store_sd
    movsd [eax], xmm0
fin
seq 32 load_ups
    movups xmm0, [eax]
fin
seq 32 store_aps
    movaps [eax], xmm0
fin
seq 32 mul_add
    movsd xmm0, [esi]
    mulsd xmm0, [edi]
    addsd xmm1, xmm0
    add esi, 8
    add edi, 8
fin
seq 32 saxpy
    movaps xmm0, [esi]
    mulps xmm0, xmm2
    addps xmm0, [edi]
    movaps [edi], xmm0
fin
seq 32 convert
    cvtsi2sd xmm0, eax
    cvttsd2si edx, xmm0
fin
seq 32 compare
    comisd xmm0, xmm1
    ja 1f
1:
fin
seq 32 moves
    movd xmm0, eax
    movq xmm1, xmm0
    pshufd xmm2, xmm1, 0x1b
fin
seq 32 strlen_step
    movdqa xmm0, [eax]
    pcmpeqb xmm0, xmm1
    pmovmskb edx, xmm0
    test edx, edx
    je 1f
1:
fin
seq 32 bignum_step
    movd mm1, [esi]
    movd mm2, [edi]
    pmuludq mm1, mm0
    paddq mm3, mm2
    paddq mm3, mm1
    movd [edi], mm3
    psrlq mm3, 32
fin
seq 64 long_mul_add
    movsd xmm8, [rsi]
    mulsd xmm8, xmm9
    addsd xmm10, xmm8
fin
