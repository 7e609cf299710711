from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp
from safetensors.torch import load_file
from toy_parallel import STEPS, Run, work

FSDP = {"parallel": "fsdp"}


def learned(run: Run, file: Path) -> dict[str, torch.Tensor]:
    """What the workers of a run learn together."""
    mp.spawn(work, args=(run, file), nprocs=run.workers)
    return load_file(file)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """What a single worker learns."""
    return learned(Run(), tmp_path_factory.mktemp("one") / "learned")


@pytest.mark.parametrize(
    "run",
    [
        Run(workers=2),
        Run(workers=4),
        Run(workers=2, training={"micro_batch": 1}),
        Run(workers=2, training={"micro_batch": 1}, first=3),
        Run(workers=2, training=FSDP),
        Run(workers=2, training={"micro_batch": 1, "recompute": True, **FSDP}),
    ],
    ids=lambda run: f"{run.workers}-{run.training}-{run.first}",
)
def test_workers_learn_what_one_with_all_of_their_batches_learns(
    tmp_path: Path, one: dict[str, torch.Tensor], run: Run
) -> None:
    several = learned(run, tmp_path / "learned")
    assert one.keys() == several.keys()
    assert any(name.startswith("figure.teacher_served") and value > 0 for name, value in one.items())
    for name, expected in one.items():
        torch.testing.assert_close(several[name], expected, rtol=0, atol=1e-9, msg=name)


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_a_run_goes_on_with_another_number_of_workers_and_their_shards(
    tmp_path: Path, one: dict[str, torch.Tensor], before: int, after: int
) -> None:
    half, start = STEPS // 2, tmp_path / "half"
    learned(Run(workers=before, training=FSDP, steps=(0, half)), start)
    whole = learned(Run(workers=after, training=FSDP, steps=(half, STEPS), start=start), tmp_path / "whole")
    for name, value in whole.items():
        torch.testing.assert_close(value, one[name], rtol=0, atol=1e-9, msg=name)


def test_arithmetic_in_half_precision_leaves_shards_as_they_are(tmp_path: Path) -> None:
    bf16 = {"precision": "bf16"}
    ddp = learned(Run(workers=2, training=bf16, dtype=torch.float32), tmp_path / "ddp")
    fsdp = learned(Run(workers=2, training=bf16 | FSDP, dtype=torch.float32), tmp_path / "fsdp")
    last = f"figure.loss.{STEPS - 1}"
    assert fsdp[last] == pytest.approx(float(ddp[last]), rel=0.01)
    assert {value.dtype for name, value in fsdp.items() if name.startswith("model.")} == {torch.float32}
