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
# qcow2 against qemu-img; QCOW2_COUNT=10000 for the whole run.
QCOW2_COUNT ?= 300
$(B)/tests/imgops: $(B)/obj/tests/tools/imgops.o $(B)/libdragoman.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

check-qcow2: $(B)/tests/imgops $(B)/dragoman $(B)/tests/unit/test_powercut
	tests/tools/qcow2_oracle.sh $(abspath $(B)) $(QCOW2_COUNT) || [ $$? = 77 ]
	tests/tools/image_kill.sh $(abspath $(B))
	POWER_CUTS=10000 $(B)/tests/unit/test_powercut

-include $(B)/obj/tests/tools/imgops.d
.PHONY: check-qcow2

# Pictures of the boot tests.
$(B)/tests/tools/ppmcmp: tests/tools/ppmcmp.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -O2 -Wall -Wextra -o $@ $<
check-boot: $(B)/tests/tools/ppmcmp
$(B)/tests/tools/rfbclient: tests/tools/rfbclient.c tests/tools/rfb_des.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -O2 -Wall -Wextra -I. -o $@ $^
check-boot: $(B)/tests/tools/rfbclient
$(B)/tests/tools/qmpclient: tests/tools/qmpclient.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -O2 -Wall -Wextra -o $@ $<
check-boot: $(B)/tests/tools/qmpclient

# The host's end of network tests.
check-boot: $(B)/netpeer
$(B)/netpeer: $(B)/obj/tests/tools/netpeer.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -lpthread
-include $(B)/obj/tests/tools/netpeer.d

# The pictures of docs/guests.md (tests/tools/guest_pictures.sh).
$(B)/tests/tools/ppm2png: $(B)/obj/tests/tools/ppm2png.o $(B)/libfront.a $(B)/libdragoman.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(B)/libfront.a $(B)/libdragoman.a $(LIBS)
-include $(B)/obj/tests/tools/ppm2png.d

# 15 minutes, with all guests there.
pictures: $(B)/dragoman $(B)/tests/tools/ppm2png roms
	tests/tools/guest_pictures.sh $(abspath $(B)) docs/guests
.PHONY: pictures
# Snapshots at random instructions (tests/boot/test_snapshot.sh, slow_snapshot.sh).
$(B)/snapchain: $(B)/obj/tests/tools/snapchain.o $(B)/libfront.a $(B)/libdragoman.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(B)/libfront.a $(B)/libdragoman.a $(B)/libfront.a $(LIBS)
check-boot: $(B)/snapchain
-include $(B)/obj/tests/tools/snapchain.d
# Logs of recorded runs (tests/boot/slow_replay.sh).
$(B)/rrlog: $(B)/obj/tests/tools/rrlog.o $(B)/libfront.a $(B)/libdragoman.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(B)/libfront.a $(B)/libdragoman.a $(B)/libfront.a $(LIBS)
check-boot: $(B)/rrlog
-include $(B)/obj/tests/tools/rrlog.d
# From a snapshot to a machine that runs (tests/boot/slow_snapshot.sh).
$(B)/restoretime: $(B)/obj/tests/tools/restoretime.o
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $<
check-boot: $(B)/restoretime
-include $(B)/obj/tests/tools/restoretime.d
