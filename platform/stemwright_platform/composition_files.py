"""A composition as files: given stems in; stems, mix and a description out."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from stemwright.audio import read_audio, write_audio
from stemwright.compose import Composer, Request
from stemwright.errors import InputError
from stemwright.mixing import mix


def parse_files(
    option_name: str, options: Sequence[str], form: str = "TRACK=FILE, for example drums=loop.wav"
) -> dict[str, Path]:
    """`TRACK=FILE` options as a mapping; InputError for any other form or a name given twice."""
    files: dict[str, Path] = {}
    for option in options:
        track, equals, file = option.partition("=")
        if not equals or not track or not file:
            raise InputError(f"{option_name} {option}: write {form}")
        if track in files:
            raise InputError(f"{option_name} {option}: {track} is given twice")
        files[track] = Path(file)
    return files


def parse_region(text: str) -> tuple[float, float]:
    """Seconds as `START:END`; InputError for any other form."""
    start, colon, end = text.partition(":")
    try:
        if not colon:
            raise ValueError
        return float(start), float(end)
    except ValueError:
        raise InputError(f"--region {text}: write START:END in seconds, for example 4:8") from None


def read_stems(files: Mapping[str, Path], sample_rate_hz: int) -> dict[str, Tensor]:
    """The stems `[2, n]` of each track."""
    return {track: read_audio(file, sample_rate_hz) for track, file in files.items()}


def write_composition(
    out: Path,
    stems: Mapping[str, Tensor],
    request: Request,
    composer: Composer,
    files: Mapping[str, Path],
) -> None:
    """Write `TRACK.wav` for each stem, `mix.wav` and `composition.json` into `out`.

    `files`: where given tracks and takes to rewrite came from.
    """
    rate = composer.codec.sample_rate_hz
    out.mkdir(parents=True, exist_ok=True)
    for track, audio in stems.items():
        write_audio(out / f"{track}.wav", audio, rate)
    write_audio(out / "mix.wav", mix(stems.values()), rate)
    facts = {
        "prompt": request.prompt,
        "targets": request.task.targets,
        "given": {track: str(files[track]) for track in request.task.given},
        "rewritten": {track: str(files[track]) for track in request.task.targets if track in files},
        "mode": request.task.mode,
        "duration_s": request.duration_s,
        "region_s": request.region_s,
        "seed": request.seed,
        "model": composer.checkpoint.fingerprint,
        "sample_rate_hz": rate,
    }
    (out / "composition.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
