# One command a chore. Each sees to it first that .venv holds what the lock of its stack says (tools/setup.sh).
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
BIN := .venv/bin

.PHONY: help setup data run test test-elsewhere test-flink test-debian check format docs image lock clean \
	bench bench-index bench-reading bench-scaling bench-training bench-batch bench-load bench-similar bench-quality bench-ablation bench-on-device

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv: Python 3.13 or 3.12, or 3.10 on older systems, the locked packages and this project (ATALAYA_STACK=py313 or py310)
	@bash tools/setup.sh

data: setup ## fetch MovieLens 100K into data/
	@$(BIN)/python -m pipeline.datasets movielens-100k

run: data ## set up, fetch the data and run the pipeline on this machine
	@$(BIN)/python runner.py --local

test: setup ## run all tests, in two processes
	@$(BIN)/python -m pytest $(IN_TWO)
# A file's tests stay together and in order; tests/conftest.py puts the longest files first.
IN_TWO := -n 2 --dist loadfile --no-loadscope-reorder

test-elsewhere: setup ## run all tests as on another machine: one core, no home, ASCII, another time zone and more
	@bash tools/elsewhere.sh $(BIN)/python -m pytest $(IN_TWO)

test-flink: setup ## run the pipeline's data steps on a Flink cluster of this machine (Java 17 and Maven; fetches 230 MB)
	@bash tools/flink.sh
	@ATALAYA_FLINK=$(FLINK) $(BIN)/python -m pytest -m flink tests/e2e
export FLINK ?= $(HOME)/.cache/atalaya/flink

test-debian: ## run README's two commands in a fresh root of another Debian (RELEASE=bookworm or trixie; as root, with debootstrap)
	@bash tools/in-debian.sh $(RELEASE)

check: setup ## format, lint, types and layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: setup ## let ruff format the code and sort its imports
	@$(BIN)/ruff check --select I --fix .
	@$(BIN)/ruff format .

docs: setup ## write docs/settings.md from the settings' classes
	@$(BIN)/python -m tools.settings_docs

image: setup ## build the image of the steps on Kubeflow Pipelines, of the same stack as .venv (IMAGE=name:tag, GPU=1: with CUDA's libraries)
	@docker build --tag $(IMAGE) --build-arg BASE=$(if $(OLDER),python:3.10-slim-bookworm,python:3.13-slim-trixie) --build-arg LOCK=requirements$(OLDER).txt$(if $(filter 1,$(GPU)), --build-arg CUDA_LOCK=requirements-cuda$(OLDER).txt) .
IMAGE ?= atalaya:latest
OLDER = $(if $(filter 3.10,$(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')),-py310)

bench: data ## measure the models on MovieLens 100K, and what a local run costs
	@missed=; \
	$(BIN)/python -W ignore -m benchmarks.quality --data movielens-100k:random --seeds 42 --only $(BENCH_CONTENDERS) || missed+=' quality'; \
	$(BIN)/python -m benchmarks.local_run || missed+=' local_run'; \
	$(BIN)/python -W ignore -m benchmarks.serving || missed+=' serving'; \
	[[ -z $$missed ]] || { echo "bench: failed, or missed a floor:$$missed" >&2; exit 1; }
BENCH_CONTENDERS := popularity ease tutorial-retrieval atalaya-retrieval biases tutorial-rating atalaya-rating

bench-index: setup ## measure exact and approximate search (MODEL=serving/NAME, INTERACTIONS=file of user item item ...)
	@$(BIN)/python -W ignore -m benchmarks.index $(if $(MODEL),--model $(MODEL)) $(if $(INTERACTIONS),--interactions $(INTERACTIONS))

bench-quality: data ## measure the models and their peers on MovieLens 100K and DATA="NAME=PATH[:PROTOCOL] ..." (SEEDS, FITS=per peer, ONLY="ease ...", JSON=path)
	@bash tools/setup.sh bench
	@.venv-bench/bin/python -W ignore -m benchmarks.quality --data movielens-100k $(DATA) $(if $(filter command environment,$(origin SEEDS)),--seeds $(SEEDS)) \
	  $(if $(FITS),--fits $(FITS)) $(if $(ONLY),--only $(ONLY)) $(if $(JSON),--json $(JSON))

bench-ablation: data ## measure what each idea in the models is worth, on held-out training ratings (CONFIG=path, SEEDS)
	@$(BIN)/python -W ignore -m benchmarks.ablation --config $(CONFIG) --seeds $(SEEDS)

bench-similar: data ## measure similar items and print lists, on held-out training ratings (CONFIG=path, SEEDS, SHOW="1 50 71")
	@$(BIN)/python -W ignore -m benchmarks.similar --config $(CONFIG) --seeds $(SEEDS) $(if $(SHOW),--show $(SHOW))

bench-on-device: data ## measure the on-device sequence models on MovieLens 100K (SEEDS; three by default)
	@$(BIN)/python -W ignore -m benchmarks.on_device $(if $(filter command line,$(origin SEEDS)),--seeds $(SEEDS))

CONFIG ?= pipeline/configs/movielens-100k.toml
SEEDS ?= 42

bench-reading: setup ## measure how fast files are read, compared with pandas, pyarrow and DuckDB
	@bash tools/setup.sh bench
	@.venv-bench/bin/python -m benchmarks.reading

bench-scaling: setup ## measure time and memory of each step on made-up ratings (ROWS="100000 1000000")
	@$(BIN)/python -m benchmarks.scaling $(ROWS)
ROWS ?= 100000

bench-training: setup ## measure a batch of training with many users (USERS=how many)
	@$(BIN)/python -W ignore -m benchmarks.training $(if $(USERS),--users $(USERS))

bench-load: setup ## measure a gRPC server of the pushed recommender with 1, 8 and 64 clients (MODEL=serving/NAME/VERSION)
	@$(BIN)/python -W ignore -m benchmarks.load $(if $(MODEL),--model $(MODEL))

bench-batch: setup ## measure recommendations for all users at once (USERS=how many of the large model's)
	@$(BIN)/python -m benchmarks.batch $(if $(USERS),--users $(USERS))

lock: setup ## renew the locks of both stacks after a change of pyproject.toml (UPGRADE=1: to the newest versions allowed)
	@$(LOCK) pyproject.toml --extra dev $(PY313) --output-file requirements.txt
	@$(LOCK) pyproject.toml --extra dev $(PY310) --output-file requirements-py310.txt
	@$(LOCK) --group bench $(PY313) --constraints requirements.txt --output-file requirements-bench.txt
	@$(LOCK) --group bench $(PY310) --constraints requirements-py310.txt --output-file requirements-bench-py310.txt
	@$(LOCK) --group cuda $(PY313) --constraints requirements.txt --output-file requirements-cuda.txt
	@$(LOCK) --group cuda $(PY310) --constraints requirements-py310.txt --output-file requirements-cuda-py310.txt
	@sed -n -i '/^[a-z]/h; G; /\nnvidia-/P' requirements-cuda.txt requirements-cuda-py310.txt # all else is in the other locks
	@$(LOCK) tools/compiler.in --universal --output-file tools/compiler.txt
LOCK = $(BIN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header $(if $(UPGRADE),--upgrade)
PY313 := --universal --python-version 3.12
PY310 := --python-version 3.10

clean: ## remove .venv, .venv-bench, caches and built files; data/ and the pipeline's artifacts stay
	@rm -rf .venv .venv-bench build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
