# The host processor as the oracle (tests/lock/README.md), and the coverage page of the instruction set.
$(B)/oraclerun: $(B)/obj/tests/tools/oraclerun.o $(B)/obj/libtests.a $(B)/libdragoman.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(B)/obj/libtests.a $(B)/libdragoman.a $(LIBS) -lrt

ORACLE_CASES ?= 10000000
check-oracle: $(B)/oraclerun
	$(B)/oraclerun -n $(ORACLE_CASES)

-include $(B)/obj/tests/tools/oraclerun.d
.PHONY: check-oracle
