# make bench: boots the same programs under this emulator and under QEMU in turn and compares. See tests/bench/README.md.
#   BENCH_SET=boot|sys|tools|bare|all  BENCH_ROUNDS=3  BENCH_QEMU=program  BENCH_QEMU2=program  BENCH_GUESTS=folder
BENCHB := $(B)/bench
BENCH_GUESTS ?= $(B)/guests
BARE_CFLAGS := $(filter-out -march=% -Os -mno-sse -mno-mmx,$(ROM_CFLAGS)) -march=i686 -O2 -Wno-array-bounds
# What needs no ring 0 is linked twice, from the same objects: into the image and into a Linux program.
BARE_BOTH := $(patsubst %,$(BENCHB)/bare/%.o,measure core records cpu ops mem copy fp_x87 fp_sse2 code) $(ROMB)/lib/mem.o
BARE_OBJ := $(patsubst %,$(BENCHB)/bare/%.o,start main sys) $(BARE_BOTH) $(patsubst %,$(ROMB)/lib/%.o,pci power serial)
BARE_NATIVE_OBJ := $(BENCHB)/bare/native.o $(BARE_BOTH)

$(BENCHB)/bare/start.o: tests/bench/bare/start.S
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(ROM_ASFLAGS) -c $< -o $@

$(BENCHB)/bare/%.o: tests/bench/bare/%.c
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(BARE_CFLAGS) -mno-sse $(BARE_CFLAGS_$*) -c $< -o $@

# A call has to be a call in the kernels that count them.
BARE_CFLAGS_cpu := -fno-optimize-sibling-calls
BARE_CFLAGS_records := -fno-optimize-sibling-calls

$(BENCHB)/bare/fp_x87.o: tests/bench/bare/fp.c
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(BARE_CFLAGS) -DFP_X87 -mfpmath=387 -mno-sse -c $< -o $@

$(BENCHB)/bare/fp_sse2.o: tests/bench/bare/fp.c
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_CPPFLAGS) $(BARE_CFLAGS) -msse2 -mfpmath=sse -c $< -o $@

$(BENCHB)/bare.elf: $(BARE_OBJ) roms/lib/flat.lds
	$(call rom_flat,0x100000)

# The ROM through which QEMU enters that image without a firmware.
$(BENCHB)/count.rom: tests/bench/bare/count_rom.S
	@mkdir -p $(@D)
	$(Q)$(ROM_CC) $(ROM_ASFLAGS) -c $< -o $(@:.rom=_rom.o)
	$(Q)$(ROM_CC) -m32 -nostdlib -static -Wl,--build-id=none -Wl,-Ttext=0 -Wl,--oformat=binary \
	    -Wl,--no-warn-rwx-segments -o $@ $(@:.rom=_rom.o)

# A 32-bit process without a C library, above the areas of the kernels: needs no 32-bit one on the host.
$(BENCHB)/bare-native: $(BARE_NATIVE_OBJ)
	$(Q)$(ROM_CC) $(ROM_LDFLAGS) -Wl,-Ttext-segment=0x40000000 -Wl,-z,noexecstack -o $@ $^

$(BENCHB)/benchrun: tests/bench/benchrun.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -o $@ $<

-include $(wildcard $(BENCHB)/bare/*.d)

.PHONY: bench bench-tools bench-docs
bench-tools: $(BENCHB)/benchrun $(BENCHB)/bare.elf $(BENCHB)/bare-native

bench: all bench-tools
	@[ -f $(BENCH_GUESTS)/bench.cpio.gz ] || tests/tools/guests.sh $(BENCH_GUESTS) kernels
	@B='$(B)' BENCH_GUESTS='$(BENCH_GUESTS)' tests/bench/run.sh

# Puts the last run's plot and figures where the documentation shows them.
bench-docs:
	cp $(BENCHB)/bench.svg docs/bench.svg
	cp $(BENCHB)/bench.csv docs/bench.csv
	[ ! -f $(BENCHB)/inside.csv ] || cp $(BENCHB)/inside.csv docs/inside.csv

# Executed host instructions on AArch64, ours and QEMU's, counted under qemu-user: hostcount.sh. Some ten minutes.
$(BENCHB)/hostcount: tests/bench/hostcount.c
	@mkdir -p $(@D)
	$(HOSTCC) -std=gnu11 -O2 -g -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -o $@ $<
bench-a64: all $(BENCHB)/bare.elf $(BENCHB)/count.rom $(BENCHB)/hostcount
	$(call cross_check,aarch64-linux-gnu)
	+$(call cross,aarch64-linux-gnu) all
	tests/tools/qemu_arm64.sh build/qemu-arm64
	tests/bench/hostcount.sh $(B) $(B)/aarch64-linux-gnu $(COUNT_KERNELS)
.PHONY: bench-a64
