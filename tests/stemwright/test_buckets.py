import numpy as np
import pytest

from stemwright.buckets import bucket, judging_length, window_frames

LENGTHS = (375, 750, 1500, 3000)


@pytest.mark.parametrize(
    ("window_s", "rate", "stride", "segment", "frames"),
    [
        (4.0, 150.0, 8, 1, 600),
        (1.0, 46.9, 8, 1, 48),
        (4.0, 150.0, 8, 150, 600),
        (2.1, 150.0, 8, 150, 300),  # no whole strides fit: the model pads
        (2.5, 150.0, 8, 150, 450),
        (5.0, 150.0, 8, 150, 750),  # whole strides would make it 4 s
        (20.0, 150.0, 8, 150, 3000),
        (0.1, 150.0, 8, 150, 150),
        (0.001, 150.0, 8, 1, 1),
    ],
)
def test_windows_are_whole_segments_and_whole_strides_where_they_fit(
    window_s: float, rate: float, stride: int, segment: int, frames: int
) -> None:
    assert window_frames(window_s, rate, stride, segment) == frames


def test_every_length_comes_equally_often_and_in_no_order() -> None:
    drawn = np.array([bucket(LENGTHS, 3, step) for step in range(4000)])
    for length in LENGTHS:
        assert abs((drawn == length).mean() - 0.25) < 3 * np.sqrt(0.25 * 0.75 / 4000)
    centred = drawn - drawn.mean()
    for lag in range(1, 9):
        correlation = (centred[:-lag] * centred[lag:]).sum() / (centred**2).sum()
        assert abs(correlation) < 3 / np.sqrt(4000)


def test_a_step_has_one_length_for_every_reader_and_another_seed_another() -> None:
    steps = range(200)
    assert [bucket(LENGTHS, 3, step) for step in steps] == [bucket(LENGTHS, 3, step) for step in steps]
    assert [bucket(LENGTHS, 3, step) for step in steps] != [bucket(LENGTHS, 4, step) for step in steps]


def test_models_are_judged_on_the_middle_length() -> None:
    assert judging_length(LENGTHS) == 1500
    assert judging_length((375, 750, 1500)) == 750
    assert judging_length((600,)) == 600
