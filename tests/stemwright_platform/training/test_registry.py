from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stemwright.checkpoint import CONFIG
from stemwright.errors import InputError
from stemwright_platform.training.alias import alias_history, promote
from stemwright_platform.training.registry import Registration, pinned, register, resolve_model
from stemwright_platform.training.tracking import Tracking

Enter = Callable[..., Registration]


@pytest.fixture
def enter(tracking_uri: str, tmp_path: Path, request: pytest.FixtureRequest) -> Enter:
    """Registers a folder as a model of the test's own name, as `enter(loss=0.3)`."""

    def enter(*, loss: float | None, judged_on: str = "songs") -> Registration:
        (tmp_path / "model").mkdir(exist_ok=True)
        (tmp_path / "model" / CONFIG).write_text(f'{{"loss": {loss}}}')
        tracking, found = Tracking(tracking_uri, name="run"), []

        def finish(client: Any) -> None:
            client.log_artifacts(tracking.run_id, str(tmp_path / "model"), "model")
            name = request.node.name
            registration = register(
                client, name, run_id=tracking.run_id or "", artifact="model", loss=loss, judged_on=judged_on
            )
            found.append(registration)

        tracking.start({}, lambda run_id: None)
        tracking.close("FINISHED", finish)
        assert tracking.failure is None
        return found[0]

    return enter


def test_the_champion_is_the_lowest_loss_on_the_same_held_out_data(enter: Enter) -> None:
    assert enter(loss=0.5).champion  # the first
    assert not enter(loss=0.6).champion
    assert enter(loss=0.4).champion
    assert not enter(loss=0.45).champion
    assert not enter(loss=0.1, judged_on="other songs").champion
    assert not enter(loss=None).champion


def test_a_version_that_training_made_the_champion_is_in_its_history(enter: Enter, client: Any) -> None:
    for loss in (0.5, 0.6, 0.4):
        name = enter(loss=loss).name
    assert alias_history(client, name, "champion") == [1, 3]


def test_an_alias_is_pinned_to_the_version_that_it_means_now(
    enter: Enter, tracking_uri: str, client: Any
) -> None:
    first, second = enter(loss=0.5), enter(loss=0.4)
    uri = f"models:/{first.name}@champion"
    assert pinned(uri, tracking_uri=tracking_uri) == f"models:/{first.name}/{second.version}"
    promote(client, first.name, first.version)
    assert pinned(uri, tracking_uri=tracking_uri) == f"models:/{first.name}/{first.version}"
    assert pinned("a/folder") == "a/folder"
    assert pinned("models:/anything/7", tracking_uri="http://127.0.0.1:9") == "models:/anything/7"


def test_a_model_whose_registration_lost_its_answer_is_registered_once(
    tracking_uri: str, client: Any
) -> None:
    tracking = Tracking(tracking_uri, name="run")
    tracking.start({}, lambda run_id: None)
    tracking.close("FINISHED")
    facts = {"run_id": tracking.run_id or "", "artifact": "model", "loss": 0.5, "judged_on": "songs"}
    first, again = (register(client, "repeated", **facts) for _ in range(2))
    assert first == again
    assert len(client.search_model_versions("name = 'repeated'")) == 1


def test_paths_aliases_and_versions_lead_to_the_folder(
    enter: Enter, tracking_uri: str, client: Any, tmp_path: Path
) -> None:
    first, second = enter(loss=0.5), enter(loss=0.4)

    def read(uri: str) -> str:
        return (resolve_model(uri, tracking_uri=tracking_uri, cache=tmp_path) / CONFIG).read_text()

    assert read(f"models:/{first.name}@champion") == '{"loss": 0.4}'
    assert read(f"models:/{first.name}/{first.version}") == '{"loss": 0.5}'
    promote(client, first.name, first.version)
    assert read(f"models:/{first.name}@champion") == '{"loss": 0.5}'
    assert read(str(tmp_path)) == read(f"models:/{first.name}/{second.version}")


def test_a_model_that_lies_elsewhere_is_fetched_once(
    enter: Enter, tracking_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration = enter(loss=0.5)
    monkeypatch.setattr("stemwright_platform.training.registry._local_path", lambda uri: None)
    uri, cache = f"models:/{registration.name}@champion", tmp_path / "cache"
    folder = resolve_model(uri, tracking_uri=tracking_uri, cache=cache)
    assert [path.name for path in cache.iterdir()] == [folder.name]
    written = (folder / CONFIG).stat().st_mtime_ns
    assert resolve_model(uri, tracking_uri=tracking_uri, cache=cache) == folder
    assert (folder / CONFIG).stat().st_mtime_ns == written


def test_a_version_fetched_before_is_found_while_the_registry_is_away(
    enter: Enter, tracking_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registration = enter(loss=0.5)
    monkeypatch.setattr("stemwright_platform.training.registry._local_path", lambda uri: None)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    uri, cache = f"models:/{registration.name}/{registration.version}", tmp_path / "cache"
    away = "http://127.0.0.1:9"
    with pytest.raises(InputError, match=uri):
        resolve_model(uri, tracking_uri=away, cache=cache)
    folder = resolve_model(uri, tracking_uri=tracking_uri, cache=cache)
    assert resolve_model(uri, tracking_uri=away, cache=cache) == folder


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("models:/nothing@champion", "nothing"),
        ("models:/nothing/3", "nothing"),
        ("models:/broken", "NAME@ALIAS"),
        ("no/such/folder", "is no model"),
    ],
)
def test_a_model_that_is_not_there_is_one_clear_line(uri: str, message: str, tracking_uri: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        resolve_model(uri, tracking_uri=tracking_uri)
    assert "\n" not in str(raised.value)
