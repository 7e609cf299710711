"""One field that a sweep varies: a list of values, or a range."""

import math
from dataclasses import dataclass

import yaml

from stemwright.errors import InputError
from stemwright.presets import Preset
from stemwright_platform.sweeps.setting import Value, field_value, fitted, full_field, shown

RANGE, LOGARITHMIC = "..", ":log"


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """A field and what it may be: either `values`, or from `low` to `high`."""

    field: str
    """With its section, as "training.p1"."""
    values: tuple[Value, ...] = ()
    """To choose from; empty for a range."""
    low: float = 0.0
    """Least value of a range."""
    high: float = 0.0
    """Greatest value of a range."""
    log: bool = False
    """Whether a range is even in the logarithm."""
    whole: bool = False
    """Whether a range has whole numbers alone."""

    @classmethod
    def of(cls, text: str, preset: Preset) -> "Axis":
        """From "FIELD=a,b,c" or "FIELD=low..high" or "FIELD=low..high:log". InputError says what is wrong."""
        name, equals, values = text.partition("=")
        if not equals or not values.strip():
            raise InputError(f"'{text}': give a field and its values, as training.learning_rate=3e-4,6e-4")
        field = full_field(name.strip())
        like = field_value(preset, field)
        if RANGE in values:
            return cls._range(field, values.strip(), like)
        return cls(field=field, values=_values(field, values, like))

    @classmethod
    def _range(cls, field: str, text: str, like: Value) -> "Axis":
        if isinstance(like, bool | str | tuple):
            raise InputError(f"{field} has no range: list its values")
        log = text.endswith(LOGARITHMIC)
        low, high = (fitted(field, end, like) for end in text.removesuffix(LOGARITHMIC).split(RANGE, 1))
        assert isinstance(low, int | float)
        assert isinstance(high, int | float)
        if not low < high or (log and low <= 0):
            raise InputError(f"{field}: a range runs from a lower to a higher value, above 0 with :log")
        return cls(field=field, low=low, high=high, log=log, whole=isinstance(like, int))

    @property
    def is_range(self) -> bool:
        return not self.values

    def ends(self) -> tuple[Value, ...]:
        """The values of a list, the two ends of a range."""
        return self.values or ((int(self.low), int(self.high)) if self.whole else (self.low, self.high))

    def at(self, place: float) -> Value:
        """The value at a place in [0, 1): even over a list, or over a range."""
        if self.values:
            return self.values[int(place * len(self.values))]
        if self.log:
            value = math.exp(math.log(self.low) + place * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + place * (self.high - self.low)
        return round(value) if self.whole else float(f"{value:.4g}")

    def __str__(self) -> str:
        if self.values:
            return f"{self.field}={','.join(map(shown, self.values))}"
        return f"{self.field}={shown(self.low)}{RANGE}{shown(self.high)}{LOGARITHMIC if self.log else ''}"


def _values(field: str, text: str, like: Value) -> tuple[Value, ...]:
    try:
        entries = yaml.safe_load(f"[{text}]")
    except yaml.YAMLError:
        raise InputError(f"{field}: '{text}' is no list of values, as 0.2,0.5") from None
    values = tuple(fitted(field, entry, like) for entry in entries)
    if twice := [value for number, value in enumerate(values) if value in values[:number]]:
        raise InputError(f"{field}: {shown(twice[0])} is there twice")
    return values
