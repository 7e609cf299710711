import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from stemwright.errors import InputError
from stemwright.metrics.weights_file import check_digest, find_weights_file, read_weights_file


class Trap:
    """What a hostile pickle does: it calls something while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_weights_are_found_in_a_training_file_and_lose_the_prefix_of_data_parallel_training(
    tmp_path: Path,
) -> None:
    weights = {"module.a.weight": torch.randn(2, 3)}
    torch.save({"state_dict": weights, "epoch": np.int64(3), "best": np.float64(0.5)}, tmp_path / "a.pt")
    state = read_weights_file(tmp_path / "a.pt")
    assert list(state) == ["a.weight"]
    torch.testing.assert_close(state["a.weight"], weights["module.a.weight"])


def test_nothing_in_a_file_runs_while_it_is_read(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1), "trap": Trap(tmp_path / "sprung")}, tmp_path / "a.pth")
    with pytest.raises(InputError, match="holds more than weights and is not loaded"):
        read_weights_file(tmp_path / "a.pth")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"not weights", b"PK\x03\x04 cut"])
def test_a_damaged_file_is_one_clear_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match="fetch it again") as error:
        read_weights_file(tmp_path / name)
    assert "\n" not in str(error.value)
    assert str(tmp_path / name) in str(error.value)


@pytest.mark.parametrize("content", [[torch.zeros(1)], {"a": 3}, {"state_dict": [1]}])
def test_a_file_without_weights_by_name_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(InputError, match="holds no weights by name"):
        read_weights_file(tmp_path / "a.pth")


def test_a_digest_in_the_name_is_held_to(tmp_path: Path) -> None:
    plain = tmp_path / "a.pth"
    torch.save({"a": torch.zeros(1)}, plain)
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()[:8]
    right, wrong = tmp_path / f"a-{digest}.pth", tmp_path / "a-00000000.pth"
    right.write_bytes(plain.read_bytes())
    wrong.write_bytes(plain.read_bytes())
    check_digest(right)
    check_digest(plain)
    with pytest.raises(InputError, match="does not begin with 00000000"):
        check_digest(wrong)


def test_a_safetensors_file_of_the_same_stem_does_as_well(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").touch()
    found = find_weights_file(str(tmp_path), file="x.pth", command="c", alternative="b")
    assert found == tmp_path / "x.safetensors"
    (tmp_path / "x.pth").touch()
    assert find_weights_file(str(tmp_path), file="x.pth", command="c", alternative="b").suffix == ".pth"
