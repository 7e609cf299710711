"""The listening page of a rendered corpus: players, waveforms, notes, and which part went where."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from stemwright.audio import read_audio
from stemwright.tracks import TRACKS
from stemwright_platform.corpus.midi.render_song import Performance, RenderOrder, perform
from stemwright_platform.corpus.midi.slots import DRUMS
from stemwright_platform.corpus.song_folder import read_record
from stemwright_platform.demo.pictures import RANGE_DB, spectrogram_uri, wave_path
from stemwright_platform.demo.report import MIX_COLOUR, lane_colour
from stemwright_platform.page_resource import page_resource
from stemwright_platform.time_left import duration_text

PAGE = "listen.html"
MIX = "mix"
SONGS_FOLDER = "songs"
PICTURE_RATE_HZ = 48_000
ROLL_COLUMNS, ROLL_ROWS = 960, 26
"""Pixels of a picture of notes; pitched slots show at least so many semitones."""
QUIET_NOTE, LOUD_NOTE = 0.45, 0.95
"""Brightness of the softest and the hardest note."""


def write_page(orders: Sequence[RenderOrder], out: str | Path, most: int = 10) -> Path:
    """Write the page of up to `most` songs beside their folder; returns its path.

    The songs are spread over the corpus, those with all tracks first.
    """
    out = Path(out)
    records = [read_record(out / SONGS_FOLDER / order.song_id) for order in orders]
    chosen = _spread(records, most)
    songs = [_drawn(orders[number], records[number], out) for number in chosen]
    page = out / PAGE
    temporary = out / f".{PAGE}.partial"
    temporary.write_text(_render(songs, records, orders), encoding="utf-8")
    temporary.replace(page)
    return page


def _render(
    songs: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]], orders: Sequence[RenderOrder]
) -> str:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    hours = sum(record["duration_s"] for record in records) / 3600
    facts = {
        "songs": f"{len(records):,}",
        "length": f"{hours:.2f} h",
        "tracks": "48 kHz stereo FLAC",
        "sound fonts": ", ".join(path.name for path, _ in orders[0].fonts),
        "source": records[0]["source"],
        "licence": records[0]["licence"],
    }
    template = environment.from_string(page_resource("corpus.midi", "listening_page.html.j2"))
    return template.render(
        songs=songs,
        facts=facts,
        style=Markup(
            page_resource("demo", "report.css") + page_resource("corpus.midi", "listening_page.css")
        ),
        script=Markup(page_resource("demo", "report.js")),
        colours={name: lane_colour(name, TRACKS.names) for name in TRACKS.names},
    )


def _spread(records: Sequence[Mapping[str, Any]], most: int) -> list[int]:
    """Numbers of up to `most` songs, evenly spread, ascending."""
    whole = [number for number, record in enumerate(records) if not record["silent_tracks"]]
    pool = whole if len(whole) >= most else range(len(records))
    places = np.linspace(0, len(pool) - 1, min(most, len(pool)))
    return [pool[round(place)] for place in places]


def _drawn(order: RenderOrder, record: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """A song with its pictures, waveforms all at one scale."""
    home = out / SONGS_FOLDER / order.song_id
    names = [*(name for name in TRACKS.names if name in record["tracks"]), MIX]
    audio = {name: read_audio(home / f"{name}.flac", PICTURE_RATE_HZ) for name in names}
    peak = max(float(stem.abs().max()) for stem in audio.values())
    rolls = _rolls(perform(order), record["duration_s"])
    lanes = [
        {
            "name": name,
            "colour": MIX_COLOUR if name == MIX else lane_colour(name, TRACKS.names),
            "source": quote((home / f"{name}.flac").relative_to(out).as_posix()),
            "wave": wave_path(audio[name], peak),
            "roll": rolls.get(name),
            "instruments": _instruments(record, name),
        }
        for name in names
    ]
    return {
        "id": order.song_id,
        "lanes": lanes,
        "duration_s": record["duration_s"],
        "facts": _facts(record),
        "silent": record["silent_tracks"],
        "parts": sorted(record["parts"], key=lambda part: TRACKS.names.index(part["slot"])),
    }


def _facts(record: Mapping[str, Any]) -> dict[str, str]:
    how = record["variant"]
    facts = {
        "tempo": f"{record['tempo_bpm']:.1f} bpm" if record["tempo_bpm"] else "unknown",
        "key": record["key"] or "none found",
        "length": duration_text(record["duration_s"]),
        "bars": str(len(record["downbeats_s"])),
        "sound font": how["soundfont"],
        "split": record["split"],
    }
    if record["keywords"]:
        facts["metre"] = ", ".join(record["keywords"])
    if how["number"]:
        facts["variant"] = _variant_text(how)
    return facts


def _variant_text(how: Mapping[str, Any]) -> str:
    pieces = [f"{how['semitones']:+d} semitones".replace("-", "−"), f"tempo × {how['rate']:.2f}"]
    pieces += [f"{new} for {old}" for old, new in how["replaced"].items()]
    return ", ".join(pieces)


def _instruments(record: Mapping[str, Any], slot: str) -> str:
    names = dict.fromkeys(part["program"] for part in record["parts"] if part["slot"] == slot)
    return ", ".join(names)


def _rolls(song: Performance, duration_s: float) -> dict[str, str]:
    """Slot → a picture of its notes over time."""
    rolls: dict[str, str] = {}
    for slot in {assignment.slot for assignment in song.parts}:
        notes = [
            (start, end, pitch, velocity)
            for assignment in song.parts
            if assignment.slot == slot
            for start, end, pitch, velocity in zip(
                assignment.part.notes.start_s,
                assignment.part.notes.end_s,
                assignment.part.notes.pitch,
                assignment.part.notes.velocity,
                strict=True,
            )
        ]
        rolls[slot] = spectrogram_uri(
            _roll(notes, duration_s, slot == DRUMS), 0.0, lane_colour(slot, TRACKS.names)
        )
    return rolls


def _roll(
    notes: Sequence[tuple[float, float, int, int]], duration_s: float, is_drum: bool
) -> NDArray[np.float32]:
    """Brightness of notes in dB under white, low pitches first; each drum has a row of its own."""
    pitches = sorted({pitch for _, _, pitch, _ in notes})
    if is_drum:
        places = {pitch: place for place, pitch in enumerate(pitches)}
        rows = len(pitches)
    else:
        rows = max(ROLL_ROWS, pitches[-1] - pitches[0] + 3)
        lowest = (pitches[0] + pitches[-1] - rows) // 2 + 1
        places = {pitch: pitch - lowest for pitch in pitches}
    roll = np.zeros((rows, ROLL_COLUMNS), np.float32)
    for start, end, pitch, velocity in notes:
        first = int(start / duration_s * ROLL_COLUMNS)
        last = max(first + 1, int(end / duration_s * ROLL_COLUMNS) - (end - start > 0.1))
        bright = QUIET_NOTE + (LOUD_NOTE - QUIET_NOTE) * velocity / 127
        np.maximum(roll[places[pitch], first:last], bright, out=roll[places[pitch], first:last])
    return np.repeat((roll - 1) * RANGE_DB, max(1, 88 // rows), axis=0)
