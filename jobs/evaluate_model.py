"""Scores of a model, as a cluster job; the same as `stemwright evaluate`.

ray job submit --working-dir . -- python jobs/evaluate_model.py --model /shared/runs/first \
    --data /shared/latents --manifest /shared/manifest.parquet --out /shared/report

A job runs in a copy of the working folder: name model, data and report by paths that all nodes see.
"""

import sys

from stemwright_platform.cli import main

if __name__ == "__main__":
    main(["evaluate", *sys.argv[1:]])
