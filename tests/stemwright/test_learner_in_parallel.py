from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from safetensors.torch import load_file
from toy_parallel import work


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_learn_what_one_with_all_of_their_batches_learns(tmp_path: Path, workers: int) -> None:
    mp.spawn(work, args=(workers, str(tmp_path)), nprocs=workers)
    mp.spawn(work, args=(1, str(tmp_path)), nprocs=1)
    one, several = load_file(tmp_path / "1.safetensors"), load_file(tmp_path / f"{workers}.safetensors")
    assert one.keys() == several.keys()
    assert any(name.startswith("teacher_served") and value > 0 for name, value in one.items())
    for name, expected in one.items():
        torch.testing.assert_close(several[name], expected, rtol=0, atol=1e-9, msg=name)
