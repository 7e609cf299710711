"""A tiny U-Net trained on Gaussian tracks comes near the best loss there is, in every mode.

Axes: B batch, K track, D latent channel, S latent frame.
"""

from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean

import pytest
import torch
from gaussian_tracks import GaussianTracks, every_task, gaussian_tracks
from torch import Tensor

from stemwright.curriculum import Curriculum, sample_given
from stemwright.diffusion import NoiseSchedule, epsilon_loss_sum
from stemwright.tasks import Mode, Task, timestep_vector
from stemwright.text_embedding import TextEmbedding
from stemwright.unet import StemUNet, UNetConfig

SCHEDULE = NoiseSchedule.scaled_linear()
NUM_TRACKS, CHANNELS, FRAMES = 3, 2, 4
LEVELS = range(25, 1001, 50)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Layers this small lose more by sharing work than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def normalised_tracks() -> GaussianTracks:
    """Unit variances, as the latent statistics leave them."""
    tracks = gaussian_tracks(NUM_TRACKS, mean_scale=0.5)
    scale = tracks.covariance.diag().sqrt()
    return GaussianTracks(mean=tracks.mean / scale, covariance=tracks.covariance / torch.outer(scale, scale))


def tiny_unet() -> StemUNet:
    torch.manual_seed(0)
    config = UNetConfig(
        num_tracks=NUM_TRACKS,
        latent_dim=CHANNELS,
        text_width=4,
        patch=1,
        widths=(32, 32),
        blocks=(1, 1),
        attention=(False, False),
        head_width=32,
        expansion=2,
        condition_width=64,
    )
    return StemUNet(config, SCHEDULE)


def task_text(targets: Tensor) -> TextEmbedding:
    """A prefix of one token that names the targets [B, K]."""
    states = torch.nn.functional.pad(targets.float(), (0, 1))[:, None]
    return TextEmbedding(states, torch.ones(len(targets), 1, dtype=torch.bool))


def train(unet: StemUNet, tracks: GaussianTracks, num_steps: int, batch: int = 128) -> None:
    """Every target set alike, contexts by p1 with mixed ones, Eq. 2 as it stands."""
    generator = torch.Generator().manual_seed(1)
    curriculum = Curriculum(num_tracks=NUM_TRACKS)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=1e-2, betas=(0.9, 0.99), weight_decay=0)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, (step + 1) / 30) * (1 - step / num_steps)
    )
    for _ in range(num_steps):
        z0 = tracks.draw(batch, CHANNELS, FRAMES, generator).float()
        noise = torch.randn(z0.shape, generator=generator)
        uniform = torch.rand(batch, NUM_TRACKS + 4, generator=generator)
        target = curriculum.sample_targets(1.0, uniform[:, 0])
        given = sample_given(target, 0.8, True, uniform[:, 1:-1])
        t = timestep_vector(target, given, 1 + (uniform[:, -1] * 1000).long(), 1000)
        z = SCHEDULE.add_noise(z0, noise, t, absent=~(target | given))
        total, count = epsilon_loss_sum(unet(z, t, task_text(target)), noise, target[:, :, None, None])
        optimizer.zero_grad()
        (total / count).backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        rate.step()


@torch.no_grad()
def losses(unet: StemUNet, tracks: GaussianTracks, task: Task, songs: int = 64) -> tuple[float, float]:
    """ε-loss of the model and of the best there is, over all timesteps alike.

    The model's is the best one's plus its distance to the best estimate: without the noise's own scatter.
    """
    generator = torch.Generator().manual_seed(5)
    targets = task.target_mask
    absent = ~(targets | task.given_mask).expand(songs, -1)
    excess, best = [], []
    for level in LEVELS:
        z0 = tracks.draw(songs, CHANNELS, FRAMES, generator).float()
        t = timestep_vector(task.target_mask, task.given_mask, torch.full((songs,), level), 1000)
        z = SCHEDULE.add_noise(z0, torch.randn(z0.shape, generator=generator), t, absent)
        alpha_bar = float(SCHEDULE.alpha_bar[level])
        wanted = tracks.best_noise(z, targets, task.given_mask, alpha_bar)
        made = unet(z, t, task_text(targets.expand(songs, -1)))[:, targets]
        excess.append(float((made - wanted).square().mean()))
        best.append(tracks.bayes_loss(targets, task.given_mask, alpha_bar))
    return fmean(best) + fmean(excess), fmean(best)


def losses_by_mode(unet: StemUNet, tracks: GaussianTracks) -> dict[Mode, tuple[float, float]]:
    """Mean over the tasks of each mode."""
    found: dict[Mode, list[tuple[float, float]]] = defaultdict(list)
    for task in every_task(tracks.tracks):
        found[task.mode].append(losses(unet, tracks, task))
    return {
        mode: (fmean(made for made, _ in pairs), fmean(best for _, best in pairs))
        for mode, pairs in found.items()
    }


def test_the_best_loss_is_what_the_best_denoiser_loses() -> None:
    tracks, generator = normalised_tracks(), torch.Generator().manual_seed(2)
    z0 = tracks.draw(64, 16, 64, generator)
    noise = torch.randn(z0.shape, generator=generator, dtype=torch.float64)
    for task in every_task(tracks.tracks):
        targets, level = task.target_mask, 400
        t = timestep_vector(task.target_mask, task.given_mask, torch.full((64,), level), 1000)
        z = SCHEDULE.add_noise(z0, noise, t, absent=~(targets | task.given_mask).expand(64, -1))
        alpha_bar = float(SCHEDULE.alpha_bar[level])
        made = tracks.best_noise(z, targets, task.given_mask, alpha_bar)
        loss = float((made - noise[:, targets]).square().mean())
        assert loss == pytest.approx(tracks.bayes_loss(targets, task.given_mask, alpha_bar), rel=0.02)


def test_a_short_training_comes_within_a_tenth_of_the_best_loss_and_hears_the_given_tracks() -> None:
    tracks, unet = normalised_tracks(), tiny_unet()
    train(unet, tracks, num_steps=400)
    by_mode = losses_by_mode(unet, tracks)
    assert set(by_mode) == {"joint", "conditional", "marginal", "mixed"}
    for mode, (made, best) in by_mode.items():
        assert made < 1.10 * best, (mode, made, best)
    names = tracks.tracks.names
    heard = losses(unet, tracks, Task(names[:1], names[1:], tracks=tracks.tracks))
    deaf = losses(unet, tracks, Task(names[:1], tracks=tracks.tracks))
    # no model that ignores the given tracks could do this
    assert heard[0] < 0.8 * deaf[1]


@pytest.mark.slow
def test_a_minute_of_training_comes_within_five_percent_of_the_best_loss_in_each_mode() -> None:
    tracks, unet = normalised_tracks(), tiny_unet()
    train(unet, tracks, num_steps=2500)
    for mode, (made, best) in losses_by_mode(unet, tracks).items():
        assert made < 1.05 * best, (mode, made, best)
