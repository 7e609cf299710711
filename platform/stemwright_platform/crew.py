"""The same work on many items by Ray Data: a pool of actors, each item in the hands of one at a time.

Audio never passes through Ray: it is a hundred times what comes of it, so an actor reads and writes files
itself. Results do not depend on who made them, so that a lost actor's item is simply made again.
"""

import errno
import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from stemwright.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_BLOCKS = 4096
"""Of rows that wait in Ray: one an item up to here."""


class _Worker:
    """An actor: a row with an item's number and the pickled item → the number and the pickled result."""

    def __init__(self, make_work: Callable[[], Callable[[Any], Any]]) -> None:
        self._work = make_work()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            result, fault = pickle.dumps(self._work(pickle.loads(row["item"]))), ""
        except InputError as error:
            result, fault = b"", str(error)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            result, fault = b"", f"no space left for {error.filename}: free some and run again"
        return {"id": row["id"], "result": result, "fault": fault}


def done_by(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int | None = None
) -> Iterator[tuple[int, Result]]:
    """(number, result) of each item as it is done, in no promised order.

    `work`, items and results must pickle. `jobs` and what is raised: as `made_by`.
    """
    return made_by(lambda: work, items, jobs)


def made_by(
    make_work: Callable[[], Callable[[Item], Result]],
    items: Sequence[Item],
    jobs: int | None = None,
    *,
    num_gpus: float = 0.0,
) -> Iterator[tuple[int, Result]]:
    """(number, result) of each item as it is done; whoever works makes its own work first, a model say.

    `jobs` 1: in this process, without Ray; more: so many actors; None: as many as the cluster has room for.
    Raises as `by_actors`.
    """
    if jobs != 1:
        yield from by_actors(make_work, items, workers=jobs, num_gpus=num_gpus)
    elif items:
        work = make_work()
        yield from ((number, work(item)) for number, item in enumerate(items))


def by_actors(
    make_work: Callable[[], Callable[[Item], Result]],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    num_gpus: float = 0.0,
) -> Iterator[tuple[int, Result]]:
    """(number, result) of each item as it is done; every actor makes its own work first, a codec to load say.

    Runs on the Ray cluster that this process is, or can be, connected to. An actor holds a CPU and
    `num_gpus`; as many as fit by default. Raises the first InputError of any work, and one for a full disk.
    """
    if not items:
        return
    import ray
    from ray.data import ActorPoolStrategy

    from stemwright_platform import cluster

    cluster.connect()
    _quieten()
    worker: Any = _Worker  # Ray takes classes here, its annotation does not
    rows = [{"id": number, "item": pickle.dumps(item)} for number, item in enumerate(items)]
    # from_items needs no tasks of its own, which would wait for the CPUs that the actors hold.
    done = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS)).map(
        worker,
        fn_constructor_args=(make_work,),
        compute=ActorPoolStrategy(size=min(workers or _fitting(num_gpus), len(rows))),
        num_cpus=1,
        num_gpus=num_gpus,
    )
    for row in done.iter_rows():
        if row["fault"]:
            raise InputError(row["fault"])
        yield row["id"], pickle.loads(row["result"])


def _fitting(num_gpus: float) -> int:
    """Actors that the cluster has room for."""
    import ray

    resources = ray.cluster_resources()
    return max(1, int(resources.get("GPU", 1) / num_gpus if num_gpus else resources.get("CPU", 1)))


def _quieten() -> None:
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.use_datasource_v2 = False  # seconds slower on a small number of rows
    logging.getLogger("ray.data").setLevel(logging.ERROR)
