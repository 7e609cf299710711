"""Sweeps, as a cluster job; the same as `stemwright sweep`: curriculum, ablation, guidance.

ray job submit --working-dir . -- python jobs/sweep_hyperparameters.py curriculum --data /shared/latents \
    --out /shared/sweeps/p1p2 --steps 600 --p1 0.2,0.5,0.8,1 --p2 0,0.5 --tracking-uri sqlite:////shared/mlflow.db

A job runs in a copy of the working folder: name data, sweep and tracking store by paths that all nodes see.
"""

import sys

from stemwright_platform.cli import main

if __name__ == "__main__":
    main(["sweep", *sys.argv[1:]])
