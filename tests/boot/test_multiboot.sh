#!/bin/sh
# A multiboot ELF with two modules, through the option ROM and through the boot ROM.
. "$(dirname "$0")/lib.sh"

printf 'hello one' >"$W/m1"
printf 'two' >"$W/m2"
check()
{
    wait_serial '^MULTIBOOT PASS' 30
    wait_serial '^command line .*mbtest.elf x=1 y$' 1
    wait_serial '^module .*m1 arg$' 1
    wait_serial '^contents hello one$' 1
    wait_serial '^contents two$' 1
    # Memory from 1 MiB on is usable.
    wait_serial '^map 00000000 00100000 length 00000000 03[0-9a-f]{6} type 00000001' 1
    wait_end 0 10
}
start -m 64 -bios "$R/boot.bin" -kernel "$R/mbtest.elf" -append "x=1 y" -initrd "$W/m1 arg,$W/m2"
check
start -m 64 -kernel "$R/mbtest.elf" -append "x=1 y" -initrd "$W/m1 arg,$W/m2"
check
done_testing "multiboot kernel with modules, with and without SeaBIOS"
