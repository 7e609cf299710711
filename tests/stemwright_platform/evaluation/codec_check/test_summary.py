import math
from dataclasses import replace

import pytest

from stemwright.metrics.round_trip import OCTAVES_HZ, RoundTrip
from stemwright_platform.evaluation.codec_check.check import StemCheck
from stemwright_platform.evaluation.codec_check.summary import ALL, speeds, summarise, table, verdicts

FIGURES = RoundTrip(
    mel_db=2.0, octaves_db=(0.0,) * len(OCTAVES_HZ), width_db=math.nan, onsets=1.0, pitch=0.99
)


def stem(song: str, track: str = "bass", codec: str = "conv", **figures: float) -> StemCheck:
    return StemCheck(
        codec=codec,
        song_id=song,
        track=track,
        figures=replace(FIGURES, **figures),  # pyright: ignore[reportArgumentType]
        encode_s=0.1,
        decode_s=0.2,
        duration_s=10.0,
    )


def test_means_are_by_track_and_over_all_and_leave_out_what_was_not_measured() -> None:
    stems = [stem("a", mel_db=1.0), stem("b", mel_db=3.0), stem("a", "drums", mel_db=5.0, pitch=math.nan)]
    found = summarise(stems)["conv"]
    assert {track: row["mel_db"].value for track, row in found.items()} == {"bass": 2, "drums": 5, ALL: 3}
    assert found[ALL]["pitch"].n == 2
    assert math.isnan(found["drums"]["pitch"].value)


def test_brightness_is_a_distance_so_that_brighter_and_duller_do_not_cancel_out() -> None:
    octaves = list(FIGURES.octaves_db)
    brighter, duller = (replace(FIGURES, octaves_db=(*octaves[:-1], gain)) for gain in (4.0, -4.0))
    stems = [replace(stem(song), figures=figures) for song, figures in (("a", brighter), ("b", duller))]
    found = summarise(stems)["conv"][ALL]
    assert found["treble_db"].value == 4
    assert found["8000-16000 Hz"].value == 0


@pytest.mark.parametrize(("figure", "missed"), [("mel_db", 3.1), ("pitch", 0.96)])
def test_a_target_that_is_missed_is_said(figure: str, missed: float) -> None:
    assert all(verdicts(summarise([stem("a")]))["conv"].values())
    assert "meets its targets" in table([stem("a")], {"conv": -100.0})
    stems = [replace(stem("a"), figures=replace(FIGURES, **{figure: missed}))]
    assert not verdicts(summarise(stems))["conv"][figure]
    assert f"misses the target of {figure}" in table(stems, {"conv": -100.0})


def test_the_table_has_a_line_for_each_codec_and_track_and_a_dash_for_no_figure() -> None:
    stems = [stem("a"), stem("a", "drums", pitch=math.nan), stem("a", codec="mdct")]
    lines = table(stems, {"conv": -100.0, "mdct": -math.inf}).splitlines()
    assert [line.split()[:2] for line in lines[1:6]] == [
        ["conv", "bass"], ["conv", "drums"], ["conv", ALL], ["mdct", "bass"], ["mdct", ALL],
    ]  # fmt: skip
    assert lines[2].split()[-2] == "-"
    assert speeds(stems)["conv"] == {"encode": pytest.approx(100), "decode": pytest.approx(50)}
