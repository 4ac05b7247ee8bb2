# SPDX-License-Identifier: GPL-2.0
#
# Verbs only: what they do is in kernel/scripts, tests and tools.

# What the scripts understand, from the command line or the environment.
export KSRC KORG_URL KORG_SHA256 FORCE JOBS

S	:= kernel/scripts
ARGS	?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

help:
	@echo 'First, as root on Debian 12:'
	@echo '  make run        install what is missing, build, boot, and show what the pool does'
	@echo '  make test       everything that proves it (T=GLOB: only tests of that name)'
	@echo
	@echo 'Testing:'
	@echo '  make check      series, sources, core in userspace, command; no kernel, under 45 s'
	@echo '  make kunit      the KUnit suites'
	@echo '  make test-long  with KASAN, long stresses and soak'
	@echo '  make regress    upstream selftests on the stock kernel and on this one (T=GLOB)'
	@echo '  make shell      a prompt in the guest (ARGS="--mem 6G,4G --append hugepool=1G:1@0")'
	@echo '  make bench      the figures'
	@echo
	@echo 'Building:'
	@echo '  make deps       install the packages of configs/packages.host'
	@echo '  make prepare    build/linux: the base kernel and the series as commits'
	@echo '  make kernel     the debug kernel, which all tests use'
	@echo '  make release    the kernel for figures'
	@echo '  make tools      the hugepool command'
	@echo
	@echo 'The series:'
	@echo '  make refresh    commits in build/linux -> kernel/  (FOLD=1: uncommitted edits, too)'
	@echo '  make export     write it as mail, to build/export'
	@echo '  make bisect     build each step with CONFIG_HUGEPOOL=y and =n (STEPS=3-5)'
	@echo
	@echo '  make clean      remove what was built; the fetched source and build/linux stay'
	@echo
	@echo 'KSRC=<tree or tarball of the base kernel>   JOBS=<compilers at once>'
	@echo 'FORCE=1 sets work in build/linux aside that is not in kernel/ yet'

deps:
	@$(S)/deps

prepare: deps
	@$(S)/prepare

kernel: prepare
	@$(S)/build debug

release: prepare
	@$(S)/build release

kasan: prepare
	@$(S)/build kasan

tools: deps
	@$(MAKE) -s --no-print-directory -C tools

guest: deps
	@tests/qemu/image

run: kernel tools guest
	@tests/demo/run

test: kernel tools guest
	@tests/run $(if $(T),-T '$(T)')

test-long: kasan tools guest
	@tests/run --long $(if $(T),-T '$(T)')

regress: prepare guest
	@tests/regress/run $(if $(T),-T '$(T)') $(ARGS)

check: deps
	@tests/run -T lint -T sim -T cli

kunit: kernel guest
	@tests/run -T kunit

shell: kernel tools guest
	@tests/qemu/run --interactive $(ARGS)

bench: release tools guest
	@tests/bench/run $(ARGS)

refresh: prepare
	@$(S)/refresh $(if $(FOLD),--fold)

export: prepare
	@$(S)/export

bisect: prepare
	@$(S)/bisect $(STEPS)

# build/linux and what FORCE=1 set aside may hold work that is nowhere else.
clean:
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 -type d ! -name base ! -name ccache \
		! -name 'linux*' -exec rm -rf {} +
	@[ ! -d build/linux/.git ] || git -C build/linux worktree prune

.PHONY: help deps prepare kernel release kasan tools guest run test test-long regress \
	check kunit shell bench refresh export bisect clean
