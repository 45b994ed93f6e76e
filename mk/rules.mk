# Macros and rules for the user space. A build.mk lists what its folder makes:
#
#   $(call program,NAME,SOURCES,LIBS)   installed in $(PREFIX)/bin
#   $(call helper,NAME,SOURCES,LIBS)    for the tests in the virtual machine
#   $(call library,NAME,SOURCES,LIBS)   libNAME.so.1 and libNAME.a
#   $(call bpf,NAME)                    NAME.bpf.c as $(out)/bpf/NAME.bpf.o
#   $(call policy,NAME)                 the same, installed for vexipc policy load
#   $(call test_policy,NAME)            the same, of tests/bpf/, for the tests
#   $(call uses_bpf,SOURCE,NAME)        SOURCE includes NAME.skel.h, the skeleton
#   $(call unit,NAME,SOURCES,LIBS)      a test program run on the host, built
#                                       with ASan and UBSan, which prints TAP
#
# SOURCES are in the folder, or, with a slash, paths from the tree's top.
# LIBS are pkg-config names, -l options, and `vexipc` for our own library.
# Options for one source: `CFLAGS_tools/x/file.c := -O3`, before the call.
#
# A library's symbols and versions are in NAME.map beside its build.mk.
# Whatever is named *.1 to *.8 in a tool's folder is a man page and gets
# installed; see mk/install.mk for this and the like.

CC ?= gcc
CFLAGS ?= -O2 -g
std_cflags := -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Werror \
	-I$(CURDIR)/include/uapi -I$(CURDIR)/tools/lib/include -I$(CURDIR)/tools/lib
san_cflags := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

programs :=
helpers :=
units :=
libraries :=

sources = $(foreach s,$1,$(if $(findstring /,$s),$s,$(here)/$s))
# objects KIND,SOURCES: KIND is obj, pic (for the library) or san (with sanitizers).
objects = $(patsubst %.c,$(out)/$1/%.o,$2)
packages = $(filter-out vexipc -%,$1)
ours = $(filter vexipc,$1)
ldflags = $(if $(packages),$$(pkg-config --libs $(packages))) $(filter -%,$1)

# note_packages SOURCES,LIBS: which pkg-config cflags each source wants.
note_packages = $(foreach s,$1,$(eval pkg_$s := $(sort $(pkg_$s) $(call packages,$2))))

define link_program
$$(call note_packages,$$(call sources,$2),$3)
$(out)/$4/$1: $$(call objects,obj,$$(call sources,$2)) $$(if $$(call ours,$3),$(out)/lib/libvexipc.so)
$(out)/$4/$1: libs := $3
endef

program = $(eval $(call link_program,$1,$2,$3,bin))$(eval programs += $(out)/bin/$1)
helper = $(eval $(call link_program,$1,$2,$3,helpers))$(eval helpers += $(out)/helpers/$1)

define make_unit
$$(call note_packages,$$(call sources,$2),$3)
$(out)/unit/$1: $$(call objects,san,$$(call sources,$2)) $$(if $$(call ours,$3),$(out)/san/libvexipc.a)
$(out)/unit/$1: libs := $3
units += $(out)/unit/$1
endef
unit = $(eval $(call make_unit,$1,$2,$3))

define make_library
needs_$1 := $3
$$(call note_packages,$$(call sources,$2),$3)
$(out)/lib/lib$1.so: $(here)/$1.map $$(call objects,pic,$$(call sources,$2))
$(out)/lib/lib$1.so: libs := $3
$(out)/lib/lib$1.so: version_script := $(here)/$1.map
$(out)/lib/lib$1.a: $$(call objects,obj,$$(call sources,$2))
$(out)/san/lib$1.a: $$(call objects,san,$$(call sources,$2))
libraries += $(out)/lib/lib$1.so $(out)/lib/lib$1.a
endef
library = $(eval $(call make_library,$1,$2,$3))

compile = $(CC) $(std_cflags) $(CFLAGS) $(CPPFLAGS) $(CFLAGS_$*.c) \
	$(if $(pkg_$*.c),$$(pkg-config --cflags $(pkg_$*.c))) -MMD -MP -c -o $@ $<
own_objects = $(filter %.o,$^)

$(out)/obj/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(compile)

$(out)/pic/%.o: %.c
	$(call say,CC,$< '[pic]')
	@mkdir -p $(@D)
	$(Q)$(compile) -fPIC

$(out)/san/%.o: %.c
	$(call say,CC,$< '[sanitized]')
	@mkdir -p $(@D)
	$(Q)$(compile) $(san_cflags)

$(out)/lib/%.so:
	$(call say,LD,lib/$(@F))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,$(@F).1 -Wl,-z,defs \
		-Wl,--version-script=$(version_script) -o $@.1 $(own_objects) $(call ldflags,$(libs))
	$(Q)ln -sf $(@F).1 $@

%.a:
	$(call say,AR,$(@F))
	@mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(own_objects)

define link
	$(call say,LD,$(@F))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(own_objects) \
		$(if $(call ours,$(libs)),-L$(out)/lib -lvexipc) $(call ldflags,$(libs))
endef

$(out)/bin/%:
	$(link)

$(out)/helpers/%:
	$(link)

$(out)/unit/%:
	$(call say,LD,$(@F) '[sanitized]')
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(san_cflags) -o $@ $(own_objects) $(filter %.a,$^) $(call ldflags,$(libs))

# BPF: for any machine that its map and register names are right for.
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= bpftool
bpf_cflags := -target bpf -mcpu=v3 -O2 -g -std=gnu17 -Wall -Wextra -Wno-unused-parameter -Werror \
	-I/usr/include/$(shell $(CC) -print-multiarch) -I$(CURDIR)/include/uapi -I$(CURDIR)/bpf
bpf_objects :=
policies :=
test_policies :=
bpf = $(eval bpf_objects += $(out)/bpf/$1.bpf.o)
policy = $(eval policies += $(out)/bpf/$1.bpf.o)
test_policy = $(eval test_policies += $(out)/test-bpf/$1.bpf.o)
define include_skeleton
$(foreach kind,obj pic san,$(out)/$(kind)/$(here)/$(patsubst %.c,%.o,$1)): $(out)/bpf/$2.skel.h
CFLAGS_$(here)/$1 := -I$(out)/bpf
endef
uses_bpf = $(eval $(call include_skeleton,$1,$2))

define compile_bpf
	$(call say,BPF,$(<F))
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(bpf_cflags) -MMD -MP -c -o $@ $<
	$(Q)$(LLVM_STRIP) -g $@
endef

$(out)/bpf/%.bpf.o: $(CURDIR)/bpf/%.bpf.c
	$(compile_bpf)

$(out)/test-bpf/%.bpf.o: $(CURDIR)/tests/bpf/%.bpf.c
	$(compile_bpf)

# A step on the way to a skeleton, which make would delete and make again.
.PRECIOUS: $(out)/bpf/%.bpf.o

$(out)/bpf/%.skel.h: $(out)/bpf/%.bpf.o
	$(call say,SKEL,bpf/$(@F))
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf >$@.new
	$(Q)mv $@.new $@

-include $(shell find $(out)/obj $(out)/pic $(out)/san $(out)/bpf $(out)/test-bpf -name '*.d' 2>/dev/null)
