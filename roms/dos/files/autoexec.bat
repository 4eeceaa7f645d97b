@rem Run at the start; see README.md for what each program tests.
ver
mem
poweroff
