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
