# What is installed where. `files` is the one list: mode:source:destination.

bindir := $(PREFIX)/bin
libdir := $(PREFIX)/lib
incdir := $(PREFIX)/include
sharedir := $(PREFIX)/share
module_dir := /lib/modules/$(KREL)/updates

# each PATTERN,FOLDER: whatever matches goes there under its own name.
each = $(foreach f,$(wildcard $1),644:$f:$2/$(notdir $f))

files = $(foreach p,$(programs),755:$p:$(bindir)/$(notdir $p)) \
	$(foreach l,$(filter %.so,$(libraries)),755:$l.1:$(libdir)/$(notdir $l).1) \
	$(foreach l,$(filter %.a,$(libraries)),644:$l:$(libdir)/$(notdir $l)) \
	$(foreach l,$(filter %.so,$(libraries)),644:$(out)/lib/pkgconfig/$(patsubst lib%.so,%,$(notdir $l)).pc:$(libdir)/pkgconfig/$(patsubst lib%.so,%,$(notdir $l)).pc) \
	644:include/uapi/linux/vexipc.h:$(incdir)/linux/vexipc.h \
	$(call each,tools/lib/include/vexipc/*.h,$(incdir)/vexipc) \
	$(foreach n,1 3 5 7 8,$(call each,tools/*/*.$n,$(sharedir)/man/man$n)) \
	$(foreach f,$(wildcard tools/*/*.bash-completion),644:$f:$(sharedir)/bash-completion/completions/$(basename $(notdir $f))) \
	$(call each,tools/*/*.service,$(libdir)/systemd/system) \
	$(call each,tools/*/*.rules,$(libdir)/udev/rules.d) \
	$(foreach f,$(wildcard tools/*/*.sysusers),644:$f:$(libdir)/sysusers.d/$(basename $(notdir $f)).conf) \
	$(call each,bpf/telemetry.h bpf/policy.h,$(incdir)/vexipc/bpf) \
	$(foreach p,$(policies),644:$p:$(libdir)/vexipc/bpf/$(notdir $p)) \
	644:include/uapi/linux/vexipc_policy.h:$(incdir)/linux/vexipc_policy.h \
	$(call each,docs/netlink/*.yaml,$(sharedir)/vexipc/netlink)

# Other modules build against these.
files += 644:include/linux/vexipc.h:$(PREFIX)/src/vexipc/include/linux/vexipc.h \
	644:include/uapi/linux/vexipc.h:$(PREFIX)/src/vexipc/include/uapi/linux/vexipc.h \
	644:$(kernel_out)/kmod/Module.symvers:$(PREFIX)/src/vexipc/$(KREL)/Module.symvers

.PHONY: install
install: all $(patsubst %.so,$(out)/lib/pkgconfig/%.pc,$(patsubst lib%,%,$(notdir $(filter %.so,$(libraries)))))
	$(call say,INSTALL,$(or $(DESTDIR),/))
	$(Q)for file in $(files); do \
		IFS=:; set -- $$file; unset IFS; \
		install -D -m $$1 $$2 $(DESTDIR)$$3 || exit; \
	done
	$(Q)for so in $(notdir $(filter %.so,$(libraries))); do \
		ln -sf $$so.1 $(DESTDIR)$(libdir)/$$so || exit; \
	done
	$(Q)changed=; for ko in $(kernel_out)/kmod/*.ko $(kernel_out)/kmod/*/*.ko; do \
		[ -e $$ko ] || continue; \
		strip --strip-debug -o $$ko.stripped $$ko || exit; \
		there=$(DESTDIR)$(module_dir)/$${ko##*/}; \
		cmp -s $$ko.stripped $$there || changed=1; \
		install -D -m 644 $$ko.stripped $$there || exit; \
	done; \
	[ -z "$$changed" ] || depmod $(if $(DESTDIR),-b $(DESTDIR)) $(KREL)
	$(Q)[ -n "$(DESTDIR)" ] || ldconfig

.PHONY: uninstall
uninstall:
	$(Q)for file in $(files); do rm -f $(DESTDIR)$${file##*:}; done
	$(Q)rm -f $(foreach l,$(filter %.so,$(libraries)),$(DESTDIR)$(libdir)/$(notdir $l))
	$(Q)rm -f $(DESTDIR)$(module_dir)/vexipc*.ko
	$(Q)rm -rf $(DESTDIR)$(PREFIX)/src/vexipc $(DESTDIR)$(PREFIX)/lib/vexipc
	$(Q)depmod $(if $(DESTDIR),-b $(DESTDIR)) $(KREL)

# What only the tests need.
.PHONY: install-helpers
install-helpers: $(helpers) $(test_policies)
	$(Q)for file in $(helpers); do \
		install -D -m 755 -t $(DESTDIR)$(PREFIX)/lib/vexipc/tests $$file || exit; \
	done
	$(Q)for file in $(test_policies); do \
		install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/vexipc/tests $$file || exit; \
	done

.PHONY: unit
unit: $(units)

$(out)/lib/pkgconfig/%.pc:
	@mkdir -p $(@D)
	$(Q)printf '%s\n' 'Name: lib$*' 'Description: embedding requests through the kernel' \
		'Version: 1' 'Cflags: -I$(incdir)' 'Libs: -L$(libdir) -l$*' \
		'Requires.private: $(call packages,$(needs_$*))' \
		'Libs.private: $(filter -%,$(needs_$*))' >$@
