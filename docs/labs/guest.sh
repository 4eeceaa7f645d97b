#!/bin/sh
# Runs a test ROM in a machine without a screen: guest.sh ROM [OPTIONS OF DRAGOMAN]. What the guest writes to port 0xE9 is
# printed; status 0: it said that it passed. DRAGOMAN: the program (build/dragoman).
rom=${1:?which ROM?}
shift
"${DRAGOMAN:-build/dragoman}" -bios "$rom" -debugcon stdio -serial null -display none -monitor none \
    -device isa-debug-exit,iobase=0x501 "$@" </dev/null
[ $? = 1 ]
