from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright.presets import changed_preset, load_preset, parse_preset, preset_names


def test_every_shipped_preset_loads() -> None:
    assert preset_names() == ["base", "demo", "paper", "six", "small", "tiny"]
    for name in preset_names():
        assert load_preset(name).name == name


def test_the_paper_preset_is_as_published() -> None:
    preset = load_preset("paper")
    training = preset.training
    assert (training.batch_size, training.learning_rate, training.betas) == (12, 3e-5, (0.9, 0.95))
    assert (training.weight_decay, training.clip, training.p1, training.p2) == (0.1, 0.7, 0.8, 0.5)
    assert training.p2_starts_at_epoch == 300
    assert training.loss == "epsilon"
    assert not training.mixed_contexts
    assert preset.sampling.guidance_scale == 7.0
    assert (preset.codec, preset.text_encoder) == ("encodec", "flan-t5")


def test_a_preset_of_ones_own_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("training: {batch_size: 3}\ntracks: {names: [a, b], prompt_names: [a, b]}\n")
    preset = load_preset(str(file))
    assert (preset.name, preset.training.batch_size, len(preset.tracks)) == ("mine", 3, 2)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("training: {batch: 3}", "batch"),
        ("trainig: {}", "trainig"),
        ("training: {p1: 2}", "p1"),
        ("training: 3", "training"),
        ("- a", "mapping"),
        ("a: [", "mine"),
    ],
)
def test_a_wrong_preset_is_one_line_that_names_the_field(tmp_path: Path, content: str, named: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content)
    with pytest.raises(InputError, match=named) as caught:
        load_preset(str(file))
    assert "\n" not in str(caught.value)


def test_an_unknown_preset_lists_those_there_are() -> None:
    with pytest.raises(InputError, match="small"):
        load_preset("huge")


@pytest.mark.parametrize("windows_s", [4.0, [], [0.0], ["long"], [float("inf")]])
def test_window_lengths_are_a_list_of_positive_seconds(windows_s: object) -> None:
    with pytest.raises(InputError, match=r"windows_s is a list of seconds, as \[2\.5, 5\]"):
        parse_preset({"training": {"windows_s": windows_s}}, "mine")


@pytest.mark.parametrize(("field", "known"), [("loss", "epsilon, velocity"), ("parallel", "ddp, fsdp")])
def test_a_choice_that_there_is_not_is_named_with_those_there_are(field: str, known: str) -> None:
    with pytest.raises(
        InputError, match=rf"mine\.training\.{field}: unknown choice 'velosity'; known: {known}"
    ):
        parse_preset({"training": {field: "velosity"}}, "mine")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("training.batch_size=many", r"tiny\.training\.batch_size: expected a whole number, got 'many'"),
        ("training.batch_size=2.5", "expected a whole number, got 2.5"),
        ("training.batch_size=true", "expected a whole number, got True"),
        ("training.recompute=1", "expected true or false, got 1"),
        ("training.learning_rate=fast", "expected a number, got 'fast'"),
        ("training.p1=2", "a probability"),
        ("training.speed=2", "unknown field speed"),
        ("batch_size=2", r"write SECTION\.FIELD=VALUE"),
        ("training.batch_size", r"write SECTION\.FIELD=VALUE"),
        ("training.betas=[", "not YAML"),
    ],
)
def test_a_wrong_change_is_named(change: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        changed_preset(load_preset("tiny"), [change])


def test_changes_are_those_that_a_file_would_make(tmp_path: Path) -> None:
    changes = ["training.micro_batch=4", "training.learning_rate=3e-5", "training.windows_s=[1, 2.5]"]
    file = tmp_path / "tiny.yaml"
    file.write_text("training: {micro_batch: 4, learning_rate: 3.0e-5, windows_s: [1, 2.5]}")
    changed = changed_preset(load_preset("tiny"), [*changes, "training.micro_batch = null"])
    assert changed.training.micro_batch is None
    read = load_preset(str(file)).training
    for name in ("learning_rate", "windows_s"):
        assert getattr(changed.training, name) == getattr(read, name)
    assert changed.model == load_preset("tiny").model
