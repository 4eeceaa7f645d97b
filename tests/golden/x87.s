# The x87 unit.
seq 32 fld_fstp
    fld qword ptr [eax]
    fstp qword ptr [edx]
fin
seq 32 fadd_mem
    fadd qword ptr [eax]
fin
.irp op, faddp, fmulp, fsubp, fdivp
seq 32 \op
    \op st(1), st
fin
.endr
seq 32 fmul_reg
    fmul st, st(2)
fin
seq 32 fld_st
    fld st(1)
fin
seq 32 fxch
    fxch st(1)
fin
seq 32 fild_fistp
    fild dword ptr [eax]
    fistp dword ptr [edx]
fin
seq 32 constants
    fld1
    fldz
fin
seq 32 fcompare
    fucomip st, st(1)
    ja 1f
1:
fin
seq 32 fnstsw
    fucompp
    fnstsw ax
    sahf
    jae 1f
1:
fin
seq 32 fldcw
    fldcw [eax]
fin
seq 32 fnstcw
    fnstcw [eax]
fin
seq 32 fabs_fchs_fsqrt
    fabs
    fchs
    fsqrt
fin
seq 32 fld_tbyte
    fld tbyte ptr [eax]
    fstp tbyte ptr [edx]
fin
seq 32 mandel_step
    fld st(1)
    fmul st, st(2)
    fld st(1)
    fmul st, st(2)
    fsubp st(1), st
    fadd qword ptr [eax]
fin
seq 32 fsin
    fsin
fin
