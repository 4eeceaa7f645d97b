# The mode test: a floppy image with 16-bit code of our own. Included by roms/rules.mk.
MODETEST := $(patsubst %,$(DOSB)/m16/modetest/%.o,start.s main text cga planar packed vbe cirrus) $(DOS_SHARED)

$(ROMB)/modetest/program.elf: $(MODETEST) roms/lib/flat.lds
	@mkdir -p $(@D)
	$(call rom_flat,0)

$(ROMB)/modetest/boot.o: roms/modetest/boot.S $(ROMB)/modetest/program.flat
	$(Q)$(ROM_CC) $(ROM_ASFLAGS) '-DPROGRAM_FILE="$(ROMB)/modetest/program.flat"' \
	    -DPROGRAM_SIZE=$$(wc -c <$(ROMB)/modetest/program.flat) -c $< -o $@

$(ROMB)/modetest/floppy.raw: $(ROMB)/modetest/boot.o
	$(subst -Ttext=0,-Ttext=0x7c00,$(rom_raw))

$(ROMB)/modetest.img: $(ROMB)/modetest/floppy.raw
	$(Q)cp $< $@.new && truncate -s 1474560 $@.new && mv $@.new $@
