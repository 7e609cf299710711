"""The client against the real API, with a worker that makes tones instead of music."""

import threading
from collections.abc import Iterator

import pytest
import torch
from fastapi.testclient import TestClient

from stemwright.audio import read_audio
from stemwright.errors import InputError
from stemwright_platform.client import Client, Retries
from stemwright_platform.demo.alg1 import FIRST_ROUND, STEMS, Composed, compose_by_algorithm_1
from stemwright_platform.serving.api import create_api
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.stems import stem
from stemwright_platform.serving.takes import stored_take

RATE = 48_000
TRACKS = ["bass", "drums", "instrument", "melody"]


class ToneWorker:
    """Does what waits in the queue: each take is a tone of its own."""

    def __init__(self, services: Services) -> None:
        self.services, self.fault = services, ""
        self.made = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "ToneWorker":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing.wait(0.02):
            if claim := self.services.queue.claim():
                if self.fault:
                    self.services.queue.fail(claim, self.fault)
                    continue
                self.services.queue.renew(claim, progress=0.5, stage="denoising")
                takes = [self._take(claim, track) for track in claim.brief.targets]
                self.services.queue.finish(claim, takes)

    def _take(self, claim, track):
        self.made += 1
        time = torch.arange(round(claim.brief.duration_s * RATE)) / RATE
        audio = 0.1 * torch.sin(2 * torch.pi * 110 * self.made * time).expand(2, -1)
        return stored_take(
            self.services.blobs,
            stem(audio, RATE, 0.0),
            composition_id=claim.composition_id,
            track=track,
            name="take 1",
            generation_id=claim.generation_id,
            seed=claim.brief.seeds[0],
        )


@pytest.fixture
def client(services) -> Client:
    return Client("http://testserver", http=TestClient(create_api(services)))


@pytest.fixture
def worker(services) -> Iterator[ToneWorker]:
    with ToneWorker(services) as worker:
        yield worker


def compose(client, folder, **changes) -> Composed:
    settings = {"prompt": "slow blues", "duration_s": 1.0, "seed": 5} | changes
    return compose_by_algorithm_1(client, folder, **settings)


def test_the_second_round_fits_the_kept_tracks_of_the_first_with_the_models_own_scale(
    client, worker, facts, tmp_path
):
    composed = compose(client, tmp_path / "out")
    first, second = composed.rounds
    assert first.request.targets == TRACKS
    assert not first.request.given
    assert second.request.targets == ["instrument", "melody"]
    takes = {take.track: take.id for take in first.takes}
    assert second.request.given == {"bass": takes["bass"], "drums": takes["drums"]}
    assert second.request.guidance_scale == facts.guidance_scale
    assert composed.kept == ["bass", "drums"]


def test_kept_stems_come_back_untouched_and_the_others_are_new(client, worker, tmp_path):
    out = tmp_path / "out"
    compose(client, out)
    for track in TRACKS:
        same = (out / FIRST_ROUND / f"{track}.wav").read_bytes() == (
            out / STEMS / f"{track}.wav"
        ).read_bytes()
        assert same == (track in ("bass", "drums"))


def test_each_rounds_mix_is_the_sum_of_its_stems(client, worker, tmp_path):
    out = tmp_path / "out"
    compose(client, out)
    for folder in (out / FIRST_ROUND, out / STEMS):
        total = torch.stack([read_audio(folder / f"{track}.wav") for track in TRACKS]).sum(0)
        assert torch.allclose(read_audio(folder / "mix.wav"), total, atol=1e-3)


def test_the_record_holds_what_was_asked_and_is_read_back(client, worker, tmp_path):
    composed = compose(client, tmp_path, prompt="🎸 <blues>", seed=9)
    assert Composed.load(tmp_path) == composed
    assert composed.prompt == "🎸 <blues>"
    assert composed.rounds[0].request.seeds == [9]


def test_progress_rises_to_the_end(client, worker, tmp_path):
    shares: list[float] = []
    compose(client, tmp_path, on_progress=lambda share, stage: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_a_generation_that_fails_is_one_line_with_its_reason(client, worker, tmp_path):
    worker.fault = "the denoiser is out of memory"
    with pytest.raises(InputError, match="out of memory"):
        compose(client, tmp_path)
    assert not (tmp_path / "composition.json").exists()


def test_a_refusal_is_one_line_with_the_servers_remedy(client, tmp_path):
    with pytest.raises(InputError, match="choose 1 to 240 s"):
        compose(client, tmp_path, duration_s=1000.0)


def test_a_server_that_is_not_there_is_one_line(tmp_path):
    with (
        Client("http://127.0.0.1:9", retries=Retries(attempts=1)) as client,
        pytest.raises(InputError, match=r"no answer from http://127.0.0.1:9"),
    ):
        compose(client, tmp_path)
