# Lab 4: the test bench decides.
lab_check()
{
    bench chain
}
