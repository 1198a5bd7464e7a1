# `make demo` and `make test` are the two commands a newcomer needs; each sets up all it needs.
# Stamps under $(VENV) make a second call fast; a changed .pyx, .pxd, setup.py or lock file redoes what depends on it.
PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=
OUT    ?= dist
FUZZ   ?= message uri description conversation text_message field jitter relay receive rtcp dtmf record
RUNS   ?= 10000000
STATES ?= 20000
FLIPS  ?= 1000
ROUNDS ?= 500
SEED   ?= 1
SEEDS  ?= 2000
PORTS  ?= 64
HOURS  ?= 12
DAY_RATE ?= 417
DAY_SECONDS ?= 240
SCENARIO ?= conf/scenarios/storm.toml
# Tests mostly wait for a peer or a timer, so more of them run at once than there are processors; 0: one by one.
WORKERS ?= 4
BIN    := $(VENV)/bin
PY     := $(BIN)/python
PIP    := $(PY) -m pip --quiet --quiet --disable-pip-version-check
PACKAGES  := dialerd fastpath sip gsm admin_http
CYTHON    := $(shell find fastpath sip gsm -name '*.pyx' -o -name '*.pxd') $(wildcard sip/*.py sip/*/*.py)
EXTENSIONS = $(basename $(subst /,.,$(shell find fastpath sip gsm -name '*.pyx')))
# The files of the tree as git sees them, new ones included: what the scratch builds copy.
FILES := git ls-files -z --cached --others --exclude-standard --deduplicate
COPY   = mkdir -p $(1) && $(FILES) | tar --null --ignore-failed-read --warning=no-failed-read -T - -cf - | tar -C $(1) -xf -

# Where it is set, each of the thousand processes that the tests start would compile every module anew: 2 s for a daemon
# instead of 0.6.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test sim bank-day faults faults-short build deb develop packages bench bench-packages bench-day bench-load bench-ci bench-accept lint format types sanitize fuzz coverage docs lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# ---- set-up ----------------------------------------------------------------------------------------------------------

$(VENV)/.run: lock/run.txt lock/build.txt | .ci/prepare
	@.ci/prepare python $(PYTHON)
	@echo "dialerd: virtual environment $(VENV), locked dependencies"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes -r lock/build.txt -r lock/run.txt
	@touch $@

$(VENV)/.dev: lock/dev.txt $(VENV)/.run
	@echo "dialerd: locked development tools"
	@$(PIP) install --require-hashes -r lock/dev.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.run pyproject.toml
	@DIALERD_BUILT=1 $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.built: $(VENV)/.installed $(CYTHON) setup.py
	@echo "dialerd: compiling the extensions (a few minutes the first time)"
	@$(PY) setup.py --quiet build_ext --inplace --parallel $$(nproc)
	@touch $@

deb: build ## the Debian package, in OUT (dist)
	@packaging/build-deb $(PY) $(OUT)

build: $(VENV)/.built ## virtual environment, locked dependencies, compiled extensions

develop: $(VENV)/.built $(VENV)/.dev ## build, and the locked development tools

packages: ## the Debian packages that the tests and benchmarks need (apt when root)
	@.ci/prepare packages debian-packages.txt

# ---- the two commands ------------------------------------------------------------------------------------------------

demo: build ## the main job on simulated carriers: make demo ARGS="--seconds 60 --rate 100"
	$(BIN)/dialerd demo $(ARGS)

test: packages develop ## every test: make test ARGS="tests/sip -k invite"
	.ci/apart $(PY) -m pytest --numprocesses $(WORKERS) --dist loadgroup $(ARGS)

sim: build ## 2,000 simulated days with faults, examined: make sim SEEDS=2000 SEED=1 SCENARIO=conf/scenarios/storm.toml
	$(BIN)/dialerd simulate $(SCENARIO) --seed $(SEED) --seeds $(SEEDS) --jobs $$(nproc) $(ARGS)

bank-day: build ## a simulated day of modems with faults: make bank-day PORTS=64 HOURS=12 SEED=1
	$(PY) -m tests.gsm.bank_day --ports $(PORTS) --hours $(HOURS) --seed $(SEED)

faults: packages develop ## crashes, torn writes, failing disks, long: make faults ROUNDS=500 STATES=20000 FLIPS=1000 SEED=1
	.ci/apart $(PY) -m tests.faults --states $(STATES) --flips $(FLIPS) --rounds $(ROUNDS) --seed $(SEED) $(ARGS)

faults-short: packages develop ## the same, as short as it is in make test
	.ci/apart $(PY) -m tests.faults --short --seed $(SEED) $(ARGS)

# ---- benchmarks ------------------------------------------------------------------------------------------------------

bench: packages develop ## every benchmark beside its named peer, as one table
	$(PY) -m bench.table $(ARGS)

bench-packages: packages ## more recorded voices for `python -m bench.amd_train` and `python -m bench.answers`
	@.ci/prepare packages bench/debian-packages.txt

bench-day: packages develop ## 100,000 calls with RTP through the whole daemon, judged by the carriers' ledgers; 4 minutes. In small: ARGS="--calls 10000"
	$(PY) -m bench.whole_daemon --rate $(DAY_RATE) --seconds $(DAY_SECONDS) $(ARGS)

bench-load: packages develop ## calls beside a loaded admin process, and restarts: bars, yes or no; 12 minutes: ARGS="--past FOLDER" keeps what is prepared
	$(PY) -m bench.admin_load $(ARGS)

bench-ci: packages develop ## ratios and exact counters against bench/baseline.json, under 3 minutes
	$(PY) -m bench.gate

bench-accept: packages develop ## take today's counters and ratios as the new baseline
	$(PY) -m bench.gate --accept

# ---- checks ----------------------------------------------------------------------------------------------------------

lint: develop ## ruff (rules and format) and cython-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PATH="$(abspath $(BIN)):$$PATH" cython-lint $(PACKAGES)

format: develop ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: develop ## mypy strict, and every extension against its stub
	$(BIN)/mypy
	$(BIN)/stubtest --concise --allowlist .ci/stubtest-allowlist --ignore-unused-allowlist $(EXTENSIONS)

sanitize: develop ## the extensions under AddressSanitizer and UBSan, in build/sanitize
	.ci/sanitize $(CURDIR)/$(PY) build/sanitize tests/fastpath tests/sip

fuzz: packages develop ## libFuzzer on every reader of strangers' bytes: make fuzz FUZZ=message RUNS=1000000
	set -e; for target in $(FUZZ); do .ci/fuzz $(CURDIR)/$(PY) build/fuzz $$target $(RUNS) $(ARGS); done

coverage: packages develop ## coverage of Python and of Cython, from a line trace build in build/trace
	$(call COPY,build/trace)
	cd build/trace && DIALERD_TRACE=1 $(CURDIR)/$(PY) setup.py --quiet build_ext --inplace --parallel $$(nproc)
	cd build/trace && $(CURDIR)/$(PY) -m coverage run -m pytest $(ARGS)
	cd build/trace && $(CURDIR)/$(PY) -m coverage report --skip-covered

docs: develop ## rewrite the generated reference pages, then check every page
	$(PY) docs/generate.py
	$(PY) -m pytest -q tests/test_docs.py

# ---- upkeep ----------------------------------------------------------------------------------------------------------

lock: ## compile pyproject.toml into lock/*.txt with hashes (pip-tools in its own environment)
	.ci/lock $(PYTHON)

clean: ## remove everything that was built (not the virtual environment: rm -r .venv)
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .benchmarks .coverage*
	find $(PACKAGES) tests bench -name '*.so' -delete -o -name __pycache__ -prune -exec rm -rf {} +
	rm -f $(VENV)/.built
