# Lab 7: the test bench decides.
lab_check()
{
    bench smc
}
