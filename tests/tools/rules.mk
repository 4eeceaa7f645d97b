# Programs of tests/tools that targets run: insnstorm, random instruction bytes (tests/tools/README.md).
STORM_OBJ = $(B)/obj/tests/tools/insnstorm.o $(B)/obj/tests/tools/storm_image.o
$(B)/insnstorm: $(STORM_OBJ) $(B)/obj/libtests.a $(B)/libdragoman.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(STORM_OBJ) $(B)/obj/libtests.a $(B)/libdragoman.a $(LIBS) -lrt

STORM_INSNS ?= 100000000
check-storm: $(B)/insnstorm
	$(B)/insnstorm -v -n $(STORM_INSNS)

-include $(STORM_OBJ:.o=.d)
.PHONY: check-storm

# Second opinions on system state: our machine and QEMU behind its gdb stub, instruction by instruction.
STUB_OBJ = $(addprefix $(B)/obj/tests/tools/,stubstep.o stub.o stub_rules.o)
$(B)/stubstep: $(STUB_OBJ) $(B)/libfront.a $(B)/libdragoman.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(STUB_OBJ) $(B)/libfront.a $(B)/libdragoman.a $(B)/libfront.a $(LIBS) -lrt

check-second: $(B)/stubstep roms
	$(B)/stubstep -s 8500 $(B)/roms/test/*.bin
	$(B)/stubstep $(B)/roms/boot.bin $(wildcard $(FIRMWARE_DIR)/bios-256k.bin)

-include $(STUB_OBJ:.o=.d)
.PHONY: check-second

# Judges what a guest played (tests/boot/test_sound.sh).
$(B)/wavtone: $(B)/obj/tests/tools/wavtone.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -lm
check-boot: $(B)/wavtone
-include $(B)/obj/tests/tools/wavtone.d
