import pytest

from stemwright.errors import InputError
from stemwright.presets import load_preset
from stemwright_platform.sweeps.setting import field_value, folder_name, full_field, in_words, with_setting

TINY = load_preset("tiny")


def test_a_setting_changes_its_fields_and_nothing_else() -> None:
    changed = with_setting(TINY, {"training.p1": 0.5, "model.blocks": [2, 2], "p2": 1})
    assert (changed.training.p1, changed.training.p2, changed.model.blocks) == (0.5, 1.0, (2, 2))
    back = with_setting(changed, {"training.p1": 0.8, "model.blocks": (1, 1), "training.p2": 0.0})
    assert back == with_setting(TINY, {}) == TINY


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"training.p1": "much"}, "training.p1: 'much' does not fit"),
        ({"training.p1": 2.0}, "training.p1 is a probability"),
        ({"training.batch_size": 2.5}, "does not fit"),
        ({"training.batch_size": True}, "does not fit"),
        ({"training.windows_s": 3.0}, "does not fit"),
        ({"training.curriculum": 3}, "does not fit"),
        ({"training.speed": 1}, "unknown field 'training.speed'"),
        ({"speed": 1}, "unknown field 'speed'"),
        ({"sampling.guidance_scale": 3.0}, "sweep guidance"),
        ({"schedule.beta_end": 0.1}, "losses would not compare"),
    ],
)
def test_a_value_that_does_not_fit_is_one_clear_line(setting: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        with_setting(TINY, setting)  # pyright: ignore[reportArgumentType]
    assert "\n" not in str(raised.value)


def test_a_field_of_the_training_needs_no_section() -> None:
    assert full_field("p1") == full_field("training.p1") == "training.p1"
    assert field_value(TINY, "p1") == TINY.training.p1


def test_different_trials_have_different_folders_and_the_same_one_always_the_same() -> None:
    settings = [{"training.p1": p1, "training.p2": p2} for p1 in (0.2, 0.25) for p2 in (0.0, 0.5)]
    names = [folder_name(setting, seed) for setting in settings for seed in (1, 2)]
    assert len(set(names)) == len(names)
    assert folder_name(dict(reversed(settings[0].items())), 1) == names[0]
    long = {f"training.{'x' * 60}{n}": 1.0 for n in range(3)}
    assert len(folder_name(long, 1)) < 60
    assert folder_name(long, 1) != folder_name({**long, "training.p1": 1}, 1)


def test_a_setting_in_words_is_short() -> None:
    assert in_words({"training.p1": 0.80, "model.widths": (64, 32)}) == "p1=0.8, model.widths=64-32"
    assert in_words({}) == "as the preset"
