# The host processor as the oracle (tests/lock/README.md), and the coverage page of the instruction set.
$(B)/oraclerun: $(B)/obj/tests/tools/oraclerun.o $(B)/obj/libtests.a $(B)/libdragoman.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(B)/obj/libtests.a $(B)/libdragoman.a $(LIBS) -lrt

ORACLE_CASES ?= 10000000
check-oracle: $(B)/oraclerun
	$(B)/oraclerun -n $(ORACLE_CASES)

# Records tests/lock/vectors.bin anew; needs an x86-64 host with AVX2.
$(B)/vecrecord: $(B)/obj/tests/tools/vecrecord.o $(B)/obj/libtests.a $(B)/libdragoman.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(B)/obj/libtests.a $(B)/libdragoman.a $(LIBS) -lrt

vectors-update: $(B)/vecrecord
	$(B)/vecrecord tests/lock/vectors.bin

-include $(B)/obj/tests/tools/vecrecord.d $(B)/obj/tests/tools/oraclerun.d
.PHONY: vectors-update
.PHONY: check-oracle

# A page of what is in exec, in the translator, and tested against what; fails if an operation has no test.
$(B)/isa_cover: $(B)/obj/tests/tools/isa_cover.o $(B)/obj/libtests.a $(B)/libdragoman.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(B)/obj/libtests.a $(B)/libdragoman.a $(LIBS) -lrt

isa.md: $(B)/isa_cover
	$(B)/isa_cover > $(B)/isa.md
	@tail -1 $(B)/isa.md

-include $(B)/obj/tests/tools/isa_cover.d
.PHONY: isa.md
