# Fuzzing (tests/fuzz/README.md) and the long run of the lockstep test.
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 600
FUZZ_TARGETS = $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_CORE = $(sort $(wildcard $(addsuffix /*.c,devices/core frontend/image mmu cpu cpu/isa cpu/fp cpu/sys cpu/exec cpu/ir cpu/tr cpu/jit \
	$(if $(filter x64,$(JIT)),cpu/jit/x64))) $(filter-out %/test_lock.c,$(wildcard tests/lock/*.c)))
# The target of snapshots takes the whole program.
FUZZ_SRC = $(FUZZ_CORE) $(filter-out $(FUZZ_CORE) %/main.c,$(LIB_SRC) $(FRONT_SRC))
FUZZ_OBJ = $(FUZZ_SRC:%.c=$(B)/fuzz/obj/%.o)
# What looks at hostile bytes of those that need a whole machine; the machine itself is the program's, as it is built.
FUZZ_VM_OBJ = $(patsubst %.c,$(B)/fuzz/obj/%.o,$(wildcard frontend/qmp/*.c frontend/monitor/*.c) \
	frontend/event.c frontend/keys.c frontend/vm_memory.c)
# libFuzzer where the compiler has it, else random inputs of our own driver.
FUZZ_ENGINE = $(eval FUZZ_ENGINE := $(shell echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return 0; }' | \
	$(FUZZ_CC) -fsanitize=fuzzer -x c - -o /dev/null 2>/dev/null && echo fuzzer))$(FUZZ_ENGINE)
FUZZ_SAN = -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_CFLAGS = $(filter-out -O%,$(CFLAGS)) -O2 -g -DCONFIG_DEBUG $(FUZZ_SAN)
# Comparisons with constants lead libFuzzer where bytes are decoded; elsewhere noting them only costs time.
FUZZ_COVER = -fsanitize=fuzzer-no-link $(if $(filter cpu/isa/% cpu/ir/text.c frontend/gdb/%,$<),,-fno-sanitize-coverage=trace-cmp)

$(B)/fuzz/obj/%.o: %.c config.h
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_CFLAGS) $(if $(FUZZ_ENGINE),$(FUZZ_COVER)) -c $< -o $@

$(B)/fuzz/lib.a: $(FUZZ_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^

$(B)/fuzz/fuzz_qmp: tests/fuzz/fuzz_qmp.c tests/fuzz/driver.c $(FUZZ_VM_OBJ) $(B)/libfront.a $(B)/libdragoman.a
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_CFLAGS) $(if $(FUZZ_ENGINE),-fsanitize=fuzzer) -o $@ $< \
	    $(if $(FUZZ_ENGINE),,tests/fuzz/driver.c) $(FUZZ_VM_OBJ) $(B)/libfront.a $(B)/libdragoman.a $(B)/libfront.a \
	    $(LIBS) -lrt -ldl

$(B)/fuzz/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/driver.c $(B)/fuzz/lib.a
	$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_CFLAGS) $(if $(FUZZ_ENGINE),-fsanitize=fuzzer) -o $@ $< \
	    $(if $(FUZZ_ENGINE),,tests/fuzz/driver.c) $(B)/fuzz/lib.a $(LIBS) -lrt

# Each target for FUZZ_SECONDS; what fails is left in $(B)/fuzz/NAME-*.
fuzz: $(FUZZ_TARGETS:%=$(B)/fuzz/fuzz_%)
	@mkdir -p $(B)/fuzz/corpus/ir
	@for f in tests/ir/*.ir; do sed '/^---/,$$d' $$f >$(B)/fuzz/corpus/ir/$${f##*/}; done
	@for t in $(FUZZ_TARGETS); do \
	    mkdir -p $(B)/fuzz/corpus/$$t && echo "fuzz $$t for $(FUZZ_SECONDS) s" && \
	    ASAN_OPTIONS=detect_leaks=0 $(B)/fuzz/fuzz_$$t -max_total_time=$(FUZZ_SECONDS) -max_len=700 -len_control=0 -timeout=20 -detect_leaks=0 -print_final_stats=1 \
	        -artifact_prefix=$(B)/fuzz/$$t- $(if $(FUZZ_ENGINE),$(B)/fuzz/corpus/$$t) >$(B)/fuzz/$$t.log 2>&1 || \
	    { tail -60 $(B)/fuzz/$$t.log; exit 1; }; tail -8 $(B)/fuzz/$$t.log; done

check-lock: $(B)/tests/lock/test_lock
	DRAGOMAN_LOCK=1000000 CK_DEFAULT_TIMEOUT=3600 $(B)/tests/lock/test_lock

-include $(FUZZ_OBJ:.o=.d) $(FUZZ_VM_OBJ:.o=.d)
.PRECIOUS: $(B)/fuzz/fuzz_%
.PHONY: check-lock
