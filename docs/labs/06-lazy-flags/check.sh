# Lab 6: the test bench decides; the functions that it compares with may not be used.
# The guest to look at.
lab_rom()
{
    rom "$L/common/sum.S"
    where
}

lab_check()
{
    expect "lazy.c does not use cpu/flags.h" sh -c "! grep -q 'cpu/flags\.h' '$DIR/lazy.c'"
    bench lazy
}
