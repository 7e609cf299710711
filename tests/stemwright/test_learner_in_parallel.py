from pathlib import Path

import torch
import torch.multiprocessing as mp
from safetensors.torch import load_file
from toy_parallel import work


def test_two_workers_learn_what_one_with_twice_the_batch_learns(tmp_path: Path) -> None:
    mp.spawn(work, args=(2, str(tmp_path)), nprocs=2)
    mp.spawn(work, args=(1, str(tmp_path)), nprocs=1)
    one, two = load_file(tmp_path / "1.safetensors"), load_file(tmp_path / "2.safetensors")
    assert one.keys() == two.keys()
    largest = max(float(gradient.norm()) for gradient in one.values())
    for name, expected in one.items():
        torch.testing.assert_close(two[name], expected, rtol=1e-4, atol=1e-5 * largest, msg=name)
