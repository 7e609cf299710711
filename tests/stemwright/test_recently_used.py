import numpy as np

from stemwright.recently_used import RecentlyUsed


def cache_of(max_bytes: int = 1000) -> RecentlyUsed[str, np.ndarray]:
    return RecentlyUsed(max_bytes, lambda _, array: array.nbytes)


class Maker:
    """Makes arrays of ten floats and counts them."""

    def __init__(self) -> None:
        self.made: list[object] = []

    def __call__(self, cache: RecentlyUsed[str, np.ndarray], key: str) -> np.ndarray:
        def make() -> np.ndarray:
            self.made.append(key)
            return np.full(10, float(ord(key)), np.float32)

        return cache.get_or_make(key, make)


def test_what_is_kept_is_made_once() -> None:
    cache, ask = cache_of(), Maker()
    assert all((ask(cache, key) == float(ord(key))).all() for key in "abab")
    assert ask.made == ["a", "b"]


def test_the_least_recently_used_goes_first_and_the_bound_holds() -> None:
    cache, ask = cache_of(max_bytes=80), Maker()
    for key in "abacb":
        ask(cache, key)
        assert cache.num_bytes <= 80
    assert ask.made == ["a", "b", "c", "b"]


def test_what_is_larger_than_the_bound_is_given_and_not_kept() -> None:
    cache, ask = cache_of(max_bytes=30), Maker()
    assert len(ask(cache, "a")) == len(ask(cache, "a")) == 10
    assert ask.made == ["a", "a"]
    assert cache.num_bytes == 0
