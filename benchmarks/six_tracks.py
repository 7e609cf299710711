"""Six tracks trained for real: the demo corpus with its drums in three, beside the same songs in four.

    python benchmarks/six_tracks.py --corpus data/demo --soundfont FONT.sf3 --out runs/six

Kick, snare and the rest of the percussion are rendered anew from each song's MIDI; the other stems are the
corpus's. Both corpora are imported, encoded and trained with the commands a user would give, presets six and
demo, for as many steps. What counts is the held-out error over that of the trivial guess, which is 1 where
nothing is known. Writes benchmarks/results/six_tracks.md. Goes on where it was interrupted.
"""

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import symusic
from command import stemwright
from machine import RESULTS, hardware, table
from numpy.typing import NDArray
from tqdm import tqdm

from stemwright.run_folder import RunFolder
from stemwright.training_log import read_log
from stemwright_platform.corpus.synthesis.sound_font import SAMPLE_RATE_HZ, SoundFont

PITCHES = {"kick": {35, 36}, "snare": {37, 38, 39, 40}}
"""Of General MIDI's percussion; all else is the third track's."""
TRACKS = ("bass", "kick", "snare", "percussion", "instrument", "melody")
PEAK = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="what `stemwright corpus demo` wrote")
    parser.add_argument("--soundfont", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=60)
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()
    out: Path = arguments.out
    part_drums(arguments.corpus, out / "songs", arguments.soundfont, arguments.songs)
    (out / "slots.yaml").write_text(
        "tracks: ["
        + ", ".join(TRACKS)
        + "]\nrules:\n"
        + "".join(f"  - {{slot: {t}, name: {t}}}\n" for t in TRACKS)
    )
    rows = []
    for preset, slots in (("six", ["--slots", str(out / "slots.yaml")]), ("demo", [])):
        rows.append(trained(preset, slots, out, arguments.steps))
    heads = ("preset", *(f"{count} targets" for count in range(1, 7)), "all")
    text = (
        f"# Six tracks\n\n{hardware()}. {arguments.songs} songs, {arguments.steps} steps of 16 windows.\n\n"
    )
    text += table(heads, rows)
    print(text)
    (RESULTS / "six_tracks.md").write_text(text)


def part_drums(corpus: Path, out: Path, soundfont: Path, songs: int) -> None:
    """A folder a song, with seven stems: those of the corpus and the three that its drums are made of."""
    font = SoundFont(soundfont)
    for song in tqdm(sorted((corpus / "songs").iterdir())[:songs], desc="parting drums"):
        folder = out / song.name
        if (folder / "metadata.json").is_file():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        frames = soundfile.info(song / "drums.flac").frames if (song / "drums.flac").is_file() else 0
        for name, audio in drum_parts(song / "song.mid", font, frames).items():
            soundfile.write(folder / f"{name}.flac", audio.T, SAMPLE_RATE_HZ)
        for stem in ("bass", "drums", "instrument", "melody"):
            if (song / f"{stem}.flac").is_file():
                os.link(song / f"{stem}.flac", folder / f"{stem}.flac")
        (folder / "metadata.json").write_text((song / "metadata.json").read_text())


def drum_parts(midi: Path, font: SoundFont, frames: int) -> Mapping[str, NDArray[np.float32]]:
    """float32 `[2, frames]` of each part that the song has."""
    found: dict[str, NDArray[np.float32]] = {}
    score: Any = symusic.Score(midi)  # Any: symusic's stubs give the union of its three units of time
    for track in score.to("second").tracks:
        for note in track.notes if track.is_drum else ():
            name = next((name for name, own in PITCHES.items() if note.pitch in own), "percussion")
            audio = found.setdefault(name, np.zeros((2, frames), np.float32))
            sound = font.note(track.program, True, note.pitch, note.velocity, note.duration)
            start = round(note.start * SAMPLE_RATE_HZ)
            end = min(start + sound.shape[1], frames)
            audio[:, start:end] += sound[:, : end - start] * np.float32((note.velocity / 127) ** 2)
    return {name: audio * np.float32(PEAK / np.abs(audio).max()) for name, audio in found.items()}


def trained(preset: str, slots: list[str], out: Path, steps: int) -> list[object]:
    """The ratios of a run by number of targets."""
    manifest, latents, run = (str(out / f"{preset}{end}") for end in (".parquet", "-latents", "-run"))
    if not Path(manifest).is_file():
        stemwright("corpus", "import", "folders", str(out / "songs"), "--out", manifest, *slots)
    stemwright("prepare", "--manifest", manifest, "--out", latents, "--codec", "conv")
    store = f"sqlite:///{out}/mlflow.db"
    length = ["--steps", str(steps), "--checkpoint-every", str(max(steps // 6, 1)), "--listen-every", "0"]
    stemwright("train", "--preset", preset, "--data", latents, "--out", run, "--tracking-uri", store, *length)
    last = read_log(RunFolder(Path(run)).validation)[-1]
    by_targets = [last["ratio_by_targets"].get(str(count)) for count in range(1, 7)]
    return [preset, *(f"{value:.3f}" if value else "–" for value in by_targets), f"{last['ratio']:.3f}"]


if __name__ == "__main__":
    main()
