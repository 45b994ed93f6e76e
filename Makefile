# vexipc: the module, the library, the tools.
#
#   make && sudo make install && sudo modprobe vexipc
#
# needs Debian 13's make, gcc, clang, llvm, bpftool, pkgconf, pahole, the running
# kernel's headers and the libraries' -dev packages (docs/operations.md), and nothing of scripts/.
#
#   all install uninstall     the module, for one kernel, and the user space
#   demo                      three services and a real text, in a virtual machine
#   test test-debug test-long everything there is to pass; under a debug kernel;
#                             the slow parts
#   check                     checkpatch, kernel-doc, sparse, W=1, shellcheck
#   bench                     instructions a round trip: beside peers, with telemetry,
#                             among many services
#   bench-compare REV=...     the same of a git revision and of this tree: what moved;
#                             OPTIONS='--depth 1 ...' goes to both
#   clean                     removes build/
#
#   KDIR=...      the kernel's build folder (the running kernel's)
#   DESTDIR=...   install below it
#   PREFIX=...    /usr
#   BUILD=...     where to build (build)
#   V=1           show commands
#   KERNEL_FLAGS= to the kernel's make: W=1, C=2, ...
#
# How it is put together: kmod/ has a Kbuild of its own. The user space is listed
# in files named build.mk in bpf/, tools/*/ and tests/*/, which call the macros of
# mk/rules.mk; the rules are there, once.

BUILD ?= build
out := $(abspath $(BUILD))
KREL ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KREL)/build
PREFIX ?= /usr
Q := $(if $(V),,@)
# make -s is quiet altogether.
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),@:,@printf '  %-7s %s\n' $1 $2)

.PHONY: all
all: modules userspace

include mk/rules.mk
$(foreach fragment,$(sort $(wildcard bpf/build.mk tools/*/build.mk tests/*/build.mk)),\
	$(eval here := $(patsubst %/,%,$(dir $(fragment))))\
	$(eval include $(fragment)))

# The module is built outside the tree, in a folder for its kernel: kmod/ and
# include/ are there as symbolic links, since 6.12 cannot do it otherwise.
kernel_out := $(out)/$(KREL)

.PHONY: modules
modules:
	$(call say,MODULES,$(KREL))
	$(Q)mkdir -p $(kernel_out)
	$(Q)find $(kernel_out) -xtype l -delete
	$(Q)cp -rsf $(CURDIR)/kmod $(CURDIR)/include $(kernel_out)/
	$(Q)+$(MAKE) -C $(KDIR) M=$(kernel_out)/kmod $(if $(V),V=1,--no-print-directory) \
		$(KERNEL_FLAGS) modules

.PHONY: userspace
userspace: $(programs) $(libraries) $(policies)

include mk/install.mk

.PHONY: demo test test-debug test-long check
demo test test-debug test-long check:
	$(Q)+scripts/$@

.PHONY: bench
bench:
	$(Q)+scripts/bench
	$(Q)+scripts/bench --telemetry
	$(Q)+scripts/bench --crowd

.PHONY: bench-compare
bench-compare:
	$(Q)+scripts/bench-compare '$(REV)' $(OPTIONS)

.PHONY: clean
clean:
	$(Q)rm -rf $(out)

.PHONY: help
help:
	@sed -n '/^#/!q;s/^# \{0,1\}//p' Makefile
