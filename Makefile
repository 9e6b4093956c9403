# Timbre on a Diet. Two commands do everything: `make book` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SPEED  ?= quick
export TIMBRE_SPEED := $(SPEED)
# onnxruntime would leave a device number in the home and report its use.
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help install browser book test lab serve corpus bench emulate pi lint clean

help: ## say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1	/' | awk -F'\t' '{printf "  make %-9s %s\n", $$1, $$2}'
	@echo "  make book SPEED=class|paper   the same, with longer computations (quick is the default)"

install: $(VENV)/.installed ## make .venv and install the pinned requirements

# nsgt has no wheel and its set-up needs numpy: so numpy first, then everything without build isolation.
$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"This book needs Python 3.11 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Try: make book PYTHON=python3.12")'
	@echo "[install] making $(VENV) with $$($(PYTHON) --version); a first install takes a few minutes and about 1.6 GB"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep -E '^(numpy|setuptools|wheel)==' requirements.txt)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@
	@echo "[install] done"

browser: install ## find a browser for the checks, or install one
	@$(BIN)/python -m lib.book.browser

book: browser ## install, execute, build and check the book; says where to open it
	@$(BIN)/python -m lib.book.build

test: book ## unit, property, chapter, gate and browser tests
	@echo "[test] library, chapters (nbval) and the built pages in a browser"
	@$(BIN)/python -m lib.book.test

lab: install ## open the chapters live in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=. chapters

serve: ## show the built pages on this machine
	@test -f _build/html/index.html || { echo "Nothing built yet: make book"; exit 1; }
	@echo "Serving the book at http://127.0.0.1:8000/ (Ctrl-C stops)"
	@$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

corpus: install ## render the corpus again and say if a byte differs
	$(BIN)/python -m lib.corpus

bench: install ## measure the transforms against their peers on this machine
	$(BIN)/python -m bench.transforms

emulate: install ## set up emulated ARM processors (once) and measure the models on them
	@$(BIN)/python -m lib.deploy.emulate setup
	@$(BIN)/python -m lib.deploy.emulate measure

# Names on make's command line only: a PORT or HOST that happens to be in the environment means something else.
given = $(if $(filter command,$(origin $(1))),$(2) "$$$(1)")
pi: install ## measure a model on a board: make pi HOST=pi@raspberrypi.local [PORT= KEY= MODEL= SECONDS= KEEP=1 OUT=]
	@test -n '$(filter command,$(origin HOST))' || { echo "Which board? make pi HOST=pi@raspberrypi.local"; exit 1; }
	@$(BIN)/python -m lib.deploy.raspberry_pi $(call given,PORT,--port) $(call given,KEY,--key) $(call given,MODEL,--model) \
		$(call given,SECONDS,--seconds) $(call given,OUT,--out) $(if $(KEEP),--keep) -- "$$HOST"

lint: install ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check lib tests bench

clean: ## remove what was built (not the environment)
	rm -rf _build .pytest_cache .ruff_cache .hypothesis
