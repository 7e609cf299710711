import asyncio
import errno
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stemwright_platform.serving import dispatcher as module
from stemwright_platform.serving.dispatcher import Dispatcher
from stemwright_platform.serving.model_watch import ModelWatch
from stemwright_platform.serving.schema import Brief, ModelFacts, NewComposition
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.stages import WorkerLost
from stemwright_platform.serving.tables import ENDED, Generation
from stemwright_platform.serving.wire import EncodedPiece, Step, TextArrays


class FaultyStages:
    """Stages that compute nothing and fail on order: what a real one does is tested in test_app."""

    def __init__(self, facts: ModelFacts) -> None:
        self.told = facts
        self.denoising: list[int] = []
        self.models: list[str] = []
        self.on_denoise: Callable[[], None] = lambda: None
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.at_once = 0
        self.denoisers = 1

    async def prepare(self, model: str) -> ModelFacts:
        return self.told.model_copy(update={"version": model})

    async def num_denoisers(self) -> int:
        return self.denoisers

    async def embed(self, prompts: list[str], model: str) -> list[TextArrays]:
        return [TextArrays(np.zeros((1, 1, 2), np.float32), np.ones((1, 1), bool)) for _ in prompts]

    async def encode(self, stems, duration_s, model, region_s=None):
        latents = np.zeros((1, 4, 2, 8), np.float32)
        return EncodedPiece(latents=latents, windows=((0, 8),), frame_rate_hz=50.0)

    async def denoise(self, order, on_step):
        self.denoising.append(order.seed)
        self.models.append(order.model)
        self.at_once += 1
        try:
            on_step(Step(1, 2))
            await self.go_on.wait()
            self.on_denoise()
            return order.piece.latents
        finally:
            self.at_once -= 1

    async def decode(self, latents, targets, duration_s, model, rewritten=None):
        return {track: np.full((2, 480), 0.1, np.float32) for track in targets}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.01)
    monkeypatch.setattr(module, "PULSE_S", 0.02)
    monkeypatch.setattr(module, "PAUSE_S", 0.0)


@pytest.fixture
def submit(services: Services, facts: ModelFacts) -> Callable[..., Generation]:
    def submit_one(**changes: object) -> Generation:
        composition = services.compositions.create(NewComposition(), facts)
        brief = {
            "prompt": "",
            "duration_s": 0.01,
            "tracks": facts.tracks,
            "targets": ["bass", "melody"],
            "given": {},
            "guidance_scale": 1.0,
            "text_guidance": 1.0,
            "steps": 2,
            "solver": "ddim",
            "seeds": [4, 5],
        }
        brief = Brief.model_validate({**brief, **changes})
        return services.queue.submit(composition.id, brief, asked="", idempotency_key=None, max_queue=99)

    return submit_one


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def _dispatch(services: Services, stages: Any) -> None:
    watch = ModelWatch(services.settings, stages, services.models)
    await watch.begin()
    await Dispatcher(services, stages, watch).run()


def dispatched(services: Services, stages: FaultyStages, *rows: Generation) -> None:
    """Run a dispatcher until all the generations have ended."""

    async def run() -> None:
        running = asyncio.create_task(_dispatch(services, stages))
        await _until(lambda: all(services.queue.get(row.id).state in ENDED for row in rows))
        await asyncio.sleep(0.1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def test_each_candidate_becomes_a_take_of_each_target(services, facts, submit):
    row = submit()
    dispatched(services, FaultyStages(facts), row)
    takes = services.queue.takes(row.id)
    assert [(take.name, take.track, take.seed) for take in takes] == [
        ("take 1", "bass", 4),
        ("take 1", "melody", 4),
        ("take 2", "bass", 5),
        ("take 2", "melody", 5),
    ]
    assert sorted(take.blob_key for take in takes) == services.blobs.keys()
    assert {take.gain_db for take in takes} == {3.0, 0.0}
    assert services.models.fresh() == [facts]
    assert {take.model for take in takes} == {services.queue.get(row.id).model} == {"a-model"}


@pytest.mark.parametrize(
    "fault, reason",
    [
        (RuntimeError("no more memory\nat line 3"), "RuntimeError while denoising: no more memory"),
        (OSError(errno.ENOSPC, "No space left"), "the server's disk is full"),
    ],
)
def test_a_fault_ends_the_generation_failed_in_one_line_and_leaves_no_blob(
    services, facts, submit, fault, reason
):
    def fail_at_the_second() -> None:
        if len(stages.denoising) == 2:
            raise fault

    stages, row, next_row = FaultyStages(facts), submit(), submit(seeds=[7])
    stages.on_denoise = fail_at_the_second
    dispatched(services, stages, row, next_row)
    failed = services.queue.get(row.id)
    assert failed.state == "failed"
    assert failed.error.startswith(reason)
    assert "\n" not in failed.error
    assert services.queue.get(next_row.id).state == "done"
    assert sorted(take.blob_key for take in services.queue.takes(next_row.id)) == services.blobs.keys()


def test_a_lost_worker_costs_an_attempt_and_the_work_is_done_again(services, facts, submit):
    def lose_the_first() -> None:
        if len(stages.denoising) == 1:
            raise WorkerLost("the replica died")

    stages, row = FaultyStages(facts), submit(seeds=[4])
    stages.on_denoise = lose_the_first
    dispatched(services, stages, row)
    ended = services.queue.get(row.id)
    assert (ended.state, ended.attempts, stages.denoising) == ("done", 2, [4, 4])


def test_a_generation_that_always_loses_its_worker_ends_failed(services, facts, submit):
    def lose() -> None:
        raise WorkerLost("the replica died")

    stages, row = FaultyStages(facts), submit(seeds=[4])
    stages.on_denoise = lose
    dispatched(services, stages, row)
    assert services.queue.get(row.id).state == "failed"
    assert stages.denoising == [4, 4, 4]


def test_a_generation_that_lost_its_worker_twice_is_made_alone(services, facts, submit):
    stages, together = FaultyStages(facts), []
    suspect = 4

    def lose_it_twice() -> None:
        if stages.denoising[-1] == suspect:
            together.append(stages.at_once)
            if len(together) < 3:
                raise WorkerLost("killed")

    stages.on_denoise = lose_it_twice
    rows = [submit(seeds=[seed]) for seed in (suspect, 1, 2, 3)]
    dispatched(services, stages, *rows)
    assert [services.queue.get(row.id).state for row in rows] == ["done"] * 4
    assert together[-1] == 1
    assert services.queue.get(rows[0].id).attempts == 3


def test_a_suspect_waits_until_all_else_has_ended_and_nothing_joins_it(services, facts, submit):
    async def run() -> None:
        stages, together = FaultyStages(facts), []
        suspect = submit(seeds=[1], priority="batch")
        for _ in range(2):
            services.queue.release(services.queue.claim())
        before = submit(seeds=[2])
        stages.on_denoise = lambda: together.append((stages.denoising[-1], stages.at_once))
        stages.go_on.clear()
        running = asyncio.create_task(_dispatch(services, stages))
        await _until(lambda: services.queue.get(suspect.id).stage == "waiting to be made alone")
        after = submit(seeds=[3])
        await asyncio.sleep(0.2)
        assert stages.denoising == [2]
        assert services.queue.get(after.id).state == "queued"
        stages.go_on.set()
        rows = (before, suspect, after)
        await _until(lambda: all(services.queue.get(row.id).state == "done" for row in rows))
        assert together == [(2, 1), (1, 1), (3, 1)]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())


def test_a_model_of_other_tracks_fails_what_was_asked_of_the_old_one(services, facts, submit):
    row = submit(tracks=["bass", "melody"])
    dispatched(services, FaultyStages(facts), row)
    assert "other tracks" in services.queue.get(row.id).error


def test_cancelling_stops_the_work_and_leaves_no_blob(services, facts, submit):
    async def run() -> None:
        stages = FaultyStages(facts)
        stages.go_on.clear()
        running = asyncio.create_task(_dispatch(services, stages))
        await _until(lambda: services.queue.get(row.id).progress == 0.5)
        services.queue.cancel(row.id)
        await _until(lambda: stages.at_once == 0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    row = submit()
    asyncio.run(run())
    assert services.queue.get(row.id).state == "cancelled"
    assert services.blobs.keys() == []


def test_a_dispatcher_that_ends_gives_its_work_back_without_blame(services, facts, submit):
    async def run() -> None:
        stages = FaultyStages(facts)
        stages.go_on.clear()
        running = asyncio.create_task(_dispatch(services, stages))
        await _until(lambda: stages.at_once == 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    row = submit()
    asyncio.run(run())
    left = services.queue.get(row.id)
    assert (left.state, left.attempts) == ("queued", 0)
    dispatched(services, FaultyStages(facts), row)
    assert services.queue.get(row.id).state == "done"


def test_what_is_in_hand_ends_on_its_version_and_what_comes_next_has_the_new_one(services, facts, submit):
    class Told(ModelWatch):
        """A watch that is told, not one that looks."""

        def change(self, version: str) -> None:
            self._tell(self.facts.model_copy(update={"version": version}))

    async def run() -> None:
        stages = FaultyStages(facts)
        stages.go_on.clear()
        watch = Told(services.settings, stages, services.models)  # type: ignore[arg-type]
        await watch.begin()
        running = asyncio.create_task(Dispatcher(services, stages, watch).run())  # type: ignore[arg-type]
        await _until(lambda: stages.at_once == 1)
        watch.change("the next")
        await _until(lambda: any(told.version == "the next" for told in services.models.fresh()))
        rows.append(submit(seeds=[2]))
        await _until(lambda: stages.at_once == 2)
        stages.go_on.set()
        await _until(lambda: all(services.queue.get(row.id).state in ENDED for row in rows))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert stages.models == ["a-model", "the next"]

    rows = [submit(seeds=[1])]
    asyncio.run(run())
    made = [[take.model for take in services.queue.takes(row.id)] for row in rows]
    assert made == [["a-model"] * 2, ["the next"] * 2]


def test_a_little_more_is_in_hand_than_the_denoisers_have_room_for_as_they_come_and_go(
    services, facts, submit, monkeypatch
):
    monkeypatch.setattr(module, "COUNT_S", 0.05)

    async def run() -> None:
        stages = FaultyStages(facts)
        stages.go_on.clear()
        running = asyncio.create_task(_dispatch(services, stages))
        for stages.denoisers, held in ((1, 5), (2, 10)):
            await _until(lambda held=held: stages.at_once == held)
            await asyncio.sleep(0.2)
            assert services.queue.counts()["queued"] == 12 - held
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    for _ in range(12):
        submit(seeds=[1])
    asyncio.run(run())


def test_a_model_is_not_told_to_be_served_while_no_denoiser_runs(
    services: Services, facts: ModelFacts, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COUNT_S", 0.01)
    monkeypatch.setattr(module, "FACTS_S", 0.01)
    stages = FaultyStages(facts)
    stages.denoisers = 0

    async def run() -> None:
        running = asyncio.create_task(_dispatch(services, stages))
        await asyncio.sleep(0.3)  # it has counted
        clock.now += 60
        await asyncio.sleep(0.3)
        assert not services.models.fresh()
        stages.denoisers = 1
        await _until(lambda: bool(services.models.fresh()))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
