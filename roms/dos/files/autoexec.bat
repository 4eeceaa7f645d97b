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
dostest
cputest
fputest
hwtest
xmstest
emmtest
dpmitest
emm vme
dostest
cputest
fputest
hwtest
xmstest
emmtest
dpmitest
emm iopl3
dostest
cputest
fputest
hwtest
xmstest
emmtest
dpmitest
emm off
cputest
xmstest
unreal
poweroff
