"""The trials on Ray Tune: side by side by resources, chosen by a searcher, ended early by a scheduler.

Tune decides what runs when; what ran, and how far it is, stands in the trials' own folders alone.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright.errors import InputError
from stemwright_platform.cluster import connect
from stemwright_platform.sweeps.resources import Resources
from stemwright_platform.sweeps.search import METRIC, WORST, make_scheduler, make_searcher, setting_of
from stemwright_platform.sweeps.setting import Setting
from stemwright_platform.sweeps.sweep_plan import SweepPlan
from stemwright_platform.sweeps.trial import Trial, run_trial
from stemwright_platform.sweeps.trial_result import TrialResult
from stemwright_platform.sweeps.trial_watch import Watcher, trial_watch

if TYPE_CHECKING:
    from ray.tune import Tuner

SCRATCH = ".tune"
"""Tune's own files; nothing in them is read back."""
MAX_FAILURES = 2
"""A trial whose process dies is begun again as often; it goes on from its last checkpoint."""
NUMBER = "number"


def run_listed(
    plan: SweepPlan, trials: Sequence[Trial], out: Path, resources: Resources, watcher: Watcher,
    known: Sequence[TrialResult] = (),
) -> None:  # fmt: skip
    """Run the trials of a list. `known`: results of others, for the scheduler."""
    if not trials:
        return

    def find(config: dict[str, Any]) -> Trial:
        return trials[config[NUMBER]]

    def space() -> dict[str, Any]:
        from ray import tune

        return {"param_space": {NUMBER: tune.grid_search(list(range(len(trials))))}}

    _run(plan, find, space, {}, out, resources, watcher, known)


def run_searched(
    plan: SweepPlan, count: int, begun: Sequence[Setting], out: Path, resources: Resources,
    watcher: Watcher, known: Sequence[TrialResult] = (),
) -> None:  # fmt: skip
    """Run `count` more trials that Optuna chooses, those that were `begun` first."""
    if count < 1:
        return
    fresh, seed = plan.absolute(), plan.seeds[0]  # without the opened data, which need not travel

    def find(config: dict[str, Any]) -> Trial:
        return fresh.trial(setting_of(fresh.axes, config), seed, out)

    more = {"search_alg": make_searcher(plan, known, begun), "num_samples": count}
    _run(plan, find, dict, more, out, resources, watcher, known)


def _run(
    plan: SweepPlan,
    find: Callable[[dict[str, Any]], Trial],
    space: Callable[[], dict[str, Any]],
    tune_config: dict[str, Any],
    out: Path,
    resources: Resources,
    watcher: Watcher,
    known: Sequence[TrialResult],
) -> None:
    _quieten()
    connect(resources.logical_cpus)
    import ray
    from ray import tune

    asked, scratch, score = resources.asked(ray.cluster_resources()), out / SCRATCH, plan.score
    shutil.rmtree(scratch, ignore_errors=True)
    threads = resources.cpus

    def trainable(config: dict[str, Any]) -> None:
        _train_here(find(config), score, threads)

    tuner = tune.Tuner(
        tune.with_resources(trainable, asked),
        tune_config=tune.TuneConfig(
            scheduler=make_scheduler(plan, known),
            max_concurrent_trials=resources.parallel,
            **tune_config,
        ),
        run_config=tune.RunConfig(
            name="sweep",
            storage_path=str(scratch),
            verbose=0,
            callbacks=[trial_watch(find, watcher)],
            failure_config=tune.FailureConfig(max_failures=MAX_FAILURES),
        ),
        **space(),
    )
    _fit(tuner)
    shutil.rmtree(scratch, ignore_errors=True)


def _fit(tuner: "Tuner") -> None:
    """Tune takes errors of its own as the end of all: what a user can mend keeps its line."""
    from ray.tune import TuneError

    try:
        tuner.fit()
    except TuneError as error:
        if isinstance(error.__cause__, InputError | KeyboardInterrupt):
            raise error.__cause__ from None
        raise


def _train_here(trial: Trial, score: str, threads: int) -> None:
    """In a worker of Ray: train, and tell Tune how it goes."""
    import torch
    from ray import tune

    torch.set_num_threads(threads)

    def report(row: dict[str, float]) -> None:
        tune.report({**row, METRIC: row.get(score, WORST)})

    result = run_trial(trial, device="cuda" if torch.cuda.is_available() else "cpu", report=report)
    tune.report({"progress": 100.0, **result.scores, METRIC: result.scores.get(score, WORST)})


def _quieten() -> None:
    """Our own lines say how a sweep goes, and Ctrl-C ends it at once: nothing waits to be written."""
    for name in ("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "TUNE_DISABLE_SIGINT_HANDLER"):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
    os.environ.setdefault("TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S", "0")
