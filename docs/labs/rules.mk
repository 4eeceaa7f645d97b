# The course (docs/labs/README.md): make lab-start N=3, make lab N=3, make labs; make plots draws what techniques buy.
LAB_NEEDS = $(B)/dragoman $(B)/obj/libtests.a $(B)/libfront.a $(B)/libdragoman.a roms
LAB_ENV = B='$(B)' LAB_CC='$(CC)' LAB_CPPFLAGS='$(filter-out -MMD -MP,$(CPPFLAGS))' LAB_CFLAGS='$(CFLAGS)' LAB_LDFLAGS='$(LDFLAGS)' \
	LAB_LIBS='$(LIBS) -lrt' LAB_TEST_LIBS='$(if $(filter yes,$(HAVE_CHECK)),$(TEST_LIBS))' ROM_CC='$(ROM_CC)' ROM_TOOLS='$(ROM_TOOLS)' \
	ROM_CPPFLAGS='$(filter-out -MMD -MP,$(ROM_CPPFLAGS))' ROM_CFLAGS='$(ROM_CFLAGS)' ROM_LDFLAGS='$(ROM_LDFLAGS)'

# LAB_DIR=FOLDER tries another folder than labs/NAME: a teacher's way to grade.
lab: $(LAB_NEEDS)
	@$(LAB_ENV) docs/labs/lab.sh check '$(N)' $(LAB_DIR)
lab-start:
	@B='$(B)' docs/labs/lab.sh start '$(N)'
lab-rom: $(LAB_NEEDS)
	@$(LAB_ENV) docs/labs/lab.sh rom '$(N)' $(LAB_DIR)
lab-program: $(LAB_NEEDS)
	@$(LAB_ENV) docs/labs/lab.sh program '$(N)' $(LAB_DIR)
labs: $(LAB_NEEDS)
	@$(LAB_ENV) docs/labs/lab.sh all

# Every template misses something, every solution passes, and what the texts name is there.
ifneq ($(HOST_ARCH)$(ROM_CC),x86_64$(or $(ROM_CC),none))
check-labs:
	@tests/tools/lab_names.sh
	@echo "labs: their guests are x86 code, assembled by an x86-64 host's compiler: not tried here"
else
check-labs: $(LAB_NEEDS)
	@tests/tools/lab_names.sh
	@$(LAB_ENV) docs/labs/lab.sh prove
endif

.PHONY: lab lab-start lab-rom lab-program labs check-labs plots

# What each technique of the translator buys, as figures and bars (docs/labs/README.md, "make plots"). A minute or two; make
# plots-docs puts them where the course shows them.
LABB := $(B)/labs
$(LABB)/buys: $(B)/obj/docs/labs/plots/buys.o $(B)/obj/libtests.a $(B)/libdragoman.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(B)/obj/libtests.a $(B)/libdragoman.a $(TEST_LIBS) $(LIBS) -lrt
-include $(B)/obj/docs/labs/plots/buys.d
plots: $(LABB)/buys
	$(LABB)/buys >$(LABB)/techniques.csv
	awk -f tests/bench/svg.awk -f docs/labs/plots/plot.awk $(LABB)/techniques.csv >$(LABB)/techniques.svg
	@column -s, -t $(LABB)/techniques.csv 2>/dev/null || cat $(LABB)/techniques.csv
	@echo "make plots: $(LABB)/techniques.csv, $(LABB)/techniques.svg"
plots-docs:
	cp $(LABB)/techniques.csv $(LABB)/techniques.svg docs/labs/
.PHONY: plots-docs
