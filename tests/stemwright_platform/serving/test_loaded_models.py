import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stemwright_platform.serving.loaded_models import LoadedModels, preload
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.settings import ServingSettings


class Loading:
    """Counts what is loaded; an address named broken cannot be."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, address: str) -> str:
        self.loaded.append(address)
        assert self.go_on.wait(20)
        if address == "broken":
            raise OSError("broken")
        return address.upper()


def test_the_two_used_last_stay_loaded() -> None:
    loading = Loading()
    models = LoadedModels(loading)
    assert [models.get(address) for address in "abacab"] == list("ABACAB")
    assert loading.loaded == ["a", "b", "c", "b"]
    assert models.addresses == ["a", "b"]


def test_who_asks_meanwhile_waits_for_the_same_and_others_do_not_wait() -> None:
    loading = Loading()
    models = LoadedModels(loading)
    models.get("old")
    loading.go_on.clear()
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(models.get, "new") for _ in range(3)]
        assert models.get("old") == "OLD"
        loading.go_on.set()
        assert [future.result(20) for future in waiting] == ["NEW"] * 3
    assert loading.loaded == ["old", "new"]


def test_what_cannot_be_loaded_says_so_takes_no_place_and_is_tried_again() -> None:
    loading = Loading()
    models = LoadedModels(loading)
    models.get("a")
    for _ in range(2):
        with pytest.raises(OSError, match="broken"):
            models.get("broken")
    assert loading.loaded == ["a", "broken", "broken"]
    assert models.addresses == ["a"]


@pytest.fixture
def settings(services: Services) -> Callable[[str], ServingSettings]:
    return lambda model: services.settings.model_copy(update={"model": model})


def test_a_replica_starts_with_the_folder_or_fixed_version_that_is_configured(
    settings: Callable[[str], ServingSettings],
) -> None:
    for model in ("a/folder", "models:/blues/3"):
        loading = Loading()
        preload(LoadedModels(loading), settings(model))
        assert loading.loaded == [model]


def test_a_replica_of_an_alias_starts_with_the_version_that_is_served(
    settings: Callable[[str], ServingSettings], services: Services, facts
) -> None:
    alias, loading = "models:/blues@champion", Loading()
    preload(LoadedModels(loading), settings(alias))
    assert loading.loaded == []  # before the first start nobody knows
    services.models.tell(facts.model_copy(update={"uri": alias, "version": "models:/blues/7"}))
    preload(LoadedModels(loading), settings(alias))
    assert loading.loaded == ["models:/blues/7"]


def test_a_model_that_cannot_be_loaded_lets_the_replica_start(
    settings: Callable[[str], ServingSettings], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    preload(LoadedModels(Loading()), settings("broken"))
    assert caplog.messages == ["not loaded yet: broken"]
