"""The same work on many items: here one after the other, or by Ray Data's actors, with the same results."""

import errno
import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from stemwright.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Worker:
    """An actor: a row with an item's number and the pickled item → the number and the pickled result."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        try:
            return {
                "id": row["id"],
                "result": pickle.dumps(self._work(pickle.loads(row["item"]))),
                "fault": "",
            }
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return {"id": row["id"], "result": b"", "fault": f"no space left for {error.filename}"}


def done_by(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int | None
) -> Iterator[tuple[int, Result]]:
    """(number, result) of each item as it is done, in no promised order.

    `work` and the items must pickle. `jobs` 1: in this process, without Ray; more: so many actors; None: one
    for each CPU of the cluster that this process is, or can be, connected to. InputError for a full disk.
    """
    if jobs == 1 or len(items) < 2:
        yield from ((number, work(item)) for number, item in enumerate(items))
        return
    yield from _by_ray(work, items, jobs)


def _by_ray(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int | None
) -> Iterator[tuple[int, Result]]:
    import ray
    from ray.data import ActorPoolStrategy, DataContext

    from stemwright_platform import cluster

    cluster.connect()
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.use_datasource_v2 = False  # seconds slower on a small number of rows
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    size = min(jobs or max(1, int(ray.cluster_resources().get("CPU", 1))), len(items))
    worker: Any = _Worker  # Ray takes classes here, its annotation does not
    rows = [{"id": number, "item": pickle.dumps(item)} for number, item in enumerate(items)]
    done = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        worker, fn_constructor_args=(work,), compute=ActorPoolStrategy(size=size), num_cpus=1
    )
    for row in done.iter_rows():
        if row["fault"]:
            raise InputError(f"{row['fault']}: free some and run again")
        yield row["id"], pickle.loads(row["result"])
