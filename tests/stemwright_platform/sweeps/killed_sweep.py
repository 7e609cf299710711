"""A sweep as a process of its own, to be killed: `python killed_sweep.py DATA OUT TRACKING_URI STEPS`."""

import sys

from stemwright_platform.cli import main

if __name__ == "__main__":
    data, out, uri, steps = sys.argv[1:]
    words = ["sweep", "curriculum", "--preset", "tiny", "--data", data, "--out", out, "--steps", steps]
    words += ["--p1", "0.2,0.8", "--seeds", "1", "--rounds", "1", "--parallel", "1"]
    words += ["--set", "training.windows_s=[0.2]", "--set", "training.batch_size=2", "--tracking-uri", uri]
    main(words)
