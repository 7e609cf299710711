"""Why a run cannot go on, from the worker that found it to all the others.

A worker that just returned would leave the others waiting in a collective operation. So it tells the verdict
and raises: Ray ends them all and starts them again, and each finds the verdict before it does anything.
"""

from typing import Any

Answer = dict[str, str]
"""What a worker returns: nothing, `{"bad_input": line}` or `{"disk_full": path}`."""


class Verdict:
    """Lives in an actor on the driver's machine, and so outlives the workers and their machines.

    Every worker has a copy of the handle.
    """

    def __init__(self, actor: Any) -> None:
        """`actor`: handle of one that holds a `_Board`."""
        self._actor = actor

    @classmethod
    def begin(cls) -> "Verdict":
        """None yet."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        board: Any = ray.remote(_Board)
        return cls(board.options(num_cpus=0, scheduling_strategy=here).remote())

    def read(self) -> Answer:
        """The first answer given, empty where there is none."""
        import ray

        answer: Answer = ray.get(self._actor.read.remote())
        return answer

    def give(self, answer: Answer) -> None:
        """Tell everybody."""
        import ray

        ray.get(self._actor.give.remote(answer))


class _Board:
    def __init__(self) -> None:
        self._answer: Answer = {}

    def read(self) -> Answer:
        return self._answer

    def give(self, answer: Answer) -> None:
        self._answer = self._answer or answer
