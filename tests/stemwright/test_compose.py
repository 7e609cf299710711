from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_learning import HashedText, toy_preset

from stemwright.beat_grid import BeatGrid, read_grid
from stemwright.checkpoint import Origin, load_checkpoint, save_checkpoint
from stemwright.compose import MAX_PROMPT_CHARACTERS, Composer, Request
from stemwright.errors import InputError
from stemwright.latent_stats import LatentStats
from stemwright.learner import fit_preset
from stemwright.mdct_codec import MdctCodec
from stemwright.mixing import CEILING
from stemwright.tasks import Task
from stemwright.unet import StemUNet

RATE = 48_000


def awake(preset_model: StemUNet) -> StemUNet:
    torch.manual_seed(3)
    for parameter in preset_model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.02)
    return preset_model


@pytest.fixture(scope="module")
def composer(tmp_path_factory: pytest.TempPathFactory) -> Composer:
    """A random model behind the embedded codec."""
    codec, text = MdctCodec(), HashedText()
    preset = fit_preset(
        toy_preset(region_probability=0.2),
        latent_dim=codec.latent_dim,
        text_width=text.width,
        frame_rate_hz=codec.frame_rate_hz,
    )
    preset = replace(preset, sampling=replace(preset.sampling, num_steps=3))
    folder = save_checkpoint(
        tmp_path_factory.mktemp("checkpoint") / "model",
        weights=awake(StemUNet(preset.model, preset.schedule.build())).state_dict(),
        preset=preset,
        stats=LatentStats(mean=torch.zeros(4, codec.latent_dim), std=torch.ones(4, codec.latent_dim)),
        origin=Origin(
            codec=codec.name,
            codec_fingerprint=codec.fingerprint,
            text_encoder=text.name,
            text_encoder_fingerprint=text.fingerprint,
            gains_db=(0.0, 6.0, 0.0, 0.0),
            facts={},
        ),
    )
    return Composer(load_checkpoint(folder), codec, text)


def tone(seconds: float, hz: float = 220.0) -> torch.Tensor:
    t = torch.arange(round(seconds * RATE)) / RATE
    return 0.3 * torch.sin(2 * torch.pi * hz * t).expand(2, -1).clone()


def test_joint_generation_gives_every_track_at_the_asked_length(composer: Composer) -> None:
    task = Task(("bass", "drums", "instrument", "melody"))
    stems = composer.generate(Request(prompt="blues", task=task, duration_s=0.5))
    assert list(stems) == ["bass", "drums", "instrument", "melody"]
    for audio in stems.values():
        assert audio.shape == (2, RATE // 2)
        assert audio.isfinite().all()
        assert audio.abs().max() > 0


def test_given_audio_comes_back_untouched(composer: Composer) -> None:
    drums = tone(0.5)
    task = Task(("bass",), ("drums",))
    stems = composer.generate(Request(task=task, duration_s=0.5), {"drums": drums})
    assert set(stems) == {"bass", "drums"}
    assert torch.equal(stems["drums"], drums)


def test_given_audio_is_cut_or_padded_to_the_composition(composer: Composer) -> None:
    task = Task(("bass",), ("drums", "melody"))
    given = {"drums": tone(0.7), "melody": tone(0.001)}
    stems = composer.generate(Request(task=task, duration_s=0.5), given)
    assert torch.equal(stems["drums"], given["drums"][:, : RATE // 2])
    assert torch.equal(stems["melody"][:, :48], given["melody"])
    assert not stems["melody"][:, 48:].any()


def test_given_audio_shapes_what_is_made(composer: Composer) -> None:
    request = Request(task=Task(("bass",), ("drums",)), duration_s=0.5, seed=1)
    one = composer.generate(request, {"drums": tone(0.5)})["bass"]
    other = composer.generate(request, {"drums": tone(0.5, hz=100.0)})["bass"]
    assert not torch.allclose(one, other)


def test_the_level_of_given_audio_does_not_matter(composer: Composer) -> None:
    request = Request(task=Task(("bass",), ("drums",)), duration_s=0.5, seed=1)
    loud = composer.generate(request, {"drums": tone(0.5)})["bass"]
    quiet = composer.generate(request, {"drums": 0.1 * tone(0.5)})["bass"]
    torch.testing.assert_close(loud, quiet, atol=1e-3, rtol=0)


def test_silent_given_audio_is_fine(composer: Composer) -> None:
    request = Request(task=Task(("bass",), ("drums",)), duration_s=0.5)
    assert composer.generate(request, {"drums": torch.zeros(2, 100)})["bass"].isfinite().all()


def test_the_same_seed_is_the_same_take_and_another_is_not(composer: Composer) -> None:
    def bass(seed: int) -> torch.Tensor:
        return composer.generate(Request(task=Task(("bass",)), duration_s=0.3, seed=seed))["bass"]

    assert torch.equal(bass(5), bass(5))
    assert not torch.allclose(bass(5), bass(6))


def test_prompt_and_text_guidance_change_the_take(composer: Composer) -> None:
    def bass(prompt: str, **options: float) -> torch.Tensor:
        request = Request(prompt=prompt, task=Task(("bass",)), duration_s=0.3, **options)
        return composer.generate(request)["bass"]

    assert not torch.allclose(bass("blues"), bass("techno 🎛️"))
    assert not torch.allclose(bass("blues"), bass("blues", text_scale=3.0))
    assert torch.allclose(bass(""), bass("", text_scale=3.0), atol=1e-5)


def test_takes_are_at_the_corpus_level_of_their_slot(composer: Composer) -> None:
    request = Request(task=Task(("drums",)), duration_s=0.3)
    made = composer.generate(request)["drums"]
    origin = replace(composer.checkpoint.origin, gains_db=(0.0, 0.0, 0.0, 0.0))
    level = Composer(replace(composer.checkpoint, origin=origin), composer.codec, composer.text_encoder)
    torch.testing.assert_close(made * 10 ** (6 / 20), level.generate(request)["drums"])


def test_progress_is_told_step_by_step(composer: Composer) -> None:
    seen: list[tuple[int, int]] = []
    composer.generate(Request(task=Task(("bass",)), duration_s=0.2), on_step=lambda *step: seen.append(step))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("given", "named"),
    [({}, "drums"), ({"drums": tone(0.1), "melody": tone(0.1)}, "melody"), ({"flute": tone(0.1)}, "flute")],
)
def test_given_audio_must_be_that_of_the_given_tracks(
    composer: Composer, given: dict[str, torch.Tensor], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        composer.generate(Request(task=Task(("bass",), ("drums",)), duration_s=0.2), given)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"duration_s": 0.0}, "duration"),
        ({"duration_s": 1e9}, "duration"),
        ({"prompt": "a" * (MAX_PROMPT_CHARACTERS + 1)}, "characters"),
    ],
)
def test_a_request_out_of_range_is_refused(options: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=named):
        Request(task=Task(("bass",)), **options)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "options",
    [{"guidance_scale": -1.0}, {"guidance_scale": float("nan")}, {"num_steps": 0}, {"num_steps": 5000}],
)
def test_sampling_settings_out_of_range_are_refused(composer: Composer, options: dict[str, float]) -> None:
    request = Request(task=Task(("bass",)), duration_s=0.2, **options)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError):
        composer.generate(request)


def test_a_codec_the_model_was_not_trained_with_is_refused(composer: Composer, tmp_path: Path) -> None:
    origin = replace(composer.checkpoint.origin, codec_fingerprint="another")
    with pytest.raises(InputError, match="codec"):
        Composer(replace(composer.checkpoint, origin=origin), composer.codec, composer.text_encoder)


def rewritten(composer: Composer, region_s: tuple[float, float], take: torch.Tensor) -> torch.Tensor:
    request = Request(task=Task(("bass",), ("drums",)), duration_s=0.6, region_s=region_s, seed=1)
    return composer.generate(request, {"drums": tone(0.6)}, takes={"bass": take})["bass"]


def test_a_take_stays_bit_identical_outside_the_region_and_changes_inside(composer: Composer) -> None:
    take = tone(0.6, hz=110.0)
    made = rewritten(composer, (0.2, 0.4), take)
    start, end = round(0.2 * RATE), round(0.4 * RATE)
    assert torch.equal(made[:, :start], take[:, :start])
    assert torch.equal(made[:, end:], take[:, end:])
    assert (made[:, start:end] - take[:, start:end]).abs().max() > 0.01
    # no click at the seams: no sample jumps further than the tone or what was made does by itself
    jump = made.diff().abs()
    assert jump[:, [start - 1, end - 1]].max() <= jump.max()


def test_a_take_is_continued_past_its_end(composer: Composer) -> None:
    take = tone(0.3, hz=110.0)
    made = rewritten(composer, (0.3, 0.6), take)
    assert made.shape[1] == round(0.6 * RATE)
    assert torch.equal(made[:, : round(0.3 * RATE)], take)
    assert made[:, round(0.35 * RATE) :].abs().max() > 0


def test_what_is_kept_of_a_take_shapes_what_is_made(composer: Composer) -> None:
    start, end = round(0.25 * RATE), round(0.35 * RATE)
    one, other = (rewritten(composer, (0.2, 0.4), tone(0.6, hz=hz)) for hz in (110.0, 330.0))
    assert not torch.allclose(one[:, start:end], other[:, start:end], atol=1e-3)


@pytest.mark.parametrize(
    ("region_s", "takes", "named"),
    [
        ((0.2, 0.4), {}, "no take of 'bass'"),
        (None, {"bass": tone(0.6)}, "needs a region"),
        ((0.2, 0.4), {"bass": tone(0.6), "melody": tone(0.6)}, "'melody' has a take"),
        ((0.5, 0.6), {"bass": tone(0.3)}, "ends at 0.3 s"),
        ((0.2, 0.4), {"bass": tone(0.3)}, "ends at 0.3 s"),
    ],
)
def test_regions_and_takes_that_do_not_go_together_are_refused(
    composer: Composer, region_s: tuple[float, float] | None, takes: dict[str, torch.Tensor], named: str
) -> None:
    request = Request(task=Task(("bass",)), duration_s=0.6, region_s=region_s)
    with pytest.raises(InputError, match=named):
        composer.generate(request, takes=takes)


@pytest.mark.parametrize("region_s", [(0.4, 0.2), (-0.1, 0.2), (0.2, 0.7)])
def test_a_region_outside_the_piece_is_refused(region_s: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="region"):
        Request(task=Task(("bass",)), duration_s=0.6, region_s=region_s)


def test_a_model_that_never_learned_regions_says_so(composer: Composer) -> None:
    preset = composer.checkpoint.preset
    plain = replace(preset, training=replace(preset.training, region_probability=0.0))
    other = Composer(replace(composer.checkpoint, preset=plain), composer.codec, composer.text_encoder)
    with pytest.raises(InputError, match="trained without regions"):
        rewritten(other, (0.2, 0.4), tone(0.6))


def test_music_from_nothing_is_told_to_begin_with_a_bar_and_music_for_given_tracks_is_not() -> None:
    alone, fitting = Task(("bass",)), Task(("bass",), ("drums",))
    told, _ = read_grid(Request(prompt="funk, 100 bpm", task=alone).told_prompt)
    assert told == BeatGrid(tempo_bpm=100)
    assert Request(prompt="funk, 100 bpm", task=fitting).told_prompt == "funk, 100 bpm"
    assert Request(prompt="funk", task=alone).told_prompt == "funk"


def test_a_grid_that_is_asked_for_is_told_in_place_of_any_other() -> None:
    grid = BeatGrid(tempo_bpm=100, bar_s=0.75)
    for prompt in ("funk", BeatGrid(tempo_bpm=80).told("funk")):
        request = Request(prompt=prompt, task=Task(("bass",), ("drums",)), grid=grid)
        assert read_grid(request.told_prompt) == (grid, "funk")


def test_a_piece_longer_than_the_training_windows_is_made_in_windows(
    composer: Composer,
) -> None:
    longest = max(composer.checkpoint.preset.training.windows_s)
    request = Request(task=Task(("bass",), ("drums",)), duration_s=2.5 * longest, seed=4)
    drums = tone(request.duration_s)
    assert len(composer.coder.windows(request.duration_s)) > 2
    steps: list[tuple[int, int]] = []
    stems = composer.generate(
        request, {"drums": drums}, on_step=lambda step, num_steps: steps.append((step, num_steps))
    )
    assert stems["bass"].shape == drums.shape
    assert torch.equal(stems["drums"], drums)
    assert torch.equal(composer.generate(request, {"drums": drums})["bass"], stems["bass"])
    assert steps == [(step, len(steps)) for step in range(1, len(steps) + 1)]
    assert len(steps) == 3 * len(composer.coder.windows(request.duration_s))


def test_a_stem_that_would_clip_at_the_corpus_level_is_turned_down(composer: Composer) -> None:
    task = Task(("bass", "drums"))
    quiet = composer.coder.encode({"bass": tone(0.5), "drums": tone(0.5, 330.0)}, 0.5)
    made = composer.coder.decode(quiet, task, 0.5)
    loud = composer.coder.decode(quiet, task, 0.5, {"bass": -40.0})
    assert made["bass"].abs().max() < CEILING
    assert loud["bass"].abs().max() == pytest.approx(CEILING)
    scale = CEILING / made["bass"].abs().max()
    assert torch.allclose(loud["bass"], scale * made["bass"], atol=1e-6)
    assert torch.equal(loud["drums"], made["drums"])
