# Two commands do everything on a fresh machine: `make demo` and `make test`. TORCH=1 on either adds torch.
PYTHON ?= python3
VENV   ?= .venv
PY      = $(VENV)/bin/python
LINT    = $(VENV)-lint
WHEELS  = $(VENV)-wheels
TORCH_VERSION = 2.13.0

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

$(PY):
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --upgrade pip

$(LINT)/ready: pyproject.toml Makefile
	$(PYTHON) -m venv $(LINT)
	$(LINT)/bin/python -m pip install -q --upgrade pip
	$(LINT)/bin/python -m pip install -q --group lint torch==$(TORCH_VERSION)
	@touch $@

$(WHEELS)/ready: pyproject.toml Makefile
	$(PYTHON) -m venv $(WHEELS)
	$(WHEELS)/bin/python -m pip install -q --upgrade pip
	$(WHEELS)/bin/python -m pip install -q --group wheels
	@touch $@

install: $(PY) ## build fastinit into its own virtual environment (.venv)
	rm -rf build  # what was renamed lives on in it, and would be installed
	$(PY) -m pip install -q ".[demo,test]" $(if $(TORCH),torch==$(TORCH_VERSION))

demo: install ## fill, train, draw, and print the speed beside what is installed
	$(PY) demo/demo.py

lint: $(LINT)/ready ## style and types of everything, and what may be tracked, in an environment of its own (.venv-lint)
	$(LINT)/bin/ruff check
	$(LINT)/bin/ruff format --check
	$(LINT)/bin/mypy
	git ls-files '*.c' '*.h' | xargs $(LINT)/bin/clang-format --dry-run -Werror
	$(LINT)/bin/sp-repo-review --show err .
	$(LINT)/bin/python tools/check_tree.py

check-types: $(LINT)/ready ## how much of the public interface is typed: at least 95%
	rm -rf build
	$(LINT)/bin/python -m pip install -q --no-deps --force-reinstall .
	$(LINT)/bin/python tools/check_types.py

test: install test-c ## the everyday suite, by two workers
	$(if $(TORCH),$(PY) -m pip install -q --group arrays --group models)
	$(PY) -m pytest -q -n 2 --dist loadgroup

test-c: ## the C core alone, under AddressSanitizer and UBSan
	$(MAKE) -s -C tests/c run

wasm: $(PY) ## compile the C core, unmodified, to WebAssembly by zig (a package): out/wasm/network.wasm, which the live page runs
	$(PY) -m pip install -q --group live
	$(PY) tools/wasm.py out/wasm/network.wasm live/network.c

live: wasm ## build the page that needs nothing, a file a language: out/live/live.en.html, live.vi.html
	$(PY) live/build.py out/wasm/network.wasm out/live

notebooks: install ## write notebooks/*.ipynb from notebooks/source
	$(PY) notebooks/build.py

lab: ## open the notebooks in JupyterLab, in an environment of its own (.venv-lab)
	@[ -x $(VENV)-lab/bin/python ] || $(PYTHON) -m venv $(VENV)-lab
	$(VENV)-lab/bin/python -m pip install -q --upgrade pip
	$(VENV)-lab/bin/python -m pip install -q ".[demo]" --group lab $(if $(TORCH),torch==$(TORCH_VERSION))
	$(VENV)-lab/bin/python -m jupyterlab $(LAB_OPTIONS) notebooks/01-why-not-zero.en.ipynb

test-notebooks: install ## run every notebook of both languages in a kernel of its own
	$(PY) -m pip install -q --group notebooks
	$(PY) -m pytest -q -n 2 --nbmake --nbmake-timeout=60 -o filterwarnings= notebooks/*.ipynb

test-browser: install ## run every notebook and the live page in a headless Chromium, and move their controls
	$(PY) -m pip install -q --group browser
	$(PY) -m pytest -q notebooks/test_browser.py live

docs: install live ## build the site into out/docs, the live page in it, every notebook executed; check its links; nothing is fetched
	$(PY) -m pip install -q --group docs
	$(PY) -m sphinx -E -W --keep-going -n -q docs out/docs
	$(PY) docs/check_site.py out/docs

test-compilers: install ## the golden digests again under every compiler that is installed
	@for compiler in gcc clang; do command -v $$compiler >/dev/null || { echo "$$compiler: not installed"; continue; }; \
	  rm -rf build out/$$compiler && CC=$$compiler $(PY) -m pip install -q --no-deps --target out/$$compiler . && \
	  echo "$$compiler:" && PYTHONPATH=out/$$compiler $(PY) -m pytest -q tests/test_golden.py tests/test_transforms.py || exit 1; done

SECONDS = 60
SEED    = 1
ASAN    = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g
test-sanitizers: install ## the core under ThreadSanitizer; a fuzzer on the extension under ASan and UBSan, then leaks and short memory
	rm -rf build out/sanitized
	CFLAGS="$(ASAN)" LDFLAGS="$(ASAN)" $(PY) -m pip install -q --no-deps --target out/sanitized .
	rm -rf build
	$(MAKE) -s -C tests/c programs BUILD=build/threads OPTIONS="-g -fsanitize=thread"
	{ git describe --always --dirty && tests/c/build/threads/test_core tests/data/threefry_kat.txt && \
	  LD_PRELOAD=$$(gcc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=out/sanitized $(PY) tests/fuzz.py $(SECONDS) $(SEED) && \
	  $(PY) tests/fuzz.py 20 $(SEED) && echo clean; } 2>&1 | tee tests/sanitizers.log; tail -n 1 tests/sanitizers.log | grep -qx clean

test-targets: $(WHEELS)/ready ## the core on every machine that is installed or emulated here, by its digests; kept in tests/targets.log
	{ git describe --always --dirty; $(WHEELS)/bin/python tests/targets.py && echo clean; } 2>&1 | tee tests/targets.log; tail -n 1 tests/targets.log | grep -qx clean

wheels: $(WHEELS)/ready ## wheels for Linux, macOS and Windows in dist/, checked and, where they can be, installed and tested
	$(WHEELS)/bin/python tools/wheels.py

test-mutations: install ## break the code in one place at a time and see the tests notice
	$(PY) tests/mutations.py

test-long: install ## batteries of many minutes; results are kept in tests/long.log
	{ git describe --always --dirty; $(PY) -m pytest -q -s -m long; } | tee tests/long.log

constants: install ## write or prove every constant of csrc/core/constants anew (two minutes), and show no difference
	for script in prove_normals quadrature fit_activations fit_truncated; do $(PY) tools/$$script.py || exit 1; done
	git diff --exit-code -- csrc/core/constants

ulp: install ## all 2^32 float32 inputs through each activation; writes benchmarks/ulp.md
	$(PY) tools/ulp.py

bench: install ## every benchmark, beside the peers that are installed
	$(PY) -m pip install -q --group notebooks
	$(PY) -m benchmarks

verdict: ## judge every network of the zoo, beside what training says of it
	$(MAKE) -s install TORCH=1
	$(PY) -m benchmarks.verdict

truth: ## train the zoo again, one process a core; what is stored and still belongs to its network is kept
	$(MAKE) -s install TORCH=1
	$(PY) -m benchmarks.zoo.train

sweep-models: ## build every architecture of transformers without drawing; writes tests/sweep_models.log
	$(MAKE) -s install TORCH=1
	$(PY) -m pip install -q transformers
	{ git describe --always --dirty; $(PY) tools/sweep_models.py; } | tee tests/sweep_models.log

clean: ## remove what was built
	rm -rf build dist out $(VENV) $(VENV)-lab $(LINT) $(WHEELS) python/*.egg-info
	$(MAKE) -s -C tests/c clean

.PHONY: help install lint check-types demo wasm live notebooks lab test-notebooks test-browser docs test test-c test-compilers test-sanitizers test-targets wheels test-mutations test-long constants ulp bench verdict truth sweep-models clean
