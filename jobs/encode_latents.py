"""Manifest → latent shards, as a cluster job; the same as `stemwright prepare`.

ray job submit --working-dir . -- python jobs/encode_latents.py --manifest corpus/manifest.parquet --out out
"""

import sys

from stemwright_platform.cli import main

if __name__ == "__main__":
    main(["prepare", *sys.argv[1:]])
