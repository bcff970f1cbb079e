# No target writes outside of this folder. Builds go to .venv, target, dist and build.
# Requirements: Python >= 3.10 with venv, a Rust toolchain, make.

# The tests start thousands of processes; compiled Python files spare each of them the compilation.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST_SOURCES := $(shell find rust/core/src rust/io/src rust/journal/src rust/load/src rust/python/src -name '*.rs') \
	Cargo.toml Cargo.lock rust/core/Cargo.toml rust/io/Cargo.toml rust/journal/Cargo.toml rust/load/Cargo.toml rust/python/Cargo.toml

NEEDS_CARGO = command -v cargo >/dev/null \
	|| { echo "clnwire needs a Rust toolchain (cargo); see https://rustup.rs"; exit 1; }

# The benchmarks' peers in Rust. The suite builds them in the same folder.
BENCHES := --manifest-path benches/Cargo.toml --target-dir target/benches
WHERE_BENCHES_RUN = [ "$$(uname)" = Linux ] || { echo "skipped: the benchmarks' peers need Linux"; exit 0; }

.PHONY: help demo develop test test-node test-faults test-valgrind test-rust test-models test-python coverage coverage-rust lint docs format \
	bench bench-quick bench-micro bench-instructions reliability build clean
.PHONY: wheel sdist test-wheel portable-wheels

help:
	@echo "make demo         runs a simulated node that replicates its database through a plugin"
	@echo "make test         runs all tests"
	@echo "make test-node    runs the tests that need a real lightningd, on the PATH or in LIGHTNINGD"
	@echo "make test-faults  injects errors and signals at every system call; takes an hour or two"
	@echo "make test-valgrind  runs what has unsafe blocks under valgrind's memcheck"
	@echo "make coverage     runs the Python tests and lists the lines and branches that did not run"
	@echo "make coverage-rust  measures the lines of rust/core and rust/io that their tests run"
	@echo "make test-models  checks the locks and atomics of rust/io with loom"
	@echo "make develop      builds the extension quickly, for development; make build optimises it"
	@echo "make lint         runs formatters, linters, type checkers and stubtest"
	@echo "make docs         builds the docs' site in build/docs/html; warnings are errors"
	@echo "make bench        measures clnwire and other SDKs; renews the docs' tables and plots"
	@echo "make bench-quick  runs every benchmark briefly"
	@echo "make bench-micro  measures each step of a message, and checks the budgets"
	@echo "make bench-instructions  counts the instructions of the core's steps"
	@echo "make reliability  runs the tests that show what is promised; renews docs/reliability.md"
	@echo "make format       formats Rust and Python"
	@echo "make wheel        builds a wheel for this Python and machine, and the sdist, in dist/"
	@echo "make test-wheel   tests a wheel with every Python of this machine, or PYTHONS=\"3.10 3.14t\"; TEST_WHEEL=\"-k hooks\""

demo: build
	@$(BIN)/clnwire demo $(DEMO)

test: test-rust test-models test-python

test-rust:
	@$(NEEDS_CARGO)
	cargo test --locked --profile develop -p clnwire-core -p clnwire-io -p clnwire-journal -p clnwire-load

# loom runs the shared data structures in every interleaving that the memory model allows.
test-models:
	@$(NEEDS_CARGO)
	RUSTFLAGS="--cfg loom" cargo test --locked --profile develop -p clnwire-io --test models --target-dir target/loom

test-python: build $(VENV)/test.stamp
	$(BIN)/python -m pytest $(PYTEST)

test-node: build $(VENV)/test.stamp
	$(BIN)/python -m pytest tests/node $(PYTEST)

test-faults: build $(VENV)/test.stamp
	$(BIN)/python -m tests.faults $(FAULTS)

# The crates with unsafe blocks, whose tests call them, and the extension's decoder of `db_write`.
MEMCHECK := valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite \
	--errors-for-leak-kinds=definite --fair-sched=yes

test-valgrind: $(VENV)/test.stamp
	@command -v valgrind >/dev/null || { echo "needs valgrind; on Debian and Ubuntu: apt install valgrind"; exit 1; }
	CARGO_TARGET_$(shell rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')_RUNNER="$(MEMCHECK)" \
		cargo test --locked --profile develop -p clnwire-io -p clnwire-load --target-dir target/valgrind
	PYTHONMALLOC=malloc $(MEMCHECK) --suppressions=tests/core/valgrind.supp $(BIN)/python tests/core/memcheck.py

# Coverage imports modules, writes files and opens descriptors of its own, which these tests forbid.
UNMEASURED := --deselect tests/captures/test_record.py::test_a_disk_that_is_full \
	--deselect tests/commands/test_lazy.py \
	--deselect tests/rpc/test_forks.py::test_a_child_holds_no_connection_that_a_thread_is_using

# Each process that a test starts writes its own data, which `combine` merges.
coverage: build $(VENV)/test.stamp
	rm -rf build/coverage
	$(BIN)/python -m coverage run -m pytest $(UNMEASURED) $(PYTEST)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# What the tests of each crate run; the floors are in percent of lines.
coverage-rust:
	@command -v cargo-llvm-cov >/dev/null \
		|| { echo "coverage of Rust needs: cargo install cargo-llvm-cov && rustup component add llvm-tools"; exit 1; }
	cargo llvm-cov --locked --profile develop -p clnwire-core --ignore-filename-regex 'rust/(io|journal|load|python)/' --fail-under-lines 98
	cargo llvm-cov --locked --profile develop -p clnwire-io --ignore-filename-regex 'rust/(core|journal|load|python)/' --fail-under-lines 90

lint: build $(VENV)/test.stamp
	cargo fmt --all --check
	cargo fmt --all --check --manifest-path benches/Cargo.toml
	cargo clippy --locked --workspace --all-targets -- -D warnings
	@$(WHERE_BENCHES_RUN); cargo clippy --locked --workspace --all-targets $(BENCHES) -- -D warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy python/clnwire python/pytest_clnwire python/*.py examples/*.py tests/typing/good*.py benches/suite
	$(BIN)/basedpyright
	MYPYPATH=python $(BIN)/python -m mypy.stubtest clnwire._core --ignore-disjoint-bases

docs: build $(VENV)/docs.stamp
	$(BIN)/sphinx-build -q -W --keep-going -b html -d build/docs/doctrees docs build/docs/html
	$(BIN)/python python/check_links.py

bench: build $(VENV)/bench.stamp
	$(BIN)/python -m benches.suite run

bench-quick: build $(VENV)/test.stamp $(VENV)/bench.stamp
	cargo bench --locked -p clnwire-core --benches -- --quick
	cargo bench --locked -p clnwire-journal --benches -- --quick
	$(BIN)/python -m pytest benches -n 0 -p benchmark --benchmark-disable-gc --benchmark-min-rounds=3 \
		--benchmark-max-time=0.2 --benchmark-columns=median,ops
	$(BIN)/python -m benches.suite run --quick
	$(BIN)/python benches/rpc_calls.py --quick
	$(BIN)/python benches/messages.py --quick
	$(BIN)/python benches/waiting.py --quick
	$(BIN)/python -m benches.recording --quick
	$(BIN)/python -m benches.journal --quick
	$(BIN)/python -m benches.memory --quick
	$(BIN)/python -m benches.replica_postgresql --quick
	$(BIN)/python -m benches.replica_s3 --quick

bench-micro: build $(VENV)/test.stamp $(VENV)/bench.stamp
	$(BIN)/python benches/micro.py --save

bench-instructions:
	@$(NEEDS_CARGO)
	@command -v valgrind >/dev/null || { echo "counting instructions needs valgrind; on Debian and Ubuntu: apt install valgrind"; exit 1; }
	cargo bench --locked -p clnwire-core --bench instructions

# Without a real lightningd nothing is shown of one, and the page is not renewed.
RECORD := benches/results/$(shell date -u +%F)-promises.json
reliability: build $(VENV)/test.stamp
	$(BIN)/python -m pytest --promises=$(RECORD) $(PYTEST)
	$(BIN)/python python/generate_reliability.py

format: $(VENV)/test.stamp
	cargo fmt --all
	cargo fmt --all --manifest-path benches/Cargo.toml
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: $(VENV)/build.stamp

$(VENV)/build.stamp: $(RUST_SOURCES) pyproject.toml $(VENV)/tools.stamp
	@echo "Building the extension (release); the first time takes a minute or two."
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --quiet --release --locked \
		--extras cli,orjson,replica
	@touch $@

# Removing the stamp makes the next `make build` (or test, or bench) restore the optimised extension.
develop: $(VENV)/tools.stamp
	@rm -f $(VENV)/build.stamp
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/maturin develop --quiet --profile develop --locked \
		--extras cli,orjson,replica

$(VENV)/test.stamp: pyproject.toml $(VENV)/tools.stamp
	$(BIN)/python -m pip install --quiet --group test
	@touch $@

$(VENV)/docs.stamp: pyproject.toml $(VENV)/tools.stamp
	$(BIN)/python -m pip install --quiet --group docs
	@touch $@

$(VENV)/bench.stamp: pyproject.toml $(VENV)/tools.stamp
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@

$(VENV)/tools.stamp:
	@command -v $(PYTHON) >/dev/null || { echo "clnwire needs Python 3.10 or newer, but there is no $(PYTHON); set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "clnwire needs Python 3.10 or newer, but $(PYTHON) is $$($(PYTHON) --version); set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "clnwire needs Python's venv module; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(NEEDS_CARGO)
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1' 'maturin>=1.9,<2'
	@touch $@

# Packages

WHEEL_PYTHONS ?= 3.10 3.11 3.12 3.13 3.14 3.14t
TARGET ?= $(shell rustc -vV | sed -n 's/^host: //p')
# On Linux, zig (from PyPI) links for old C libraries and other processors. macOS does not need it.
PORTABLE = $(if $(findstring linux-musl,$(TARGET)),--zig --compatibility musllinux_1_2,\
	$(if $(findstring linux,$(TARGET)),--zig --compatibility manylinux2014))
MATURIN_BUILD = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/maturin build --release --locked \
	--target-dir target/wheels --out dist

wheel: sdist
	$(MATURIN_BUILD) --interpreter $(BIN)/python

sdist: $(VENV)/tools.stamp
	$(BIN)/maturin sdist --out dist

test-wheel: $(VENV)/tools.stamp
	$(BIN)/python -m tests.packaging.try_wheels $(addprefix --python=,$(PYTHONS)) -- $(TEST_WHEEL)

# Wheels for all Pythons and for TARGET, a Rust target whose standard library rustup has installed.
portable-wheels: $(VENV)/zig.stamp
	$(MATURIN_BUILD) --target $(TARGET) $(PORTABLE) --interpreter $(WHEEL_PYTHONS)

$(VENV)/zig.stamp: $(VENV)/tools.stamp
	@$(BIN)/python -m pip install --quiet 'ziglang>=0.14,<1'
	@touch $@

clean:
	rm -rf $(VENV) target build dist
