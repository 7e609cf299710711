import numpy as np
import pretty_midi
import pytest
from written_midi import QUARTER, file_bytes, metre, note, tempo

from stemwright_platform.corpus.midi.midi_file import parse_midi
from stemwright_platform.corpus.midi.tempo_map import TempoMap


def map_of(*messages: tuple[int, bytes]) -> TempoMap:
    return TempoMap.of(parse_midi(file_bytes([*messages, *note(0, 1, 60)])))


def test_without_a_tempo_a_quarter_lasts_half_a_second() -> None:
    assert map_of().at([0, QUARTER]).tolist() == [0, 0.5]


def test_changes_of_tempo_add_up() -> None:
    tempi = map_of(tempo(0, 60), tempo(4, 120), tempo(6, 240))
    np.testing.assert_allclose(tempi.at(np.array([2, 4, 5, 6, 10]) * QUARTER), [2, 4, 4.5, 5, 6])


def test_times_are_those_of_pretty_midi(tmp_path: object) -> None:
    rng = np.random.default_rng(4)
    changes = [tempo(at, bpm) for at, bpm in zip(range(0, 40, 2), rng.uniform(50, 220, 20), strict=True)]
    path = f"{tmp_path}/a.mid"
    with open(path, "wb") as file:
        file.write(file_bytes(changes, note(0, 90, 60)))
    theirs = pretty_midi.PrettyMIDI(path)
    with open(path, "rb") as file:
        ours = TempoMap.of(parse_midi(file.read()))
    for tick in range(0, 80 * QUARTER, 53):
        assert ours.at(tick) == pytest.approx(theirs.tick_to_time(tick), abs=1e-6)


def test_the_tempo_is_weighted_by_how_long_it_lasts() -> None:
    tempi = map_of(tempo(0, 60), tempo(1, 120))
    # a second at 60, three at 120
    assert tempi.tempo_bpm(0, 7 * QUARTER) == pytest.approx((1 * 60 + 3 * 120) / 4, rel=1e-4)


@pytest.mark.parametrize(
    ("metres", "quarters"),
    [
        ((), [0, 4, 8]),
        ((metre(0, 3, 2),), [0, 3, 6, 9]),
        ((metre(0, 7, 3),), [0, 3.5, 7, 10.5]),
        ((metre(0, 4, 2), metre(8, 3, 2)), [0, 4, 8, 11]),
        ((metre(0, 4, 2), metre(6, 2, 2)), [0, 4, 6, 8, 10]),
        ((metre(4, 5, 2),), [0, 4, 9]),
    ],
)
def test_bars_begin_where_the_time_signatures_have_them(metres: tuple, quarters: list[float]) -> None:
    assert (map_of(*metres).bars(12 * QUARTER) / QUARTER).tolist() == quarters


def test_the_metre_of_a_moment_is_the_last_one_stated() -> None:
    tempi = map_of(metre(0, 3, 2), metre(6, 6, 3))
    assert [tempi.metre_at(tick * QUARTER) for tick in (0, 5, 6, 9)] == [(3, 4), (3, 4), (6, 8), (6, 8)]
