from typing import Any

import pytest

from stemwright.errors import InputError
from stemwright_platform.training.tracking import VALIDATION, Tracking, flat


def record(step: int) -> dict[str, Any]:
    return {"step": step, "loss": 1 / step, "by_mode": {"joint": 0.5}}


def test_a_resumed_run_is_the_same_run_and_holds_each_step_once(tracking_uri: str, client: Any) -> None:
    ids: list[str] = []
    first = Tracking(tracking_uri, name="first")
    first.start({"preset": {"name": "tiny"}, "steps": 4}, ids.append)
    first.log([record(1), record(2)])
    first.log([record(2)], VALIDATION)
    first.close("KILLED")
    second = Tracking(tracking_uri, name="first", run_id=ids[0])
    second.start({"steps": 4}, ids.append)
    second.log([record(1), record(2), record(3)])
    second.log([record(2), record(3)], VALIDATION)
    second.close("FINISHED")
    assert (first.failure, second.failure, len(ids)) == (None, None, 1)
    run = client.get_run(ids[0])
    assert run.info.status == "FINISHED"
    assert run.data.params == {"preset.name": "tiny", "steps": "4"}
    for name, steps in {"loss": [1, 2, 3], "by_mode.joint": [1, 2, 3], "validation.loss": [2, 3]}.items():
        assert [metric.step for metric in client.get_metric_history(ids[0], name)] == steps


def test_a_store_that_cannot_be_reached_is_said_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    tracking = Tracking("http://127.0.0.1:9", name="run")
    tracking.start({}, lambda run_id: None)
    tracking.log([record(1)])
    tracking.close("FINISHED")
    assert tracking.failure


@pytest.mark.parametrize("uri", ["file:///tmp/mlruns", "./mlruns"])
def test_a_folder_store_is_refused_with_the_remedy(uri: str) -> None:
    with pytest.raises(InputError, match="sqlite:///PATH"):
        Tracking(uri, name="run")


def test_flat_joins_names_by_dots() -> None:
    assert flat({"a": 1, "b": {"c": 2, "d": {"e": 3}}}) == {"a": 1, "b.c": 2, "b.d.e": 3}
