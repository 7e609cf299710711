"""Make or import a corpus, as a cluster job; the same as `stemwright corpus`.

ray job submit --working-dir . -- python jobs/build_corpus.py demo --songs 1000 --out /shared/demo --seed 1
"""

import sys

from stemwright_platform.cli import main

if __name__ == "__main__":
    main(["corpus", *sys.argv[1:]])
