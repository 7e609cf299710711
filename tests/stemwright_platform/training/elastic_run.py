"""A run on a Ray cluster whose nodes leave and come; a process of its own, since it has a Ray of its own.

python elastic_run.py LATENTS OUT STORE
"""

import json
import os
import sys
import threading
from pathlib import Path

from elastic_plan import CHECKPOINT_EVERY, LEAVE, RETURN, elastic_plan

from stemwright.run_folder import RunFolder
from stemwright.training_log import read_log
from stemwright_platform.training import launch as launching


def main(data: str, out: str, store: str) -> None:
    os.environ |= {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    # for so long workers are waited for that were just lost; a minute by default
    os.environ["RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S"] = "10"
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    launching.RESIZE_S = 1.0
    failures: list[BaseException] = []
    # nodes can be started in the main thread alone
    training = threading.Thread(target=train, args=(data, out, store, failures), daemon=True)
    training.start()
    try:
        wait_for_step(out, LEAVE, training)
        cluster.remove_node(nodes[1], allow_graceful=False)
        wait_for_step(out, RETURN, training)
        cluster.add_node(num_cpus=1)
        training.join()
        print(json.dumps({"failures": [repr(failure) for failure in failures]}))
    finally:
        ray.shutdown()
        cluster.shutdown()


def train(data: str, out: str, store: str, failures: list[BaseException]) -> None:
    try:
        launching.launch(elastic_plan(data), out, tracking_uri=store, listen_every=0)
    except BaseException as failure:
        failures.append(failure)


def wait_for_step(out: str, step: int, training: threading.Thread) -> None:
    """Until the run is there, or has ended before."""
    while not any(record["step"] >= step for record in read_log(RunFolder(Path(out)).metrics)):
        training.join(0.1)
        if not training.is_alive():
            return


if __name__ == "__main__":
    assert LEAVE % CHECKPOINT_EVERY == 0
    main(*sys.argv[1:])
