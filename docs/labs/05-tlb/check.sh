# Lab 5: the test bench decides.
lab_check()
{
    bench tlb
}
