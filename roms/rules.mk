# Builds every ROM from source into $(B)/roms. Included by the top Makefile, which sets B (build
# folder), CC and Q; works alone too:  make -f roms/rules.mk B=/tmp/x roms
#
#   boot.bin        64 KiB boot ROM with the demo inside       (-bios)
#   demo.bin        the demo's kernel (opt/dragoman/demo)      demo.img: the same as a floppy image
#   linuxboot.bin   option ROM for -kernel with a bzImage      multiboot.bin: ... with a multiboot ELF
#   mbtest.elf      a multiboot kernel that says what it was given, for the boot tests
#   modetest.img    a floppy that draws a picture in every video mode (see modetest/README.md)
#   dos.img         a DOS-like system on a floppy              (-fda; see dos/rules.mk)
#   test/NAME.bin   one 64 KiB test ROM per file of roms/test  (-bios)

B      ?= build
CC     ?= cc
HOSTCC ?= $(CC)
ROM_CC ?= $(CC)
# Before the name of objcopy, where ROM_CC is a cross compiler. With ROM_CC empty there are no ROMs.
ROM_TOOLS ?=
ROMB   := $(B)/roms

ROM_CPPFLAGS := -I. -MMD -MP
ROM_CFLAGS   := -m32 -march=i586 -std=gnu11 -Os -g -ffreestanding -fno-builtin -fno-pic -fno-pie \
                -fno-stack-protector -fno-asynchronous-unwind-tables -fno-strict-aliasing -fomit-frame-pointer \
                -fcf-protection=none -mno-sse -mno-mmx -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes \
                -Wno-main -Wno-unused-parameter -Wno-array-bounds
ROM_ASFLAGS  := -m32
ROM_LDFLAGS  := -m32 -nostdlib -static -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
                -Wl,--no-warn-rwx-segments

ROM_LIB := $(patsubst %,$(ROMB)/lib/%.o,apic bootdata font fwcfg mem multiboot pci power serial vga)
ROM_BOOT := $(patsubst %,$(ROMB)/boot/%.o,main acpi chipset linux memmap)
ROM_DEMO := $(patsubst %,$(ROMB)/demo/%.o,main bench console intr_c intr_s keyboard paging picture selftest timer)
ROM_TESTS := $(sort $(basename $(notdir $(filter-out %/README.md,$(wildcard roms/test/*.c roms/test/*.S)))))
ROM_TEST_LIB := $(patsubst %,$(ROMB)/test/lib/%.o,start test) $(ROMB)/lib/mem.o $(ROMB)/lib/apic.o

ROMS := $(ROMB)/boot.bin $(ROMB)/demo.bin $(ROMB)/demo.img $(ROMB)/linuxboot.bin $(ROMB)/multiboot.bin \
        $(ROMB)/mbtest.elf $(ROMB)/dos.img $(ROMB)/modetest.img \
        $(patsubst %,$(ROMB)/test/%.bin,$(ROM_TESTS))

.PHONY: roms
roms: $(if $(ROM_CC),$(ROMS))

$(ROMB)/%.o: roms/%.c
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(ROM_CFLAGS) -c $< -o $@

$(ROMB)/%.o: roms/%.S
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(ROM_ASFLAGS) -c $< -o $@

# Two files of one name, told apart by what they are made from.
$(ROMB)/demo/intr_c.o: roms/demo/intr.c
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(ROM_CFLAGS) -c $< -o $@

$(ROMB)/demo/intr_s.o: roms/demo/intr.S
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(ROM_ASFLAGS) -c $< -o $@

# A flat image is linked for the address it will be copied to.
rom_flat = $(Q)$(ROM_CC) $(ROM_LDFLAGS) -Wl,--defsym=LOAD_ADDRESS=$(1) -Wl,-T,roms/lib/flat.lds -o $@ $(filter %.o,$^)

$(ROMB)/boot/boot.elf: $(ROMB)/lib/start32.o $(ROM_BOOT) $(ROM_LIB) roms/lib/flat.lds
	$(call rom_flat,0x80000)

$(ROMB)/demo/demo.elf: $(ROMB)/lib/start32.o $(ROM_DEMO) $(ROM_LIB) roms/lib/flat.lds
	$(call rom_flat,0x20000)

ROM_LOADER := $(ROMB)/lib/loader16.o $(ROMB)/lib/loader.o
$(ROMB)/linuxboot/loader.elf: $(ROM_LOADER) $(ROMB)/linuxboot/main.o $(ROM_LIB) roms/lib/flat.lds
	$(call rom_flat,0x80000)

$(ROMB)/multiboot/loader.elf: $(ROM_LOADER) $(ROMB)/multiboot/main.o $(ROM_LIB) roms/lib/flat.lds
	$(call rom_flat,0x80000)

# Linked at 2 MiB; the ELF file itself is what a boot loader reads.
$(ROMB)/mbtest.elf: $(ROMB)/mbtest/start.o $(ROMB)/mbtest/main.o $(ROM_LIB) roms/lib/flat.lds
	$(call rom_flat,0x200000)

$(ROMB)/%.flat: $(ROMB)/%.elf
	$(Q)$(ROM_TOOLS)objcopy -O binary $< $@

# Raw images: one assembly file that pulls the flat ones in.
rom_raw = $(Q)$(ROM_CC) -m32 -nostdlib -static -Wl,--build-id=none -Wl,-Ttext=0 -Wl,--oformat=binary \
          -Wl,--no-warn-rwx-segments -o $@ $<

$(ROMB)/demo.bin: $(ROMB)/demo/demo.flat
	$(Q)cp $< $@

$(ROMB)/boot/reset.o: roms/boot/reset.S $(ROMB)/boot/boot.flat $(ROMB)/demo.bin
	$(Q)$(ROM_CC) $(ROM_ASFLAGS) '-DPROGRAM_FILE="$(ROMB)/boot/boot.flat"' '-DDEMO_FILE="$(ROMB)/demo.bin"' \
	    -c $< -o $@

$(ROMB)/boot.bin: $(ROMB)/boot/reset.o
	$(rom_raw)

$(ROMB)/demo/boot.o: roms/demo/boot.S $(ROMB)/demo.bin
	$(Q)$(ROM_CC) $(ROM_ASFLAGS) '-DKERNEL_FILE="$(ROMB)/demo.bin"' \
	    -DKERNEL_SIZE=$$(wc -c <$(ROMB)/demo.bin) -c $< -o $@

$(ROMB)/demo/floppy.raw: $(ROMB)/demo/boot.o
	$(Q)$(ROM_CC) -m32 -nostdlib -static -Wl,--build-id=none -Wl,-Ttext=0x7c00 \
	    -Wl,--oformat=binary -Wl,--no-warn-rwx-segments -o $@ $<

$(ROMB)/demo.img: $(ROMB)/demo/floppy.raw
	$(Q)cp $< $@.new && truncate -s 1474560 $@.new && mv $@.new $@

$(ROMB)/tools/romsign: roms/tools/romsign.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -O2 -Wall -Wextra -o $@ $<

$(ROMB)/linuxboot/optrom.o: roms/lib/optrom.S $(ROMB)/linuxboot/loader.flat
	$(Q)$(ROM_CC) $(ROM_ASFLAGS) '-DLOADER="$(ROMB)/linuxboot/loader.flat"' '-DNAME="Linux kernel"' -c $< -o $@

$(ROMB)/multiboot/optrom.o: roms/lib/optrom.S $(ROMB)/multiboot/loader.flat
	$(Q)$(ROM_CC) $(ROM_ASFLAGS) '-DLOADER="$(ROMB)/multiboot/loader.flat"' '-DNAME="Multiboot kernel"' -c $< -o $@

$(ROMB)/%/optrom.raw: $(ROMB)/%/optrom.o
	$(rom_raw)

$(ROMB)/linuxboot.bin: $(ROMB)/linuxboot/optrom.raw $(ROMB)/tools/romsign
	$(Q)$(ROMB)/tools/romsign $< $@

$(ROMB)/multiboot.bin: $(ROMB)/multiboot/optrom.raw $(ROMB)/tools/romsign
	$(Q)$(ROMB)/tools/romsign $< $@

# Test ROMs: the program is copied to RAM at 0x10000 by the common start code.
$(ROMB)/test/%.elf: $(ROMB)/test/%.o $(ROM_TEST_LIB) roms/lib/flat.lds
	$(call rom_flat,0x10000)

$(ROMB)/test/%.reset.o: roms/test/lib/reset.S $(ROMB)/test/%.flat
	$(Q)$(ROM_CC) $(ROM_ASFLAGS) '-DPROGRAM_FILE="$(ROMB)/test/$*.flat"' -c $< -o $@

$(ROMB)/test/%.bin: $(ROMB)/test/%.reset.o
	$(rom_raw)

include roms/dos/rules.mk
include roms/modetest/rules.mk

.SECONDARY:
-include $(wildcard $(ROMB)/*/*.d $(ROMB)/*/*/*.d $(ROMB)/*/*/*/*.d $(ROMB)/*/*/*/*/*.d)
