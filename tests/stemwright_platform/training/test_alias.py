import json
from collections.abc import Callable
from typing import Any

import pytest

from stemwright.errors import InputError
from stemwright_platform.training.alias import CHAMPION, TAG, alias_history, promote, roll_back
from stemwright_platform.training.tracking import open_client


@pytest.fixture
def name(client: Any, request: pytest.FixtureRequest) -> str:
    """A registered model of the test's own, with versions 1 to 4."""
    client.create_registered_model(request.node.name)
    for _ in range(4):
        client.create_model_version(request.node.name, source="runs:/0/model")
    return request.node.name


@pytest.fixture
def means(client: Any, name: str) -> Callable[[], int]:
    """Which version the champion is."""
    return lambda: int(client.get_model_version_by_alias(name, CHAMPION).version)


def test_rolling_back_undoes_promotions_one_by_one(client: Any, name: str, means: Callable[[], int]) -> None:
    for version in (2, 1, 4):
        assert promote(client, name, version).version == means() == version
    assert [str(roll_back(client, name)) for _ in range(2)] == [
        f"models:/{name}@champion is version 1, was 4",
        f"models:/{name}@champion is version 2, was 1",
    ]
    assert means() == 2
    with pytest.raises(InputError, match="no other version before 2"):
        roll_back(client, name)
    assert means() == 2


def test_a_promotion_after_a_rollback_starts_a_new_branch(
    client: Any, name: str, means: Callable[[], int]
) -> None:
    for version in (1, 2, 3):
        promote(client, name, version)
    roll_back(client, name)
    promote(client, name, 4)
    assert [roll_back(client, name).version for _ in range(2)] == [2, 1]
    assert means() == 1


def test_the_history_survives_its_process_and_is_of_each_alias(
    client: Any, name: str, tracking_uri: str
) -> None:
    promote(client, name, 1)
    promote(client, name, 2)
    promote(client, name, 3, "challenger")
    later = open_client(tracking_uri)
    assert (alias_history(later, name, CHAMPION), alias_history(later, name, "challenger")) == ([1, 2], [3])
    assert roll_back(later, name).version == 1


def test_promoting_the_holder_changes_nothing(client: Any, name: str) -> None:
    promote(client, name, 1)
    promote(client, name, 3)
    assert str(promote(client, name, 3)).endswith("is version 3 already")
    assert roll_back(client, name).version == 1


def test_a_move_by_another_tool_can_be_rolled_back(client: Any, name: str) -> None:
    promote(client, name, 1)
    client.set_registered_model_alias(name, CHAMPION, "4")
    assert roll_back(client, name).version == 1


def test_versions_that_were_deleted_are_passed_over(client: Any, name: str, means: Callable[[], int]) -> None:
    for version in (1, 2, 1, 3):
        promote(client, name, version)
    client.delete_model_version(name, "1")
    assert roll_back(client, name).version == means() == 2
    client.delete_model_version(name, "2")
    with pytest.raises(InputError, match="no other version"):
        roll_back(client, name)


def test_the_holder_itself_may_have_been_deleted(client: Any, name: str, means: Callable[[], int]) -> None:
    promote(client, name, 1)
    promote(client, name, 2)
    client.delete_model_version(name, "2")
    assert roll_back(client, name).version == means() == 1


@pytest.mark.parametrize("cut", ["promotion", "rollback"])
def test_a_move_cut_short_between_its_two_writes_can_be_rolled_back_as_if_it_had_not(
    client: Any, name: str, means: Callable[[], int], cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(client, name, 1)
    promote(client, name, 2)
    second = "set_registered_model_tag" if cut == "promotion" else "set_registered_model_alias"

    def cut_short(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(client, second, cut_short)
        with pytest.raises(ConnectionError):
            promote(client, name, 3) if cut == "promotion" else roll_back(client, name)
    if cut == "promotion":
        assert roll_back(client, name).version == 2
    assert roll_back(client, name).version == means() == 1


def test_an_alias_that_was_never_set_is_one_clear_line(client: Any, name: str) -> None:
    with pytest.raises(InputError, match="has no alias 'champion'"):
        roll_back(client, name)


def test_the_history_is_readable_json(client: Any, name: str) -> None:
    promote(client, name, 2)
    promote(client, name, 1)
    assert json.loads(client.get_registered_model(name).tags[TAG + CHAMPION]) == [2, 1]
