"""The fields of a preset that a sweep changes: found by name, checked, put in, put into words."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from stemwright.errors import InputError
from stemwright.presets import Preset, TrainingConfig, parse_preset

Value = bool | int | float | str | tuple[Any, ...]
Setting = Mapping[str, Value]
"""Values by field, as {"training.p1": 0.8}."""
SECTIONS = ("training", "model")
LONGEST_NAME = 120
"""Of a folder, in characters."""
ELSEWHERE = {
    "sampling": "training does not read it: `stemwright sweep guidance` is for that",
    "schedule": "it changes what the validation asks, so the losses would not compare",
    "tracks": "the data has its own",
}


def full_field(name: str) -> str:
    """A field with its section: "p1" is "training.p1". InputError for one that a sweep cannot change."""
    section, _, field = name.rpartition(".")
    if not section and field in {each.name for each in fields(TrainingConfig)}:
        return f"training.{field}"
    if (first := name.split(".")[0]) in ELSEWHERE:
        raise InputError(f"{name} cannot be swept: {ELSEWHERE[first]}")
    if section not in SECTIONS:
        raise InputError(f"unknown field '{name}': give one of training or model, as training.learning_rate")
    return name


def with_setting(preset: Preset, setting: Setting) -> Preset:
    """The preset with some fields changed. InputError for an unknown field or a value that does not fit."""
    content = asdict(preset)
    for name, value in setting.items():
        section, field = full_field(name).split(".")
        if field not in content[section]:
            raise InputError(f"unknown field '{name}': known are {', '.join(sorted(content[section]))}")
        content[section][field] = fitted(name, value, content[section][field])
    return parse_preset(content, preset.name)


def field_value(preset: Preset, name: str) -> Value:
    """What a preset has in a field."""
    section, field = full_field(name).split(".")
    content = asdict(preset)[section]
    if field not in content:
        raise InputError(f"unknown field '{name}': known are {', '.join(sorted(content))}")
    return content[field]


def fitted(name: str, value: object, like: object) -> Value:
    """A value as the type of the field's present one. InputError where it is of another kind."""
    try:
        if isinstance(like, bool) and isinstance(value, bool):
            return value
        if isinstance(like, tuple) and isinstance(value, list | tuple):
            return tuple(fitted(name, each, like[0]) for each in value)
        if isinstance(like, str) and isinstance(value, str):
            return value
        if isinstance(like, int | float) and not isinstance(like, bool | tuple):
            return _number(value, whole=isinstance(like, int))
    except (TypeError, ValueError):
        pass
    raise InputError(f"{name}: '{value}' does not fit, the preset has {like!r}")


def _number(value: object, *, whole: bool) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = float(value)
    if not math.isfinite(number) or (whole and not number.is_integer()):
        raise ValueError
    return int(number) if whole else number


def in_words(setting: Setting) -> str:
    """As "p1=0.8, p2=0.25": for people."""
    return ", ".join(f"{short(name)}={shown(value)}" for name, value in setting.items()) or "as the preset"


def short(name: str) -> str:
    """A field without its section where that is training."""
    return name.removeprefix("training.")


def shown(value: Value) -> str:
    """A value in as few characters as tell it."""
    if isinstance(value, tuple):
        return "-".join(map(shown, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def folder_name(setting: Setting, seed: int) -> str:
    """As "p1=0.8,p2=0.25,seed=1": the same trial has the same folder, whenever and wherever it runs."""
    parts = [f"{short(name)}={shown(setting[name])}" for name in sorted(setting)]
    name = ",".join([*parts, f"seed={seed}"])
    if len(name) <= LONGEST_NAME and not set(name) & set('/\\:*?"<>|'):
        return name
    return f"trial-{hashlib.sha256(name.encode()).hexdigest()[:12]},seed={seed}"
