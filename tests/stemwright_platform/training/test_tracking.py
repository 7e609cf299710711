import random
import threading
from pathlib import Path
from typing import Any

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, PERMISSION_DENIED

from stemwright.errors import InputError
from stemwright.training_log import TrainingLog
from stemwright_platform.training import outage, tracking
from stemwright_platform.training.tracking import VALIDATION, Tracking, flat


class Run:
    """A training run as tracking sees it: two logs, and what run.json says."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder, self.uri, self.ids, self.said = folder, uri, list[str](), list[str]()
        self.key = random.Random(str(folder)).randbytes(16).hex()

    def write(self, *steps: int, log: str = "metrics") -> None:
        file = TrainingLog(self.folder / log)
        for step in steps:
            file.append({"step": step, "loss": 1 / step, "by_mode": {"joint": 0.5}, "note": "text"})
        file.close()

    def start(self) -> Tracking:
        started = Tracking(
            self.uri,
            name="run",
            run_id=self.ids[-1] if self.ids else None,
            key=self.key,
            say=self.said.append,
        )
        started.follow(self.folder / "metrics")
        started.follow(self.folder / "validation", VALIDATION)
        started.start({"preset": {"name": "tiny"}, "steps": 4}, self.ids.append)
        return started


class Unreliable:
    """A client some of whose calls fail, half of those after the server has done what was asked."""

    def __init__(self, client: Any, chance: float) -> None:
        self._client, self._chance, self._random = client, chance, random.Random(5)
        self.failures = 0

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            fails = self._random.random() < self._chance
            if fails and self._random.random() < 0.5:
                self._fail()
            answer = getattr(self._client, name)(*arguments, **named)
            if fails:
                self._fail()
            return answer

        return call

    def _fail(self) -> None:
        self.failures += 1
        raise MlflowException("[Errno 111] Connection refused", error_code=INTERNAL_ERROR)


@pytest.fixture
def run(tmp_path: Path, tracking_uri: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(outage, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(tracking, "INTERVAL_S", 0.01)
    return Run(tmp_path, tracking_uri)


def steps(client: Any, run_id: str, name: str) -> list[int]:
    return [metric.step for metric in client.get_metric_history(run_id, name)]


def test_a_resumed_run_is_the_same_run_and_holds_each_step_once(run: Run, client: Any) -> None:
    first = run.start()
    run.write(1, 2)
    run.write(2, log="validation")
    first.close("KILLED")
    run.write(2, 3)  # the step after the last checkpoint is repeated
    second = run.start()
    run.write(4)
    run.write(2, 4, log="validation")
    second.close("FINISHED")
    assert (first.failure, second.failure, len(run.ids), run.said) == (None, None, 1, [])
    found = client.get_run(run.ids[0])
    assert found.info.status == "FINISHED"
    assert found.data.params == {"preset.name": "tiny", "steps": "4"}
    for name, expected in {
        "loss": [1, 2, 3, 4],
        "by_mode.joint": [1, 2, 3, 4],
        "validation.loss": [2, 4],
    }.items():
        assert steps(client, run.ids[0], name) == expected
    assert "note" not in found.data.metrics


def test_outages_lose_nothing_and_repeat_nothing(
    run: Run, client: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unreliable = Unreliable(client, chance=0.4)
    monkeypatch.setattr(tracking, "open_client", lambda uri: unreliable)
    monkeypatch.setattr(tracking, "TRY_AGAIN_S", 0.01)
    monkeypatch.setattr(tracking, "MAX_METRICS", 8)
    (tmp_path / "curves").mkdir()
    (tmp_path / "curves" / "loss.txt").write_text("falls")
    started = run.start()
    started.log_folder(tmp_path / "curves", "curves")
    run.write(*range(1, 40))
    run.write(20, log="validation")
    run.write(*range(30, 60))
    started.close("FINISHED")
    assert unreliable.failures > 5
    assert started.failure is None
    assert len(run.ids) == 1
    tagged = client.search_runs(["1"], f"tags.`stemwright.run` = '{run.key}'")
    assert [found.info.run_id for found in tagged] == run.ids
    assert steps(client, run.ids[0], "loss") == [*range(1, 60)]
    assert steps(client, run.ids[0], "validation.loss") == [20]
    assert client.get_run(run.ids[0]).info.status == "FINISHED"
    assert [file.path for file in client.list_artifacts(run.ids[0], "curves")] == ["curves/loss.txt"]


def test_each_outage_is_said_once_when_it_starts_and_when_it_is_over(
    run: Run, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([None, None, None])

    def open_client(uri: str) -> Any:
        if next(answers, client) is None:
            raise MlflowException("[Errno 111] Connection refused", error_code=INTERNAL_ERROR)
        return client

    monkeypatch.setattr(tracking, "open_client", open_client)
    started = run.start()
    run.write(1)
    started.close("FINISHED")
    assert started.failure is None
    assert [line for line in run.said if "waiting" not in line] == [
        f"MLflow at {run.uri} does not answer (Connection refused): training goes on, asking again",
        f"MLflow at {run.uri} answers again: it gets what it missed",
    ]


def test_a_run_that_was_made_but_never_noted_is_found_again(run: Run, client: Any) -> None:
    def killed(run_id: str) -> None:
        raise KeyError("as if before run.json was written")

    dead = Tracking(run.uri, name="run", key=run.key, say=run.said.append)
    dead.start({}, killed)
    dead.close("KILLED")
    run.start().close("FINISHED")
    assert len(client.search_runs(["1"], f"tags.`stemwright.run` = '{run.key}'")) == 1


def test_a_run_that_mlflow_no_longer_has_is_made_anew_and_whole(run: Run, client: Any) -> None:
    run.write(1, 2)
    run.start().close("KILLED")
    client.delete_run(run.ids[0])
    run.write(3)
    again = run.start()
    again.close("FINISHED")
    assert again.failure is None
    assert len(run.ids) == 2
    assert steps(client, run.ids[1], "loss") == [1, 2, 3]
    assert run.ids[0] in run.said[0]


def test_a_refusal_is_said_once_in_one_line_and_not_repeated(
    run: Run, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    class Forbidding:
        def get_experiment_by_name(self, name: str) -> None:
            asked.append(name)
            raise MlflowException("you may not do this\nat all", error_code=PERMISSION_DENIED)

    monkeypatch.setattr(tracking, "open_client", lambda uri: Forbidding())
    started = run.start()
    run.write(1)
    started.close("FINISHED")
    assert len(asked) == 1
    assert started.failure
    assert "you may not do this" in started.failure
    assert len(run.said) == 1
    assert "\n" not in run.said[0]


def test_an_artifact_that_is_not_taken_holds_up_no_figures(
    run: Run, client: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class WithoutArtifacts:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name)

        def log_artifacts(self, *_: object) -> None:
            raise MlflowException("the bucket is gone", error_code=INTERNAL_ERROR)

    monkeypatch.setattr(tracking, "open_client", lambda uri: WithoutArtifacts())
    monkeypatch.setattr(tracking, "TRY_AGAIN_S", 0.0)
    started = run.start()
    started.log_folder(tmp_path, "curves")
    run.write(1, 2)
    started.close("FINISHED")
    assert started.failure == f"{run.uri} does not take curves (the bucket is gone)"
    assert len(run.said) == 1
    assert steps(client, run.ids[0], "loss") == [1, 2]
    assert client.get_run(run.ids[0]).info.status == "FINISHED"


def test_a_store_that_cannot_be_reached_is_said_with_the_remedy_and_stops_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(tracking, "CLOSING_S", 0.5)
    run.uri = "http://me:secret@127.0.0.1:9"
    started = run.start()
    run.write(1)
    started.close("FINISHED")
    assert started.failure == (
        "http://127.0.0.1:9 did not answer in time (Connection refused); the same command, run again, "
        "sends the rest"
    )
    assert "secret" not in "".join(run.said)


def test_what_finishes_a_run_is_tried_again_after_an_outage(run: Run, client: Any) -> None:
    tries = []

    def finish(client: Any) -> None:
        tries.append(threading.current_thread().name)
        if len(tries) < 3:
            raise MlflowException("away", error_code=INTERNAL_ERROR)

    started = run.start()
    started.close("FINISHED", finish)
    assert started.failure is None
    assert tries == ["tracking"] * 3


@pytest.mark.parametrize("uri", ["file:///tmp/mlruns", "./mlruns"])
def test_a_folder_store_is_refused_with_the_remedy(uri: str) -> None:
    with pytest.raises(InputError, match="sqlite:///PATH"):
        Tracking(uri, name="run")


@pytest.mark.parametrize("uri", ["foo://bar", "http://:bad"])
def test_an_address_that_means_nothing_is_one_line(run: Run, uri: str) -> None:
    run.uri = uri
    started = run.start()
    started.close("FINISHED")
    assert uri.split(":")[0] in (started.failure or "")
    assert len(run.said) == 1


def test_flat_joins_names_by_dots() -> None:
    assert flat({"a": 1, "b": {"c": 2, "d": {"e": 3}}}) == {"a": 1, "b.c": 2, "b.d.e": 3}
