"""A thread in a training worker that keeps its teachers busy and takes in what they make."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from stemwright_platform.training.teacher_actor import TeacherDelivery, TeacherOrder
from stemwright_platform.training.teacher_lookahead import Lookahead

ORDERS_EACH = 2
"""Orders that a teacher has at a time: it never waits for the next."""
POLL_S = 0.05
RETRY_S, LONGEST_RETRY_S = 1.0, 30.0
CLOSE_S = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Averaged weights as they were at a step."""

    step: int
    """Optimiser steps done."""
    tensors: dict[str, Tensor]
    """By parameter, on the device of training."""
    copied: "torch.cuda.Event | None" = None
    """Passed once a GPU has made the copies."""

    def arrays(self) -> dict[str, Any]:
        """On the host, as the object store takes them without pickling."""
        if self.copied is None:
            return {name: tensor.numpy() for name, tensor in self.tensors.items()}
        # a stream of its own: the copies to the host must not stand in the queue of training
        device = next(iter(self.tensors.values())).device
        with torch.cuda.stream(torch.cuda.Stream(device)):
            self.copied.wait()
            return {name: tensor.cpu().numpy() for name, tensor in self.tensors.items()}


@dataclass(kw_only=True, slots=True)
class _Hand:
    """A teacher as the feed knows it."""

    actor: Any
    ready: bool = False
    """Whether it has loaded what it needs."""
    is_warm: bool = False
    """Whether it has answered before: the first answer is no measure."""
    orders: int = 0
    """Calls on the way."""
    failures: int = 0
    """In a row."""
    retry_at_s: float = 0.0
    """When to speak to it again."""
    is_gone: bool = False
    """Whether Ray will not restart it."""


@dataclass(frozen=True, slots=True)
class _Call:
    hand: _Hand
    step: int | None
    """None asks whether it is ready."""
    asked_s: float


class TeacherFeed:
    """Orders ahead, a bounded buffer of deliveries, weights out. What the trainer calls here never waits."""

    def __init__(
        self,
        actors: Sequence[Any],
        lookahead: Lookahead,
        *,
        total_steps: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hands = [_Hand(actor=actor) for actor in actors]
        self._lookahead, self._total_steps, self._clock = lookahead, total_steps, clock
        self._lock = threading.Lock()
        self._buffer: dict[int, TeacherDelivery] = {}
        self._passed = -1
        self._snapshot: Snapshot | None = None
        self._weights: tuple[int, Any] | None = None
        self._calls: dict[Any, _Call] = {}
        self._closing, self._stirred = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="teacher-feed", daemon=True)
        self._thread.start()

    def take(self, step: int) -> TeacherDelivery | None:
        """What has come for a step; all of earlier ones is dropped."""
        with self._lock:
            self._lookahead.begin(step, self._clock())
            self._passed = step
            delivery = self._buffer.pop(step, None)
            self._buffer = {other: made for other, made in self._buffer.items() if other > step}
        self._stirred.set()
        return delivery

    @property
    def wants_weights(self) -> bool:
        """Whether the teachers will soon be asked for something."""
        with self._lock:
            return self._lookahead.wants_weights

    def publish(self, snapshot: Snapshot) -> None:
        """Orders use these weights as soon as they are in the object store."""
        self._snapshot = snapshot
        self._stirred.set()

    @property
    def waiting_steps(self) -> int:
        """Steps in the buffer."""
        with self._lock:
            return len(self._buffer)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End the thread. What is on the way is left to itself."""
        self._closing.set()
        self._stirred.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._put_weights()
                self._order()
                self._collect()
            except Exception as error:  # training must go on whatever happens here
                _log.warning("teachers are not fed: %s", error)
                self._closing.wait(RETRY_S)

    def _put_weights(self) -> None:
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            import ray

            self._weights = (snapshot.step, ray.put(snapshot.arrays()))

    def _order(self) -> None:
        """Speak to every teacher that has a hand free, those with fewest orders first."""
        now_s = self._clock()
        idle = [hand for hand in self._hands if not hand.is_gone and now_s >= hand.retry_at_s]
        for count in range(ORDERS_EACH):
            for hand in idle:
                if hand.orders == count and not self._ask(hand):
                    return

    def _ask(self, hand: _Hand) -> bool:
        """One more call to a teacher; False where nothing is left to ask for."""
        if not hand.ready:
            if hand.orders == 0:
                self._call(hand, hand.actor.ready.remote(), None)
            return True
        if self._weights is None:
            return False
        with self._lock:
            step = self._lookahead.next_step()
        total = self._total_steps()
        if step is None or step >= total:
            return False
        weights_step, weights = self._weights
        order = TeacherOrder(step=step, total_steps=total, weights_step=weights_step, weights=(weights,))
        self._call(hand, hand.actor.make.remote(order), step)
        return True

    def _call(self, hand: _Hand, answer: Any, step: int | None) -> None:
        hand.orders += 1
        self._calls[answer] = _Call(hand, step, self._clock())

    def _collect(self) -> None:
        """Take in what has come, waiting a moment for the first."""
        import ray

        if not self._calls:
            self._stirred.wait(POLL_S)
            self._stirred.clear()
            return
        answers, _ = ray.wait(list(self._calls), num_returns=1, timeout=POLL_S)
        for answer in answers:
            call = self._calls.pop(answer)
            call.hand.orders -= 1
            try:
                self._answered(call, ray.get(answer))
            except Exception as error:
                self._failed(call, error)

    def _answered(self, call: _Call, answer: Any) -> None:
        hand, hand_was_warm = call.hand, call.hand.is_warm
        if call.step is None:
            hand.ready = True
            return
        hand.is_warm, hand.failures = True, 0
        with self._lock:
            if hand_was_warm:
                self._lookahead.answered(self._clock() - call.asked_s)
            if call.step > self._passed:
                self._buffer[call.step] = answer

    def _failed(self, call: _Call, error: Exception) -> None:
        """Leave the teacher alone for a while. A restarted one must load before it is asked."""
        from ray.exceptions import ActorDiedError

        hand = call.hand
        hand.is_gone = isinstance(error, ActorDiedError)
        # calls that were on the way fail together, and count once
        if hand.ready or call.step is None:
            if hand.failures == 0 or hand.is_gone:
                _log.warning("a teacher failed: %s", error)
            hand.failures += 1
            hand.ready = hand.is_warm = False
            hand.retry_at_s = self._clock() + min(RETRY_S * 2 ** (hand.failures - 1), LONGEST_RETRY_S)
        if call.step is not None:
            with self._lock:
                self._lookahead.failed(call.step)
