"""The sound of an evaluation, made clip by clip on any number of actors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from stemwright.compose import Composer
from stemwright.latent_dataset import LatentDataset
from stemwright.metrics.leakage import given_unchanged
from stemwright.tasks import Task
from stemwright_platform.corpus.manifest import read_manifest
from stemwright_platform.evaluation.clip import Clip
from stemwright_platform.evaluation.clip_folder import clip_folder, sound_file, write_clip
from stemwright_platform.evaluation.corpus_audio import CorpusAudio
from stemwright_platform.evaluation.systems import MODEL, SamplingChoice, System, Systems
from stemwright_platform.evaluation.task_name import JOINT, parse_task

GIVEN_CHANGE = "given_change"
"""Fact of a model's clip: track → the largest change of a given sample on its way through the model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where models and music lie; every node must see it."""

    model: str
    """Checkpoint folder."""
    data: str
    """Folder or URL of latents."""
    manifest: str | None = None
    """The manifest that the data was made from, for recordings."""
    codec_weights: str | None = None
    text_weights: str | None = None
    device: str = "cpu"
    """Of model and codec."""

    def open(self) -> tuple[Composer, CorpusAudio]:
        """InputError where something is missing or does not fit."""
        composer = Composer.load(
            self.model,
            codec_weights=self.codec_weights,
            text_weights=self.text_weights,
            device=self.device,
        )
        songs = {song.song_id: song for song in read_manifest(self.manifest)} if self.manifest else None
        return composer, CorpusAudio(LatentDataset(self.data), composer.coder, songs)


@dataclass(frozen=True, kw_only=True, slots=True)
class MakeItem:
    """A clip of one system."""

    system: System
    task: str
    """Task name; systems that hear nothing are asked for all tracks at once."""
    clip: Clip
    turn: int = 0
    """Another take of the same, by another seed."""

    def folder(self, out: Path) -> Path:
        name = self.clip.clip if not self.turn else f"{self.clip.clip}.take{self.turn + 1}"
        return clip_folder(out, self.system, self.task, name)


class Making:
    """What an actor does: an item → its folder, filled."""

    def __init__(
        self, source: Source, out: str, choice: SamplingChoice, pool: Sequence[Clip], seed: int
    ) -> None:
        self._composer, self._corpus = source.open()
        self._systems = Systems(self._composer, self._corpus, choice, pool, seed)
        self._out = Path(out)

    def __call__(self, item: MakeItem) -> None:
        folder = item.folder(self._out)
        if folder.exists():
            return
        task = self._task(item)
        stems = self._systems.stems(item.system, item.clip, task, item.turn)
        write_clip(
            folder,
            stems,
            self._corpus.sample_rate_hz,
            kept=self._kept(item, task),
            facts=self._facts(item, task, stems),
        )

    def _kept(self, item: MakeItem, task: Task) -> dict[str, Path]:
        """Files of the given tracks."""
        heard = clip_folder(self._out, heard_system(self._corpus), JOINT, item.clip.clip)
        paths = {name: sound_file(heard, name) for name in task.given if item.system == MODEL}
        return {name: path for name, path in paths.items() if path.exists()}

    def _task(self, item: MakeItem) -> Task:
        """The task, of the tracks that the song has."""
        tracks = self._composer.checkpoint.tracks
        task = parse_task(item.task, tracks)
        there = set(item.clip.tracks)
        return Task(task.targets, tuple(name for name in task.given if name in there), tracks=tracks)

    def _facts(self, item: MakeItem, task: Task, stems: dict[str, Tensor]) -> dict[str, Any]:
        if item.system != MODEL or not task.given:
            return {}
        heard = self._corpus.heard(item.clip)
        return {GIVEN_CHANGE: {name: given_unchanged(heard[name], stems[name]) for name in task.given}}


def heard_system(corpus: CorpusAudio) -> System:
    """Which system's files are what a model is given."""
    return "real" if corpus.has_recordings else "round_trip"
