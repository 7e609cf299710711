import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from toy_demucs import SETTINGS, save_toy_demucs, toy_demucs

from stemwright.errors import InputError
from stemwright_platform.evaluation.baselines.demucs_files import find_demucs, load_demucs


class Trap:
    """What a hostile pickle does: it calls something while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.mkdir, (self.path,)


@pytest.mark.parametrize("form", ["th", "safetensors"])
def test_demucs_own_files_load_to_the_same_weights(tmp_path: Path, form: str) -> None:
    expected = save_toy_demucs(tmp_path, form=form)
    bag = load_demucs(find_demucs(str(tmp_path)))
    assert len(bag.models) == 1
    assert bag.sources == ["drums", "bass", "other", "vocals"]
    assert bag.models[0].segment == Fraction(1, 2)
    for name, value in bag.models[0].state_dict().items():
        torch.testing.assert_close(value, expected.state_dict()[name], atol=1e-3, rtol=1e-2)


def test_without_a_folder_the_caches_are_searched_and_the_command_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(
        "stemwright_platform.evaluation.baselines.demucs_files.cached_snapshot", lambda model: None
    )
    with pytest.raises(InputError) as error:
        find_demucs()
    line = str(error.value)
    assert "\n" not in line
    for part in ("htdemucs", "955717e8.th", "hf download adefossez/HTDemucs", "give stems in place of mixes"):
        assert part in line
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    save_toy_demucs(checkpoints, bag=False)
    assert find_demucs().models[0].parent == checkpoints


def test_a_folder_without_the_model_names_it_and_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"is not in {tmp_path}; fetch it with .* --local-dir {tmp_path}"):
        find_demucs(str(tmp_path), "htdemucs_ft")
    with pytest.raises(InputError, match="is not a folder"):
        find_demucs(str(tmp_path / "none"))


def test_a_missing_package_is_told_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "demucs.apply", None)
    with pytest.raises(InputError, match=r"pip install 'stemwright\[separation\]'"):
        find_demucs(str(tmp_path))


def test_a_bag_of_several_models_keeps_its_weights_and_segment(tmp_path: Path) -> None:
    save_toy_demucs(tmp_path, signature="aaaa")
    save_toy_demucs(tmp_path, signature="bbbb", seed=1)
    (tmp_path / "pair.yaml").write_text(
        "models: [aaaa, bbbb]\nweights: [[1., 0., 1., 0.], [0., 1., 0., 1.]]\nsegment: 0.4\n"
    )
    bag = load_demucs(find_demucs(str(tmp_path), "pair"))
    assert bag.weights == [[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]
    assert [model.segment for model in bag.models] == [0.4, 0.4]


def test_a_single_model_is_taken_by_its_own_name(tmp_path: Path) -> None:
    save_toy_demucs(tmp_path, signature="mine", bag=False)
    assert find_demucs(str(tmp_path), "mine").models[0].name.startswith("mine-")


def test_nothing_in_a_pickled_file_runs(tmp_path: Path) -> None:
    save_toy_demucs(tmp_path, bag=True)
    path = next(tmp_path.glob("*.th"))
    package = {"klass": Trap(tmp_path / "sprung"), "args": (), "kwargs": {}, "state": {}}
    path.unlink()
    torch.save(package, tmp_path / "955717e8.th")
    with pytest.raises(InputError, match="holds more than a Demucs model and is not loaded"):
        load_demucs(find_demucs(str(tmp_path)))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("klass", ["os.mkdir", "pathlib.Path", "demucs.repo.LocalRepo"])
def test_no_class_that_a_safetensors_header_names_is_called_but_demucs_networks(
    tmp_path: Path, klass: str
) -> None:
    """Demucs' own reader would import it and call it with these arguments."""
    facts = {"klass": klass, "args": json.dumps([str(tmp_path / "sprung")]), "kwargs": "{}"}
    save_file({"a": torch.zeros(1)}, tmp_path / "955717e8.safetensors", metadata=facts)
    with pytest.raises(InputError, match="is no Demucs model"):
        load_demucs(find_demucs(str(tmp_path)))
    assert not (tmp_path / "sprung").exists()


def test_a_structure_that_names_classes_is_refused(tmp_path: Path) -> None:
    structure = json.dumps({"_dict": [["a", {"_class": "os.mkdir"}]]})
    facts = {"klass": "demucs.htdemucs.HTDemucs", "args": "[]", "kwargs": "{}", "structure": structure}
    save_file({"a": torch.zeros(1)}, tmp_path / "955717e8.safetensors", metadata=facts)
    with pytest.raises(InputError, match="is a quantised Demucs model"):
        load_demucs(find_demucs(str(tmp_path)))


@pytest.mark.parametrize("name", ["955717e8.th", "955717e8.safetensors"])
def test_damage_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(InputError, match="fetch it again") as error:
        load_demucs(find_demucs(str(tmp_path)))
    assert "\n" not in str(error.value)
    assert name in str(error.value)


def test_a_digest_in_a_name_is_held_to(tmp_path: Path) -> None:
    save_toy_demucs(tmp_path)
    path = next(tmp_path.glob("*.th"))
    path.rename(tmp_path / "955717e8-00000000.th")
    with pytest.raises(InputError, match="does not begin with 00000000"):
        load_demucs(find_demucs(str(tmp_path)))


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    model = toy_demucs()
    package = {
        "klass": type(model),
        "args": (),
        "kwargs": SETTINGS | {"channels": 16},
        "state": model.state_dict(),
    }
    torch.save(package, tmp_path / "955717e8.th")
    with pytest.raises(InputError, match="cannot be loaded") as error:
        load_demucs(find_demucs(str(tmp_path)))
    assert "\n" not in str(error.value)
