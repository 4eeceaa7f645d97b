# Lab 3: the test bench decides.
lab_check()
{
    bench blocks
}
