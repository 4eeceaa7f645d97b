# The DOS-like guest: a floppy image with a boot sector, a kernel, drivers and test programs of our
# own. Included by roms/rules.mk.
DOSB := $(ROMB)/dos
DOS_CFLAGS := $(filter-out -m32,$(ROM_CFLAGS)) -m16 -fno-jump-tables

# Compiled for 16-bit segments: our own files and what is shared with the other ROMs.
$(DOSB)/m16/%.o: roms/%.c
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(DOS_CFLAGS) -c $< -o $@

$(DOSB)/m16/%.s.o: roms/%.S
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(ROM_ASFLAGS) -c $< -o $@

DOS_DRIVERS :=
dos_o = $(patsubst %,$(DOSB)/m16/%.o,$(1))
DOS_SHARED := $(call dos_o,lib/mem dos/lib/int.s)
DOS_KERNEL := $(call dos_o,dos/kernel/start.s $(patsubst %,dos/kernel/%,main console disk fat file memory process int21) \
              dos/lib/frame lib/serial) $(DOS_SHARED)
DOS_LIB := $(call dos_o,dos/lib/com.s dos/lib/dos) $(DOS_SHARED)
DOS_LIBC := $(DOS_LIB) $(call dos_o,dos/lib/check dos/lib/trap)

$(DOSB)/kernel.elf: $(DOS_KERNEL) roms/lib/flat.lds
	$(call rom_flat,0)

$(DOSB)/shell.elf: $(DOS_LIB) $(call dos_o,dos/shell/shell lib/power lib/pci) roms/lib/flat.lds
	$(call rom_flat,0x100)

DOS_XMS := $(DOS_LIB) $(call dos_o,dos/xms/entry.s dos/xms/main dos/xms/a20 dos/xms/emb dos/xms/move dos/lib/frame)
$(DOSB)/xms.elf: $(DOS_XMS) roms/lib/flat.lds
	$(call rom_flat,0x100)
DOS_DRIVERS += XMS.COM=$(DOSB)/xms.flat

# The monitor is a 32-bit program, carried inside EMM.COM.
DOS_MONITOR := $(patsubst %,$(ROMB)/dos/monitor/%.o,start main trap emulate pages ports ems bios dpmi dpmi_call) $(ROMB)/lib/mem.o \
               $(ROMB)/lib/power.o $(ROMB)/lib/pci.o
$(DOSB)/monitor.elf: $(DOS_MONITOR) roms/lib/flat.lds
	$(call rom_flat,0xf8000000)
$(DOSB)/m16/dos/emm/entry.s.o: roms/dos/emm/entry.S $(DOSB)/monitor.flat
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(ROM_ASFLAGS) '-DMONITOR_FILE="$(DOSB)/monitor.flat"' -c $< -o $@
$(DOSB)/emm.elf: $(DOS_LIB) $(call dos_o,dos/emm/entry.s dos/emm/main) roms/lib/flat.lds
	$(call rom_flat,0x100)
DOS_DRIVERS += EMM.COM=$(DOSB)/emm.flat

# Test programs in C, one file each; DPMITEST has a 32-bit half, too.
DOS_TESTS := $(sort $(basename $(notdir $(wildcard roms/dos/tests/*.c))))
DOS_PM := $(patsubst %,$(ROMB)/dos/tests/pm/%.o,start program)
define dos_test
$(DOSB)/$(1).elf: $(DOSB)/m16/dos/tests/$(1).o $(if $(filter dpmitest,$(1)),$(DOS_PM)) $(DOS_LIBC) roms/lib/flat.lds
	$$(call rom_flat,0x100)
endef
$(foreach t,$(DOS_TESTS),$(eval $(call dos_test,$(t))))

# Programs in assembly alone: raw, the origin is in the file.
DOS_RAW := $(sort $(basename $(notdir $(wildcard roms/dos/tests/raw/*.S))))
$(DOSB)/raw/%.o: roms/dos/tests/raw/%.S
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(ROM_ASFLAGS) -c $< -o $@
$(DOSB)/raw/%.flat: $(DOSB)/raw/%.o
	$(subst -Ttext=0,-Ttext=$(if $(filter %_exe %_ovl,$*),0,0x100),$(rom_raw))

$(DOSB)/boot.o: roms/dos/boot.S
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(ROM_ASFLAGS) -c $< -o $@
$(DOSB)/boot.sector: $(DOSB)/boot.o
	$(rom_raw)

$(DOSB)/mkfat: roms/dos/tools/mkfat.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -O2 -Wall -Wextra -o $@ $<

# NAME on the floppy = file. KERNEL.SYS must be the first.
DOS_FILES = KERNEL.SYS=$(DOSB)/kernel.flat SHELL.COM=$(DOSB)/shell.flat AUTOEXEC.BAT=roms/dos/files/autoexec.bat \
            $(DOS_DRIVERS) $(foreach t,$(DOS_TESTS),$(t).COM=$(DOSB)/$(t).flat) \
            $(foreach t,$(DOS_RAW),$(t).$(if $(filter %_exe,$(t)),EXE,$(if $(filter %_ovl,$(t)),OVL,COM))=$(DOSB)/raw/$(t).flat)
$(ROMB)/dos.img: $(DOSB)/mkfat $(DOSB)/boot.sector $(foreach f,$(DOS_FILES),$(lastword $(subst =, ,$(f))))
	$(Q)$(DOSB)/mkfat $@ $(DOSB)/boot.sector $(DOS_FILES)
