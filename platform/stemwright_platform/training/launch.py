"""Start a training run on Ray, or go on with one, and register what it made."""

import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.checkpoint import read_config
from stemwright.data_mix import DataMix
from stemwright.errors import InputError
from stemwright.run_folder import RunFolder
from stemwright.training_run import TrainingPlan, check_origin, check_tracks, open_windows
from stemwright.warm_start import WarmStart
from stemwright_platform.cluster import connect
from stemwright_platform.training.album import Album
from stemwright_platform.training.outage import to_terminal
from stemwright_platform.training.registry import Registration, register
from stemwright_platform.training.teacher_crew import TeacherCrew
from stemwright_platform.training.tracking import VALIDATION, Tracking, default_uri
from stemwright_platform.training.verdict import Verdict
from stemwright_platform.training.watch import Watch

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient
    from ray.train import RunConfig

MAX_FAILURES = 3
RESIZE_S = 60.0
"""Seconds from one look for workers that came back to the next; taking them in costs the steps since the last
checkpoint."""
NO_TEACHERS = TeacherCrew()


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A finished run."""

    folder: RunFolder
    """What it left."""
    was_finished: bool = False
    """Whether there was nothing left to do."""
    registration: Registration | None = None
    """Its place in the registry; None where that failed or was not asked for."""
    tracking_failure: str | None = None
    """Why MLflow does not have all of it."""


def launch(
    plan: TrainingPlan,
    out: str | Path,
    *,
    tracking_uri: str | None = None,
    model_name: str = "stemwright",
    max_failures: int = MAX_FAILURES,
    teachers: TeacherCrew = NO_TEACHERS,
    listen_every: int | None = 0,
) -> Outcome:
    """Train with Ray Train and track in MLflow; the same `out` goes on with a run that was interrupted.

    `tracking_uri`: where the run was tracked before, else `default_uri()`. `listen_every`: checkpoints from
    one listening to the next, see `Album`.
    Raises InputError for what a user can mend, OSError for a full disk, KeyboardInterrupt on Ctrl-C.
    """
    folder, plan = RunFolder(Path(out).resolve()), _absolute(plan)
    teachers.check(plan)
    check_data(plan, folder)
    folder.begin(plan)
    with folder.launching():
        facts = folder.facts() or {}
        if facts.get("registered"):
            return Outcome(folder=folder, was_finished=True)
        tracking = _tracking(plan, folder, tracking_uri)
        try:
            with Album(folder, plan, tracking, listen_every=listen_every), Watch(folder, plan):
                if not facts.get("finished"):
                    _fit_as_long_as_it_gets_on(plan, folder, max_failures, teachers)
        except BaseException as error:
            tracking.close("FAILED" if isinstance(error, Exception) else "KILLED")
            raise
        return _finish(tracking, folder, model_name, was_finished=bool(facts.get("finished")))


def _tracking(plan: TrainingPlan, folder: RunFolder, asked_uri: str | None) -> Tracking:
    """The run's diary, opened: where it was kept before, else where it is asked for."""
    facts = folder.facts() or {}
    uri = facts.get("tracking_uri") or asked_uri or default_uri()
    tracking = Tracking(uri, name=folder.path.name, run_id=facts.get("tracking_run"), key=facts.get("id"))
    tracking.follow(folder.metrics)
    tracking.follow(folder.validation, VALIDATION)
    tracking.start(plan.settings(), on_run_id=lambda run: folder.note(tracking_uri=uri, tracking_run=run))
    return tracking


def _finish(tracking: Tracking, folder: RunFolder, model_name: str, *, was_finished: bool) -> Outcome:
    """Register what was made; where MLflow is away, the next call registers what is finished."""
    registered: list[Registration] = []
    tracking.close(
        "FINISHED",
        lambda client: registered.append(publish(client, tracking.run_id or "", folder, model_name)),
    )
    registration = registered[0] if registered else None
    folder.note(finished=True, registered=str(registration) if registration else None)
    return Outcome(
        folder=folder,
        was_finished=was_finished,
        registration=registration,
        tracking_failure=tracking.failure,
    )


def _fit_as_long_as_it_gets_on(
    plan: TrainingPlan, folder: RunFolder, max_failures: int, teachers: TeacherCrew
) -> None:
    """A run of weeks loses many workers: only failures between which it makes no checkpoint end it."""
    while True:
        before = folder.latest_checkpoint()
        try:
            return fit(plan, folder, max_failures, teachers)
        except WorkersLost as error:
            if (latest := folder.latest_checkpoint()) in (before, None):
                raise
            to_terminal(f"{error}: going on from {latest.name}")


class WorkersLost(RuntimeError):
    """Training failed more often than it may."""


def check_data(plan: TrainingPlan, folder: RunFolder) -> None:
    """InputError, before Ray starts, where data, plan and the run in the folder do not fit together."""
    data = DataMix.open(plan.sources)
    check_tracks(plan.preset, data)
    open_windows(plan, data)
    if plan.start:
        WarmStart.of(plan.start).check(plan.preset, data.info)
    if latest := folder.whole_checkpoint(say=to_terminal):
        check_origin(read_config(latest)["origin"], data, latest)


def fit(
    plan: TrainingPlan,
    folder: RunFolder,
    max_failures: int = MAX_FAILURES,
    teachers: TeacherCrew = NO_TEACHERS,
) -> None:
    """The training itself, on this process's Ray cluster."""
    connect(max(4, os.cpu_count() or 1, plan.workers + 1 + teachers.total_cpus))
    import ray
    from ray.train import ScalingConfig, TrainingFailedError
    from ray.train.torch import TorchTrainer

    from stemwright_platform.training.worker import Assignment, train_worker

    threads = os.environ.get("OMP_NUM_THREADS")
    use_gpu = ray.cluster_resources().get("GPU", 0) >= (plan.min_workers or plan.workers)
    with _own_interrupt_handler(), teachers.hired(plan, workers_use_gpus=use_gpu) as hands:
        assignment = Assignment(
            plan=plan,
            out=str(folder.path),
            threads=int(threads) if threads else None,
            teachers=hands,
            teacher_refresh_steps=teachers.refresh_steps,
            verdict=Verdict.begin() if plan.workers > 1 else None,
        )
        trainer = TorchTrainer(
            train_worker,
            train_loop_config={"assignment": assignment},
            scaling_config=ScalingConfig(
                num_workers=(plan.min_workers, plan.workers) if plan.min_workers else plan.workers,
                use_gpu=use_gpu,
                elastic_resize_monitor_interval_s=RESIZE_S,
            ),
            run_config=_run_config(folder, max_failures),
        )
        try:
            answer = trainer.fit().return_value or {}
        except TrainingFailedError as error:
            answer = assignment.verdict.read() if assignment.verdict else {}
            if not answer:
                raise WorkersLost(_first_line(error)) from error
    if "bad_input" in answer:
        raise InputError(answer["bad_input"])
    if "disk_full" in answer:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), answer["disk_full"])


def _run_config(folder: RunFolder, max_failures: int) -> "RunConfig":
    """Ray keeps no checkpoints, and no table of them that ours could contradict."""
    from ray.train import FailureConfig, RunConfig
    from ray.train.v2.api.config import LoggingConfig

    checkpoints = folder.checkpoint(0).parent
    # Ray refuses a folder whose table, of an earlier release, names a checkpoint that is no longer there
    (checkpoints / "checkpoint_manager_snapshot.json").unlink(missing_ok=True)
    return RunConfig(
        name=checkpoints.name,
        storage_path=str(folder.path),
        failure_config=FailureConfig(max_failures=max_failures),
        logging_config=LoggingConfig(log_level="ERROR"),
    )


def publish(client: "MlflowClient", run_id: str, folder: RunFolder, model_name: str) -> Registration:
    """Log the model as an artifact and register it."""
    client.log_artifacts(run_id, str(folder.model), "model")
    facts = read_config(folder.model)["origin"]["facts"]
    loss = facts["validation"].get("loss")
    return register(
        client, model_name, run_id=run_id, artifact="model", loss=loss, judged_on=facts["judged_on"]
    )


def _absolute(plan: TrainingPlan) -> TrainingPlan:
    """The plan with whole paths: workers run in folders of their own."""
    weights = plan.text_encoder_weights
    if weights and Path(weights).exists():
        weights = str(Path(weights).resolve())
    start = str(Path(plan.start).resolve()) if plan.start else None
    return replace(plan, data=tuple(map(str, plan.sources)), text_encoder_weights=weights, start=start)


@contextmanager
def _own_interrupt_handler() -> Iterator[None]:
    """Ray Train takes SIGINT over, ends the run, and leaves by SystemExit: make that an interrupt again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)


def _first_line(error: BaseException) -> str:
    """The innermost message of a failed training."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"training failed: {lines[-1].strip() if lines else type(error).__name__}"
