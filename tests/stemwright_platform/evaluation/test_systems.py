from dataclasses import replace

import pytest
import torch

from stemwright.latent_dataset import LatentDataset
from stemwright.tasks import Task
from stemwright.tracks import TRACKS
from stemwright_platform.evaluation.clip import ClipChoice, choose_clips
from stemwright_platform.evaluation.making import Source
from stemwright_platform.evaluation.systems import SamplingChoice, Systems, take_seed
from stemwright_platform.evaluation.task_name import parse_task

FAST = SamplingChoice(num_steps=2)


@pytest.fixture(scope="module")
def choice(small_source: Source) -> ClipChoice:
    return choose_clips(LatentDataset(small_source.data), "test", 4, 3.0)


@pytest.fixture(scope="module")
def systems(small_source: Source, choice: ClipChoice) -> Systems:
    composer, corpus = small_source.open()
    return Systems(composer, corpus, FAST, choice.pool, 0)


@pytest.fixture(scope="module")
def joint() -> Task:
    return Task(TRACKS.names)


def test_the_model_is_asked_with_what_the_song_has_given(
    systems: Systems, choice: ClipChoice, joint: Task
) -> None:
    clip = choice.clips[0]
    task = parse_task("bass_given_drums_instrument_melody", TRACKS)
    made, real = systems.stems("model", clip, task), systems.stems("real", clip, joint)
    assert list(made) == list(TRACKS.names)
    assert torch.equal(made["drums"], real["drums"])
    assert not torch.equal(made["bass"], real["bass"])


def test_takes_differ_by_their_turn_alone(systems: Systems, choice: ClipChoice, joint: Task) -> None:
    clip = choice.clips[0]
    first, again, other = (systems.stems("model", clip, joint, turn)["bass"] for turn in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_untrained_model_hears_nothing(systems: Systems, choice: ClipChoice, joint: Task) -> None:
    clip = choice.clips[0]
    alone = parse_task("bass_alone", TRACKS)
    given = parse_task("bass_given_drums_instrument_melody", TRACKS)
    one, other = (systems.stems("untrained", clip, task)["bass"] for task in (alone, given))
    assert torch.allclose(one, other, atol=1e-4)


def test_strangers_are_put_together_from_other_places(
    systems: Systems, choice: ClipChoice, joint: Task
) -> None:
    clip = choice.clips[0]
    real, shuffled = systems.stems("real", clip, joint), systems.stems("shuffled", clip, joint)
    first, *others = clip.tracks
    assert torch.equal(real[first], shuffled[first])
    sounding = [name for name in others if float(real[name].abs().max()) > 1e-3]
    assert sounding
    assert not any(torch.equal(real[name], shuffled[name]) for name in sounding)


def test_a_clips_noise_is_its_own_and_the_same_for_every_model(choice: ClipChoice) -> None:
    seeds = [take_seed(seed, clip, turn) for seed in (0, 1) for clip in choice.clips for turn in (0, 1)]
    assert len(set(seeds)) == len(seeds)
    renamed = replace(choice.clips[0], prompt="other words")
    assert take_seed(0, renamed) == take_seed(0, choice.clips[0])
