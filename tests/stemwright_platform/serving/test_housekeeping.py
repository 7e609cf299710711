import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stemwright_platform.serving.housekeeping import DAY_S, HOUR_S, Tidied, expire_takes, tidy
from stemwright_platform.serving.schema import ModelFacts, NewComposition
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.tables import Composition, Take


@pytest.fixture
def composition(services: Services, facts: ModelFacts) -> Composition:
    return services.compositions.create(NewComposition(), facts)


@pytest.fixture
def make_take(services: Services, composition: Composition) -> Callable[[str], Take]:
    """A generated take with its blob."""

    def make(name: str) -> Take:
        take = Take(
            id=name,
            composition_id=composition.id,
            track="bass",
            name="take 1",
            blob_key=f"{composition.id}/{name}.wav",
            content_type="audio/wav",
            num_bytes=4,
            sha256="0",
            gain_db=0.0,
            peaks=b"",
            created_at=services.queue._clock(),
        )
        services.blobs.put(take.blob_key, b"wave")
        with services.database.write() as session:
            session.add(take)
        return take

    return make


def ids(services: Services, composition: Composition) -> list[str]:
    return [take.id for take in services.compositions.takes(composition.id)]


def age_blobs(services: Services, seconds: float) -> None:
    root = Path(services.settings.blob_url)
    for path in root.rglob("*.wav"):
        os.utime(path, (time.time() - seconds,) * 2)


def test_takes_that_were_never_chosen_expire_with_their_blobs(
    services, composition, make_take, clock
) -> None:
    make_take("old")
    clock.now += 31 * DAY_S
    make_take("young")
    assert tidy(services, clock.now).takes == 1
    assert ids(services, composition) == ["young"]
    assert services.blobs.keys() == [f"{composition.id}/young.wav"]


def test_what_is_or_was_chosen_stays_for_ever(services, composition, make_take, clock) -> None:
    make_take("first")
    make_take("second")
    for name in ("first", "second"):
        services.compositions.choose(composition.id, {"bass": name})
    services.compositions.choose(composition.id, {"bass": None})
    clock.now += 1_000 * DAY_S
    assert tidy(services, clock.now) == Tidied(0, 0)
    assert set(ids(services, composition)) == {"first", "second"}


def test_blobs_without_a_row_go_but_young_ones_are_spared(services, composition, make_take, clock) -> None:
    clock.now = time.time()
    make_take("named")
    services.blobs.put(f"{composition.id}/orphan.wav", b"wave")
    assert tidy(services, time.time()).blobs == 0
    age_blobs(services, 2 * HOUR_S)
    services.blobs.put(f"{composition.id}/young.wav", b"wave")
    assert tidy(services, time.time()).blobs == 1
    assert services.blobs.keys() == [f"{composition.id}/{name}.wav" for name in ("named", "young")]


def test_a_take_that_is_chosen_while_takes_expire_is_kept_or_refused_never_half(
    services, composition, make_take, clock
) -> None:
    for number in range(20):
        make_take(f"take{number}")
    clock.now += 31 * DAY_S
    outcomes: dict[str, bool] = {}

    def choose() -> None:
        for number in range(20):
            try:
                services.compositions.choose(composition.id, {"bass": f"take{number}"})
                outcomes[f"take{number}"] = True
            except Exception:
                outcomes[f"take{number}"] = False

    chooser = threading.Thread(target=choose)
    chooser.start()
    expire_takes(services.database, clock.now - 30 * DAY_S)
    chooser.join()
    assert set(ids(services, composition)) == {name for name, chosen in outcomes.items() if chosen}


def test_nothing_expires_where_that_is_not_wanted(services, composition, make_take, clock) -> None:
    make_take("old")
    kept = services.settings.retention.model_copy(update={"unchosen_take_days": None})
    forever = services.settings.model_copy(update={"retention": kept})
    clock.now += 1_000 * DAY_S
    assert tidy(replace(services, settings=forever), clock.now).takes == 0
    assert ids(services, composition) == ["old"]
