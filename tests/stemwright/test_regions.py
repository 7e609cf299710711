import torch

from stemwright.regions import LONGEST, SHORTEST, UNIFORMS, sample_known

COUNT, FRAMES = 2000, 100


def drawn(length: int, probability: float = 1.0) -> torch.Tensor:
    uniform = torch.rand(COUNT, UNIFORMS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return sample_known(torch.full((COUNT,), length), FRAMES, probability, uniform)


def runs(known: torch.Tensor) -> torch.Tensor:
    """How many spans of known frames each sample has."""
    edge = torch.zeros(len(known), 1, dtype=torch.bool)
    return (known & ~torch.cat([edge, known[:, :-1]], dim=1)).sum(1)


def test_between_a_fifth_and_four_fifths_of_the_real_frames_are_given() -> None:
    for length in (FRAMES, 60):
        known = drawn(length)
        share = known.sum(1) / length
        assert SHORTEST - 0.02 <= float(share.min()) < SHORTEST + 0.05
        assert LONGEST - 0.05 < float(share.max()) <= LONGEST + 0.02
        assert not known[:, length:].any()


def test_continuations_beginnings_gaps_and_islands_all_come() -> None:
    known = drawn(FRAMES)
    first, last = known[:, 0], known[:, -1]
    assert set(runs(known).tolist()) == {1, 2}
    kinds = {
        "continuation": first & ~last,
        "beginning": ~first & last,
        "gap": first & last,
        "island": ~first & ~last,
    }
    for name, found in kinds.items():
        assert float(found.double().mean()) > 0.1, name


def test_the_probability_is_that_of_a_region() -> None:
    assert not drawn(FRAMES, probability=0.0).any()
    assert abs(float(drawn(FRAMES, probability=0.25).any(1).double().mean()) - 0.25) < 0.03


def test_a_window_of_a_few_frames_has_no_region_that_leaves_nothing_to_make() -> None:
    for length in range(2, 8):
        known = drawn(length)
        assert not known[:, :length].all(1).any()
