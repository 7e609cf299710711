"""Curriculum training, as a cluster job; the same as `stemwright train`.

ray job submit --working-dir . -- python jobs/train_denoiser.py --preset small --data /shared/latents \
    --out /shared/runs/first --steps 2000 --tracking-uri sqlite:////shared/mlflow.db

A job runs in a copy of the working folder: name data, run and tracking store by paths that all nodes see.
"""

import sys

from stemwright_platform.cli import main

if __name__ == "__main__":
    main(["train", *sys.argv[1:]])
