from collections.abc import Callable
from pathlib import Path

import pytest

from stemwright.errors import InputError
from stemwright_platform.corpus.importers.midi_time import MidiTime, read_midi_time

MidiWriter = Callable[..., Path]


def test_tempo_and_bars_are_read_where_the_file_states_them(tmp_path: Path, write_midi: MidiWriter) -> None:
    time = read_midi_time(write_midi(tmp_path / "a.mid", tempo_bpm=80, metre=(4, 4)))
    assert time.tempo_bpm == pytest.approx(80, abs=0.01)
    assert time.downbeats_s == pytest.approx((0.0, 3.0), abs=1e-3)


def test_the_formats_defaults_and_impossible_tempi_are_not_believed(
    tmp_path: Path, write_midi: MidiWriter
) -> None:
    assert read_midi_time(write_midi(tmp_path / "a.mid", metre=(4, 4))) == MidiTime()
    assert read_midi_time(write_midi(tmp_path / "b.mid", tempo_bpm=2000, metre=(4, 4))) == MidiTime()
    assert read_midi_time(write_midi(tmp_path / "c.mid", tempo_bpm=80)).downbeats_s == ()


def test_what_is_no_midi_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"text")
    with pytest.raises(InputError, match=r"a\.mid"):
        read_midi_time(tmp_path / "a.mid")
