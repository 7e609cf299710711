"""The teacher of a training worker whose tracks a pool of actors makes ahead of time (§4.3).

Axes: B batch, K track, D latent channel, S latent frame.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stemwright.batch import Batch
from stemwright.learner import Learner
from stemwright.teacher import Substitutes
from stemwright.training_draw import TrainingDraw
from stemwright_platform.training.teacher_actor import TeacherDelivery
from stemwright_platform.training.teacher_crew import REFRESH_STEPS
from stemwright_platform.training.teacher_feed import ORDERS_EACH, Snapshot, TeacherFeed
from stemwright_platform.training.teacher_lookahead import Lookahead

AHEAD_STEPS = 16
"""Steps in the buffer, beside those on the way."""
HALF_FROM = 50_000_000
"""Parameters from which weights travel in half precision."""


class PooledTeacher:
    """A `Teacher` that never waits: what has not come in time stays recorded."""

    def __init__(
        self, learner: Learner, actors: Sequence[Any], *, refresh_steps: int = REFRESH_STEPS
    ) -> None:
        """`actors`: handles of `TeacherActor`s of this worker's rank."""
        self._learner, self._refresh_steps = learner, refresh_steps
        start = learner.step_count
        gate = math.ceil(learner.config.p2_starts_at_epoch * learner.steps_per_epoch)
        lookahead = Lookahead(
            start_step=start,
            first_step=max(start, gate),
            capacity=AHEAD_STEPS + ORDERS_EACH * len(actors),
        )
        self._feed = TeacherFeed(actors, lookahead, total_steps=lambda: learner.total_steps)
        self._published: int | None = None
        self._publish(start)

    @property
    def waiting_steps(self) -> int:
        """Steps whose tracks lie ready."""
        return self._feed.waiting_steps

    def substitutes(self, step: int, batch: Batch, z0: Tensor, drawn: TrainingDraw) -> Substitutes:
        """What has come of `drawn.substituted`."""
        delivery = self._feed.take(step)
        self._publish(step)
        made = np.zeros(drawn.given.shape, dtype=bool)
        latents = np.zeros(z0.shape, dtype=np.float16)
        if delivery is not None:
            _fill(made, latents, delivery, batch, drawn)
        return Substitutes(
            latents=torch.from_numpy(latents).to(z0),
            made=torch.from_numpy(made).to(z0.device),
            age_steps=float(step - delivery.weights_step) if delivery is not None else 0.0,
        )

    def close(self) -> None:
        """End the thread that feeds it."""
        self._feed.close()

    def _publish(self, step: int) -> None:
        """Send the averaged weights to the teachers, now and then; here they are copied only."""
        due = self._published is None or step - self._published >= self._refresh_steps
        if due and self._feed.wants_weights:
            self._published = step
            self._feed.publish(snapshot(self._learner))


def snapshot(learner: Learner) -> Snapshot:
    """A copy of the averaged weights, which training changes at the next step."""
    state: dict[str, Tensor] = learner.averaged_weights()
    half = sum(tensor.numel() for tensor in state.values()) >= HALF_FROM
    dtype = torch.float16 if half else torch.float32
    tensors = {
        name: tensor.to(dtype if tensor.is_floating_point() else tensor.dtype, copy=True)
        for name, tensor in state.items()
    }
    copied = torch.cuda.Event() if learner.device.type == "cuda" else None
    if copied is not None:
        copied.record()
    return Snapshot(step=learner.step_count, tensors=tensors, copied=copied)


def _fill(
    made: np.ndarray, latents: np.ndarray, delivery: TeacherDelivery, batch: Batch, drawn: TrainingDraw
) -> None:
    """Put delivered tracks in their places, where the worker asks for the same that the teacher was asked.

    In a run with a time budget tasks may have moved in between.
    """
    wanted = drawn.substituted.cpu().numpy()
    heard = (drawn.target | drawn.given).cpu().numpy()
    rows = {sample_id: row for row, sample_id in enumerate(batch.sample_ids.tolist())}
    for number, (sample_id, track) in enumerate(
        zip(delivery.sample_ids.tolist(), delivery.tracks.tolist(), strict=True)
    ):
        row = rows[sample_id]
        if wanted[row, track] and bool((heard[row] == delivery.heard[number]).all()):
            made[row, track], latents[row, track] = True, delivery.latents[number]
