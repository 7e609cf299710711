import pytest
import torch
from torch import Tensor

from stemwright.codec_training.discriminator import (
    BANDS,
    SCALES,
    Discriminator,
    deceive_loss,
    judge_loss,
    likeness_loss,
)


@pytest.fixture(scope="module")
def judge() -> Discriminator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Discriminator(width=8)


def noise(seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(2, 16_384, generator=torch.Generator().manual_seed(seed))


def test_every_scale_scores_every_band_over_time(judge: Discriminator) -> None:
    seen = judge(noise())
    assert len(seen) == len(SCALES)
    for scale, window in zip(seen, SCALES, strict=True):
        frames = -(-16_384 // (window // 2) // 4)
        assert scale[-1].shape == (2, BANDS, frames, 1)


def test_a_judge_that_is_sure_and_right_has_no_loss_and_one_that_is_wrong_has() -> None:
    sure = [[torch.zeros(1), torch.full((3,), 2.0)]]
    wrong = [[torch.zeros(1), torch.full((3,), -2.0)]]
    assert float(judge_loss(sure, wrong)) == 0
    assert float(judge_loss(wrong, sure)) == 6
    assert float(deceive_loss(sure)) < float(deceive_loss(wrong))


def test_equal_sounds_look_alike_and_others_do_not(judge: Discriminator) -> None:
    real = judge(noise())
    assert float(likeness_loss(real, judge(noise())).detach()) == 0
    assert float(likeness_loss(real, judge(noise(1))).detach()) > 0.05


def test_a_judge_learns_to_tell_dull_sounds_from_bright_ones() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        judge = Discriminator(width=8)
    optimizer = torch.optim.Adam(judge.parameters(), 1e-2)
    dull = torch.nn.functional.avg_pool1d(noise()[:, None], 5, 1, 2)[:, 0] * 2
    losses = []
    for _ in range(20):
        loss = judge_loss(judge(noise()), judge(dull))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
