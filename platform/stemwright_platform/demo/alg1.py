"""Alg. 1 by HTTP: all tracks together, two of them kept, the others made anew to fit those."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel

from stemwright_platform.client import Client, Progress
from stemwright_platform.serving.schema import GenerationView

RECORD = "composition.json"
FIRST_ROUND, STEMS = "round_1", "stems"
"""Folders of the first round's takes and of the finished piece."""


class Composed(BaseModel):
    """What was asked for and what came."""

    prompt: str
    duration_s: float
    tracks: list[str]
    """In slot order."""
    rounds: list[GenerationView]
    """The joint generation, then the conditional one."""

    @property
    def kept(self) -> list[str]:
        """Tracks of the first round that the second fits."""
        return list(self.rounds[-1].request.given)

    def save(self, folder: Path) -> None:
        """Write the record beside the audio, whole or not at all."""
        temporary = folder / f".{RECORD}.tmp"
        temporary.write_text(self.model_dump_json(indent=1), encoding="utf-8")
        temporary.replace(folder / RECORD)

    @classmethod
    def load(cls, folder: Path) -> "Composed":
        """What `save` wrote."""
        return cls.model_validate_json((folder / RECORD).read_text(encoding="utf-8"))


def compose_by_algorithm_1(
    client: Client,
    folder: Path,
    *,
    prompt: str,
    duration_s: float,
    seed: int,
    on_progress: Callable[[float, str], None] = lambda share, what: None,
) -> Composed:
    """Compose a piece and write its audio: `round_1/TRACK.wav`, `stems/TRACK.wav`, each with `mix.wav`.

    The first half of the slots is kept (bass and drums). `on_progress` hears the share of all work done,
    0…1, and the stage. The record is saved last.
    """
    piece = client.create_composition(prompt, duration_s=duration_s, seed=seed)
    kept = piece.tracks[: max(1, len(piece.tracks) // 2)]
    rest = [track for track in piece.tracks if track not in kept]

    def tell(before: float) -> Callable[[Progress], None]:
        return lambda now: on_progress(before + now.progress / 2, now.stage)

    first = client.wait(client.generate(piece.id, piece.tracks).id, tell(0.0))
    takes = {take.track: take.id for take in first.takes}
    client.select(piece.id, takes)
    _download(client, folder / FIRST_ROUND, piece.id, takes, piece.tracks)
    client.select(piece.id, dict.fromkeys(rest))  # line 7 of Alg. 1: the others are let go
    second = client.wait(client.generate(piece.id, rest, kept).id, tell(0.5))
    takes |= {take.track: take.id for take in second.takes}
    client.select(piece.id, takes)
    _download(client, folder / STEMS, piece.id, takes, piece.tracks)
    composed = Composed(prompt=prompt, duration_s=duration_s, tracks=piece.tracks, rounds=[first, second])
    composed.save(folder)
    return composed


def _download(client: Client, folder: Path, piece: str, takes: dict[str, str], tracks: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for track in tracks:
        (folder / f"{track}.wav").write_bytes(client.take_audio(takes[track]))
    (folder / "mix.wav").write_bytes(client.mix(piece))
