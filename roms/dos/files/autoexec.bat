@rem Run at the start; README.md says what each program tests.
ver
dostest
cputest
fputest
hwtest
xms
xmstest
unreal
emm
xmstest
poweroff
