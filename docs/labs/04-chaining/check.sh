# Lab 4: the test bench decides.
# The guest to look at.
lab_rom()
{
    rom "$L/common/sum.S"
    where
}

lab_check()
{
    bench chain
}
