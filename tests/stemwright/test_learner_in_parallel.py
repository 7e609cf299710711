from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from safetensors.torch import load_file
from toy_parallel import work


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """What a single worker learns."""
    folder = tmp_path_factory.mktemp("one")
    mp.spawn(work, args=(1, str(folder)), nprocs=1)
    return load_file(folder / "1.safetensors")


@pytest.mark.parametrize(
    ("workers", "micro_batch", "first"), [(2, None, None), (4, None, None), (2, 1, None), (2, 1, 3)]
)
def test_workers_learn_what_one_with_all_of_their_batches_learns(
    tmp_path: Path, one: dict[str, torch.Tensor], workers: int, micro_batch: int | None, first: int | None
) -> None:
    mp.spawn(work, args=(workers, str(tmp_path), micro_batch, first), nprocs=workers)
    several = load_file(tmp_path / f"{workers}.safetensors")
    assert one.keys() == several.keys()
    assert any(name.startswith("teacher_served") and value > 0 for name, value in one.items())
    for name, expected in one.items():
        torch.testing.assert_close(several[name], expected, rtol=0, atol=1e-9, msg=name)
