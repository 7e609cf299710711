import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from toy_cocola import write_toy_cocola

from stemwright.errors import InputError
from stemwright_platform.evaluation.cocola import WINDOW_SAMPLES, Cocola


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    write_toy_cocola(folder)
    return folder


@pytest.fixture(scope="module")
def cocola(code: Path) -> Iterator[Cocola]:
    scorer = Cocola(sys.executable, code=str(code), checkpoint=str(code / "weights.safetensors"))
    yield scorer
    scorer.close()


def level(value: float, num_samples: int) -> Tensor:
    return torch.full((2, num_samples), value)


@pytest.mark.parametrize("num_windows", [1, 3])
def test_the_score_is_the_mean_over_windows(cocola: Cocola, num_windows: int) -> None:
    steps = torch.arange(num_windows).repeat_interleave(WINDOW_SAMPLES)
    first = (0.1 * (1 + steps)).expand(2, -1)
    second = level(0.2, num_windows * WINDOW_SAMPLES + 500)
    expected = np.mean([100 * 0.1 * (1 + place) * 0.2 for place in range(num_windows)])
    assert cocola.score(first, second) == pytest.approx(expected, rel=1e-4)


def test_windows_in_which_a_stem_is_silent_do_not_count(cocola: Cocola) -> None:
    first, second = level(0.1, 2 * WINDOW_SAMPLES), level(0.2, 2 * WINDOW_SAMPLES)
    first[:, :WINDOW_SAMPLES] = 0.0
    assert cocola.score(first, second) == pytest.approx(2.0, rel=1e-4)
    assert np.isnan(cocola.score(torch.zeros_like(first), second))


def test_less_than_a_window_is_heard_with_silence_behind_it(cocola: Cocola) -> None:
    half = WINDOW_SAMPLES // 2
    assert cocola.score(level(0.1, half), level(0.2, half)) == pytest.approx(1.0, rel=1e-4)


def test_a_lightning_checkpoint_gives_its_weights_alone(code: Path, tmp_path: Path) -> None:
    torch.save({"state_dict": {"scale": torch.ones(1)}, "epoch": 3}, tmp_path / "a.ckpt")
    scorer = Cocola(sys.executable, code=str(code), checkpoint=str(tmp_path / "a.ckpt"))
    assert scorer.score(level(0.5, 100), level(0.5, 100)) == pytest.approx(0.25 * 100 / WINDOW_SAMPLES)
    assert scorer.fingerprint.startswith("cocola ")
    scorer.close()


def test_a_checkout_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    scorer = Cocola(sys.executable, code=str(tmp_path), checkpoint=str(tmp_path / "none.ckpt"))
    with pytest.raises(InputError, match=r"\(ModuleNotFoundError: No module named 'contrastive_model'\)"):
        scorer.score(level(0.1, 100), level(0.1, 100))
    scorer.close()
