# Everything a person types here. `make` alone lists it; ARGS="…" is handed on to the program.
# Standard output belongs to the program that a target runs; making .venv and installing speak on standard error.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install desktop demo test check simulation negative-controls kill-matrix bench reference executables lock clean

VENV   := .venv
PYTHON ?= python3.13 python3.12 python3.11 python3
ARGS   ?=
SEEDS  ?= 2000
KILLS  ?= 50

NEW_ENOUGH    := import sys; sys.exit(sys.version_info < (3, 11))
DESKTOP_EXTRA := import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["desktop"], sep="\n")
CAN_MAKE_VENV := import ensurepip, venv

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\n  %s\n' 'Options go in ARGS, for example: make demo ARGS="--once --json"'

install: $(VENV)/.runtime ## make .venv with the copydesk command in it
	@echo 'Ready: $(VENV)/bin/copydesk --help' 1>&2

desktop: $(VENV)/.desktop ## what windows need beside it, 700 MB with Qt on Linux (without it they are pages in a browser)
	@echo 'Ready: $(VENV)/bin/copydesk launcher' 1>&2

demo: $(VENV)/.runtime ## the whole product on this machine, with simulated exchanges
	@exec $(VENV)/bin/copydesk demo $(ARGS)

test: $(VENV)/.dev ## every test (ARGS="-k webhook" picks some)
	@exec $(VENV)/bin/pytest -n 2 --dist loadgroup $(ARGS)

check: $(VENV)/.dev ## lint, format, types, floors and house rules: all five, in seconds
	@failed=; \
	run() { printf '\n== %s\n' "$$*"; "$(VENV)/bin/$$@" || failed="$$failed  $$*;"; }; \
	run ruff check; \
	run ruff format --check; \
	run mypy; \
	run lint-imports --no-logo; \
	run pytest tests/test_tidy.py; \
	if [ -n "$$failed" ]; then printf '\nFailed:%s\n' "$$failed"; exit 1; fi

simulation: $(VENV)/.dev ## the engine under a virtual clock with seeded faults (SEEDS=50000; SEED=7 replays one)
	@PYTHONPATH=tests exec $(VENV)/bin/python -m simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(ARGS)

negative-controls: $(VENV)/.dev ## known-bad desks in the simulation: each must be caught
	@PYTHONPATH=tests exec $(VENV)/bin/python -m simulation --controls $(ARGS)

kill-matrix: $(VENV)/.dev ## real processes killed with -9 at every named point, then both ledgers compared (KILLS=500)
	@PYTHONPATH=tests exec $(VENV)/bin/python -m kill_matrix --kills $(KILLS) $(ARGS)

bench: $(VENV)/.runtime ## how fast one signal reaches many followers on this machine
	@exec $(VENV)/bin/copydesk bench fanout $(ARGS)

reference: $(VENV)/.dev ## write docs/reference and the example settings from the code
	@$(VENV)/bin/python scripts/reference.py

executables: $(VENV)/.runtime ## copydesk-master and copydesk-copier as one file each, for this system (docs/build.md)
	@exec $(VENV)/bin/python scripts/executables.py

lock: $(VENV)/.made ## pin the dependencies again (ARGS=--upgrade takes newer ones)
	@exec 1>&2; set -eu; \
	uv=$$(command -v uv || true); \
	if [ -z "$$uv" ]; then \
	  room=$$(mktemp -d); trap 'rm -rf "$$room"' EXIT; trap 'exit 130' INT TERM; \
	  $(VENV)/bin/python -m venv "$$room"; "$$room/bin/pip" install --quiet uv; uv=$$room/bin/uv; \
	fi; \
	compile() { "$$uv" pip compile "$$@" --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-emit-index-url --quiet; }; \
	compile pyproject.toml --group build -o requirements.lock $(ARGS); \
	compile pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock $(ARGS); \
	compile --group executables -c requirements.lock -o requirements-executables.lock $(ARGS); \
	$(VENV)/bin/python -c '$(DESKTOP_EXTRA)' | compile - -c requirements.lock -o requirements-desktop.lock $(ARGS); \
	echo 'Wrote requirements.lock, requirements-dev.lock, requirements-executables.lock and requirements-desktop.lock.'

clean: ## remove .venv, caches and builds (your data stays)
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment that works is kept, whoever made it; anything else in its place is made anew.
$(VENV)/.made:
	@exec 1>&2; set -eu; \
	if $(VENV)/bin/python -c '$(NEW_ENOUGH)' 2>/dev/null; then touch $@; exit 0; fi; \
	uv=$$(command -v uv || true); python=; bare=; \
	for name in $(PYTHON); do \
	  "$$name" -c '$(NEW_ENOUGH)' 2>/dev/null || continue; \
	  if [ -n "$$uv" ] || "$$name" -c '$(CAN_MAKE_VENV)' 2>/dev/null; then python=$$name; break; fi; \
	  bare=$${bare:-$$name}; \
	done; \
	if [ -z "$$python$$bare" ]; then \
	  echo 'copydesk needs Python 3.11 or newer and found none (tried: $(PYTHON)). On Debian or Ubuntu: apt-get install python3-venv. Or name one: make PYTHON=/path/to/python3'; exit 1; \
	fi; \
	if [ -z "$$python" ]; then \
	  echo "copydesk: $$bare cannot make a virtual environment (no venv or ensurepip). On Debian or Ubuntu: apt-get install python3-venv, then run make again."; exit 1; \
	fi; \
	python=$$("$$python" -c 'import sys; print(sys.executable)'); \
	echo "copydesk: making $(VENV) with $$python"; \
	rm -rf $(VENV); \
	if [ -n "$$uv" ]; then "$$uv" venv --quiet --no-project --python "$$python" $(VENV); else "$$python" -m venv $(VENV); fi; \
	touch $@

# The dev lock holds the runtime lock's pins unchanged, so a demo after a test run installs and removes nothing.
$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/.made
	@$(call install_lock,requirements.lock)
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements.lock pyproject.toml | $(VENV)/.made
	@$(call install_lock,requirements-dev.lock)
	@touch $(VENV)/.runtime $@

$(VENV)/.desktop: requirements-desktop.lock $(VENV)/.runtime
	@$(call install_lock,requirements-desktop.lock)
	@touch $@

# A pip that does not come with the environment (uv makes it without) is taken from Python's own copy.
define install_lock
exec 1>&2; set -eu; \
if command -v uv >/dev/null; then \
  set -- uv pip install --python $(VENV)/bin/python; \
else \
  $(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(VENV)/bin/python -m ensurepip; \
  set -- $(VENV)/bin/python -m pip install --disable-pip-version-check; \
fi; \
echo 'copydesk: installing $(1), a minute or two the first time'; \
"$$@" --require-hashes -r $(1); \
"$$@" --no-deps --no-build-isolation -e .
endef
