"""Brings queued generations to their end: claims them, leads them through the stages, keeps the takes."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch

from stemwright.beat_grid import with_first_bar
from stemwright.errors import InputError
from stemwright.long_pieces import window_prompts
from stemwright.tasks import Task, task_prompt
from stemwright.tracks import Tracks
from stemwright_platform.serving.failures import is_full
from stemwright_platform.serving.housekeeping import tidy
from stemwright_platform.serving.metrics import GENERATION_SECONDS, STAGE_SECONDS, WORKERS_LOST, timed
from stemwright_platform.serving.model_watch import ModelWatch
from stemwright_platform.serving.queue import Claim
from stemwright_platform.serving.scaling import in_hand
from stemwright_platform.serving.schema import Brief, ModelFacts
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.stages import Array, Stages, WorkerLost
from stemwright_platform.serving.stems import stem
from stemwright_platform.serving.tables import DONE, FAILED, Take
from stemwright_platform.serving.takes import stored_take
from stemwright_platform.serving.wire import DenoisingOrder, EncodedPiece, Rewritten, Step, TextArrays

log = logging.getLogger(__name__)
T = TypeVar("T")

POLL_S = 0.2
PULSE_S = 0.5
"""Progress is written at most this often."""
RENEW_S = 5.0
"""A lease is renewed this often though nothing has changed."""
FACTS_S = 10.0
"""The model is told to be served this often."""
COUNT_S = 2.0
"""The denoisers are counted this often."""
TIDY_S = 600.0
"""What time takes away is looked for this often."""
PAUSE_S = 2.0
"""Before a generation that lost its worker is tried again."""


@dataclass(slots=True)
class Progress:
    """Where a generation's candidates are; written by callbacks, read by the pulse."""

    stage: str = "starting"
    fractions: dict[int, float] = field(default_factory=dict)
    """Candidate → fraction of its steps done."""
    num_candidates: int = 1

    @property
    def fraction(self) -> float:
        return sum(self.fractions.values()) / self.num_candidates


class Dispatcher:
    """Holds a few generations more at once than the denoisers have room for."""

    def __init__(self, services: Services, stages: Stages, watch: ModelWatch) -> None:
        """`watch` has begun: it knows the model."""
        self._services, self._stages, self._watch = services, stages, watch
        self._working: set[asyncio.Task[None]] = set()
        self._num_denoisers = 1

    async def run(self) -> None:
        """Work until cancelled; what is in hand is then given back to the queue."""
        sides = (self._keep_telling(), self._keep_counting(), self._keep_tidy(), self._watch.follow())
        beside = [asyncio.create_task(each) for each in sides]
        try:
            while True:
                if not await self._take_on(self._watch.facts):
                    await asyncio.sleep(POLL_S)
        finally:
            for task in (*beside, *self._working):
                task.cancel()
            await asyncio.gather(*beside, *self._working, return_exceptions=True)

    async def _keep_telling(self) -> None:
        """Say every so often, and at once after a change, what is served, if anybody is there to make it."""
        changed = self._watch.changed
        while True:
            changed.clear()
            if self._num_denoisers:
                await _despite_faults(asyncio.to_thread(self._services.models.tell, self._watch.facts))
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), FACTS_S)

    async def _keep_counting(self) -> None:
        """How many denoisers there are, as they come and go."""
        while True:
            count = await _despite_faults(self._stages.num_denoisers())
            if count is not None:
                self._num_denoisers = count
            await asyncio.sleep(COUNT_S)

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_S)
            done = await _despite_faults(asyncio.to_thread(tidy, self._services, time.time()))
            if done is not None and (done.takes or done.blobs):
                log.info("expired %d takes that nobody chose, %d blobs without a row", done.takes, done.blobs)

    async def _take_on(self, facts: ModelFacts) -> bool:
        """Claim one generation for the model that is served now; False where none is to be had."""
        if len(self._working) >= in_hand(self._num_denoisers, self._services.settings.generations_each):
            return False
        claim = await _despite_faults(asyncio.to_thread(self._services.queue.claim, facts.uri, facts.version))
        if claim is None:
            return False
        STAGE_SECONDS.observe(max(time.time() - claim.asked_at, 0.0), {"stage": "waiting"})
        others = set(self._working) if claim.alone else set()
        work = asyncio.create_task(_Work(self._services, self._stages, facts, claim).run(after=others))
        self._working.add(work)
        work.add_done_callback(self._working.discard)
        if claim.alone:
            log.warning("a generation lost its worker twice: it is made alone", extra=_about(claim))
            await asyncio.wait([work])
        return True


class _Work:
    """One claimed generation, from its start to its end on one version of the model."""

    def __init__(self, services: Services, stages: Stages, facts: ModelFacts, claim: Claim) -> None:
        self._services, self._stages, self._facts, self._claim = services, stages, facts, claim
        self._progress = Progress(num_candidates=len(claim.brief.seeds))
        self._kept: list[Take] = []
        self._ended = False

    async def run(self, after: Collection[asyncio.Task[None]] = ()) -> None:
        """Make the takes, once `after` have ended; whatever happens, the row learns of it."""
        making = asyncio.create_task(self._make(after))
        pulse = asyncio.create_task(self._pulse(making))
        try:
            await making
            if await _undisturbed(asyncio.to_thread(self._services.queue.finish, self._claim, self._kept)):
                self._count_end(DONE)
        except asyncio.CancelledError:  # the dispatcher ends, or the queue took the row from us
            await self._tell(self._services.queue.release, self._claim, blameless=True)
        except WorkerLost as loss:
            log.warning("a generation lost its worker: %s", loss, extra=_about(self._claim))
            WORKERS_LOST.inc()
            await asyncio.sleep(PAUSE_S)
            await self._tell(self._services.queue.release, self._claim)
        except Exception as error:
            log.exception("a generation failed", extra=_about(self._claim))
            reason = one_line(error, self._progress.stage)
            if await self._tell(self._services.queue.fail, self._claim, reason):
                self._count_end(FAILED)
        finally:
            pulse.cancel()
            making.cancel()
            await asyncio.gather(pulse, making, return_exceptions=True)
            self._ended = True
            await self._tell(self._drop_unnamed_blobs)

    def _count_end(self, state: str) -> None:
        seconds = max(time.time() - self._claim.asked_at, 0.0)
        GENERATION_SECONDS.observe(seconds, {"state": state})
        log.info("a generation is %s", state, extra={**_about(self._claim), "seconds": round(seconds, 3)})

    async def _tell(self, call: Callable[..., T], *arguments: Any, **options: Any) -> T | None:
        """A blocking call that must not be cut short; None where it fails."""
        return await _despite_faults(_undisturbed(asyncio.to_thread(call, *arguments, **options)))

    async def _pulse(self, making: asyncio.Task[None]) -> None:
        """Renew the lease and tell the progress; stop the work once the row is not ours any more."""
        told, told_at, now = None, 0.0, asyncio.get_running_loop().time
        queue = self._services.queue
        while True:
            news = (self._progress.stage, self._progress.fraction)
            if news != told or now() - told_at > RENEW_S:
                ours = await self._tell(queue.renew, self._claim, stage=news[0], progress=news[1])
                told, told_at = (news, now()) if ours else (told, told_at)
            else:
                ours = await self._tell(queue.holds, self._claim)
            if ours is False:
                making.cancel()
                return
            await asyncio.sleep(PULSE_S)

    async def _make(self, after: Collection[asyncio.Task[None]]) -> None:
        if after:
            self._progress.stage = "waiting to be made alone"
            await asyncio.wait(after)
        brief, task, model = self._claim.brief, self._task(), self._facts.version
        self._progress.stage = "encoding"
        with timed("encoding"):
            given = await asyncio.to_thread(self._audio_of, brief.given)
            rewritten = await asyncio.to_thread(self._takes_to_rewrite)
            kept = rewritten.takes if rewritten else {}
            piece = await self._stages.encode(given | kept, brief.duration_s, model, brief.region_s)
        self._progress.stage = "reading the prompt"
        with timed("embedding"):
            texts = await self._stages.embed([*self._told(task, piece), task.prefix], model)
        self._progress.stage = "denoising"
        orders = [
            _order(model, brief, task, seed, piece, texts, (*self._claim.rank, index))
            for index, seed in enumerate(brief.seeds)
        ]
        await _all([self._candidate(index, order, rewritten) for index, order in enumerate(orders)])

    def _task(self) -> Task:
        brief, facts = self._claim.brief, self._facts
        tracks = Tracks(names=tuple(facts.tracks), prompt_names=tuple(facts.prompt_names))
        if brief.tracks != facts.tracks:
            raise InputError(
                f"the model has other tracks now ({', '.join(tracks.names)}): start a new composition"
            )
        return Task(tuple(brief.targets), tuple(brief.given), tracks=tracks)

    def _told(self, task: Task, piece: EncodedPiece) -> list[str]:
        """What each window is told."""
        brief = self._claim.brief
        free = not task.given and brief.region_s is None
        prompt = with_first_bar(brief.prompt) if free else brief.prompt
        windows = [range(*window) for window in piece.windows]
        told = window_prompts(prompt, windows, piece.frame_rate_hz)
        return [task_prompt(task.prefix, each) for each in told]

    def _audio_of(self, takes: Mapping[str, str]) -> dict[str, bytes]:
        return {track: self._take_audio(track, take_id) for track, take_id in takes.items()}

    def _takes_to_rewrite(self) -> Rewritten | None:
        brief = self._claim.brief
        if brief.region_s is None:
            return None
        return Rewritten(takes=self._audio_of(brief.takes), region_s=brief.region_s)

    def _take_audio(self, track: str, take_id: str) -> bytes:
        try:
            return self._services.blobs.get(self._services.compositions.take(take_id).blob_key)
        except FileNotFoundError:
            raise InputError(f"the audio of the given {track} is gone: upload it again") from None

    async def _candidate(self, index: int, order: DenoisingOrder, rewritten: Rewritten | None) -> None:
        """One take of each target."""

        def on_step(step: Step) -> None:
            self._progress.fractions[index] = step.step / step.num_steps

        with timed("denoising"):
            made = await self._stages.denoise(order, on_step)
        with timed("decoding"):
            stems = await self._stages.decode(
                made, order.targets, self._claim.brief.duration_s, order.model, rewritten
            )
        with timed("keeping"):
            await asyncio.to_thread(self._keep, index, order.seed, stems)

    def _keep(self, index: int, seed: int, stems: dict[str, Array]) -> None:
        for track, audio in stems.items():
            take = stored_take(
                self._services.blobs,
                stem(torch.from_numpy(audio.copy()), self._facts.sample_rate_hz, self._facts.gains_db[track]),
                composition_id=self._claim.composition_id,
                generation_id=self._claim.generation_id,
                track=track,
                name=f"take {index + 1}",
                seed=seed,
                model=self._facts.version,
            )
            self._kept.append(take)
        if self._ended:  # this thread outlived its generation
            self._drop_unnamed_blobs()

    def _drop_unnamed_blobs(self) -> None:
        """Of takes that have no row: the generation was not ours to finish."""
        named = {take.id for take in self._services.queue.takes(self._claim.generation_id)}
        for take in self._kept:
            if take.id not in named:
                self._services.blobs.delete(take.blob_key)


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run side by side; the first fault ends the others."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _undisturbed(work: Coroutine[Any, Any, T]) -> T:
    """Let `work` end before a cancellation goes on."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def _despite_faults(work: Coroutine[Any, Any, T]) -> T | None:
    """The result, or None with a line in the log: storage and cluster may come back."""
    try:
        return await work
    except Exception:
        log.exception("a call to the storage or the cluster failed")
        return None


def _about(claim: Claim) -> dict[str, str | None]:
    """What the log's lines on a generation can be found by."""
    return {
        "generation": claim.generation_id,
        "composition": claim.composition_id,
        "request_id": claim.request_id,
    }


def one_line(error: BaseException, stage: str) -> str:
    """Why a generation failed, for its owner."""
    if isinstance(error, InputError):
        return str(error)
    if is_full(error):
        return "the server's disk is full: delete compositions or free the disk, then ask again"
    said = str(error).strip().splitlines() or ["no details"]
    return f"{type(error).__name__} while {stage}: {said[0]}"[:500]


def _order(
    model: str,
    brief: Brief,
    task: Task,
    seed: int,
    piece: EncodedPiece,
    texts: list[TextArrays],
    rank: tuple[float, ...],
) -> DenoisingOrder:
    return DenoisingOrder(
        model=model,
        targets=task.targets,
        given=task.given,
        seed=seed,
        guidance_scale=brief.guidance_scale,
        text_guidance=brief.text_guidance,
        steps=brief.steps,
        solver=brief.solver,
        piece=piece,
        prompts=tuple(texts[:-1]),
        prefix=texts[-1],
        rank=rank,
    )
