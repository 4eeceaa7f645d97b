#!/bin/sh
# Debian's amd64 installer boots to its first screen and takes an answer.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest d-i-amd64/vmlinuz d-i-amd64/initrd.gz

start -m 1024 -cpu qemu64 -kernel "$G/d-i-amd64/vmlinuz" -initrd "$G/d-i-amd64/initrd.gz" \
    -append "vga=normal fb=false nomodeset"
wait_screen 'Select a language' 300
say "first question after $(took)"
key ret
wait_screen 'Select your location' 120
done_testing "the amd64 installer asked for the language and then for the location"
