#!/bin/sh
# Two foreign multiboot programs: the Mach kernel of the Hurd, as far as it goes without its
# modules, and GRUB-invaders, which is played.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest gnumach invaders

# Mach ends in a panic that names what it has not been given; before that it has gone through
# memory, PCI BIOS, IDE, CD, floppy, the SCSI probes and the clock.
start -m 64 -kernel "$G/gnumach" -append console=com0
wait_serial 'BIOS32 Service Directory entry at 0x' 60
wait_serial '^ide1 at 0x170-0x177,0x376 on irq 15' 60
wait_serial '^Floppy drive.*: fd0 is ' 30
wait_serial '^RTC time is [0-9]+-[0-9]+-[0-9]+ ' 60
wait_serial 'bootstrap_create: No bootstrap code loaded with the kernel' 30
say "Mach asked for its bootstrap modules after $(took)"

# The column of the player's ship.
ship()
{
    awk '{ c = index($0, "/ \\"); if (c) found = c } END { print found + 0 }' "$W/screen"
}
start -m 64 -kernel "$G/invaders"
wait_screen '-\*-.*-\*--\*-' 60
wait_screen '/ \\' 10
before=$(ship)
after=$before
for try in 1 2 3 4 5 6 7 8; do
    key left left left left
    wait_screen '/ \\' 10
    after=$(ship)
    [ "$after" -ge "$before" ] || break
done
[ "$after" -lt "$before" ] || fail "the ship stood in column $before and is in $after after moving left"
key spc
wait_screen '-\*-' 10
done_testing "Mach to its bootstrap, invaders: the ship moved from column $before to $after"
