import threading
from collections.abc import Callable

import pytest

from stemwright_platform.serving.failures import Refusal
from stemwright_platform.serving.queue import LEASE_S, MAX_ATTEMPTS
from stemwright_platform.serving.schema import Brief, ModelFacts, NewComposition
from stemwright_platform.serving.services import Services
from stemwright_platform.serving.tables import ENDED, Generation, Take


@pytest.fixture
def submit(services: Services, facts: ModelFacts) -> Callable[..., Generation]:
    composition = services.compositions.create(NewComposition(), facts)
    brief = Brief(
        prompt="",
        duration_s=8.0,
        tracks=facts.tracks,
        targets=["bass"],
        given={},
        guidance_scale=1.0,
        text_guidance=1.0,
        steps=5,
        solver="ddim",
        seeds=[1],
    )

    def submit_one(
        key: str | None = None,
        asked: str = "body",
        max_queue: int = 1000,
        owner: str = "",
        **changes: object,
    ) -> Generation:
        own = services.of(owner)
        piece = own.compositions.create(NewComposition(), facts) if owner else composition
        return own.queue.submit(
            piece.id,
            brief.model_copy(update=changes),
            asked=asked,
            idempotency_key=key,
            max_queue=max_queue,
        )

    return submit_one


def take(generation: Generation) -> Take:
    return Take(
        id="t1",
        composition_id=generation.composition_id,
        generation_id=generation.id,
        track="bass",
        name="take 1",
        blob_key="k",
        content_type="audio/wav",
        num_bytes=1,
        sha256="0",
        gain_db=0.0,
        peaks=b"",
    )


def test_generations_are_claimed_in_order_of_arrival_and_each_once(services, submit):
    ids = [submit().id for _ in range(3)]
    claims = [services.queue.claim() for _ in range(4)]
    assert [claim and claim.generation_id for claim in claims] == [*ids, None]


def test_many_claimers_at_once_never_share_a_generation(services, submit):
    ids = {submit().id for _ in range(12)}
    claimed: list[str] = []

    def drain() -> None:
        while (claim := services.queue.claim()) is not None:
            claimed.append(claim.generation_id)

    threads = [threading.Thread(target=drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(ids)


def test_the_place_counts_those_that_wait_before(services, submit):
    rows = [submit() for _ in range(3)]
    assert [services.queue.place(row) for row in rows] == [1, 2, 3]
    services.queue.claim()
    assert services.queue.place(services.queue.get(rows[0].id)) is None
    assert services.queue.place(services.queue.get(rows[2].id)) == 2


def test_a_silent_holder_loses_the_generation_and_its_late_writes_change_nothing(services, submit, clock):
    row = submit()
    old = services.queue.claim()
    clock.now += LEASE_S + 1
    new = services.queue.claim()
    assert new.generation_id == old.generation_id
    assert new.token > old.token
    assert not services.queue.renew(old, progress=0.9)
    assert not services.queue.finish(old, [take(row)])
    assert not services.queue.fail(old, "late")
    assert services.queue.get(row.id).state == "running"
    assert services.queue.takes(row.id) == []
    assert services.queue.finish(new, [take(row)])
    assert services.queue.get(row.id).state == "done"
    assert [found.id for found in services.queue.takes(row.id)] == ["t1"]


def test_a_renewed_lease_is_kept(services, submit, clock):
    submit()
    claim = services.queue.claim()
    for _ in range(4):
        clock.now += LEASE_S * 0.75
        assert services.queue.renew(claim, progress=0.5, stage="denoising")
    assert services.queue.claim() is None


def test_a_generation_that_loses_its_worker_every_time_fails_with_the_reason(services, submit, clock):
    row = submit()
    for _ in range(MAX_ATTEMPTS):
        assert services.queue.claim() is not None
        clock.now += LEASE_S + 1
    assert services.queue.claim() is None
    ended = services.queue.get(row.id)
    assert ended.state == "failed"
    assert "lost 3 times" in ended.error
    assert ended.ended_at is not None


def test_a_generation_that_lost_its_worker_twice_is_to_be_made_alone(services, submit, clock):
    submit()
    alone = []
    for _ in range(MAX_ATTEMPTS):
        alone.append(services.queue.claim().alone)
        clock.now += LEASE_S + 1
    assert alone == [False, False, True]


def claimed_owners(services: Services, count: int) -> list[str]:
    return [services.queue.get(services.queue.claim().generation_id).owner for _ in range(count)]


def test_owners_take_turns_however_much_one_of_them_asks_for(services, submit):
    for owner in ("big",) * 6 + ("one", "two"):
        submit(owner=owner)
    owners = claimed_owners(services, 8)
    assert owners[0] == "big"
    assert sorted(owners[1:4]) == ["big", "one", "two"]
    assert owners[4:] == ["big"] * 4


def test_shares_are_counted_in_work_not_in_requests(services, submit):
    for _ in range(4):
        submit(owner="long", steps=30)
        submit(owner="short", steps=10)
    owners = claimed_owners(services, 6)
    assert owners.count("short") == 4


def test_who_was_away_has_not_saved_up_turns(services, submit):
    for _ in range(9):
        submit(owner="busy")
    for _ in range(5):
        services.queue.finish(services.queue.claim(), [])
    for _ in range(4):
        submit(owner="late")
    owners = claimed_owners(services, 8)
    assert [owners[2 * i : 2 * i + 2].count("late") for i in range(4)] == [1, 1, 1, 1]


def test_who_waits_goes_before_work_in_bulk_and_places_say_so(services, submit):
    bulk = submit(priority="batch")
    waiting = submit(owner="somebody")
    assert (services.queue.place(bulk), services.queue.place(waiting)) == (2, 1)
    claims = [services.queue.claim() for _ in range(2)]
    assert [claim.generation_id for claim in claims] == [waiting.id, bulk.id]
    assert claims[0].rank < claims[1].rank


def test_a_generation_whose_worker_was_lost_is_claimed_before_those_that_came_later(services, submit, clock):
    first = submit()
    services.queue.claim()
    submit()
    clock.now += LEASE_S + 1
    assert services.queue.claim().generation_id == first.id


def test_a_released_generation_is_claimed_again(services, submit):
    row = submit()
    first = services.queue.claim()
    assert services.queue.release(first)
    assert services.queue.claim().generation_id == row.id


def test_cancelling_takes_a_running_generation_from_its_holder(services, submit):
    row = submit()
    claim = services.queue.claim()
    assert services.queue.cancel(row.id).state == "cancelled"
    assert not services.queue.renew(claim, progress=0.5)
    assert not services.queue.finish(claim, [])


@pytest.mark.parametrize("end", ["done", "failed"])
def test_an_ended_generation_stays_as_it_ended(services, submit, end):
    row = submit()
    claim = services.queue.claim()
    assert services.queue.finish(claim, []) if end == "done" else services.queue.fail(claim, "why")
    assert services.queue.cancel(row.id).state == end
    assert not services.queue.fail(claim, "again")
    assert services.queue.get(row.id).state == end


def test_a_cancelled_one_that_waits_is_never_claimed(services, submit):
    services.queue.cancel(submit().id)
    assert services.queue.claim() is None


def test_the_same_key_gives_the_same_generation_and_refuses_another_body(services, submit):
    assert submit(key="k").id == submit(key="k").id
    assert submit().id != submit().id
    with pytest.raises(Refusal, match="was used for another generation"):
        submit(key="k", asked="something else")


def test_a_full_queue_refuses(services, submit):
    submit()
    with pytest.raises(Refusal) as refusal:
        submit(max_queue=1)
    assert refusal.value.status == 429


def test_deleting_a_composition_takes_its_generations_from_their_holders(services, submit):
    row = submit()
    claim = services.queue.claim()
    services.compositions.delete(row.composition_id)
    assert not services.queue.renew(claim, progress=0.1)
    assert not services.queue.finish(claim, [take(row)])


def test_counts_name_every_state(services, submit):
    submit()
    assert services.queue.counts() == {"queued": 1, "running": 0, **dict.fromkeys(ENDED, 0)}
