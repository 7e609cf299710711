import pytest
import torch

from stemwright.mixing import CEILING, fitted, mix, softened, spliced


@pytest.mark.parametrize("length", [1, 3, 5, 9])
def test_fitting_cuts_or_pads_with_silence(length: int) -> None:
    audio = torch.arange(1.0, 11.0).reshape(2, 5)
    made = fitted(audio, length)
    assert made.shape == (2, length)
    kept = min(length, 5)
    assert torch.equal(made[:, :kept], audio[:, :kept])
    assert not made[:, kept:].any()


def test_a_mix_is_the_plain_sum() -> None:
    stems = [0.1 * torch.ones(2, 4), 0.2 * torch.ones(2, 4)]
    torch.testing.assert_close(mix(stems), 0.3 * torch.ones(2, 4))


def test_a_mix_that_would_clip_is_turned_down_as_a_whole() -> None:
    loud = torch.tensor([[0.9, -0.3], [0.1, 0.0]])
    made = mix([loud, loud])
    assert made.abs().max() == pytest.approx(CEILING)
    torch.testing.assert_close(made / made[0, 0], loud / loud[0, 0])


def test_a_softened_take_starts_and_ends_in_silence_and_is_itself_between() -> None:
    audio = torch.ones(2, 100)
    made = softened(audio, 10)
    assert not made[:, [0, -1]].any()
    assert torch.equal(made[:, 10:-10], audio[:, 10:-10])
    assert bool((made[:, 1:11] >= made[:, :10]).all())
    assert bool((audio == 1).all())


def test_a_take_shorter_than_its_fades_stays_finite() -> None:
    assert softened(torch.ones(2, 3), 10).isfinite().all()


def test_a_splice_is_the_old_outside_the_new_inside_and_a_line_between() -> None:
    old, new = torch.zeros(2, 20), torch.ones(2, 20)
    made = spliced(old, new, 5, 15, fade=3)
    assert not made[:, :5].any()
    assert not made[:, 15:].any()
    assert (made[:, 8:12] == 1).all()
    torch.testing.assert_close(made[0, 5:8], torch.tensor([1 / 3, 2 / 3, 1]))
    assert (spliced(old, new, 5, 20, fade=3)[:, 8:] == 1).all()
    assert (spliced(old, new, 0, 15, fade=3)[:, :12] == 1).all()


def test_a_splice_shorter_than_its_fades_stays_in_its_span() -> None:
    made = spliced(torch.zeros(2, 20), torch.ones(2, 20), 5, 8, fade=10)
    assert made[:, 5:8].max() <= 1
    assert not made[:, :5].any()
    assert not made[:, 8:].any()
