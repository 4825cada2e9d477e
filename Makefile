# SPDX-License-Identifier: GPL-2.0-only
#
# Targets only; the work is done in the folders. BUILD is where everything made
# goes, KVER the kernel that modules are made for and demos run on.

BUILD ?= $(CURDIR)/build
KVER ?= 6.12
KVERS = 6.1 6.12
override BUILD := $(abspath $(BUILD))
export BUILD KVER
# Several goals, as in "make clean test", are one after the other.
ifeq ($(MAKELEVEL)$(word 2,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

all: deps
	$(MAKE) -s -C tools BUILD=$(BUILD)

help:
	@echo 'make             tools, in build/bin'
	@echo 'make deps        what Debian packages and kernels are needed'
	@echo 'make modules     vfio.ko and the others for KVER=6.1|6.12|PATH'
	@echo 'make demo        a VM, passthrough clients, and the tools on them'
	@echo 'make test        everything that must hold; ends with a count'
	@echo 'make soak        all clients together for MINUTES=10 on each kernel'
	@echo 'make compatibility   the same clients and calls behind every IOMMU'
	@echo 'make check       style and static checks alone, no VM'
	@echo 'make debug-kernel, make torture   the tests under KASAN and lockdep'
	@echo 'make sanitize    the tools under ASan, UBSan and valgrind'
	@echo 'make bench       what mapping, tracing and the tools cost'
	@echo 'make install, make dkms, make deb   the usual ways onto a host'
	@echo 'make fleet       three hosts, a real Prometheus, every alert and panel'
	@echo 'make fleet-scale   after it: what 1,000 such hosts cost a Prometheus'
	@echo 'make demo-dashboards   the same on show, until a key is pressed'
	@echo 'make dashboards  those for Grafana, in build/dashboards'
	@echo 'make clean       forget build/ (the cache of kernels stays)'

deps:
	@selftests/vm/deps

modules: deps
	module/build $(KVER) $(BUILD)

modules-all: deps
	set -e; for kver in $(KVERS); do module/build $$kver $(BUILD); done

selftests: deps
	$(MAKE) -s -C selftests BUILD=$(BUILD)
	set -e; for kver in $(KVERS); do selftests/consumers/build $$kver $(BUILD); done

demo: all modules selftests
	selftests/demo/run

# What everybody builds may warn, with a compiler of tomorrow; what is tested may not.
test check: export STRICT := 1

test: all modules-all selftests
	selftests/run-tests

# MODULES says what to run on; to a build it would be the names of some modules.
soak: deps
	$(MAKE) MODULES= all modules-all selftests
	selftests/clients/soak $(if $(filter file,$(origin KVER)),$(KVERS),$(KVER))

fleet: all modules-all selftests
	selftests/fleet/run test

fleet-scale: deps
	selftests/fleet/scale $(BUILD)/fleet/scrape

demo-dashboards: all modules-all selftests
	selftests/fleet/run show

compatibility: all modules-all selftests
	EVERY_IOMMU=1 selftests/run-tests '^(uapi|clients)'

check: all modules-all selftests
	selftests/check/run

debug-kernel: deps
	selftests/torture/debug-kernel

torture: all selftests debug-kernel
	module/build debug $(BUILD)
	selftests/torture/run

sanitize: all modules-all
	selftests/sanitize/run

bench: all modules selftests
	selftests/bench/run

dashboards:
	dashboards/grafana build $(BUILD)/dashboards

install: all
	packaging/install tools
	@echo 'tools are installed; `make dkms` installs the modules'

uninstall:
	packaging/install tools remove

dkms:
	packaging/install dkms
	dkms install -m vfioscope -v $$(packaging/version)

deb: all
	packaging/deb

clean:
	rm -rf $(BUILD)

.PHONY: all help deps modules modules-all selftests demo test soak fleet fleet-scale \
	demo-dashboards compatibility check \
	debug-kernel torture sanitize bench dashboards install uninstall dkms deb clean
