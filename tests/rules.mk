# Tests: every tests/{unit,dev,insn,ir,state,lock,golden}/test_*.c is one Check program; boot tests are scripts in tests/boot.
TEST_SRC = $(sort $(wildcard tests/unit/test_*.c tests/dev/test_*.c tests/insn/test_*.c tests/ir/test_*.c \
	tests/state/test_*.c tests/lock/test_*.c tests/golden/test_*.c))
TEST_BIN = $(TEST_SRC:tests/%.c=$(B)/tests/%)
# Files of those folders that are not programs of their own: shared by the tests of the folder.
TEST_SHARED = $(sort $(filter-out $(TEST_SRC),$(wildcard tests/dev/*.c tests/insn/*.c tests/lock/*.c tests/ir/*.c \
	tests/golden/*.c)))
TEST_SHARED_OBJ = $(TEST_SHARED:%.c=$(B)/obj/%.o)
BOOT_TESTS ?= $(sort $(wildcard tests/boot/test_*.sh))

$(B)/obj/libtests.a: $(TEST_SHARED_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^

# Its sequences are assembled into it. Both compare and update run in the project's folder.
$(B)/tests/golden/test_golden: $(wildcard tests/golden/*.s)
golden-update: $(B)/tests/golden/test_golden
	@DRAGOMAN_GOLDEN=update CK_DEFAULT_TIMEOUT=600 $(RUN) $< && git --no-pager diff --stat -- tests/golden

# Guest code of instruction tests where the host's assembler does not know it.
ifneq ($(HOST_ARCH),x86_64)
ifneq ($(ROM_CC),)
TEST_CPPFLAGS = -DGUEST_OBJECT
GUEST_TESTS := $(patsubst tests/%.c,$(B)/tests/%,$(shell grep -lw GUEST $(wildcard tests/insn/test_*.c)))
$(GUEST_TESTS): $(B)/tests/%: $(B)/obj/tests/%.guest.o
$(B)/obj/tests/%.guest.o: tests/%.c tests/insn/machine.h tests/tools/guest_code.sh
	@mkdir -p $(@D)
	$(Q)tests/tools/guest_code.sh $< $@ '$(CC) $(filter-out -MMD -MP,$(CPPFLAGS)) $(CFLAGS)' '$(ROM_TOOLS)'
.PRECIOUS: $(B)/obj/tests/%.guest.o
$(B)/tests/golden/test_golden: $(B)/obj/tests/golden/seqs.guest.o
$(B)/obj/tests/golden/seqs.guest.o: $(wildcard tests/golden/*.s) tests/golden/seqs.sh
	@mkdir -p $(@D)
	$(Q)tests/golden/seqs.sh $@ '$(CC)' '$(ROM_TOOLS)' $(filter-out macros,$(basename $(notdir $(wildcard tests/golden/*.s))))
endif
endif

$(B)/tests/%: tests/%.c $(B)/obj/libtests.a $(B)/libfront.a $(B)/libdragoman.a
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(TEST_CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(filter %.guest.o,$^) $(B)/obj/libtests.a \
	    $(B)/libfront.a $(B)/libdragoman.a $(B)/libfront.a $(TEST_LIBS) $(LIBS) -lrt

.PRECIOUS: $(B)/tests/%
-include $(TEST_BIN:=.d) $(TEST_SHARED_OBJ:.o=.d)

check-units: $(TEST_BIN) roms
	@tests/tools/run_checks.sh $(B) $(TEST_BIN)

# The real guests, through the system's package client; what is there already is not fetched again.
check-boot: all
	@tests/tools/guests.sh $(B)/guests || echo "make check: without the guests that could not be fetched"
	@tests/tools/run_boots.sh $(B) $(BOOT_TESTS)

check: all layers
ifneq ($(HAVE_CHECK),yes)
	@echo "make check needs the Check library: 'make deps' installs it"; exit 1
endif
	+@$(MAKE) --no-print-directory check-units
	+@$(MAKE) --no-print-directory check-storm STORM_INSNS=1000000
	+@$(MAKE) --no-print-directory isa.md
	+@$(MAKE) --no-print-directory check-labs
	+@$(MAKE) --no-print-directory check-boot
	@echo "make check: all passed"

# Long: everything of check, a million random blocks, 10^8 random instructions, a million operations per device under the
# sanitizers, the lines of devices that tests run, the slow boots, the law of equal hashes.
check-full: check
	+@$(MAKE) --no-print-directory check-lock
	+@$(MAKE) --no-print-directory check-oracle
	+@$(MAKE) --no-print-directory check-storm
	+@$(MAKE) --no-print-directory check-qcow2
	+@$(MAKE) --no-print-directory check-laws-san
	+@$(MAKE) --no-print-directory coverage
	@tests/tools/guests.sh $(B)/guests full || echo "make check-full: without the guests that could not be fetched"
	@for a in i386 amd64; do tests/tools/roots.sh $(B)/guests $$a || echo "make check-full: without the $$a root"; done
	@tests/tools/run_boots.sh $(B) $(sort $(wildcard tests/boot/slow_*.sh))
	tests/tools/same_state.sh $(B) all
	tests/tools/second_opinion.sh $(B)
	tests/tools/second_dos.sh $(B)
	+@$(MAKE) --no-print-directory check-second

# Cross builds, their tests under qemu-user (README, "Cross builds"). Each in a folder below $(B). Their parts by themselves:
# make HOST=... check-cross-units (or -lock, -boot).
CROSS_BOOTS ?= tests/boot/test_demo.sh $(if $(filter a64,$(JIT)),tests/boot/test_linux_686.sh)
# Shares of the random series that fit emulated hosts; so many random programs run in lockstep.
CROSS_SHARES ?= LAW_OPS=5000 PRECISE_STEP=10 LONG_CASES=2000 UPPER_CASES=200 REP_TRIALS=60
LOCK_N ?= 20000
cross = GUESTS="$${GUESTS:-$(abspath $(B))/guests}" $(MAKE) --no-print-directory B=$(B)/$(1) HOST=$(1)
cross_check = @[ -d build/cross/$(1) ] || $(MAKE) --no-print-directory cross-libs HOST=$(1)
check-a64:
	$(call cross_check,aarch64-linux-gnu)
	@tests/tools/guests.sh $(B)/guests || echo "make check-a64: without the guests that could not be fetched"
	+$(call cross,aarch64-linux-gnu) check-cross
check-s390x:
	$(call cross_check,s390x-linux-gnu)
	+$(call cross,s390x-linux-gnu) check-cross
check-riscv64:
	$(call cross_check,riscv64-linux-gnu)
	+$(call cross,riscv64-linux-gnu) check-cross

ifneq ($(RUN),)
# Programs of the other host start through these.
$(B)/run: $(CONF)config.mak
	@printf '#!/bin/sh\nexec %s "$$@"\n' '$(RUN)' >$@ && chmod 755 $@
$(B)/dragoman.run: $(B)/run
	@printf '#!/bin/sh\nexec %s "%s" "$$@"\n' '$(RUN)' '$(abspath $(B))/dragoman' >$@ && chmod 755 $@
check-units check-boot check-cross-units check-cross-lock check-cross-boot: $(B)/run $(B)/dragoman.run
endif
CROSS_LOCK = $(B)/tests/lock/test_lock
check-cross-units: all $(TEST_BIN)
	@CK_DEFAULT_TIMEOUT=3600 CK_TIMEOUT_MULTIPLIER=20 $(CROSS_SHARES) tests/tools/run_checks.sh $(B) $(filter-out $(CROSS_LOCK),$(TEST_BIN))
# The series has nine parts; of what it is given 2.25 are programs in translated code.
check-cross-lock: $(CROSS_LOCK)
	@CK_DEFAULT_TIMEOUT=36000 CK_TIMEOUT_MULTIPLIER=20 DRAGOMAN_LOCK=$$(($(LOCK_N) * 4 / 9)) tests/tools/run_checks.sh $(B) $(CROSS_LOCK)
check-cross-boot: all
	@TEST_SLOW=10 tests/tools/run_boots.sh $(B) $(CROSS_BOOTS)
check-cross:
	+@$(MAKE) --no-print-directory check-cross-units
	+@$(MAKE) --no-print-directory check-cross-lock
	+@$(MAKE) --no-print-directory check-cross-boot
	@echo "make check-cross: all passed on $(HOST_ARCH)"

# The same tests on other builds of the same tree, in folders of their own.
variant = rm -rf $(1) && mkdir -p $(1) && git ls-files -z | xargs -0 cp --parents -t $(1) && \
	mkdir -p $(1)/build && if [ -d $(B)/guests ]; then ln -sfn $(abspath $(B))/guests $(1)/build/guests; fi && \
	cd $(1) && ./configure $(2) && CK_DEFAULT_TIMEOUT=900 $(MAKE) all check-units
check-san:
	$(call variant,$(B)/san,--enable-san)
check-torture:
	$(call variant,$(B)/torture,--enable-torture)

# Builds of this tree with other options, in folders below $(B), made again only where the tree changed.
built = @[ -f $(1)/config.mak ] || { mkdir -p $(1) && ./configure --cc='$(CC)' --out=$(1) $(2) >/dev/null; }

# The laws of every device with a million random operations each, under the sanitizers; LAW_OPS and LAW_JOBS change that.
check-laws-san:
	$(call built,$(B)/san-laws,--enable-san)
	+@$(MAKE) --no-print-directory B=$(B)/san-laws $(B)/san-laws/tests/dev/test_laws
	@tests/tools/laws.sh $(B)/san-laws/tests/dev/test_laws

# The lines of each device file that the tests of devices run, without the laws: those ask for survival only.
COVER_TESTS = $(patsubst tests/%.c,%,$(filter-out tests/dev/test_laws.c,$(wildcard tests/dev/test_*.c)) \
	$(addprefix tests/unit/test_,core.c log.c codebuf.c loader.c) tests/state/test_snapshot.c)
COVER_LEAST ?= 90
coverage:
	$(call built,$(B)/cover,--enable-coverage)
	+@$(MAKE) --no-print-directory B=$(B)/cover $(COVER_TESTS:%=$(B)/cover/tests/%)
	@find $(B)/cover -name '*.gcda' -delete
	@CK_DEFAULT_TIMEOUT=600 CK_TIMEOUT_MULTIPLIER=10 tests/tools/run_checks.sh $(B)/cover $(COVER_TESTS:%=$(B)/cover/tests/%)
	@tests/tools/coverage.sh $(B)/cover $(COVER_LEAST)

.PHONY: golden-update check-units check-boot check-full check-laws-san coverage check-cross check-cross-units check-cross-lock check-cross-boot check-a64 check-s390x check-riscv64
-include tests/bench/rules.mk
-include tests/fuzz/rules.mk
-include tests/tools/rules.mk
-include tests/lock/rules.mk
