"""What a sweep is asked to do, and the trials that it takes: the same plan has the same trials."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from stemwright.data_mix import HELD_OUT, DataMix
from stemwright.errors import InputError
from stemwright.presets import Preset
from stemwright.training_run import TrainingPlan, check_tracks, open_windows
from stemwright_platform.sweeps.axis import Axis
from stemwright_platform.sweeps.setting import Setting, folder_name, in_words, with_setting
from stemwright_platform.sweeps.trial import Trial
from stemwright_platform.sweeps.trial_result import SCORES

Search = Literal["grid", "random", "optuna"]
Scheduler = Literal["none", "asha"]
P2, P2_START = "training.p2", "training.p2_starts_at_epoch"
TRIALS = "trials"
"""Folder of the trials in that of the sweep."""


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """A sweep. Exactly one of `steps` and `minutes` is set, for each trial."""

    preset: Preset
    """What every trial starts from."""
    data: tuple[str, ...]
    """As for a training."""
    axes: tuple[Axis, ...] = ()
    """What varies."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """Each setting is trained once with each."""
    steps: int | None = None
    """Of a trial."""
    minutes: float | None = None
    """Of a trial instead; equal times are not equal steps."""
    search: Search = "grid"
    """All combinations, `trials` of them at random, or `trials` by Optuna's TPE."""
    trials: int | None = None
    """Settings to try, where it is not the grid."""
    search_seed: int = 0
    """Of the random choice, and of Optuna's."""
    scheduler: Scheduler = "none"
    """Every trial to its end, or bad ones stopped early (ASHA)."""
    score: str = "ratio"
    """Which of `SCORES` decides; lower is better in all of them."""
    p2_starts_at: float = 0.5
    """Share of a trial's steps from which p2 counts, unless its epoch is set or swept."""
    rounds: int = 4
    """How often the final validation asks."""
    validation_windows: int = 64
    """Held-out windows."""
    text_encoder_weights: str | None = None
    """Local folder of the text encoder."""

    def __post_init__(self) -> None:
        _check_choices(self)
        for axis in self.axes:
            for value in axis.ends():
                with_setting(self.preset, {axis.field: value})
        fields = [axis.field for axis in self.axes]
        if twice := {field for field in fields if fields.count(field) > 1}:
            raise InputError(f"{twice.pop()} is swept twice: give all of its values at once")
        if self.search == "grid" and (ranges := [axis for axis in self.axes if axis.is_range]):
            raise InputError(f"{ranges[0].field} is a range: give a list, or --search random or optuna")
        TrainingPlan(preset=self.preset, data=self.data, steps=self.steps, minutes=self.minutes)

    @cached_property
    def judge(self) -> Preset:
        """Asks every trial the same: each kind of task that any of them trains, in windows of the preset."""
        corners = list(self._corners())
        config = replace(
            self.preset.training,
            curriculum="progressive" if any(c.curriculum != "joint" for c in corners) else "joint",
            mixed_contexts=any(c.mixed_contexts for c in corners),
            region_probability=max(c.region_probability for c in corners),
        )
        return replace(self.preset, training=config)

    def settings(self) -> list[Setting]:
        """All settings of a grid or of a random choice, in order; Optuna makes them as it goes."""
        assert self.search != "optuna"
        if self.search == "grid":
            names = [axis.field for axis in self.axes]
            return [dict(zip(names, row, strict=True)) for row in product(*(a.values for a in self.axes))]
        return list(self._chosen())

    def trial(self, setting: Setting, seed: int, out: Path) -> Trial:
        """The trial of a setting and a seed."""
        plan = TrainingPlan(
            preset=self._preset_of(setting),
            data=self.data,
            steps=self.steps,
            minutes=self.minutes,
            seed=seed,
            keep_checkpoints=1,
            validation_windows=self.validation_windows,
            text_encoder_weights=self.text_encoder_weights,
            judge=self.judge,
        )
        folder = out / TRIALS / folder_name(setting, seed)
        return Trial(setting=setting, plan=plan, folder=folder, rounds=self.rounds)

    def absolute(self) -> "SweepPlan":
        """With whole paths: workers run in folders of their own."""
        weights = self.text_encoder_weights
        if weights and Path(weights).exists():
            weights = str(Path(weights).resolve())
        plan = TrainingPlan(preset=self.preset, data=self.data, steps=1)
        return replace(self, data=tuple(map(str, plan.sources)), text_encoder_weights=weights)

    @property
    def most_trials(self) -> int:
        """Settings to try with a search, no more than there are."""
        assert self.trials is not None
        if any(axis.is_range for axis in self.axes):
            return self.trials
        return min(self.trials, math.prod(len(axis.values) for axis in self.axes))

    def check(self) -> None:
        """InputError, before anything starts, where data and plan do not fit together."""
        data = self._opened
        check_tracks(self.preset, data)
        if not data.parts(HELD_OUT):
            raise InputError(f"{data} holds out no songs: a sweep compares on them, prepare some as 'test'")
        for setting in self.settings() if self.search != "optuna" else self._probes():
            self._preset_of(setting)

    def facts(self) -> dict[str, Any]:
        """All that decides a trial's result but its setting: trials compare where it is the same."""
        return {
            "preset": asdict(self.preset),
            "data": list(self.data),
            "steps": self.steps,
            "minutes": self.minutes,
            "p2_starts_at": self.p2_starts_at,
            "rounds": self.rounds,
            "validation_windows": self.validation_windows,
            "judge": asdict(self.judge),
        }

    def asked(self) -> dict[str, Any]:
        """What may change from one start to the next in the same folder: a sweep grows."""
        return {
            "axes": [str(axis) for axis in self.axes],
            "seeds": list(self.seeds),
            "search": self.search,
            "trials": self.trials,
            "scheduler": self.scheduler,
            "score": self.score,
        }

    @cached_property
    def _opened(self) -> DataMix:
        return DataMix.open(TrainingPlan(preset=self.preset, data=self.data, steps=1).sources)

    def _chosen(self) -> Iterator[Setting]:
        """`trials` different settings, the first ones the same however many are asked for."""
        assert self.trials is not None
        rng, seen = np.random.default_rng(self.search_seed), set()
        for _ in range(100 * self.trials):
            setting = {axis.field: axis.at(float(rng.random())) for axis in self.axes}
            if (words := in_words(setting)) not in seen:
                seen.add(words)
                yield setting
            if len(seen) == self.trials:
                return

    def _corners(self) -> Iterator[Any]:
        """Training configurations that show whatever kinds of task the trials may train."""
        yield self.preset.training
        for setting in self._probes():
            yield with_setting(self.preset, setting).training

    def _probes(self) -> Iterator[Setting]:
        for axis in self.axes:
            for value in axis.ends():
                yield {axis.field: value}

    def _preset_of(self, setting: Setting) -> Preset:
        preset = with_setting(self.preset, setting)
        if not preset.training.p2 or P2_START in setting or P2 not in setting:
            return preset
        return replace(preset, training=replace(preset.training, p2_starts_at_epoch=self._p2_epoch(preset)))

    def _p2_epoch(self, preset: Preset) -> float:
        """The epoch from which p2 counts in a trial; within the first one where a trial is no longer."""
        if self.steps is None:
            raise InputError(
                "p2 starts at a share of the steps: give --steps, or the epoch, as "
                "--set training.p2_starts_at_epoch=20"
            )
        plan = TrainingPlan(preset=preset, data=self.data, steps=self.steps)
        return self.p2_starts_at * self.steps / open_windows(plan, self._opened).steps_per_epoch


def _check_choices(plan: SweepPlan) -> None:
    """InputError for a word or a number that is none of the choices."""
    choices = {"search": get_args(Search), "scheduler": get_args(Scheduler), "score": SCORES}
    for name, known in choices.items():
        if getattr(plan, name) not in known:
            raise InputError(f"unknown {name} '{getattr(plan, name)}': choose from {', '.join(known)}")
    if not plan.seeds or len(set(plan.seeds)) < len(plan.seeds) or min(plan.seeds) < 0:
        raise InputError(f"seeds are different whole numbers from 0, got {', '.join(map(str, plan.seeds))}")
    if (plan.search == "grid") != (plan.trials is None):
        raise InputError("--trials goes with --search random or optuna, which need it; a grid tries all")
    if plan.trials is not None and plan.trials < 1:
        raise InputError(f"a search needs at least one trial, got {plan.trials}")
    if plan.search == "optuna" and len(plan.seeds) > 1:
        raise InputError("--search optuna takes one seed: repeat the best settings with a grid of them")
    if not 0 <= plan.p2_starts_at < 1:
        raise InputError(f"p2 starts at a share of the steps from 0 to below 1, got {plan.p2_starts_at:g}")
    if plan.rounds < 1 or plan.validation_windows < 1:
        raise InputError("the validation needs at least one round and one window")


def parsed_seeds(text: str) -> tuple[int, ...]:
    """From "1,2,3"."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"seeds are whole numbers, as 1,2,3, got '{text}'") from None
