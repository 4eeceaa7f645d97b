# Builds Dragoman. `make` builds, `make run` boots the built-in guest, `make check` tests; `make help` lists the rest.
# HOST=TRIPLET builds for another host in build/TRIPLET. A build folder with a config.mak of its own uses that.
ifeq ($(origin HOST),command line)
B ?= build/$(HOST)
CONF = $(B)/
else
B ?= build
CONF = $(if $(wildcard $(B)/config.mak),$(B)/)
endif
.DEFAULT_GOAL = all

# As many compilations at a time as there are processors, unless told otherwise.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif

DEB_PACKAGES = gcc make pkg-config zlib1g-dev libsdl2-dev libcapstone-dev libslirp-dev libzstd-dev libnbd-dev libvncserver-dev libncurses-dev libjansson-dev check seabios ipxe-qemu
DEB_TEST_PACKAGES = busybox-static cpio xz-utils file xorriso mtools qemu-utils gdb
deps:
	@if command -v apt-get >/dev/null 2>&1; then \
	    need=; for p in $(DEB_PACKAGES) $(DEB_TEST_PACKAGES); do \
	        dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || need="$$need $$p"; done; \
	    if [ -n "$$need" ]; then \
	        sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	        $$sudo apt-get update -q && $$sudo env DEBIAN_FRONTEND=noninteractive \
	            apt-get install -q -y --no-install-recommends $$need && rm -f config.mak; \
	    fi; \
	else \
	    echo "Not a Debian system. Install the equivalents of: $(DEB_PACKAGES) $(DEB_TEST_PACKAGES)"; \
	fi

# "make deps run": install first, then start over, since configure looks at what is installed.
AFTER_DEPS = $(filter-out deps,$(MAKECMDGOALS))
ifneq ($(filter deps,$(MAKECMDGOALS)),)
.PHONY: deps $(AFTER_DEPS)
.NOTPARALLEL:
$(AFTER_DEPS): deps
	+@$(MAKE) --no-print-directory $@
else

ifeq ($(filter clean distclean help format layers cross-libs,$(MAKECMDGOALS)),)
-include $(CONF)config.mak
endif
$(CONF)config.mak: configure
	./configure $(if $(CONF),--out=$(B) $(addprefix --host=,$(or $(HOST_TRIPLET),$(HOST))))
$(CONF)config.h: $(CONF)config.mak

# make V=1 shows whole command lines.
Q = $(if $(V),,@)
say = @$(if $(V),:,echo '  $(1)  $(2)')

CC ?= cc
CPPFLAGS = $(CONF:%/=-I%) -I. -I$(B) -include $(CONF)config.h -MMD -MP

# Every folder of these has code; what the tests link without the command line comes first.
FRONT_LIB_DIRS = frontend/boot frontend/fs frontend/host frontend/image
LIB_DIRS = $(patsubst %/,%,$(wildcard devices/*/)) mmu cpu cpu/isa cpu/fp cpu/sys cpu/exec cpu/ir cpu/tr cpu/jit $(FRONT_LIB_DIRS)
LIB_DIRS += cpu/jit/$(if $(filter x64 a64,$(JIT)),$(JIT),none)
FRONT_DIRS = frontend $(filter-out $(FRONT_LIB_DIRS),$(patsubst %/,%,$(wildcard frontend/*/)))

LIB_SRC = $(sort $(wildcard $(addsuffix /*.c,$(LIB_DIRS))))
FRONT_SRC = $(sort $(wildcard $(addsuffix /*.c,$(FRONT_DIRS))))
LIB_OBJ = $(LIB_SRC:%.c=$(B)/obj/%.o)
FRONT_OBJ = $(FRONT_SRC:%.c=$(B)/obj/%.o)
DEPS = $(LIB_OBJ:.o=.d) $(FRONT_OBJ:.o=.d)

all: $(B)/dragoman roms

$(B)/obj/%.o: %.c $(CONF)config.h
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS_$(basename $(notdir $<))) -c $< -o $@

$(B)/libdragoman.a: $(LIB_OBJ)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

# The frontend without main, for the program and for the tests of its parts.
$(B)/libfront.a: $(filter-out %/main.o,$(FRONT_OBJ))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/dragoman: $(B)/obj/frontend/main.o $(B)/libfront.a $(B)/libdragoman.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(B)/libfront.a $(B)/libdragoman.a $(B)/libfront.a $(LIBS)

-include $(DEPS)
-include roms/rules.mk
-include tests/rules.mk
-include docs/labs/rules.mk

.PHONY: all run roms check check-full check-san check-laws-san check-torture coverage bench fuzz layers format deps guests cross-libs install uninstall \
	clean distclean help

run: all
	$(B)/dragoman demo

layers:
	@tests/tools/layers.sh

format:
	clang-format -i $$(git ls-files '*.c' '*.h')

# Libraries of another host, and a qemu-user that keeps rewritten code right, for cross builds and their tests.
cross-libs:
	tests/tools/cross_libs.sh $(HOST)
	tests/tools/qemu10.sh build/qemu10 user

guests:
	tests/tools/guests.sh $(B)/guests

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/dragoman $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(B)/dragoman $(DESTDIR)$(PREFIX)/bin/dragoman
	install -d $(DESTDIR)$(PREFIX)/include
	install -m 644 frontend/plugin/dragoman-plugin.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(B)/roms/*.bin $(DESTDIR)$(PREFIX)/share/dragoman/
	$(B)/dragoman --print-man > $(DESTDIR)$(PREFIX)/share/man/man1/dragoman.1

uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/bin/dragoman $(DESTDIR)$(PREFIX)/share/dragoman $(DESTDIR)$(PREFIX)/include/dragoman-plugin.h \
	    $(DESTDIR)$(PREFIX)/share/man/man1/dragoman.1

clean:
	rm -rf $(B)/obj $(B)/roms $(B)/tests $(B)/dragoman $(B)/libdragoman.a $(B)/libfront.a

distclean: clean
	rm -rf config.mak config.h config.log build

help:
	@echo 'all run check check-full check-san check-torture bench fuzz layers format deps guests install uninstall clean'
	@echo 'the course (docs/labs): lab-start N=1, lab N=1, labs, lab-rom N=1, lab-program N=9, plots'

endif
